//! Schedules: a cron pattern in a time zone, and which of its ticks is due.
//! What a tick starts is in `work/`; that several processes make one job of it, the store's.
//!
//! Where clocks are changed: a fixed time that is skipped comes at the first moment after the gap,
//! one that is repeated comes once; patterns with steps or wildcards follow the clock on the wall.

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::kind::JobKind;

/// Ticks that are walked over to find the newest that is due: a month of minutes, twice.
const MISSED_MAX: usize = 100_000;

/// When a job is to be done.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    /// Its name: the key of its jobs.
    pub(crate) name: String,
    /// What it starts.
    pub(crate) job: JobKind,
    /// The pattern as it was written.
    pub(crate) pattern: String,
    /// The name of the time zone.
    pub(crate) zone_name: String,
    cron: Cron,
    zone: TimeZone,
}

/// Why a schedule cannot be.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum ScheduleError {
    /// The pattern is none.
    #[error("`{pattern}` is no cron pattern of five fields ({reason})")]
    Pattern {
        /// As it was written.
        pattern: String,
        /// What the parser says.
        reason: String,
    },
    /// The pattern has no tick, as 30 February.
    #[error("`{0}` never comes")]
    Never(String),
    /// The time zone is not known.
    #[error("there is no time zone `{0}`")]
    Zone(String),
}

impl Schedule {
    /// A schedule. Without a time zone it is the machine's.
    ///
    /// # Errors
    /// Where the pattern or the time zone is none, or the pattern has no tick after `now`.
    pub(crate) fn new(
        name: &str,
        job: JobKind,
        pattern: &str,
        zone: Option<&str>,
        now: Timestamp,
    ) -> Result<Self, ScheduleError> {
        let parser =
            CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser.parse(pattern).map_err(|error| ScheduleError::Pattern {
            pattern: pattern.to_owned(),
            reason: error.to_string().trim_end_matches('.').to_owned(),
        })?;
        let zone = match zone {
            Some(zone) => TimeZone::get(zone).map_err(|_| ScheduleError::Zone(zone.to_owned()))?,
            None => TimeZone::system(),
        };
        let schedule = Self {
            name: name.to_owned(),
            job,
            pattern: pattern.to_owned(),
            zone_name: zone.iana_name().unwrap_or("UTC").to_owned(),
            cron,
            zone,
        };
        match schedule.next_after(now) {
            Some(_) => Ok(schedule),
            None => Err(ScheduleError::Never(pattern.to_owned())),
        }
    }

    /// The first tick after a time; none where there is none for ages.
    pub(crate) fn next_after(&self, time: Timestamp) -> Option<Timestamp> {
        let from = time.to_zoned(self.zone.clone());
        let next = self.cron.find_next_occurrence(&from, false).ok()?.timestamp();
        // Whatever the clocks do there, time goes on.
        (next > time).then_some(next)
    }

    /// The newest tick after `last` that is not in the future: however many were missed, the job
    /// is done once.
    pub(crate) fn due(&self, last: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let ticks = std::iter::successors(self.next_after(last), |tick| self.next_after(*tick));
        ticks.take(MISSED_MAX).take_while(|tick| *tick <= now).last()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn schedule(pattern: &str, zone: &str) -> Schedule {
        let now = at("2026-01-01T00:00:00Z");
        Schedule::new("s", JobKind::Scan, pattern, Some(zone), now).unwrap()
    }

    /// The ticks between two times, in local time with the offset.
    fn check(pattern: &str, zone: &str, from: &str, to: &str, expected: &[&str]) {
        let schedule = schedule(pattern, zone);
        let mut ticks = Vec::new();
        let mut time = at(from);
        while let Some(tick) = schedule.next_after(time).filter(|tick| *tick <= at(to)) {
            let local = tick.to_zoned(schedule.zone.clone());
            ticks.push(local.strftime("%m-%d %H:%M%z").to_string());
            time = tick;
        }
        assert_eq!(ticks, expected, "{pattern} {zone}");
    }

    #[test]
    fn a_time_of_day_is_that_of_its_zone() {
        let (from, to) = ("2026-11-20T00:00:00Z", "2026-11-22T00:00:00Z");
        let ticks = ["11-21 03:00+0900", "11-22 03:00+0900"];
        check("0 3 * * *", "Asia/Tokyo", from, to, &ticks);
        check("0 3 * * *", "UTC", from, to, &["11-20 03:00+0000", "11-21 03:00+0000"]);
        check("30 9 * * MON", "Asia/Kolkata", from, "2026-11-24T00:00:00Z", &["11-23 09:30+0530"]);
    }

    #[test]
    fn a_time_in_the_skipped_hour_comes_right_after_it_and_once() {
        // 2026-03-29, 02:00 becomes 03:00.
        let (from, to) = ("2026-03-27T12:00:00Z", "2026-03-30T12:00:00Z");
        let ticks = ["03-28 02:30+0100", "03-29 03:00+0200", "03-30 02:30+0200"];
        check("30 2 * * *", "Europe/Berlin", from, to, &ticks);
        let (from, to) = ("2026-03-29T00:00:00Z", "2026-03-29T02:00:00Z");
        let ticks =
            ["03-29 01:30+0100", "03-29 03:00+0200", "03-29 03:30+0200", "03-29 04:00+0200"];
        check("*/30 * * * *", "Europe/Berlin", from, to, &ticks);
    }

    #[test]
    fn a_time_in_the_repeated_hour_comes_once_and_a_wildcard_twice() {
        // 2026-10-25, 03:00 becomes 02:00.
        let (from, to) = ("2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z");
        let ticks = ["10-25 02:30+0200", "10-26 02:30+0100"];
        check("30 2 * * *", "Europe/Berlin", from, to, &ticks);
        let (from, to) = ("2026-10-24T23:45:00Z", "2026-10-25T02:15:00Z");
        let ticks = [
            "10-25 02:00+0200",
            "10-25 02:30+0200",
            "10-25 02:00+0100",
            "10-25 02:30+0100",
            "10-25 03:00+0100",
        ];
        check("*/30 * * * *", "Europe/Berlin", from, to, &ticks);
    }

    #[test]
    fn of_missed_ticks_the_newest_is_due_and_only_once() {
        let daily = schedule("0 3 * * *", "UTC");
        let now = at("2026-11-22T05:00:00Z");
        let tick = at("2026-11-22T03:00:00Z");
        assert_eq!(daily.due(at("2026-11-10T03:00:00Z"), now), Some(tick));
        assert_eq!(daily.due(tick, now), None);
        assert_eq!(daily.due(at("2026-11-22T04:00:00Z"), now), None);
        assert_eq!(daily.due(tick, at("2026-11-23T03:00:00Z")), Some(at("2026-11-23T03:00:00Z")));
        // Nobody waits for a clock that went back.
        assert_eq!(daily.due(now, at("2026-11-01T00:00:00Z")), None);
        let minutes = schedule("* * * * *", "UTC");
        let last = at("2026-10-22T05:00:30Z");
        assert_eq!(minutes.due(last, now), Some(now));
    }

    #[test]
    fn a_wrong_pattern_or_zone_is_refused_by_its_name() {
        let now = at("2026-01-01T00:00:00Z");
        let refused = |pattern: &str, zone: &str| {
            let made = Schedule::new("s", JobKind::Scan, pattern, Some(zone), now);
            made.unwrap_err().to_string()
        };
        for pattern in ["", "0 3 * *", "61 * * * *", "0 0 3 * * *", "0 3 * * * 2030", "daily"] {
            let text = refused(pattern, "UTC");
            assert!(text.starts_with(&format!("`{pattern}` is no cron pattern")), "{text}");
        }
        assert_eq!(refused("0 0 30 2 *", "UTC"), "`0 0 30 2 *` never comes");
        assert_eq!(refused("0 3 * * *", "Asia/Edo"), "there is no time zone `Asia/Edo`");
    }
}
