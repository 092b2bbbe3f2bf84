//! Controls on resources: which apply, what they say, and what they show for it.
//! Scores of frameworks are made of the verdicts in `crate::frameworks`.

mod evidence;
mod exceptions;
mod judge;
mod needs;
mod selection;
mod snapshot;

pub use exceptions::expired_exceptions;
pub use judge::{AccountKnown, Judge, JudgeOptions, Judged};
pub use needs::Needs;
pub use snapshot::Snapshot;
