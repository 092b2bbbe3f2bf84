//! People: added, found, listed, changed; their second factors and recovery codes.
//! A change of what somebody may do ends their sessions in the same transaction.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Hash, LISTED_MAX, People, accounts_column, accounts_of, opt_time, time};
use crate::database::{Param, Row, Session};
use crate::encode::column_text;
use crate::error::StoreError;

/// A person to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPerson {
    /// The name to sign in with; kept in lower case.
    pub name: String,
    /// Issuer and subject of OpenID Connect.
    pub subject: Option<String>,
    /// The hash of the password, with its parameters.
    pub password: Option<String>,
    /// The role's word.
    pub role: String,
    /// The accounts that they may see; none: all.
    pub accounts: Option<BTreeSet<String>>,
}

/// Where the secret of a second factor is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Totp {
    /// Among the secrets of this store, as [`Person::totp_secret_name`].
    Sealed,
    /// Here, because there was no master key to seal it with; in base 32.
    Plain(String),
}

/// A person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Their number; never given again.
    pub id: i64,
    /// The name that they sign in with, in lower case.
    pub name: String,
    /// Issuer and subject of OpenID Connect.
    pub subject: Option<String>,
    /// The hash of the password, with its parameters; none where they have none.
    pub password: Option<String>,
    /// The second factor, where they have one.
    pub totp: Option<Totp>,
    /// The role's word.
    pub role: String,
    /// The accounts that they may see; none: all.
    pub accounts: Option<BTreeSet<String>>,
    /// The language of their choice: `en` or `ja`.
    pub lang: Option<String>,
    /// The time zone of their choice, by its IANA name.
    pub zone: Option<String>,
    /// Whether they may not come in.
    pub disabled: bool,
    /// When they were added.
    pub created: Timestamp,
    /// When they last signed in.
    pub seen: Option<Timestamp>,
}

impl Person {
    /// The name under which the secret of their second factor is kept, where it is sealed.
    pub fn totp_secret_name(&self) -> String {
        format!("people/{}/totp", self.id)
    }
}

const COLUMNS: &str = "id, name, subject, password, totp, role, accounts, lang, zone, disabled, \
                       created_us, seen_us";

impl People {
    /// Adds a person; none where the name or the subject is taken.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn add(&self, new: &NewPerson, now: Timestamp) -> Result<Option<i64>, StoreError> {
        let mut session = self.database.write("add a person").await?;
        let id = insert(&mut session, new, now).await?;
        session.commit().await?;
        Ok(id)
    }

    /// Adds the first person, where there is none at all: of several who try at once, one does.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn add_first(
        &self,
        new: &NewPerson,
        now: Timestamp,
    ) -> Result<Option<i64>, StoreError> {
        let mut session = self.database.write("add the first person").await?;
        let known = session.fetch_one("SELECT id FROM people LIMIT 1", vec![], |row| row.int(0));
        if known.await?.is_some() {
            return Ok(None);
        }
        let id = insert(&mut session, new, now).await?;
        session.commit().await?;
        Ok(id)
    }

    /// Whether there is anybody.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn is_empty(&self) -> Result<bool, StoreError> {
        let mut session = self.database.read("look whether there are people");
        let first = session.fetch_one("SELECT id FROM people LIMIT 1", vec![], |row| row.int(0));
        Ok(first.await?.is_none())
    }

    /// All people, by name; at most 10,000.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn list(&self) -> Result<Vec<Person>, StoreError> {
        let mut session = self.database.read("list people");
        let sql = format!("SELECT {COLUMNS} FROM people ORDER BY name LIMIT $1");
        let rows = session.fetch(sql, vec![LISTED_MAX.into()]).await?;
        rows.iter().map(|row| person_of(&session, row)).collect()
    }

    /// A person by name, in any case of letters.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn by_name(&self, name: &str) -> Result<Option<Person>, StoreError> {
        self.one("name", folded(name).into()).await
    }

    /// A person by issuer and subject of OpenID Connect.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn by_subject(&self, subject: &str) -> Result<Option<Person>, StoreError> {
        self.one("subject", column_text(subject).into()).await
    }

    /// A person by number.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn by_id(&self, id: i64) -> Result<Option<Person>, StoreError> {
        self.one("id", id.into()).await
    }

    async fn one(&self, column: &'static str, value: Param) -> Result<Option<Person>, StoreError> {
        let mut session = self.database.read("look a person up");
        let sql = format!("SELECT {COLUMNS} FROM people WHERE {column} = $1");
        let rows = session.fetch(sql, vec![value]).await?;
        rows.first().map(|row| person_of(&session, row)).transpose()
    }

    /// Changes role and accounts, and ends their sessions where that changes anything.
    ///
    /// INVARIANT: the last administrator who may come in stays one. Answers false where the
    /// change would leave none.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn set_role(
        &self,
        id: i64,
        role: &str,
        accounts: Option<&BTreeSet<String>>,
    ) -> Result<bool, StoreError> {
        let mut session = self.database.write("change a person's role").await?;
        if role != ADMIN && last_admin(&mut session, id).await? {
            return Ok(false);
        }
        let accounts = accounts_column(accounts);
        let sql = "UPDATE people SET role = $2, accounts = $3 WHERE id = $1 AND \
                   (role <> $2 OR coalesce(accounts, '') <> coalesce($3, ''))";
        let params = vec![id.into(), column_text(role).into(), accounts.into()];
        if session.execute(sql, params).await? > 0 {
            end_sessions(&mut session, id).await?;
        }
        session.commit().await?;
        Ok(true)
    }

    /// Lets somebody in no more, or again; ends their sessions. Answers false where that would
    /// leave no administrator.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn set_disabled(&self, id: i64, disabled: bool) -> Result<bool, StoreError> {
        let mut session = self.database.write("disable a person").await?;
        if disabled && last_admin(&mut session, id).await? {
            return Ok(false);
        }
        let sql = "UPDATE people SET disabled = $2 WHERE id = $1";
        session.execute(sql, vec![id.into(), disabled.into()]).await?;
        if disabled {
            end_sessions(&mut session, id).await?;
        }
        session.commit().await?;
        Ok(true)
    }

    /// Sets a password's hash, or takes it away, and ends all sessions but one.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn set_password(
        &self,
        id: i64,
        password: Option<&str>,
        keep: Option<&Hash>,
    ) -> Result<(), StoreError> {
        let mut session = self.database.write("set a password").await?;
        let password = password.map(column_text);
        let sql = "UPDATE people SET password = $2 WHERE id = $1";
        session.execute(sql, vec![id.into(), password.into()]).await?;
        let keep = keep.map(|hash| hash.to_vec()).unwrap_or_default();
        let sql = "DELETE FROM sessions WHERE person = $1 AND hash <> $2";
        session.execute(sql, vec![id.into(), keep.into()]).await?;
        session.commit().await
    }

    /// Sets or takes away the second factor, with the hashes of its recovery codes.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn set_totp(
        &self,
        id: i64,
        totp: Option<&Totp>,
        codes: &[Hash],
    ) -> Result<(), StoreError> {
        let mut session = self.database.write("set a second factor").await?;
        let column = totp.map(|totp| match totp {
            Totp::Sealed => SEALED.to_owned(),
            Totp::Plain(secret) => format!("{PLAIN}{}", column_text(secret)),
        });
        let sql = "UPDATE people SET totp = $2, totp_step = 0 WHERE id = $1";
        session.execute(sql, vec![id.into(), column.into()]).await?;
        session.execute("DELETE FROM person_codes WHERE person = $1", vec![id.into()]).await?;
        for code in codes {
            let sql = "INSERT INTO person_codes (person, hash) VALUES ($1, $2)";
            session.execute(sql, vec![id.into(), code.to_vec().into()]).await?;
        }
        session.commit().await
    }

    /// Takes a time step of the second factor; false where it, or a later one, was taken before:
    /// a code that was seen over somebody's shoulder is worth nothing.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn take_step(&self, id: i64, step: i64) -> Result<bool, StoreError> {
        let mut session = self.database.write("use a code").await?;
        let sql = "UPDATE people SET totp_step = $2 WHERE id = $1 AND totp_step < $2";
        let taken = session.execute(sql, vec![id.into(), step.into()]).await?;
        session.commit().await?;
        Ok(taken > 0)
    }

    /// Takes a recovery code; false where there is none such, or it was taken before.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn take_code(&self, id: i64, code: &Hash) -> Result<bool, StoreError> {
        let mut session = self.database.write("use a recovery code").await?;
        let sql = "DELETE FROM person_codes WHERE person = $1 AND hash = $2";
        let taken = session.execute(sql, vec![id.into(), code.to_vec().into()]).await?;
        session.commit().await?;
        Ok(taken > 0)
    }

    /// How many recovery codes are left.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn codes_left(&self, id: i64) -> Result<u64, StoreError> {
        let mut session = self.database.read("count recovery codes");
        let sql = "SELECT count(*) FROM person_codes WHERE person = $1";
        let left = session.fetch_one(sql, vec![id.into()], |row| row.int(0)).await?;
        Ok(left.and_then(|left| u64::try_from(left).ok()).unwrap_or(0))
    }

    /// Sets the language and the time zone of their choice.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn set_choices(
        &self,
        id: i64,
        lang: Option<&str>,
        zone: Option<&str>,
    ) -> Result<(), StoreError> {
        let mut session = self.database.write("keep a person's choices").await?;
        let sql = "UPDATE people SET lang = $2, zone = $3 WHERE id = $1";
        let params = vec![id.into(), lang.map(column_text).into(), zone.map(column_text).into()];
        session.execute(sql, params).await?;
        session.commit().await
    }
}

/// The word of the role that must not die out.
const ADMIN: &str = "admin";
const SEALED: &str = "sealed";
const PLAIN: &str = "plain:";

/// A name as it is kept and looked for.
pub(super) fn folded(name: &str) -> String {
    column_text(name.trim()).to_lowercase()
}

/// Whether a person is the only administrator who may come in.
async fn last_admin(session: &mut Session, id: i64) -> Result<bool, StoreError> {
    let sql = "SELECT id FROM people WHERE role = $1 AND disabled = 0 LIMIT 2";
    let admins = session.fetch_as(sql, vec![ADMIN.into()], |row| row.int(0)).await?;
    Ok(admins == [id])
}

pub(super) async fn end_sessions(session: &mut Session, id: i64) -> Result<u64, StoreError> {
    session.execute("DELETE FROM sessions WHERE person = $1", vec![id.into()]).await
}

async fn insert(
    session: &mut Session,
    new: &NewPerson,
    now: Timestamp,
) -> Result<Option<i64>, StoreError> {
    let sql = "INSERT INTO people (name, subject, password, totp_step, role, accounts, disabled, \
               created_us) VALUES ($1, $2, $3, 0, $4, $5, 0, $6) ON CONFLICT DO NOTHING \
               RETURNING id";
    let params = vec![
        folded(&new.name).into(),
        new.subject.as_deref().map(column_text).into(),
        new.password.as_deref().map(column_text).into(),
        column_text(&new.role).into(),
        accounts_column(new.accounts.as_ref()).into(),
        now.as_microsecond().into(),
    ];
    session.fetch_one(sql, params, |row| row.int(0)).await
}

pub(super) fn person_of(session: &Session, row: &Row) -> Result<Person, StoreError> {
    let read = || {
        Ok::<_, sqlx::Error>((
            (row.int(0)?, row.text(1)?, row.opt_text(2)?, row.opt_text(3)?),
            (row.opt_text(4)?, row.text(5)?, row.opt_text(6)?, row.opt_text(7)?),
            (row.opt_text(8)?, row.flag(9)?, row.int(10)?, row.opt_int(11)?),
        ))
    };
    let (who, what, when) = read().map_err(|error| session.fail(error))?;
    let (id, name, subject, password) = who;
    let (totp, role, accounts, lang) = what;
    let (zone, disabled, made, seen) = when;
    let totp = match totp {
        None => None,
        Some(word) if word == SEALED => Some(Totp::Sealed),
        Some(word) => {
            let secret = word.strip_prefix(PLAIN);
            let secret = secret.ok_or_else(|| session.damaged("a second factor is unreadable"))?;
            Some(Totp::Plain(secret.to_owned()))
        }
    };
    Ok(Person {
        id,
        name,
        subject,
        password,
        totp,
        role,
        accounts: accounts_of(session, accounts)?,
        lang,
        zone,
        disabled,
        created: time(session, made)?,
        seen: opt_time(session, seen)?,
    })
}
