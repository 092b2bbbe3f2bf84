//! The ledger of log objects: which were listed, who works on which, what became of each.
//! Reading objects and writing the lake are done elsewhere; the lake's commits decide, and the
//! ledger follows them (`settle.rs`).
//!
//! There is no "last key" marker anywhere: keys of log objects arrive late and out of order, so
//! every listed key is compared with what is known.

mod balance;
mod claim;
mod listing;
mod read;
mod settle;

use std::fmt;

use yagura_model::object::LogObject;

use crate::Store;
use crate::database::Database;
use crate::encode::digest;

pub use balance::Balance;
pub use claim::{Claim, Claimed, Failure, Position};
pub use listing::{Known, Listing, ListingId, ListingKind};
pub use read::{Entry, EntryFilter, Verdict};
pub use settle::{Committed, Reconciled, Settled, Settlement};

/// The ledger of a store. Clones share its connections.
///
/// Every method is one transaction: a process killed at any point leaves whole answers behind.
#[derive(Clone)]
pub struct Ledger {
    database: Database,
}

impl Store {
    /// The ledger of log objects in this store.
    pub fn ledger(&self) -> Ledger {
        Ledger { database: self.database.clone() }
    }
}

/// The number of an object in one ledger. Numbers are never used again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId(pub i64);

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where an object stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ObjectState {
    /// Listed; not yet in the lake, or tried and failed.
    Pending,
    /// Its good records are in the lake.
    Ingested,
    /// Nothing of it is in the lake; the reason says why.
    Quarantined,
    /// Its content is that of another object of the same place.
    Duplicate,
}

impl ObjectState {
    /// All states, in the order of the balance.
    pub const ALL: [Self; 4] = [Self::Ingested, Self::Quarantined, Self::Duplicate, Self::Pending];

    /// The word used in the database and in outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ingested => "ingested",
            Self::Quarantined => "quarantined",
            Self::Duplicate => "duplicate",
        }
    }

    fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// Why an object is quarantined, or was not read yet, as a word that programs may compare.
pub mod reason {
    /// The place no longer has it; listed again, it is pending again.
    pub const GONE: &str = "gone";
    /// No source recognizes its key and content.
    pub const NOT_RECOGNIZED: &str = "not_recognized";
    /// All of its records were refused.
    pub const ALL_BAD: &str = "all_bad";
    /// The place has other content than was listed; listed again, it is pending again.
    pub const CHANGED: &str = "changed";
    /// It could not be opened or read: denied, throttled, a network or disk error.
    pub const FAILED: &str = "failed";
    /// It has zero bytes of content that could carry records.
    pub const EMPTY: &str = "empty";
}

/// The bytes of an object's identity.
fn identity_bytes(identity: &str) -> Vec<u8> {
    hex::decode(identity).unwrap_or_else(|_| digest(identity.as_bytes()))
}

fn version_text(object: &LogObject) -> String {
    crate::encode::column_text(object.version.as_deref().unwrap_or_default())
}

/// A count for a column; counts of objects and rows are far below 2^63.
fn count(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn uncount(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}
