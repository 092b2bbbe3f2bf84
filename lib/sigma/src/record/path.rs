//! The path of a field: `userIdentity.sessionContext.attributes.mfaAuthenticated`.
//! What it reaches in a record is the record's business.

use std::fmt;

/// A dotted path, cut once.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldPath {
    text: Box<str>,
    segments: Box<[Box<str>]>,
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
        Self { text: text.into(), segments: segments.into_iter().map(String::into).collect() }
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

    /// The keys that follow a depth, joined again: log formats that flatten their fields have
    /// keys with dots in them.
    #[must_use]
    pub fn rest(&self, depth: usize) -> String {
        self.segments.get(depth..).unwrap_or_default().join(".")
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
