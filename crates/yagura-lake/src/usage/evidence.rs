//! What the lake has of an account in a span of time: kinds of records, regions, hours without
//! any. It tells what the silence about a call means.
//! How it is judged is `yagura-analyze`'s.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;
use yagura_model::usage::{Evidence, EvidenceKind};

use super::TABLE;
use crate::Lake;
use crate::query::{Engine, Parameter, QueryError, QueryOptions};
use crate::rows::buffer::{HOUR_US, day_start_us};

/// Gaps that are listed, the longest first.
const GAPS_MAX: usize = 100;
/// Shorter silences of a whole account happen by themselves.
const GAP_HOURS_MIN: i64 = 3;

const SQL: &str = "SELECT account, event_source, \
                   coalesce(event_category = 'Data', management_event = false, false), read_only, \
                   count(*), CAST(min(time) AS BIGINT), CAST(max(time) AS BIGINT) \
                   FROM cloudtrail WHERE $account = '' OR account = $account GROUP BY 1, 2, 3, 4";

/// What the lake has of an account, or of all of them, by account.
///
/// # Errors
/// Where the lake cannot be read.
pub async fn evidence(
    lake: &Lake,
    engine: &Engine,
    account: Option<&str>,
    since: Timestamp,
    until: Timestamp,
) -> Result<BTreeMap<String, Evidence>, QueryError> {
    let of = Parameter::Text(account.unwrap_or_default().to_owned());
    let options = QueryOptions {
        since: Some(since),
        until: Some(until),
        parameters: vec![("account".to_owned(), of)],
        ..QueryOptions::default()
    };
    let asked_us = (since.as_microsecond(), until.as_microsecond());
    let mut found: BTreeMap<String, Evidence> = BTreeMap::new();
    let mut answer = engine.run(SQL, &options).await?;
    while let Some(rows) = answer.next_rows().await? {
        for row in &rows {
            let cell = |at: usize| row.get(at).unwrap_or(&Value::Null);
            let text = |at: usize| cell(at).as_str().unwrap_or_default().to_owned();
            let number = |at: usize| cell(at).as_i64().unwrap_or_default();
            let evidence = found.entry(text(0)).or_default();
            let (first, last) = evidence.seen_us.unwrap_or((i64::MAX, i64::MIN));
            evidence.seen_us = Some((first.min(number(5)), last.max(number(6))));
            evidence.kinds.push(EvidenceKind {
                event_source: text(1),
                data: cell(2).as_bool().unwrap_or_default(),
                read_only: cell(3).as_bool(),
                count: u64::try_from(number(4)).unwrap_or_default(),
            });
        }
    }
    if let Some(account) = account {
        found.entry(account.to_owned()).or_default();
    }
    let snapshot = lake.snapshot().await.map_err(|error| QueryError::Engine(error.to_string()))?;
    for (account, evidence) in &mut found {
        evidence.account.clone_from(account);
        evidence.asked_us = asked_us;
        let mut hours: BTreeMap<i64, u32> = BTreeMap::new();
        let files = snapshot.files_of(TABLE).filter(|file| *file.account == **account);
        for file in files.filter(|file| file.overlaps(asked_us.0, asked_us.1)) {
            for lane in &file.regions {
                *hours.entry(day_start_us(file.day) / HOUR_US).or_default() |= lane.hours;
                if !lane.region.is_empty() {
                    evidence.regions.insert(lane.region.to_string());
                }
            }
        }
        gaps(&hours, evidence);
    }
    Ok(found)
}

/// The hours of the asked span, between the first and the last record in it, that have none.
fn gaps(days: &BTreeMap<i64, u32>, evidence: &mut Evidence) {
    let within = |hour: i64| {
        let start = hour.saturating_mul(HOUR_US);
        start.saturating_add(HOUR_US) > evidence.asked_us.0 && start < evidence.asked_us.1
    };
    let hours = days.iter().flat_map(|(day, bits)| {
        (0..24).filter(move |hour| bits & (1 << hour) != 0).map(move |hour| day + hour)
    });
    let mut last: Option<i64> = None;
    let mut gaps = Vec::new();
    for hour in hours.filter(|hour| within(*hour)) {
        if let Some(before) = last.filter(|before| hour - before > GAP_HOURS_MIN) {
            gaps.push(((before + 1) * HOUR_US, hour * HOUR_US));
        }
        last = Some(hour);
    }
    let length = |(from, until): &(i64, i64)| until - from;
    let hours: i64 = gaps.iter().map(|gap| length(gap) / HOUR_US).sum();
    evidence.gap_hours = u64::try_from(hours).unwrap_or_default();
    gaps.sort_by_key(|gap| std::cmp::Reverse(length(gap)));
    gaps.truncate(GAPS_MAX);
    evidence.gaps_us = gaps;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_without_a_record_are_gaps_and_a_short_silence_is_none() {
        let mut evidence = Evidence { asked_us: (0, 48 * HOUR_US), ..Evidence::default() };
        // Hours 0, 2, 3 and 20 of the first day, 1 of the second, and one after the span.
        let days = BTreeMap::from([(0, 1 | 1 << 2 | 1 << 3 | 1 << 20), (24, 1 << 1), (72, 1)]);
        gaps(&days, &mut evidence);
        let hours: Vec<(i64, i64)> =
            evidence.gaps_us.iter().map(|(from, to)| (from / HOUR_US, to / HOUR_US)).collect();
        assert_eq!(hours, [(4, 20), (21, 25)]);
        assert_eq!(evidence.gap_hours, 20);
    }
}
