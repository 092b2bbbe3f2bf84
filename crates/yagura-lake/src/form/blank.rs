//! What a blank says: the column whose words stand there, and how they are written.
//! Where blanks are put is `making.rs`; how they are filled is `compose.rs` and `sql.rs`.

use std::fmt;

/// Stands before and after the name of a blank. JSON has no such character in its texts
/// (RFC 8259, section 7), and a record that has it nevertheless is kept as it is.
pub(crate) const MARK: char = '\u{1}';

/// Items of a list that can fill blanks; those behind stay in the form.
pub(crate) const ITEMS_MAX: usize = 2;

/// A place in a row whose words may be left out of the record's text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Blank {
    /// The way to the value. The first step is the column.
    pub(crate) steps: Vec<BlankStep>,
    pub(crate) style: Style,
}

/// A step of the way to a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum BlankStep {
    /// A column, or a member of a struct.
    Member(String),
    /// An item of a list, from one, as SQL counts.
    Item(usize),
}

/// How a value was written in the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Style {
    /// As the column has it.
    Text,
    /// A whole number in decimal.
    Whole,
    /// `2026-11-21T05:12:01Z`.
    Iso,
    /// Whole seconds since 1970.
    Seconds,
    /// Whole milliseconds since 1970.
    Millis,
}

impl Blank {
    /// The column that fills it.
    pub(crate) fn column(&self) -> &str {
        match self.steps.first() {
            Some(BlankStep::Member(name)) => name,
            _ => "",
        }
    }

    /// What stands in a form in place of the words.
    pub(crate) fn marked(&self) -> String {
        format!("{MARK}{self}{MARK}")
    }
}

impl fmt::Display for Blank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.steps.iter().enumerate() {
            match step {
                BlankStep::Member(name) if at == 0 => f.write_str(name)?,
                BlankStep::Member(name) => write!(f, ".{name}")?,
                BlankStep::Item(number) => write!(f, "[{number}]")?,
            }
        }
        f.write_str(match self.style {
            Style::Text | Style::Whole => "",
            Style::Iso => "@iso",
            Style::Seconds => "@s",
            Style::Millis => "@ms",
        })
    }
}
