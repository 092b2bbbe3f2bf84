//! How the lines of text logs are cut into fields, as source files say it.
//! The cutting is done in `yagura-collect`.

use std::fmt;

use regex::Regex;
use serde::{Deserialize, Deserializer};

/// Lines of fields with a separator.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delimited {
    /// What stands between fields.
    pub separator: Separator,
    /// How a field may be quoted.
    #[serde(default)]
    pub quotes: Quotes,
    /// Whether `[…]` is one field, which stands without its brackets.
    #[serde(default)]
    pub brackets: bool,
    /// Where the names of the fields stand.
    #[serde(default)]
    pub header: Header,
    /// The fields' names in order, where the text has no header. A line with more fields keeps
    /// the rest in `raw`; AWS adds fields at the end.
    #[serde(default)]
    pub columns: Vec<String>,
    /// Fewer fields than this: the line is broken.
    #[serde(default)]
    pub columns_min: usize,
    /// Fields that mean that there is no value.
    #[serde(default)]
    pub null: Vec<String>,
}

/// What stands between the fields of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Separator {
    /// One blank.
    Blank,
    /// A tab.
    Tab,
    /// A comma.
    Comma,
}

impl Separator {
    /// The byte.
    pub fn byte(self) -> u8 {
        match self {
            Self::Blank => b' ',
            Self::Tab => b'\t',
            Self::Comma => b',',
        }
    }
}

/// How a field may be quoted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quotes {
    /// Not at all.
    #[default]
    None,
    /// `"…"`; a quote within may stand bare: the field ends at a quote before a separator or the
    /// end of the line, counted so that the line has as many fields as it should.
    Bare,
    /// `"…"`; a quote within is doubled, as in CSV.
    Doubled,
    /// `'…'`; a quote within has a `\` before it.
    SingleBackslash,
}

/// Where the names of the fields stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Header {
    /// Nowhere: `columns` has them.
    #[default]
    None,
    /// In the first line, if it has names of `columns` or the source's marks in it; else
    /// `columns` has them.
    FirstLine,
    /// In a line that begins with `#Fields:`; other lines that begin with `#` are comments.
    FieldsDirective,
}

/// A regular expression for a line.
#[derive(Clone)]
pub struct LinePattern(Regex);

impl LinePattern {
    /// Whether a line matches.
    pub fn matches(&self, line: &str) -> bool {
        self.0.is_match(line)
    }

    /// The named groups of a line that took part in the match; none if it does not match.
    pub fn fields<'l>(&self, line: &'l str) -> Option<Vec<(&str, &'l str)>> {
        let found = self.0.captures(line)?;
        let names = self.0.capture_names().flatten();
        Some(names.filter_map(|name| Some((name, found.name(name)?.as_str()))).collect())
    }

    /// The names of its groups.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.capture_names().flatten()
    }
}

impl fmt::Debug for LinePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_str().fmt(f)
    }
}

impl<'de> Deserialize<'de> for LinePattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let regex = Regex::new(&text).map_err(|_| {
            let start: String = text.chars().take(200).collect();
            serde::de::Error::custom(format!("`{start}` is not a regular expression"))
        })?;
        Ok(Self(regex))
    }
}
