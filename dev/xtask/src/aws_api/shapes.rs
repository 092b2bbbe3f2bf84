//! Writes the shapes of a service, equal scalars and lists merged into one.
//! The reader's half is `crates/yagura-aws/src/api/shapes.rs`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, bail};
use serde_json::{Map, Value};

use super::writer::Block;

const KINDS: [&str; 11] = [
    "structure",
    "list",
    "map",
    "string",
    "boolean",
    "integer",
    "long",
    "float",
    "double",
    "timestamp",
    "blob",
];

/// The shapes that operations reach, numbered.
pub(crate) struct Shapes<'a> {
    all: &'a Map<String, Value>,
    /// Exceptions, also those that no `exception` mark but only an operation names.
    errors: BTreeSet<&'a str>,
    numbers: BTreeMap<&'a str, usize>,
    /// One shape's name for each number.
    names: Vec<&'a str>,
}

impl<'a> Shapes<'a> {
    pub(crate) fn collect(model: &'a Value) -> anyhow::Result<Shapes<'a>> {
        let all = model.get("shapes").and_then(Value::as_object).context("no shapes")?;
        let mut shapes =
            Shapes { all, errors: BTreeSet::new(), numbers: BTreeMap::new(), names: Vec::new() };
        let mut reached = BTreeSet::new();
        let operations = model.get("operations").and_then(Value::as_object);
        for operation in operations.into_iter().flat_map(Map::values) {
            for part in ["input", "output"] {
                if let Some(name) = operation.pointer(&format!("/{part}/shape")) {
                    shapes.reach(name.as_str().unwrap_or_default(), &mut reached)?;
                }
            }
            let errors = operation.get("errors").and_then(Value::as_array);
            for error in errors.into_iter().flatten() {
                let name = error.get("shape").and_then(Value::as_str).context("an error")?;
                shapes.errors.insert(name);
                shapes.reach(name, &mut reached)?;
            }
        }
        for (name, shape) in all {
            if shape.get("exception").is_some() || shape.get("error").is_some() {
                shapes.errors.insert(name);
                shapes.reach(name, &mut reached)?;
            }
        }
        let mut canonical: BTreeMap<String, usize> = BTreeMap::new();
        for name in reached {
            let key = shapes.key(name, 0);
            let next = shapes.names.len();
            let number = *canonical.entry(key).or_insert(next);
            if number == next {
                shapes.names.push(name);
            }
            shapes.numbers.insert(name, number);
        }
        Ok(shapes)
    }

    fn reach(&self, name: &str, reached: &mut BTreeSet<&'a str>) -> anyhow::Result<()> {
        let (name, shape) =
            self.all.get_key_value(name).with_context(|| format!("there is no shape `{name}`"))?;
        if !reached.insert(name) {
            return Ok(());
        }
        let members = shape.get("members").and_then(Value::as_object);
        let inner = ["member", "key", "value"].into_iter().filter_map(|part| shape.get(part));
        for member in members.into_iter().flat_map(Map::values).chain(inner) {
            self.reach(text(member, "shape").context("a member has no shape")?, reached)?;
        }
        Ok(())
    }

    /// Shapes with the same key mean the same on the wire. Structures keep their own.
    fn key(&self, name: &str, depth: usize) -> String {
        let Some(shape) = self.all.get(name) else { return name.to_owned() };
        let kind = text(shape, "type").unwrap_or_default();
        if kind == "structure" || depth > 4 {
            return format!("structure {name}");
        }
        let mut facts = shape.clone();
        if let Some(facts) = facts.as_object_mut() {
            let kept = ["type", "timestampFormat", "sensitive", "streaming", "flattened", "sparse"];
            facts.retain(|key, _| kept.contains(&key.as_str()));
        }
        let mut key = facts.to_string();
        for part in ["member", "key", "value"] {
            if let Some(member) = shape.get(part) {
                let mut facts = member.clone();
                let inner = text(member, "shape").unwrap_or_default();
                if let Some(facts) = facts.as_object_mut() {
                    facts.retain(|key, _| !matches!(key.as_str(), "shape" | "documentation"));
                }
                key.push_str(&format!(" {part} {facts} {}", self.key(inner, depth + 1)));
            }
        }
        key
    }

    pub(crate) fn number(&self, name: &str) -> anyhow::Result<usize> {
        self.numbers.get(name).copied().with_context(|| format!("there is no shape `{name}`"))
    }

    /// The number of a `{"shape": …}` reference plus one; 0 for none.
    pub(crate) fn reference(&self, value: Option<&Value>) -> anyhow::Result<usize> {
        match value.and_then(|value| text(value, "shape")) {
            Some(name) => Ok(self.number(name)? + 1),
            None => Ok(0),
        }
    }

    pub(crate) fn write(&self, block: &mut Block) -> anyhow::Result<()> {
        block.list(&self.names, |block, name| {
            let shape = self.all.get(*name).context("no shape")?;
            self.write_shape(block, name, shape).with_context(|| format!("shape `{name}`"))
        })
    }

    fn write_shape(&self, block: &mut Block, name: &str, shape: &Value) -> anyhow::Result<()> {
        let kind = text(shape, "type").context("no type")?;
        let number = KINDS.iter().position(|known| *known == kind);
        let number = number.with_context(|| format!("the type `{kind}` is unknown"))?;
        let mut flags = 0usize;
        let marks =
            ["union", "document", "", "eventstream", "sensitive", "flattened", "sparse", "fault"];
        for (bit, mark) in marks.into_iter().chain(["streaming"]).enumerate() {
            if shape.get(mark) == Some(&Value::Bool(true)) {
                flags |= 1 << bit;
            }
        }
        if self.errors.contains(name) {
            flags |= 1 << 2;
        }
        block.number(number | (flags << 4))?;
        match kind {
            "structure" => self.write_structure(block, name, shape)?,
            "list" => self.write_member(block, None, shape.get("member"), false)?,
            "map" => {
                self.write_member(block, None, shape.get("key"), false)?;
                self.write_member(block, None, shape.get("value"), false)?;
            }
            "timestamp" => block.number(match text(shape, "timestampFormat") {
                None => 0,
                Some("iso8601") => 1,
                Some("unixTimestamp") => 2,
                Some("rfc822") => 3,
                Some(other) => bail!("the timestamp format `{other}` is unknown"),
            })?,
            _ => {}
        }
        Ok(())
    }

    fn write_structure(&self, block: &mut Block, name: &str, shape: &Value) -> anyhow::Result<()> {
        let empty = Map::new();
        let members = shape.get("members").and_then(Value::as_object).unwrap_or(&empty);
        let is_error = self.errors.contains(name);
        let payload = text(shape, "payload");
        let payload = payload.and_then(|payload| members.keys().position(|key| key == payload));
        let (namespace, prefix) = namespace(shape);
        let has_details = is_error || payload.is_some() || namespace.is_some();
        block.flag(has_details);
        if has_details {
            block.maybe(is_error.then_some(name));
            block.number(payload.map_or(0, |index| index + 1))?;
            block.maybe(shape.pointer("/error/code").and_then(Value::as_str));
            let status = shape.pointer("/error/httpStatusCode").and_then(Value::as_u64);
            block.number(status.unwrap_or(0) as usize)?;
            block.maybe(namespace);
            block.maybe(prefix);
        }
        let required = shape.get("required").and_then(Value::as_array);
        let is_required =
            |name: &str| required.is_some_and(|list| list.iter().any(|one| one == name));
        block.number(members.len())?;
        for (name, member) in members {
            self.write_member(block, Some(name), Some(member), is_required(name))?;
        }
        Ok(())
    }

    fn write_member(
        &self,
        block: &mut Block,
        name: Option<&str>,
        member: Option<&Value>,
        is_required: bool,
    ) -> anyhow::Result<()> {
        let member = member.context("a list or map has no member")?;
        let mut flags = usize::from(is_required);
        flags |= match text(member, "location") {
            None => 0,
            Some("uri") => 1,
            Some("querystring") => 2,
            Some("header") => 3,
            Some("headers") => 4,
            Some("statusCode") => 5,
            Some(other) => bail!("the location `{other}` is unknown"),
        } << 1;
        let marks = ["flattened", "xmlAttribute", "idempotencyToken", "jsonvalue", "hostLabel"];
        for (bit, mark) in marks.into_iter().chain(["streaming"]).enumerate() {
            if member.get(mark) == Some(&Value::Bool(true)) {
                flags |= 1 << (bit + 4);
            }
        }
        let (namespace, prefix) = namespace(member);
        let query_name = text(member, "queryName");
        let parameter = member.pointer("/contextParam/name").and_then(Value::as_str);
        let has_extras = query_name.is_some() || namespace.is_some() || parameter.is_some();
        let wire_name = text(member, "locationName").filter(|wire| Some(*wire) != name);
        flags |= usize::from(has_extras) << 10;
        flags |= usize::from(wire_name.is_some()) << 11;
        block.maybe(name);
        block.number(self.number(text(member, "shape").context("a member has no shape")?)?)?;
        block.number(flags)?;
        if let Some(wire_name) = wire_name {
            block.text(wire_name);
        }
        if has_extras {
            block.maybe(query_name);
            block.maybe(namespace);
            block.maybe(prefix);
            block.maybe(parameter);
        }
        Ok(())
    }
}

pub(crate) fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str)
}

/// `"uri"`, or `{"uri": …, "prefix": …}`.
fn namespace(value: &Value) -> (Option<&str>, Option<&str>) {
    match value.get("xmlNamespace") {
        Some(Value::String(uri)) => (Some(uri), None),
        Some(both) => (text(both, "uri"), text(both, "prefix")),
        None => (None, None),
    }
}
