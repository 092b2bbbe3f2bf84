//! The lake that a command works with: from `--lake`, else the folder in the data folder.
//! What is in it is `yagura-lake`'s; objects and their states are the ledger's.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use yagura_content::Content;
use yagura_lake::{Lake, LakeLocation, LakeOptions};

use crate::context::Context;
use crate::options::{AwsOptions, LakeChoice};
use crate::output::Hinted;
use crate::{reach, settings};

/// Memory for ingestion where nobody says how much.
pub(crate) const MEMORY_BYTES: u64 = yagura_lake::MEMORY_BYTES_DEFAULT;

/// Where a lake is, before it is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Folder(PathBuf),
    Bucket { bucket: String, prefix: String },
}

impl Place {
    /// The place that was asked for.
    pub(crate) fn of(context: &Context, choice: &LakeChoice) -> anyhow::Result<Self> {
        let Some(text) = &choice.lake else {
            return Ok(Self::Folder(context.data_folder()?.join("lake")));
        };
        let Some((bucket, prefix)) = bucket_and_prefix(text) else {
            if text.contains("://") {
                bail!(Hinted::new(
                    format!("`{text}` cannot be a lake"),
                    "name a folder or `s3://bucket/prefix`",
                ));
            }
            return Ok(Self::Folder(PathBuf::from(text)));
        };
        Ok(Self::Bucket { bucket, prefix })
    }

    /// How people and other engines name it.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Folder(folder) => {
                std::path::absolute(folder).unwrap_or_else(|_| folder.clone()).display().to_string()
            }
            Self::Bucket { bucket, prefix } if prefix.is_empty() => format!("s3://{bucket}"),
            Self::Bucket { bucket, prefix } => format!("s3://{bucket}/{prefix}"),
        }
    }
}

/// Bucket and prefix of `s3://bucket/prefix`; the prefix without slashes around it.
pub(crate) fn bucket_and_prefix(text: &str) -> Option<(String, String)> {
    let rest = text.strip_prefix("s3://")?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let named = !bucket.is_empty();
    named.then(|| (bucket.to_owned(), prefix.trim_matches('/').to_owned()))
}

/// How a command uses the lake.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Use {
    pub(crate) workers: usize,
    /// Whether a lake may begin here. A question to a lake that does not exist is a mistake.
    pub(crate) begin: bool,
}

impl Use {
    pub(crate) const READ: Self = Self { workers: 1, begin: false };
}

/// Opens the lake.
pub(crate) async fn open(
    context: &Context,
    content: &Content,
    choice: &LakeChoice,
    aws: &AwsOptions,
    how: Use,
) -> anyhow::Result<Lake> {
    let place = Place::of(context, choice)?;
    let location = match &place {
        Place::Folder(folder) => in_folder(context, folder, choice.lake.is_some(), how)?,
        Place::Bucket { bucket, prefix } => {
            let aws = reach::aws(aws).await?;
            let home = reach::home(&aws).await?;
            let store = aws
                .lake_store(&home, bucket, prefix)
                .with_context(|| format!("`{}` cannot be a lake", place.url()))?;
            let prefix = prefix.as_str().into();
            LakeLocation::store(store, prefix, place.url())
        }
    };
    let options = LakeOptions {
        memory_bytes: choice.memory.unwrap_or(MEMORY_BYTES),
        workers: how.workers,
        ..LakeOptions::new(context.now())
    };
    Lake::open(location, content.tables(), options).await.context(Hinted::new(
        format!("could not open the log lake `{}`", place.url()),
        "check --lake and --data-dir; the folder or prefix must be readable and writable",
    ))
}

fn in_folder(
    context: &Context,
    folder: &Path,
    named: bool,
    how: Use,
) -> anyhow::Result<LakeLocation> {
    if !how.begin && !folder.is_dir() {
        bail!(Hinted::new(
            format!("there is no log lake in `{}`", folder.display()),
            "`yagura ingest auto PATH…` begins one; --lake names one elsewhere",
        ));
    }
    if !named {
        settings::make_data_folder(&context.data_folder()?)?;
    }
    Ok(LakeLocation::folder(folder)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_and_its_prefix_are_told_apart() {
        let check = |text: &str, bucket: &str, prefix: &str| {
            let found = bucket_and_prefix(text);
            assert_eq!(found, Some((bucket.to_owned(), prefix.to_owned())), "{text}");
        };
        check("s3://logs", "logs", "");
        check("s3://logs/a/b/", "logs", "a/b");
        assert_eq!(bucket_and_prefix("s3:///a"), None);
        assert_eq!(bucket_and_prefix("/var/s3"), None);
    }
}
