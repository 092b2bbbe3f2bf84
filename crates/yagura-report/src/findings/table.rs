//! Findings in columns, for eyes on a terminal: the most urgent first, each with its id to act on.
//! Sentences for a screen reader are in `plain.rs`.

use std::fmt::Display;

use yagura_model::Severity;
use yagura_model::finding::Finding;

use super::{FindingList, facts};
use crate::clean::clean;
use crate::layout::{cut, pad, pad_left, width};
use crate::phrases;
use crate::terminal::{Paint, TerminalOptions};
use crate::words::{Words, grouped, words};

/// Columns below which a table is not squeezed any further.
const COLUMNS_MIN: usize = 60;
/// Columns between cells.
const GAP: usize = 2;
/// What a title and a place keep at least.
const WIDE_MIN: usize = 12;
/// Columns from which there is room for the day on which it was last seen.
const COLUMNS_WITH_DAY: usize = 120;

/// Rank, severity, state, id, what, where, account, assignee, last seen.
type Row = [String; 9];

/// The cells that are cut where there is no room.
const WHAT: usize = 4;
const WHERE: usize = 5;

/// A list of findings as a table.
pub fn findings_table(list: &FindingList<'_>, options: &TerminalOptions) -> String {
    let words = words(list.lang);
    let paint = Paint(options.color);
    let mut text = head(list, words);
    text.push('\n');
    if list.findings.is_empty() {
        return text;
    }
    let columns = options.width.max(COLUMNS_MIN);
    let rows: Vec<Row> = list.findings.iter().map(|one| row(words, one, list, columns)).collect();
    let heads = heads(words);
    let widths = widths(&rows, &heads, columns);
    text.push('\n');
    text.push_str(paint.dim(&cells(&heads, &widths)).trim_end());
    text.push('\n');
    for (row, finding) in rows.iter().zip(list.findings) {
        text.push_str(&painted(row, finding, &widths, paint));
        text.push('\n');
    }
    let left = list.total.saturating_sub(list.findings.len() as u64);
    if left > 0 {
        text.push('\n');
        text.push_str(&words.count("findings.rows_more", left));
        text.push('\n');
    }
    text
}

/// What heads a list: how many findings, and how bad they are.
pub(super) fn head(list: &FindingList<'_>, words: &Words) -> String {
    if list.findings.is_empty() {
        return words.get("findings.none").to_owned();
    }
    let count = words.count("findings.count.findings", list.total);
    let count = match list.exact {
        true => count,
        false => words.fill("findings.count.at_most", &[("count", &count)]),
    };
    let Some(tally) = list.by_severity.map(|counts| tally(words, counts)) else { return count };
    if tally.is_empty() {
        return count;
    }
    words.fill("findings.summary", &[("count", &count), ("tally", &tally)])
}

/// How many of each severity, the worst first.
pub(super) fn tally(words: &Words, counts: [u64; 5]) -> String {
    let named = Severity::ALL.into_iter().zip(counts).rev().filter(|(_, count)| *count > 0);
    let parts: Vec<String> = named
        .map(|(severity, count)| {
            format!("{} {}", phrases::severity(words, severity), grouped(count))
        })
        .collect();
    parts.join(words.get("report.and_list"))
}

fn heads(words: &Words) -> Row {
    [
        words.get("findings.head.rank"),
        words.get("findings.head.severity"),
        words.get("findings.head.state"),
        words.get("findings.head.id"),
        words.get("findings.head.what"),
        words.get("findings.head.where"),
        words.get("findings.head.account"),
        words.get("findings.head.assignee"),
        words.get("findings.head.seen"),
    ]
    .map(str::to_owned)
}

fn row(words: &Words, finding: &Finding, list: &FindingList<'_>, columns: usize) -> Row {
    let seen = &finding.observation;
    let day = (columns >= COLUMNS_WITH_DAY).then(|| facts::day(finding.last_seen_us));
    [
        seen.rank.points.to_string(),
        phrases::severity(words, finding.severity).to_owned(),
        facts::state(words, finding.state).to_owned(),
        facts::short_id(&finding.id).to_owned(),
        facts::title(words, seen, list.lang),
        facts::place(seen),
        clean(&seen.account).into_owned(),
        finding.assignee.as_deref().map(|name| clean(name).into_owned()).unwrap_or_default(),
        day.unwrap_or_default(),
    ]
}

/// The widths of the columns. A column without a value takes none; what and where give way first.
fn widths(rows: &[Row], heads: &Row, columns: usize) -> [usize; 9] {
    let mut widths = [0; 9];
    for row in rows {
        for (most, cell) in widths.iter_mut().zip(row) {
            *most = (*most).max(width(cell));
        }
    }
    for (most, head) in widths.iter_mut().zip(heads) {
        *most = if *most == 0 { 0 } else { (*most).max(width(head)) };
    }
    let used = widths.iter().filter(|width| **width > 0).count();
    let gaps = GAP * used.saturating_sub(1);
    loop {
        let all = widths.iter().sum::<usize>() + gaps;
        let [.., what, wher, _, _, _] = &mut widths;
        let widest = if *what >= *wher { what } else { wher };
        if all <= columns || *widest <= WIDE_MIN {
            return widths;
        }
        *widest -= 1;
    }
}

fn cells(row: &Row, widths: &[usize; 9]) -> String {
    let shown = row.iter().zip(widths).enumerate().filter(|(_, (_, columns))| **columns > 0);
    let cells: Vec<String> = shown.map(|(at, (text, columns))| cell(at, text, *columns)).collect();
    cells.join(&" ".repeat(GAP))
}

fn cell(at: usize, text: &str, columns: usize) -> String {
    let text = if at == WHAT || at == WHERE { cut(text, columns) } else { text.to_owned() };
    // The rank stands to the right, as numbers do.
    if at == 0 { pad_left(&text, columns) } else { pad(&text, columns) }
}

fn painted(row: &Row, finding: &Finding, widths: &[usize; 9], paint: Paint) -> String {
    let mut cells = Vec::new();
    for (at, (text, columns)) in row.iter().zip(widths).enumerate() {
        if *columns == 0 {
            continue;
        }
        let text = cell(at, text, *columns);
        cells.push(match at {
            1 => paint.severity(finding.severity, &text),
            3 => paint.command(&text),
            _ => text,
        });
    }
    let line = cells.join(&" ".repeat(GAP));
    line.trim_end().to_owned()
}

/// A number for a sentence.
pub(super) fn signed(points: i16) -> impl Display {
    if points > 0 { format!("+{points}") } else { points.to_string() }
}
