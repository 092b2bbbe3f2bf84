//! An answer as a file: CSV for spreadsheets, JSON lines for programs.
//! What can be asked and by whom is as on the page.

use axum::Extension;
use axum::extract::State;
use axum::response::IntoResponse;
use axum_extra::extract::Query;
use http::{HeaderMap, header};
use serde_json::Value;
use yagura_report::words;

use super::asked::Asked;
use super::view::{text_of, too_much};
use crate::fault::{Answer, Fault};
use crate::ports::{AskFault, Table};
use crate::state::Console;
use crate::viewer::Viewer;

/// Rows of a file at most.
const ROWS_MAX: u64 = 50_000;

pub(super) async fn file(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    headers: HeaderMap,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Answer {
    let content = console.content();
    let asked = super::agreed(Asked::of(&pairs, &content), &headers);
    let desk = console.parts().desk.as_deref().ok_or_else(|| {
        Fault::BadRequest(words(viewer.lang).get("console_logs.no_desk.title").to_owned())
    })?;
    let question =
        asked.question(&content, &viewer, console.now(), ROWS_MAX).map_err(|fault| told(&fault))?;
    let estimate = desk.estimate(&question, &viewer.scope).await.map_err(|fault| told(&fault))?;
    if super::is_too_much(&estimate, &asked) {
        return Err(Fault::BadRequest(too_much(&viewer, estimate.bytes)));
    }
    let table = super::answered(&viewer, desk, &question).await.map_err(|fault| told(&fault))?;
    let wants_csv = pairs.iter().any(|(name, value)| name == "format" && value == "csv");
    let (kind, name, body) = match wants_csv {
        true => ("text/csv; charset=utf-8", "answer.csv", csv(&table)),
        false => ("application/jsonl; charset=utf-8", "answer.jsonl", json_lines(&table)),
    };
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (header::HeaderName::from_static("x-yagura-cut"), table.cut.to_string()),
    ];
    Ok((headers, body).into_response())
}

fn told(fault: &AskFault) -> Fault {
    let hint = fault.hint.as_deref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    let text = format!("{}{hint}", fault.message);
    if fault.askers { Fault::BadRequest(text) } else { Fault::Unavailable(text) }
}

/// What makes a spreadsheet run a text as a formula (OWASP, *CSV Injection*); in Japanese also the
/// letters of full width do.
const FORMULAS: &str = "=+-@|%\t\r\n\u{ff1d}\u{ff0b}\u{ff0d}\u{ff20}";

/// A field of CSV. A text that a spreadsheet would run as a formula is told as the text that it is.
fn field(value: &Value) -> String {
    let text = text_of(value);
    let text = match value {
        Value::String(_) if text.starts_with(|letter| FORMULAS.contains(letter)) => {
            format!("'{text}")
        }
        _ => text,
    };
    if text.contains([',', '"', '\n', '\r']) || value == &Value::String(String::new()) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

fn csv(table: &Table) -> String {
    let mut text = String::new();
    let mut line = |fields: Vec<String>| {
        text.push_str(&fields.join(","));
        text.push_str("\r\n");
    };
    line(table.columns.iter().map(|(name, _)| field(&Value::String(name.clone()))).collect());
    for row in &table.rows {
        line(row.iter().map(field).collect());
    }
    text
}

fn json_lines(table: &Table) -> String {
    let mut text = String::new();
    for row in &table.rows {
        let members = table
            .columns
            .iter()
            .zip(row)
            .map(|((name, _), value)| format!("{}:{value}", Value::String(name.clone())));
        text.push('{');
        text.push_str(&members.collect::<Vec<_>>().join(","));
        text.push_str("}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_spreadsheet_runs_nothing_that_stood_in_a_log() {
        for (value, expected) in [
            (json!("=HYPERLINK(\"x\")"), "\"'=HYPERLINK(\"\"x\"\")\""),
            (json!("-1+1"), "'-1+1"),
            (json!("＝1+1"), "'＝1+1"),
            (json!("\n=1"), "\"'\n=1\""),
            (json!(-1), "-1"),
            (json!("a,b"), "\"a,b\""),
            (json!(null), ""),
            (json!(""), "\"\""),
            (json!({"a": 1}), "\"{\"\"a\"\":1}\""),
        ] {
            assert_eq!(field(&value), expected);
        }
    }

    #[test]
    fn lines_of_json_keep_the_order_of_columns() {
        let columns =
            vec![("b".to_owned(), "text".to_owned()), ("a".to_owned(), "text".to_owned())];
        let rows = vec![vec![json!("x\n"), json!(1)]];
        let table = Table { columns, rows, ..Table::default() };
        assert_eq!(json_lines(&table), "{\"b\":\"x\\n\",\"a\":1}\n");
        assert_eq!(csv(&table), "b,a\r\n\"x\n\",1\r\n");
    }
}
