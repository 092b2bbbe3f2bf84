//! Refuses expressions that are too large or nested too deeply, before any parser sees them.
//! What is written inside the limits is checked in `lower.rs`.

use super::error::ExpressionError;

/// Bytes of one expression.
const SIZE_BYTES_MAX: usize = 16 * 1024;
/// Brackets inside one another, and conditionals of one expression.
const NESTING_MAX: usize = 48;
/// Operators, dots and commas: what makes a tree deep without brackets.
const OPERATORS_MAX: usize = 3_000;
/// `!` or `-` in a row.
const UNARY_MAX: usize = 8;

/// Checks the size and nesting of an expression. Text literals and comments are skipped; a text
/// that does not end is left to the parser to report.
pub(crate) fn check(source: &str) -> Result<(), ExpressionError> {
    let refuse = |what: &str| {
        Err(ExpressionError::at_start(what, "split the expression, or compute less of it"))
    };
    if source.len() > SIZE_BYTES_MAX {
        return refuse("the expression is longer than 16 KiB");
    }
    let (mut depth, mut operators, mut conditionals, mut unary) = (0_usize, 0, 0, 0);
    let mut rest = source.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        unary = if matches!(byte, b'!' | b'-') { unary + 1 } else { 0 };
        match byte {
            b'\'' | b'"' => rest = after_text(byte, tail),
            b'/' if tail.first() == Some(&b'/') => {
                let end = tail.iter().position(|byte| *byte == b'\n').unwrap_or(tail.len());
                rest = tail.get(end..).unwrap_or_default();
            }
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'?' => conditionals += 1,
            b' ' | b'\n' | b'\t' | b'\r' | b'_' => {}
            byte if byte.is_ascii_punctuation() => operators += 1,
            _ => {}
        }
        if depth > NESTING_MAX || conditionals > NESTING_MAX {
            return refuse("the expression is nested deeper than 48 levels");
        }
        if unary > UNARY_MAX {
            return refuse("the expression has more than 8 `!` or `-` in a row");
        }
        if operators > OPERATORS_MAX {
            return refuse("the expression has more than 3000 operators");
        }
    }
    Ok(())
}

/// What follows a text literal whose opening quote has been read.
fn after_text(quote: u8, tail: &[u8]) -> &[u8] {
    let triple = [quote, quote];
    if let Some(mut rest) = tail.strip_prefix(&triple) {
        while let Some((&byte, after)) = rest.split_first() {
            if byte == quote
                && let Some(after) = after.strip_prefix(&triple)
            {
                return after;
            }
            rest = skip(byte, after);
        }
        return rest;
    }
    let mut rest = tail;
    while let Some((&byte, after)) = rest.split_first() {
        if byte == quote {
            return after;
        }
        rest = skip(byte, after);
    }
    rest
}

/// After a byte of a text; a backslash takes the next byte along.
fn skip(byte: u8, after: &[u8]) -> &[u8] {
    if byte == b'\\' { after.get(1..).unwrap_or_default() } else { after }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inside_a_text_does_not_count() {
        let brackets = "(".repeat(1000);
        for quoted in [
            format!("'{brackets}'"),
            format!("\"\"\"{brackets}\"\"\""),
            format!("'\\'{brackets}'"),
            format!("1 // {brackets}"),
        ] {
            assert!(check(&quoted).is_ok(), "{quoted}");
        }
        assert!(check(&brackets).is_err());
    }

    #[test]
    fn every_limit_is_a_limit() {
        for hostile in [
            "x".repeat(SIZE_BYTES_MAX + 1),
            "[".repeat(NESTING_MAX + 1),
            "a?b:".repeat(NESTING_MAX + 1),
            "!".repeat(UNARY_MAX + 1),
            "a.".repeat(OPERATORS_MAX + 1),
        ] {
            assert!(check(&hostile).is_err());
        }
    }
}
