//! Files that somebody asked for, such as a report: there whole or not at all, whatever happens
//! while they are written. What is in them is the business of who writes.

use std::fs::File;
use std::io::{self, BufWriter, IntoInnerError, Seek as _, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::NamedTempFile;
use yagura_report::ReportError;

use crate::context::Context;

/// Places that stand for what is open already: a file that the shell opened may be behind them.
const OPEN_ALREADY: [&str; 4] = ["/dev/fd", "/dev/stdout", "/dev/stderr", "/proc"];

/// A file in the making.
pub(crate) struct WholeFile {
    out: BufWriter<NamedTempFile>,
    place: PathBuf,
    /// Whether the place is no file of its own: it is written to, never replaced.
    is_special: bool,
}

impl WholeFile {
    /// Begins a file that will be at a place.
    ///
    /// # Errors
    /// Where its folder cannot be written.
    pub(crate) fn begin(place: &Path) -> io::Result<Self> {
        let is_special = is_special(place);
        let place = if is_special { place.to_owned() } else { end_of(place) };
        let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty());
        let partial = match is_special {
            true => NamedTempFile::new()?,
            false => NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?,
        };
        Ok(Self { out: BufWriter::new(partial), place, is_special })
    }

    /// Where to write.
    pub(crate) fn out(&mut self) -> &mut (dyn Write + Send) {
        &mut self.out
    }

    /// Makes the file lasting and puts it in its place: everything is written.
    ///
    /// # Errors
    /// Where it cannot be put there. What was there before is untouched.
    pub(crate) fn keep(self) -> io::Result<()> {
        let mut partial = self.out.into_inner().map_err(IntoInnerError::into_error)?;
        if self.is_special {
            partial.rewind()?;
            // What the shell opened with `>>` keeps what it has.
            io::copy(&mut partial, &mut File::options().append(true).open(&self.place)?)?;
            return Ok(());
        }
        partial.as_file().sync_all()?;
        partial.persist(&self.place).map_err(|error| error.error)?;
        Ok(())
    }
}

/// Writes a report to where somebody asked for it, and says so.
///
/// # Errors
/// `attempt` with its cause, where that cannot be done.
pub(crate) fn write_report(
    context: &Context,
    place: &Path,
    attempt: &str,
    write: impl FnOnce(&mut dyn Write) -> Result<(), ReportError>,
) -> anyhow::Result<()> {
    let attempt = || attempt.to_owned();
    let mut file = WholeFile::begin(place).with_context(attempt)?;
    write(file.out()).with_context(attempt)?;
    file.keep().with_context(attempt)?;
    let shown = place.display();
    context.remark_in(&format!("wrote {shown}"), &format!("{shown} に書き出しました"));
    Ok(())
}

/// Whether something at a place is to be written to and never replaced: a device, a pipe.
fn is_special(place: &Path) -> bool {
    let known = std::fs::metadata(place);
    OPEN_ALREADY.iter().any(|open| place.starts_with(open))
        || known.is_ok_and(|known| !known.is_file() && !known.is_dir())
}

/// Where a link leads to, whether or not there is something; the place itself where it is none.
fn end_of(place: &Path) -> PathBuf {
    let beside = |target: PathBuf| place.parent().unwrap_or(Path::new("")).join(target);
    std::fs::canonicalize(place)
        .or_else(|_| std::fs::read_link(place).map(beside))
        .unwrap_or_else(|_| place.to_owned())
}

#[cfg(test)]
mod tests {
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
        std::fs::remove_file(&file).unwrap();
        write(&link, "again").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "again", "it led to nothing");
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[cfg(unix)]
    #[test]
    fn what_the_shell_opened_keeps_what_it_has() {
        use std::os::fd::AsRawFd as _;
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("all");
        std::fs::write(&place, "old ").unwrap();
        let opened = File::options().append(true).open(&place).unwrap();
        write(Path::new(&format!("/dev/fd/{}", opened.as_raw_fd())), "new").unwrap();
        assert_eq!(std::fs::read_to_string(&place).unwrap(), "old new");
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_written_to_and_not_replaced() {
        use std::os::unix::fs::FileTypeExt as _;
        // Asked before anything is kept: who runs the tests as root would be without it afterwards.
        let place = Path::new("/dev/null");
        let mut file = WholeFile::begin(place).unwrap();
        assert!(file.is_special && !file.out.get_ref().path().starts_with("/dev"));
        file.out().write_all(b"text").unwrap();
        file.keep().unwrap();
        assert!(std::fs::metadata(place).unwrap().file_type().is_char_device());
    }
}
