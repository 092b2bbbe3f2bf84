//! How much of an account, region and type a scan has listed.
//! A resource is called deleted only where the listing was complete.

use serde::{Deserialize, Serialize};

use crate::unread::Unread;

/// What became of listing one type in one account and region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coverage {
    /// Twelve digits, or [`OTHER_ACCOUNTS`](crate::OTHER_ACCOUNTS) for the accounts of the
    /// organization that the scan left out.
    pub account: String,
    /// A region's name, or [`GLOBAL_REGION`](crate::GLOBAL_REGION) for types listed once per
    /// account. Of a type that is listed by region, the global one speaks of every region that
    /// has no word of its own: those that the scan left out.
    pub region: String,
    /// The resource type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The outcome.
    pub state: CoverageState,
    /// Resources listed.
    pub count: u64,
}

/// The outcome of a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CoverageState {
    /// Every page was read.
    Complete,
    /// Some pages were read, then a call failed.
    Partial(Unread),
    /// Nothing could be listed.
    Unread(Unread),
}

impl CoverageState {
    /// What was not read, if anything.
    pub fn unread(&self) -> Option<&Unread> {
        match self {
            Self::Complete => None,
            Self::Partial(unread) | Self::Unread(unread) => Some(unread),
        }
    }
}
