//! What the form of `/logs` says: the SQL, the span of time, the saved query with its values.
//! It is all in the address, so that a question can be shared.

use std::collections::BTreeMap;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use yagura_content::Content;
use yagura_content::format::{QueryFault, QueryValue};
use yagura_report::words;

use crate::ports::{AskFault, Question};
use crate::viewer::Viewer;

/// Quick spans: the word, and how far back in minutes.
pub(super) const SPANS: [(&str, i64); 5] =
    [("15m", 15), ("1h", 60), ("24h", 1_440), ("7d", 10_080), ("30d", 43_200)];
/// All times.
pub(super) const ALL: &str = "all";
/// From and to, as written.
pub(super) const OWN: &str = "own";
/// The span of a question that names none.
const USUAL: &str = "7d";
/// Characters of a question at most.
const SQL_MAX: usize = 50_000;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Todo {
    /// Only show the form.
    Look,
    /// Say what it would read.
    Estimate,
    /// Answer it.
    Answer,
}

/// The form as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) sql: String,
    /// A saved query that there is.
    pub(super) saved: Option<String>,
    /// Values of its parameters, by name.
    pub(super) values: BTreeMap<String, String>,
    /// One of [`SPANS`], [`ALL`], [`OWN`].
    pub(super) range: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) todo: Todo,
    /// Up to how many bytes the asker agreed to read.
    pub(super) sure: u64,
    /// What tables and columns are looked for.
    pub(super) find: String,
    /// The columns of the chart.
    pub(super) x: Option<String>,
    pub(super) y: Option<String>,
}

impl Asked {
    /// Reads a query.
    pub(super) fn of(pairs: &[(String, String)], content: &Content) -> Self {
        let one = |name: &str| {
            let found = pairs.iter().rev().find(|(known, _)| known == name);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let some = |name: &str| Some(one(name)).filter(|value| !value.is_empty());
        let saved = some("saved").filter(|id| content.queries.contains_key(id));
        let load = one("do") == "load";
        let sql = match &saved {
            // Browsers send line ends as CR LF.
            Some(id) if load || one("sql").trim().is_empty() => {
                content.queries.get(id).map(|query| query.sql.value.trim().to_owned())
            }
            _ => Some(one("sql").replace("\r\n", "\n")),
        };
        let sql = sql.unwrap_or_default();
        let known = |range: &String| {
            SPANS.iter().any(|(word, _)| word == range) || range == ALL || range == OWN
        };
        // Saved queries say their span themselves.
        let usual = if saved.is_some() { ALL } else { USUAL };
        let range = match some("range").filter(known) {
            Some(range) if !(load && saved.is_some()) => range,
            _ => usual.to_owned(),
        };
        let values = pairs
            .iter()
            .filter_map(|(name, value)| Some((name.strip_prefix("p.")?.to_owned(), value.clone())));
        let todo = match one("do").as_str() {
            "ask" if !sql.trim().is_empty() => Todo::Answer,
            "estimate" if !sql.trim().is_empty() => Todo::Estimate,
            _ => Todo::Look,
        };
        Self {
            values: if load { BTreeMap::new() } else { values.collect() },
            sql,
            saved,
            range,
            from: one("from"),
            to: one("to"),
            todo,
            sure: one("sure").parse().unwrap_or_default(),
            find: one("find"),
            x: some("x"),
            y: some("y"),
        }
    }

    /// The question that is meant.
    pub(super) fn question(
        &self,
        content: &Content,
        viewer: &Viewer,
        now: Timestamp,
        rows_max: u64,
    ) -> Result<Question, AskFault> {
        if self.sql.len() > SQL_MAX {
            let n = yagura_report::grouped(SQL_MAX as u64);
            return Err(wrong(viewer, "console_logs.fault.long", &[("n", &n)]));
        }
        let (since, until) = self.span(viewer, now)?;
        let parameters = self.parameters(content, viewer, now)?;
        let (sql, lang) = (self.sql.clone(), viewer.lang);
        Ok(Question { sql, since, until, parameters, rows_max, lang })
    }

    /// From and to.
    fn span(
        &self,
        viewer: &Viewer,
        now: Timestamp,
    ) -> Result<(Option<Timestamp>, Option<Timestamp>), AskFault> {
        if let Some((_, minutes)) = SPANS.iter().find(|(word, _)| *word == self.range) {
            let since = now.checked_sub(SignedDuration::from_mins(*minutes)).ok();
            return Ok((since, None));
        }
        if self.range == ALL {
            return Ok((None, None));
        }
        let read = |text: &str| match text {
            "" => Ok(None),
            text => moment(text, &viewer.zone)
                .map(Some)
                .ok_or_else(|| wrong(viewer, "console_logs.fault.time", &[("value", &text)])),
        };
        let (since, until) = (read(&self.from)?, read(&self.to)?);
        if since.zip(until).is_some_and(|(since, until)| since >= until) {
            return Err(wrong(viewer, "console_logs.fault.span", &[]));
        }
        Ok((since, until))
    }

    fn parameters(
        &self,
        content: &Content,
        viewer: &Viewer,
        now: Timestamp,
    ) -> Result<Vec<(String, QueryValue)>, AskFault> {
        let Some(query) = self.saved.as_ref().and_then(|id| content.queries.get(id)) else {
            return Ok(Vec::new());
        };
        // What was left empty has its default; an empty text is no value that a form can send.
        let given = self.values.iter().filter(|(name, value)| {
            !value.is_empty() && query.parameters.0.iter().any(|(known, _)| known.value == **name)
        });
        let given = given.map(|(name, value)| (name.clone(), value.clone())).collect();
        query.values(&given, now).map_err(|fault| match &fault {
            QueryFault::Missing { name, .. } => {
                wrong(viewer, "console_logs.fault.missing", &[("name", name)])
            }
            QueryFault::Value { name, value, .. } => {
                wrong(viewer, "console_logs.fault.value", &[("name", name), ("value", value)])
            }
            QueryFault::Unknown { name, .. } => {
                wrong(viewer, "console_logs.fault.unknown", &[("name", name)])
            }
        })
    }
}

/// A time as a field for times sends it, in a zone; or as RFC 3339.
fn moment(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    let local: DateTime = text.parse().ok()?;
    Some(local.to_zoned(zone.clone()).ok()?.timestamp())
}

/// A fault of what was filled in, in the asker's language.
fn wrong(viewer: &Viewer, key: &str, values: &[(&str, &dyn std::fmt::Display)]) -> AskFault {
    let message = words(viewer.lang).fill(key, values);
    AskFault { message, hint: None, at: None, askers: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &[(&str, &str)]) -> Vec<(String, String)> {
        text.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn times_are_of_the_zone_unless_they_say_otherwise() {
        let tokyo = TimeZone::get("Asia/Tokyo").unwrap();
        let check = |text: &str, expected: Option<&str>| {
            let found = moment(text, &tokyo).map(|time| time.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        };
        check("2026-11-22T09:00", Some("2026-11-22T00:00:00Z"));
        check("2026-11-22T09:00:30", Some("2026-11-22T00:00:30Z"));
        check("2026-11-22T09:00Z", Some("2026-11-22T09:00:00Z"));
        check("yesterday", None);
    }

    #[test]
    fn a_saved_query_brings_its_sql_until_somebody_changes_it() {
        let content = Content::builtin();
        let id = "identity.new_principals";
        let whole = content.queries[id].sql.value.trim().to_owned();
        let load = pairs(&[("saved", id), ("do", "load"), ("sql", "SELECT 1")]);
        assert_eq!(Asked::of(&load, content).sql, whole);
        let kept = pairs(&[("saved", id), ("do", "ask"), ("sql", "SELECT\r\n1")]);
        let asked = Asked::of(&kept, content);
        assert_eq!((asked.sql.as_str(), asked.todo), ("SELECT\n1", Todo::Answer));
        assert_eq!(Asked::of(&pairs(&[("saved", "no.such")]), content).saved, None);
        assert_eq!(Asked::of(&pairs(&[("do", "ask")]), content).todo, Todo::Look);
    }
}
