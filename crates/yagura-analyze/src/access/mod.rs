//! Who can do what: the inventory's policies laid out as `iam-policy` wants them, and questions
//! asked of it. The engine's rules are in `iam-policy`; words for people are the command's.

pub mod escalation;
pub mod gap;
pub mod generate;
mod guarded;
mod holders;
pub mod least;
mod organization;
mod outsiders;
pub mod preview;
mod question;
pub mod unused;
pub mod usage;
mod written;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use iam_policy::{Layer, Policy};
use serde_json::Value;
use yagura_model::{Coverage, Resource, Unread, UnreadReason};

pub use outsiders::Outsider;
pub use question::{Answer, Ask, AskError, Verdict};
pub use written::{WrittenPolicy, written_policies};

/// The types whose resources a [`World`] is built from, besides those that have a policy of their
/// own ([`guarded_types`]).
pub const WORLD_TYPES: [&str; 10] = [
    "AWS::IAM::User",
    "AWS::IAM::Role",
    "AWS::IAM::Group",
    "AWS::IAM::ManagedPolicy",
    "Yagura::IAM::AwsManagedPolicy",
    "AWS::Organizations::Organization",
    "AWS::Organizations::Account",
    "AWS::Organizations::OrganizationalUnit",
    "Yagura::Organizations::Root",
    "AWS::Organizations::Policy",
];

/// The types whose resources have a policy of their own, as far as it is understood.
pub fn guarded_types() -> impl Iterator<Item = &'static str> {
    guarded::KINDS.iter().map(|kind| kind.type_name)
}

/// Whether an ARN is that of a role which AWS made for one of its services and nobody can change.
pub fn is_service_linked(arn: &str) -> bool {
    arn.contains(":role/aws-service-role/")
}

/// A policy with the name people know it by.
#[derive(Clone, Debug)]
pub(crate) struct NamedPolicy {
    pub(crate) name: Arc<str>,
    pub(crate) policy: Arc<Policy>,
    /// As it is written.
    pub(crate) text: Arc<str>,
}

/// Something that was not read and that a decision may hang on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The kind of policy that is not known.
    pub layer: Layer,
    /// What it belongs to: a resource's key, or a type where a whole listing is unread.
    pub of: String,
    /// Why.
    pub unread: Unread,
}

/// All policies of an inventory, compiled once.
#[derive(Debug, Default)]
pub struct World {
    holders: BTreeMap<String, holders::Holder>,
    /// Groups by key, with what they alone give.
    groups: BTreeMap<String, holders::Holder>,
    /// Roles by account and name: sessions do not tell the path.
    by_name: HashMap<(String, String), String>,
    homes: HashMap<String, organization::Home>,
    organization: Option<organization::Organization>,
    guarded: HashMap<String, guarded::Guarded>,
    /// Types that some scan has listed somewhere.
    listed: BTreeSet<String>,
    /// Listings of a type in an account that are not whole.
    unlisted: Vec<(String, String, Unread)>,
}

impl World {
    /// Lays out what a scan saw. `coverage` says which listings are whole.
    pub fn new(resources: &[Resource], coverage: &[Coverage]) -> Self {
        let mut world = Self::default();
        for one in coverage {
            world.listed.insert(one.type_name.clone());
            if let Some(unread) = one.state.unread() {
                let place = (one.type_name.clone(), one.account.clone(), unread.clone());
                world.unlisted.push(place);
            }
        }
        let managed = managed_policies(resources);
        holders::read(&mut world, resources, &managed);
        organization::read(&mut world, resources);
        guarded::read(&mut world, resources);
        world
    }

    /// The users and roles it knows, by ARN.
    pub fn principals(&self) -> impl Iterator<Item = &str> {
        self.holders.keys().map(String::as_str)
    }

    /// The name of the organization, where there is one.
    pub fn organization_id(&self) -> Option<&str> {
        self.organization.as_ref().map(|organization| organization.id.as_str())
    }

    /// What of a listing is not read, in an account.
    fn unlisted(&self, type_name: &str, account: &str) -> Option<&Unread> {
        self.unlisted
            .iter()
            .find(|(listed, of, _)| listed == type_name && of == account)
            .map(|(.., unread)| unread)
    }
}

/// Managed policies by ARN; those of AWS are the same in every account.
type Managed = HashMap<String, Result<NamedPolicy, Unread>>;

fn managed_policies(resources: &[Resource]) -> Managed {
    let mut managed = Managed::new();
    for resource in resources {
        let arn = match resource.type_name.as_str() {
            "AWS::IAM::ManagedPolicy" => resource.key.clone(),
            "Yagura::IAM::AwsManagedPolicy" => resource.id.clone(),
            _ => continue,
        };
        let seen = crate::read::see(resource, "properties.PolicyDocument");
        let policy = match (seen.value(), seen.unread()) {
            (_, Some(unread)) => Err(unread.clone()),
            (Some(document), None) => compiled(&resource.name, document),
            (None, None) => Err(unreadable(gap::DOCUMENT)),
        };
        // One readable copy is enough.
        if policy.is_ok() || !managed.contains_key(&arn) {
            managed.insert(arn, policy);
        }
    }
    managed
}

/// Compiles a document; one that AWS itself would not accept counts as unread.
fn compiled(name: &str, document: &Value) -> Result<NamedPolicy, Unread> {
    let text = match document {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match Policy::parse(&text) {
        Ok(policy) => {
            Ok(NamedPolicy { name: name.into(), policy: Arc::new(policy), text: text.into() })
        }
        Err(error) => Err(unreadable(&error.to_string())),
    }
}

/// A policy that allows everything.
pub(crate) fn everything() -> Option<&'static Policy> {
    question::EVERYTHING.as_ref()
}

fn unreadable(detail: &str) -> Unread {
    let detail = detail.to_owned();
    Unread { detail, ..Unread::of(yagura_model::Path::default(), UnreadReason::Failed) }
}

#[cfg(test)]
mod tests;
