//! Stage 3, act: verdicts and alerts become findings, findings reach people.
//! It never reads the lake and never a clock: the time is handed in.

mod error;
pub mod findings;
pub mod push;

pub use error::RespondError;
