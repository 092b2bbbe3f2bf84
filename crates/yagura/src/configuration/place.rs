//! Where in the file something is, and what is wrong there: line, column, the line itself.
//! What can be wrong is found in `check`.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use super::Source;
use crate::output::printable;

/// Problems that are shown at most; a file of another kind would give thousands.
const SHOWN_MAX: usize = 20;
/// The most of a line that is shown, in characters.
const LINE_MAX: usize = 80;

/// One thing that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Where, in bytes from the beginning of the file.
    pub(crate) span: Range<usize>,
    /// What, in lower case and without a period.
    pub(crate) message: String,
}

impl Problem {
    pub(crate) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into() }
    }
}

/// Line and column of a byte, from one; the column in characters, as editors count them.
pub(crate) fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let column = before.get(start..).unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// A file that is refused, with every reason. Values are not repeated: one may be a secret that
/// was written where its reference belongs.
#[derive(Debug)]
pub(crate) struct Refused {
    path: PathBuf,
    problems: Vec<(usize, usize, String, String)>,
    more: usize,
}

impl Refused {
    pub(super) fn new(source: &Source, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| problem.span.start);
        let more = problems.len().saturating_sub(SHOWN_MAX);
        let problems = problems.into_iter().take(SHOWN_MAX).map(|problem| {
            let (line, column) = line_and_column(&source.text, problem.span.start);
            let shown = shown_key(source.text.lines().nth(line - 1).unwrap_or_default());
            (line, column, problem.message, shown)
        });
        Self { path: source.path.clone(), problems: problems.collect(), more }
    }
}

/// The part of a line before its value.
fn shown_key(line: &str) -> String {
    let key = line.split_once('=').map_or(line, |(key, _)| key);
    let is_key = line.contains('=') || line.trim_start().starts_with('[');
    if !is_key {
        return String::new();
    }
    let mut shown: String = printable(key).trim_end().chars().take(LINE_MAX).collect();
    if line.contains('=') {
        shown.push_str(" = …");
    }
    shown
}

impl fmt::Display for Refused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        write!(out, "`{path}` cannot be used as a configuration")?;
        for (line, column, message, shown) in &self.problems {
            write!(out, "\n  line {line}, column {column}: {message}")?;
            if !shown.is_empty() {
                write!(out, "\n    {line} | {shown}")?;
            }
        }
        if self.more > 0 {
            write!(out, "\n  and {} more", self.more)?;
        }
        Ok(())
    }
}

impl std::error::Error for Refused {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_are_those_of_an_editor() {
        let text = "a = 1\n日本 = x\n";
        assert_eq!(line_and_column(text, 0), (1, 1));
        assert_eq!(line_and_column(text, 6), (2, 1));
        assert_eq!(line_and_column(text, 12), (2, 3));
        assert_eq!(line_and_column(text, 999), (3, 1));
    }

    #[test]
    fn a_refusal_names_file_line_and_column_and_no_value() {
        let text = "a = 1\ndatabase = 'hunter2'\n";
        let source = Source { path: "/etc/y.toml".into(), text: text.into() };
        let refused = Refused::new(&source, vec![Problem::new(17..26, "is wrong")]);
        assert_eq!(
            refused.to_string(),
            "`/etc/y.toml` cannot be used as a configuration\n  line 2, column 12: is wrong\n    \
             2 | database = …"
        );
    }

    #[test]
    fn a_thousand_problems_are_cut_and_said_to_be() {
        let source = Source { path: "y".into(), text: "\n".repeat(1000) };
        let problems = (0..1000).map(|n| Problem::new(n..n, "x")).collect();
        let text = Refused::new(&source, problems).to_string();
        assert!(text.ends_with("and 980 more"), "{text}");
    }
}
