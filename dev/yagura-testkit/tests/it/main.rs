//! Claims about what the kit makes: the demo's recording (from `content/demo/`), generated logs.
//! What the program says about it is tested where the program is.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking, in its helpers too"
)]

mod cloudtrail_generator;
mod demo;
