//! Scalars on the wire: timestamps in their three formats, floating-point numbers, bytes.
//! Where they stand in a message is the protocols' business.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Number, Value};

use crate::api::{Kind, Shape, TimestampFormat};

/// Bytes as base64, the form they have in our JSON and in every AWS protocol's text.
#[must_use]
pub fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Bytes of a base64 text; `None` if it is not one.
#[must_use]
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text.trim()).ok()
}

/// Writes a time of our JSON (RFC 3339) in a wire format; `None` if it is not a time.
#[must_use]
pub fn format_timestamp(text: &str, format: TimestampFormat) -> Option<String> {
    let time: Timestamp = text.parse().ok()?;
    Some(match format {
        TimestampFormat::Iso8601 => time.to_string(),
        TimestampFormat::UnixSeconds => unix_seconds(time),
        TimestampFormat::HttpDate => {
            time.to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
        }
    })
}

/// Seconds since 1970 as a JSON number: an integer where there is no fraction.
#[must_use]
pub fn unix_number(text: &str) -> Option<Number> {
    let seconds = format_timestamp(text, TimestampFormat::UnixSeconds)?;
    match seconds.parse::<i64>() {
        Ok(whole) => Some(Number::from(whole)),
        Err(_) => Number::from_f64(seconds.parse().ok()?),
    }
}

fn unix_seconds(time: Timestamp) -> String {
    let microseconds = time.as_microsecond();
    let (whole, fraction) = (microseconds / 1_000_000, microseconds % 1_000_000);
    if fraction == 0 {
        return whole.to_string();
    }
    let sign = if microseconds < 0 { "-" } else { "" };
    let digits = format!("{:06}", fraction.unsigned_abs());
    format!("{sign}{}.{}", whole.unsigned_abs(), digits.trim_end_matches('0'))
}

/// Reads a time in any wire format into RFC 3339 in UTC; `None` if it is none.
///
/// AWS services are not strict about the format that their model names, so all are tried, as
/// AWS's own clients do.
#[must_use]
pub fn parse_timestamp(text: &str) -> Option<String> {
    let text = text.trim();
    if let Some(time) = parse_unix(text) {
        return Some(time.to_string());
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.to_string());
    }
    // An ISO date and time without a zone is in UTC.
    if let Ok(plain) = text.parse::<jiff::civil::DateTime>() {
        return plain.to_zoned(TimeZone::UTC).ok().map(|time| time.timestamp().to_string());
    }
    // `+0900` without a colon.
    for format in ["%Y-%m-%dT%H:%M:%S%.f%z", "%a, %d %b %Y %H:%M:%S %z"] {
        if let Ok(time) = Timestamp::strptime(format, text) {
            return Some(time.to_string());
        }
    }
    let plain = text.strip_suffix("GMT").or_else(|| text.strip_suffix("UTC"))?.trim_end();
    let plain = jiff::civil::DateTime::strptime("%a, %d %b %Y %H:%M:%S%.f", plain).ok()?;
    plain.to_zoned(TimeZone::UTC).ok().map(|time| time.timestamp().to_string())
}

/// Seconds since 1970, with or without a fraction, also as `1.7E9`.
fn parse_unix(text: &str) -> Option<Timestamp> {
    if !text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E')) {
        return None;
    }
    if text.contains(['e', 'E']) {
        let microseconds = text.parse::<f64>().ok()? * 1e6;
        let bounded = microseconds.is_finite() && microseconds.abs() < 9.2e18;
        return bounded.then(|| Timestamp::from_microsecond(microseconds.round() as i64).ok())?;
    }
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1i64, digits),
        None => (1, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    let seconds = whole.parse::<i64>().ok()?.checked_mul(sign)?;
    let nanoseconds = i32::try_from(fraction.parse::<i64>().ok()? * sign).ok()?;
    Timestamp::new(seconds, nanoseconds).ok()
}

/// Reads a scalar from text, as XML, headers and query strings carry it.
///
/// # Errors
/// What was expected instead.
pub(crate) fn parse_text(shape: Shape<'_>, text: &str) -> Result<Value, &'static str> {
    let trimmed = text.trim();
    match shape.kind() {
        Kind::String => Ok(Value::String(text.to_owned())),
        Kind::Boolean => match trimmed {
            "true" | "True" | "TRUE" | "1" => Ok(Value::Bool(true)),
            "false" | "False" | "FALSE" | "0" => Ok(Value::Bool(false)),
            _ => Err("true or false"),
        },
        Kind::Integer | Kind::Long => parse_integer(trimmed).ok_or("an integer"),
        Kind::Float | Kind::Double => parse_float(trimmed).ok_or("a number"),
        Kind::Timestamp => parse_timestamp(trimmed).map(Value::String).ok_or("a time"),
        Kind::Blob => {
            // Bytes are kept as AWS wrote them, line breaks removed, but must be base64.
            let compact: String = trimmed.split_ascii_whitespace().collect();
            from_base64(&compact).map(|_| Value::String(compact)).ok_or("bytes in base64")
        }
        Kind::Structure | Kind::List | Kind::Map => Err("a scalar"),
    }
}

fn parse_integer(text: &str) -> Option<Value> {
    if let Ok(number) = text.parse::<i64>() {
        return Some(Value::from(number));
    }
    if let Ok(number) = text.parse::<u64>() {
        return Some(Value::from(number));
    }
    // Some services write `5.0`.
    let number = text.parse::<f64>().ok().filter(|number| number.fract() == 0.0)?;
    (number.abs() < 9.0e15).then(|| Value::from(number as i64))
}

fn parse_float(text: &str) -> Option<Value> {
    match text {
        "NaN" | "Infinity" | "-Infinity" => Some(Value::String(text.to_owned())),
        _ => Number::from_f64(text.parse().ok()?).map(Value::Number),
    }
}

/// Writes a scalar as text; `None` if the value is not a scalar of this shape.
pub(crate) fn to_text(shape: Shape<'_>, value: &Value, default: TimestampFormat) -> Option<String> {
    match (shape.kind(), value) {
        (Kind::Timestamp, Value::String(text)) => {
            format_timestamp(text, shape.timestamp_format().unwrap_or(default))
        }
        (_, Value::String(text)) => Some(text.clone()),
        (_, Value::Bool(truth)) => Some(truth.to_string()),
        (_, Value::Number(number)) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_format_aws_uses() {
        for (text, expected) in [
            ("2026-11-21T19:50:00Z", "2026-11-21T19:50:00Z"),
            ("2026-11-21T19:50:00.123Z", "2026-11-21T19:50:00.123Z"),
            ("2026-11-21T19:50:00.123456+09:00", "2026-11-21T10:50:00.123456Z"),
            ("2026-11-21T19:50:00+0900", "2026-11-21T10:50:00Z"),
            ("2026-11-21T19:50:00", "2026-11-21T19:50:00Z"),
            ("1763754600", "2025-11-21T19:50:00Z"),
            ("1763754600.5", "2025-11-21T19:50:00.5Z"),
            ("1.7637546E9", "2025-11-21T19:50:00Z"),
            ("-1", "1969-12-31T23:59:59Z"),
            ("Sat, 21 Nov 2026 19:50:00 GMT", "2026-11-21T19:50:00Z"),
            ("Sat, 21 Nov 2026 19:50:00 +0000", "2026-11-21T19:50:00Z"),
        ] {
            assert_eq!(parse_timestamp(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "yesterday", "99999999999999999999", "1e400", "NaN", "-", "2026-13-01"] {
            assert_eq!(parse_timestamp(text), None, "{text}");
        }
    }

    #[test]
    fn times_are_written_in_three_formats() {
        for (format, expected) in [
            (TimestampFormat::Iso8601, "2026-11-21T19:50:00.25Z"),
            (TimestampFormat::UnixSeconds, "1795290600.25"),
            (TimestampFormat::HttpDate, "Sat, 21 Nov 2026 19:50:00 GMT"),
        ] {
            let text = format_timestamp("2026-11-21T19:50:00.25Z", format);
            assert_eq!(text.as_deref(), Some(expected));
        }
        assert_eq!(unix_number("1969-12-31T23:59:58.5Z"), Number::from_f64(-1.5));
        assert_eq!(format_timestamp("soon", TimestampFormat::Iso8601), None);
    }
}
