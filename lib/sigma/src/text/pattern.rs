//! Sigma's wildcard patterns: `*`, `?`, their escapes, and `%placeholders%`.
//! How a pattern is matched is in `glob.rs`; modifiers are applied in `parse/values.rs`.

use std::fmt;

/// A text with wildcards.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Pattern {
    /// In order; two texts never stand beside each other.
    pub parts: Vec<Part>,
}

/// A piece of a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Plain characters.
    Text(String),
    /// `?`: exactly one character.
    One,
    /// `*`: any number of characters.
    Many,
    /// One of the characters that begin an option: `-`, `/`, en dash, em dash, horizontal bar.
    Dash,
    /// `%name%` under the modifier `expand`: a text of the caller's.
    Placeholder(String),
}

/// What [`Part::Dash`] stands for (Sigma modifiers appendix 2.1, `windash`).
pub(crate) const DASHES: [char; 5] = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];

impl Pattern {
    /// Reads a text of a rule: a backslash escapes `*`, `?` and itself, and is plain before
    /// anything else (Sigma rules specification, "Escaping").
    #[must_use]
    pub fn read(text: &str) -> Self {
        Self::scan(text, false)
    }

    /// The same under `expand`: `%name%` is a placeholder, `\%` a percent sign.
    #[must_use]
    pub(crate) fn read_with_placeholders(text: &str) -> Self {
        Self::scan(text, true)
    }

    /// A text without any wildcard.
    #[must_use]
    pub fn plain(text: &str) -> Self {
        let mut pattern = Self::default();
        pattern.push_text(text);
        pattern
    }

    fn scan(text: &str, placeholders: bool) -> Self {
        let mut pattern = Self::default();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            let rest = chars.as_str();
            match (c, rest.chars().next()) {
                ('\\', Some(next @ ('\\' | '*' | '?'))) => {
                    pattern.push_char(next);
                    chars.next();
                }
                ('\\', Some('%')) if placeholders => {
                    pattern.push_char('%');
                    chars.next();
                }
                ('*', _) => pattern.push(Part::Many),
                ('?', _) => pattern.push(Part::One),
                ('%', _) if placeholders => match placeholder(rest) {
                    Some((name, after)) => {
                        pattern.push(Part::Placeholder(name.to_owned()));
                        chars = after.chars();
                    }
                    None => pattern.push_char('%'),
                },
                _ => pattern.push_char(c),
            }
        }
        pattern
    }

    pub(crate) fn push(&mut self, part: Part) {
        match part {
            Part::Text(text) => self.push_text(&text),
            // `**` says no more than `*`.
            Part::Many if self.parts.last() == Some(&Part::Many) => {}
            part => self.parts.push(part),
        }
    }

    pub(crate) fn push_text(&mut self, text: &str) {
        match self.parts.last_mut() {
            _ if text.is_empty() => {}
            Some(Part::Text(last)) => last.push_str(text),
            _ => self.parts.push(Part::Text(text.to_owned())),
        }
    }

    fn push_char(&mut self, c: char) {
        match self.parts.last_mut() {
            Some(Part::Text(last)) => last.push(c),
            _ => self.parts.push(Part::Text(c.to_string())),
        }
    }

    /// The text, if there is nothing else in it.
    #[must_use]
    pub fn as_plain(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether a placeholder must be filled before matching.
    #[must_use]
    pub fn has_placeholder(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Placeholder(_)))
    }

    /// `*` in front.
    pub(crate) fn open_start(&mut self) {
        if self.parts.first() != Some(&Part::Many) {
            self.parts.insert(0, Part::Many);
        }
    }

    /// `*` behind.
    pub(crate) fn open_end(&mut self) {
        self.push(Part::Many);
    }
}

/// The name between the percent signs, and what follows the second.
fn placeholder(rest: &str) -> Option<(&str, &str)> {
    let (name, after) = rest.split_once('%')?;
    let named = !name.is_empty()
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
    named.then_some((name, after))
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Text(text) => {
                    for c in text.chars() {
                        if matches!(c, '*' | '?') {
                            f.write_str("\\")?;
                        }
                        write!(f, "{c}")?;
                    }
                }
                Part::One => f.write_str("?")?,
                Part::Many => f.write_str("*")?,
                Part::Dash => f.write_str("-")?,
                Part::Placeholder(name) => write!(f, "%{name}%")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Part {
        Part::Text(text.to_owned())
    }

    fn check(written: &str, parts: &[Part]) {
        assert_eq!(Pattern::read(written).parts, parts, "{written}");
    }

    #[test]
    fn wildcards_and_escapes_are_as_the_specification_lists_them() {
        check("prog?.exe", &[text("prog"), Part::One, text(".exe")]);
        check("a**b", &[text("a"), Part::Many, text("b")]);
        check(r"C:\Windows\x", &[text(r"C:\Windows\x")]);
        check(r"C:\\Windows", &[text(r"C:\Windows")]);
        check(r"a\*b", &[text("a*b")]);
        check(r"a\?", &[text("a?")]);
        check(r"a\\*", &[text(r"a\"), Part::Many]);
        check(r"a\\\*", &[text(r"a\*")]);
        check(r"a\\\\b", &[text(r"a\\b")]);
        check(r"a\\\b", &[text(r"a\\b")]);
        check(r"end\", &[text(r"end\")]);
        check("", &[]);
        check("%name%", &[text("%name%")]);
    }

    #[test]
    fn placeholders_exist_only_under_expand() {
        let read = |text| Pattern::read_with_placeholders(text).parts;
        assert_eq!(read("%Servers%"), [Part::Placeholder("Servers".into())]);
        assert_eq!(read(r"\%plain%name%"), [text("%plain"), Part::Placeholder("name".into())]);
        assert_eq!(read("100% sure"), [text("100% sure")]);
        assert_eq!(read("%%"), [text("%%")]);
    }
}
