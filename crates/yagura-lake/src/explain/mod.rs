//! What answering a question would read: files, row groups and bytes, and what was left out by
//! what. Footers of some files are read for it, rows never. The words are in `words.rs`.

mod words;

use std::collections::HashSet;
use std::sync::{Arc, PoisonError};

use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::{ExecutionPlan, displayable};
use parquet::file::metadata::ParquetMetaData;

use crate::query::{Planned, QueryError, Reading, ScanFacts};

/// So many footers are read to tell the share of the wanted columns; of more files, the rest is
/// estimated from them.
const FOOTERS_MAX: usize = 24;

/// What answering would read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// The scans of logs, in the order of planning. A source that is named twice is there twice.
    pub tables: Vec<TableRead>,
    physical: String,
}

/// What one scan of logs would read. All figures are upper bounds: a limit, or values found while
/// running, may end reading earlier.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableRead {
    /// The source.
    pub table: String,
    /// Files of the source.
    pub files_total: u64,
    /// Their size.
    pub bytes_total: u64,
    /// Files that will be read, at least in part.
    pub files_read: u64,
    /// Bytes that will be read.
    pub bytes_read: u64,
    /// Whether `bytes_read` was estimated from some of the files.
    pub estimated: bool,
    /// Row groups that will be read, of those in the files left after times.
    pub groups_read: u64,
    /// Rows in them.
    pub rows: u64,
    /// What was left out by what, in order; nothing that left out nothing.
    pub left_out: Vec<LeftOut>,
    /// The columns that are read.
    pub columns: Vec<String>,
    /// Whether the answer comes from the manifest alone.
    pub from_manifest: bool,
}

/// Something that need not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Why not.
    pub by: LeftOutBy,
    /// Files, or row groups where `by` tells those apart.
    pub count: u64,
    /// Their size in bytes.
    pub bytes: u64,
}

/// Why something need not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeftOutBy {
    /// Files of other partitions: day, account.
    Partition,
    /// Files of other times.
    FileTime,
    /// Row groups of other times.
    GroupTime,
    /// Row groups whose bloom filters know the value is not there: columns, and how many blocks of
    /// 32 bytes were read to learn it.
    Lookup {
        /// The columns asked.
        columns: Vec<String>,
        /// Blocks read.
        blocks: u64,
    },
}

impl Explained {
    /// Bytes that will be read at most.
    pub fn bytes_read(&self) -> u64 {
        self.tables.iter().map(|table| table.bytes_read).sum()
    }

    /// Files that will be read at most.
    pub fn files_read(&self) -> u64 {
        self.tables.iter().map(|table| table.files_read).sum()
    }

    /// Reads that a lake on S3 would be sent: the footer of each file, and about two for each row
    /// group, since neighbouring columns are fetched together.
    pub fn requests(&self) -> u64 {
        self.tables.iter().map(|table| table.files_read + 2 * table.groups_read).sum()
    }

    /// The engine's plan, line by line.
    pub fn physical(&self) -> &str {
        &self.physical
    }
}

/// Explains a planned question.
pub(crate) async fn explain(planned: &Planned) -> Result<Explained, QueryError> {
    let scans = planned.reading.scans.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut planned_files = HashSet::new();
    files_of(&planned.plan, &mut planned_files);
    let mut tables = Vec::with_capacity(scans.len());
    for scan in &scans {
        let is_read = scan.left.iter().any(|(path, ..)| planned_files.contains(path.as_ref()));
        tables.push(table_read(&planned.reading, scan, is_read).await?);
    }
    let physical = displayable(planned.plan.as_ref()).indent(false).to_string();
    Ok(Explained { tables, physical })
}

/// The files that a plan still reads: answers from statistics need none of them.
fn files_of(plan: &Arc<dyn ExecutionPlan>, found: &mut HashSet<String>) {
    if let Some(source) = plan.downcast_ref::<DataSourceExec>()
        && let Some(config) = source.data_source().downcast_ref::<FileScanConfig>()
    {
        for group in &config.file_groups {
            found.extend(group.iter().map(|file| file.object_meta.location.to_string()));
        }
    }
    for child in plan.children() {
        files_of(child, found);
    }
}

async fn table_read(
    reading: &Reading,
    scan: &ScanFacts,
    is_read: bool,
) -> Result<TableRead, QueryError> {
    let mut told = TableRead {
        table: scan.table.clone(),
        files_total: scan.files.count,
        bytes_total: scan.files.bytes,
        left_out: left_out(scan),
        columns: scan.columns.clone(),
        ..TableRead::default()
    };
    if !is_read {
        told.from_manifest = scan.files_left.count > 0;
        return Ok(told);
    }
    told.files_read = scan.files_left.count;
    told.groups_read = scan.groups_by_lookup.count;
    told.rows = scan.rows_left;
    let (bytes, estimated) = bytes_of_columns(reading, scan).await?;
    (told.bytes_read, told.estimated) = (bytes, estimated);
    Ok(told)
}

fn left_out(scan: &ScanFacts) -> Vec<LeftOut> {
    let lookup = LeftOutBy::Lookup { columns: scan.lookups.clone(), blocks: scan.blocks };
    let steps = [
        (LeftOutBy::Partition, scan.files, scan.by_partition),
        (LeftOutBy::FileTime, scan.by_partition, scan.by_time),
        (LeftOutBy::GroupTime, scan.groups, scan.groups_by_time),
        (lookup, scan.groups_by_time, scan.groups_by_lookup),
    ];
    steps
        .into_iter()
        .filter(|(by, before, after)| {
            after.count < before.count
                || matches!(by, LeftOutBy::Lookup { blocks, .. } if *blocks > 0)
        })
        .map(|(by, before, after)| LeftOut {
            by,
            count: before.count.saturating_sub(after.count),
            bytes: before.bytes.saturating_sub(after.bytes),
        })
        .collect()
}

/// Bytes of the wanted columns in the row groups left, and whether they are estimated.
async fn bytes_of_columns(reading: &Reading, scan: &ScanFacts) -> Result<(u64, bool), QueryError> {
    // Spread over all files, so that old and new ones are among them.
    let step = scan.left.len().div_ceil(FOOTERS_MAX).max(1);
    let (mut wanted, mut looked_at, mut files) = (0, 0, 0_usize);
    for (path, size, keep) in scan.left.iter().step_by(step) {
        let mut file = PartitionedFile::new(String::new(), *size);
        file.object_meta.location = path.clone();
        let footer = DFParquetMetadata::new(reading.store.as_ref(), &file.object_meta)
            .with_file_metadata_cache(Some(Arc::clone(&reading.footers)))
            .fetch_metadata()
            .await
            .map_err(|error| QueryError::File {
                file: path.to_string(),
                what: error.strip_backtrace(),
            })?;
        let (these, all) = chunk_bytes(&footer, keep, &scan.columns);
        wanted += these;
        looked_at += all;
        files += 1;
    }
    if files == scan.left.len() || looked_at == 0 {
        return Ok((wanted, false));
    }
    let scaled =
        u128::from(wanted) * u128::from(scan.groups_by_lookup.bytes) / u128::from(looked_at);
    Ok((u64::try_from(scaled).unwrap_or(u64::MAX), true))
}

/// Compressed bytes of the wanted columns, and of all columns, in the row groups kept.
fn chunk_bytes(footer: &ParquetMetaData, keep: &[bool], columns: &[String]) -> (u64, u64) {
    let (mut wanted, mut all) = (0, 0);
    for (group, _) in footer.row_groups().iter().zip(keep).filter(|(_, keep)| **keep) {
        for chunk in group.columns() {
            let bytes = u64::try_from(chunk.compressed_size()).unwrap_or(0);
            all += bytes;
            let root = chunk.column_path().parts().first();
            if root.is_some_and(|root| columns.contains(root)) {
                wanted += bytes;
            }
        }
    }
    (wanted, all)
}
