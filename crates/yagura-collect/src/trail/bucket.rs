//! A bucket as the archive of a trail.
//! How requests travel is `yagura-aws`'s business.

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt, TryStreamExt};
use yagura_aws::{Bucket, CallError, CallErrorKind, Content, Listing};

use super::archive::{Archive, Entry, ReadFault, Whole};

/// A bucket, or a part of one.
#[derive(Clone, Debug)]
pub struct BucketArchive {
    bucket: Bucket,
    root: String,
}

impl BucketArchive {
    /// What lies below a prefix; a slash is added to its end.
    pub fn new(bucket: Bucket, prefix: &str) -> Self {
        let root = prefix.trim_end_matches('/');
        let root = if root.is_empty() { String::new() } else { format!("{root}/") };
        Self { bucket, root }
    }
}

fn fault(error: &CallError) -> ReadFault {
    ReadFault { reason: error.reason(), detail: error.to_string(), too_large: false }
}

impl Archive for BucketArchive {
    fn bucket(&self) -> Option<&str> {
        Some(self.bucket.name())
    }

    fn root(&self) -> &str {
        &self.root
    }

    fn location(&self, key: &str) -> String {
        self.bucket.location(key)
    }

    fn folders<'a>(&'a self, folder: &'a str) -> BoxFuture<'a, Result<Vec<String>, ReadFault>> {
        let listing = Listing { prefix: folder, folders: true, after: None };
        let pages = self.bucket.list(listing);
        async move {
            let pages: Vec<_> = pages.try_collect().await.map_err(|error| fault(&error))?;
            Ok(pages.into_iter().flat_map(|page| page.prefixes).collect())
        }
        .boxed()
    }

    fn files<'a>(
        &'a self,
        folder: &'a str,
        after: Option<String>,
    ) -> BoxStream<'a, Result<Entry, ReadFault>> {
        let listing = Listing { prefix: folder, folders: false, after: after.as_deref() };
        let pages = self.bucket.list(listing);
        let entries = pages.map(|page| match page {
            Ok(page) => {
                let objects = page.objects.into_iter();
                let entry = |one: yagura_aws::Listed| {
                    Ok(Entry { key: one.key, size_bytes: one.size_bytes })
                };
                stream::iter(objects.map(entry).collect::<Vec<_>>())
            }
            Err(error) => stream::iter(vec![Err(fault(&error))]),
        });
        entries.flatten().boxed()
    }

    fn read<'a>(
        &'a self,
        key: &'a str,
        size_bytes_max: usize,
    ) -> BoxFuture<'a, Result<Option<Whole>, ReadFault>> {
        async move {
            let fetched = match self.bucket.fetch(key, Content::default()).await {
                Ok(fetched) => fetched,
                Err(error) if error.kind == CallErrorKind::Absent => return Ok(None),
                Err(error) => return Err(fault(&error)),
            };
            let most = u64::try_from(size_bytes_max).unwrap_or(u64::MAX);
            if fetched.size_bytes.is_some_and(|size| size > most) {
                let detail = format!("it is larger than {size_bytes_max} bytes");
                let reason = yagura_model::UnreadReason::Failed;
                return Err(ReadFault { reason, detail, too_large: true });
            }
            let metadata = fetched.metadata.clone();
            let body = fetched.whole(size_bytes_max).await.map_err(|error| fault(&error))?;
            Ok(Some(Whole { body, metadata }))
        }
        .boxed()
    }
}
