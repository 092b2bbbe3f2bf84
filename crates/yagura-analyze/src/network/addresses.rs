//! Blocks of addresses and sets of them: what belongs to the public internet.
//! Ports are in `ports.rs`.

use std::net::IpAddr;
use std::str::FromStr;

/// A block of addresses in CIDR notation; a plain address is a block of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Prefix {
    ipv6: bool,
    first: u128,
    last: u128,
    length: u32,
}

impl FromStr for Prefix {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, length) = match text.trim().split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text.trim(), None),
        };
        let (ipv6, bits, value) = match address.parse::<IpAddr>().map_err(|_| ())? {
            IpAddr::V4(address) => (false, 32, u128::from(address.to_bits())),
            IpAddr::V6(address) => (true, 128, address.to_bits()),
        };
        let length = match length {
            Some(text) if text.bytes().all(|b| b.is_ascii_digit()) => {
                text.parse::<u32>().map_err(|_| ())?
            }
            Some(_) => return Err(()),
            None => bits,
        };
        let host_bits = bits.checked_sub(length).ok_or(())?;
        let mask = 1u128.checked_shl(host_bits).map_or(u128::MAX, |size| size - 1);
        Ok(Self { ipv6, first: value & !mask, last: value | mask, length })
    }
}

impl Prefix {
    pub(crate) fn is_ipv6(&self) -> bool {
        self.ipv6
    }

    /// Whether it holds every address of its family.
    pub(crate) fn is_everything(&self) -> bool {
        self.length == 0
    }
}

/// Blocks that no one is reached at from the public internet. Source: IANA IPv4 Special-Purpose
/// Address Registry and RFC 5771 (multicast), seen 2026-11.
const NOT_PUBLIC_IPV4: &[&str] = &[
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
];

/// Global unicast is 2000::/3 (RFC 4291); nothing else is routed publicly.
const PUBLIC_IPV6: &str = "2000::/3";

/// A set of addresses of one family: ranges in order that neither touch nor overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Addresses(Vec<(u128, u128)>);

impl Addresses {
    pub(crate) fn of(prefixes: impl IntoIterator<Item = Prefix>) -> Self {
        let mut ranges: Vec<_> = prefixes.into_iter().map(|p| (p.first, p.last)).collect();
        ranges.sort_unstable();
        let mut merged: Vec<(u128, u128)> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match merged.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => {
                    before.1 = before.1.max(last);
                }
                _ => merged.push((first, last)),
            }
        }
        Self(merged)
    }

    pub(crate) fn union(&self, other: &Self) -> Self {
        let both = self.0.iter().chain(&other.0);
        Self::of(both.map(|&(first, last)| Prefix { ipv6: false, first, last, length: 0 }))
    }

    pub(crate) fn without(&self, other: &Self) -> Self {
        let mut left = Vec::new();
        for &(first, last) in &self.0 {
            let mut from = first;
            let mut rest = true;
            for &(cut_first, cut_last) in &other.0 {
                if cut_last < from || cut_first > last {
                    continue;
                }
                if cut_first > from {
                    left.push((from, cut_first - 1));
                }
                match cut_last.checked_add(1) {
                    Some(next) if next <= last => from = next,
                    _ => {
                        rest = false;
                        break;
                    }
                }
            }
            if rest {
                left.push((from, last));
            }
        }
        Self(left)
    }

    /// Whether nothing that is routed publicly is missing.
    pub(crate) fn is_whole_internet(&self, ipv6: bool) -> bool {
        public(ipv6).without(self).0.is_empty()
    }

    /// Whether it holds more public addresses than one /8 (IPv4) or one /32 (IPv6).
    pub(crate) fn is_wide(&self, ipv6: bool) -> bool {
        let outside = Self::of(everything(ipv6)).without(&public(ipv6));
        let held = self.without(&outside);
        let size = held
            .0
            .iter()
            .fold(0u128, |sum, (first, last)| sum.saturating_add(last - first).saturating_add(1));
        size > if ipv6 { 1 << 96 } else { 1 << 24 }
    }
}

fn everything(ipv6: bool) -> Option<Prefix> {
    if ipv6 { "::/0" } else { "0.0.0.0/0" }.parse().ok()
}

fn public(ipv6: bool) -> Addresses {
    if ipv6 {
        return Addresses::of(PUBLIC_IPV6.parse());
    }
    let reserved = NOT_PUBLIC_IPV4.iter().filter_map(|text| text.parse().ok());
    Addresses::of(everything(false)).without(&Addresses::of(reserved))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(texts: &[&str]) -> Addresses {
        Addresses::of(texts.iter().map(|text| text.parse::<Prefix>().unwrap()))
    }

    #[test]
    fn what_is_no_block_is_refused() {
        for text in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/+8", "x", "10.0.0.0/"] {
            assert!(text.parse::<Prefix>().is_err(), "{text}");
        }
    }

    #[test]
    fn halves_make_the_whole_and_private_space_is_not_missed() {
        let check = |texts: &[&str], ipv6: bool, expected: bool| {
            assert_eq!(set(texts).is_whole_internet(ipv6), expected, "{texts:?}");
        };
        check(&["0.0.0.0/0"], false, true);
        check(&["0.0.0.0/1", "128.0.0.0/1"], false, true);
        check(&["0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3"], false, true);
        check(&["0.0.0.0/1"], false, false);
        check(&["10.0.0.0/8"], false, false);
        check(&["0.0.0.0/1", "128.0.0.0/2"], false, false);
        check(&["::/0"], true, true);
        check(&["2000::/3"], true, true);
        check(&["2000::/4", "3000::/4"], true, true);
        check(&["2001:db8::/32"], true, false);
        check(&[], true, false);
    }

    #[test]
    fn cutting_leaves_what_is_around_the_hole() {
        let left = set(&["10.0.0.0/8"]).without(&set(&["10.1.0.0/16", "10.255.0.0/16"]));
        assert_eq!(left.union(&set(&["10.1.0.0/16", "10.255.0.0/16"])), set(&["10.0.0.0/8"]));
        assert_eq!(set(&["0.0.0.0/0"]).without(&set(&["0.0.0.0/0"])), Addresses::default());
        assert_eq!(set(&["::/0"]).without(&set(&["::/0"])), Addresses::default());
    }

    #[test]
    fn private_space_is_not_wide() {
        assert!(!set(&["10.0.0.0/7"]).without(&set(&["11.0.0.0/9"])).is_wide(false));
        assert!(set(&["0.0.0.0/2"]).is_wide(false));
        assert!(!set(&["fc00::/7"]).is_wide(true));
        assert!(set(&["2000::/8"]).is_wide(true));
    }
}
