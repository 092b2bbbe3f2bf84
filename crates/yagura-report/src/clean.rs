//! Makes text from outside safe to show: no control, direction or invisible characters.
//! Escaping for a format (HTML, XML, CSV) is done by the writer of that format.

use std::borrow::Cow;

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

/// A JSON text in which every character that could disturb a terminal is written as `\uXXXX`.
/// Such characters stand only within strings of a serialized document, so the value is the same.
pub(crate) fn escape_json(json: &str) -> Cow<'_, str> {
    if !json.chars().any(is_unsafe) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if is_unsafe(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

/// Control characters (C0, C1), separators of lines and paragraphs, direction marks and
/// overrides, zero-width and other invisible characters, tags, and noncharacters.
/// Source: Unicode 16, general categories Cc, Cf, Zl and Zp.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
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
    fn escaped_json_has_the_same_value() {
        let value = serde_json::json!({"name": "a\u{202e}b\u{2028}\u{9b}c\u{e0001}d監"});
        let text = value.to_string();
        let escaped = escape_json(&text);
        assert!(!escaped.chars().any(is_unsafe));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).unwrap(), value);
    }

    #[test]
    fn a_command_keeps_its_lines() {
        assert_eq!(clean_lines("a \\\n\tb\u{7}\n"), "a \\\n    b\u{fffd}");
    }
}
