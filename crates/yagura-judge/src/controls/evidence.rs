//! The values a verdict shows: small, few, and never a secret.
//! Which paths a control shows is written in the control.

use serde_json::{Map, Value};
use yagura_content::expression::Facts;
use yagura_model::{Path, Resource, Step};

/// Characters of one text.
const TEXT_MAX: usize = 120;
/// Elements of one list, members of one map.
const ELEMENTS_MAX: usize = 5;
/// Levels of nesting below a path.
const DEPTH_MAX: usize = 3;
/// Bytes of all evidence of one verdict, roughly: a verdict in JSON stays below one kilobyte.
const BYTES_MAX: usize = 480;

/// A path that a control shows, made ready once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    path: Path,
    name: String,
    hidden: bool,
}

/// Makes paths ready. Elements of a list are shown together, so a path ends at its first list.
pub(crate) fn shown(paths: impl IntoIterator<Item = Path>) -> Vec<Shown> {
    let mut shown: Vec<Shown> = Vec::new();
    for path in paths {
        let keys = path.0.into_iter().take_while(|step| matches!(step, Step::Key(_)));
        let path = Path(keys.collect());
        let name = path.to_string();
        let hidden = keys_of(&path).any(holds_secrets);
        if !shown.iter().any(|other| other.name == name) {
            shown.push(Shown { path, name, hidden });
        }
    }
    shown
}

/// The values at the paths, where they were read. A path that leads nowhere shows `null`: that
/// nothing is set is often the very reason.
pub(crate) fn evidence(
    resource: &Resource,
    shown: &[Shown],
    facts: Option<Facts<'_>>,
) -> Vec<(String, Value)> {
    let mut values: Vec<(String, Value)> = Vec::with_capacity(shown.len());
    let mut left = BYTES_MAX;
    for Shown { path, name, hidden } in shown {
        if is_unread(resource, facts, path) {
            continue;
        }
        let Some(value) = value_at(resource, facts, path, *hidden) else { continue };
        let size = name.len() + size_of_json(&value);
        if size > left {
            continue;
        }
        left -= size;
        values.push((name.clone(), value));
    }
    values
}

fn keys_of(path: &Path) -> impl Iterator<Item = &str> {
    path.0.iter().filter_map(|step| match step {
        Step::Key(key) => Some(key.as_str()),
        Step::Index(_) | Step::Every => None,
    })
}

fn is_unread(resource: &Resource, facts: Option<Facts<'_>>, path: &Path) -> bool {
    let of_facts = facts.map_or(&[][..], |facts| facts.unread);
    resource.unread.iter().chain(of_facts).any(|unread| unread.path.covers(path))
}

/// `None` where the path is no evidence (identity is in the verdict anyway).
fn value_at(
    resource: &Resource,
    facts: Option<Facts<'_>>,
    path: &Path,
    hidden: bool,
) -> Option<Value> {
    let mut keys = keys_of(path);
    let root = keys.next()?;
    if root == "tags" {
        let tag = |value: &String| Value::String(shorten_text(value));
        return Some(match keys.next() {
            Some(key) => resource.tags.get(key).map_or(Value::Null, tag),
            None => {
                let tags = resource.tags.iter().take(ELEMENTS_MAX);
                Value::Object(tags.map(|(key, value)| (shorten_text(key), tag(value))).collect())
            }
        });
    }
    let members: Option<&Map<String, Value>> = match root {
        "properties" => Some(&resource.properties),
        "runtime" => Some(&resource.runtime),
        "facts" => facts.and_then(|facts| facts.value.as_object()),
        _ => None,
    };
    let mut value = members?.get(keys.next()?);
    for key in keys {
        value = value.and_then(|value| value.get(key));
    }
    Some(value.map_or(Value::Null, |value| shorten(value, hidden, DEPTH_MAX)))
}

/// Attributes whose values are not ours to repeat, whatever they hold.
fn holds_secrets(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let exact = ["environment", "environmentvariables", "variables", "userdata", "secretstring"];
    exact.contains(&key.as_str())
        || ["password", "secret", "token", "credential", "privatekey", "apikey", "passphrase"]
            .iter()
            .any(|word| key.replace(['_', '-'], "").contains(word))
}

fn shorten(value: &Value, hidden: bool, depth: usize) -> Value {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        Value::String(text) if hidden && !text.starts_with("arn:") => {
            Value::String(format!("({} characters, not shown)", text.chars().count()))
        }
        Value::String(text) if looks_secret(text) => {
            Value::String(format!("({} characters, not shown)", text.chars().count()))
        }
        Value::String(text) => Value::String(shorten_text(text)),
        Value::Array(elements) if depth == 0 => Value::String(format!("[{}]", elements.len())),
        Value::Array(elements) => {
            let mut short: Vec<_> = elements
                .iter()
                .take(ELEMENTS_MAX)
                .map(|element| shorten(element, hidden, depth - 1))
                .collect();
            if elements.len() > ELEMENTS_MAX {
                short.push(Value::String(format!("… +{}", elements.len() - ELEMENTS_MAX)));
            }
            Value::Array(short)
        }
        Value::Object(members) if depth == 0 => Value::String(format!("{{{}}}", members.len())),
        Value::Object(members) => {
            let mut short: Map<_, _> = members
                .iter()
                .take(ELEMENTS_MAX)
                .map(|(key, value)| {
                    let hidden = hidden || holds_secrets(key);
                    (shorten_text(key), shorten(value, hidden, depth - 1))
                })
                .collect();
            if members.len() > ELEMENTS_MAX {
                let more = format!("+{}", members.len() - ELEMENTS_MAX);
                short.insert("…".to_owned(), Value::String(more));
            }
            Value::Object(short)
        }
    }
}

/// Access keys, private keys and web tokens betray themselves by how they begin.
fn looks_secret(text: &str) -> bool {
    let begins = ["AKIA", "ASIA", "-----BEGIN", "ghp_", "github_pat_", "xoxb-", "xoxp-", "sk-"];
    begins.iter().any(|prefix| text.starts_with(prefix))
        || (text.starts_with("eyJ") && text.matches('.').count() == 2)
}

fn shorten_text(text: &str) -> String {
    let clean = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut short: String = text.chars().take(TEXT_MAX).map(clean).collect();
    if text.chars().nth(TEXT_MAX).is_some() {
        short.push('…');
    }
    short
}

fn size_of_json(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(_) => 12,
        Value::String(text) => text.len() + 2,
        Value::Array(elements) => elements.iter().map(|e| size_of_json(e) + 1).sum::<usize>() + 2,
        Value::Object(members) => {
            members.iter().map(|(k, v)| k.len() + 4 + size_of_json(v)).sum::<usize>() + 2
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(properties: &Value, unread: &Value, path: &str, expected: &Value) {
        let resource: Resource = serde_json::from_value(json!({
            "key": "k", "id": "i", "type": "T", "account": "1", "region": "r", "name": "n",
            "properties": properties, "unread": unread, "tags": {"team": "a"},
        }))
        .unwrap();
        let shown = evidence(&resource, &shown([path.parse().unwrap()]), None);
        let shown: Value = shown.into_iter().map(|(path, value)| json!([path, value])).collect();
        assert_eq!(shown, *expected, "{path}");
    }

    #[test]
    fn what_is_there_and_what_is_not_there_is_shown_and_the_unread_is_not() {
        check(&json!({"A": 1}), &json!([]), "properties.A", &json!([["properties.A", 1]]));
        check(&json!({"A": 1}), &json!([]), "properties.B.C", &json!([["properties.B.C", null]]));
        check(&json!({}), &json!([]), "tags.team", &json!([["tags.team", "a"]]));
        check(&json!({}), &json!([]), "account", &json!([]));
        let unread = json!([{"path": "properties.A", "reason": "denied"}]);
        check(&json!({"A": 1}), &unread, "properties.A.B", &json!([]));
    }

    #[test]
    fn lists_are_shown_whole_and_cut_short() {
        let many: Vec<_> = (0..9).map(|n| json!({"x": n})).collect();
        check(
            &json!({"L": many}),
            &json!([]),
            "properties.L[*].x",
            &json!([["properties.L", [{"x": 0}, {"x": 1}, {"x": 2}, {"x": 3}, {"x": 4}, "… +4"]]]),
        );
        check(
            &json!({"T": "x".repeat(500)}),
            &json!([]),
            "properties.T",
            &json!([["properties.T", format!("{}…", "x".repeat(120))]]),
        );
    }

    #[test]
    fn secrets_are_never_shown() {
        for (properties, path) in [
            (json!({"Environment": {"Variables": {"A": "hunter2"}}}), "properties.Environment"),
            (json!({"UserData": "hunter2"}), "properties.UserData"),
            (json!({"MasterUserPassword": "hunter2"}), "properties.MasterUserPassword"),
            (json!({"A": {"api_key": "hunter2"}}), "properties.A"),
            (json!({"A": ["AKIAhunter2"]}), "properties.A"),
            (json!({"A": {"B": "-----BEGIN hunter2"}}), "properties"),
        ] {
            let resource = Resource {
                properties: properties.as_object().unwrap().clone(),
                ..Resource::default()
            };
            let shown = evidence(&resource, &shown([path.parse().unwrap()]), None);
            let text = serde_json::to_string(&shown).unwrap();
            assert!(!text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn evidence_stays_small() {
        let wide: Map<_, _> =
            (0..100).map(|n| (format!("P{n}"), json!(["x".repeat(300), {"a": [[[1]]]}]))).collect();
        let paths: Vec<Path> =
            (0..100).map(|n| format!("properties.P{n}").parse().unwrap()).collect();
        let resource = Resource { properties: wide, ..Resource::default() };
        let shown = evidence(&resource, &shown(paths), None);
        assert!(!shown.is_empty());
        assert!(serde_json::to_string(&shown).unwrap().len() < 600);
    }
}
