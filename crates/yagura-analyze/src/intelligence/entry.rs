//! What one text of a list means: an address, a block, a domain, a URL or a digest.
//! How texts are cut out of lists is in the modules of the formats.

use std::borrow::Cow;

use yagura_model::indicator::{
    AddressRange, DomainScope, Indicator, Indicators, RangeFault, Validity,
};

use super::canonical;

/// A block of IPv4 that is wider is taken as a mistake: it would match everyone.
const V4_LENGTH_MIN: u32 = 8;
/// The same of IPv6. Registries get blocks of /12 and wider.
const V6_LENGTH_MIN: u32 = 16;

/// Why a text of a list is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
pub enum EntryFault {
    /// It is none of what a list can hold.
    #[error("it is not an address, a block, a domain, a URL or a digest")]
    Unknown,
    /// A block or range that is none.
    #[error("it is not a range of addresses: the length or the order is wrong")]
    Range,
    /// A block that would match everyone.
    #[error("the block is wider than /8 (of IPv6 /16) and would match nearly everyone")]
    Wide,
    /// A line with more words than one.
    #[error("it has more than one word")]
    Words,
    /// A text that is longer than anything a list holds.
    #[error("it is longer than 4096 bytes")]
    Long,
    /// Bytes that are no text.
    #[error("it is not UTF-8")]
    Encoding,
    /// A row without the column that holds the entry.
    #[error("the row has no such column")]
    Column,
    /// A row with a quote that is not closed, or the like.
    #[error("the row cannot be read")]
    Row,
    /// An object of a bundle that is no indicator as the standard describes it.
    #[error("the object has no pattern")]
    Object,
    /// A pattern of another language than STIX.
    #[error("the pattern is written in another language than STIX")]
    Language,
    /// A pattern that breaks the grammar.
    #[error("the pattern cannot be read")]
    Pattern,
    /// A pattern that one value of one record cannot decide.
    #[error("the pattern asks for more than one value can tell (negation, order, several things)")]
    Beyond,
    /// A time that is none.
    #[error("its validity is not a time")]
    Time,
    /// A condition of an observable of STIX 1 that is not understood.
    #[error("the condition is not Equals or InclusiveBetween")]
    Condition,
    /// The list holds as much text as it can.
    #[error("the list has more text than one list can hold")]
    Full,
}

impl From<RangeFault> for EntryFault {
    fn from(_: RangeFault) -> Self {
        Self::Range
    }
}

/// Bytes of one entry. The longest URLs in public lists have about half of it.
pub(crate) const ENTRY_BYTES_MAX: usize = 4096;

/// Adds what a text means. `whole` says whether a domain stands for the names below it too.
///
/// # Errors
/// Why the text is not used.
pub(crate) fn add(
    to: &mut Indicators,
    text: &str,
    whole: bool,
    validity: Validity,
) -> Result<(), EntryFault> {
    if text.len() > ENTRY_BYTES_MAX {
        return Err(EntryFault::Long);
    }
    let armed = armed(text.trim());
    let text = armed.as_ref();
    let full = |_| EntryFault::Full;
    if let Some(range) = range(text)? {
        return to.push(Indicator::Range(range), validity).map_err(full);
    }
    if let Some(digest) = canonical::digest(text) {
        return to.push(Indicator::Digest(digest.bytes()), validity).map_err(full);
    }
    if let Some((name, scope)) = domain(text, whole) {
        return to.push(Indicator::Domain(&name, scope), validity).map_err(full);
    }
    let is_url = text.contains("://") || text.contains('/');
    match is_url.then(|| canonical::url(text)).flatten() {
        Some(url) => to.push(Indicator::Url(&url), validity).map_err(full),
        None => Err(EntryFault::Unknown),
    }
}

/// A range of addresses; none where the text is something else.
pub(crate) fn range(text: &str) -> Result<Option<AddressRange>, EntryFault> {
    let begins = text.split(['/', '-']).next().unwrap_or_default().trim();
    if canonical::address(begins).is_none() {
        // Lists of attackers often name the port too.
        let with_port = text.rsplit_once(':').filter(|(_, port)| is_port(port));
        let alone = with_port.and_then(|(host, _)| canonical::address(host));
        return Ok(alone.map(AddressRange::of));
    }
    // A URL whose host is an address: `192.0.2.1/x.exe`.
    if let Some((_, after)) = text.split_once('/')
        && !after.trim().bytes().all(|byte| byte.is_ascii_digit())
    {
        return Ok(None);
    }
    let range: AddressRange = match canonical::address(text) {
        Some(address) => AddressRange::of(address),
        None => text.parse()?,
    };
    let length_min = match range {
        AddressRange::V4 { .. } => V4_LENGTH_MIN,
        AddressRange::V6 { .. } => V6_LENGTH_MIN,
    };
    if range.length() < length_min { Err(EntryFault::Wide) } else { Ok(Some(range)) }
}

fn is_port(text: &str) -> bool {
    (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A domain with the names it stands for: `*.example.com` those below, `.example.com` and, where
/// the list says so, `example.com` the whole.
pub(crate) fn domain(text: &str, whole: bool) -> Option<(Cow<'_, str>, DomainScope)> {
    if let Some(below) = text.strip_prefix("*.") {
        return Some((suffix(below)?, DomainScope::Below));
    }
    if let Some(name) = text.strip_prefix('.') {
        return Some((suffix(name)?, DomainScope::Whole));
    }
    let scope = if whole { DomainScope::Whole } else { DomainScope::Exact };
    Some((canonical::domain(text)?, scope))
}

/// A domain of which the names below are asked for: here one label (`*.onion`) is meant so.
fn suffix(text: &str) -> Option<Cow<'_, str>> {
    if let Some(name) = canonical::domain(text) {
        return Some(name);
    }
    let letters = (1..=63).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphabetic());
    letters.then(|| Cow::Owned(text.to_ascii_lowercase()))
}

/// Reports write addresses so that nobody opens them by mistake: `hxxp://bad[.]example`.
fn armed(text: &str) -> Cow<'_, str> {
    let marked = text.contains("[.]") || text.contains("(.)") || text.contains("[:]");
    let scheme = text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("hxxp"));
    if !marked && !scheme {
        return Cow::Borrowed(text);
    }
    let mut plain = text.replace("[.]", ".").replace("(.)", ".").replace("[:]", ":");
    if scheme {
        plain.replace_range(..4, "http");
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<String, EntryFault> {
        let mut entries = Indicators::default();
        add(&mut entries, text, true, Validity::default())?;
        assert_eq!(entries.len(), 1, "{text}");
        let first = |entry: &yagura_model::indicator::TextEntry| entries.text(entry).to_owned();
        if let Some(range) = entries.v4.first() {
            let range = AddressRange::V4 { first: range.first, last: range.last };
            return Ok(format!("range {range}"));
        }
        if let Some(range) = entries.v6.first() {
            let range = AddressRange::V6 { first: range.first, last: range.last };
            return Ok(format!("range {range}"));
        }
        if let Some(domain) = entries.domains.first() {
            return Ok(format!("{:?} {}", domain.scope, first(domain)));
        }
        Ok(entries
            .urls
            .first()
            .map_or_else(|| "digest".into(), |url| format!("url {}", first(url))))
    }

    fn check(text: &str, expected: Result<&str, EntryFault>) {
        assert_eq!(shown(text).as_deref(), expected.as_ref().copied(), "{text}");
    }

    #[test]
    fn every_kind_of_entry_is_told_from_its_text() {
        check("192.0.2.1", Ok("range 192.0.2.1"));
        check(" 192.0.2.0/24 ", Ok("range 192.0.2.0/24"));
        check("192.0.2.1-192.0.2.9", Ok("range 192.0.2.1-192.0.2.9"));
        check("192.0.2.1:443", Ok("range 192.0.2.1"));
        check("[2001:db8::1]:443", Ok("range 2001:db8::1"));
        check("2001:db8::/32", Ok("range 2001:db8::/32"));
        check("Bad.Example.", Ok("Whole bad.example"));
        check("*.bad.example", Ok("Below bad.example"));
        check(".onion", Ok("Whole onion"));
        check("http://192.0.2.1/x.exe", Ok("url 192.0.2.1/x.exe"));
        check("192.0.2.1/x.exe", Ok("url 192.0.2.1/x.exe"));
        check("hxxps://bad[.]example/a", Ok("url bad.example/a"));
        check("198[.]51[.]100[.]7", Ok("range 198.51.100.7"));
        check(&"ab".repeat(32), Ok("digest"));
    }

    #[test]
    fn what_would_match_everyone_is_refused() {
        for text in ["0.0.0.0/0", "0.0.0.0-255.255.255.255", "10.0.0.0/7", "::/0", "2000::/15"] {
            check(text, Err(EntryFault::Wide));
        }
        check("10.0.0.0/8", Ok("range 10.0.0.0/8"));
    }

    #[test]
    fn what_is_nothing_is_refused_with_the_reason() {
        for text in ["", "com", "x", "a b", "://", "http://", "é", "1.2.3", "[::1", "ab:cd"] {
            check(text, Err(EntryFault::Unknown));
        }
        for text in ["1.2.3.4/33", "1.2.3.9-1.2.3.1", "1.2.3.4-::1", "1.2.3.4/"] {
            check(text, Err(EntryFault::Range));
        }
        check(&"a".repeat(5000), Err(EntryFault::Long));
    }
}
