//! Cost and usage reports in a bucket: what is the newest of the months asked for is fetched into
//! a folder, with the keys as paths.
//! How the files are read is in `mod`.

use std::io::Write as _;
use std::path::{Component, Path, PathBuf};

use futures::StreamExt as _;
use jiff::civil::Date;
use yagura_aws::{Bucket, Content, Listing};

use super::ReportError;
use super::files::{is_manifest, is_report, month_of, named, newest};

/// Keys that are listed at most: ten years of a report in thousands of files.
const KEYS_MAX: usize = 1_000_000;

/// Fetches the reports below a prefix of a bucket whose month has not ended before `since`. Gives
/// how many files were fetched.
///
/// # Errors
/// Where the bucket cannot be listed or a file not be fetched whole.
pub async fn fetch(
    bucket: &Bucket,
    prefix: &str,
    since: Date,
    folder: &Path,
) -> Result<usize, ReportError> {
    let keys = keys(bucket, prefix, since).await?;
    let mut manifests = Vec::new();
    for key in keys.iter().filter(|key| is_manifest(key)) {
        manifests.push(file(bucket, key, folder).await?);
    }
    let mut wanted = Vec::new();
    if manifests.is_empty() {
        wanted.extend(keys.iter().filter(|key| is_report(key)).cloned());
    } else {
        for manifest in newest(manifests) {
            wanted.extend(named(&manifest)?.iter().map(|key| key_of(key, bucket.name())));
        }
        wanted.sort();
        wanted.dedup();
    }
    for key in &wanted {
        file(bucket, key, folder).await?;
    }
    Ok(wanted.len())
}

/// A manifest names keys, or URLs of the same bucket.
fn key_of(text: &str, bucket: &str) -> String {
    let rest = text.strip_prefix("s3://").and_then(|rest| rest.strip_prefix(bucket));
    rest.map_or(text, |rest| rest.trim_start_matches('/')).to_owned()
}

async fn keys(bucket: &Bucket, prefix: &str, since: Date) -> Result<Vec<String>, ReportError> {
    let since = format!("{:04}{:02}", since.year(), since.month());
    let pages = bucket.list(Listing { prefix, folders: false, after: None });
    futures::pin_mut!(pages);
    let mut keys = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(ReportError::Bucket)?;
        let young = |key: &String| month_of(key).is_none_or(|month| month >= since);
        keys.extend(page.objects.into_iter().map(|object| object.key).filter(young));
        if keys.len() > KEYS_MAX {
            let what = format!("more than {KEYS_MAX} keys");
            let path = PathBuf::from(bucket.location(prefix));
            return Err(ReportError::Format { path, what });
        }
    }
    Ok(keys)
}

/// Fetches one object into its place below the folder.
async fn file(bucket: &Bucket, key: &str, folder: &Path) -> Result<PathBuf, ReportError> {
    let location = || PathBuf::from(bucket.location(key));
    let relative: PathBuf = key.split('/').filter(|part| !part.is_empty()).collect();
    let normal = |part: Component<'_>| matches!(part, Component::Normal(_));
    if !relative.components().all(normal) {
        let what = "its key cannot be a path".to_owned();
        return Err(ReportError::Format { path: location(), what });
    }
    let path = folder.join(relative);
    let failed = |source| ReportError::Read { path: path.clone(), source };
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(failed)?;
    }
    let mut file = std::fs::File::create(&path).map_err(failed)?;
    let mut fetched = bucket.fetch(key, Content::default()).await.map_err(ReportError::Bucket)?;
    while let Some(chunk) = fetched.chunk().await.map_err(ReportError::Bucket)? {
        file.write_all(&chunk).map_err(failed)?;
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_name_keys_or_urls_of_their_bucket() {
        assert_eq!(key_of("a/b.csv.gz", "bucket"), "a/b.csv.gz");
        assert_eq!(key_of("s3://bucket/a/b.csv.gz", "bucket"), "a/b.csv.gz");
        assert_eq!(key_of("s3://other/a.csv", "bucket"), "s3://other/a.csv");
    }
}
