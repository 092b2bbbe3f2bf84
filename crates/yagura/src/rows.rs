//! Tables of looked-up things: aligned columns for a terminal, one fact a line, or JSON lines.
//! People read their language, programs the same JSON in every language.
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

/// Codes, each with its Japanese word.
pub(crate) type WordList = &'static [(&'static str, &'static str)];

/// What yes and no are called, where a column has no words of its own for them.
const YES_AND_NO: WordList = &[("true", "はい"), ("false", "いいえ")];

/// Rows under named columns.
pub(crate) struct Rows {
    lang: Lang,
    /// Names, each with its Japanese heading.
    columns: Vec<(&'static str, &'static str)>,
    /// Columns whose codes have Japanese words.
    words: Vec<(&'static str, Words)>,
    rows: Vec<Row>,
}

/// One row.
struct Row {
    /// What programs read, and people too, where nothing else is said.
    cells: Vec<Value>,
    /// What people read instead, by column.
    said: Vec<(&'static str, String)>,
}

impl Rows {
    /// Starts a table. Each column has its name and, beside it, its Japanese heading; the English
    /// heading is the name. Names are promises: in either language they are the keys of the JSON
    /// output.
    pub(crate) fn new(lang: Lang, columns: &[(&'static str, &'static str)]) -> Self {
        Self { lang, columns: columns.to_vec(), words: Vec::new(), rows: Vec::new() }
    }

    /// What people read in Japanese instead of the codes of a column. In English they read the
    /// codes; codes that are not in the list stay as they are. A column may have several lists.
    pub(crate) fn worded(self, column: &'static str, list: WordList) -> Self {
        self.wording(column, Words::Listed(list))
    }

    /// The same with the words that the console or a report has for these codes: `prefix` and a
    /// code are a key of `locales/`.
    pub(crate) fn worded_in(self, column: &'static str, prefix: &'static str) -> Self {
        self.wording(column, Words::Located(prefix))
    }

    /// What people read in Japanese of a column that says what went wrong.
    pub(crate) fn told(self, column: &'static str) -> Self {
        self.wording(column, Words::Errors)
    }

    fn wording(mut self, column: &'static str, words: Words) -> Self {
        debug_assert!(self.has(column), "there is no column `{column}`");
        self.words.push((column, words));
        self
    }

    fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|(name, _)| *name == column)
    }

    /// Adds a row with as many cells as there are columns.
    pub(crate) fn push(&mut self, cells: Vec<Value>) {
        self.push_said(cells, Vec::new());
    }

    /// Adds a row some of whose cells people read otherwise than programs do: beside the name of
    /// such a column stands the text in the reader's language. INVARIANT: the cells themselves
    /// are the same in every language; only titles of content are, as in all outputs, in the
    /// reader's.
    pub(crate) fn push_said(&mut self, cells: Vec<Value>, said: Vec<(&'static str, String)>) {
        debug_assert_eq!(cells.len(), self.columns.len());
        debug_assert!(said.iter().all(|(column, _)| self.has(column)), "{said:?}");
        self.rows.push(Row { cells, said });
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

    /// What people see above the columns, or before each fact.
    fn labels(&self) -> Vec<String> {
        let label = |(name, heading): &(&str, &str)| match self.lang {
            Lang::En => name.replace('_', " "),
            Lang::Ja => (*heading).to_owned(),
        };
        self.columns.iter().map(label).collect()
    }

    /// The cells of a row for a person.
    fn texts(&self, row: &Row) -> Vec<String> {
        let text = |((name, _), cell): (&(&'static str, &'static str), &Value)| {
            let said = row.said.iter().find(|(column, _)| column == name);
            match said {
                Some((_, said)) => one_line(said),
                None => self.word(name, cell).unwrap_or_else(|| cell_text(cell)),
            }
        };
        self.columns.iter().zip(&row.cells).map(text).collect()
    }

    /// The Japanese word for a code, where there is one.
    fn word(&self, column: &str, cell: &Value) -> Option<String> {
        let code = match (self.lang, cell) {
            (Lang::Ja, Value::String(code)) => code.as_str(),
            (Lang::Ja, Value::Bool(true)) => "true",
            (Lang::Ja, Value::Bool(false)) => "false",
            _ => return None,
        };
        let own = self.words.iter().filter(|(name, _)| *name == column).map(|(_, words)| *words);
        let usual = cell.is_boolean().then_some(Words::Listed(YES_AND_NO));
        own.chain(usual).find_map(|words| words.of(code))
    }

    fn table(&self) -> String {
        let mut headings = self.labels();
        if self.lang == Lang::En {
            headings = headings.iter().map(|heading| heading.to_uppercase()).collect();
        }
        let cells: Vec<Vec<String>> =
            std::iter::once(headings).chain(self.rows.iter().map(|row| self.texts(row))).collect();
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
        let labels = self.labels();
        for row in &self.rows {
            for (label, cell) in labels.iter().zip(self.texts(row)) {
                if !cell.is_empty() {
                    text.push_str(&format!("{label}: {cell}\n"));
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
                .map(|(name, _)| (*name).to_owned())
                .zip(row.cells.iter().cloned())
                .collect();
            text.push_str(&Value::Object(object).to_string());
            text.push('\n');
        }
        text
    }
}

/// Where the Japanese words for codes are.
#[derive(Clone, Copy)]
enum Words {
    /// In a list.
    Listed(WordList),
    /// In the files of `locales/`, each key being this prefix and the code.
    Located(&'static str),
    /// With the errors.
    Errors,
}

impl Words {
    fn of(self, code: &str) -> Option<String> {
        match self {
            Self::Listed(list) => {
                let known = list.iter().find(|(known, _)| *known == code);
                known.map(|(_, word)| (*word).to_owned())
            }
            Self::Located(prefix) => {
                let key = format!("{prefix}{code}");
                let word = yagura_report::words(Lang::Ja).get(&key);
                (word != key).then(|| word.to_owned())
            }
            Self::Errors => Some(yagura_report::error_in(Lang::Ja, code).into_owned()),
        }
    }
}

/// A cell for a person: no quotes around text, nothing for null, no line breaks, no controls.
fn cell_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => one_line(text),
        other => printable(&other.to_string()),
    }
}

fn one_line(text: &str) -> String {
    printable(text).replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use yagura_model::Severity;
    use yagura_model::message::MessageKind;
    use yagura_store::jobs::RunOutcome;

    use super::*;

    fn sample(lang: Lang) -> Rows {
        let mut rows = Rows::new(lang, &[("id", "番号 id"), ("seen_first", "初回")]);
        rows.push(vec![json!("日本"), json!(1)]);
        rows.push(vec![json!("a\u{1b}[2Jb"), Value::Null]);
        rows
    }

    #[test]
    fn columns_align_also_where_characters_are_wide() {
        let english = sample(Lang::En).table();
        assert_eq!(english, "ID      SEEN FIRST\n日本    1\na\u{fffd}[2Jb\n");
        let japanese = sample(Lang::Ja).table();
        assert_eq!(japanese, "番号 id  初回\n日本     1\na\u{fffd}[2Jb\n");
    }

    #[test]
    fn facts_are_labeled_in_the_language_of_the_reader() {
        let english = sample(Lang::En).plain();
        assert_eq!(english, "id: 日本\nseen first: 1\n\nid: a\u{fffd}[2Jb\n\n");
        let japanese = sample(Lang::Ja).plain();
        assert_eq!(japanese, "番号 id: 日本\n初回: 1\n\n番号 id: a\u{fffd}[2Jb\n\n");
    }

    #[test]
    fn names_are_the_keys_of_json_in_either_language() {
        let line = r#"{"id":"日本","seen_first":1}"#;
        assert_eq!(sample(Lang::En).json().lines().next(), Some(line));
        assert_eq!(sample(Lang::Ja).json(), sample(Lang::En).json());
    }

    #[test]
    fn json_keeps_what_a_terminal_must_not_show() {
        assert!(sample(Lang::En).json().contains("a\\u001b[2Jb"));
    }

    fn coded(lang: Lang) -> Rows {
        let columns = [
            ("state", "状態"),
            ("severity", "重要度"),
            ("paged", "分割"),
            ("readable", "可否"),
            ("heard_of", "最終応答"),
        ];
        let mut rows = Rows::new(lang, &columns)
            .worded("state", &[("in_progress", "対応中")])
            .worded("state", &[("handed_back", "返却")])
            .worded_in("severity", "report.severity.")
            .worded("readable", &[("true", "可")]);
        let ago = match lang {
            Lang::En => "5 s\nago",
            Lang::Ja => "5 秒\n前",
        };
        let time = json!("2026-11-22T00:00:00Z");
        let first = vec![json!("in_progress"), json!("high"), json!(true), json!(true), time];
        rows.push_said(first, vec![("heard_of", ago.to_owned())]);
        let odd = [json!("odd"), json!("odd"), json!(false), json!(false), Value::Null];
        rows.push(odd.to_vec());
        rows.push(vec![json!("handed_back"), json!(1), Value::Null, Value::Null, Value::Null]);
        rows
    }

    #[test]
    fn people_read_words_in_japanese_and_codes_in_english() {
        let english = "state: in_progress\nseverity: high\npaged: true\nreadable: true\n\
                       heard of: 5 s ago\n\n\
                       state: odd\nseverity: odd\npaged: false\nreadable: false\n\n\
                       state: handed_back\nseverity: 1\n\n";
        assert_eq!(coded(Lang::En).plain(), english);
        let japanese = "状態: 対応中\n重要度: 高\n分割: はい\n可否: 可\n最終応答: 5 秒 前\n\n\
                        状態: odd\n重要度: odd\n分割: いいえ\n可否: いいえ\n\n\
                        状態: 返却\n重要度: 1\n\n";
        assert_eq!(coded(Lang::Ja).plain(), japanese);
        assert!(coded(Lang::Ja).table().contains("対応中  高      はい    可      5 秒 前\n"));
    }

    #[test]
    fn programs_read_the_same_in_both_languages() {
        let first = coded(Lang::Ja).json().lines().next().map(serde_json::from_str::<Value>);
        let expected = json!({
            "state": "in_progress", "severity": "high", "paged": true, "readable": true,
            "heard_of": "2026-11-22T00:00:00Z",
        });
        assert_eq!(first.unwrap().unwrap(), expected);
        assert_eq!(coded(Lang::Ja).json(), coded(Lang::En).json());
    }

    /// The prefixes that the commands name; a mistake in one would leave codes in English.
    #[test]
    fn codes_have_their_words_in_the_locale_files() {
        let check = |prefix, codes: &[&str]| {
            for code in codes {
                assert!(Words::Located(prefix).of(code).is_some(), "{prefix}{code}");
            }
        };
        check("report.severity.", &Severity::ALL.map(Severity::as_str));
        check("report.responsible.", &["customer", "shared", "aws"]);
        check("console_routes.kind.", &MessageKind::ALL.map(MessageKind::as_str));
        check("console_routes.outcomes.", &["delivered", "retry", "refused", "skipped"]);
        check("console_settings.jobs.", &["waiting", "running", "stopping"]);
        check("console_settings.jobs.outcomes.", &RunOutcome::ALL.map(RunOutcome::as_str));
        let states = ["running", "complete", "interrupted", "failed"];
        check("console_settings.health.states.", &states);
        check("console_settings.audit.outcomes.", &["done", "refused", "failed"]);
        let means = ["none", "session", "token", "open", "command_line"];
        check("console_settings.audit.means.", &means);
        assert_eq!(Words::Located("report.severity.").of("odd"), None);
    }
}
