-- What is remembered of findings of other products: where they were read and up to when, which of
-- them make up a finding of ours, and what of ours was told to others. The twin of postgres.sql.
-- Times are microseconds since 1970 (UTC).

-- Where findings are read: a product in an account and region, a file's product and account.
-- cursor_us: the latest change that was read; whole_us: when everything was last read or listed;
-- both NULL before. run: grows with each reading.
CREATE TABLE import_scopes (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  cursor_us BIGINT,
  whole_us BIGINT,
  run BIGINT NOT NULL
);

-- One row per finding of another product in a scope. original: 16 bytes for product and name;
-- finding: the 16 bytes of our finding that it is part of; hash: changes when it does; active: 0
-- where it is over; run: the last reading that saw it.
CREATE TABLE import_members (
  scope BIGINT NOT NULL,
  original BLOB NOT NULL,
  finding BLOB NOT NULL,
  hash BLOB NOT NULL,
  active BIGINT NOT NULL,
  run BIGINT NOT NULL,
  PRIMARY KEY (scope, original)
) WITHOUT ROWID;
CREATE INDEX import_members_by_original ON import_members (original);
CREATE INDEX import_members_by_finding ON import_members (finding, active);
CREATE INDEX import_members_by_run ON import_members (scope, run);

-- What of ours was told to another place. hash: what was told; open: 0 where it was told as over.
CREATE TABLE pushed_findings (
  target TEXT NOT NULL,
  finding BLOB NOT NULL,
  hash BLOB NOT NULL,
  open BIGINT NOT NULL,
  pushed_us BIGINT NOT NULL,
  PRIMARY KEY (target, finding)
) WITHOUT ROWID;
