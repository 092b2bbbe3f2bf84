//! The life of a finding: which changes an observation, an act or a closing means for it. Pure;
//! what a change does to the finding is in `change.rs`, keeping both the store's business.

use super::act::{Act, ClosingReason, NoticedAs, Refusal};
use super::{
    ATTACHED_MAX, Change, Finding, FindingKind, FindingState, FindingSuppression, Observation,
    Ticket, WORDS_CHARS_MAX,
};
use crate::Severity;

/// The reason that the history keeps where a suppression's date has come.
pub(super) const SUPPRESSION_ENDED: &str = "suppression_ended";
/// The reason where the stage that suppressed it (an exception, a suppression file) no longer does.
pub(super) const EXCEPTION_ENDED: &str = "exception_ended";

/// A finding after an observation, and what the observation meant.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The finding as it is now.
    pub finding: Finding,
    /// What changed in its life, in order; mostly nothing.
    pub changes: Vec<Change>,
    /// What it meant.
    pub noticed: NoticedAs,
}

/// Joins an observation with what is known. Doing it twice changes nothing more.
///
/// The later observation's content stays; an earlier one only widens the times. A resolved finding
/// reopens where it was seen later than it was resolved (of an alert: where a new alert of it
/// began later), a suppressed one where its date has passed.
pub fn observe(known: Option<Finding>, seen: Observation, at_us: i64) -> Step {
    let Some(known) = known else { return open(seen, at_us) };
    let before = known.observation.suppression.clone();
    let mut finding = joined(known, seen);
    let mut changes = Vec::new();
    let mut noticed = NoticedAs::Seen;
    let wanted = finding.observation.suppression.clone().filter(|by| by.until_us > at_us);
    let severity = finding.severity_set.unwrap_or(finding.observation.severity);
    match finding.state {
        FindingState::Resolved if recurs(&finding) => {
            let kept = finding.suppression.clone().filter(|by| by.until_us > at_us);
            if let Some(by) = wanted.clone().or(kept) {
                make(&mut finding, &mut changes, suppressed(by), at_us);
                rate(&mut finding, &mut changes, severity, at_us);
            } else {
                make(&mut finding, &mut changes, Change::Reopened { severity }, at_us);
                noticed = NoticedAs::Reopened;
            }
        }
        FindingState::Resolved => {}
        FindingState::Suppressed => {
            let ended = over(&finding, before.as_ref(), wanted.as_ref(), at_us);
            if let Some(reason) = ended {
                make(&mut finding, &mut changes, unsuppressed(reason), at_us);
                noticed = NoticedAs::Reopened;
            } else {
                let new = wanted.filter(|by| replaces(by, &finding, before.as_ref(), at_us));
                if let Some(by) = new {
                    make(&mut finding, &mut changes, suppressed(by), at_us);
                }
            }
            rate(&mut finding, &mut changes, severity, at_us);
        }
        FindingState::New | FindingState::Acknowledged | FindingState::InProgress => {
            if severity > finding.severity {
                noticed = NoticedAs::Raised;
            }
            rate(&mut finding, &mut changes, severity, at_us);
            if let Some(by) = wanted {
                make(&mut finding, &mut changes, suppressed(by), at_us);
                noticed = NoticedAs::Seen;
            }
        }
    }
    Step { finding, changes, noticed }
}

/// What an act means for a finding: nothing where it is so already.
///
/// # Errors
/// Where the act cannot be done.
pub fn act(finding: &Finding, act: &Act, at_us: i64) -> Result<Vec<Change>, Refusal> {
    match act {
        Act::SetState { to, reason } => set_state(finding, *to, reason.as_deref(), at_us),
        Act::Suppress(by) => suppress(finding, by, at_us),
        Act::Assign { to } => {
            to.iter().try_for_each(|to| words(to))?;
            Ok(unless(finding.assignee == *to, Change::Assigned { to: to.clone() }))
        }
        Act::SetDue { at_us } => {
            Ok(unless(finding.due_us == *at_us, Change::DueSet { at_us: *at_us }))
        }
        Act::Comment { text } => {
            words(text)?;
            Ok(vec![Change::Commented { text: text.clone() }])
        }
        Act::LinkTicket(ticket) => link(finding, ticket),
        Act::UnlinkTicket(ticket) => {
            let mut all = finding.tickets.iter();
            let known = all.find(|one| one.system == ticket.system && one.key == ticket.key);
            Ok(known.map(|one| Change::TicketUnlinked(one.clone())).into_iter().collect())
        }
        Act::SetSeverity { to } => Ok(set_severity(finding, *to)),
        Act::Label { label } => {
            words(label)?;
            if finding.labels.len() >= ATTACHED_MAX && !finding.labels.contains(label) {
                return Err(Refusal::TooMany);
            }
            let change = Change::Labeled { label: label.clone() };
            Ok(unless(finding.labels.contains(label), change))
        }
        Act::Unlabel { label } => {
            let change = Change::Unlabeled { label: label.clone() };
            Ok(unless(!finding.labels.contains(label), change))
        }
    }
}

/// What it means that a stage knows a finding to be over, as of a time.
pub fn close(finding: &Finding, reason: ClosingReason, as_of_us: i64) -> Vec<Change> {
    let over = finding.state == FindingState::Resolved || finding.last_seen_us > as_of_us;
    let reason = Some(reason.as_str().to_owned());
    unless(over, Change::Resolved { from: finding.state, reason, as_of_us })
}

/// What it means that time has passed: a suppression whose date has come ends.
pub fn end_suppression(finding: &Finding, at_us: i64) -> Vec<Change> {
    let over = finding.suppression.as_ref().is_none_or(|by| by.until_us <= at_us);
    let ended = finding.state == FindingState::Suppressed && over;
    unless(!ended, unsuppressed(SUPPRESSION_ENDED))
}

fn open(seen: Observation, at_us: i64) -> Step {
    let severity = seen.severity;
    let mut finding = Finding {
        id: seen.id(),
        state: FindingState::New,
        severity,
        severity_set: None,
        first_seen_us: seen.first_us,
        last_seen_us: seen.last_us,
        occurrences: seen.occurrences,
        opened_us: at_us,
        assignee: None,
        due_us: None,
        suppression: None,
        tickets: Vec::new(),
        labels: std::collections::BTreeSet::new(),
        resolved_us: None,
        comments: 0,
        commented: Vec::new(),
        changed_us: at_us,
        version: 0,
        observation: seen,
    };
    let mut changes = Vec::new();
    make(&mut finding, &mut changes, Change::Opened { severity }, at_us);
    if let Some(by) = finding.observation.suppression.clone().filter(|by| by.until_us > at_us) {
        make(&mut finding, &mut changes, suppressed(by), at_us);
    }
    Step { finding, changes, noticed: NoticedAs::Opened }
}

/// The times and numbers of both, and the content of the later one.
fn joined(known: Finding, seen: Observation) -> Finding {
    let later = seen.first_us > known.last_seen_us;
    let mut finding = known;
    finding.occurrences = if later {
        finding.occurrences.saturating_add(seen.occurrences)
    } else {
        finding.occurrences.max(seen.occurrences)
    };
    finding.first_seen_us = finding.first_seen_us.min(seen.first_us);
    if seen.last_us >= finding.last_seen_us {
        finding.last_seen_us = seen.last_us;
        finding.observation = seen;
    }
    finding
}

/// Whether the latest observation is later than the end.
fn recurs(finding: &Finding) -> bool {
    let seen_us = match finding.observation.kind {
        // A window that goes on after somebody has closed its alert is no new alert.
        FindingKind::Alert => finding.observation.first_us,
        FindingKind::Control | FindingKind::Import | FindingKind::Spend => {
            finding.observation.last_us
        }
    };
    finding.resolved_us.is_none_or(|resolved_us| seen_us > resolved_us)
}

/// Why a suppression has ended: its date, or whoever in the files suppressed it no longer does.
fn over(
    finding: &Finding,
    before: Option<&FindingSuppression>,
    wanted: Option<&FindingSuppression>,
    at_us: i64,
) -> Option<&'static str> {
    if wanted.is_some() {
        return None;
    }
    let by = finding.suppression.as_ref();
    if by.is_none_or(|by| by.until_us <= at_us) {
        return Some(SUPPRESSION_ENDED);
    }
    let withdrawn = before.is_some() && by == before;
    (withdrawn && finding.observation.suppression.is_none()).then_some(EXCEPTION_ENDED)
}

/// Whether a stage's word takes the place of the suppression there is: where that one is the
/// stage's own older word, or has ended. What a person has said stays until its date.
fn replaces(
    wanted: &FindingSuppression,
    finding: &Finding,
    before: Option<&FindingSuppression>,
    at_us: i64,
) -> bool {
    let by = finding.suppression.as_ref();
    by != Some(wanted) && (by == before || by.is_none_or(|by| by.until_us <= at_us))
}

fn set_state(
    finding: &Finding,
    to: FindingState,
    reason: Option<&str>,
    at_us: i64,
) -> Result<Vec<Change>, Refusal> {
    if reason.is_some_and(|reason| reason.chars().count() > WORDS_CHARS_MAX) {
        return Err(Refusal::WordsTooLong);
    }
    let from = finding.state;
    if from == to {
        return Ok(Vec::new());
    }
    let reason = reason.filter(|reason| !reason.is_empty()).map(str::to_owned);
    match to {
        FindingState::Suppressed => Err(Refusal::SuppressionIncomplete),
        FindingState::Resolved => Ok(vec![Change::Resolved { from, reason, as_of_us: at_us }]),
        FindingState::New | FindingState::Acknowledged | FindingState::InProgress => {
            Ok(vec![Change::StateChanged { from, to, reason }])
        }
    }
}

fn suppress(
    finding: &Finding,
    by: &FindingSuppression,
    at_us: i64,
) -> Result<Vec<Change>, Refusal> {
    words(&by.owner)?;
    words(&by.reason)?;
    if finding.state == FindingState::Resolved {
        return Err(Refusal::Resolved);
    }
    if by.until_us <= at_us {
        return Err(Refusal::DatePassed);
    }
    let so_already =
        finding.state == FindingState::Suppressed && finding.suppression.as_ref() == Some(by);
    Ok(unless(so_already, suppressed(by.clone())))
}

fn link(finding: &Finding, ticket: &Ticket) -> Result<Vec<Change>, Refusal> {
    words(&ticket.system)?;
    words(&ticket.key)?;
    if ticket.url.chars().count() > WORDS_CHARS_MAX {
        return Err(Refusal::WordsTooLong);
    }
    let same = |one: &&Ticket| one.system == ticket.system && one.key == ticket.key;
    let known = finding.tickets.iter().find(same);
    if known.is_none() && finding.tickets.len() >= ATTACHED_MAX {
        return Err(Refusal::TooMany);
    }
    Ok(unless(known == Some(ticket), Change::TicketLinked(ticket.clone())))
}

fn set_severity(finding: &Finding, to: Option<Severity>) -> Vec<Change> {
    if finding.severity_set == to {
        return Vec::new();
    }
    let now = to.unwrap_or(finding.observation.severity);
    let mut changes = vec![Change::SeveritySet { to }];
    let from = finding.severity;
    changes.extend(unless(from == now, Change::SeverityChanged { from, to: now }));
    changes
}

fn words(text: &str) -> Result<(), Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::WordsMissing);
    }
    if text.chars().count() > WORDS_CHARS_MAX {
        return Err(Refusal::WordsTooLong);
    }
    Ok(())
}

fn make(finding: &mut Finding, changes: &mut Vec<Change>, change: Change, at_us: i64) {
    finding.apply(&change, at_us);
    changes.push(change);
}

fn rate(finding: &mut Finding, changes: &mut Vec<Change>, to: Severity, at_us: i64) {
    let from = finding.severity;
    if from != to {
        make(finding, changes, Change::SeverityChanged { from, to }, at_us);
    }
}

fn suppressed(by: FindingSuppression) -> Change {
    Change::Suppressed { until_us: by.until_us, owner: by.owner, reason: by.reason }
}

fn unsuppressed(reason: &str) -> Change {
    let (from, to) = (FindingState::Suppressed, FindingState::New);
    Change::StateChanged { from, to, reason: Some(reason.to_owned()) }
}

fn unless(so_already: bool, change: Change) -> Vec<Change> {
    if so_already { Vec::new() } else { vec![change] }
}
