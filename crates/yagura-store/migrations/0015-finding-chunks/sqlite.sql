-- Which chunks of findings there are. The twin of postgres.sql.

-- version: another one after every change of the chunk's columns, so that whoever keeps them in
-- memory knows whether they still hold without reading them.
CREATE TABLE finding_chunks (
  chunk BIGINT NOT NULL PRIMARY KEY,
  version BIGINT NOT NULL
) WITHOUT ROWID;
INSERT INTO finding_chunks (chunk, version)
  SELECT chunk, 0 FROM finding_columns WHERE kind = 1;
