-- Jobs of the daemon: what waits and runs, what ran, which ticks of schedules became jobs, which
-- workers live. The twin of postgres.sql.
-- Times are microseconds since 1970 (UTC).

-- One row per job that waits or runs. key: of one kind, a key is there once; payload: JSON;
-- holder: the worker, NULL while it waits; lease_until_us: when others may take it over;
-- again_us: asked for once more while it ran, due then; cancelled: the holder is asked to stop;
-- attempts: how often it was begun and neither done nor handed back.
CREATE TABLE jobs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  payload TEXT NOT NULL,
  due_us BIGINT NOT NULL,
  created_us BIGINT NOT NULL,
  started_us BIGINT,
  holder TEXT,
  lease_until_us BIGINT,
  attempts BIGINT NOT NULL,
  again_us BIGINT,
  cancelled BIGINT NOT NULL,
  last_error TEXT,
  UNIQUE (kind, key)
);
CREATE INDEX jobs_by_due ON jobs (due_us, id);

-- One row per run that ended. outcome: done, failed, cancelled, handed_back, lost; result: one
-- line for people, or the error. The oldest of each kind are forgotten.
CREATE TABLE job_runs (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  job BIGINT NOT NULL,
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  holder TEXT NOT NULL,
  due_us BIGINT NOT NULL,
  started_us BIGINT NOT NULL,
  finished_us BIGINT NOT NULL,
  attempt BIGINT NOT NULL,
  outcome TEXT NOT NULL,
  result TEXT NOT NULL
);
CREATE INDEX job_runs_by_kind ON job_runs (kind, number);

-- The newest tick of each schedule that became a job, so that several processes make one of it.
CREATE TABLE job_schedules (
  name TEXT NOT NULL PRIMARY KEY,
  tick_us BIGINT NOT NULL
) WITHOUT ROWID;

-- Workers that live, as they say themselves. status: JSON.
CREATE TABLE job_workers (
  holder TEXT NOT NULL PRIMARY KEY,
  started_us BIGINT NOT NULL,
  seen_us BIGINT NOT NULL,
  status TEXT NOT NULL
) WITHOUT ROWID;
