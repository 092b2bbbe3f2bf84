//! Integration tests of the engine, one binary.
//! Unit tests stand beside the code they test.

#![allow(clippy::unwrap_used, reason = "what the helpers of tests unwrap is a failed test")]

mod check;
mod correlating;
mod matching;
mod refusing;
mod stream;
mod streaming;
