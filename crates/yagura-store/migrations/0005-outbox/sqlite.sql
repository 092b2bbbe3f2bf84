-- The outbox: what is to be told to whom, what became of it, and the proof. The twin of
-- postgres.sql. Times are microseconds since 1970 (UTC).

-- How far the history of findings has been routed.
CREATE TABLE outbox_cursors (
  name TEXT NOT NULL PRIMARY KEY,
  number BIGINT NOT NULL
) WITHOUT ROWID;

-- One row per message. kind: finding, digest, storm, storm_summary; finding: of a message about
-- one finding, its id; batch: what gathers in one message until it is sent; storm: the row whose
-- tally it tells; state: waiting, delivered, dead (given up), skipped (nothing to tell there);
-- due_us: when it is (next) to be sent; lease_until_us: who took it has it until then; tally: how
-- many findings of which kinds, as JSON; detail: the last answer, or why it was given up.
CREATE TABLE outbox_messages (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  target TEXT NOT NULL,
  route TEXT NOT NULL,
  kind TEXT NOT NULL,
  finding TEXT,
  batch TEXT,
  storm BIGINT,
  state TEXT NOT NULL,
  made_us BIGINT NOT NULL,
  due_us BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  lease_until_us BIGINT NOT NULL,
  holder TEXT,
  settled_us BIGINT,
  items BIGINT NOT NULL,
  tally BLOB,
  detail TEXT
);
CREATE INDEX outbox_messages_due ON outbox_messages (target, due_us, number)
  WHERE state = 'waiting';
CREATE INDEX outbox_messages_finding ON outbox_messages (target, finding, number)
  WHERE state = 'waiting' AND finding IS NOT NULL;
CREATE UNIQUE INDEX outbox_messages_batch ON outbox_messages (target, batch)
  WHERE state = 'waiting' AND attempts = 0 AND batch IS NOT NULL;
CREATE INDEX outbox_messages_settled ON outbox_messages (state, settled_us);

-- What a message tells: one row per target, finding and entry of its history, once for ever.
-- document: what is told of it, as JSON; NULL where only its number is told.
CREATE TABLE outbox_items (
  target TEXT NOT NULL,
  finding TEXT NOT NULL,
  entry BIGINT NOT NULL,
  message BIGINT NOT NULL,
  change TEXT NOT NULL,
  severity BIGINT NOT NULL,
  document BLOB,
  PRIMARY KEY (target, finding, entry)
) WITHOUT ROWID;
CREATE INDEX outbox_items_of ON outbox_items (message);
CREATE INDEX outbox_items_finding ON outbox_items (finding, entry);

-- What is open at a target: a thread, an incident, a ticket.
CREATE TABLE outbox_threads (
  target TEXT NOT NULL,
  finding TEXT NOT NULL,
  key TEXT NOT NULL,
  url TEXT NOT NULL,
  opened_us BIGINT NOT NULL,
  closed_us BIGINT,
  PRIMARY KEY (target, finding)
) WITHOUT ROWID;

-- How much a target takes. next_us: when the bucket of its rate would be full again (a generic
-- cell rate algorithm needs nothing else); held_us: it asked to be left alone until then.
CREATE TABLE outbox_targets (
  target TEXT NOT NULL PRIMARY KEY,
  next_us BIGINT NOT NULL,
  held_us BIGINT NOT NULL
) WITHOUT ROWID;

-- How many messages came for a target lately. lane: critical findings are counted apart, so that
-- no flood of others hides them; storm: the message that will sum up what is held back, if any.
CREATE TABLE outbox_lanes (
  target TEXT NOT NULL,
  lane TEXT NOT NULL,
  began_us BIGINT NOT NULL,
  span_us BIGINT NOT NULL,
  came BIGINT NOT NULL,
  storm BIGINT,
  PRIMARY KEY (target, lane)
) WITHOUT ROWID;

-- Every attempt to deliver and what came of it. outcome: delivered, retry, refused, skipped.
CREATE TABLE outbox_deliveries (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  message BIGINT,
  target TEXT NOT NULL,
  kind TEXT NOT NULL,
  at_us BIGINT NOT NULL,
  attempt BIGINT NOT NULL,
  outcome TEXT NOT NULL,
  status BIGINT,
  detail TEXT NOT NULL
);
CREATE INDEX outbox_deliveries_message ON outbox_deliveries (message);
CREATE INDEX outbox_deliveries_time ON outbox_deliveries (at_us);

-- Critical findings that came up, and that somebody therefore must be told of: one row per entry of
-- their history. Whether somebody was, items and messages tell.
CREATE TABLE outbox_owed (
  entry BIGINT NOT NULL PRIMARY KEY,
  finding TEXT NOT NULL,
  at_us BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX outbox_owed_time ON outbox_owed (at_us);
