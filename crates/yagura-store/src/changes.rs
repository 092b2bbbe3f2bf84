//! The difference of two documents as a list of paths with what was there before and after.
//! Whether a difference makes a version is decided in `merge.rs`; which lists are sets in
//! `list.rs`.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Map, Value};
use yagura_model::{Path, Step};

use crate::document::{self, Document};
use crate::list::{Shape, shape};

/// One difference between two versions of a resource.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Where. The index of a list's element is the one after the change; before it, where the
    /// element was removed.
    pub path: Path,
    /// What was there; `None` where nothing was.
    pub before: Option<Value>,
    /// What is there now; `None` where nothing is.
    pub after: Option<Value>,
}

/// What differs, in the order of the paths' first appearance. A list in another order is no
/// difference unless it is known to be a sequence; elements with an identity (`Id`, `Sid`,
/// `Key`, `Name`, …) are compared with their namesake.
pub(crate) fn between(before: &Document, after: &Document) -> Vec<Change> {
    let mut changes = Vec::new();
    let (a, b) = (&before.head, &after.head);
    let arn = |text: &Option<String>| text.clone().map_or(Value::Null, Value::String);
    let heads = [
        ("arn", arn(&a.arn), arn(&b.arn)),
        ("id", a.id.clone().into(), b.id.clone().into()),
        ("type", a.type_name.clone().into(), b.type_name.clone().into()),
        ("account", a.account.clone().into(), b.account.clone().into()),
        ("region", a.region.clone().into(), b.region.clone().into()),
        ("name", a.name.clone().into(), b.name.clone().into()),
    ];
    for (name, before, after) in heads {
        if before != after {
            let some = |value: Value| (!value.is_null()).then_some(value);
            let path = Path::of_keys([name]);
            changes.push(Change { path, before: some(before), after: some(after) });
        }
    }
    maps(&mut Vec::new(), &before.body, &after.body, &mut changes);
    changes
}

fn maps(
    at: &mut Vec<Step>,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    changes: &mut Vec<Change>,
) {
    let added = after.keys().filter(|key| !before.contains_key(*key));
    for key in before.keys().chain(added) {
        at.push(Step::Key(key.clone()));
        values(at, before.get(key), after.get(key), changes);
        at.pop();
    }
}

fn values(
    at: &mut Vec<Step>,
    before: Option<&Value>,
    after: Option<&Value>,
    changes: &mut Vec<Change>,
) {
    match (before, after) {
        (Some(a), Some(b)) if a == b => {}
        (Some(Value::Object(a)), Some(Value::Object(b))) => maps(at, a, b, changes),
        (Some(Value::Array(a)), Some(Value::Array(b))) => lists(at, a, b, changes),
        (a, b) => {
            changes.push(Change { path: Path(at.clone()), before: a.cloned(), after: b.cloned() });
        }
    }
}

fn lists(at: &mut Vec<Step>, before: &[Value], after: &[Value], changes: &mut Vec<Change>) {
    let name = match at.last() {
        Some(Step::Key(name)) => name.clone(),
        _ => String::new(),
    };
    let shapes = match (shape(&name, before), shape(&name, after)) {
        (Shape::Set, b) if before.is_empty() => (b, b),
        (a, Shape::Set) if after.is_empty() => (a, a),
        both => both,
    };
    let pairs = match shapes {
        (Shape::Sequence, _) | (_, Shape::Sequence) => by_position(before, after),
        (Shape::Keyed(a), Shape::Keyed(b)) if a == b => {
            by_text(before, after, |item| item.get(a).map(Value::to_string).unwrap_or_default())
        }
        _ => by_content(before, after),
    };
    for (a, b) in pairs {
        let index = b.or(a).unwrap_or_default();
        at.push(Step::Index(index));
        let value = |list: &'_ [Value], index: Option<usize>| {
            index.and_then(|index| list.get(index)).cloned()
        };
        values(at, value(before, a).as_ref(), value(after, b).as_ref(), changes);
        at.pop();
    }
}

/// Which element before belongs to which after.
type Pairs = Vec<(Option<usize>, Option<usize>)>;

/// The same position, after what is equal at both ends was set aside: one element put into the
/// middle is one change.
fn by_position(before: &[Value], after: &[Value]) -> Pairs {
    let head = before.iter().zip(after).take_while(|(a, b)| a == b).count();
    let tail = before
        .iter()
        .skip(head)
        .rev()
        .zip(after.iter().skip(head).rev())
        .take_while(|(a, b)| a == b)
        .count();
    let (end_a, end_b) = (before.len() - tail, after.len() - tail);
    (head..end_a.max(end_b))
        .map(|index| ((index < end_a).then_some(index), (index < end_b).then_some(index)))
        .collect()
}

/// Equal texts belong together; each is used once.
fn by_text(before: &[Value], after: &[Value], text: impl Fn(&Value) -> String) -> Pairs {
    let mut places: HashMap<String, Vec<usize>> = HashMap::new();
    for (index, item) in after.iter().enumerate().rev() {
        places.entry(text(item)).or_default().push(index);
    }
    let mut pairs: Pairs = Vec::new();
    let mut taken = vec![false; after.len()];
    for (index, item) in before.iter().enumerate() {
        let partner = places.get_mut(&text(item)).and_then(Vec::pop);
        if let Some(taken) = partner.and_then(|partner| taken.get_mut(partner)) {
            *taken = true;
        }
        pairs.push((Some(index), partner));
    }
    let added = taken.iter().enumerate().filter(|(_, taken)| !**taken);
    pairs.extend(added.map(|(index, _)| (None, Some(index))));
    pairs
}

/// Equal contents belong together; one left over on each side is one element that changed.
fn by_content(before: &[Value], after: &[Value]) -> Pairs {
    let content = |item: &Value| {
        let mut bytes = Vec::new();
        document::canonical(item, "", &mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let mut pairs: Pairs = by_text(before, after, content)
        .into_iter()
        .filter(|(a, b)| a.is_none() || b.is_none())
        .collect();
    let both_objects = |a: usize, b: usize| {
        before.get(a).is_some_and(Value::is_object) && after.get(b).is_some_and(Value::is_object)
    };
    if let [(Some(a), None), (None, Some(b))] = *pairs.as_slice()
        && both_objects(a, b)
    {
        pairs = vec![(Some(a), Some(b))];
    }
    pairs
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use yagura_model::Resource;

    use super::*;

    fn check(before: Value, after: Value, expected: &[(&str, Value, Value)]) {
        let document = |properties: Value| {
            let properties = properties.as_object().unwrap().clone();
            Document::of(Resource { properties, ..Resource::default() })
        };
        let found: Vec<_> = between(&document(before), &document(after))
            .into_iter()
            .map(|c| {
                let or_null = Option::unwrap_or_default;
                (c.path.to_string(), or_null(c.before), or_null(c.after))
            })
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|(path, a, b)| (format!("properties{path}"), a.clone(), b.clone()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn members_are_compared_one_by_one() {
        check(
            json!({"a": 1, "b": {"c": 1, "d": 2}}),
            json!({"b": {"c": 1, "d": 3}, "e": null}),
            &[
                (".a", json!(1), json!(null)),
                (".b.d", json!(2), json!(3)),
                (".e", json!(null), json!(null)),
            ],
        );
    }

    #[test]
    fn a_set_in_another_order_is_no_change_and_a_sequence_is() {
        check(json!({"Ids": ["a", "b"]}), json!({"Ids": ["b", "a"]}), &[]);
        check(
            json!({"Command": ["a", "b"]}),
            json!({"Command": ["b", "a"]}),
            &[(".Command[0]", json!("a"), json!("b")), (".Command[1]", json!("b"), json!("a"))],
        );
    }

    #[test]
    fn elements_with_an_identity_are_compared_with_their_namesake() {
        check(
            json!({"Rules": [{"Id": "x", "On": true}, {"Id": "y", "On": true}]}),
            json!({"Rules": [{"Id": "y", "On": false}, {"Id": "x", "On": true}]}),
            &[(".Rules[0].On", json!(true), json!(false))],
        );
        check(
            json!({"Rules": [{"Id": "x"}, {"Id": "y"}]}),
            json!({"Rules": [{"Id": "y"}]}),
            &[(".Rules[0]", json!({"Id": "x"}), json!(null))],
        );
    }

    #[test]
    fn elements_without_identity_are_added_removed_or_changed() {
        check(
            json!({"Ingress": [{"P": 22}, {"P": 80}]}),
            json!({"Ingress": [{"P": 443}, {"P": 80}]}),
            &[(".Ingress[0].P", json!(22), json!(443))],
        );
        check(
            json!({"Ids": ["a"]}),
            json!({"Ids": ["a", "b"]}),
            &[(".Ids[1]", json!(null), json!("b"))],
        );
        check(
            json!({"Ids": ["a", "a"]}),
            json!({"Ids": ["a"]}),
            &[(".Ids[1]", json!("a"), json!(null))],
        );
    }

    #[test]
    fn one_element_put_into_a_sequence_is_one_change() {
        check(
            json!({"Command": ["a", "c"]}),
            json!({"Command": ["a", "b", "c"]}),
            &[(".Command[1]", json!(null), json!("b"))],
        );
    }
}
