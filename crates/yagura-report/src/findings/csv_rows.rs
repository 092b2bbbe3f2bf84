//! Findings as rows for a spreadsheet, safe to open in one.
//! Programs are better served by JSON lines: headings here are in the reader's language.

use std::io::Write;

use yagura_model::Lang;
use yagura_model::finding::Finding;

use super::facts;
use crate::error::ReportError;
use crate::phrases;
use crate::rows::csv_rows::harmless;
use crate::words::words;

/// Columns, in order.
const COLUMNS: [&str; 22] = [
    "imports.csv.state",
    "imports.csv.severity",
    "imports.csv.rank",
    "imports.csv.title",
    "imports.csv.kind",
    "imports.csv.content",
    "imports.csv.account",
    "imports.csv.region",
    "imports.csv.type",
    "imports.csv.name",
    "imports.csv.key",
    "imports.csv.first_seen",
    "imports.csv.last_seen",
    "imports.csv.occurrences",
    "imports.csv.assignee",
    "imports.csv.due",
    "imports.csv.suppressed_until",
    "imports.csv.suppressed_by",
    "imports.csv.suppressed_reason",
    "imports.csv.tickets",
    "imports.csv.labels",
    "imports.csv.finding_id",
];

pub(super) fn head(lang: Lang, out: &mut dyn Write) -> Result<(), ReportError> {
    // Spreadsheets take a file without the mark for one in the legacy encoding of their country.
    out.write_all("\u{feff}".as_bytes())?;
    let words = words(lang);
    record(COLUMNS.map(|column| words.get(column).to_owned()), out)
}

pub(super) fn row(finding: &Finding, lang: Lang, out: &mut dyn Write) -> Result<(), ReportError> {
    let words = words(lang);
    let seen = &finding.observation;
    let suppressed = finding.suppression.as_ref();
    let tickets = finding.tickets.iter().map(|ticket| format!("{}:{}", ticket.system, ticket.key));
    let labels: Vec<&str> = finding.labels.iter().map(String::as_str).collect();
    let cells: [String; 22] = [
        facts::state(words, finding.state).to_owned(),
        phrases::severity(words, finding.severity).to_owned(),
        seen.rank.points.to_string(),
        seen.title.get(lang).to_owned(),
        facts::kind(words, seen.kind).to_owned(),
        seen.content.clone(),
        seen.account.clone(),
        seen.region.clone(),
        seen.resource_type.clone().unwrap_or_default(),
        seen.resource_name.clone().unwrap_or_default(),
        seen.key.clone(),
        facts::instant(finding.first_seen_us),
        facts::instant(finding.last_seen_us),
        finding.occurrences.to_string(),
        finding.assignee.clone().unwrap_or_default(),
        finding.due_us.map(facts::instant).unwrap_or_default(),
        suppressed.map(|by| facts::instant(by.until_us)).unwrap_or_default(),
        suppressed.map(|by| by.owner.clone()).unwrap_or_default(),
        suppressed.map(|by| by.reason.clone()).unwrap_or_default(),
        tickets.collect::<Vec<_>>().join("; "),
        labels.join("; "),
        finding.id.clone(),
    ];
    record(cells, out)
}

fn record(cells: [String; 22], out: &mut dyn Write) -> Result<(), ReportError> {
    let mut row = csv::Writer::from_writer(Vec::new());
    row.write_record(cells.map(|cell| harmless(&cell)))?;
    let bytes = row.into_inner().map_err(csv::IntoInnerError::into_error)?;
    out.write_all(&bytes)?;
    Ok(())
}
