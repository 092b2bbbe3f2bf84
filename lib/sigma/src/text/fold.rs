//! Case folding: two texts are the same to Sigma when their folded forms are.
//! The table is in `fold_table.rs`; wildcards are in `pattern.rs`.

use super::fold_table::RANGES;

/// The folded form of one character (Unicode simple case folding: one character gives one).
pub(crate) fn fold_char(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let code = u32::from(c);
    let after = RANGES.partition_point(|range| range.0 <= code);
    let Some(&(first, last, stride, delta)) = after.checked_sub(1).and_then(|at| RANGES.get(at))
    else {
        return c;
    };
    if code > last || (code - first) % stride != 0 {
        return c;
    }
    code.checked_add_signed(delta).and_then(char::from_u32).unwrap_or(c)
}

/// The folded form of a text.
pub(crate) fn fold(text: &str) -> String {
    text.chars().map(fold_char).collect()
}

/// The folded form of a text, without allocation where it is folded already, else in `buffer`.
pub(crate) fn fold_in<'a>(text: &'a str, buffer: &'a mut String) -> &'a str {
    let mut upper = false;
    let mut ascii = true;
    for byte in text.bytes() {
        upper |= byte.is_ascii_uppercase();
        ascii &= byte.is_ascii();
    }
    if ascii && !upper {
        return text;
    }
    buffer.clear();
    if ascii {
        buffer.push_str(text);
        buffer.make_ascii_lowercase();
    } else {
        buffer.extend(text.chars().map(fold_char));
    }
    buffer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simple_folding_joins_what_unicode_joins() {
        assert_eq!(fold("CreateUser"), "createuser");
        assert_eq!(fold("ÄÖÜ Ω Ж"), "äöü ω ж");
        // Final sigma, long s, Kelvin sign.
        assert_eq!(fold("ΣΣ ſ \u{212A}"), fold("σς s k"));
        // Simple, not full, folding: one letter stays one letter.
        assert_eq!(fold("ß"), "ß");
        assert_eq!(fold("İ"), "İ");
    }

    #[test]
    fn the_table_agrees_with_the_regex_crate() {
        for code in 0x80..0x1_F000u32 {
            let Some(c) = char::from_u32(code) else { continue };
            let folded = fold_char(c);
            if folded == c {
                continue;
            }
            let pattern = format!("(?i)^\\x{{{:X}}}$", u32::from(folded));
            let same = regex::Regex::new(&pattern).unwrap().is_match(&c.to_string());
            // The crate knows Unicode 16; the standard library knows the letters of 17.
            let newer = c.to_lowercase().eq([folded]);
            assert!(same || newer, "{code:X} folds to {:X}", u32::from(folded));
            assert_eq!(fold_char(folded), folded, "{code:X}");
        }
    }

    #[test]
    fn no_letter_of_the_standard_library_is_missing() {
        for code in 0x80..0x1_F000u32 {
            let Some(c) = char::from_u32(code) else { continue };
            let mut lower = c.to_lowercase();
            if let (1, Some(lower)) = (lower.len(), lower.next()) {
                assert_eq!(fold_char(c), fold_char(lower), "{code:X}");
            }
        }
    }

    #[test]
    fn lower_case_ascii_is_not_copied() {
        let mut buffer = String::from("untouched");
        assert_eq!(fold_in("iam.amazonaws.com", &mut buffer), "iam.amazonaws.com");
        assert_eq!(buffer, "untouched");
        assert_eq!(fold_in("IAM", &mut buffer), "iam");
    }
}
