//! One voice for results: scans and alerts told to a person (terminal, HTML) and to other tools
//! (JSON lines, CSV, OCSF, ASFF, SARIF, JUnit), and the words of both languages.
//! Nothing is judged, stored or sent from here; only this crate and the console emit HTML.

pub mod access;
mod alerts;
mod catalog;
mod clean;
mod compare;
mod error;
mod errors;
mod findings;
mod format;
mod html;
mod junit;
mod layout;
pub mod messages;
mod phrases;
mod rows;
mod sarif;
mod scan_report;
mod standards;
mod summary;
mod terminal;
mod words;

pub use alerts::facts as alert_facts;
pub use alerts::{
    AlertEntry, AlertFormat, AlertMeta, AlertReport, alert_line, story, write_alerts,
};
pub use catalog::{Catalog, ControlEntry, FixEntry, FrameworkEntry, GroupEntry, RequirementEntry};
pub use clean::{clean, clean_lines};
pub use compare::Comparison;
pub use error::ReportError;
pub use errors::error_in;
pub use findings::{
    Advice, Export, ExportContext, ExportFormat, FindingList, GroupRow, HistoryWords,
    finding_groups, finding_line, finding_story, findings_plain, findings_table, group_line,
    history_line, history_words, security_hub_finding,
};
pub use format::{Format, write};
pub use phrases::{unread, unread_remedy, why_unknown, why_verdict_unknown};
pub use rows::Rows;
pub use scan_report::{AccountMeta, AccountTally, ScanMeta, ScanReport, Tally};
pub use terminal::{TerminalOptions, plain, table};
pub use words::{Words, grouped, words};
