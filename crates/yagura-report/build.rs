//! Finds the word files of `locales/` and lists them for `src/words.rs` to embed.
//! They are read and checked there and in the tests, not here.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
    let locales = Path::new(&root).join("../../locales");
    println!("cargo:rerun-if-changed={}", locales.display());
    let mut code = String::new();
    for language in ["en", "ja"] {
        let folder = locales.join(language);
        println!("cargo:rerun-if-changed={}", folder.display());
        let mut files = Vec::new();
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                files.push(path);
            }
        }
        files.sort();
        let name = language.to_uppercase();
        writeln!(code, "const {name}: &[(&str, &str)] = &[").map_err(io::Error::other)?;
        for path in files {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            let path = path.canonicalize()?;
            writeln!(code, "    ({stem:?}, include_str!({path:?})),").map_err(io::Error::other)?;
        }
        writeln!(code, "];").map_err(io::Error::other)?;
    }
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    fs::write(Path::new(&out).join("words_files.rs"), code)
}
