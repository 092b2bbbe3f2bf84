//! Rows for a spreadsheet, safe to open in one.
//! Programs are better served by JSON lines: headings here are in the reader's language.

use std::io::Write;

use yagura_model::Verdict;

use crate::clean::{clean, clean_lines};
use crate::error::ReportError;
use crate::phrases;
use crate::scan_report::{ScanReport, Standing, verdict_id};
use crate::words::words;

/// Columns, in order; `report.csv.<name>` is the heading.
const COLUMNS: [&str; 15] = [
    "report.csv.status",
    "report.csv.severity",
    "report.csv.control",
    "report.csv.title",
    "report.csv.account",
    "report.csv.account_name",
    "report.csv.region",
    "report.csv.type",
    "report.csv.name",
    "report.csv.resource",
    "report.csv.evidence",
    "report.csv.unread",
    "report.csv.exception",
    "report.csv.fix",
    "report.csv.finding_id",
];

/// Characters of evidence in a cell.
const EVIDENCE_CHARS_MAX: usize = 1000;

pub(super) fn head(report: &ScanReport<'_>, out: &mut dyn Write) -> Result<(), ReportError> {
    // Spreadsheets take a file without the mark for one in the legacy encoding of their country.
    out.write_all("\u{feff}".as_bytes())?;
    let words = words(report.lang);
    record(out, COLUMNS.map(|column| words.get(column).to_owned()))
}

pub(super) fn verdict(
    report: &ScanReport<'_>,
    verdict: &Verdict,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    let words = words(report.lang);
    let standing = Standing::of(verdict);
    let entry = report.catalog.controls.get(&verdict.control);
    let why = match standing {
        Standing::Unknown => phrases::why_verdict_unknown(words, verdict),
        _ => String::new(),
    };
    let exception = verdict.exception.as_ref().map_or_else(String::new, |exception| {
        let parts = [exception.owner.as_str(), &exception.reason, &phrases::day(exception.expires)];
        parts.join("; ")
    });
    record(
        out,
        [
            phrases::standing(words, standing).to_owned(),
            phrases::severity(words, verdict.severity).to_owned(),
            verdict.control.clone(),
            report.catalog.title(&verdict.control, report.lang).to_owned(),
            verdict.account.clone(),
            report.scan.account_name(&verdict.account).into_owned(),
            verdict.region.clone(),
            verdict.type_name.clone(),
            verdict.name.clone(),
            verdict.key.clone(),
            phrases::evidence(verdict, EVIDENCE_CHARS_MAX),
            why,
            exception,
            entry.map_or_else(String::new, |entry| entry.fix.cli.trim().to_owned()),
            verdict_id(verdict),
        ],
    )
}

fn record(out: &mut dyn Write, cells: [String; 15]) -> Result<(), ReportError> {
    let mut row = csv::Writer::from_writer(Vec::new());
    row.write_record(cells.map(|cell| harmless(&cell)))?;
    let bytes = row.into_inner().map_err(csv::IntoInnerError::into_error)?;
    out.write_all(&bytes)?;
    Ok(())
}

/// A cell that a spreadsheet takes for text: an apostrophe stands before what it would take for
/// a formula. Source: OWASP, "CSV Injection", seen 2026-11; the full-width signs are our own
/// addition, because some spreadsheets read them as their ASCII counterparts.
pub(crate) fn harmless(cell: &str) -> String {
    let cell = if cell.contains('\n') { clean_lines(cell) } else { clean(cell).into_owned() };
    let first = cell.trim_start().chars().next();
    let formula = matches!(
        first,
        Some('=' | '+' | '-' | '@' | '|' | '%' | '\u{ff1d}' | '\u{ff0b}' | '\u{ff0d}' | '\u{ff20}')
    );
    if formula { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for cell in ["=1+1", "+1", "-1", "@SUM(A1)", "  =1", "\u{ff1d}1", "\t=1", "|cmd"] {
            assert!(harmless(cell).starts_with('\'') || harmless(cell).starts_with('\u{fffd}'));
        }
        assert_eq!(harmless("arn:aws:s3:::a-b"), "arn:aws:s3:::a-b");
        assert_eq!(harmless("a\u{202e}b"), "a\u{fffd}b");
    }
}
