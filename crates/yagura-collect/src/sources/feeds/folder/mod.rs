//! A folder of files, or a single file, as a feed.
//! Files that other feeds write first and then read here come from `spool`.
//!
//! Left alone are: names that begin with a dot (temporary files of whoever writes them), and
//! whatever is no regular file. Symbolic links are not followed, except the one that a person
//! names: within the folder its target is listed where it is, and one that leads out of the
//! folder is told as unlisted, since following it could read what was not meant.

mod read;
mod walk;

use std::io::Read;
use std::path::{Path, PathBuf};

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use yagura_model::object::LogObject;

use super::{Feed, FeedError, Page, Scope};
use walk::Walk;

/// A folder with all its subfolders, or one file.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
    name: String,
    source: Option<String>,
    delete_settled: bool,
}

impl Folder {
    /// A folder or file that a person names; a symbolic link to one is followed.
    ///
    /// # Errors
    /// Where it is not there, may not be read, or its path is not UTF-8.
    pub fn new(path: &Path, source: Option<String>) -> Result<Self, FeedError> {
        let shown = path.display().to_string();
        let root = path.canonicalize().map_err(|e| FeedError::of_io("open", &shown, e))?;
        let Some(name) = root.to_str().map(str::to_owned) else {
            return Err(FeedError::Request {
                text: shown,
                reason: "its path is not UTF-8".to_owned(),
            });
        };
        Ok(Self { root, name, source, delete_settled: false })
    }

    /// A folder of our own, whose files are deleted once they are in the lake.
    ///
    /// # Errors
    /// As [`Folder::new`].
    pub fn spool(path: &Path, source: Option<String>) -> Result<Self, FeedError> {
        Ok(Self { delete_settled: true, ..Self::new(path, source)? })
    }

    /// The folder or file.
    pub fn root(&self) -> &Path {
        &self.root
    }
}

impl Feed for Folder {
    fn name(&self) -> &str {
        &self.name
    }

    fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    fn list(&self, _scope: Scope) -> BoxStream<'_, Result<Page, FeedError>> {
        let walk = Walk::new(self.root.clone());
        let pages = stream::unfold(Some(walk), |walk| async move {
            let mut walk = walk?;
            let step = tokio::task::spawn_blocking(move || {
                let items = walk.next_page();
                (items, walk)
            });
            match step.await {
                Ok((items, _)) if items.is_empty() => None,
                Ok((items, walk)) => Some((stream::iter(items), Some(walk))),
                // The runtime is shutting down.
                Err(_) => None,
            }
        });
        pages.flatten().boxed()
    }

    fn open(&self, object: &LogObject) -> Result<Box<dyn Read + Send + '_>, FeedError> {
        Ok(Box::new(read::open(object)?))
    }

    fn settled<'a>(&'a self, objects: &'a [LogObject]) -> BoxFuture<'a, Result<(), FeedError>> {
        if !self.delete_settled {
            return Box::pin(async { Ok(()) });
        }
        let objects: Vec<LogObject> = objects.to_vec();
        Box::pin(async move {
            let deleted = tokio::task::spawn_blocking(move || delete(&objects));
            deleted.await.unwrap_or(Ok(()))
        })
    }

    fn quarantined<'a>(
        &'a self,
        _objects: &'a [LogObject],
    ) -> BoxFuture<'a, Result<(), FeedError>> {
        // A spooled file that could not be read is the only copy.
        Box::pin(async { Ok(()) })
    }
}

/// Deletes files that still have the content that was settled.
fn delete(objects: &[LogObject]) -> Result<(), FeedError> {
    for object in objects {
        let path = Path::new(&object.location);
        let same = std::fs::symlink_metadata(path)
            .is_ok_and(|found| found.is_file() && Some(read::etag_of(&found)) == object.etag);
        if !same {
            continue;
        }
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(FeedError::of_io("delete", &object.location, error));
            }
            _ => {}
        }
    }
    Ok(())
}
