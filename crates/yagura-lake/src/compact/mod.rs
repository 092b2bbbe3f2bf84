//! Compaction: small files of a partition become large ones, sorted by time; no row comes or
//! goes. Also the removal of files that no reader can use any more.
//! The merge of rows is `merge.rs`.

mod merge;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::LakeError;
use crate::amend::amend;
use crate::lake::Lake;
use crate::layout::partition::partition_path;
use crate::layout::table::TableLayout;
use crate::manifest::{Commit, CommitKind, LakeFile, Removal, RowGroup, State};
use crate::write::Staging;

/// Rounds of one call. Each makes files several times as large, so that few are ever needed.
const ROUNDS_MAX: u32 = 8;
/// Decoded bytes of a row that waits to be written, however little it holds: a null takes up to
/// eight.
const ROW_BYTES: u64 = 512;
/// Decoded bytes of texts for one compressed byte.
const TEXT_BYTES_PER_BYTE: u64 = 5;

/// How to compact.
#[derive(Clone, Debug)]
pub struct CompactOptions {
    /// The time now.
    pub now: Timestamp,
    /// Files of at least half of this size are left alone, and none is made much larger.
    pub target_bytes: u64,
    /// A day that is not over is compacted only when it has so many small files.
    pub files_min: usize,
    /// Files that were replaced or deleted stay so long for readers that began before.
    pub grace: SignedDuration,
}

/// What compaction did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Merges made.
    pub merges: u64,
    /// Files that were merged.
    pub files_before: u64,
    /// Files they became.
    pub files_after: u64,
    /// Rows in them.
    pub rows: u64,
    /// Bytes before.
    pub bytes_before: u64,
    /// Bytes after.
    pub bytes_after: u64,
    /// Files deleted whose grace was over.
    pub files_swept: u64,
}

impl CompactOptions {
    /// Defaults: files of 128 MB, eight small files a day, an hour of grace.
    pub fn new(now: Timestamp) -> Self {
        Self {
            now,
            target_bytes: 128 * 1024 * 1024,
            files_min: 8,
            grace: SignedDuration::from_hours(1),
        }
    }

    fn is_small(&self, file: &LakeFile) -> bool {
        file.bytes < self.target_bytes / 2
    }
}

/// Bytes that a merge of these files holds at a time, at most: rows that were read and may not
/// be written before others were read, and a slab of those that may.
fn memory_of(files: &[Arc<LakeFile>]) -> u64 {
    let groups: Vec<&RowGroup> = files.iter().flat_map(|file| &file.row_groups).collect();
    let of = |groups: &mut dyn Iterator<Item = &&RowGroup>| -> u64 {
        groups.map(|group| group.rows * ROW_BYTES + group.bytes * TEXT_BYTES_PER_BYTE).sum()
    };
    let held = |until: &&RowGroup| {
        let open = |group: &&&RowGroup| {
            group.time_min_us <= until.time_min_us && group.time_max_us >= until.time_min_us
        };
        of(&mut groups.iter().filter(open))
    };
    let (all, rows) = (of(&mut groups.iter()), groups.iter().map(|group| group.rows).sum::<u64>());
    let slab = all / rows.max(1) * merge::SLAB_ROWS as u64;
    (groups.iter().map(held).max().unwrap_or_default() + slab).min(all)
}

impl Lake {
    /// Merges small files, and deletes those whose grace is over. Safe beside writers and
    /// readers; killed at any point it leaves the lake as it was.
    ///
    /// # Errors
    /// Those of the store. What was merged before the error stays merged.
    pub async fn compact(&self, options: &CompactOptions) -> Result<Compacted, LakeError> {
        let mut done =
            Compacted { files_swept: self.sweep(options).await?, ..Compacted::default() };
        for _ in 0..ROUNDS_MAX {
            let groups = self.groups(&*self.state().await?, options);
            if groups.is_empty() {
                break;
            }
            let mut merged = 0;
            for group in groups {
                merged += u64::from(self.merge(group, options, &mut done).await?);
            }
            if merged == 0 {
                break;
            }
        }
        Ok(done)
    }

    /// Deletes files that left the manifest longer ago than the grace.
    async fn sweep(&self, options: &CompactOptions) -> Result<u64, LakeError> {
        let over = |state: &State| -> Vec<String> {
            let buried = state.buried.iter();
            buried
                .filter(|file| options.now.duration_since(file.since) > options.grace)
                .map(|file| file.path.clone())
                .collect()
        };
        let swept = over(&*self.state().await?);
        if swept.is_empty() {
            return Ok(0);
        }
        // First the files, then the note that they are there: the other way round a kill in
        // between would leave them for ever.
        self.root().delete(swept.clone()).await?;
        amend(self, CommitKind::Compaction, options.now, |state| {
            let still = over(state);
            let removed = swept.iter().filter(|path| still.contains(path));
            let removed: Vec<_> = removed.map(|path| Removal { path: path.clone() }).collect();
            Ok((!removed.is_empty()).then(|| Commit { removed, ..Commit::default() }))
        })
        .await?;
        Ok(swept.len() as u64)
    }

    /// Small files that are to become one.
    fn groups(&self, state: &State, options: &CompactOptions) -> Vec<Vec<Arc<LakeFile>>> {
        let today = options.now.to_zoned(jiff::tz::TimeZone::UTC).date();
        let mut partitions: BTreeMap<String, Vec<Arc<LakeFile>>> = BTreeMap::new();
        for file in state.files.values().filter(|file| options.is_small(file)) {
            let layout = self.layout(&file.source);
            // A file with the columns of an older version keeps them.
            if layout.is_ok_and(|layout| layout.fingerprint == file.schema) {
                let folder = partition_path(&file.source, file.day, &file.account);
                partitions.entry(folder).or_default().push(Arc::clone(file));
            }
        }
        let mut groups = Vec::new();
        for (_, mut files) in partitions {
            let over = files.first().is_some_and(|file| file.day < today);
            let min = if over { 2 } else { options.files_min.max(2) };
            if files.len() < min {
                continue;
            }
            files.sort_by_key(|file| (file.time_min_us, file.time_max_us));
            groups.extend(self.split(files, options));
        }
        groups
    }

    /// Splits a partition's files into groups that fit into memory and into one file.
    fn split(
        &self,
        files: Vec<Arc<LakeFile>>,
        options: &CompactOptions,
    ) -> Vec<Vec<Arc<LakeFile>>> {
        let memory_max = self.options().memory_bytes / 4 * 3;
        let mut groups: Vec<Vec<Arc<LakeFile>>> = Vec::new();
        let mut bytes = 0;
        for file in files {
            if let Some(group) = groups.last_mut()
                && bytes + file.bytes <= options.target_bytes
            {
                group.push(Arc::clone(&file));
                if memory_of(group) <= memory_max {
                    bytes += file.bytes;
                    continue;
                }
                group.pop();
            }
            bytes = file.bytes;
            groups.push(vec![file]);
        }
        groups.retain(|group| group.len() > 1);
        groups
    }

    /// Merges one group and commits it; false where another writer has changed it meanwhile.
    async fn merge(
        &self,
        group: Vec<Arc<LakeFile>>,
        options: &CompactOptions,
        done: &mut Compacted,
    ) -> Result<bool, LakeError> {
        let Some(first) = group.first() else { return Ok(false) };
        let layout: Arc<TableLayout> = self.layout(&first.source)?;
        let staging = Arc::new(Staging::new(self.root().clone()).await?);
        let (lake, inputs, own) = (self.clone(), group.clone(), Arc::clone(&staging));
        let runtime = tokio::runtime::Handle::current();
        // Encoding takes seconds: not on a thread that others wait for.
        let merged = tokio::task::spawn_blocking(move || {
            runtime.block_on(merge::merge(&lake, &own, &layout, &inputs))
        });
        let merged = merged.await.map_err(|_| LakeError::Worker)?;
        let committed = match merged {
            Ok(staged) => self.replace(&group, &staging, staged, options, done).await,
            Err(error) => Err(error),
        };
        // After an error the note must stay: it may name a file that is visible and not part of
        // the lake, and whoever opens the lake next removes that.
        if committed.is_ok() {
            staging.clear().await?;
        }
        committed
    }

    async fn replace(
        &self,
        group: &[Arc<LakeFile>],
        staging: &Staging,
        staged: crate::write::StagedFile,
        options: &CompactOptions,
        done: &mut Compacted,
    ) -> Result<bool, LakeError> {
        let mut file = staged.file;
        file.compacted = true;
        file.commit = group.iter().map(|file| file.commit).max().unwrap_or_default();
        let path = file.path.clone();
        staging.note(&[&path]).await?;
        staging.show(vec![(staged.staged, path.clone())]).await?;
        let (rows, bytes) = (file.rows, file.bytes);
        let file = Arc::new(file);
        let committed = amend(self, CommitKind::Compaction, options.now, |state| {
            if state.fenced.contains(&staging.writer) {
                return Err(LakeError::TakenForDead);
            }
            let whole = group.iter().all(|file| state.files.contains_key(&file.path));
            let removed = group.iter().map(|file| Removal { path: file.path.clone() });
            let commit = Commit {
                added: vec![Arc::clone(&file)],
                removed: removed.collect(),
                ..Commit::default()
            };
            Ok(whole.then_some(commit))
        })
        .await?;
        if committed.is_none() {
            self.root().delete(vec![path]).await?;
            return Ok(false);
        }
        done.merges += 1;
        done.files_before += group.len() as u64;
        done.files_after += 1;
        done.rows += rows;
        done.bytes_before += group.iter().map(|file| file.bytes).sum::<u64>();
        done.bytes_after += bytes;
        Ok(true)
    }
}
