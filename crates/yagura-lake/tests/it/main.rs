//! The lake through its public interface only, on folders and in memory.
//! Pure functions are tested beside their code.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]
#![allow(clippy::needless_pass_by_value, reason = "the smallest input reads best as a literal")]

mod query; // SQL over logs and inventory: pruning, lookups, joins, limits, spilling
mod write; // rows come in: repeats, faults, several writers, compaction, retention
