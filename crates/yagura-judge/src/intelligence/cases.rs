//! Runs the cases of the rules of threat intelligence: lists, an event, and what comes of them.
//! Cases of controls are run in `crate::cases`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use yagura_analyze::intelligence::{AwsRanges, ListOptions, read_aws_ranges, read_list};
use yagura_content::Content;
use yagura_content::format::{CaseExpectation, IntelligenceCase, IntelligenceRule};
use yagura_model::event::{BatchBuilder, EventBatch, Origin};
use yagura_model::indicator::{IndicatorList, ListKind, ThreatCategory};

use super::{Hit, Intelligence};
use crate::cases::CaseResult;

/// Runs every case of every rule, in order.
pub fn run(content: &Content) -> Vec<CaseResult> {
    let rules = content.intelligence.values();
    rules.flat_map(|rule| run_rule(content, rule)).collect()
}

/// Runs the cases of one rule.
pub fn run_rule(content: &Content, rule: &IntelligenceRule) -> Vec<CaseResult> {
    let mut alone = content.clone();
    alone.intelligence.retain(|id, _| *id == rule.id);
    let result = |case: &IntelligenceCase| CaseResult {
        control: rule.id.clone(),
        case: case.name.value.clone(),
        place: case.name.place,
        failure: run_case(&alone, rule, case).err(),
    };
    rule.cases.iter().map(result).collect()
}

fn run_case(
    content: &Content,
    rule: &IntelligenceRule,
    case: &IntelligenceCase,
) -> Result<(), String> {
    let source = case.source.as_ref().or_else(|| rule.places.first().map(|at| &at.source));
    let source = source.ok_or("the rule has no place")?;
    let table = content.sources.get(source.as_str()).map(|source| source.table());
    let table = table.ok_or_else(|| format!("there is no source `{source}`"))?;
    let lists = lists(case)?;
    let ranges = case.aws.as_ref().map(aws_ranges).transpose()?;
    let (intelligence, faults) = Intelligence::new(content, &lists, None, ranges.as_ref());
    if let Some((_, why)) = faults.iter().find(|(id, _)| *id == rule.id) {
        return Err(why.clone());
    }
    let batch = batch(content, source, &case.event)?;
    let mut hits: Vec<Hit> = Vec::new();
    let mut inspector = intelligence.inspector();
    for record in &batch {
        intelligence.inspect(table, record, &mut inspector, &mut |hit| hits.push(hit));
    }
    let raised = hits.iter().any(|hit| *hit.content == *rule.id);
    match (case.expect, raised) {
        (CaseExpectation::Match, false) => Err("expected a match, there was none".to_owned()),
        (CaseExpectation::Quiet, true) => Err("expected quiet, it matched".to_owned()),
        _ => Ok(()),
    }
}

fn lists(case: &IntelligenceCase) -> Result<Vec<IndicatorList>, String> {
    let threats = case
        .lists
        .iter()
        .map(|(category, entries)| list(category.as_str(), ListKind::Threat, *category, entries));
    let trusted = (!case.trusted.is_empty())
        .then(|| list("trusted", ListKind::Trusted, ThreatCategory::Custom, &case.trusted));
    threats.chain(trusted).collect()
}

fn list(
    name: &str,
    kind: ListKind,
    category: ThreatCategory,
    entries: &[String],
) -> Result<IndicatorList, String> {
    let read = read_list(entries.join("\n").as_bytes(), &ListOptions::default());
    let read = read.map_err(|fault| fault.to_string())?;
    if let Some(bad) = read.bad.first() {
        return Err(format!("`{}` is no entry of a list: {}", bad.text, bad.fault));
    }
    Ok(IndicatorList {
        name: name.to_owned(),
        kind,
        category,
        source: String::new(),
        fetched_at: None,
        licence: String::new(),
        entries: read.entries,
    })
}

fn aws_ranges(blocks: &BTreeMap<String, String>) -> Result<AwsRanges, String> {
    let prefix = |(block, service): (&String, &String)| {
        json!({
            "ip_prefix": block, "region": "us-east-1", "service": service,
        })
    };
    let prefixes: Vec<Value> = blocks.iter().map(prefix).collect();
    let file = json!({ "prefixes": prefixes }).to_string();
    read_aws_ranges(file.as_bytes()).map_err(|fault| fault.to_string())
}

/// The event laid over the source's base record; what begins with `@` stands in the object's key.
fn batch(
    content: &Content,
    source: &str,
    event: &Map<String, Value>,
) -> Result<EventBatch, String> {
    let mut record = Value::Object(
        content.case_records.get(source).map(|base| Map::clone(base)).unwrap_or_default(),
    );
    lay(&mut record, &Value::Object(event.clone()));
    let mut key_fields = Vec::new();
    if let Value::Object(members) = &mut record {
        members.retain(|name, value| match (name.strip_prefix('@'), value.as_str()) {
            (Some(name), Some(text)) => {
                key_fields.push((name.to_owned(), text.to_owned()));
                false
            }
            _ => true,
        });
    }
    let origin = Origin { object: "case".into(), key_fields };
    let mut builder = BatchBuilder::new(Arc::new(origin));
    builder.push_json(record.to_string().as_bytes()).map_err(|fault| fault.to_string())?;
    Ok(builder.finish())
}

/// Lays members over others; a null takes a member away.
fn lay(base: &mut Value, over: &Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (name, value) in over {
                if value.is_null() {
                    base.shift_remove(name);
                } else {
                    lay(base.entry(name.clone()).or_insert(Value::Null), value);
                }
            }
        }
        (base, over) => *base = over.clone(),
    }
}
