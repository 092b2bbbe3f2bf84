//! What detectors remember between runs: one text of bytes by name, with a revision.
//! What is in it, and which versions of it can be read, is the detector's business.

use jiff::Timestamp;

use super::Alerts;
use crate::encode::{column_text, packed, unpack};
use crate::error::StoreError;

/// What a detector remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetectorState {
    /// Grows by one with each change.
    pub revision: u64,
    /// When it was saved.
    pub saved: Timestamp,
    /// The detector's own bytes.
    pub state: Vec<u8>,
}

impl Alerts {
    /// What a detector remembers; nothing at first.
    ///
    /// # Errors
    /// Where the database cannot be read or the state in it is damaged.
    pub async fn state(&self, name: &str) -> Result<Option<DetectorState>, StoreError> {
        let mut session = self.database.read("read what detectors remember");
        let sql = "SELECT revision, saved_us, state FROM detector_states WHERE name = $1";
        let params = vec![column_text(name).into()];
        let read = session
            .fetch_one(sql, params, |row| Ok((row.int(0)?, row.int(1)?, row.blob(2)?)))
            .await?;
        let Some((revision, saved_us, packed)) = read else { return Ok(None) };
        let saved = Timestamp::from_microsecond(saved_us)
            .map_err(|error| session.damaged(error.to_string()))?;
        let state = unpack(&packed).map_err(|detail| session.damaged(detail))?;
        let revision = u64::try_from(revision).unwrap_or_default();
        Ok(Some(DetectorState { revision, saved, state }))
    }

    /// Saves what a detector remembers in the place of `former`, the revision that it began
    /// with (none: there was nothing). Answers the new revision; `None` where another process has
    /// saved something else in the meantime, and nothing was changed.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn save_state(
        &self,
        name: &str,
        former: Option<u64>,
        state: &[u8],
        now: Timestamp,
    ) -> Result<Option<u64>, StoreError> {
        let mut session = self.database.write("save what detectors remember").await?;
        let revision = former.unwrap_or_default().saturating_add(1);
        let number = |revision: u64| i64::try_from(revision).unwrap_or(i64::MAX);
        let mut params = vec![
            column_text(name).into(),
            number(revision).into(),
            now.as_microsecond().into(),
            packed(state).into(),
        ];
        let changed = match former {
            None => {
                let sql = "INSERT INTO detector_states (name, revision, saved_us, state) \
                           VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING";
                session.execute(sql, params).await?
            }
            Some(former) => {
                params.push(number(former).into());
                let sql = "UPDATE detector_states SET revision = $2, saved_us = $3, state = $4 \
                           WHERE name = $1 AND revision = $5";
                session.execute(sql, params).await?
            }
        };
        session.commit().await?;
        Ok((changed > 0).then_some(revision))
    }
}
