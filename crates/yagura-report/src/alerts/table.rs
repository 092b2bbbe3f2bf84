//! Alerts in columns, for eyes: one finding for each content with a row for each alert, the worst
//! first. Lines of a log are not repeated here.
//! The order of time is `timeline.rs`, one alert in full is `story.rs`.

use yagura_model::alert::Alert;

use super::{AlertReport, facts};
use crate::clean::clean;
use crate::layout::{cut, pad, pad_left, width, wrap};
use crate::phrases;
use crate::terminal::{Paint, TerminalOptions};
use crate::words::{Words, grouped, words};

/// Columns below which a table is not squeezed any further.
const COLUMNS_MIN: usize = 60;
/// Columns between cells.
const GAP: usize = 2;
/// A column that can be cut keeps so much.
const CELL_MIN: usize = 10;
/// Steps of a story that are shown below its row; how many more there are is said.
const STEPS_MAX: usize = 12;

/// A row: time, events, who, where, from, what.
type Row = [String; 6];

struct Table<'a> {
    report: &'a AlertReport<'a>,
    words: &'static Words,
    paint: Paint,
    columns: usize,
    text: String,
}

pub(super) fn write(report: &AlertReport<'_>, options: &TerminalOptions) -> String {
    let mut table = Table {
        report,
        words: words(report.lang),
        paint: Paint(options.color),
        columns: options.width.max(COLUMNS_MIN),
        text: String::new(),
    };
    let groups = facts::by_content(report.alerts);
    table.head(groups.len());
    let limit = options.limit.max(1);
    let shown = groups.iter().flat_map(|group| group.iter().take(limit));
    let rows: Vec<Row> = shown.map(|alert| row(alert)).collect();
    let widths = widths(&rows, &heads(table.words), table.columns.saturating_sub(GAP));
    for group in &groups {
        table.group(group, limit, &widths);
    }
    table.blind();
    table.text
}

/// What heads the document: how many findings, of how much.
pub(super) fn summary(report: &AlertReport<'_>, findings: usize) -> String {
    let words = words(report.lang);
    let alerts = words.count("alerts.count.alerts", report.alerts.len() as u64);
    let mut text = match report.meta.records {
        Some(records) => {
            let records = words.count("alerts.count.records", records);
            let findings = words.count("alerts.count.findings", findings as u64);
            let values: [(&str, &dyn std::fmt::Display); 3] =
                [("findings", &findings), ("alerts", &alerts), ("records", &records)];
            words.fill("alerts.summary.of_records", &values)
        }
        None => alerts,
    };
    if !report.alerts.is_empty() {
        let tally = facts::tally(words, report.alerts);
        text = words.fill("alerts.summary.tally", &[("summary", &text), ("tally", &tally)]);
    }
    text
}

fn heads(words: &Words) -> Row {
    [
        words.get("alerts.head.first").to_owned(),
        words.get("alerts.head.events").to_owned(),
        words.get("alerts.head.who").to_owned(),
        words.get("alerts.head.where").to_owned(),
        words.get("alerts.head.from").to_owned(),
        words.get("alerts.head.what").to_owned(),
    ]
}

fn row(alert: &Alert) -> Row {
    [
        facts::second(alert.first_us),
        facts::count(alert),
        facts::who(alert),
        facts::place(alert),
        facts::first_of(&alert.addresses, |address| clean(address).into_owned()),
        facts::what(alert),
    ]
}

/// The widths of the columns: those behind the numbers share what is left.
fn widths(rows: &[Row], heads: &Row, columns: usize) -> [usize; 6] {
    let mut widths = [0; 6];
    for row in rows.iter().chain([heads]) {
        for (most, cell) in widths.iter_mut().zip(row) {
            *most = (*most).max(width(cell));
        }
    }
    let gaps = GAP * (widths.len() - 1);
    loop {
        let all = widths.iter().sum::<usize>() + gaps;
        // Time and count tell nothing when they are cut.
        let widest = widths.iter_mut().skip(2).max_by_key(|width| **width);
        match widest {
            Some(widest) if all > columns && *widest > CELL_MIN => *widest -= 1,
            _ => return widths,
        }
    }
}

impl Table<'_> {
    fn line(&mut self, text: &str) {
        self.text.push_str(text.trim_end());
        self.text.push('\n');
    }

    fn paragraph(&mut self, indent: usize, text: &str) {
        for line in wrap(text, self.columns.saturating_sub(indent)) {
            self.line(&format!("{}{line}", " ".repeat(indent)));
        }
    }

    fn head(&mut self, findings: usize) {
        let text = summary(self.report, findings);
        let text = self.paint.bold(&text);
        self.line(&text);
        let below = self.report.meta.below;
        if below > 0 {
            let text = self.words.count("alerts.below", below);
            self.paragraph(0, &text);
        }
        if self.report.meta.more {
            self.paragraph(0, self.words.get("alerts.more_in_store"));
        }
    }

    fn group(&mut self, group: &[&Alert], limit: usize, widths: &[usize; 6]) {
        let Some(first) = group.first() else { return };
        let severity = facts::worst(group);
        let word = phrases::severity(self.words, severity);
        let title = clean(first.title.get(self.report.lang));
        let head = format!("{}  {}", self.paint.severity(severity, word), self.paint.bold(&title));
        self.line("");
        self.line(&head);
        let mut about = vec![clean(&first.content).into_owned()];
        about.extend(facts::tactics(first).iter().map(|tactic| tactic.name.to_owned()));
        about.extend(facts::techniques(first));
        let about = about.join(" · ");
        for line in wrap(&about, self.columns.saturating_sub(GAP)) {
            let line = self.paint.dim(&line);
            self.line(&format!("  {line}"));
        }
        let heads = cells(&heads(self.words), widths);
        let heads = self.paint.dim(&heads);
        self.line(&format!("  {heads}"));
        for alert in group.iter().take(limit) {
            self.alert(alert, severity, widths);
        }
        let left = group.len().saturating_sub(limit);
        if left > 0 {
            let text = self.words.count("alerts.rows_more", left as u64);
            self.line(&format!("  {text}"));
        }
    }

    fn alert(&mut self, alert: &Alert, group: yagura_model::Severity, widths: &[usize; 6]) {
        self.line(&format!("  {}", cells(&row(alert), widths)));
        let mut below = Vec::new();
        if alert.severity != group {
            let word = phrases::severity(self.words, alert.severity);
            below.push(self.words.fill("alerts.here", &[("severity", &word)]));
        }
        below.extend(facts::severity_reasons(alert, self.report.lang));
        below.extend(facts::marks(self.words, alert));
        if let Some(contrast) = &alert.contrast {
            let seen = clean(contrast.seen.get(self.report.lang));
            let normal = clean(contrast.normal.get(self.report.lang));
            let values: [(&str, &dyn std::fmt::Display); 2] =
                [("seen", &seen), ("normal", &normal)];
            below.push(self.words.fill("alerts.contrast", &values));
        }
        for text in below {
            self.paragraph(4, &text);
        }
        for step in alert.story.iter().take(STEPS_MAX) {
            let line = step_line(step, self.report.lang);
            self.line(&format!("    {}", cut(&line, self.columns.saturating_sub(4))));
        }
        let left = alert.story.len().saturating_sub(STEPS_MAX);
        if left > 0 {
            let text = self.words.count("alerts.steps_more", left as u64);
            self.line(&format!("    {text}"));
        }
    }

    fn blind(&mut self) {
        let blind = &self.report.meta.blind;
        if blind.is_empty() {
            return;
        }
        self.line("");
        let title = self.paint.bold(self.words.get("alerts.blind"));
        self.line(&title);
        for text in blind {
            self.paragraph(2, &clean(text.get(self.report.lang)));
        }
    }
}

/// One step of a story: time, tactic, what happened.
pub(super) fn step_line(step: &yagura_model::alert::StoryStep, lang: yagura_model::Lang) -> String {
    let tactic = facts::tactic(&step.tactic).map_or("", |tactic| tactic.name);
    let title = clean(step.title.get(lang));
    let action = step.witness.action.as_deref().map(clean).unwrap_or_default();
    let mut line = format!("{}  {tactic}", facts::second(step.time_us));
    line.push_str(if tactic.is_empty() { "" } else { "  " });
    line.push_str(&title);
    if !action.is_empty() {
        line.push_str(&format!(" ({action})"));
    }
    line
}

fn cells(row: &Row, widths: &[usize; 6]) -> String {
    let mut line = String::new();
    for (at, (cell, columns)) in row.iter().zip(widths).enumerate() {
        let cell = cut(cell, *columns);
        // The count stands to the right.
        line.push_str(&if at == 1 { pad_left(&cell, *columns) } else { pad(&cell, *columns) });
        line.push_str(&" ".repeat(GAP));
    }
    line.truncate(line.trim_end().len());
    line
}

/// The number of findings, for whoever writes the summary elsewhere.
pub(super) fn findings(report: &AlertReport<'_>) -> usize {
    facts::by_content(report.alerts).len()
}

/// A number for a sentence.
pub(super) fn number(n: usize) -> String {
    grouped(n as u64)
}
