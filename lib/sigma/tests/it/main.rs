//! Integration tests of the engine, one binary.
//! Unit tests stand beside the code they test.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking, in its helpers too"
)]

mod agreeing;
mod check;
mod correlating;
mod fixtures;
mod matching;
mod oracle;
mod public;
mod refusing;
mod seeds;
mod stream;
mod streaming;
