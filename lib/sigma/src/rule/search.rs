//! What a rule looks for: its selections, their tests, and the condition over them.
//! How a test is carried out is `matcher/`.

use crate::number::Number;
use crate::problem::Place;
use crate::text::cidr::Cidr;
use crate::text::pattern::Pattern;
use crate::text::regexp::Expression;
use crate::text::time::TimePart;

/// Selections and the condition over them.
#[derive(Clone, Debug)]
pub struct Detection {
    /// In the order of the file.
    pub selections: Vec<Selection>,
    /// What must hold; a list of conditions has become an `or`.
    pub condition: Condition,
}

/// A named part of a detection (a "search identifier").
#[derive(Clone, Debug)]
pub struct Selection {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// What it looks for.
    pub search: Search,
}

/// A tree of tests.
#[derive(Clone, Debug)]
pub enum Search {
    /// All must hold (a map).
    All(Vec<Search>),
    /// One must hold (a list).
    Any(Vec<Search>),
    /// A field and its values.
    Item(Item),
}

/// One line of a selection: a field, its modifiers, its values.
#[derive(Clone, Debug)]
pub struct Item {
    /// The field; `None` searches every value of the record (keywords).
    pub field: Option<String>,
    /// The key as written, with modifiers: `User|startswith`.
    pub written: String,
    /// Where it stands.
    pub place: Place,
    /// The values: one must hold, or all under the modifier `all`. A value holds if one of its
    /// tests does; it has several where a modifier (`base64offset`) spreads it.
    pub values: Vec<Vec<Test>>,
    /// `all`
    pub every: bool,
    /// `neq`: the outcome is turned around.
    pub negated: bool,
}

/// What a value is tested for.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// A text with wildcards.
    Text(TextTest),
    /// Equal to a number; numeric texts are compared by value.
    Number(Number),
    /// No such field, or null.
    Null,
    /// The field is there, whatever its value; or is not.
    Exists(bool),
    /// A regular expression.
    Expression(Expression),
    /// An address in a range.
    Cidr(Cidr),
    /// An address in a range that the caller names: `%internal%` with `cidr` and `expand`.
    CidrPlaceholder(String),
    /// A number compared with a number.
    Compare(Operator, Number),
    /// A calendar part of a time, compared with a number.
    Time(TimePart, Operator, Number),
    /// Another field of the same record.
    Field {
        /// Its name.
        name: String,
        /// Where in the value its text must stand.
        place: FieldPlace,
        /// Whether case matters.
        cased: bool,
    },
}

/// A text test.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TextTest {
    /// The wildcards of `contains` and its kin are in it.
    pub pattern: Pattern,
    /// Whether case matters.
    pub cased: bool,
}

/// Where the text of a referred field must stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldPlace {
    /// It is the whole value.
    Whole,
    /// It begins the value.
    Start,
    /// It ends the value.
    End,
    /// It is somewhere in it.
    Within,
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `gt`
    Greater,
    /// `gte`
    AtLeast,
    /// `lt`
    Less,
    /// `lte`
    AtMost,
    /// `eq`
    Equal,
    /// `neq`
    Different,
}

impl Operator {
    pub(crate) fn read(text: &str) -> Option<Self> {
        Some(match text {
            "gt" => Self::Greater,
            "gte" => Self::AtLeast,
            "lt" => Self::Less,
            "lte" => Self::AtMost,
            "eq" => Self::Equal,
            "neq" => Self::Different,
            _ => return None,
        })
    }

    /// Whether `left operator right`.
    #[must_use]
    pub fn holds<T: PartialOrd>(self, left: &T, right: &T) -> bool {
        match self {
            Self::Greater => left > right,
            Self::AtLeast => left >= right,
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::Equal => left == right,
            Self::Different => left != right,
        }
    }
}

/// A condition over selections; `1 of` and `all of` have become `Any` and `All`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The selection at this index holds.
    Selection(usize),
    /// All hold.
    All(Vec<Condition>),
    /// One holds.
    Any(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
}
