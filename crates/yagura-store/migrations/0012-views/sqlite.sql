-- What people keep of questions to findings, and how well frameworks were met in each scan. The
-- twin of postgres.sql. Times are microseconds since 1970 (UTC).

-- A question to findings that somebody named. owner: the person's name; shared: 1 where everybody
-- sees it; query: the question as the address of the page has it, without the question mark.
CREATE TABLE finding_views (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  shared BIGINT NOT NULL,
  query TEXT NOT NULL,
  changed_us BIGINT NOT NULL,
  UNIQUE (owner, name)
);
CREATE INDEX finding_views_by_shared ON finding_views (shared, name);

-- How well a framework was met in a scan. states, counts: JSON; requirements: packed JSON, the
-- state of each; document: packed JSON, everything, NULL once the scan is pruned;
-- requirement_count, left_out: requirements, and those whose controls the scan left out.
CREATE TABLE scan_scores (
  scan_id BIGINT NOT NULL,
  framework TEXT NOT NULL,
  account_count BIGINT NOT NULL,
  requirement_count BIGINT NOT NULL,
  left_out BIGINT NOT NULL,
  states TEXT NOT NULL,
  counts TEXT NOT NULL,
  requirements BLOB NOT NULL,
  document BLOB,
  PRIMARY KEY (scan_id, framework)
) WITHOUT ROWID;
CREATE INDEX scan_scores_by_framework ON scan_scores (framework, scan_id);
