//! Master keys as the store asks for them: from the key file, read anew at each use, or KMS.
//! Keys are not kept in memory: a rotation by another process is seen at once.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::bail;
use yagura_model::secret::SecretFault;
use yagura_store::secrets::{
    Belonging, DataKey, MasterFuture, MasterKeys, SealFault, unwrap, wrap,
};

use super::{AwsSecrets, KEY_FILE, KeyFile, aws};
use crate::context::Context;
use crate::options::AwsOptions;
use crate::output::Hinted;

/// Where the master key is: what `--master-key` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Master {
    /// `file:PATH`, else `secrets.key` in the data folder.
    File(PathBuf),
    /// `kms:ARN` of a key (not of an alias, which may come to mean another key).
    Kms(String),
}

impl Master {
    /// What the settings say.
    pub(crate) fn of(context: &Context) -> anyhow::Result<Self> {
        match &context.global.master_key {
            Some(text) => Self::read(text),
            None => Ok(Self::File(context.data_folder()?.join(KEY_FILE))),
        }
    }

    /// Reads `file:PATH` or `kms:ARN`. What was written is not repeated: it may be a key.
    pub(crate) fn read(text: &str) -> anyhow::Result<Self> {
        if let Some(path) = text.strip_prefix("file:").filter(|path| !path.is_empty()) {
            return Ok(Self::File(PathBuf::from(path)));
        }
        if let Some(arn) = text.strip_prefix("kms:") {
            let parts: Vec<&str> = arn.splitn(6, ':').collect();
            if let ["arn", _, "kms", region, _, key] = parts[..]
                && !region.is_empty()
                && key.starts_with("key/")
            {
                return Ok(Self::Kms(arn.to_owned()));
            }
        }
        bail!(Hinted::new(
            "--master-key names no master key (what was written is not repeated)",
            "write `file:PATH`, or `kms:` and the ARN of a key: \
             kms:arn:aws:kms:REGION:ACCOUNT:key/ID",
        ))
    }

    /// As it is written.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::File(path) => format!("file:{}", path.display()),
            Self::Kms(arn) => format!("kms:{arn}"),
        }
    }
}

/// The master keys at hand.
pub(crate) struct Masters {
    current: String,
    /// The key file in use, or the usual one: what is under it still opens after moving to KMS.
    file: PathBuf,
    /// A key file that a rotation moves away from.
    former: Option<PathBuf>,
    options: AwsOptions,
    aws: AwsSecrets,
}

impl Masters {
    /// The keys that the settings name, for reading. A key file that is not there is no error
    /// yet: it is one where something needs it.
    pub(crate) fn new(
        context: &Context,
        options: &AwsOptions,
        aws: AwsSecrets,
    ) -> anyhow::Result<Self> {
        Self::with(context, &Master::of(context)?, options, aws)
    }

    /// The same with another master key in use than the settings say: where a rotation goes.
    pub(crate) fn with(
        context: &Context,
        master: &Master,
        options: &AwsOptions,
        aws: AwsSecrets,
    ) -> anyhow::Result<Self> {
        let usual = context.data_folder()?.join(KEY_FILE);
        let former = match Master::of(context)? {
            Master::File(path) => Some(path),
            Master::Kms(_) => None,
        };
        let (current, file) = match master {
            Master::File(path) => {
                let current = match KeyFile::read(path)? {
                    Some(file) => file.current()?.0,
                    None => String::new(),
                };
                (current, path.clone())
            }
            Master::Kms(_) => (master.text(), usual),
        };
        Ok(Self { current, file, former, options: options.clone(), aws })
    }

    fn in_file(&self, master: &str) -> Result<DataKey, SealFault> {
        let unavailable = |error: anyhow::Error| SealFault::Unavailable(format!("{error:#}"));
        let paths = std::iter::once(self.file.as_path()).chain(self.former.as_deref());
        for path in paths.map(Path::new) {
            let file = KeyFile::read(path).map_err(unavailable)?;
            if let Some(key) = file.as_ref().and_then(|file| file.find(master)) {
                return Ok(key.clone());
            }
        }
        Err(SealFault::NoMaster(master.to_owned()))
    }
}

impl fmt::Debug for Masters {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Masters({})", self.current)
    }
}

impl MasterKeys for Masters {
    fn current(&self) -> &str {
        &self.current
    }

    fn wrap<'a>(&'a self, of: &'a Belonging, key: &'a DataKey) -> MasterFuture<'a, Vec<u8>> {
        Box::pin(async move {
            let Some(arn) = self.current.strip_prefix("kms:") else {
                return wrap(&self.in_file(&self.current)?, of, key);
            };
            let aws = aws(&self.aws, &self.options).await.map_err(sealed)?;
            aws.encrypt(arn, key.expose(), &bound(of)).await.map_err(sealed)
        })
    }

    fn unwrap<'a>(
        &'a self,
        master: &'a str,
        of: &'a Belonging,
        wrapped: &'a [u8],
    ) -> MasterFuture<'a, DataKey> {
        Box::pin(async move {
            let Some(arn) = master.strip_prefix("kms:") else {
                return unwrap(&self.in_file(master)?, of, wrapped);
            };
            let aws = aws(&self.aws, &self.options).await.map_err(sealed)?;
            let plain = aws.decrypt(arn, wrapped, &bound(of)).await.map_err(sealed)?;
            DataKey::new(&plain).ok_or(SealFault::Truncated)
        })
    }
}

/// KMS's encryption context: it is in CloudTrail, so it names the secret and nothing more.
fn bound(of: &Belonging) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("yagura:secret".to_owned(), of.name.clone()),
        ("yagura:version".to_owned(), of.version.to_string()),
    ])
}

fn sealed(fault: SecretFault) -> SealFault {
    match fault {
        SecretFault::Sealed(_) => SealFault::Refused,
        other => SealFault::Unavailable(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_master_key_is_named_by_its_place_and_never_repeated() {
        let arn = "arn:aws:kms:eu-west-1:111122223333:key/1234";
        let check = |text: &str, master: Master| {
            assert_eq!(Master::read(text).unwrap(), master);
            assert_eq!(master.text(), text);
        };
        check("file:/etc/yagura/key", Master::File("/etc/yagura/key".into()));
        check(&format!("kms:{arn}"), Master::Kms(arn.into()));
        let alias = "kms:arn:aws:kms:eu-west-1:111122223333:alias/yagura";
        for text in ["", "hunter2", "file:", "kms:hunter2", "kms:alias/hunter2", alias] {
            let error = format!("{:?}", Master::read(text).unwrap_err());
            assert!(error.contains("not repeated") && !error.contains("hunter2"), "{error}");
        }
    }
}
