//! A pinned Python package as an archive of files; nothing of it is ever executed.
//! What its files mean is in `model.rs` and `actions.rs`.

use std::fs::File;
use std::io::Read as _;

use anyhow::{Context as _, bail};
use camino::{Utf8Path, Utf8PathBuf};
use xshell::{Shell, cmd};
use zip::ZipArchive;

pub(crate) struct Wheel {
    archive: ZipArchive<File>,
    pub(crate) package: String,
    pub(crate) version: String,
}

impl Wheel {
    /// Opens the wheel below `target/`, downloading it first if it is not there.
    pub(crate) fn open(root: &Utf8Path, package: &str, version: &str) -> anyhow::Result<Wheel> {
        let folder = root.join("target/aws-api");
        let path = match find(&folder, package, version) {
            Some(path) => path,
            None => {
                download(&folder, package, version)?;
                find(&folder, package, version)
                    .with_context(|| format!("pip left no wheel of {package} {version}"))?
            }
        };
        let file = File::open(&path).with_context(|| format!("cannot open `{path}`"))?;
        let archive = ZipArchive::new(file).with_context(|| format!("`{path}` is no wheel"))?;
        Ok(Wheel { archive, package: package.to_owned(), version: version.to_owned() })
    }

    /// The names of all files, in order.
    pub(crate) fn names(&self) -> anyhow::Result<Vec<String>> {
        let names = self.archive.file_names().map(|name| Ok(name?.into_owned()));
        let mut names = names.collect::<anyhow::Result<Vec<String>>>()?;
        names.sort();
        Ok(names)
    }

    /// A JSON file, which may be stored with `.gz` behind its name; `None` if there is none.
    pub(crate) fn json(&mut self, name: &str) -> anyhow::Result<Option<serde_json::Value>> {
        let packed = format!("{name}.gz");
        let (name, is_packed) = if self.archive.index_for_name(&packed).is_some() {
            (packed.as_str(), true)
        } else if self.archive.index_for_name(name).is_some() {
            (name, false)
        } else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        self.archive.by_name(name)?.read_to_end(&mut bytes)?;
        if is_packed {
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut plain)?;
            bytes = plain;
        }
        let value = serde_json::from_slice(&bytes).with_context(|| format!("`{name}`"))?;
        Ok(Some(value))
    }
}

fn find(folder: &Utf8Path, package: &str, version: &str) -> Option<Utf8PathBuf> {
    let prefix = format!("{package}-{version}-");
    let entries = folder.read_dir_utf8().ok()?;
    entries.flatten().map(camino::Utf8DirEntry::into_path).find(|path| {
        let name = path.file_name().unwrap_or_default();
        name.starts_with(&prefix) && name.ends_with(".whl")
    })
}

fn download(folder: &Utf8Path, package: &str, version: &str) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    let wanted = format!("{package}=={version}");
    let done = cmd!(
        shell,
        "python3 -m pip download --quiet --no-deps --no-binary=:none: --dest {folder} {wanted}"
    )
    .run();
    if let Err(error) = done {
        bail!("cannot download {wanted} ({error}); put its wheel into `{folder}` by hand");
    }
    Ok(())
}
