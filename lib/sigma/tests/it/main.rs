//! Integration tests of the engine, one binary.
//! Unit tests stand beside the code they test.

#![allow(clippy::unwrap_used, reason = "what the helpers of tests unwrap is a failed test")]

mod agreeing;
mod check;
mod correlating;
mod fixtures;
mod matching;
mod oracle;
mod refusing;
mod stream;
mod streaming;
