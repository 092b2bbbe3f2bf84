//! The folder in which events that came as messages wait until they are in the lake.
//! Messages are deleted elsewhere, after that.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use yagura_model::object::LogObject;

use super::super::{FeedError, Page};

const ENDING: &str = ".jsonl";

/// A folder of our own.
#[derive(Clone, Debug)]
pub(crate) struct Spool {
    folder: PathBuf,
}

impl Spool {
    /// Makes the folder. Half-written files of a killed process are removed.
    pub(crate) fn open(folder: &Path) -> Result<Self, FeedError> {
        let shown = folder.display().to_string();
        let of_io = |attempt, error| FeedError::of_io(attempt, &shown, error);
        fs::create_dir_all(folder).map_err(|error| of_io("make", error))?;
        let folder = folder.canonicalize().map_err(|error| of_io("open", error))?;
        for entry in fs::read_dir(&folder).map_err(|error| of_io("list", error))? {
            let path = entry.map_err(|error| of_io("list", error))?.path();
            if path.extension().is_some_and(|ending| ending == "part") {
                fs::remove_file(&path).map_err(|error| of_io("clear", error))?;
            }
        }
        Ok(Self { folder })
    }

    /// Keeps events, one a line, by the ids of their messages; gives the object that they are.
    /// The same messages give the same object.
    pub(crate) fn write(&self, lines: &BTreeMap<&str, &str>) -> Result<LogObject, FeedError> {
        let mut hash = Sha256::new();
        let mut text = String::new();
        for (id, line) in lines {
            hash.update(id.as_bytes());
            hash.update([0]);
            text.push_str(line);
            text.push('\n');
        }
        let name = hex::encode(hash.finalize()).chars().take(32).collect::<String>();
        self.keep(&self.folder, &format!("{name}{ENDING}"), text.as_bytes())?;
        self.object(&name).map(|object| object.0)
    }

    /// Puts a message aside for a person to look at.
    pub(crate) fn put_aside(&self, id: &str, body: &str) -> Result<(), FeedError> {
        let folder = self.folder.join("unknown");
        let shown = folder.display().to_string();
        fs::create_dir_all(&folder).map_err(|error| FeedError::of_io("make", &shown, error))?;
        // An id of SQS is a UUID; whatever else it may be, it must not lead anywhere.
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
        let name: String = id.chars().map(plain).take(100).collect();
        self.keep(&folder, &format!("{name}.json"), body.as_bytes())
    }

    /// Whole or not at all, and on the disk before it is named.
    fn keep(&self, folder: &Path, name: &str, bytes: &[u8]) -> Result<(), FeedError> {
        let path = folder.join(name);
        let part = self.folder.join(format!("{name}.part"));
        let written = || -> io::Result<()> {
            let mut file = File::create(&part)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&part, &path)?;
            File::open(folder)?.sync_all()
        };
        let shown = path.display().to_string();
        written().map_err(|error| FeedError::of_io("write", &shown, error))
    }

    fn object(&self, name: &str) -> Result<(LogObject, PathBuf), FeedError> {
        let path = self.folder.join(format!("{name}{ENDING}"));
        let location = path.display().to_string();
        let found =
            fs::metadata(&path).map_err(|error| FeedError::of_io("open", &location, error))?;
        let object = LogObject {
            location,
            key: format!("{name}{ENDING}"),
            version: None,
            etag: Some(format!("{name}-{}", found.len())),
            size_bytes: found.len(),
            modified: None,
        };
        Ok((object, path))
    }

    /// What a former process left: its messages will come again, but the ledger may already know
    /// these objects and must be able to open them.
    pub(crate) fn leftovers(&self) -> Result<Page, FeedError> {
        let shown = self.folder.display().to_string();
        let of_io = |error| FeedError::of_io("list", &shown, error);
        let mut page = Page::new();
        for entry in fs::read_dir(&self.folder).map_err(of_io)? {
            let name = entry.map_err(of_io)?.file_name();
            if let Some(name) = name.to_str().and_then(|name| name.strip_suffix(ENDING)) {
                page.push(self.object(name)?.0);
            }
        }
        page.sort_unstable_by(|a, b| a.location.cmp(&b.location));
        Ok(page)
    }

    /// Opens a file of ours.
    pub(crate) fn open_file(&self, path: &Path) -> Result<File, FeedError> {
        let shown = path.display().to_string();
        if path.parent() != Some(&self.folder) {
            let reason = "it is not in the folder of this feed".to_owned();
            return Err(FeedError::Request { text: shown, reason });
        }
        File::open(path).map_err(|error| FeedError::of_io("open", &shown, error))
    }

    pub(crate) fn read(&self, path: &Path) -> Result<Box<dyn Read + Send>, FeedError> {
        Ok(Box::new(self.open_file(path)?))
    }

    /// Deletes a file of ours; anything else is left alone.
    pub(crate) fn forget(&self, path: &Path) -> Result<(), FeedError> {
        if path.parent() != Some(&self.folder) {
            return Ok(());
        }
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(FeedError::of_io("delete", &path.display().to_string(), error))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_messages_are_the_same_object_and_survive_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        let lines = BTreeMap::from([("m2", "{\"b\":1}"), ("m1", "{\"a\":1}")]);
        let object = spool.write(&lines).unwrap();
        assert_eq!(spool.write(&lines).unwrap(), object);
        fs::write(folder.path().join("x.jsonl.part"), "half").unwrap();
        let again = Spool::open(folder.path()).unwrap();
        assert_eq!(again.leftovers().unwrap(), std::slice::from_ref(&object));
        let mut text = String::new();
        again.read(Path::new(&object.location)).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "{\"a\":1}\n{\"b\":1}\n");
        again.forget(Path::new(&object.location)).unwrap();
        again.forget(Path::new(&object.location)).unwrap();
        assert!(again.leftovers().unwrap().is_empty());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn nothing_outside_the_folder_is_opened_or_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let outside = folder.path().join("outside.jsonl");
        fs::write(&outside, "x").unwrap();
        let spool = Spool::open(&folder.path().join("spool")).unwrap();
        assert!(spool.read(&outside).is_err());
        spool.forget(&outside).unwrap();
        assert!(outside.exists());
        spool.put_aside("../../../odd id", "body").unwrap();
        let aside = folder.path().join("spool/unknown");
        assert_eq!(fs::read_dir(aside).unwrap().count(), 1);
    }
}
