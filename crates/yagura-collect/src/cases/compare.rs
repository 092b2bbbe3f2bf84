//! Whether a resource is what a case expects: the members the case names, and exactly the parts
//! it says are unread.
//! How the resource came about is not looked at.

use std::collections::BTreeSet;

use serde_json::Value;
use yagura_model::{Resource, UnreadReason};

/// What differs, in sentences; empty if nothing does.
///
/// The expected resources and the found ones are paired by id (one expected without id takes the
/// first that nobody else names), and both must be as many.
pub(crate) fn differences(expected: &[Value], found: &[Resource]) -> Vec<String> {
    let mut problems = Vec::new();
    let id_of = |wanted: &Value| wanted.get("id").and_then(Value::as_str).map(str::to_owned);
    let named: Vec<String> = expected.iter().filter_map(id_of).collect();
    let mut free = found.iter().filter(|resource| !named.contains(&resource.id));
    for wanted in expected {
        let resource = match id_of(wanted) {
            Some(id) => {
                let resource = found.iter().find(|resource| resource.id == id);
                if resource.is_none() {
                    problems.push(format!("`{id}` was not found"));
                }
                resource
            }
            None => {
                let resource = free.next();
                if resource.is_none() {
                    problems.push("fewer resources were found than expected".to_owned());
                }
                resource
            }
        };
        if let Some(resource) = resource {
            let lines = differences_of(wanted, resource);
            problems.extend(lines.into_iter().map(|line| format!("`{}`: {line}", resource.id)));
        }
    }
    problems.extend(free.map(|extra| format!("`{}` was found and not expected", extra.id)));
    problems
}

fn differences_of(wanted: &Value, resource: &Resource) -> Vec<String> {
    let mut problems = Vec::new();
    let actual = match serde_json::to_value(resource) {
        Ok(actual) => actual,
        Err(error) => return vec![error.to_string()],
    };
    for (key, value) in wanted.as_object().into_iter().flatten() {
        match key.as_str() {
            "unread" => problems.extend(unread(value, resource)),
            "relations" => problems.extend(relations(value, &actual)),
            _ => subset(key, value, actual.get(key), &mut problems),
        }
    }
    problems
}

/// The unread parts must be exactly these; what was not requested does not count.
fn unread(wanted: &Value, resource: &Resource) -> Option<String> {
    let wanted: BTreeSet<String> = wanted
        .as_array()
        .into_iter()
        .flatten()
        .map(|path| path.as_str().map_or_else(|| path.to_string(), str::to_owned))
        .collect();
    let actual: BTreeSet<String> = resource
        .unread
        .iter()
        .filter(|unread| unread.reason != UnreadReason::NotRequested)
        .map(|unread| unread.path.to_string())
        .collect();
    (wanted != actual).then(|| {
        let list = |paths: &BTreeSet<String>| {
            paths.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
        };
        format!("unread is [{}], expected [{}]", list(&actual), list(&wanted))
    })
}

/// Every relation named must be there; there may be more.
fn relations(wanted: &Value, actual: &Value) -> Vec<String> {
    let actual = actual.get("relations").and_then(Value::as_array).cloned().unwrap_or_default();
    wanted
        .as_array()
        .into_iter()
        .flatten()
        .filter(|relation| !actual.contains(relation))
        .map(|relation| format!("relation {relation} is missing"))
        .collect()
}

/// A map must have the members named (null: must not have it), a list must have as many elements,
/// each as named; anything else must be equal.
fn subset(path: &str, wanted: &Value, actual: Option<&Value>, problems: &mut Vec<String>) {
    match (wanted, actual) {
        (Value::Null, None | Some(Value::Null)) => {}
        (Value::Object(wanted), None) if wanted.is_empty() => {}
        (Value::Object(wanted), Some(Value::Object(actual))) => {
            for (key, value) in wanted {
                subset(&format!("{path}.{key}"), value, actual.get(key), problems);
            }
        }
        (Value::Array(wanted), Some(Value::Array(actual))) if wanted.len() == actual.len() => {
            for (n, (wanted, actual)) in wanted.iter().zip(actual).enumerate() {
                subset(&format!("{path}[{n}]"), wanted, Some(actual), problems);
            }
        }
        (wanted, Some(actual)) if wanted == actual => {}
        (wanted, Some(actual)) => {
            problems.push(format!("{path} is {actual}, expected {wanted}"));
        }
        (wanted, None) => problems.push(format!("{path} is absent, expected {wanted}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(wanted: Value, differs: &[&str]) {
        let resource = Resource {
            id: "a".into(),
            properties: json!({"M": {"x": 1, "y": 2}, "L": [1, 2]}).as_object().unwrap().clone(),
            ..Resource::default()
        };
        assert_eq!(differences(&[wanted], &[resource]), differs);
    }

    #[test]
    fn members_not_named_do_not_matter() {
        check(json!({"id": "a", "properties": {"M": {"x": 1}}, "tags": {}}), &[]);
    }

    #[test]
    fn a_list_is_compared_whole() {
        check(
            json!({"id": "a", "properties": {"L": [1]}}),
            &["`a`: properties.L is [1,2], expected [1]"],
        );
    }

    #[test]
    fn null_means_absent() {
        check(json!({"id": "a", "arn": null, "properties": {"N": null}}), &[]);
        check(
            json!({"id": "a", "properties": {"M": {"x": null}}}),
            &["`a`: properties.M.x is 1, expected null"],
        );
    }

    #[test]
    fn an_unexpected_resource_and_a_missing_one_are_both_said() {
        check(json!({"id": "b"}), &["`b` was not found", "`a` was found and not expected"]);
    }
}
