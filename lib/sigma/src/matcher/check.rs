//! One test made ready: what a single value must be for it to hold.
//! Many tests at once are `field.rs`; which tests a rule joins is `tree.rs`.

use std::borrow::Cow;

use regex::Regex;

use crate::number::Numeric;
use crate::record::Value;
use crate::rule::{FieldPlace, Operator};
use crate::text::cidr::Cidr;
use crate::text::fold::{fold, fold_in};
use crate::text::glob::Glob;
use crate::text::time::TimePart;

/// A test made ready.
#[derive(Clone, Debug)]
pub(super) enum Check {
    /// A text, folded unless cased.
    Text { glob: Glob, cased: bool },
    /// Equal to a number, by value or as written.
    Number { value: Numeric, written: Box<str> },
    /// Null, or nothing there.
    Null,
    /// Something there, or nothing.
    Exists(bool),
    /// A regular expression.
    Expression(Regex),
    /// An address in a range.
    Cidr(Cidr),
    /// A number compared.
    Compare(Operator, Numeric),
    /// A calendar part compared.
    Time(TimePart, Operator, Numeric),
    /// The text of another field, by its index.
    Field { field: u32, place: FieldPlace, cased: bool },
}

impl Check {
    /// Whether scanning the field settles it (see `field.rs`); else it is asked one by one.
    pub(super) fn is_scanned(&self) -> bool {
        match self {
            Self::Text { glob, .. } => !matches!(glob, Glob::Steps(_)),
            Self::Number { .. } | Self::Null | Self::Exists(_) => true,
            _ => false,
        }
    }

    /// Whether one value passes. `others` are the texts of the referred field, for
    /// [`Check::Field`]. Presence checks are judged over all values, not here.
    pub(super) fn accepts(
        &self,
        value: &Value<'_>,
        others: &[String],
        buffer: &mut String,
    ) -> bool {
        value.any_text(|text| self.accepts_text(text, others, buffer))
    }

    fn accepts_text(&self, text: &str, others: &[String], buffer: &mut String) -> bool {
        match self {
            Self::Text { glob, cased: true } => glob.accepts(text),
            Self::Text { glob, cased: false } => glob.accepts(fold_in(text, buffer)),
            Self::Number { value, written } => {
                *text == **written || number(text).is_some_and(|number| number == *value)
            }
            Self::Expression(regex) => regex.is_match(text),
            Self::Cidr(range) => range.accepts(text),
            Self::Compare(operator, limit) => {
                number(text).is_some_and(|number| operator.holds(&number, limit))
            }
            Self::Time(part, operator, limit) => {
                part.of(text).is_some_and(|part| operator.holds(&Numeric::Integer(part), limit))
            }
            Self::Field { place, cased, .. } => refers(text, others, *place, *cased),
            Self::Null | Self::Exists(_) => false,
        }
    }
}

/// The number that a text is, if it is one. Only texts that begin as numbers do are looked at.
pub(super) fn number(text: &str) -> Option<Numeric> {
    let first = text.bytes().next()?;
    (first.is_ascii_digit() || first == b'-').then(|| Numeric::read(text))?
}

fn refers(text: &str, others: &[String], place: FieldPlace, cased: bool) -> bool {
    let case = |text| if cased { Cow::Borrowed(text) } else { Cow::Owned(fold(text)) };
    let text = case(text);
    others.iter().any(|other| {
        let other = case(other);
        match place {
            FieldPlace::Whole => *text == *other,
            FieldPlace::Start => text.starts_with(&*other),
            FieldPlace::End => text.ends_with(&*other),
            FieldPlace::Within => text.contains(&*other),
        }
    })
}
