//! Logs: where their objects come from, how they are read, and how they get into the lake exactly
//! once. What sources look like is content; rows and files are the lake's.
//!
//! Feeds list objects; the ledger remembers them; workers open, decode and append them to the
//! lake; a commit of the lake makes their rows visible and the ledger follows it.

mod course;
pub mod decode;
pub mod feeds;
mod pipeline;
mod reading;
mod recognize;

pub use feeds::{Feed, FeedError, Page, Scope};
pub use pipeline::{
    IngestError, IngestLimits, Job, Outcome, Progress, Quarantined, Tap, TapError, Unread, ingest,
};
pub use reading::{ReadError, ReadLimits, ReadOutcome, Reading, read};
