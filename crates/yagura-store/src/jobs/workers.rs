//! Workers that live, as they say themselves.
//! Whether one holds a job is told by the job's lease, not by this.

use jiff::Timestamp;

use super::{Jobs, time};
use crate::encode::column_text;
use crate::error::StoreError;

/// Workers that are named; who has more processes than this has another problem.
const WORKERS_MAX: i64 = 1_000;

/// A process that takes jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worker {
    /// Its name, another one for each start.
    pub holder: String,
    /// When it started.
    pub started: Timestamp,
    /// When it was last heard of.
    pub seen: Timestamp,
    /// What it says of itself, as JSON.
    pub status: String,
}

impl Jobs {
    /// A worker says that it lives, and how it is. Those that were silent for longer than
    /// `silent_since` are forgotten.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn beat(&self, worker: &Worker, silent_since: Timestamp) -> Result<(), StoreError> {
        let mut session = self.database.write_beside("say that a worker lives").await?;
        let sql = "INSERT INTO job_workers (holder, started_us, seen_us, status) \
                   VALUES ($1, $2, $3, $4) ON CONFLICT (holder) DO UPDATE SET \
                   seen_us = excluded.seen_us, status = excluded.status";
        let params = vec![
            column_text(&worker.holder).into(),
            worker.started.as_microsecond().into(),
            worker.seen.as_microsecond().into(),
            column_text(&worker.status).into(),
        ];
        session.execute(sql, params).await?;
        let sql = "DELETE FROM job_workers WHERE seen_us < $1";
        session.execute(sql, vec![silent_since.as_microsecond().into()]).await?;
        session.commit().await
    }

    /// A worker ends.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn leave(&self, holder: &str) -> Result<(), StoreError> {
        let mut session = self.database.write_beside("say that a worker ends").await?;
        let sql = "DELETE FROM job_workers WHERE holder = $1";
        session.execute(sql, vec![column_text(holder).into()]).await?;
        session.commit().await
    }

    /// The workers that were heard of, the oldest first.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn workers(&self) -> Result<Vec<Worker>, StoreError> {
        let mut session = self.database.read("list workers");
        let sql = "SELECT holder, started_us, seen_us, status FROM job_workers \
                   ORDER BY started_us, holder LIMIT $1";
        let rows = session
            .fetch_as(sql, vec![WORKERS_MAX.into()], |row| {
                Ok((row.text(0)?, row.int(1)?, row.int(2)?, row.text(3)?))
            })
            .await?;
        rows.into_iter()
            .map(|(holder, started_us, seen_us, status)| {
                let (started, seen) = (time(&session, started_us)?, time(&session, seen_us)?);
                Ok(Worker { holder, started, seen, status })
            })
            .collect()
    }
}
