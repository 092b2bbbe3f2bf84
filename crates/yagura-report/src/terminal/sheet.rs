//! One thing in full at a terminal: facts, headings, paragraphs and lists, one below the other.
//! What stands there is said where findings and alerts are told; tables are in `table.rs`.

use super::{Paint, TerminalOptions};
use crate::clean::clean_lines;
use crate::layout::{pad, width, wrap};
use crate::words::Words;

/// Columns below which text is not wrapped any narrower.
const COLUMNS_MIN: usize = 60;

/// What is written so far. Texts are clean already, but those of paragraphs and lists.
pub(crate) struct Sheet {
    pub(crate) words: &'static Words,
    pub(crate) paint: Paint,
    pub(crate) columns: usize,
    text: String,
}

impl Sheet {
    /// An empty one.
    pub(crate) fn new(words: &'static Words, options: &TerminalOptions) -> Self {
        Self {
            words,
            paint: Paint(options.color),
            columns: options.width.max(COLUMNS_MIN),
            text: String::new(),
        }
    }

    /// Everything that was written.
    pub(crate) fn text(self) -> String {
        self.text
    }

    pub(crate) fn line(&mut self, text: &str) {
        self.text.push_str(text.trim_end());
        self.text.push('\n');
    }

    pub(crate) fn heading(&mut self, key: &str) {
        let title = self.paint.bold(self.words.get(key));
        self.line("");
        self.line(&title);
    }

    /// Clean text, wrapped.
    pub(crate) fn paragraph(&mut self, indent: usize, text: &str) {
        for line in wrap(text, self.columns.saturating_sub(indent)) {
            self.line(&format!("{}{line}", " ".repeat(indent)));
        }
    }

    /// Labels with their values, one below the other; what has no value is left out.
    pub(crate) fn facts(&mut self, rows: impl IntoIterator<Item = (&'static str, Vec<String>)>) {
        let rows: Vec<_> = rows.into_iter().filter(|(_, values)| !values.is_empty()).collect();
        let labels = rows.iter().map(|(key, _)| width(self.words.get(key))).max().unwrap_or(0);
        for (key, values) in rows {
            let mut label = self.words.get(key);
            for value in values {
                let padded = self.paint.dim(&pad(label, labels));
                self.line(&format!("{padded}  {value}"));
                label = "";
            }
        }
    }

    /// A heading and a text of somebody's below it; nothing where there is no text.
    pub(crate) fn prose(&mut self, key: &str, text: &str) {
        let text = clean_lines(text);
        if !text.trim().is_empty() {
            self.heading(key);
            self.paragraph(2, &text);
        }
    }

    /// A heading and items of somebody's below it; nothing where there are none.
    pub(crate) fn list(&mut self, key: &str, items: &[String], numbered: bool) {
        if items.is_empty() {
            return;
        }
        self.heading(key);
        for (at, item) in items.iter().enumerate() {
            let mark = if numbered { format!("{}. ", at + 1) } else { "- ".to_owned() };
            let room = self.columns.saturating_sub(2 + mark.len());
            for (at, line) in wrap(&clean_lines(item), room).into_iter().enumerate() {
                let before = if at == 0 { mark.clone() } else { " ".repeat(mark.len()) };
                self.line(&format!("  {before}{line}"));
            }
        }
    }

    /// A command, which holds nothing of somebody's that a shell could take otherwise.
    pub(crate) fn command(&mut self, command: &str) {
        let command = self.paint.command(command);
        self.line(&format!("  {command}"));
    }
}
