//! What an expression may ask about other resources; judge answers.
//! How resources are held and indexed is not known here.

use serde_json::Value;
use yagura_model::{Resource, Unread};

/// Other resources, together with what could not be listed.
#[derive(Clone, Debug, Default)]
pub struct Listing<'a> {
    /// The resources that are known to belong to the answer.
    pub resources: Vec<&'a Resource>,
    /// Why the answer may be incomplete; empty if it is complete. `exists` over an incomplete
    /// listing is true or unknown, `all` false or unknown, `size` unknown.
    pub unread: Vec<&'a Unread>,
}

/// What analyze computed about a resource.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The facts by name.
    pub value: &'a Value,
    /// Facts that cannot be said, with paths such as `facts.public_access`.
    pub unread: &'a [Unread],
}

/// The other resources of the same scan.
///
/// INVARIANT: whoever implements this must name in [`Listing::unread`] everything that could
/// have added a resource to the answer but was not read: a listing that was denied, a relation
/// whose target's type was not listed in the account and region where the target lives, a
/// resource of the referring type whose relation could not be read.
pub trait Neighbors {
    /// The resources of a type in the account of `resource`, in all regions.
    fn in_account(&self, resource: &Resource, type_name: &str) -> Listing<'_>;

    /// The resources of a type in the account and region of `resource`.
    fn in_region(&self, resource: &Resource, type_name: &str) -> Listing<'_>;

    /// The resources of a type in all accounts and regions of the scan.
    fn in_organization(&self, type_name: &str) -> Listing<'_>;

    /// The targets of a relation of `resource`. That the relation itself was read
    /// (`relations.<name>` is not in `resource.unread`) has been checked by the caller.
    fn related(&self, resource: &Resource, relation: &str) -> Listing<'_>;

    /// The resources of a type whose relation of this name points at `resource`.
    fn referring(&self, resource: &Resource, type_name: &str, relation: &str) -> Listing<'_>;

    /// The facts about a resource; `None` makes everything under `resource.facts` unknown.
    fn facts(&self, resource: &Resource) -> Option<Facts<'_>>;
}

/// No neighbors at all: every question about them is answered *unknown*.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoNeighbors;

impl Neighbors for NoNeighbors {
    fn in_account(&self, _: &Resource, _: &str) -> Listing<'_> {
        not_asked()
    }

    fn in_region(&self, _: &Resource, _: &str) -> Listing<'_> {
        not_asked()
    }

    fn in_organization(&self, _: &str) -> Listing<'_> {
        not_asked()
    }

    fn related(&self, _: &Resource, _: &str) -> Listing<'_> {
        not_asked()
    }

    fn referring(&self, _: &Resource, _: &str, _: &str) -> Listing<'_> {
        not_asked()
    }

    fn facts(&self, _: &Resource) -> Option<Facts<'_>> {
        None
    }
}

fn not_asked() -> Listing<'static> {
    Listing { resources: Vec::new(), unread: vec![&super::unread::NOT_REQUESTED] }
}
