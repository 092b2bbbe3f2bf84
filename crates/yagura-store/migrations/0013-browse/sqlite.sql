-- What resources are looked up by. The twin of postgres.sql. src/resources/browse.rs
-- says how they are listed.

-- One row per resource: name, key, native id and tags of its newest living version, in small
-- letters, a line each. See src/resources/texts.rs.
CREATE TABLE resource_texts (
  resource_id INTEGER PRIMARY KEY,
  text TEXT NOT NULL
);

-- By what resources name one another. digest: 16 bytes over a native id or an ARN; kind: 0 the
-- resource's own id, 1 what a relation of it points at. Rows are only added: whoever reads one
-- looks whether the resource still says so.
CREATE TABLE resource_links (
  digest BLOB NOT NULL,
  kind BIGINT NOT NULL,
  resource_id BIGINT NOT NULL,
  PRIMARY KEY (digest, kind, resource_id)
) WITHOUT ROWID;

CREATE INDEX resources_by_name ON resources (name, id);
CREATE INDEX resources_counted ON resources (place_id, alive) WHERE version_id IS NOT NULL;
CREATE INDEX verdicts_by_status ON verdicts (scan_id, status, resource_id);
