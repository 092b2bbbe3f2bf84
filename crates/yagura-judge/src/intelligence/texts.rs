//! Looking names up: domains with everything below them, and URLs. One table of hashes over one
//! arena of text, immutable after it is built.
//! What an entry means is in `sets.rs`.

use yagura_model::indicator::DomainScope;

/// Longer texts are no domain names, and no URL that a list has.
const TEXT_BYTES_MAX: usize = 4096;
/// A chain of slots that is longer means that somebody chose names for our hash: another seed.
const CHAIN_MAX: usize = 64;
const SEEDS_MAX: u64 = 16;

/// A name or URL as it is on a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    start: u32,
    length: u16,
    pub(super) scope: DomainScope,
    pub(super) owner: u32,
    /// Until before this second since 1970; `u32::MAX` for ever.
    pub(super) until_s: u32,
}

/// Texts, to be looked up.
#[derive(Debug, Default)]
pub(super) struct TextIndex {
    arena: String,
    /// In order of their texts, so that those of one text stand together.
    listed: Vec<Listed>,
    /// Index + 1 of the first of a text, or zero. A power of two, at most half full.
    slots: Vec<u32>,
    seed: u64,
}

/// Takes texts before they can be looked up.
#[derive(Debug, Default)]
pub(super) struct TextIndexBuilder {
    arena: String,
    listed: Vec<Listed>,
}

impl TextIndexBuilder {
    /// Adds a text in lower case. What passes four gigabytes in all is left out, which lists of
    /// their bounded size cannot.
    pub(super) fn add(&mut self, text: &str, scope: DomainScope, owner: u32, until_s: u32) {
        let place = u32::try_from(self.arena.len()).ok().zip(u16::try_from(text.len()).ok());
        let Some((start, length)) = place.filter(|_| !text.is_empty()) else { return };
        self.arena.push_str(text);
        self.listed.push(Listed { start, length, scope, owner, until_s });
    }

    pub(super) fn build(self) -> TextIndex {
        let Self { arena, mut listed } = self;
        listed.sort_unstable_by(|a, b| {
            let rest = |l: &Listed| (l.owner, l.scope, std::cmp::Reverse(l.until_s));
            text_of(&arena, a).cmp(text_of(&arena, b)).then_with(|| rest(a).cmp(&rest(b)))
        });
        listed.dedup_by(|b, a| {
            (a.owner, a.scope) == (b.owner, b.scope) && text_of(&arena, a) == text_of(&arena, b)
        });
        listed.shrink_to_fit();
        let mut index = TextIndex { arena, listed, slots: Vec::new(), seed: 0 };
        for seed in 0..SEEDS_MAX {
            index.seed = seed;
            if index.fill() || seed + 1 == SEEDS_MAX {
                break;
            }
        }
        index
    }
}

fn text_of<'a>(arena: &'a str, listed: &Listed) -> &'a str {
    let start = listed.start as usize;
    arena.get(start..start + usize::from(listed.length)).unwrap_or_default()
}

impl TextIndex {
    /// Fills the slots; false where texts crowd.
    fn fill(&mut self) -> bool {
        let size = (self.listed.len() * 2).next_power_of_two().max(2);
        let mask = size - 1;
        let mut slots = vec![0_u32; size];
        let mut fine = true;
        let mut number = 0_u32;
        let same = |a: &Listed, b: &Listed| text_of(&self.arena, a) == text_of(&self.arena, b);
        for group in self.listed.chunk_by(same) {
            let Some(first) = group.first() else { continue };
            let text = text_of(&self.arena, first);
            let mut slot = whole_hash(self.seed, text) & mask;
            let mut steps = 0;
            while let Some(taken) = slots.get_mut(slot) {
                if *taken == 0 {
                    *taken = number + 1;
                    break;
                }
                slot = (slot + 1) & mask;
                steps += 1;
            }
            fine &= steps <= CHAIN_MAX;
            number = number.saturating_add(u32::try_from(group.len()).unwrap_or(u32::MAX));
        }
        self.slots = slots;
        fine
    }

    pub(super) fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    pub(super) fn text(&self, listed: &Listed) -> &str {
        text_of(&self.arena, listed)
    }

    pub(super) fn bytes_len(&self) -> usize {
        self.arena.capacity()
            + self.listed.capacity() * size_of::<Listed>()
            + self.slots.capacity() * 4
    }

    /// Hands over what stands for a domain: first what names the widest domain, last the name
    /// itself. Letters count as equal in capitals; a dot at the end is passed over.
    pub(super) fn domain<'t>(&'t self, name: &str, found: &mut dyn FnMut(&'t Listed)) {
        let name = name.strip_suffix('.').unwrap_or(name);
        if self.listed.is_empty() || name.is_empty() || name.len() > 255 {
            return;
        }
        let mut hash = start(self.seed);
        for (at, byte) in name.bytes().enumerate().rev() {
            if byte == b'.' {
                let suffix = name.get(at + 1..).unwrap_or_default();
                self.same(suffix, finish(hash), &mut |listed| {
                    if listed.scope.holds(true) {
                        found(listed);
                    }
                });
            }
            hash = step(hash, byte);
        }
        self.same(name, finish(hash), &mut |listed| {
            if listed.scope.holds(false) {
                found(listed);
            }
        });
    }

    /// Hands over what stands for a text itself.
    pub(super) fn exact<'t>(&'t self, text: &str, found: &mut dyn FnMut(&'t Listed)) {
        if !self.listed.is_empty() && text.len() <= TEXT_BYTES_MAX {
            let hash = finish(text.bytes().rev().fold(start(self.seed), step));
            self.same(text, hash, found);
        }
    }

    fn same<'t>(&'t self, text: &str, hash: u64, found: &mut dyn FnMut(&'t Listed)) {
        let mask = self.slots.len().wrapping_sub(1);
        let mut slot = truncated(hash) & mask;
        while let Some(index) = self.slots.get(slot).and_then(|at| (*at as usize).checked_sub(1)) {
            let own = self.listed.get(index..).unwrap_or_default();
            let is_same =
                |listed: &&Listed| text_of(&self.arena, listed).eq_ignore_ascii_case(text);
            if own.first().is_some_and(|first| is_same(&first)) {
                own.iter().take_while(is_same).for_each(found);
                return;
            }
            slot = (slot + 1) & mask;
        }
    }
}

fn whole_hash(seed: u64, text: &str) -> usize {
    truncated(finish(text.bytes().rev().fold(start(seed), step)))
}

#[expect(clippy::cast_possible_truncation, reason = "a slot needs the lower bits only")]
fn truncated(hash: u64) -> usize {
    hash as usize
}

// FNV-1a over the bytes from the last to the first, so that one pass over a name gives the hash
// of every domain that it is in; then a mix that spreads the bits.
fn start(seed: u64) -> u64 {
    0xcbf2_9ce4_8422_2325 ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn step(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0000_0100_0000_01b3)
}

fn finish(hash: u64) -> u64 {
    let mixed = (hash ^ (hash >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    mixed ^ (mixed >> 32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn index(entries: &[(&str, DomainScope)]) -> TextIndex {
        let mut builder = TextIndexBuilder::default();
        for (number, (text, scope)) in (0..).zip(entries) {
            builder.add(text, *scope, number, u32::MAX);
        }
        builder.build()
    }

    fn owners(index: &TextIndex, name: &str) -> Vec<u32> {
        let mut owners = Vec::new();
        index.domain(name, &mut |listed| owners.push(listed.owner));
        owners
    }

    #[test]
    fn a_name_is_found_by_every_domain_that_stands_for_it() {
        let index = index(&[
            ("bad.example", DomainScope::Whole),
            ("below.example", DomainScope::Below),
            ("only.example", DomainScope::Exact),
            ("onion", DomainScope::Whole),
            ("a.bad.example", DomainScope::Exact),
        ]);
        assert_eq!(owners(&index, "bad.example"), [0]);
        assert_eq!(owners(&index, "A.Bad.Example."), [0, 4]);
        assert_eq!(owners(&index, "x.a.bad.example"), [0]);
        assert!(owners(&index, "below.example").is_empty());
        assert_eq!(owners(&index, "x.below.example"), [1]);
        assert_eq!(owners(&index, "only.example"), [2]);
        assert!(owners(&index, "x.only.example").is_empty());
        assert_eq!(owners(&index, "abc.onion"), [3]);
        for name in ["", ".", "notbad.example", "example", "bad.example.com", "onions"] {
            assert!(owners(&index, name).is_empty(), "{name}");
        }
    }

    #[test]
    fn one_text_on_several_lists_is_found_on_all() {
        let index = index(&[
            ("bad.example", DomainScope::Whole),
            ("other.example", DomainScope::Whole),
            ("bad.example", DomainScope::Whole),
        ]);
        assert_eq!(owners(&index, "bad.example"), [0, 2]);
        let mut texts = Vec::new();
        index.exact("BAD.example", &mut |listed| texts.push(index.text(listed)));
        assert_eq!(texts, ["bad.example", "bad.example"]);
    }

    fn name() -> impl Strategy<Value = String> {
        proptest::collection::vec("[ab]{1,2}", 1..5).prop_map(|labels| labels.join("."))
    }

    proptest! {
        #[test]
        fn what_is_found_is_what_a_walk_over_all_finds(
            entries in proptest::collection::vec((name(), 0..3_u8), 0..60),
            names in proptest::collection::vec(name(), 1..40),
        ) {
            let scopes = [DomainScope::Exact, DomainScope::Below, DomainScope::Whole];
            let entries: Vec<_> = entries
                .iter()
                .map(|(name, scope)| (name.as_str(), scopes[usize::from(*scope)]))
                .collect();
            let index = index(&entries);
            for name in &names {
                let mut expected: Vec<u32> = Vec::new();
                for (owner, (own, scope)) in (0..).zip(&entries) {
                    let below = name.ends_with(&format!(".{own}"));
                    if (name == own && scope.holds(false)) || (below && scope.holds(true)) {
                        expected.push(owner);
                    }
                }
                let mut found = owners(&index, name);
                found.sort_unstable();
                prop_assert_eq!(found, expected, "{}", name);
            }
        }
    }
}
