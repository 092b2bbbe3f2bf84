//! One resource: what it is, what is around it, how it came to be so, how controls judge it, what
//! was found; now or as of a time.
//! Trees, differences and the drawing are in the files beside this one.

use axum::Extension;
use axum::extract::State;
use axum_extra::extract::Query;
use futures::TryStreamExt as _;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde::Serialize;
use yagura_content::Content;
use yagura_model::finding::{Finding, Scope};
use yagura_model::{Prose, Resource, Verdict, VerdictStatus};
use yagura_report::{Words, words};
use yagura_store::findings::{FindingFilter, FindingOrder, Page};
use yagura_store::{KnownResource, Neighbor, Store, StoreError, VerdictFilter};

use super::diff::{self, Changes, VersionView};
use super::facts::{self, FactsView};
use super::tree::{self, Node};
use crate::fault::{Answer, Fault};
use crate::layout::links;
use crate::layout::{Nav, Shown, page};
use crate::pages::standing::Standing;
use crate::state::Console;
use crate::viewer::Viewer;

/// Versions that are shown.
const VERSIONS: usize = 50;
/// Findings that are shown.
const FINDINGS: usize = 100;

#[derive(Serialize)]
struct ResourceView {
    key: String,
    arn: Option<String>,
    id: String,
    name: String,
    type_name: String,
    service_title: Option<Prose>,
    account: String,
    account_name: String,
    account_href: String,
    region: String,
    deleted: bool,
    first_us: i64,
    last_us: i64,
    /// As of when it is shown; none for now.
    at: Option<String>,
    at_us: Option<i64>,
    tags: Vec<(String, String)>,
    properties: Vec<Node>,
    runtime: Vec<Node>,
    unread: Vec<UnreadView>,
    facts: FactsView,
    outgoing: Vec<NeighborView>,
    incoming: Vec<NeighborView>,
    more_neighbors: bool,
    verdicts: Vec<VerdictView>,
    judged_us: Option<i64>,
    quiet: Quiet,
    findings: Vec<FindingView>,
    findings_more: bool,
    versions: Vec<VersionView>,
    versions_more: bool,
    compare: Option<Compare>,
    access_href: Option<String>,
}

#[derive(Serialize)]
struct UnreadView {
    path: String,
    partial: bool,
    why: String,
    remedy: String,
}

#[derive(Serialize)]
struct NeighborView {
    name: String,
    note: String,
    relation: String,
    href: String,
    deleted: bool,
}

#[derive(Serialize)]
struct VerdictView {
    control: String,
    href: String,
    title: Option<Prose>,
    /// As a verdict's word; an accepted failure is `accepted`.
    standing: &'static str,
    severity: &'static str,
    evidence: Vec<(String, String)>,
    why: String,
    accepted: Option<(String, String, i64)>,
}

/// How many controls say that all is well, or do not speak of it.
#[derive(Default, Serialize)]
struct Quiet {
    pass: usize,
    not_applicable: usize,
}

#[derive(Serialize)]
struct FindingView {
    href: String,
    title: Prose,
    state: &'static str,
    severity: &'static str,
    first_us: i64,
    last_us: i64,
    resolved_us: Option<i64>,
}

#[derive(Serialize)]
struct Compare {
    from: i64,
    to: i64,
    changes: Option<Changes>,
}

/// A time as it may be asked for: with a zone, or in the reader's own; of a day its end.
fn time_of(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let local = text.parse::<DateTime>().ok().filter(|_| text.contains(['T', ' ']));
    let local = local.or_else(|| {
        let day: Date = text.parse().ok()?;
        Some(day.at(23, 59, 59, 0))
    })?;
    Some(local.to_zoned(zone.clone()).ok()?.timestamp())
}

pub(crate) async fn view(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Answer {
    let store = console.store();
    let key = links::value(&pairs, "key");
    let words = words(viewer.lang);
    let asked = links::value(&pairs, "at");
    let at = match asked.as_str() {
        "" => None,
        text => Some(time_of(text, &viewer.zone).ok_or_else(|| {
            let told = words.fill("console_resources.bad_time", &[("text", &text)]);
            Fault::BadRequest(told)
        })?),
    };
    let now = store.resource(&key).await?.ok_or(Fault::NotFound)?;
    // INVARIANT: what lies outside the scope is as if it were not there.
    if !viewer.scope.admits(&now.resource.account) {
        return Err(Fault::NotFound);
    }
    let known = match at {
        None => Some(now),
        Some(at) => store.resource_at(&key, at).await?,
    };
    let Some(known) = known else {
        let told = words.get("console_resources.not_yet").to_owned();
        return Err(Fault::BadRequest(told));
    };
    let title = known.resource.name.clone();
    let view = whole(&console, &viewer, known, at, &pairs).await?;
    let shown = Shown {
        template: "resource.html",
        nav: Nav::Resources,
        title: &title,
        path: "/resources/view",
        query: &pairs,
        page: view,
    };
    page(&console, &viewer, shown)
}

async fn whole(
    console: &Console,
    viewer: &Viewer,
    known: KnownResource,
    at: Option<Timestamp>,
    pairs: &[(String, String)],
) -> Result<ResourceView, Fault> {
    let store = console.store();
    let content = console.content();
    let words = words(viewer.lang);
    let KnownResource { resource, first_seen, last_seen, deleted } = known;
    let around = store.neighbors(&resource, &viewer.scope).await?;
    let standing = Standing::now(console).await?;
    let facts = match at.is_some() || deleted {
        true => FactsView::default(),
        false => facts::facts(store, &resource, &standing.coverage, words).await?,
    };
    let (verdicts, judged_us) = judgement(store, &content, &resource, at, &standing).await?;
    let history = store.history(&resource.key, VERSIONS).await?;
    let versions = history.as_ref().map(|one| one.versions.as_slice()).unwrap_or_default();
    let (findings, findings_more) = found(store, &viewer.scope, &resource.key).await?;
    let accounts = store.accounts().await?;
    let account = accounts.into_iter().find(|one| one.id == resource.account);
    let kind = content.resources.get(&resource.type_name);
    Ok(ResourceView {
        account_href: links::account(&resource.account),
        account_name: account.map(|one| one.name).unwrap_or_default(),
        service_title: kind.map(|kind| kind.title.value.clone()),
        deleted,
        first_us: first_seen.as_microsecond(),
        last_us: last_seen.as_microsecond(),
        at: at.map(|at| at.to_string()),
        at_us: at.map(Timestamp::as_microsecond),
        tags: resource.tags.clone().into_iter().collect(),
        properties: tree::tree(&resource.properties),
        runtime: tree::tree(&resource.runtime),
        unread: unread(&resource, words),
        facts,
        outgoing: around.outgoing.iter().map(neighbor).collect(),
        incoming: around.incoming.iter().map(neighbor).collect(),
        more_neighbors: around.more,
        quiet: Quiet {
            pass: count(&verdicts, VerdictStatus::Pass),
            not_applicable: count(&verdicts, VerdictStatus::NotApplicable),
        },
        verdicts: shown_verdicts(verdicts, &content, words),
        judged_us,
        findings,
        findings_more,
        versions: diff::versions(versions),
        versions_more: history.as_ref().is_some_and(|one| one.more),
        compare: compare(store, &resource.key, pairs).await?,
        access_href: resource
            .arn
            .as_ref()
            .map(|arn| format!("/access?resource={}", links::encoded(arn))),
        key: resource.key,
        arn: resource.arn,
        id: resource.id,
        name: resource.name,
        type_name: resource.type_name,
        account: resource.account,
        region: resource.region,
    })
}

fn count(verdicts: &[Verdict], status: VerdictStatus) -> usize {
    verdicts.iter().filter(|one| one.status == status).count()
}

fn unread(resource: &Resource, words: &Words) -> Vec<UnreadView> {
    let view = |part: &yagura_model::Unread| UnreadView {
        path: part.path.to_string(),
        partial: part.partial,
        why: yagura_report::unread(words, part),
        remedy: yagura_report::unread_remedy(words, part),
    };
    resource.unread.iter().map(view).collect()
}

fn neighbor(one: &Neighbor) -> NeighborView {
    let row = one.resource.as_ref();
    NeighborView {
        name: row.map_or_else(|| one.target.clone(), |row| row.name.clone()),
        note: one.type_name.clone(),
        relation: one.relation.clone(),
        href: row.map(|row| links::resource(&row.key)).unwrap_or_default(),
        deleted: row.is_some_and(|row| row.deleted),
    }
}

/// What the scan that counts says of the resource, by every control of its type.
async fn judgement(
    store: &Store,
    content: &Content,
    resource: &Resource,
    at: Option<Timestamp>,
    standing: &Standing,
) -> Result<(Vec<Verdict>, Option<i64>), StoreError> {
    let past;
    let scans = match at {
        None => &standing.scans,
        Some(at) => {
            past = store.current_scans(at).await?;
            &past
        }
    };
    let scan = scans.iter().find(|one| one.accounts.contains(&resource.account));
    let Some(scan) = scan else { return Ok((Vec::new(), None)) };
    let of_type = content.controls.values();
    let of_type = of_type.filter(|one| one.type_name.value == resource.type_name);
    let filter = VerdictFilter {
        controls: of_type.map(|control| control.id.clone()).collect(),
        key: Some(resource.key.clone()),
        ..VerdictFilter::default()
    };
    if filter.controls.is_empty() {
        return Ok((Vec::new(), Some(scan.scan.start.started.as_microsecond())));
    }
    let verdicts = store.verdicts(scan.scan.id, &filter).try_collect().await?;
    Ok((verdicts, Some(scan.scan.start.started.as_microsecond())))
}

/// Verdicts as rows: what fails first, then what is unknown, then the rest.
fn shown_verdicts(
    mut verdicts: Vec<Verdict>,
    content: &Content,
    words: &Words,
) -> Vec<VerdictView> {
    let place = |one: &Verdict| match (one.status, &one.exception) {
        (VerdictStatus::Fail, None) => 0,
        (VerdictStatus::Unknown, _) => 1,
        (VerdictStatus::Fail, Some(_)) => 2,
        (VerdictStatus::Pass, _) => 3,
        (VerdictStatus::NotApplicable, _) => 4,
    };
    verdicts.sort_by(|a, b| {
        (place(a), b.severity, &a.control).cmp(&(place(b), a.severity, &b.control))
    });
    let view = |one: Verdict| {
        let accepted = one.exception.as_ref().filter(|_| one.status == VerdictStatus::Fail);
        let why = match one.status {
            VerdictStatus::Unknown => yagura_report::why_verdict_unknown(words, &one),
            _ => String::new(),
        };
        VerdictView {
            href: links::control(&one.control),
            title: content.controls.get(&one.control).map(|known| known.title.value.clone()),
            standing: if accepted.is_some() { "accepted" } else { one.status.as_str() },
            severity: one.severity.as_str(),
            accepted: accepted
                .map(|one| (one.owner.clone(), one.reason.clone(), one.expires.as_microsecond())),
            evidence: one
                .evidence
                .iter()
                .map(|(path, value)| (path.clone(), tree::shortened(&value.to_string())))
                .collect(),
            why,
            control: one.control,
        }
    };
    verdicts.into_iter().map(view).collect()
}

async fn found(
    store: &Store,
    scope: &Scope,
    key: &str,
) -> Result<(Vec<FindingView>, bool), StoreError> {
    let filter = FindingFilter { keys: vec![key.to_owned()], ..FindingFilter::default() };
    let page = Page { order: FindingOrder::LastSeen, limit: FINDINGS, after: None };
    let list = store.findings(scope.clone()).list(&filter, &page).await?;
    let view = |one: Finding| FindingView {
        href: format!("/findings/{}", links::encoded(&one.id)),
        title: one.observation.title,
        state: one.state.as_str(),
        severity: one.severity.as_str(),
        first_us: one.first_seen_us,
        last_us: one.last_seen_us,
        resolved_us: one.resolved_us,
    };
    let (open, over): (Vec<_>, Vec<_>) =
        list.findings.into_iter().partition(|one| one.state.is_open());
    Ok((open.into_iter().chain(over).map(view).collect(), list.next.is_some()))
}

/// The two versions that were asked to be compared.
async fn compare(
    store: &Store,
    key: &str,
    pairs: &[(String, String)],
) -> Result<Option<Compare>, StoreError> {
    let number = |name| links::value(pairs, name).parse::<i64>().ok();
    let (Some(from), Some(to)) = (number("from"), number("to")) else { return Ok(None) };
    let changes = store.compare_versions(key, from, to).await?;
    Ok(Some(Compare { from, to, changes: changes.as_deref().map(diff::changes) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_in_the_readers_zone() {
        let zone = TimeZone::get("Asia/Tokyo").unwrap();
        let check = |text: &str, expected: Option<&str>| {
            let at = time_of(text, &zone).map(|at| at.to_string());
            assert_eq!(at.as_deref(), expected, "{text}");
        };
        check("2026-11-20T10:00:00Z", Some("2026-11-20T10:00:00Z"));
        check("2026-11-20T10:00", Some("2026-11-20T01:00:00Z"));
        check("2026-11-20", Some("2026-11-20T14:59:59Z"));
        check("yesterday", None);
    }
}
