//! Walking a folder page by page, so that memory is bounded by the deepest path and one page.
//! Opening files is in `read.rs`.

use std::fs::{Metadata, ReadDir};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use yagura_model::object::LogObject;

use super::super::{FeedError, Page};
use super::read::etag_of;

/// Objects of one page.
const PAGE: usize = 1_000;

/// A walk that has begun.
pub(super) struct Walk {
    root: PathBuf,
    begun: bool,
    /// The folders that lead to where the walk is.
    open: Vec<ReadDir>,
}

impl Walk {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root, begun: false, open: Vec::new() }
    }

    /// The next page and what could not be listed with it; nothing at the end.
    pub(super) fn next_page(&mut self) -> Vec<Result<Page, FeedError>> {
        let mut page = Page::new();
        let mut items = Vec::new();
        if !self.begun {
            self.begun = true;
            self.begin(&mut page, &mut items);
        }
        while page.len() < PAGE && items.len() < PAGE {
            let Some(folder) = self.open.last_mut() else { break };
            match folder.next() {
                None => {
                    self.open.pop();
                }
                Some(Ok(entry)) => self.visit(&entry.path(), &mut page, &mut items),
                Some(Err(error)) => {
                    let root = self.root.display().to_string();
                    items.push(Err(FeedError::of_io("list", &root, error)));
                    self.open.pop();
                }
            }
        }
        if !page.is_empty() {
            items.push(Ok(page));
        }
        items
    }

    fn begin(&mut self, page: &mut Page, items: &mut Vec<Result<Page, FeedError>>) {
        let root = self.root.clone();
        match std::fs::symlink_metadata(&root) {
            Ok(found) if found.is_dir() => self.enter(&root, items),
            Ok(found) if found.is_file() => match object(&root, &found) {
                Ok(object) => page.push(object),
                Err(error) => items.push(Err(error)),
            },
            Ok(_) => items.push(Err(FeedError::Request {
                text: root.display().to_string(),
                reason: "it is neither a folder nor a regular file".to_owned(),
            })),
            Err(error) => {
                let root = root.display().to_string();
                items.push(Err(FeedError::of_io("list", &root, error)));
            }
        }
    }

    fn enter(&mut self, folder: &Path, items: &mut Vec<Result<Page, FeedError>>) {
        match std::fs::read_dir(folder) {
            Ok(entries) => self.open.push(entries),
            Err(error) => {
                let folder = folder.display().to_string();
                items.push(Err(FeedError::of_io("list", &folder, error)));
            }
        }
    }

    fn visit(&mut self, path: &Path, page: &mut Page, items: &mut Vec<Result<Page, FeedError>>) {
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if hidden {
            return;
        }
        let found = match std::fs::symlink_metadata(path) {
            Ok(found) => found,
            // Deleted since the folder was read: a rotated file, say.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            Err(error) => {
                let path = path.display().to_string();
                items.push(Err(FeedError::of_io("list", &path, error)));
                return;
            }
        };
        if found.is_dir() {
            self.enter(path, items);
        } else if found.is_file() {
            match object(path, &found) {
                Ok(object) => page.push(object),
                Err(error) => items.push(Err(error)),
            }
        } else if found.is_symlink() && self.leads_out(path) {
            items.push(Err(FeedError::Request {
                text: path.display().to_string(),
                reason: "it is a symbolic link that leads out of the folder; name its target to \
                         read it"
                    .to_owned(),
            }));
        }
    }

    /// A link that leads nowhere has nothing to list.
    fn leads_out(&self, path: &Path) -> bool {
        path.canonicalize().is_ok_and(|target| !target.starts_with(&self.root))
    }
}

fn object(path: &Path, found: &Metadata) -> Result<LogObject, FeedError> {
    let Some(location) = path.to_str().map(str::to_owned) else {
        return Err(FeedError::Failed {
            attempt: "list",
            location: path.display().to_string(),
            source: Arc::new(std::io::Error::other("its name is not UTF-8; rename it")),
        });
    };
    let modified = found.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
    Ok(LogObject {
        key: location.trim_start_matches('/').to_owned(),
        location,
        version: None,
        etag: Some(etag_of(found)),
        size_bytes: found.len(),
        modified,
    })
}
