//! Rows come in: workers, staged files, the commit that makes them part of the lake.
//! How records become columns is `rows/`, which records are repeats `seen/`.

mod commit;
mod encode;
mod ingestion;
mod object;
mod quarantine;
mod recover;
mod resolve;
mod staging;
mod worker;

pub(crate) use commit::ATTEMPTS_MAX as COMMIT_ATTEMPTS_MAX;
pub use commit::Committed;
pub(crate) use encode::{FileEncoder, FileFacts};
pub use ingestion::{Ingestion, IngestionSize};
pub use quarantine::Piece;
pub(crate) use recover::recover;
pub(crate) use staging::{StagedFile, Staging, Upload, writer_name};
pub use worker::{Appended, Refused, Worker};
