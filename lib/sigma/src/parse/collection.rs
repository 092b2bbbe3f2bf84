//! Rule collections of several documents: `action: global`, `reset` and `repeat` (Sigma 1).
//! The documents that come out are read like any other.

use crate::problem::Problem;
use crate::yaml::{Entry, Kind, Node};

/// Applies the actions: documents without one, and repeats, come out whole.
///
/// As the specification of Sigma 1 has it, several global documents accumulate, and a repeat is the
/// last document with this one merged into it. As in the reference implementation, a global value
/// wins over a document's own, and a repeat's over both.
pub(super) fn resolve(documents: Vec<Node>) -> (Vec<Node>, Vec<Problem>) {
    let (mut good, mut problems) = (Vec::new(), Vec::new());
    let mut global: Option<Node> = None;
    let mut last: Option<Node> = None;
    for mut document in documents {
        // An empty document between two `---` holds nothing to get wrong.
        if matches!(document.kind, Kind::Null) {
            continue;
        }
        let Some(action) = document.get("action").cloned() else {
            if let Some(global) = &global {
                merge(&mut document, global);
            }
            last = Some(document.clone());
            good.push(document);
            continue;
        };
        let name = match action.expect_text("action") {
            Ok(name) => name,
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        remove(&mut document, "action");
        match name.as_str() {
            "global" => match &mut global {
                Some(before) => merge(before, &document),
                None => global = Some(document),
            },
            "reset" => global = None,
            "repeat" => match last.as_ref() {
                Some(before) => {
                    let mut repeated = before.clone();
                    merge(&mut repeated, &document);
                    repeated.place = document.place;
                    last = Some(repeated.clone());
                    good.push(repeated);
                }
                None => {
                    let message = "`action: repeat` has no document before it to repeat";
                    problems.push(Problem::error(action.place, message));
                }
            },
            other => problems.push(
                Problem::error(action.place, format!("`{other}` is not a collection action"))
                    .hint("the actions are `global`, `reset` and `repeat`"),
            ),
        }
    }
    (good, problems)
}

/// Puts the entries of one map over another's, map by map.
fn merge(into: &mut Node, from: &Node) {
    let (Kind::Map(into), Some(from)) = (&mut into.kind, from.map()) else { return };
    for entry in from {
        match into.iter_mut().find(|mine| mine.key == entry.key) {
            Some(Entry { value, .. }) if value.map().is_some() && entry.value.map().is_some() => {
                merge(value, &entry.value);
            }
            Some(mine) => *mine = entry.clone(),
            None => into.push(entry.clone()),
        }
    }
}

fn remove(document: &mut Node, key: &str) {
    if let Kind::Map(entries) = &mut document.kind {
        entries.retain(|entry| entry.key != key);
    }
}
