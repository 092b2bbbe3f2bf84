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
        let mut branch = &mut self.root;
        for step in steps {
            branch = match step {
                TrieStep::Member(name) => branch.members.entry(name.as_bytes()),
                TrieStep::Each => branch.each.get_or_insert_default(),
                TrieStep::At(place) => branch.item(place),
            };
        }
        let path = self.paths;
        branch.ends.push(path);
        self.paths += 1;
        path
    }

    /// Adds the way of a source's path; nothing if it leads into the object's key instead of the
    /// record. What the path picks of a value is the caller's business.
    pub fn add_path(&mut self, path: &FieldPath) -> Option<usize> {
        let steps = path.steps.iter().map(|step| match step {
            FieldStep::Key(name) => TrieStep::Member(name),
            FieldStep::Index(place) => TrieStep::At(*place),
            FieldStep::Each => TrieStep::Each,
        });
        (!path.from_key).then(|| self.add(steps))
    }

    /// Adds all paths of another; answers what is added to their numbers. So that two who want
    /// values of the same records can share one walk.
    pub fn join(&mut self, other: &Self) -> usize {
        let offset = self.paths;
        self.root.join(&other.root, offset);
        self.paths += other.paths;
        offset
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

    // The depth of the recursion is that of the longest path.
    fn join(&mut self, other: &Self, offset: usize) {
        self.ends.extend(other.ends.iter().map(|path| path + offset));
        for (name, branch) in &other.members.branches {
            self.members.entry(name).join(branch, offset);
        }
        if let Some(each) = &other.each {
            self.each.get_or_insert_default().join(each, offset);
        }
        for (place, branch) in &other.at {
            self.item(*place).join(branch, offset);
        }
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
    /// Open addressing, a power of two, at most half full: index + 1 into `branches`, or zero.
    slots: Vec<u32>,
}

impl Members {
    fn get(&self, name: &[u8]) -> Option<(usize, &Branch)> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut slot = hash(name) as usize & mask;
        loop {
            let index = (*self.slots.get(slot)? as usize).checked_sub(1)?;
            let (own, branch) = self.branches.get(index)?;
            if **own == *name {
                return Some((index, branch));
            }
            slot = (slot + 1) & mask;
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
        self.slots = vec![0; size];
        for index in 0..self.branches.len() {
            self.fill_slot(index);
        }
    }

    fn fill_slot(&mut self, index: usize) {
        let mask = self.slots.len() - 1;
        let Some((name, _)) = self.branches.get(index) else { return };
        let mut slot = hash(name) as usize & mask;
        while let Some(taken) = self.slots.get_mut(slot) {
            if *taken == 0 {
                *taken = u32::try_from(index + 1).unwrap_or(0);
                return;
            }
            slot = (slot + 1) & mask;
        }
    }
}

/// A quick hash of a name: its length, first and last eight bytes. Names that clash cost a
/// second comparison, no more; the names in the table are our own.
fn hash(name: &[u8]) -> u64 {
    let word = |bytes: &[u8]| {
        let mut word = [0; 8];
        for (to, from) in word.iter_mut().zip(bytes) {
            *to = *from;
        }
        u64::from_le_bytes(word)
    };
    let first =
        name.first_chunk::<8>().map_or_else(|| word(name), |chunk| u64::from_le_bytes(*chunk));
    let last = name.last_chunk::<8>().map_or(0, |chunk| u64::from_le_bytes(*chunk));
    let mixed =
        (first ^ last.rotate_left(29) ^ name.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 32)
}
