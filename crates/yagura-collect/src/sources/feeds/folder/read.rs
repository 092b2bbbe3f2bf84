//! Opening a file and making sure that it stays the one that was listed.
//! A file that grows while it is read is not half a file: it is read again under its new etag.

use std::fs::{File, Metadata};
use std::io::Read;
use std::time::UNIX_EPOCH;

use yagura_model::object::LogObject;

use super::super::FeedError;

/// What changes when a file is written: its size and time of change, in hex digits.
///
/// Not its inode: that changes on some file systems from mount to mount.
pub(super) fn etag_of(found: &Metadata) -> String {
    let modified = found.modified().ok();
    let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    format!("{:x}-{:x}", found.len(), since.as_nanos())
}

/// A listed file, open.
pub(super) struct ListedFile {
    file: File,
    location: String,
    etag: Option<String>,
}

/// Opens a listed file that is still the same.
pub(super) fn open(object: &LogObject) -> Result<ListedFile, FeedError> {
    let fail = |error| FeedError::of_io("open", &object.location, error);
    // Looked at before it is opened: opening a pipe that took its place would wait for a writer.
    let found = std::fs::symlink_metadata(&object.location).map_err(fail)?;
    if !found.is_file() {
        return Err(FeedError::Changed { location: object.location.clone() });
    }
    let file = File::open(&object.location).map_err(fail)?;
    let listed = ListedFile { file, location: object.location.clone(), etag: object.etag.clone() };
    listed.check().map_err(fail_of(&object.location))?;
    Ok(listed)
}

fn fail_of(location: &str) -> impl Fn(std::io::Error) -> FeedError + '_ {
    |error| match FeedError::within(&error) {
        Some(within) => within.clone(),
        None => FeedError::of_io("read", location, error),
    }
}

impl ListedFile {
    fn check(&self) -> std::io::Result<()> {
        let found = self.file.metadata()?;
        if self.etag.as_ref().is_some_and(|etag| *etag != etag_of(&found)) {
            let location = self.location.clone();
            return Err(FeedError::Changed { location }.into_io());
        }
        Ok(())
    }
}

impl Read for ListedFile {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read(buffer)?;
        if read == 0 && !buffer.is_empty() {
            self.check()?;
        }
        Ok(read)
    }
}
