//! What a network ACL lets in from the whole internet, rule by rule in order.
//! Security groups behind it are not looked at.

use serde_json::Value;
use yagura_model::{Resource, Unread};

use super::addresses::Addresses;
use super::ports::{Opening, PORT_MAX, TCP, UDP, ranges, state};
use crate::fact::{FactSource, Facts};
use crate::read::{as_list, boolean, number, see, text};
use crate::surroundings::Surroundings;

/// `AWS::EC2::NetworkAclEntry` folded into its list.
pub(crate) const ENTRIES: &[&str] = &["properties.NetworkAclEntry"];

struct Entry {
    number: i64,
    allow: bool,
    opening: Opening,
}

pub(crate) fn open(_: &FactSource, resource: &Resource, _: &dyn Surroundings, facts: &mut Facts) {
    let mut entries = Vec::new();
    let mut unread: Vec<Unread> = Vec::new();
    for path in ENTRIES {
        let seen = see(resource, path);
        unread.extend(seen.unread().cloned());
        for entry in as_list(seen.value()) {
            read_entry(entry, &mut entries);
        }
    }
    entries.sort_by_key(|entry| entry.number);
    let openings: Vec<_> = entries.iter().map(|entry| entry.opening).collect();
    state(facts, |protocol, ipv6| {
        ranges(&openings, protocol, ipv6, |here| {
            lets_everyone_in(here.iter().filter_map(|at| entries.get(*at)), ipv6)
        })
    });
    // An unread rule before the others could take everything back, so nothing is known.
    for name in ["open_ports", "open_ports_ipv4", "open_ports_ipv6"] {
        facts.unread(&[name], false, &unread);
    }
}

/// The first entry that speaks about an address decides. Open means that all of the internet is
/// allowed but for what earlier entries deny, and that this is more than somebody's own block.
fn lets_everyone_in<'e>(entries: impl Iterator<Item = &'e Entry>, ipv6: bool) -> bool {
    let mut allowed = Addresses::default();
    let mut denied = Addresses::default();
    for entry in entries {
        let own = Addresses::of([entry.opening.prefix]);
        if entry.allow {
            allowed = allowed.union(&own.without(&denied));
        } else {
            denied = denied.union(&own.without(&allowed));
        }
    }
    allowed.is_wide(ipv6) && allowed.union(&denied).is_whole_internet(ipv6)
}

/// Protocol -1 is every protocol; entries carry protocol numbers (API reference,
/// `NetworkAclEntry`).
fn read_entry(entry: &Value, entries: &mut Vec<Entry>) {
    if entry.get("Egress").and_then(boolean) == Some(true) {
        return;
    }
    let protocol = number(entry, "Protocol").and_then(|number| u8::try_from(number).ok());
    let port = |name| {
        let range = entry.get("PortRange")?;
        number(range, name).and_then(|port| u16::try_from(port).ok())
    };
    let (from, to) = if matches!(protocol, Some(TCP | UDP)) {
        (port("From").unwrap_or(0), port("To").unwrap_or(PORT_MAX))
    } else {
        (0, PORT_MAX)
    };
    for member in ["CidrBlock", "Ipv6CidrBlock"] {
        let Some(Ok(prefix)) = text(entry, member).map(str::parse) else { continue };
        entries.push(Entry {
            number: number(entry, "RuleNumber").unwrap_or(i64::MAX),
            allow: text(entry, "RuleAction").is_some_and(|a| a.eq_ignore_ascii_case("allow")),
            opening: Opening { protocol, from, to, prefix },
        });
    }
}
