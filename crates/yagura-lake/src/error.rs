//! What can go wrong with the lake: one enum for the whole crate, named for what was attempted.
//! Records that are refused are data, not errors: they are in `write/`.

use std::sync::Arc;

/// Why something that the lake was asked for could not be done. Nothing half-done is visible
/// afterwards, and the same call may be made again.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LakeError {
    /// The store did not answer a read.
    #[error("cannot read `{path}` of the lake")]
    Read {
        /// Path under the root of the lake.
        path: String,
        /// What the store said.
        #[source]
        source: Arc<object_store::Error>,
    },
    /// The store refused a write: a full disk, a read-only folder, a denied or broken request.
    #[error("cannot write `{path}` of the lake; nothing of it was committed")]
    Write {
        /// Path under the root of the lake.
        path: String,
        /// What the store said.
        #[source]
        source: Arc<object_store::Error>,
    },
    /// A folder or file of the local file system could not be used.
    #[error("cannot use `{path}` as the lake")]
    Folder {
        /// The path as given.
        path: String,
        /// What the operating system said.
        #[source]
        source: Arc<std::io::Error>,
    },
    /// A manifest file of the lake cannot be understood.
    #[error("cannot understand `{path}` of the lake: {what}")]
    Manifest {
        /// Path under the root of the lake.
        path: String,
        /// What is wrong with it.
        what: String,
    },
    /// The lake was written by a newer version of the program.
    #[error("the lake has format {found}, and this program reads up to format {known}")]
    NewerFormat {
        /// The format number found.
        found: u32,
        /// The newest format number that this program reads.
        known: u32,
    },
    /// A table cannot be laid out.
    #[error("table `{table}` cannot be kept in the lake: {what}")]
    Table {
        /// The source's id.
        table: String,
        /// What is wrong with it.
        what: String,
    },
    /// Arrow or Parquet refused the data.
    #[error("cannot {attempt}")]
    Encode {
        /// What was attempted: "encode rows of `cloudtrail`".
        attempt: String,
        /// What the library said.
        #[source]
        source: Arc<parquet::errors::ParquetError>,
    },
    /// Another process held this writer for dead and removed what it had staged.
    #[error("another process took this writer for dead; ingest again")]
    TakenForDead,
    /// Other writers committed again and again in between.
    #[error("could not commit in {attempts} attempts because other writers were quicker")]
    Contended {
        /// How many commit numbers were tried.
        attempts: u32,
    },
    /// A worker was dropped before it was closed, and with it rows of finished objects.
    #[error("a worker of the ingestion ended before it was closed; ingest again")]
    Worker,
    /// The request itself is wrong; the text says which part.
    #[error("{0}")]
    Request(String),
    /// A query failed.
    #[error("cannot {attempt}")]
    Query {
        /// What was attempted.
        attempt: String,
        /// What the engine said.
        #[source]
        source: Arc<datafusion::error::DataFusionError>,
    },
}

impl LakeError {
    pub(crate) fn read(path: impl std::fmt::Display, source: object_store::Error) -> Self {
        Self::Read { path: path.to_string(), source: Arc::new(source) }
    }

    pub(crate) fn write(path: impl std::fmt::Display, source: object_store::Error) -> Self {
        Self::Write { path: path.to_string(), source: Arc::new(source) }
    }

    pub(crate) fn encode(
        attempt: impl Into<String>,
        source: impl Into<parquet::errors::ParquetError>,
    ) -> Self {
        Self::Encode { attempt: attempt.into(), source: Arc::new(source.into()) }
    }

    pub(crate) fn manifest(path: impl std::fmt::Display, what: impl std::fmt::Display) -> Self {
        Self::Manifest { path: path.to_string(), what: what.to_string() }
    }
}
