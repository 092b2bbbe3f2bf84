//! Claims about the demo's recording, made from `content/demo/` and committed beside it.
//! What the program says about it is tested where the program is.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod demo;
