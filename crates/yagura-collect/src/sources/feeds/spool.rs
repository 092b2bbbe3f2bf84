//! Spool folders: what arrives over the network or a pipe is written here first, durably, and
//! then read like any other folder. Reading is `folder`'s work.
//!
//! A file has a name that begins with a dot while it is written, and its own name once it is
//! whole and on disk. Whoever writes it holds a lock on it, so that leftovers of dead processes
//! can be told from files in the making.

use std::fs::{File, TryLockError};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;

use super::FeedError;

const PART: &str = ".part";

/// What to do with what a dead process left unfinished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leftovers {
    /// Nobody was told that it is safe: the sender sends it again.
    Remove,
    /// Nobody will send it again.
    Keep,
}

/// A folder for files of our own.
#[derive(Clone, Debug)]
pub(super) struct Spool {
    folder: PathBuf,
    number: Arc<AtomicU64>,
}

/// A file that is being written. Dropped without `finish` it is gone.
pub(super) struct SpoolFile {
    file: Option<BufWriter<File>>,
    part: PathBuf,
    place: PathBuf,
    bytes: u64,
}

impl Spool {
    /// Opens a spool folder; makes it where it is missing and deals with leftovers.
    pub(super) fn open(folder: &Path, leftovers: Leftovers) -> Result<Self, FeedError> {
        let shown = folder.display().to_string();
        let fail = |error| FeedError::of_io("open", &shown, error);
        std::fs::create_dir_all(folder).map_err(fail)?;
        let spool = Self { folder: folder.to_owned(), number: Arc::default() };
        spool.clear(leftovers).map_err(fail)?;
        Ok(spool)
    }

    fn clear(&self, leftovers: Leftovers) -> std::io::Result<()> {
        for entry in std::fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let Some(own) = name.strip_prefix('.').and_then(|name| name.strip_suffix(PART)) else {
                continue;
            };
            let place = self.folder.join(own);
            let Ok(file) = File::open(&path) else { continue };
            if let Err(TryLockError::WouldBlock | TryLockError::Error(_)) = file.try_lock() {
                continue;
            }
            match leftovers {
                Leftovers::Keep if file.metadata()?.len() > 0 => {
                    file.sync_all()?;
                    std::fs::rename(&path, place)?;
                }
                _ => std::fs::remove_file(&path)?,
            }
        }
        sync_folder(&self.folder)
    }

    /// A name that no other file of any process has: the time, the process, a number.
    pub(super) fn fresh_name(&self, now: Timestamp, ending: &str) -> String {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let ms = now.as_millisecond();
        format!("{ms:013}-{}-{number:06}{ending}", std::process::id())
    }

    /// Begins a file. One of the same name that is already there is replaced when it is whole.
    pub(super) fn begin(&self, name: &str) -> std::io::Result<SpoolFile> {
        let part = self.folder.join(format!(".{name}{PART}"));
        // Not truncated before the lock: another writer of the same name may be at work.
        let file = File::options().write(true).create(true).truncate(false).open(&part)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(std::io::Error::from(std::io::ErrorKind::ResourceBusy));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        file.set_len(0)?;
        let place = self.folder.join(name);
        Ok(SpoolFile { file: Some(BufWriter::new(file)), part, place, bytes: 0 })
    }
}

impl SpoolFile {
    pub(super) fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        if let Some(file) = &mut self.file {
            file.write_all(bytes)?;
            self.bytes += bytes.len() as u64;
        }
        Ok(())
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Makes it lasting and gives it its name. After that it survives a power failure.
    pub(super) fn finish(self) -> std::io::Result<PathBuf> {
        let place = self.place.clone();
        self.finish_at(&place)
    }

    fn finish_at(mut self, place: &Path) -> std::io::Result<PathBuf> {
        if let Some(file) = self.file.take() {
            // The lock ends with the file: it is held until the name is there.
            let file = file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
            file.sync_all()?;
            std::fs::rename(&self.part, place)?;
            if let Some(folder) = place.parent() {
                sync_folder(folder)?;
            }
        }
        Ok(place.to_owned())
    }

    /// As `finish`, under another name of the same folder (one that the content gave).
    pub(super) fn finish_as(self, name: &str) -> std::io::Result<PathBuf> {
        let place = self.place.with_file_name(name);
        self.finish_at(&place)
    }
}

impl Drop for SpoolFile {
    fn drop(&mut self) {
        // Renamed already, or given up: both leave nothing of that name of ours.
        if self.file.is_some() {
            let _ = std::fs::remove_file(&self.part);
        }
    }
}

fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_has_its_name_only_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path(), Leftovers::Remove).unwrap();
        let mut file = spool.begin("a.json").unwrap();
        file.write(b"{}").unwrap();
        assert_eq!(names(folder.path()), [".a.json.part"]);
        file.finish().unwrap();
        assert_eq!(names(folder.path()), ["a.json"]);
        drop(spool.begin("b.json").unwrap());
        assert_eq!(names(folder.path()), ["a.json"]);
    }

    #[test]
    fn leftovers_of_the_dead_are_dealt_with_and_files_in_the_making_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path(), Leftovers::Remove).unwrap();
        let mut living = spool.begin("living").unwrap();
        living.write(b"x").unwrap();
        let dead = folder.path().join(".dead.part");
        std::fs::write(&dead, "line").unwrap();
        Spool::open(folder.path(), Leftovers::Keep).unwrap();
        assert_eq!(names(folder.path()), [".living.part", "dead"]);
        std::fs::write(&dead, "line").unwrap();
        Spool::open(folder.path(), Leftovers::Remove).unwrap();
        assert_eq!(names(folder.path()), [".living.part", "dead"]);
        living.finish().unwrap();
    }

    #[test]
    fn two_writers_of_one_name_do_not_mix() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path(), Leftovers::Remove).unwrap();
        let mut first = spool.begin("a").unwrap();
        first.write(b"first").unwrap();
        assert!(spool.begin("a").is_err());
        first.finish().unwrap();
        assert_eq!(std::fs::read(folder.path().join("a")).unwrap(), b"first");
    }
}
