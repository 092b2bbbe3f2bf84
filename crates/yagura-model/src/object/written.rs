//! The time that an object's name tells, so that objects are read in about the order of their
//! events: listings go account by account and Region by Region.
//! What an object is stands in `mod.rs`.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::LogObject;

/// A minute as a number that sorts: year, month, day, hour, minute (UTC).
pub type Minute = u64;

/// What stands for a time that nothing tells: the year 9999.
const UNTOLD: Minute = 999_912_312_359;

impl LogObject {
    /// When it was written, as its name tells (`…_20261121T0005Z_….json.gz`,
    /// `….2026-11-21-05.…`), else as its storage does; the end of time where neither does.
    pub fn minute(&self) -> Minute {
        let modified = || self.modified.map(minute_at);
        self.told_minute().or_else(modified).unwrap_or(UNTOLD)
    }

    /// When it was written, where its name tells it: what is in it happened before, and mostly not
    /// long. Of the time of a copy that cannot be said.
    pub fn told_minute(&self) -> Option<Minute> {
        minute_in(self.key.rsplit('/').next().unwrap_or_default())
    }

    /// The day of [`Self::minute`], as year, month and day: 20261121.
    pub fn day(&self) -> u32 {
        u32::try_from(self.minute() / 10_000).unwrap_or(u32::MAX)
    }
}

/// When a minute begins; none of a number that is no minute.
pub fn minute_start(minute: Minute) -> Option<Timestamp> {
    let part = |above: Minute| i8::try_from(minute / above % 100).ok();
    let year = i16::try_from(minute / 100_000_000).ok()?;
    let start = DateTime::new(year, part(1_000_000)?, part(10_000)?, part(100)?, part(1)?, 0, 0);
    Some(start.ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

fn minute_at(at: Timestamp) -> Minute {
    let at = at.to_zoned(TimeZone::UTC);
    let part = |value: i8| Minute::try_from(value).unwrap_or_default();
    let year = Minute::try_from(at.year()).unwrap_or_default();
    let day = (year * 100 + part(at.month())) * 100 + part(at.day());
    (day * 100 + part(at.hour())) * 100 + part(at.minute())
}

/// The first date with an hour in a name: its digits, with `-`, `T`, `_`, `:` or nothing between.
fn minute_in(name: &str) -> Option<Minute> {
    let bytes = name.as_bytes();
    let starts = (0..bytes.len()).filter(|at| {
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        !before.is_some_and(u8::is_ascii_digit)
    });
    starts.filter_map(|at| bytes.get(at..)).find_map(minute_at_start)
}

fn minute_at_start(bytes: &[u8]) -> Option<Minute> {
    let mut rest = bytes;
    let mut number = |digits: usize, least: Minute, most: Minute| {
        // At most one sign stands between two numbers.
        if let [b'-' | b'T' | b'_' | b':', after @ ..] = rest {
            rest = after;
        }
        let (these, after) = rest.split_at_checked(digits)?;
        rest = after;
        let text = std::str::from_utf8(these).ok().filter(|_| these.iter().all(u8::is_ascii_digit));
        let value: Minute = text?.parse().ok()?;
        (least..=most).contains(&value).then_some(value)
    };
    let (year, month, day) = (number(4, 2006, 2100)?, number(2, 1, 12)?, number(2, 1, 31)?);
    let hour = number(2, 0, 23)?;
    // CloudFront names the hour alone.
    let minute = number(2, 0, 59).unwrap_or_default();
    Some((((year * 100 + month) * 100 + day) * 100 + hour) * 100 + minute)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(key: &str, expected: Minute, told: bool) {
        let object = LogObject {
            location: key.into(),
            key: key.into(),
            version: None,
            etag: None,
            size_bytes: 1,
            modified: Some("2026-12-31T23:59:59Z".parse().unwrap()),
        };
        assert_eq!(object.minute(), expected, "{key}");
        assert_eq!(object.told_minute(), told.then_some(expected), "{key}");
        assert_eq!(u64::from(object.day()), expected / 10_000, "{key}");
    }

    #[test]
    fn names_of_aws_tell_their_minute() {
        let trail = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/21/";
        check(
            &format!("{trail}111122223333_CloudTrail_us-east-1_20261121T0005Z_AbCd.json.gz"),
            202_611_210_005,
            true,
        );
        check(
            "111122223333_vpcflowlogs_us-east-1_fl-1234_20261121T2355Z_9f.log.gz",
            202_611_212_355,
            true,
        );
        check("EMLARXS9EXAMPLE.2026-11-21-05.RT4KCN4SGK9.gz", 202_611_210_500, true);
        check("logs/2026-11-21-05-07-33-0123456789ABCDEF", 202_611_210_507, true);
        check("stream-1-2026-11-21-05-07-33-uuid", 202_611_210_507, true);
    }

    #[test]
    fn other_names_are_as_old_as_their_objects() {
        for key in ["events.json", "20261121.json", "99991399T0000Z", "1202611210005", "", "2026/"]
        {
            check(key, 202_612_312_359, false);
        }
    }

    #[test]
    fn a_minute_begins_when_its_number_says() {
        let check = |minute, expected: Option<&str>| {
            assert_eq!(minute_start(minute).map(|at| at.to_string()).as_deref(), expected);
        };
        check(202_611_210_005, Some("2026-11-21T00:05:00Z"));
        check(202_611_210_000, Some("2026-11-21T00:00:00Z"));
        check(202_613_210_005, None);
        check(Minute::MAX, None);
    }

    #[test]
    fn what_nothing_tells_is_as_late_as_can_be() {
        let object = LogObject {
            location: "a".into(),
            key: "a".into(),
            version: None,
            etag: None,
            size_bytes: 1,
            modified: None,
        };
        assert_eq!((object.minute(), object.day()), (999_912_312_359, 99_991_231));
    }
}
