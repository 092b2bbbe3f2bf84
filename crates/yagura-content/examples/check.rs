//! Checks content files and prints what is wrong: `cargo run -p yagura-content --example check --
//! content/controls/s3/x.yaml`. The binary's `yagura content lint` also asks the AWS API table.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use yagura_content::Content;

fn main() -> ExitCode {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let paths = if paths.is_empty() { vec![PathBuf::from("content")] } else { paths };
    let mut errors = 0;
    for path in &paths {
        let Some((root, wanted)) = split(path) else {
            report(&format!("{} is not below a content folder", path.display()));
            errors += 1;
            continue;
        };
        for problem in Content::from_folder(&root).lint(None) {
            if problem.file.starts_with(&wanted) {
                errors += usize::from(problem.is_error());
                let level = if problem.is_error() { "error" } else { "warning" };
                let hint = if problem.hint.is_empty() {
                    String::new()
                } else {
                    format!(" (hint: {})", problem.hint)
                };
                report(&format!("{level}: {problem}{hint}"));
            }
        }
    }
    report(&format!("{errors} errors"));
    if errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The content folder that a path is in, and the path below it.
fn split(path: &Path) -> Option<(PathBuf, String)> {
    let path = path.canonicalize().ok()?;
    let root = path.ancestors().find(|folder| {
        folder.is_dir() && ["controls", "resources"].iter().any(|name| folder.join(name).is_dir())
    })?;
    let below: Vec<_> = path.strip_prefix(root).ok()?.iter().collect();
    let below: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
    Some((root.to_owned(), below.join("/")))
}

#[expect(clippy::print_stdout, reason = "an example for the terminal")]
fn report(line: &str) {
    println!("{line}");
}
