//! How logs write points in time, read as microseconds since 1970 in UTC.
//! Which field holds the time of a record is said in source files.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime::BrokenDownTime;
use serde::{Deserialize, Serialize};

/// How a point in time is written. All are UTC where no offset is written.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum TimeFormat {
    /// `2026-11-21T05:12:01.123Z`; also with an offset, a blank for the `T`, or without zone.
    #[default]
    Rfc3339,
    /// Seconds since 1970, with a fraction or without.
    EpochSeconds,
    /// Milliseconds since 1970.
    EpochMillis,
    /// Microseconds since 1970.
    EpochMicros,
    /// `21/Nov/2026:05:12:01 +0000`, as web servers write it.
    Clf,
    /// `20261121 05:12:01`, as the audit plug-in of MariaDB writes it.
    Compact,
    /// Any of these; a number is seconds, milli-, micro- or nanoseconds by its size.
    Any,
}

/// 1 January 10000: what lies beyond is a wrong date.
const MICROS_MAX: i64 = 253_402_300_800_000_000;

impl TimeFormat {
    /// Microseconds since 1970 in UTC; none where the text is not a time of this format between
    /// the years 1970 and 9999. Digits beyond microseconds are cut off.
    ///
    /// ```
    /// use yagura_model::source::TimeFormat;
    /// assert_eq!(TimeFormat::Rfc3339.micros("1970-01-01T00:00:01.5Z"), Some(1_500_000));
    /// assert_eq!(TimeFormat::EpochSeconds.micros("12.000001"), Some(12_000_001));
    /// assert_eq!(TimeFormat::Rfc3339.micros("yesterday"), None);
    /// ```
    pub fn micros(self, text: &str) -> Option<i64> {
        let text = text.trim();
        let micros = match self {
            Self::Rfc3339 => rfc3339(text),
            Self::EpochSeconds => scaled(text, 6),
            Self::EpochMillis => scaled(text, 3),
            Self::EpochMicros => scaled(text, 0),
            Self::Clf => clf(text),
            Self::Compact => civil("%Y%m%d %H:%M:%S", text),
            Self::Any => any(text),
        };
        micros.filter(|micros| (0..MICROS_MAX).contains(micros))
    }
}

fn rfc3339(text: &str) -> Option<i64> {
    // The parser of civil times takes what it is given without a zone, and would ignore one.
    match text.parse::<Timestamp>() {
        Ok(time) => Some(time.as_microsecond()),
        Err(_) => {
            let zone = text.strip_suffix(" UTC").unwrap_or(text);
            let (date, clock) = zone.split_once(['T', ' '])?;
            let plain = clock.chars().all(|c| c.is_ascii_digit() || matches!(c, ':' | '.'))
                && date.chars().all(|c| c.is_ascii_digit() || c == '-');
            let civil: DateTime = zone.parse().ok().filter(|_| plain)?;
            Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_microsecond())
        }
    }
}

/// A decimal number times a power of ten, cut to a whole number without passing through floats.
fn scaled(text: &str, digits: usize) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digit = |c: char| c.is_ascii_digit();
    if whole.is_empty() || !whole.chars().all(digit) || !fraction.chars().all(digit) {
        // Some writers print large numbers as `1.7952192E9`.
        let number: f64 = text.parse().ok().filter(|number: &f64| number.is_finite())?;
        let power = i32::try_from(digits).ok()?;
        let micros = number * 10_f64.powi(power);
        #[expect(clippy::cast_possible_truncation, reason = "out of range becomes i64::MAX")]
        return Some(micros as i64);
    }
    let mut value: i64 = whole.parse().ok()?;
    let mut rest = fraction.bytes();
    for _ in 0..digits {
        let next = i64::from(rest.next().unwrap_or(b'0') - b'0');
        value = value.checked_mul(10)?.checked_add(next)?;
    }
    Some(value)
}

fn clf(text: &str) -> Option<i64> {
    let text = text.trim_start_matches('[').trim_end_matches(']');
    let time = BrokenDownTime::parse("%d/%b/%Y:%H:%M:%S %z", text).ok()?;
    Some(time.to_timestamp().ok()?.as_microsecond())
}

fn civil(format: &str, text: &str) -> Option<i64> {
    let time = BrokenDownTime::parse(format, text).ok()?.to_datetime().ok()?;
    Some(time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_microsecond())
}

/// A time without a year and zone, `Nov 21 05:12:01`, in UTC: the last such time that is not more
/// than a day after `near`, which is in microseconds since 1970.
pub(super) fn micros_without_year(text: &str, near: i64) -> Option<i64> {
    let latest = near.checked_add(86_400_000_000)?;
    let year = Timestamp::from_microsecond(latest).ok()?.to_zoned(jiff::tz::TimeZone::UTC).year();
    // Four years back there is a 29 February, except over the turn of most centuries.
    (0..8).find_map(|back| {
        let dated = format!("{} {text}", year.checked_sub(back)?);
        civil("%Y %b %e %H:%M:%S", &dated).filter(|micros| *micros <= latest)
    })
}

fn any(text: &str) -> Option<i64> {
    if text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+'))
    {
        let whole = text.split('.').next().unwrap_or_default().len();
        return match whole {
            // Seconds have ten digits from 2001 to 2286.
            0..=11 => scaled(text, 6),
            12..=14 => scaled(text, 3),
            15..=17 => scaled(text, 0),
            _ => scaled(text, 0).map(|nanos| nanos / 1_000),
        };
    }
    rfc3339(text)
        .or_else(|| clf(text))
        .or_else(|| civil("%Y%m%d %H:%M:%S", text))
        .or_else(|| civil("%Y/%m/%d %H:%M:%S", text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: TimeFormat, text: &str, expected: Option<&str>) {
        let expected = expected.map(|time| time.parse::<Timestamp>().unwrap().as_microsecond());
        assert_eq!(format.micros(text), expected, "{format:?} {text}");
    }

    #[test]
    fn times_are_read_as_logs_write_them() {
        let at = Some("2026-11-21T05:12:01Z");
        check(TimeFormat::Rfc3339, "2026-11-21T05:12:01Z", at);
        check(TimeFormat::Rfc3339, "2026-11-21 05:12:01", at);
        check(TimeFormat::Rfc3339, "2026-11-21 05:12:01 UTC", at);
        check(TimeFormat::Rfc3339, "2026-11-21T14:12:01+09:00", at);
        check(TimeFormat::Rfc3339, "2026-11-21T05:12:01+0000", at);
        check(TimeFormat::EpochSeconds, "1795237921", at);
        check(TimeFormat::EpochSeconds, "1.795237921E9", at);
        check(TimeFormat::EpochMillis, "1795237921000", at);
        check(TimeFormat::EpochMicros, "1795237921000000", at);
        check(TimeFormat::Clf, "21/Nov/2026:05:12:01 +0000", at);
        check(TimeFormat::Clf, "[21/Nov/2026:14:12:01 +0900]", at);
        check(TimeFormat::Compact, "20261121 05:12:01", at);
        for any in [
            "1795237921",
            "1795237921.0",
            "1795237921000",
            "1795237921000000",
            "1795237921000000000",
            "2026-11-21 05:12:01",
            "21/Nov/2026:05:12:01 +0000",
            "2026/11/21 05:12:01",
        ] {
            check(TimeFormat::Any, any, at);
        }
        let cut = Some("2026-11-21T05:12:01.123456Z");
        check(TimeFormat::Rfc3339, "2026-11-21T05:12:01.123456789Z", cut);
        check(TimeFormat::EpochSeconds, "1795237921.123456789", cut);
    }

    #[test]
    fn a_time_without_a_year_lies_before_what_it_is_near_to() {
        let check = |text: &str, near: &str, expected: Option<&str>| {
            let near = TimeFormat::Rfc3339.micros(near).unwrap();
            let expected = expected.and_then(|text| TimeFormat::Rfc3339.micros(text));
            assert_eq!(micros_without_year(text, near), expected, "{text}");
        };
        let near = "2026-11-21T12:00:00Z";
        check("Nov 21 05:12:01", near, Some("2026-11-21T05:12:01Z"));
        check("Nov  1 05:12:01", near, Some("2026-11-01T05:12:01Z"));
        check("Nov 22 11:00:00", near, Some("2026-11-22T11:00:00Z"));
        check("Dec 24 18:00:00", near, Some("2025-12-24T18:00:00Z"));
        check("Feb 29 00:00:00", near, Some("2024-02-29T00:00:00Z"));
        check("Feb 30 00:00:00", near, None);
        check("yesterday", near, None);
    }

    #[test]
    fn what_is_no_time_gives_none() {
        for text in ["", "-", "x", "2026-13-01T00:00:00Z", "-1", "1969-12-31T23:59:59Z", "NaN"] {
            for format in [
                TimeFormat::Rfc3339,
                TimeFormat::EpochSeconds,
                TimeFormat::EpochMillis,
                TimeFormat::Clf,
                TimeFormat::Compact,
                TimeFormat::Any,
            ] {
                check(format, text, None);
            }
        }
        check(TimeFormat::EpochSeconds, "99999999999999999999", None);
        check(TimeFormat::EpochMicros, "253402300800000000", None);
        check(TimeFormat::Rfc3339, "2026-11-21T05:12:01 Asia/Tokyo", None);
    }
}
