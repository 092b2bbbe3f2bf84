//! Source files: their first line, width, banned words, and what may stand in which room.
//! The lists below are the rules; each names its reason.

use camino::Utf8Path;

use super::Tree;

/// Lines of code in a file before it must split or say why at its top (tests not counted).
const LINES_MAX: usize = 600;
const COLUMNS_MAX: usize = 100;

/// File names that say nothing.
const VAGUE_NAMES: [&str; 6] = ["utils", "util", "common", "helpers", "misc", "manager"];

/// Words that may not stand in a Rust file: (word, reason). Written in two parts so that this
/// file may name them.
const BANNED: [(&str, &str, &str); 8] = [
    ("#[ig", "nore", "a test that does not run proves nothing"),
    ("#[should", "_panic", "assert the error instead"),
    ("todo", "!(", "build the real thing"),
    ("unimple", "mented!(", "build the real thing"),
    ("/ro", "ot/", "a path of one machine"),
    ("/wo", "rk/", "a path of one machine"),
    ("// FIX", "ME", "write an issue"),
    ("// XX", "X", "write an issue"),
];

/// Crates without I/O, clock, environment or randomness.
const PURE: [&str; 4] =
    ["lib/iam-policy/src", "lib/sigma/src", "crates/yagura-model/src", "crates/yagura-analyze/src"];

/// What a pure crate may not say.
const IMPURE: [&str; 8] = [
    "std::fs",
    "std::env",
    "std::net::Tcp",
    "std::net::Udp",
    "std::process",
    "std::time::",
    "Timestamp::now",
    "tokio::",
];

/// SQL statements; only the store and the lake speak SQL.
const SQL: [&str; 4] = ["\"SELECT ", "\"INSERT INTO ", "\"UPDATE ", "\"DELETE FROM "];

/// HTML; only report and console emit it.
const HTML: [&str; 4] = ["<html", "<div", "<table", "<script"];

pub(super) fn files(tree: &Tree, _fix: bool) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    for path in &tree.files {
        let stem = path.file_stem().unwrap_or_default();
        if VAGUE_NAMES.contains(&stem) {
            problems.push(format!("`{path}`: the name says nothing"));
        }
        let Some(text) = tree.text(path) else { continue };
        if path.extension() == Some("rs") {
            rust_file(path, &text, &mut problems);
        }
        if matches!(path.extension(), Some("rs" | "yaml" | "toml" | "md" | "html" | "css" | "js")) {
            plain_text(path, &text, &mut problems);
        }
    }
    Ok(problems)
}

fn rust_file(path: &Utf8Path, text: &str, problems: &mut Vec<String>) {
    if !text.starts_with("//! ") {
        problems.push(format!("`{path}`: the first line must be a `//!` sentence"));
    }
    let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    let lines = code.lines().count();
    let in_tests = path.components().any(|part| part.as_str() == "tests");
    let says_why = text.lines().take(8).any(|line| line.contains("Long because"));
    if lines > LINES_MAX && !in_tests && !says_why {
        problems
            .push(format!("`{path}`: {lines} lines; split it, or say at the top `Long because …`"));
    }
    for (n, line) in text.lines().enumerate() {
        // The literals of a test read better whole; rustfmt keeps its code narrow.
        if line.chars().count() > COLUMNS_MAX && !in_tests && !line.contains("://") {
            problems.push(format!("`{path}:{}`: more than {COLUMNS_MAX} columns", n + 1));
        }
        for (head, tail, reason) in BANNED {
            if line.contains(&format!("{head}{tail}")) {
                problems.push(format!("`{path}:{}`: `{head}{tail}`: {reason}", n + 1));
            }
        }
    }
}

fn plain_text(path: &Utf8Path, text: &str, problems: &mut Vec<String>) {
    if path.as_str().contains("/snapshots/") {
        return;
    }
    if !text.is_empty() && !text.ends_with('\n') {
        problems.push(format!("`{path}`: no newline at the end"));
    }
    for (n, line) in text.lines().enumerate() {
        if line.ends_with([' ', '\t', '\r']) {
            problems.push(format!("`{path}:{}`: blanks at the end", n + 1));
        }
        let invisible = |c: char| {
            (c.is_control() && c != '\t')
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
                || matches!(c, '\u{2066}'..='\u{2069}')
        };
        if line.contains(invisible) {
            problems.push(format!("`{path}:{}`: an invisible character; write it escaped", n + 1));
        }
    }
}

pub(super) fn rooms(tree: &Tree, _fix: bool) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    for path in tree.files.iter().filter(|path| path.extension() == Some("rs")) {
        let Some(text) = tree.text(path) else { continue };
        let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or(&text);
        let code = if path.file_name() == Some("tests.rs") { "" } else { code };
        let within = |rooms: &[&str]| rooms.iter().any(|room| path.as_str().starts_with(room));
        let mut ban = |words: &[&str], why: &str| {
            // A quotation mark within a text is a command that a person is shown.
            let shown = code.replace("\\\"", "");
            for word in words.iter().filter(|word| shown.contains(**word)) {
                problems.push(format!("`{path}` says `{word}`, but {why}"));
            }
        };
        if within(&PURE) {
            ban(&IMPURE, "this crate does no I/O and reads no clock or environment");
        }
        if path.as_str().starts_with("crates/") && path.as_str().contains("/src/") {
            // A hunt asks the lake, in the lake's language.
            let asks_lake = within(&["crates/yagura-lake/", "crates/yagura/src/commands/hunt/"]);
            if !asks_lake && !within(&["crates/yagura-store/"]) {
                ban(&SQL, "only store writes SQL for our database");
            }
            if !within(&["crates/yagura-report/", "crates/yagura-console/"]) {
                ban(&HTML, "only report and console emit HTML");
            }
        }
    }
    Ok(problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str) -> usize {
        let mut problems = Vec::new();
        rust_file(path.into(), text, &mut problems);
        plain_text(path.into(), text, &mut problems);
        problems.len()
    }

    #[test]
    fn a_good_file_passes_and_each_fault_is_one_problem() {
        assert_eq!(check("a.rs", "//! What lives here.\n"), 0);
        assert_eq!(check("a.rs", "fn main() {}\n"), 1);
        assert_eq!(check("a.rs", "//! Here. \n"), 1);
        assert_eq!(check("a.rs", "//! Here."), 1);
        assert_eq!(check("a.rs", &format!("//! Here.\n// {}\n", "x".repeat(99))), 1);
        assert_eq!(check("a.rs", "//! Here.\n// left\u{202e}right\n"), 1);
        assert_eq!(check("a.rs", &format!("//! Here.\n{}\n", "f();\n".repeat(700).trim_end())), 1);
    }
}
