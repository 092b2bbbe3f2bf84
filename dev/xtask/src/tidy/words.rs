//! One word for each concept: what `docs/internals/glossary.md` rules out stands nowhere.
//! Whether pages exist in both languages is `pages.rs`.

use anyhow::Context as _;
use camino::Utf8Path;

use super::Tree;

const GLOSSARY: &str = "docs/internals/glossary.md";
/// Where words that are ruled out are named.
const NAMED_IN: [&str; 2] = [GLOSSARY, "dev/xtask/src/tidy/words.rs"];

/// A word, and one that is not said for it.
struct Rule<'t> {
    said: &'t str,
    unsaid: &'t str,
}

pub(super) fn glossary(tree: &Tree, _fix: bool) -> anyhow::Result<Vec<String>> {
    let table = tree.text(Utf8Path::new(GLOSSARY)).with_context(|| format!("no {GLOSSARY}"))?;
    let rules: Vec<Rule<'_>> = table.lines().flat_map(rules).collect();
    let mut problems = Vec::new();
    for path in tree.files.iter().filter(|path| !NAMED_IN.contains(&path.as_str())) {
        let extension = path.extension();
        if !matches!(extension, Some("rs" | "yaml" | "toml" | "md" | "html" | "snap")) {
            continue;
        }
        let Some(text) = tree.text(path).filter(|text| !text.is_ascii()) else { continue };
        for (number, line) in text.lines().enumerate() {
            problems.extend(broken(&rules, line).map(|rule| {
                let (said, unsaid) = (rule.said, rule.unsaid);
                format!("`{path}` line {}: `{unsaid}`; the word is `{said}`", number + 1)
            }));
        }
    }
    Ok(problems)
}

/// The rules of a row of the table: a word and several that are not said for it.
fn rules(row: &str) -> impl Iterator<Item = Rule<'_>> {
    let mut cells = row.split('|').map(str::trim).skip(2);
    let said = cells.next().unwrap_or_default();
    let unsaid = cells.next().unwrap_or_default();
    let unsaid = unsaid.split(',').map(str::trim).filter(|word| !word.is_ascii());
    unsaid.map(move |unsaid| Rule { said, unsaid })
}

/// The rules that a line breaks. A ruled-out word may be a part of the right one.
fn broken<'r>(rules: &'r [Rule<'_>], line: &str) -> impl Iterator<Item = &'r Rule<'r>> {
    rules.iter().filter(move |rule| {
        line.contains(rule.unsaid) && line.replace(rule.said, "").contains(rule.unsaid)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &[&str]) {
        let rows = ["| English | 日本語 | not |", "| --- | --- | --- |"];
        let rows = rows.into_iter().chain(["| folder | フォルダー | フォルダ |"]);
        let rows = rows.chain(["| severity | 重要度 | 重大度, 深刻度 |", "| trail | 証跡 |  |"]);
        let rules: Vec<Rule<'_>> = rows.flat_map(rules).collect();
        let found: Vec<&str> = broken(&rules, line).map(|rule| rule.unsaid).collect();
        assert_eq!(found, expected, "{line}");
    }

    #[test]
    fn a_word_that_is_ruled_out_is_found_beside_the_right_one() {
        check("フォルダーの重要度と証跡", &[]);
        check("フォルダの重要度", &["フォルダ"]);
        check("フォルダーとフォルダ", &["フォルダ"]);
        check("深刻度と重大度", &["重大度", "深刻度"]);
        check("not", &[]);
    }
}
