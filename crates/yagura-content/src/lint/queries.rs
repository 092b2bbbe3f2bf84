//! Checks saved queries: both languages, parameters that the SQL uses, sources that exist.
//! Whether the SQL plans against the lake's tables is tested in `yagura-lake`.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Lint, prose, site, sources};
use crate::format::SavedQuery;

pub(crate) fn check(lint: &mut Lint<'_>, query: &SavedQuery) {
    let file = lint.query_file(query);
    lint.id(&file, &query.id);
    prose::check(lint, &file, "title", &query.title);
    prose::check(lint, &file, "question", &query.question);
    prose::check(lint, &file, "reading", &query.reading);
    let sql = &query.sql;
    let start = sql.trim_start().get(..6).unwrap_or_default().to_ascii_uppercase();
    if start != "SELECT" && !start.starts_with("WITH") {
        lint.error(&file, sql.place, "a saved query is one SELECT statement");
    }
    if sql.contains(';') {
        lint.error(&file, sql.place, "a saved query is one statement without `;`");
    }
    let used = placeholders(sql);
    let mut declared = BTreeSet::new();
    for (name, parameter) in &query.parameters.0 {
        prose::check(lint, &file, "title", &parameter.title);
        if !sources::is_snake(name) {
            lint.error(&file, name.place, format!("the parameter `{name}` is not lower_snake"));
        }
        if !declared.insert(name.as_str()) {
            lint.error(&file, name.place, format!("the parameter `{name}` is there twice"));
        }
        if !used.contains(name.as_str()) {
            lint.error(&file, name.place, format!("the SQL does not use `${name}`"));
        }
        if let Some(default) = &parameter.default
            && parameter.kind.read(default, Timestamp::UNIX_EPOCH).is_none()
        {
            let message = format!("the default `{default}` is not of the parameter's type");
            lint.error(&file, default.place, message);
        }
    }
    for name in used.iter().filter(|name| !declared.contains(*name)) {
        let hint = site::near(name, declared.iter().copied());
        lint.hinted(&file, sql.place, format!("the parameter `${name}` is not declared"), hint);
    }
    if query.sources.is_empty() && !query.inventory {
        lint.error(&file, query.title.place, "the query names no source that it reads");
    }
    let words: BTreeSet<&str> = super::ocsf::words(sql).into_iter().collect();
    for source in &query.sources {
        if !lint.content.sources.contains_key(source.as_str()) {
            let names = lint.content.sources.keys().map(String::as_str);
            let hint = site::near(source, names);
            lint.hinted(&file, source.place, format!("there is no source `{source}`"), hint);
        } else if !words.contains(source.as_str()) && !words.contains("events") {
            lint.error(&file, source.place, format!("the SQL does not read `{source}`"));
        }
    }
    if query.columns.0.is_empty() {
        lint.error(&file, query.title.place, "`columns` explains no column of the answer");
    }
    for (name, text) in &query.columns.0 {
        prose::check(lint, &file, name, text);
    }
}

/// The names after `$` outside of quoted texts.
fn placeholders(sql: &str) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    for piece in sql.split('\'').step_by(2) {
        for after in piece.split('$').skip(1) {
            let end = after
                .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                .unwrap_or(after.len());
            names.insert(after.split_at(end).0);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_found_outside_of_texts() {
        let names = placeholders("a > $since AND b = '$not' OR c IN ($x_1,$y)");
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["since", "x_1", "y"]);
    }
}
