//! Lengths of time as authors write them: `90s`, `5m`, `1h`, `7d`.
//! Points in time are `jiff`'s.

use serde::{Deserialize, Deserializer};

/// A length of time in whole microseconds, from one second to ten years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(i64);

/// Ten years.
const SPAN_MAX_S: i64 = 3_650 * 86_400;

impl Span {
    /// So many seconds.
    pub const fn seconds(count: i64) -> Self {
        Self(count * 1_000_000)
    }

    /// So many minutes.
    pub const fn minutes(count: i64) -> Self {
        Self::seconds(count * 60)
    }

    /// So many hours.
    pub const fn hours(count: i64) -> Self {
        Self::seconds(count * 3_600)
    }

    /// So many days of 24 hours.
    pub const fn days(count: i64) -> Self {
        Self::seconds(count * 86_400)
    }

    /// In microseconds.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Reads `90s`, `5m`, `1h`, `7d`.
    pub fn read(text: &str) -> Option<Self> {
        let unit = text.chars().next_back()?;
        let count: i64 = text.strip_suffix(unit)?.parse().ok()?;
        let unit_s = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return None,
        };
        let seconds = count.checked_mul(unit_s)?;
        (1..=SPAN_MAX_S).contains(&seconds).then(|| Self::seconds(seconds))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::read(&text).ok_or_else(|| {
            let text: String = text.chars().take(50).collect();
            serde::de::Error::custom(format!("`{text}` is not a length of time (`5m`, `1h`, `7d`)"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_as_authors_write_them() {
        assert_eq!(Span::read("90s"), Some(Span::seconds(90)));
        assert_eq!(Span::read("5m"), Some(Span::minutes(5)));
        assert_eq!(Span::read("1h"), Some(Span::hours(1)));
        assert_eq!(Span::read("7d"), Some(Span::days(7)));
        for text in ["", "d", "0d", "-1h", "1w", "1.5h", "99999d", "9223372036854775807s", "1é"] {
            assert_eq!(Span::read(text), None, "{text}");
        }
    }
}
