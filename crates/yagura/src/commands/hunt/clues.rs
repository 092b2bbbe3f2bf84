//! What rules need of records as a condition of SQL, so that the lake reads only rows that may
//! match. INVARIANT: a row that some rule would match is never left out.
//! What rules need is the Sigma engine's knowledge.

use sigma::{Clue, ClueValue, FieldPath};
use yagura_content::Content;
use yagura_model::source::{Column, ColumnKind, FieldStep, Table};

use crate::detection::choice::Chosen;

/// Conditions beyond which reading everything is as quick.
const CLUES_MAX: usize = 400;

/// Whether anything looks at records of a source.
pub(super) fn is_judged(chosen: &Chosen, source: &str) -> bool {
    chosen.detector.size(source).0 > 0 || looks_at_all(chosen)
}

/// Whether something beside rules looks at every record: baselines and threat lists.
fn looks_at_all(chosen: &Chosen) -> bool {
    let options = &chosen.options;
    options.intelligence.is_some() || (options.content && options.behaviors)
}

/// The condition for a source; empty where every row must be read.
pub(super) fn of(chosen: &Chosen, content: &Content, source: &str) -> String {
    if looks_at_all(chosen) {
        return String::new();
    }
    let clues = chosen.detector.needs(source).and_then(|needs| needs.clues);
    let table = content.sources.get(source).map(|source| source.table());
    match (clues, table) {
        (Some(clues), Some(table)) => condition(&clues, table).unwrap_or_default(),
        _ => String::new(),
    }
}

/// All clues as one condition; none where one of them cannot be asked of columns.
fn condition(clues: &[Clue], table: &Table) -> Option<String> {
    if clues.is_empty() || clues.len() > CLUES_MAX {
        return None;
    }
    let parts: Option<Vec<String>> = clues.iter().map(|clue| part(clue, table)).collect();
    let mut parts = parts?;
    parts.sort();
    parts.dedup();
    Some(parts.join(" OR "))
}

fn part(clue: &Clue, table: &Table) -> Option<String> {
    if clue.paths.is_empty() {
        return None;
    }
    let columns: Option<Vec<&Column>> = clue.paths.iter().map(|path| column(table, path)).collect();
    let parts: Option<Vec<String>> =
        columns?.into_iter().map(|column| test(column, &clue.value)).collect();
    Some(parts?.join(" OR "))
}

/// The column that holds what is at a path wherever something is there: its first choice.
fn column<'t>(table: &'t Table, path: &FieldPath) -> Option<&'t Column> {
    let wanted = path.to_string();
    table.columns.iter().find(|column| match column.from.first() {
        Some(first) if !first.from_key && first.picks.is_empty() => {
            let steps: Option<Vec<&str>> = first
                .steps
                .iter()
                .map(|step| match step {
                    FieldStep::Key(key) => Some(key.as_str()),
                    FieldStep::Index(_) | FieldStep::Each => None,
                })
                .collect();
            steps.is_some_and(|steps| steps.join(".") == wanted)
        }
        _ => false,
    })
}

fn test(column: &Column, value: &ClueValue) -> Option<String> {
    let name = format!("\"{}\"", column.name);
    match (&column.kind, value) {
        (ColumnKind::Text, ClueValue::Whole(text)) => text_test(&name, "=", text),
        (ColumnKind::Text, ClueValue::Start(text)) => text_test(&name, "starts_with", text),
        (ColumnKind::Text, ClueValue::End(text)) => text_test(&name, "ends_with", text),
        (ColumnKind::Text, ClueValue::Within(text)) => text_test(&name, "contains", text),
        (ColumnKind::Integer, ClueValue::Number(text) | ClueValue::Whole(text)) => {
            let number: i64 = text.parse().ok()?;
            Some(format!("{name} = {number}"))
        }
        _ => None,
    }
}

/// A test of a text without case. A list or an object stands in its column as JSON, and rules
/// reach into them: such a row is read.
fn text_test(name: &str, how: &str, text: &str) -> Option<String> {
    if !text.is_ascii() || text.is_empty() {
        return None;
    }
    let literal = format!("'{}'", text.replace('\'', "''"));
    let test = match how {
        "=" => format!("lower({name}) = {literal}"),
        function => format!("{function}(lower({name}), {literal})"),
    };
    Some(format!("{test} OR starts_with({name}, '[') OR starts_with({name}, '{{')"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: &str, expected: Option<&[&str]>) {
        let text = format!("title: t\nlogsource: {{product: aws, service: cloudtrail}}\n{rule}");
        let mut set = sigma::RuleSet::default();
        set.add(sigma::parse("t.yml", &text));
        let compiled = sigma::Matcher::compile(set, &[sigma::Pipeline::plain("cloudtrail")]);
        assert!(compiled.problems.is_empty(), "{:?}", compiled.problems);
        let source = compiled.matcher.source("cloudtrail").unwrap();
        let clues = compiled.matcher.needs(source).and_then(|needs| needs.clues);
        let table = Content::builtin().sources["cloudtrail"].table();
        let found = clues.and_then(|clues| condition(&clues, table));
        match (found, expected) {
            (None, None) => {}
            (Some(found), Some(needles)) => {
                assert!(needles.iter().all(|needle| found.contains(needle)), "{found}");
            }
            (found, expected) => panic!("{rule}: {found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn names_of_events_are_asked_of_their_column() {
        check(
            "detection: {s: {eventName: [StopLogging, DeleteTrail]}, condition: s}",
            Some(&["lower(\"event_name\") = 'stoplogging'", "= 'deletetrail'"]),
        );
        check(
            "detection: {s: {eventName|startswith: Put}, condition: s}",
            Some(&["starts_with(lower(\"event_name\"), 'put')"]),
        );
    }

    #[test]
    fn what_no_column_tells_is_read_whole() {
        check("detection: {s: {requestParameters.no.column: x}, condition: s}", None);
        check("detection: {s: [evil], condition: s}", None);
        check("detection: {s: {eventName: a}, condition: not s}", None);
    }

    #[test]
    fn a_quote_stays_within_its_text() {
        check(
            "detection: {s: {eventName: \"o'neil\"}, condition: s}",
            Some(&["lower(\"event_name\") = 'o''neil'"]),
        );
    }
}
