//! One commit in the making, shared by workers: what they have staged and which names they bring.
//! The commit itself is `commit.rs`, the work `worker.rs`.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;

use crate::lake::Lake;
use crate::manifest::{ObjectReceipt, State};
use crate::rows::buffer::RowBuffer;
use crate::seen::{Hour, NAME_BYTES, Names};
use crate::write::object::ObjectInMaking;
use crate::write::quarantine::StagedPieces;
use crate::write::worker::{Worker, hour};
use crate::write::{StagedFile, Staging};
use crate::{Committed, LakeError};

/// A commit of so many rows is large enough: more would only make a crash dearer.
const ROWS_MAX: u64 = 5_000_000;
/// More than this does not make better files, and offsets of texts are 32 bits wide.
const SHARE_BYTES_MAX: usize = 512 * 1024 * 1024;
/// Objects of a commit; its receipts are read as one.
const OBJECTS_MAX: usize = 20_000;

/// One commit in the making.
///
/// Workers add to it; nothing is visible to readers before [`Ingestion::commit`], and all of it
/// is visible afterwards.
#[derive(Debug)]
pub struct Ingestion {
    shared: Arc<Shared>,
    /// Held while a commit is tried.
    committing: tokio::sync::Mutex<()>,
}

/// How much waits to be committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IngestionSize {
    /// Rows in staged files.
    pub rows: u64,
    /// Bytes of staged files.
    pub bytes_staged: u64,
    /// Bytes of memory that hold the names of rows, which only a commit frees.
    pub identity_bytes: u64,
    /// Finished objects.
    pub objects: u64,
}

/// What workers and the commit share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) lake: Lake,
    /// The lake when the ingestion began.
    pub(crate) base: Arc<State>,
    pub(crate) staging: Staging,
    pub(crate) runtime: Handle,
    /// Bytes of rows that a worker may hold.
    pub(crate) share_bytes: usize,
    names_bytes_max: usize,
    made: Mutex<Made>,
}

/// What was made so far.
#[derive(Debug, Default)]
pub(crate) struct Made {
    /// The names of finished objects' rows.
    pub(crate) names: HashMap<Hour, Names>,
    name_count: usize,
    pub(crate) files: Vec<StagedFile>,
    pub(crate) piece_files: Vec<StagedPieces>,
    pub(crate) receipts: Vec<ObjectReceipt>,
    /// Final paths of files that were shown and then written anew.
    pub(crate) obsolete: Vec<String>,
    workers: usize,
    /// Why this cannot be committed.
    failure: Option<LakeError>,
    /// Whether it was committed, or given up.
    over: bool,
}

/// A name that another object brought first.
#[derive(Clone, Debug)]
pub(crate) struct LateName {
    pub(crate) hour: Hour,
    pub(crate) name: u64,
    pub(crate) row: u64,
}

impl Ingestion {
    pub(crate) fn new(lake: Lake, base: Arc<State>, staging: Staging) -> Self {
        let options = lake.options();
        let memory = usize::try_from(options.memory_bytes).unwrap_or(usize::MAX);
        // A quarter of the memory for rows that wait, a quarter for names (half of it for those of
        // committed rows), the rest for what decoding and encoding need. A third of it for rows
        // made files a fifth fewer and took 40 MB more, half of it two fifths fewer and 90 MB more
        // with 4 % more processor time for fresh memory.
        let shared = Shared {
            base,
            staging,
            runtime: Handle::current(),
            share_bytes: (memory / 4 / options.workers.max(1)).min(SHARE_BYTES_MAX),
            names_bytes_max: memory / 8,
            made: Mutex::default(),
            lake,
        };
        Self { shared: Arc::new(shared), committing: tokio::sync::Mutex::default() }
    }

    /// A worker, for one thread.
    ///
    /// # Errors
    /// [`LakeError::Request`] after a commit.
    pub fn worker(&self) -> Result<Worker, LakeError> {
        let mut made = self.shared.made();
        if made.over {
            return Err(LakeError::Request("the ingestion is committed already".to_owned()));
        }
        made.workers += 1;
        drop(made);
        Ok(Worker::new(Arc::clone(&self.shared)))
    }

    /// How much waits to be committed.
    pub fn size(&self) -> IngestionSize {
        let made = self.shared.made();
        IngestionSize {
            rows: made.files.iter().map(|file| file.file.rows).sum(),
            bytes_staged: made.files.iter().map(|file| file.file.bytes).sum(),
            identity_bytes: (made.name_count * NAME_BYTES) as u64,
            objects: made.receipts.len() as u64,
        }
    }

    /// Whether it is time to commit: memory for names is full, or a commit is large enough.
    pub fn is_full(&self) -> bool {
        let size = self.size();
        size.identity_bytes >= self.shared.names_bytes_max as u64
            || size.rows >= ROWS_MAX
            || size.objects >= OBJECTS_MAX as u64
    }

    /// Makes everything that the workers have finished part of the lake, in one step.
    ///
    /// After an error nothing is visible, and it may be called again: what was staged is kept.
    ///
    /// # Errors
    /// [`LakeError::Request`] while a worker is open or after a commit; what made a worker fail;
    /// [`LakeError::Write`] and [`LakeError::Read`] of the store; [`LakeError::TakenForDead`] and
    /// [`LakeError::Contended`] against other writers.
    pub async fn commit(&self, now: jiff::Timestamp) -> Result<Committed, LakeError> {
        let _one = self.committing.lock().await;
        let mut made = self.shared.take_made()?;
        let result = crate::write::commit::commit(&self.shared, &mut made, now).await;
        made.over = result.is_ok();
        *self.shared.made() = made;
        result
    }

    /// Gives up: nothing is committed, and what was staged is removed; after a failed commit by
    /// whoever opens the lake next.
    ///
    /// # Errors
    /// [`LakeError::Write`] where it cannot be removed; whoever opens the lake next does it then.
    pub async fn abandon(self) -> Result<(), LakeError> {
        self.shared.staging.give_up().await
    }
}

impl Made {
    pub(crate) fn add_files(&mut self, files: Vec<StagedFile>) {
        self.files.extend(files);
    }

    /// Puts files in the place of those that were made before.
    pub(crate) fn replace(&mut self, files: Vec<StagedFile>, pieces: Vec<StagedPieces>) {
        let before = self.files.iter().filter(|it| it.shown).map(|it| &it.file.path);
        let before =
            before.chain(self.piece_files.iter().filter(|it| it.shown).map(|it| &it.file.path));
        let after: HashSet<&String> = files
            .iter()
            .map(|it| &it.file.path)
            .chain(pieces.iter().map(|it| &it.file.path))
            .collect();
        let gone: Vec<String> = before.filter(|path| !after.contains(path)).cloned().collect();
        self.obsolete.extend(gone);
        self.files = files;
        self.piece_files = pieces;
    }
}

impl Shared {
    pub(crate) fn made(&self) -> MutexGuard<'_, Made> {
        // Every change to it is one step, so a panic elsewhere leaves it whole.
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_made(&self) -> Result<Made, LakeError> {
        let mut made = self.made();
        let wrong = match (made.over, made.workers) {
            (true, _) => Some("the ingestion is committed already"),
            (false, 0) => None,
            (false, _) => Some("a worker of the ingestion is still open"),
        };
        if let Some(wrong) = wrong {
            return Err(LakeError::Request(wrong.to_owned()));
        }
        match &made.failure {
            Some(failure) => Err(failure.clone()),
            None => Ok(std::mem::take(&mut made)),
        }
    }

    /// Nothing of this can be committed any more.
    pub(crate) fn fail(&self, error: &LakeError) {
        self.made().failure.get_or_insert_with(|| error.clone());
    }

    /// A worker has gone.
    pub(crate) fn leave(&self) {
        let mut made = self.made();
        made.workers = made.workers.saturating_sub(1);
    }

    /// Adds the names of an object that is finished; answers those that another one brought
    /// first.
    ///
    /// INVARIANT: an object drops a record only for one of a finished object, which is committed
    /// whenever this one is. So an object that is abandoned takes nobody's rows with it.
    pub(crate) fn claim(&self, object: &ObjectInMaking, buffer: &RowBuffer) -> Vec<LateName> {
        let mut late = Vec::new();
        let mut made = self.made();
        let mut added = 0;
        for own in &object.names {
            let Some(hour) = hour(buffer, (own.partition, own.hour)) else { continue };
            let names = made.names.entry(hour.clone()).or_default();
            names.reserve(own.rows.len());
            for (name, row) in &own.rows {
                if names.insert(*name) {
                    added += 1;
                } else {
                    late.push(LateName { hour: hour.clone(), name: *name, row: *row });
                }
            }
        }
        made.name_count += added;
        late
    }

    /// Adds the files and the receipt of an object that is finished.
    pub(crate) fn finish(&self, object: ObjectInMaking, receipt: ObjectReceipt) {
        let mut made = self.made();
        made.files.extend(object.files);
        made.piece_files.extend(object.piece_files);
        made.receipts.push(receipt);
    }
}
