//! Patterns with `*` (any run of characters) and `?` (exactly one), over literal characters.
//! What a colon means is the business of `arn`; where variables stand, of `template`.

use crate::truth::Truth;

/// One element of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// This character.
    Literal(char),
    /// Any one character.
    One,
    /// Any run of characters, also an empty one.
    Any,
}

/// A compiled pattern. Most patterns are a plain text, a prefix or everything: those are compared
/// without walking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Glob {
    /// `*`
    All,
    /// No wildcard at all.
    Exact(String),
    /// Text and then one `*` at the end.
    Prefix(String),
    /// Anything else.
    Tokens(Vec<Token>),
}

impl Glob {
    /// Compiles a pattern in which `*` and `?` are wildcards.
    pub(crate) fn new(pattern: &str) -> Self {
        Self::from_tokens(tokens(pattern))
    }

    /// Compiles tokens; a run of `*` is one.
    pub(crate) fn from_tokens(mut tokens: Vec<Token>) -> Self {
        tokens.dedup_by(|next, before| *next == Token::Any && *before == Token::Any);
        let wild = tokens.iter().position(|token| !matches!(token, Token::Literal(_)));
        match wild {
            None => Self::Exact(literal(&tokens)),
            Some(0) if tokens.len() == 1 && tokens.first() == Some(&Token::Any) => Self::All,
            Some(at) if at + 1 == tokens.len() && tokens.last() == Some(&Token::Any) => {
                Self::Prefix(literal(tokens.get(..at).unwrap_or_default()))
            }
            Some(_) => Self::Tokens(tokens),
        }
    }

    /// Whether the text matches, letter case counting.
    pub(crate) fn matches(&self, text: &str) -> bool {
        match self {
            Self::All => true,
            Self::Exact(exact) => exact == text,
            Self::Prefix(prefix) => text.starts_with(prefix.as_str()),
            Self::Tokens(tokens) => walk(tokens, text, |a, b| a == b),
        }
    }

    /// Whether the text matches, ASCII letter case not counting.
    pub(crate) fn matches_ignoring_case(&self, text: &str) -> bool {
        match self {
            Self::All => true,
            Self::Exact(exact) => exact.eq_ignore_ascii_case(text),
            Self::Prefix(prefix) => {
                text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
            }
            Self::Tokens(tokens) => walk(tokens, text, |a, b| a.eq_ignore_ascii_case(&b)),
        }
    }

    /// How the pattern stands to another one: `True` when everything the other matches is matched
    /// here, `Depends` when they share some text, `False` when they share none.
    pub(crate) fn covers(&self, other: &Self) -> Truth {
        let (ours, theirs) = (self.tokens(), other.tokens());
        if !intersect(&ours, &theirs) {
            return Truth::False;
        }
        if includes(&ours, &theirs) { Truth::True } else { Truth::Depends }
    }

    /// Whether everything that the other matches is matched here, ASCII letter case not counting.
    pub(crate) fn includes_ignoring_case(&self, other: &Self) -> bool {
        let lower = |glob: &Self| -> Vec<Token> {
            let lower = |token| match token {
                Token::Literal(letter) => Token::Literal(letter.to_ascii_lowercase()),
                wild => wild,
            };
            glob.tokens().into_iter().map(lower).collect()
        };
        includes(&lower(self), &lower(other))
    }

    /// Whether everything that a run of tokens matches is matched here.
    pub(crate) fn includes(&self, other: &[Token]) -> bool {
        includes(&self.tokens(), other)
    }

    pub(crate) fn tokens(&self) -> Vec<Token> {
        match self {
            Self::All => vec![Token::Any],
            Self::Exact(text) => text.chars().map(Token::Literal).collect(),
            Self::Prefix(text) => text.chars().map(Token::Literal).chain([Token::Any]).collect(),
            Self::Tokens(tokens) => tokens.clone(),
        }
    }
}

/// Whether some text is of both forms, in which `*` stands for any run of characters and `?` for
/// one: whether two forms of names can name the same thing.
///
/// ```
/// use iam_policy::forms_overlap;
/// assert!(forms_overlap("role/app-*", "role/*-reader"));
/// assert!(!forms_overlap("role/app-*", "role/web-1"));
/// ```
#[must_use]
pub fn forms_overlap(one: &str, other: &str) -> bool {
    intersect(&tokens(one), &tokens(other))
}

/// The tokens of a pattern in which `*` and `?` are wildcards.
pub(crate) fn tokens(pattern: &str) -> Vec<Token> {
    pattern
        .chars()
        .map(|character| match character {
            '*' => Token::Any,
            '?' => Token::One,
            other => Token::Literal(other),
        })
        .collect()
}

fn literal(tokens: &[Token]) -> String {
    tokens
        .iter()
        .filter_map(|token| match token {
            Token::Literal(character) => Some(*character),
            Token::One | Token::Any => None,
        })
        .collect()
}

/// Matches from left to right and returns only to the last `*`: at most pattern × text steps, so
/// that a pattern of a thousand stars costs no more than its length says.
fn walk(tokens: &[Token], text: &str, same: impl Fn(char, char) -> bool) -> bool {
    let (mut token, mut rest) = (0, text.chars());
    let mut retry: Option<(usize, std::str::Chars<'_>)> = None;
    loop {
        match (tokens.get(token), rest.clone().next()) {
            (None, None) => return true,
            (Some(Token::Any), _) => {
                token += 1;
                retry = Some((token, rest.clone()));
                continue;
            }
            (Some(Token::One), Some(_)) => {
                token += 1;
                rest.next();
                continue;
            }
            (Some(Token::Literal(wanted)), Some(found)) if same(*wanted, found) => {
                token += 1;
                rest.next();
                continue;
            }
            _ => {}
        }
        // Let the last `*` take one character more.
        let Some((after, from)) = &mut retry else { return false };
        if from.next().is_none() {
            return false;
        }
        token = *after;
        rest = from.clone();
    }
}

/// Whether some text matches both patterns: the product of both automata, a row at a time.
fn intersect(ours: &[Token], theirs: &[Token]) -> bool {
    let mut row = vec![false; theirs.len() + 1];
    let mut before = vec![false; theirs.len() + 1];
    for i in 0..=ours.len() {
        for j in 0..=theirs.len() {
            let at = |row: &[bool], j: Option<usize>| {
                j.and_then(|j| row.get(j)).copied().unwrap_or(false)
            };
            let mine = i.checked_sub(1).and_then(|i| ours.get(i));
            let other = j.checked_sub(1).and_then(|j| theirs.get(j));
            let both_before = i > 0 && at(&before, j.checked_sub(1));
            let mine_before = i > 0 && at(&before, Some(j));
            let other_before = at(&row, j.checked_sub(1));
            let reached = match (mine, other) {
                (None, None) => true,
                (Some(Token::Any), _) if mine_before || other_before => true,
                (_, Some(Token::Any)) if other_before || mine_before => true,
                (Some(Token::Literal(a)), Some(Token::Literal(b))) => a == b && both_before,
                (Some(Token::One), Some(Token::One | Token::Literal(_)))
                | (Some(Token::Literal(_)), Some(Token::One)) => both_before,
                _ => false,
            };
            if let Some(cell) = row.get_mut(j) {
                *cell = reached;
            }
        }
        std::mem::swap(&mut row, &mut before);
    }
    before.last().copied().unwrap_or(false)
}

/// Whether `wide` matches everything that `narrow` matches. Wildcards of `narrow` are taken as
/// letters that only a wildcard of `wide` can stand for: right whenever it says yes.
fn includes(wide: &[Token], narrow: &[Token]) -> bool {
    let mut reached = vec![false; wide.len() + 1];
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    skip_any(wide, &mut reached);
    for token in narrow {
        let mut next = vec![false; wide.len() + 1];
        for (at, wanted) in wide.iter().enumerate() {
            if !reached.get(at).copied().unwrap_or(false) {
                continue;
            }
            let (stay, step) = match (wanted, token) {
                (Token::Any, _) => (true, false),
                (Token::One, Token::One | Token::Literal(_)) => (false, true),
                (Token::Literal(a), Token::Literal(b)) => (false, a == b),
                _ => (false, false),
            };
            for (hit, to) in [(stay, at), (step, at + 1)] {
                if let (true, Some(cell)) = (hit, next.get_mut(to)) {
                    *cell = true;
                }
            }
        }
        skip_any(wide, &mut next);
        reached = next;
    }
    reached.last().copied().unwrap_or(false)
}

/// A `*` may stand for nothing.
fn skip_any(wide: &[Token], reached: &mut [bool]) {
    for (at, token) in wide.iter().enumerate() {
        let here = *token == Token::Any && reached.get(at).copied().unwrap_or(false);
        if let (true, Some(cell)) = (here, reached.get_mut(at + 1)) {
            *cell = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(pattern: &str, text: &str) -> bool {
        Glob::new(pattern).matches(text)
    }

    #[test]
    fn wildcards_stand_for_runs_and_single_characters() {
        assert!(check("*", ""));
        assert!(check("Get*", "GetObject"));
        assert!(check("*Object", "GetObject"));
        assert!(check("G?t*b*t", "GetObject"));
        assert!(check("櫓?", "櫓門"));
        assert!(!check("G?t", "Gt"));
        assert!(!check("Get*", "get"));
        assert!(!check("", "x"));
        assert!(Glob::new("get*").matches_ignoring_case("GetObject"));
    }

    #[test]
    fn a_pattern_of_stars_takes_no_longer_than_its_length_says() {
        let pattern = format!("{}b", "*a".repeat(500));
        assert!(!check(&pattern, &"a".repeat(5_000)));
    }

    #[test]
    fn coverage_tells_inclusion_from_overlap() {
        let covers = |a: &str, b: &str| Glob::new(a).covers(&Glob::new(b));
        assert_eq!(covers("a*", "ab*"), Truth::True);
        assert_eq!(covers("ab*", "a*"), Truth::Depends);
        assert_eq!(covers("a*", "b*"), Truth::False);
        assert_eq!(covers("*x", "a*"), Truth::Depends);
        assert_eq!(covers("?", "*"), Truth::Depends);
        assert_eq!(covers("*", "anything"), Truth::True);
    }

    /// The obvious matcher: exponential, and plainly right.
    fn slow(tokens: &[Token], text: &[char]) -> bool {
        match (tokens.split_first(), text.split_first()) {
            (None, rest) => rest.is_none(),
            (Some((Token::Any, after)), None) => slow(after, text),
            (Some((Token::Any, after)), Some((_, rest))) => slow(after, text) || slow(tokens, rest),
            (Some((Token::One, after)), Some((_, rest))) => slow(after, rest),
            (Some((Token::Literal(a), after)), Some((b, rest))) => a == b && slow(after, rest),
            (Some(_), None) => false,
        }
    }

    proptest! {
        #[test]
        fn the_walk_agrees_with_the_obvious_matcher(
            pattern in "[ab*?]{0,8}", text in "[ab]{0,8}"
        ) {
            let letters: Vec<char> = text.chars().collect();
            prop_assert_eq!(check(&pattern, &text), slow(&tokens(&pattern), &letters));
        }

        #[test]
        fn what_both_match_is_an_intersection_and_inclusion_is_never_wrong(
            a in "[ab*?]{0,5}", b in "[ab*?]{0,5}", text in "[ab]{0,6}"
        ) {
            let (wide, narrow) = (Glob::new(&a), Glob::new(&b));
            let covers = wide.covers(&narrow);
            if wide.matches(&text) && narrow.matches(&text) {
                prop_assert_ne!(covers, Truth::False);
            }
            if covers == Truth::True && narrow.matches(&text) {
                prop_assert!(wide.matches(&text));
            }
        }
    }
}
