//! Detections: signals raised while logs flow, and alerts grouped from them.
//! Nothing here reads a log, a clock or a file: event batches, content and the time are handed in.
//!
//! A [`Detector`] is compiled once and shared. Each thread has a [`Worker`], which turns batches
//! into [`Judged`]; one [`Folder`] joins those into alerts. What is folded does not depend on how
//! logs were split among batches and threads, nor on whether they came twice.

mod case_events;
pub mod cases;
mod context;
mod correlated;
mod counters;
mod detector;
mod folder;
mod groups;
mod record;
mod roots;
mod state;
mod witness;
mod worker;

pub use counters::Counters;
pub use detector::{DetectOptions, Detector, Known};
pub use folder::{Folder, Outcome};
pub use state::{State, StateError};
pub use worker::{Judged, Worker};
