//! The words of messages: what happened, when, how bad.
//! In which order they stand is decided in `compose.rs`.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use yagura_model::{Lang, Severity};

use super::{NoticeChange, Told};
use crate::phrases;
use crate::words::{Words, grouped};

/// Which color stands for a severity; with enough contrast on white and on black.
pub(super) fn color(severity: Option<Severity>) -> &'static str {
    match severity {
        Some(Severity::Critical) => "#b3123c",
        Some(Severity::High) => "#d9480f",
        Some(Severity::Medium) => "#b7791f",
        Some(Severity::Low) => "#2b6cb0",
        Some(Severity::Informational) | None => "#5a6472",
    }
}

/// A point in time where the receiver lives: `2026-11-21 19:54 (Asia/Tokyo)`.
pub(super) fn time(at_us: i64, zone: &TimeZone) -> String {
    let Ok(time) = Timestamp::from_microsecond(at_us) else { return String::new() };
    let shown = time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
    match zone.iana_name() {
        Some(name) => format!("{shown} ({name})"),
        None => format!("{shown} (UTC)"),
    }
}

/// What happened to a finding: `New`, `Resolved`.
pub(super) fn happened<'w>(words: &'w Words, change: &str) -> &'w str {
    match change {
        "opened" => words.get("messages.change.opened"),
        "reopened" => words.get("messages.change.reopened"),
        "raised" => words.get("messages.change.raised"),
        "lowered" => words.get("messages.change.lowered"),
        "severity_set" => words.get("messages.change.severity_set"),
        "acknowledged" => words.get("messages.change.acknowledged"),
        "in_progress" => words.get("messages.change.in_progress"),
        "unsuppressed" => words.get("messages.change.unsuppressed"),
        "resolved" => words.get("messages.change.resolved"),
        "suppressed" => words.get("messages.change.suppressed"),
        "assigned" => words.get("messages.change.assigned"),
        "due_set" => words.get("messages.change.due_set"),
        "commented" => words.get("messages.change.commented"),
        "ticket_linked" => words.get("messages.change.ticket_linked"),
        "ticket_unlinked" => words.get("messages.change.ticket_unlinked"),
        "labeled" => words.get("messages.change.labeled"),
        "unlabeled" => words.get("messages.change.unlabeled"),
        _ => words.get("messages.change.state_changed"),
    }
}

/// What happened, in a sentence, without any foreign text.
pub(super) fn sentence(words: &Words, change: &NoticeChange) -> String {
    let happened = happened(words, &change.word);
    match change.severities {
        Some((from, to)) => {
            let (from, to) = (phrases::severity(words, from), phrases::severity(words, to));
            words.fill("messages.from_to", &[("what", &happened), ("from", &from), ("to", &to)])
        }
        None => happened.to_owned(),
    }
}

/// `prod (111122223333)`, or the number alone.
pub(super) fn account(told: &Told) -> String {
    match (told.account_name.as_str(), told.account.as_str()) {
        ("", number) => number.to_owned(),
        (name, number) => format!("{name} ({number})"),
    }
}

/// `10 critical, 3 high`: what there is none of is left out.
pub(super) fn severities(words: &Words, counts: &[u64; 5]) -> String {
    let comma = if words.lang() == Lang::Ja { "、" } else { ", " };
    let parts: Vec<String> = Severity::ALL
        .iter()
        .zip(counts)
        .rev()
        .filter(|(_, count)| **count > 0)
        .map(|(severity, count)| {
            let severity = phrases::severity(words, *severity);
            words.fill("messages.of_severity", &[("severity", &severity), ("n", &grouped(*count))])
        })
        .collect();
    parts.join(comma)
}

/// So many seconds, in minutes where they are whole minutes.
pub(super) fn span(words: &Words, seconds: u64) -> String {
    match seconds {
        seconds if seconds % 3_600 == 0 => words.count("messages.span.hours", seconds / 3_600),
        seconds if seconds % 60 == 0 => words.count("messages.span.minutes", seconds / 60),
        seconds => words.count("messages.span.seconds", seconds),
    }
}
