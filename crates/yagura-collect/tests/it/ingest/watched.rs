//! An object store that asks a hook before it changes anything: to tell, or to fail.
//! Reading goes straight through.

use std::fmt;
use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};

/// Asked before each change, with its name and path.
pub(crate) type Hook = Arc<dyn Fn(&'static str, &Path) -> std::io::Result<()> + Send + Sync>;

pub(crate) struct Watched {
    pub(crate) inner: Arc<dyn ObjectStore>,
    pub(crate) hook: Hook,
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.inner, f)
    }
}

fn ask(hook: &Hook, what: &'static str, path: &Path) -> Result<()> {
    hook(what, path).map_err(|source| Error::Generic { store: "watched", source: source.into() })
}

#[async_trait::async_trait]
impl ObjectStore for Watched {
    async fn put_opts(&self, at: &Path, body: PutPayload, how: PutOptions) -> Result<PutResult> {
        ask(&self.hook, "put", at)?;
        let done = self.inner.put_opts(at, body, how).await?;
        ask(&self.hook, "after put", at)?;
        Ok(done)
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        how: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        ask(&self.hook, "put", at)?;
        self.inner.put_multipart_opts(at, how).await
    }

    async fn get_opts(&self, at: &Path, how: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(at, how).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let hook = Arc::clone(&self.hook);
        let asked = paths.map(move |path| {
            let path = path?;
            ask(&hook, "delete", &path)?;
            Ok(path)
        });
        self.inner.delete_stream(asked.boxed())
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, how: CopyOptions) -> Result<()> {
        ask(&self.hook, "copy", to)?;
        self.inner.copy_opts(from, to, how).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, how: RenameOptions) -> Result<()> {
        ask(&self.hook, "rename", to)?;
        self.inner.rename_opts(from, to, how).await
    }
}
