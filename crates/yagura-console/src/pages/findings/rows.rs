//! A finding as a line of a list, on whatever page it stands.
//! One in full is in `one.rs`.

use std::collections::BTreeMap;

use serde::Serialize;
use yagura_model::finding::{Finding, FindingKind, Observation};
use yagura_model::{GLOBAL_REGION, Lang};
use yagura_report::words;

/// Characters of a title that a line shows.
const TITLE_CHARS_MAX: usize = 300;

/// A line.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) id: String,
    version: u64,
    severity: &'static str,
    state: &'static str,
    rank: u16,
    title: String,
    kind: &'static str,
    resource: String,
    resource_key: String,
    resource_type: String,
    account: String,
    account_name: String,
    region: String,
    assignee: String,
    labels: Vec<String>,
    due_us: Option<i64>,
    overdue: bool,
    first_seen_us: i64,
    last_seen_us: i64,
    occurrences: u64,
}

/// A finding as a line.
pub(crate) fn row_of(
    finding: &Finding,
    lang: Lang,
    now_us: i64,
    accounts: &BTreeMap<String, String>,
) -> Row {
    let seen = &finding.observation;
    let overdue = finding.state.is_open() && finding.due_us.is_some_and(|due| due < now_us);
    Row {
        id: finding.id.clone(),
        version: finding.version,
        severity: finding.severity.as_str(),
        state: finding.state.as_str(),
        rank: seen.rank.points,
        title: title(seen, lang),
        kind: seen.kind.as_str(),
        resource: place(seen),
        resource_key: seen.key.clone(),
        resource_type: seen.resource_type.clone().unwrap_or_default(),
        account: seen.account.clone(),
        account_name: accounts.get(&seen.account).cloned().unwrap_or_default(),
        region: Some(seen.region.clone()).filter(|one| one != GLOBAL_REGION).unwrap_or_default(),
        assignee: finding.assignee.clone().unwrap_or_default(),
        labels: finding.labels.iter().take(6).cloned().collect(),
        due_us: finding.due_us,
        overdue,
        first_seen_us: finding.first_seen_us,
        last_seen_us: finding.last_seen_us,
        occurrences: finding.occurrences,
    }
}

/// What is the matter, in a sentence: a control's title says what should be so.
pub(crate) fn title(seen: &Observation, lang: Lang) -> String {
    let mut title: String = seen.title.get(lang).chars().take(TITLE_CHARS_MAX + 1).collect();
    if title.chars().count() > TITLE_CHARS_MAX {
        title = title.chars().take(TITLE_CHARS_MAX).collect();
        title.push('…');
    }
    match seen.kind {
        FindingKind::Control => words(lang).fill("findings.not_met", &[("title", &title)]),
        FindingKind::Alert | FindingKind::Import | FindingKind::Spend => title,
    }
}

/// What a person calls the thing: its name, else the end of its key.
pub(crate) fn place(seen: &Observation) -> String {
    let name = seen.resource_name.as_deref().filter(|name| !name.is_empty());
    let name = name.unwrap_or(&seen.key);
    match name.starts_with("arn:") {
        true => name.splitn(6, ':').last().unwrap_or(name).to_owned(),
        false => name.to_owned(),
    }
}
