//! The list: a question, its answer page by page or by cause, and what else could be asked for.
//! Reading the question is in `asked.rs`, doing something with findings in `acts.rs`.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::State;
use axum_extra::extract::Query;
use serde::Serialize;
use yagura_model::Severity;
use yagura_model::finding::{Finding, FindingKind, FindingState};
use yagura_report::{Words, words};
use yagura_store::findings::{FindingGroup, GroupBy, GroupPage, Page, Total};

use super::acts::{Told, told};
use super::asked::{Asked, NAMES, ORDERS, Senseless};
use super::facets::{FACETS, Facet, facets_of, label};
use super::rows::{Row, row_of, title};
use super::views::{Tab, tabs_of};
use crate::fault::{Answer, Fault};
use crate::layout::{self, Nav, Shown};
use crate::state::Console;
use crate::viewer::Viewer;

/// Findings, and groups, of one page.
const ROWS: usize = 50;

/// The list.
#[derive(Serialize)]
struct List {
    tabs: Vec<Tab>,
    form: Form,
    active: Vec<Active>,
    facets: Vec<Facet>,
    rows: Vec<Row>,
    groups: Vec<Group>,
    by_cause: bool,
    /// Whether something was asked for beyond what is open.
    asked: bool,
    total: String,
    next: Option<String>,
    first: bool,
    told: Option<Told>,
    back: String,
    question: String,
    files: Vec<(&'static str, String)>,
    flat_href: String,
    groups_href: String,
    me: String,
}

/// The form of the question, with what is asked for.
#[derive(Serialize)]
struct Form {
    q: String,
    state: String,
    states: Vec<(String, String)>,
    severities: Vec<(&'static str, bool)>,
    kinds: Vec<(&'static str, bool)>,
    sorts: Vec<(&'static str, bool)>,
    /// Members with a field of their own: name, value.
    fields: BTreeMap<&'static str, String>,
    /// Members without one, which the form keeps: name, value.
    kept: Vec<(String, String)>,
    more: bool,
}

/// A condition that is asked for, and the address without it.
#[derive(Serialize)]
struct Active {
    name: String,
    value: String,
    href: String,
}

/// Findings of one cause.
#[derive(Serialize)]
struct Group {
    href: String,
    title: String,
    cause: String,
    count: u64,
    open: u64,
    severity: &'static str,
    rank: u16,
    first_seen_us: i64,
    last_seen_us: i64,
}

pub(super) async fn list(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Answer {
    let now = console.now();
    let asked = Asked::of(&pairs, &viewer, now).map_err(|what| bad(&viewer, &what))?;
    let store = console.store();
    let findings = store.findings(viewer.scope.clone());
    let accounts = account_names(&console, &viewer).await?;
    let by: Vec<GroupBy> = FACETS.iter().map(|(_, by)| *by).collect();
    let views = store.views();
    let (counted, saved, found) = tokio::join!(
        findings.count_by_many(&asked.filter, &by),
        views.seen_by(&viewer.name),
        answer(&console, &viewer, &asked, &accounts),
    );
    let (counted, saved, found) = (counted?, saved?, found?);
    let words = words(viewer.lang);
    let question = asked.question();
    let page = List {
        tabs: tabs_of(&saved, &question, &viewer),
        form: form_of(&asked, words),
        active: active_of(&asked, words),
        facets: facets_of(&asked, &counted, &viewer, &accounts),
        rows: found.rows,
        groups: found.groups,
        by_cause: asked.groups,
        asked: !question.is_empty(),
        total: found.total,
        next: found.next,
        first: asked.after.is_none(),
        told: told(&pairs, &viewer),
        back: whole(&asked),
        files: files_of(&question),
        question,
        flat_href: asked.with("view", None),
        groups_href: asked.with("view", Some("groups")),
        me: viewer.name.clone(),
    };
    let shown = Shown {
        template: "findings.html",
        nav: Nav::Findings,
        title: words.get("console.nav.findings"),
        path: "/findings",
        query: &asked.pairs,
        page,
    };
    layout::page(&console, &viewer, shown)
}

/// The fault of a question that makes no sense.
pub(super) fn bad(viewer: &Viewer, what: &Senseless) -> Fault {
    let words = words(viewer.lang);
    let name = words.get(&format!("console_findings.name.{}", what.name)).to_owned();
    let filled =
        words.fill("console_findings.senseless", &[("name", &name), ("value", &what.value)]);
    Fault::BadRequest(filled)
}

/// The names of the accounts that the viewer may see.
pub(crate) async fn account_names(
    console: &Console,
    viewer: &Viewer,
) -> Result<BTreeMap<String, String>, Fault> {
    let all = console.store().accounts().await?;
    let own = all.into_iter().filter(|account| viewer.scope.admits(&account.id));
    Ok(own.map(|account| (account.id, account.name)).collect())
}

/// What the question's page shows.
struct Found {
    rows: Vec<Row>,
    groups: Vec<Group>,
    total: String,
    next: Option<String>,
}

async fn answer(
    console: &Console,
    viewer: &Viewer,
    asked: &Asked,
    accounts: &BTreeMap<String, String>,
) -> Result<Found, Fault> {
    let words = words(viewer.lang);
    let findings = console.store().findings(viewer.scope.clone());
    let cursor = |after: &str| {
        let value = after.chars().take(40).collect();
        bad(viewer, &Senseless { name: "after", value })
    };
    if asked.groups {
        let offset = match &asked.after {
            None => 0,
            Some(after) => after.parse().map_err(|_| cursor(after))?,
        };
        let found = findings.groups(&asked.filter, GroupPage { limit: ROWS, offset }).await?;
        let seen = offset.saturating_add(found.groups.len());
        let more = u64::try_from(seen).is_ok_and(|seen| seen < found.total);
        let group = |group: &FindingGroup| group_of(group, asked, words);
        return Ok(Found {
            rows: Vec::new(),
            groups: found.groups.iter().map(group).collect(),
            total: words.count("findings.count.groups", found.total),
            next: (more && seen > offset).then(|| seen.to_string()),
        });
    }
    let after = match &asked.after {
        None => None,
        Some(after) => Some(after.parse().map_err(|_| cursor(after))?),
    };
    let found =
        findings.list(&asked.filter, &Page { order: asked.order, limit: ROWS, after }).await?;
    let now_us = console.now().as_microsecond();
    let row = |finding: &Finding| row_of(finding, viewer.lang, now_us, accounts);
    Ok(Found {
        rows: found.findings.iter().map(row).collect(),
        groups: Vec::new(),
        total: total_of(words, found.total),
        next: found.next.map(|next| next.to_string()),
    })
}

/// How many there are, and whether that is the most that it can be.
fn total_of(words: &Words, total: Total) -> String {
    let count = words.count("findings.count.findings", total.count);
    match total.exact {
        true => count,
        false => words.fill("findings.count.at_most", &[("count", &count)]),
    }
}

fn group_of(group: &FindingGroup, asked: &Asked, words: &Words) -> Group {
    let example = &group.example.observation;
    // Whoever did several things is the group's subject, not one of the things.
    let entity = group.cause.split_once(':');
    let entity = entity.filter(|(kind, _)| matches!(*kind, "actor" | "address"));
    let shown = match entity {
        Some((_, who)) if group.count > 1 => words.fill("findings.group.by", &[("who", &who)]),
        _ => title(example, words.lang()),
    };
    let flat = Asked {
        pairs: asked.pairs.iter().filter(|(name, _)| name != "view").cloned().collect(),
        ..asked.clone()
    };
    Group {
        href: flat.with("cause", Some(&group.cause)),
        title: shown,
        cause: group.cause.clone(),
        count: group.count,
        open: group.open,
        severity: group.severity.as_str(),
        rank: group.rank,
        first_seen_us: group.first_seen_us,
        last_seen_us: group.last_seen_us,
    }
}

/// The whole address, to come back to.
fn whole(asked: &Asked) -> String {
    let pairs: Vec<(&str, &str)> =
        asked.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    super::asked::address(&pairs)
}

fn files_of(question: &str) -> Vec<(&'static str, String)> {
    let address = |format: &'static str| {
        let mark = if question.is_empty() { "" } else { "?" };
        (format, format!("/findings/file/{format}{mark}{question}"))
    };
    ["csv", "jsonl"].map(address).into()
}

fn form_of(asked: &Asked, words: &Words) -> Form {
    const FIELDS: [&str; 10] = [
        "account", "region", "type", "content", "assignee", "due", "since", "rank", "label", "mark",
    ];
    let state = match asked.one("state") {
        "" => "open".to_owned(),
        state => state.to_owned(),
    };
    let mut states: Vec<(String, String)> = ["open", "all"]
        .into_iter()
        .map(|word| (word, format!("console_findings.state.{word}")))
        .chain(
            FindingState::ALL.map(|one| (one.as_str(), format!("console.state.{}", one.as_str()))),
        )
        .map(|(value, key)| (value.to_owned(), words.get(&key).to_owned()))
        .collect();
    if !states.iter().any(|(value, _)| *value == state) {
        let names =
            state.split(',').map(|one| words.get(&format!("console.state.{one}")).to_owned());
        let comma = words.get("report.and_list");
        states.push((state.clone(), names.collect::<Vec<_>>().join(comma)));
    }
    let has = |name: &str, value: &str| asked.list(name).contains(&value);
    let severities = Severity::ALL.iter().rev().map(|one| one.as_str());
    let more = ["kind", "severity"].iter().chain(&FIELDS).any(|name| !asked.one(name).is_empty());
    let kept = |(name, _): &&(String, String)| {
        matches!(name.as_str(), "key" | "cause" | "view")
            || matches!(name.as_str(), "mark" | "label") && asked.list(name).len() > 1
    };
    let field = |name: &'static str| match asked.list(name).as_slice() {
        // Several marks or labels are kept as they are.
        [_, _, ..] if matches!(name, "mark" | "label") => (name, String::new()),
        _ => (name, asked.one(name).to_owned()),
    };
    Form {
        q: asked.one("q").to_owned(),
        state,
        states,
        severities: severities.map(|one| (one, has("severity", one))).collect(),
        kinds: FindingKind::ALL
            .iter()
            .map(|one| (one.as_str(), has("kind", one.as_str())))
            .collect(),
        sorts: ORDERS.iter().map(|(word, order)| (*word, *order == asked.order)).collect(),
        fields: FIELDS.into_iter().map(field).collect(),
        kept: asked.pairs.iter().filter(kept).cloned().collect(),
        more,
    }
}

fn active_of(asked: &Asked, words: &Words) -> Vec<Active> {
    let none = BTreeMap::new();
    let mut active = Vec::new();
    for name in NAMES.into_iter().filter(|name| !matches!(*name, "sort" | "view" | "after")) {
        let shown = words.get(&format!("console_findings.name.{name}")).to_owned();
        for value in asked.list(name) {
            let facet = FACETS.iter().find(|(known, _)| *known == name);
            let labelled = match (name, value) {
                ("state", "open" | "all") => {
                    words.get(&format!("console_findings.state.{value}")).to_owned()
                }
                ("assignee", "nobody") => words.get("console_findings.nobody").to_owned(),
                ("assignee", "me") => words.get("console_findings.me").to_owned(),
                ("due", "overdue" | "week" | "any") => {
                    words.get(&format!("console_findings.due.{value}")).to_owned()
                }
                _ => facet
                    .map_or_else(|| value.to_owned(), |(_, by)| label(words, *by, value, &none)),
            };
            let href = match facet.is_some() && name != "assignee" {
                true => asked.toggled(name, value),
                false => asked.without(name, value),
            };
            active.push(Active { name: shown.clone(), value: labelled, href });
        }
    }
    active
}
