//! What shows a finding: the values that decided, the records of an alert, the members of another
//! product's finding. All of it is foreign text, cut to what a page can hold.
//! What content says of it is in `advice.rs`.

use serde::Serialize;
use serde_json::Value;
use yagura_model::alert::{Alert, Witness};
use yagura_model::finding::{Finding, FindingKind};
use yagura_model::{Prose, Unread, Verdict};

/// Lines of one list that are shown.
const LINES_MAX: usize = 60;
/// Letters of one value.
const VALUE_CHARS_MAX: usize = 2_000;
/// Letters of the whole document.
const DOCUMENT_CHARS_MAX: usize = 60_000;

/// What shows a finding.
#[derive(Debug, Default, Serialize)]
pub(super) struct Evidence {
    /// Names and values that decided.
    pairs: Vec<(String, String)>,
    /// What was not read.
    unread: Vec<Gap>,
    /// What is normal and what was seen.
    contrast: Option<(Prose, Prose)>,
    /// What happened in order, or the records.
    events: Vec<Event>,
    /// How many records there were.
    events_total: u64,
    /// The alert's id, for its own page.
    alert: Option<String>,
    /// Everything, as JSON.
    document: String,
    /// Whether the document was cut.
    cut: bool,
}

/// A part that was not read.
#[derive(Debug, Serialize)]
struct Gap {
    path: String,
    reason: &'static str,
    action: String,
}

/// One record.
#[derive(Debug, Serialize)]
struct Event {
    time_us: i64,
    title: Option<Prose>,
    action: String,
    actor: String,
    address: String,
    outcome: String,
    place: String,
    resources: Vec<String>,
}

/// What shows a finding.
pub(super) fn evidence_of(finding: &Finding) -> Evidence {
    let seen = &finding.observation;
    let mut evidence = match seen.kind {
        FindingKind::Control => of_verdict(&seen.evidence),
        FindingKind::Alert => of_alert(&seen.evidence),
        FindingKind::Import | FindingKind::Spend => of_members(&seen.evidence),
    };
    if !seen.evidence.is_null() {
        let text = serde_json::to_string_pretty(&seen.evidence).unwrap_or_default();
        evidence.cut = text.chars().count() > DOCUMENT_CHARS_MAX;
        evidence.document = text.chars().take(DOCUMENT_CHARS_MAX).collect();
    }
    evidence
}

fn of_verdict(document: &Value) -> Evidence {
    let Ok(verdict) = serde_json::from_value::<Verdict>(document.clone()) else {
        return of_members(document);
    };
    let pairs = verdict.evidence.iter().take(LINES_MAX);
    Evidence {
        pairs: pairs.map(|(path, value)| (path.clone(), shown(value))).collect(),
        unread: verdict.unread.iter().take(LINES_MAX).map(gap).collect(),
        ..Evidence::default()
    }
}

fn gap(unread: &Unread) -> Gap {
    Gap {
        path: unread.path.to_string(),
        reason: unread.reason.as_str(),
        action: unread.action.clone(),
    }
}

fn of_alert(document: &Value) -> Evidence {
    let Ok(alert) = serde_json::from_value::<Alert>(document.clone()) else {
        return of_members(document);
    };
    let matched = alert.matched.iter().take(LINES_MAX).map(|one| {
        let value = one.value.as_deref().unwrap_or("—");
        (one.field.to_string(), cut(value))
    });
    let events = match alert.story.is_empty() {
        false => alert
            .story
            .iter()
            .take(LINES_MAX)
            .map(|step| event(&step.witness, Some(step.title.clone())))
            .collect(),
        true => alert.witnesses.iter().take(LINES_MAX).map(|one| event(one, None)).collect(),
    };
    Evidence {
        pairs: matched.collect(),
        contrast: alert.contrast.map(|contrast| (contrast.normal, contrast.seen)),
        events,
        events_total: alert.events_told,
        alert: Some(alert.id),
        ..Evidence::default()
    }
}

fn event(witness: &Witness, title: Option<Prose>) -> Event {
    let text = |text: &Option<std::sync::Arc<str>>| text.as_deref().map(cut).unwrap_or_default();
    let place = [&witness.account, &witness.region].into_iter().flatten();
    let place: Vec<&str> = place.map(AsRef::as_ref).collect();
    Event {
        time_us: witness.time_us,
        title,
        action: text(&witness.action),
        actor: text(&witness.actor),
        address: text(&witness.address),
        outcome: text(&witness.outcome),
        place: place.join(" "),
        resources: witness.resources.iter().take(4).map(|one| cut(one)).collect(),
    }
}

/// The members of a document whose form is not ours, one level deep.
fn of_members(document: &Value) -> Evidence {
    let members = document.as_object().into_iter().flatten();
    let plain = members.filter(|(_, value)| !value.is_object() && !value.is_array());
    let pairs = plain.take(LINES_MAX).map(|(name, value)| (name.clone(), shown(value)));
    Evidence { pairs: pairs.collect(), ..Evidence::default() }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => cut(text),
        other => cut(&other.to_string()),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}
