//! Tables of looked-up things: aligned columns for a terminal, one fact a line, or JSON lines.
//! Results of scans have formats of their own (`yagura-report`).

use serde_json::{Map, Value};
use unicode_width::UnicodeWidthStr;
use yagura_model::Lang;

use crate::context::Context;
use crate::options::RowFormat;
use crate::output::{self, printable};

/// Cuts a list, of which one more than the limit was asked for, to the limit; says whether there
/// is more.
pub(crate) fn cut<T>(list: &mut Vec<T>, limit: usize) -> bool {
    let more = list.len() > limit;
    list.truncate(limit);
    more
}

/// Rows under named columns.
pub(crate) struct Rows {
    columns: Vec<&'static str>,
    /// What people see above the columns, where that is not their names.
    headings: Option<Vec<&'static str>>,
    rows: Vec<Vec<Value>>,
}

impl Rows {
    /// Starts a table. Column names are promises: they are the keys of the JSON output.
    pub(crate) fn new(columns: &[&'static str]) -> Self {
        Self { columns: columns.to_vec(), headings: None, rows: Vec::new() }
    }

    /// Starts a table whose columns have a Japanese heading beside their name, which is the
    /// English one.
    pub(crate) fn headed(lang: Lang, columns: &[(&'static str, &'static str)]) -> Self {
        let names: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
        let headings =
            (lang == Lang::Ja).then(|| columns.iter().map(|(_, heading)| *heading).collect());
        Self { headings, ..Self::new(&names) }
    }

    /// Adds a row with as many cells as there are columns.
    pub(crate) fn push(&mut self, cells: Vec<Value>) {
        debug_assert_eq!(cells.len(), self.columns.len());
        self.rows.push(cells);
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Writes everything to stdout.
    pub(crate) fn write(&self, format: RowFormat) -> anyhow::Result<()> {
        let text = match format {
            RowFormat::Table => self.table(),
            RowFormat::Plain => self.plain(),
            RowFormat::Json => self.json(),
        };
        output::data(|out| out.write_all(text.as_bytes()))
    }

    /// Writes a list that was cut to a limit, and says so where there is more.
    pub(crate) fn write_cut(
        &self,
        context: &Context,
        format: RowFormat,
        more: bool,
    ) -> anyhow::Result<()> {
        self.write(format)?;
        if more {
            context.remark_in(
                "there are more; --limit shows more of them",
                "ほかにもあります。--limit で表示件数を増やせます",
            );
        }
        Ok(())
    }

    fn table(&self) -> String {
        let headings = match &self.headings {
            Some(headings) => headings.iter().map(|heading| (*heading).to_owned()).collect(),
            None => self.columns.iter().map(|it| it.to_uppercase().replace('_', " ")).collect(),
        };
        let cells: Vec<Vec<String>> = std::iter::once(headings)
            .chain(self.rows.iter().map(|row| row.iter().map(cell_text).collect()))
            .collect();
        let mut widths = vec![0; self.columns.len()];
        for row in &cells {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        let mut text = String::new();
        for row in &cells {
            let mut line = String::new();
            for (width, cell) in widths.iter().zip(row) {
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', width + 2 - cell.width().min(width + 2)));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    fn plain(&self) -> String {
        let mut text = String::new();
        let labels = self.headings.as_ref().unwrap_or(&self.columns);
        for row in &self.rows {
            for (label, cell) in labels.iter().zip(row) {
                let cell = cell_text(cell);
                if !cell.is_empty() {
                    text.push_str(&format!("{}: {cell}\n", label.replace('_', " ")));
                }
            }
            text.push('\n');
        }
        text
    }

    fn json(&self) -> String {
        let mut text = String::new();
        for row in &self.rows {
            let object: Map<String, Value> = self
                .columns
                .iter()
                .map(|column| (*column).to_owned())
                .zip(row.iter().cloned())
                .collect();
            text.push_str(&Value::Object(object).to_string());
            text.push('\n');
        }
        text
    }
}

/// A cell for a person: no quotes around text, nothing for null, no line breaks, no controls.
fn cell_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => printable(text).replace('\n', " "),
        other => printable(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sample() -> Rows {
        let mut rows = Rows::new(&["id", "seen_first"]);
        rows.push(vec![json!("日本"), json!(1)]);
        rows.push(vec![json!("a\u{1b}[2Jb"), Value::Null]);
        rows
    }

    #[test]
    fn columns_align_also_where_characters_are_wide() {
        let text = sample().table();
        assert_eq!(text, "ID      SEEN FIRST\n日本    1\na\u{fffd}[2Jb\n");
    }

    #[test]
    fn japanese_headings_are_seen_and_names_stay_in_json() {
        let of = |lang| {
            let mut rows = Rows::headed(lang, &[("id", "ID"), ("seen_first", "初回")]);
            rows.push(vec![json!("a"), json!(1)]);
            rows
        };
        assert_eq!(of(Lang::Ja).table(), "ID  初回\na   1\n");
        assert_eq!(of(Lang::Ja).plain(), "ID: a\n初回: 1\n\n");
        assert_eq!(of(Lang::Ja).json(), of(Lang::En).json());
        assert_eq!(of(Lang::En).table(), "ID  SEEN FIRST\na   1\n");
    }

    #[test]
    fn json_keeps_what_a_terminal_must_not_show() {
        assert!(sample().json().contains("a\\u001b[2Jb"));
        assert_eq!(sample().plain(), "id: 日本\nseen first: 1\n\nid: a\u{fffd}[2Jb\n\n");
    }
}
