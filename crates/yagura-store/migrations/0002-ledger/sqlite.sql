-- The ledger of log objects: what was listed, and what became of each. The twin of postgres.sql.
-- Times are microseconds since 1970 (UTC). Counts of listings and states of objects are kept
-- apart, so that the balance (listed = ingested + quarantined + duplicate + pending) can fail.

-- Interned names of feeds: a folder, a bucket with a prefix, a queue.
CREATE TABLE feeds (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE
);

-- One row per listing. kind: full, recent, announced (by a queue), moved (to or from another
-- feed; added_count may then be negative), recovered (from the lake's own record).
CREATE TABLE listings (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  feed_id BIGINT NOT NULL,
  kind TEXT NOT NULL,
  started_us BIGINT NOT NULL,
  finished_us BIGINT,
  seen_count BIGINT NOT NULL,
  added_count BIGINT NOT NULL,
  failure TEXT
);
CREATE INDEX listings_by_feed ON listings (feed_id, kind, started_us);

-- One row per content of a place. identity: 16 bytes over location and etag; place: 16 bytes over
-- the location; version: empty where nobody told it; key: NULL where it is the last key_bytes
-- bytes of the location; content: SHA-256 of the stored bytes, once they were read.
-- available_us: of a claimed object when its lease ends.
CREATE TABLE log_objects (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  identity BLOB NOT NULL,
  version TEXT NOT NULL,
  place BLOB NOT NULL,
  feed_id BIGINT NOT NULL,
  location TEXT NOT NULL,
  key_bytes BIGINT NOT NULL,
  key TEXT,
  etag TEXT,
  size_bytes BIGINT NOT NULL,
  modified_us BIGINT,
  state TEXT NOT NULL,
  source TEXT,
  claimed_by TEXT,
  available_us BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  row_count BIGINT NOT NULL,
  repeat_count BIGINT NOT NULL,
  bad_count BIGINT NOT NULL,
  commit_number BIGINT,
  duplicate_of BIGINT,
  content BLOB,
  reason TEXT,
  detail TEXT,
  integrity TEXT,
  integrity_us BIGINT,
  listed_us BIGINT NOT NULL,
  settled_us BIGINT,
  UNIQUE (identity, version)
);
CREATE INDEX log_objects_by_place ON log_objects (place);
CREATE INDEX log_objects_pending ON log_objects (feed_id, id) WHERE state = 'pending';
CREATE INDEX log_objects_claimed ON log_objects (claimed_by) WHERE claimed_by IS NOT NULL;

-- Up to which commit of a lake the ledger has taken note of everything.
CREATE TABLE lakes (
  name TEXT NOT NULL PRIMARY KEY,
  commit_number BIGINT NOT NULL
) WITHOUT ROWID;
