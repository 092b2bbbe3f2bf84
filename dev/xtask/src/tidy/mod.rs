//! The house rules that no compiler checks. They are an ordinary test: `tests/tidy.rs` calls this.
//! Each check returns sentences; an empty list is a pass. Nothing here changes a source file.

mod errors;
pub(crate) mod graph;
mod ids;
mod pages;
mod sources;
mod words;

use anyhow::bail;
use camino::{Utf8Path, Utf8PathBuf};

use crate::test::say;

type Check = fn(&Tree, bool) -> anyhow::Result<Vec<String>>;

/// Every check by name.
const CHECKS: [(&str, Check); 10] = [
    ("crate graph", graph::crate_graph),
    ("forbidden dependencies", graph::forbidden),
    ("licenses", graph::licenses),
    ("source files", sources::files),
    ("rooms", sources::rooms),
    ("links", pages::links),
    ("both languages", pages::both_languages),
    ("glossary", words::glossary),
    ("errors in Japanese", errors::in_japanese),
    ("lock of ids", ids::lock),
];

/// The files that git knows or would add, with their root.
pub(crate) struct Tree {
    /// The repository's root.
    pub(crate) root: Utf8PathBuf,
    /// Paths relative to the root, sorted.
    pub(crate) files: Vec<Utf8PathBuf>,
}

impl Tree {
    fn read(root: &Utf8Path) -> anyhow::Result<Self> {
        let output = std::process::Command::new("git")
            .current_dir(root)
            .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
            .output()?;
        let text = String::from_utf8(output.stdout)?;
        let mut files: Vec<Utf8PathBuf> = text
            .split('\0')
            .filter(|path| !path.is_empty())
            .map(Utf8PathBuf::from)
            .filter(|path| root.join(path).is_file())
            .collect();
        files.sort();
        Ok(Self { root: root.to_owned(), files })
    }

    /// The text of a file; none where it is not UTF-8 (tables, images).
    pub(crate) fn text(&self, path: &Utf8Path) -> Option<String> {
        String::from_utf8(std::fs::read(self.root.join(path)).ok()?).ok()
    }
}

/// Runs every check; `fix` rewrites the golden files that belong to them.
pub(crate) fn run(root: &Utf8Path, fix: bool) -> anyhow::Result<()> {
    let tree = Tree::read(root)?;
    let mut problems = Vec::new();
    for (name, check) in CHECKS {
        problems.extend(check(&tree, fix)?.into_iter().map(|problem| format!("{name}: {problem}")));
    }
    if problems.is_empty() {
        return Ok(());
    }
    for problem in &problems {
        say(problem);
    }
    bail!("{} house rules are broken", problems.len())
}

/// Compares a golden file with what it should say, or rewrites it.
fn golden(tree: &Tree, path: &str, wanted: &str, fix: bool) -> anyhow::Result<Vec<String>> {
    let file = tree.root.join(path);
    if std::fs::read_to_string(&file).is_ok_and(|found| found == wanted) {
        return Ok(Vec::new());
    }
    if fix {
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&file, wanted)?;
        return Ok(Vec::new());
    }
    Ok(vec![format!("`{path}` is stale; review the change, then run `cargo xtask tidy --fix`")])
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_house_rules_hold() {
        let root = crate::repository_root().unwrap();
        super::run(&root, false).unwrap();
    }
}
