-- Alerts that judging logs raised, and what detectors remember. The twin of postgres.sql.
-- Times are microseconds since 1970 (UTC).

-- One row per alert. id: the 16 bytes of its identity; severity: 0 informational to 4 critical;
-- suppressed_until_us: NULL where nobody suppressed it; shadow: raised and told to nobody;
-- raised_us: when it was first kept; changed_us: when it last grew; document: the alert whole.
CREATE TABLE alerts (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id BLOB NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  content TEXT NOT NULL,
  severity BIGINT NOT NULL,
  entity_kind TEXT NOT NULL,
  entity TEXT NOT NULL,
  first_us BIGINT NOT NULL,
  last_us BIGINT NOT NULL,
  event_count BIGINT NOT NULL,
  suppressed_until_us BIGINT,
  suppressed_by TEXT,
  suppressed_reason TEXT,
  shadow BIGINT NOT NULL,
  raised_us BIGINT NOT NULL,
  changed_us BIGINT NOT NULL,
  document BLOB NOT NULL
);
CREATE INDEX alerts_by_time ON alerts (last_us, number);

-- By what alerts are looked up. kind: account, actor, resource, address, instance, other.
CREATE TABLE alert_marks (
  kind TEXT NOT NULL,
  value TEXT NOT NULL,
  alert BIGINT NOT NULL,
  PRIMARY KEY (kind, value, alert)
) WITHOUT ROWID;

-- What a detector remembers between runs. revision: grows by one with each change, so that a
-- writer that has read an older one notices.
CREATE TABLE detector_states (
  name TEXT NOT NULL PRIMARY KEY,
  revision BIGINT NOT NULL,
  saved_us BIGINT NOT NULL,
  state BLOB NOT NULL
) WITHOUT ROWID;
