//! A bucket, or what lies below a prefix of one, as a feed.
//! Announcements of new objects are `queue`'s; how requests travel is `yagura-aws`'s.
//!
//! Left out are digest files of CloudTrail (`trail` reads those), folder markers, and objects
//! without content.

mod days;
mod read;
mod walk;

use std::io::Read;

use futures::stream::{BoxStream, StreamExt};
use jiff::Timestamp;
use tokio::runtime::Handle;
use yagura_aws::{Bucket, CallError, CallErrorKind, Content, Listed};
use yagura_model::object::LogObject;

use super::{Feed, FeedError, Page, Scope};

pub(super) use read::Reader;

/// The read calls of this feed, as content files name calls: what the client must declare.
pub const CALLS: [&str; 3] = ["s3:GetObject", "s3:HeadObject", "s3:ListObjectsV2"];

/// A bucket, or a part of one.
#[derive(Clone, Debug)]
pub struct BucketFeed {
    bucket: Bucket,
    prefix: String,
    name: String,
    source: Option<String>,
    runtime: Handle,
}

impl BucketFeed {
    /// What lies below `prefix` (empty: everything). Objects are opened on worker threads, which
    /// wait for AWS by way of `runtime`.
    pub fn new(bucket: Bucket, prefix: &str, source: Option<String>, runtime: Handle) -> Self {
        let name = bucket.location(prefix);
        Self { bucket, prefix: prefix.to_owned(), name, source, runtime }
    }

    /// `s3://bucket/prefix` taken apart; `None` where the text is something else.
    pub fn split(address: &str) -> Option<(&str, &str)> {
        let rest = address.strip_prefix("s3://")?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        (!bucket.is_empty()).then_some((bucket, prefix))
    }
}

impl Feed for BucketFeed {
    fn name(&self) -> &str {
        &self.name
    }

    fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    fn list(&self, scope: Scope) -> BoxStream<'_, Result<Page, FeedError>> {
        let since = match scope {
            Scope::Full => None,
            Scope::Recent { since } => Some(since),
        };
        walk::pages(self.bucket.clone(), self.prefix.clone(), since).boxed()
    }

    fn open(&self, object: &LogObject) -> Result<Box<dyn Read + Send + '_>, FeedError> {
        open(&self.bucket, object, &self.runtime)
    }
}

/// Opens an object of a bucket on a worker thread.
pub(super) fn open(
    bucket: &Bucket,
    object: &LogObject,
    runtime: &Handle,
) -> Result<Box<dyn Read + Send + 'static>, FeedError> {
    let content = Content { version: None, etag: object.etag.as_deref() };
    let fetched = runtime
        .block_on(bucket.fetch(&object.key, content))
        .map_err(|error| fault("open", &object.location, error))?;
    Ok(Box::new(Reader::new(fetched, &object.location, runtime.clone())))
}

/// A failed call in the words of feeds.
pub(super) fn fault(attempt: &'static str, location: &str, error: CallError) -> FeedError {
    let location = location.to_owned();
    match &error.kind {
        CallErrorKind::Absent => FeedError::Gone { location },
        CallErrorKind::Denied { .. } => {
            FeedError::Denied { attempt, location, source: std::sync::Arc::new(error) }
        }
        _ if error.is("PreconditionFailed") => FeedError::Changed { location },
        _ => FeedError::Failed { attempt, location, source: std::sync::Arc::new(error) },
    }
}

/// Whether an object carries logs.
pub(super) fn is_log(key: &str, size_bytes: u64) -> bool {
    size_bytes > 0 && !key.ends_with('/') && !key.contains("/CloudTrail-Digest/")
}

/// An object of a listing in the words of the model.
pub(super) fn object(bucket: &Bucket, listed: Listed) -> LogObject {
    LogObject {
        location: bucket.location(&listed.key),
        key: listed.key,
        version: None,
        etag: listed.etag,
        size_bytes: listed.size_bytes,
        modified: listed.modified,
    }
}

/// The day before a time: objects are put under days that end in other time zones, and late.
fn day_before(time: Timestamp) -> jiff::civil::Date {
    let date = time.to_zoned(jiff::tz::TimeZone::UTC).date();
    date.yesterday().unwrap_or(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_bucket_and_perhaps_a_prefix() {
        let check = |address: &str, parts| assert_eq!(BucketFeed::split(address), parts);
        check("s3://b", Some(("b", "")));
        check("s3://b/p/q", Some(("b", "p/q")));
        check("s3:///p", None);
        check("/var/log", None);
    }

    #[test]
    fn digests_folder_markers_and_empty_objects_are_no_logs() {
        assert!(is_log("AWSLogs/1/CloudTrail/us-east-1/x.json.gz", 1));
        assert!(!is_log("AWSLogs/1/CloudTrail-Digest/us-east-1/x.json.gz", 1));
        assert!(!is_log("AWSLogs/", 1));
        assert!(!is_log("AWSLogs/x", 0));
    }
}
