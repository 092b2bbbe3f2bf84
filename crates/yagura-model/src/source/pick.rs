//! What is taken of a text that was found: a host, a part between colons, a decoded key.
//! How picks are written is in `path.rs`.

use std::borrow::Cow;

use super::path::Pick;

/// A text after all picks; none where one of them finds nothing.
pub fn picked<'a>(picks: &[Pick], text: Cow<'a, str>) -> Option<Cow<'a, str>> {
    picks.iter().try_fold(text, |text, pick| pick.of(text))
}

impl Pick {
    fn of(self, text: Cow<'_, str>) -> Option<Cow<'_, str>> {
        match self {
            Self::Decoded => Some(decoded(text)),
            Self::Host => slice(text, |text| Some(host(text))),
            Self::Port => slice(text, |text| address_and_port(text).map(|(_, port)| port)),
            Self::Undotted => slice(text, |text| Some(text.strip_suffix('.').unwrap_or(text))),
            Self::Part(separator, number) => {
                slice(text, |text| text.split(separator).nth(number.into()))
            }
            Self::Rest(separator, number) => {
                let pieces = usize::from(number) + 1;
                slice(text, |text| text.splitn(pieces, separator).nth(number.into()))
            }
            Self::Word(number) => slice(text, |text| text.split_whitespace().nth(number.into())),
        }
        .filter(|text| !text.is_empty())
    }
}

/// A part of a text, borrowed where the text is.
fn slice<'a>(
    text: Cow<'a, str>,
    part: impl for<'t> Fn(&'t str) -> Option<&'t str>,
) -> Option<Cow<'a, str>> {
    match text {
        Cow::Borrowed(text) => part(text).map(Cow::Borrowed),
        Cow::Owned(text) => part(&text).map(|part| Cow::Owned(part.to_owned())),
    }
}

/// `address:port`, where the port is digits. An IPv6 address without brackets has its port after
/// the last colon too, as load balancers write it.
fn address_and_port(text: &str) -> Option<(&str, &str)> {
    let (address, port) = text.rsplit_once(':')?;
    let is_port = !port.is_empty() && port.chars().all(|c| c.is_ascii_digit());
    is_port.then_some((address, port))
}

fn host(text: &str) -> &str {
    if let Some(inner) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        return inner;
    }
    let (address, _) = address_and_port(text).unwrap_or((text, ""));
    address.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(address)
}

/// Percent-decoded once; a text that is not UTF-8 afterwards stays as it was.
fn decoded(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.contains('%') {
        return text;
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let digits = (byte == b'%').then_some(tail).and_then(|tail| {
            let high = char::from(*tail.first()?).to_digit(16)?;
            let low = char::from(*tail.get(1)?).to_digit(16)?;
            Some((u8::try_from(high * 16 + low).ok()?, tail.get(2..)?))
        });
        let (byte, tail) = digits.unwrap_or((byte, tail));
        bytes.push(byte);
        rest = tail;
    }
    String::from_utf8(bytes).map_or(text, Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FieldPath;

    fn check(text: &str, picks: &str, expected: Option<&str>) {
        let path: FieldPath = format!("x{picks}").parse().unwrap();
        let found = picked(&path.picks, Cow::Borrowed(text));
        assert_eq!(found.as_deref(), expected, "{text} {picks}");
    }

    #[test]
    fn hosts_and_ports_are_told_apart() {
        check("192.0.2.7:443", "|host", Some("192.0.2.7"));
        check("192.0.2.7:443", "|port", Some("443"));
        check("2001:db8::1:443", "|host", Some("2001:db8::1"));
        check("[2001:db8::1]:443", "|host", Some("2001:db8::1"));
        check("[2001:db8::1]", "|host", Some("2001:db8::1"));
        check("example.com", "|host", Some("example.com"));
        check("example.com", "|port", None);
        check("a:b", "|port", None);
    }

    #[test]
    fn parts_are_counted_from_zero() {
        let arn = "arn:aws:wafv2:us-east-1:111122223333:regional/webacl/shop/1";
        check(arn, "|part(:,4)", Some("111122223333"));
        check(arn, "|rest(:,5)", Some("regional/webacl/shop/1"));
        check(arn, "|part(:,5)|part(/,2)", Some("shop"));
        check(arn, "|part(:,9)", None);
        check("arn:aws:s3:::b", "|part(:,3)", None);
        check("GET /x HTTP/1.1", "|word(1)", Some("/x"));
        check("GET", "|word(1)", None);
        check("a.example.com.", "|undotted", Some("a.example.com"));
    }

    #[test]
    fn what_cannot_be_decoded_stays() {
        check("a%20b", "|decoded", Some("a b"));
        check("a%2520b", "|decoded|decoded", Some("a b"));
        check("100%", "|decoded", Some("100%"));
        check("%zz%4", "|decoded", Some("%zz%4"));
        check("%ff", "|decoded", Some("%ff"));
        check("%E3%82%A2", "|decoded", Some("ア"));
    }
}
