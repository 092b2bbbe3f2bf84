//! A JSON value as a tree that a template lays out: names, values, and how many members are within.
//! What the values mean is not known here.

use serde::Serialize;
use serde_json::{Map, Value};

/// Members of one tree that are shown; what lies beyond is counted.
const NODES_MAX: usize = 3_000;
/// Characters of one value that are shown.
const CHARS_MAX: usize = 4_000;
/// Members below which a branch is open at once.
const OPEN_MAX: usize = 12;
/// Levels below which a branch is open at once.
const OPEN_DEPTH: usize = 2;

/// One member.
#[derive(Debug, Serialize)]
pub(super) struct Node {
    /// Its name, or its place in a list.
    pub(super) name: String,
    /// `text`, `plain` (number, yes or no, null), `map`, `list` or `document` (JSON in a text).
    pub(super) kind: &'static str,
    /// The value; empty for a branch.
    pub(super) text: String,
    /// Members of a branch.
    pub(super) size: usize,
    pub(super) open: bool,
    pub(super) children: Vec<Node>,
    /// Members that are not shown because the tree is too large.
    pub(super) cut: usize,
}

/// The members of a map as trees.
pub(super) fn tree(map: &Map<String, Value>) -> Vec<Node> {
    let mut left = NODES_MAX;
    map.iter().map(|(name, value)| node(name.clone(), value, 0, &mut left)).collect()
}

fn node(name: String, value: &Value, depth: usize, left: &mut usize) -> Node {
    *left = left.saturating_sub(1);
    let leaf = |kind, text: String| Node {
        name: name.clone(),
        kind,
        text,
        size: 0,
        open: false,
        children: Vec::new(),
        cut: 0,
    };
    match value {
        Value::Object(map) => {
            let members = map.iter().map(|(name, value)| (name.clone(), value));
            branch(name, "map", map.len(), members, depth, left)
        }
        Value::Array(list) => {
            let members = list.iter().enumerate().map(|(at, value)| (at.to_string(), value));
            branch(name, "list", list.len(), members, depth, left)
        }
        Value::String(text) => match document(text) {
            Some(parsed) => Node { kind: "document", ..node(name, &parsed, depth, left) },
            None => leaf("text", shortened(text)),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) => leaf("plain", value.to_string()),
    }
}

fn branch<'v>(
    name: String,
    kind: &'static str,
    size: usize,
    members: impl Iterator<Item = (String, &'v Value)>,
    depth: usize,
    left: &mut usize,
) -> Node {
    let mut children = Vec::new();
    for (name, value) in members {
        if *left == 0 {
            break;
        }
        children.push(node(name, value, depth + 1, left));
    }
    let cut = size - children.len();
    let open = depth < OPEN_DEPTH && size <= OPEN_MAX;
    Node { name, kind, text: String::new(), size, open, children, cut }
}

/// JSON that stands in a text, as policies often do.
fn document(text: &str) -> Option<Value> {
    let text = text.trim_start();
    if !text.starts_with('{') {
        return None;
    }
    serde_json::from_str::<Value>(text).ok().filter(Value::is_object)
}

/// A text that is not longer than a page can bear.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(CHARS_MAX) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn trees(value: &Value) -> Vec<Node> {
        tree(value.as_object().unwrap())
    }

    #[test]
    fn branches_count_their_members() {
        let nodes = trees(&json!({"a": {"b": [1, "x", null]}}));
        let list = &nodes[0].children[0];
        assert_eq!((list.kind, list.size), ("list", 3));
        let texts: Vec<_> = list.children.iter().map(|one| (one.kind, &*one.text)).collect();
        assert_eq!(texts, [("plain", "1"), ("text", "x"), ("plain", "null")]);
    }

    #[test]
    fn a_policy_in_a_text_is_a_tree_and_other_texts_stay() {
        let nodes = trees(&json!({"p": "{\"Version\": \"2012-10-17\"}", "q": "{not json"}));
        assert_eq!((nodes[0].kind, nodes[0].size), ("document", 1));
        assert_eq!((nodes[1].kind, &*nodes[1].text), ("text", "{not json"));
    }

    #[test]
    fn a_tree_without_end_is_cut_and_says_so() {
        let nodes = trees(&json!({"list": vec![0; NODES_MAX * 2]}));
        assert_eq!(nodes[0].children.len() + nodes[0].cut, NODES_MAX * 2);
        assert!(nodes[0].cut >= NODES_MAX);
    }
}
