//! Address ranges for the modifier `cidr`.
//! Ports, zones and host names are not read.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// A range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cidr {
    /// Its first address.
    pub network: IpAddr,
    /// Bits that all its addresses share.
    pub prefix: u8,
}

impl Cidr {
    /// Reads `10.0.0.0/8`, `2001:db8::/32`, or one address.
    ///
    /// # Errors
    /// Why the text is no range, in one sentence.
    pub fn read(text: &str) -> Result<Self, String> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let network: IpAddr =
            address.parse().map_err(|_| format!("`{text}` is not an address range"))?;
        let bits = if network.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => bits,
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits
                .parse()
                .ok()
                .filter(|prefix| *prefix <= bits)
                .ok_or_else(|| format!("`{text}` has more than {bits} bits"))?,
            Some(_) => return Err(format!("`{text}` is not an address range")),
        };
        let range = Self { network, prefix };
        if range.masked(network) != network {
            return Err(format!("`{text}` has bits set behind its prefix"));
        }
        Ok(range)
    }

    /// Whether the text is an address in the range. An IPv4 address written as IPv6
    /// (`::ffff:10.0.0.1`) is that IPv4 address.
    #[must_use]
    pub fn accepts(&self, text: &str) -> bool {
        // Quicker than a failing parse for the many texts that are no address.
        if !text.bytes().next().is_some_and(|b| b.is_ascii_hexdigit() || b == b':') {
            return false;
        }
        text.parse::<IpAddr>().is_ok_and(|address| self.contains(address.to_canonical()))
    }

    fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.network.is_ipv4() && self.masked(address) == self.network
    }

    fn masked(&self, address: IpAddr) -> IpAddr {
        let shift = u32::from(self.prefix);
        match address {
            IpAddr::V4(v4) => {
                let mask = u32::MAX.checked_shl(32 - shift).unwrap_or(0);
                IpAddr::V4((v4.to_bits() & mask).into())
            }
            IpAddr::V6(v6) => {
                let mask = u128::MAX.checked_shl(128 - shift).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask))
            }
        }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(range: &str, address: &str, expected: bool) {
        assert_eq!(Cidr::read(range).unwrap().accepts(address), expected, "{address} in {range}");
    }

    #[test]
    fn addresses_are_found_in_their_ranges() {
        check("10.0.0.0/8", "10.255.0.1", true);
        check("10.0.0.0/8", "11.0.0.1", false);
        check("0.0.0.0/0", "203.0.113.9", true);
        check("0.0.0.0/0", "2001:db8::1", false);
        check("2001:db8::/32", "2001:DB8:1::1", true);
        check("::/0", "2001:db8::1", true);
        check("10.0.0.0/8", "::ffff:10.1.1.1", true);
        check("192.0.2.7", "192.0.2.7", true);
        check("10.0.0.0/8", "ec2.amazonaws.com", false);
        check("10.0.0.0/8", "10.0.0.1:443", false);
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in ["", "10.0.0.0/33", "10.0.0.1/8", "10.0.0/8", "10.0.0.0/", "10.0.0.0/+8", "x"] {
            assert!(Cidr::read(text).is_err(), "{text}");
        }
    }
}
