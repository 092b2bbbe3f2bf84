//! Looking addresses up in ranges: sorted segments that do not overlap, each with the entries that
//! hold there. Immutable after it is built.
//! What an entry means is in `sets.rs`.

use std::collections::BTreeSet;

/// Entries of one segment: of every list the narrowest, and of those the narrowest.
const HELD_MAX: usize = 16;
/// Marks a segment with several entries.
const SEVERAL: u32 = 1 << 31;

/// An address as a number.
pub(super) trait Number: Copy + Ord + std::fmt::Debug {
    fn next(self) -> Option<Self>;
    fn before(self) -> Self;
    fn minus(self, other: Self) -> Self;
    /// Its sixteen highest bits.
    fn top(self) -> usize;
}

impl Number for u32 {
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }

    fn before(self) -> Self {
        self.saturating_sub(1)
    }

    fn minus(self, other: Self) -> Self {
        self.saturating_sub(other)
    }

    fn top(self) -> usize {
        (self >> 16) as usize
    }
}

impl Number for u128 {
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }

    fn before(self) -> Self {
        self.saturating_sub(1)
    }

    fn minus(self, other: Self) -> Self {
        self.saturating_sub(other)
    }

    fn top(self) -> usize {
        // The shift leaves sixteen bits.
        usize::try_from(self >> 112).unwrap_or_default()
    }
}

/// A range as it is on a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held<A> {
    pub(super) first: A,
    pub(super) last: A,
    /// What the caller wants to find: of an indicator its list, of a range of AWS its number.
    pub(super) owner: u32,
    /// Until before this second since 1970; `u32::MAX` for ever.
    pub(super) until_s: u32,
}

/// Ranges, to be looked up.
#[derive(Debug)]
pub(super) struct RangeIndex<A> {
    /// The first address of every segment, rising.
    firsts: Vec<A>,
    lasts: Vec<A>,
    /// The number of the entry, or of the place in `several` behind the mark.
    entries: Vec<u32>,
    /// How many, and then their numbers.
    several: Vec<u32>,
    held: Vec<Held<A>>,
    /// By the highest sixteen bits: the first segment that begins there or behind. Empty where
    /// there are few segments.
    tops: Vec<u32>,
}

impl<A> Default for RangeIndex<A> {
    fn default() -> Self {
        Self {
            firsts: Vec::new(),
            lasts: Vec::new(),
            entries: Vec::new(),
            several: Vec::new(),
            held: Vec::new(),
            tops: Vec::new(),
        }
    }
}

impl<A: Number> RangeIndex<A> {
    pub(super) fn new(mut held: Vec<Held<A>>) -> Self {
        held.sort_unstable_by(|a, b| {
            (a.owner, a.first, b.last, b.until_s).cmp(&(b.owner, b.first, a.last, a.until_s))
        });
        // Of the same range twice in one list, the entry that holds longest is kept.
        held.dedup_by(|b, a| (a.owner, a.first, a.last) == (b.owner, b.first, b.last));
        held.truncate(SEVERAL as usize - 1);
        held.shrink_to_fit();
        let mut spans = Vec::with_capacity(held.len());
        let mut number = 0_u32;
        for list in held.chunk_by(|a, b| a.owner == b.owner) {
            let own = number..;
            number = number.saturating_add(u32::try_from(list.len()).unwrap_or(u32::MAX));
            let own = own.zip(list).map(|(entry, held)| Span {
                first: held.first,
                last: held.last,
                width: held.last.minus(held.first),
                entry,
            });
            spans.extend(flat(own.collect()));
        }
        spans.sort_unstable_by_key(|span| span.first);
        let mut index = Self { held, ..Self::default() };
        index.fill(&spans);
        index
    }

    /// Takes the lists' ranges, which overlap only where they are of different lists.
    fn fill(&mut self, spans: &[Span<A>]) {
        if is_flat(spans) {
            self.firsts = spans.iter().map(|span| span.first).collect();
            self.lasts = spans.iter().map(|span| span.last).collect();
            self.entries = spans.iter().map(|span| span.entry).collect();
        } else {
            sweep(spans, HELD_MAX, &mut |first, last, entries| {
                self.firsts.push(first);
                self.lasts.push(last);
                let entry = match entries {
                    [one] => *one,
                    several => {
                        let at = u32::try_from(self.several.len()).unwrap_or(SEVERAL - 1);
                        self.several.push(u32::try_from(several.len()).unwrap_or_default());
                        self.several.extend(several);
                        at | SEVERAL
                    }
                };
                self.entries.push(entry);
            });
        }
        if self.firsts.len() > 64 {
            let mut at = 0;
            self.tops = (0..=1 << 16)
                .map(|top| {
                    while self.firsts.get(at).is_some_and(|first| first.top() < top) {
                        at += 1;
                    }
                    u32::try_from(at).unwrap_or(u32::MAX)
                })
                .collect();
        }
    }

    /// The entries that an address is in, the narrowest first, at most one of each list.
    pub(super) fn find(&self, address: A) -> impl Iterator<Item = &Held<A>> {
        let numbers: &[u32] = match self.segment(address) {
            None => &[],
            Some(entry) if entry & SEVERAL == 0 => std::slice::from_ref(entry),
            Some(entry) => {
                let at = (entry & !SEVERAL) as usize;
                let count = self.several.get(at).map_or(0, |count| *count as usize);
                self.several.get(at + 1..at + 1 + count).unwrap_or_default()
            }
        };
        numbers.iter().filter_map(|number| self.held.get(*number as usize))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.firsts.is_empty()
    }

    pub(super) fn bytes_len(&self) -> usize {
        (self.firsts.capacity() + self.lasts.capacity()) * size_of::<A>()
            + self.held.capacity() * size_of::<Held<A>>()
            + (self.entries.capacity() + self.several.capacity() + self.tops.capacity()) * 4
    }

    fn segment(&self, address: A) -> Option<&u32> {
        let top = address.top();
        let bound = |at: usize| self.tops.get(at).map(|at| *at as usize);
        let (from, until) = match (bound(top), bound(top + 1)) {
            (Some(from), Some(until)) => (from, until),
            // The last sixteen bits have no bound behind them.
            (Some(from), None) => (from, self.firsts.len()),
            _ => (0, self.firsts.len()),
        };
        let near = self.firsts.get(from..until).unwrap_or_default();
        let at = from + near.partition_point(|first| *first <= address);
        let at = at.checked_sub(1)?;
        let inside = self.lasts.get(at).is_some_and(|last| address <= *last);
        if inside { self.entries.get(at) } else { None }
    }
}

#[derive(Clone, Copy, Debug)]
struct Span<A> {
    first: A,
    last: A,
    /// Of the whole entry, of which this may be a part.
    width: A,
    entry: u32,
}

fn is_flat<A: Number>(sorted: &[Span<A>]) -> bool {
    sorted.is_sorted_by(|a, b| a.last < b.first)
}

/// The ranges of one list without overlaps: everywhere the narrowest holds.
fn flat<A: Number>(sorted: Vec<Span<A>>) -> Vec<Span<A>> {
    if is_flat(&sorted) {
        return sorted;
    }
    let mut spans = Vec::with_capacity(sorted.len());
    let widths: std::collections::HashMap<u32, A> =
        sorted.iter().map(|span| (span.entry, span.width)).collect();
    sweep(&sorted, 1, &mut |first, last, entries| {
        let narrowest = entries.first().and_then(|entry| Some((entry, widths.get(entry)?)));
        spans.extend(narrowest.map(|(entry, width)| Span {
            first,
            last,
            width: *width,
            entry: *entry,
        }));
    });
    spans
}

/// Calls `segment` for every stretch between two bounds with the ranges that hold there, the
/// narrowest first, at most `most` of them.
fn sweep<A: Number>(sorted: &[Span<A>], most: usize, segment: &mut dyn FnMut(A, A, &[u32])) {
    let mut ends: Vec<&Span<A>> = sorted.iter().collect();
    ends.sort_unstable_by_key(|span| span.last);
    let mut starts = sorted.iter().peekable();
    let mut ends = ends.into_iter().peekable();
    let mut active: BTreeSet<(A, u32)> = BTreeSet::new();
    let key = |span: &Span<A>| (span.width, span.entry);
    let mut from: Option<A> = None;
    let mut entries: Vec<u32> = Vec::new();
    let mut emit = |from: Option<A>, last: A, active: &BTreeSet<(A, u32)>| {
        let Some(first) = from.filter(|first| *first <= last && !active.is_empty()) else { return };
        entries.clear();
        entries.extend(active.iter().take(most).map(|(_, entry)| *entry));
        segment(first, last, &entries);
    };
    while let Some(end) = ends.peek() {
        match starts.peek().filter(|start| start.first <= end.last) {
            Some(start) => {
                if from.is_some_and(|from| from < start.first) {
                    emit(from, start.first.before(), &active);
                }
                active.insert(key(start));
                from = Some(start.first);
                starts.next();
            }
            None => {
                emit(from, end.last, &active);
                active.remove(&key(end));
                from = end.last.next();
                ends.next();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn held(first: u32, last: u32, owner: u32) -> Held<u32> {
        Held { first, last, owner, until_s: u32::MAX }
    }

    fn owners(index: &RangeIndex<u32>, address: u32) -> Vec<(u32, u32)> {
        index.find(address).map(|held| (held.owner, held.last - held.first)).collect()
    }

    #[test]
    fn of_each_list_the_narrowest_range_holds() {
        let index = RangeIndex::new(vec![
            held(0, u32::MAX, 1),
            held(10, 20, 1),
            held(12, 14, 1),
            held(13, 40, 2),
        ]);
        let all = u32::MAX;
        assert_eq!(owners(&index, 9), [(1, all)]);
        assert_eq!(owners(&index, 10), [(1, 10)]);
        assert_eq!(owners(&index, 13), [(1, 2), (2, 27)]);
        assert_eq!(owners(&index, 15), [(1, 10), (2, 27)]);
        assert_eq!(owners(&index, 40), [(2, 27), (1, all)]);
        assert_eq!(owners(&index, u32::MAX), [(1, all)]);
    }

    #[test]
    fn nothing_is_found_in_nothing() {
        let index = RangeIndex::<u32>::new(Vec::new());
        assert!(index.is_empty());
        assert_eq!(owners(&index, 0), []);
    }

    #[test]
    fn many_nested_ranges_of_one_list_take_no_longer_than_they_should() {
        let nested = (0..100_000).map(|n| held(n, u32::MAX - n, 1)).collect();
        let index = RangeIndex::new(nested);
        assert_eq!(owners(&index, 50_000), [(1, u32::MAX - 2 * 50_000)]);
    }

    fn range() -> impl Strategy<Value = Held<u32>> {
        let near = prop_oneof![0..40_u32, (u32::MAX - 40)..=u32::MAX, any::<u32>()];
        (near.clone(), near, 0..4_u32).prop_map(|(a, b, owner)| held(a.min(b), a.max(b), owner))
    }

    proptest! {
        #[test]
        fn what_is_found_is_what_a_walk_over_all_finds(
            ranges in proptest::collection::vec(range(), 0..120),
            more in proptest::collection::vec(any::<u32>(), 0..20),
        ) {
            let index = RangeIndex::new(ranges.clone());
            let bounds = ranges.iter().flat_map(|r| [r.first, r.last]);
            let near = bounds.flat_map(|at| [at, at.saturating_add(1), at.saturating_sub(1)]);
            for address in near.chain(more).chain([0, u32::MAX]) {
                let mut expected: Vec<(u32, u32)> = Vec::new();
                for owner in 0..4 {
                    let own = ranges.iter().filter(|r| r.owner == owner);
                    let around = own.filter(|r| (r.first..=r.last).contains(&address));
                    expected.extend(around.map(|r| r.last - r.first).min().map(|w| (owner, w)));
                }
                let mut found = owners(&index, address);
                let narrowest_first = found.is_sorted_by_key(|(_, width)| *width);
                prop_assert!(narrowest_first);
                found.sort_unstable();
                prop_assert_eq!(found, expected, "{}", address);
            }
        }
    }
}
