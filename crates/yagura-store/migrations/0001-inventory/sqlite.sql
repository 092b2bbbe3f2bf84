-- Inventory with history, coverage and verdicts. The twin of postgres.sql: same tables, same
-- columns, same order. Times are microseconds since 1970 (UTC); truth values are 0 and 1.
-- No foreign keys: every write runs under one writer lock in one transaction per batch.

CREATE TABLE accounts (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  ou TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE scans (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  started_us BIGINT NOT NULL,
  finished_us BIGINT,
  state TEXT NOT NULL,
  full_read BIGINT NOT NULL,
  imported BIGINT NOT NULL,
  pruned BIGINT NOT NULL,
  resource_count BIGINT NOT NULL,
  scope TEXT NOT NULL
);

-- Interned triples: where resources of a type live.
CREATE TABLE places (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  type TEXT NOT NULL,
  account TEXT NOT NULL,
  region TEXT NOT NULL,
  UNIQUE (type, account, region)
);

-- Interned control ids.
CREATE TABLE controls (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE
);

-- Interned small documents: what was unread and what was seen of it; what decided a verdict.
CREATE TABLE details (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  digest BLOB NOT NULL UNIQUE,
  body BLOB NOT NULL
);

-- One row per key ever heard of. version_id is NULL where only a verdict named the key.
CREATE TABLE resources (
  id INTEGER PRIMARY KEY,
  key_digest BLOB NOT NULL UNIQUE,
  key TEXT NOT NULL,
  name TEXT NOT NULL,
  place_id BIGINT NOT NULL,
  version_id BIGINT,
  alive BIGINT NOT NULL,
  seen_us BIGINT NOT NULL,
  seen_scan_id BIGINT NOT NULL,
  seen_digest BLOB,
  mask_id BIGINT,
  known_mask_id BIGINT
);
CREATE INDEX resources_by_place ON resources (place_id);

-- last_seen_us is NULL for a resource's newest version (its row in resources says when).
-- detached: seen by a scan that was older than the newest sighting; not part of the timeline.
CREATE TABLE versions (
  id INTEGER PRIMARY KEY,
  resource_id BIGINT NOT NULL,
  number BIGINT NOT NULL,
  first_scan_id BIGINT NOT NULL,
  first_seen_us BIGINT NOT NULL,
  last_seen_us BIGINT,
  deleted BIGINT NOT NULL,
  detached BIGINT NOT NULL,
  runtime_only BIGINT NOT NULL,
  gaps TEXT,
  document BLOB
);
CREATE INDEX versions_by_resource ON versions (resource_id, number);

-- What was unknown about a version since when (NULL: nothing).
CREATE TABLE knowledge (
  version_id BIGINT NOT NULL,
  since_us BIGINT NOT NULL,
  mask_id BIGINT,
  PRIMARY KEY (version_id, since_us)
) WITHOUT ROWID;

-- What each scan saw.
CREATE TABLE sightings (
  scan_id BIGINT NOT NULL,
  place_id BIGINT NOT NULL,
  resource_id BIGINT NOT NULL,
  version_id BIGINT NOT NULL,
  mask_id BIGINT,
  PRIMARY KEY (scan_id, place_id, resource_id)
) WITHOUT ROWID;

CREATE TABLE coverage (
  scan_id BIGINT NOT NULL,
  place_id BIGINT NOT NULL,
  resource_count BIGINT NOT NULL,
  state TEXT NOT NULL,
  PRIMARY KEY (scan_id, place_id)
) WITHOUT ROWID;

-- Fails and unknowns, one row each.
CREATE TABLE verdicts (
  scan_id BIGINT NOT NULL,
  control_id BIGINT NOT NULL,
  resource_id BIGINT NOT NULL,
  place_id BIGINT NOT NULL,
  status TEXT NOT NULL,
  severity TEXT NOT NULL,
  detail_id BIGINT NOT NULL,
  PRIMARY KEY (scan_id, control_id, resource_id)
) WITHOUT ROWID;

-- Passes and not-applicables: runs of resource ids, as differences in variable-length integers.
CREATE TABLE verdict_runs (
  scan_id BIGINT NOT NULL,
  control_id BIGINT NOT NULL,
  place_id BIGINT NOT NULL,
  status TEXT NOT NULL,
  number BIGINT NOT NULL,
  severity TEXT NOT NULL,
  member_count BIGINT NOT NULL,
  members BLOB NOT NULL,
  PRIMARY KEY (scan_id, control_id, place_id, status, number)
) WITHOUT ROWID;

-- Counts that stay after a scan's verdicts were pruned.
CREATE TABLE verdict_counts (
  scan_id BIGINT NOT NULL,
  control_id BIGINT NOT NULL,
  account TEXT NOT NULL,
  status TEXT NOT NULL,
  severity TEXT NOT NULL,
  verdict_count BIGINT NOT NULL,
  PRIMARY KEY (scan_id, control_id, account, status, severity)
) WITHOUT ROWID;
