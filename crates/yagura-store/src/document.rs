//! A resource as a document: its head (identity) and its body (tags, properties, runtime,
//! relations), with the operations on paths that masking and comparing need.
//! What is masked and what is a change is decided in `mask.rs`, `merge.rs` and `changes.rs`.

use serde_json::{Map, Value};
use yagura_model::{Path, Resource, Step};

use crate::list::{self, Shape};

/// The members of a resource that can be unread.
pub(crate) const BODY: [&str; 4] = ["tags", "properties", "runtime", "relations"];

/// A path of keys only. Paths into lists are cut at the list: the order of a list is not stable
/// between two scans, so an index says nothing about the next one.
pub(crate) type Keys = Vec<String>;

/// A resource split into identity and content.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Document {
    /// The resource without content.
    pub(crate) head: Resource,
    /// `tags`, `properties`, `runtime` and `relations`, where not empty.
    pub(crate) body: Map<String, Value>,
}

impl Document {
    /// Takes a resource apart; `unread` is dropped.
    pub(crate) fn of(resource: Resource) -> Self {
        let mut head = resource;
        let mut body = Map::new();
        let tags: Map<String, Value> =
            std::mem::take(&mut head.tags).into_iter().map(|(k, v)| (k, v.into())).collect();
        let relations: Vec<Value> = std::mem::take(&mut head.relations)
            .into_iter()
            .map(|edge| serde_json::to_value(edge).unwrap_or_default())
            .collect();
        let members = [
            ("tags", Value::Object(tags)),
            ("properties", Value::Object(std::mem::take(&mut head.properties))),
            ("runtime", Value::Object(std::mem::take(&mut head.runtime))),
            ("relations", Value::Array(relations)),
        ];
        for (name, value) in members {
            if !is_empty(&value) {
                body.insert(name.to_owned(), value);
            }
        }
        head.unread.clear();
        Self { head, body }
    }

    /// Puts a resource together again.
    pub(crate) fn into_resource(self) -> Result<Resource, serde_json::Error> {
        let Self { head: mut resource, mut body } = self;
        let mut take = |name: &str| body.remove(name);
        if let Some(tags) = take("tags") {
            resource.tags = serde_json::from_value(tags)?;
        }
        if let Some(relations) = take("relations") {
            resource.relations = serde_json::from_value(relations)?;
        }
        if let Some(Value::Object(properties)) = take("properties") {
            resource.properties = properties;
        }
        if let Some(Value::Object(runtime)) = take("runtime") {
            resource.runtime = runtime;
        }
        Ok(resource)
    }

    /// The stored text: the resource's own JSON, so that every version is readable by itself.
    pub(crate) fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        let Value::Object(mut whole) = serde_json::to_value(&self.head)? else {
            return Ok(Vec::new());
        };
        for (name, value) in &self.body {
            whole.insert(name.clone(), value.clone());
        }
        serde_json::to_vec(&whole)
    }

    /// Reads the stored text.
    pub(crate) fn from_json(json: &[u8]) -> Result<Self, serde_json::Error> {
        Ok(Self::of(serde_json::from_slice(json)?))
    }

    /// The value at a path.
    pub(crate) fn get(&self, keys: &[String]) -> Option<&Value> {
        let (first, rest) = keys.split_first()?;
        rest.iter().try_fold(self.body.get(first)?, |value, key| value.as_object()?.get(key))
    }

    /// How many leading steps of a path are there.
    pub(crate) fn depth(&self, keys: &[String]) -> usize {
        let (Some(mut value), mut depth) = (keys.first().and_then(|key| self.body.get(key)), 1)
        else {
            return 0;
        };
        for key in keys.iter().skip(1) {
            match value.as_object().and_then(|map| map.get(key)) {
                Some(next) => value = next,
                None => return depth,
            }
            depth += 1;
        }
        depth
    }

    /// Takes the value at a path away.
    pub(crate) fn remove(&mut self, keys: &[String]) -> Option<Value> {
        let (last, ancestors) = keys.split_last()?;
        self.map_at(ancestors)?.shift_remove(last)
    }

    /// Puts a value at a path; makes the maps on the way. What stands in the way stays.
    pub(crate) fn set(&mut self, keys: &[String], value: Value) {
        let Some((last, ancestors)) = keys.split_last() else { return };
        let mut map = &mut self.body;
        for key in ancestors {
            let next = map.entry(key.clone()).or_insert_with(|| Value::Object(Map::new()));
            match next {
                Value::Object(next) => map = next,
                _ => return,
            }
        }
        map.insert(last.clone(), value);
    }

    /// Takes away the ancestors of a path that are empty, from the innermost outwards, but not
    /// the first `kept` of them (the members of the resource itself go when they are empty).
    pub(crate) fn prune(&mut self, keys: &[String], kept: usize) {
        for length in (1..keys.len()).rev() {
            if length <= kept && length > 1 {
                return;
            }
            let prefix = keys.get(..length).unwrap_or_default();
            if !self.get(prefix).is_some_and(is_empty) {
                return;
            }
            self.remove(prefix);
        }
    }

    fn map_at(&mut self, keys: &[String]) -> Option<&mut Map<String, Value>> {
        keys.iter().try_fold(&mut self.body, |map, key| map.get_mut(key)?.as_object_mut())
    }

    /// The content with some paths, and the ancestors that they leave empty, taken away.
    pub(crate) fn without<'a>(&self, paths: impl IntoIterator<Item = &'a Keys>) -> Self {
        let mut stripped = self.clone();
        let paths: Vec<&Keys> = paths.into_iter().collect();
        for keys in &paths {
            stripped.remove(keys);
        }
        for keys in &paths {
            stripped.prune(keys, 0);
        }
        stripped
    }

    /// Cuts a path of the model to keys that this layer handles: within the body, at the first
    /// list. The empty path stands for the four members.
    pub(crate) fn keys_of(&self, path: &Path) -> Vec<Keys> {
        if path.0.is_empty() {
            return BODY.iter().map(|name| vec![(*name).to_owned()]).collect();
        }
        let mut keys = Keys::new();
        for step in &path.0 {
            let Step::Key(key) = step else { break };
            if self.get(&keys).is_some_and(|value| !value.is_object()) {
                break;
            }
            keys.push(key.clone());
            if keys.first().is_some_and(|first| first == "relations") {
                break;
            }
        }
        match keys.first() {
            Some(first) if BODY.contains(&first.as_str()) => vec![keys],
            _ => Vec::new(),
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

/// Whether `a` is `b` or an ancestor of it.
pub(crate) fn covers(a: &[String], b: &[String]) -> bool {
    b.starts_with(a)
}

/// The narrower of two paths where one covers the other.
pub(crate) fn narrower<'a>(a: &'a Keys, b: &'a Keys) -> Option<&'a Keys> {
    if covers(a, b) {
        Some(b)
    } else if covers(b, a) {
        Some(a)
    } else {
        None
    }
}

/// A path of keys as the model writes it.
pub(crate) fn path_of(keys: &[String]) -> Path {
    Path::of_keys(keys.iter().map(String::as_str))
}

/// Whether two values mean the same: maps by key, lists that are sets in any order.
pub(crate) fn same(a: &Map<String, Value>, b: &Map<String, Value>) -> bool {
    if a == b {
        return true;
    }
    let canonical = |map: &Map<String, Value>| {
        let mut bytes = Vec::new();
        write_map(map, &mut bytes);
        bytes
    };
    canonical(a) == canonical(b)
}

/// A text that is equal for equal meanings: keys sorted, sets sorted.
pub(crate) fn canonical(value: &Value, name: &str, into: &mut Vec<u8>) {
    match value {
        Value::Object(map) => write_map(map, into),
        Value::Array(items) => write_list(items, name, into),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            write_scalar(value, into);
        }
    }
}

pub(crate) fn write_map(map: &Map<String, Value>, into: &mut Vec<u8>) {
    let mut members: Vec<(&String, &Value)> = map.iter().collect();
    members.sort_unstable_by_key(|(key, _)| *key);
    into.push(b'{');
    for (key, value) in members {
        write_scalar(&Value::String(key.clone()), into);
        into.push(b':');
        canonical(value, key, into);
        into.push(b',');
    }
    into.push(b'}');
}

fn write_list(items: &[Value], name: &str, into: &mut Vec<u8>) {
    into.push(b'[');
    if list::shape(name, items) == Shape::Sequence {
        for item in items {
            canonical(item, "", into);
            into.push(b',');
        }
    } else {
        let mut texts: Vec<Vec<u8>> = items
            .iter()
            .map(|item| {
                let mut text = Vec::new();
                canonical(item, "", &mut text);
                text
            })
            .collect();
        texts.sort_unstable();
        for text in texts {
            into.extend_from_slice(&text);
            into.push(b',');
        }
    }
    into.push(b']');
}

fn write_scalar(value: &Value, into: &mut Vec<u8>) {
    // Writing a scalar into memory cannot fail.
    let _ = serde_json::to_writer(into, value);
}

/// How deep maps and lists nest. `serde_json` refuses to read more than 128 levels, so that a
/// deeper document could be written and never read again.
pub(crate) fn depth_of(value: &Value) -> usize {
    let mut deepest = 0;
    let mut open = vec![(value, 1_usize)];
    while let Some((value, depth)) = open.pop() {
        deepest = deepest.max(depth);
        match value {
            Value::Object(map) => open.extend(map.values().map(|value| (value, depth + 1))),
            Value::Array(list) => open.extend(list.iter().map(|value| (value, depth + 1))),
            _ => {}
        }
    }
    deepest
}
