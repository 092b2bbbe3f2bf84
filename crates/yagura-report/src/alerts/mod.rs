//! Alerts told to a person (table, timeline, one page, one story) and to other tools (JSON lines,
//! CSV, OCSF): findings, not lines of a log.
//! What an alert is, is the model's; nothing is judged or kept here.

mod csv_rows;
pub mod facts;
mod json_lines;
pub(crate) mod ocsf;
mod page;
mod story;
mod table;
mod timeline;

use std::collections::BTreeMap;
use std::io::Write;

use jiff::Timestamp;
use yagura_model::alert::Alert;
use yagura_model::{Lang, Prose};

use crate::error::ReportError;
use crate::terminal::TerminalOptions;

pub use json_lines::alert_line;
pub use story::story;

/// A format of alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AlertFormat {
    /// Findings in columns, for eyes on a terminal.
    Table,
    /// One line an alert in the order of time, with the steps of stories.
    Timeline,
    /// One JSON object an alert.
    Jsonl,
    /// Rows for a spreadsheet.
    Csv,
    /// OCSF Detection Findings, one a line.
    Ocsf,
    /// One self-contained page in both languages.
    Html,
}

impl AlertFormat {
    /// All formats, in the order they are listed to a reader.
    pub const ALL: [Self; 6] =
        [Self::Table, Self::Timeline, Self::Jsonl, Self::Csv, Self::Ocsf, Self::Html];

    /// The word on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Timeline => "timeline",
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Ocsf => "ocsf",
            Self::Html => "html",
        }
    }
}

impl std::str::FromStr for AlertFormat {
    type Err = ReportError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or_else(|| ReportError::unknown_format(text, Self::ALL.iter().map(|f| f.as_str())))
    }
}

/// What a reader is told about the content that raised an alert.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertEntry {
    /// The UUID of a Sigma rule; empty where it has none.
    pub uuid: String,
    /// What it means and why it matters.
    pub description: Prose,
    /// When it is harmless, in English.
    pub falsepositives_en: Vec<String>,
    /// When it is harmless, in Japanese.
    pub falsepositives_ja: Vec<String>,
    /// What to do in order, in English.
    pub respond_en: Vec<String>,
    /// What to do in order, in Japanese.
    pub respond_ja: Vec<String>,
    /// Where to read more (https).
    pub references: Vec<String>,
}

impl AlertEntry {
    /// When it is harmless, for a reader.
    pub fn falsepositives(&self, lang: Lang) -> &[String] {
        match lang {
            Lang::En => &self.falsepositives_en,
            Lang::Ja => &self.falsepositives_ja,
        }
    }

    /// The references that are links, and nothing that a page could run.
    pub fn links(&self) -> Vec<String> {
        let https = |link: &&String| link.starts_with("https://");
        self.references.iter().filter(https).cloned().collect()
    }

    /// What to do in order, for a reader.
    pub fn respond(&self, lang: Lang) -> &[String] {
        match lang {
            Lang::En => &self.respond_en,
            Lang::Ja => &self.respond_ja,
        }
    }
}

/// What was looked at, and what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertMeta {
    /// The version of Yagura.
    pub version: String,
    /// When this was made.
    pub made: Timestamp,
    /// Records that were looked at; none where alerts come from the store.
    pub records: Option<u64>,
    /// What could not be read: what it might have shown is unknown.
    pub blind: Vec<Prose>,
    /// How many alerts were left out for being less severe than asked.
    pub below: u64,
    /// Whether there are more than were asked for.
    pub more: bool,
}

/// Alerts and what is told with them.
#[derive(Clone, Copy, Debug)]
pub struct AlertReport<'a> {
    /// The alerts, in any order.
    pub alerts: &'a [Alert],
    /// What is known of content, by its id.
    pub entries: &'a BTreeMap<String, AlertEntry>,
    /// What was looked at.
    pub meta: &'a AlertMeta,
    /// The reader's language.
    pub lang: Lang,
}

/// Writes alerts in a format. `options` matters to [`AlertFormat::Table`] and
/// [`AlertFormat::Timeline`] only.
///
/// # Errors
/// When `out` cannot be written, or a page cannot be made.
pub fn write_alerts(
    report: &AlertReport<'_>,
    format: AlertFormat,
    options: &TerminalOptions,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    match format {
        AlertFormat::Table => out.write_all(table::write(report, options).as_bytes())?,
        AlertFormat::Timeline => out.write_all(timeline::write(report, options).as_bytes())?,
        AlertFormat::Jsonl => {
            for alert in facts::by_time(report.alerts) {
                json_lines::write(alert, report, out)?;
            }
        }
        AlertFormat::Csv => csv_rows::write(report, out)?,
        AlertFormat::Ocsf => {
            for alert in facts::by_time(report.alerts) {
                crate::rows::json_line(out, &ocsf::finding(alert, report))?;
            }
        }
        AlertFormat::Html => page::write(report, out)?,
    }
    out.flush()?;
    Ok(())
}
