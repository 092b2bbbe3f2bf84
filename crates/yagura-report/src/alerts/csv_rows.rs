//! Alerts as rows for a spreadsheet, safe to open in one.
//! Programs are better served by JSON lines: headings here are in the reader's language.

use std::io::Write;

use yagura_model::alert::{Alert, Several};

use super::{AlertReport, facts};
use crate::error::ReportError;
use crate::phrases;
use crate::rows::csv_rows::harmless;
use crate::words::words;

/// Columns, in order.
const COLUMNS: [&str; 18] = [
    "alerts.csv.severity",
    "alerts.csv.title",
    "alerts.csv.rule",
    "alerts.csv.kind",
    "alerts.csv.first",
    "alerts.csv.last",
    "alerts.csv.events",
    "alerts.csv.entity",
    "alerts.csv.accounts",
    "alerts.csv.regions",
    "alerts.csv.actors",
    "alerts.csv.addresses",
    "alerts.csv.actions",
    "alerts.csv.resources",
    "alerts.csv.techniques",
    "alerts.csv.matched",
    "alerts.csv.marks",
    "alerts.csv.id",
];

pub(super) fn write(report: &AlertReport<'_>, out: &mut dyn Write) -> Result<(), ReportError> {
    // Spreadsheets take a file without the mark for one in the legacy encoding of their country.
    out.write_all("\u{feff}".as_bytes())?;
    let words = words(report.lang);
    let mut rows = csv::Writer::from_writer(out);
    rows.write_record(COLUMNS.map(|column| harmless(words.get(column))))?;
    for alert in facts::by_time(report.alerts) {
        let cells: [String; 18] = [
            phrases::severity(words, alert.severity).to_owned(),
            alert.title.get(report.lang).to_owned(),
            alert.content.to_string(),
            facts::kind(words, alert.kind).to_owned(),
            facts::second(alert.first_us),
            facts::second(alert.last_us),
            alert.count().0.to_string(),
            alert.entity.id.to_string(),
            joined(&alert.accounts),
            joined(&alert.regions),
            joined(&alert.actors),
            joined(&alert.addresses),
            actions(alert),
            joined(&alert.resources),
            facts::techniques(alert).join("; "),
            matched(alert),
            facts::marks(words, alert).join("; "),
            alert.id.clone(),
        ];
        rows.write_record(cells.map(|cell| harmless(&cell)))?;
    }
    rows.flush()?;
    Ok(())
}

fn joined(set: &Several) -> String {
    let mut names: Vec<String> = set.names().map(str::to_owned).collect();
    if set.more() > 0 {
        names.push(format!("+{}", set.more()));
    }
    names.join("; ")
}

fn actions(alert: &Alert) -> String {
    let mut actions: Vec<&str> =
        alert.witnesses.iter().filter_map(|witness| witness.action.as_deref()).collect();
    actions.sort_unstable();
    actions.dedup();
    actions.join("; ")
}

fn matched(alert: &Alert) -> String {
    let of = |one: &yagura_model::alert::Matched| match &one.value {
        Some(value) => format!("{} = {value}", one.field),
        None => one.field.to_string(),
    };
    alert.matched.iter().map(of).collect::<Vec<_>>().join("; ")
}
