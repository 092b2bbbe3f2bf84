//! Where CloudTrail's files are: the few questions that verification asks of a bucket or folder.
//! How they are answered is in `bucket` and `folder`.

use std::collections::BTreeMap;
use std::fmt;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use yagura_model::UnreadReason;

/// A file of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key, or the path below the folder with `/` between its parts.
    pub key: String,
    /// Its size as stored.
    pub size_bytes: u64,
}

/// A file that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whole {
    /// Its bytes as stored.
    pub body: Vec<u8>,
    /// Its user metadata, where it is known: names in lower case, without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
}

/// Why something could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadFault {
    /// In the words of the model.
    pub reason: UnreadReason,
    /// In AWS's or the file system's words.
    pub detail: String,
    /// It is larger than was asked for.
    pub too_large: bool,
}

impl fmt::Display for ReadFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

/// A bucket, or a folder copied from one.
pub trait Archive: Send + Sync {
    /// The bucket's name; none of a copy.
    fn bucket(&self) -> Option<&str>;

    /// Where to begin: a prefix of keys, empty or with a slash at its end.
    fn root(&self) -> &str;

    /// How the ledger calls the file with this key.
    fn location(&self, key: &str) -> String;

    /// The folders directly below one (empty, or with a slash at its end); each ends with a slash.
    fn folders<'a>(&'a self, folder: &'a str) -> BoxFuture<'a, Result<Vec<String>, ReadFault>>;

    /// The files below a folder, however deep, in the order of their keys; those behind `after`
    /// only. A fault is the last item.
    fn files<'a>(
        &'a self,
        folder: &'a str,
        after: Option<String>,
    ) -> BoxStream<'a, Result<Entry, ReadFault>>;

    /// Reads a file; `None` where it is certain that it is not there.
    fn read<'a>(
        &'a self,
        key: &'a str,
        size_bytes_max: usize,
    ) -> BoxFuture<'a, Result<Option<Whole>, ReadFault>>;
}
