//! JSON lines of findings and of their history, for programs. A served format: members are added,
//! never changed. `finding_id` is what scans print for a control's failure.

use std::io::Write;

use serde_json::{Map, Value, json};
use yagura_model::finding::{Finding, FindingSuppression, HistoryEntry};
use yagura_model::{Lang, Severity};

use super::facts::instant;
use crate::error::ReportError;

/// One line of a finding, with its line feed.
///
/// # Errors
/// When `out` cannot be written.
pub fn finding_line(finding: &Finding, lang: Lang, out: &mut dyn Write) -> Result<(), ReportError> {
    crate::rows::json_line(out, &value(finding, lang))
}

/// One line of a finding's history, with its line feed.
///
/// # Errors
/// When `out` cannot be written.
pub fn history_line(entry: &HistoryEntry, out: &mut dyn Write) -> Result<(), ReportError> {
    let line = json!({
        "number": entry.number,
        "finding_id": entry.finding,
        "account": entry.account,
        "at": instant(entry.at_us),
        "actor": {"kind": entry.actor.kind(), "name": entry.actor.name()},
        "change": entry.change.as_str(),
        "details": details(serde_json::to_value(&entry.change)?),
    });
    crate::rows::json_line(out, &line)
}

/// A change without its name, which stands beside it, and with times as texts.
fn details(change: Value) -> Value {
    let Value::Object(members) = change else { return Value::Null };
    let members = members.into_iter().filter(|(name, _)| name != "change");
    let readable = members.map(|(name, value)| match (name.strip_suffix("_us"), value.as_i64()) {
        (Some(stem), Some(at_us)) => (stem.to_owned(), Value::from(instant(at_us))),
        _ => (name, value),
    });
    Value::Object(readable.collect())
}

fn value(finding: &Finding, lang: Lang) -> Value {
    let seen = &finding.observation;
    let reasons = seen.rank.reasons.iter().map(|reason| {
        json!({
            "factor": reason.factor.as_str(),
            "points": reason.points,
            "why": reason.why.get(lang),
        })
    });
    let mut marks: Map<String, Value> = Map::new();
    for (kind, value) in &seen.marks {
        let list = marks.entry(kind.as_str()).or_insert_with(|| json!([]));
        if let Value::Array(list) = list {
            list.push(Value::from(value.as_str()));
        }
    }
    json!({
        "finding_id": finding.id,
        "kind": seen.kind.as_str(),
        "content": seen.content,
        "path": seen.path,
        "title": seen.title.get(lang),
        "severity": finding.severity.as_str(),
        "severity_set": finding.severity_set.map(Severity::as_str),
        "rank": {"points": seen.rank.points, "reasons": reasons.collect::<Vec<_>>()},
        "state": finding.state.as_str(),
        "account": seen.account,
        "region": seen.region,
        "resource": {
            "key": seen.key,
            "type": seen.resource_type,
            "name": seen.resource_name,
        },
        "cause": seen.cause,
        "first_seen": instant(finding.first_seen_us),
        "last_seen": instant(finding.last_seen_us),
        "opened": instant(finding.opened_us),
        "resolved": finding.resolved_us.map(instant),
        "occurrences": finding.occurrences,
        "assignee": finding.assignee,
        "due": finding.due_us.map(instant),
        "suppression": finding.suppression.as_ref().map(suppression),
        "tickets": finding.tickets,
        "labels": finding.labels,
        "comments": finding.comments,
        "changed": instant(finding.changed_us),
        "version": finding.version,
        "marks": marks,
        "evidence": seen.evidence,
    })
}

fn suppression(by: &FindingSuppression) -> Value {
    json!({"until": instant(by.until_us), "owner": by.owner, "reason": by.reason})
}
