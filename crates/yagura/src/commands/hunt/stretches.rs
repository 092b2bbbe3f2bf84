//! In which order a hunt reads: stretches of whole days, the earliest first, so that correlations
//! and behaviours find records in their order however long the history is.
//! Within a stretch rows come as the lake's files hold them; that they may is the folder's
//! knowledge (`yagura-judge`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use yagura_lake::{LakeFile, Snapshot};

/// Days are joined until they have so many rows: as many as can wait at once for their turn.
/// Fewer would make short histories many questions.
const ROWS_MAX: u64 = 200_000;

/// Some days that are read together.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    /// Records from this time on.
    pub(super) since: Timestamp,
    /// Records before this time.
    pub(super) until: Timestamp,
    /// The sources that have rows in it.
    pub(super) sources: BTreeSet<Arc<str>>,
    /// How many files hold them.
    pub(super) files: u64,
    rows: u64,
}

/// What the lake has of some sources between two times.
pub(super) fn of(
    snapshot: &Snapshot,
    sources: &[Arc<str>],
    (since, until): (Option<Timestamp>, Option<Timestamp>),
) -> Vec<Stretch> {
    let since = since.unwrap_or(Timestamp::MIN);
    let until = until.unwrap_or(Timestamp::MAX);
    let (since_us, until_us) = (since.as_microsecond(), until.as_microsecond());
    let files = sources.iter().flat_map(|source| snapshot.files_of(source));
    let files = files.filter(|file| file.overlaps(since_us, until_us));
    let mut stretches = joined(files.map(AsRef::as_ref), ROWS_MAX);
    for stretch in &mut stretches {
        stretch.since = stretch.since.max(since);
        stretch.until = stretch.until.min(until);
    }
    stretches
}

fn joined<'f>(files: impl Iterator<Item = &'f LakeFile>, rows_max: u64) -> Vec<Stretch> {
    let mut days: BTreeMap<Date, Stretch> = BTreeMap::new();
    for file in files {
        let day = days.entry(file.day).or_insert_with(|| day(file.day));
        day.sources.insert(Arc::clone(&file.source));
        day.files += 1;
        day.rows += file.rows;
    }
    let mut stretches: Vec<Stretch> = Vec::new();
    for day in days.into_values() {
        match stretches.last_mut() {
            Some(last) if last.rows.saturating_add(day.rows) <= rows_max => {
                last.until = day.until;
                last.sources.extend(day.sources);
                last.files += day.files;
                last.rows += day.rows;
            }
            _ => stretches.push(day),
        }
    }
    stretches
}

fn day(day: Date) -> Stretch {
    // At the ends of the calendar there is no next day, and a time is as far as can be said.
    let start = |day: Date| day.to_zoned(TimeZone::UTC).map(|start| start.timestamp());
    Stretch {
        since: start(day).unwrap_or(Timestamp::MIN),
        until: day.tomorrow().and_then(start).unwrap_or(Timestamp::MAX),
        sources: BTreeSet::new(),
        files: 0,
        rows: 0,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    /// A file of a source on a day of November 2026.
    fn file(source: &str, day: i8, rows: u64) -> LakeFile {
        let day = date(2026, 11, day);
        LakeFile {
            path: format!("source={source}/day={day}/account=111122223333/{rows}.parquet"),
            source: source.into(),
            day,
            account: "111122223333".into(),
            rows,
            bytes: rows,
            footer_bytes: 8,
            time_min_us: 0,
            time_max_us: 0,
            lookups: Arc::default(),
            row_groups: Vec::new(),
            regions: Vec::new(),
            schema: "".into(),
            commit: 1,
            compacted: false,
        }
    }

    fn check(files: &[LakeFile], expected: &[&str]) {
        let told = joined(files.iter(), 100).into_iter().map(|stretch| {
            let sources: Vec<&str> = stretch.sources.iter().map(|source| &**source).collect();
            let (since, until) = (stretch.since, stretch.until);
            format!("{since} {until} {} {} {}", sources.join("+"), stretch.files, stretch.rows)
        });
        assert_eq!(told.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn no_file_is_no_stretch() {
        check(&[], &[]);
    }

    #[test]
    fn a_busy_day_stands_alone_and_quiet_ones_are_joined() {
        check(
            &[file("a", 1, 40), file("a", 2, 60), file("a", 3, 1), file("a", 5, 500)],
            &[
                "2026-11-01T00:00:00Z 2026-11-03T00:00:00Z a 2 100",
                "2026-11-03T00:00:00Z 2026-11-04T00:00:00Z a 1 1",
                "2026-11-05T00:00:00Z 2026-11-06T00:00:00Z a 1 500",
            ],
        );
    }

    #[test]
    fn sources_of_a_day_are_read_before_the_next_day() {
        check(
            &[file("a", 1, 90), file("a", 2, 90), file("b", 1, 90), file("b", 2, 5)],
            &[
                "2026-11-01T00:00:00Z 2026-11-02T00:00:00Z a+b 2 180",
                "2026-11-02T00:00:00Z 2026-11-03T00:00:00Z a+b 2 95",
            ],
        );
    }
}
