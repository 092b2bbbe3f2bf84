//! Tests of the crate as others use it, over real stores in temporary folders.
//! Pure parts are tested beside their code.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]

mod channels;
mod folding;
mod mail_server;
mod receiver;
mod routes;
mod site;
