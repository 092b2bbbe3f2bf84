//! Stage 3, act: verdicts and alerts become findings, findings reach people.
//! It never reads the lake and never a clock: the time is handed in.

pub mod channels;
mod error;
pub mod findings;
pub mod outbox;
pub mod push;
pub mod routes;

pub use error::RespondError;
