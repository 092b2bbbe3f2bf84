//! The organization: units and accounts with scores, open findings, the last scan and how much of
//! each could be seen.
//! One account is in `account.rs`.

use std::collections::HashMap;

use axum::Extension;
use axum::extract::State;
use axum_extra::extract::Query;
use serde::Serialize;
use yagura_model::StateCounts;
use yagura_report::words;

use super::tree::{self, Figures, Leaf, Row};
use super::{Seen, known};
use crate::fault::Answer;
use crate::layout::links;
use crate::layout::{Nav, Shown, page};
use crate::pages::findings::open::OpenFindings;
use crate::pages::standing::Standing;
use crate::state::Console;
use crate::viewer::Viewer;

/// Rows that are shown; beyond them the list is to be narrowed.
const ROWS_MAX: usize = 1_000;
/// Levels that are set in further and further.
const DEPTH_MAX: usize = 6;
/// The framework whose score stands for an account.
const CHECKLIST: &str = "checklist";

#[derive(Serialize)]
struct ListView {
    q: String,
    ou: String,
    rows: Vec<RowView>,
    more: usize,
    all: Figures,
    percent: Option<u64>,
    seen_percent: Option<u64>,
    judged_us: Option<i64>,
    any: bool,
    scored: bool,
}

#[derive(Serialize)]
struct RowView {
    depth: usize,
    unit: bool,
    href: String,
    name: String,
    id: String,
    accounts: u64,
    critical: u64,
    high: u64,
    open: u64,
    findings_href: String,
    percent: Option<u64>,
    seen_percent: Option<u64>,
    blind: u64,
    scanned_us: Option<i64>,
}

pub(crate) async fn list(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Answer {
    let standing = Standing::now(&console).await?;
    let accounts = known(console.store(), &standing, &viewer.scope).await?;
    let (q, ou) = (links::value(&pairs, "q"), links::value(&pairs, "ou"));
    let any = !accounts.is_empty();
    let open = OpenFindings::read(&console, &viewer).await?;
    let seen = seen_by_account(&standing);
    let score = standing.score(CHECKLIST, &viewer.scope);
    let states: HashMap<&str, StateCounts> = score
        .iter()
        .flat_map(|one| &one.score.accounts)
        .map(|one| (one.account.as_str(), one.states))
        .collect();
    let scanned = |id: &str| {
        let scan = standing.scans.iter().find(|one| one.accounts.contains(id))?;
        Some(scan.scan.start.started.as_microsecond())
    };
    let wanted = |id: &str, name: &str, path: &str| {
        let text = format!("{id} {name} {path}").to_lowercase();
        let within = ou.is_empty() || path == ou || path.starts_with(&format!("{ou}/"));
        within && q.to_lowercase().split_whitespace().all(|word| text.contains(word))
    };
    let leaves = accounts.into_values().filter(|one| wanted(&one.id, &one.name, &one.ou));
    let leaf = |one: yagura_store::Account| Leaf {
        scanned_us: scanned(&one.id),
        figures: Figures {
            accounts: 1,
            critical: open.account(&one.id).critical,
            high: open.account(&one.id).high,
            open: open.account(&one.id).all,
            states: states.get(one.id.as_str()).copied().unwrap_or_default(),
            seen: seen.get(one.id.as_str()).copied().unwrap_or_default(),
        },
        id: one.id,
        name: one.name,
        ou: one.ou,
    };
    let (rows, all) = tree::rows(leaves.map(leaf));
    let view = ListView {
        more: rows.len().saturating_sub(ROWS_MAX),
        rows: rows.into_iter().take(ROWS_MAX).map(|row| row_view(row, &pairs)).collect(),
        percent: all.states.percent_met(),
        seen_percent: all.seen.percent(),
        all,
        judged_us: standing.scans.first().map(|one| one.scan.start.started.as_microsecond()),
        scored: score.is_some(),
        q,
        ou,
        any,
    };
    let title = words(viewer.lang).get("console.nav.accounts");
    let shown = Shown {
        template: "accounts.html",
        nav: Nav::Accounts,
        title,
        path: "/accounts",
        query: &pairs,
        page: view,
    };
    page(&console, &viewer, shown)
}

fn row_view(row: Row, pairs: &[(String, String)]) -> RowView {
    let href = match &row.unit {
        Some(path) => links::with(pairs, "ou", path),
        None => links::account(&row.id),
    };
    RowView {
        depth: row.depth.min(DEPTH_MAX),
        findings_href: format!("/findings?account={}", links::encoded(&row.id)),
        unit: row.unit.is_some(),
        href,
        accounts: row.figures.accounts,
        critical: row.figures.critical,
        high: row.figures.high,
        open: row.figures.open,
        percent: row.figures.states.percent_met(),
        seen_percent: row.figures.seen.percent(),
        blind: row.figures.seen.blind,
        scanned_us: row.scanned_us,
        name: row.name,
        id: row.id,
    }
}

fn seen_by_account(standing: &Standing) -> HashMap<&str, Seen> {
    let mut seen: HashMap<&str, Seen> = HashMap::new();
    for one in &standing.coverage {
        seen.entry(&one.account).or_default().count(&one.state);
    }
    seen
}
