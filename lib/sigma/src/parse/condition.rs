//! Reads conditions: `selection and not 1 of filter_*`. Binding, from loose to tight:
//! `or`, `and`, `not`, `1 of`, brackets. Words are cut in `tokens.rs`.

use super::tokens::{Token, cut};
use crate::problem::{Place, Problem};
use crate::text::glob::Glob;
use crate::text::pattern::Pattern;

/// Nesting of brackets and `not`.
const DEPTH_MAX: usize = 64;
/// Characters of one condition.
const CHARS_MAX: usize = 64 * 1024;

/// Names of one condition, with those that patterns choose.
const NAMES_MAX: usize = 20_000;

/// A condition whose names are not resolved to places in a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tree {
    Name(usize),
    All(Vec<Tree>),
    Any(Vec<Tree>),
    Not(Box<Tree>),
}

/// Reads a condition over the names.
///
/// # Errors
/// The first thing in it that is malformed or names nothing.
pub(super) fn read(text: &str, start: Place, names: &[&str]) -> Result<Tree, Problem> {
    if text.chars().count() > CHARS_MAX {
        return Err(Problem::error(start, "the condition is longer than 64 KiB"));
    }
    let tokens = cut(text, start)?;
    let mut reader = Reader { tokens: &tokens, at: 0, start, names, depth: 0, named: 0 };
    if tokens.is_empty() {
        return Err(Problem::error(start, "the condition is empty"));
    }
    let tree = reader.any()?;
    match reader.peek() {
        None => Ok(tree),
        Some((token, place)) => Err(unexpected(token, *place, "`and` or `or`")),
    }
}

struct Reader<'a> {
    tokens: &'a [(Token<'a>, Place)],
    at: usize,
    start: Place,
    names: &'a [&'a str],
    depth: usize,
    named: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a (Token<'a>, Place)> {
        self.tokens.get(self.at)
    }

    fn word(&mut self, keyword: &str) -> bool {
        let found = match self.peek() {
            Some((Token::Word(word), _)) => word.eq_ignore_ascii_case(keyword),
            _ => false,
        };
        self.at += usize::from(found);
        found
    }

    fn any(&mut self) -> Result<Tree, Problem> {
        let mut parts = vec![self.all()?];
        while self.word("or") {
            parts.push(self.all()?);
        }
        Ok(single(parts, Tree::Any))
    }

    fn all(&mut self) -> Result<Tree, Problem> {
        let mut parts = vec![self.not()?];
        while self.word("and") {
            parts.push(self.not()?);
        }
        Ok(single(parts, Tree::All))
    }

    fn not(&mut self) -> Result<Tree, Problem> {
        if !self.word("not") {
            return self.one();
        }
        self.deeper()?;
        let inner = self.not()?;
        self.depth -= 1;
        Ok(Tree::Not(Box::new(inner)))
    }

    fn deeper(&mut self) -> Result<(), Problem> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            let message = format!("the condition is nested deeper than {DEPTH_MAX} levels");
            return Err(Problem::error(self.start, message));
        }
        Ok(())
    }

    fn one(&mut self) -> Result<Tree, Problem> {
        let Some((token, place)) = self.peek() else {
            return Err(Problem::error(self.start, "the condition ends where a name is wanted"));
        };
        self.at += 1;
        match token {
            Token::Open => {
                self.deeper()?;
                let inner = self.any()?;
                self.depth -= 1;
                match self.peek() {
                    Some((Token::Close, _)) => self.at += 1,
                    _ => return Err(Problem::error(*place, "this bracket is never closed")),
                }
                Ok(inner)
            }
            Token::Close => Err(unexpected(token, *place, "a name")),
            Token::Word(word) => {
                if let Some(of) = self.quantity(word, *place)? {
                    return Ok(of);
                }
                self.name(word, *place)
            }
        }
    }

    /// `1 of x*`, `any of them`, `all of x*`.
    fn quantity(&mut self, word: &str, place: Place) -> Result<Option<Tree>, Problem> {
        if !matches!(self.peek(), Some((Token::Word(of), _)) if of.eq_ignore_ascii_case("of")) {
            return Ok(None);
        }
        let build: fn(Vec<Tree>) -> Tree = match word.to_ascii_lowercase().as_str() {
            "1" | "any" => Tree::Any,
            "all" => Tree::All,
            _ => {
                let message = format!("`{word} of` is not part of Sigma");
                return Err(Problem::error(place, message)
                    .hint("the quantities are `1 of`, `any of` and `all of`"));
            }
        };
        self.at += 1;
        let Some((Token::Word(pattern), at)) = self.peek() else {
            return Err(Problem::error(place, format!("`{word} of` wants `them` or a pattern")));
        };
        self.at += 1;
        let chosen: Vec<Tree> = self.chosen(pattern).into_iter().map(Tree::Name).collect();
        if chosen.is_empty() {
            return Err(Problem::error(*at, format!("no selection is called `{pattern}`")));
        }
        self.named += chosen.len();
        if self.named > NAMES_MAX {
            let message = format!("the condition names more than {NAMES_MAX} selections");
            return Err(Problem::error(*at, message));
        }
        Ok(Some(single(chosen, build)))
    }

    /// Names that begin with an underscore are chosen only by patterns that do so as well.
    fn chosen(&self, pattern: &str) -> Vec<usize> {
        let them = pattern.eq_ignore_ascii_case("them");
        let glob = Glob::new(&Pattern::read(if them { "*" } else { pattern }), true);
        let hidden = pattern.starts_with('_');
        let names = self.names.iter().enumerate();
        names
            .filter(|(_, name)| glob.accepts(name) && (hidden || !name.starts_with('_')))
            .map(|(at, _)| at)
            .collect()
    }

    fn name(&self, word: &str, place: Place) -> Result<Tree, Problem> {
        if let Some(at) = self.names.iter().position(|name| *name == word) {
            return Ok(Tree::Name(at));
        }
        let reserved = ["and", "or", "not", "of", "them"];
        if reserved.iter().any(|keyword| word.eq_ignore_ascii_case(keyword)) {
            return Err(Problem::error(place, format!("`{word}` stands where a name is wanted")));
        }
        let problem = Problem::error(place, format!("nothing is called `{word}`"));
        let pattern = word.contains(['*', '?']);
        Err(if pattern {
            problem.hint("a pattern wants `1 of` or `all of` before it")
        } else {
            problem
        })
    }
}

fn single(mut parts: Vec<Tree>, build: fn(Vec<Tree>) -> Tree) -> Tree {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            build(parts)
        }
        None => build(parts),
    }
}

fn unexpected(token: &Token<'_>, place: Place, wanted: &str) -> Problem {
    let written = match token {
        Token::Open => "(",
        Token::Close => ")",
        Token::Word(word) => word,
    };
    Problem::error(place, format!("`{written}` stands where {wanted} is wanted"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 5] = ["selection", "filter_a", "filter_b", "_hidden", "1"];

    fn tree(text: &str) -> Tree {
        read(text, Place { line: 3, column: 10 }, &NAMES).unwrap()
    }

    fn check_error(text: &str, column: u32, message: &str) {
        let problem = read(text, Place { line: 3, column: 10 }, &NAMES).unwrap_err();
        assert_eq!((problem.place.column, problem.message.as_str()), (column, message), "{text}");
    }

    fn not(tree: Tree) -> Tree {
        Tree::Not(Box::new(tree))
    }

    use Tree::{All, Any, Name};

    #[test]
    fn operators_bind_as_the_specification_says() {
        let both = Any(vec![Name(1), Name(2)]);
        assert_eq!(tree("selection and not 1 of filter_*"), All(vec![Name(0), not(both.clone())]));
        assert_eq!(
            tree("selection or filter_a and filter_b"),
            Any(vec![Name(0), All(vec![Name(1), Name(2)])])
        );
        assert_eq!(tree("not (filter_a or filter_b)"), not(both));
        assert_eq!(tree("NOT selection AND filter_a"), All(vec![not(Name(0)), Name(1)]));
        assert_eq!(tree("not not selection"), not(not(Name(0))));
    }

    #[test]
    fn quantities_leave_out_hidden_names() {
        assert_eq!(tree("all of filter_*"), All(vec![Name(1), Name(2)]));
        assert_eq!(tree("any of them"), Any(vec![Name(0), Name(1), Name(2), Name(4)]));
        assert_eq!(tree("1 of _*"), Name(3));
        assert_eq!(tree("1 of *_a"), Name(1));
        assert_eq!(tree("1"), Name(4));
    }

    #[test]
    fn malformed_conditions_are_told_with_their_column() {
        check_error("", 10, "the condition is empty");
        check_error("selection and", 10, "the condition ends where a name is wanted");
        check_error("selection filter_a", 20, "`filter_a` stands where `and` or `or` is wanted");
        check_error("(selection", 10, "this bracket is never closed");
        check_error("selection)", 19, "`)` stands where `and` or `or` is wanted");
        check_error("selektion", 10, "nothing is called `selektion`");
        check_error("1 of nothing*", 15, "no selection is called `nothing*`");
        check_error("2 of them", 10, "`2 of` is not part of Sigma");
        check_error("selection and or", 24, "`or` stands where a name is wanted");
        check_error("selection & x", 20, "`&` has no meaning in a condition");
        check_error(
            "selection | count() > 3",
            20,
            "aggregations behind `|` are not part of Sigma 2",
        );
    }

    #[test]
    fn a_condition_that_names_too_much_is_refused() {
        let names: Vec<String> = (0..1_000).map(|at| format!("s{at}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let text = ["1 of s*"; 30].join(" or ");
        let problem = read(&text, Place::default(), &names).unwrap_err();
        assert_eq!(problem.message, "the condition names more than 20000 selections");
    }

    #[test]
    fn deep_nesting_is_refused() {
        let text = "(".repeat(70) + "selection" + &")".repeat(70);
        check_error(&text, 10, "the condition is nested deeper than 64 levels");
        let text = "not ".repeat(70) + "selection";
        check_error(&text, 10, "the condition is nested deeper than 64 levels");
    }
}
