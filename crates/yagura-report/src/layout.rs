//! Columns, wrapping and cutting of text by its width on a terminal.
//! Which words are printed is decided in `terminal/`.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns that a text takes. Characters of ambiguous width count as one.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// The text followed by as many spaces as reach the column.
pub(crate) fn pad(text: &str, columns: usize) -> String {
    let mut padded = text.to_owned();
    padded.extend(std::iter::repeat_n(' ', columns.saturating_sub(width(text))));
    padded
}

/// The text preceded by as many spaces as reach the column.
pub(crate) fn pad_left(text: &str, columns: usize) -> String {
    let mut padded: String = " ".repeat(columns.saturating_sub(width(text)));
    padded.push_str(text);
    padded
}

/// The text cut to the columns, with an ellipsis where something is missing.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut short = String::new();
    let mut used = 0;
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if used + wide + 1 > columns {
            break;
        }
        used += wide;
        short.push(c);
    }
    short.push('…');
    short
}

/// Breaks a text into lines of at most so many columns: at spaces, and between wide characters
/// (Japanese has no spaces), but never before closing punctuation nor after an opening bracket.
/// A word longer than a line stays whole, so that a name can still be copied.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        let mut used = 0;
        for piece in pieces(paragraph) {
            let wide = width(&piece);
            if used > 0 && used + width(piece.trim_end()) > columns {
                lines.push(line.trim_end().to_owned());
                line.clear();
                used = 0;
            }
            if used == 0 && piece.trim().is_empty() {
                continue;
            }
            line.push_str(&piece);
            used += wide;
        }
        if !line.trim().is_empty() {
            lines.push(line.trim_end().to_owned());
        }
    }
    lines
}

/// The smallest pieces between which a line may break; spaces belong to the piece before.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut current = String::new();
    let mut before: Option<char> = None;
    for c in text.chars() {
        if before.is_some_and(|before| may_break(before, c)) {
            pieces.push(std::mem::take(&mut current));
        }
        current.push(c);
        before = Some(c);
    }
    if !current.is_empty() {
        pieces.push(current);
    }
    pieces
}

fn may_break(before: char, after: char) -> bool {
    if after == ' ' {
        return false;
    }
    if before == ' ' {
        return true;
    }
    let wide = |c: char| c.width().unwrap_or(0) == 2;
    (wide(before) || wide(after)) && !never_starts_a_line(after) && !never_ends_a_line(before)
}

/// Source: JIS X 4051, characters not starting a line (the common ones).
fn never_starts_a_line(c: char) -> bool {
    "、。・々…ーぁぃぅぇぉっゃゅょァィゥェォッャュョ)]}」』】〉》〕’”,.:;?!%".contains(c)
        || matches!(c, '\u{ff09}' | '\u{ff3d}' | '\u{ff5d}' | '\u{ff0c}' | '\u{ff0e}')
        || matches!(c, '\u{ff1a}' | '\u{ff1b}' | '\u{ff1f}' | '\u{ff01}' | '\u{ff05}')
}

/// Source: JIS X 4051, characters not ending a line (the common ones).
fn never_ends_a_line(c: char) -> bool {
    "([{「『【〈《〔‘“".contains(c) || matches!(c, '\u{ff08}' | '\u{ff3b}' | '\u{ff5b}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn japanese_counts_two_columns_a_character() {
        assert_eq!(width("検出"), 4);
        assert_eq!(pad("検出", 6), "検出  ");
        assert_eq!(pad_left("12", 4), "  12");
        assert_eq!(cut("アカウント", 6), "アカ…");
        assert_eq!(cut("short", 6), "short");
    }

    #[test]
    fn no_line_begins_with_closing_punctuation() {
        let lines = wrap("全員に公開しています。「すぐ」に閉じてください。", 20);
        assert_eq!(lines, ["全員に公開していま", "す。「すぐ」に閉じて", "ください。"]);
        for line in lines {
            assert!(width(&line) <= 20, "{line}");
        }
    }

    #[test]
    fn words_stay_whole_even_when_longer_than_a_line() {
        assert_eq!(
            wrap("open a-very-long-name-here now", 8),
            ["open", "a-very-long-name-here", "now"]
        );
        assert!(wrap("", 10).is_empty());
    }
}
