//! Reads the file of a backup: first all of it against its manifest, then again for its content.
//! Where content goes is decided in `commands/restore.rs`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use sha2::{Digest as _, Sha256};

use super::write::hex;
use super::{FORMAT, Head, Listed, Manifest, Name};
use crate::output::Hinted;

/// A file that was found to be what its manifest says.
pub(crate) struct Reader {
    path: PathBuf,
    file: File,
    head: Head,
    manifest: Manifest,
}

/// One entry with its content.
pub(crate) struct Entry {
    pub(crate) name: Name,
    pub(crate) bytes: Vec<u8>,
}

impl Reader {
    /// Opens a file and reads it to its end: every entry must be what the manifest says, and
    /// nothing may be missing or too many.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let mut file =
            File::open(path).with_context(|| format!("could not open the backup `{shown}`"))?;
        let verified = verify(&mut file).with_context(|| {
            Hinted::new(
                format!("the backup `{shown}` is refused"),
                "nothing was changed; take another copy of it, or an earlier backup",
            )
        })?;
        let (head, manifest) = verified;
        Ok(Self { path: path.to_owned(), file, head, manifest })
    }

    pub(crate) fn head(&self) -> &Head {
        &self.head
    }

    pub(crate) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Reads the file again and hands over each entry but head and manifest. What is read must
    /// still be what was verified.
    pub(crate) async fn entries(
        &mut self,
        mut take: impl AsyncFnMut(Entry) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let attempt = format!("could not read the backup `{}`", self.path.display());
        self.file.rewind().context(attempt.clone())?;
        let wanted: BTreeMap<String, Listed> =
            self.manifest.entries.iter().map(|one| (one.name.clone(), one.clone())).collect();
        let mut archive = tar::Archive::new(zstd::Decoder::new(&self.file)?);
        for entry in archive.entries().context(attempt.clone())? {
            let mut entry = entry.context(attempt.clone())?;
            let (text, name) = name_of(&entry)?;
            if matches!(name, Name::Head | Name::Manifest) {
                continue;
            }
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).context(attempt.clone())?;
            let same = wanted.get(&text).is_some_and(|listed| {
                listed.bytes == bytes.len() as u64 && listed.sha256 == hex(&Sha256::digest(&bytes))
            });
            ensure!(same, "`{}` was changed while it was read", self.path.display());
            take(Entry { name, bytes }).await?;
        }
        Ok(())
    }
}

/// An entry's name as text and as what it stands for; only plain files have a place in a backup.
fn name_of<R: std::io::Read>(entry: &tar::Entry<'_, R>) -> anyhow::Result<(String, Name)> {
    let text = String::from_utf8(entry.path_bytes().into_owned()).ok();
    let plain = entry.header().entry_type() == tar::EntryType::Regular;
    let named = text.as_deref().filter(|_| plain).and_then(Name::read);
    match (text, named) {
        (Some(text), Some(name)) => {
            ensure!(entry.size() <= name.bytes_max(), "`{text}` in it is too large");
            Ok((text, name))
        }
        (text, _) => {
            let text = text.unwrap_or_else(|| "a name that is not UTF-8".to_owned());
            bail!("it holds `{text}`, which no backup of Yagura does")
        }
    }
}

fn verify(file: &mut File) -> anyhow::Result<(Head, Manifest)> {
    let decoder = zstd::Decoder::new(&*file).context("it cannot be read")?;
    let mut archive = tar::Archive::new(decoder);
    let (mut head, mut manifest): (Option<Head>, Option<Manifest>) = (None, None);
    let mut found = Vec::new();
    for entry in archive.entries().context("it is no backup of Yagura")? {
        let mut entry = entry.context("it is no backup of Yagura, or it is truncated")?;
        let (text, name) = name_of(&entry)?;
        ensure!(manifest.is_none(), "something follows its manifest");
        ensure!(head.is_some() || name == Name::Head, "it does not begin with its head");
        if matches!(name, Name::Head | Name::Manifest) {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).context("it is truncated or damaged")?;
            if name == Name::Head {
                ensure!(head.is_none(), "it has two heads");
                head = Some(read_head(&bytes)?);
                let sha256 = hex(&Sha256::digest(&bytes));
                found.push(Listed { name: text, bytes: bytes.len() as u64, sha256 });
            } else {
                manifest =
                    Some(serde_json::from_slice(&bytes).context("its manifest cannot be read")?);
            }
            continue;
        }
        found.push(hashed(text, &mut entry)?);
    }
    // To the very end: zstd's own checksum comes last.
    std::io::copy(&mut archive.into_inner(), &mut std::io::sink())
        .context("it is truncated or damaged")?;
    let (Some(head), Some(manifest)) = (head, manifest) else {
        bail!("it is truncated: its manifest is missing");
    };
    if manifest.entries != found {
        let wrong = manifest.entries.iter().zip(&found).find(|(listed, found)| listed != found);
        let name = wrong.map_or("an entry", |(listed, _)| listed.name.as_str());
        bail!("`{name}` in it is missing, too many, or not what its manifest says");
    }
    Ok((head, manifest))
}

fn read_head(bytes: &[u8]) -> anyhow::Result<Head> {
    let head: Head = serde_json::from_slice(bytes).context("its head cannot be read")?;
    ensure!(head.what == "yagura backup", "it is not a backup of Yagura");
    ensure!(
        head.format <= FORMAT,
        "it has format {}, made by a newer yagura ({})",
        head.format,
        head.version
    );
    Ok(head)
}

fn hashed<R: std::io::Read>(name: String, entry: &mut tar::Entry<'_, R>) -> anyhow::Result<Listed> {
    let mut hash = Sha256::new();
    let mut bytes = 0_u64;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let n = entry.read(&mut buffer).context("it is truncated or damaged")?;
        if n == 0 {
            break;
        }
        hash.update(buffer.get(..n).unwrap_or_default());
        bytes += n as u64;
    }
    ensure!(bytes == entry.size(), "it is truncated in `{name}`");
    Ok(Listed { name, bytes, sha256: hex(&hash.finalize()) })
}
