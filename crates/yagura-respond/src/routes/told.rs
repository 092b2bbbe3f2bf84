//! What is told of a finding: taken from it when it is routed, kept in the outbox, read again when
//! it is sent. How it is worded is the report's.

use jiff::Timestamp;
use serde_json::{Value, json};
use yagura_model::Prose;
use yagura_model::finding::{Finding, FindingKind, HistoryEntry, MarkKind};
use yagura_report::messages::{NoticeChange, NoticeItem, Told};

use super::advice::of_evidence;

/// The version of a stored document. INVARIANT: older ones are read as long as they may wait.
const VERSION: u64 = 1;
/// Names kept of each kind, and characters of each text.
const NAMES_MAX: usize = 5;
const CHARS_MAX: usize = 1_000;

/// What is told of a finding; `account` is as expressions see it.
pub(crate) fn told(finding: &Finding, account: &Value) -> Told {
    let seen = &finding.observation;
    let marks = |kind: MarkKind| {
        let of_kind = seen.marks.iter().filter(|(known, _)| *known == kind);
        of_kind.take(NAMES_MAX).map(|(_, value)| short(value)).collect::<Vec<_>>()
    };
    let name = account.get("name").and_then(Value::as_str).unwrap_or_default();
    Told {
        id: finding.id.clone(),
        kind: seen.kind.as_str().to_owned(),
        content: short(&seen.content),
        title: Prose { en: short(&seen.title.en), ja: short(&seen.title.ja) },
        severity: finding.severity,
        rank: seen.rank.points,
        state: finding.state.as_str().to_owned(),
        account: short(&seen.account),
        account_name: short(name),
        region: short(&seen.region),
        key: short(&seen.key),
        resource_type: seen.resource_type.as_deref().map(short),
        resource_name: seen.resource_name.as_deref().map(short),
        actors: marks(MarkKind::Actor),
        addresses: marks(MarkKind::Address),
        first_us: finding.first_seen_us,
        last_us: finding.last_seen_us,
        occurrences: finding.occurrences,
        assignee: finding.assignee.as_deref().map(short),
        due_us: finding.due_us,
        advice: Some(seen.kind)
            .filter(|kind| *kind == FindingKind::Import)
            .and_then(|_| of_evidence(&seen.evidence)),
    }
}

fn short(text: &str) -> String {
    text.chars().take(CHARS_MAX).collect()
}

/// What happened, as the variable `change` of a route.
pub(crate) fn change_value(entry: &HistoryEntry) -> Value {
    let mut value = serde_json::to_value(&entry.change).unwrap_or_default();
    if let Some(members) = value.as_object_mut() {
        members.remove("change");
        let at = Timestamp::from_microsecond(entry.at_us).unwrap_or_default();
        members.insert("kind".to_owned(), json!(entry.change.as_str()));
        members.insert("at".to_owned(), json!(at.to_string()));
        let actor = json!({"kind": entry.actor.kind(), "name": entry.actor.name()});
        members.insert("actor".to_owned(), actor);
    }
    value
}

/// The document of an item of the outbox.
pub(crate) fn document(told: &Told, change: &NoticeChange) -> Value {
    json!({"version": VERSION, "told": told, "change": change})
}

/// Reads such a document; none where a newer version wrote it.
pub(crate) fn read_document(document: &Value) -> Option<NoticeItem> {
    if document.get("version").and_then(Value::as_u64) != Some(VERSION) {
        return None;
    }
    let member = |name: &str| document.get(name).cloned().unwrap_or_default();
    Some(NoticeItem {
        told: serde_json::from_value(member("told")).ok()?,
        change: serde_json::from_value(member("change")).ok()?,
    })
}
