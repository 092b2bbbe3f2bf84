//! All threat lists in one set of indexes, and all trusted lists in another.
//! Which fields are looked up, and what a hit means, is in `rules.rs` and `mod.rs`.

use std::net::IpAddr;

use yagura_analyze::intelligence::canonical;
use yagura_model::indicator::{AddressRange, IndicatorList, ListKind, ThreatCategory, Validity};

use super::digests::DigestIndex;
use super::ranges::{Held, RangeIndex};
use super::texts::{TextIndex, TextIndexBuilder};

/// What alerts name a list by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListName {
    /// The list's name.
    pub name: String,
    /// What its entries are suspected of.
    pub category: ThreatCategory,
}

/// An entry that a value was found on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listing {
    /// The list's number.
    pub(super) list: u32,
    /// The entry as people write it.
    pub(super) entry: String,
    /// Until before this second since 1970; `u32::MAX` for ever.
    pub(super) until_s: u32,
}

/// Lists of one kind, to be looked up.
#[derive(Debug, Default)]
pub(super) struct Sets {
    v4: RangeIndex<u32>,
    v6: RangeIndex<u128>,
    domains: TextIndex,
    urls: TextIndex,
    digests: DigestIndex,
}

/// The end of a validity as the indexes keep it. Ends before 1970 have passed, and what ends
/// after 2106 does not end.
pub(super) fn until_s(validity: Validity) -> u32 {
    let until = validity.until_s.unwrap_or(i64::MAX);
    u32::try_from(until.max(0)).unwrap_or(u32::MAX)
}

impl Sets {
    /// Of the lists of a kind, whose numbers are their places.
    pub(super) fn new(lists: &[IndicatorList], kind: ListKind) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        let (mut domains, mut urls) = (TextIndexBuilder::default(), TextIndexBuilder::default());
        let mut digests = DigestIndex::default();
        let own = (0_u32..).zip(lists).filter(|(_, list)| list.kind == kind);
        for (owner, list) in own {
            let entries = &list.entries;
            v4.extend(entries.v4.iter().map(|entry| Held {
                first: entry.first,
                last: entry.last,
                owner,
                until_s: until_s(entries.range_validity(entry)),
            }));
            v6.extend(entries.v6.iter().map(|entry| Held {
                first: entry.first,
                last: entry.last,
                owner,
                until_s: until_s(entries.range_validity(entry)),
            }));
            for entry in &entries.domains {
                let until = until_s(entries.text_validity(entry));
                domains.add(entries.text(entry), entry.scope, owner, until);
            }
            for entry in &entries.urls {
                let until = until_s(entries.text_validity(entry));
                urls.add(entries.text(entry), entry.scope, owner, until);
            }
            digests.add(entries, owner);
        }
        digests.finish();
        Self {
            v4: RangeIndex::new(v4),
            v6: RangeIndex::new(v6),
            domains: domains.build(),
            urls: urls.build(),
            digests,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.v4.is_empty()
            && self.v6.is_empty()
            && self.domains.is_empty()
            && self.urls.is_empty()
            && self.digests.is_empty()
    }

    pub(super) fn bytes_len(&self) -> usize {
        self.v4.bytes_len()
            + self.v6.bytes_len()
            + self.domains.bytes_len()
            + self.urls.bytes_len()
            + self.digests.bytes_len()
    }

    pub(super) fn has_address(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => self.v4.find(address.to_bits()).next().is_some(),
            IpAddr::V6(address) => self.v6.find(address.to_bits()).next().is_some(),
        }
    }

    pub(super) fn has_domain(&self, name: &str) -> bool {
        let mut any = false;
        self.domains.domain(name, &mut |_| any = true);
        any
    }

    /// Adds what an address is found on, the narrowest first.
    pub(super) fn address(&self, address: IpAddr, to: &mut Vec<Listing>) {
        match address {
            IpAddr::V4(address) => {
                to.extend(self.v4.find(address.to_bits()).map(|held| Listing {
                    list: held.owner,
                    entry: AddressRange::V4 { first: held.first, last: held.last }.to_string(),
                    until_s: held.until_s,
                }));
            }
            IpAddr::V6(address) => {
                to.extend(self.v6.find(address.to_bits()).map(|held| Listing {
                    list: held.owner,
                    entry: AddressRange::V6 { first: held.first, last: held.last }.to_string(),
                    until_s: held.until_s,
                }));
            }
        }
    }

    /// Adds what a domain name is found on; of one list the entry nearest to the name.
    pub(super) fn domain(&self, name: &str, to: &mut Vec<Listing>) {
        let before = to.len();
        self.domains.domain(name, &mut |listed| {
            let entry = self.domains.text(listed);
            let listing =
                Listing { list: listed.owner, entry: entry.to_owned(), until_s: listed.until_s };
            let own = to.get_mut(before..).unwrap_or_default();
            match own.iter_mut().find(|known| known.list == listing.list) {
                Some(known) => *known = listing,
                None => to.push(listing),
            }
        });
    }

    /// Adds what a URL is found on.
    pub(super) fn url(&self, url: &str, to: &mut Vec<Listing>) {
        if self.urls.is_empty() {
            return;
        }
        let Some(url) = canonical::url(url) else { return };
        self.urls.exact(&url, &mut |listed| {
            // Hosts are compared without regard to capitals, paths are not.
            if self.urls.text(listed) == url {
                let (list, until_s) = (listed.owner, listed.until_s);
                to.push(Listing { list, entry: url.clone(), until_s });
            }
        });
    }

    /// Adds what a digest is found on.
    pub(super) fn digest(&self, text: &str, to: &mut Vec<Listing>) {
        if self.digests.is_empty() {
            return;
        }
        let Some(digest) = canonical::digest(text.trim()) else { return };
        self.digests.find(digest.bytes(), &mut |list, until_s| {
            to.push(Listing { list, entry: text.trim().to_ascii_lowercase(), until_s });
        });
    }
}
