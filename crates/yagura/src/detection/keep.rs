//! Keeping what flowing logs raise: alerts and the detector's memory go to the store before the
//! lake commits the records that raised them (decision 0008).
//! Judging is in `tap.rs`; how alerts of one identity are joined is the model's.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, ensure};
use futures::future::BoxFuture;
use jiff::Timestamp;
use yagura_collect::sources::{Tap, TapError};
use yagura_content::Content;
use yagura_judge::detections::{DetectOptions, Folder, State};
use yagura_model::Severity;
use yagura_model::alert::Alert;
use yagura_model::event::EventBatch;
use yagura_store::alerts::Alerts;

use super::choice::{Chosen, DetectionChoice};
use super::tap::{Judging, LATENESS_US};
use crate::context::Context;

/// The name under which the store keeps what this detector remembers.
const STATE: &str = "detector";
/// The file whose lock says who goes on with that memory.
const LOCK: &str = "detector.lock";

/// Which memory a detector goes on with: one for each stream of logs that is judged as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Memoir {
    /// The name under which the store keeps it.
    state: String,
    /// The file whose lock says who goes on with it.
    lock: String,
}

impl Memoir {
    /// The one of `yagura ingest`.
    pub(crate) fn usual() -> Self {
        Self { state: STATE.to_owned(), lock: LOCK.to_owned() }
    }

    /// The one of another stream, by its name.
    pub(crate) fn of(stream: &str) -> Self {
        Self { state: format!("{STATE}/{stream}"), lock: format!("detector-{stream}.lock") }
    }
}

/// Who wants to know that alerts were kept. Must return at once.
pub(crate) type News = Arc<dyn Fn() + Send + Sync>;

/// Judges logs on their way into the lake, and keeps what that raises.
pub(crate) struct Keeping {
    judging: Judging,
    chosen: Chosen,
    alerts: Alerts,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Held while this process goes on with the detector's memory; gone with the process.
    lock: Option<File>,
    memory: Mutex<Memory>,
    /// Whether there is anything to settle: from the start, since a run may have been killed.
    unsettled: AtomicBool,
    memoir: Memoir,
    news: Option<News>,
    /// Batches that were judged.
    batches: AtomicU64,
    /// Taken by whoever keeps what was raised; true where somebody began that and did not end it.
    /// INVARIANT: what was raised is kept before the records that raised it are committed.
    order: tokio::sync::Mutex<bool>,
    /// What was kept of windows that are still open: a digest by identity.
    shown: Mutex<HashMap<String, u64>>,
}

/// What is known of the stored memory, and of what was raised.
#[derive(Default)]
struct Memory {
    /// The revision that was read or written last.
    revision: Option<u64>,
    /// Whether another process has written it meanwhile.
    lost: bool,
    raised: Raised,
}

/// What a run raised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Raised {
    /// New alerts that are told, by severity from informational to critical.
    pub(crate) new: [u64; 5],
    /// New alerts that are kept and not told: suppressed or in shadow.
    pub(crate) untold: u64,
    /// How often an alert that was there has grown.
    pub(crate) grown: u64,
}

impl Keeping {
    /// Begins where the last run ended.
    ///
    /// # Errors
    /// Where the store cannot be read, or there is nothing to judge with.
    pub(crate) async fn begin(
        context: &Context,
        content: &Arc<Content>,
        choice: &DetectionChoice,
        alerts: Alerts,
        clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    ) -> anyhow::Result<Self> {
        Self::begin_with(context, content, choice, alerts, clock, Memoir::usual()).await
    }

    /// The same with a memory of its own.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub(crate) async fn begin_with(
        context: &Context,
        content: &Arc<Content>,
        choice: &DetectionChoice,
        alerts: Alerts,
        clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
        memoir: Memoir,
    ) -> anyhow::Result<Self> {
        let chosen = choice.compile(context, content, DetectOptions::at(context.now()))?;
        let lock = take_lock(&context.data_folder()?, &memoir.lock);
        let mut memory = Memory::default();
        let mut state = None;
        if lock.is_none() {
            context.remark_in(
                "another ingestion is judging logs: this one judges each record too, but does not \
                 remember correlations and baselines",
                "別の取り込みがログを判定しています。今回もレコードごとの判定は行いますが、\
                 相関分析とベースラインは記憶しません",
            );
        } else if let Some(stored) = alerts.state(&memoir.state).await? {
            memory.revision = Some(stored.revision);
            state = State::read(&stored.state).ok();
            if state.is_none() {
                say_forgotten(context);
            }
        }
        let judging = match Judging::begin(chosen.detector.clone(), state) {
            Ok(judging) => judging,
            Err(_) => {
                say_forgotten(context);
                Judging::begin(chosen.detector.clone(), None)?
            }
        };
        Ok(Self {
            judging,
            chosen,
            alerts,
            clock,
            lock,
            memory: Mutex::new(memory),
            unsettled: AtomicBool::new(true),
            memoir,
            news: None,
            batches: AtomicU64::new(0),
            order: tokio::sync::Mutex::new(false),
            shown: Mutex::default(),
        })
    }

    /// With somebody who wants to know that alerts were kept.
    pub(crate) fn heard_by(self, news: News) -> Self {
        Self { news: Some(news), ..self }
    }

    /// How many batches were judged: whoever sees the number stand still knows that it is quiet.
    pub(crate) fn batches(&self) -> u64 {
        self.batches.load(Ordering::Acquire)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The end of a round: what is old enough is judged for good and forgotten, what is not is
    /// remembered; of windows that are still open what they have so far is raised, under the
    /// identity that it will have when they close.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub(crate) async fn settle(&self) -> anyhow::Result<()> {
        if !self.unsettled.load(Ordering::Acquire) {
            return Ok(());
        }
        self.settle_all().await
    }

    /// The same, and where another has begun it, not before that has ended.
    async fn settle_all(&self) -> anyhow::Result<()> {
        self.in_order(async {
            self.unsettled.store(false, Ordering::Release);
            let (raised, state) = self.thin_out()?;
            // Alerts first: a state that counts an alert as told must not outlive the alert.
            for alerts in raised {
                self.keep(&alerts).await?;
            }
            self.shown().clear();
            self.remember(&state).await
        })
        .await
    }

    /// Judges for good what is old enough and forgets it; answers what that and the windows that
    /// are still open raise, and what is remembered. Batches wait meanwhile.
    fn thin_out(&self) -> anyhow::Result<([Vec<Alert>; 2], Vec<u8>)> {
        let settle =
            |folder: &mut Folder| (folder.settle(LATENESS_US), folder.save(), folder.pack());
        let (settled, state, packed) = self.judging.with_folder(settle)?;
        let open = Folder::new(&self.chosen.detector, Some(state))?.finish().alerts;
        Ok(([settled, open], packed?))
    }

    /// While logs flow on: keeps what single records and full windows have raised so far.
    ///
    /// # Errors
    /// Where the store cannot be written. Nothing is committed after that.
    pub(crate) async fn tell(&self) -> anyhow::Result<()> {
        self.in_order(async {
            let changed = self.judging.with_folder(Folder::drain)?;
            self.keep(&changed).await
        })
        .await
    }

    /// While logs flow on: keeps also what windows that are still open have raised so far, and
    /// forgets nothing. It takes time in proportion to what is remembered.
    ///
    /// # Errors
    /// As [`Self::tell`].
    pub(crate) async fn look(&self) -> anyhow::Result<()> {
        self.in_order(async {
            let look = |folder: &mut Folder| (folder.drain(), folder.save());
            let (changed, state) = self.judging.with_folder(look)?;
            self.keep(&changed).await?;
            let detector = self.chosen.detector.clone();
            let finished = tokio::task::spawn_blocking(move || {
                Ok::<_, anyhow::Error>(Folder::new(&detector, Some(state))?.finish().alerts)
            });
            let open = finished.await.context("looking at open windows broke off")??;
            let fresh = self.not_shown(open)?;
            self.keep(&fresh).await
        })
        .await
    }

    /// Those of the alerts that were not kept just so before.
    fn not_shown(&self, alerts: Vec<Alert>) -> anyhow::Result<Vec<Alert>> {
        let mut shown = self.shown();
        let mut fresh = Vec::new();
        for alert in alerts {
            let mut digest = DefaultHasher::new();
            serde_json::to_vec(&alert).context("an alert cannot be written")?.hash(&mut digest);
            let digest = digest.finish();
            if shown.insert(alert.id.clone(), digest) != Some(digest) {
                fresh.push(alert);
            }
        }
        Ok(fresh)
    }

    fn shown(&self) -> MutexGuard<'_, HashMap<String, u64>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with what was raised while nobody else does. What begins and does not come
    /// to its end may have taken alerts and not kept them: then nothing more is committed, and
    /// whoever begins again raises them again.
    async fn in_order(&self, work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
        let mut broken = self.order.lock().await;
        ensure!(!*broken, "what was raised before could not be kept");
        *broken = true;
        work.await?;
        *broken = false;
        Ok(())
    }

    /// What was raised so far.
    pub(crate) fn raised(&self) -> Raised {
        self.memory().raised.clone()
    }

    async fn keep(&self, alerts: &[Alert]) -> anyhow::Result<()> {
        if alerts.is_empty() {
            return Ok(());
        }
        let kept = self.alerts.keep(alerts, (self.clock)()).await?;
        if let Some(news) = self.news.as_ref().filter(|_| !kept.new.is_empty() || kept.grown > 0) {
            news();
        }
        let by_id: BTreeMap<&str, &Alert> =
            alerts.iter().map(|alert| (alert.id.as_str(), alert)).collect();
        let mut memory = self.memory();
        memory.raised.grown += kept.grown;
        for alert in kept.new.iter().filter_map(|id| by_id.get(id.as_str())) {
            if alert.suppressed.is_some() || alert.shadow {
                memory.raised.untold += 1;
            } else {
                let place = Severity::ALL.iter().position(|one| *one == alert.severity);
                if let Some(count) = place.and_then(|at| memory.raised.new.get_mut(at)) {
                    *count += 1;
                }
            }
        }
        Ok(())
    }

    /// Saves the detector's memory, where this process is the one that goes on with it.
    async fn remember(&self, state: &[u8]) -> anyhow::Result<()> {
        let (former, lost) = {
            let memory = self.memory();
            (memory.revision, memory.lost)
        };
        if self.lock.is_none() || lost {
            return Ok(());
        }
        let saved =
            self.alerts.save_state(&self.memoir.state, former, state, (self.clock)()).await?;
        let mut memory = self.memory();
        match saved {
            Some(revision) => memory.revision = Some(revision),
            None => {
                // The lock is of this machine; a shared database may have other machines.
                memory.lost = true;
                drop(memory);
                tracing::warn!(
                    code = "detector_memory_taken",
                    "another machine keeps the memory of detections in this database"
                );
            }
        }
        Ok(())
    }

    async fn before(&self) -> anyhow::Result<()> {
        self.in_order(async {
            let look = |folder: &mut Folder| (folder.drain(), folder.pack());
            let (changed, packed) = self.judging.with_folder(look)?;
            self.keep(&changed).await?;
            self.remember(&packed?).await
        })
        .await
    }
}

impl Tap for Keeping {
    fn reached(&self, from: Timestamp) {
        self.judging.reached(from);
    }

    fn batch(&self, source: &str, batch: &EventBatch) {
        self.judging.batch(source, batch);
        // Afterwards: what is settled meanwhile may be without this batch.
        self.unsettled.store(true, Ordering::Release);
        self.batches.fetch_add(1, Ordering::AcqRel);
    }

    fn before_commit(&self, last: bool) -> BoxFuture<'_, Result<(), TapError>> {
        Box::pin(async move {
            // What the end of the round does would save the memory once more, and much less of it.
            let kept = if last { self.settle_all().await } else { self.before().await };
            kept.map_err(|error| TapError(error.into()))
        })
    }
}

fn say_forgotten(context: &Context) {
    context.remark_in(
        "what detections remembered was written by another version and is begun anew",
        "検出の記憶は別のバージョンで書かれたため、新しく始めます",
    );
}

/// Takes the lock of the detector's memory; none where another process has it.
fn take_lock(folder: &Path, name: &str) -> Option<File> {
    // With a database elsewhere nothing may have been put into the folder yet.
    std::fs::create_dir_all(folder).ok()?;
    let file = File::create(folder.join(name)).ok()?;
    file.try_lock().ok()?;
    Some(file)
}
