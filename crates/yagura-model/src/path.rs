//! Paths into a resource: `properties.BucketEncryption.Rules[0].Status`.
//! They name what was not read and what a control looks at; they do not evaluate anything.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// A member of a map.
    Key(String),
    /// An element of a list, from zero.
    Index(usize),
    /// Every element of a list: `[*]`.
    Every,
}

/// A path from the root of a resource. The empty path is the whole resource.
///
/// Keys are separated by dots; a key with a dot, bracket, quote or blank is written
/// `["like.this"]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path(pub Vec<Step>);

/// Why a text is not a path.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` is not a path into a resource (at byte {at})")]
pub struct PathError {
    text: String,
    at: usize,
}

impl Path {
    /// A path of keys only.
    pub fn of_keys<'a>(keys: impl IntoIterator<Item = &'a str>) -> Self {
        Self(keys.into_iter().map(|key| Step::Key(key.to_owned())).collect())
    }

    /// Whether `self` is `other` or an ancestor of it.
    pub fn covers(&self, other: &Self) -> bool {
        self.0.len() <= other.0.len()
            && self.0.iter().zip(&other.0).all(|(a, b)| match (a, b) {
                (Step::Every, Step::Index(_)) | (Step::Index(_), Step::Every) => true,
                (a, b) => a == b,
            })
    }

    /// Whether one of the two covers the other: reading one touches the other.
    pub fn touches(&self, other: &Self) -> bool {
        self.covers(other) || other.covers(self)
    }
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = |at: usize| PathError { text: text.chars().take(200).collect(), at };
        let mut steps = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let at = text.len() - rest.len();
            if let Some(tail) = rest.strip_prefix("[\"") {
                let (key, tail) = quoted(tail).ok_or_else(|| fail(at))?;
                steps.push(Step::Key(key));
                rest = tail;
            } else if let Some(tail) = rest.strip_prefix('[') {
                let (inner, tail) = tail.split_once(']').ok_or_else(|| fail(at))?;
                steps.push(match inner {
                    "*" => Step::Every,
                    number => Step::Index(number.parse().map_err(|_| fail(at))?),
                });
                rest = tail;
            } else {
                let tail = if steps.is_empty() {
                    rest
                } else {
                    rest.strip_prefix('.').ok_or_else(|| fail(at))?
                };
                let end = tail.find(['.', '[']).unwrap_or(tail.len());
                let (key, tail) = tail.split_at(end);
                if key.is_empty() || key.contains(needs_quotes) {
                    return Err(fail(at));
                }
                steps.push(Step::Key(key.to_owned()));
                rest = tail;
            }
        }
        Ok(Self(steps))
    }
}

/// Reads a key up to its closing `"]`, where `\` escapes the next character.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut key = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => key.push(chars.next()?.1),
            '"' => return Some((key, text.get(at + 1..)?.strip_prefix(']')?)),
            c => key.push(c),
        }
    }
    None
}

fn needs_quotes(c: char) -> bool {
    matches!(c, '.' | '[' | ']' | '"' | '\\') || c.is_whitespace() || c.is_control()
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if key.is_empty() || key.contains(needs_quotes) => {
                    write!(f, "[\"{}\"]", key.replace('\\', "\\\\").replace('"', "\\\""))?;
                }
                Step::Key(key) if n == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Every => f.write_str("[*]")?,
            }
        }
        Ok(())
    }
}

impl Serialize for Path {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Path {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_path_agree() {
        for text in [
            "",
            "properties",
            "properties.Rules[0].Status",
            "properties.Rules[*].Status",
            "tags[\"a.b c\"]",
            "tags[\"quo\\\"te\"]",
        ] {
            assert_eq!(text.parse::<Path>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn broken_paths_are_refused() {
        for text in [".", "a..b", "a.", "a[", "a[x]", "a[\"b]", "a b", "a]b"] {
            assert!(text.parse::<Path>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_ancestor_covers_and_a_sibling_does_not() {
        let check = |a: &str, b: &str, covers: bool| {
            assert_eq!(a.parse::<Path>().unwrap().covers(&b.parse().unwrap()), covers, "{a} {b}");
        };
        check("properties", "properties.A.B", true);
        check("properties.A", "properties.AB", false);
        check("properties.A.B", "properties.A", false);
        check("", "properties", true);
        check("properties.L[*]", "properties.L[3].X", true);
        check("properties.L[2]", "properties.L[3]", false);
    }
}
