//! Times in records: their calendar parts for the modifiers `minute` to `year`, and the instant
//! for windows. No time zone is converted for the parts: they are taken as written.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// A calendar part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimePart {
    /// 0 to 59.
    Minute,
    /// 0 to 23.
    Hour,
    /// 1 to 31.
    Day,
    /// ISO 8601 week, 1 to 53.
    Week,
    /// 1 to 12.
    Month,
    /// Four digits.
    Year,
}

impl TimePart {
    /// The part of a time: `2026-11-21T22:39:00Z`, `2026-11-21 22:39`, `2026-11-21` (midnight),
    /// or seconds or milliseconds since 1970 (UTC).
    pub(crate) fn of(self, text: &str) -> Option<i128> {
        let time = civil(text)?;
        Some(match self {
            Self::Minute => i128::from(time.minute()),
            Self::Hour => i128::from(time.hour()),
            Self::Day => i128::from(time.day()),
            Self::Week => i128::from(time.date().iso_week_date().week()),
            Self::Month => i128::from(time.month()),
            Self::Year => i128::from(time.year()),
        })
    }
}

fn civil(text: &str) -> Option<DateTime> {
    if text.bytes().all(|b| b.is_ascii_digit()) && text.len() >= 9 {
        return Some(epoch(text)?.to_zoned(TimeZone::UTC).datetime());
    }
    // Parts as written: what follows the seconds (fraction, zone) is cut off.
    let date: Date = text.get(..10)?.parse().ok()?;
    let rest = text.get(10..)?;
    if rest.is_empty() {
        return Some(date.to_datetime(jiff::civil::Time::midnight()));
    }
    let clock = rest.strip_prefix(['T', 't', ' '])?;
    let number = |range: std::ops::Range<usize>| clock.get(range)?.parse::<i8>().ok();
    let (hour, minute) = (number(0..2)?, number(3..5)?);
    let second = if clock.get(5..6) == Some(":") { number(6..8)? } else { 0 };
    let colon = clock.get(2..3) == Some(":");
    let time = jiff::civil::Time::new(hour, minute, second.min(59), 0).ok()?;
    colon.then(|| date.to_datetime(time))
}

fn epoch(digits: &str) -> Option<Timestamp> {
    let number: i64 = digits.parse().ok()?;
    match digits.len() {
        ..=11 => Timestamp::from_second(number).ok(),
        12..=14 => Timestamp::from_millisecond(number).ok(),
        _ => Timestamp::from_microsecond(number).ok(),
    }
}

/// The instant that a text names, in microseconds since 1970: RFC 3339, or an epoch in seconds,
/// milliseconds or microseconds by its length. A time without a zone is taken as UTC.
#[must_use]
pub fn instant(text: &str) -> Option<i64> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.as_microsecond());
    }
    let civil = civil(text)?;
    civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp().as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_taken_as_written() {
        let time = "2026-11-21T22:39:07+09:00";
        assert_eq!(TimePart::Minute.of(time), Some(39));
        assert_eq!(TimePart::Hour.of(time), Some(22));
        assert_eq!(TimePart::Day.of(time), Some(21));
        assert_eq!(TimePart::Week.of(time), Some(47));
        assert_eq!(TimePart::Month.of(time), Some(11));
        assert_eq!(TimePart::Year.of(time), Some(2026));
        assert_eq!(TimePart::Hour.of("2026-11-21 05:00"), Some(5));
        assert_eq!(TimePart::Hour.of("2026-11-21"), Some(0));
        assert_eq!(TimePart::Year.of("1700000000"), Some(2023));
        assert_eq!(TimePart::Year.of("1700000000123"), Some(2023));
    }

    #[test]
    fn what_is_no_time_has_no_parts() {
        for text in
            ["", "22:39", "2026-13-01", "2026-11-21T", "2026-11-21T25:00", "12345", "日曜日"]
        {
            assert_eq!(TimePart::Hour.of(text), None, "{text}");
        }
    }

    #[test]
    fn instants_know_their_zone() {
        assert_eq!(instant("1970-01-01T00:00:01Z"), Some(1_000_000));
        assert_eq!(instant("1970-01-01T09:00:00+09:00"), Some(0));
        assert_eq!(instant("1970-01-01 00:00:02"), Some(2_000_000));
        assert_eq!(instant("1700000000"), Some(1_700_000_000_000_000));
        assert_eq!(instant("soon"), None);
    }
}
