//! What the manifest knows of a Parquet file, so that a reader may leave it out unopened.
//! How it is written down is in `encode.rs`.

use std::ops::Range;
use std::sync::Arc;

use jiff::civil::Date;

use crate::manifest::CommitId;

/// A Parquet file of the lake: immutable, all of one partition, sorted by time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LakeFile {
    /// Path under the lake's root: `source=cloudtrail/day=2026-11-21/account=…/….parquet`.
    pub path: String,
    /// The source's id, which is the table's name.
    pub source: Arc<str>,
    /// The day of all its rows, UTC.
    pub day: Date,
    /// The account of all its rows; `unknown` where the records name none.
    pub account: Arc<str>,
    /// Number of rows.
    pub rows: u64,
    /// Size of the file.
    pub bytes: u64,
    /// Length of the Parquet footer with its eight bytes of magic and length: a reader that
    /// fetches so many bytes from the end needs no second read.
    pub footer_bytes: u64,
    /// Time of the first row, microseconds since 1970 in UTC.
    pub time_min_us: i64,
    /// Time of the last row, microseconds since 1970 in UTC.
    pub time_max_us: i64,
    /// The columns that have a bloom filter, as Parquet paths with dots, in the order of
    /// [`RowGroup::blooms`].
    pub lookups: Arc<[String]>,
    /// The row groups, in order.
    pub row_groups: Vec<RowGroup>,
    /// In which hours of the day there are rows, per region.
    pub regions: Vec<RegionHours>,
    /// Fingerprint of the columns; files with the same fingerprint have the same schema.
    pub schema: Arc<str>,
    /// The newest commit that brought rows of this file; compaction keeps it.
    pub commit: CommitId,
    /// Whether compaction wrote it.
    pub compacted: bool,
}

/// A row group of a [`LakeFile`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowGroup {
    /// Number of rows.
    pub rows: u64,
    /// Compressed size of its columns.
    pub bytes: u64,
    /// Time of its first row, microseconds since 1970 in UTC.
    pub time_min_us: i64,
    /// Time of its last row, microseconds since 1970 in UTC.
    pub time_max_us: i64,
    /// Where the bloom filter of each of [`LakeFile::lookups`] is.
    pub blooms: Vec<Option<Bloom>>,
}

/// Where a bloom filter is: a split block bloom filter as the Parquet format describes it
/// (`BloomFilter.md` of apache/parquet-format, seen 2026-11), 32 bytes a block, after its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bloom {
    /// Where the first block begins in the file; the header is skipped already.
    pub offset: u64,
    /// Number of blocks, a power of two.
    pub blocks: u32,
}

/// In which hours of a file's day a region has rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegionHours {
    /// The region; empty where the records name none.
    pub region: Arc<str>,
    /// Bit `h` is set where there are rows between `h:00` and `h:59`, UTC.
    pub hours: u32,
}

impl Bloom {
    /// Bytes of a block.
    pub const BLOCK_BYTES: u64 = 32;

    /// Where in the file the one block is that decides over a value.
    /// `hash` is XXH64 with seed 0 of the value's plain encoding (of text: its bytes).
    pub fn block(&self, hash: u64) -> Range<u64> {
        let block = ((hash >> 32).saturating_mul(u64::from(self.blocks))) >> 32;
        let start = self.offset.saturating_add(block.saturating_mul(Self::BLOCK_BYTES));
        start..start.saturating_add(Self::BLOCK_BYTES)
    }
}

impl LakeFile {
    /// Whether the file may hold rows with `min_us <= time < end_us`.
    pub fn overlaps(&self, min_us: i64, end_us: i64) -> bool {
        self.time_min_us < end_us && self.time_max_us >= min_us
    }

    /// The bloom filter of a column in a row group; none where the column has no filter.
    pub fn bloom(&self, row_group: usize, column: &str) -> Option<Bloom> {
        let at = self.lookups.iter().position(|name| name == column)?;
        self.row_groups.get(row_group)?.blooms.get(at).copied().flatten()
    }
}
