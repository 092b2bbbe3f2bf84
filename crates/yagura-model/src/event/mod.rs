//! Events: a batch of log records as raw text plus one parsed index over it, shared by the lake's
//! writer and the rule matcher.
//! No typing of columns (see `source`), no decompression and no envelopes (the collector's work).
//!
//! A batch holds no heap object per record or field: every value is a [`Value`], a small copyable
//! view of one node of the index. Records of JSON logs are indexed as they stand; records of text
//! logs are put together field by field and look the same to every reader.

mod batch;
mod builder;
mod escape;
mod fault;
mod index;
mod node;
mod scan;
mod trie;
mod value;

pub use batch::{EventBatch, Origin, Record, Records};
pub use builder::BatchBuilder;
pub use escape::write_json_string;
pub use fault::{JsonFault, JsonFaultKind};
pub use index::{DEPTH_MAX, VALUES_MAX};
pub use node::Kind;
pub use trie::{PathTrie, TrieStep};
pub use value::{Entries, Items, Value};

#[cfg(test)]
mod tests;
