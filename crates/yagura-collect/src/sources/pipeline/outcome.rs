//! What ingestion came to: counts, what is in quarantine and what could not be read, by name.
//! The words for people are the command's.

use yagura_store::ledger::{Balance, Reconciled};

use super::Progress;

/// What one run of ingestion came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The counts of this run.
    pub counts: Progress,
    /// Objects whose records are in the lake now, of this run.
    pub ingested: u64,
    /// Objects of this run of which nothing is in the lake.
    pub quarantined: u64,
    /// Objects of this run whose content was known.
    pub duplicate: u64,
    /// Rows that this run brought into the lake.
    pub rows: u64,
    /// Records of this run that the lake already had.
    pub repeats: u64,
    /// Objects that another process ingested in the meantime.
    pub taken: u64,
    /// Quarantined objects, and ingested ones with bad pieces, by name.
    pub quarantines: Vec<Quarantined>,
    /// Objects that could not be read and stay pending, by name.
    pub unread: Vec<Unread>,
    /// How many objects could not be read.
    pub unread_count: u64,
    /// What could not be listed: feed and reason.
    pub unlisted: Vec<Unread>,
    /// Whether it was cancelled.
    pub interrupted: bool,
    /// What the ledger learned from the lake before anything was read.
    pub reconciled: Reconciled,
    /// The balance of the feeds of this run, afterwards.
    pub balance: Balance,
}

/// An object in quarantine, whole or in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// The object.
    pub location: String,
    /// One of [`yagura_store::ledger::reason`], or of the reasons of a piece.
    pub reason: String,
    /// What is wrong with it.
    pub detail: String,
    /// Pieces in quarantine; zero where the object was never decoded.
    pub pieces: u64,
}

/// What could not be read or listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The object or feed.
    pub location: String,
    /// One of [`yagura_store::ledger::reason`].
    pub reason: String,
    /// What was attempted and what came back.
    pub detail: String,
}
