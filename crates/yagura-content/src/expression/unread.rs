//! Which parts of a document were not read, in a form that a walk down the document can follow.
//! What an unread part means for an operation is decided in `evaluate.rs`.

use std::cmp::Ordering;
use std::sync::Arc;

use yagura_model::{Path, Step, Unread, UnreadReason};

/// What nobody asked for: facts that were not computed, neighbors that are not there.
pub(crate) static NOT_REQUESTED: Unread = Unread::of(Path(Vec::new()), UnreadReason::NotRequested);

/// The unread parts of one document, sorted by path so that the parts below a path are neighbors.
#[derive(Debug)]
pub(crate) struct UnreadIndex<'a> {
    entries: Vec<&'a Unread>,
}

/// The unread parts at and below one place of a document. A place without any has no `Marks`
/// at all, which is what makes the common case free.
#[derive(Clone, Debug)]
pub(crate) struct Marks<'a> {
    index: Arc<UnreadIndex<'a>>,
    low: u32,
    high: u32,
    depth: u32,
}

/// What is unread at a member of a place.
pub(crate) enum Child<'a> {
    /// Nothing.
    Clean,
    /// Something at or below it.
    Marked(Marks<'a>),
    /// A named part and a `[*]` part meet; the member is taken as unread as a whole.
    Both(Vec<&'a Unread>),
}

impl<'a> UnreadIndex<'a> {
    /// The marks of a whole document; `None` when everything was read.
    pub(crate) fn marks(unread: &'a [Unread]) -> Option<Marks<'a>> {
        if unread.is_empty() {
            return None;
        }
        let mut entries: Vec<&'a Unread> = unread.iter().collect();
        entries.sort_by(|a, b| compare_paths(&a.path, &b.path));
        let high = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        Some(Marks { index: Arc::new(Self { entries }), low: 0, high, depth: 0 })
    }
}

impl<'a> Marks<'a> {
    /// Everything unread at or below this place.
    pub(crate) fn all(&self) -> &[&'a Unread] {
        self.index.entries.get(self.low as usize..self.high as usize).unwrap_or_default()
    }

    /// What is unread exactly here.
    pub(crate) fn here(&self) -> impl Iterator<Item = &'a Unread> + '_ {
        let depth = self.depth as usize;
        self.all().iter().copied().take_while(move |unread| unread.path.0.len() == depth)
    }

    /// What is unread below, with the key of the member it is in (`None` for every element), and
    /// whether it is the whole member, whose very existence is then not known.
    pub(crate) fn below(&self) -> impl Iterator<Item = (Option<&'a str>, bool, &'a Unread)> + '_ {
        let depth = self.depth as usize;
        self.all().iter().copied().filter_map(move |unread| {
            let step = unread.path.0.get(depth)?;
            let whole = unread.path.0.len() == depth + 1 && !unread.partial;
            Some((key_of(step), whole, unread))
        })
    }

    /// Whether a member, or every one, is unread as a whole.
    pub(crate) fn hides(&self, key: &str) -> bool {
        self.below().any(|(member, whole, _)| whole && member.is_none_or(|member| member == key))
    }

    /// What is unread at or below a member.
    pub(crate) fn key(&self, key: &str) -> Child<'a> {
        match (self.narrow(Some(key)), self.narrow(None)) {
            (None, None) => Child::Clean,
            (Some(marks), None) | (None, Some(marks)) => Child::Marked(marks),
            (Some(named), Some(every)) => {
                Child::Both(named.all().iter().chain(every.all()).copied().collect())
            }
        }
    }

    /// What is unread at or below the elements of a list. An index in an unread path stands for
    /// every element: lists are read as a whole or by pages, so nothing finer occurs, and taking
    /// more as unread is the safe side.
    pub(crate) fn element(&self) -> Option<Self> {
        self.narrow(None)
    }

    fn narrow(&self, key: Option<&str>) -> Option<Self> {
        let depth = self.depth as usize;
        let entries = self.all();
        let order = |unread: &&Unread| match unread.path.0.get(depth) {
            None => Ordering::Less,
            Some(step) => compare_keys(key_of(step), key),
        };
        let low = entries.partition_point(|unread| order(unread) == Ordering::Less);
        let high = entries.partition_point(|unread| order(unread) != Ordering::Greater);
        (low < high).then(|| Self {
            index: Arc::clone(&self.index),
            low: self.low + u32::try_from(low).unwrap_or(0),
            high: self.low + u32::try_from(high).unwrap_or(0),
            depth: self.depth + 1,
        })
    }
}

fn key_of(step: &Step) -> Option<&str> {
    match step {
        Step::Key(key) => Some(key),
        Step::Index(_) | Step::Every => None,
    }
}

fn compare_keys(a: Option<&str>, b: Option<&str>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => a.cmp(b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

fn compare_paths(a: &Path, b: &Path) -> Ordering {
    a.0.iter()
        .map(key_of)
        .zip(b.0.iter().map(key_of))
        .fold(Ordering::Equal, |so_far, (a, b)| so_far.then_with(|| compare_keys(a, b)))
        .then(a.0.len().cmp(&b.0.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unread(path: &str) -> Unread {
        Unread { path: path.parse().unwrap(), ..NOT_REQUESTED.clone() }
    }

    fn check(paths: &[&str], walk: &[&str], expected: &[&str]) {
        let entries: Vec<Unread> = paths.iter().map(|path| unread(path)).collect();
        let mut marks = UnreadIndex::marks(&entries).unwrap();
        for step in walk {
            let child = if *step == "*" {
                marks.element().map_or(Child::Clean, Child::Marked)
            } else {
                marks.key(step)
            };
            marks = match child {
                Child::Clean => {
                    assert!(expected.is_empty(), "{walk:?}");
                    return;
                }
                Child::Marked(marks) => marks,
                Child::Both(all) => {
                    let all: Vec<_> = all.iter().map(|unread| unread.path.to_string()).collect();
                    assert_eq!(all, expected);
                    return;
                }
            };
        }
        let all: Vec<_> = marks.all().iter().map(|unread| unread.path.to_string()).collect();
        assert_eq!(all, expected, "{walk:?}");
    }

    #[test]
    fn a_walk_sees_what_lies_below_and_nothing_else() {
        let paths = ["properties.B.C", "properties.A", "properties.L[3].X", "tags", "properties.B"];
        check(&paths, &["properties", "A"], &["properties.A"]);
        check(&paths, &["properties", "B"], &["properties.B", "properties.B.C"]);
        check(&paths, &["properties", "L", "*", "X"], &["properties.L[3].X"]);
        check(&paths, &["properties", "AB"], &[]);
        check(&paths, &["runtime"], &[]);
    }

    #[test]
    fn a_named_part_and_every_part_are_both_kept() {
        check(&["m[*].x", "m.k.y"], &["m", "k"], &["m.k.y", "m[*].x"]);
        check(&["m[*].x"], &["m", "k", "x"], &["m[*].x"]);
    }
}
