//! What a lake holds: size, rows, span, missing hours, how compact it is, what it costs to keep.
//! All from the manifest; no file is opened.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::LakeError;
use crate::lake::Lake;
use crate::manifest::{CommitId, Deletion, Hold, LakeFile, State};
use crate::rows::buffer::{HOUR_US, day_start_us};

/// Gaps that are listed of a source, the longest first.
const GAPS_MAX: usize = 100;
/// Hours of a day.
const DAY_HOURS: i64 = 24;
/// Files smaller than this are worth merging.
const SMALL_BYTES: u64 = 64 * 1024 * 1024;

/// What keeping bytes costs, and where the price is from.
#[derive(Clone, Debug, PartialEq)]
pub struct StoragePrice {
    /// US dollars for a gigabyte (10^9 bytes) and a month.
    pub usd_per_gb_month: f64,
    /// Where the price is from: document and date.
    pub source: String,
}

impl Default for StoragePrice {
    /// S3 Standard in US East (N. Virginia), the first 50 TB.
    fn default() -> Self {
        Self {
            usd_per_gb_month: 0.023,
            source: "Amazon S3 pricing, S3 Standard, us-east-1, first 50 TB, without requests"
                .to_owned(),
        }
    }
}

/// What a lake holds.
#[derive(Clone, Debug, PartialEq)]
pub struct LakeStatus {
    /// The newest commit.
    pub commit: CommitId,
    /// When it was made.
    pub time: Timestamp,
    /// Files of all sources.
    pub files: u64,
    /// Rows of all sources.
    pub rows: u64,
    /// Bytes of all sources.
    pub bytes: u64,
    /// Bytes of files that readers of older commits may still use.
    pub files_awaiting_deletion: u64,
    /// The sources, sorted by id.
    pub sources: Vec<SourceStatus>,
    /// Files of pieces that could not be read as records, and pieces in them.
    pub quarantine_files: u64,
    /// Pieces in quarantine.
    pub quarantine_pieces: u64,
    /// Legal holds in force.
    pub holds: Vec<Hold>,
    /// What retention has deleted, the oldest first.
    pub deletions: Vec<Deletion>,
    /// What keeping it costs a month, in US dollars.
    pub usd_per_month: f64,
    /// The price that this is computed with.
    pub price: StoragePrice,
}

/// What a lake holds of one source.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceStatus {
    /// The source's id.
    pub source: String,
    /// Number of files.
    pub files: u64,
    /// Of these, files that compaction may merge with others of their partition.
    pub files_to_merge: u64,
    /// Number of partitions (days and accounts).
    pub partitions: u64,
    /// Number of rows.
    pub rows: u64,
    /// Size of the files.
    pub bytes: u64,
    /// Accounts, sorted.
    pub accounts: Vec<String>,
    /// Time of the first row.
    pub first: Timestamp,
    /// Time of the last row.
    pub last: Timestamp,
    /// Hours without a row between an account's and region's first and last, the longest first.
    pub gaps: Vec<Gap>,
    /// Gaps that are not listed because there are more than a hundred.
    pub gaps_omitted: u64,
    /// Hours in all gaps, those not listed included.
    pub gap_hours: u64,
}

/// Hours in which an account and region have no row, though they have earlier and later ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The account.
    pub account: String,
    /// The region; empty where records name none.
    pub region: String,
    /// The first hour without a row.
    pub from: Timestamp,
    /// The next hour with a row.
    pub until: Timestamp,
}

impl Gap {
    /// How many hours are missing.
    pub fn hours(&self) -> u64 {
        let span_us = self.until.as_microsecond().saturating_sub(self.from.as_microsecond());
        u64::try_from(span_us / HOUR_US).unwrap_or_default()
    }
}

impl Lake {
    /// What the lake holds.
    ///
    /// # Errors
    /// [`LakeError::Read`] where the manifest cannot be read.
    pub async fn status(&self, price: StoragePrice) -> Result<LakeStatus, LakeError> {
        Ok(status(&*self.state().await?, price))
    }
}

fn status(state: &State, price: StoragePrice) -> LakeStatus {
    let mut by_source: BTreeMap<Arc<str>, Vec<&LakeFile>> = BTreeMap::new();
    for file in state.files.values() {
        by_source.entry(Arc::clone(&file.source)).or_default().push(file);
    }
    let sources: Vec<SourceStatus> =
        by_source.into_iter().map(|(source, files)| of_source(&source, &files)).collect();
    let bytes = sources.iter().map(|source| source.bytes).sum();
    LakeStatus {
        commit: state.commit,
        time: state.time,
        files: sources.iter().map(|source| source.files).sum(),
        rows: sources.iter().map(|source| source.rows).sum(),
        bytes,
        files_awaiting_deletion: state.buried.len() as u64,
        sources,
        quarantine_files: state.quarantine.len() as u64,
        quarantine_pieces: state.quarantine.iter().map(|file| file.pieces).sum(),
        holds: state.holds.clone(),
        deletions: state.deletions.clone(),
        usd_per_month: bytes as f64 / 1e9 * price.usd_per_gb_month,
        price,
    }
}

fn of_source(source: &str, files: &[&LakeFile]) -> SourceStatus {
    let mut partitions: BTreeMap<_, u64> = BTreeMap::new();
    for file in files {
        let small = partitions.entry((file.day, &file.account)).or_default();
        *small += u64::from(file.bytes < SMALL_BYTES);
    }
    let mut gaps = gaps(files);
    let gap_hours = gaps.iter().map(Gap::hours).sum();
    gaps.sort_by_key(|gap| std::cmp::Reverse(gap.hours()));
    let gaps_omitted = gaps.len().saturating_sub(GAPS_MAX) as u64;
    gaps.truncate(GAPS_MAX);
    let accounts: BTreeSet<&str> = files.iter().map(|file| &*file.account).collect();
    SourceStatus {
        source: source.to_owned(),
        files: files.len() as u64,
        files_to_merge: partitions.values().filter(|small| **small > 1).sum(),
        partitions: partitions.len() as u64,
        rows: files.iter().map(|file| file.rows).sum(),
        bytes: files.iter().map(|file| file.bytes).sum(),
        accounts: accounts.into_iter().map(str::to_owned).collect(),
        first: time(files.iter().map(|file| file.time_min_us).min().unwrap_or_default()),
        last: time(files.iter().map(|file| file.time_max_us).max().unwrap_or_default()),
        gaps,
        gaps_omitted,
        gap_hours,
    }
}

fn time(time_us: i64) -> Timestamp {
    Timestamp::from_microsecond(time_us).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The missing hours of every account and region.
fn gaps(files: &[&LakeFile]) -> Vec<Gap> {
    // Hours since 1970 in which there are rows, as days with their bits.
    let mut lanes: BTreeMap<(&str, &str), BTreeMap<i64, u32>> = BTreeMap::new();
    for file in files {
        let day = day_start_us(file.day) / HOUR_US;
        for region in &file.regions {
            let lane = lanes.entry((&file.account, &region.region)).or_default();
            *lane.entry(day).or_default() |= region.hours;
        }
    }
    let mut gaps = Vec::new();
    for ((account, region), days) in lanes {
        let mut last: Option<i64> = None;
        for (day, bits) in days {
            for hour in (0..DAY_HOURS).filter(|hour| bits & (1 << hour) != 0) {
                let hour = day + hour;
                if let Some(before) = last.filter(|before| hour - before > 1) {
                    gaps.push(Gap {
                        account: account.to_owned(),
                        region: region.to_owned(),
                        from: time((before + 1).saturating_mul(HOUR_US)),
                        until: time(hour.saturating_mul(HOUR_US)),
                    });
                }
                last = Some(hour);
            }
        }
    }
    gaps
}
