//! The list of resources: search, filters in the address, facets with counts, page by page.
//! How resources are found is the store's.

use std::collections::{BTreeMap, HashMap};

use axum::Extension;
use axum::extract::State;
use axum_extra::extract::Query;
use serde::Serialize;
use yagura_content::Content;
use yagura_content::expression::PathSet;
use yagura_model::finding::Finding;
use yagura_model::{Severity, Step, VerdictStatus};
use yagura_report::words;
use yagura_store::findings::{FindingFilter, PAGE_MAX, Page};
use yagura_store::{Judged, Life, ResourceList, ResourceQuery, ResourceRow};

use crate::fault::Answer;
use crate::layout::links;
use crate::layout::{Nav, Shown, page};
use crate::pages::standing::Standing;
use crate::state::Console;
use crate::viewer::Viewer;

/// Resources on a page.
const ROWS: usize = 50;
/// Values of a facet that are shown.
const VALUES_MAX: usize = 14;

/// Members of `facts` that say that somebody outside can reach a resource.
const EXPOSURE: [&str; 5] =
    ["public_access", "open_ports", "open_ports_ipv4", "open_ports_ipv6", "public_subnet"];

#[derive(Serialize)]
struct ListView {
    q: String,
    tag: String,
    life: &'static str,
    judged: &'static str,
    /// What the form must carry along.
    kept: Vec<(&'static str, String)>,
    rows: Vec<RowView>,
    count: u64,
    exact: bool,
    first: bool,
    next: Option<i64>,
    facets: Vec<Facet>,
    filtered: bool,
    /// When the verdicts that a filter rests on were given.
    judged_us: Option<i64>,
}

#[derive(Serialize)]
struct RowView {
    href: String,
    name: String,
    key: String,
    type_name: String,
    account: String,
    account_name: String,
    region: String,
    deleted: bool,
    seen_us: i64,
    open: usize,
    worst: Option<&'static str>,
    findings_href: String,
}

#[derive(Serialize)]
struct Facet {
    name: &'static str,
    values: Vec<FacetValue>,
    more: usize,
}

#[derive(Serialize)]
struct FacetValue {
    label: String,
    note: String,
    n: u64,
    on: bool,
    href: String,
}

fn life_of(text: &str) -> (Life, &'static str) {
    match text {
        "deleted" => (Life::Deleted, "deleted"),
        "any" => (Life::Any, "any"),
        _ => (Life::Living, "living"),
    }
}

/// The controls whose condition looks at who outside can reach a resource.
fn of_exposure(content: &Content) -> Vec<String> {
    let about = |path: &yagura_model::Path| match path.0.as_slice() {
        [Step::Key(root), Step::Key(fact), rest @ ..] if root == "facts" => {
            let part = rest.first();
            let public = matches!(part, Some(Step::Key(part)) if part == "public");
            EXPOSURE.contains(&fact.as_str()) || fact == "external_access" && public
        }
        _ => false,
    };
    let looks = |set: PathSet| match set {
        PathSet::Paths(paths) => paths.iter().any(about),
        _ => false,
    };
    let controls = content.controls.values();
    let exposed = controls.filter(|one| looks(one.require.program().paths("resource")));
    exposed.map(|control| control.id.clone()).collect()
}

fn judged_of(
    text: &str,
    standing: &Standing,
    viewer: &Viewer,
    content: &Content,
) -> Option<Judged> {
    let (status, controls) = match text {
        "fail" => (VerdictStatus::Fail, Vec::new()),
        "unknown" => (VerdictStatus::Unknown, Vec::new()),
        "exposed" => (VerdictStatus::Fail, of_exposure(content)),
        _ => return None,
    };
    // Exposure of no control is nobody's: an empty list would mean any control.
    let scans = match (text, controls.is_empty()) {
        ("exposed", true) => Vec::new(),
        _ => standing.within(&viewer.scope),
    };
    Some(Judged { status, controls, scans })
}

pub(crate) async fn list(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Answer {
    let store = console.store();
    let (life, life_word) = life_of(&links::value(&pairs, "life"));
    let asked = links::value(&pairs, "judged");
    let mut judged_us = None;
    let judged = if asked.is_empty() {
        None
    } else {
        let standing = Standing::now(&console).await?;
        let newest = standing.scans.first();
        judged_us = newest.map(|one| one.scan.start.started.as_microsecond());
        judged_of(&asked, &standing, &viewer, &console.content())
    };
    let query = ResourceQuery {
        scope: viewer.scope.clone(),
        text: links::value(&pairs, "q"),
        types: links::values(&pairs, "type"),
        accounts: links::values(&pairs, "account"),
        regions: links::values(&pairs, "region"),
        tags: links::values(&pairs, "tag"),
        life,
        judged,
    };
    let after = links::value(&pairs, "after").parse().ok();
    let found = store.browse(&query, after, ROWS).await?;
    let names: BTreeMap<String, String> =
        store.accounts().await?.into_iter().map(|one| (one.id, one.name)).collect();
    let open = open_findings(&console, &viewer, &found.rows).await?;
    let judged = match asked.as_str() {
        "fail" => "fail",
        "unknown" => "unknown",
        "exposed" => "exposed",
        _ => "",
    };
    let shown = ListView {
        q: query.text.clone(),
        tag: query.tags.first().cloned().unwrap_or_default(),
        life: life_word,
        judged,
        kept: kept(&query),
        count: found.total.count,
        exact: found.total.exact,
        first: after.is_none(),
        next: found.next,
        facets: facets(&pairs, &query, &found, &names),
        filtered: pairs.iter().any(|(name, value)| name != "after" && !value.is_empty()),
        judged_us,
        rows: found.rows.into_iter().map(|row| row_view(row, &names, &open)).collect(),
    };
    let title = words(viewer.lang).get("console.nav.resources");
    let shown = Shown {
        template: "resources.html",
        nav: Nav::Resources,
        title,
        path: "/resources",
        query: &pairs,
        page: shown,
    };
    page(&console, &viewer, shown)
}

fn kept(query: &ResourceQuery) -> Vec<(&'static str, String)> {
    let lists = [("type", &query.types), ("account", &query.accounts), ("region", &query.regions)];
    let pairs = lists
        .into_iter()
        .flat_map(|(name, values)| values.iter().map(move |value| (name, value.clone())));
    let tags = query.tags.iter().skip(1).map(|tag| ("tag", tag.clone()));
    pairs.chain(tags).collect()
}

/// The open findings of some resources, by key: how many, and the worst.
async fn open_findings(
    console: &Console,
    viewer: &Viewer,
    rows: &[ResourceRow],
) -> Result<HashMap<String, (usize, Severity)>, yagura_store::StoreError> {
    let mut open: HashMap<String, (usize, Severity)> = HashMap::new();
    if rows.is_empty() {
        return Ok(open);
    }
    let keys = rows.iter().map(|row| row.key.clone()).collect();
    let filter = FindingFilter { keys, ..FindingFilter::open() };
    let page = Page { limit: PAGE_MAX, ..Page::default() };
    let found = console.store().findings(viewer.scope.clone()).list(&filter, &page).await?;
    for Finding { observation, severity, .. } in found.findings {
        let known = open.entry(observation.key).or_insert((0, severity));
        known.0 += 1;
        known.1 = known.1.max(severity);
    }
    Ok(open)
}

fn row_view(
    row: ResourceRow,
    names: &BTreeMap<String, String>,
    open: &HashMap<String, (usize, Severity)>,
) -> RowView {
    let known = open.get(&row.key);
    RowView {
        href: links::resource(&row.key),
        account_name: names.get(&row.account).cloned().unwrap_or_default(),
        seen_us: row.seen.as_microsecond(),
        open: known.map_or(0, |(count, _)| *count),
        worst: known.map(|(_, severity)| severity.as_str()),
        findings_href: format!("{}#findings", links::resource(&row.key)),
        name: row.name,
        key: row.key,
        type_name: row.type_name,
        account: row.account,
        region: row.region,
        deleted: row.deleted,
    }
}

fn facets(
    pairs: &[(String, String)],
    query: &ResourceQuery,
    found: &ResourceList,
    names: &BTreeMap<String, String>,
) -> Vec<Facet> {
    let facet = |name: &'static str, counts: &[(String, u64)], chosen: &[String]| {
        let value = |(label, n): &(String, u64)| {
            let on = chosen.contains(label);
            let note = match name {
                "account" => names.get(label).cloned().unwrap_or_default(),
                _ => String::new(),
            };
            let href = links::with(pairs, name, if on { "" } else { label });
            FacetValue { label: label.clone(), note, n: *n, on, href }
        };
        // What is chosen is always there, so that it can be taken back.
        let (on, off): (Vec<_>, Vec<_>) =
            counts.iter().partition(|(label, _)| chosen.contains(label));
        let missing = chosen.iter().filter(|label| !counts.iter().any(|(one, _)| one == *label));
        let missing: Vec<(String, u64)> = missing.map(|label| (label.clone(), 0)).collect();
        let all: Vec<&(String, u64)> = on.into_iter().chain(&missing).chain(off).collect();
        Facet {
            name,
            more: all.len().saturating_sub(VALUES_MAX),
            values: all.into_iter().take(VALUES_MAX).map(value).collect(),
        }
    };
    vec![
        facet("type", &found.types, &query.types),
        facet("account", &found.accounts, &query.accounts),
        facet("region", &found.regions, &query.regions),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exposure_is_found_in_what_controls_read() {
        let exposed = of_exposure(Content::builtin());
        let has = |id: &str| exposed.iter().any(|one| one == id);
        assert!(has("s3.bucket_not_publicly_readable"), "{exposed:?}");
        assert!(!has("s3.bucket_versioned"), "{exposed:?}");
    }
}
