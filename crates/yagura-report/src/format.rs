//! The formats a scan can be written in, and the one door to all of them.
//! Each format's shape is in its own file.

use std::io::Write;

use yagura_model::Verdict;

use crate::error::ReportError;
use crate::rows::Rows;
use crate::scan_report::{ScanReport, worst_first};
use crate::terminal::TerminalOptions;
use crate::{html, junit, sarif, terminal};

/// A format of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Columns, for eyes on a terminal.
    Table,
    /// Sentences, one fact a line, for a screen reader.
    Plain,
    /// JSON lines: the scan, each control once, then one verdict a line.
    Json,
    /// OCSF Compliance Findings, one a line.
    Ocsf,
    /// Requests for Security Hub's `BatchImportFindings`, one a line.
    Asff,
    /// Rows for a spreadsheet.
    Csv,
    /// One self-contained page in both languages.
    Html,
    /// SARIF 2.1.0, for code hosts.
    Sarif,
    /// JUnit XML, for build servers.
    Junit,
}

impl Format {
    /// All formats, in the order they are listed to a reader.
    pub const ALL: [Self; 9] = [
        Self::Table,
        Self::Plain,
        Self::Json,
        Self::Ocsf,
        Self::Asff,
        Self::Csv,
        Self::Html,
        Self::Sarif,
        Self::Junit,
    ];

    /// The word on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Plain => "plain",
            Self::Json => "json",
            Self::Ocsf => "ocsf",
            Self::Asff => "asff",
            Self::Csv => "csv",
            Self::Html => "html",
            Self::Sarif => "sarif",
            Self::Junit => "junit",
        }
    }

    /// Whether the format is one record after another, so that verdicts can be handed to
    /// [`Rows`] one by one and never need to be in memory together.
    pub fn is_rows(self) -> bool {
        matches!(self, Self::Json | Self::Ocsf | Self::Asff | Self::Csv)
    }
}

impl std::str::FromStr for Format {
    type Err = ReportError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or_else(|| ReportError::unknown_format(text, Self::ALL.iter().map(|f| f.as_str())))
    }
}

/// Writes a scan in a format. `options` matters to [`Format::Table`] and [`Format::Plain`] only.
///
/// # Errors
/// When `out` cannot be written, or a page cannot be made.
pub fn write(
    report: &ScanReport<'_>,
    format: Format,
    options: &TerminalOptions,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    match format {
        Format::Table => out.write_all(terminal::table(report, options).as_bytes())?,
        Format::Plain => out.write_all(terminal::plain(report, options).as_bytes())?,
        Format::Html => html::write(report, out)?,
        Format::Sarif => sarif::write(report, out)?,
        Format::Junit => junit::write(report, out)?,
        Format::Json | Format::Ocsf | Format::Asff | Format::Csv => {
            let mut sorted: Vec<&Verdict> = report.verdicts.iter().collect();
            sorted.sort_by(|a, b| worst_first(a, b));
            let mut rows = Rows::begin(report, format, &mut *out)?;
            for verdict in sorted {
                rows.verdict(verdict)?;
            }
            rows.end()?;
        }
    }
    out.flush()?;
    Ok(())
}
