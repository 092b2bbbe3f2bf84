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

/// How long a request is believed to be under way: whoever took its key and said nothing since was
/// killed.
pub const DONE_WITHIN: SignedDuration = SignedDuration::from_mins(10);

/// The status of a request that is under way; none of HTTP.
const UNDER_WAY: i64 = 0;

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

/// Whose a key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nobody's until now: do what is asked, then [`Repeats::keep`] or [`Repeats::give_up`].
    Yours,
    /// Somebody does it right now; the digest of what they do.
    UnderWay(Vec<u8>),
    /// It was done.
    Done(RepeatAnswer),
}

impl Store {
    /// What was answered to requests with keys.
    pub fn repeats(&self) -> Repeats {
        Repeats { database: self.database.clone() }
    }
}

impl Repeats {
    /// Takes a key for a request, so that nobody else does the same meanwhile; or says what came of
    /// the one that has it. Forgets what is older than [`KEPT_FOR`].
    ///
    /// INVARIANT: of several processes that ask at the same moment one gets [`Claim::Yours`]: the
    /// row's key decides, not what was read before.
    ///
    /// # Errors
    /// Where the database cannot be read or written.
    pub async fn claim(&self, repeat: &Repeat, now: Timestamp) -> Result<Claim, StoreError> {
        let mut session = self.database.write("take a request's key").await?;
        let sql = "DELETE FROM repeats WHERE kept_us <= $1 OR (status = $2 AND kept_us <= $3)";
        let lost = before_us(now, DONE_WITHIN);
        let params = vec![before_us(now, KEPT_FOR).into(), UNDER_WAY.into(), lost.into()];
        session.execute(sql, params).await?;
        let sql = "INSERT INTO repeats (person, key, digest, status, body, kept_us) \
                   VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (person, key) DO NOTHING";
        let (person, key) = (column_text(&repeat.person), column_text(&repeat.key));
        let params = vec![
            person.clone().into(),
            key.clone().into(),
            repeat.digest.clone().into(),
            UNDER_WAY.into(),
            pack(&[]).into(),
            now.as_microsecond().into(),
        ];
        if session.execute(sql, params).await? > 0 {
            session.commit().await?;
            return Ok(Claim::Yours);
        }
        let sql = "SELECT digest, status, body FROM repeats WHERE person = $1 AND key = $2";
        let read = |row: &Row| Ok((row.blob(0)?, row.int(1)?, row.blob(2)?));
        let found = session.fetch_one(sql, vec![person.into(), key.into()], read).await?;
        session.commit().await?;
        // Whoever had it gave it up between the two statements: as good as still at it.
        let Some((digest, status, packed)) = found else {
            return Ok(Claim::UnderWay(repeat.digest.clone()));
        };
        if status == UNDER_WAY {
            return Ok(Claim::UnderWay(digest));
        }
        let session = self.database.read("read a kept answer");
        let body = unpack(&packed).map_err(|detail| session.damaged(detail))?;
        let status = u16::try_from(status).unwrap_or_default();
        Ok(Claim::Done(RepeatAnswer { digest, status, body }))
    }

    /// Gives a key up whose request was not done.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn give_up(&self, repeat: &Repeat) -> Result<(), StoreError> {
        let mut session = self.database.write("give a request's key up").await?;
        let sql = "DELETE FROM repeats WHERE person = $1 AND key = $2 AND status = $3";
        let (person, key) = (column_text(&repeat.person), column_text(&repeat.key));
        session.execute(sql, vec![person.into(), key.into(), UNDER_WAY.into()]).await?;
        session.commit().await
    }

    /// Keeps what was answered to a request whose key was taken. What was kept first stays.
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
        let sql = "UPDATE repeats SET status = $3, body = $4, kept_us = $5 \
                   WHERE person = $1 AND key = $2 AND status = $6";
        let params = vec![
            column_text(&repeat.person).into(),
            column_text(&repeat.key).into(),
            i64::from(answer.status).into(),
            pack(&answer.body).into(),
            now.as_microsecond().into(),
            UNDER_WAY.into(),
        ];
        session.execute(sql, params).await?;
        session.commit().await
    }
}

fn before_us(now: Timestamp, by: SignedDuration) -> i64 {
    now.saturating_sub(by).unwrap_or(Timestamp::MIN).as_microsecond()
}
