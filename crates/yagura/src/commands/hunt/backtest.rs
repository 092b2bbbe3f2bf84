//! What a rule would have raised, day by day, before it is switched on.
//! The alerts themselves are told as any others.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use yagura_judge::detections::Judged;
use yagura_model::Lang;
use yagura_model::alert::Alert;

/// Matches by day.
#[derive(Default)]
pub(super) struct Backtest {
    matches: Mutex<BTreeMap<String, u64>>,
}

impl Backtest {
    /// Counts what a batch matched.
    pub(super) fn hear(&self, judged: &Judged) {
        if judged.signals().is_empty() {
            return;
        }
        let mut matches = self.matches.lock().unwrap_or_else(PoisonError::into_inner);
        for signal in judged.signals() {
            *matches.entry(day(signal.time_us)).or_default() += 1;
        }
    }

    /// The days with matches and alerts, and their sums.
    pub(super) fn table(&self, alerts: &[Alert], lang: Lang) -> String {
        let mut days: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        for (day, count) in self.matches.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            days.entry(day.clone()).or_default().0 += count;
        }
        for alert in alerts {
            days.entry(day(alert.first_us)).or_default().1 += 1;
        }
        let (heads, sum, nothing) = match lang {
            Lang::En => (["day", "matches", "alerts"], "all", "It would have raised nothing."),
            Lang::Ja => (["日", "一致", "アラート"], "合計", "何も検出されませんでした。"),
        };
        if days.is_empty() {
            return nothing.to_owned();
        }
        let mut text = String::new();
        // Writing into a String cannot fail.
        let mut line = |day: &str, matches: &str, alerts: &str| {
            let _ = writeln!(text, "{}  {}  {}", pad(day, 10), left(matches, 10), left(alerts, 10));
        };
        let [day, matches, raised] = heads;
        line(day, matches, raised);
        let mut all = (0, 0);
        for (day, (matches, raised)) in &days {
            all = (all.0 + matches, all.1 + raised);
            let grouped = yagura_report::grouped;
            line(day, &grouped(*matches), &grouped(*raised));
        }
        line(sum, &yagura_report::grouped(all.0), &yagura_report::grouped(all.1));
        text
    }
}

fn pad(text: &str, columns: usize) -> String {
    let width = unicode_width::UnicodeWidthStr::width(text);
    format!("{text}{}", " ".repeat(columns.saturating_sub(width)))
}

fn left(text: &str, columns: usize) -> String {
    let width = unicode_width::UnicodeWidthStr::width(text);
    format!("{}{text}", " ".repeat(columns.saturating_sub(width)))
}

fn day(us: i64) -> String {
    let time = Timestamp::from_microsecond(us).unwrap_or(Timestamp::UNIX_EPOCH);
    time.strftime("%Y-%m-%d").to_string()
}
