//! One finding in full: what, where, how urgent and why, what shows it, what to do, what happened
//! to it, who was told, and forms for everything that can be done.
//! Lines of lists are in `rows.rs`, forms are read in `acts.rs`.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::{Path, State};
use axum_extra::extract::Query;
use serde::Serialize;
use yagura_model::finding::{Change, Finding, FindingKind, FindingState, HistoryEntry, MarkKind};
use yagura_model::{Prose, Severity};
use yagura_report::{history_words, words};
use yagura_store::findings::{FindingFilter, Page};

use super::acts::{Told, told};
use super::advice::{Advice, advice_of};
use super::asked::address;
use super::evidence::{Evidence, evidence_of};
use super::list::account_names;
use super::rows::{Row, row_of, title};
use crate::fault::{Answer, Fault};
use crate::layout::links;
use crate::layout::{self, Nav, Shown};
use crate::state::Console;
use crate::viewer::Viewer;

/// Entries of the history, deliveries, and related findings that are shown.
const HISTORY_MAX: usize = 200;
const TOLD_MAX: usize = 50;
const RELATED_MAX: usize = 6;
/// Digits of an identity that a person must give at least.
const PREFIX_MIN: usize = 6;

/// The page.
#[derive(Serialize)]
struct One {
    row: Row,
    kind: &'static str,
    content: String,
    path: Option<String>,
    key: String,
    sub_key: String,
    cause_href: String,
    key_href: String,
    has_resource: bool,
    resource_href: String,
    severities: Vec<(&'static str, bool)>,
    version: u64,
    open: bool,
    suppressed: Option<Accepted>,
    points: u16,
    reasons: Vec<Reason>,
    advice: Advice,
    evidence: Evidence,
    labels: Vec<(String, String)>,
    tickets: Vec<TicketShown>,
    marks: Vec<Marks>,
    history: Vec<Entry>,
    more_history: Option<i64>,
    deliveries: Vec<DeliveryShown>,
    same_resource: Vec<Row>,
    same_cause: Vec<Row>,
    told: Option<Told>,
    me: String,
    actions: Vec<&'static str>,
}

/// Until when it is accepted, by whom, and why.
#[derive(Serialize)]
struct Accepted {
    until_us: i64,
    owner: String,
    reason: String,
}

/// One part of the rank.
#[derive(Serialize)]
struct Reason {
    factor: &'static str,
    points: i16,
    why: Prose,
}

/// A ticket; its address only where it leads to the web.
#[derive(Serialize)]
struct TicketShown {
    system: String,
    key: String,
    url: String,
    href: Option<String>,
}

/// What it is looked up by, of one kind: word, address of others that have it.
#[derive(Serialize)]
struct Marks {
    kind: &'static str,
    values: Vec<(String, String)>,
}

/// One line of the history.
#[derive(Serialize)]
struct Entry {
    at_us: i64,
    who: String,
    what: String,
    /// A comment, which is shown as it was written.
    comment: Option<String>,
}

/// What one target was told.
#[derive(Serialize)]
struct DeliveryShown {
    target: String,
    change: String,
    state: String,
    at: String,
}

/// The finding that an identity or its beginning names, if the viewer may see it.
pub(in crate::pages) async fn named(
    console: &Console,
    viewer: &Viewer,
    id: &str,
) -> Result<Finding, Fault> {
    let id = id.to_ascii_lowercase();
    let digits = id.len() >= PREFIX_MIN && id.len() <= 32;
    if !digits || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Fault::NotFound);
    }
    let findings = console.store().findings(viewer.scope.clone());
    let mut found = findings.find(&id, 2).await?;
    match found.len() {
        1 => found.pop().ok_or(Fault::NotFound),
        0 => Err(Fault::NotFound),
        _ => {
            let text = words(viewer.lang).get("console_findings.several").to_owned();
            Err(Fault::BadRequest(text))
        }
    }
}

/// Whether an address leads to the web, and nowhere else.
pub(super) fn is_web(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        && !url.chars().any(|c| c.is_control() || c.is_whitespace())
}

pub(super) async fn show(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Path(id): Path<String>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Answer {
    let finding = named(&console, &viewer, &id).await?;
    let after = pairs.iter().find(|(name, _)| name == "history");
    let after = after.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
    let store = console.store();
    let findings = store.findings(viewer.scope.clone());
    let accounts = account_names(&console, &viewer).await?;
    let outbox = store.outbox();
    let (history, deliveries, same_resource, same_cause) = tokio::join!(
        findings.history(&finding.id, after, HISTORY_MAX + 1),
        outbox.told_of(&finding.id, TOLD_MAX),
        related(&console, &viewer, &finding, Related::Resource, &accounts),
        related(&console, &viewer, &finding, Related::Cause, &accounts),
    );
    let deliveries = deliveries?.into_iter().map(|one| DeliveryShown {
        target: one.target,
        change: one.change,
        state: one.state,
        at: one.at.to_string(),
    });
    let title = title(&finding.observation, viewer.lang);
    let base = one_of(&console, &viewer, &finding, &accounts);
    let (history, more_history) = history_of(history?, &viewer);
    let page = One {
        history,
        more_history,
        deliveries: deliveries.collect(),
        same_resource: same_resource?,
        same_cause: same_cause?,
        told: told(&pairs, &viewer),
        ..base
    };
    let path = format!("/findings/{}", finding.id);
    let shown = Shown {
        template: "finding.html",
        nav: Nav::Findings,
        title: &title,
        path: &path,
        query: &[],
        page,
    };
    layout::page(&console, &viewer, shown)
}

/// What the finding itself tells.
fn one_of(
    console: &Console,
    viewer: &Viewer,
    finding: &Finding,
    accounts: &BTreeMap<String, String>,
) -> One {
    let seen = &finding.observation;
    let by = finding.suppression.as_ref();
    let by = by.filter(|_| finding.state == FindingState::Suppressed);
    let reasons = seen.rank.reasons.iter().map(|reason| Reason {
        factor: reason.factor.as_str(),
        points: reason.points,
        why: reason.why.clone(),
    });
    let rated = |one: &Severity| (one.as_str(), finding.severity_set == Some(*one));
    One {
        row: row_of(finding, viewer.lang, console.now().as_microsecond(), accounts),
        kind: seen.kind.as_str(),
        content: seen.content.clone(),
        path: seen.path.clone(),
        key: seen.key.clone(),
        sub_key: seen.sub_key.clone(),
        cause_href: address(&[("cause", &seen.cause), ("state", "all")]),
        key_href: address(&[("key", &seen.key), ("state", "all")]),
        has_resource: seen.resource_type.is_some() && seen.kind == FindingKind::Control,
        resource_href: links::resource(&seen.key),
        severities: Severity::ALL.iter().rev().map(rated).collect(),
        version: finding.version,
        open: finding.state.is_open(),
        suppressed: by.map(|by| Accepted {
            until_us: by.until_us,
            owner: by.owner.clone(),
            reason: by.reason.clone(),
        }),
        points: seen.rank.points,
        reasons: reasons.collect(),
        advice: advice_of(finding, &console.content(), viewer.lang),
        evidence: evidence_of(finding),
        labels: finding
            .labels
            .iter()
            .map(|one| (one.clone(), address(&[("label", one)])))
            .collect(),
        tickets: tickets_of(finding),
        marks: marks_of(finding),
        history: Vec::new(),
        more_history: None,
        deliveries: Vec::new(),
        same_resource: Vec::new(),
        same_cause: Vec::new(),
        told: None,
        me: viewer.name.clone(),
        actions: actions_of(finding.state),
    }
}

/// What can be done with its state.
fn actions_of(state: FindingState) -> Vec<&'static str> {
    match state {
        FindingState::New => vec!["acknowledge", "start", "resolve"],
        FindingState::Acknowledged => vec!["start", "resolve", "reopen"],
        FindingState::InProgress => vec!["acknowledge", "resolve", "reopen"],
        FindingState::Resolved | FindingState::Suppressed => vec!["reopen"],
    }
}

fn tickets_of(finding: &Finding) -> Vec<TicketShown> {
    let ticket = |ticket: &yagura_model::finding::Ticket| TicketShown {
        system: ticket.system.clone(),
        key: ticket.key.clone(),
        url: ticket.url.clone(),
        href: Some(ticket.url.clone()).filter(|url| is_web(url)),
    };
    finding.tickets.iter().map(ticket).collect()
}

fn marks_of(finding: &Finding) -> Vec<Marks> {
    const SHOWN: usize = 24;
    let marks = &finding.observation.marks;
    let of_kind = |kind: MarkKind| {
        let values = marks.iter().filter(|(one, _)| *one == kind).take(SHOWN);
        let values = values.map(|(_, value)| {
            let mark = format!("{}:{value}", kind.as_str());
            (value.clone(), address(&[("mark", &mark)]))
        });
        Marks { kind: kind.as_str(), values: values.collect() }
    };
    MarkKind::ALL.into_iter().map(of_kind).filter(|marks| !marks.values.is_empty()).collect()
}

fn history_of(mut entries: Vec<HistoryEntry>, viewer: &Viewer) -> (Vec<Entry>, Option<i64>) {
    let more = entries.len() > HISTORY_MAX;
    entries.truncate(HISTORY_MAX);
    let last = entries.last().map(|entry| entry.number).filter(|_| more);
    let entry = |entry: &HistoryEntry| {
        let told = history_words(entry, viewer.lang);
        let comment = match &entry.change {
            Change::Commented { text } => Some(text.clone()),
            _ => None,
        };
        Entry { at_us: entry.at_us, who: told.who, what: told.what, comment }
    };
    (entries.iter().map(entry).collect(), last)
}

enum Related {
    Resource,
    Cause,
}

/// Other findings of the same resource, or of the same cause, the most urgent first.
async fn related(
    console: &Console,
    viewer: &Viewer,
    finding: &Finding,
    by: Related,
    accounts: &BTreeMap<String, String>,
) -> Result<Vec<Row>, Fault> {
    let seen = &finding.observation;
    let mut filter = FindingFilter::open();
    match by {
        Related::Resource => filter.keys = vec![seen.key.clone()],
        Related::Cause => filter.causes = vec![seen.cause.clone()],
    }
    let page = Page { limit: RELATED_MAX + 1, ..Page::default() };
    let found = console.store().findings(viewer.scope.clone()).list(&filter, &page).await?;
    let now_us = console.now().as_microsecond();
    let others = found.findings.iter().filter(|one| one.id != finding.id).take(RELATED_MAX);
    Ok(others.map(|one| row_of(one, viewer.lang, now_us, accounts)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_web_become_links() {
        for (url, web) in [
            ("https://jira.example.com/browse/SEC-1", true),
            ("http://jira.internal:8080/SEC-1", true),
            ("javascript:alert(1)", false),
            ("https:///etc", false),
            ("https://a b", false),
            ("https://a\r\nset-cookie: b", false),
            ("data:text/html,x", false),
            ("//evil.example", false),
            ("", false),
        ] {
            assert_eq!(is_web(url), web, "{url}");
        }
    }
}
