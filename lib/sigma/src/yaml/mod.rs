//! YAML as a tree that keeps the place and the writing of every value.
//! What the values mean to Sigma is `parse/` and `pipeline/`.
//!
//! Built on the event parser beneath `serde-saphyr`: deserializing would lose whether a value was
//! quoted (`'1'` is a text, `1` a number) and the text of a number (`0x10`, `1.10`).

mod scalar;
mod tree;

use crate::number::Number;
use crate::problem::{Place, Problem};

pub(crate) use tree::documents;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) kind: Kind,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Null,
    Boolean(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) place: Place,
    pub(crate) value: Node,
}

impl Node {
    /// What it is, for messages.
    pub(crate) fn what(&self) -> &'static str {
        match self.kind {
            Kind::Null => "null",
            Kind::Boolean(_) => "true or false",
            Kind::Number(_) => "a number",
            Kind::Text(_) => "a text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.map()
            .and_then(|entries| entries.iter().find(|entry| entry.key == key))
            .map(|e| &e.value)
    }

    pub(crate) fn map(&self) -> Option<&[Entry]> {
        match &self.kind {
            Kind::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// A map, or an error that says what stands there instead.
    pub(crate) fn expect_map(&self, what: &str) -> Result<&[Entry], Problem> {
        self.map().ok_or_else(|| self.wrong(what, "a map"))
    }

    /// A text; numbers and truth values give theirs (`name: 123`).
    pub(crate) fn expect_text(&self, what: &str) -> Result<String, Problem> {
        match &self.kind {
            Kind::Text(text) => Ok(text.clone()),
            Kind::Number(number) => Ok(number.text.clone()),
            Kind::Boolean(value) => Ok(value.to_string()),
            _ => Err(self.wrong(what, "a text")),
        }
    }

    /// One text, or a list of texts; null is none.
    pub(crate) fn expect_texts(&self, what: &str) -> Result<Vec<String>, Problem> {
        match &self.kind {
            Kind::Null => Ok(Vec::new()),
            Kind::List(items) => items.iter().map(|item| item.expect_text(what)).collect(),
            _ => self.expect_text(what).map(|text| vec![text]),
        }
    }

    fn wrong(&self, what: &str, wanted: &str) -> Problem {
        Problem::error(self.place, format!("`{what}` must be {wanted}, not {}", self.what()))
    }
}
