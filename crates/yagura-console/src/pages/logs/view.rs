//! What stands on the page `/logs`: the form, what can be asked, the cost, the answer.
//! Everything in it may be hostile; the templates clean and escape it.

use serde::Serialize;
use serde_json::Value;
use yagura_content::Content;
use yagura_content::format::ParameterKind;
use yagura_model::Lang;
use yagura_model::finding::Scope;
use yagura_report::{error_in, words};

use super::asked::{ALL, Asked, OWN, SPANS};
use super::chart::{Chart, chart};
use crate::ports::{AskFault, Estimate, Table, TableShape};
use crate::viewer::Viewer;

/// Characters of a cell on the page at most; a file has them all.
const CELL_MAX: usize = 1_000;
/// Tables whose columns stand open where something was looked for.
const OPEN_MAX: usize = 5;

/// The whole page.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    pub(super) has_desk: bool,
    /// Whether the viewer sees the logs of some accounts only.
    limited: bool,
    sql: String,
    ranges: Vec<Choice>,
    from: String,
    to: String,
    zone: String,
    topics: Vec<Topic>,
    saved: Option<Saved>,
    find: String,
    tables: Vec<Listed>,
    pub(super) schema_fault: Option<FaultView>,
    estimate: Option<Cost>,
    /// The bytes that must be agreed to before it is answered.
    pub(super) confirm: Option<u64>,
    limit: String,
    pub(super) fault: Option<FaultView>,
    result: Option<Result>,
}

/// A choice of several.
#[derive(Debug, Serialize)]
struct Choice {
    value: &'static str,
    chosen: bool,
}

/// Saved queries of one topic.
#[derive(Debug, Serialize)]
struct Topic {
    name: String,
    queries: Vec<Named>,
}

#[derive(Debug, Serialize)]
struct Named {
    id: String,
    title: String,
    chosen: bool,
}

/// The saved query that is chosen.
#[derive(Debug, Serialize)]
struct Saved {
    id: String,
    title: String,
    question: String,
    reading: String,
    parameters: Vec<Field>,
    columns: Vec<(String, String)>,
}

#[derive(Debug, Serialize)]
struct Field {
    name: String,
    title: String,
    kind: &'static str,
    value: String,
    default: String,
}

/// A table that can be asked.
#[derive(Debug, Serialize)]
struct Listed {
    name: String,
    logs: bool,
    open: bool,
    /// How many there are; the columns themselves of tables of the inventory only where something
    /// was looked for: three hundred types with all their columns would be a megabyte.
    columns_all: usize,
    columns: Vec<(String, String)>,
}

/// What a question would read.
#[derive(Debug, Serialize)]
struct Cost {
    files: u64,
    files_all: u64,
    bytes: String,
    rows: u64,
    plan: String,
}

/// Why there is no answer.
#[derive(Debug, Serialize)]
pub(super) struct FaultView {
    message: String,
    hint: Option<String>,
    at: Option<(u64, u64)>,
    /// The line of the SQL, and below it a mark at the place.
    place: Option<String>,
    askers: bool,
}

/// An answer.
#[derive(Debug, Serialize)]
struct Result {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    n: u64,
    cut: bool,
    bytes: String,
    seconds: String,
    chart: Option<Chart>,
}

#[derive(Debug, Serialize)]
struct Column {
    name: String,
    kind: String,
    number: bool,
}

#[derive(Debug, Serialize)]
struct Cell {
    text: String,
    null: bool,
    cut: bool,
    number: bool,
}

impl FaultView {
    /// A fault with its place in the SQL.
    pub(super) fn of(lang: Lang, fault: &AskFault, sql: &str) -> Self {
        let place = fault.at.and_then(|(line, column)| {
            let at = usize::try_from(line).ok()?.checked_sub(1)?;
            let before = usize::try_from(column).ok()?.checked_sub(1)?;
            let line: String = sql.lines().nth(at)?.chars().take(CELL_MAX).collect();
            let before = before.min(line.chars().count());
            Some(format!("{line}\n{}^", " ".repeat(before)))
        });
        let told = |text: &str| error_in(lang, text).into_owned();
        let (message, hint) = (told(&fault.message), fault.hint.as_deref().map(told));
        Self { message, hint, at: fault.at, place, askers: fault.askers }
    }
}

/// A value as a cell shows it.
pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A size for people: `1.2 GB`.
pub(super) fn size(bytes: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB", "PB"];
    let (mut tenths, mut unit) = (u128::from(bytes) * 10, 0);
    while tenths >= 10_000 && unit + 1 < units.len() {
        tenths /= 1_000;
        unit += 1;
    }
    let unit_name = units.get(unit).copied().unwrap_or("B");
    match unit {
        0 => format!("{bytes} B"),
        _ => format!("{}.{} {unit_name}", tenths / 10, tenths % 10),
    }
}

impl Page {
    /// The form as it was sent.
    pub(super) fn of(asked: &Asked, content: &Content, viewer: &Viewer) -> Self {
        let values = SPANS.iter().map(|(word, _)| *word).chain([ALL, OWN]);
        Self {
            has_desk: true,
            limited: viewer.scope != Scope::All,
            sql: asked.sql.clone(),
            ranges: values.map(|value| Choice { value, chosen: value == asked.range }).collect(),
            from: asked.from.clone(),
            to: asked.to.clone(),
            zone: viewer.zone.iana_name().unwrap_or("UTC").to_owned(),
            topics: topics(asked, content, viewer),
            saved: saved(asked, content, viewer),
            find: asked.find.clone(),
            tables: Vec::new(),
            schema_fault: None,
            estimate: None,
            confirm: None,
            limit: size(super::BYTES_UNASKED),
            fault: None,
            result: None,
        }
    }

    /// The tables whose name, or a column's, holds what is looked for. Where the scope is limited
    /// those are left out that belong to no account.
    pub(super) fn schema(&mut self, tables: Vec<TableShape>, find: &str, scope: &Scope) {
        let wanted = find.trim().to_lowercase();
        let holds = |name: &str| name.to_lowercase().contains(&wanted);
        let mine = |table: &TableShape| {
            *scope == Scope::All || !matches!(table.name.as_str(), "objects" | "scans")
        };
        for table in tables.into_iter().filter(mine) {
            let whole = holds(&table.name);
            let mut columns = table.columns;
            if !whole {
                columns.retain(|(name, _)| holds(name));
            }
            if whole || !columns.is_empty() {
                let open = !wanted.is_empty() && self.tables.len() < OPEN_MAX;
                let columns_all = columns.len();
                if wanted.is_empty() && !table.logs {
                    columns.clear();
                }
                let (name, logs) = (table.name, table.logs);
                self.tables.push(Listed { name, logs, open, columns_all, columns });
            }
        }
    }

    /// What it would read.
    pub(super) fn estimate(&mut self, estimate: &Estimate) {
        self.estimate = Some(Cost {
            files: estimate.files,
            files_all: estimate.files_all,
            bytes: size(estimate.bytes),
            rows: estimate.rows,
            plan: estimate.plan.clone(),
        });
    }

    /// Its answer.
    pub(super) fn result(&mut self, table: &Table, asked: &Asked) {
        let is_number =
            |kind: &str| matches!(kind, "integer" | "real") || kind.starts_with("decimal");
        let columns: Vec<Column> = table
            .columns
            .iter()
            .map(|(name, kind)| Column {
                name: name.clone(),
                kind: kind.clone(),
                number: is_number(kind),
            })
            .collect();
        let cell = |(at, value): (usize, &Value)| {
            let whole = text_of(value);
            let text: String = whole.chars().take(CELL_MAX).collect();
            Cell {
                cut: text.len() < whole.len(),
                text,
                null: value.is_null(),
                number: columns.get(at).is_some_and(|column| column.number),
            }
        };
        let rows = table.rows.iter().map(|row| row.iter().enumerate().map(cell).collect());
        self.result = Some(Result {
            rows: rows.collect(),
            n: table.rows.len() as u64,
            cut: table.cut,
            bytes: size(table.bytes_read),
            seconds: format!("{}.{:03}", table.elapsed_ms / 1_000, table.elapsed_ms % 1_000),
            chart: chart(table, asked.x.as_deref(), asked.y.as_deref()),
            columns,
        });
    }
}

fn topics(asked: &Asked, content: &Content, viewer: &Viewer) -> Vec<Topic> {
    let mut topics: Vec<Topic> = Vec::new();
    for (id, query) in &content.queries {
        let name = id.split_once('.').map_or(id.as_str(), |(topic, _)| topic);
        let named = Named {
            id: id.clone(),
            title: query.title.value.get(viewer.lang).trim().to_owned(),
            chosen: asked.saved.as_ref() == Some(id),
        };
        match topics.last_mut().filter(|topic| topic.name == name) {
            Some(topic) => topic.queries.push(named),
            None => topics.push(Topic { name: name.to_owned(), queries: vec![named] }),
        }
    }
    topics
}

fn saved(asked: &Asked, content: &Content, viewer: &Viewer) -> Option<Saved> {
    let id = asked.saved.as_ref()?;
    let query = content.queries.get(id)?;
    let lang = viewer.lang;
    let parameters = query.parameters.0.iter().map(|(name, parameter)| {
        let default = parameter.default.as_ref().map(|default| default.value.clone());
        let default = default.unwrap_or_default();
        let given = asked.values.get(&name.value).cloned();
        Field {
            name: name.value.clone(),
            title: parameter.title.value.get(lang).trim().to_owned(),
            kind: match parameter.kind {
                ParameterKind::Text => "text",
                ParameterKind::Integer => "integer",
                ParameterKind::Real => "real",
                ParameterKind::Time => "time",
            },
            value: given.unwrap_or_else(|| default.clone()),
            default,
        }
    });
    let columns = query
        .columns
        .0
        .iter()
        .map(|(name, prose)| (name.value.clone(), prose.value.get(lang).trim().to_owned()));
    Some(Saved {
        id: id.clone(),
        title: query.title.value.get(lang).trim().to_owned(),
        question: query.question.value.get(lang).trim().to_owned(),
        reading: query.reading.value.get(lang).trim().to_owned(),
        parameters: parameters.collect(),
        columns: columns.collect(),
    })
}

/// The words for a refusal of a file that would read too much.
pub(super) fn too_much(viewer: &Viewer, bytes: u64) -> String {
    words(viewer.lang).fill("console_logs.export.too_much", &[("size", &size(bytes))])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_said_in_the_largest_unit_that_fits() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (1_250_000, "1.2 MB"),
            (1_000_000_000, "1.0 GB"),
            (u64::MAX, "18446.7 PB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn a_fault_points_at_its_place_and_never_beyond_the_line() {
        let at = |at| AskFault { message: String::new(), hint: None, at, askers: true };
        let place = |at_, sql| FaultView::of(Lang::En, &at(at_), sql).place;
        assert_eq!(place(Some((2, 3)), "SELECT\n 1 +").as_deref(), Some(" 1 +\n  ^"));
        assert_eq!(place(Some((1, 900)), "ab").as_deref(), Some("ab\n  ^"));
        assert_eq!(place(Some((9, 1)), "ab"), None);
        assert_eq!(place(Some((0, 0)), "ab"), None);
    }
}
