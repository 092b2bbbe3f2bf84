//! Comparing one value of the request with one value of the policy, by kind.
//! Absent keys, several values and negation are decided before.

use std::cmp::Ordering;
use std::net::IpAddr;

use base64::Engine as _;

use super::{Family, Order};
use crate::arn::ArnPattern;
use crate::context::Scope;
use crate::glob::Glob;
use crate::template::{Pattern, Resolved};
use crate::truth::Truth;

/// A compiled value of the policy.
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    Text(Pattern),
    Number(f64),
    /// Nanoseconds since 1970, exact.
    Date(i128),
    Boolean(bool),
    Bytes(Vec<u8>),
    Network {
        address: IpAddr,
        bits: u8,
    },
    Arn(ArnPattern),
}

/// What a comparison gives.
pub(crate) enum Hit {
    /// It matches, does not, or hangs on a variable.
    Is(Truth),
    /// The policy's value has a variable that stands for nothing.
    Never,
}

impl Wanted {
    /// Compiles a value; `None` when it can never match.
    pub(crate) fn new(family: Family, text: &str, variables: bool) -> Option<Self> {
        Some(match family {
            Family::Text { like: true, .. } => Self::Text(Pattern::wild(text, variables)),
            Family::Text { like: false, .. } => Self::Text(Pattern::literal(text, variables)),
            Family::Number(_) => Self::Number(number(text)?),
            Family::Date(_) => Self::Date(date(text)?),
            Family::Boolean | Family::Null => Self::Boolean(boolean(text)?),
            Family::Binary => Self::Bytes(bytes(text)?),
            Family::Address => network(text)?,
            Family::Arn => Self::Arn(ArnPattern::new(text, variables)),
        })
    }

    pub(crate) fn compare(&self, family: Family, value: &str, scope: &Scope<'_>) -> Hit {
        Hit::Is(Truth::from(match (self, family) {
            (Self::Text(pattern), Family::Text { ignore_case, .. }) => {
                return text(pattern, value, ignore_case, scope);
            }
            (Self::Arn(pattern), _) => return Hit::Is(pattern.matches(value, false, scope)),
            (Self::Number(wanted), Family::Number(order)) => number(value)
                .and_then(|found| found.partial_cmp(wanted))
                .is_some_and(in_order(order)),
            (Self::Date(wanted), Family::Date(order)) => {
                date(value).map(|found| found.cmp(wanted)).is_some_and(in_order(order))
            }
            (Self::Boolean(wanted), _) => boolean(value) == Some(*wanted),
            (Self::Bytes(wanted), _) => bytes(value).as_ref() == Some(wanted),
            (Self::Network { address, bits }, _) => {
                value.parse().is_ok_and(|found| contains(*address, *bits, found))
            }
            _ => false,
        }))
    }
}

fn text(pattern: &Pattern, value: &str, ignore_case: bool, scope: &Scope<'_>) -> Hit {
    let matches = |glob: &Glob| match (ignore_case, glob) {
        (false, glob) => glob.matches(value),
        (true, Glob::Exact(exact)) => exact.to_lowercase() == value.to_lowercase(),
        (true, glob) => glob.matches_ignoring_case(value),
    };
    match pattern.resolve(scope) {
        Resolved::Fixed(glob) => Hit::Is(Truth::from(matches(glob))),
        Resolved::Filled(glob) => Hit::Is(Truth::from(matches(&glob))),
        Resolved::Never => Hit::Never,
        Resolved::Unknown => Hit::Is(Truth::Depends),
    }
}

fn in_order(order: Order) -> impl Fn(Ordering) -> bool {
    move |found| match order {
        Order::Equal => found == Ordering::Equal,
        Order::Less => found == Ordering::Less,
        Order::LessOrEqual => found != Ordering::Greater,
        Order::Greater => found == Ordering::Greater,
        Order::GreaterOrEqual => found != Ordering::Less,
    }
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse::<f64>().ok().filter(|number| number.is_finite())
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    base64::engine::general_purpose::STANDARD.decode(text).ok()
}

/// ISO 8601 (a date, or a date with a time; without an offset it is UTC), or seconds since 1970.
fn date(text: &str) -> Option<i128> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<i64>() {
        // A year alone is a date as well; four digits are one, more are seconds.
        if text.len() != 4 {
            return Some(i128::from(seconds) * 1_000_000_000);
        }
        return date(&format!("{text}-01-01"));
    }
    if let Ok(timestamp) = text.parse::<jiff::Timestamp>() {
        return Some(timestamp.as_nanosecond());
    }
    let civil = text.parse::<jiff::civil::DateTime>().ok()?;
    Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_nanosecond())
}

fn network(text: &str) -> Option<Wanted> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let width = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(width);
    (bits <= width).then_some(Wanted::Network { address, bits })
}

fn contains(network: IpAddr, bits: u8, address: IpAddr) -> bool {
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            let shift = 32u32.saturating_sub(u32::from(bits));
            let cut = |a: std::net::Ipv4Addr| a.to_bits().checked_shr(shift).unwrap_or(0);
            cut(network) == cut(address)
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            let shift = 128u32.saturating_sub(u32::from(bits));
            let cut = |a: std::net::Ipv6Addr| a.to_bits().checked_shr(shift).unwrap_or(0);
            cut(network) == cut(address)
        }
        _ => false,
    }
}
