//! From an answer to attributes: evaluates the expressions of one block of a resource file and
//! writes what they give, or what they leave unread, into the resource.
//! Which calls are made, and when, is decided elsewhere; nothing here waits for anything.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use yagura_content::expression::{Decided, Env, Outcome};
use yagura_content::format::{Attributes, Expression};
use yagura_model::{Path, Relation, Resource, Step, Unread, UnreadReason};

use crate::caller::Failure;

/// The attributes that one block of a resource file states.
#[derive(Debug)]
pub(crate) struct Block<'c> {
    attributes: Vec<Attribute<'c>>,
}

#[derive(Debug)]
struct Attribute<'c> {
    /// From the root of the resource.
    path: Path,
    kind: Kind<'c>,
    expression: &'c Expression,
}

#[derive(Clone, Copy, Debug)]
enum Kind<'c> {
    Property,
    Runtime,
    Tags,
    Relation { name: &'c str, type_name: &'c str },
}

/// The call that a block lives from, for the unread parts it may leave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin<'a> {
    /// `service:Operation`; empty for constant lists.
    pub(crate) call: &'a str,
    /// The IAM action it needs.
    pub(crate) action: &'a str,
}

/// One attribute of a resource as a block states it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Stated {
    /// A member of `properties` or `runtime`, with its path from the root.
    Member(Path, Value),
    /// All tags.
    Tags(BTreeMap<String, String>),
    /// The edges of one relation.
    Relation(Vec<Relation>),
    /// What could not be said.
    Unread(Unread),
}

/// What the expressions of a block gave, and the sentences about answers that did not fit.
#[derive(Debug, Default)]
pub(crate) struct Statement {
    pub(crate) stated: Vec<Stated>,
    pub(crate) problems: Vec<String>,
}

impl<'c> Block<'c> {
    pub(crate) fn new(attributes: &'c Attributes) -> Self {
        let member = |root: &str, key: &str| {
            format!("{root}.{key}").parse().unwrap_or_else(|_| Path::of_keys([root, key]))
        };
        let properties = attributes.properties.iter().map(|(key, expression)| Attribute {
            path: member("properties", key),
            kind: Kind::Property,
            expression,
        });
        let runtime = attributes.runtime.iter().map(|(key, expression)| Attribute {
            path: member("runtime", key),
            kind: Kind::Runtime,
            expression,
        });
        let tags = attributes.tags.iter().map(|expression| Attribute {
            path: Path::of_keys(["tags"]),
            kind: Kind::Tags,
            expression,
        });
        let relations = attributes.relations.iter().map(|(name, relation)| Attribute {
            path: Path::of_keys(["relations", name]),
            kind: Kind::Relation { name, type_name: &relation.type_name },
            expression: &relation.target,
        });
        Self { attributes: properties.chain(runtime).chain(tags).chain(relations).collect() }
    }

    /// The attributes that the block owns.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.attributes.iter().map(|attribute| &attribute.path)
    }

    /// The expressions of the block.
    pub(crate) fn expressions(&self) -> impl Iterator<Item = &'c Expression> {
        self.attributes.iter().map(|attribute| attribute.expression)
    }

    /// Evaluates every expression of the block.
    ///
    /// `emptied`: the answer said that there is none, so that results which come out empty are
    /// not attributes either (a list computed from nothing is not an empty list).
    pub(crate) fn state<'a>(&self, env: &Env<'a>, emptied: bool, origin: Origin<'_>) -> Statement
    where
        'c: 'a,
    {
        let mut statement = Statement::default();
        for Attribute { path, kind, expression } in &self.attributes {
            let stated = match expression.program().eval(env) {
                Outcome::Absent => continue,
                Outcome::Value(value) if emptied && is_empty(&value) => continue,
                Outcome::Value(value) => kind.take(path, value),
                Outcome::Unknown(decided) if decided.problems.is_empty() => {
                    Ok(Stated::Unread(undecided(path, &decided, origin)))
                }
                Outcome::Unknown(decided) => {
                    Err(decided.problems.first().cloned().unwrap_or_default())
                }
            };
            statement.stated.push(stated.unwrap_or_else(|problem| {
                let failure = Failure::local(UnreadReason::Failed, origin.call, &*problem);
                statement.problems.push(format!("{path}: {problem}"));
                Stated::Unread(failure.at(path.clone(), origin.action))
            }));
        }
        statement
    }

    /// Every attribute as unread: the call failed.
    pub(crate) fn all_unread(&self, failure: &Failure, origin: Origin<'_>) -> Statement {
        let unread = |path: &Path| Stated::Unread(failure.at(path.clone(), origin.action));
        Statement { stated: self.paths().map(unread).collect(), problems: Vec::new() }
    }

    /// Every attribute as unread because something the block depends on is.
    pub(crate) fn all_undecided(&self, decided: &Decided, origin: Origin<'_>) -> Statement {
        let unread = |path: &Path| Stated::Unread(undecided(path, decided, origin));
        Statement {
            stated: self.paths().map(unread).collect(),
            problems: decided.problems.first().cloned().into_iter().collect(),
        }
    }
}

impl Kind<'_> {
    fn take(self, path: &Path, value: Value) -> Result<Stated, String> {
        match self {
            Self::Property | Self::Runtime => Ok(Stated::Member(path.clone(), value)),
            Self::Tags => tags_of(&value).map(Stated::Tags),
            Self::Relation { name, type_name } => {
                Ok(Stated::Relation(edges(name, type_name, targets_of(&value)?)))
            }
        }
    }
}

impl Statement {
    pub(crate) fn extend(&mut self, other: Self) {
        self.stated.extend(other.stated);
        self.problems.extend(other.problems);
    }
}

/// A part that is unread for the reason that something else is.
fn undecided(path: &Path, decided: &Decided, origin: Origin<'_>) -> Unread {
    match (decided.problems.first(), decided.unread.first()) {
        (None, Some(unread)) => Unread { path: path.clone(), partial: false, ..unread.clone() },
        (problem, _) => {
            let problem = problem.cloned().unwrap_or_default();
            Failure::local(UnreadReason::Failed, origin.call, problem)
                .at(path.clone(), origin.action)
        }
    }
}

/// Writes attributes into a resource.
pub(crate) fn write(resource: &mut Resource, stated: Vec<Stated>) {
    for one in stated {
        match one {
            Stated::Member(path, value) => insert(resource, &path, value),
            Stated::Tags(tags) => resource.tags.extend(tags),
            Stated::Relation(edges) => {
                for edge in edges {
                    if !resource.relations.contains(&edge) {
                        resource.relations.push(edge);
                    }
                }
            }
            Stated::Unread(unread) => {
                if !resource.unread.iter().any(|other| other.path == unread.path) {
                    resource.unread.push(unread);
                }
            }
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// Puts a value at a path, making the maps on the way; two maps at one place become one.
fn insert(resource: &mut Resource, path: &Path, value: Value) {
    let mut keys = path.0.iter().filter_map(|step| match step {
        Step::Key(key) => Some(key.as_str()),
        Step::Index(_) | Step::Every => None,
    });
    let map = match keys.next() {
        Some("runtime") => &mut resource.runtime,
        _ => &mut resource.properties,
    };
    let Some(first) = keys.next() else { return };
    let mut slot = map.entry(first).or_insert(Value::Null);
    for key in keys {
        if !slot.is_object() {
            *slot = Value::Object(Map::new());
        }
        let Value::Object(members) = slot else { return };
        slot = members.entry(key).or_insert(Value::Null);
    }
    match (slot, value) {
        (Value::Object(members), Value::Object(more)) => members.extend(more),
        (slot, value) => *slot = value,
    }
}

/// Tags in any of the shapes AWS uses: a map, or a list of key and value.
fn tags_of(value: &Value) -> Result<BTreeMap<String, String>, String> {
    match value {
        Value::Object(members) => {
            Ok(members.iter().map(|(key, value)| (key.clone(), text_of(value))).collect())
        }
        Value::Array(items) => items.iter().map(tag_of).collect(),
        other => Err(format!("tags are neither a list nor a map but {}", kind_of(other))),
    }
}

fn tag_of(entry: &Value) -> Result<(String, String), String> {
    const SHAPES: [(&str, &str); 4] =
        [("Key", "Value"), ("key", "value"), ("TagKey", "TagValue"), ("tagKey", "tagValue")];
    SHAPES
        .into_iter()
        .find_map(|(key, value)| {
            let key = entry.get(key)?.as_str()?.to_owned();
            Some((key, entry.get(value).map(text_of).unwrap_or_default()))
        })
        .ok_or_else(|| format!("a tag without key: {}", kind_of(entry)))
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// A target or a list of them; what is absent in between is left out.
fn targets_of(value: &Value) -> Result<Vec<String>, String> {
    match value {
        Value::String(text) if text.is_empty() => Ok(Vec::new()),
        Value::String(text) => Ok(vec![text.clone()]),
        Value::Array(items) => {
            let nested: Vec<Vec<String>> = items
                .iter()
                .filter(|item| !item.is_null())
                .map(targets_of)
                .collect::<Result<_, _>>()?;
            Ok(nested.into_iter().flatten().collect())
        }
        other => Err(format!("a relation's target is not a text but {}", kind_of(other))),
    }
}

fn edges(name: &str, type_name: &str, targets: Vec<String>) -> Vec<Relation> {
    targets
        .into_iter()
        .map(|target| Relation { name: name.to_owned(), type_name: type_name.to_owned(), target })
        .collect()
}

pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}
