//! Finds the word files of `locales/` and lists them for `src/words.rs` and `src/errors.rs` to
//! embed. They are read and checked there and in the tests, not here.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
    let locales = Path::new(&root).join("../../locales");
    println!("cargo:rerun-if-changed={}", locales.display());
    let words = list("EN", &locales.join("en"))? + &list("JA", &locales.join("ja"))?;
    // What errors say in English stands where they arise.
    let errors = list("ERRORS_JA", &locales.join("ja/errors"))?;
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    fs::write(Path::new(&out).join("words_files.rs"), words)?;
    fs::write(Path::new(&out).join("error_files.rs"), errors)
}

/// A constant with the names and texts of a folder's files.
fn list(name: &str, folder: &Path) -> io::Result<String> {
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    let mut code = format!("const {name}: &[(&str, &str)] = &[\n");
    for path in files {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let path = path.canonicalize()?;
        writeln!(code, "    ({stem:?}, include_str!({path:?})),").map_err(io::Error::other)?;
    }
    code.push_str("];\n");
    Ok(code)
}
