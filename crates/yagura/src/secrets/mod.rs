//! Where the values of secrets come from: the environment, files, AWS, Yagura's own database.
//! What a reference is, and how a value is kept from being shown, is in `yagura_model::secret`.

mod files;
mod key_file;
mod masters;

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as Turn, OnceCell};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use yagura_aws::{SecretReader, Target};
use yagura_model::secret::{Secret, SecretError, SecretFault, SecretFuture, SecretRef, Secrets};
use yagura_store::secrets::{SealFault, StoredSecrets};
use yagura_store::{Store, StoreError};

pub(crate) use key_file::{KEY_FILE, KeyFile};
pub(crate) use masters::{Master, Masters};

use crate::context::Context;
use crate::options::AwsOptions;
use crate::reach;

/// How long a value that had to be fetched or decrypted is used before it is asked for again:
/// a rotated secret arrives within this time.
const KEPT_FOR: Duration = Duration::from_secs(300);
/// How long a value may be used where its place does not answer at all.
const KEPT_IN_NEED: Duration = Duration::from_secs(3600);

/// The one implementation of [`Secrets`]. AWS and the database are reached when the first
/// reference asks for them, so that a run that needs no secret needs neither.
pub(crate) struct Resolver {
    context: Context,
    options: AwsOptions,
    aws: AwsSecrets,
    stored: OnceCell<StoredSecrets>,
    kept: Mutex<HashMap<SecretRef, (Instant, Secret)>>,
    turn: Turn<()>,
}

/// AWS's secrets, reached once.
pub(crate) type AwsSecrets = Arc<OnceCell<SecretReader>>;

impl Resolver {
    /// A resolver with the settings of a command.
    pub(crate) fn new(context: &Context, options: &AwsOptions) -> Self {
        Self {
            context: context.clone(),
            options: options.clone(),
            aws: AwsSecrets::default(),
            stored: OnceCell::new(),
            kept: Mutex::default(),
            turn: Turn::default(),
        }
    }

    async fn fetch(&self, reference: &SecretRef) -> Result<Secret, SecretFault> {
        match reference {
            SecretRef::Environment(name) => environment(name),
            SecretRef::File(path) => files::read(Path::new(path)),
            SecretRef::SecretsManager { id, key } => {
                aws(&self.aws, &self.options).await?.secret(id, key.as_deref()).await
            }
            SecretRef::Parameter(name) => {
                aws(&self.aws, &self.options).await?.parameter(name).await
            }
            SecretRef::Stored(name) => {
                let stored = self.stored.get_or_try_init(|| self.open()).await?;
                stored.get(name).await.map_err(fault_of)?.ok_or(SecretFault::Absent)
            }
        }
    }

    async fn open(&self) -> Result<StoredSecrets, SecretFault> {
        let failed = |error: anyhow::Error| SecretFault::Failed(format!("{error:#}"));
        // A database whose own address is a stored secret was refused when it was opened.
        let store: Store = self.context.store().await.map_err(failed)?;
        let masters = Masters::new(&self.context, &self.options, Arc::clone(&self.aws));
        Ok(store.secrets(Arc::new(masters.map_err(failed)?)))
    }

    fn kept(&self, reference: &SecretRef, age_max: Duration) -> Option<Secret> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, secret) = kept.get(reference)?;
        (since.elapsed() < age_max).then(|| secret.clone())
    }

    fn keep(&self, reference: &SecretRef, secret: &Secret) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, (since, _)| since.elapsed() < KEPT_IN_NEED);
        kept.insert(reference.clone(), (Instant::now(), secret.clone()));
    }

    async fn resolve(&self, reference: &SecretRef) -> Result<Secret, SecretError> {
        if matches!(reference, SecretRef::Environment(_) | SecretRef::File(_)) {
            return self.fetch(reference).await.map_err(|fault| fault.of(reference));
        }
        if let Some(secret) = self.kept(reference, KEPT_FOR) {
            return Ok(secret);
        }
        // A thousand deliveries that begin together ask once.
        let _turn = self.turn.lock().await;
        if let Some(secret) = self.kept(reference, KEPT_FOR) {
            return Ok(secret);
        }
        match self.fetch(reference).await {
            Ok(secret) => {
                self.keep(reference, &secret);
                Ok(secret)
            }
            Err(fault) => {
                let error = fault.of(reference);
                match self.kept(reference, KEPT_IN_NEED) {
                    Some(secret) if error.fault.may_pass() => {
                        let error = error.to_string();
                        tracing::warn!(code = "secret_stale", error, "an older value is used");
                        Ok(secret)
                    }
                    _ => Err(error),
                }
            }
        }
    }
}

impl Secrets for Resolver {
    fn reveal<'a>(&'a self, reference: &'a SecretRef) -> SecretFuture<'a> {
        Box::pin(self.resolve(reference))
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Resolver")
    }
}

/// A secret from outside the database: what the database's own address may be.
pub(crate) async fn outside(reference: &SecretRef) -> Result<Secret, SecretError> {
    let fetched = match reference {
        SecretRef::Environment(name) => environment(name),
        SecretRef::File(path) => files::read(Path::new(path)),
        SecretRef::SecretsManager { id, key } => {
            let reader = aws(&AwsSecrets::default(), &AwsOptions::default()).await;
            match reader {
                Ok(reader) => reader.secret(id, key.as_deref()).await,
                Err(fault) => Err(fault),
            }
        }
        SecretRef::Parameter(name) => {
            match aws(&AwsSecrets::default(), &AwsOptions::default()).await {
                Ok(reader) => reader.parameter(name).await,
                Err(fault) => Err(fault),
            }
        }
        SecretRef::Stored(_) => {
            let why = "the database's own address cannot be kept in the database";
            Err(SecretFault::Failed(why.into()))
        }
    };
    fetched.map_err(|fault| fault.of(reference))
}

/// AWS's secrets, with the caller's own credentials.
async fn aws(cell: &AwsSecrets, options: &AwsOptions) -> Result<SecretReader, SecretFault> {
    let made = cell.get_or_try_init(|| async {
        let aws = reach::aws(options).await;
        let aws = aws.map_err(|error| SecretFault::Failed(format!("{error:#}")))?;
        // Which account that is need not be asked: the caller's own credentials sign.
        let home = Target::new("", aws.region());
        Ok(aws.secrets(home, CancellationToken::new()))
    });
    made.await.cloned()
}

fn environment(name: &str) -> Result<Secret, SecretFault> {
    match std::env::var(name) {
        Ok(text) if text.is_empty() => Err(SecretFault::Empty),
        Ok(text) => Ok(Secret::new(text)),
        Err(std::env::VarError::NotPresent) => Err(SecretFault::Absent),
        Err(std::env::VarError::NotUnicode(_)) => Err(SecretFault::NotText),
    }
}

fn fault_of(error: StoreError) -> SecretFault {
    match error {
        StoreError::Sealed { fault: SealFault::Unavailable(text), .. } => SecretFault::Failed(text),
        StoreError::Sealed { fault, .. } => SecretFault::Sealed(fault.to_string()),
        other => SecretFault::Failed(format!("{:#}", anyhow::Error::new(other))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_is_not_there_is_absent() {
        assert_eq!(environment("YAGURA_NO_SUCH_VARIABLE"), Err(SecretFault::Absent));
        assert!(environment("PATH").is_ok());
    }

    #[tokio::test]
    async fn the_database_cannot_keep_its_own_address() {
        let error = outside(&"stored:x".parse().unwrap()).await.unwrap_err();
        assert!(error.to_string().contains("stored:x"), "{error}");
    }
}
