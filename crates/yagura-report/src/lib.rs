//! One voice for results: scans and alerts told to a person (terminal, HTML) and to other tools
//! (JSON lines, CSV, OCSF, ASFF, SARIF, JUnit), and the words of both languages.
//! Nothing is judged, stored or sent from here; only this crate and the console emit HTML.

mod alerts;
mod catalog;
mod clean;
mod compare;
mod error;
mod format;
mod html;
mod junit;
mod layout;
mod phrases;
mod rows;
mod sarif;
mod scan_report;
mod standards;
mod summary;
mod terminal;
mod words;

pub use alerts::{
    AlertEntry, AlertFormat, AlertMeta, AlertReport, alert_line, story, write_alerts,
};
pub use catalog::{Catalog, ControlEntry, FixEntry, FrameworkEntry, GroupEntry, RequirementEntry};
pub use clean::{clean, clean_lines};
pub use compare::Comparison;
pub use error::ReportError;
pub use format::{Format, write};
pub use rows::Rows;
pub use scan_report::{AccountMeta, AccountTally, ScanMeta, ScanReport, Tally};
pub use terminal::{TerminalOptions, plain, table};
pub use words::{Words, grouped, words};
