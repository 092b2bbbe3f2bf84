//! Leases: taking a job, keeping it, and the four ways in which it ends.
//! How long a lease is, and when a failed job is tried again, is decided by whoever takes it.

use jiff::Timestamp;

use super::look::RunOutcome;
use super::{JobId, Jobs, count, time};
use crate::batch::in_list;
use crate::database::{Param, Session};
use crate::encode::column_text;
use crate::error::StoreError;

/// Runs of one kind that are remembered.
const RUNS_KEPT: i64 = 200;
/// Bytes of a result or error that are kept.
const RESULT_BYTES_MAX: usize = 4_096;
/// Which row a lease is about; a job that was taken over has another holder or attempt.
const OWN: &str = "WHERE id = $1 AND holder = $2 AND attempts = $3";

/// A job in the hands of one worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The job.
    pub id: JobId,
    /// What is to be done.
    pub kind: String,
    /// To what.
    pub key: String,
    /// JSON for whoever does it.
    pub payload: String,
    /// When it was due.
    pub due: Timestamp,
    /// When this attempt began.
    pub started: Timestamp,
    /// Which attempt this is, from one.
    pub attempt: u64,
    /// Who holds it.
    pub holder: String,
}

/// Whether a lease still holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Held {
    /// It does, until the new time.
    Kept,
    /// It does, and somebody asks to stop.
    Cancelled,
    /// Another worker has the job, or it is gone.
    Lost,
}

/// The columns of a job that is about to be taken.
struct Due {
    id: i64,
    kind: String,
    key: String,
    payload: String,
    due_us: i64,
    attempts: i64,
    holder: Option<String>,
    started_us: Option<i64>,
    cancelled: bool,
}

/// What is known of a job that a lease is about.
struct Own {
    again_us: Option<i64>,
    cancelled: bool,
}

impl Jobs {
    /// Hands out the job of these kinds that is due longest: one that waits, or one whose lease
    /// is over. `until` is when others may take it.
    ///
    /// # Errors
    /// Where the database cannot be read or written.
    pub async fn take(
        &self,
        kinds: &[&str],
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Lease>, StoreError> {
        if kinds.is_empty() {
            return Ok(None);
        }
        // Most of the time nothing is due: asking so costs no writer's lock.
        let mut session = self.database.read("look for jobs");
        if next(&mut session, kinds, now, false).await?.is_none() {
            return Ok(None);
        }
        loop {
            let mut session = self.database.write_beside("take a job").await?;
            let Some(due) = next(&mut session, kinds, now, true).await? else { return Ok(None) };
            let lease = lease_of(&session, &due, holder, now)?;
            if let Some(former) = due.holder.clone() {
                let started = time(&session, due.started_us.unwrap_or(due.due_us))?;
                let attempt = count(due.attempts);
                let lost = Lease { holder: former, started, attempt, ..lease.clone() };
                let why = "its lease ran out";
                remember(&mut session, &lost, RunOutcome::Lost, why, now).await?;
            }
            if due.cancelled {
                remember(&mut session, &lease, RunOutcome::Cancelled, "", now).await?;
                session.execute("DELETE FROM jobs WHERE id = $1", vec![due.id.into()]).await?;
                session.commit().await?;
                continue;
            }
            let sql = "UPDATE jobs SET holder = $2, lease_until_us = $3, started_us = $4, \
                       attempts = attempts + 1 WHERE id = $1";
            let params = vec![
                due.id.into(),
                column_text(holder).into(),
                until.as_microsecond().into(),
                now.as_microsecond().into(),
            ];
            session.execute(sql, params).await?;
            session.commit().await?;
            return Ok(Some(lease));
        }
    }

    /// Keeps a job for longer.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn renew(&self, lease: &Lease, until: Timestamp) -> Result<Held, StoreError> {
        let mut session = self.database.write_beside("keep a job").await?;
        let Some(own) = own(&mut session, lease).await? else { return Ok(Held::Lost) };
        let mut params = fence(lease);
        params.push(until.as_microsecond().into());
        let sql = format!("UPDATE jobs SET lease_until_us = $4 {OWN}");
        session.execute(sql, params).await?;
        session.commit().await?;
        Ok(if own.cancelled { Held::Cancelled } else { Held::Kept })
    }

    /// The job is done. With a result the run is remembered. Answers whether the lease still held:
    /// where not, another worker does the job again.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn done(
        &self,
        lease: &Lease,
        result: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut session = self.database.write_beside("end a job").await?;
        let Some(own) = own(&mut session, lease).await? else { return Ok(false) };
        if let Some(result) = result {
            remember(&mut session, lease, RunOutcome::Done, result, now).await?;
        }
        close(&mut session, lease, &own).await?;
        session.commit().await?;
        Ok(true)
    }

    /// The job failed; it is tried again at a time, or not at all. Answers whether the lease still
    /// held.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn failed(
        &self,
        lease: &Lease,
        error: &str,
        again: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut session = self.database.write_beside("end a job").await?;
        let Some(own) = own(&mut session, lease).await? else { return Ok(false) };
        remember(&mut session, lease, RunOutcome::Failed, error, now).await?;
        match again.filter(|_| !own.cancelled) {
            Some(again) => {
                let sql = format!(
                    "UPDATE jobs SET holder = NULL, lease_until_us = NULL, started_us = NULL, \
                     again_us = NULL, due_us = $4, last_error = $5 {OWN}"
                );
                let mut params = fence(lease);
                params.extend([again.as_microsecond().into(), cut(error).into()]);
                session.execute(sql, params).await?;
            }
            None => close(&mut session, lease, &own).await?,
        }
        session.commit().await?;
        Ok(true)
    }

    /// Gives a job back that was not brought to its end, at no fault of its own: somebody else may
    /// do it at once. Where it was to be cancelled, it is. Answers whether the lease still held.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn hand_back(&self, lease: &Lease, now: Timestamp) -> Result<bool, StoreError> {
        let mut session = self.database.write_beside("hand a job back").await?;
        let Some(own) = own(&mut session, lease).await? else { return Ok(false) };
        if own.cancelled {
            remember(&mut session, lease, RunOutcome::Cancelled, "", now).await?;
            close(&mut session, lease, &Own { again_us: None, ..own }).await?;
        } else {
            remember(&mut session, lease, RunOutcome::HandedBack, "", now).await?;
            let sql = format!(
                "UPDATE jobs SET holder = NULL, lease_until_us = NULL, started_us = NULL, \
                 again_us = NULL, attempts = attempts - 1 {OWN}"
            );
            session.execute(sql, fence(lease)).await?;
        }
        session.commit().await?;
        Ok(true)
    }
}

/// The job that is due longest and that nobody holds; locked where it is to be taken.
async fn next(
    session: &mut Session,
    kinds: &[&str],
    now: Timestamp,
    lock: bool,
) -> Result<Option<Due>, StoreError> {
    let after = match lock && !session.is_sqlite() {
        // Somebody else is about to take that one.
        true => " ORDER BY due_us, id LIMIT 1 FOR UPDATE SKIP LOCKED",
        false => " ORDER BY due_us, id LIMIT 1",
    };
    let sql = in_list(
        "SELECT id, kind, key, payload, due_us, attempts, holder, started_us, cancelled FROM jobs \
         WHERE due_us <= $1 AND (holder IS NULL OR lease_until_us <= $1) AND kind",
        1,
        kinds.len(),
        after,
    );
    let mut params = vec![now.as_microsecond().into()];
    params.extend(kinds.iter().map(|kind| Param::from(*kind)));
    session
        .fetch_one(sql, params, |row| {
            Ok(Due {
                id: row.int(0)?,
                kind: row.text(1)?,
                key: row.text(2)?,
                payload: row.text(3)?,
                due_us: row.int(4)?,
                attempts: row.int(5)?,
                holder: row.opt_text(6)?,
                started_us: row.opt_int(7)?,
                cancelled: row.flag(8)?,
            })
        })
        .await
}

fn lease_of(
    session: &Session,
    due: &Due,
    holder: &str,
    now: Timestamp,
) -> Result<Lease, StoreError> {
    Ok(Lease {
        id: JobId(due.id),
        kind: due.kind.clone(),
        key: due.key.clone(),
        payload: due.payload.clone(),
        due: time(session, due.due_us)?,
        started: now,
        attempt: count(due.attempts) + 1,
        holder: column_text(holder),
    })
}

/// The parameters of [`OWN`].
fn fence(lease: &Lease) -> Vec<Param> {
    let attempt = i64::try_from(lease.attempt).unwrap_or(i64::MAX);
    vec![lease.id.0.into(), column_text(&lease.holder).into(), attempt.into()]
}

/// Looks at the job of a lease, and on PostgreSQL keeps others from changing it meanwhile: a wish
/// for another run must not fall between the look and the end.
async fn own(session: &mut Session, lease: &Lease) -> Result<Option<Own>, StoreError> {
    let lock = if session.is_sqlite() { "" } else { " FOR UPDATE" };
    let sql = format!("SELECT again_us, cancelled FROM jobs {OWN}{lock}");
    let read =
        |row: &crate::database::Row| Ok(Own { again_us: row.opt_int(0)?, cancelled: row.flag(1)? });
    session.fetch_one(sql, fence(lease), read).await
}

/// Ends a job, or has it wait for the other run that was asked for meanwhile.
async fn close(session: &mut Session, lease: &Lease, own: &Own) -> Result<(), StoreError> {
    let Some(again_us) = own.again_us else {
        session.execute(format!("DELETE FROM jobs {OWN}"), fence(lease)).await?;
        return Ok(());
    };
    let sql = format!(
        "UPDATE jobs SET holder = NULL, lease_until_us = NULL, started_us = NULL, attempts = 0, \
         again_us = NULL, cancelled = 0, last_error = NULL, due_us = $4 {OWN}"
    );
    let mut params = fence(lease);
    params.push(again_us.into());
    session.execute(sql, params).await?;
    Ok(())
}

/// Notes how a run ended, and forgets the oldest of its kind.
pub(super) async fn remember(
    session: &mut Session,
    lease: &Lease,
    outcome: RunOutcome,
    result: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO job_runs (job, kind, key, holder, due_us, started_us, finished_us, \
               attempt, outcome, result) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let params = vec![
        lease.id.0.into(),
        column_text(&lease.kind).into(),
        column_text(&lease.key).into(),
        column_text(&lease.holder).into(),
        lease.due.as_microsecond().into(),
        lease.started.as_microsecond().into(),
        now.as_microsecond().into(),
        i64::try_from(lease.attempt).unwrap_or(i64::MAX).into(),
        outcome.as_str().into(),
        cut(result).into(),
    ];
    session.execute(sql, params).await?;
    // Two that forget the same rows at once must not wait for each other.
    let lock = if session.is_sqlite() { "" } else { " FOR UPDATE SKIP LOCKED" };
    let sql = format!(
        "DELETE FROM job_runs WHERE number IN (SELECT number FROM job_runs WHERE kind = $1 \
         AND number <= (SELECT number FROM job_runs WHERE kind = $1 ORDER BY number DESC \
         LIMIT 1 OFFSET $2){lock})"
    );
    let params = vec![column_text(&lease.kind).into(), RUNS_KEPT.into()];
    session.execute(sql, params).await?;
    Ok(())
}

/// The beginning of a text, for a column.
fn cut(text: &str) -> String {
    let end = (0..=RESULT_BYTES_MAX.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    column_text(text.get(..end.unwrap_or(0)).unwrap_or_default())
}
