//! Policy variables: `${aws:username}`, `${aws:PrincipalTag/team, 'none'}`, `${*}` for a literal
//! star. What a variable stands for comes from the request; here it is only put in its place.

use crate::context::{Lookup, Scope};
use crate::glob::{Glob, Token, tokens};

/// One piece of a text with variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A character or a wildcard.
    Token(Token),
    /// A variable: its key in lower case, and what stands in where the request lacks it.
    Variable {
        /// The condition key, in lower case.
        key: String,
        /// `${key, 'default'}`
        default: Option<String>,
    },
}

/// A pattern that may have variables in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// None: compiled once.
    Fixed(Glob),
    /// Some: compiled for each request.
    Template(Vec<Piece>),
}

/// A pattern with its variables filled in.
pub(crate) enum Resolved<'p> {
    /// It had none.
    Fixed(&'p Glob),
    /// It had some.
    Filled(Glob),
    /// A variable is absent or has several values: the element never matches (AWS, "IAM policy
    /// elements: Variables and tags").
    Never,
    /// A variable is not known.
    Unknown,
}

impl Pattern {
    /// A pattern of wildcards; with variables where the policy's version has them.
    pub(crate) fn wild(text: &str, variables: bool) -> Self {
        if variables && text.contains("${") {
            Self::of(pieces(text, true))
        } else {
            Self::Fixed(Glob::new(text))
        }
    }

    /// A text in which `*` and `?` stand for themselves.
    pub(crate) fn literal(text: &str, variables: bool) -> Self {
        if variables && text.contains("${") {
            Self::of(pieces(text, false))
        } else {
            Self::Fixed(Glob::Exact(text.to_owned()))
        }
    }

    pub(crate) fn of(pieces: Vec<Piece>) -> Self {
        let fixed: Option<Vec<Token>> = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Token(token) => Some(*token),
                Piece::Variable { .. } => None,
            })
            .collect();
        fixed.map_or(Self::Template(pieces), |tokens| Self::Fixed(Glob::from_tokens(tokens)))
    }

    /// Puts the request's values in. They are literal: a star in a value is a star.
    pub(crate) fn resolve(&self, scope: &Scope<'_>) -> Resolved<'_> {
        let pieces = match self {
            Self::Fixed(glob) => return Resolved::Fixed(glob),
            Self::Template(pieces) => pieces,
        };
        let mut filled = Vec::with_capacity(pieces.len());
        let mut unknown = false;
        for piece in pieces {
            match piece {
                Piece::Token(token) => filled.push(*token),
                Piece::Variable { key, default } => match (scope.lookup(key), default) {
                    (Lookup::One(value), _) => {
                        filled.extend(value.chars().map(Token::Literal));
                    }
                    (Lookup::Unknown, _) => unknown = true,
                    (Lookup::Absent, Some(default)) => {
                        filled.extend(default.chars().map(Token::Literal));
                    }
                    (Lookup::Absent, None) | (Lookup::Many(_), _) => return Resolved::Never,
                },
            }
        }
        if unknown { Resolved::Unknown } else { Resolved::Filled(Glob::from_tokens(filled)) }
    }
}

/// Cuts a text into wildcards, characters and variables.
pub(crate) fn pieces(text: &str, wild: bool) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    let plain = |text: &str, pieces: &mut Vec<Piece>| {
        if wild {
            pieces.extend(tokens(text).into_iter().map(Piece::Token));
        } else {
            pieces.extend(text.chars().map(|c| Piece::Token(Token::Literal(c))));
        }
    };
    while let Some((before, after)) = rest.split_once("${") {
        let Some((inside, behind)) = after.split_once('}') else { break };
        plain(before, &mut pieces);
        match inside {
            "*" => pieces.push(Piece::Token(Token::Literal('*'))),
            "?" => pieces.push(Piece::Token(Token::Literal('?'))),
            "$" => pieces.push(Piece::Token(Token::Literal('$'))),
            variable => pieces.push(variable_piece(variable)),
        }
        rest = behind;
    }
    plain(rest, &mut pieces);
    pieces
}

fn variable_piece(inside: &str) -> Piece {
    let (key, default) = match inside.split_once(',') {
        Some((key, default)) => {
            let default = default.trim();
            let bare = default.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
            (key, Some(bare.unwrap_or(default).to_owned()))
        }
        None => (inside, None),
    };
    Piece::Variable { key: key.trim().to_ascii_lowercase(), default }
}
