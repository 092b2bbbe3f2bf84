//! The encodings that modifiers apply to values: UTF-16 and Base64, and the spread of dashes.
//! In which order they are applied is decided in `parse/values.rs`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::pattern::{DASHES, Part, Pattern};

/// A UTF-16 form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Utf16 {
    /// Little endian; also called `wide`.
    Little,
    /// Big endian.
    Big,
    /// Little endian after a byte order mark.
    Marked,
}

pub(crate) fn utf16(text: &str, form: Utf16) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() * 2 + 2);
    if form == Utf16::Marked {
        bytes.extend([0xFF, 0xFE]);
    }
    for unit in text.encode_utf16() {
        bytes.extend(match form {
            Utf16::Big => unit.to_be_bytes(),
            Utf16::Little | Utf16::Marked => unit.to_le_bytes(),
        });
    }
    bytes
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The three texts, one of which stands in the Base64 of any text that contains the bytes:
/// what depends on the neighbouring bytes is cut off at both ends.
pub(crate) fn base64_offsets(bytes: &[u8]) -> Vec<String> {
    const CUT_START: [usize; 3] = [0, 2, 3];
    const CUT_END: [usize; 3] = [0, 3, 2];
    (0..3)
        .filter_map(|shift| {
            let mut shifted = vec![b' '; shift];
            shifted.extend_from_slice(bytes);
            let encoded = STANDARD.encode(&shifted);
            let start = *CUT_START.get(shift)?;
            let end = encoded.len().checked_sub(*CUT_END.get(shifted.len() % 3)?)?;
            encoded.get(start..end).filter(|text| !text.is_empty()).map(str::to_owned)
        })
        .collect()
}

/// `-` and `/` (and the other dashes) that begin an option become "any dash": those with a
/// letter, digit or underscore behind them and none before.
pub(crate) fn spread_dashes(pattern: &Pattern) -> Pattern {
    let mut spread = Pattern::default();
    for part in &pattern.parts {
        let Part::Text(text) = part else {
            spread.push(part.clone());
            continue;
        };
        let mut before = None;
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let option = DASHES.contains(&c)
                && !before.is_some_and(is_word)
                && chars.peek().copied().is_some_and(is_word);
            if option {
                spread.push(Part::Dash);
            } else {
                spread.push_text(c.encode_utf8(&mut [0; 4]));
            }
            before = Some(c);
        }
    }
    spread
}

/// Every text that a pattern of plain characters and dashes stands for; `None` beyond `max`,
/// or if there is a wildcard.
pub(crate) fn plain_texts(pattern: &Pattern, max: usize) -> Option<Vec<String>> {
    let mut texts = vec![String::new()];
    for part in &pattern.parts {
        match part {
            Part::Text(more) => texts.iter_mut().for_each(|text| text.push_str(more)),
            Part::Dash => {
                if texts.len() * DASHES.len() > max {
                    return None;
                }
                let with = |text: &String| DASHES.map(|dash| format!("{text}{dash}"));
                texts = texts.iter().flat_map(with).collect();
            }
            Part::One | Part::Many | Part::Placeholder(_) => return None,
        }
    }
    Some(texts)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf16_forms_are_those_of_the_appendix() {
        assert_eq!(utf16("cmd", Utf16::Little), b"c\0m\0d\0");
        assert_eq!(utf16("cmd", Utf16::Big), b"\0c\0m\0d");
        assert_eq!(utf16("cmd", Utf16::Marked), b"\xFF\xFEc\0m\0d\0");
    }

    #[test]
    fn each_offset_stands_in_the_base64_of_a_text_at_that_offset() {
        let offsets = base64_offsets(b"foobar");
        assert_eq!(offsets.len(), 3);
        for before in 0..7 {
            for after in 0..5 {
                let text = format!("{}foobar{}", "x".repeat(before), "y".repeat(after));
                let encoded = base64(text.as_bytes());
                assert!(offsets.iter().any(|offset| encoded.contains(offset)), "{text}");
            }
        }
        assert!(!offsets.iter().any(|offset| base64(b"fooBar").contains(offset)));
    }

    #[test]
    fn only_dashes_that_begin_an_option_spread() {
        let spread = |text| spread_dashes(&Pattern::read(text)).parts;
        assert_eq!(spread("-x")[0], Part::Dash);
        assert_eq!(spread("a /x")[1], Part::Dash);
        assert_eq!(spread("well-known").len(), 1);
        assert_eq!(spread("- x").len(), 1);
        let texts = plain_texts(&spread_dashes(&Pattern::read("-x")), 5).unwrap();
        assert_eq!(texts, ["-x", "/x", "\u{2013}x", "\u{2014}x", "\u{2015}x"]);
        assert_eq!(plain_texts(&spread_dashes(&Pattern::read("-x /y")), 5), None);
        assert_eq!(plain_texts(&Pattern::read("a*"), 5), None);
    }
}
