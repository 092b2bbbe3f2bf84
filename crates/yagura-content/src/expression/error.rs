//! Why an expression cannot be compiled, and where in its text.
//! The place in the file that holds the expression is computed in `crate::problem`.

/// An expression that cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExpressionError {
    /// The line within the expression, from 1.
    pub line: usize,
    /// The column within the line, in characters from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it; may be empty.
    pub hint: String,
}

impl ExpressionError {
    pub(crate) fn at_start(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { line: 1, column: 1, message: message.into(), hint: hint.into() }
    }
}

/// The candidate that a misspelled name probably means.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let limit = name.chars().count() / 3 + 1;
    candidates
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be inserted, removed or replaced (Levenshtein), case ignored.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().flat_map(char::to_lowercase).take(100).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (n, a) in a.chars().flat_map(char::to_lowercase).take(100).enumerate() {
        let mut diagonal = n;
        let mut left = n + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(&b) {
            let above = *cell;
            left = (diagonal + usize::from(a != *b)).min(above + 1).min(left + 1);
            diagonal = above;
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = n + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_finds_its_name_and_a_stranger_finds_none() {
        let names = ["properties", "parameters", "runtime"];
        assert_eq!(nearest("propertys", names), Some("properties"));
        assert_eq!(nearest("Runtime", names), Some("runtime"));
        assert_eq!(nearest("xyz", names), None);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
    }
}
