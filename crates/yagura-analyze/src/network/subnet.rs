//! Whether a subnet has a way to the internet: the routes that rule it.
//! Public addresses of what is in it are not looked at.

use serde_json::Value;
use yagura_model::{Resource, Unread};

use crate::fact::{FactSource, Facts};
use crate::read::{as_list, boolean, see, text};
use crate::surroundings::Surroundings;

pub(crate) const ROUTE_TABLE: &str = "AWS::EC2::RouteTable";
pub(crate) const ROUTE_TABLE_READS: &[&str] = &[
    "properties.VpcId",
    "properties.Route",
    "properties.Routes",
    "properties.SubnetRouteTableAssociation",
    "properties.Associations",
    "runtime.Associations",
    "runtime.Main",
];
const ROUTES: &[&str] = &["properties.Route", "properties.Routes"];
const ASSOCIATIONS: &[&str] =
    &["properties.SubnetRouteTableAssociation", "properties.Associations", "runtime.Associations"];

pub(crate) fn public(
    source: &FactSource,
    resource: &Resource,
    surroundings: &dyn Surroundings,
    facts: &mut Facts,
) {
    let found = surroundings.in_region(&resource.account, &resource.region, ROUTE_TABLE);
    let mut unread: Vec<Unread> = found.unread;
    let vpc = see(resource, "properties.VpcId");
    unread.extend(vpc.unread().cloned());
    let mut own = None;
    let mut main = None;
    for table in found.resources {
        match rules(table, resource, vpc.value(), &mut unread) {
            Rules::ThisSubnet => own = Some(table),
            Rules::WholeVpc => main = Some(table),
            Rules::Other => {}
        }
    }
    // A table of the subnet's own outweighs whatever else could not be read.
    if own.is_some() {
        unread.clear();
    }
    let mut answer = false;
    if let Some(table) = own.or(main) {
        answer = leads_outside(table, &mut unread);
    }
    if unread.is_empty() || (own.is_some() && answer) {
        facts.set("public_subnet", Value::Bool(answer));
    } else {
        facts.unread(source.names, false, &unread);
    }
}

enum Rules {
    ThisSubnet,
    WholeVpc,
    Other,
}

fn rules(
    table: &Resource,
    subnet: &Resource,
    vpc: Option<&Value>,
    unread: &mut Vec<Unread>,
) -> Rules {
    let mut rules = Rules::Other;
    let same_vpc = vpc.is_some() && see(table, "properties.VpcId").value() == vpc;
    for path in ASSOCIATIONS {
        let seen = see(table, path);
        unread.extend(seen.unread().cloned());
        for association in as_list(seen.value()) {
            if text(association, "SubnetId") == Some(&subnet.id) {
                return Rules::ThisSubnet;
            }
            if same_vpc && association.get("Main").and_then(boolean) == Some(true) {
                rules = Rules::WholeVpc;
            }
        }
    }
    if same_vpc && see(table, "runtime.Main").value().and_then(boolean) == Some(true) {
        rules = Rules::WholeVpc;
    }
    rules
}

/// A route to an internet gateway that is not a black hole.
fn leads_outside(table: &Resource, unread: &mut Vec<Unread>) -> bool {
    let mut outside = false;
    for path in ROUTES {
        let seen = see(table, path);
        unread.extend(seen.unread().cloned());
        outside |= as_list(seen.value()).iter().any(|route| {
            text(route, "GatewayId").is_some_and(|gateway| gateway.starts_with("igw-"))
                && text(route, "State") != Some("blackhole")
        });
    }
    outside
}
