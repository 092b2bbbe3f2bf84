//! Sequences: signals of one actor or resource, over hours and accounts, that make one story.
//! Which sequences there are is content; the signals come from detections, lists and behaviours.
//!
//! Signals and links are kept as sets, and stories are found in the sets: the order in which
//! signals come does not matter, and a story that grows keeps its identity.

mod cases;
mod compile;
mod keys;
mod matching;
mod people;
mod state;
mod story;

pub use cases::{SequenceCaseResult, run_sequence_cases};
pub use compile::Sequences;
pub use state::{Counters, Options, Saved, SavedError, State};
