//! Sessions of people, and sign-ins under way, each used once.
//! What a browser carries is not known here, only its hash.

use jiff::Timestamp;

use super::keep::{Person, end_sessions, person_of};
use super::{Hash, LISTED_MAX, People, time};
use crate::database::{Row, Session};
use crate::encode::column_text;
use crate::error::StoreError;

/// Seconds after which it is noted again that a session is in use: not each page is a write.
const SEEN_STEP_US: i64 = 60 * 1_000_000;

/// Round trips to a provider that are under way at most: whoever is outside begins them, so that
/// without an end they could fill the disk. Of more, those that began first are forgotten.
const ROUND_TRIPS_MAX: i64 = 2_000;

/// A session to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSession {
    /// Of what the cookie carries.
    pub hash: Hash,
    /// Whose.
    pub person: i64,
    /// `password` or `oidc`.
    pub means: String,
    /// When it ends, whatever happens.
    pub expires: Timestamp,
    /// From where it was opened.
    pub address: String,
    /// What the browser says it is.
    pub agent: String,
}

/// A session that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenSession {
    /// Of what the cookie carries.
    pub hash: Hash,
    /// `password` or `oidc`.
    pub means: String,
    /// When it was opened.
    pub created: Timestamp,
    /// When it was last used, to the minute.
    pub seen: Timestamp,
    /// When it ends, whatever happens.
    pub expires: Timestamp,
    /// From where it was opened.
    pub address: String,
    /// What the browser said it is.
    pub agent: String,
}

/// A sign-in that goes on later: in a second step, by a link, after a provider was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSignIn {
    /// Of what the browser carries.
    pub hash: Hash,
    /// What it is for, as a word; one for another purpose is none.
    pub kind: String,
    /// Whose, where that is known.
    pub person: Option<i64>,
    /// What goes with it.
    pub detail: String,
    /// When it is worth nothing any more.
    pub expires: Timestamp,
}

/// A sign-in under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInUnderWay {
    /// Whose, where that is known.
    pub person: Option<i64>,
    /// What goes with it.
    pub detail: String,
}

impl People {
    /// Opens a session and notes that the person was here.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn open_session(&self, new: &NewSession, now: Timestamp) -> Result<(), StoreError> {
        let mut session = self.database.write("open a session").await?;
        let now = now.as_microsecond();
        let sql = "INSERT INTO sessions (hash, person, means, created_us, seen_us, expires_us, \
                   address, agent) VALUES ($1, $2, $3, $4, $4, $5, $6, $7)";
        let params = vec![
            new.hash.to_vec().into(),
            new.person.into(),
            column_text(&new.means).into(),
            now.into(),
            new.expires.as_microsecond().into(),
            column_text(&new.address).into(),
            column_text(&new.agent).into(),
        ];
        session.execute(sql, params).await?;
        let sql = "UPDATE people SET seen_us = $2 WHERE id = $1";
        session.execute(sql, vec![new.person.into(), now.into()]).await?;
        session.commit().await
    }

    /// Who a session belongs to, and by what means it was opened; none where there is no such
    /// session, it is over, it was not used since `idle_since`, or its person may not come in.
    ///
    /// # Errors
    /// Where the database cannot be read or written.
    pub async fn of_session(
        &self,
        hash: &Hash,
        now: Timestamp,
        idle_since: Timestamp,
    ) -> Result<Option<Person>, StoreError> {
        let mut session = self.database.read("look a session up");
        let sql = "SELECT p.id, p.name, p.subject, p.password, p.totp, p.role, p.accounts, \
                   p.lang, p.zone, p.disabled, p.created_us, p.seen_us, s.seen_us FROM sessions s \
                   JOIN people p ON p.id = s.person WHERE s.hash = $1 AND s.expires_us > $2 \
                   AND s.seen_us > $3 AND p.disabled = 0";
        let us = now.as_microsecond();
        let params = vec![hash.to_vec().into(), us.into(), idle_since.as_microsecond().into()];
        let rows = session.fetch(sql, params).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let person = person_of(&session, row)?;
        let seen = row.int(12).map_err(|error| session.fail(error))?;
        if us.saturating_sub(seen) >= SEEN_STEP_US {
            let mut session = self.database.write("note that a session is in use").await?;
            let sql = "UPDATE sessions SET seen_us = $2 WHERE hash = $1 AND seen_us < $2";
            session.execute(sql, vec![hash.to_vec().into(), us.into()]).await?;
            session.commit().await?;
        }
        Ok(Some(person))
    }

    /// The sessions of a person that are open, the one used last first.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn sessions(
        &self,
        person: i64,
        now: Timestamp,
        idle_since: Timestamp,
    ) -> Result<Vec<OpenSession>, StoreError> {
        let mut session = self.database.read("list sessions");
        let sql = "SELECT hash, means, created_us, seen_us, expires_us, address, agent \
                   FROM sessions WHERE person = $1 AND expires_us > $2 AND seen_us > $3 \
                   ORDER BY seen_us DESC, hash LIMIT $4";
        let params = vec![
            person.into(),
            now.as_microsecond().into(),
            idle_since.as_microsecond().into(),
            LISTED_MAX.into(),
        ];
        let rows = session.fetch(sql, params).await?;
        rows.iter().map(|row| open_of(&session, row)).collect()
    }

    /// Ends a session; of one person alone where one is named. Answers whether there was one.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn end_session(&self, hash: &Hash, of: Option<i64>) -> Result<bool, StoreError> {
        let mut session = self.database.write("end a session").await?;
        let sql = "DELETE FROM sessions WHERE hash = $1 AND (person = $2 OR $2 = 0)";
        let params = vec![hash.to_vec().into(), of.unwrap_or(0).into()];
        let ended = session.execute(sql, params).await?;
        session.commit().await?;
        Ok(ended > 0)
    }

    /// Ends all sessions of a person.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn end_sessions(&self, person: i64) -> Result<u64, StoreError> {
        let mut session = self.database.write("end a person's sessions").await?;
        let ended = end_sessions(&mut session, person).await?;
        session.commit().await?;
        Ok(ended)
    }

    /// Keeps a sign-in that goes on later, and forgets those whose time is over. Links to set
    /// somebody up are worth nothing any more when another is made for the same person.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn begin_sign_in(&self, new: &NewSignIn, now: Timestamp) -> Result<(), StoreError> {
        let mut session = self.database.write("begin to sign in").await?;
        let sql = "DELETE FROM sign_ins WHERE expires_us <= $1";
        session.execute(sql, vec![now.as_microsecond().into()]).await?;
        if new.kind == "provider" {
            let sql = "DELETE FROM sign_ins WHERE hash IN (SELECT hash FROM sign_ins \
                       WHERE kind = $1 ORDER BY expires_us DESC, hash LIMIT $2 OFFSET $3)";
            let over =
                vec![new.kind.as_str().into(), LISTED_MAX.into(), (ROUND_TRIPS_MAX - 1).into()];
            session.execute(sql, over).await?;
        }
        if new.kind == "setup" {
            let sql = "DELETE FROM sign_ins WHERE kind = $1 AND coalesce(person, 0) = $2";
            let params = vec![column_text(&new.kind).into(), new.person.unwrap_or(0).into()];
            session.execute(sql, params).await?;
        }
        let sql = "INSERT INTO sign_ins (hash, kind, person, detail, expires_us) \
                   VALUES ($1, $2, $3, $4, $5)";
        let params = vec![
            new.hash.to_vec().into(),
            column_text(&new.kind).into(),
            new.person.into(),
            column_text(&new.detail).into(),
            new.expires.as_microsecond().into(),
        ];
        session.execute(sql, params).await?;
        session.commit().await
    }

    /// A sign-in under way, which stays so.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn sign_in(
        &self,
        hash: &Hash,
        kind: &str,
        now: Timestamp,
    ) -> Result<Option<SignInUnderWay>, StoreError> {
        let mut session = self.database.read("go on to sign in");
        let sql = "SELECT person, detail FROM sign_ins WHERE hash = $1 AND kind = $2 \
                   AND expires_us > $3";
        let params = vec![hash.to_vec().into(), kind.into(), now.as_microsecond().into()];
        session
            .fetch_one(sql, params, |row| {
                Ok(SignInUnderWay { person: row.opt_int(0)?, detail: row.text(1)? })
            })
            .await
    }

    /// Takes a sign-in under way: nobody gets it again.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn take_sign_in(
        &self,
        hash: &Hash,
        kind: &str,
        now: Timestamp,
    ) -> Result<Option<SignInUnderWay>, StoreError> {
        let mut session = self.database.write("end a sign-in").await?;
        let sql = "DELETE FROM sign_ins WHERE hash = $1 AND kind = $2 AND expires_us > $3 \
                   RETURNING person, detail";
        let params = vec![hash.to_vec().into(), kind.into(), now.as_microsecond().into()];
        let taken = session
            .fetch_one(sql, params, |row| {
                Ok(SignInUnderWay { person: row.opt_int(0)?, detail: row.text(1)? })
            })
            .await?;
        session.commit().await?;
        Ok(taken)
    }
}

fn open_of(session: &Session, row: &Row) -> Result<OpenSession, StoreError> {
    let read = || {
        Ok::<_, sqlx::Error>((
            (row.blob(0)?, row.text(1)?, row.int(2)?, row.int(3)?),
            (row.int(4)?, row.text(5)?, row.text(6)?),
        ))
    };
    let ((hash, means, created, seen), (expires, address, agent)) =
        read().map_err(|error| session.fail(error))?;
    Ok(OpenSession {
        hash: hash.try_into().map_err(|_| session.damaged("a session has no hash"))?,
        means,
        created: time(session, created)?,
        seen: time(session, seen)?,
        expires: time(session, expires)?,
        address,
        agent,
    })
}
