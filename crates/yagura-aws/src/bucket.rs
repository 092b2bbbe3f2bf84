//! Buckets: listings with their raw keys, objects of any size, and ready object stores, all with
//! our sessions, limits, retries and counts.
//! What is in the objects is read elsewhere; settings of buckets are ordinary calls (`read`).

mod fetch;
mod store;
mod wire;

use std::sync::Arc;

use futures::stream::{Stream, StreamExt};
use jiff::Timestamp;
use object_store::ObjectStore;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

pub use fetch::{Content, Fetched};
pub use store::call_error;

use crate::client::{Aws, Call, Target};
use crate::credentials::Signer;
use crate::error::{CallError, CallErrorKind, Refusal};
use crate::read::{Declared, ReadClient};
use store::{Fence, Fenced};

/// A bucket that can only be read.
///
/// INVARIANT: whoever holds one declared `s3:GetObject`; nothing but GET and HEAD is ever sent.
#[derive(Clone, Debug)]
pub struct Bucket {
    client: ReadClient,
    target: Target,
    name: String,
    requester_pays: bool,
}

/// One object of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The key as it is, whatever bytes it holds.
    pub key: String,
    /// Its entity tag, with the quotes that S3 puts around it removed.
    pub etag: Option<String>,
    /// Its size.
    pub size_bytes: u64,
    /// When it was put.
    pub modified: Option<Timestamp>,
}

/// One page of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedPage {
    /// The objects.
    pub objects: Vec<Listed>,
    /// The folders, where a delimiter was given; each ends with it.
    pub prefixes: Vec<String>,
}

/// What to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Listing<'a> {
    /// Only keys that begin with this.
    pub prefix: &'a str,
    /// Fold what lies deeper than the next `/` into prefixes.
    pub folders: bool,
    /// Only keys behind this one, in S3's order (bytes of UTF-8).
    pub after: Option<&'a str>,
}

impl ReadClient {
    /// A bucket to read logs from. `target` names the account whose session signs, and the region
    /// asked first; where the bucket really lives is learned from S3.
    ///
    /// # Errors
    /// [`CallErrorKind::Refused`] when nobody declared `s3:GetObject`.
    pub fn bucket(
        &self,
        target: &Target,
        name: &str,
        requester_pays: bool,
    ) -> Result<Bucket, CallError> {
        if self.refusal("s3", "GetObject").is_some() {
            let input = Value::Null;
            let call = Call {
                target,
                signer: Signer::Account,
                service: "s3",
                operation: "GetObject",
                input: &input,
            };
            let kind = CallErrorKind::Refused(Refusal::CustomerData);
            return Err(call.error(kind, String::new()));
        }
        Ok(Bucket {
            client: self.clone(),
            target: target.clone(),
            name: name.to_owned(),
            requester_pays,
        })
    }
}

impl Aws {
    /// The store of the lake: it reads the bucket and writes below `prefix`, nowhere else.
    ///
    /// Writes that must not replace anything (`PutMode::Create`) are `If-None-Match: *`; one whose
    /// answer was lost and that is asked again is told apart from one that another writer won.
    ///
    /// # Errors
    /// When the bucket's name cannot stand in an address, or the prefix in a path.
    pub fn lake_store(
        &self,
        target: &Target,
        bucket: &str,
        prefix: &str,
    ) -> Result<Arc<dyn ObjectStore>, object_store::Error> {
        let declared = Declared::from_iter(["s3:GetObject"]);
        let client = self.read(declared);
        let bucket = Bucket {
            client,
            target: target.clone(),
            name: bucket.to_owned(),
            requester_pays: false,
        };
        let fence = Fence::WritesBelow(object_store::path::Path::parse(prefix)?);
        Ok(Arc::new(Fenced::new(&bucket, fence)?))
    }
}

impl Bucket {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `s3://bucket/key`.
    pub fn location(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.name)
    }

    /// It as an object store that refuses every write. Keys with empty segments (`a//b`) cannot
    /// be named in it; [`Bucket::fetch`] and [`Bucket::list`] take any key.
    ///
    /// # Errors
    /// When the bucket's name cannot stand in an address.
    pub fn store(&self) -> Result<Arc<dyn ObjectStore>, object_store::Error> {
        Ok(Arc::new(Fenced::new(self, Fence::ReadOnly)?))
    }

    /// The pages of a listing; a failed page is the last item.
    pub fn list(
        &self,
        listing: Listing<'_>,
    ) -> impl Stream<Item = Result<ListedPage, CallError>> + Send + use<> {
        // Keys may hold characters that XML cannot: S3 encodes them on request.
        let mut input = json!({"Bucket": self.name, "EncodingType": "url"});
        if let Some(members) = input.as_object_mut() {
            if !listing.prefix.is_empty() {
                members.insert("Prefix".into(), listing.prefix.into());
            }
            if listing.folders {
                members.insert("Delimiter".into(), "/".into());
            }
            if let Some(after) = listing.after {
                members.insert("StartAfter".into(), after.into());
            }
            if self.requester_pays {
                members.insert("RequestPayer".into(), "requester".into());
            }
        }
        listed_pages(self.client.clone(), self.target.clone(), input)
    }

    /// Opens an object.
    ///
    /// # Errors
    /// [`CallErrorKind::Absent`] only where S3 says that the key does not exist; code
    /// `PreconditionFailed` where it has other content than was asked for.
    pub async fn fetch(&self, key: &str, content: Content<'_>) -> Result<Fetched, CallError> {
        fetch::open(self, key, content).await
    }

    /// What S3 knows of an object without reading it.
    ///
    /// # Errors
    /// [`CallErrorKind::Absent`] where S3 says by its status that there is none.
    pub async fn head(&self, key: &str) -> Result<Listed, CallError> {
        let mut input = json!({"Bucket": self.name, "Key": key});
        if self.requester_pays
            && let Some(members) = input.as_object_mut()
        {
            members.insert("RequestPayer".into(), "requester".into());
        }
        let answer = self.client.call(&self.target, "s3", "HeadObject", &input).await?;
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        Ok(Listed {
            key: key.to_owned(),
            etag: text("ETag").map(|etag| etag.trim_matches('"').to_owned()),
            size_bytes: answer.get("ContentLength").and_then(Value::as_u64).unwrap_or(0),
            modified: text("LastModified").and_then(|time| time.parse().ok()),
        })
    }
}

/// The pages of `ListObjectsV2`, owning what they need.
fn listed_pages(
    client: ReadClient,
    target: Target,
    input: Value,
) -> impl Stream<Item = Result<ListedPage, CallError>> + Send {
    let state = Some((client, target, input, None::<String>));
    futures::stream::unfold(state, |state| async move {
        let (client, target, mut input, token) = state?;
        if let (Some(token), Some(members)) = (&token, input.as_object_mut()) {
            members.insert("ContinuationToken".into(), token.as_str().into());
        }
        let answer = match client.call(&target, "s3", "ListObjectsV2", &input).await {
            Ok(answer) => answer,
            Err(error) => return Some((Err(error), None)),
        };
        let truncated = answer.get("IsTruncated").and_then(Value::as_bool).unwrap_or(false);
        let next = answer.get("NextContinuationToken").and_then(Value::as_str).map(str::to_owned);
        if truncated && (next.is_none() || next == token) {
            let call = Call {
                target: &target,
                signer: Signer::Account,
                service: "s3",
                operation: "ListObjectsV2",
                input: &input,
            };
            let error = call.failed("S3 says that there is more, but not where it goes on");
            return Some((Err(error), None));
        }
        let page = page_of(&answer);
        let next = next.filter(|_| truncated);
        Some((Ok(page), next.map(|next| (client, target, input, Some(next)))))
    })
    .fuse()
}

fn page_of(answer: &Value) -> ListedPage {
    let encoded = answer.get("EncodingType").and_then(Value::as_str) == Some("url");
    let plain = |text: &str| match encoded {
        // As forms encode: `+` is a space.
        true => percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned(),
        false => text.to_owned(),
    };
    let list = |name: &str| answer.get(name).and_then(Value::as_array).into_iter().flatten();
    let objects = list("Contents")
        .filter_map(|one| {
            let text = |name: &str| one.get(name).and_then(Value::as_str);
            Some(Listed {
                key: plain(text("Key")?),
                etag: text("ETag").map(|etag| etag.trim_matches('"').to_owned()),
                size_bytes: one.get("Size").and_then(Value::as_u64).unwrap_or(0),
                modified: text("LastModified").and_then(|time| time.parse().ok()),
            })
        })
        .collect();
    let prefixes =
        list("CommonPrefixes").filter_map(|one| one.get("Prefix")?.as_str().map(plain)).collect();
    ListedPage { objects, prefixes }
}

#[cfg(test)]
mod tests;
