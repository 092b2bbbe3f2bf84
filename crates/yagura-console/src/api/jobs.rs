//! Jobs: what waits, runs and ran; and the wish that one begins.
//! A wish is all that is written here; the daemon does the work.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use yagura_model::finding::Scope;
use yagura_store::jobs::NewJob;

use super::endpoint::{Endpoints, Reader, Said};
use super::findings::limit;
use super::standing::LimitAsked;
use crate::fault::Fault;
use crate::viewer::{Permission, Role};

/// Jobs of an answer at most.
const JOBS_MAX: u16 = 200;
/// What may be asked for: what `yagura jobs run` may.
const KINDS: [&str; 4] = ["scan", "intelligence", "compact", "retention"];

pub(super) fn register(all: Endpoints) -> Endpoints {
    let said = |path, role, permission, id, summary| Said { path, role, permission, id, summary };
    let (read, write) = (Permission::ResourcesRead, Permission::JobsWrite);
    all.get(said("/jobs", Role::Viewer, read, "listJobs", "Jobs that wait, run, and ran"), list)
        .post(said("/jobs", Role::Responder, write, "addJob", "Asks for a job: a scan"), add)
}

/// A job that waits or runs.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct JobView {
    id: i64,
    /// scan, compact, retention, …
    kind: String,
    key: String,
    due: String,
    started: Option<String>,
    running: bool,
    attempts: u64,
    /// How the last attempt failed; only for administrators, who may see every account.
    last_error: Option<String>,
}

/// A run that ended.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct RunView {
    job: i64,
    kind: String,
    key: String,
    started: String,
    finished: String,
    /// done, failed, cancelled, handed_back, lost.
    outcome: String,
}

/// Jobs and runs.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct JobsView {
    /// The one that is due first before the others.
    jobs: Vec<JobView>,
    /// The newest first.
    runs: Vec<RunView>,
}

async fn list(reader: Reader, asked: LimitAsked) -> Result<JobsView, Fault> {
    let limit = limit(asked.limit, 20, JOBS_MAX)?;
    let jobs = reader.console.store().jobs();
    let told = reader.viewer.may(Role::Admin) && reader.viewer.scope == Scope::All;
    let waiting = jobs.list(limit).await?.into_iter().map(|job| JobView {
        id: job.id.0,
        kind: job.kind,
        key: job.key,
        due: job.due.to_string(),
        started: job.started.map(|time| time.to_string()),
        running: job.held.is_some(),
        attempts: job.attempts,
        last_error: job.last_error.filter(|_| told),
    });
    let waiting = waiting.collect();
    let runs = jobs.runs(None, limit).await?.into_iter().map(|run| RunView {
        job: run.job.0,
        kind: run.kind,
        key: run.key,
        started: run.started.to_string(),
        finished: run.finished.to_string(),
        outcome: run.outcome.as_str().to_owned(),
    });
    Ok(JobsView { jobs: waiting, runs: runs.collect() })
}

/// The wish that a job begins.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobAsked {
    /// scan, intelligence, compact, retention.
    kind: String,
}

/// A job that was asked for.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct JobAdded {
    id: i64,
    kind: String,
}

async fn add(reader: Reader, asked: JobAsked) -> Result<JobAdded, Fault> {
    let mut kinds = KINDS.into_iter();
    let kind = kinds.find(|kind| *kind == asked.kind).ok_or_else(|| {
        Fault::BadRequest(format!("`{}` cannot be asked for; {}", asked.kind, KINDS.join(", ")))
    })?;
    // A scan reads all accounts: whoever may see only some does not begin one.
    if reader.viewer.scope != Scope::All {
        return Err(Fault::Forbidden);
    }
    let now = reader.console.now();
    let job = NewJob { kind, key: kind, payload: "{}", due: now };
    let id = reader.console.store().jobs().add(&job, now).await?;
    Ok(JobAdded { id: id.0, kind: kind.to_owned() })
}
