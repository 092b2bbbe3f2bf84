//! Behaviours: what is usual for whom, learned from the records as they pass, and which departure
//! is worth a signal. Which behaviours there are is content; sequences of signals are `sequences`.
//!
//! Threads observe with an [`Observer`] each; what they take is folded into one [`State`], which
//! judges bucket after bucket of event time against what it has learned before.

mod cases;
mod compile;
mod condition;
mod contrast;
mod hash;
mod links;
mod network;
mod observations;
mod observer;
mod rate;
mod reading;
mod state;
mod travel;
mod values;
mod volume;

pub use cases::{BehaviorCaseResult, run_behavior_cases};
pub use compile::{BehaviorFault, Behaviors};
pub use links::Link;
pub use network::Network;
pub use observations::Observations;
pub use observer::Observer;
pub use state::{Counters, Options, Saved, SavedError, SavedText, State};
