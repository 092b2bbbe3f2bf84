//! Which alerts are asked for: the filters of `/alerts`, all of them in the address, and the steps
//! of its time line.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use yagura_model::Severity;
use yagura_store::alerts::AlertFilter;

use crate::viewer::Viewer;

/// Spans: the word, and how far back in hours; `all` has no beginning.
pub(super) const SPANS: [(&str, i64); 4] = [("24h", 24), ("7d", 168), ("30d", 720), ("90d", 2_160)];
/// The span where none is named.
const USUAL: &str = "30d";
/// Steps of the time line at most.
pub(super) const STEPS_MAX: usize = 92;

const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR_US;

/// The filters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) severity: Option<Severity>,
    pub(super) detection: String,
    pub(super) account: String,
    pub(super) entity: String,
    pub(super) source: String,
    /// One of [`SPANS`], or `all`.
    pub(super) span: String,
    /// Whether those are shown too that are told to nobody.
    pub(super) untold: bool,
    pub(super) after: Option<(i64, i64)>,
    since: Option<Timestamp>,
}

impl Asked {
    /// Reads a query; what makes no sense there is left out.
    pub(super) fn of(pairs: &[(String, String)], _viewer: &Viewer, now: Timestamp) -> Self {
        let one = |name: &str| {
            let found = pairs.iter().rev().find(|(known, _)| known == name);
            found.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
        };
        let known = |span: &String| span == "all" || SPANS.iter().any(|(word, _)| word == span);
        let span = Some(one("span")).filter(known).unwrap_or_else(|| USUAL.to_owned());
        let hours = SPANS.iter().find(|(word, _)| *word == span).map(|(_, hours)| *hours);
        let since = hours.and_then(|hours| now.checked_sub(SignedDuration::from_hours(hours)).ok());
        let after = one("after");
        let after = after
            .split_once('.')
            .and_then(|(last, number)| Some((last.parse().ok()?, number.parse().ok()?)));
        Self {
            severity: one("severity").parse().ok(),
            detection: one("detection"),
            account: one("account"),
            entity: one("entity"),
            source: one("source"),
            span,
            untold: one("untold") == "1",
            after,
            since,
        }
    }

    /// As the store takes it, within some accounts.
    pub(super) fn filter(&self, accounts: Option<Vec<String>>, now: Timestamp) -> AlertFilter {
        let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        AlertFilter {
            since: self.since,
            until: None,
            severity: self.severity,
            content: some(&self.detection),
            entity: some(&self.entity),
            account: some(&self.account),
            accounts,
            source: some(&self.source),
            told_at: (!self.untold).then_some(now),
            after: self.after,
        }
    }

    /// Whether anything but the span narrows the list.
    pub(super) fn is_narrowed(&self) -> bool {
        let texts = [&self.detection, &self.account, &self.entity, &self.source];
        self.severity.is_some() || texts.iter().any(|text| !text.is_empty())
    }

    /// The steps of the time line: hours of a day or two, days of more, weeks of all.
    pub(super) fn steps(&self, viewer: &Viewer, now: Timestamp) -> Steps {
        let offset = i64::from(viewer.zone.to_offset(now).seconds()) * 1_000_000;
        let (step_us, offset_us) = match self.span.as_str() {
            "24h" => (HOUR_US, 0),
            "all" => (7 * DAY_US, offset),
            _ => (DAY_US, offset),
        };
        let since_us = self.since.map(Timestamp::as_microsecond);
        Steps { step_us, offset_us, since_us, now_us: now.as_microsecond() }
    }
}

/// The steps of a time line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Steps {
    pub(super) step_us: i64,
    pub(super) offset_us: i64,
    since_us: Option<i64>,
    now_us: i64,
}

impl Steps {
    /// How the beginning of a step is written.
    pub(super) fn format(&self) -> &'static str {
        match self.step_us {
            ..DAY_US => "%H:%M",
            DAY_US => "%m-%d",
            _ => "%Y-%m-%d",
        }
    }

    /// All steps from the beginning to now, those without alerts too.
    pub(super) fn filled(&self, found: &[(i64, [u64; 5])]) -> Vec<(i64, [u64; 5])> {
        let first = found.first().map(|(start, _)| *start);
        let Some(from) = self.since_us.or(first) else { return Vec::new() };
        let begin = |us: i64| {
            (us.saturating_add(self.offset_us)).div_euclid(self.step_us) * self.step_us
                - self.offset_us
        };
        let known: BTreeMap<i64, [u64; 5]> = found.iter().copied().collect();
        let newest = found.last().map(|(start, _)| *start);
        let last = match (self.since_us, newest) {
            // Of all times those are drawn in which something happened.
            (None, Some(newest)) => newest,
            // Clocks of logs run ahead at times.
            (_, newest) => newest.unwrap_or(self.now_us).max(self.now_us),
        };
        let mut steps = Vec::new();
        let mut at = begin(from.max(last.saturating_sub(self.step_us * STEPS_MAX as i64)));
        while at <= last && steps.len() <= STEPS_MAX {
            steps.push((at, known.get(&at).copied().unwrap_or_default()));
            at = at.saturating_add(self.step_us);
        }
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_without_alerts_stand_in_the_line_too() {
        let steps = Steps {
            step_us: HOUR_US,
            offset_us: 0,
            since_us: Some(HOUR_US + 5),
            now_us: 4 * HOUR_US + 1,
        };
        let found = [(2 * HOUR_US, [0, 0, 1, 0, 0])];
        let filled = steps.filled(&found);
        let starts: Vec<i64> = filled.iter().map(|(start, _)| start / HOUR_US).collect();
        assert_eq!(starts, [1, 2, 3, 4]);
        assert_eq!(filled[1].1, [0, 0, 1, 0, 0]);
        let none = Steps { since_us: None, ..steps };
        assert!(none.filled(&[]).is_empty());
        assert_eq!(none.filled(&found), found, "of all times those in which something happened");
        let long = Steps { since_us: Some(0), now_us: 10_000 * HOUR_US, ..steps };
        assert!(long.filled(&[]).len() <= STEPS_MAX + 1);
    }
}
