-- Findings with their life and its history. The twin of postgres.sql.
-- Times are microseconds since 1970 (UTC). docs/internals/findings.md says why it is laid out so.

-- Names that columns hold by code. dimension: see src/findings/names.rs; code 0 is the empty name.
CREATE TABLE finding_names (
  dimension BIGINT NOT NULL,
  code BIGINT NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (dimension, code)
) WITHOUT ROWID;
CREATE UNIQUE INDEX finding_names_by_name ON finding_names (dimension, name);

-- One row per finding. number: its place in columns and terms, never used again; id: the 16 bytes
-- of its identity; account_code: whose it is; digest: over its latest observation without times;
-- document: the finding whole, but what columns hold of its times counts.
CREATE TABLE findings (
  number INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE,
  account_code BIGINT NOT NULL,
  key TEXT NOT NULL,
  sub_key TEXT NOT NULL,
  digest BLOB NOT NULL,
  document BLOB NOT NULL
);

-- What happened to findings, by whom and when: only ever added to. number: grows; a reader that
-- has seen one has seen all before it, because one writer at a time numbers and commits.
CREATE TABLE finding_history (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  finding BLOB NOT NULL,
  account_code BIGINT NOT NULL,
  at_us BIGINT NOT NULL,
  actor_kind TEXT NOT NULL,
  actor TEXT NOT NULL,
  change TEXT NOT NULL
);
CREATE INDEX finding_history_by_finding ON finding_history (finding, number);

-- One value of each of 4,096 findings, those with the numbers chunk * 4096 and on. kind: see
-- src/findings/column.rs, which also says how data is written.
CREATE TABLE finding_columns (
  kind BIGINT NOT NULL,
  chunk BIGINT NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (kind, chunk)
);

-- Which findings of a chunk have a term: a letter, two letters, or a digest of a mark.
CREATE TABLE finding_terms (
  chunk BIGINT NOT NULL,
  term BLOB NOT NULL,
  members BLOB NOT NULL,
  PRIMARY KEY (chunk, term)
) WITHOUT ROWID;

-- The next number of a finding.
CREATE TABLE finding_numbers (
  name TEXT NOT NULL PRIMARY KEY,
  value BIGINT NOT NULL
) WITHOUT ROWID;

-- How many findings retention took away, by the day (UTC) as of which they were resolved.
CREATE TABLE findings_forgotten (
  day TEXT NOT NULL,
  account_code BIGINT NOT NULL,
  finding_count BIGINT NOT NULL,
  PRIMARY KEY (day, account_code)
) WITHOUT ROWID;
