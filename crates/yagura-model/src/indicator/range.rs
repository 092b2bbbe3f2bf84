//! Ranges of addresses: one address, a CIDR block, or any first and last address of one family.
//! Sets of ranges and looking addresses up in them are in `yagura-judge`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Addresses from a first to a last one, both included. An IPv4 address that is written as an
/// IPv6 one (`::ffff:192.0.2.1`) is an IPv4 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressRange {
    /// Of IPv4.
    V4 {
        /// The first, as a number.
        first: u32,
        /// The last, as a number.
        last: u32,
    },
    /// Of IPv6.
    V6 {
        /// The first, as a number.
        first: u128,
        /// The last, as a number.
        last: u128,
    },
}

/// Why a text is no range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeFault {
    /// No address where one is expected.
    #[error("it is not an IP address")]
    Address,
    /// The length of a block is no number, or longer than an address.
    #[error("the length of the block is not one of its family's")]
    Length,
    /// The first address is behind the last, or they are of two families.
    #[error("the first address is not before the last")]
    Order,
}

impl AddressRange {
    /// The range of one address.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4 { first: address.to_bits(), last: address.to_bits() },
            IpAddr::V6(address) => Self::V6 { first: address.to_bits(), last: address.to_bits() },
        }
    }

    /// From a first to a last address.
    ///
    /// # Errors
    /// Two families, or the last before the first.
    pub fn between(first: IpAddr, last: IpAddr) -> Result<Self, RangeFault> {
        match (Self::of(first), Self::of(last)) {
            (Self::V4 { first, .. }, Self::V4 { last, .. }) if first <= last => {
                Ok(Self::V4 { first, last })
            }
            (Self::V6 { first, .. }, Self::V6 { last, .. }) if first <= last => {
                Ok(Self::V6 { first, last })
            }
            _ => Err(RangeFault::Order),
        }
    }

    /// The block of an address and a length in bits.
    ///
    /// # Errors
    /// A length that is longer than the address.
    pub fn block(address: IpAddr, length: u32) -> Result<Self, RangeFault> {
        match address {
            IpAddr::V4(address) => {
                let (first, last) = block_v4(address.to_bits(), length)?;
                Ok(Self::V4 { first, last })
            }
            IpAddr::V6(address) => {
                if let (Some(short), Some(length)) =
                    (address.to_ipv4_mapped(), length.checked_sub(96))
                {
                    return Self::block(IpAddr::V4(short), length);
                }
                let host_bits = 128_u32.checked_sub(length).ok_or(RangeFault::Length)?;
                let host = 1_u128.checked_shl(host_bits).map_or(u128::MAX, |size| size - 1);
                let bits = address.to_bits();
                Ok(Self::V6 { first: bits & !host, last: bits | host })
            }
        }
    }

    /// Whether an address is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self, address.to_canonical()) {
            (Self::V4 { first, last }, IpAddr::V4(address)) => {
                (*first..=*last).contains(&address.to_bits())
            }
            (Self::V6 { first, last }, IpAddr::V6(address)) => {
                (*first..=*last).contains(&address.to_bits())
            }
            _ => false,
        }
    }

    /// Its first address.
    pub fn first(&self) -> IpAddr {
        match *self {
            Self::V4 { first, .. } => IpAddr::V4(Ipv4Addr::from_bits(first)),
            Self::V6 { first, .. } => IpAddr::V6(Ipv6Addr::from_bits(first)),
        }
    }

    /// Its last address.
    pub fn last(&self) -> IpAddr {
        match *self {
            Self::V4 { last, .. } => IpAddr::V4(Ipv4Addr::from_bits(last)),
            Self::V6 { last, .. } => IpAddr::V6(Ipv6Addr::from_bits(last)),
        }
    }

    /// The length in bits of the shortest block that could hold as many addresses: 32 of one IPv4
    /// address, 0 of all.
    pub fn length(&self) -> u32 {
        match *self {
            Self::V4 { first, last } => (last - first).leading_zeros(),
            Self::V6 { first, last } => (last - first).leading_zeros(),
        }
    }

    /// Whether it is a block, as CIDR notation writes it.
    pub fn is_block(&self) -> bool {
        match *self {
            Self::V4 { first, last } => is_block(first.into(), last.into()),
            Self::V6 { first, last } => is_block(first, last),
        }
    }
}

fn block_v4(bits: u32, length: u32) -> Result<(u32, u32), RangeFault> {
    let host_bits = 32_u32.checked_sub(length).ok_or(RangeFault::Length)?;
    let host = 1_u32.checked_shl(host_bits).map_or(u32::MAX, |size| size - 1);
    Ok((bits & !host, bits | host))
}

/// Whether the bits that differ are all zero in the first and all one in the last.
fn is_block(first: u128, last: u128) -> bool {
    let host = first ^ last;
    host & host.wrapping_add(1) == 0 && first & host == 0
}

impl FromStr for AddressRange {
    type Err = RangeFault;

    /// Reads `192.0.2.1`, `192.0.2.0/24` or `192.0.2.1-192.0.2.9`, and the same of IPv6.
    fn from_str(text: &str) -> Result<Self, RangeFault> {
        let address = |text: &str| text.trim().parse::<IpAddr>().map_err(|_| RangeFault::Address);
        if let Some((start, length)) = text.split_once('/') {
            let length = length.trim();
            let digits = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
            let length = digits.then(|| length.parse().ok()).flatten();
            return Self::block(address(start)?, length.ok_or(RangeFault::Length)?);
        }
        if let Some((first, last)) = text.split_once('-') {
            return Self::between(address(first)?, address(last)?);
        }
        address(text).map(Self::of)
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (self.first(), self.last());
        if first == last {
            write!(f, "{first}")
        } else if self.is_block() {
            write!(f, "{first}/{}", self.length())
        } else {
            write!(f, "{first}-{last}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, RangeFault>) {
        let range = text.parse::<AddressRange>();
        let shown = range.map(|range| range.to_string());
        assert_eq!(shown.as_deref().map_err(|fault| *fault), expected, "{text}");
    }

    #[test]
    fn ranges_are_read_and_written_as_people_write_them() {
        check("192.0.2.1", Ok("192.0.2.1"));
        check("192.0.2.77/24", Ok("192.0.2.0/24"));
        check("192.0.2.0-192.0.2.255", Ok("192.0.2.0/24"));
        check("192.0.2.1 - 192.0.2.9", Ok("192.0.2.1-192.0.2.9"));
        check("0.0.0.0/0", Ok("0.0.0.0/0"));
        check("2001:db8::1/32", Ok("2001:db8::/32"));
        check("::/0", Ok("::/0"));
        check("::ffff:192.0.2.1", Ok("192.0.2.1"));
        check("::ffff:192.0.2.0/120", Ok("192.0.2.0/24"));
    }

    #[test]
    fn what_is_no_range_is_refused_with_the_reason() {
        for text in ["", "1.2.3", "x", "1.2.3.4.5", "1.2.3.4 5", "01.2.3.4"] {
            check(text, Err(RangeFault::Address));
        }
        for text in ["1.2.3.4/33", "1.2.3.4/", "1.2.3.4/+8", "::/129", "1.2.3.4/8/8"] {
            check(text, Err(RangeFault::Length));
        }
        check("192.0.2.9-192.0.2.1", Err(RangeFault::Order));
        check("192.0.2.9-2001:db8::1", Err(RangeFault::Order));
    }

    #[test]
    fn an_address_is_in_its_range_and_no_other_family_is() {
        let range: AddressRange = "192.0.2.0/25".parse().unwrap();
        for (address, inside) in [
            ("192.0.2.0", true),
            ("192.0.2.127", true),
            ("192.0.2.128", false),
            ("::ffff:192.0.2.5", true),
            ("::1", false),
        ] {
            assert_eq!(range.contains(address.parse().unwrap()), inside, "{address}");
        }
    }
}
