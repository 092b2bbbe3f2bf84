//! Saved queries: `queries/<topic>/<question>.yaml`, SQL with named parameters and prose.
//! They are planned and run in `yagura-lake`.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use yagura_model::Prose;

use super::ordered::Ordered;
use crate::place::Placed;

/// A saved query: `content/queries/<topic>/<question>.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedQuery {
    /// From the path: `s3.object_readers`.
    #[serde(skip)]
    pub id: String,
    /// What it is called.
    pub title: Placed<Prose>,
    /// The question that it answers.
    pub question: Placed<Prose>,
    /// How to read the answer, and what it does not tell.
    pub reading: Placed<Prose>,
    /// The sources that it reads.
    #[serde(default)]
    pub sources: Vec<Placed<String>>,
    /// Whether it reads the inventory too (`resources` and the tables of the types).
    #[serde(default)]
    pub inventory: bool,
    /// By name; `$name` in the SQL.
    #[serde(default)]
    pub parameters: Ordered<QueryParameter>,
    /// The columns of the answer in order, explained.
    pub columns: Ordered<Placed<Prose>>,
    /// One SELECT statement, in the dialect of DataFusion.
    pub sql: Placed<String>,
}

/// A parameter of a saved query.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryParameter {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: ParameterKind,
    /// As a user would type it; none: it must be given.
    #[serde(default)]
    pub default: Option<Placed<String>>,
    /// What it means.
    pub title: Placed<Prose>,
}

/// What the value of a parameter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParameterKind {
    /// Text, whole.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Real,
    /// A point in time: RFC 3339, a date, `now`, or how long before: `-7d`, `-12h`, `-30m`.
    Time,
}

/// The value of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum QueryValue {
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number.
    Real(f64),
    /// A point in time.
    Time(Timestamp),
}

/// Why a saved query cannot be run as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryFault {
    /// The user gave a name that the query does not have.
    #[error("the query `{query}` has no parameter `{name}` (it has: {known})")]
    Unknown {
        /// The query's id.
        query: String,
        /// What was given.
        name: String,
        /// What it has.
        known: String,
    },
    /// The user did not give what has no default.
    #[error("the query `{query}` needs the parameter `{name}`")]
    Missing {
        /// The query's id.
        query: String,
        /// What it needs.
        name: String,
    },
    /// What was given is not of the parameter's type.
    #[error("`{value}` is not {expected}, which the parameter `{name}` is")]
    Value {
        /// The parameter.
        name: String,
        /// What was given.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
}

impl ParameterKind {
    /// Reads a value as a user types it.
    pub fn read(self, text: &str, now: Timestamp) -> Option<QueryValue> {
        match self {
            Self::Text => Some(QueryValue::Text(text.to_owned())),
            Self::Integer => text.trim().parse().ok().map(QueryValue::Integer),
            Self::Real => {
                let number: f64 = text.trim().parse().ok()?;
                number.is_finite().then_some(QueryValue::Real(number))
            }
            Self::Time => time(text.trim(), now).map(QueryValue::Time),
        }
    }

    fn expected(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Integer => "a whole number",
            Self::Real => "a number",
            Self::Time => "a time (RFC 3339, a date, `now`, `-7d`, `-12h`, `-30m`)",
        }
    }
}

fn time(text: &str, now: Timestamp) -> Option<Timestamp> {
    if text == "now" {
        return Some(now);
    }
    if let Some(before) = text.strip_prefix('-') {
        let unit = before.chars().next_back()?;
        let count: i64 = before.strip_suffix(unit)?.parse().ok().filter(|count| *count >= 0)?;
        let seconds = match unit {
            'd' => 86_400,
            'h' => 3_600,
            'm' => 60,
            _ => return None,
        };
        let before = SignedDuration::from_secs(count.checked_mul(seconds)?);
        return now.checked_sub(before).ok();
    }
    if let Ok(date) = text.parse::<jiff::civil::Date>()
        && text.len() == 10
    {
        return Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp());
    }
    text.parse().ok()
}

impl SavedQuery {
    /// The value of every parameter, in the order of the file, from what the user gave as text.
    ///
    /// # Errors
    /// A name that the query does not have, a parameter that is needed and not given, a text
    /// that is not of the parameter's type.
    pub fn values(
        &self,
        given: &BTreeMap<String, String>,
        now: Timestamp,
    ) -> Result<Vec<(String, QueryValue)>, QueryFault> {
        let names = || self.parameters.0.iter().map(|(name, _)| name.as_str());
        if let Some(name) = given.keys().find(|name| !names().any(|known| known == *name)) {
            let known = names().collect::<Vec<_>>().join(", ");
            return Err(QueryFault::Unknown { query: self.id.clone(), name: name.clone(), known });
        }
        let mut values = Vec::with_capacity(self.parameters.0.len());
        for (name, parameter) in &self.parameters.0 {
            let default = parameter.default.as_ref().map(|default| &default.value);
            let Some(text) = given.get(name.as_str()).or(default) else {
                let name = name.value.clone();
                return Err(QueryFault::Missing { query: self.id.clone(), name });
            };
            let value = parameter.kind.read(text, now).ok_or_else(|| QueryFault::Value {
                name: name.value.clone(),
                value: text.chars().take(200).collect(),
                expected: parameter.kind.expected(),
            })?;
            values.push((name.value.clone(), value));
        }
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-21T12:00:00Z".parse().unwrap()
    }

    #[expect(clippy::needless_pass_by_value, reason = "expected values read best as literals")]
    fn check(kind: ParameterKind, text: &str, expected: Option<QueryValue>) {
        assert_eq!(kind.read(text, now()), expected, "{text}");
    }

    #[test]
    fn values_are_read_as_users_type_them() {
        let at = |text: &str| Some(QueryValue::Time(text.parse().unwrap()));
        check(ParameterKind::Time, "-7d", at("2026-11-14T12:00:00Z"));
        check(ParameterKind::Time, "-90m", at("2026-11-21T10:30:00Z"));
        check(ParameterKind::Time, "now", at("2026-11-21T12:00:00Z"));
        check(ParameterKind::Time, "2026-11-01", at("2026-11-01T00:00:00Z"));
        check(ParameterKind::Time, "2026-11-01T09:00:00+09:00", at("2026-11-01T00:00:00Z"));
        check(ParameterKind::Integer, "12", Some(QueryValue::Integer(12)));
        check(ParameterKind::Real, "0.5", Some(QueryValue::Real(0.5)));
        check(ParameterKind::Text, " a ", Some(QueryValue::Text(" a ".into())));
    }

    #[test]
    fn what_is_not_of_the_type_is_refused() {
        for text in ["", "-", "-d", "--1d", "-1y", "yesterday", "-99999999999999999d", "-1é"] {
            check(ParameterKind::Time, text, None);
        }
        check(ParameterKind::Integer, "1.5", None);
        check(ParameterKind::Real, "NaN", None);
    }
}
