//! Writes the file of a backup: beside its place first, then into it in one step.
//! What goes into it is decided in `commands/backup.rs`.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;
use yagura_store::backup::Picture;

use super::{FILE_BYTES_MAX, Head, Listed, Manifest};
use crate::output::Hinted;

/// zstd's level: rows and text shrink well at little cost.
const LEVEL: i32 = 6;

/// A backup being written. Dropped, it leaves nothing behind.
pub(crate) struct Writer {
    tar: tar::Builder<zstd::Encoder<'static, NamedTempFile>>,
    place: PathBuf,
    manifest: Manifest,
    pieces: u64,
}

impl Writer {
    /// Begins a file. It is made beside its place, readable by its owner only.
    pub(crate) fn begin(place: &Path, head: &Head) -> anyhow::Result<Self> {
        let folder = match place.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let attempt = || {
            Hinted::new(
                format!("could not write the backup `{}`", place.display()),
                "name a file in a folder that you may write",
            )
        };
        let file = NamedTempFile::new_in(folder).with_context(attempt)?;
        let mut encoder = zstd::Encoder::new(file, LEVEL).with_context(attempt)?;
        // A backup may lie for years: zstd notices a changed byte by itself, too.
        encoder.include_checksum(true).with_context(attempt)?;
        let mut writer = Self {
            tar: tar::Builder::new(encoder),
            place: place.to_owned(),
            manifest: Manifest::default(),
            pieces: 0,
        };
        writer.bytes("head.json", &serde_json::to_vec_pretty(head)?)?;
        Ok(writer)
    }

    /// Adds an entry that is in memory.
    pub(crate) fn bytes(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.add(name, bytes.len() as u64, bytes)
    }

    /// Adds a piece of a table.
    pub(crate) fn rows(&mut self, table: &str, piece: &[u8]) -> io::Result<()> {
        self.pieces += 1;
        self.bytes(&format!("rows/{table}/{:08}", self.pieces), piece)
    }

    /// Adds all files of a folder and gives their number and bytes. Files that vanish meanwhile
    /// were moved on by whoever made them; links and other special files are left out.
    pub(crate) fn folder(&mut self, name: &str, folder: &Path) -> anyhow::Result<(u64, u64)> {
        let mut totals = (0, 0);
        let mut folders = vec![PathBuf::new()];
        while let Some(relative) = folders.pop() {
            let path = folder.join(&relative);
            let listed = match std::fs::read_dir(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                listed => listed,
            };
            let attempt = || format!("could not list `{}`", path.display());
            let mut names = Vec::new();
            for entry in listed.with_context(attempt)? {
                let entry = entry.with_context(attempt)?;
                names.push((entry.file_name(), entry.file_type().with_context(attempt)?));
            }
            names.sort_by(|one, two| one.0.cmp(&two.0));
            for (file_name, kind) in names {
                let relative = relative.join(file_name);
                if kind.is_dir() {
                    folders.push(relative);
                } else if kind.is_file() {
                    let bytes = self.file(name, folder, &relative)?;
                    totals = (totals.0 + u64::from(bytes.is_some()), totals.1 + bytes.unwrap_or(0));
                }
            }
        }
        Ok(totals)
    }

    fn file(&mut self, name: &str, folder: &Path, relative: &Path) -> anyhow::Result<Option<u64>> {
        let path = folder.join(relative);
        let shown = path.display();
        let attempt = || format!("could not back up `{shown}`");
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.with_context(attempt)?,
        };
        let bytes = file.metadata().with_context(attempt)?.len();
        ensure!(bytes <= FILE_BYTES_MAX, "`{shown}` is too large for a backup ({bytes} bytes)");
        let Some(relative) = relative.to_str() else {
            anyhow::bail!("the name of `{shown}` is not UTF-8, and a backup has only such names");
        };
        let entry = format!("files/{name}/{}", relative.replace(std::path::MAIN_SEPARATOR, "/"));
        // A file that grows meanwhile is taken as long as it was; one that shrinks is an error.
        self.add(&entry, bytes, file).with_context(attempt)?;
        Ok(Some(bytes))
    }

    fn add(&mut self, name: &str, bytes: u64, from: impl Read) -> io::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes);
        header.set_mode(0o600);
        header.set_entry_type(tar::EntryType::Regular);
        let mut hashed = Hashed { from: from.take(bytes), hash: Sha256::new(), bytes: 0 };
        self.tar.append_data(&mut header, name, &mut hashed)?;
        if hashed.bytes != bytes {
            let error = format!("`{name}` became shorter while it was read");
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, error));
        }
        let sha256 = hex(&hashed.hash.finalize());
        self.manifest.entries.push(Listed { name: name.to_owned(), bytes, sha256 });
        Ok(())
    }

    /// Ends the file with its manifest, makes it lasting, and gives it its name. Gives its size.
    pub(crate) fn finish(mut self, picture: Picture, replace: bool) -> anyhow::Result<u64> {
        let attempt = format!("could not write the backup `{}`", self.place.display());
        self.manifest.picture = picture;
        let manifest = serde_json::to_vec(&self.manifest)?;
        self.bytes("manifest.json", &manifest).context(attempt.clone())?;
        let encoder = self.tar.into_inner().context(attempt.clone())?;
        let mut file = encoder.finish().context(attempt.clone())?;
        file.flush().context(attempt.clone())?;
        file.as_file().sync_all().context(attempt.clone())?;
        let bytes = file.as_file().metadata().context(attempt.clone())?.len();
        if replace {
            file.persist(&self.place).context(attempt)?;
        } else {
            file.persist_noclobber(&self.place).context(attempt)?;
        }
        Ok(bytes)
    }
}

/// Hashes and counts what passes.
struct Hashed<R> {
    from: R,
    hash: Sha256,
    bytes: u64,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.from.read(buffer)?;
        self.hash.update(buffer.get(..n).unwrap_or_default());
        self.bytes += n as u64;
        Ok(n)
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
