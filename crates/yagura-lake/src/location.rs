//! Where a lake is and how much it may use: location and options.
//! Nothing is read or written here; `lake.rs` opens it.

use std::path::{Path as FolderPath, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::path::Path;

use crate::LakeError;

/// Memory that all workers of a lake may use together, in bytes, unless told otherwise.
pub const MEMORY_BYTES_DEFAULT: u64 = 256 * 1024 * 1024;

/// A place for a lake: a ready store and a prefix in it.
#[derive(Clone, Debug)]
pub struct LakeLocation {
    /// The store. Credentials, region and endpoint are settled already.
    pub store: Arc<dyn ObjectStore>,
    /// Everything of the lake is under this prefix of the store; may be empty.
    pub prefix: Path,
    /// The folder, where the lake is on a local disk: the root of the lake, prefix included.
    /// Commits are then made durable against power loss, and living writers are recognized by
    /// their locks.
    pub folder: Option<PathBuf>,
    /// How people and other engines name the root: `/var/lib/yagura/lake`, `s3://logs/lake`.
    pub url: String,
}

impl LakeLocation {
    /// A lake in a local folder, which is made where it is missing.
    ///
    /// # Errors
    /// [`LakeError::Folder`] where the folder cannot be made or opened.
    pub fn folder(folder: &FolderPath) -> Result<Self, LakeError> {
        let fail = |source| LakeError::Folder {
            path: folder.display().to_string(),
            source: Arc::new(source),
        };
        std::fs::create_dir_all(folder).map_err(fail)?;
        let folder = folder.canonicalize().map_err(fail)?;
        let store = LocalFileSystem::new_with_prefix(&folder)
            .map_err(|source| LakeError::read(folder.display(), source))?;
        Ok(Self {
            store: Arc::new(store),
            prefix: Path::default(),
            url: folder.display().to_string(),
            folder: Some(folder),
        })
    }

    /// A lake in an object store that somebody else made ready.
    pub fn store(store: Arc<dyn ObjectStore>, prefix: Path, url: String) -> Self {
        Self { store, prefix, folder: None, url }
    }
}

/// How a lake is used by this process.
#[derive(Clone, Debug)]
pub struct LakeOptions {
    /// The time now.
    pub now: Timestamp,
    /// Bytes that all workers may hold together before they write files.
    pub memory_bytes: u64,
    /// How many workers share that memory.
    pub workers: usize,
    /// A writer of which nothing was heard for so long is taken for dead and its leftovers are
    /// removed. In a local folder a lock tells at once, and this is not waited for.
    pub dead_after: SignedDuration,
}

impl LakeOptions {
    /// Defaults: 256 MB, two workers, a writer is dead after a day.
    pub fn new(now: Timestamp) -> Self {
        Self {
            now,
            memory_bytes: MEMORY_BYTES_DEFAULT,
            workers: 2,
            dead_after: SignedDuration::from_hours(24),
        }
    }
}
