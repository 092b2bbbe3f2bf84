-- Secrets under envelope encryption. The twin of sqlite.sql.
-- Times are microseconds since 1970 (UTC).

-- One row per secret. version: grows by one each time it is set; master: which master key wraps
-- the data key; wrapped_key: the data key, wrapped; sealed: the secret under the data key. Both
-- are bound to name and version: see secrets/envelope.rs.
CREATE TABLE secrets (
  name TEXT NOT NULL PRIMARY KEY,
  version BIGINT NOT NULL,
  master TEXT NOT NULL,
  wrapped_key BYTEA NOT NULL,
  sealed BYTEA NOT NULL,
  set_us BIGINT NOT NULL,
  wrapped_us BIGINT NOT NULL
);
