//! The clock of the daemon: ticks of schedules become jobs, and what follows from what happens is
//! looked after even where nobody said that it happened.
//! Jobs are done in `lanes.rs`.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use yagura_store::StoreError;
use yagura_store::jobs::{NewJob, Tick};

use super::kind::JobKind;
use super::{Daemon, logged, watch};

/// How often the clock is looked at.
const TICK: Duration = Duration::from_secs(1);
/// How often it is made sure that groups are read, alerts folded, messages delivered: other
/// processes keep alerts too, and what was put off is due some time.
const LOOK_AFTER: Duration = Duration::from_secs(5);
/// Alerts that come within this time are folded together.
const NEWS_PAUSE: Duration = Duration::from_millis(200);
/// The key of jobs that are about everything.
const ALL: &str = "all";
/// The keys of deliveries: so many at the same time.
pub(super) const DELIVERIES: [&str; 3] = ["1", "2", "3"];

/// Makes jobs of ticks, until it is to stop.
pub(super) async fn tick(daemon: Arc<Daemon>, stop: CancellationToken) {
    let mut interval = tokio::time::interval(TICK);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // When each schedule comes next; the past at first, since a tick may have been missed.
    let mut next = vec![Timestamp::MIN; daemon.settings.schedules.len()];
    let mut looked_after: Option<Instant> = None;
    let mut silent = false;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = interval.tick() => {}
        }
        let mut turn = schedules(&daemon, &mut next).await;
        if turn.is_ok() && looked_after.is_none_or(|at| at.elapsed() >= LOOK_AFTER) {
            turn = look_after(&daemon).await;
            looked_after = Some(Instant::now());
        }
        daemon.health.beat(turn.is_ok());
        match turn {
            Ok(()) => silent = false,
            Err(error) if !silent => {
                silent = true;
                tracing::error!(code = "serve_database_silent", error = %logged(&error.into()),
                    "the database does not answer; it is asked again and again");
            }
            Err(_) => {}
        }
    }
}

/// Makes the ticks that are due jobs.
async fn schedules(daemon: &Daemon, next: &mut [Timestamp]) -> Result<(), StoreError> {
    let now = (daemon.clock)();
    for (schedule, next) in daemon.settings.schedules.iter().zip(next) {
        if now < *next {
            continue;
        }
        // A schedule that is new begins with its next tick.
        let last = daemon.jobs.last_tick(&schedule.name, now).await?;
        if let Some(tick) = schedule.due(last, now) {
            let kind = schedule.job.as_str();
            let job = NewJob { kind, key: &schedule.name, payload: "{}", due: now };
            match daemon.jobs.add_tick(&schedule.name, tick, &job, now).await? {
                Tick::Made => daemon.wake(),
                Tick::Known => {}
                Tick::Joined => {
                    tracing::warn!(code = "schedule_tick_joined", schedule = %schedule.name,
                        "the former run has not ended: this tick has none of its own");
                }
            }
        }
        *next = schedule.next_after(now).unwrap_or(Timestamp::MAX);
    }
    Ok(())
}

/// Sees to it that groups are read and that nothing lies about.
async fn look_after(daemon: &Daemon) -> Result<(), StoreError> {
    let now = (daemon.clock)();
    let mut added = false;
    for group in watch::shared_groups(&daemon.settings.watchers) {
        let kind = JobKind::Ingest.as_str();
        let job = NewJob { kind, key: &group, payload: "{}", due: now };
        added |= daemon.jobs.ensure(&job, now).await?;
    }
    let all = [(JobKind::Fold, ALL), (JobKind::Route, ALL), (JobKind::Deliver, DELIVERIES[0])];
    for (kind, key) in all {
        let job = NewJob { kind: kind.as_str(), key, payload: "{}", due: now };
        added |= daemon.jobs.ensure(&job, now).await?;
    }
    if added {
        daemon.wake();
    }
    Ok(())
}

/// Asks for a job that is about everything, and once more where it runs already.
pub(super) async fn ask(daemon: &Daemon, kind: JobKind) -> Result<(), StoreError> {
    let now = (daemon.clock)();
    let job = NewJob { kind: kind.as_str(), key: ALL, payload: "{}", due: now };
    daemon.jobs.add(&job, now).await?;
    daemon.wake();
    Ok(())
}

/// Asks for a delivery: one that is busy with a slow target holds no other message up, so that the
/// first that is idle is asked; where all are busy, one of them looks once more.
pub(super) async fn ask_delivery(daemon: &Daemon) -> Result<(), StoreError> {
    let now = (daemon.clock)();
    let job = |key| NewJob { kind: JobKind::Deliver.as_str(), key, payload: "{}", due: now };
    for key in DELIVERIES {
        if daemon.jobs.ensure(&job(key), now).await? {
            daemon.wake();
            return Ok(());
        }
    }
    daemon.jobs.add(&job(DELIVERIES[0]), now).await?;
    daemon.wake();
    Ok(())
}

/// Has new alerts folded at once.
pub(super) async fn spread_news(daemon: Arc<Daemon>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = daemon.news.notified() => {}
        }
        if let Err(error) = ask(&daemon, JobKind::Fold).await {
            tracing::warn!(code = "news_not_spread", error = %logged(&error.into()),
                "new alerts are folded a little later");
        }
        tokio::time::sleep(NEWS_PAUSE).await;
    }
}
