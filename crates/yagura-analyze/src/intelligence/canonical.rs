//! One form for each domain, URL and digest, so that lists and logs can be compared.
//! What a line of a list means is in `entry.rs`.

use std::borrow::Cow;

/// Characters of a domain name (RFC 1035, section 2.3.4).
pub const DOMAIN_CHARS_MAX: usize = 253;
const LABEL_CHARS_MAX: usize = 63;
/// Bytes of a digest of SHA-512, the longest one known here.
const DIGEST_BYTES_MAX: usize = 64;

/// A domain in lower case without the dot at its end; none where the text is no domain name.
/// Names of one label are none: no list means all of `com`. Underscores are allowed, since DNS
/// logs have them. Letters beyond ASCII become their ASCII form (`xn--…`).
pub fn domain(text: &str) -> Option<Cow<'_, str>> {
    let text = text.strip_suffix('.').unwrap_or(text);
    if !text.is_ascii() {
        let ascii = idna::domain_to_ascii(text).ok()?;
        return is_domain(&ascii).then_some(Cow::Owned(ascii));
    }
    if !is_domain(text) {
        return None;
    }
    Some(if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    })
}

fn is_domain(text: &str) -> bool {
    if text.len() > DOMAIN_CHARS_MAX || !text.contains('.') {
        return false;
    }
    let mut last = "";
    for label in text.split('.') {
        let fine = (1..=LABEL_CHARS_MAX).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if !fine {
            return false;
        }
        last = label;
    }
    // `1.2.3.4` and `1.2.3` are addresses or mistakes, never names.
    !last.bytes().all(|byte| byte.is_ascii_digit())
}

/// A URL without scheme, user, default port and fragment, its host in lower case:
/// `https://User@Example.com:443/a?b#c` becomes `example.com/a?b`. None where it has no host.
pub fn url(text: &str) -> Option<String> {
    let (host, port, rest) = parts(text)?;
    let host = match domain(host) {
        Some(name) => name,
        None => Cow::Owned(address(host)?.to_string()),
    };
    let rest = rest.split('#').next().unwrap_or_default();
    let mut url = String::with_capacity(text.len());
    url.push_str(&host);
    if let Some(port) = port.filter(|port| !matches!(*port, "" | "80" | "443")) {
        url.push(':');
        url.push_str(port);
    }
    if !rest.starts_with('/') {
        url.push('/');
    }
    url.push_str(rest);
    Some(url)
}

/// The host of a URL, as it stands there and without brackets.
pub fn host_of(text: &str) -> Option<&str> {
    parts(text).map(|(host, _, _)| host)
}

/// Host, port and everything from the path on.
fn parts(text: &str) -> Option<(&str, Option<&str>, &str)> {
    let text = text.trim();
    let after = match text.split_once("://") {
        Some((scheme, after)) if is_scheme(scheme) => after,
        Some(_) => return None,
        None => text,
    };
    let end = after.find(['/', '?', '#']).unwrap_or(after.len());
    let (authority, rest) = after.split_at_checked(end)?;
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, port) = match authority.strip_prefix('[') {
        Some(inner) => {
            let (host, after) = inner.split_once(']')?;
            (host, after.strip_prefix(':'))
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let port_fine = port.is_none_or(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    (!host.is_empty() && port_fine).then_some((host, port, rest))
}

fn is_scheme(scheme: &str) -> bool {
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// An IP address as logs write it: alone, in brackets, or with a zone behind a percent sign. An
/// IPv4 address that is written as an IPv6 one is an IPv4 address.
pub fn address(text: &str) -> Option<std::net::IpAddr> {
    let text = text.trim();
    // Names of services and hosts stand where addresses do; most begin with a letter that no
    // address begins with, or are longer than any address.
    let first = text.as_bytes().first()?;
    if !(first.is_ascii_hexdigit() || matches!(first, b':' | b'[')) || text.len() > 64 {
        return None;
    }
    let text = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let text = text.split_once('%').map_or(text, |(address, _)| address);
    text.parse::<std::net::IpAddr>().ok().map(|address| address.to_canonical())
}

/// The bytes of a digest in hexadecimal digits, by its length: MD5, SHA-1, SHA-256 or SHA-512.
pub fn digest(text: &str) -> Option<Digest> {
    let length = match text.len() {
        32 | 40 | 64 | 128 => text.len() / 2,
        _ => return None,
    };
    let mut bytes = [0; DIGEST_BYTES_MAX];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        let [high, low] = digits else { return None };
        let (high, low) = (nibble(*high)?, nibble(*low)?);
        *byte = high << 4 | low;
    }
    Some(Digest { bytes, length })
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// A digest of one of the known lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest {
    bytes: [u8; DIGEST_BYTES_MAX],
    length: usize,
}

impl Digest {
    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_have_one_form() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(domain(text).as_deref(), expected, "{text}");
        };
        check("Bad.Example.COM.", Some("bad.example.com"));
        check("_dmarc.example.com", Some("_dmarc.example.com"));
        check("bücher.example", Some("xn--bcher-kva.example"));
        check("日本語.jp", Some("xn--wgv71a119e.jp"));
        for text in ["", ".", "com", "a..b", "1.2.3.4", "1.2.3", "a b.c", "a/b.c", "-x", "a.b,c"] {
            check(text, None);
        }
        check(&format!("{}.example", "a".repeat(64)), None);
        check(&"a.".repeat(128), None);
    }

    #[test]
    fn urls_have_one_form() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(url(text).as_deref(), expected, "{text}");
        };
        check("https://User:pw@Example.com:443/a?b#c", Some("example.com/a?b"));
        check("http://example.com", Some("example.com/"));
        check("example.com/Path", Some("example.com/Path"));
        check("http://example.com:8080?x", Some("example.com:8080/?x"));
        check("http://192.0.2.1/x", Some("192.0.2.1/x"));
        check("http://[2001:DB8::1]:8080/x", Some("2001:db8::1:8080/x"));
        for text in ["", "http://", "http:///x", "/x", "://a.b/", "http://a.b:x/", "http://[::1/x"]
        {
            check(text, None);
        }
    }

    #[test]
    fn addresses_are_read_as_logs_write_them() {
        let check = |text: &str, expected: Option<&str>| {
            let found = address(text).map(|address| address.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        };
        check("192.0.2.1", Some("192.0.2.1"));
        check("::ffff:192.0.2.1", Some("192.0.2.1"));
        check("[2001:db8::1]", Some("2001:db8::1"));
        check("fe80::1%eth0", Some("fe80::1"));
        for text in ["", "cloudtrail.amazonaws.com", "AWS Internal", "ec2.amazonaws.com", "-", "é"]
        {
            check(text, None);
        }
    }

    #[test]
    fn digests_are_read_by_their_length() {
        assert_eq!(digest(&"aB".repeat(16)).unwrap().bytes(), [0xab; 16]);
        assert_eq!(digest(&"00".repeat(64)).unwrap().bytes().len(), 64);
        for text in ["", "ab", &"g0".repeat(16), &"é".repeat(16), &"+1".repeat(16)] {
            assert_eq!(digest(text), None, "{text}");
        }
    }
}
