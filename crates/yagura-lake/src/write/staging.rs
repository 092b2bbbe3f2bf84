//! The place of one writer's files before they are part of the lake, with the lock that shows
//! that the writer lives and the note of what it is about to make visible.
//! What dead writers leave behind is removed in `recover.rs`.

use std::fs::{File, TryLockError};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload};

use crate::LakeError;
use crate::layout::partition::STAGING;
use crate::manifest::LakeFile;
use crate::storage::Root;

/// The note of final paths, in the writer's folder.
pub(crate) const INTENT: &str = "intent";
/// The lock, in the writer's folder of a local lake.
pub(crate) const LOCK: &str = "lock";
/// Renames and syncs that are under way at once.
const AT_ONCE: usize = 16;
/// Bytes of a part of an upload. S3 allows 10,000 parts, so 160 GB a file.
const PART_BYTES: usize = 16 * 1024 * 1024;

/// A file that waits in staging.
#[derive(Clone, Debug)]
pub(crate) struct StagedFile {
    /// Where it is now.
    pub(crate) staged: String,
    /// Whether it has its final name already.
    pub(crate) shown: bool,
    /// What it will be, under its final path.
    pub(crate) file: LakeFile,
}

/// The folder of one writer, which makes one commit.
#[derive(Debug)]
pub(crate) struct Staging {
    root: Root,
    /// The writer's name: 16 hex digits, drawn anew for each.
    pub(crate) writer: String,
    count: AtomicU64,
    /// Whether a note of paths that nobody else knows of may be there.
    noted: AtomicBool,
    /// Held as long as the writer lives; the operating system frees it when the process dies.
    _lock: Option<File>,
}

impl Staging {
    /// A new writer's folder.
    pub(crate) async fn new(root: Root) -> Result<Self, LakeError> {
        loop {
            let writer = writer_name();
            let path = format!("{STAGING}/{writer}/{LOCK}");
            let Some(local) = root.local(&path) else {
                return Ok(Self::of(root, writer, None));
            };
            let fail = |source| LakeError::Folder { path: path.clone(), source: Arc::new(source) };
            let lock = tokio::task::spawn_blocking(move || {
                if let Some(folder) = local.parent() {
                    std::fs::create_dir_all(folder)?;
                }
                let file = File::create(&local)?;
                match file.try_lock() {
                    // Whoever opens the lake in between may have taken the new file for a dead
                    // writer's: then it is gone, and another name is drawn.
                    Ok(()) if local.exists() => Ok(Some(file)),
                    Ok(()) | Err(TryLockError::WouldBlock) => Ok(None),
                    Err(TryLockError::Error(error)) => Err(error),
                }
            });
            let lock = lock.await.map_err(|error| fail(std::io::Error::other(error)))?;
            if let Some(lock) = lock.map_err(fail)? {
                return Ok(Self::of(root, writer, Some(lock)));
            }
        }
    }

    fn of(root: Root, writer: String, lock: Option<File>) -> Self {
        let (count, noted) = (AtomicU64::new(0), AtomicBool::new(false));
        Self { root, writer, count, noted, _lock: lock }
    }

    /// A new name for a file: unique in the lake, and in the order of writing within a commit.
    pub(crate) fn file_name(&self) -> String {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        format!("{}-{number:06}.parquet", self.writer)
    }

    /// The path in staging of a file of that name.
    pub(crate) fn path(&self, name: &str) -> String {
        format!("{STAGING}/{}/{name}", self.writer)
    }

    /// Stages a whole file.
    pub(crate) async fn put(&self, name: &str, bytes: Vec<u8>) -> Result<String, LakeError> {
        let path = self.path(name);
        self.root.put(&path, Bytes::from(bytes)).await?;
        Ok(path)
    }

    /// Begins to stage a large file piece by piece.
    pub(crate) async fn upload(&self, name: &str) -> Result<Upload, LakeError> {
        let path = self.path(name);
        let upload = self.root.store().put_multipart(&self.root.absolute(&path)).await;
        let upload = upload.map_err(|error| LakeError::write(&path, error))?;
        Ok(Upload { path, upload, pending: Vec::new() })
    }

    /// Notes which paths are about to be made visible. Until the commit is made, they belong to
    /// nobody but this note.
    pub(crate) async fn note(&self, paths: &[&str]) -> Result<(), LakeError> {
        let path = self.path(INTENT);
        self.noted.store(true, Ordering::Relaxed);
        self.root.put(&path, Bytes::from(paths.join("\n"))).await?;
        self.root.sync(&path).await
    }

    /// Gives files their final names, durably.
    pub(crate) async fn show(&self, moves: Vec<(String, String)>) -> Result<(), LakeError> {
        let shown = moves.into_iter().map(|(from, to)| async move {
            self.root.rename(&from, &to).await?;
            self.root.sync(&to).await
        });
        futures::stream::iter(shown).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Removes what was never to be seen. Where files may have had their final names already, all
    /// stays until the lake is opened next: the note of them is how they are found.
    pub(crate) async fn give_up(&self) -> Result<(), LakeError> {
        match self.noted.load(Ordering::Relaxed) {
            true => Ok(()),
            false => self.clear().await,
        }
    }

    /// Removes the writer's folder; what was not shown is gone.
    pub(crate) async fn clear(&self) -> Result<(), LakeError> {
        let folder = format!("{STAGING}/{}", self.writer);
        let files = self.root.list(&folder, None).await?;
        self.root.delete(files.into_iter().map(|(path, _)| path).collect()).await?;
        if let Some(local) = self.root.local(&folder) {
            // An empty folder more or less harms nobody.
            let _ = std::fs::remove_dir(local);
        }
        Ok(())
    }
}

/// A file that is staged piece by piece.
pub(crate) struct Upload {
    path: String,
    upload: Box<dyn MultipartUpload>,
    pending: Vec<u8>,
}

impl Upload {
    /// Adds bytes; sends a part when there are enough.
    pub(crate) async fn add(&mut self, bytes: Vec<u8>) -> Result<(), LakeError> {
        match self.pending.is_empty() {
            true => self.pending = bytes,
            false => self.pending.extend_from_slice(&bytes),
        }
        if self.pending.len() >= PART_BYTES {
            self.send().await?;
        }
        Ok(())
    }

    async fn send(&mut self) -> Result<(), LakeError> {
        let part = PutPayload::from(std::mem::take(&mut self.pending));
        let sent = self.upload.put_part(part).await;
        sent.map_err(|error| LakeError::write(&self.path, error))
    }

    /// Ends the file; its path in staging.
    pub(crate) async fn finish(mut self) -> Result<String, LakeError> {
        if !self.pending.is_empty() {
            self.send().await?;
        }
        let done = self.upload.complete().await;
        done.map_err(|error| LakeError::write(&self.path, error))?;
        Ok(self.path)
    }

    /// Gives up; the store forgets the parts.
    pub(crate) async fn abort(mut self) {
        // Whoever aborts has an error to report already.
        let _ = self.upload.abort().await;
    }
}

/// A name that no other writer draws: the standard library seeds its hashes from the operating
/// system.
pub(crate) fn writer_name() -> String {
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    format!("{:016x}", hasher.finish())
}
