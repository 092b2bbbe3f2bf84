//! The way of batches to the detector: each thread judges with a worker of its own, and one folder
//! joins what they found. What becomes of alerts is in `keep.rs` and `told.rs`.

use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use anyhow::Context as _;
use jiff::Timestamp;
use yagura_collect::sources::Tap;
use yagura_content::Content;
use yagura_judge::detections::{Detector, Folder, Judged, Outcome, State, Worker};
use yagura_model::event::EventBatch;

/// Judges every batch that it is shown.
pub(crate) struct Judging {
    detector: Detector,
    /// Workers that wait for a batch: as many as threads ever judged at once. They keep to
    /// themselves what they observe until there is much of it, or somebody asks.
    workers: Mutex<Vec<Worker>>,
    /// Held for reading while a batch is judged: whoever wants to know everything waits for it.
    busy: RwLock<()>,
    /// None once it was taken away.
    folder: Mutex<Option<Folder>>,
    /// Only records of this time are judged.
    span: Option<SpanOfTime>,
    /// Told of what each batch raised, before it is joined.
    heard: Option<Heard>,
}

/// How much older than its log object an event may be, in microseconds: log files arrive late and
/// in any order, of CloudTrail mostly within minutes.
pub(crate) const LATENESS_US: i64 = 6 * 3_600_000_000;

/// Who listens to single matches.
type Heard = Box<dyn Fn(&Judged) + Send + Sync>;

/// A half-open span of time, and how the time of a source's record is read.
pub(crate) struct SpanOfTime {
    pub(crate) since_us: i64,
    pub(crate) until_us: i64,
    pub(crate) content: std::sync::Arc<Content>,
}

impl SpanOfTime {
    /// The span of these times; none where both ends are open.
    pub(crate) fn of(
        since: Option<Timestamp>,
        until: Option<Timestamp>,
        content: &std::sync::Arc<Content>,
    ) -> Option<Self> {
        (since.is_some() || until.is_some()).then(|| Self {
            since_us: since.map_or(i64::MIN, Timestamp::as_microsecond),
            until_us: until.map_or(i64::MAX, Timestamp::as_microsecond),
            content: std::sync::Arc::clone(content),
        })
    }

    /// The records of a batch that lie in it. A record without a time is kept: when it happened
    /// is unknown, not elsewhere.
    fn cut(&self, source: &str, batch: &EventBatch) -> EventBatch {
        let mut batch = batch.clone();
        if let Some(source) = self.content.sources.get(source) {
            let rule = &source.table().shared.time;
            batch.retain(|record| {
                let time_us = rule.micros(record);
                time_us.is_none_or(|us| self.since_us <= us && us < self.until_us)
            });
        }
        batch
    }
}

impl Judging {
    /// Begins with a state, or with none.
    ///
    /// # Errors
    /// A state that cannot be gone on with.
    pub(crate) fn begin(detector: Detector, state: Option<State>) -> anyhow::Result<Self> {
        let folder = Folder::new(&detector, state)?;
        Ok(Self {
            detector,
            workers: Mutex::default(),
            busy: RwLock::default(),
            folder: Mutex::new(Some(folder)),
            span: None,
            heard: None,
        })
    }

    /// Only records of a span of time.
    pub(crate) fn within(self, span: Option<SpanOfTime>) -> Self {
        Self { span, ..self }
    }

    /// With somebody who listens to single matches.
    pub(crate) fn heard_by(self, heard: impl Fn(&Judged) + Send + Sync + 'static) -> Self {
        Self { heard: Some(Box::new(heard)), ..self }
    }

    fn workers(&self) -> MutexGuard<'_, Vec<Worker>> {
        // Every change to it is one push or one pop.
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn folder(&self) -> MutexGuard<'_, Option<Folder>> {
        self.folder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the folder, when it knows all batches that were judged.
    ///
    /// # Errors
    /// When the end was reached already.
    pub(crate) fn with_folder<T>(&self, act: impl FnOnce(&mut Folder) -> T) -> anyhow::Result<T> {
        let _nobody_judges = self.busy.write().unwrap_or_else(PoisonError::into_inner);
        let mut folder = self.folder();
        let folder = folder.as_mut().context("judging has ended")?;
        for worker in self.workers().iter_mut() {
            folder.take(worker.rest());
        }
        Ok(act(folder))
    }

    /// The end of all batches, and of what the process has to do with them: what is still open
    /// ends with it.
    ///
    /// # Errors
    /// When the end was reached already.
    pub(crate) fn finish(&self) -> anyhow::Result<Outcome> {
        self.with_folder(|_| ())?;
        let folder = self.folder().take().context("judging has ended")?;
        Ok(folder.finish_last())
    }

    fn judge(&self, source: &str, batch: &EventBatch) {
        let _judges = self.busy.read().unwrap_or_else(PoisonError::into_inner);
        let waiting = self.workers().pop();
        let mut worker = waiting.unwrap_or_else(|| self.detector.worker().gathering());
        let judged = worker.batch(source, batch);
        self.workers().push(worker);
        if let Some(heard) = &self.heard {
            heard(&judged);
        }
        if let Some(folder) = self.folder().as_mut() {
            folder.take(judged);
        }
    }
}

impl Tap for Judging {
    fn reached(&self, from: Timestamp) {
        let reached = |folder: &mut Folder| folder.reached(from.as_microsecond(), LATENESS_US);
        if self.folder().as_mut().is_some_and(reached) {
            // Whoever has ended judging has judged everything.
            let _ = self.with_folder(Folder::judge_reached);
        }
    }

    fn batch(&self, source: &str, batch: &EventBatch) {
        match &self.span {
            None => self.judge(source, batch),
            Some(span) => {
                let cut = span.cut(source, batch);
                if !cut.is_empty() {
                    self.judge(source, &cut);
                }
            }
        }
    }
}
