//! Makes text from outside safe to show: no control, direction or invisible characters.
//! Escaping for a format (HTML, XML, CSV) is done by the writer of that format.

use std::borrow::Cow;

use yagura_model::is_unsafe;

/// What stands where something was taken out. Visible on purpose: a name whose hidden parts
/// vanished could pass for another name.
const MARK: char = '\u{fffd}';

/// Text from outside on one line: control characters, line and paragraph separators, direction
/// overrides and invisible characters become one visible mark.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len());
    let mut marked = false;
    for c in text.chars() {
        if !is_unsafe(c) {
            cleaned.push(c);
        } else if !marked {
            cleaned.push(MARK);
        }
        marked = is_unsafe(c);
    }
    Cow::Owned(cleaned)
}

/// The same for text of several lines (a fix command): line feeds and tabs stay.
pub fn clean_lines(text: &str) -> String {
    text.lines()
        .map(|line| clean(&line.replace('\t', "    ")).into_owned())
        .collect::<Vec<_>>()
        .join("\n")
}

/// The first `max` characters of a text, with an ellipsis where something was cut off.
pub(crate) fn shortened(text: &str, max: usize) -> Cow<'_, str> {
    if text.chars().count() <= max {
        return Cow::Borrowed(text);
    }
    let mut short: String = text.chars().take(max.saturating_sub(1)).collect();
    short.push('…');
    Cow::Owned(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_disturb_a_reader_is_marked() {
        for (text, cleaned) in [
            ("bucket-1", "bucket-1"),
            ("監査ログ", "監査ログ"),
            ("a\u{1b}[31mb", "a\u{fffd}[31mb"),
            ("a\u{202e}\u{202e}b", "a\u{fffd}b"),
            ("a\u{2028}b\nc", "a\u{fffd}b\u{fffd}c"),
            ("zero\u{200b}width", "zero\u{fffd}width"),
            ("\u{9b}31m", "\u{fffd}31m"),
        ] {
            assert_eq!(clean(text), cleaned);
        }
    }

    #[test]
    fn a_command_keeps_its_lines() {
        assert_eq!(clean_lines("a \\\n\tb\u{7}\n"), "a \\\n    b\u{fffd}");
    }
}
