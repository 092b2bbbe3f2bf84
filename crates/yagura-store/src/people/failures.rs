//! Failures to sign in, by address and by name: counted, so that whoever guesses must wait.
//! How long is decided by the console.

use jiff::Timestamp;

use super::{Hash, People, time};
use crate::error::StoreError;

/// Failures after so long count no more.
const FORGOTTEN_US: i64 = 3600 * 1_000_000;

/// What is known of an address or a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failures {
    /// How often it failed, each within an hour of the one before.
    pub count: u64,
    /// Until when it must wait.
    pub until: Timestamp,
}

impl People {
    /// Until when an address or a name must wait, the later of several; none where none must.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn must_wait(
        &self,
        whose: &[Hash],
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let mut session = self.database.read("look whether a sign-in must wait");
        let mut latest = None;
        for hash in whose {
            let sql = "SELECT until_us FROM sign_in_failures WHERE hash = $1 AND until_us > $2";
            let params = vec![hash.to_vec().into(), now.as_microsecond().into()];
            let until = session.fetch_one(sql, params, |row| row.int(0)).await?;
            latest = latest.max(until);
        }
        latest.map(|us| time(&session, us)).transpose()
    }

    /// Counts a failure, and lets `wait` say from the count how long the next must wait, in
    /// seconds.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn failed(
        &self,
        whose: &Hash,
        wait: impl Fn(u64) -> u64 + Send,
        now: Timestamp,
    ) -> Result<Failures, StoreError> {
        let mut session = self.database.write("count a failed sign-in").await?;
        let us = now.as_microsecond();
        let sql = "INSERT INTO sign_in_failures (hash, failures, last_us, until_us) \
                   VALUES ($1, 1, $2, 0) ON CONFLICT (hash) DO UPDATE SET failures = \
                   CASE WHEN sign_in_failures.last_us < $3 THEN 1 \
                   ELSE sign_in_failures.failures + 1 END, last_us = excluded.last_us \
                   RETURNING failures";
        let params = vec![whose.to_vec().into(), us.into(), (us - FORGOTTEN_US).into()];
        let count = session.fetch_one(sql, params, |row| row.int(0)).await?.unwrap_or(1);
        let count = u64::try_from(count).unwrap_or(1);
        let seconds = i64::try_from(wait(count)).unwrap_or(i64::MAX / 1_000_000);
        let until = us.saturating_add(seconds.saturating_mul(1_000_000));
        let sql = "UPDATE sign_in_failures SET until_us = $2 WHERE hash = $1";
        session.execute(sql, vec![whose.to_vec().into(), until.into()]).await?;
        let until = time(&session, until)?;
        session.commit().await?;
        Ok(Failures { count, until })
    }

    /// Forgets the failures of whoever came in after all.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn came_in(&self, whose: &Hash) -> Result<(), StoreError> {
        let mut session = self.database.write("forget failed sign-ins").await?;
        let sql = "DELETE FROM sign_in_failures WHERE hash = $1";
        session.execute(sql, vec![whose.to_vec().into()]).await?;
        session.commit().await
    }
}
