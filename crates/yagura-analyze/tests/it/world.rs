//! A handful of resources around the one that a fact is about.
//! What a test claims is in the other files.

use serde_json::{Value, json};
use yagura_analyze::{Facts, Listing, Surroundings, facts_of};
use yagura_model::{Path, Resource, Unread, UnreadReason};

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const REGION: &str = "us-east-1";

/// Resources, and types of which the listing was denied.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) resources: Vec<Resource>,
    pub(crate) denied: Vec<&'static str>,
}

/// A resource with the given members.
pub(crate) fn resource(type_name: &str, id: &str, members: Value) -> Resource {
    let mut whole = json!({
        "key": id, "id": id, "type": type_name, "account": ACCOUNT, "region": REGION, "name": id,
    });
    if let (Value::Object(whole), Value::Object(members)) = (&mut whole, members) {
        whole.extend(members);
    }
    serde_json::from_value(whole).unwrap()
}

impl World {
    fn listing(&self, type_name: &str, of: impl Fn(&Resource) -> bool) -> Listing<'_> {
        let denied = self.denied.iter().filter(|denied| **denied == type_name);
        Listing {
            resources: self
                .resources
                .iter()
                .filter(|resource| resource.type_name == type_name && of(resource))
                .collect(),
            unread: denied
                .map(|name| Unread {
                    path: Path::default(),
                    partial: false,
                    reason: UnreadReason::Denied,
                    call: format!("list:{name}"),
                    action: String::new(),
                    detail: String::new(),
                })
                .collect(),
        }
    }

    pub(crate) fn facts(&self, resource: &Resource) -> Facts {
        facts_of(resource, self, &|_| true)
    }
}

impl Surroundings for World {
    fn in_account(&self, account: &str, type_name: &str) -> Listing<'_> {
        self.listing(type_name, |resource| resource.account == account)
    }

    fn in_region(&self, account: &str, region: &str, type_name: &str) -> Listing<'_> {
        self.listing(type_name, |resource| resource.account == account && resource.region == region)
    }

    fn in_organization(&self, type_name: &str) -> Listing<'_> {
        self.listing(type_name, |_| true)
    }

    fn find(&self, account: &str, type_name: &str, target: &str) -> Listing<'_> {
        self.listing(type_name, |resource| {
            resource.account == account
                && (resource.id == target || resource.arn.as_deref() == Some(target))
        })
    }
}

/// The value of a fact: `"unread"` where it cannot be said, `null` where there is none.
pub(crate) fn show(facts: &Facts, path: &str) -> Value {
    let wanted: Path = format!("facts.{path}").parse().unwrap();
    if facts.unread.iter().any(|unread| !unread.partial && unread.path.covers(&wanted)) {
        return json!("unread");
    }
    let mut value = &facts.values;
    for key in path.split('.') {
        let Some(member) = value.get(key) else { return Value::Null };
        value = member;
    }
    value.clone()
}
