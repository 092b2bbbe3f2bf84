//! Scanning of JSON tokens: white space, strings, numbers, literals; eight bytes at a time where
//! it pays.
//! How tokens make values lives in `index`.

use super::fault::JsonFaultKind::{self, ControlCharacter, Incomplete, InvalidEscape, Unexpected};

/// A fault at an offset of the scanned text.
pub(crate) type At = (usize, JsonFaultKind);

const LOW_BITS: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// The offset of the first byte at or after `at` that is not JSON white space.
#[inline]
pub(crate) fn skip_space(text: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = text.get(at) {
        at += 1;
    }
    at
}

/// Marks (by its highest bit) each byte that ends the plain part of a string: a quote, a
/// backslash or a control character. Only the lowest mark is exact; nothing else is used.
#[inline]
fn string_marks(chunk: u64) -> u64 {
    let quote = chunk ^ (LOW_BITS * 0x22);
    let backslash = chunk ^ (LOW_BITS * 0x5c);
    let control = chunk.wrapping_sub(LOW_BITS * 0x20) & !chunk;
    ((quote.wrapping_sub(LOW_BITS) & !quote)
        | (backslash.wrapping_sub(LOW_BITS) & !backslash)
        | control)
        & HIGH_BITS
}

/// The offset of the next quote, backslash or control character, or the end of the text.
#[inline]
fn plain_end(text: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = text.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let marks = string_marks(u64::from_le_bytes(*chunk));
        if marks != 0 {
            return at + (marks.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while text.get(at).is_some_and(|&byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
        at += 1;
    }
    at
}

/// Scans a string whose first byte after the quote is at `at`; answers the offset of its closing
/// quote and whether it has escapes.
#[inline]
pub(crate) fn string(text: &[u8], at: usize) -> Result<(usize, bool), At> {
    let end = plain_end(text, at);
    match text.get(end) {
        Some(b'"') => Ok((end, false)),
        _ => string_with_escapes(text, end),
    }
}

fn string_with_escapes(text: &[u8], mut at: usize) -> Result<(usize, bool), At> {
    let mut escaped = false;
    loop {
        at = plain_end(text, at);
        match text.get(at) {
            Some(b'"') => return Ok((at, escaped)),
            Some(b'\\') => {
                escaped = true;
                at = escape(text, at)?;
            }
            Some(_) => return Err((at, ControlCharacter)),
            None => return Err((at, Incomplete)),
        }
    }
}

/// Scans the escape whose backslash is at `at`; answers the offset after it.
fn escape(text: &[u8], at: usize) -> Result<usize, At> {
    match text.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => {
            let unit = hex_unit(text, at + 2)?;
            match unit {
                0xd800..0xdc00 => {
                    for (expected, place) in [(b'\\', at + 6), (b'u', at + 7)] {
                        match text.get(place) {
                            Some(&byte) if byte == expected => {}
                            Some(_) => return Err((at, InvalidEscape)),
                            None => return Err((text.len(), Incomplete)),
                        }
                    }
                    match hex_unit(text, at + 8)? {
                        0xdc00..0xe000 => Ok(at + 12),
                        _ => Err((at, InvalidEscape)),
                    }
                }
                0xdc00..0xe000 => Err((at, InvalidEscape)),
                _ => Ok(at + 6),
            }
        }
        Some(_) => Err((at, InvalidEscape)),
        None => Err((text.len(), Incomplete)),
    }
}

/// Reads the four hexadecimal digits at `at`.
fn hex_unit(text: &[u8], at: usize) -> Result<u16, At> {
    let mut unit = 0;
    for place in at..at + 4 {
        let digit = match text.get(place) {
            Some(&byte) => char::from(byte).to_digit(16).ok_or((place, InvalidEscape))?,
            None => return Err((text.len(), Incomplete)),
        };
        unit = unit * 16 + digit as u16;
    }
    Ok(unit)
}

/// Scans the number at `at`; answers the offset after it. A number that touches the end of the
/// text is whole as far as this function can tell.
pub(crate) fn number(text: &[u8], mut at: usize) -> Result<usize, At> {
    if text.get(at) == Some(&b'-') {
        at += 1;
    }
    at = match text.get(at) {
        Some(b'0') => at + 1,
        _ => digits(text, at)?,
    };
    if text.get(at) == Some(&b'.') {
        at = digits(text, at + 1)?;
    }
    if let Some(b'e' | b'E') = text.get(at) {
        at += 1;
        if let Some(b'+' | b'-') = text.get(at) {
            at += 1;
        }
        at = digits(text, at)?;
    }
    Ok(at)
}

fn digits(text: &[u8], at: usize) -> Result<usize, At> {
    match text.get(at) {
        Some(b'0'..=b'9') => {}
        Some(_) => return Err((at, Unexpected)),
        None => return Err((at, Incomplete)),
    }
    let mut end = at + 1;
    while let Some(b'0'..=b'9') = text.get(end) {
        end += 1;
    }
    Ok(end)
}

/// Scans the word `word` (`true`, `false`, `null`) at `at`; answers the offset after it.
pub(crate) fn word(text: &[u8], at: usize, word: &[u8]) -> Result<usize, At> {
    for (place, expected) in (at..).zip(word) {
        match text.get(place) {
            Some(byte) if byte == expected => {}
            Some(_) => return Err((place, Unexpected)),
            None => return Err((place, Incomplete)),
        }
    }
    Ok(at + word.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_ends_at_its_own_quote_wherever_it_lies_in_a_chunk() {
        for length in 0..40 {
            let text = format!("{}\" tail \" \\ \u{1}", "ü".repeat(length));
            assert_eq!(string(text.as_bytes(), 0), Ok((2 * length, false)), "{text}");
        }
    }

    #[test]
    fn every_byte_is_marked_exactly_when_it_is_special() {
        for byte in 0..=255_u8 {
            for place in 0..8 {
                let mut chunk = [b'x'; 8];
                chunk[place] = byte;
                let marks = string_marks(u64::from_le_bytes(chunk));
                let special = byte < 0x20 || byte == b'"' || byte == b'\\';
                assert_eq!(marks != 0, special, "{byte:#x} at {place}");
                if special {
                    assert_eq!((marks.trailing_zeros() / 8) as usize, place, "{byte:#x}");
                }
            }
        }
    }

    #[test]
    fn a_cut_escape_is_incomplete_and_a_wrong_one_invalid() {
        let check = |text: &str, kind: JsonFaultKind| {
            assert_eq!(string(text.as_bytes(), 0).map_err(|at| at.1), Err(kind), "{text}");
        };
        for text in ["a\\", "\\u12", "\\ud83d", "\\ud83d\\", "\\ud83d\\ude0", "abc"] {
            check(text, Incomplete);
        }
        for text in
            ["\\x\"", "\\u12g4\"", "\\ude00\"", "\\ud83d!\"", "\\ud83d\\n\"", "\\ud83d\\u0041\""]
        {
            check(text, InvalidEscape);
        }
        check("a\nb\"", ControlCharacter);
    }
}
