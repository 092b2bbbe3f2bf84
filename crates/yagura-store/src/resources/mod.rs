//! Resources: storing what a scan saw, and reading it back as a scan or a time saw it.
//! The timeline of one resource is in `history.rs`.

mod browse;
mod neighbors;
mod put;
mod read;
mod texts;

use jiff::Timestamp;
use yagura_model::Resource;

pub use browse::{
    Judged, Life, MATCHES_MAX, RESOURCES_MAX, ResourceList, ResourceQuery, ResourceRow,
};
pub use neighbors::{NEIGHBORS_MAX, Neighbor, Neighbors};
pub(crate) use put::{next_version_id, put, read_gaps};
pub(crate) use read::decode_version;
pub(crate) use texts::fill;

/// Which resources to read. An empty list means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceFilter {
    /// Resource types (`AWS::S3::Bucket`).
    pub types: Vec<String>,
    /// Accounts, twelve digits each.
    pub accounts: Vec<String>,
    /// Regions' names; [`GLOBAL_REGION`](yagura_model::GLOBAL_REGION) is one of them.
    pub regions: Vec<String>,
}

impl ResourceFilter {
    /// Whether everything matches.
    pub fn is_all(&self) -> bool {
        self.types.is_empty() && self.accounts.is_empty() && self.regions.is_empty()
    }

    /// Whether a resource matches.
    pub fn matches(&self, resource: &Resource) -> bool {
        let has = |list: &[String], value: &str| list.is_empty() || list.iter().any(|x| x == value);
        has(&self.types, &resource.type_name)
            && has(&self.accounts, &resource.account)
            && has(&self.regions, &resource.region)
    }
}

/// What storing a batch of resources did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// Seen for the first time, or again after a deletion.
    pub new: u64,
    /// Got another version.
    pub changed: u64,
    /// As before.
    pub unchanged: u64,
    /// Left out: the same key was already stored in this scan; the first sighting stands.
    pub repeated: u64,
}

impl std::ops::AddAssign for Stored {
    fn add_assign(&mut self, more: Self) {
        self.new += more.new;
        self.changed += more.changed;
        self.unchanged += more.unchanged;
        self.repeated += more.repeated;
    }
}

/// A resource as it is known: the newest version, with what is unknown about it.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownResource {
    /// Its last known state. Unread are: what was never read, and what a scan tried to read and
    /// could not since. What later scans had no reason to ask for keeps its last known value.
    pub resource: Resource,
    /// When it was first seen, or seen again after a deletion.
    pub first_seen: Timestamp,
    /// When it was last seen. For a deleted one, when it was found missing.
    pub last_seen: Timestamp,
    /// Whether it is gone; `resource` is then as it was last seen.
    pub deleted: bool,
}
