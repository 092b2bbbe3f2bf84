//! Facts of small resources, and what proves CloudTrail's files, one claim each.
//! Parsing of patterns, blocks and documents is tested beside its code.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "a test that meets the unexpected should stop"
)]

mod access;
mod external;
mod logs;
mod network;
mod policy;
mod seeds;
mod trail;
mod world;
