//! Points in time as people type them: a date, a time, `now`, how long before now.
//! Which times a command takes is the command's.

use jiff::Timestamp;
use yagura_content::format::{ParameterKind, QueryValue};

use crate::output::Hinted;

/// Reads a time.
///
/// # Errors
/// When it is none; the hint says how times are written.
pub(crate) fn read(text: &str, now: Timestamp) -> anyhow::Result<Timestamp> {
    match ParameterKind::Time.read(text.trim(), now) {
        Some(QueryValue::Time(time)) => Ok(time),
        _ => Err(anyhow::Error::new(Hinted::new(
            format!("`{text}` is not a time"),
            "write 2026-11-01, 2026-11-01T09:00:00+09:00, `now`, or how long ago: -7d, -12h, -30m",
        ))),
    }
}

/// Reads a time where one was given.
pub(crate) fn read_some(text: Option<&str>, now: Timestamp) -> anyhow::Result<Option<Timestamp>> {
    text.map(|text| read(text, now)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_people_type_it() {
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        assert_eq!(read("-1d", now).unwrap().to_string(), "2026-11-20T12:00:00Z");
        assert_eq!(read_some(None, now).unwrap(), None);
        assert!(read("last tuesday", now).unwrap_err().to_string().contains("`last tuesday`"));
    }
}
