//! Jobs and schedules: what waits and runs, what was done, when the next is due, and asking for
//! one now. Doing it is the daemon's; this only writes that it is wanted.

use axum::Extension;
use axum::extract::State;
use axum_extra::extract::{Form, Query};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use yagura_model::finding::Scope;
use yagura_store::jobs::{Cancelled, Job, JobId, NewJob, Run, Worker};

use super::{Told, back, field, note, page, sees_all};
use crate::fault::{Answer, Fault};
use crate::gate::{Need, Routes};
use crate::state::Console;
use crate::viewer::{Role, Viewer};

/// Jobs that somebody may ask for; the others follow from what happens.
const ASKED_FOR: [&str; 8] =
    ["scan", "intelligence", "compact", "retention", "import", "push", "spend", "backup"];
/// Rows of each list.
const ROWS: usize = 50;

pub(super) fn routes(routes: Routes) -> Routes {
    let need = Need::Role(Role::Responder);
    routes.get("/settings/jobs", need, list).post("/settings/jobs", need, run).post(
        "/settings/jobs/cancel",
        need,
        cancel,
    )
}

#[derive(Serialize)]
struct View {
    schedules: Vec<Schedule>,
    jobs: Vec<JobRow>,
    runs: Vec<RunRow>,
    kinds: [&'static str; 8],
    /// Whether the reader may know of all accounts, and so begin jobs.
    all: bool,
}

/// A schedule, as the daemon's processes say that they have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Schedule {
    name: String,
    job: String,
    cron: String,
    zone: String,
    next: Option<String>,
}

#[derive(Serialize)]
struct JobRow {
    id: i64,
    kind: String,
    key: String,
    due: i64,
    running: bool,
    holder: String,
    attempts: u64,
    cancelled: bool,
    error: String,
}

#[derive(Serialize)]
struct RunRow {
    kind: String,
    key: String,
    started: i64,
    seconds: i64,
    outcome: &'static str,
    result: String,
}

/// The schedules of those who were heard of last.
fn schedules(workers: &[Worker]) -> Vec<Schedule> {
    let Some(newest) = workers.iter().max_by_key(|worker| worker.seen) else { return Vec::new() };
    let status: Value = serde_json::from_str(&newest.status).unwrap_or_default();
    let text = |value: &Value, name: &str| {
        value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let listed = status.get("schedules").and_then(Value::as_array);
    listed
        .into_iter()
        .flatten()
        .take(ROWS)
        .map(|one| Schedule {
            name: text(one, "name"),
            job: text(one, "job"),
            cron: text(one, "cron"),
            zone: text(one, "timezone"),
            next: Some(text(one, "next")).filter(|next| !next.is_empty()),
        })
        .collect()
}

/// How it failed may name any account: `all` tells whether the reader may know of all.
fn job_row(job: Job, all: bool) -> JobRow {
    JobRow {
        id: job.id.0,
        kind: job.kind,
        key: job.key,
        due: job.due.as_microsecond(),
        running: job.held.is_some(),
        holder: job.held.map(|(holder, _)| holder).unwrap_or_default(),
        attempts: job.attempts,
        cancelled: job.cancelled,
        error: job.last_error.filter(|_| all).unwrap_or_default(),
    }
}

fn run_row(run: Run, all: bool) -> RunRow {
    RunRow {
        kind: run.kind,
        key: run.key,
        started: run.started.as_microsecond(),
        seconds: run.finished.duration_since(run.started).as_secs(),
        outcome: run.outcome.as_str(),
        result: if all { run.result } else { String::new() },
    }
}

async fn list(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Query(query): Query<Vec<(String, String)>>,
) -> Answer {
    let jobs = console.store().jobs();
    let all = viewer.scope == Scope::All;
    let waiting = jobs.list(ROWS).await?.into_iter().map(|job| job_row(job, all));
    let view = View {
        schedules: schedules(&jobs.workers().await?),
        jobs: waiting.collect(),
        runs: jobs.runs(None, ROWS).await?.into_iter().map(|run| run_row(run, all)).collect(),
        all,
        kinds: ASKED_FOR,
    };
    page(&console, &viewer, "jobs", &[], Told::of(&query), view)
}

async fn run(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Form(form): Form<Vec<(String, String)>>,
) -> Answer {
    // A job reads all accounts: whoever may see some of them begins none and ends none.
    sees_all(&viewer)?;
    let asked = field(&form, "kind");
    let kind = ASKED_FOR.into_iter().find(|kind| *kind == asked).ok_or(Fault::NotFound)?;
    let now: Timestamp = console.now();
    // The key of the default schedule: what it has waiting is this run.
    let job = NewJob { kind, key: kind, payload: "{}", due: now };
    console.store().jobs().add(&job, now).await?;
    note(&console, &viewer, "jobs.run", kind).await;
    back("jobs", "asked_for")
}

async fn cancel(
    State(console): State<Console>,
    Extension(viewer): Extension<Viewer>,
    Form(form): Form<Vec<(String, String)>>,
) -> Answer {
    sees_all(&viewer)?;
    let id = field(&form, "job").parse().map_err(|_| Fault::NotFound)?;
    let cancelled = console.store().jobs().cancel(JobId(id), console.now()).await?;
    if cancelled == Cancelled::Unknown {
        return Err(Fault::NotFound);
    }
    note(&console, &viewer, "jobs.cancel", &id.to_string()).await;
    back("jobs", "kept")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_worker_says_is_read_and_nonsense_is_nothing() {
        let worker = |second, status: &str| Worker {
            holder: "a".into(),
            started: Timestamp::UNIX_EPOCH,
            seen: Timestamp::from_second(second).unwrap(),
            status: status.into(),
        };
        let said = r#"{"schedules": [{"name": "nightly", "job": "scan", "cron": "0 3 * * *",
            "timezone": "Asia/Tokyo", "next": "2026-11-22T18:00:00Z"}, {"name": 7}]}"#;
        let found = schedules(&[worker(2, said), worker(1, "{}")]);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].job.as_str(), found[0].zone.as_str()), ("scan", "Asia/Tokyo"));
        assert_eq!(found[1].next, None);
        assert!(schedules(&[worker(1, "no json")]).is_empty());
        assert!(schedules(&[]).is_empty());
    }
}
