//! The engine through its public face: AWS's documented behavior, case by case, and properties.
//! Cases are our own, written after AWS's documentation.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "a test that cannot go on fails"
)]
#![allow(clippy::needless_pass_by_value, reason = "the smallest input reads best as a literal")]

mod accounts;
mod case;
mod conditions;
mod elements;
mod hostile;
mod oracle;
mod organizations;
mod properties;
mod questions;
mod seeds;
mod services;
