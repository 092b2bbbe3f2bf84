//! How the `Resource` element and the ARN condition operators compare: part by part between the
//! colons, so that a `*` in the region cannot swallow the account.

use crate::context::Scope;
use crate::glob::{Glob, Token};
use crate::template::{Pattern, Piece, Resolved, pieces};
use crate::truth::Truth;

/// `arn`, partition, service, region, account, resource.
const PARTS: usize = 6;

/// A pattern over ARNs.
#[derive(Clone, Debug)]
pub(crate) enum ArnPattern {
    /// `*`
    All,
    /// One pattern for each part; a pattern of fewer parts lets its last one span the rest.
    Parts(Vec<Pattern>),
}

impl ArnPattern {
    pub(crate) fn new(text: &str, variables: bool) -> Self {
        if text == "*" {
            return Self::All;
        }
        let whole = if variables {
            pieces(text, true)
        } else {
            crate::glob::tokens(text).into_iter().map(Piece::Token).collect()
        };
        let mut parts: Vec<Vec<Piece>> = vec![Vec::new()];
        for piece in whole {
            let colon = piece == Piece::Token(Token::Literal(':'));
            if colon && parts.len() < PARTS {
                parts.push(Vec::new());
            } else if let Some(part) = parts.last_mut() {
                part.push(piece);
            }
        }
        Self::Parts(parts.into_iter().map(Pattern::of).collect())
    }

    /// Compares with an ARN; with `pattern`, `*` and `?` in it are wildcards, and overlap without
    /// inclusion is `Depends`.
    pub(crate) fn matches(&self, arn: &str, pattern: bool, scope: &Scope<'_>) -> Truth {
        let Self::Parts(parts) = self else { return Truth::True };
        let mut found = arn.splitn(parts.len(), ':');
        let mut truth = Truth::True;
        for part in parts {
            let Some(text) = found.next() else { return Truth::False };
            truth = truth.and(match part.resolve(scope) {
                Resolved::Fixed(glob) => compare(glob, text, pattern),
                Resolved::Filled(glob) => compare(&glob, text, pattern),
                Resolved::Never => Truth::False,
                Resolved::Unknown => Truth::Depends,
            });
            if truth == Truth::False {
                return truth;
            }
        }
        truth
    }

    /// Whether nothing but `*` was written.
    pub(crate) fn is_all(&self) -> bool {
        matches!(self, Self::All)
    }

    /// Whether nothing but wildcards for any run of characters was written.
    pub(crate) fn is_everything(&self) -> bool {
        match self {
            Self::All => true,
            Self::Parts(parts) => matches!(parts.as_slice(), [Pattern::Fixed(Glob::All)]),
        }
    }

    /// Whether every ARN of another pattern is one of this. Where variables stand in the way the
    /// answer is no, unless both are written alike: right whenever it says yes.
    pub(crate) fn includes(&self, other: &Self) -> bool {
        let (ours, theirs) = match (self, other) {
            (Self::All, _) => return true,
            (Self::Parts(_), Self::All) => return self.is_everything(),
            (Self::Parts(ours), Self::Parts(theirs)) => (ours, theirs),
        };
        if ours == theirs {
            return true;
        }
        let Some((last, before)) = ours.split_last() else { return false };
        let (Some(same), Some(rest)) = (theirs.get(..before.len()), theirs.get(before.len()..))
        else {
            return false;
        };
        // The last part spans what the other one still has.
        before.iter().zip(same).all(|(ours, theirs)| part_includes(ours, theirs))
            && joined(rest).is_some_and(|rest| match last {
                Pattern::Fixed(glob) => glob.includes(&rest),
                Pattern::Template(_) => false,
            })
    }
}

fn part_includes(ours: &Pattern, theirs: &Pattern) -> bool {
    match (ours, theirs) {
        (Pattern::Fixed(ours), Pattern::Fixed(theirs)) => ours.includes(&theirs.tokens()),
        _ => ours == theirs,
    }
}

/// The tokens of parts with the colons between them; nothing where there are variables or none.
fn joined(parts: &[Pattern]) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        let Pattern::Fixed(glob) = part else { return None };
        if at > 0 {
            tokens.push(Token::Literal(':'));
        }
        tokens.extend(glob.tokens());
    }
    (!parts.is_empty()).then_some(tokens)
}

fn compare(glob: &Glob, text: &str, pattern: bool) -> Truth {
    if glob.matches(text) {
        return Truth::True;
    }
    if pattern && text.contains(['*', '?']) {
        return glob.covers(&Glob::new(text));
    }
    Truth::False
}

/// A part of an ARN by its place: 4 is the account.
pub(crate) fn part(arn: &str, at: usize) -> Option<&str> {
    arn.splitn(PARTS, ':').nth(at).filter(|part| !part.is_empty())
}

/// The account in an ARN.
pub(crate) fn account(arn: &str) -> Option<&str> {
    part(arn, 4)
}
