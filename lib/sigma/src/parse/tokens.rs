//! Cuts a condition into words and brackets, with their places.
//! What the words mean is `condition.rs`.

use crate::problem::{Place, Problem};

/// A piece of a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Open,
    Close,
    Word(&'a str),
}

/// Cuts a text. `start` is the place of its first character; places within a text of several
/// lines are those of the text's start, because YAML has folded its lines.
pub(super) fn cut(text: &str, start: Place) -> Result<Vec<(Token<'_>, Place)>, Problem> {
    let one_line = !text.contains('\n');
    let place = |characters: usize| {
        let along = u32::try_from(characters).unwrap_or(0);
        let column = if one_line { start.column.saturating_add(along) } else { start.column };
        Place { line: start.line, column }
    };
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut passed = 0;
    while let Some(c) = rest.chars().next() {
        let here = place(passed);
        let length = match c {
            '(' => push(&mut tokens, Token::Open, here, c),
            ')' => push(&mut tokens, Token::Close, here, c),
            _ if c.is_whitespace() => c.len_utf8(),
            '|' => {
                return Err(Problem::error(
                    here,
                    "aggregations behind `|` are not part of Sigma 2",
                )
                .hint("write a correlation rule instead"));
            }
            _ => {
                let ends = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '|');
                let (word, _) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
                check(word, here)?;
                tokens.push((Token::Word(word), here));
                word.len()
            }
        };
        let (done, after) = rest.split_at(length);
        passed += done.chars().count();
        rest = after;
    }
    Ok(tokens)
}

fn push<'a>(tokens: &mut Vec<(Token<'a>, Place)>, token: Token<'a>, at: Place, c: char) -> usize {
    tokens.push((token, at));
    c.len_utf8()
}

fn check(word: &str, place: Place) -> Result<(), Problem> {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '*' | '.' | '?');
    match word.chars().find(|c| !fits(*c)) {
        None => Ok(()),
        Some(c) => Err(Problem::error(place, format!("`{c}` has no meaning in a condition"))),
    }
}
