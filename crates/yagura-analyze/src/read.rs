//! Reading a path of a resource without forgetting what was unread.
//! What the value means is the caller's business.

use serde_json::Value;
use yagura_model::{Path, Resource, Step, Unread};

/// What a path of a resource holds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Seen<'r> {
    /// A value, read in full.
    Value(&'r Value),
    /// A value of which some part was not read.
    Partly(&'r Value, &'r Unread),
    /// Nothing is there.
    Absent,
    /// It was not read.
    Unread(&'r Unread),
}

impl<'r> Seen<'r> {
    /// The value, as far as it was read.
    pub(crate) fn value(self) -> Option<&'r Value> {
        match self {
            Self::Value(value) | Self::Partly(value, _) => Some(value),
            Self::Absent | Self::Unread(_) => None,
        }
    }

    /// What of it was not read.
    pub(crate) fn unread(self) -> Option<&'r Unread> {
        match self {
            Self::Value(_) | Self::Absent => None,
            Self::Partly(_, unread) | Self::Unread(unread) => Some(unread),
        }
    }
}

/// Reads a dotted path below `properties` or `runtime` (`properties.BucketPolicy.PolicyDocument`).
pub(crate) fn see<'r>(resource: &'r Resource, path: &str) -> Seen<'r> {
    let unread = resource.unread.iter().find(|unread| touches(&unread.path, path));
    let value = value_at(resource, path);
    match (value, unread) {
        (None, None) => Seen::Absent,
        (Some(value), None) => Seen::Value(value),
        // INVARIANT: where the path itself or something above it is unread in whole, what the
        // resource still holds is not to be trusted.
        (_, Some(unread)) if !unread.partial && is_above(&unread.path, path) => {
            Seen::Unread(unread)
        }
        (Some(value), Some(unread)) => Seen::Partly(value, unread),
        (None, Some(unread)) => Seen::Unread(unread),
    }
}

fn value_at<'r>(resource: &'r Resource, path: &str) -> Option<&'r Value> {
    let mut keys = path.split('.');
    let members = match keys.next()? {
        "properties" => &resource.properties,
        "runtime" => &resource.runtime,
        _ => return None,
    };
    let mut value = members.get(keys.next()?)?;
    for key in keys {
        value = value.get(key)?;
    }
    (!value.is_null()).then_some(value)
}

/// Whether the unread path covers the dotted path or lies below it.
fn touches(unread: &Path, path: &str) -> bool {
    unread.0.iter().zip(path.split('.')).all(|(step, key)| is_key(step, key))
}

/// Whether the unread path is the dotted path or an ancestor of it.
fn is_above(unread: &Path, path: &str) -> bool {
    unread.0.len() <= path.split('.').count()
}

fn is_key(step: &Step, key: &str) -> bool {
    match step {
        Step::Key(own) => own == key,
        Step::Index(_) | Step::Every => false,
    }
}

/// A scalar becomes a list of one, nothing becomes an empty list: policies write both.
pub(crate) fn as_list(value: Option<&Value>) -> &[Value] {
    match value {
        None | Some(Value::Null) => &[],
        Some(Value::Array(values)) => values,
        Some(value) => std::slice::from_ref(value),
    }
}

/// The text at a member, if it is text.
pub(crate) fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key)?.as_str()
}

/// A whole number, also where it was written as text.
pub(crate) fn number(value: &Value, key: &str) -> Option<i64> {
    match value.get(key)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A truth value, also where it was written as text.
pub(crate) fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(unread: &str, partial: bool, path: &str, expected: &str) {
        let resource: Resource = serde_json::from_value(json!({
            "key": "k", "id": "i", "type": "T", "account": "1", "region": "r", "name": "n",
            "properties": {"A": {"B": [1], "C": null}},
            "unread": if unread.is_empty() { json!([]) } else {
                json!([{"path": unread, "partial": partial, "reason": "denied"}])
            },
        }))
        .unwrap();
        let seen = match see(&resource, path) {
            Seen::Value(_) => "value",
            Seen::Partly(..) => "partly",
            Seen::Absent => "absent",
            Seen::Unread(_) => "unread",
        };
        assert_eq!(seen, expected, "unread {unread}, path {path}");
    }

    #[test]
    fn an_unread_part_is_never_taken_for_absent_nor_for_whole() {
        check("", false, "properties.A.B", "value");
        check("", false, "properties.A.C", "absent");
        check("", false, "properties.A.D", "absent");
        check("properties.A", false, "properties.A.B", "unread");
        check("properties.A", false, "properties.A.D", "unread");
        check("properties.A.B", true, "properties.A.B", "partly");
        check("properties.A.B[0]", false, "properties.A.B", "partly");
        check("properties.A.D", false, "properties.A", "partly");
        check("properties.AB", false, "properties.A", "value");
        check("properties.A.D", false, "properties.A.B", "value");
    }
}
