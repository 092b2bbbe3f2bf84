//! Tokens of programs: made, found by their hash, listed, taken back.
//! The token itself is shown once by whoever makes it, and not known here.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    Hash, LISTED_MAX, People, accounts_column, accounts_of, opt_time, time, words_column, words_of,
};
use crate::database::{Row, Session};
use crate::encode::column_text;
use crate::error::StoreError;

/// Microseconds after which it is noted again that a token is in use.
const USED_STEP_US: i64 = 60 * 1_000_000;

/// A token to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// What people call it.
    pub name: String,
    /// Of the token.
    pub hash: Hash,
    /// The role's word.
    pub role: String,
    /// The accounts that it may see; none: all.
    pub accounts: Option<BTreeSet<String>>,
    /// What it may be used for, as words.
    pub scopes: BTreeSet<String>,
    /// Who made it.
    pub created_by: String,
    /// When it is worth nothing any more; none: never.
    pub expires: Option<Timestamp>,
}

/// A token, without what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its number.
    pub id: i64,
    /// What people call it.
    pub name: String,
    /// The role's word.
    pub role: String,
    /// The accounts that it may see; none: all.
    pub accounts: Option<BTreeSet<String>>,
    /// What it may be used for, as words.
    pub scopes: BTreeSet<String>,
    /// When it was made.
    pub created: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// When it is worth nothing any more; none: never.
    pub expires: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub used: Option<Timestamp>,
}

const COLUMNS: &str =
    "id, name, role, accounts, scopes, created_us, created_by, expires_us, used_us";

impl People {
    /// Keeps a token; none where another has its name.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn add_token(
        &self,
        new: &NewToken,
        now: Timestamp,
    ) -> Result<Option<i64>, StoreError> {
        let mut session = self.database.write("keep a token").await?;
        let sql = "INSERT INTO tokens (name, hash, role, accounts, scopes, created_us, \
                   created_by, expires_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
                   ON CONFLICT DO NOTHING RETURNING id";
        let params = vec![
            column_text(new.name.trim()).into(),
            new.hash.to_vec().into(),
            column_text(&new.role).into(),
            accounts_column(new.accounts.as_ref()).into(),
            words_column(&new.scopes).into(),
            now.as_microsecond().into(),
            column_text(&new.created_by).into(),
            new.expires.map(Timestamp::as_microsecond).into(),
        ];
        let id = session.fetch_one(sql, params, |row| row.int(0)).await?;
        session.commit().await?;
        Ok(id)
    }

    /// The token of a hash; none where there is none, or its time is over. Notes that it is used.
    ///
    /// # Errors
    /// Where the database cannot be read or written.
    pub async fn of_token(&self, hash: &Hash, now: Timestamp) -> Result<Option<Token>, StoreError> {
        let mut session = self.database.read("look a token up");
        let sql = format!(
            "SELECT {COLUMNS} FROM tokens WHERE hash = $1 AND coalesce(expires_us, $3) > $2"
        );
        let us = now.as_microsecond();
        let params = vec![hash.to_vec().into(), us.into(), i64::MAX.into()];
        let rows = session.fetch(sql, params).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let token = token_of(&session, row)?;
        let used = token.used.map_or(i64::MIN, Timestamp::as_microsecond);
        if us.saturating_sub(used) >= USED_STEP_US {
            let mut session = self.database.write("note that a token is in use").await?;
            let sql = "UPDATE tokens SET used_us = $2 WHERE id = $1";
            session.execute(sql, vec![token.id.into(), us.into()]).await?;
            session.commit().await?;
        }
        Ok(Some(token))
    }

    /// All tokens, by name; at most 10,000.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        let mut session = self.database.read("list tokens");
        let sql = format!("SELECT {COLUMNS} FROM tokens ORDER BY name LIMIT $1");
        let rows = session.fetch(sql, vec![LISTED_MAX.into()]).await?;
        rows.iter().map(|row| token_of(&session, row)).collect()
    }

    /// Takes a token back; answers its name, where there was one.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn revoke_token(&self, id: i64) -> Result<Option<String>, StoreError> {
        let mut session = self.database.write("take a token back").await?;
        let sql = "DELETE FROM tokens WHERE id = $1 RETURNING name";
        let name = session.fetch_one(sql, vec![id.into()], |row| row.text(0)).await?;
        session.commit().await?;
        Ok(name)
    }
}

fn token_of(session: &Session, row: &Row) -> Result<Token, StoreError> {
    let read = || {
        Ok::<_, sqlx::Error>((
            (row.int(0)?, row.text(1)?, row.text(2)?, row.opt_text(3)?, row.text(4)?),
            (row.int(5)?, row.text(6)?, row.opt_int(7)?, row.opt_int(8)?),
        ))
    };
    let ((id, name, role, accounts, scopes), (created, created_by, expires, used)) =
        read().map_err(|error| session.fail(error))?;
    Ok(Token {
        id,
        name,
        role,
        accounts: accounts_of(session, accounts)?,
        scopes: words_of(session, &scopes)?,
        created: time(session, created)?,
        created_by,
        expires: opt_time(session, expires)?,
        used: opt_time(session, used)?,
    })
}
