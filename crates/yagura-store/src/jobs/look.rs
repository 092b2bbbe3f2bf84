//! Looking at jobs and their past, and calling one off.
//! Taking and ending them is in `lease.rs`.

use jiff::Timestamp;

use super::lease::{Lease, remember};
use super::{JobId, Jobs, count, time};
use crate::database::{Row, Session};
use crate::error::StoreError;

/// A job that waits or runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its number.
    pub id: JobId,
    /// What is to be done.
    pub kind: String,
    /// To what.
    pub key: String,
    /// Not before this time.
    pub due: Timestamp,
    /// When it was begun; none while it waits.
    pub started: Option<Timestamp>,
    /// Who holds it, and until when nobody else may.
    pub held: Option<(String, Timestamp)>,
    /// How often it was begun.
    pub attempts: u64,
    /// Whether its holder is asked to stop.
    pub cancelled: bool,
    /// How the last attempt failed.
    pub last_error: Option<String>,
}

/// A run that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The job.
    pub job: JobId,
    /// What was to be done.
    pub kind: String,
    /// To what.
    pub key: String,
    /// Who did it.
    pub holder: String,
    /// When it was due.
    pub due: Timestamp,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// Which attempt it was.
    pub attempt: u64,
    /// How it ended.
    pub outcome: RunOutcome,
    /// One line for people, or the error.
    pub result: String,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RunOutcome {
    /// Done.
    Done,
    /// It could not be done.
    Failed,
    /// Somebody called it off.
    Cancelled,
    /// Its process stopped and gave it back.
    HandedBack,
    /// Its process was not heard of any more.
    Lost,
}

impl RunOutcome {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Done, Self::Failed, Self::Cancelled, Self::HandedBack, Self::Lost];

    /// The word used in the database and in outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::HandedBack => "handed_back",
            Self::Lost => "lost",
        }
    }
}

/// How many jobs of a kind wait, or run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobCount {
    /// The kind.
    pub kind: String,
    /// Whether they run; else they wait.
    pub running: bool,
    /// How many.
    pub count: u64,
}

/// What became of the wish to call a job off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cancelled {
    /// It waited, and is gone.
    Removed,
    /// It runs; its worker learns of it with the next renewal.
    Asked,
    /// There is no such job.
    Unknown,
}

const COLUMNS: &str = "id, kind, key, due_us, started_us, holder, lease_until_us, attempts, \
                       cancelled, last_error";

impl Jobs {
    /// Jobs that wait or run, the one that is due first before the others; at most `limit`.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn list(&self, limit: usize) -> Result<Vec<Job>, StoreError> {
        let mut session = self.database.read("list jobs");
        let sql = format!("SELECT {COLUMNS} FROM jobs ORDER BY due_us, id LIMIT $1");
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = session.fetch(sql, vec![limit.into()]).await?;
        rows.iter().map(|row| job_of(&session, row)).collect()
    }

    /// Runs that ended, the newest first; of one kind where one is named; at most `limit`.
    ///
    /// # Errors
    /// Where the database cannot be read, or holds an outcome that this program never wrote.
    pub async fn runs(&self, kind: Option<&str>, limit: usize) -> Result<Vec<Run>, StoreError> {
        let mut session = self.database.read("list runs of jobs");
        let all = "SELECT job, kind, key, holder, due_us, started_us, finished_us, attempt, \
                   outcome, result FROM job_runs";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = match kind {
            None => {
                let sql = format!("{all} ORDER BY number DESC LIMIT $1");
                session.fetch(sql, vec![limit.into()]).await?
            }
            Some(kind) => {
                let sql = format!("{all} WHERE kind = $2 ORDER BY number DESC LIMIT $1");
                session.fetch(sql, vec![limit.into(), kind.into()]).await?
            }
        };
        rows.iter().map(|row| run_of(&session, row)).collect()
    }

    /// How many jobs wait and run, by kind.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn counts(&self) -> Result<Vec<JobCount>, StoreError> {
        let mut session = self.database.read("count jobs");
        let sql = "SELECT kind, CAST(CASE WHEN holder IS NULL THEN 0 ELSE 1 END AS BIGINT), \
                   count(*) FROM jobs GROUP BY 1, 2 ORDER BY 1, 2";
        let read = |row: &Row| {
            Ok(JobCount { kind: row.text(0)?, running: row.flag(1)?, count: count(row.int(2)?) })
        };
        session.fetch_as(sql, vec![], read).await
    }

    /// Calls a job off: one that waits is gone, one that runs is asked to stop.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn cancel(&self, id: JobId, now: Timestamp) -> Result<Cancelled, StoreError> {
        let mut session = self.database.write_beside("call a job off").await?;
        let lock = if session.is_sqlite() { "" } else { " FOR UPDATE" };
        let sql = format!("SELECT {COLUMNS} FROM jobs WHERE id = $1{lock}");
        let rows = session.fetch(sql, vec![id.0.into()]).await?;
        let Some(row) = rows.first() else { return Ok(Cancelled::Unknown) };
        let job = job_of(&session, row)?;
        let answer = if job.held.is_some() {
            let sql = "UPDATE jobs SET cancelled = 1 WHERE id = $1";
            session.execute(sql, vec![id.0.into()]).await?;
            Cancelled::Asked
        } else {
            let nobody = Lease {
                id,
                kind: job.kind,
                key: job.key,
                payload: String::new(),
                due: job.due,
                started: now,
                attempt: job.attempts,
                holder: String::new(),
            };
            remember(&mut session, &nobody, RunOutcome::Cancelled, "", now).await?;
            session.execute("DELETE FROM jobs WHERE id = $1", vec![id.0.into()]).await?;
            Cancelled::Removed
        };
        session.commit().await?;
        Ok(answer)
    }
}

fn job_of(session: &Session, row: &Row) -> Result<Job, StoreError> {
    let read = || {
        Ok::<_, sqlx::Error>((
            (row.int(0)?, row.text(1)?, row.text(2)?, row.int(3)?),
            (row.opt_int(4)?, row.opt_text(5)?, row.opt_int(6)?),
            (row.int(7)?, row.flag(8)?, row.opt_text(9)?),
        ))
    };
    let ((id, kind, key, due_us), (started_us, holder, until_us), (attempts, cancelled, error)) =
        read().map_err(|error| session.fail(error))?;
    let held = match holder.zip(until_us) {
        Some((holder, until_us)) => Some((holder, time(session, until_us)?)),
        None => None,
    };
    Ok(Job {
        id: JobId(id),
        kind,
        key,
        due: time(session, due_us)?,
        started: started_us.map(|us| time(session, us)).transpose()?,
        held,
        attempts: count(attempts),
        cancelled,
        last_error: error,
    })
}

fn run_of(session: &Session, row: &Row) -> Result<Run, StoreError> {
    let read = || {
        Ok::<_, sqlx::Error>((
            (row.int(0)?, row.text(1)?, row.text(2)?, row.text(3)?),
            (row.int(4)?, row.int(5)?, row.int(6)?),
            (row.int(7)?, row.text(8)?, row.text(9)?),
        ))
    };
    let ((job, kind, key, holder), (due_us, started_us, finished_us), (attempt, word, result)) =
        read().map_err(|error| session.fail(error))?;
    let outcome = RunOutcome::ALL.into_iter().find(|outcome| outcome.as_str() == word);
    Ok(Run {
        job: JobId(job),
        kind,
        key,
        holder,
        due: time(session, due_us)?,
        started: time(session, started_us)?,
        finished: time(session, finished_us)?,
        attempt: count(attempt),
        outcome: outcome.ok_or_else(|| session.damaged(format!("a run ended `{word}`")))?,
        result,
    })
}
