//! How far ingestion is, as numbers. Showing them is the command's work.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Counts since the start; all only grow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Objects that listings saw.
    pub objects_listed: u64,
    /// Of those, the ones that are new or were still pending.
    pub objects_to_read: u64,
    /// Their size as stored, in bytes.
    pub bytes_to_read: u64,
    /// Whether all feeds have been listed to their end.
    pub listed: bool,
    /// Objects done with, whatever became of them.
    pub objects_done: u64,
    /// Bytes read of objects, as stored.
    pub bytes_read: u64,
    /// Good records decoded.
    pub records: u64,
    /// Records that became rows. Until its commit, a row may still turn out to be a repeat.
    pub rows: u64,
    /// Records that the lake already had.
    pub repeats: u64,
    /// Pieces put in quarantine.
    pub bad: u64,
    /// Bytes of records after decompression.
    pub bytes_inflated: u64,
    /// Commits of the lake.
    pub commits: u64,
}

/// The same counts, while many threads add to them.
#[derive(Default)]
pub(in crate::sources) struct Counters {
    pub(in crate::sources) objects_listed: AtomicU64,
    pub(in crate::sources) objects_to_read: AtomicU64,
    pub(in crate::sources) bytes_to_read: AtomicU64,
    pub(in crate::sources) listed: AtomicBool,
    pub(in crate::sources) objects_done: AtomicU64,
    pub(in crate::sources) bytes_read: AtomicU64,
    pub(in crate::sources) records: AtomicU64,
    pub(in crate::sources) rows: AtomicU64,
    pub(in crate::sources) repeats: AtomicU64,
    pub(in crate::sources) bad: AtomicU64,
    pub(in crate::sources) bytes_inflated: AtomicU64,
    pub(in crate::sources) commits: AtomicU64,
}

pub(in crate::sources) fn add(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}

impl Counters {
    pub(in crate::sources) fn progress(&self) -> Progress {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Progress {
            objects_listed: read(&self.objects_listed),
            objects_to_read: read(&self.objects_to_read),
            bytes_to_read: read(&self.bytes_to_read),
            listed: self.listed.load(Ordering::Relaxed),
            objects_done: read(&self.objects_done),
            bytes_read: read(&self.bytes_read),
            records: read(&self.records),
            rows: read(&self.rows),
            repeats: read(&self.repeats),
            bad: read(&self.bad),
            bytes_inflated: read(&self.bytes_inflated),
            commits: read(&self.commits),
        }
    }
}
