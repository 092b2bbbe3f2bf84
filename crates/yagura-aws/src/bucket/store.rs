//! object_store's S3 behind a fence: a log bucket is read and nothing else, the lake writes below
//! its own prefix and nowhere else. Errors carry ours.
//! How requests leave is in `wire`.

use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::aws::{AmazonS3, AmazonS3Builder, S3ConditionalPut};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, RetryConfig,
};

use super::Bucket;
use super::wire::Wire;
use crate::error::{CallError, CallErrorKind};

/// Bodies that break off are taken up again this often; other retries are the client's.
const BODY_RETRIES_MAX: usize = 4;

/// What S3 deletes with one request.
const DELETED_AT_ONCE_MAX: usize = 1000;

/// What may be written.
#[derive(Clone, Debug)]
pub(super) enum Fence {
    ReadOnly,
    WritesBelow(Path),
}

/// A bucket as an object store, behind its fence.
#[derive(Debug)]
pub(super) struct Fenced {
    inner: AmazonS3,
    bucket: String,
    fence: Fence,
}

impl fmt::Display for Fenced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}", self.bucket)
    }
}

impl Fenced {
    pub(super) fn new(bucket: &Bucket, fence: Fence) -> Result<Self> {
        let writes = matches!(fence, Fence::WritesBelow(_));
        let retry = RetryConfig {
            max_retries: BODY_RETRIES_MAX,
            retry_timeout: Duration::from_secs(600),
            ..RetryConfig::default()
        };
        let inner = AmazonS3Builder::new()
            .with_bucket_name(&bucket.name)
            // Only path and query are taken from what it writes: `wire` addresses and signs.
            .with_endpoint("https://bucket.invalid")
            .with_virtual_hosted_style_request(true)
            .with_skip_signature(true)
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            .with_request_payer(bucket.requester_pays)
            .with_retry(retry)
            .with_http_connector(Wire { bucket: bucket.clone(), writes })
            .build()?;
        Ok(Self { inner, bucket: bucket.name.clone(), fence })
    }

    fn may_write(&self, path: &Path) -> Result<()> {
        self.fence.inside(path.clone()).map(drop)
    }
}

impl Fence {
    /// The path, if it may be written.
    fn inside(&self, path: Path) -> Result<Path> {
        let why = match self {
            Self::ReadOnly => "this bucket is only read".to_owned(),
            Self::WritesBelow(prefix) if path.prefix_matches(prefix) && path != *prefix => {
                return Ok(path);
            }
            Self::WritesBelow(prefix) => format!("only what lies below `{prefix}` is written"),
        };
        Err(Error::PermissionDenied { path: path.to_string(), source: why.into() })
    }
}

/// Our own error in an error of an object store made here: which call failed, and what it means
/// (denied with the missing action, throttled, timed out).
pub fn call_error(error: &Error) -> Option<&CallError> {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(found) = cause.downcast_ref::<CallError>() {
            return Some(found);
        }
        source = cause.source();
    }
    None
}

/// The error with ours as its only cause, under the variant that says what it means.
fn plain(error: Error) -> Error {
    let Some(found) = call_error(&error).cloned() else { return error };
    let path = match &error {
        Error::NotFound { path, .. } | Error::PermissionDenied { path, .. } => path.clone(),
        _ => String::new(),
    };
    let source = Box::new(found.clone());
    match found.kind {
        CallErrorKind::Absent => Error::NotFound { path, source },
        CallErrorKind::Denied { .. } => Error::PermissionDenied { path, source },
        _ => Error::Generic { store: "S3", source },
    }
}

#[async_trait]
impl ObjectStore for Fenced {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.may_write(location)?;
        self.inner.put_opts(location, payload, options).await.map_err(plain)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.may_write(location)?;
        self.inner.put_multipart_opts(location, options).await.map_err(plain)
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await.map_err(plain)
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let fence = self.fence.clone();
        let inner = self.inner.clone();
        // A path beyond the fence must not stop the others of its batch.
        let delete = move |batch: Vec<Result<Path>>| {
            let checked = batch.into_iter().map(|path| path.and_then(|path| fence.inside(path)));
            let (inside, outside): (Vec<_>, Vec<_>) = checked.partition(Result::is_ok);
            let deleted = inner.delete_stream(futures::stream::iter(inside).boxed());
            futures::stream::iter(outside).chain(deleted.map(|one| one.map_err(plain)))
        };
        locations.chunks(DELETED_AT_ONCE_MAX).flat_map(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix).map(|one| one.map_err(plain)).boxed()
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset).map(|one| one.map_err(plain)).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await.map_err(plain)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.may_write(to)?;
        self.inner.copy_opts(from, to, options).await.map_err(plain)
    }
}
