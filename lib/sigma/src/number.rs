//! Numbers as rules and records write them: compared by value, exact where both are integers.
//! Which fields are compared as numbers is decided in `matcher/`.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

/// A number of a rule: its value, and its text as written.
#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    /// As in the file.
    pub text: String,
    /// Its value.
    pub value: Numeric,
}

/// The value of a number.
#[derive(Clone, Copy, Debug)]
pub enum Numeric {
    /// A whole number, exact.
    Integer(i128),
    /// Anything else; never NaN, never infinite.
    Real(f64),
}

impl std::fmt::Display for Numeric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Integer(number) => write!(f, "{number}"),
            Self::Real(number) => write!(f, "{number}"),
        }
    }
}

impl Numeric {
    /// Reads a number as JSON writes it. `007`, `+1`, `1_000` and ` 1` are texts, not numbers:
    /// account numbers and identifiers must not lose their leading zeros.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let first = digits.bytes().next()?;
        let second = digits.as_bytes().get(1);
        if !first.is_ascii_digit() || (first == b'0' && second.is_some_and(u8::is_ascii_digit)) {
            return None;
        }
        if digits.len() <= 38 && digits.bytes().all(|b| b.is_ascii_digit()) {
            return text.parse().ok().map(Self::Integer);
        }
        if !digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')) {
            return None;
        }
        text.parse().ok().and_then(Self::real)
    }

    /// A finite real; whole ones become integers, so that `80.0` equals `80`.
    pub(crate) fn real(value: f64) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        // 2^63 is far above every count, size and epoch, and exact in both kinds.
        if value.fract() == 0.0 && value.abs() < 9_223_372_036_854_775_808.0 {
            #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^63")]
            return Some(Self::Integer(value as i128));
        }
        Some(Self::Real(value))
    }

    /// The nearest double.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "only for mixed comparisons")]
            Self::Integer(value) => value as f64,
            Self::Real(value) => value,
        }
    }
}

impl PartialEq for Numeric {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Numeric {}

impl PartialOrd for Numeric {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Numeric {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a.cmp(b),
            _ => self.as_f64().total_cmp(&other.as_f64()),
        }
    }
}

impl Hash for Numeric {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Equal numbers are of one kind (see `real`) or, beyond 2^63, equal as doubles.
        self.as_f64().to_bits().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integer(text: &str) -> Option<i128> {
        match Numeric::read(text) {
            Some(Numeric::Integer(value)) => Some(value),
            _ => None,
        }
    }

    #[test]
    fn json_numbers_are_read() {
        assert_eq!(integer("0"), Some(0));
        assert_eq!(integer("-12"), Some(-12));
        assert_eq!(integer("4688"), Some(4688));
        assert_eq!(integer("80.0"), Some(80));
        assert_eq!(integer("1e3"), Some(1000));
        assert_eq!(Numeric::read("0.5"), Some(Numeric::Real(0.5)));
    }

    #[test]
    fn what_only_looks_like_a_number_is_text() {
        for text in ["", "-", "007", "012345678901", "+1", "1_000", " 1", "0x10", "1.2.3.4", "inf"]
        {
            assert_eq!(Numeric::read(text), None, "{text}");
        }
    }

    #[test]
    fn integers_beyond_doubles_stay_distinct() {
        let (a, b) = (Numeric::read("9007199254740993"), Numeric::read("9007199254740992"));
        assert!(a > b);
    }
}
