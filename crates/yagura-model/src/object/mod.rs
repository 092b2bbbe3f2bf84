//! Log objects: one file, bucket object or message batch that carries records of logs.
//! How they are listed and opened is the feeds' business; what became of one is the ledger's.

mod written;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use written::{Minute, minute_start};

/// One object that carries log records, as a listing or a notification names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogObject {
    /// Where it is: `s3://bucket/key`, or the absolute path of a file. The same place has the same
    /// text whoever lists it, so that a notification and a listing meet.
    pub location: String,
    /// What sources recognize it by: the key within its bucket, or the whole path of a file
    /// without its first `/`. The end of `location`, as a rule.
    pub key: String,
    /// The version that the place gave it (S3: the version id of a versioned bucket). A listing
    /// may not know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What changes when the content changes: S3's `ETag` without its quotes; of a file, its size
    /// and time of change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Its size as stored (compressed), in bytes.
    pub size_bytes: u64,
    /// When the place says that it was last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<Timestamp>,
}

impl LogObject {
    /// Which content of which place this is: 32 hex digits of SHA-256 over the location and the
    /// etag; without an etag over the version; without either over size and time of change.
    ///
    /// The version is left out where there is an etag: a notification knows it, a listing does
    /// not, and both mean the same object.
    pub fn identity(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.location.as_bytes());
        match (&self.etag, &self.version) {
            (Some(etag), _) => {
                hash.update(b"\0etag\0");
                hash.update(etag.as_bytes());
            }
            (None, Some(version)) => {
                hash.update(b"\0version\0");
                hash.update(version.as_bytes());
            }
            (None, None) => {
                let modified_us = self.modified.map_or(0, Timestamp::as_microsecond);
                hash.update(b"\0size\0");
                hash.update(format!("{} {modified_us}", self.size_bytes));
            }
        }
        hex::encode(hash.finalize()).chars().take(32).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(location: &str) -> LogObject {
        LogObject {
            location: location.into(),
            key: location.into(),
            version: None,
            etag: None,
            size_bytes: 1,
            modified: None,
        }
    }

    #[test]
    fn a_listing_and_a_notification_of_one_object_have_one_identity() {
        let listed = LogObject { etag: Some("e".into()), ..object("s3://b/k") };
        let told = LogObject { version: Some("v".into()), size_bytes: 2, ..listed.clone() };
        assert_eq!(listed.identity(), told.identity());
    }

    #[test]
    fn other_content_or_another_place_is_another_object() {
        let one = LogObject { etag: Some("e".into()), ..object("s3://b/k") };
        let differs = |other: LogObject| assert_ne!(one.identity(), other.identity(), "{other:?}");
        differs(LogObject { etag: Some("f".into()), ..one.clone() });
        differs(LogObject { location: "s3://b/l".into(), ..one.clone() });
        differs(LogObject { etag: None, version: Some("e".into()), ..one.clone() });
        differs(LogObject { etag: None, ..one.clone() });
        let changed = LogObject { modified: Some(Timestamp::UNIX_EPOCH), ..object("a") };
        let later = LogObject { size_bytes: 2, ..changed.clone() };
        assert_ne!(changed.identity(), later.identity());
    }

    #[test]
    fn the_identity_is_a_promise() {
        let one = LogObject { etag: Some("e".into()), ..object("s3://b/k") };
        assert_eq!(one.identity(), "2f5900a9c53c8f38c621f750bfae9491");
    }
}
