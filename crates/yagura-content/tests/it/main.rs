//! The integration tests of the content crate, in one binary.
//! Tests of private parts stand beside the code.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unreachable,
    reason = "a failing check fails its test, which is what these are for"
)]

mod builtin;
mod expression_laws;
mod expression_reads;
mod expression_results;
mod hostile;
mod lint_detections;
mod lint_messages;
mod lint_sources;
mod promises;
mod site_folder;
