//! The store under the lake's root: read, put, put if absent, rename, delete, list.
//! What the files mean is known elsewhere; here paths are relative to the root.

use std::fs::File;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    Error as StoreError, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload,
};

use crate::{LakeError, LakeLocation};

/// Files larger than this are sent in parts.
const PUT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How many requests a listing or deletion keeps in flight.
const REQUESTS_AT_ONCE: usize = 16;

/// The root of a lake.
#[derive(Clone, Debug)]
pub(crate) struct Root {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    folder: Option<PathBuf>,
}

/// What a put-if-absent came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PutIfAbsent {
    /// It is there now.
    Done,
    /// Somebody else's is there.
    Present,
}

impl Root {
    pub(crate) fn new(location: &LakeLocation) -> Self {
        Self {
            store: Arc::clone(&location.store),
            prefix: location.prefix.clone(),
            folder: location.folder.clone(),
        }
    }

    pub(crate) fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// The local path of a file of the lake, where the lake is in a folder.
    pub(crate) fn local(&self, path: &str) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(path))
    }

    /// The path in the store.
    pub(crate) fn absolute(&self, path: &str) -> Path {
        let mut parts: Vec<_> = self.prefix.parts().collect();
        let rest = Path::parse(path).unwrap_or_else(|_| Path::from(path));
        parts.extend(rest.parts().map(|part| part.as_ref().to_owned().into()));
        Path::from_iter(parts)
    }

    /// The path under the root; none for what is not below it.
    fn relative(&self, location: &Path) -> Option<String> {
        let rest: Vec<_> = location.prefix_match(&self.prefix)?.collect();
        Some(Path::from_iter(rest).to_string())
    }

    /// The whole of a file; none where it is absent.
    pub(crate) async fn get(&self, path: &str) -> Result<Option<Bytes>, LakeError> {
        let answer = match self.store.get(&self.absolute(path)).await {
            Ok(answer) => answer,
            Err(StoreError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(LakeError::read(path, error)),
        };
        answer.bytes().await.map(Some).map_err(|error| LakeError::read(path, error))
    }

    /// Parts of a file.
    pub(crate) async fn ranges(
        &self,
        path: &str,
        ranges: &[Range<u64>],
    ) -> Result<Vec<Bytes>, LakeError> {
        self.store
            .get_ranges(&self.absolute(path), ranges)
            .await
            .map_err(|error| LakeError::read(path, error))
    }

    /// Writes a file, in parts where it is large. An interrupted write leaves no file.
    pub(crate) async fn put(&self, path: &str, bytes: Bytes) -> Result<(), LakeError> {
        let at = self.absolute(path);
        let fail = |error| LakeError::write(path, error);
        if bytes.len() <= PUT_BYTES_MAX {
            self.store.put(&at, PutPayload::from(bytes)).await.map_err(fail)?;
            return Ok(());
        }
        let mut upload = self.store.put_multipart(&at).await.map_err(fail)?;
        let mut rest = bytes;
        while !rest.is_empty() {
            let part = rest.split_to(rest.len().min(PUT_BYTES_MAX));
            if let Err(error) = upload.put_part(PutPayload::from(part)).await {
                // The error that matters is the first; what abort says would hide it.
                let _ = upload.abort().await;
                return Err(fail(error));
            }
        }
        if let Err(error) = upload.complete().await {
            let _ = upload.abort().await;
            return Err(fail(error));
        }
        Ok(())
    }

    /// Writes a file unless there is one of that name.
    pub(crate) async fn put_if_absent(
        &self,
        path: &str,
        bytes: Bytes,
    ) -> Result<PutIfAbsent, LakeError> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let put = self.store.put_opts(&self.absolute(path), PutPayload::from(bytes), options).await;
        match put {
            Ok(_) => Ok(PutIfAbsent::Done),
            // S3 answers 412 where the object is there, and 409 while another put is under way.
            Err(StoreError::AlreadyExists { .. } | StoreError::Precondition { .. }) => {
                Ok(PutIfAbsent::Present)
            }
            Err(error) => Err(LakeError::write(path, error)),
        }
    }

    /// Gives a file its final name. A rename that was done already is no error, so that a retry
    /// may begin anew.
    pub(crate) async fn rename(&self, from: &str, to: &str) -> Result<(), LakeError> {
        let (source, target) = (self.absolute(from), self.absolute(to));
        match self.store.rename(&source, &target).await {
            Ok(()) => Ok(()),
            Err(StoreError::NotFound { path, source }) => match self.store.head(&target).await {
                Ok(_) => Ok(()),
                Err(_) => Err(LakeError::write(to, StoreError::NotFound { path, source })),
            },
            Err(error) => Err(LakeError::write(to, error)),
        }
    }

    /// Deletes files; those that are gone already are no error.
    pub(crate) async fn delete(&self, paths: Vec<String>) -> Result<(), LakeError> {
        let deletions = paths.into_iter().map(|path| async move {
            match self.store.delete(&self.absolute(&path)).await {
                Ok(()) | Err(StoreError::NotFound { .. }) => Ok(()),
                Err(error) => Err(LakeError::write(path, error)),
            }
        });
        futures::stream::iter(deletions).buffer_unordered(REQUESTS_AT_ONCE).try_collect().await
    }

    /// The files under a folder, those after `offset` only, sorted by path.
    pub(crate) async fn list(
        &self,
        folder: &str,
        offset: Option<&str>,
    ) -> Result<Vec<(String, ObjectMeta)>, LakeError> {
        let at = self.absolute(folder);
        let listing = match offset {
            Some(offset) => self.store.list_with_offset(Some(&at), &self.absolute(offset)),
            None => self.store.list(Some(&at)),
        };
        let metas: Vec<ObjectMeta> = match listing.try_collect().await {
            Ok(metas) => metas,
            Err(StoreError::NotFound { .. }) => Vec::new(),
            Err(error) => return Err(LakeError::read(folder, error)),
        };
        let mut found: Vec<_> = metas
            .into_iter()
            .filter_map(|meta| Some((self.relative(&meta.location)?, meta)))
            .collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(found)
    }

    /// Reads many files at once, in the order asked for. All must be there.
    pub(crate) async fn get_all(&self, paths: Vec<String>) -> Result<Vec<Bytes>, LakeError> {
        let reads = paths.into_iter().map(|path| async move {
            self.get(&path).await?.ok_or_else(|| LakeError::manifest(path, "it is missing"))
        });
        futures::stream::iter(reads).buffered(REQUESTS_AT_ONCE).try_collect().await
    }

    /// Makes a local file durable against power loss, with its folder. Elsewhere the store
    /// answers only after it has done so.
    pub(crate) async fn sync(&self, path: &str) -> Result<(), LakeError> {
        let Some(local) = self.local(path) else { return Ok(()) };
        let done = tokio::task::spawn_blocking(move || {
            File::open(&local)?.sync_all()?;
            local.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
        });
        let fail = |source| LakeError::Folder { path: path.to_owned(), source: Arc::new(source) };
        done.await.map_err(|error| fail(std::io::Error::other(error)))?.map_err(fail)
    }
}
