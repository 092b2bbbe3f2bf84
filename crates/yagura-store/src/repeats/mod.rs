//! Requests that were sent with a key of the sender's choice, and what was answered: kept for a
//! day, so that one that is sent again is not done again.
//! What a request is, is the console's business.

use jiff::{SignedDuration, Timestamp};

use crate::Store;
use crate::database::{Database, Row};
use crate::encode::{column_text, pack, unpack};
use crate::error::StoreError;

/// How long an answer is given again.
pub const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);

/// What was answered to requests. Clones share its connections.
#[derive(Clone)]
pub struct Repeats {
    database: Database,
}

/// A request with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// Who sent it: keys of different people have nothing to do with one another.
    pub person: String,
    /// The key.
    pub key: String,
    /// A digest of what was asked.
    pub digest: Vec<u8>,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepeatAnswer {
    /// The digest of what was asked then: another request with the same key is a mistake.
    pub digest: Vec<u8>,
    /// The status of HTTP.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

impl Store {
    /// What was answered to requests with keys.
    pub fn repeats(&self) -> Repeats {
        Repeats { database: self.database.clone() }
    }
}

impl Repeats {
    /// What was answered to a request with this key within [`KEPT_FOR`].
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn find(
        &self,
        repeat: &Repeat,
        now: Timestamp,
    ) -> Result<Option<RepeatAnswer>, StoreError> {
        let mut session = self.database.read("look for a repeated request");
        let sql = "SELECT digest, status, body FROM repeats \
                   WHERE person = $1 AND key = $2 AND kept_us > $3";
        let params = vec![
            column_text(&repeat.person).into(),
            column_text(&repeat.key).into(),
            oldest_us(now).into(),
        ];
        let read = |row: &Row| Ok((row.blob(0)?, row.int(1)?, row.blob(2)?));
        let Some((digest, status, packed)) = session.fetch_one(sql, params, read).await? else {
            return Ok(None);
        };
        let body = unpack(&packed).map_err(|detail| session.damaged(detail))?;
        let status = u16::try_from(status).unwrap_or_default();
        Ok(Some(RepeatAnswer { digest, status, body }))
    }

    /// Keeps what was answered, and forgets what is older than [`KEPT_FOR`]. What was kept first
    /// under a key stays.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn keep(
        &self,
        repeat: &Repeat,
        answer: &RepeatAnswer,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut session = self.database.write("keep an answer").await?;
        let sql = "DELETE FROM repeats WHERE kept_us <= $1";
        session.execute(sql, vec![oldest_us(now).into()]).await?;
        let sql = "INSERT INTO repeats (person, key, digest, status, body, kept_us) \
                   VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (person, key) DO NOTHING";
        let params = vec![
            column_text(&repeat.person).into(),
            column_text(&repeat.key).into(),
            repeat.digest.clone().into(),
            i64::from(answer.status).into(),
            pack(&answer.body).into(),
            now.as_microsecond().into(),
        ];
        session.execute(sql, params).await?;
        session.commit().await
    }
}

fn oldest_us(now: Timestamp) -> i64 {
    now.saturating_sub(KEPT_FOR).unwrap_or(Timestamp::MIN).as_microsecond()
}
