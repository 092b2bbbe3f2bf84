//! The manifest: numbered commits, each put if absent, whose sum is the lake.
//! What is in one commit and how a sum is kept; writing Parquet files is `write/`.

mod commit;
mod encode;
mod file;
mod log;
mod state;

pub(crate) use commit::{Commit, QuarantineFile, Removal};
pub use commit::{
    CommitId, CommitKind, CommittedObject, Deletion, Hold, ObjectReceipt, ObjectState,
};
pub use file::{Bloom, LakeFile, RegionHours, RowGroup};
pub(crate) use log::{ManifestLog, Tried};
pub(crate) use state::State;
