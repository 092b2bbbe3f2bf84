//! Secrets kept in the database, each in an envelope: set, read, listed, removed, wrapped anew.
//! The master keys are handed in: a key file or KMS is the binary's business.

mod envelope;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use jiff::Timestamp;
use yagura_model::secret::Secret;

pub use envelope::{Belonging, DataKey, SealFault, unwrap, wrap};

use crate::Store;
use crate::database::{Database, Session};
use crate::error::StoreError;

/// Secrets that [`StoredSecrets::rotate`] reads at once.
const ROTATED_AT_ONCE: i64 = 100;
/// Secrets that a list gives at most; more are no list that a person reads.
const LISTED_MAX: i64 = 10_000;

/// A future of [`MasterKeys`].
pub type MasterFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, SealFault>> + Send + 'a>>;

/// Who wraps data keys. A master key is known by an id that says where it is kept and that is no
/// secret: `file:0f1e2d3c4b5a6978`, `kms:arn:aws:kms:…`.
pub trait MasterKeys: fmt::Debug + Send + Sync {
    /// The key that new secrets are wrapped with.
    fn current(&self) -> &str;

    /// Wraps a data key with the current master key.
    fn wrap<'a>(&'a self, of: &'a Belonging, key: &'a DataKey) -> MasterFuture<'a, Vec<u8>>;

    /// Unwraps a data key with the master key of an id.
    fn unwrap<'a>(
        &'a self,
        master: &'a str,
        of: &'a Belonging,
        wrapped: &'a [u8],
    ) -> MasterFuture<'a, DataKey>;
}

/// The secrets of a store.
#[derive(Clone)]
pub struct StoredSecrets {
    database: Database,
    masters: Arc<dyn MasterKeys>,
}

/// What may be told of a stored secret: everything but what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSecret {
    /// What it is referred to by, as `stored:NAME`.
    pub name: String,
    /// How often it was set.
    pub version: u64,
    /// The master key that its data key is wrapped with.
    pub master: String,
    /// When this version was set.
    pub set: Timestamp,
    /// When its data key was wrapped last.
    pub wrapped: Timestamp,
}

/// One row, still closed.
struct Envelope {
    of: Belonging,
    master: String,
    wrapped_key: Vec<u8>,
    sealed: Vec<u8>,
}

impl Store {
    /// The stored secrets, with the keys that open them.
    pub fn secrets(&self, masters: Arc<dyn MasterKeys>) -> StoredSecrets {
        StoredSecrets { database: self.database.clone(), masters }
    }

    /// What is stored, by name, without any key. The list ends at 10,000 names.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn stored_secrets(&self) -> Result<Vec<StoredSecret>, StoreError> {
        let mut session = self.database.read("list stored secrets");
        let sql = "SELECT name, version, master, set_us, wrapped_us FROM secrets \
                   ORDER BY name LIMIT $1";
        let rows = session
            .fetch_as(sql, vec![LISTED_MAX.into()], |row| {
                Ok((row.text(0)?, row.int(1)?, row.text(2)?, row.int(3)?, row.int(4)?))
            })
            .await?;
        let time = |us| {
            Timestamp::from_microsecond(us).map_err(|error| session.damaged(error.to_string()))
        };
        rows.into_iter()
            .map(|(name, version, master, set_us, wrapped_us)| {
                let version = u64::try_from(version).unwrap_or_default();
                let (set, wrapped) = (time(set_us)?, time(wrapped_us)?);
                Ok(StoredSecret { name, version, master, set, wrapped })
            })
            .collect()
    }

    /// Removes a secret; says whether there was one. What was removed is gone for good: only a
    /// backup has it still.
    ///
    /// # Errors
    /// Where the database cannot be written.
    pub async fn remove_secret(&self, name: &str) -> Result<bool, StoreError> {
        let mut session = self.database.write("remove a stored secret").await?;
        let sql = "DELETE FROM secrets WHERE name = $1";
        let removed = session.execute(sql, vec![name.into()]).await?;
        session.commit().await?;
        Ok(removed > 0)
    }
}

impl StoredSecrets {
    /// Sets a secret, under a data key of its own; gives its version.
    ///
    /// # Errors
    /// Where the master key cannot be used, or the database not be written.
    pub async fn set(
        &self,
        name: &str,
        secret: &Secret,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        // The master key may be a call away, and no writer waits for a network: the version is
        // guessed, and the row written only where the guess still holds.
        loop {
            let known = self.version(name).await?;
            let of = Belonging { name: name.to_owned(), version: known.saturating_add(1) };
            let fail = |fault| StoreError::Sealed { name: name.to_owned(), fault };
            let key = DataKey::random().map_err(fail)?;
            let sealed = envelope::seal(&key, &of, secret).map_err(fail)?;
            let wrapped_key = self.masters.wrap(&of, &key).await.map_err(fail)?;
            let master = self.masters.current().to_owned();
            let version = of.version;
            if self.put(Envelope { of, master, wrapped_key, sealed }, now).await? {
                return Ok(version);
            }
        }
    }

    /// A secret's value; `None` where there is none of that name.
    ///
    /// # Errors
    /// [`StoreError::Sealed`] where its envelope does not open, and whatever the database says.
    pub async fn get(&self, name: &str) -> Result<Option<Secret>, StoreError> {
        let mut session = self.database.read("read a stored secret");
        let sql = "SELECT name, version, master, wrapped_key, sealed FROM secrets WHERE name = $1";
        let Some(envelope) = session.fetch_one(sql, vec![name.into()], envelope_of).await? else {
            return Ok(None);
        };
        let fail = |fault| StoreError::Sealed { name: name.to_owned(), fault };
        let Envelope { of, master, wrapped_key, sealed } = envelope;
        let key = self.masters.unwrap(&master, &of, &wrapped_key).await.map_err(fail)?;
        envelope::open(&key, &of, &sealed).map(Some).map_err(fail)
    }

    /// Wraps the data key of every secret that another master key wraps with the current one;
    /// gives how many were. A rotation that was stopped goes on where it was: what is wrapped
    /// stays readable all along, as long as both master keys are at hand.
    ///
    /// # Errors
    /// At the first secret that does not open, by name; those before it are wrapped anew.
    pub async fn rotate(&self, now: Timestamp) -> Result<u64, StoreError> {
        let (mut rotated, mut after) = (0, String::new());
        loop {
            let batch = self.of_others(&after).await?;
            let Some(last) = batch.last() else { return Ok(rotated) };
            after.clone_from(&last.of.name);
            let mut done = Vec::new();
            for envelope in batch {
                let Envelope { of, master, wrapped_key, .. } = envelope;
                let fail = |fault| StoreError::Sealed { name: of.name.clone(), fault };
                let key = self.masters.unwrap(&master, &of, &wrapped_key).await.map_err(fail)?;
                let wrapped_key = self.masters.wrap(&of, &key).await.map_err(fail)?;
                done.push((of, wrapped_key));
            }
            rotated += self.put_wrapped(done, now).await?;
        }
    }

    async fn version(&self, name: &str) -> Result<u64, StoreError> {
        let mut session = self.database.read("read a stored secret");
        let sql = "SELECT version FROM secrets WHERE name = $1";
        let version = session.fetch_one(sql, vec![name.into()], |row| row.int(0)).await?;
        Ok(version.and_then(|version| u64::try_from(version).ok()).unwrap_or(0))
    }

    /// Writes a version, unless another writer has set it in the meantime.
    async fn put(&self, envelope: Envelope, now: Timestamp) -> Result<bool, StoreError> {
        let Envelope { of, master, wrapped_key, sealed } = envelope;
        let version = i64::try_from(of.version).unwrap_or(i64::MAX);
        let mut session = self.database.write("keep a secret").await?;
        let params = vec![
            of.name.into(),
            version.into(),
            master.into(),
            wrapped_key.into(),
            sealed.into(),
            now.as_microsecond().into(),
        ];
        let sql = if version == 1 {
            "INSERT INTO secrets (name, version, master, wrapped_key, sealed, set_us, wrapped_us) \
             VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (name) DO NOTHING"
        } else {
            "UPDATE secrets SET version = $2, master = $3, wrapped_key = $4, sealed = $5, \
             set_us = $6, wrapped_us = $6 WHERE name = $1 AND version = $2 - 1"
        };
        let put = session.execute(sql, params).await?;
        session.commit().await?;
        Ok(put > 0)
    }

    async fn of_others(&self, after: &str) -> Result<Vec<Envelope>, StoreError> {
        let mut session = self.database.read("read stored secrets");
        let sql = "SELECT name, version, master, wrapped_key, sealed FROM secrets \
                   WHERE master <> $1 AND name > $2 ORDER BY name LIMIT $3";
        let params = vec![self.masters.current().into(), after.into(), ROTATED_AT_ONCE.into()];
        session.fetch_as(sql, params, envelope_of).await
    }

    /// One transaction. A secret that was set again in the meantime is under the current key
    /// already, and keeps what it has.
    async fn put_wrapped(
        &self,
        done: Vec<(Belonging, Vec<u8>)>,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let mut session: Session = self.database.write("wrap stored secrets anew").await?;
        let sql = "UPDATE secrets SET master = $3, wrapped_key = $4, wrapped_us = $5 \
                   WHERE name = $1 AND version = $2";
        let mut changed = 0;
        for (of, wrapped_key) in done {
            let params = vec![
                of.name.into(),
                i64::try_from(of.version).unwrap_or(i64::MAX).into(),
                self.masters.current().into(),
                wrapped_key.into(),
                now.as_microsecond().into(),
            ];
            changed += session.execute(sql, params).await?;
        }
        session.commit().await?;
        Ok(changed)
    }
}

fn envelope_of(row: &crate::database::Row) -> Result<Envelope, sqlx::Error> {
    let version = u64::try_from(row.int(1)?).unwrap_or_default();
    Ok(Envelope {
        of: Belonging { name: row.text(0)?, version },
        master: row.text(2)?,
        wrapped_key: row.blob(3)?,
        sealed: row.blob(4)?,
    })
}
