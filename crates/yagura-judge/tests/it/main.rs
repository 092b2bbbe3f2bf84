//! Controls, frameworks and cases, judged as a scan judges them.
//! The expression language and facts have their own tests.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "a test that meets the unexpected should stop"
)]

mod behaviors;
mod builtin;
mod cases;
mod controls;
mod detections;
mod exceptions;
mod frameworks;
mod geo;
mod intelligence;
mod neighbors;
mod real_attacks;
mod sequences;
mod unread;
mod world;
