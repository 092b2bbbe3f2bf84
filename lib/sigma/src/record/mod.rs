//! How the engine reads a record: values by path, all values, id and time.
//! A record of JSON values is in `json.rs`; other forms are the caller's.

mod json;
mod path;

use std::borrow::Cow;
use std::sync::Arc;

pub use json::JsonRecord;
pub use path::FieldPath;

/// One event, in whatever form the caller has it.
///
/// # What a path reaches
/// Each segment is a key of an object. Where an array stands, every element of it is gone into,
/// at every level: `resources.ARN` reaches the `ARN` of each resource. A missing key, or a key
/// of something that is no object, reaches nothing.
pub trait Record {
    /// Calls `visit` with every value that the path reaches: each element of an array by itself,
    /// an empty array as [`Value::EmptyList`], an object as [`Value::Object`]. Reaching nothing
    /// calls nothing.
    fn read(&self, path: &FieldPath, visit: &mut dyn FnMut(Value<'_>));

    /// Calls `visit` with every text, number and truth value of the record, for keywords. A
    /// record cut from a line of text may add the line.
    fn read_all(&self, visit: &mut dyn FnMut(Value<'_>));

    /// A name for the record that is the same whenever it is read again (CloudTrail: `eventID`).
    /// Correlations count a record of the same name, time and rule once.
    fn id(&self) -> Cow<'_, str>;

    /// The same, for whoever keeps it: a record that has its name at hand hands it out.
    fn shared_id(&self) -> Arc<str> {
        Arc::from(&*self.id())
    }

    /// When it happened, in microseconds since 1970. `None` keeps it out of correlations.
    fn time_us(&self) -> Option<i64>;
}

/// A value of a record.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean(bool),
    /// A number, as written in the record.
    Number(&'a str),
    /// A text, unescaped.
    Text(&'a str),
    /// An object; its text is asked for only where a test needs it.
    Object(&'a dyn ObjectText),
    /// An array without elements: it is there, but has no value.
    EmptyList,
}

/// The JSON text of an object.
pub trait ObjectText {
    /// As written in the record, if the caller has it, else compact.
    fn json(&self) -> Cow<'_, str>;
}

impl ObjectText for str {
    fn json(&self) -> Cow<'_, str> {
        Cow::Borrowed(self)
    }
}

impl ObjectText for &str {
    fn json(&self) -> Cow<'_, str> {
        Cow::Borrowed(self)
    }
}

impl Value<'_> {
    /// Whether a test holds of the value's text, or, for an object whose JSON text has escapes,
    /// of that text with one level of them resolved: CloudTrail keeps policies as JSON within a
    /// text (`"{\"Effect\":…}"`), and rules seek `"Effect":` in the whole of the parameters.
    pub(crate) fn any_text(&self, mut holds: impl FnMut(&str) -> bool) -> bool {
        let Some(text) = self.text() else { return false };
        if holds(&text) {
            return true;
        }
        matches!(self, Self::Object(_)) && text.contains('\\') && holds(&resolved(&text))
    }

    /// What text tests see; `None` for null and the empty list.
    #[must_use]
    pub fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Null | Self::EmptyList => None,
            Self::Boolean(true) => Some(Cow::Borrowed("true")),
            Self::Boolean(false) => Some(Cow::Borrowed("false")),
            Self::Number(text) | Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Object(object) => Some(object.json()),
        }
    }
}

/// One level of JSON escapes resolved; what is no escape stays as it is.
fn resolved(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('u') => {
                let code =
                    chars.as_str().get(..4).and_then(|hex| u32::from_str_radix(hex, 16).ok());
                match code.and_then(char::from_u32) {
                    Some(c) => {
                        out.push(c);
                        chars.nth(3);
                    }
                    None => out.push_str("\\u"),
                }
            }
            Some(c) => out.push(c),
            None => out.push('\\'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_level_of_escapes_is_resolved() {
        assert_eq!(resolved(r#"{"p":"{\"E\":\"A\"}"}"#), r#"{"p":"{"E":"A"}"}"#);
        assert_eq!(resolved(r"a\\b\/c\u0041\n\ud83d"), "a\\b/cA\n\\ud83d");
        assert_eq!(resolved(r"end\"), r"end\");
    }
}
