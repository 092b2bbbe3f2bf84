//! The log lake: layout, write, compact, query. The only crate that imports Arrow, Parquet or
//! `DataFusion`. Feeds and formats of logs are the collector's; sources are content's.

mod amend;
mod compact;
pub mod ddl;
mod error;
pub mod explain;
pub mod export;
mod file_reader;
mod form;
mod functions;
pub mod input;
mod inventory;
mod lake;
mod layout;
mod location;
mod lookup;
mod manifest;
pub mod ocsf;
mod pieces;
pub mod query;
mod retention;
mod rows;
mod seen;
mod snapshot;
mod status;
mod storage;
pub mod usage;
mod write;

pub use compact::{CompactOptions, Compacted};
pub use error::LakeError;
pub use lake::Lake;
pub use layout::partition::ACCOUNT_UNKNOWN;
pub use location::{LakeLocation, LakeOptions, MEMORY_BYTES_DEFAULT};
pub use manifest::{
    Bloom, CommitId, CommitKind, CommittedObject, Deletion, Hold, LakeFile, ObjectReceipt,
    ObjectState, RegionHours, RowGroup,
};
pub use pieces::KeptPiece;
pub use retention::{Expired, RetentionRule};
pub use rows::refused::RefusedReason;
pub use snapshot::Snapshot;
pub use status::{Gap, LakeStatus, SourceStatus, StoragePrice};
pub use write::{Appended, Committed, Ingestion, IngestionSize, Piece, Refused, Worker};
