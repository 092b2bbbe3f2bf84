//! Findings told to a person (table, sentences, one in full) and to other tools (JSON lines and
//! the formats of other products).
//! What a finding is, is the model's; which findings are asked for, the caller's.

mod asff;
mod csv_rows;
mod export;
mod facts;
mod groups;
mod json_lines;
mod ocsf;
mod plain;
mod sarif;
mod show;
mod table;

use yagura_model::Lang;
use yagura_model::finding::{Finding, HistoryEntry};

use crate::alerts::AlertEntry;
use crate::catalog::ControlEntry;

pub use asff::security_hub_finding;
pub use export::{Export, ExportContext, ExportFormat};
pub use groups::{GroupRow, finding_groups, group_line};
pub use json_lines::{finding_line, history_line};
pub use plain::findings_plain;
pub use show::finding_story;
pub use table::findings_table;

/// Findings of one page, and how many there are.
#[derive(Clone, Copy, Debug)]
pub struct FindingList<'a> {
    /// The findings, in the order in which they are shown.
    pub findings: &'a [Finding],
    /// How many match in all.
    pub total: u64,
    /// Whether the total is exact; otherwise it is the most that it can be.
    pub exact: bool,
    /// How many match by severity, from informational to critical; none where nobody counted.
    pub by_severity: Option<[u64; 5]>,
    /// The reader's language.
    pub lang: Lang,
}

/// What content says about what was found.
#[derive(Clone, Copy, Debug)]
pub enum Advice<'a> {
    /// Of a control.
    Control(&'a ControlEntry),
    /// Of whatever raises alerts.
    Alert(&'a AlertEntry),
}

/// One line of a history in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryWords {
    /// When, to the minute (UTC).
    pub at: String,
    /// The first digits of the finding's id.
    pub finding: String,
    /// Who or what did it.
    pub who: String,
    /// What.
    pub what: String,
}

/// A line of a finding's history for a person.
pub fn history_words(entry: &HistoryEntry, lang: Lang) -> HistoryWords {
    let words = crate::words::words(lang);
    HistoryWords {
        at: facts::minute(entry.at_us),
        finding: facts::short_id(&entry.finding).to_owned(),
        who: facts::actor(words, &entry.actor),
        what: facts::change(words, &entry.change),
    }
}
