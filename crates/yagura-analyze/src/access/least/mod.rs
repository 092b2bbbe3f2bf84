//! Least privilege: the policy that covers what a principal really did, and what its present
//! policies grant beyond it. Pure: usage comes from logs, policies from the inventory.
//! What a call needed is found in `usage`; the words for people are the command's.

mod breadth;
mod draft;
mod excess;
mod ledger;
mod proof;
#[cfg(test)]
mod tests;

pub use breadth::Breadth;
pub use draft::{Draft, DraftOptions, Kept};
pub use excess::{
    Blind, Excess, GrantReader, Granted, Grants, StatementUse, SurplusAction, blindness,
};
pub use ledger::{Tally, UsageLedger, UsedAction};
pub use proof::Uncovered;
