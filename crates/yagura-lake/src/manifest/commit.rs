//! One commit: what it adds, what it removes, what became of log objects.
//! The bytes of it are in `encode.rs`, the sum of all in `state.rs`.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use yagura_model::LogObject;

use crate::manifest::LakeFile;

/// The number of a commit. The empty lake is at 0, the first commit is 1.
pub type CommitId = u64;

/// What a commit is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommitKind {
    /// Rows came in.
    #[default]
    Ingestion,
    /// Small files became large ones; no row came or went.
    Compaction,
    /// Rows whose time was over went.
    Retention,
    /// A legal hold was placed or lifted.
    Hold,
    /// Writers of which nothing was heard were taken for dead.
    Fence,
}

/// What became of a log object as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectState {
    /// Every record is a row, or a repeat of one.
    Whole,
    /// Some of it is in quarantine.
    Partial,
    /// All of it is in quarantine.
    Rejected,
}

/// What became of a log object, to the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectReceipt {
    /// The object, with version and etag.
    pub object: LogObject,
    /// The source that it was taken for.
    pub source: String,
    /// What became of it.
    pub state: ObjectState,
    /// Records that became rows.
    pub rows: u64,
    /// Records that the lake had already.
    pub repeats: u64,
    /// Records and pieces that went to quarantine.
    pub quarantined: u64,
}

/// A receipt with the commit that it is part of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedObject {
    /// The commit.
    pub commit: CommitId,
    /// What became of the object.
    pub receipt: ObjectReceipt,
}

/// A file of pieces that could not be read as records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct QuarantineFile {
    pub(crate) path: String,
    pub(crate) source: String,
    pub(crate) pieces: u64,
    pub(crate) bytes: u64,
}

/// A file that is no longer part of the lake; it is deleted once no reader can use it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Removal {
    pub(crate) path: String,
}

/// What retention deleted, kept for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deletion {
    /// The commit that did it.
    pub commit: CommitId,
    /// When.
    pub time: Timestamp,
    /// The source's id.
    pub source: String,
    /// The account, as in the partition.
    pub account: String,
    /// The first day of what was deleted.
    pub day_min: Date,
    /// The last day of what was deleted.
    pub day_max: Date,
    /// Files deleted.
    pub files: u64,
    /// Rows deleted.
    pub rows: u64,
    /// Bytes freed.
    pub bytes: u64,
    /// The rule that asked for it: "kept for 90 days".
    pub reason: String,
}

/// A legal hold: nothing that it covers is deleted, whatever retention says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Its name, unique in the lake: `case-2026-17`.
    pub name: String,
    /// Why, for whoever reads the list later.
    pub reason: String,
    /// The source's id; none: all sources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The account; none: all accounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Rows from this day on; none: from the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Date>,
    /// Rows up to this day, inclusive; none: to the last, and what is still to come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
    /// When it was placed.
    pub placed: Timestamp,
}

/// One commit. All parts may be empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Commit {
    pub(crate) id: CommitId,
    pub(crate) kind: CommitKind,
    /// When it was made, by the clock of whoever made it; never earlier than the commit before.
    pub(crate) time: Timestamp,
    /// Which writer made it.
    pub(crate) writer: String,
    pub(crate) added: Vec<Arc<LakeFile>>,
    pub(crate) removed: Vec<Removal>,
    pub(crate) objects: Vec<ObjectReceipt>,
    pub(crate) quarantine: Vec<QuarantineFile>,
    pub(crate) deletions: Vec<Deletion>,
    pub(crate) holds_placed: Vec<Hold>,
    pub(crate) holds_lifted: Vec<String>,
    /// Writers whose commits count no longer.
    pub(crate) fenced: Vec<String>,
}
