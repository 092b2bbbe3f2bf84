//! Days in the folders of log buckets: which folders lie wholly before a day.
//! Nothing is asked of S3 here.

use jiff::civil::Date;

/// Whether everything below a folder (`…/2026/11/`, `…/year=2026/month=11/`, `…/date=2026-11-21/`,
/// `…/20261121/`) is of days before `day`. A folder that names no time is not.
pub(super) fn ends_before(prefix: &str, day: Date) -> bool {
    let Some((year, month, date)) = span_of(prefix) else { return false };
    let wanted = (day.year(), day.month(), day.day());
    match (month, date) {
        (None, _) => year < wanted.0,
        (Some(month), None) => (year, month) < (wanted.0, wanted.1),
        (Some(month), Some(date)) => (year, month, date) < wanted,
    }
}

/// Whether a folder is one of those that hold days: its objects are worth listing as they are.
pub(super) fn names_a_year(prefix: &str) -> bool {
    span_of(prefix).is_some()
}

/// Year, month and day that the last parts of a folder's name tell.
fn span_of(prefix: &str) -> Option<(i16, Option<i8>, Option<i8>)> {
    let parts: Vec<&str> = prefix.trim_end_matches('/').split('/').collect();
    let mut found: Option<(i16, Option<i8>, Option<i8>)> = None;
    for part in parts {
        let value = part.split_once('=').map_or(part, |(_, value)| value);
        found = match found {
            _ if whole_date(value).is_some() => whole_date(value),
            None => year_of(part, value).map(|year| (year, None, None)),
            Some((year, None, _)) => match two_digits(value, 1..=12) {
                Some(month) => Some((year, Some(month), None)),
                // A year must be followed by a month, or it was none.
                None => year_of(part, value).map(|year| (year, None, None)),
            },
            Some((year, Some(month), None)) => {
                two_digits(value, 1..=31).map(|day| (year, Some(month), Some(day)))
            }
            // Hours and minutes below the day.
            whole => whole,
        };
    }
    found
}

fn year_of(part: &str, value: &str) -> Option<i16> {
    let named = part.split_once('=').is_none_or(|(name, _)| name.ends_with("year"));
    let digits = value.len() == 4 && value.bytes().all(|byte| byte.is_ascii_digit());
    let year: i16 = value.parse().ok().filter(|_| named && digits)?;
    (2006..=2100).contains(&year).then_some(year)
}

fn two_digits(value: &str, range: std::ops::RangeInclusive<i8>) -> Option<i8> {
    let digits = value.len() <= 2 && value.bytes().all(|byte| byte.is_ascii_digit());
    value.parse().ok().filter(|number| digits && range.contains(number))
}

/// `2026-11-21` or `20261121`.
fn whole_date(value: &str) -> Option<(i16, Option<i8>, Option<i8>)> {
    let plain: String = match value.len() {
        10 if value.bytes().enumerate().all(|(n, byte)| (byte == b'-') == (n == 4 || n == 7)) => {
            value.replace('-', "")
        }
        8 => value.to_owned(),
        _ => return None,
    };
    let number: i32 = plain.parse().ok().filter(|_| plain.len() == 8)?;
    let year = i16::try_from(number / 10_000).ok().filter(|year| (2006..=2100).contains(year))?;
    let month = i8::try_from(number / 100 % 100).ok()?;
    let day = i8::try_from(number % 100).ok()?;
    Date::new(year, month, day).ok()?;
    Some((year, Some(month), Some(day)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_that_are_wholly_over_are_left_out() {
        let day = Date::constant(2026, 11, 20);
        let check = |prefix: &str, before: bool| {
            assert_eq!(ends_before(prefix, day), before, "{prefix}");
        };
        check("AWSLogs/111122223333/CloudTrail/us-east-1/2025/", true);
        check("AWSLogs/111122223333/CloudTrail/us-east-1/2026/", false);
        check("AWSLogs/111122223333/CloudTrail/us-east-1/2026/10/", true);
        check("AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/", false);
        check("AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/19/", true);
        check("AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/20/", false);
        check("WAFLogs/x/2026/11/19/23/55/", true);
        check("flow/aws-region=r/year=2026/month=11/day=19/", true);
        check("flow/year=2026/month=11/day=21/hour=03/", false);
        check("x/date=2026-11-19/", true);
        check("x/20261119/", true);
    }

    #[test]
    fn numbers_that_are_no_dates_leave_nothing_out() {
        let day = Date::constant(2026, 11, 20);
        for prefix in ["", "1999/", "1234/56/", "2020x/", "AWSLogs/2019/elb/", "99999999/", "a//b/"]
        {
            assert!(!ends_before(prefix, day) || prefix.starts_with("AWSLogs/2019"), "{prefix}");
        }
        // A year that is followed by something else than a month was none.
        assert!(!ends_before("AWSLogs/2019/elb/", day));
    }
}
