//! One list of indicators and its entries: numbers in vectors and texts in one arena, so that a
//! million entries cost some tens of megabytes.
//! What a text of a list means as an entry is worked out in `yagura-analyze`.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::range::AddressRange;

/// A list and what is known of it.
#[derive(Clone, Debug)]
pub struct IndicatorList {
    /// What alerts call it; unique among the lists in use.
    pub name: String,
    /// Whether its entries are suspected or trusted.
    pub kind: ListKind,
    /// What its entries are suspected of; without meaning for trusted ones.
    pub category: ThreatCategory,
    /// Where it came from: an address, a bucket and key, or a file.
    pub source: String,
    /// When it was fetched.
    pub fetched_at: Option<Timestamp>,
    /// Under what terms it may be used, as the user noted it; may be empty.
    pub licence: String,
    /// Its entries.
    pub entries: Indicators,
}

/// What it means to be on a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListKind {
    /// Suspected.
    Threat,
    /// Trusted: nothing is raised about it, whatever other lists say.
    Trusted,
}

/// What the entries of a threat list are suspected of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThreatCategory {
    /// Command and control of malware.
    C2,
    /// Mining pools and nodes of cryptocurrencies.
    Mining,
    /// The Tor network: relays, exits, directory authorities.
    Tor,
    /// Those who probe and scan the internet.
    Scanner,
    /// Where malware is kept and loaded from.
    Malware,
    /// Pages that imitate others to collect credentials.
    Phishing,
    /// Names that malware generates by an algorithm.
    Dga,
    /// Where stolen data is left.
    DropPoint,
    /// Sinkholes: a machine that goes there is infected by something that was shut down.
    Blackhole,
    /// Pages that infect whoever opens them.
    DriveBy,
    /// Known to be malicious; the list does not say how.
    Reputation,
    /// Of low reputation: new, rarely seen, badly rated.
    Suspicious,
    /// Legitimate services that are often abused.
    Abused,
    /// Anonymizing proxies and VPN services.
    Proxy,
    /// Public DNS resolvers that are reached over HTTPS or TLS.
    PublicResolver,
    /// Whatever the site thinks worth an alert.
    Custom,
}

impl ListKind {
    /// All, in the order they are shown.
    pub const ALL: [Self; 2] = [Self::Threat, Self::Trusted];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Threat => "threat",
            Self::Trusted => "trusted",
        }
    }
}

impl ThreatCategory {
    /// All, in the order they are shown.
    pub const ALL: [Self; 16] = [
        Self::C2,
        Self::Mining,
        Self::Tor,
        Self::Scanner,
        Self::Malware,
        Self::Phishing,
        Self::Dga,
        Self::DropPoint,
        Self::Blackhole,
        Self::DriveBy,
        Self::Reputation,
        Self::Suspicious,
        Self::Abused,
        Self::Proxy,
        Self::PublicResolver,
        Self::Custom,
    ];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::C2 => "c2",
            Self::Mining => "mining",
            Self::Tor => "tor",
            Self::Scanner => "scanner",
            Self::Malware => "malware",
            Self::Phishing => "phishing",
            Self::Dga => "dga",
            Self::DropPoint => "drop_point",
            Self::Blackhole => "blackhole",
            Self::DriveBy => "drive_by",
            Self::Reputation => "reputation",
            Self::Suspicious => "suspicious",
            Self::Abused => "abused",
            Self::Proxy => "proxy",
            Self::PublicResolver => "public_resolver",
            Self::Custom => "custom",
        }
    }
}

impl fmt::Display for ListKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for ThreatCategory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ThreatCategory {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|category| category.as_str() == text).ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.iter().map(|category| category.as_str()).collect();
            format!("`{text}` is not a category (known are {})", known.join(", "))
        })
    }
}

/// Which names a domain stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DomainScope {
    /// The name alone.
    Exact,
    /// The names below it, but not the name itself: `*.example.com`.
    Below,
    /// The name and all names below it.
    Whole,
}

impl DomainScope {
    /// Whether a name is meant that is the domain itself (`below` false) or below it.
    pub fn holds(self, below: bool) -> bool {
        match self {
            Self::Exact => !below,
            Self::Below => below,
            Self::Whole => true,
        }
    }
}

/// From when until when an entry holds, in seconds since 1970; a bound that nobody gave is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Validity {
    /// From this second on. When a publisher learned of an address says little about when it was
    /// first used, so matching does not ask for it.
    pub from_s: Option<i64>,
    /// Until before this second.
    pub until_s: Option<i64>,
}

impl Validity {
    /// Whether it has not ended at this time.
    pub fn holds_at(self, time_s: i64) -> bool {
        self.until_s.is_none_or(|until| time_s < until)
    }
}

/// One entry, as it is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Indicator<'a> {
    /// Addresses.
    Range(AddressRange),
    /// A domain in lower case, without a dot at its end.
    Domain(&'a str, DomainScope),
    /// A URL in the canonical form of `yagura_analyze::intelligence::canonical`.
    Url(&'a str),
    /// The bytes of a digest: of MD5 (16), SHA-1 (20), SHA-256 (32) or SHA-512 (64).
    Digest(&'a [u8]),
}

/// Addresses of a list. `A` is `u32` for IPv4 and `u128` for IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RangeEntry<A> {
    /// The first address.
    pub first: A,
    /// The last address.
    pub last: A,
    validity: u32,
}

/// A domain or URL of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextEntry {
    start: u32,
    length: u16,
    /// Of domains: which names are meant.
    pub scope: DomainScope,
    validity: u32,
}

/// A digest of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DigestEntry<const N: usize> {
    /// Its bytes.
    pub bytes: [u8; N],
    validity: u32,
}

/// The entries of a list.
#[derive(Clone, Debug, Default)]
pub struct Indicators {
    /// Of IPv4.
    pub v4: Vec<RangeEntry<u32>>,
    /// Of IPv6.
    pub v6: Vec<RangeEntry<u128>>,
    /// Domains; [`Indicators::text`] gives their names.
    pub domains: Vec<TextEntry>,
    /// URLs; [`Indicators::text`] gives them.
    pub urls: Vec<TextEntry>,
    /// MD5.
    pub md5: Vec<DigestEntry<16>>,
    /// SHA-1.
    pub sha1: Vec<DigestEntry<20>>,
    /// SHA-256.
    pub sha256: Vec<DigestEntry<32>>,
    /// SHA-512.
    pub sha512: Vec<DigestEntry<64>>,
    texts: String,
    /// Validities other than "always"; an entry names its own by index + 1.
    validities: Vec<Validity>,
}

/// The list holds as much as it can.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the list has more text than one list can hold")]
pub struct IndicatorsFull;

impl Indicators {
    /// Adds an entry. A digest of an unknown length and an empty text add nothing.
    ///
    /// # Errors
    /// When the texts together would pass four gigabytes, or one of them 65,535 bytes.
    pub fn push(
        &mut self,
        indicator: Indicator<'_>,
        validity: Validity,
    ) -> Result<(), IndicatorsFull> {
        let validity = self.validity_number(validity)?;
        match indicator {
            Indicator::Range(AddressRange::V4 { first, last }) => {
                self.v4.push(RangeEntry { first, last, validity });
            }
            Indicator::Range(AddressRange::V6 { first, last }) => {
                self.v6.push(RangeEntry { first, last, validity });
            }
            Indicator::Domain("", _) | Indicator::Url("") => {}
            Indicator::Domain(name, scope) => {
                let (start, length) = self.push_text(name)?;
                self.domains.push(TextEntry { start, length, scope, validity });
            }
            Indicator::Url(url) => {
                let (start, length) = self.push_text(url)?;
                let scope = DomainScope::Exact;
                self.urls.push(TextEntry { start, length, scope, validity });
            }
            Indicator::Digest(bytes) => self.push_digest(bytes, validity),
        }
        Ok(())
    }

    fn push_digest(&mut self, bytes: &[u8], validity: u32) {
        if let Ok(&bytes) = bytes.try_into() {
            self.md5.push(DigestEntry { bytes, validity });
        } else if let Ok(&bytes) = bytes.try_into() {
            self.sha1.push(DigestEntry { bytes, validity });
        } else if let Ok(&bytes) = bytes.try_into() {
            self.sha256.push(DigestEntry { bytes, validity });
        } else if let Ok(&bytes) = bytes.try_into() {
            self.sha512.push(DigestEntry { bytes, validity });
        }
    }

    fn push_text(&mut self, text: &str) -> Result<(u32, u16), IndicatorsFull> {
        let start = u32::try_from(self.texts.len()).map_err(|_| IndicatorsFull)?;
        let length = u16::try_from(text.len()).map_err(|_| IndicatorsFull)?;
        self.texts.push_str(text);
        Ok((start, length))
    }

    fn validity_number(&mut self, validity: Validity) -> Result<u32, IndicatorsFull> {
        if validity == Validity::default() {
            return Ok(0);
        }
        if self.validities.last() != Some(&validity) {
            self.validities.push(validity);
        }
        u32::try_from(self.validities.len()).map_err(|_| IndicatorsFull)
    }

    /// The text of one of this list's entries.
    pub fn text(&self, entry: &TextEntry) -> &str {
        let start = entry.start as usize;
        self.texts.get(start..start + usize::from(entry.length)).unwrap_or_default()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        let texts = self.domains.len() + self.urls.len();
        let digests = self.md5.len() + self.sha1.len() + self.sha256.len() + self.sha512.len();
        self.v4.len() + self.v6.len() + texts + digests
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory that the entries take.
    pub fn bytes_len(&self) -> usize {
        self.v4.capacity() * size_of::<RangeEntry<u32>>()
            + self.v6.capacity() * size_of::<RangeEntry<u128>>()
            + (self.domains.capacity() + self.urls.capacity()) * size_of::<TextEntry>()
            + self.md5.capacity() * size_of::<DigestEntry<16>>()
            + self.sha1.capacity() * size_of::<DigestEntry<20>>()
            + self.sha256.capacity() * size_of::<DigestEntry<32>>()
            + self.sha512.capacity() * size_of::<DigestEntry<64>>()
            + self.texts.capacity()
            + self.validities.capacity() * size_of::<Validity>()
    }

    fn validity(&self, number: u32) -> Validity {
        let index = (number as usize).checked_sub(1);
        index.and_then(|index| self.validities.get(index)).copied().unwrap_or_default()
    }

    /// When an entry of addresses holds.
    pub fn range_validity<A>(&self, entry: &RangeEntry<A>) -> Validity {
        self.validity(entry.validity)
    }

    /// When a domain or URL holds.
    pub fn text_validity(&self, entry: &TextEntry) -> Validity {
        self.validity(entry.validity)
    }

    /// When a digest holds.
    pub fn digest_validity<const N: usize>(&self, entry: &DigestEntry<N>) -> Validity {
        self.validity(entry.validity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_keep_their_text_and_validity() {
        let mut entries = Indicators::default();
        let until = Validity { from_s: Some(5), until_s: Some(10) };
        entries.push(Indicator::Domain("a.example", DomainScope::Whole), until).unwrap();
        entries.push(Indicator::Domain("b.example", DomainScope::Below), until).unwrap();
        entries.push(Indicator::Url("c.example/x"), Validity::default()).unwrap();
        let range = Indicator::Range("192.0.2.0/24".parse().unwrap());
        entries.push(range, Validity::default()).unwrap();
        let names: Vec<_> = entries.domains.iter().map(|entry| entries.text(entry)).collect();
        assert_eq!(names, ["a.example", "b.example"]);
        assert_eq!(entries.text_validity(&entries.domains[1]), until);
        assert_eq!(entries.text(&entries.urls[0]), "c.example/x");
        assert_eq!(entries.range_validity(&entries.v4[0]), Validity::default());
        assert_eq!(entries.len(), 4);
    }

    #[test]
    fn a_validity_ends_before_its_last_second() {
        let until = Validity { from_s: Some(5), until_s: Some(10) };
        assert!(until.holds_at(0) && until.holds_at(9));
        assert!(!until.holds_at(10));
        assert!(Validity::default().holds_at(i64::MAX));
    }

    #[test]
    fn digests_are_told_apart_by_their_length() {
        let mut entries = Indicators::default();
        for length in [16, 20, 32, 64, 5] {
            let bytes = vec![7; length];
            entries.push(Indicator::Digest(&bytes), Validity::default()).unwrap();
        }
        assert_eq!(entries.len(), 4);
        assert_eq!(entries.sha512[0].bytes, [7; 64]);
    }

    #[test]
    fn a_text_that_is_too_long_is_refused() {
        let mut entries = Indicators::default();
        let long = "a".repeat(70_000);
        let refused = entries.push(Indicator::Url(&long), Validity::default());
        assert_eq!(refused, Err(IndicatorsFull));
        assert!(entries.is_empty());
    }

    #[test]
    fn a_million_addresses_take_sixteen_megabytes_at_most() {
        let mut entries = Indicators::default();
        for number in 0..1_000_000_u32 {
            let range = AddressRange::V4 { first: number, last: number };
            entries.push(Indicator::Range(range), Validity::default()).unwrap();
        }
        assert!(entries.bytes_len() <= 16 << 20, "{}", entries.bytes_len());
    }

    #[test]
    fn categories_are_written_as_they_are_read() {
        for category in ThreatCategory::ALL {
            assert_eq!(category.as_str().parse(), Ok(category));
        }
        assert!("botnet".parse::<ThreatCategory>().is_err());
    }
}
