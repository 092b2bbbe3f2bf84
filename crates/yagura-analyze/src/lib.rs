//! Pure functions from resources to facts: how things are, worked out from what was read.
//! Nothing here is good or bad, and nothing here does I/O, reads a clock or calls AWS.
//!
//! Each fact is described in `docs/internals/facts.md`.

pub mod access;
mod fact;
pub mod intelligence;
mod logs;
mod network;
mod policy;
mod read;
mod surroundings;
pub mod trail;

pub use fact::{FACTS, FactSource, Facts, fact_sources, facts_of};
pub use surroundings::{Listing, Surroundings};
