//! Watching: a group of places is read without an end, judged on the way, and what that raises is
//! kept within seconds. One process reads a group at a time (`work/`); listeners are each
//! process's own.
//! How objects become rows is in `yagura-collect`; what becomes of alerts is in `work/tell.rs`.

mod following;
mod looking;
mod renewed;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio_util::sync::CancellationToken;
use yagura_collect::sources::{Feed, IngestLimits, Job, Progress, ingest};
use yagura_content::Content;

pub(crate) use following::{Clock, Seen};
pub(super) use renewed::look as digest_of;

use super::metrics::names;
use super::pause::Pause;
use super::settings::{GROUP, Watcher};
use super::{Daemon, count, logged};
use crate::commands::ingest::feeds::{Asked, Listeners, open};
use crate::commands::ingest::{self as ingesting, source_of};
use crate::detection::keep::{Keeping, Memoir, Raised};
use crate::lake_place::{self, Use};
use crate::moment;
use following::Following;

/// The lake commits at least this often while logs flow: a question sees what is so old.
const COMMIT_EVERY: Duration = Duration::from_secs(30);
/// Places that could not be opened are tried again this often.
const REOPEN_EVERY: Duration = Duration::from_secs(30);
/// Where listeners of a process are kept as a group: nobody may call a group so.
const OWN: &str = "(listeners)";

/// How far a group is.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    /// Objects that are listed and not read.
    pub(crate) backlog: AtomicU64,
    /// Records judged since the process started.
    pub(crate) records: AtomicU64,
    /// The places, by how they were written.
    places: Mutex<BTreeMap<String, Arc<Seen>>>,
}

impl Flow {
    fn places_lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Seen>>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How a place is; begins to be watched where it was not.
    fn place(&self, text: &str) -> Arc<Seen> {
        Arc::clone(self.places_lock().entry(text.to_owned()).or_default())
    }

    /// All places.
    pub(crate) fn places(&self) -> Vec<(String, Arc<Seen>)> {
        self.places_lock().iter().map(|(text, seen)| (text.clone(), Arc::clone(seen))).collect()
    }
}

/// The groups that are shared among processes.
pub(crate) fn shared_groups(watchers: &[Watcher]) -> Vec<String> {
    let shared = watchers.iter().filter(|watcher| !watcher.place.listens());
    let mut groups: Vec<String> = shared.map(|watcher| watcher.group.clone()).collect();
    groups.sort();
    groups.dedup();
    groups
}

/// Whether this process listens for somebody.
pub(crate) fn listens(watchers: &[Watcher]) -> bool {
    watchers.iter().any(|watcher| watcher.place.listens())
}

/// Reads a group until it is cancelled. What goes wrong is told and tried again.
pub(crate) async fn group(daemon: &Arc<Daemon>, name: &str, cancel: &CancellationToken) {
    let watchers = daemon.settings.watchers.iter();
    let watchers = watchers.filter(|one| one.group == name && !one.place.listens()).cloned();
    let memoir = if name == GROUP { Memoir::usual() } else { Memoir::of(name) };
    again_and_again(daemon, name, watchers.collect(), memoir, cancel).await;
}

/// Listens on the addresses of this process and reads what comes, until it is cancelled.
pub(crate) async fn listeners(daemon: &Arc<Daemon>, cancel: &CancellationToken) {
    let watchers = daemon.settings.watchers.iter();
    let watchers = watchers.filter(|one| one.place.listens()).cloned().collect();
    // Another machine of the same database has other listeners and other memories.
    let memoir = Memoir::of(&format!("listeners-{}", daemon.node));
    again_and_again(daemon, OWN, watchers, memoir, cancel).await;
}

async fn again_and_again(
    daemon: &Arc<Daemon>,
    name: &str,
    watchers: Vec<Watcher>,
    memoir: Memoir,
    cancel: &CancellationToken,
) {
    let flow = daemon.flow(name);
    let mut pause = Pause::new(Duration::from_secs(2), Duration::from_secs(60));
    while !cancel.is_cancelled() {
        let round =
            Round { daemon, name, watchers: &watchers, flow: &flow, cancel: cancel.child_token() };
        match round.run(memoir.clone()).await {
            Ok(()) => pause.reset(),
            Err(error) => {
                daemon.metrics.add(names::WATCH_ERRORS, &[name], 1.0);
                tracing::error!(code = "watch_failed", group = name, error = %logged(&error),
                    "reading logs broke off and begins again");
                pause.wait(cancel).await;
            }
        }
    }
    daemon.forget_flow(name);
}

/// One run of a group: until it is cancelled, breaks off, or its rules changed.
struct Round<'a> {
    daemon: &'a Arc<Daemon>,
    name: &'a str,
    watchers: &'a [Watcher],
    flow: &'a Arc<Flow>,
    cancel: CancellationToken,
}

/// The feeds that could be opened.
#[derive(Default)]
struct Opened<'a> {
    feeds: Vec<Arc<dyn Feed>>,
    listeners: Listeners,
    /// The places that could not.
    missing: Vec<&'a Watcher>,
}

impl<'a> Round<'a> {
    async fn run(&self, memoir: Memoir) -> anyhow::Result<()> {
        let Self { daemon, flow, cancel, .. } = self;
        let watched = self.renewed_by()?;
        // Before anything is loaded: what changes meanwhile is noticed.
        let before = renewed::look(watched.clone()).await;
        let content = daemon.content_now().await?;
        let opened = self.open(&content).await;
        if opened.feeds.is_empty() {
            opened.listeners.close().await;
            bail!("none of the watched places could be opened");
        }
        let alerts = daemon.store.alerts();
        let choice = &daemon.options.choice;
        let clock = Arc::clone(&daemon.clock);
        let keeping =
            Keeping::begin_with(&daemon.context, &content, choice, alerts, clock, memoir).await?;
        let keeping = Arc::new(keeping.heard_by(daemon.news()));
        let job = self.job(opened.feeds, &content, &keeping).await?;
        tracing::info!(
            code = "watch_began",
            group = self.name,
            feeds = job.feeds.len(),
            "reading logs"
        );
        let ended = |cancel: &CancellationToken| cancel.cancel();
        let (ingested, looked, (), ()) = tokio::join!(
            async {
                let outcome = ingest(job).await;
                ended(cancel);
                outcome
            },
            async {
                let looked = looking::look_on(&keeping, flow, cancel).await;
                ended(cancel);
                looked
            },
            async {
                if renewed::changed(watched, before, cancel).await {
                    tracing::info!(
                        code = "watch_renewed",
                        group = self.name,
                        "rules or lists have changed and are read anew"
                    );
                }
                ended(cancel);
            },
            self.reopen(&content, &opened.missing),
        );
        opened.listeners.close().await;
        ingested.map_err(ingesting::explained)?;
        looked?;
        keeping.settle().await
    }

    /// Tries the places that were missing again and again, and ends the run once one is there, so
    /// that the next one begins with it.
    async fn reopen(&self, content: &Content, missing: &[&Watcher]) {
        while !missing.is_empty() && !self.cancel.is_cancelled() {
            tokio::select! {
                () = self.cancel.cancelled() => return,
                () = tokio::time::sleep(REOPEN_EVERY) => {}
            }
            for watcher in missing {
                let trial = self.cancel.child_token();
                let Ok((_, listeners)) = self.open_one(content, watcher, &trial).await else {
                    continue;
                };
                trial.cancel();
                listeners.close().await;
                self.cancel.cancel();
            }
        }
    }

    /// The files that say what detections judge with.
    fn renewed_by(&self) -> anyhow::Result<Vec<PathBuf>> {
        let context = &self.daemon.context;
        let mut places = vec![crate::intelligence::site_folder(context)?];
        places.push(context.data_folder()?.join("intelligence"));
        places.extend(self.daemon.options.choice.rules.iter().cloned());
        Ok(places)
    }

    /// Opens what can be opened; what cannot be is told and tried again later.
    async fn open(&self, content: &Content) -> Opened<'a> {
        let mut all = Opened::default();
        for watcher in self.watchers {
            let seen = self.flow.place(&watcher.text);
            match self.open_one(content, watcher, &self.cancel).await {
                Ok((feeds, listeners)) => {
                    let clock = &self.daemon.clock;
                    all.feeds.extend(feeds.into_iter().map(|feed| {
                        let (clock, seen) = (Arc::clone(clock), Arc::clone(&seen));
                        let feed: Arc<dyn Feed> =
                            Arc::new(Following::new(feed, watcher.every, clock, seen));
                        feed
                    }));
                    all.listeners.join(listeners);
                }
                Err(error) => {
                    all.missing.push(watcher);
                    let why = logged(&error);
                    if seen.failure().as_ref() != Some(&why) {
                        tracing::warn!(code = "watch_not_opened", place = %watcher.text,
                            error = %why, "a watched place cannot be opened and is tried again");
                    }
                    seen.fail(why);
                }
            }
        }
        all
    }

    async fn open_one(
        &self,
        content: &Content,
        watcher: &Watcher,
        cancel: &CancellationToken,
    ) -> anyhow::Result<(Vec<Arc<dyn Feed>>, Listeners)> {
        let options = &self.daemon.options;
        let asked = Asked {
            source: source_of(content, &watcher.source)?,
            from: moment::read_some(watcher.from.as_deref(), (self.daemon.clock)())?,
            regions: &watcher.regions,
            behind_tls: options.behind_tls,
            aws: &options.aws,
        };
        let places = std::slice::from_ref(&watcher.place);
        open(&self.daemon.context, places, &asked, cancel).await
    }

    async fn job(
        &self,
        feeds: Vec<Arc<dyn Feed>>,
        content: &Arc<Content>,
        keeping: &Arc<Keeping>,
    ) -> anyhow::Result<Job> {
        let daemon = self.daemon;
        let options = &daemon.options;
        let workers = ingesting::workers(options.workers);
        let how = Use { workers, begin: true };
        let lake =
            lake_place::open(&daemon.context, content, &options.lake, &options.aws, how).await?;
        let limits =
            IngestLimits { workers, commit_every: COMMIT_EVERY, ..IngestLimits::default() };
        Ok(Job {
            feeds,
            content: Arc::clone(content),
            lake,
            ledger: daemon.store.ledger(),
            tap: Arc::clone(keeping) as Arc<dyn yagura_collect::sources::Tap>,
            limits,
            clock: Arc::clone(&daemon.clock),
            progress: self.progress(keeping),
            cancel: self.cancel.clone(),
            locks: Some(daemon.context.data_folder().context("no data folder")?),
        })
    }

    /// Turns the counts of a run into counts of the process.
    fn progress(&self, keeping: &Arc<Keeping>) -> Arc<dyn Fn(&Progress) + Send + Sync> {
        let (daemon, flow) = (Arc::clone(self.daemon), Arc::clone(self.flow));
        let (name, keeping) = (self.name.to_owned(), Arc::clone(keeping));
        let former = Mutex::new(Progress::default());
        let counted = Mutex::new(Counted::begin(&daemon, &keeping));
        Arc::new(move |now| {
            let mut former = former.lock().unwrap_or_else(PoisonError::into_inner);
            let add = |metric: &'static str, now: u64, before: u64| {
                daemon.metrics.add(metric, &[&name], count(now.saturating_sub(before)));
            };
            add(names::INGESTED_OBJECTS, now.objects_done, former.objects_done);
            add(names::INGESTED_RECORDS, now.records, former.records);
            add(names::INGESTED_BYTES, now.bytes_inflated, former.bytes_inflated);
            add(names::INGESTED_BAD, now.bad, former.bad);
            add(names::LAKE_COMMITS, now.commits, former.commits);
            let more = now.records.saturating_sub(former.records);
            flow.records.fetch_add(more, Ordering::Relaxed);
            let backlog = now.objects_to_read.saturating_sub(now.objects_done);
            flow.backlog.store(backlog, Ordering::Relaxed);
            daemon.metrics.set(names::WATCH_BACKLOG, &[&name], count(backlog));
            *former = now.clone();
            counted.lock().unwrap_or_else(PoisonError::into_inner).add_new(&keeping.raised());
        })
    }
}

/// What a detector raised, as far as it was counted.
struct Counted {
    daemon: Arc<Daemon>,
    former: Raised,
}

impl Counted {
    fn begin(daemon: &Arc<Daemon>, keeping: &Keeping) -> Self {
        Self { daemon: Arc::clone(daemon), former: keeping.raised() }
    }

    fn add_new(&mut self, raised: &Raised) {
        let metrics = &self.daemon.metrics;
        let pairs = raised.new.iter().zip(&self.former.new);
        for ((now, before), severity) in pairs.zip(yagura_model::Severity::ALL) {
            let more = count(now.saturating_sub(*before));
            metrics.add(names::ALERTS, &[severity.as_str()], more);
        }
        let untold = raised.untold.saturating_sub(self.former.untold);
        metrics.add(names::ALERTS_UNTOLD, &[], count(untold));
        self.former = raised.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::ingest::place::Place;

    fn watcher(text: &str, group: &str) -> Watcher {
        Watcher {
            text: text.to_owned(),
            place: Place::parse(text).unwrap(),
            source: "auto".to_owned(),
            group: group.to_owned(),
            every: Duration::from_secs(2),
            from: None,
            regions: Vec::new(),
        }
    }

    #[test]
    fn what_listens_belongs_to_its_process_and_the_rest_to_whoever_takes_it() {
        let watchers = [
            watcher("/a", "b"),
            watcher("http://127.0.0.1:1", "c"),
            watcher("s3://x", "a"),
            watcher("/d", "b"),
        ];
        assert_eq!(shared_groups(&watchers), ["a", "b"]);
        assert!(listens(&watchers));
        assert!(!listens(&watchers[..1]));
    }
}
