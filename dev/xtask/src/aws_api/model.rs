//! The service models of botocore: which files belong to a service, extras merged in.
//! How they are written into the table is in `block.rs` and `shapes.rs`.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use serde_json::{Map, Value};

use super::wheel::Wheel;

/// All files of the newest API version of one service.
pub(crate) struct Model {
    pub(crate) name: String,
    pub(crate) service: Value,
    pub(crate) paginators: Map<String, Value>,
    pub(crate) waiters: Map<String, Value>,
    pub(crate) rules: Value,
}

/// Reads all services, by name.
pub(crate) fn read_all(wheel: &mut Wheel) -> anyhow::Result<Vec<Model>> {
    let mut newest: BTreeMap<String, String> = BTreeMap::new();
    for file in wheel.names()? {
        let parts: Vec<&str> = file.split('/').collect();
        let ["botocore", "data", service, version, name] = parts.as_slice() else { continue };
        if matches!(*name, "service-2.json" | "service-2.json.gz") {
            // The names are in order, so the last version is the newest.
            newest.insert((*service).to_owned(), (*version).to_owned());
        }
    }
    newest.into_iter().map(|(service, version)| read(wheel, &service, &version)).collect()
}

fn read(wheel: &mut Wheel, name: &str, version: &str) -> anyhow::Result<Model> {
    let folder = format!("botocore/data/{name}/{version}");
    let mut with_extras = |file: &str| -> anyhow::Result<Value> {
        let base = wheel.json(&format!("{folder}/{file}.json"))?;
        let mut base = base.unwrap_or(Value::Null);
        if let Some(mut extras) = wheel.json(&format!("{folder}/{file}.sdk-extras.json"))? {
            merge(&mut base, extras.get_mut("merge").map_or(Value::Null, Value::take));
        }
        Ok(base)
    };
    let mut service = with_extras("service-2")?;
    let mut paginators = with_extras("paginators-1")?;
    let mut waiters = with_extras("waiters-2")?;
    let mut rules = with_extras("endpoint-rule-set-1")?;
    if service.is_null() || rules.is_null() {
        bail!("`{folder}` lacks its service model or its endpoint rules");
    }
    strip_documentation(&mut service);
    slim_rules(&mut rules);
    let part = |value: &mut Value, key: &str| match value.get_mut(key).map(Value::take) {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    };
    Ok(Model {
        name: name.to_owned(),
        paginators: part(&mut paginators, "pagination"),
        waiters: part(&mut waiters, "waiters"),
        service,
        rules,
    })
}

/// The partitions without the prose.
pub(crate) fn partitions(wheel: &mut Wheel) -> anyhow::Result<Value> {
    let mut value = wheel
        .json("botocore/data/partitions.json")?
        .context("the package has no `partitions.json`")?;
    let list = value.get_mut("partitions").and_then(Value::as_array_mut);
    for partition in list.context("the partitions are no list")? {
        let regions = partition.get_mut("regions").and_then(Value::as_object_mut);
        for region in regions.into_iter().flat_map(Map::values_mut) {
            *region = Value::Object(Map::new());
        }
    }
    Ok(value)
}

/// Objects are merged member by member; everything else replaces what was there.
fn merge(base: &mut Value, extra: Value) {
    match (base, extra) {
        (Value::Object(base), Value::Object(extra)) => {
            for (key, value) in extra {
                merge(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (_, Value::Null) => {}
        (base, extra) => *base = extra,
    }
}

fn strip_documentation(value: &mut Value) {
    let shapes = value.get_mut("shapes").and_then(Value::as_object_mut);
    for shape in shapes.into_iter().flat_map(Map::values_mut) {
        if let Some(shape) = shape.as_object_mut() {
            for prose in ["documentation", "enum", "pattern", "min", "max"] {
                shape.shift_remove(prose);
            }
        }
    }
}

/// Drops what the evaluator does not ask for: prose, types that the members tell, empty parts.
fn slim_rules(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for name in ["documentation", "backend", "metricValues"] {
                members.shift_remove(name);
            }
            if members.contains_key("rules")
                || members.contains_key("endpoint")
                || members.contains_key("error")
            {
                members.shift_remove("type");
                members.shift_remove("version");
            }
            members.values_mut().for_each(slim_rules);
            let is_empty = |value: &Value| match value {
                Value::Object(inner) => inner.is_empty(),
                Value::Array(inner) => inner.is_empty(),
                _ => false,
            };
            members.retain(|name, value| {
                !(matches!(name.as_str(), "conditions" | "headers" | "properties")
                    && is_empty(value))
            });
        }
        Value::Array(elements) => elements.iter_mut().for_each(slim_rules),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn extras_are_merged_member_by_member() {
        let mut base = json!({"a": {"b": 1, "c": 2}});
        merge(&mut base, json!({"a": {"c": 3, "d": 4}}));
        assert_eq!(base, json!({"a": {"b": 1, "c": 3, "d": 4}}));
    }
}
