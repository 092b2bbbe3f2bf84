//! Functions on time: `timestamp`, `duration`, `days`.
//! Arithmetic on their results is in `operators.rs`; the current time is the variable `now`.

use jiff::{SignedDuration, Timestamp};

use super::mismatch;
use crate::expression::value::Val;

/// The longest span, in days: ten thousand years. Longer ones are a mistake.
const DAYS_MAX: i64 = 3_652_500;

/// An RFC 3339 text, or seconds since 1970, as a point in time.
pub(super) fn timestamp<'a>(x: &Val<'a>) -> Val<'a> {
    let parsed = match x {
        Val::Time(time) => return Val::Time(*time),
        Val::Int(seconds) => Timestamp::from_second(*seconds).ok(),
        Val::Double(seconds) => SignedDuration::try_from_secs_f64(*seconds)
            .ok()
            .and_then(|since| Timestamp::from_duration(since).ok()),
        other => match other.as_text() {
            Some(text) => text.parse().ok(),
            None => return mismatch("timestamp", x),
        },
    };
    parsed.map_or_else(
        || Val::problem("`timestamp` got what is no time (2026-11-21T00:00:00Z is one)"),
        Val::Time,
    )
}

/// A text such as `36h`, `90m`, `1.5s` as a span of time.
pub(super) fn duration<'a>(x: &Val<'a>) -> Val<'a> {
    if let Val::Span(span) = x {
        return Val::Span(*span);
    }
    let Some(text) = x.as_text() else { return mismatch("duration", x) };
    text.parse::<SignedDuration>().map_or_else(
        |_| Val::problem("`duration` got what is no duration (`36h` is one)"),
        Val::Span,
    )
}

/// A number of days of 24 hours.
pub(super) fn days<'a>(x: &Val<'a>) -> Val<'a> {
    match x {
        Val::Int(count) if (-DAYS_MAX..=DAYS_MAX).contains(count) => {
            Val::Span(SignedDuration::from_hours(count * 24))
        }
        Val::Int(_) => Val::problem("`days` got more than ten thousand years"),
        other => mismatch("days", other),
    }
}
