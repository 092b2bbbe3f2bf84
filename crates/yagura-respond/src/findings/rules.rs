//! Automation rules of the site on findings that were seen: severity, assignee, due date,
//! acceptance and labels. How rules are written is the content crate's, keeping what they do the
//! store's.
//!
//! A person's word stands: what a person has set or undone, a rule does not set again.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use yagura_content::expression::{Env, Root};
use yagura_content::format::{AutomationRule, AutomationValidity};
use yagura_model::finding::{
    Act, Actor, Change, Finding, FindingState, FindingSuppression, HistoryEntry,
};
use yagura_model::{Resource, Truth};

/// What rules want of one finding: by what it is about, the last rule that says something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    acts: Vec<(String, Act)>,
}

/// What a finding's surroundings are to an expression.
pub(crate) struct Surroundings<'a> {
    pub(crate) finding: &'a Value,
    pub(crate) resource: Option<&'a Resource>,
    pub(crate) account: &'a Value,
    pub(crate) now: Timestamp,
}

/// What rules want of a finding that is not so already. Rules whose condition has no result are
/// told by their id, once each.
pub(crate) fn wanted(
    rules: &[Arc<AutomationRule>],
    finding: &Finding,
    around: &Surroundings<'_>,
    problems: &mut BTreeMap<String, String>,
) -> Wanted {
    // By the slot that an act fills: a later rule prevails over an earlier one.
    let mut slots: BTreeMap<String, (String, Act)> = BTreeMap::new();
    for rule in rules {
        let mut env = Env::mapping()
            .bind(Root::Finding, around.finding)
            .bind(Root::Account, around.account)
            .bind_now(around.now);
        if let Some(resource) = around.resource {
            env = env.bind_resource(Root::Resource, resource);
        }
        let (truth, why) = rule.holds(env);
        if let Some(why) = why {
            problems.entry(rule.id.value.clone()).or_insert(why);
        }
        if truth == Truth::True {
            for act in acts(rule, finding) {
                slots.insert(slot(&act), (rule.id.value.clone(), act));
            }
        }
    }
    let now_us = around.now.as_microsecond();
    let news = |(_, act): &(String, Act)| is_news(act, finding, now_us);
    Wanted { acts: slots.into_values().filter(news).collect() }
}

impl Wanted {
    /// Whether nothing is wanted.
    pub(crate) fn is_empty(&self) -> bool {
        self.acts.is_empty()
    }

    /// What can be done without hearing the history: of what nobody has settled yet.
    pub(crate) fn unsettled(self, finding: &Finding) -> Vec<(String, Act)> {
        let open = |act: &Act| match act {
            Act::SetSeverity { .. } => finding.severity_set.is_none(),
            Act::Assign { .. } => finding.assignee.is_none(),
            Act::SetDue { .. } => finding.due_us.is_none(),
            // What comes back was not accepted, or no longer.
            Act::Suppress(_) => finding.state.is_open(),
            _ => true,
        };
        self.acts.into_iter().filter(|(_, act)| open(act)).collect()
    }

    /// What remains once the history was heard: a person's word stands. `history` is in any order.
    pub(crate) fn heard(self, history: &[HistoryEntry]) -> Vec<(String, Act)> {
        let stands = |act: &Act| {
            let about = history.iter().filter(|entry| is_about(&entry.change, act));
            let last = about.max_by_key(|entry| entry.number);
            last.is_some_and(|entry| matches!(entry.actor, Actor::Person(_)))
        };
        self.acts.into_iter().filter(|(_, act)| !stands(act)).collect()
    }
}

fn slot(act: &Act) -> String {
    match act {
        Act::SetSeverity { .. } => "severity".to_owned(),
        Act::Assign { .. } => "assignee".to_owned(),
        Act::SetDue { .. } => "due".to_owned(),
        Act::Suppress(_) => "suppress".to_owned(),
        // A label's name is its slot, so that a later rule changes its value.
        Act::Label { label } => format!("label {}", name_of(label)),
        _ => "other".to_owned(),
    }
}

fn name_of(label: &str) -> &str {
    label.split_once('=').map_or(label, |(name, _)| name)
}

/// What a rule that holds does.
fn acts(rule: &AutomationRule, finding: &Finding) -> Vec<Act> {
    let settings = &rule.settings;
    let after =
        |span: yagura_content::format::Span| finding.opened_us.saturating_add(span.micros());
    let mut acts = Vec::new();
    if let Some(severity) = settings.severity {
        acts.push(Act::SetSeverity { to: Some(severity) });
    }
    if let Some(assignee) = &settings.assignee {
        acts.push(Act::Assign { to: Some(assignee.value.clone()) });
    }
    if let Some(due_in) = settings.due_in {
        acts.push(Act::SetDue { at_us: Some(after(due_in)) });
    }
    if let Some(suppress) = &settings.suppress
        && let Some(validity) = suppress.validity()
    {
        acts.push(Act::Suppress(FindingSuppression {
            until_us: match validity {
                AutomationValidity::Until(until) => until.as_microsecond(),
                AutomationValidity::For(lasts) => after(lasts),
            },
            owner: suppress.owner.as_ref().map_or(&rule.id, |owner| owner).value.clone(),
            reason: suppress.reason.value.clone(),
        }));
    }
    let label = |(name, value): (&String, &String)| Act::Label { label: format!("{name}={value}") };
    acts.extend(settings.tags.iter().map(label));
    acts
}

/// Whether an act would change the finding.
fn is_news(act: &Act, finding: &Finding, now_us: i64) -> bool {
    match act {
        Act::SetSeverity { to } => finding.severity_set != *to,
        Act::Assign { to } => finding.assignee != *to,
        Act::SetDue { at_us } => finding.due_us != *at_us,
        Act::Suppress(by) => {
            let same = finding.state == FindingState::Suppressed
                && finding.suppression.as_ref() == Some(by);
            finding.state != FindingState::Resolved && by.until_us > now_us && !same
        }
        Act::Label { label } => !finding.labels.contains(label),
        _ => false,
    }
}

/// Whether a change settled what an act is about.
fn is_about(change: &Change, act: &Act) -> bool {
    match (act, change) {
        (Act::SetSeverity { .. }, Change::SeveritySet { .. })
        | (Act::Assign { .. }, Change::Assigned { .. })
        | (Act::SetDue { .. }, Change::DueSet { .. })
        | (Act::Suppress(_), Change::Suppressed { .. }) => true,
        (Act::Suppress(_), Change::StateChanged { from, .. }) => *from == FindingState::Suppressed,
        (
            Act::Label { label },
            Change::Labeled { label: other } | Change::Unlabeled { label: other },
        ) => name_of(label) == name_of(other),
        _ => false,
    }
}
