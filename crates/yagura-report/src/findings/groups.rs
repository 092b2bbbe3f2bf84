//! Findings of one cause as one line: what one change would mend together.
//! How causes come about is the fold's business; their forms are read here and nowhere else.

use std::io::Write;

use serde_json::json;
use yagura_model::finding::Finding;
use yagura_model::{Lang, Severity};

use super::facts;
use crate::clean::clean;
use crate::error::ReportError;
use crate::layout::{cut, pad, pad_left, width};
use crate::phrases;
use crate::terminal::{Paint, TerminalOptions};
use crate::words::{Words, grouped, words};

/// Columns below which a table is not squeezed any further.
const COLUMNS_MIN: usize = 60;
/// What a title keeps at least.
const TITLE_MIN: usize = 20;

/// Findings of one cause.
#[derive(Clone, Copy, Debug)]
pub struct GroupRow<'a> {
    /// The cause.
    pub cause: &'a str,
    /// How many findings match.
    pub count: u64,
    /// How many of them are open.
    pub open: u64,
    /// The worst severity among them.
    pub severity: Severity,
    /// The highest rank among them, in points.
    pub rank: u16,
    /// When one of them was first seen, in microseconds since 1970.
    pub first_seen_us: i64,
    /// When one of them was last seen, in microseconds since 1970.
    pub last_seen_us: i64,
    /// The one with the highest rank.
    pub example: &'a Finding,
}

/// Groups in columns, or as sentences where `plain`; `total` is how many there are in all.
pub fn finding_groups(
    groups: &[GroupRow<'_>],
    total: u64,
    lang: Lang,
    plain: bool,
    options: &TerminalOptions,
) -> String {
    let words = words(lang);
    let mut text = match groups.is_empty() {
        true => words.get("findings.none").to_owned(),
        false => words.count("findings.count.groups", total),
    };
    text.push('\n');
    if plain {
        for group in groups {
            let line = words.fill(
                "findings.group.sentence",
                &[
                    ("rank", &group.rank),
                    ("severity", &phrases::severity(words, group.severity)),
                    ("count", &words.count("findings.count.findings", group.count)),
                    ("title", &title(words, group, lang)),
                    ("cause", &cause(words, group)),
                ],
            );
            text.push_str(&line);
            text.push('\n');
        }
    } else if !groups.is_empty() {
        table(groups, words, lang, options, &mut text);
    }
    let left = total.saturating_sub(groups.len() as u64);
    if left > 0 {
        text.push_str(&words.count("findings.groups_more", left));
        text.push('\n');
    }
    text
}

fn table(
    groups: &[GroupRow<'_>],
    words: &Words,
    lang: Lang,
    options: &TerminalOptions,
    text: &mut String,
) {
    let paint = Paint(options.color);
    let heads = [
        words.get("findings.head.rank"),
        words.get("findings.head.severity"),
        words.get("findings.head.count"),
        words.get("findings.head.what"),
        words.get("findings.head.cause"),
    ]
    .map(str::to_owned);
    let row = |group: &GroupRow<'_>| {
        [
            group.rank.to_string(),
            phrases::severity(words, group.severity).to_owned(),
            grouped(group.count),
            title(words, group, lang),
            cause(words, group),
        ]
    };
    let rows: Vec<[String; 5]> = groups.iter().map(row).collect();
    let mut widths = heads.each_ref().map(|head| width(head));
    for row in &rows {
        for (most, cell) in widths.iter_mut().zip(row) {
            *most = (*most).max(width(cell));
        }
    }
    let columns = options.width.max(COLUMNS_MIN).saturating_sub(2 * 4);
    while widths.iter().sum::<usize>() > columns {
        let [_, _, _, what, why] = &mut widths;
        let widest = if *what >= *why { what } else { why };
        if *widest <= TITLE_MIN {
            break;
        }
        *widest -= 1;
    }
    let line = |row: &[String; 5]| {
        let [rank, severity, count, what, why] = row;
        let [a, b, c, d, e] = widths;
        let cells = [
            pad_left(rank, a),
            pad(severity, b),
            pad_left(count, c),
            pad(&cut(what, d), d),
            cut(why, e),
        ];
        cells.join("  ").trim_end().to_owned()
    };
    text.push('\n');
    text.push_str(&paint.dim(&line(&heads)));
    text.push('\n');
    for row in &rows {
        text.push_str(&line(row));
        text.push('\n');
    }
}

/// What the findings of a group have in common.
fn title(words: &Words, group: &GroupRow<'_>, lang: Lang) -> String {
    // Whoever did several things is the group's subject, not one of the things.
    match of_entity(group.cause) {
        Some((_, entity)) if group.count > 1 => {
            words.fill("findings.group.by", &[("who", &clean(entity))])
        }
        _ => facts::title(words, &group.example.observation, lang),
    }
}

/// `actor:…` and `address:…`: a cause that is somebody.
fn of_entity(cause: &str) -> Option<(&str, &str)> {
    cause.split_once(':').filter(|(kind, _)| matches!(*kind, "actor" | "address"))
}

/// Where the cause lies.
fn cause(words: &Words, group: &GroupRow<'_>) -> String {
    if let Some((_, who)) = of_entity(group.cause) {
        return clean(who).into_owned();
    }
    let content = &group.example.observation.content;
    let rest = group.cause.strip_prefix(content.as_str()).and_then(|rest| rest.strip_prefix('@'));
    let rest = rest.unwrap_or(group.cause);
    let filled = |key: &str, name: &str| words.fill(key, &[("name", &clean(name))]);
    match rest.split_once(':') {
        Some(("stackset", name)) => filled("findings.group.stack_set", name),
        Some(("stack", name)) => filled("findings.group.stack", name),
        Some(("module", name)) => filled("findings.group.module", name),
        _ if rest.len() == 12 && rest.bytes().all(|byte| byte.is_ascii_digit()) => {
            filled("findings.group.account", rest)
        }
        _ => clean(rest).into_owned(),
    }
}

/// One line of a group for programs, with its line feed.
///
/// # Errors
/// When `out` cannot be written.
pub fn group_line(
    group: &GroupRow<'_>,
    lang: Lang,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    let words = words(lang);
    let line = json!({
        "cause": group.cause,
        "title": title(words, group, lang),
        "count": group.count,
        "open": group.open,
        "severity": group.severity.as_str(),
        "rank": group.rank,
        "first_seen": facts::instant(group.first_seen_us),
        "last_seen": facts::instant(group.last_seen_us),
        "content": group.example.observation.content,
        "example": group.example.id,
    });
    crate::rows::json_line(out, &line)
}
