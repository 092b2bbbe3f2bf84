//! Addresses that are nobody's on the public internet: private, shared, local, documentation.
//! Whose the others are is told in `network.rs`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is that is not one of the public internet. Source: IANA special-purpose
/// address registries of IPv4 and IPv6 (RFC 6890 and its updates), seen 2026-11.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SpecialRange {
    /// This host and nobody: `0.0.0.0/8`, `::`.
    Unspecified,
    /// `127.0.0.0/8`, `::1`.
    Loopback,
    /// Private networks: RFC 1918, `fc00::/7`.
    Private,
    /// Shared by carriers and their customers: `100.64.0.0/10`.
    Shared,
    /// One link: `169.254.0.0/16` (also the metadata service), `fe80::/10`.
    LinkLocal,
    /// Groups: `224.0.0.0/4`, `ff00::/8`.
    Multicast,
    /// For examples: `192.0.2.0/24`, `198.51.100.0/24`, `203.0.113.0/24`, `2001:db8::/32`.
    Documentation,
    /// Measurements between devices, protocol assignments, and what is kept for later.
    Reserved,
}

impl SpecialRange {
    /// What an address is; none where it is one of the public internet.
    pub fn of(address: IpAddr) -> Option<Self> {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => Self::of_v6(address),
        }
    }

    fn of_v4(address: Ipv4Addr) -> Option<Self> {
        let [a, b, c, _] = address.octets();
        Some(match (a, b, c) {
            (0, ..) => Self::Unspecified,
            (127, ..) => Self::Loopback,
            (10, ..) | (192, 168, _) | (172, 16..=31, _) => Self::Private,
            (100, 64..=127, _) => Self::Shared,
            (169, 254, _) => Self::LinkLocal,
            (192, 0, 2) | (198, 51, 100) | (203, 0, 113) => Self::Documentation,
            (192, 0, 0) | (198, 18..=19, _) | (240..=255, ..) => Self::Reserved,
            (224..=239, ..) => Self::Multicast,
            _ => return None,
        })
    }

    fn of_v6(address: Ipv6Addr) -> Option<Self> {
        let [first, second, ..] = address.segments();
        Some(match first {
            _ if address.is_unspecified() => Self::Unspecified,
            _ if address.is_loopback() => Self::Loopback,
            0x2001 if second == 0xdb8 => Self::Documentation,
            // 2001::/23 but for Teredo's 2001::/32 are protocol assignments.
            0x2001 if (0x1..0x200).contains(&second) => Self::Reserved,
            0x3fff if second < 0x1000 => Self::Documentation,
            0x2000..=0x3fff => return None,
            0x64 if second == 0xff9b => return None,
            0xfc00..=0xfdff => Self::Private,
            0xfe80..=0xfebf => Self::LinkLocal,
            0xff00..=0xffff => Self::Multicast,
            _ => Self::Reserved,
        })
    }

    /// Whether the address means something else in every network, or nothing in any, so that a
    /// list cannot mean it. Addresses for examples can be on lists: examples are.
    pub fn is_unlistable(self) -> bool {
        self != Self::Documentation
    }

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::Shared => "shared",
            Self::LinkLocal => "link_local",
            Self::Multicast => "multicast",
            Self::Documentation => "documentation",
            Self::Reserved => "reserved",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_addresses_are_told_from_public_ones() {
        use SpecialRange::*;
        for (text, expected) in [
            ("0.1.2.3", Some(Unspecified)),
            ("10.255.0.1", Some(Private)),
            ("172.16.0.1", Some(Private)),
            ("172.32.0.1", None),
            ("192.168.1.1", Some(Private)),
            ("100.64.0.1", Some(Shared)),
            ("100.128.0.1", None),
            ("169.254.169.254", Some(LinkLocal)),
            ("127.0.0.1", Some(Loopback)),
            ("203.0.113.9", Some(Documentation)),
            ("198.18.0.1", Some(Reserved)),
            ("224.0.0.1", Some(Multicast)),
            ("255.255.255.255", Some(Reserved)),
            ("8.8.8.8", None),
            ("::", Some(Unspecified)),
            ("::1", Some(Loopback)),
            ("::ffff:10.0.0.1", Some(Private)),
            ("fd00::1", Some(Private)),
            ("fe80::1", Some(LinkLocal)),
            ("ff02::1", Some(Multicast)),
            ("2001:db8::1", Some(Documentation)),
            ("2001:20::1", Some(Reserved)),
            ("2001:4860:4860::8888", None),
            ("2600:1f00::1", None),
            ("64:ff9b::808:808", None),
        ] {
            assert_eq!(SpecialRange::of(text.parse().unwrap()), expected, "{text}");
        }
    }
}
