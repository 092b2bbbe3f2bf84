//! Matches wildcard patterns over folded or exact text, in time bounded by pattern × text.
//! Reading a pattern is `pattern.rs`; many patterns at once are `matcher/field.rs`.

use super::fold::{fold, fold_char};
use super::pattern::{DASHES, Part, Pattern};

/// A pattern made ready.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Glob {
    /// The whole text.
    Exact(String),
    /// `text*`
    Prefix(String),
    /// `*text`
    Suffix(String),
    /// `*text*`
    Contains(String),
    /// `*`: any text.
    Any,
    /// Anything else.
    Steps(Vec<Step>),
}

/// One step of a pattern that has no simpler form.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// These characters.
    Text(String),
    /// One character.
    One,
    /// One of the dashes.
    Dash,
    /// Any number of characters.
    Many,
}

impl Glob {
    /// Makes a pattern ready; `cased` keeps its case. A placeholder must have been filled
    /// before: it is taken as its text.
    pub(crate) fn new(pattern: &Pattern, cased: bool) -> Self {
        let case = |text: &str| if cased { text.to_owned() } else { fold(text) };
        let steps: Vec<Step> = pattern
            .parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => Step::Text(case(text)),
                Part::One => Step::One,
                Part::Many => Step::Many,
                Part::Dash => Step::Dash,
                Part::Placeholder(name) => Step::Text(case(&format!("%{name}%"))),
            })
            .collect();
        match steps.as_slice() {
            [] => Self::Exact(String::new()),
            [Step::Many] => Self::Any,
            [Step::Text(text)] => Self::Exact(text.clone()),
            [Step::Text(text), Step::Many] => Self::Prefix(text.clone()),
            [Step::Many, Step::Text(text)] => Self::Suffix(text.clone()),
            [Step::Many, Step::Text(text), Step::Many] => Self::Contains(text.clone()),
            _ => Self::Steps(steps),
        }
    }

    /// Whether the text, folded by the caller unless the pattern is cased, matches.
    pub(crate) fn accepts(&self, text: &str) -> bool {
        match self {
            Self::Exact(whole) => whole == text,
            Self::Prefix(start) => text.starts_with(start.as_str()),
            Self::Suffix(end) => text.ends_with(end.as_str()),
            Self::Contains(part) => text.contains(part.as_str()),
            Self::Any => true,
            Self::Steps(steps) => walk(steps, text),
        }
    }

    /// The longest text that every match contains; empty if there is none.
    pub(crate) fn literal(&self) -> &str {
        match self {
            Self::Exact(text) | Self::Prefix(text) | Self::Suffix(text) | Self::Contains(text) => {
                text
            }
            Self::Any => "",
            Self::Steps(steps) => steps
                .iter()
                .filter_map(|step| match step {
                    Step::Text(text) => Some(text.as_str()),
                    _ => None,
                })
                .max_by_key(|text| text.len())
                .unwrap_or(""),
        }
    }
}

/// The classic walk with one point of return: after a `*`, only the last one need be retried.
fn walk(steps: &[Step], text: &str) -> bool {
    let mut at = 0; // Step to take.
    let mut rest = text;
    let mut back: Option<(usize, &str)> = None; // After a `*`: its step, and where it stopped.
    loop {
        let taken = match steps.get(at) {
            Some(Step::Many) => {
                back = Some((at, rest));
                at += 1;
                continue;
            }
            Some(step) => take(step, rest),
            None if rest.is_empty() => return true,
            None => None,
        };
        if let Some(after) = taken {
            rest = after;
            at += 1;
            continue;
        }
        // Let the last `*` swallow one character more.
        let Some((star, from)) = back else { return false };
        let mut chars = from.chars();
        if chars.next().is_none() {
            return false;
        }
        rest = chars.as_str();
        back = Some((star, rest));
        at = star + 1;
    }
}

fn take<'a>(step: &Step, rest: &'a str) -> Option<&'a str> {
    match step {
        Step::Text(text) => rest.strip_prefix(text.as_str()),
        Step::One | Step::Many => {
            let mut chars = rest.chars();
            chars.next().map(|_| chars.as_str())
        }
        Step::Dash => {
            let mut chars = rest.chars();
            chars.next().filter(|c| DASHES.contains(&fold_char(*c))).map(|_| chars.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, text: &str, expected: bool) {
        let glob = Glob::new(&Pattern::read(pattern), false);
        assert_eq!(glob.accepts(&fold(text)), expected, "{pattern} on {text}");
    }

    #[test]
    fn patterns_match_whole_texts() {
        check("CreateUser", "createuser", true);
        check("CreateUser", "CreateUsers", false);
        check("Create*", "CreateUser", true);
        check("*User", "CreateUser", true);
        check("*ateU*", "CreateUser", true);
        check("*", "", true);
        check("", "", true);
        check("", "x", false);
        check("?", "", false);
        check("a?c*e", "abcde", true);
        check("a?c*e", "abcdef", false);
        check("*a*b", "xxaxxab", true);
        check("*ab?", "ababab", false);
        check("*ab?", "ababa", true);
        check("?ber", "über", true);
        check(r"\*", "*", true);
        check(r"\*", "x", false);
    }

    #[test]
    fn a_hostile_pattern_ends_in_bounded_time() {
        let pattern = "a*".repeat(200) + "b";
        check(&pattern, &"a".repeat(5_000), false);
    }
}
