//! The record as an expression over a file's columns in the SQL of other engines.
//! Definitions of tables and views, of which it is a part, are `ddl/`.

use super::blank::{Blank, BlankStep, Style};
use super::{FORM, RAW};
use crate::ddl::DdlEngine;

/// What gives the records back that a table's files hold. `quote` quotes an identifier.
pub(crate) fn raw_in(
    engine: DdlEngine,
    blanks: &[Blank],
    quote: &dyn Fn(&str) -> String,
) -> String {
    let mut expression = quote(FORM);
    for blank in blanks {
        let words = words(engine, blank, quote);
        expression = format!(
            "replace({expression},\n    chr(1) || '{blank}' || chr(1), coalesce({words}, ''))"
        );
    }
    format!("coalesce({}, {expression})", quote(RAW))
}

fn words(engine: DdlEngine, blank: &Blank, quote: &dyn Fn(&str) -> String) -> String {
    let mut value = String::new();
    for (at, step) in blank.steps.iter().enumerate() {
        match (step, engine) {
            (BlankStep::Member(name), _) => {
                value.push_str(if at == 0 { "" } else { "." });
                value.push_str(&quote(name));
            }
            (BlankStep::Item(number), DdlEngine::DuckDb) => {
                value = format!("{value}[{number}]");
            }
            (BlankStep::Item(number), DdlEngine::Spark) => {
                value = format!("get({value}, {})", number.saturating_sub(1));
            }
            (BlankStep::Item(number), DdlEngine::Athena | DdlEngine::Trino) => {
                value = format!("element_at({value}, {number})");
            }
        }
    }
    match blank.style {
        Style::Text => value,
        Style::Whole => as_text(engine, &value),
        Style::Iso => iso(engine, &value),
        Style::Seconds => as_text(engine, &since_1970(engine, &value, "1000000", "1")),
        Style::Millis => as_text(engine, &since_1970(engine, &value, "1000", "1000")),
    }
}

fn as_text(engine: DdlEngine, value: &str) -> String {
    let text = if engine == DdlEngine::Spark { "STRING" } else { "varchar" };
    format!("CAST({value} AS {text})")
}

/// Whole units since 1970: microseconds divided by `micros`, or seconds times `times`.
fn since_1970(engine: DdlEngine, value: &str, micros: &str, times: &str) -> String {
    match engine {
        DdlEngine::DuckDb => format!("epoch_us({value}) // {micros}"),
        DdlEngine::Spark => format!("unix_micros({value}) DIV {micros}"),
        DdlEngine::Athena | DdlEngine::Trino => {
            format!("CAST(round(to_unixtime({value}) * {times}) AS bigint)")
        }
    }
}

/// `2026-11-21T05:12:01Z`, whatever the session's time zone is.
fn iso(engine: DdlEngine, value: &str) -> String {
    match engine {
        DdlEngine::DuckDb => {
            format!("strftime(make_timestamp(epoch_us({value})), '%Y-%m-%dT%H:%M:%SZ')")
        }
        DdlEngine::Athena | DdlEngine::Trino => {
            format!("date_format({value}, '%Y-%m-%dT%H:%i:%sZ')")
        }
        DdlEngine::Spark => {
            let seconds = format!("unix_seconds({value})");
            let part = |part: &str| format!("lpad(CAST({seconds} {part} AS STRING), 2, '0')");
            format!(
                "concat(CAST(date_from_unix_date(CAST({seconds} DIV 86400 AS INT)) AS STRING), \
                 'T', {}, ':', {}, ':', {}, 'Z')",
                part("DIV 3600 % 24"),
                part("DIV 60 % 60"),
                part("% 60"),
            )
        }
    }
}
