//! The bounds of decoding, what it counts, and what ends it.
//! Bad data is not an error: it is handed out as bad pieces.

use std::io;
use std::path::PathBuf;

/// Bounds that hold whatever an object contains.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of one record as text.
    pub record_bytes_max: usize,
    /// Bytes of one object after decompression.
    pub inflated_bytes_max: u64,
    /// How many times larger than stored an object may become. It counts from 64 MiB of text on:
    /// small texts that repeat themselves compress well without harm.
    pub ratio_max: u64,
    /// Bytes of text and index at which a batch is handed out.
    pub batch_bytes: usize,
    /// Bytes of text that are read at once.
    pub chunk_bytes: usize,
    /// Where a Parquet object that is too large for memory waits while it is read; the system's
    /// folder for temporary files where it is not said.
    pub spool_folder: Option<PathBuf>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            record_bytes_max: 16 << 20,
            inflated_bytes_max: 64 << 30,
            ratio_max: 500,
            batch_bytes: 4 << 20,
            chunk_bytes: 512 << 10,
            spool_folder: None,
        }
    }
}

/// What decoding one object came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecodeSummary {
    /// Good records handed out.
    pub records: u64,
    /// Bad pieces handed out.
    pub bad_pieces: u64,
    /// Bytes of the object as stored that were read.
    pub stored_bytes: u64,
    /// Bytes of its text.
    pub inflated_bytes: u64,
    /// Whether the receiver wanted no more: the rest of the object was not read.
    pub stopped: bool,
}

/// Why an object could not be decoded to its end. Nothing is known of the rest: the object must
/// be tried again.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The bytes could not be read.
    #[error("reading `{location}` at byte {offset}")]
    Read {
        /// The object.
        location: String,
        /// How many bytes had been read.
        offset: u64,
        /// Why not.
        source: io::Error,
    },
    /// The copy that a large Parquet object needs could not be written.
    #[error("writing a temporary copy of `{location}`")]
    Spool {
        /// The object.
        location: String,
        /// Why not.
        source: io::Error,
    },
}
