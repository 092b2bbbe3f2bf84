//! The console asked as a browser and as a program ask it: requests to its router over a store in
//! a folder of its own.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod access;
mod alerts;
mod api;
mod cost;
mod findings;
mod gate;
mod logs;
mod mcp;
mod shell;
mod sign_in;
mod support;
