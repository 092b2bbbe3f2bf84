//! A store that fails: from an operation on (the process was killed), or at one (a full disk, a
//! denied put, a broken connection). What it wraps keeps what was written before.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};

/// When the store fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// This operation and all after it.
    From(u64),
    /// This write only; reads are not counted.
    Write(u64),
}

#[derive(Debug)]
pub(crate) struct FaultStore {
    inner: Arc<dyn ObjectStore>,
    count: Arc<Count>,
}

#[derive(Debug)]
struct Count {
    fault: Fault,
    operations: AtomicU64,
    writes: AtomicU64,
}

impl Count {
    fn check(&self, writes: bool) -> Result<()> {
        let operation = self.operations.fetch_add(1, Ordering::SeqCst);
        let write = if writes { self.writes.fetch_add(1, Ordering::SeqCst) } else { u64::MAX };
        let fails = match self.fault {
            Fault::From(from) => operation >= from,
            Fault::Write(at) => write == at,
        };
        match fails {
            true => Err(Error::Generic {
                store: "fault",
                source: std::io::Error::from(std::io::ErrorKind::StorageFull).into(),
            }),
            false => Ok(()),
        }
    }
}

impl FaultStore {
    pub(crate) fn over(inner: &Arc<dyn ObjectStore>, fault: Fault) -> Arc<Self> {
        let (operations, writes) = (AtomicU64::new(0), AtomicU64::new(0));
        let count = Arc::new(Count { fault, operations, writes });
        Arc::new(Self { inner: Arc::clone(inner), count })
    }

    /// Whether the fault has happened, or would not any more.
    pub(crate) fn reached(&self) -> bool {
        match self.count.fault {
            Fault::From(from) => self.count.operations.load(Ordering::SeqCst) > from,
            Fault::Write(at) => self.count.writes.load(Ordering::SeqCst) > at,
        }
    }
}

impl std::fmt::Display for FaultStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("fault store")
    }
}

#[async_trait::async_trait]
impl ObjectStore for FaultStore {
    async fn put_opts(
        &self,
        at: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.count.check(true)?;
        self.inner.put_opts(at, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.count.check(true)?;
        let inner = self.inner.put_multipart_opts(at, options).await?;
        Ok(Box::new(FaultUpload { inner, count: Arc::clone(&self.count) }))
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        self.count.check(false)?;
        self.inner.get_opts(at, options).await
    }

    async fn get_ranges(&self, at: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.count.check(false)?;
        self.inner.get_ranges(at, ranges).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let count = Arc::clone(&self.count);
        let checked = paths.map(move |path| count.check(true).and(path)).boxed();
        self.inner.delete_stream(checked)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.count.check(false) {
            Ok(()) => self.inner.list(prefix),
            Err(error) => futures::stream::once(async { Err(error) }).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.count.check(false)?;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.count.check(true)?;
        self.inner.copy_opts(from, to, options).await
    }
}

#[derive(Debug)]
struct FaultUpload {
    inner: Box<dyn MultipartUpload>,
    count: Arc<Count>,
}

#[async_trait::async_trait]
impl MultipartUpload for FaultUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        match self.count.check(true) {
            Ok(()) => self.inner.put_part(data),
            Err(error) => async { Err(error) }.boxed(),
        }
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.count.check(true)?;
        self.inner.complete().await
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}
