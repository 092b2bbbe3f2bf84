//! A finding as expressions of rules and routes see it. The names of the members are promises to
//! those who write rules; what expressions can do with them is the content crate's business.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use yagura_model::finding::{Finding, MarkKind};

/// A finding as the variable `finding`. `marks` are lists by kind, so that a rule can say
/// `'env=prod' in finding.marks.tag`; a kind without marks is an empty list.
pub(crate) fn finding_value(finding: &Finding) -> Value {
    let seen = &finding.observation;
    let mut marks: Map<String, Value> =
        MarkKind::ALL.iter().map(|kind| (kind.as_str().to_owned(), json!([]))).collect();
    for (kind, value) in &seen.marks {
        if let Some(Value::Array(list)) = marks.get_mut(kind.as_str()) {
            list.push(Value::from(value.as_str()));
        }
    }
    json!({
        "id": finding.id,
        "kind": seen.kind.as_str(),
        "content": seen.content,
        "title": seen.title.en,
        "severity": finding.severity.as_str(),
        "rank": seen.rank.points,
        "state": finding.state.as_str(),
        "account": seen.account,
        "region": seen.region,
        "resource": {
            "key": seen.key,
            "type": seen.resource_type,
            "name": seen.resource_name,
        },
        "marks": marks,
        "labels": finding.labels,
        "first_seen": time(finding.first_seen_us),
        "last_seen": time(finding.last_seen_us),
        "opened": time(finding.opened_us),
        "occurrences": finding.occurrences,
        "assignee": finding.assignee,
        "due": finding.due_us.map(time),
        "cause": seen.cause,
        "evidence": seen.evidence,
    })
}

/// A time as expressions read it: `timestamp(finding.first_seen)`.
fn time(at_us: i64) -> String {
    Timestamp::from_microsecond(at_us).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}
