//! Stage 2, decide: verdicts of controls on resources, and scores of frameworks.
//! Nothing here reads AWS, a clock or a file: resources, content and the time are handed in.
//!
//! A scan is judged in two passes over its resources: the first fills a [`Snapshot`] with what
//! controls reach from elsewhere, the second judges each resource against it.

pub mod behaviors;
pub mod cases;
mod conditions;
mod controls;
pub mod detections;
pub mod frameworks;
pub mod intelligence;
pub mod sequences;
pub mod spend;
mod witness;

pub use controls::{
    AccountKnown, Judge, JudgeOptions, Judged, Needs, Snapshot, expired_exceptions,
};
