//! Facts from the network's configuration: what the whole internet may reach.
//! Paths between two hosts are not worked out here.

mod acl;
mod addresses;
mod ports;
mod security_group;
mod subnet;

use crate::fact::FactSource;

const PORTS: &[&str] = &["open_ports", "open_ports_ipv4", "open_ports_ipv6"];

pub(crate) const FACTS: &[FactSource] = &[
    FactSource::new(
        "AWS::EC2::SecurityGroup",
        &["open_ingress", "open_ports", "open_ports_ipv4", "open_ports_ipv6"],
        &["properties.SecurityGroupIngress"],
        security_group::open,
    )
    .beside(&[(security_group::PREFIX_LIST, &["properties.Entries"])]),
    FactSource::new("AWS::EC2::NetworkAcl", PORTS, acl::ENTRIES, acl::open),
    FactSource::new("AWS::EC2::Subnet", &["public_subnet"], &["properties.VpcId"], subnet::public)
        .beside(&[(subnet::ROUTE_TABLE, subnet::ROUTE_TABLE_READS)]),
];
