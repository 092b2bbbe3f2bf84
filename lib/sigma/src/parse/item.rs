//! Reads one line of a selection: the key, and its value or list of values.
//! The key is `modifier.rs`, a value `values.rs`.

use super::modifier::{self, Key};
use super::values;
use crate::problem::{Place, Problem};
use crate::rule::{Item, Test};
use crate::yaml::{Entry, Kind, Node};

/// Reads a line.
///
/// # Errors
/// A key or values that are malformed.
pub(super) fn read(entry: &Entry) -> Result<Item, Vec<Problem>> {
    let key = modifier::read(&entry.key, entry.place).map_err(|problem| vec![problem])?;
    let values = match &entry.value.kind {
        Kind::List(values) => values.as_slice(),
        _ => std::slice::from_ref(&entry.value),
    };
    if values.is_empty() {
        return Err(vec![Problem::error(entry.value.place, "an empty list looks for nothing")]);
    }
    if key.all && values.len() < 2 {
        let problem = Problem::error(entry.place, "`all` wants a list of two values or more");
        return Err(vec![problem]);
    }
    let (mut groups, mut problems) = (Vec::with_capacity(values.len()), Vec::new());
    for value in values {
        match values::tests(&key, value) {
            Ok(tests) => groups.push(tests),
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(item(&key, entry.key.clone(), entry.place, groups))
}

/// Reads a keyword: a text sought in every value.
pub(super) fn keyword(value: &Node, place: Place) -> Result<Item, Vec<Problem>> {
    let key = Key::default();
    let tests = values::tests(&key, value).map_err(|problem| vec![problem])?;
    Ok(item(&key, String::new(), place, vec![tests]))
}

fn item(key: &Key, written: String, place: Place, values: Vec<Vec<Test>>) -> Item {
    let (every, negated) = (key.all, key.negated);
    Item { field: key.field.clone(), written, place, values, every, negated }
}
