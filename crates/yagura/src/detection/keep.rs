//! Keeping what flowing logs raise: alerts and the detector's memory go to the store before the
//! lake commits the records that raised them (decision 0008).
//! Judging is in `tap.rs`; how alerts of one identity are joined is the model's.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use anyhow::Context as _;
use futures::future::BoxFuture;
use jiff::Timestamp;
use yagura_collect::sources::{Tap, TapError};
use yagura_content::Content;
use yagura_judge::detections::{DetectOptions, Detector, Folder, State};
use yagura_model::Severity;
use yagura_model::alert::Alert;
use yagura_model::event::EventBatch;
use yagura_store::alerts::Alerts;

use super::choice::{Chosen, DetectionChoice};
use super::tap::Judging;
use crate::context::Context;

/// The name under which the store keeps what this detector remembers.
const STATE: &str = "detector";
/// The file whose lock says who goes on with that memory.
const LOCK: &str = "detector.lock";
/// How long events of correlations are remembered after a run, in microseconds: log files arrive
/// late and in any order, of CloudTrail mostly within minutes.
const LATENESS_US: i64 = 6 * 3_600_000_000;

/// Judges logs on their way into the lake, and keeps what that raises.
pub(crate) struct Keeping {
    judging: Mutex<Arc<Judging>>,
    chosen: Chosen,
    content: Arc<Content>,
    alerts: Alerts,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Held while this process goes on with the detector's memory; gone with the process.
    lock: Option<File>,
    memory: Mutex<Memory>,
    /// The same detections with a lateness: who follows settles again and again.
    patient: OnceLock<Detector>,
    /// Whether there is anything to settle: from the start, since a run may have been killed.
    unsettled: AtomicBool,
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
        let chosen = choice.compile(context, content, DetectOptions::at(context.now()))?;
        let lock = take_lock(&context.data_folder()?);
        let mut memory = Memory::default();
        let mut state = None;
        if lock.is_none() {
            context.remark_in(
                "another ingestion is judging logs: this one judges each record too, but does not \
                 remember correlations and baselines",
                "別の取り込みがログを判定しています。今回もレコードごとの判定は行いますが、\
                 相関分析とベースラインは記憶しません",
            );
        } else if let Some(stored) = alerts.state(STATE).await? {
            memory.revision = Some(stored.revision);
            state = serde_json::from_slice::<State>(&stored.state).ok();
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
            judging: Mutex::new(Arc::new(judging)),
            chosen,
            content: Arc::clone(content),
            alerts,
            clock,
            lock,
            memory: Mutex::new(memory),
            patient: OnceLock::new(),
            unsettled: AtomicBool::new(true),
        })
    }

    fn judging(&self) -> Arc<Judging> {
        Arc::clone(&self.judging.lock().unwrap_or_else(PoisonError::into_inner))
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
        if !self.unsettled.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let judging = self.judging();
        let (changed, state) = judging.with_folder(|folder| (folder.drain(), folder.save()))?;
        self.keep(&changed).await?;
        let with_lateness = || self.chosen.with_lateness(&self.content, LATENESS_US);
        let patient = self.patient.get_or_init(with_lateness);
        let mut folder = Folder::new(patient, Some(state))?;
        let judged = folder.drain();
        let state = folder.save();
        let open = folder.finish().alerts;
        self.keep(&judged).await?;
        self.keep(&open).await?;
        self.remember(&state).await?;
        let next = Judging::begin(self.chosen.detector.clone(), Some(state))?;
        *self.judging.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
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
    async fn remember(&self, state: &State) -> anyhow::Result<()> {
        let (former, lost) = {
            let memory = self.memory();
            (memory.revision, memory.lost)
        };
        if self.lock.is_none() || lost {
            return Ok(());
        }
        let bytes = serde_json::to_vec(state).context("the detector's memory cannot be written")?;
        let saved = self.alerts.save_state(STATE, former, &bytes, (self.clock)()).await?;
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
        let judging = self.judging();
        let (changed, state) = judging.with_folder(|folder| (folder.drain(), folder.save()))?;
        // Alerts first: a state that counts an alert as told must not outlive the alert.
        self.keep(&changed).await?;
        self.remember(&state).await
    }
}

impl Tap for Keeping {
    fn batch(&self, source: &str, batch: &EventBatch) {
        self.unsettled.store(true, Ordering::Release);
        self.judging().batch(source, batch);
    }

    fn before_commit(&self) -> BoxFuture<'_, Result<(), TapError>> {
        Box::pin(async { self.before().await.map_err(|error| TapError(error.into())) })
    }
}

fn say_forgotten(context: &Context) {
    context.remark_in(
        "what detections remembered was written by another version and is begun anew",
        "検出の記憶は別のバージョンで書かれたため、新しく始めます",
    );
}

/// Takes the lock of the detector's memory; none where another process has it.
fn take_lock(folder: &Path) -> Option<File> {
    // With a database elsewhere nothing may have been put into the folder yet.
    std::fs::create_dir_all(folder).ok()?;
    let file = File::create(folder.join(LOCK)).ok()?;
    file.try_lock().ok()?;
    Some(file)
}
