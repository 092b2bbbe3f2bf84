//! What is wrong with a content file, and where: file, line, column, and what to do.
//! What is checked is in `yaml.rs` (form) and `lint/` (meaning).

use std::fmt;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

use crate::expression::ExpressionError;
use crate::place::Place;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProblemLevel {
    /// The file is not used.
    Error,
    /// The file is used; a reviewer would object.
    Warning,
}

/// Something wrong with a content file. Shown by miette with the lines around it, or in one line
/// by `Display`.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The file, relative to the folder that holds `controls/` and `resources/`.
    pub file: String,
    /// Where in the file.
    pub place: Place,
    /// What is wrong: lower case, no final period.
    pub message: String,
    /// What to do; may be empty.
    pub hint: String,
    /// How bad it is.
    pub level: ProblemLevel,
    text: Option<Arc<NamedSource<String>>>,
}

impl Problem {
    /// A problem at a place of a file.
    pub(crate) fn at(file: &File, place: Place, message: impl Into<String>) -> Self {
        Self {
            file: file.name.clone(),
            place,
            message: message.into(),
            hint: String::new(),
            level: ProblemLevel::Error,
            text: file.text.clone(),
        }
    }

    /// A problem that the Sigma engine has with a rule file, whose text is given.
    pub fn of_rule(path: &str, text: &str, problem: &sigma::Problem) -> Self {
        let file = File::new(path, text);
        let place = file.place_of_line(problem.place.line, problem.place.column);
        let ours = Self::at(&file, place, problem.message.as_str()).hint(problem.hint);
        match problem.weight {
            sigma::Weight::Error => ours,
            sigma::Weight::Warning => ours.warning(),
        }
    }

    /// A problem with a content file that was found while it was compiled, without a place.
    pub fn of_content(path: &str, message: impl Into<String>) -> Self {
        Self::at(&File::nameless(path), Place::default(), message)
    }

    /// An expression that cannot be compiled.
    pub(crate) fn of_expression(
        file: &File,
        place: Place,
        source: &str,
        error: &ExpressionError,
    ) -> Self {
        let place = file.place_in_scalar(place, source, error.line, error.column);
        Self::at(file, place, error.message.clone()).hint(error.hint.clone())
    }

    /// With advice.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// As a warning.
    #[must_use]
    pub(crate) fn warning(mut self) -> Self {
        self.level = ProblemLevel::Warning;
        self
    }

    /// The same problem in other words: those of the reader's language.
    #[must_use]
    pub fn said(mut self, say: impl Fn(&str) -> String) -> Self {
        self.message = say(&self.message);
        self.hint = say(&self.hint);
        self
    }

    /// Whether the file cannot be used.
    pub fn is_error(&self) -> bool {
        self.level == ProblemLevel::Error
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { line, column, .. } = self.place;
        write!(f, "{}:{line}:{column}: {}", self.file, self.message)
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.level {
            ProblemLevel::Error => miette::Severity::Error,
            ProblemLevel::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        (!self.hint.is_empty()).then(|| Box::new(&self.hint) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.text.as_deref().map(|text| text as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.text.as_ref()?;
        let label = LabeledSpan::underline(self.place.offset as usize);
        Some(Box::new(std::iter::once(label)))
    }
}

/// A content file while it is being checked.
#[derive(Clone, Debug)]
pub(crate) struct File {
    /// Relative to the content folder, with `/`.
    pub(crate) name: String,
    text: Option<Arc<NamedSource<String>>>,
}

impl File {
    /// A file whose text is kept, so that problems can show it.
    pub(crate) fn new(name: &str, text: &str) -> Self {
        let source = NamedSource::new(name, text.to_owned()).with_language("yaml");
        Self { name: name.to_owned(), text: Some(Arc::new(source)) }
    }

    /// A file that could not be read.
    pub(crate) fn nameless(name: &str) -> Self {
        Self { name: name.to_owned(), text: None }
    }

    fn text(&self) -> &str {
        self.text.as_ref().map_or("", |text| text.inner())
    }

    /// The place in the file of a line and column of a scalar's value. YAML folds, indents and
    /// escapes, but keeps what is not blank, in order: so the non-blank characters are counted.
    fn place_in_scalar(&self, start: Place, source: &str, line: usize, column: usize) -> Place {
        let before = source.lines().take(line.saturating_sub(1)).map(count).sum::<usize>();
        let within: String = source
            .lines()
            .nth(line.saturating_sub(1))
            .unwrap_or_default()
            .chars()
            .take(column.saturating_sub(1))
            .collect();
        let mut wanted = before + count(&within);
        let Some(rest) = self.text().get(start.offset as usize..) else { return start };
        let mut chars = rest.char_indices().peekable();
        let quote = match chars.peek() {
            Some((_, quote @ ('"' | '\''))) => {
                let quote = *quote;
                chars.next();
                Some(quote)
            }
            Some((_, '|' | '>')) => {
                // The header of a block: its indicators and comment are not the text.
                for (_, c) in chars.by_ref() {
                    if c == '\n' {
                        break;
                    }
                }
                None
            }
            _ => None,
        };
        while let Some((at, c)) = chars.next() {
            if c.is_whitespace() {
                continue;
            }
            if wanted == 0 {
                return self.place_at(start.offset as usize + at);
            }
            wanted -= 1;
            let escape = (quote == Some('"') && c == '\\') || (quote == Some('\'') && c == '\'');
            if escape {
                chars.next();
            }
        }
        start
    }

    /// The place of a line and column, both from 1.
    pub(crate) fn place_of_line(&self, line: u32, column: u32) -> Place {
        let before = self.text().split_inclusive('\n').take(line.saturating_sub(1) as usize);
        let start: usize = before.map(str::len).sum();
        let rest = self.text().get(start..).unwrap_or_default();
        let within: usize =
            rest.chars().take(column.saturating_sub(1) as usize).map(char::len_utf8).sum();
        Place { line, column, offset: u32::try_from(start + within).unwrap_or(u32::MAX) }
    }

    /// The place of a byte.
    fn place_at(&self, offset: usize) -> Place {
        let before = self.text().get(..offset).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Place {
            line: narrow(before.matches('\n').count() + 1),
            column: narrow(before.get(line_start..).unwrap_or_default().chars().count() + 1),
            offset: narrow(offset),
        }
    }
}

/// The characters that YAML does not fold away.
fn count(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, start: usize, source: &str, at: (usize, usize), expected: (u32, u32)) {
        let file = File::new("x.yaml", text);
        let place = file.place_in_scalar(file.place_at(start), source, at.0, at.1);
        assert_eq!((place.line, place.column), expected, "{text}");
    }

    #[test]
    fn a_column_of_an_expression_becomes_a_place_in_the_file() {
        check("when: a && b\n", 6, "a && b", (1, 6), (1, 12));
        check("when: 'a == ''x'' && b'\n", 6, "a == 'x' && b", (1, 13), (1, 22));
        check("when: \"a == \\\"x\\\" && b\"\n", 6, "a == \"x\" && b", (1, 13), (1, 22));
        check("when: |\n  a &&\n  b\n", 6, "a &&\nb\n", (2, 1), (3, 3));
        check("when: >-  # why\n  a &&\n  b\n", 6, "a && b", (1, 6), (3, 3));
        check("when: a &&\n   b\n", 6, "a && b", (1, 6), (2, 4));
    }

    #[test]
    fn a_place_beyond_the_text_is_its_start() {
        check("when: a\n", 6, "a", (9, 9), (1, 7));
    }
}
