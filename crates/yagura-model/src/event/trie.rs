//! Many wanted paths, looked up in one walk over a record: columns of a table, fields of rules.
//! What a path's text looks like is `source::FieldPath`'s business; here are its steps.

use std::borrow::Cow;

use super::node::{Kind, Node};
use super::value::Value;
use crate::source::{FieldPath, FieldStep};

/// One step of a wanted path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrieStep<'a> {
    /// A member of an object. Of members with the same name the first counts.
    Member(&'a str),
    /// Every item of an array.
    Each,
    /// The item of an array at this place, from zero.
    At(usize),
}

/// A set of paths, compiled: a record is walked once whatever their number, and what no path
/// leads into is stepped over.
///
/// ```
/// use yagura_model::event::{BatchBuilder, PathTrie, TrieStep};
///
/// let mut trie = PathTrie::default();
/// let name = trie.add([TrieStep::Member("user"), TrieStep::Member("name")]);
/// let group = trie.add([TrieStep::Member("groups"), TrieStep::Each]);
/// let mut builder = BatchBuilder::default();
/// builder.push_json(br#"{"groups":["a","b"],"user":{"name":"eve"}}"#)?;
/// let mut found = Vec::new();
/// let record = builder.last().ok_or("a record was added")?;
/// trie.visit(record.root(), &mut |path, value| found.push((path, value.text().into_owned())));
/// assert_eq!(found, [(group, "a".into()), (group, "b".into()), (name, "eve".into())]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct PathTrie {
    root: Branch,
    paths: usize,
}

#[derive(Clone, Debug, Default)]
struct Branch {
    /// The paths that end here.
    ends: Vec<usize>,
    members: Members,
    each: Option<Box<Branch>>,
    /// By place, in rising order.
    at: Vec<(usize, Branch)>,
}

impl PathTrie {
    /// Adds a path and answers its number: 0 for the first, then rising. The same path may be
    /// added again and has then several numbers.
    pub fn add<'a>(&mut self, steps: impl IntoIterator<Item = TrieStep<'a>>) -> usize {
        let path = self.paths;
        self.branch(steps).ends.push(path);
        self.paths += 1;
        path
    }

    /// The same, but a path that is there already keeps its number: several who want values of the
    /// same records share one walk, and each value is handed out once.
    pub fn add_once<'a>(&mut self, steps: impl IntoIterator<Item = TrieStep<'a>>) -> usize {
        let path = self.paths;
        let ends = &mut self.branch(steps).ends;
        if let Some(known) = ends.first() {
            return *known;
        }
        ends.push(path);
        self.paths += 1;
        path
    }

    fn branch<'a>(&mut self, steps: impl IntoIterator<Item = TrieStep<'a>>) -> &mut Branch {
        steps.into_iter().fold(&mut self.root, |branch, step| match step {
            TrieStep::Member(name) => branch.members.entry(name.as_bytes()),
            TrieStep::Each => branch.each.get_or_insert_default(),
            TrieStep::At(place) => branch.item(place),
        })
    }

    /// Adds the way of a source's path once; nothing if it leads into the object's key instead of
    /// the record. What the path picks of a value is the caller's business.
    pub fn add_path(&mut self, path: &FieldPath) -> Option<usize> {
        let steps = path.steps.iter().map(|step| match step {
            FieldStep::Key(name) => TrieStep::Member(name),
            FieldStep::Index(place) => TrieStep::At(*place),
            FieldStep::Each => TrieStep::Each,
        });
        (!path.from_key).then(|| self.add_once(steps))
    }

    /// How many paths were added.
    pub fn len(&self) -> usize {
        self.paths
    }

    /// Whether no path was added.
    pub fn is_empty(&self) -> bool {
        self.paths == 0
    }

    /// Calls `found` with each value that a path leads to, in the order of the record. A path
    /// with `Each` may lead to many values. `null` is a value; absent members are not called.
    pub fn visit<'a>(&self, value: Value<'a>, found: &mut impl FnMut(usize, Value<'a>)) {
        self.root.visit(value, found);
    }
}

impl Branch {
    fn item(&mut self, place: usize) -> &mut Branch {
        let index = match self.at.binary_search_by_key(&place, |(own, _)| *own) {
            Ok(index) => index,
            Err(index) => {
                self.at.insert(index, (place, Branch::default()));
                index
            }
        };
        #[expect(clippy::indexing_slicing, reason = "the search has just found or made it")]
        &mut self.at[index].1
    }

    fn leads_into(&self, kind: Kind) -> bool {
        match kind {
            Kind::Object => !self.members.branches.is_empty(),
            Kind::Array => self.each.is_some() || !self.at.is_empty(),
            _ => false,
        }
    }

    // The depth of the recursion is that of the longest path.
    fn visit<'a>(&self, value: Value<'a>, found: &mut impl FnMut(usize, Value<'a>)) {
        for &path in &self.ends {
            found(path, value);
        }
        match value.kind() {
            kind if !self.leads_into(kind) => {}
            Kind::Object => self.visit_members(value, found),
            Kind::Array => {
                for (place, item) in value.items().enumerate() {
                    if let Some(each) = &self.each {
                        each.visit(item, found);
                    }
                    if let Ok(index) = self.at.binary_search_by_key(&place, |(own, _)| *own)
                        && let Some((_, branch)) = self.at.get(index)
                    {
                        branch.visit(item, found);
                    }
                }
            }
            _ => {}
        }
    }

    fn visit_members<'a>(&self, object: Value<'a>, found: &mut impl FnMut(usize, Value<'a>)) {
        let batch = object.batch();
        let (first, _, _) = object.place();
        let mut seen = Seen::default();
        let mut at = first + 1;
        while at < object.node().next {
            let Some(name) = batch.nodes.get(at as usize) else { return };
            let value = Value::new(batch, at + 1);
            let text = name_text(batch, name);
            if let Some((index, branch)) = self.members.get(text.as_bytes())
                && seen.is_first(index)
            {
                branch.visit(value, found);
            }
            at = value.node().next;
        }
    }
}

fn name_text<'a>(batch: &'a super::EventBatch, name: &Node) -> Cow<'a, str> {
    let content = batch.slice(name.start, name.end);
    match name.escaped {
        true => Cow::Owned(super::escape::unescape(content)),
        false => Cow::Borrowed(content),
    }
}

/// Which members of an object were seen, so that of repeated names the first counts.
#[derive(Default)]
struct Seen {
    low: [u64; 4],
    /// For the members from the 256th on.
    high: Vec<u64>,
}

impl Seen {
    fn is_first(&mut self, index: usize) -> bool {
        let bit = 1_u64 << (index % 64);
        let (place, low) = (index / 64, self.low.len());
        let word = match self.low.get_mut(place) {
            Some(word) => word,
            None => {
                if self.high.len() <= place - low {
                    self.high.resize(place - low + 1, 0);
                }
                match self.high.get_mut(place - low) {
                    Some(word) => word,
                    None => return true,
                }
            }
        };
        let first = *word & bit == 0;
        *word |= bit;
        first
    }
}

/// The members that paths lead through, found by name in one probe or two.
#[derive(Clone, Debug, Default)]
struct Members {
    branches: Vec<(Box<[u8]>, Branch)>,
    /// Open addressing, a power of two, at most half full.
    slots: Vec<Slot>,
}

/// A place of the table; free where `next` is zero.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    stamp: Stamp,
    /// Index + 1 into `branches`.
    next: u32,
}

/// What a name is told by: its length, first and last bytes. Of a name of at most 16 bytes that is
/// all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stamp {
    first: u64,
    last: u64,
    length: usize,
}

impl Stamp {
    /// Bytes of the longest name that a stamp tells whole.
    const WHOLE: usize = 16;

    #[inline]
    fn of(name: &[u8]) -> Self {
        let length = name.len();
        if let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) {
            let (first, last) = (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
            return Self { first, last, length };
        }
        if let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) {
            let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
            return Self { first: first.into(), last: last.into(), length };
        }
        let byte = |at: usize| name.get(at).copied().map_or(0, u64::from);
        Self { first: byte(0) | byte(1) << 8 | byte(2) << 16, last: 0, length }
    }

    /// A quick hash. Names that clash cost a second probe, no more; those in the table are ours.
    #[inline]
    fn hash(self) -> usize {
        let all = self.first ^ self.last.rotate_left(29) ^ self.length as u64;
        let mixed = all.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed ^ (mixed >> 32)) as usize
    }
}

impl Members {
    #[inline]
    fn get(&self, name: &[u8]) -> Option<(usize, &Branch)> {
        let mask = self.slots.len().checked_sub(1)?;
        let stamp = Stamp::of(name);
        let mut at = stamp.hash() & mask;
        loop {
            let slot = self.slots.get(at)?;
            let index = (slot.next as usize).checked_sub(1)?;
            if slot.stamp == stamp {
                let (own, branch) = self.branches.get(index)?;
                if name.len() <= Stamp::WHOLE || **own == *name {
                    return Some((index, branch));
                }
            }
            at = (at + 1) & mask;
        }
    }

    fn entry(&mut self, name: &[u8]) -> &mut Branch {
        let index = match self.get(name) {
            Some((index, _)) => index,
            None => {
                self.branches.push((name.into(), Branch::default()));
                self.fill_slots();
                self.branches.len() - 1
            }
        };
        #[expect(clippy::indexing_slicing, reason = "the index was just found or made")]
        &mut self.branches[index].1
    }

    fn fill_slots(&mut self) {
        let size = (self.branches.len() * 2).next_power_of_two();
        if size == self.slots.len() {
            let index = self.branches.len() - 1;
            self.fill_slot(index);
            return;
        }
        self.slots = vec![Slot::default(); size];
        for index in 0..self.branches.len() {
            self.fill_slot(index);
        }
    }

    fn fill_slot(&mut self, index: usize) {
        let mask = self.slots.len() - 1;
        let Some((name, _)) = self.branches.get(index) else { return };
        let stamp = Stamp::of(name);
        let mut at = stamp.hash() & mask;
        while let Some(slot) = self.slots.get_mut(at) {
            if slot.next == 0 {
                *slot = Slot { stamp, next: u32::try_from(index + 1).unwrap_or(0) };
                return;
            }
            at = (at + 1) & mask;
        }
    }
}
