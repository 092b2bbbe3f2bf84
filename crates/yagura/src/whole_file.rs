//! Files that somebody asked for, such as a report: there whole or not at all, whatever happens
//! while they are written. What is in them is the business of who writes.

use std::fs::File;
use std::io::{self, Seek as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// A file in the making.
pub(crate) struct WholeFile {
    partial: NamedTempFile,
    place: PathBuf,
    /// Whether the place is no file: a device or a pipe is written to, never replaced.
    is_special: bool,
}

impl WholeFile {
    /// Begins a file that will be at a place.
    ///
    /// # Errors
    /// Where its folder cannot be written.
    pub(crate) fn begin(place: &Path) -> io::Result<Self> {
        // A link stays one: what it leads to is written.
        let place = std::fs::canonicalize(place).unwrap_or_else(|_| place.to_owned());
        let known = std::fs::metadata(&place);
        let is_special = known.is_ok_and(|known| !known.is_file() && !known.is_dir());
        let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty());
        let partial = match is_special {
            true => NamedTempFile::new()?,
            false => NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?,
        };
        Ok(Self { partial, place, is_special })
    }

    /// Where to write.
    pub(crate) fn out(&mut self) -> &mut File {
        self.partial.as_file_mut()
    }

    /// Puts the file in its place: everything is written.
    ///
    /// # Errors
    /// Where it cannot be put there. What was there before is untouched.
    pub(crate) fn keep(mut self) -> io::Result<()> {
        if self.is_special {
            let from = self.partial.as_file_mut();
            from.rewind()?;
            io::copy(from, &mut File::options().write(true).open(&self.place)?)?;
            return Ok(());
        }
        self.partial.persist(&self.place).map_err(|error| error.error)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn write(place: &Path, text: &str) -> io::Result<()> {
        let mut file = WholeFile::begin(place)?;
        file.out().write_all(text.as_bytes())?;
        file.keep()
    }

    #[test]
    fn what_was_there_stays_until_the_file_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("report");
        write(&place, "old").unwrap();
        let mut file = WholeFile::begin(&place).unwrap();
        file.out().write_all(b"half").unwrap();
        drop(file);
        assert_eq!(std::fs::read_to_string(&place).unwrap(), "old");
        write(&place, "new").unwrap();
        assert_eq!(std::fs::read_to_string(&place).unwrap(), "new");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left over");
    }

    #[test]
    fn a_folder_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("reports");
        std::fs::create_dir(&place).unwrap();
        assert!(write(&place, "text").is_err());
        assert!(place.is_dir());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        std::fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write(&link, "new").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_written_to_and_not_replaced() {
        use std::os::unix::fs::FileTypeExt as _;
        // Whoever runs the tests as root would otherwise be without it afterwards: it is asked
        // whether the place is known as one, before anything is kept.
        let place = Path::new("/dev/null");
        let mut file = WholeFile::begin(place).unwrap();
        assert!(file.is_special && !file.partial.path().starts_with("/dev"));
        file.out().write_all(b"text").unwrap();
        file.keep().unwrap();
        assert!(std::fs::metadata(place).unwrap().file_type().is_char_device());
    }
}
