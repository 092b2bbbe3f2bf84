//! Cells of a printed table: cleaned, measured, padded and cut by their width on a terminal.
//! Which rows are printed is decided in `write.rs`.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};
use yagura_model::is_unsafe;

/// Columns between cells.
const GAP: usize = 2;
/// A column is not made narrower than this for the sake of the others.
const WIDTH_MIN: usize = 8;

/// A text for a person's eyes: line breaks and tabs are blanks, other unsafe characters `\u{fffd}`.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let replaced = |c| match c {
        '\n' | '\r' | '\t' => ' ',
        c if is_unsafe(c) => '\u{fffd}',
        c => c,
    };
    Cow::Owned(text.chars().map(replaced).collect())
}

/// The widths of columns, fitted to a terminal.
#[derive(Clone, Debug)]
pub(crate) struct Widths {
    widths: Vec<usize>,
    right: Vec<bool>,
}

impl Widths {
    /// Measures rows of cleaned cells. `right` says which columns hold numbers.
    pub(crate) fn of(rows: &[Vec<String>], right: Vec<bool>, columns_max: Option<usize>) -> Self {
        let mut widths = vec![0; right.len()];
        for row in rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        if let Some(columns_max) = columns_max {
            fit(&mut widths, columns_max);
        }
        Self { widths, right }
    }

    /// One line, without a break at its end.
    pub(crate) fn line(&self, row: &[String]) -> String {
        let mut line = String::new();
        for ((cell, width), right) in row.iter().zip(&self.widths).zip(&self.right) {
            let cell = cut(cell, *width);
            let blanks = width.saturating_sub(cell.width());
            if *right {
                line.extend(std::iter::repeat_n(' ', blanks));
                line.push_str(&cell);
                line.extend(std::iter::repeat_n(' ', GAP));
            } else {
                line.push_str(&cell);
                line.extend(std::iter::repeat_n(' ', blanks + GAP));
            }
        }
        line.truncate(line.trim_end().len());
        line
    }
}

/// Makes the widest columns narrower until the line fits, or every column is at its least.
fn fit(widths: &mut [usize], columns_max: usize) {
    let gaps = GAP * widths.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > columns_max {
        let excess = widths.iter().sum::<usize>() + gaps - columns_max;
        let Some(widest) = widths.iter().copied().max().filter(|width| *width > WIDTH_MIN) else {
            return;
        };
        let next = widths.iter().copied().filter(|width| *width < widest).max();
        let count = widths.iter().filter(|width| **width == widest).count().max(1);
        let step = widest.saturating_sub(next.unwrap_or(0).max(WIDTH_MIN)).max(1);
        let less = step.min(excess.div_ceil(count)).max(1);
        for width in widths.iter_mut().filter(|width| **width == widest) {
            *width -= less.min(*width - 1);
        }
    }
}

/// The text cut to so many columns, with an ellipsis where something is missing.
fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if text.width() <= columns {
        return Cow::Borrowed(text);
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
    Cow::Owned(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(row: &[&str]) -> Vec<String> {
        row.iter().map(|cell| (*cell).to_owned()).collect()
    }

    #[test]
    fn columns_align_also_where_characters_are_wide() {
        let rows = [texts(&["name", "n"]), texts(&["検出", "10"])];
        let widths = Widths::of(&rows, vec![false, true], None);
        assert_eq!(widths.line(&rows[0]), "name   n");
        assert_eq!(widths.line(&rows[1]), "検出  10");
    }

    #[test]
    fn the_widest_column_gives_way_first() {
        let rows = [texts(&["short", &"x".repeat(100), &"y".repeat(30)])];
        let widths = Widths::of(&rows, vec![false; 3], Some(60));
        let line = widths.line(&rows[0]);
        assert!((56..=60).contains(&line.width()), "{line}");
        assert!(line.starts_with("short  xxx") && line.contains('…'), "{line}");
    }

    #[test]
    fn nothing_hostile_is_left() {
        assert_eq!(clean("a\u{1b}[2Jb\nc\u{202e}d"), "a\u{fffd}[2Jb c\u{fffd}d");
        assert_eq!(clean("監査"), "監査");
    }
}
