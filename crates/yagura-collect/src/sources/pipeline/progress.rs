//! How far ingestion is, as numbers. Showing them is the command's work.

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
    /// Records that became rows.
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
