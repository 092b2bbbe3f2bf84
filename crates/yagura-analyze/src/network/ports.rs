//! Ranges of ports that are open, and how a fact shows them.
//! Whether a range should be open is for controls.

use serde_json::{Value, json};

use super::addresses::{Addresses, Prefix};
use crate::fact::Facts;

pub(crate) const PORT_MAX: u16 = u16::MAX;

/// What one rule lets pass: protocol, ports, addresses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opening {
    /// `None` for every protocol.
    pub(crate) protocol: Option<u8>,
    pub(crate) from: u16,
    pub(crate) to: u16,
    pub(crate) prefix: Prefix,
}

pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;

impl Opening {
    fn concerns(&self, protocol: u8, ipv6: bool, port: u16) -> bool {
        self.prefix.is_ipv6() == ipv6
            && self.protocol.is_none_or(|own| own == protocol)
            && (self.protocol.is_none() || (self.from..=self.to).contains(&port))
    }
}

/// The ranges of ports of a protocol for which `open` says yes, where its answer can only change
/// at the edges of the openings; it is asked with the numbers of the openings that concern a
/// range, in their order. Ranges are in order and merged.
pub(crate) fn ranges(
    openings: &[Opening],
    protocol: u8,
    ipv6: bool,
    open: impl Fn(&[usize]) -> bool,
) -> Vec<(u16, u16)> {
    let mut edges = vec![0];
    for opening in openings {
        if opening.protocol == Some(protocol) && opening.prefix.is_ipv6() == ipv6 {
            edges.push(opening.from);
            edges.extend(opening.to.checked_add(1));
        }
    }
    edges.sort_unstable();
    edges.dedup();
    let mut found = Vec::new();
    for (at, &from) in edges.iter().enumerate() {
        let concerned = openings.iter().enumerate();
        let here: Vec<_> = concerned
            .filter(|(_, opening)| opening.concerns(protocol, ipv6, from))
            .map(|(number, _)| number)
            .collect();
        if open(&here) {
            let to = edges.get(at + 1).map_or(PORT_MAX, |next| next - 1);
            found.push((from, to));
        }
    }
    merge(found)
}

pub(crate) fn merge(mut found: Vec<(u16, u16)>) -> Vec<(u16, u16)> {
    found.sort_unstable();
    let mut merged: Vec<(u16, u16)> = Vec::new();
    for (from, to) in found {
        match merged.last_mut() {
            Some(before) if from <= before.1.saturating_add(1) => before.1 = before.1.max(to),
            _ => merged.push((from, to)),
        }
    }
    merged
}

/// Whether blocks together are the whole internet.
pub(crate) fn are_everyone(prefixes: &[Prefix], ipv6: bool) -> bool {
    prefixes.iter().any(Prefix::is_everything)
        || (!prefixes.is_empty() && Addresses::of(prefixes.iter().copied()).is_whole_internet(ipv6))
}

/// States `open_ports`, `open_ports_ipv4` and `open_ports_ipv6`.
pub(crate) fn state(facts: &mut Facts, of: impl Fn(u8, bool) -> Vec<(u16, u16)>) {
    let show = |ranges: &[(u16, u16)]| -> Value {
        ranges.iter().map(|(from, to)| json!({"from": from, "to": to})).collect()
    };
    let families = [false, true].map(|ipv6| [of(TCP, ipv6), of(UDP, ipv6)]);
    let [[tcp4, udp4], [tcp6, udp6]] = &families;
    facts.set("open_ports_ipv4", json!({"tcp": show(tcp4), "udp": show(udp4)}));
    facts.set("open_ports_ipv6", json!({"tcp": show(tcp6), "udp": show(udp6)}));
    let both = |a: &[(u16, u16)], b: &[(u16, u16)]| show(&merge([a, b].concat()));
    facts.set("open_ports", json!({"tcp": both(tcp4, tcp6), "udp": both(udp4, udp6)}));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighboring_ranges_become_one() {
        assert_eq!(merge(vec![(5, 9), (0, 4), (20, 30), (25, 65535)]), [(0, 9), (20, 65535)]);
    }

    #[test]
    fn a_range_changes_only_at_the_edges_of_openings() {
        let opening = |from, to, prefix: &str| Opening {
            protocol: Some(TCP),
            from,
            to,
            prefix: prefix.parse().unwrap(),
        };
        let openings = [opening(20, 30, "0.0.0.0/1"), opening(25, 65535, "128.0.0.0/1")];
        let open = ranges(&openings, TCP, false, |here| here.len() == 2);
        assert_eq!(open, [(25, 30)]);
        assert_eq!(ranges(&openings, UDP, false, |here| !here.is_empty()), []);
    }
}
