//! How the program is: its processes, where it keeps things, how much of the world it last saw.
//! Mending any of it is not done here.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::State;
use axum_extra::extract::Query;
use jiff::SignedDuration;
use serde::Serialize;
use serde_json::Value;
use yagura_model::{Coverage, CoverageState};

use super::{Told, page};
use crate::fault::Answer;
use crate::gate::{Need, Routes};
use crate::state::Console;
use crate::viewer::{Role, Viewer};

/// Who was silent for longer is not there any more, as far as people are told.
const SILENT: SignedDuration = SignedDuration::from_secs(60);
/// Rows of the list of what was not seen.
const UNREAD_ROWS: usize = 50;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.get("/settings/health", Need::Role(Role::Responder), show)
}

#[derive(Serialize)]
struct View {
    version: String,
    store: Option<String>,
    lake: Option<String>,
    address: String,
    workers: Vec<WorkerRow>,
    waiting: u64,
    running: u64,
    scan: Option<ScanRow>,
    seen: Counts,
    unread: Vec<UnreadRow>,
    unread_more: usize,
}

#[derive(Serialize)]
struct WorkerRow {
    holder: String,
    version: String,
    started: i64,
    seen: i64,
    silent: bool,
}

#[derive(Serialize)]
struct ScanRow {
    id: i64,
    started: i64,
    finished: Option<i64>,
    state: &'static str,
    resources: u64,
}

/// Listings by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct Counts {
    complete: u64,
    partial: u64,
    unread: u64,
}

/// Listings that failed for the same reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct UnreadRow {
    account: String,
    reason: String,
    count: u64,
    example: String,
}

/// Counts listings of the viewer's accounts, and groups those that failed.
fn covered(all: &[Coverage], viewer: &Viewer) -> (Counts, Vec<UnreadRow>) {
    let mut counts = Counts::default();
    let mut unread: BTreeMap<(String, String), (u64, String)> = BTreeMap::new();
    for one in all.iter().filter(|one| viewer.scope.admits(&one.account)) {
        match &one.state {
            CoverageState::Complete => counts.complete += 1,
            // What nobody asked for, or AWS does not offer, is not missing.
            state if state.unread().is_some_and(|why| !why.reason.is_blind()) => {}
            CoverageState::Partial(_) => counts.partial += 1,
            CoverageState::Unread(_) => counts.unread += 1,
        }
        if let Some(why) = one.state.unread().filter(|why| why.reason.is_blind()) {
            let key = (one.account.clone(), why.reason.as_str().to_owned());
            let example = || format!("{} {}", one.type_name, one.region);
            unread.entry(key).or_insert_with(|| (0, example())).0 += 1;
        }
    }
    let rows = unread.into_iter().map(|((account, reason), (count, example))| UnreadRow {
        account,
        reason,
        count,
        example,
    });
    let mut rows: Vec<UnreadRow> = rows.collect();
    rows.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.account.cmp(&b.account)));
    (counts, rows)
}

async fn show(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Query(query): Query<Vec<(String, String)>>,
) -> Answer {
    let (store, now) = (console.store(), console.now());
    let workers = store.jobs().workers().await?.into_iter().map(|worker| {
        let status: Value = serde_json::from_str(&worker.status).unwrap_or_default();
        let version = status.get("version").and_then(Value::as_str).unwrap_or_default();
        WorkerRow {
            version: version.to_owned(),
            started: worker.started.as_microsecond(),
            seen: worker.seen.as_microsecond(),
            silent: now.duration_since(worker.seen) > SILENT,
            holder: worker.holder,
        }
    });
    let workers = workers.collect();
    let (mut waiting, mut running) = (0, 0);
    for count in store.jobs().counts().await? {
        *(if count.running { &mut running } else { &mut waiting }) += count.count;
    }
    let scan = store.scans(1).await?.into_iter().next().map(|scan| ScanRow {
        id: scan.id.0,
        started: scan.start.started.as_microsecond(),
        finished: scan.finished.map(jiff::Timestamp::as_microsecond),
        state: scan.state.as_str(),
        resources: scan.resources,
    });
    let (seen, mut unread) = covered(&store.coverage_at(now).await?, &viewer);
    let unread_more = unread.len().saturating_sub(UNREAD_ROWS);
    unread.truncate(UNREAD_ROWS);
    let parts = console.parts();
    // Where things are kept is for those who look after them.
    let admin = viewer.may(Role::Admin);
    let view = View {
        version: parts.version.clone(),
        store: admin.then(|| store.place().to_owned()),
        lake: parts.lake.clone().filter(|_| admin),
        address: parts.address.clone(),
        workers,
        waiting,
        running,
        scan,
        seen,
        unread,
        unread_more,
    };
    page(&console, &viewer, "health", &[], Told::of(&query), view)
}
