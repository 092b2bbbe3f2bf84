//! When somebody is told: at once, together with others at a time of day, or after quiet hours.
//! Pure: the time is handed in.

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _, Zoned};
use yagura_content::format::{QuietHours, Route, Routes, Schedule};
use yagura_model::Severity;

/// When a route tells together with others; none is at once.
pub(super) fn due(
    routes: &Routes,
    route: &Route,
    severity: Severity,
    now: Timestamp,
) -> Option<Timestamp> {
    let zone = zone(routes, route);
    let local = now.to_zoned(zone);
    let planned = match route.schedule {
        Schedule::Now => None,
        Schedule::Hourly => Some(next_hour(&local)),
        Schedule::Daily(at) => Some(next_day_at(&local, at)),
    };
    let quiet = route.quiet.filter(|quiet| quiet.except.is_none_or(|worst| severity < worst));
    let Some(quiet) = quiet else { return planned.map(|planned| planned.timestamp()) };
    let at = planned.clone().unwrap_or(local);
    match end_of_quiet(&quiet, &at) {
        Some(end) => Some(end.timestamp()),
        None => planned.map(|planned| planned.timestamp()),
    }
}

/// The time zone of a route: its own, else the file's, else UTC.
pub(crate) fn zone(routes: &Routes, route: &Route) -> TimeZone {
    let name = route.time_zone.as_ref().or(routes.time_zone.as_ref());
    name.and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC)
}

fn next_hour(local: &Zoned) -> Zoned {
    let hour = local.with().minute(0).second(0).subsec_nanosecond(0).build();
    let hour = hour.unwrap_or_else(|_| local.clone());
    hour.checked_add(SignedDuration::from_hours(1)).unwrap_or_else(|_| local.clone())
}

/// The next time that it is so late; a time of day that a change of clocks skips is the first
/// after it.
fn next_day_at(local: &Zoned, at: Time) -> Zoned {
    let on = |day: jiff::civil::Date| day.to_datetime(at).to_zoned(local.time_zone().clone());
    let today = on(local.date()).ok().filter(|today| today > local);
    today.or_else(|| on(local.date().tomorrow().ok()?).ok()).unwrap_or_else(|| local.clone())
}

/// When the quiet hours end that a time lies in; none where it lies in none.
fn end_of_quiet(quiet: &QuietHours, at: &Zoned) -> Option<Zoned> {
    let mut end = at.clone();
    let mut moved = false;
    // A night may end in a weekend, and a weekend in a night: at most a few steps.
    for _ in 0..6 {
        if quiet.weekends && matches!(end.weekday(), Weekday::Saturday | Weekday::Sunday) {
            end = end.date().tomorrow().ok()?.to_zoned(end.time_zone().clone()).ok()?;
        } else if is_night(quiet, end.time()) {
            let overnight = quiet.from > quiet.to && end.time() >= quiet.from;
            let day = if overnight { end.date().checked_add(1.day()).ok()? } else { end.date() };
            end = day.to_datetime(quiet.to).to_zoned(end.time_zone().clone()).ok()?;
        } else {
            break;
        }
        moved = true;
    }
    moved.then_some(end)
}

fn is_night(quiet: &QuietHours, time: Time) -> bool {
    if quiet.from < quiet.to {
        (quiet.from..quiet.to).contains(&time)
    } else {
        time >= quiet.from || time < quiet.to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(text: &str) -> Route {
        serde_json::from_str(text).unwrap()
    }

    fn check(route_text: &str, severity: Severity, now: &str, expected: Option<&str>) {
        let routes: Routes = serde_json::from_str(r#"{"time_zone": "Asia/Tokyo"}"#).unwrap();
        let found = due(&routes, &route(route_text), severity, now.parse().unwrap());
        assert_eq!(found, expected.map(|at| at.parse().unwrap()), "{route_text} {now}");
    }

    #[test]
    fn what_is_not_planned_is_told_at_once() {
        let now = r#"{"id": "a", "targets": ["t"]}"#;
        check(now, Severity::Low, "2026-11-20T03:00:00Z", None);
    }

    #[test]
    fn digests_come_at_full_hours_and_at_the_sites_time_of_day() {
        let hourly = r#"{"id": "a", "targets": ["t"], "schedule": "hourly"}"#;
        check(hourly, Severity::Low, "2026-11-20T03:10:00Z", Some("2026-11-20T04:00:00Z"));
        check(hourly, Severity::Low, "2026-11-20T04:00:00Z", Some("2026-11-20T05:00:00Z"));
        let daily = r#"{"id": "a", "targets": ["t"], "schedule": "daily 09:00"}"#;
        check(daily, Severity::Low, "2026-11-19T23:59:00Z", Some("2026-11-20T00:00:00Z"));
        check(daily, Severity::Low, "2026-11-20T00:00:00Z", Some("2026-11-21T00:00:00Z"));
    }

    #[test]
    fn a_night_is_quiet_until_its_end_except_for_the_worst() {
        let night = r#"{"id": "a", "targets": ["t"],
            "quiet": {"from": "22:00", "to": "07:00", "except": "critical"}}"#;
        // 23:30 and 06:00 in Tokyo.
        check(night, Severity::High, "2026-11-19T14:30:00Z", Some("2026-11-19T22:00:00Z"));
        check(night, Severity::High, "2026-11-19T21:00:00Z", Some("2026-11-19T22:00:00Z"));
        check(night, Severity::Critical, "2026-11-19T14:30:00Z", None);
        check(night, Severity::High, "2026-11-19T22:00:00Z", None);
    }

    #[test]
    fn a_quiet_weekend_ends_on_monday_after_the_night() {
        let weekend = r#"{"id": "a", "targets": ["t"],
            "quiet": {"from": "22:00", "to": "07:00", "weekends": true}}"#;
        // Friday 23:00 in Tokyo; Monday 07:00 there.
        check(weekend, Severity::High, "2026-11-20T14:00:00Z", Some("2026-11-22T22:00:00Z"));
        check(weekend, Severity::High, "2026-11-22T03:00:00Z", Some("2026-11-22T22:00:00Z"));
    }

    #[test]
    fn a_digest_that_falls_into_quiet_hours_waits_for_their_end() {
        let both = r#"{"id": "a", "targets": ["t"], "schedule": "daily 06:00",
            "quiet": {"from": "22:00", "to": "07:00"}}"#;
        check(both, Severity::High, "2026-11-19T03:00:00Z", Some("2026-11-19T22:00:00Z"));
    }

    #[test]
    fn a_clock_that_is_set_forward_skips_no_digest() {
        let daily = r#"{"id": "a", "targets": ["t"], "schedule": "daily 02:30",
            "time_zone": "Europe/Berlin"}"#;
        // 02:30 does not exist on 29 March 2026 in Berlin: 03:30 there is 01:30 UTC.
        check(daily, Severity::Low, "2026-03-28T23:00:00Z", Some("2026-03-29T01:30:00Z"));
    }
}
