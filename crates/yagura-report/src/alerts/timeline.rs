//! Alerts in the order of time: a line each, the steps of stories below them, days apart.
//! Findings by content are `table.rs`.

use yagura_model::Severity;

use super::table::{findings, step_line, summary};
use super::{AlertReport, facts};
use crate::clean::clean;
use crate::layout::{cut, pad, width};
use crate::phrases;
use crate::terminal::{Paint, TerminalOptions};
use crate::words::words;

/// Columns below which a line is not cut any further.
const COLUMNS_MIN: usize = 60;
/// Columns kept for who did it.
const WHO_MAX: usize = 32;

pub(super) fn write(report: &AlertReport<'_>, options: &TerminalOptions) -> String {
    let words = words(report.lang);
    let paint = Paint(options.color);
    let columns = options.width.max(COLUMNS_MIN);
    let severities = Severity::ALL.iter().map(|one| width(phrases::severity(words, *one)));
    let severity_columns = severities.max().unwrap_or(0);
    let alerts = facts::by_time(report.alerts);
    let who_columns = alerts.iter().map(|alert| width(&facts::who(alert)));
    let who_columns = who_columns.max().unwrap_or(0).min(WHO_MAX);
    let mut text = format!("{}\n", paint.bold(&summary(report, findings(report))));
    let mut day = String::new();
    for alert in alerts {
        let time = facts::second(alert.first_us);
        let (today, clock) = time.split_once(' ').unwrap_or((&time, ""));
        if day != today {
            today.clone_into(&mut day);
            text.push_str(&format!("\n{}\n", paint.bold(today)));
        }
        let word = pad(phrases::severity(words, alert.severity), severity_columns);
        let who = pad(&cut(&facts::who(alert), who_columns), who_columns);
        let title = clean(alert.title.get(report.lang));
        let mut what = title.into_owned();
        if alert.count().0 > 1 {
            what.push_str(&format!(" ({})", words.count("alerts.count.records", alert.count().0)));
        }
        for mark in facts::marks(words, alert) {
            what.push_str(&format!(" ({mark})"));
        }
        let used = clock.len() + severity_columns + who_columns + 6;
        let what = cut(&what, columns.saturating_sub(used).max(24));
        let word = paint.severity(alert.severity, &word);
        text.push_str(format!("{clock}  {word}  {who}  {what}").trim_end());
        text.push('\n');
        for step in &alert.story {
            let line = cut(&step_line(step, report.lang), columns.saturating_sub(10));
            text.push_str(format!("          {line}").trim_end());
            text.push('\n');
        }
    }
    if !report.meta.blind.is_empty() {
        text.push_str(&format!("\n{}\n", paint.bold(words.get("alerts.blind"))));
        for line in &report.meta.blind {
            text.push_str(&format!("  {}\n", clean(line.get(report.lang))));
        }
    }
    text
}
