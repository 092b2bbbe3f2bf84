//! Facts from policy documents: who is let in, who may do everything, what must be encrypted.
//! These are readings of single resources; questions over the whole inventory are in `access`.

mod activity;
mod administrator;
mod duties;
mod escalations;
mod external;
mod guardrails;
mod holders;
mod public;
mod remarks;
mod sharing;
mod transport;
mod zone;

pub(crate) use activity::ACTIVITY;
pub(crate) use administrator::ADMINISTRATORS;
pub(crate) use duties::DUTIES;
pub(crate) use escalations::ESCALATIONS;
pub(crate) use external::EXTERNAL_ACCESS;
pub(crate) use guardrails::GUARDRAILS;
pub(crate) use holders::{Document, policy_paths, resource_policy};
pub(crate) use public::{PUBLIC_ACCESS, TRUST};
pub(crate) use remarks::REMARKS;
pub(crate) use sharing::SHARING;
