//! Regular expressions of rules: written for PCRE, run by the `regex` crate in linear time.
//! What PCRE has and the crate has not (look-around, back references) is an error.

use std::iter::Peekable;
use std::str::Chars;

use regex::{Regex, RegexBuilder};

/// Bytes a compiled expression may take; hostile repetitions stop here.
const SIZE_BYTES_MAX: usize = 1024 * 1024;

/// An expression with its flags, as a rule states it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Expression {
    /// As in the file.
    pub source: String,
    /// `i`: case does not matter.
    pub insensitive: bool,
    /// `m`: `^` and `$` match at each line.
    pub lines: bool,
    /// `s`: `.` matches a line break.
    pub dot_all: bool,
}

/// Compiles an expression.
///
/// # Errors
/// What the expression has that is malformed or not supported, in one sentence.
pub(crate) fn compile(expression: &Expression) -> Result<Regex, String> {
    RegexBuilder::new(&translate(&expression.source))
        .case_insensitive(expression.insensitive)
        .multi_line(expression.lines)
        .dot_matches_new_line(expression.dot_all)
        .size_limit(SIZE_BYTES_MAX)
        .dfa_size_limit(SIZE_BYTES_MAX)
        .nest_limit(100)
        .build()
        .map_err(|error| sentence(&error))
}

fn sentence(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "the regular expression is too large".to_owned(),
        other => {
            let text = other.to_string();
            let last = text.lines().last().unwrap_or_default();
            let why = last.strip_prefix("error: ").unwrap_or(last).trim_end_matches('.');
            format!("the regular expression is not supported: {why}")
        }
    }
}

/// Rewrites the few notations that mean another thing to the crate than to PCRE.
fn translate(source: &str) -> String {
    let mut out = String::with_capacity(source.len() + 8);
    let mut chars = source.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => escape(&mut chars, &mut out),
            '[' => class(&mut chars, &mut out),
            // `{` that begins no repetition is a plain character to PCRE.
            '{' if !begins_repetition(chars.clone()) => out.push_str("\\{"),
            _ => out.push(c),
        }
    }
    out
}

fn escape(chars: &mut Peekable<Chars<'_>>, out: &mut String) {
    match chars.next() {
        // Word boundaries to the crate, plain characters to PCRE.
        Some(c @ ('<' | '>')) => out.push(c),
        Some('Z') => out.push_str("(?:\\n?\\z)"),
        Some('e') => out.push_str("\\x1B"),
        Some('h') => out.push_str("[\\t\\p{Zs}]"),
        Some('R') => out.push_str("(?:\\r\\n|[\\n\\x0B\\f\\r\\x{85}\\x{2028}\\x{2029}])"),
        // PCRE takes any other escaped character outside ASCII letters and digits plainly.
        Some(c) if !c.is_ascii() => out.push(c),
        Some(c) => {
            out.push('\\');
            out.push(c);
        }
        None => out.push('\\'),
    }
}

/// A class: the crate nests classes and has set operators, PCRE does not.
fn class(chars: &mut Peekable<Chars<'_>>, out: &mut String) {
    out.push('[');
    if chars.next_if_eq(&'^').is_some() {
        out.push('^');
    }
    if chars.next_if_eq(&']').is_some() {
        out.push_str("\\]");
    }
    while let Some(c) = chars.next() {
        match c {
            ']' => {
                out.push(']');
                return;
            }
            '\\' => match chars.next() {
                Some(c @ ('<' | '>')) => out.push(c),
                Some('e') => out.push_str("\\x1B"),
                Some('h') => out.push_str("\\t\\p{Zs}"),
                Some('b') => out.push_str("\\x08"),
                Some(c) if !c.is_ascii() => out.push(c),
                Some(c) => {
                    out.push('\\');
                    out.push(c);
                }
                None => out.push('\\'),
            },
            '[' if chars.peek() == Some(&':') => posix(chars, out),
            '[' | '&' | '~' => {
                out.push('\\');
                out.push(c);
            }
            // `--` is a difference to the crate; to PCRE the second is a plain hyphen.
            '-' if chars.next_if_eq(&'-').is_some() => out.push_str("-\\-"),
            _ => out.push(c),
        }
    }
}

/// `[:alpha:]` within a class, as it is; anything else that begins so is plain.
fn posix(chars: &mut Peekable<Chars<'_>>, out: &mut String) {
    let rest: String = chars.clone().take(14).collect();
    let name = rest.split_once(":]").map(|(name, _)| name.trim_start_matches(':'));
    match name {
        Some(name) if name.chars().all(|c| c.is_ascii_lowercase() || c == '^') => {
            out.push_str("[:");
            out.push_str(name);
            out.push_str(":]");
            for _ in 0..name.len() + 3 {
                chars.next();
            }
        }
        _ => out.push_str("\\["),
    }
}

/// Whether `3}`, `3,}` or `3,4}` comes next.
fn begins_repetition(chars: Peekable<Chars<'_>>) -> bool {
    let mut digits = 0;
    let mut commas = 0;
    for c in chars {
        match c {
            '0'..='9' => digits += 1,
            ',' if digits > 0 && commas == 0 => commas += 1,
            '}' => return digits > 0,
            _ => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, text: &str, expected: bool) {
        let expression = Expression { source: source.to_owned(), ..Expression::default() };
        let regex = compile(&expression).unwrap();
        assert_eq!(regex.is_match(text), expected, "{source} on {text}");
    }

    #[test]
    fn notations_of_pcre_mean_what_pcre_means() {
        check(r"\<script\>", "<script>", true);
        check(r"${ENV}", "", false);
        check(r"\$\{ENV}", "${ENV}", true);
        check(r"a{x", "a{x", true);
        check(r"a{2}", "aa", true);
        check(r"a{2,}b", "aaab", true);
        check(r"[[]", "[", true);
        check(r"[]x]", "]", true);
        check(r"[a&&b]", "&", true);
        check(r"[+--]", ",", true);
        check(r"[[:alpha:]]", "q", true);
        check(r"[^\w\s]", "-", true);
        check(r"x\Z", "x\n", true);
        check(r"\/etc\/passwd", "/etc/passwd", true);
    }

    #[test]
    fn expressions_are_cased_and_unanchored() {
        check("user", "CreateUser", false);
        check("User", "CreateUserNow", true);
    }

    #[test]
    fn what_cannot_run_in_linear_time_is_refused() {
        for source in [r"(?=a)b", r"(?<!a)b", r"(a)\1", "(", "a{999999}{999}"] {
            let expression = Expression { source: source.to_owned(), ..Expression::default() };
            assert!(compile(&expression).is_err(), "{source}");
        }
    }
}
