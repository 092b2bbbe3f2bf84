//! Text from outside on its way to a person's eyes: which characters must not be passed on.
//! What stands in their place is the business of whoever shows them.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Control characters (C0, C1), separators of lines and paragraphs, direction marks and
/// overrides, zero-width and other invisible characters, tags, and noncharacters.
/// Source: Unicode 16, general categories Cc, Cf, Zl and Zp.
pub fn is_unsafe(c: char) -> bool {
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

/// A JSON text in which every unsafe character is written as `\uXXXX`. Such characters stand only
/// within strings of a serialized document, so the value is the same.
pub fn escape_unsafe(json: &str) -> Cow<'_, str> {
    if !json.chars().any(is_unsafe) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if is_unsafe(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                // Writing into a String cannot fail.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_json_has_the_same_value() {
        let value = serde_json::json!({"name": "a\u{202e}b\u{2028}\u{9b}c\u{e0001}d監"});
        let text = value.to_string();
        let escaped = escape_unsafe(&text);
        assert!(!escaped.chars().any(is_unsafe));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).unwrap(), value);
    }
}
