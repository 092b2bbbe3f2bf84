//! The organization above an account: its units up to the root, and what is attached to each.
//! Whether a policy reaches a caller is decided in `iam-policy`.

use std::collections::HashMap;

use iam_policy::Layer;
use serde_json::Value;
use yagura_model::{Resource, Unread};

use super::{Missing, NamedPolicy, World, compiled, gap, unreadable};
use crate::read::{as_list, see};

/// More levels than AWS allows (root, five units, account) means a circle in what was read.
const LEVELS_MAX: usize = 16;

/// The organization itself.
#[derive(Debug, Default)]
pub(super) struct Organization {
    pub(super) id: String,
    pub(super) management_account: Option<String>,
    root: String,
}

/// The policies of one node.
#[derive(Clone, Debug, Default)]
pub(super) struct NodePolicies {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) scps: Vec<NamedPolicy>,
    pub(super) rcps: Vec<NamedPolicy>,
}

/// What stands above an account.
#[derive(Debug, Default)]
pub(super) struct Home {
    /// From the root down to the account.
    pub(super) nodes: Vec<NodePolicies>,
    /// `o-example/r-ab12/ou-…/`, as `aws:PrincipalOrgPaths` has it.
    pub(super) path: String,
    pub(super) scps_on: bool,
    pub(super) rcps_on: bool,
    pub(super) missing: Vec<Missing>,
}

struct Tree<'r> {
    parents: HashMap<&'r str, Result<&'r str, &'r Unread>>,
    names: HashMap<&'r str, &'r str>,
    attached: HashMap<&'r str, Vec<(Layer, NamedPolicy)>>,
    missing: Vec<Missing>,
    scps_on: bool,
    rcps_on: bool,
}

pub(super) fn read(world: &mut World, resources: &[Resource]) {
    let of_type = |type_name: &'static str| {
        resources.iter().filter(move |resource| resource.type_name == type_name)
    };
    let Some(organization) = of_type("AWS::Organizations::Organization").next() else {
        return;
    };
    let root = of_type("Yagura::Organizations::Root").next();
    world.organization = Some(Organization {
        id: organization.id.clone(),
        management_account: see(organization, "runtime.ManagementAccountId")
            .value()
            .and_then(Value::as_str)
            .map(str::to_owned),
        root: root.map(|root| root.id.clone()).unwrap_or_default(),
    });
    let tree = tree(world, root, &of_type);
    for account in of_type("AWS::Organizations::Account") {
        let home = home(world, &tree, &account.id);
        world.homes.insert(account.id.clone(), home);
    }
}

fn tree<'r, I: Iterator<Item = &'r Resource>>(
    world: &World,
    root: Option<&'r Resource>,
    of_type: &impl Fn(&'static str) -> I,
) -> Tree<'r> {
    let mut tree = Tree {
        parents: HashMap::new(),
        names: HashMap::new(),
        attached: HashMap::new(),
        missing: Vec::new(),
        scps_on: false,
        rcps_on: false,
    };
    match root.map(|root| see(root, "runtime.EnabledPolicyTypes")) {
        None => tree.lacks_both("AWS::Organizations::Root", &unreadable(gap::ROOT)),
        Some(seen) => {
            if let Some(unread) = seen.unread() {
                tree.lacks_both("EnabledPolicyTypes", unread);
            }
            let on = |name: &str| as_list(seen.value()).iter().any(|kind| kind == name);
            tree.scps_on = on("SERVICE_CONTROL_POLICY") || seen.unread().is_some();
            tree.rcps_on = on("RESOURCE_CONTROL_POLICY") || seen.unread().is_some();
        }
    }
    for unit in of_type("AWS::Organizations::OrganizationalUnit") {
        tree.place(unit, "properties.ParentId");
    }
    for account in of_type("AWS::Organizations::Account") {
        tree.place(account, "properties.ParentIds");
    }
    for policy in of_type("AWS::Organizations::Policy") {
        tree.attach(policy);
    }
    let listing = "AWS::Organizations::Policy";
    if let Some((.., unread)) = world.unlisted.iter().find(|(name, ..)| name == listing) {
        tree.lacks_both(listing, unread);
    }
    tree
}

impl<'r> Tree<'r> {
    fn lacks_both(&mut self, of: &str, unread: &Unread) {
        for layer in [Layer::Scp, Layer::Rcp] {
            self.missing.push(Missing { layer, of: of.to_owned(), unread: unread.clone() });
        }
    }

    fn place(&mut self, node: &'r Resource, path: &str) {
        let seen = see(node, path);
        let parent = match (seen.value(), seen.unread()) {
            (_, Some(unread)) => Some(Err(unread)),
            (Some(value), None) => {
                let first = value.as_array().map_or(Some(value), |list| list.first());
                first.and_then(Value::as_str).map(Ok)
            }
            (None, None) => None,
        };
        if let Some(parent) = parent {
            self.parents.insert(&node.id, parent);
        }
        self.names.insert(&node.id, &node.name);
    }

    fn attach(&mut self, policy: &'r Resource) {
        let kind = see(policy, "properties.Type").value().and_then(Value::as_str);
        let layer = match kind {
            Some("SERVICE_CONTROL_POLICY") => Layer::Scp,
            Some("RESOURCE_CONTROL_POLICY") => Layer::Rcp,
            _ => return,
        };
        let lacking =
            |unread: &Unread| Missing { layer, of: policy.key.clone(), unread: unread.clone() };
        let targets = see(policy, "properties.TargetIds");
        self.missing.extend(targets.unread().map(lacking));
        let content = see(policy, "properties.Content");
        let compiled = match (content.value(), content.unread()) {
            (_, Some(unread)) => Err(unread.clone()),
            (Some(document), None) => compiled(&policy.name, document),
            (None, None) => Err(unreadable(gap::CONTENT)),
        };
        match compiled {
            Ok(named) => {
                for target in as_list(targets.value()).iter().filter_map(Value::as_str) {
                    self.attached.entry(target).or_default().push((layer, named.clone()));
                }
            }
            Err(unread) => self.missing.push(lacking(&unread)),
        }
    }

    fn node(&self, id: &str) -> NodePolicies {
        let mut node = NodePolicies {
            id: id.to_owned(),
            name: self.names.get(id).map_or(id, |name| name).to_owned(),
            ..NodePolicies::default()
        };
        for (layer, policy) in self.attached.get(id).into_iter().flatten() {
            match layer {
                Layer::Scp => node.scps.push(policy.clone()),
                _ => node.rcps.push(policy.clone()),
            }
        }
        node
    }
}

fn home(world: &World, tree: &Tree<'_>, account: &str) -> Home {
    let mut home = Home {
        scps_on: tree.scps_on,
        rcps_on: tree.rcps_on,
        missing: tree.missing.clone(),
        ..Home::default()
    };
    let (mut chain, mut at) = (vec![account], account);
    loop {
        match tree.parents.get(at) {
            Some(Ok(parent)) if chain.len() < LEVELS_MAX => {
                chain.push(parent);
                at = parent;
            }
            Some(Ok(_)) | None => break,
            Some(Err(unread)) => {
                for layer in [Layer::Scp, Layer::Rcp] {
                    let (of, unread) = (at.to_owned(), (*unread).clone());
                    home.missing.push(Missing { layer, of, unread });
                }
                break;
            }
        }
    }
    let organization = world.organization.as_ref();
    let root = organization.map(|organization| organization.root.as_str()).unwrap_or_default();
    let whole = chain.last() == Some(&root);
    if !whole && home.missing.is_empty() {
        for layer in [Layer::Scp, Layer::Rcp] {
            let unread = unreadable(gap::UNITS);
            home.missing.push(Missing { layer, of: account.to_owned(), unread });
        }
    }
    chain.reverse();
    home.nodes = chain.iter().map(|id| tree.node(id)).collect();
    let id = organization.map(|organization| organization.id.as_str()).unwrap_or_default();
    let above: Vec<&str> = chain.iter().copied().filter(|node| *node != account).collect();
    home.path = format!("{id}/{}/", above.join("/"));
    home
}
