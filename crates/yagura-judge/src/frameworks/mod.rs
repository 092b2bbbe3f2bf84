//! Frameworks: how well each requirement is met, from the verdicts of a scan and from what people
//! attest. Single verdicts are made in `crate::controls`.
//!
//! A failure with an exception in force does not count as a failure: the requirement is met *with
//! exceptions*, whose number is always beside it. An attestation answers only what measuring
//! cannot, and is always told from a measurement.

mod score;
mod state;
mod tally;

pub use score::{score, score_all};
pub use tally::Tally;
