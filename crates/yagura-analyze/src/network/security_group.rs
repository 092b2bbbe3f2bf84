//! What a security group lets in from the whole internet.
//! Whether something answers behind it is not asked here.

use serde_json::{Value, json};
use yagura_model::{Resource, Unread};

use super::addresses::{Addresses, Prefix};
use super::ports::{Opening, PORT_MAX, TCP, UDP, are_everyone, ranges, state};
use crate::fact::{FactSource, Facts};
use crate::read::{as_list, number, see, text};
use crate::surroundings::Surroundings;

pub(crate) const PREFIX_LIST: &str = "AWS::EC2::PrefixList";
const RULES: &str = "properties.SecurityGroupIngress";

/// A rule as written, with the blocks it names.
struct Rule {
    protocol: Protocol,
    opening: Opening,
    cidr: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Protocol(Option<u8>);

pub(crate) fn open(
    _: &FactSource,
    resource: &Resource,
    surroundings: &dyn Surroundings,
    facts: &mut Facts,
) {
    let seen = see(resource, RULES);
    let mut unread: Vec<Unread> = seen.unread().cloned().into_iter().collect();
    let mut rules = Vec::new();
    for rule in as_list(seen.value()) {
        read_rule(resource, rule, surroundings, &mut rules, &mut unread);
    }
    facts.set("open_ingress", open_ingress(&rules));
    let openings: Vec<_> = rules.iter().map(|rule| rule.opening).collect();
    state(facts, |protocol, ipv6| {
        ranges(&openings, protocol, ipv6, |here| {
            let prefixes: Vec<_> =
                here.iter().filter_map(|at| openings.get(*at)).map(|o| o.prefix).collect();
            are_everyone(&prefixes, ipv6)
        })
    });
    facts.unread(&["open_ingress"], true, &unread);
    for name in ["open_ports", "open_ports_ipv4", "open_ports_ipv6"] {
        for protocol in ["tcp", "udp"] {
            facts.unread(&[name, protocol], true, &unread);
        }
    }
}

fn read_rule(
    group: &Resource,
    rule: &Value,
    surroundings: &dyn Surroundings,
    rules: &mut Vec<Rule>,
    unread: &mut Vec<Unread>,
) {
    let protocol = protocol(rule);
    let (from, to) = port_range(rule, protocol);
    let mut add = |cidr: &str| {
        if let Ok(prefix) = cidr.parse::<Prefix>() {
            let opening = Opening { protocol: protocol.0, from, to, prefix };
            rules.push(Rule { protocol, opening, cidr: cidr.to_owned() });
        }
    };
    for member in ["CidrIp", "CidrIpv6"] {
        if let Some(cidr) = text(rule, member) {
            add(cidr);
        }
    }
    let Some(list) = text(rule, "SourcePrefixListId") else { return };
    let found = surroundings.find(&group.account, PREFIX_LIST, list);
    unread.extend(found.unread);
    for list in found.resources {
        let entries = see(list, "properties.Entries");
        unread.extend(entries.unread().cloned());
        for entry in as_list(entries.value()) {
            if let Some(cidr) = text(entry, "Cidr") {
                add(cidr);
            }
        }
    }
}

/// Protocol names and numbers as EC2 takes them (API reference, `IpPermission.IpProtocol`).
fn protocol(rule: &Value) -> Protocol {
    let number = number(rule, "IpProtocol").and_then(|number| u8::try_from(number).ok());
    let named = match text(rule, "IpProtocol").unwrap_or_default() {
        "tcp" => Some(TCP),
        "udp" => Some(UDP),
        "icmp" => Some(1),
        "icmpv6" => Some(58),
        _ => None,
    };
    Protocol(named.or(number))
}

impl Protocol {
    fn show(self) -> String {
        match self.0 {
            None => "all".to_owned(),
            Some(TCP) => "tcp".to_owned(),
            Some(UDP) => "udp".to_owned(),
            Some(1) => "icmp".to_owned(),
            Some(58) => "icmpv6".to_owned(),
            Some(number) => number.to_string(),
        }
    }
}

/// Only TCP and UDP have ports; for everything else EC2 opens all of the protocol. A missing or
/// negative port means all of them.
fn port_range(rule: &Value, protocol: Protocol) -> (u16, u16) {
    if !matches!(protocol.0, Some(TCP | UDP)) {
        return (0, PORT_MAX);
    }
    let port = |name| number(rule, name).and_then(|port| u16::try_from(port).ok());
    (port("FromPort").unwrap_or(0), port("ToPort").unwrap_or(PORT_MAX))
}

/// Rules open to everyone by themselves, and sets of rules with the same ports that are together.
fn open_ingress(rules: &[Rule]) -> Value {
    let mut open = Vec::new();
    let mut shown = Vec::new();
    for rule in rules {
        let Opening { from, to, prefix, .. } = rule.opening;
        let ipv6 = prefix.is_ipv6();
        let kind = (rule.protocol.0, from, to, ipv6);
        let cidr = if prefix.is_everything() {
            rule.cidr.clone()
        } else if shown.contains(&kind) {
            continue;
        } else {
            shown.push(kind);
            let alike: Vec<_> = rules
                .iter()
                .filter(|other| {
                    let Opening { from, to, prefix, .. } = other.opening;
                    (other.protocol.0, from, to, prefix.is_ipv6()) == kind
                        && !prefix.is_everything()
                })
                .collect();
            let together = Addresses::of(alike.iter().map(|rule| rule.opening.prefix));
            if !together.is_whole_internet(ipv6) {
                continue;
            }
            alike.iter().map(|rule| rule.cidr.as_str()).collect::<Vec<_>>().join("+")
        };
        open.push(json!({
            "protocol": rule.protocol.show(),
            "from_port": from,
            "to_port": to,
            "cidr": cidr,
            "ipv6": ipv6,
        }));
    }
    Value::Array(open)
}
