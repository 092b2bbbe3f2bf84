//! Lanes: how jobs are taken, kept and ended. What is urgent has a lane of its own, so that a scan
//! of an hour holds no message up.
//! What each kind of job does is in `work/`.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use yagura_model::Prose;
use yagura_store::jobs::{Held, Lease};

use super::kind::JobKind;
use super::metrics::names;
use super::pause::{self, Pause};
use super::work::{self, Done};
use super::{Daemon, logged, ticking, watch};

/// How often an idle lane looks for work that another process has added.
const IDLE: Duration = Duration::from_secs(1);
/// How long a job that is another process's may take to end here.
const LOST_MAX: Duration = Duration::from_secs(10);
/// A job of a schedule is tried so often; then its next tick is waited for.
const ATTEMPTS_MAX: u64 = 5;

/// The kinds of each lane, and how many of them at once.
pub(super) fn lanes(daemon: &Daemon) -> Vec<(&'static [JobKind], usize)> {
    use JobKind::{
        Backup, Compact, Deliver, Fold, Import, Ingest, Intelligence, Push, Retention, Route, Scan,
        Spend,
    };
    let groups = watch::shared_groups(&daemon.settings.watchers).len();
    vec![
        (&[Fold, Route], 1),
        (&[Deliver], ticking::DELIVERIES.len()),
        (&[Ingest], groups),
        (
            &[Scan, Intelligence, Compact, Retention, Import, Push, Spend, Backup],
            daemon.options.slots,
        ),
    ]
}

/// Takes jobs of these kinds, one after the other, until it is to stop.
pub(super) async fn work(daemon: Arc<Daemon>, kinds: &'static [JobKind], stop: CancellationToken) {
    let words: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    let mut wake = daemon.wake.subscribe();
    let mut pause = Pause::new(Duration::from_secs(1), Duration::from_secs(30));
    while !stop.is_cancelled() {
        wake.mark_unchanged();
        let now = (daemon.clock)();
        let until = daemon.lease_until(now);
        match daemon.jobs.take(&words, &daemon.holder, now, until).await {
            Ok(Some(lease)) => {
                pause.reset();
                one(&daemon, lease, &stop).await;
            }
            Ok(None) => {
                pause.reset();
                tokio::select! {
                    () = stop.cancelled() => {}
                    _ = wake.changed() => {}
                    () = tokio::time::sleep(IDLE) => {}
                }
            }
            Err(error) => {
                tracing::warn!(code = "jobs_not_taken", error = %logged(&error.into()),
                    "the database could not be asked for jobs");
                pause.wait(&stop).await;
            }
        }
    }
}

/// How a run came to its end.
enum End {
    Done(Option<Prose>),
    Failed(String),
    /// It was told to stop, and may be gone on with.
    Stopped,
    /// Another process has the job, as far as is known.
    Lost,
}

impl End {
    fn as_str(&self) -> &'static str {
        match self {
            Self::Done(_) => "done",
            Self::Failed(_) => "failed",
            Self::Stopped => "handed_back",
            Self::Lost => "lost",
        }
    }
}

/// One run of one job, from its lease to its end.
async fn one(daemon: &Arc<Daemon>, lease: Lease, stop: &CancellationToken) {
    daemon.in_hand().insert(lease.id, lease.clone());
    let began = Instant::now();
    let cancel = stop.child_token();
    let end = kept(daemon, &lease, &cancel).await;
    let seconds = began.elapsed().as_secs_f64();
    // What happens every few seconds would drown what happens once a day.
    let quiet = matches!(end, End::Done(None));
    if !quiet {
        daemon.metrics.observe(names::JOB_SECONDS, &[&lease.kind], seconds);
        tracing::info!(code = "job_ended", kind = %lease.kind, key = %lease.key,
            job = lease.id.0, attempt = lease.attempt, outcome = end.as_str(), seconds,
            result = match &end { End::Done(Some(line)) => line.en.as_str(), _ => "" }, "job");
    }
    daemon.metrics.add(names::JOB_RUNS, &[&lease.kind, end.as_str()], 1.0);
    if let End::Failed(error) = &end {
        tracing::error!(code = "job_failed", kind = %lease.kind, key = %lease.key,
            job = lease.id.0, attempt = lease.attempt, error = %error, "a job failed");
    }
    close(daemon, &lease, end).await;
    daemon.in_hand().remove(&lease.id);
}

/// Does the job while its lease is kept.
async fn kept(daemon: &Arc<Daemon>, lease: &Lease, cancel: &CancellationToken) -> End {
    let (own, job, token) = (Arc::clone(daemon), lease.clone(), cancel.clone());
    // A thread of its own: one that panics ends alone, and one that judges for minutes holds no
    // timer up.
    let runtime = Handle::current();
    let mut task = tokio::task::spawn_blocking(move || {
        runtime.block_on(async { work::run(&own, &job, &token).await })
    });
    let lease_time = daemon.options.lease;
    let mut held_until = Instant::now() + lease_time;
    loop {
        let done = tokio::select! {
            done = &mut task => Some(done),
            () = tokio::time::sleep(lease_time / 3) => None,
        };
        if let Some(done) = done {
            return match done {
                Ok(Ok(Done::Well(result))) => End::Done(result),
                Ok(Ok(Done::Stopped)) => End::Stopped,
                // What broke off because it was told to, did not fail.
                Ok(Err(_)) if cancel.is_cancelled() => End::Stopped,
                Ok(Err(error)) => End::Failed(logged(&error)),
                Err(error) => End::Failed(format!("it broke off: {error}")),
            };
        }
        let asked = Instant::now();
        let until = daemon.lease_until((daemon.clock)());
        match daemon.jobs.renew(lease, until).await {
            Ok(Held::Kept) => held_until = asked + lease_time,
            Ok(Held::Cancelled) => {
                held_until = asked + lease_time;
                cancel.cancel();
            }
            Ok(Held::Lost) => return lost(cancel, task).await,
            // The database may come back before the lease is over.
            Err(_) if Instant::now() < held_until => {}
            Err(error) => {
                tracing::error!(code = "job_lease_lost", kind = %lease.kind, key = %lease.key,
                    error = %logged(&error.into()), "a job is left to others");
                return lost(cancel, task).await;
            }
        }
    }
}

/// The job is another process's: what runs here is to end soon. Where it does not, both go on:
/// every job may be done twice.
async fn lost(cancel: &CancellationToken, task: JoinHandle<anyhow::Result<Done>>) -> End {
    cancel.cancel();
    // How it ends does not matter any more.
    let _ = tokio::time::timeout(LOST_MAX, task).await;
    End::Lost
}

/// Tells the store how it ended; a store that does not answer is asked again until the lease is
/// over anyway.
async fn close(daemon: &Daemon, lease: &Lease, end: End) {
    let mut pause = Pause::new(Duration::from_millis(200), Duration::from_secs(5));
    let deadline = Instant::now() + daemon.options.lease;
    loop {
        let now = (daemon.clock)();
        let told = match &end {
            End::Done(line) => {
                let kept = line.as_ref().and_then(|line| serde_json::to_string(line).ok());
                daemon.jobs.done(lease, kept.as_deref(), now).await
            }
            End::Failed(error) => daemon.jobs.failed(lease, error, again(lease, now), now).await,
            End::Stopped => daemon.jobs.hand_back(lease, now).await,
            End::Lost => return,
        };
        match told {
            Ok(true) => return,
            Ok(false) => {
                tracing::warn!(code = "job_taken_over", kind = %lease.kind, key = %lease.key,
                    "another process took the job over");
                return;
            }
            Err(error) if Instant::now() >= deadline => {
                tracing::error!(code = "job_end_not_told", kind = %lease.kind, key = %lease.key,
                    error = %logged(&error.into()), "another process will do the job again");
                return;
            }
            Err(_) => tokio::time::sleep(pause.next()).await,
        }
    }
}

/// When a failed job is tried again; none where the next tick of its schedule is soon enough.
fn again(lease: &Lease, now: Timestamp) -> Option<Timestamp> {
    let kind = JobKind::of(&lease.kind)?;
    let failures = u32::try_from(lease.attempt.saturating_sub(1)).unwrap_or(u32::MAX);
    let pause = if kind.is_scheduled() {
        if lease.attempt >= ATTEMPTS_MAX {
            return None;
        }
        pause::after(failures, Duration::from_secs(30), Duration::from_secs(3_600))
    } else {
        pause::after(failures, Duration::from_secs(1), Duration::from_secs(60))
    };
    now.checked_add(SignedDuration::try_from(pause).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use yagura_store::jobs::JobId;

    use super::*;

    #[test]
    fn a_job_of_a_schedule_is_given_up_some_time_and_the_others_never() {
        let now: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        let check = |kind: &str, attempt: u64, seconds: Option<i64>| {
            let lease = Lease {
                id: JobId(1),
                kind: kind.to_owned(),
                key: "k".to_owned(),
                payload: "{}".to_owned(),
                due: now,
                started: now,
                attempt,
                holder: "h".to_owned(),
            };
            let pause = again(&lease, now).map(|again| again.duration_since(now).as_secs());
            assert_eq!(pause, seconds, "{kind} {attempt}");
        };
        check("scan", 1, Some(30));
        check("scan", 4, Some(240));
        check("scan", 5, None);
        check("deliver", 1, Some(1));
        check("deliver", 3, Some(4));
        check("deliver", 1_000, Some(60));
        check("unheard of", 1, None);
    }
}
