//! Looking digests up: sorted by their bytes, by length.
//! What an entry means is in `sets.rs`.

use yagura_model::indicator::{DigestEntry, Indicators};

use super::sets::until_s;

/// A digest as it is on a list: its bytes, its list, and until when.
type Row<const N: usize> = ([u8; N], u32, u32);

/// Digests, to be looked up.
#[derive(Debug, Default)]
pub(super) struct DigestIndex {
    md5: Vec<Row<16>>,
    sha1: Vec<Row<20>>,
    sha256: Vec<Row<32>>,
    sha512: Vec<Row<64>>,
}

impl DigestIndex {
    /// Adds a list's digests.
    pub(super) fn add(&mut self, entries: &Indicators, owner: u32) {
        rows(&mut self.md5, entries, &entries.md5, owner);
        rows(&mut self.sha1, entries, &entries.sha1, owner);
        rows(&mut self.sha256, entries, &entries.sha256, owner);
        rows(&mut self.sha512, entries, &entries.sha512, owner);
    }

    /// Makes what was added ready for lookups.
    pub(super) fn finish(&mut self) {
        sort(&mut self.md5);
        sort(&mut self.sha1);
        sort(&mut self.sha256);
        sort(&mut self.sha512);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.md5.is_empty()
            && self.sha1.is_empty()
            && self.sha256.is_empty()
            && self.sha512.is_empty()
    }

    pub(super) fn bytes_len(&self) -> usize {
        self.md5.capacity() * size_of::<Row<16>>()
            + self.sha1.capacity() * size_of::<Row<20>>()
            + self.sha256.capacity() * size_of::<Row<32>>()
            + self.sha512.capacity() * size_of::<Row<64>>()
    }

    /// Hands over list and end of every entry of a digest.
    pub(super) fn find(&self, digest: &[u8], found: &mut dyn FnMut(u32, u32)) {
        look(&self.md5, digest, found);
        look(&self.sha1, digest, found);
        look(&self.sha256, digest, found);
        look(&self.sha512, digest, found);
    }
}

fn rows<const N: usize>(
    to: &mut Vec<Row<N>>,
    entries: &Indicators,
    own: &[DigestEntry<N>],
    owner: u32,
) {
    to.extend(own.iter().map(|entry| {
        let until = until_s(entries.digest_validity(entry));
        (entry.bytes, owner, until)
    }));
}

fn sort<const N: usize>(rows: &mut Vec<Row<N>>) {
    rows.sort_unstable_by(|a, b| (a.0, a.1, b.2).cmp(&(b.0, b.1, a.2)));
    rows.dedup_by(|b, a| (a.0, a.1) == (b.0, b.1));
    rows.shrink_to_fit();
}

fn look<const N: usize>(rows: &[Row<N>], digest: &[u8], found: &mut dyn FnMut(u32, u32)) {
    if digest.len() != N {
        return;
    }
    let at = rows.partition_point(|row| row.0.as_slice() < digest);
    let own = rows.get(at..).unwrap_or_default();
    for (_, owner, until) in own.iter().take_while(|row| row.0.as_slice() == digest) {
        found(*owner, *until);
    }
}
