//! The key file: master keys as text, the first in use, older ones until a rotation has ended.
//! How keys wrap is `yagura-store`'s; who may read the file is checked as for any secret.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use yagura_model::secret::SecretFault;
use yagura_store::secrets::DataKey;

use super::files;
use crate::output::Hinted;

/// The key file's name in the data folder.
pub(crate) const KEY_FILE: &str = "secrets.key";
/// What a line of a key begins with; another kind of key takes another word.
const KIND: &str = "aes256";
/// What stands above the keys.
const HEAD: &str = "# Master keys of Yagura's stored secrets. Whoever has this file and the\n\
    # database can read them. The first key is in use; the others open what a\n\
    # rotation has not reached yet. Keep a copy apart from backups.\n";

/// Master keys in a file; never none.
pub(crate) struct KeyFile {
    path: PathBuf,
    keys: Vec<DataKey>,
}

impl KeyFile {
    /// Reads the file; `None` where there is none.
    ///
    /// # Errors
    /// A file that others can read, or that is no key file.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Option<Self>> {
        let shown = path.display();
        let text = match files::text(path) {
            Ok(text) => text,
            Err(SecretFault::Absent) => return Ok(None),
            Err(fault @ SecretFault::Open { .. }) => bail!(Hinted::new(
                format!("the key file `{shown}` is refused: {fault}"),
                format!("`chmod 600 '{shown}'`; if strangers could read it, rotate the key too"),
            )),
            Err(fault) => bail!("could not read the key file `{shown}`: {fault}"),
        };
        let lines = text.lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let key = |line: &str| DataKey::from_hex(line.strip_prefix(KIND)?.trim());
        let keys: Option<Vec<DataKey>> = lines.map(key).collect();
        match keys {
            Some(keys) if !keys.is_empty() => Ok(Some(Self { path: path.to_owned(), keys })),
            // The line is not repeated: it may be half a key.
            _ => bail!(Hinted::new(
                format!("`{shown}` is no key file, or a damaged one"),
                "bring back the copy that was kept apart; without it what is stored cannot be read",
            )),
        }
    }

    /// Makes the file with one fresh key. Of two processes that do so together one wins, and both
    /// use its key.
    pub(crate) fn create(path: &Path) -> anyhow::Result<Self> {
        let made = Self { path: path.to_owned(), keys: vec![DataKey::random()?] };
        let temporary = made.write_beside()?;
        // A link is made only where nothing is, and the file behind it is whole.
        match std::fs::hard_link(temporary.path(), path) {
            Ok(()) => Ok(made),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Self::read(path)?.context("the key file was there, and is gone")
            }
            Err(error) => Err(error)
                .with_context(|| format!("could not make the key file `{}`", path.display())),
        }
    }

    /// A fresh key before those that are there, on disk before this returns.
    pub(crate) fn turn(&mut self) -> anyhow::Result<()> {
        self.keys.insert(0, DataKey::random()?);
        self.write()
    }

    /// Drops all keys but the one in use.
    pub(crate) fn drop_older(&mut self) -> anyhow::Result<()> {
        self.keys.truncate(1);
        self.write()
    }

    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The id of the key in use: `file:` and its fingerprint.
    pub(crate) fn current(&self) -> anyhow::Result<(String, &DataKey)> {
        let key = self.keys.first().context("the key file has no key")?;
        Ok((id(key), key))
    }

    /// The key of an id.
    pub(crate) fn find(&self, master: &str) -> Option<&DataKey> {
        self.keys.iter().find(|key| id(key) == master)
    }

    fn write(&self) -> anyhow::Result<()> {
        let temporary = self.write_beside()?;
        temporary
            .persist(&self.path)
            .with_context(|| format!("could not replace the key file `{}`", self.path.display()))?;
        Ok(())
    }

    /// The file under another name beside its place, safe on disk. `tempfile` makes it 0600.
    fn write_beside(&self) -> anyhow::Result<tempfile::NamedTempFile> {
        let folder = match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let attempt = || {
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(HEAD.as_bytes())?;
            for key in &self.keys {
                file.write_all(KIND.as_bytes())?;
                file.write_all(b" ")?;
                file.write_all(key.to_hex().as_bytes())?;
                file.write_all(b"\n")?;
            }
            file.as_file().sync_all()?;
            io::Result::Ok(file)
        };
        attempt().with_context(|| format!("could not write a key file in `{}`", folder.display()))
    }
}

fn id(key: &DataKey) -> String {
    format!("file:{}", key.fingerprint())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_file_is_made_once_for_its_owner_only_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(KEY_FILE);
        assert!(KeyFile::read(&path).unwrap().is_none());
        let made = KeyFile::create(&path).unwrap();
        let again = KeyFile::create(&path).unwrap();
        assert_eq!(made.current().unwrap().0, again.current().unwrap().0);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left over");
    }

    #[test]
    fn a_turned_file_has_both_keys_until_the_older_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(KEY_FILE);
        let mut file = KeyFile::create(&path).unwrap();
        let old = file.current().unwrap().0;
        file.turn().unwrap();
        let read = KeyFile::read(&path).unwrap().unwrap();
        assert_ne!(read.current().unwrap().0, old);
        assert!(read.find(&old).is_some());
        file.drop_older().unwrap();
        let read = KeyFile::read(&path).unwrap().unwrap();
        assert_eq!((read.len(), read.find(&old).is_some()), (1, false));
    }

    #[test]
    fn a_damaged_or_open_file_is_refused_without_a_word_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(KEY_FILE);
        let open = |text: &str, mode: u32| {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            format!("{:?}", KeyFile::read(&path).err().unwrap())
        };
        let key = "ab".repeat(32);
        for text in ["", "# only a remark", "aes256 abab", &format!("aes512 {key}"), &key] {
            let error = open(text, 0o600);
            assert!(error.contains("is no key file"), "{error}");
            assert!(!error.contains("abab"), "{error}");
        }
        let error = open(&format!("aes256 {key}"), 0o644);
        assert!(error.contains("is refused") && error.contains("chmod 600"), "{error}");
    }
}
