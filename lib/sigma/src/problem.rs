//! What is wrong with a rule or a pipeline, and where it stands in its file.
//! What may be wrong is decided where the thing is read, in `parse/` and `matcher/`.

use std::fmt;
use std::sync::Arc;

/// A place in a file. Lines and columns count from 1; 0 means that the place is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// From 1.
    pub line: u32,
    /// In characters, from 1.
    pub column: u32,
}

/// Whether the thing at the place can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// It is usable, but its author should look.
    Warning,
    /// It was left out as a whole; nothing of it is half applied.
    Error,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What the caller called the text: a path, usually.
    pub origin: Arc<str>,
    /// Where it is wrong.
    pub place: Place,
    /// How bad it is.
    pub weight: Weight,
    /// One sentence without its place; text of the file in backticks.
    pub message: String,
    /// What to do; empty where the message says it.
    pub hint: &'static str,
}

impl Problem {
    /// An error without a known file; [`Problem::of`] names it.
    pub(crate) fn error(place: Place, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { origin: Arc::from(""), place, weight: Weight::Error, message, hint: "" }
    }

    pub(crate) fn warning(place: Place, message: impl Into<String>) -> Self {
        Self { weight: Weight::Warning, ..Self::error(place, message) }
    }

    pub(crate) fn hint(mut self, hint: &'static str) -> Self {
        self.hint = hint;
        self
    }

    /// The same, with the name of its file.
    pub(crate) fn of(mut self, origin: &Arc<str>) -> Self {
        self.origin = Arc::clone(origin);
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.origin.is_empty() {
            write!(f, "{}:", self.origin)?;
        }
        if self.place.line > 0 {
            write!(f, "{}:{}: ", self.place.line, self.place.column)?;
        } else if !self.origin.is_empty() {
            f.write_str(" ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}
