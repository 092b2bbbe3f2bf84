//! Users and roles with every policy that gives them something: their own, attached ones, those of
//! their groups; and their permissions boundary.
//! What the policies add up to is in `question`.

use std::collections::{BTreeMap, HashMap};

use iam_policy::Layer;
use serde_json::Value;
use yagura_model::{Resource, Unread, UnreadReason};

use super::{Managed, Missing, NamedPolicy, World, compiled, gap, unreadable};
use crate::read::{as_list, see, text};

/// A user or role.
#[derive(Clone, Debug, Default)]
pub(super) struct Holder {
    pub(super) account: String,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) identity: Vec<NamedPolicy>,
    pub(super) boundary: Option<NamedPolicy>,
    /// The groups a user is in, by key.
    pub(super) groups: Vec<String>,
    /// Managed policies of the account itself that are attached, by ARN; also through groups.
    pub(super) attached: Vec<String>,
    pub(super) missing: Vec<Missing>,
}

pub(super) fn read(world: &mut World, resources: &[Resource], managed: &Managed) {
    let of_type = |type_name: &'static str| {
        resources.iter().filter(move |resource| resource.type_name == type_name)
    };
    let groups: HashMap<(&str, &str), &Resource> = of_type("AWS::IAM::Group")
        .map(|group| ((group.account.as_str(), group.id.as_str()), group))
        .collect();
    for resource in of_type("AWS::IAM::User").chain(of_type("AWS::IAM::Role")) {
        let is_user = resource.type_name == "AWS::IAM::User";
        let mut holder = Holder {
            account: resource.account.clone(),
            tags: resource.tags.clone(),
            ..Holder::default()
        };
        holder.take(world, resource, managed);
        if is_user {
            holder.join_groups(world, resource, &groups, managed);
        }
        holder.limit(resource, managed);
        let name = (resource.account.clone(), resource.id.clone());
        // A user and a role may share a name; sessions are only made of roles.
        if !is_user {
            world.by_name.insert(name, resource.key.clone());
        }
        world.holders.insert(resource.key.clone(), holder);
    }
    for (key, group) in groups {
        let mut holder = Holder { account: key.0.to_owned(), ..Holder::default() };
        holder.take(world, group, managed);
        world.groups.insert(group.key.clone(), holder);
    }
}

impl Holder {
    fn lacks(&mut self, layer: Layer, of: &str, unread: Unread) {
        self.missing.push(Missing { layer, of: of.to_owned(), unread });
    }

    /// Inline and attached policies of a user, role or group.
    fn take(&mut self, world: &World, resource: &Resource, managed: &Managed) {
        let inline = see(resource, "properties.Policies");
        if let Some(unread) = inline.unread() {
            self.lacks(Layer::Identity, &resource.key, unread.clone());
        }
        for policy in as_list(inline.value()) {
            let name = text(policy, "PolicyName").unwrap_or("inline policy");
            let document = policy.get("PolicyDocument").unwrap_or(&Value::Null);
            match compiled(name, document) {
                Ok(policy) => self.identity.push(policy),
                Err(unread) => self.lacks(Layer::Identity, &resource.key, unread),
            }
        }
        let attached = see(resource, "properties.ManagedPolicyArns");
        if let Some(unread) = attached.unread() {
            self.lacks(Layer::Identity, &resource.key, unread.clone());
        }
        for arn in as_list(attached.value()).iter().filter_map(Value::as_str) {
            if !arn.contains(":iam::aws:") {
                self.attached.push(arn.to_owned());
            }
            match find(world, managed, arn, &resource.account) {
                Ok(policy) => self.identity.push(policy),
                Err(unread) => self.lacks(Layer::Identity, arn, unread),
            }
        }
    }

    fn join_groups(
        &mut self,
        world: &World,
        user: &Resource,
        groups: &HashMap<(&str, &str), &Resource>,
        managed: &Managed,
    ) {
        let joined = see(user, "properties.Groups");
        if let Some(unread) = joined.unread() {
            self.lacks(Layer::Identity, &user.key, unread.clone());
        }
        for name in as_list(joined.value()).iter().filter_map(Value::as_str) {
            match groups.get(&(user.account.as_str(), name)) {
                Some(group) => {
                    self.groups.push(group.key.clone());
                    self.take(world, group, managed);
                }
                None => {
                    let unread = world
                        .unlisted("AWS::IAM::Group", &user.account)
                        .cloned()
                        .unwrap_or_else(|| unreadable(gap::GROUP));
                    self.lacks(Layer::Identity, name, unread);
                }
            }
        }
    }

    fn limit(&mut self, resource: &Resource, managed: &Managed) {
        let boundary = see(resource, "properties.PermissionsBoundary");
        if let Some(unread) = boundary.unread() {
            self.lacks(Layer::Boundary, &resource.key, unread.clone());
        }
        let Some(arn) = boundary.value().and_then(Value::as_str) else { return };
        match managed.get(arn) {
            Some(Ok(policy)) => self.boundary = Some(policy.clone()),
            Some(Err(unread)) => self.lacks(Layer::Boundary, arn, unread.clone()),
            None => self.lacks(Layer::Boundary, arn, not_seen()),
        }
    }
}

fn find(world: &World, managed: &Managed, arn: &str, account: &str) -> Result<NamedPolicy, Unread> {
    match managed.get(arn) {
        Some(policy) => policy.clone(),
        None => Err(["AWS::IAM::ManagedPolicy", "Yagura::IAM::AwsManagedPolicy"]
            .iter()
            .find_map(|type_name| world.unlisted(type_name, account).cloned())
            .unwrap_or_else(not_seen)),
    }
}

fn not_seen() -> Unread {
    let detail = gap::POLICY.to_owned();
    Unread { detail, ..Unread::of(yagura_model::Path::default(), UnreadReason::NotRequested) }
}
