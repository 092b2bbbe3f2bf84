//! Jobs: what the daemon's processes are to do, as rows that each takes under a lease.
//! What a job of a kind does is the binary's knowledge; here it is a kind, a key and a payload.
//!
//! INVARIANT: a job is held by at most one worker at a time, as far as all clocks agree to within
//! what is left of a lease. Whoever was killed loses it when its lease is over, and what a worker
//! does with a lease that is no longer its own changes nothing.

mod lease;
mod look;
mod workers;

use std::fmt;

use jiff::Timestamp;

use crate::Store;
use crate::database::{Database, Session};
use crate::encode::column_text;
use crate::error::StoreError;

pub use lease::{Held, Lease};
pub use look::{Cancelled, Job, JobCount, Run, RunOutcome};
pub use workers::Worker;

/// The jobs of a store. Clones share its connections.
///
/// Every method is one transaction. On PostgreSQL they lock single rows, so that many workers ask
/// at once and nobody waits for whoever writes an inventory.
#[derive(Clone)]
pub struct Jobs {
    database: Database,
}

impl Store {
    /// The jobs in this store.
    pub fn jobs(&self) -> Jobs {
        Jobs { database: self.database.clone() }
    }
}

/// The number of a job. Numbers are never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(pub i64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A job to be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewJob<'a> {
    /// What is to be done, as a word.
    pub kind: &'a str,
    /// To what. Of one kind, a key waits or runs once.
    pub key: &'a str,
    /// JSON for whoever does it.
    pub payload: &'a str,
    /// Not before this time.
    pub due: Timestamp,
}

/// What became of a tick of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tick {
    /// It is a job now.
    Made,
    /// A job of this kind and key waits or runs already; this tick is that one's.
    Joined,
    /// Another process made it a job before, or it is older than the newest one.
    Known,
}

impl Jobs {
    /// Asks for a job. One that waits already is done no later than `due`; one that runs is done
    /// once more afterwards, since it may have looked too early.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn add(&self, job: &NewJob<'_>, now: Timestamp) -> Result<JobId, StoreError> {
        let mut session = self.database.write_beside("add a job").await?;
        let sql = "INSERT INTO jobs (kind, key, payload, due_us, created_us, attempts, cancelled) \
                   VALUES ($1, $2, $3, $4, $5, 0, 0) ON CONFLICT (kind, key) DO UPDATE SET \
                   due_us = CASE WHEN jobs.holder IS NULL AND excluded.due_us < jobs.due_us \
                   THEN excluded.due_us ELSE jobs.due_us END, \
                   again_us = CASE WHEN jobs.holder IS NULL THEN jobs.again_us \
                   WHEN jobs.again_us IS NULL OR excluded.due_us < jobs.again_us \
                   THEN excluded.due_us ELSE jobs.again_us END RETURNING id";
        let id = session.fetch_one(sql, columns(job, now), |row| row.int(0)).await?;
        let id = id.ok_or_else(|| session.damaged("a job got no number"))?;
        session.commit().await?;
        Ok(JobId(id))
    }

    /// Sees to it that a job is there; one that waits or runs stays as it is. Answers whether it
    /// was added.
    ///
    /// # Errors
    /// Where the database cannot be read or written.
    pub async fn ensure(&self, job: &NewJob<'_>, now: Timestamp) -> Result<bool, StoreError> {
        let mut session = self.database.read("look for a job");
        let sql = "SELECT id FROM jobs WHERE kind = $1 AND key = $2";
        let params = vec![column_text(job.kind).into(), column_text(job.key).into()];
        if session.fetch_one(sql, params, |row| row.int(0)).await?.is_some() {
            return Ok(false);
        }
        let mut session = self.database.write_beside("add a job").await?;
        let added = insert(&mut session, job, now).await?;
        session.commit().await?;
        Ok(added)
    }

    /// Makes a tick of a schedule a job, unless some process did so before.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn add_tick(
        &self,
        schedule: &str,
        tick: Timestamp,
        job: &NewJob<'_>,
        now: Timestamp,
    ) -> Result<Tick, StoreError> {
        let mut session = self.database.write_beside("add a job of a schedule").await?;
        let sql = "INSERT INTO job_schedules (name, tick_us) VALUES ($1, $2) \
                   ON CONFLICT (name) DO UPDATE SET tick_us = excluded.tick_us \
                   WHERE job_schedules.tick_us < excluded.tick_us";
        let params = vec![column_text(schedule).into(), tick.as_microsecond().into()];
        if session.execute(sql, params).await? == 0 {
            return Ok(Tick::Known);
        }
        let added = insert(&mut session, job, now).await?;
        session.commit().await?;
        Ok(if added { Tick::Made } else { Tick::Joined })
    }

    /// The newest tick of a schedule that became a job. A schedule that nobody has seen before
    /// begins with `first`, which becomes none.
    ///
    /// # Errors
    /// Where the database cannot be read or written.
    pub async fn last_tick(
        &self,
        schedule: &str,
        first: Timestamp,
    ) -> Result<Timestamp, StoreError> {
        let mut session = self.database.read("read the ticks of schedules");
        let read = "SELECT tick_us FROM job_schedules WHERE name = $1";
        let name = || vec![column_text(schedule).into()];
        if let Some(tick_us) = session.fetch_one(read, name(), |row| row.int(0)).await? {
            return time(&session, tick_us);
        }
        let mut session = self.database.write_beside("begin a schedule").await?;
        let sql = "INSERT INTO job_schedules (name, tick_us) VALUES ($1, $2) \
                   ON CONFLICT (name) DO NOTHING";
        let params = vec![column_text(schedule).into(), first.as_microsecond().into()];
        session.execute(sql, params).await?;
        let tick_us = session.fetch_one(read, name(), |row| row.int(0)).await?;
        let tick_us = tick_us.ok_or_else(|| session.damaged("a schedule has no tick"))?;
        let tick = time(&session, tick_us)?;
        session.commit().await?;
        Ok(tick)
    }
}

fn columns(job: &NewJob<'_>, now: Timestamp) -> Vec<crate::database::Param> {
    vec![
        column_text(job.kind).into(),
        column_text(job.key).into(),
        column_text(job.payload).into(),
        job.due.as_microsecond().into(),
        now.as_microsecond().into(),
    ]
}

async fn insert(
    session: &mut Session,
    job: &NewJob<'_>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "INSERT INTO jobs (kind, key, payload, due_us, created_us, attempts, cancelled) \
               VALUES ($1, $2, $3, $4, $5, 0, 0) ON CONFLICT (kind, key) DO NOTHING";
    Ok(session.execute(sql, columns(job, now)).await? > 0)
}

fn time(session: &Session, us: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(us).map_err(|error| session.damaged(error.to_string()))
}

fn count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}
