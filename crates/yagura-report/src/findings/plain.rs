//! Findings as sentences, one fact a line, for a screen reader and for logs.
//! Columns for eyes are in `table.rs`.

use super::{FindingList, facts, table};
use crate::phrases;
use crate::words::words;

/// A list of findings as sentences.
pub fn findings_plain(list: &FindingList<'_>) -> String {
    let words = words(list.lang);
    let mut text = table::head(list, words);
    text.push('\n');
    for finding in list.findings {
        let seen = &finding.observation;
        let severity = phrases::severity(words, finding.severity);
        let title = facts::title(words, seen, list.lang);
        let place = facts::place(seen);
        let account = facts::account_and_region(words, seen);
        let state = facts::state(words, finding.state);
        let line = words.fill(
            "findings.sentence",
            &[
                ("rank", &seen.rank.points),
                ("severity", &severity),
                ("title", &title),
                ("place", &place),
                ("account", &account),
                ("state", &state),
                ("seen", &facts::day(finding.last_seen_us)),
                ("id", &facts::short_id(&finding.id)),
            ],
        );
        text.push_str(&line);
        text.push('\n');
    }
    let left = list.total.saturating_sub(list.findings.len() as u64);
    if left > 0 {
        text.push_str(&words.count("findings.rows_more", left));
        text.push('\n');
    }
    text
}
