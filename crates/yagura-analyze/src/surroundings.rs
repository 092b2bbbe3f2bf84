//! What a fact may ask about other resources, in this crate's own terms.
//! How the inventory is indexed and how much of it is in memory is judge's business.

use yagura_model::{Resource, Unread};

/// The resources around the one that a fact is about.
pub trait Surroundings {
    /// The resources of a type in one account.
    fn in_account(&self, account: &str, type_name: &str) -> Listing<'_>;

    /// The resources of a type in one account and region.
    fn in_region(&self, account: &str, region: &str, type_name: &str) -> Listing<'_>;

    /// The resources of a type in every account that the inventory knows.
    fn in_organization(&self, type_name: &str) -> Listing<'_>;

    /// The resources of a type with this ARN or native id, as seen from an account: none or one,
    /// unless ids repeat between regions.
    fn find(&self, account: &str, type_name: &str, target: &str) -> Listing<'_>;
}

/// Resources that were listed, and what of the listing was not read.
#[derive(Debug, Default)]
pub struct Listing<'s> {
    /// What was listed.
    pub resources: Vec<&'s Resource>,
    /// Why there may be more; empty when the listing is whole.
    pub unread: Vec<Unread>,
}
