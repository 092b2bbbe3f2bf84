//! Facts from policy documents: who is let in, who may do everything, what must be encrypted.
//! These are simple readings of single documents; the exact evaluation of IAM is `lib/iam-policy`.

mod administrator;
mod condition;
mod document;
mod holders;
mod public;
mod transport;

pub(crate) use administrator::ADMINISTRATORS;
pub(crate) use holders::{policy_paths, resource_policy};
pub(crate) use public::{PUBLIC_ACCESS, TRUST};
