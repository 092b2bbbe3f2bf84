//! A scan for a terminal: the checklist first, then scores, the worst findings with their fix,
//! what could not be read, and what to do next. `plain` says the same to a screen reader.
//! Files for machines are written elsewhere.

mod changes;
mod paint;
mod plain;
mod sheet;
mod table;

use crate::scan_report::ScanReport;

pub(crate) use paint::Paint;
pub(crate) use sheet::Sheet;

/// How a terminal shows a report.
#[derive(Clone, Copy, Debug)]
pub struct TerminalOptions {
    /// Columns of the terminal; commands to copy are never broken.
    pub width: usize,
    /// Whether to color. Nothing is said by color alone.
    pub color: bool,
    /// How many findings to show; how many are left is said.
    pub limit: usize,
}

impl Default for TerminalOptions {
    fn default() -> Self {
        Self { width: 100, color: false, limit: 10 }
    }
}

/// Resources named below one finding; how many more there are is said.
const RESOURCES_MAX: usize = 5;

/// Reasons named below one item of the checklist; how many more there are is said.
const REASONS_MAX: usize = 2;

/// The report as columns, for eyes.
pub fn table(report: &ScanReport<'_>, options: &TerminalOptions) -> String {
    table::write(report, options)
}

/// The report as sentences, one fact a line, for a screen reader. Only `limit` is looked at.
pub fn plain(report: &ScanReport<'_>, options: &TerminalOptions) -> String {
    plain::write(report, options.limit)
}
