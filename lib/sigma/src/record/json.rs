//! A record that is a tree of `serde_json` values.
//! It shows what each method of the trait must do; a quicker form is the caller's.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::{FieldPath, ObjectText, Record, Value};
use crate::text::time;

/// A JSON value as a record. Keys that contain dots are found as well.
#[derive(Clone, Copy, Debug)]
pub struct JsonRecord<'a> {
    json: &'a Json,
    id: &'a str,
    time_us: Option<i64>,
}

impl<'a> JsonRecord<'a> {
    /// A record without name and time: it can match rules but takes no part in correlations.
    #[must_use]
    pub fn new(json: &'a Json) -> Self {
        Self { json, id: "", time_us: None }
    }

    /// A record whose name and time stand in top-level fields of it (CloudTrail: `eventID`,
    /// `eventTime`). The time is RFC 3339 or an epoch in seconds, milliseconds or microseconds.
    #[must_use]
    pub fn with_fields(json: &'a Json, id_field: &str, time_field: &str) -> Self {
        let id = json.get(id_field).and_then(Json::as_str).unwrap_or_default();
        let time_us = json.get(time_field).and_then(|value| match value {
            Json::String(text) => time::instant(text),
            Json::Number(number) => time::instant(&number.to_string()),
            _ => None,
        });
        Self { json, id, time_us }
    }
}

impl Record for JsonRecord<'_> {
    fn read(&self, path: &FieldPath, visit: &mut dyn FnMut(Value<'_>)) {
        walk(self.json, path, 0, visit);
    }

    fn read_all(&self, visit: &mut dyn FnMut(Value<'_>)) {
        leaves(self.json, visit);
    }

    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.id)
    }

    fn time_us(&self) -> Option<i64> {
        self.time_us
    }
}

fn walk(json: &Json, path: &FieldPath, depth: usize, visit: &mut dyn FnMut(Value<'_>)) {
    match json {
        Json::Array(items) if items.is_empty() && depth == path.segments().len() => {
            visit(Value::EmptyList);
        }
        Json::Array(items) => items.iter().for_each(|item| walk(item, path, depth, visit)),
        Json::Object(object) => {
            let Some(segment) = path.segment(depth) else {
                visit(Value::Object(json));
                return;
            };
            if let Some(value) = object.get(segment) {
                walk(value, path, depth + 1, visit);
            } else if depth + 1 < path.segments().len()
                && let Some(value) = object.get(path.rest(depth))
            {
                walk(value, path, path.segments().len(), visit);
            }
        }
        _ if depth == path.segments().len() => leaf(json, visit),
        _ => {}
    }
}

fn leaves(json: &Json, visit: &mut dyn FnMut(Value<'_>)) {
    match json {
        Json::Array(items) => items.iter().for_each(|item| leaves(item, visit)),
        Json::Object(object) => object.values().for_each(|value| leaves(value, visit)),
        Json::Null => {}
        _ => leaf(json, visit),
    }
}

fn leaf(json: &Json, visit: &mut dyn FnMut(Value<'_>)) {
    match json {
        Json::Null => visit(Value::Null),
        Json::Bool(value) => visit(Value::Boolean(*value)),
        Json::Number(number) => visit(Value::Number(&number.to_string())),
        Json::String(text) => visit(Value::Text(text)),
        Json::Array(_) | Json::Object(_) => {}
    }
}

impl ObjectText for Json {
    fn json(&self) -> Cow<'_, str> {
        Cow::Owned(self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str, path: &str) -> Vec<String> {
        let json: Json = serde_json::from_str(json).unwrap();
        let mut found = Vec::new();
        JsonRecord::new(&json).read(&FieldPath::new(path), &mut |value| {
            found.push(match value {
                Value::Null => "null".to_owned(),
                Value::EmptyList => "[]".to_owned(),
                other => other.text().unwrap().into_owned(),
            });
        });
        found
    }

    #[test]
    fn paths_go_into_objects_and_arrays() {
        let json = r#"{"a":{"b":1},"l":[{"x":"p"},{"x":["q","r"]},{"y":0}],"e":[],"n":null}"#;
        assert_eq!(read(json, "a.b"), ["1"]);
        assert_eq!(read(json, "a"), [r#"{"b":1}"#]);
        assert_eq!(read(json, "l.x"), ["p", "q", "r"]);
        assert_eq!(read(json, "e"), ["[]"]);
        assert_eq!(read(json, "n"), ["null"]);
        assert!(read(json, "n.x").is_empty());
        assert!(read(json, "a.b.c").is_empty());
        assert!(read(json, "nothing").is_empty());
    }

    #[test]
    fn keys_with_dots_are_found() {
        assert_eq!(read(r#"{"event.category":"network"}"#, "event.category"), ["network"]);
        assert_eq!(read(r#"{"a":{"b.c":"d"}}"#, "a.b.c"), ["d"]);
        assert_eq!(read(r#"{"a.b":"d"}"#, r"a\.b"), ["d"]);
    }
}
