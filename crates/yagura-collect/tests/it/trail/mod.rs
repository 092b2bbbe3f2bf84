//! Verification of CloudTrail's files: every outcome that the chain of digests can have.
//! Real AWS is not asked; signatures are made with keys of our own at test time.

mod api_keys;
mod bed;
mod bucket;
mod outcomes;
