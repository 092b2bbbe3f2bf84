//! Who may come into the console: people, sessions, tokens, what is under way of signing in, and
//! the record of what was done.
//! No password, session or token is known here, only what is left of them by hashing; what a role
//! may do is the console's.

mod audit;
mod failures;
mod keep;
mod sessions;
mod tokens;

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::Store;
use crate::database::{Database, Session};
use crate::error::StoreError;

pub use audit::{Audit, AuditFilter, NewAudit};
pub use failures::Failures;
pub use keep::{NewPerson, Person, Totp};
pub use sessions::{NewSession, NewSignIn, OpenSession, SignInUnderWay};
pub use tokens::{NewToken, Token};

/// SHA-256 of something random.
pub type Hash = [u8; 32];

/// What a list of people, sessions or tokens has at most; more are no list that a person reads.
const LISTED_MAX: i64 = 10_000;

/// Who may come in. Clones share the connections.
#[derive(Clone)]
pub struct People {
    database: Database,
}

/// What was forgotten because its time was over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Sessions that ended.
    pub sessions: u64,
    /// Sign-ins that were never finished.
    pub sign_ins: u64,
    /// Failures that count no more.
    pub failures: u64,
    /// Lines of the record.
    pub audit: u64,
}

impl Store {
    /// Who may come into the console of this store.
    pub fn people(&self) -> People {
        People { database: self.database.clone() }
    }
}

impl People {
    /// Forgets what is over: sessions not used since `idle_since`, sign-ins, failures of the day
    /// before, and the record of before `audit_before`.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn forget(
        &self,
        now: Timestamp,
        idle_since: Timestamp,
        audit_before: Timestamp,
    ) -> Result<Forgotten, StoreError> {
        let mut session = self.database.write("forget sign-ins that are over").await?;
        let day = 24 * 3600 * 1_000_000;
        let now = now.as_microsecond();
        let sql = "DELETE FROM sessions WHERE expires_us <= $1 OR seen_us <= $2";
        let params = vec![now.into(), idle_since.as_microsecond().into()];
        let sessions = session.execute(sql, params).await?;
        let sql = "DELETE FROM sign_ins WHERE expires_us <= $1";
        let sign_ins = session.execute(sql, vec![now.into()]).await?;
        let sql = "DELETE FROM sign_in_failures WHERE last_us <= $1";
        let failures = session.execute(sql, vec![(now - day).into()]).await?;
        let sql = "DELETE FROM audit WHERE at_us < $1";
        let audit = session.execute(sql, vec![audit_before.as_microsecond().into()]).await?;
        session.commit().await?;
        Ok(Forgotten { sessions, sign_ins, failures, audit })
    }
}

fn time(session: &Session, us: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(us).map_err(|error| session.damaged(error.to_string()))
}

fn opt_time(session: &Session, us: Option<i64>) -> Result<Option<Timestamp>, StoreError> {
    us.map(|us| time(session, us)).transpose()
}

/// A set of words as a column.
fn words_column(words: &BTreeSet<String>) -> String {
    // A list of texts is always JSON.
    serde_json::to_string(words).unwrap_or_default()
}

fn words_of(session: &Session, column: &str) -> Result<BTreeSet<String>, StoreError> {
    serde_json::from_str(column).map_err(|error| session.damaged(error.to_string()))
}

fn accounts_column(accounts: Option<&BTreeSet<String>>) -> Option<String> {
    accounts.map(words_column)
}

fn accounts_of(
    session: &Session,
    column: Option<String>,
) -> Result<Option<BTreeSet<String>>, StoreError> {
    column.map(|column| words_of(session, &column)).transpose()
}
