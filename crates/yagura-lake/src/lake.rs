//! The lake: opened once, cheap to clone, safe for several processes at a time.
//! Writing, compaction, retention and status are in their own folders.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringViewArray, new_null_array};
use arrow::datatypes::{DataType, SchemaRef};
use yagura_model::source::Table;

use crate::form::{FORM, RAW};
use crate::layout::table::TableLayout;
use crate::manifest::{CommitId, CommittedObject, ManifestLog, State};
use crate::seen::Seen;
use crate::storage::Root;
use crate::write::{Staging, recover};
use crate::{Ingestion, LakeError, LakeLocation, LakeOptions, Snapshot};

/// A log lake.
///
/// ```no_run
/// # async fn example(tables: Vec<yagura_model::source::Table>, now: jiff::Timestamp)
/// # -> Result<(), yagura_lake::LakeError> {
/// use yagura_lake::{Lake, LakeLocation, LakeOptions};
///
/// let location = LakeLocation::folder("/var/lib/yagura/lake".as_ref())?;
/// let lake = Lake::open(location, tables, LakeOptions::new(now)).await?;
/// for file in lake.snapshot().await?.files() {
///     assert!(file.rows > 0);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Lake {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    location: LakeLocation,
    root: Root,
    log: ManifestLog,
    options: LakeOptions,
    tables: BTreeMap<String, Arc<TableLayout>>,
    seen: Seen,
    /// The newest state that this process knows.
    state: tokio::sync::Mutex<Arc<State>>,
}

impl Lake {
    /// Opens a lake, or begins one where there is none; removes what dead writers left.
    ///
    /// # Errors
    /// [`LakeError::Table`] for a table that cannot be kept; [`LakeError::Read`] and
    /// [`LakeError::Write`] of the store; [`LakeError::Manifest`] and [`LakeError::NewerFormat`]
    /// where the manifest cannot be understood.
    pub async fn open(
        location: LakeLocation,
        tables: Vec<Table>,
        options: LakeOptions,
    ) -> Result<Self, LakeError> {
        let mut layouts = BTreeMap::new();
        for table in tables {
            layouts.insert(table.source.clone(), Arc::new(TableLayout::new(table)?));
        }
        let root = Root::new(&location);
        let log = ManifestLog::new(root.clone());
        recover(&root, &log, &options).await?;
        let (state, _) = log.newest(None).await?;
        let memory = usize::try_from(options.memory_bytes).unwrap_or(usize::MAX);
        let inner = Inner {
            location,
            root,
            log,
            options,
            tables: layouts,
            seen: Seen::new(memory / 8),
            state: tokio::sync::Mutex::new(state),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Begins a commit, to which workers add.
    ///
    /// # Errors
    /// [`LakeError::Read`] where the manifest cannot be read; [`LakeError::Folder`] where a local
    /// folder cannot be written.
    pub async fn begin(&self) -> Result<Ingestion, LakeError> {
        let base = self.state().await?;
        let staging = Staging::new(self.inner.root.clone()).await?;
        Ok(Ingestion::new(self.clone(), base, staging))
    }

    /// The log objects of all commits after one, the oldest first: what a ledger that missed
    /// commits settles with.
    ///
    /// # Errors
    /// [`LakeError::Read`] where a commit cannot be read.
    pub async fn committed_since(
        &self,
        commit: CommitId,
    ) -> Result<Vec<CommittedObject>, LakeError> {
        self.inner.log.objects_since(commit).await
    }

    /// The files of the newest commit.
    ///
    /// # Errors
    /// [`LakeError::Read`] where the manifest cannot be read.
    pub async fn snapshot(&self) -> Result<Snapshot, LakeError> {
        Ok(Snapshot::new(self.state().await?))
    }

    /// Where the lake is.
    pub fn location(&self) -> &LakeLocation {
        &self.inner.location
    }

    /// The tables, sorted by source.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.inner.tables.values().map(|layout| &layout.table)
    }

    /// The columns in a source's files: without `source`, `day` and `account`, which are in the
    /// path.
    pub fn schema(&self, source: &str) -> Option<SchemaRef> {
        self.inner.tables.get(source).map(|layout| Arc::clone(&layout.schema))
    }

    /// The records of rows that were read out of a source's file, byte for byte as they came:
    /// files keep them as forms, with blanks for what other columns have. The rows must have all
    /// columns of the file.
    ///
    /// # Errors
    /// [`LakeError::Table`] for a source that the lake does not know; [`LakeError::Encode`] where
    /// a column is missing that a form needs.
    pub fn records(&self, source: &str, rows: &RecordBatch) -> Result<StringViewArray, LakeError> {
        let layout = self.layout(source)?;
        let fail = |error| LakeError::encode(format!("compose records of `{source}`"), error);
        let nulls = || new_null_array(&DataType::Utf8View, rows.num_rows());
        let column = |name: &str| rows.column_by_name(name).cloned().unwrap_or_else(nulls);
        let columns = layout.composer.columns();
        let columns: Vec<ArrayRef> = columns.iter().map(|name| column(name)).collect();
        layout.composer.compose(&column(RAW), &column(FORM), &columns).map_err(fail)
    }

    /// The newest state.
    pub(crate) async fn state(&self) -> Result<Arc<State>, LakeError> {
        let mut known = self.inner.state.lock().await;
        let (state, _) = self.inner.log.newest(Some(Arc::clone(&known))).await?;
        *known = Arc::clone(&state);
        Ok(state)
    }

    /// Takes a state over that a commit of this process has brought, and writes a checkpoint
    /// where one is due.
    pub(crate) async fn moved_on(&self, state: Arc<State>) {
        if let Err(error) = self.inner.log.checkpoint_if_due(&state).await {
            tracing::warn!(%error, "a checkpoint of the lake could not be written");
        }
        let mut known = self.inner.state.lock().await;
        if known.commit < state.commit {
            *known = state;
        }
    }

    pub(crate) fn layout(&self, source: &str) -> Result<Arc<TableLayout>, LakeError> {
        self.inner.tables.get(source).cloned().ok_or_else(|| LakeError::Table {
            table: source.to_owned(),
            what: "the lake was opened without it".to_owned(),
        })
    }

    pub(crate) fn root(&self) -> &Root {
        &self.inner.root
    }

    pub(crate) fn log(&self) -> &ManifestLog {
        &self.inner.log
    }

    pub(crate) fn options(&self) -> &LakeOptions {
        &self.inner.options
    }

    pub(crate) fn seen(&self) -> &Seen {
        &self.inner.seen
    }
}
