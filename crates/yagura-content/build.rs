//! Packs the content folder into one compressed file that the library carries, as JSON: reading
//! that at start-up is ten times quicker than reading YAML (figures in docs/internals/content.md).
//! The files are not checked here: tests and lint do that, and say where a mistake is.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// What is packed; the other folders of `content/` belong to other crates.
const FOLDERS: &[&str] = &[
    "resources",
    "controls",
    "frameworks",
    "themes",
    "sources",
    "queries",
    "detections",
    "behaviors",
    "sequences",
    "intelligence",
    "escalations",
    "actions",
    "channels",
];

fn main() -> io::Result<()> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or(io::ErrorKind::NotFound)?);
    let content = here.join("../../content");
    let mut packed = Vec::new();
    for folder in FOLDERS {
        pack(&content, &content.join(folder), &mut packed)?;
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?);
    fs::write(out.join("content.zst"), zstd::encode_all(packed.as_slice(), 19)?)
}

/// Appends the files below a folder, in order of their names so that builds are reproducible.
/// Each folder is watched, so a new file triggers a build too.
fn pack(content: &Path, folder: &Path, packed: &mut Vec<u8>) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", folder.display());
    if !folder.is_dir() {
        return Ok(());
    }
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            pack(content, &path, packed)?;
            continue;
        }
        let name = path.strip_prefix(content).map_err(io::Error::other)?;
        let parts: Vec<_> = name.iter().map(|part| part.to_string_lossy()).collect();
        let is_sample = matches!(parts.as_slice(), [_, _, folder, _] if folder == "samples");
        if is_sample || path.extension().is_some_and(|extension| extension == "yaml") {
            let text = fs::read_to_string(&path)?;
            let (form, text) =
                if is_sample || is_sigma(&parts) { ("yaml", text) } else { convert(text) };
            packed.extend(format!("{}\n{form}\n{}\n", parts.join("/"), text.len()).bytes());
            packed.extend(text.bytes());
        }
    }
    Ok(())
}

/// Whether a file is read by the Sigma engine, which reads YAML itself: it minds what is quoted,
/// and a file may hold several documents.
fn is_sigma(parts: &[std::borrow::Cow<'_, str>]) -> bool {
    match parts {
        [folder, _, file] if folder == "detections" => !file.ends_with(".cases.yaml"),
        [folder, _, file] if folder == "sources" => file == "sigma.yaml",
        _ => false,
    }
}

/// The file as JSON; a file that is not YAML stays as it is, for the loader to report.
fn convert(text: String) -> (&'static str, String) {
    let options = serde_saphyr::options! { strict_booleans: true };
    match serde_saphyr::from_str_with_options::<serde_json::Value>(&text, options) {
        Ok(value) => ("json", value.to_string()),
        Err(_) => ("yaml", text),
    }
}
