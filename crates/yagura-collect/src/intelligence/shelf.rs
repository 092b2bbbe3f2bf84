//! The shelf: a folder with the last good copy of each list, and a note beside it.
//! What is put there, and when, is decided in `refresh.rs`.
//!
//! A copy has its digest in its name and is written whole before the note names it; the note is
//! replaced in one step. Whoever reads sees the old copy or the new one, never half of one.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The version of the notes.
const VERSION: u32 = 1;
/// Bytes of a note.
const NOTE_BYTES_MAX: u64 = 64 << 10;

/// Copies of lists in a folder.
#[derive(Clone, Debug)]
pub struct Shelf {
    folder: PathBuf,
}

/// What is known of a list's copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptNote {
    pub(super) version: u32,
    /// Where the copy came from.
    pub from: String,
    /// Its digest of SHA-256 in hexadecimal digits; none where there is no copy yet.
    pub sha256: Option<String>,
    /// Its bytes.
    pub size_bytes: u64,
    /// When it was fetched.
    pub fetched_at: Option<Timestamp>,
    /// When it was last known to be the newest.
    pub checked_at: Option<Timestamp>,
    /// The entity tag that came with it.
    pub etag: Option<String>,
    /// When it was last modified, as it was answered.
    pub modified: Option<String>,
    /// What went wrong since.
    pub failure: Option<Failure>,
}

/// A fetch that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// A copy and its note.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The note.
    pub note: KeptNote,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Why the shelf could not be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ShelfError {
    /// The file system refused.
    #[error("cannot {attempt} `{path}`")]
    Io {
        /// What was attempted: `read`, `write`.
        attempt: &'static str,
        /// The file.
        path: String,
        /// What was said.
        #[source]
        source: Arc<std::io::Error>,
    },
    /// A copy has other bytes than its note says, or the note is no note.
    #[error("`{path}` is damaged")]
    Damaged {
        /// The file.
        path: String,
    },
}

impl KeptNote {
    pub(super) fn new(from: &str) -> Self {
        Self {
            version: VERSION,
            from: from.to_owned(),
            sha256: None,
            size_bytes: 0,
            fetched_at: None,
            checked_at: None,
            etag: None,
            modified: None,
            failure: None,
        }
    }
}

impl Shelf {
    /// In a folder, which is made when something is put there.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// What is known of a list; none where nothing was ever tried.
    ///
    /// # Errors
    /// What cannot be read, and a damaged note.
    pub fn note(&self, name: &str) -> Result<Option<KeptNote>, ShelfError> {
        let path = self.note_path(name);
        let bytes = match read(&path, NOTE_BYTES_MAX) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|error| refused("read", &path, error))?,
        };
        let note: KeptNote = serde_json::from_slice(&bytes).map_err(|_| damaged(&path))?;
        if note.version == VERSION { Ok(Some(note)) } else { Err(damaged(&path)) }
    }

    /// The copy of a list; none where there is none.
    ///
    /// # Errors
    /// What cannot be read, and a copy that is not the one of its note.
    pub fn copy(&self, name: &str) -> Result<Option<Kept>, ShelfError> {
        let Some(note) = self.note(name)? else { return Ok(None) };
        let Some(sha256) = &note.sha256 else { return Ok(None) };
        let path = self.copy_path(name, sha256).ok_or_else(|| damaged(&self.note_path(name)))?;
        let bytes = read(&path, note.size_bytes.saturating_add(1))
            .map_err(|error| refused("read", &path, error))?;
        if *sha256 == hex::encode(Sha256::digest(&bytes)) {
            Ok(Some(Kept { note, bytes }))
        } else {
            Err(damaged(&path))
        }
    }

    /// Puts a new copy in the place of the old one.
    ///
    /// # Errors
    /// What cannot be written. The old copy is then still there.
    pub(super) fn put(
        &self,
        name: &str,
        mut note: KeptNote,
        bytes: &[u8],
    ) -> Result<(), ShelfError> {
        let sha256 = hex::encode(Sha256::digest(bytes));
        let path = self.copy_path(name, &sha256).ok_or_else(|| damaged(&self.note_path(name)))?;
        self.write(&path, bytes)?;
        note.sha256 = Some(sha256);
        note.size_bytes = bytes.len() as u64;
        self.put_note(name, &note)?;
        self.sweep(name, &path);
        Ok(())
    }

    /// Replaces the note alone.
    ///
    /// # Errors
    /// What cannot be written. The old note is then still there.
    pub(super) fn put_note(&self, name: &str, note: &KeptNote) -> Result<(), ShelfError> {
        let path = self.note_path(name);
        let text = serde_json::to_vec_pretty(note).map_err(|_| damaged(&path))?;
        self.write(&path, &text)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), ShelfError> {
        let write = || -> std::io::Result<()> {
            std::fs::create_dir_all(&self.folder)?;
            let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
            file.write_all(bytes)?;
            file.as_file().sync_all()?;
            file.persist(path)?;
            Ok(())
        };
        write().map_err(|error| refused("write", path, error))
    }

    /// Removes earlier copies. One that cannot be removed is tried again next time.
    fn sweep(&self, name: &str, keep: &Path) {
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return };
        let prefix = format!("{name}.");
        for entry in entries.flatten() {
            let file = entry.file_name();
            let own = file.to_str().and_then(|file| file.strip_prefix(&prefix));
            if own.is_some_and(|rest| rest.ends_with(".list")) && entry.path() != keep {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }

    fn note_path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }

    /// None where the digest is none: a note must not lead out of the folder.
    fn copy_path(&self, name: &str, sha256: &str) -> Option<PathBuf> {
        let start = sha256.get(..16)?;
        let fine = start.bytes().all(|byte| byte.is_ascii_hexdigit());
        fine.then(|| self.folder.join(format!("{name}.{start}.list")))
    }
}

fn read(path: &Path, size_bytes_max: u64) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let file = std::fs::File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("it is not a file"));
    }
    let mut bytes = Vec::new();
    file.take(size_bytes_max).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn refused(attempt: &'static str, path: &Path, error: std::io::Error) -> ShelfError {
    ShelfError::Io { attempt, path: path.display().to_string(), source: Arc::new(error) }
}

fn damaged(path: &Path) -> ShelfError {
    ShelfError::Damaged { path: path.display().to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(shelf: &Shelf, bytes: &[u8]) {
        shelf.put("feed", KeptNote::new("here"), bytes).unwrap();
    }

    #[test]
    fn a_copy_is_replaced_whole_and_the_old_one_goes() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(folder.path().join("intelligence"));
        assert!(shelf.copy("feed").unwrap().is_none());
        put(&shelf, b"one");
        put(&shelf, b"two");
        assert_eq!(shelf.copy("feed").unwrap().unwrap().bytes, b"two");
        let files = std::fs::read_dir(folder.path().join("intelligence")).unwrap().count();
        assert_eq!(files, 2);
    }

    #[test]
    fn damage_is_told_and_never_taken_for_a_list() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(folder.path().to_owned());
        put(&shelf, b"one");
        let note = shelf.note("feed").unwrap().unwrap();
        let copy = shelf.copy_path("feed", &note.sha256.unwrap()).unwrap();
        std::fs::write(copy, b"another").unwrap();
        assert!(matches!(shelf.copy("feed"), Err(ShelfError::Damaged { .. })));
        std::fs::write(folder.path().join("feed.json"), b"{").unwrap();
        assert!(matches!(shelf.copy("feed"), Err(ShelfError::Damaged { .. })));
    }

    #[test]
    fn a_note_does_not_lead_out_of_the_folder() {
        let shelf = Shelf::new(PathBuf::from("x"));
        assert!(shelf.copy_path("feed", "../../../../etc/passwd").is_none());
        assert!(shelf.copy_path("feed", "abc").is_none());
    }
}
