//! The console asked as a browser and as a program ask it: requests to its router over a store in
//! a folder of its own.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot go on fails"
)]
#![allow(clippy::needless_pass_by_value, reason = "tests take what `json!` makes")]

mod access;
mod accounts;
mod alerts;
mod api;
mod controls;
mod cost;
mod door;
mod findings;
mod gate;
mod inventory;
mod logs;
mod mcp;
mod oidc;
mod provider;
mod resources;
mod routes;
mod shell;
mod sign_in;
mod some_accounts;
mod support;
