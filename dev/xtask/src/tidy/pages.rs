//! Pages: links that lead somewhere, and the same pages in both languages.
//! Whether a page says the right thing is for a reviewer.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

use super::Tree;

pub(super) fn links(tree: &Tree, _fix: bool) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    for path in tree.files.iter().filter(|path| path.extension() == Some("md")) {
        let Some(text) = tree.text(path) else { continue };
        for target in link_targets(&text) {
            let file = target.split('#').next().unwrap_or_default();
            let outside = file.contains("://") || file.starts_with("mailto:");
            if file.is_empty() || outside {
                continue;
            }
            let folder = path.parent().unwrap_or(Utf8Path::new(""));
            if !tree.root.join(folder).join(file).exists() {
                problems.push(format!("`{path}` links to `{target}`, which is not there"));
            }
        }
    }
    Ok(problems)
}

/// The targets of `[text](target)` outside fenced code.
fn link_targets(text: &str) -> Vec<String> {
    let mut targets = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        let mut rest = line;
        while let Some((_, tail)) = rest.split_once("](") {
            let Some((target, tail)) = tail.split_once(')') else { break };
            targets.push(target.trim_matches(['<', '>']).to_owned());
            rest = tail;
        }
    }
    targets
}

pub(super) fn both_languages(tree: &Tree, _fix: bool) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    for folder in ["docs", "locales"] {
        let pages = |lang: &str| -> BTreeSet<Utf8PathBuf> {
            let prefix = format!("{folder}/{lang}");
            let strip =
                |path: &Utf8PathBuf| path.strip_prefix(&prefix).ok().map(Utf8Path::to_owned);
            // Errors are English where they arise; `errors.rs` looks after the others.
            let own = |page: &Utf8PathBuf| !page.starts_with("errors");
            tree.files.iter().filter_map(strip).filter(own).collect()
        };
        let (en, ja) = (pages("en"), pages("ja"));
        for page in en.symmetric_difference(&ja) {
            problems.push(format!("`{folder}/*/{page}` exists in one language only"));
        }
    }
    for (en, ja) in [("README.md", "README.ja.md")] {
        for page in [en, ja] {
            if !tree.root.join(page).exists() {
                problems.push(format!("`{page}` is missing"));
            }
        }
    }
    Ok(problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_outside_code_only() {
        let text = "see [a](b.md) and [c](d.md#e)\n```\n[x](y.md)\n```\n[f](<g h.md>)";
        assert_eq!(link_targets(text), ["b.md", "d.md#e", "g h.md"]);
    }
}
