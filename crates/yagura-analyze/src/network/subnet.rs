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
    "runtime.Main",
    "runtime.SubnetIds",
    "runtime.BlackholeRoutes",
];

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
    if unread.is_empty() {
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
    let subnets = see(table, "runtime.SubnetIds");
    unread.extend(subnets.unread().cloned());
    if as_list(subnets.value()).iter().any(|id| *id == subnet.id) {
        return Rules::ThisSubnet;
    }
    let same_vpc = see(table, "properties.VpcId");
    let main = see(table, "runtime.Main");
    unread.extend(same_vpc.unread().into_iter().chain(main.unread()).cloned());
    if vpc.is_some() && same_vpc.value() == vpc && main.value().and_then(boolean) == Some(true) {
        return Rules::WholeVpc;
    }
    Rules::Other
}

/// A route to an internet gateway that is not a black hole.
fn leads_outside(table: &Resource, unread: &mut Vec<Unread>) -> bool {
    let routes = see(table, "properties.Route");
    let black_holes = see(table, "runtime.BlackholeRoutes");
    unread.extend(routes.unread().into_iter().chain(black_holes.unread()).cloned());
    let is_black_hole = |route: &Value| {
        ["DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId"]
            .iter()
            .filter_map(|member| route.get(*member))
            .any(|destination| as_list(black_holes.value()).contains(destination))
    };
    as_list(routes.value()).iter().any(|route| {
        text(route, "GatewayId").is_some_and(|gateway| gateway.starts_with("igw-"))
            && !is_black_hole(route)
    })
}
