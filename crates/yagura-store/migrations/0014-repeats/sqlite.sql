-- Requests that programs sent with a key of their choice, so that one sent twice is done once. The
-- twin of postgres.sql. Times are microseconds since 1970 (UTC).

-- person: who sent it; digest: of the request; status, body: what was answered, packed.
CREATE TABLE repeats (
  person TEXT NOT NULL,
  key TEXT NOT NULL,
  digest BLOB NOT NULL,
  status BIGINT NOT NULL,
  body BLOB NOT NULL,
  kept_us BIGINT NOT NULL,
  PRIMARY KEY (person, key)
) WITHOUT ROWID;
CREATE INDEX repeats_by_time ON repeats (kept_us);
