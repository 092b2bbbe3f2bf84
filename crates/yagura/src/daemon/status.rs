//! What a process says of itself in the store, for `yagura serve --status` of any other.
//! Whether it holds a job is told by the job.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use yagura_store::jobs::Worker;

use super::{Daemon, logged};

/// How often it is said.
const EVERY: Duration = Duration::from_secs(5);
/// Who was silent for longer is forgotten.
const FORGET: SignedDuration = SignedDuration::from_hours(24);
/// Who was silent for longer is not there any more, as far as people are told.
pub(crate) const SILENT: SignedDuration = SignedDuration::from_secs(60);

/// A process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Status {
    pub(crate) node: String,
    pub(crate) version: String,
    pub(crate) listen: String,
    pub(crate) groups: Vec<GroupStatus>,
    pub(crate) schedules: Vec<ScheduleStatus>,
}

/// A group that the process reads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct GroupStatus {
    pub(crate) name: String,
    pub(crate) backlog: u64,
    pub(crate) records: u64,
    pub(crate) places: Vec<PlaceStatus>,
}

/// A watched place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct PlaceStatus {
    pub(crate) place: String,
    /// When it was last listed whole.
    pub(crate) listed: Option<Timestamp>,
    /// Why the last listing missed something.
    pub(crate) failure: Option<String>,
}

/// A schedule, as the process has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ScheduleStatus {
    pub(crate) name: String,
    pub(crate) job: String,
    pub(crate) cron: String,
    pub(crate) timezone: String,
    pub(crate) next: Option<Timestamp>,
}

impl Status {
    /// How this process is now.
    fn of(daemon: &Daemon, now: Timestamp) -> Self {
        let schedules = daemon.settings.schedules.iter().map(|schedule| ScheduleStatus {
            name: schedule.name.clone(),
            job: schedule.job.as_str().to_owned(),
            cron: schedule.pattern.clone(),
            timezone: schedule.zone_name.clone(),
            next: schedule.next_after(now),
        });
        Self {
            node: daemon.node.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            listen: daemon.options.listen.to_string(),
            groups: daemon.flows().into_iter().map(|(name, flow)| group(name, &flow)).collect(),
            schedules: schedules.collect(),
        }
    }

    /// Reads what a process said; what another version says otherwise is left out.
    pub(crate) fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }
}

fn group(name: String, flow: &super::watch::Flow) -> GroupStatus {
    let place = |(place, seen): (String, Arc<super::watch::Seen>)| {
        let whole_us = Some(seen.whole_us.load(Ordering::Relaxed)).filter(|us| *us > 0);
        let listed = whole_us.and_then(|us| Timestamp::from_microsecond(us).ok());
        PlaceStatus { place, listed, failure: seen.failure() }
    };
    GroupStatus {
        name,
        backlog: flow.backlog.load(Ordering::Relaxed),
        records: flow.records.load(Ordering::Relaxed),
        places: flow.places().into_iter().map(place).collect(),
    }
}

/// Says how this process is, until it is to stop.
pub(super) async fn beat(daemon: Arc<Daemon>, stop: CancellationToken) {
    loop {
        let now = (daemon.clock)();
        let status = serde_json::to_string(&Status::of(&daemon, now)).unwrap_or_default();
        let worker =
            Worker { holder: daemon.holder.clone(), started: daemon.started, seen: now, status };
        let silent_since = now.saturating_sub(FORGET).unwrap_or(Timestamp::MIN);
        if let Err(error) = daemon.jobs.beat(&worker, silent_since).await {
            tracing::debug!(code = "status_not_said", error = %logged(&error.into()), "status");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}
