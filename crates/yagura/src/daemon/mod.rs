//! The daemon, `yagura serve`: schedules, watching, judging, findings and messages in one process,
//! or in several that share a PostgreSQL database.
//! What the stages do is theirs; here is when, in which order, and what happens when it fails.
//!
//! Work is rows in the store (`yagura_store::jobs`), taken under leases. Whatever a process holds
//! when it is killed is another's once the lease is over; each job may be begun twice.

mod content;
pub(crate) mod desk;
mod health;
pub(crate) mod kind;
mod lanes;
pub(crate) mod metrics;
mod pause;
pub(crate) mod schedule;
pub(crate) mod settings;
pub(crate) mod status;
pub(crate) mod stop;
mod ticking;
pub(crate) mod watch;
mod web;
mod work;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use yagura_lake::RetentionRule;
use yagura_store::Store;
use yagura_store::jobs::{JobId, Jobs, Lease};

use crate::choice::ControlChoice;
use crate::context::Context;
use crate::detection::choice::DetectionChoice;
use crate::detection::keep::News;
use crate::options::{AwsOptions, LakeChoice, Reach};
use crate::output::{self, Hinted};
use crate::retention::Keep;
use health::Health;
use metrics::Metrics;
use metrics::gauges::Asked;
use settings::Settings;
use watch::{Clock, Flow};

/// What a daemon logs by default.
pub(crate) const DEFAULT_LOG: &str = "info,aws_config=error,aws_runtime=error,datafusion=warn";
/// How long a stop may take before what runs is left to others.
const STOP_MAX: Duration = Duration::from_secs(25);
/// Connections to the database.
const CONNECTIONS_MAX: u32 = 16;
/// How long what was aborted may take to say goodbye.
const GOODBYE_MAX: Duration = Duration::from_secs(4);

/// What the command line says of a daemon.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Where health, metrics and the console are.
    pub(crate) listen: SocketAddr,
    /// How the console is reached and shown.
    pub(crate) console: crate::console::Options,
    /// The name of this machine or process among others.
    pub(crate) node: String,
    /// Ordinary jobs at the same time.
    pub(crate) slots: usize,
    /// After so long without a word, others take a process's jobs.
    pub(crate) lease: Duration,
    /// Threads that read logs.
    pub(crate) workers: Option<u16>,
    /// What stands before HTTP listeners of logs speaks TLS.
    pub(crate) behind_tls: bool,
    /// What scans judge.
    pub(crate) controls: ControlChoice,
    /// What logs are judged with.
    pub(crate) choice: DetectionChoice,
    pub(crate) lake: LakeChoice,
    pub(crate) aws: AwsOptions,
    pub(crate) reach: Reach,
    /// How long logs are kept, where not as their sources say.
    pub(crate) retention: Vec<RetentionRule>,
    /// How long what is in the database is kept.
    pub(crate) keep: Keep,
    /// Where backups on schedule go; in the data folder where nothing is said.
    pub(crate) backup_dir: Option<PathBuf>,
    /// Cost and usage reports that the bill is read from besides Cost Explorer.
    pub(crate) spend_reports: Vec<String>,
}

/// What all parts of a running daemon share.
pub(crate) struct Daemon {
    pub(crate) context: Context,
    pub(crate) options: Options,
    pub(crate) settings: Settings,
    pub(crate) store: Store,
    pub(crate) jobs: Jobs,
    pub(crate) metrics: Metrics,
    pub(crate) health: Health,
    pub(crate) clock: Clock,
    pub(crate) started: Timestamp,
    pub(crate) node: String,
    /// The name under which this process holds jobs, another one for each start.
    pub(crate) holder: String,
    asked: Asked,
    in_force: content::InForce,
    /// Tells all lanes that there may be something to do.
    wake: tokio::sync::watch::Sender<u64>,
    /// Told when alerts were kept.
    news: Arc<tokio::sync::Notify>,
    flows: Mutex<BTreeMap<String, Arc<Flow>>>,
    /// What this process holds.
    in_hand: Mutex<BTreeMap<JobId, Lease>>,
}

/// How a daemon ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Everything was brought to its end or handed back.
    Whole,
    /// Something did not end in time; its leases were handed back all the same.
    Overdue,
}

impl Daemon {
    fn new(
        context: Context,
        options: Options,
        settings: Settings,
        store: Store,
        clock: Clock,
    ) -> Self {
        let started = clock();
        let node = options.node.clone();
        let holder = format!("{node}/{}-{:x}", std::process::id(), started.as_microsecond());
        Self {
            jobs: store.jobs(),
            metrics: Metrics::default(),
            health: Health::default(),
            asked: Asked::default(),
            in_force: content::InForce::default(),
            wake: tokio::sync::watch::Sender::new(0),
            news: Arc::default(),
            flows: Mutex::default(),
            in_hand: Mutex::default(),
            context,
            options,
            settings,
            store,
            clock,
            started,
            node,
            holder,
        }
    }

    fn flows_lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Flow>>> {
        self.flows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far a group is that this process reads.
    pub(crate) fn flow(&self, group: &str) -> Arc<Flow> {
        Arc::clone(self.flows_lock().entry(group.to_owned()).or_default())
    }

    /// The group is read no more by this process.
    fn forget_flow(&self, group: &str) {
        self.flows_lock().remove(group);
        self.metrics.forget(metrics::names::WATCH_BACKLOG, &[group]);
    }

    /// All groups that this process reads.
    pub(crate) fn flows(&self) -> Vec<(String, Arc<Flow>)> {
        self.flows_lock().iter().map(|(name, flow)| (name.clone(), Arc::clone(flow))).collect()
    }

    fn in_hand(&self) -> MutexGuard<'_, BTreeMap<JobId, Lease>> {
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whom to tell of new alerts.
    pub(crate) fn news(&self) -> News {
        let news = Arc::clone(&self.news);
        Arc::new(move || news.notify_one())
    }

    /// Tells all lanes that there may be something to do.
    pub(crate) fn wake(&self) {
        self.wake.send_modify(|turn| *turn = turn.wrapping_add(1));
    }

    /// When a lease that is taken or renewed now is over.
    fn lease_until(&self, now: Timestamp) -> Timestamp {
        let lease = SignedDuration::try_from(self.options.lease).unwrap_or(SignedDuration::MAX);
        now.saturating_add(lease).unwrap_or(Timestamp::MAX)
    }
}

/// Runs a daemon until it is told to stop.
///
/// # Errors
/// Where it cannot begin: the database, the settings, the address. What fails later is told and
/// tried again.
pub(crate) async fn serve(
    context: &Context,
    options: Options,
    settings: Settings,
    clock: Clock,
) -> anyhow::Result<Ended> {
    // What would fail each time is said at once.
    drop(context.content()?);
    let store = open_store(context).await?;
    let door = web::open(&options).await?;
    let (address, url) = (door.address(), door.url());
    let daemon = Arc::new(Daemon::new(context.clone(), options, settings, store, clock));
    let console = web::console(&daemon, &door).await?;
    let stop = stop::on_signals(context.lang);
    let mut parts = JoinSet::new();
    begin(&daemon, &stop, &mut parts);
    parts.spawn(web::serve(Arc::clone(&daemon), door, console, stop.clone()));
    tracing::info!(code = "serve_began", holder = %daemon.holder, %address,
        database = daemon.store.place(), "serving");
    context.remark_in(&format!("listening on {url}"), &format!("{url} で待ち受けています"));
    daemon.health.begin();
    stop.cancelled().await;
    daemon.health.stop();
    let ended = end(&daemon, &mut parts).await;
    tracing::info!(code = "serve_ended", holder = %daemon.holder,
        whole = (ended == Ended::Whole), "stopped");
    daemon.store.close().await;
    Ok(ended)
}

/// Opens the database for many parts at once: streams hold a connection while they are read.
async fn open_store(context: &Context) -> anyhow::Result<Store> {
    let location = context.location().await?;
    if context.global.database.is_none() {
        crate::settings::make_data_folder(&context.data_folder()?)?;
    }
    let options = yagura_store::Options {
        connections_max: CONNECTIONS_MAX,
        ..yagura_store::Options::default()
    };
    Store::open_with(&location, &options).await.context(Hinted::new(
        "could not open the database",
        "check --data-dir and --database; the folder must be writable",
    ))
}

fn begin(daemon: &Arc<Daemon>, stop: &CancellationToken, parts: &mut JoinSet<()>) {
    parts.spawn(content::keep(Arc::clone(daemon), stop.clone()));
    parts.spawn(ticking::tick(Arc::clone(daemon), stop.clone()));
    parts.spawn(ticking::spread_news(Arc::clone(daemon), stop.clone()));
    parts.spawn(status::beat(Arc::clone(daemon), stop.clone()));
    for (kinds, slots) in lanes::lanes(daemon) {
        for _ in 0..slots {
            parts.spawn(lanes::work(Arc::clone(daemon), kinds, stop.clone()));
        }
    }
    if watch::listens(&daemon.settings.watchers) {
        let (daemon, stop) = (Arc::clone(daemon), stop.clone());
        let runtime = tokio::runtime::Handle::current();
        parts.spawn_blocking(move || runtime.block_on(watch::listeners(&daemon, &stop)));
    }
}

/// Waits for what runs; what does not end in time is handed back to others as it is.
async fn end(daemon: &Arc<Daemon>, parts: &mut JoinSet<()>) -> Ended {
    let deadline = Instant::now() + STOP_MAX;
    let mut ended = Ended::Whole;
    loop {
        match tokio::time::timeout_at(deadline, parts.join_next()).await {
            Ok(None) => break,
            Ok(Some(_)) => {}
            Err(_) => {
                tracing::warn!(
                    code = "serve_stop_overdue",
                    left = parts.len(),
                    "not everything ended in time"
                );
                parts.abort_all();
                ended = Ended::Overdue;
                break;
            }
        }
    }
    let held: Vec<Lease> = daemon.in_hand().values().cloned().collect();
    let goodbye = async {
        for lease in held {
            // What cannot be handed back is taken when its lease is over.
            let _ = daemon.jobs.hand_back(&lease, (daemon.clock)()).await;
        }
        let _ = daemon.jobs.leave(&daemon.holder).await;
    };
    let _ = tokio::time::timeout(GOODBYE_MAX, goodbye).await;
    ended
}

/// An error with its causes in one line, for a log: nothing in it rewrites a terminal.
pub(crate) fn logged(error: &anyhow::Error) -> String {
    output::printable(&format!("{error:#}")).replace('\n', " ")
}

/// Metrics are floating-point numbers; counts are exact to nine quadrillions.
#[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
pub(crate) fn count(number: u64) -> f64 {
    number as f64
}
