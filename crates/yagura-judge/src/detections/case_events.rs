//! Events of cases: laid over the source's base record, with times and names where they have none,
//! and put into batches as a log would bring them.
//! Cases are run in `cases.rs`.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};
use yagura_content::Content;
use yagura_content::format::{DetectionCase, DetectionRepeat, RecordFormat, Source};
use yagura_model::event::{BatchBuilder, EventBatch, Origin};
use yagura_model::source::{FieldPath, FieldStep, TimeFormat};

/// What the key of an object tells rather than a record; in a base record and in events such
/// members begin with `@`.
const KEY_FIELDS: [&str; 8] =
    ["account", "region", "owner", "log_group", "log_stream", "vpc", "peer", "distribution"];

/// How far apart events are that have no time, in microseconds.
const STEP_US: i64 = 60_000_000;

/// A source that events of cases are of.
pub(super) struct CaseSource<'c> {
    source: &'c Source,
    base: &'c Map<String, Value>,
    /// Text logs know no numbers.
    is_text: bool,
    /// Where the time stands, and how the base record writes it.
    time: Option<(FieldPath, String)>,
}

impl<'c> CaseSource<'c> {
    pub(super) fn of(content: &'c Content, id: &str) -> Option<Self> {
        let source: &Source = content.sources.get(id)?;
        let base: &Map<String, Value> = content.case_records.get(id)?;
        let plain =
            |format: &RecordFormat| !matches!(format, RecordFormat::Json | RecordFormat::Parquet);
        let is_text = source.formats.iter().any(plain);
        let paths = source.table().shared.time.from.iter().filter_map(|from| from.path());
        let time = paths.filter_map(|path| match find(base, &path.steps)? {
            Value::String(text) => Some((path.clone(), text.clone())),
            Value::Number(number) => Some((path.clone(), number.to_string())),
            _ => None,
        });
        let time = time.into_iter().next();
        Some(Self { source, base, is_text, time })
    }

    /// The events of a case, each in a batch of its own.
    pub(super) fn batches(&self, case: &DetectionCase) -> Vec<EventBatch> {
        let mut clock_us = self
            .time
            .as_ref()
            .and_then(|(_, text)| TimeFormat::Any.micros(text).or(TimeFormat::Clf.micros(text)))
            .unwrap_or(0);
        let mut batches = Vec::with_capacity(case.events_len());
        let mut push = |event: &Map<String, Value>, step_us: i64| {
            batches.push(self.batch(event, clock_us, batches.len()));
            clock_us = clock_us.saturating_add(step_us);
        };
        if let Some(event) = &case.event {
            push(event, STEP_US);
        }
        for repeat in case.repeat.iter().chain(&case.repeats) {
            for number in 1..=repeat.count {
                push(&varied(repeat, number), repeat.every.0);
            }
        }
        for event in &case.events {
            push(event, STEP_US);
        }
        batches
    }

    fn batch(&self, event: &Map<String, Value>, clock_us: i64, number: usize) -> EventBatch {
        let mut record = self.base.clone();
        merge(&mut record, event);
        let mut key_fields = Vec::new();
        for name in KEY_FIELDS {
            if let Some(Value::String(value)) = record.shift_remove(&format!("@{name}")) {
                key_fields.push((name.to_owned(), value));
            }
        }
        if let Some((path, like)) = &self.time
            && find(event, &path.steps).is_none()
        {
            set(&mut record, &path.steps, &written(like, clock_us));
        }
        if let Some(path) = self.source.table().identity.first()
            && find(event, &path.steps).is_none()
            && let Some(Value::String(base)) = find(self.base, &path.steps)
        {
            set(&mut record, &path.steps, &format!("{base}-{number}"));
        }
        if self.is_text {
            record.values_mut().for_each(textual);
        }
        let origin = Origin { object: format!("case/{number}").into(), key_fields };
        let mut builder = BatchBuilder::new(Arc::new(origin));
        // A JSON object of ours is one.
        let _ = builder.push_json(Value::Object(record).to_string().as_bytes());
        builder.finish()
    }
}

fn varied(repeat: &DetectionRepeat, number: u32) -> Map<String, Value> {
    let mut event = repeat.event.clone();
    for (path, template) in &repeat.vary {
        let text = template.replace("{n}", &number.to_string());
        let steps: Vec<FieldStep> =
            path.split('.').map(|key| FieldStep::Key(key.to_owned())).collect();
        set(&mut event, &steps, &text);
    }
    event
}

/// Lays a map over another: maps are joined, a null takes a member away, anything else replaces.
fn merge(into: &mut Map<String, Value>, from: &Map<String, Value>) {
    for (key, value) in from {
        match (into.get_mut(key), value) {
            (_, Value::Null) => {
                into.shift_remove(key);
            }
            (Some(Value::Object(mine)), Value::Object(theirs)) => merge(mine, theirs),
            (_, Value::Object(theirs)) => {
                let mut mine = Map::new();
                merge(&mut mine, theirs);
                into.insert(key.clone(), Value::Object(mine));
            }
            (_, value) => {
                into.insert(key.clone(), value.clone());
            }
        }
    }
}

/// The value at the end of steps through objects.
fn find<'v>(map: &'v Map<String, Value>, steps: &[FieldStep]) -> Option<&'v Value> {
    let (FieldStep::Key(key), rest) = steps.split_first()? else { return None };
    let value = map.get(key)?;
    if rest.is_empty() { Some(value) } else { find(value.as_object()?, rest) }
}

/// Sets a text at the end of steps through objects, which are made where they are missing. A
/// number that was there stays a number.
fn set(map: &mut Map<String, Value>, steps: &[FieldStep], text: &str) {
    let Some((FieldStep::Key(key), rest)) = steps.split_first() else { return };
    if rest.is_empty() {
        let number = match map.get(key) {
            Some(Value::Number(_)) => text.parse::<i64>().ok().map(Value::from),
            _ => None,
        };
        map.insert(key.clone(), number.unwrap_or_else(|| Value::from(text)));
        return;
    }
    let inner = map.entry(key.clone()).or_insert_with(|| Value::Object(Map::new()));
    if !inner.is_object() {
        *inner = Value::Object(Map::new());
    }
    if let Value::Object(inner) = inner {
        set(inner, rest, text);
    }
}

/// A time written as another is.
fn written(like: &str, micros: i64) -> String {
    let seconds = micros / 1_000_000;
    if like.bytes().all(|byte| byte.is_ascii_digit()) {
        return match like.len() {
            ..=11 => seconds.to_string(),
            12..=14 => (micros / 1_000).to_string(),
            _ => micros.to_string(),
        };
    }
    let Ok(time) = Timestamp::from_microsecond(micros) else { return like.to_owned() };
    let zoned = time.to_zoned(jiff::tz::TimeZone::UTC);
    let format = if like.contains('/') {
        "%d/%b/%Y:%H:%M:%S +0000"
    } else if like.ends_with(" UTC") {
        "%Y-%m-%d %H:%M:%S UTC"
    } else if !like.contains('-') {
        "%Y%m%d %H:%M:%S"
    } else {
        return format!("{time:.6}");
    };
    zoned.strftime(format).to_string()
}

/// Numbers and truth values as their texts, as a text log has them.
fn textual(value: &mut Value) {
    match value {
        Value::Number(_) | Value::Bool(_) => *value = Value::from(value.to_string()),
        Value::Array(items) => items.iter_mut().for_each(textual),
        Value::Object(members) => members.values_mut().for_each(textual),
        Value::Null | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_the_base_record_writes_them() {
        let micros = 1_795_237_921_500_000;
        for (like, expected) in [
            ("1795237200", "1795237921"),
            ("1795237200000", "1795237921500"),
            ("1795237200000000", "1795237921500000"),
            ("2026-11-21T05:00:00Z", "2026-11-21T05:12:01.500000Z"),
            ("21/Nov/2026:05:00:00 +0000", "21/Nov/2026:05:12:01 +0000"),
            ("2026-11-21 05:00:00 UTC", "2026-11-21 05:12:01 UTC"),
            ("20261121 05:00:00", "20261121 05:12:01"),
        ] {
            assert_eq!(written(like, micros), expected, "{like}");
        }
    }

    #[test]
    fn events_are_laid_over_the_base_record() {
        let map = |text: &str| serde_json::from_str::<Map<String, Value>>(text).unwrap();
        let mut base = map(r#"{"a":{"b":1,"c":2},"d":[1],"e":"x"}"#);
        merge(&mut base, &map(r#"{"a":{"b":null,"n":{"m":3,"o":null}},"d":[2],"f":"y"}"#));
        let expected = map(r#"{"a":{"c":2,"n":{"m":3}},"d":[2],"e":"x","f":"y"}"#);
        assert_eq!(base, expected);
    }
}
