//! The one pattern of source files: `*` stands for any letters.
//! Patterns of object keys have named parts and are content's.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// A text in which `*` stands for any letters, none included. Nothing else is special.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    /// What stands between the stars; one piece: the pattern has none.
    pieces: Vec<String>,
}

impl Pattern {
    /// Whether the pattern matches the whole text.
    ///
    /// ```
    /// let pattern: yagura_model::source::Pattern = "*.AccessDenied*".parse().unwrap();
    /// assert!(pattern.matches("KMS.AccessDeniedException"));
    /// assert!(!pattern.matches("AccessDenied"));
    /// ```
    pub fn matches(&self, text: &str) -> bool {
        let [first, middle @ .., last] = self.pieces.as_slice() else {
            return self.pieces.first().is_some_and(|whole| whole == text);
        };
        let Some(mut rest) = text.strip_prefix(first.as_str()) else { return false };
        for piece in middle {
            match rest.split_once(piece.as_str()) {
                Some((_, tail)) => rest = tail,
                None => return false,
            }
        }
        rest.ends_with(last.as_str())
    }
}

impl FromStr for Pattern {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self { pieces: text.split('*').map(str::to_owned).collect() })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.pieces.join("*"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_letters() {
        for (pattern, text, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("", "", true),
            ("", "x", false),
            ("*", "", true),
            ("4*", "404", true),
            ("4*", "504", false),
            ("a*a", "a", false),
            ("*b*", "abc", true),
            ("a*b*c", "axxcxxb", false),
            ("a.b", "axb", false),
        ] {
            let parsed: Pattern = pattern.parse().unwrap();
            assert_eq!(parsed.matches(text), expected, "{pattern} {text}");
            assert_eq!(parsed.to_string(), pattern);
        }
    }
}
