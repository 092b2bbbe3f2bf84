//! JSON lines of alerts, for programs. A served format: members are added, never changed.
//! `rule_id, rule_path, title, level, tags, time, event_ids, account, region, principal,
//! source_ip, matched` are the contract with whoever compares detection tools.

use std::io::Write;

use serde_json::{Map, Value, json};
use yagura_model::Lang;
use yagura_model::alert::{Alert, Several, Witness};

use super::{AlertEntry, AlertReport, facts};
use crate::error::ReportError;

pub(super) fn write(
    alert: &Alert,
    report: &AlertReport<'_>,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    let entry = report.entries.get(&*alert.content);
    crate::rows::json_line(out, &value(alert, entry, report.lang))
}

/// One line of an alert, with its line feed: for whoever writes them as they come.
///
/// # Errors
/// When `out` cannot be written.
pub fn alert_line(
    alert: &Alert,
    entry: Option<&AlertEntry>,
    lang: Lang,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    crate::rows::json_line(out, &value(alert, entry, lang))
}

fn value(alert: &Alert, entry: Option<&AlertEntry>, lang: Lang) -> Value {
    let first = alert.witnesses.first();
    let of = |field: fn(&Witness) -> Option<&str>| first.and_then(field);
    let (count, exact) = alert.count();
    let mut line = json!({
        "alert_id": alert.id,
        "kind": alert.kind.as_str(),
        "rule_id": alert.content,
        "rule_path": alert.path,
        "title": alert.title.get(lang),
        "level": alert.severity.as_str(),
        "tags": alert.tags,
        "time": facts::instant(alert.first_us),
        "last_time": facts::instant(alert.last_us),
        "count": count,
        "count_is_exact": exact,
        "event_ids": alert.witnesses.iter().map(Witness::event_id).collect::<Vec<_>>(),
        "source": of(|witness| Some(&witness.source)),
        "entity": {"kind": alert.entity.kind.as_str(), "id": alert.entity.id},
        "account": of(|witness| witness.account.as_deref()).or(alert.accounts.names().next()),
        "region": of(|witness| witness.region.as_deref()).or(alert.regions.names().next()),
        "principal": of(|witness| witness.actor.as_deref()).or(alert.actors.names().next()),
        "source_ip": of(|witness| witness.address.as_deref()).or(alert.addresses.names().next()),
        "user_agent": of(|witness| witness.user_agent.as_deref()),
        "action": of(|witness| witness.action.as_deref()),
        "outcome": of(|witness| witness.outcome.as_deref()),
        "resources": names(&alert.resources),
        "matched": alert.matched,
    });
    if let Some(fields) = line.as_object_mut() {
        sometimes(alert, entry, lang, fields);
    }
    line
}

/// Members that only some alerts have.
fn sometimes(
    alert: &Alert,
    entry: Option<&AlertEntry>,
    lang: Lang,
    fields: &mut Map<String, Value>,
) {
    let mut put = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
    if let Some(uuid) = entry.map(|entry| &entry.uuid).filter(|uuid| !uuid.is_empty()) {
        put("sigma_id", json!(uuid));
    }
    for (name, set) in [
        ("accounts", &alert.accounts),
        ("regions", &alert.regions),
        ("principals", &alert.actors),
        ("source_ips", &alert.addresses),
    ] {
        if set.names().len() > 1 {
            put(name, names(set));
        }
    }
    let left_out: Map<String, Value> = [
        ("accounts", &alert.accounts),
        ("regions", &alert.regions),
        ("principals", &alert.actors),
        ("source_ips", &alert.addresses),
        ("resources", &alert.resources),
    ]
    .into_iter()
    .filter(|(_, set)| set.more() > 0)
    .map(|(name, set)| (name.to_owned(), json!(set.more())))
    .collect();
    if !left_out.is_empty() {
        put("left_out", Value::Object(left_out));
    }
    if let Some(contrast) = &alert.contrast {
        put("normal", json!(contrast.normal.get(lang)));
        put("seen", json!(contrast.seen.get(lang)));
    }
    if !alert.story.is_empty() {
        let step = |step: &yagura_model::alert::StoryStep| {
            json!({
                "time": facts::instant(step.time_us),
                "tactic": step.tactic,
                "rule_id": step.content,
                "title": step.title.get(lang),
                "event_id": step.witness.event_id(),
            })
        };
        put("story", alert.story.iter().map(step).collect());
    }
    if !alert.severity_reasons.is_empty() {
        put("level_reasons", json!(facts::severity_reasons(alert, lang)));
    }
    if let Some(by) = &alert.suppressed {
        let until = by.expires.to_string();
        put("suppressed", json!({"by": by.owner, "reason": by.reason, "until": until}));
    }
    if alert.shadow {
        put("shadow", Value::Bool(true));
    }
}

fn names(set: &Several) -> Value {
    set.names().collect::<Vec<_>>().into()
}
