//! Functions on IP addresses: `cidr_contains`.
//! Whether an address is reachable is computed by analyze, not here.

use std::net::IpAddr;

use super::mismatch;
use crate::expression::value::Val;

/// Whether a block holds an address or a whole smaller block. Blocks of different address
/// families never hold one another.
pub(super) fn cidr_contains<'a>(x: &Val<'a>, y: &Val<'a>) -> Val<'a> {
    let Some(outer) = x.as_text() else { return mismatch("cidr_contains", x) };
    let Some(inner) = y.as_text() else { return mismatch("cidr_contains", y) };
    match (block(outer), block(inner)) {
        (Some(outer), Some(inner)) => Val::Bool(contains(outer, inner)),
        _ => Val::problem("`cidr_contains` got what is no address (`10.0.0.0/8` is one)"),
    }
}

/// An address with the number of leading bits that count.
fn block(text: &str) -> Option<(IpAddr, u32)> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let width = if address.is_ipv4() { 32 } else { 128 };
    let bits = match bits {
        Some(bits) if bits.bytes().all(|byte| byte.is_ascii_digit()) => bits.parse().ok()?,
        Some(_) => return None,
        None => width,
    };
    (bits <= width).then_some((address, bits))
}

fn contains((outer, outer_bits): (IpAddr, u32), (inner, inner_bits): (IpAddr, u32)) -> bool {
    let (outer, inner, width) = match (outer, inner) {
        (IpAddr::V4(outer), IpAddr::V4(inner)) => {
            (u128::from(outer.to_bits()), u128::from(inner.to_bits()), 32)
        }
        (IpAddr::V6(outer), IpAddr::V6(inner)) => (outer.to_bits(), inner.to_bits(), 128),
        _ => return false,
    };
    let ignored: u32 = width - outer_bits;
    outer_bits <= inner_bits
        && outer.checked_shr(ignored).unwrap_or(0) == inner.checked_shr(ignored).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_holds_what_is_inside_and_nothing_else() {
        for (outer, inner, expected) in [
            ("10.0.0.0/8", "10.1.2.3", true),
            ("10.0.0.0/8", "10.1.0.0/16", true),
            ("10.1.0.0/16", "10.0.0.0/8", false),
            ("0.0.0.0/0", "192.0.2.1", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "2001:db8::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("192.0.2.1", "192.0.2.1/32", true),
        ] {
            let (outer, inner) = (block(outer).unwrap(), block(inner).unwrap());
            assert_eq!(contains(outer, inner), expected, "{outer:?} {inner:?}");
        }
    }

    #[test]
    fn what_is_no_block_is_refused() {
        for text in ["", "10.0.0.0/33", "10.0.0", "10.0.0.0/-1", "10.0.0.0/+8", "::/129", "a/8"] {
            assert!(block(text).is_none(), "{text}");
        }
    }
}
