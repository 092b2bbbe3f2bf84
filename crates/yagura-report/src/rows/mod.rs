//! Formats that are one record after another: JSON lines, OCSF, ASFF, CSV. Verdicts may stream
//! through and never need to be in memory together.
//! Whole documents (HTML, SARIF, JUnit) are written elsewhere.

pub(crate) mod asff;
pub(crate) mod csv_rows;
mod json;
pub(crate) mod ocsf;

use std::io::Write;

use serde_json::Value;
use yagura_model::{Verdict, escape_unsafe};

use crate::error::ReportError;
use crate::format::Format;
use crate::scan_report::ScanReport;

/// Writes verdicts as they come.
pub struct Rows<'r, 'a> {
    report: &'r ScanReport<'a>,
    out: &'r mut dyn Write,
    shape: Shape,
}

enum Shape {
    Json,
    Ocsf,
    Asff(asff::Requests),
    Csv,
}

impl<'r, 'a> Rows<'r, 'a> {
    /// Writes what stands before the first verdict. The report's own `verdicts` are not looked
    /// at; its tally says which controls will be used.
    ///
    /// # Errors
    /// When `out` cannot be written, or the format is not made of rows.
    pub fn begin(
        report: &'r ScanReport<'a>,
        format: Format,
        out: &'r mut dyn Write,
    ) -> Result<Self, ReportError> {
        let shape = match format {
            Format::Json => {
                json::head(report, out)?;
                Shape::Json
            }
            Format::Csv => {
                csv_rows::head(report, out)?;
                Shape::Csv
            }
            Format::Ocsf => Shape::Ocsf,
            Format::Asff => Shape::Asff(asff::Requests::default()),
            other => return Err(ReportError::NotRows(other.as_str())),
        };
        Ok(Self { report, out, shape })
    }

    /// Writes one verdict.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn verdict(&mut self, verdict: &Verdict) -> Result<(), ReportError> {
        match &mut self.shape {
            Shape::Json => json_line(self.out, &json::verdict(verdict)),
            Shape::Csv => csv_rows::verdict(self.report, verdict, self.out),
            Shape::Ocsf => json_line(self.out, &ocsf::finding(self.report, verdict)),
            Shape::Asff(requests) => match requests.add(self.report, verdict) {
                Some(full) => json_line(self.out, &full),
                None => Ok(()),
            },
        }
    }

    /// Writes what stands after the last verdict.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn end(self) -> Result<(), ReportError> {
        let json = matches!(self.shape, Shape::Json);
        if let Shape::Asff(requests) = self.shape {
            for request in requests.rest() {
                json_line(self.out, &request)?;
            }
        }
        if json {
            json::tail(self.report, self.out)?;
        }
        Ok(())
    }
}

/// One JSON document on one line, free of characters that could disturb a terminal.
pub(crate) fn json_line(out: &mut dyn Write, value: &Value) -> Result<(), ReportError> {
    let text = serde_json::to_string(value)?;
    out.write_all(escape_unsafe(&text).as_bytes())?;
    out.write_all(b"\n")?;
    Ok(())
}
