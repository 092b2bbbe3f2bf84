//! What hangs together in the inventory: which roles trust which services, accounts and
//! principals, and which roles are in the hands of which resources.
//! Whether a step along them is open is decided in `step`.

use std::collections::{BTreeSet, HashMap};

use iam_policy::{Effect, Principal};
use yagura_model::Resource;

use super::super::World;

const ROLE: &str = "AWS::IAM::Role";
const PROFILE: &str = "AWS::IAM::InstanceProfile";

/// A resource that has a role.
#[derive(Clone, Copy, Debug)]
pub(super) struct Equipped<'r> {
    pub(super) resource: &'r Resource,
    pub(super) role: &'r str,
}

/// Users and roles by account, so that nobody has to look through an organization for those beside
/// them.
#[derive(Debug, Default)]
pub(super) struct Peers<'w> {
    users: HashMap<&'w str, Vec<&'w str>>,
    roles: HashMap<&'w str, Vec<&'w str>>,
}

impl<'w> Peers<'w> {
    pub(super) fn of(world: &'w World) -> Self {
        let mut peers = Self::default();
        for (arn, holder) in &world.holders {
            let of_kind = match arn.contains(":role/") {
                true => &mut peers.roles,
                false => &mut peers.users,
            };
            of_kind.entry(holder.account.as_str()).or_default().push(arn);
        }
        peers
    }

    pub(super) fn users(&self, account: &str) -> &[&'w str] {
        self.users.get(account).map_or(&[], Vec::as_slice)
    }

    pub(super) fn roles(&self, account: &str) -> &[&'w str] {
        self.roles.get(account).map_or(&[], Vec::as_slice)
    }
}

/// Links by what they are asked for.
#[derive(Debug, Default)]
pub(super) struct Links<'r> {
    /// Roles by the service that they trust, and their own account.
    by_service: HashMap<String, HashMap<String, BTreeSet<String>>>,
    /// Roles by the account that they trust as a whole.
    by_account: HashMap<String, BTreeSet<String>>,
    /// Roles by the user or role that they trust by name.
    by_name: HashMap<String, BTreeSet<String>>,
    /// Roles that trust anybody.
    open: BTreeSet<String>,
    /// By type, and the resource's account.
    by_type: HashMap<&'r str, HashMap<&'r str, Vec<Equipped<'r>>>>,
}

impl<'r> Links<'r> {
    pub(super) fn new(world: &World, resources: &'r [Resource]) -> Self {
        let mut links = Self::default();
        for role in world.principals().filter(|arn| arn.contains(":role/")) {
            links.trust(world, role);
        }
        links.equip(resources);
        links
    }

    fn trust(&mut self, world: &World, role: &str) {
        let Some(trust) = world.trust_policy(role) else { return };
        let allowing = trust.statements.iter().filter(|it| it.effect == Effect::Allow);
        for principal in allowing.flat_map(iam_policy::Statement::principals) {
            let roles = match &principal {
                Principal::Anonymous => &mut self.open,
                // An identity pool is a provider by name and a service by nature.
                Principal::Service(name) | Principal::Federated(name) => {
                    let of_service = self.by_service.entry(name.clone()).or_default();
                    of_service.entry(account_of(role).to_owned()).or_default()
                }
                Principal::Identity(_) if principal.name().ends_with(":root") => {
                    let account = principal.account().unwrap_or_default().to_owned();
                    self.by_account.entry(account).or_default()
                }
                Principal::Identity(_) => {
                    self.by_name.entry(principal.name().to_owned()).or_default()
                }
            };
            roles.insert(role.to_owned());
        }
    }

    /// Roles of resources: directly, or through an instance profile.
    fn equip(&mut self, resources: &'r [Resource]) {
        let roles = |resource: &'r Resource| {
            let relations = resource.relations.iter().filter(|it| it.type_name == ROLE);
            relations.map(|relation| relation.target.as_str())
        };
        let profiles: HashMap<&str, &Resource> = resources
            .iter()
            .filter(|resource| resource.type_name == PROFILE)
            .map(|profile| (profile.key.as_str(), profile))
            .collect();
        for resource in resources.iter().filter(|it| it.type_name != PROFILE) {
            let through = resource.relations.iter().filter(|it| it.type_name == PROFILE);
            let through = through.filter_map(|it| profiles.get(it.target.as_str()).copied());
            let all: BTreeSet<&str> = roles(resource).chain(through.flat_map(roles)).collect();
            let equipped = all.into_iter().map(|role| Equipped { resource, role });
            let of_type = self.by_type.entry(resource.type_name.as_str()).or_default();
            of_type.entry(resource.account.as_str()).or_default().extend(equipped);
        }
    }

    /// The roles of an account that trust a service.
    pub(super) fn roles_of_service(
        &self,
        service: &str,
        account: &str,
    ) -> impl Iterator<Item = &str> {
        let of_account = self.by_service.get(service).and_then(|all| all.get(account));
        of_account.into_iter().flatten().map(String::as_str)
    }

    /// The resources of a type and account that have a role.
    pub(super) fn equipped(&self, type_name: &str, account: &str) -> &[Equipped<'r>] {
        let of_account = self.by_type.get(type_name).and_then(|all| all.get(account));
        of_account.map_or(&[], Vec::as_slice)
    }

    /// Roles that may let a principal of an account become them: those that trust it by name need
    /// no leave of its own account; the others count only for whom its own policies let try.
    pub(super) fn assumable(&self, arn: &str, account: &str, may_try: bool) -> BTreeSet<&str> {
        let named = self.by_name.get(arn).into_iter().flatten();
        let rest = self.by_account.get(account).into_iter().flatten().chain(&self.open);
        let rest = rest.filter(|_| may_try);
        named.chain(rest).map(String::as_str).filter(|role| *role != arn).collect()
    }
}

fn account_of(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}
