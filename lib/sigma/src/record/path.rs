//! The path of a field: `userIdentity.sessionContext.attributes.mfaAuthenticated`.
//! What it reaches in a record is the record's business.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// A dotted path, cut once.
#[derive(Clone, Debug)]
pub struct FieldPath {
    text: Box<str>,
    segments: Box<[Box<str>]>,
    /// By depth: the segments from there on, joined.
    rests: Box<[Box<str>]>,
    /// Its place among the paths of a program.
    slot: Option<u32>,
}

impl FieldPath {
    /// Cuts a path at its dots. A dot that belongs to a key is written `\.`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut segments = vec![String::new()];
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let last = segments.last_mut();
            match (c, last) {
                ('\\', Some(segment)) if chars.peek() == Some(&'.') => {
                    segment.push('.');
                    chars.next();
                }
                ('.', _) => segments.push(String::new()),
                (_, Some(segment)) => segment.push(c),
                (_, None) => {}
            }
        }
        let rest = |depth| segments.get(depth..).unwrap_or_default().join(".").into();
        let rests = (0..segments.len()).map(rest).collect();
        let segments = segments.into_iter().map(String::into).collect();
        Self { text: text.into(), segments, rests, slot: None }
    }

    /// The keys, from the outermost.
    pub fn segments(&self) -> impl ExactSizeIterator<Item = &str> {
        self.segments.iter().map(|segment| &**segment)
    }

    /// The key at a depth, from 0.
    #[must_use]
    pub fn segment(&self, depth: usize) -> Option<&str> {
        self.segments.get(depth).map(|segment| &**segment)
    }

    /// As written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The keys from a depth on, joined again: log formats that flatten their fields have keys
    /// with dots in them.
    #[must_use]
    pub fn rest(&self, depth: usize) -> &str {
        self.rests.get(depth).map_or("", |rest| &**rest)
    }

    /// Its place in [`Matcher::paths`](crate::Matcher::paths) of the kind of records that it is
    /// read from, so that a caller need not look it up; none of paths that only correlations
    /// read.
    #[must_use]
    pub fn slot(&self) -> Option<usize> {
        self.slot.map(|slot| slot as usize)
    }

    pub(crate) fn set_slot(&mut self, slot: usize) {
        self.slot = u32::try_from(slot).ok();
    }
}

impl PartialEq for FieldPath {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for FieldPath {}

impl PartialOrd for FieldPath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for FieldPath {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl Hash for FieldPath {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
