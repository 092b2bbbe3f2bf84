//! Metric filter patterns of CloudWatch Logs, brought to one form so that their meaning compares.
//! Records are not matched here.
//!
//! Source: Amazon CloudWatch Logs User Guide, "Filter pattern syntax" (seen 2026-11).

use std::collections::BTreeSet;

/// Ways for a record to match: of one inner set, all terms hold.
pub(crate) type Ways = BTreeSet<BTreeSet<String>>;

/// More ways than any reasonable pattern has; beyond it the pattern is not taken apart.
const WAYS_MAX: usize = 1000;
/// Deeper brackets than any reasonable pattern has.
const DEPTH_MAX: usize = 50;

/// Takes a pattern apart. One that is not a JSON selector, or that cannot be read, is one term
/// that equals nothing a control names.
pub(crate) fn ways(pattern: &str) -> Ways {
    let trimmed = pattern.trim();
    if trimmed.is_empty() {
        // The empty pattern matches every record.
        return Ways::from([BTreeSet::new()]);
    }
    let inner = trimmed.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    let parsed = inner.and_then(|inner| {
        let tokens = tokens(inner)?;
        let mut reader = Reader { tokens: &tokens, at: 0 };
        let ways = reader.either(0)?;
        (reader.at == tokens.len()).then_some(ways)
    });
    parsed.unwrap_or_else(|| Ways::from([BTreeSet::from([format!("not a selector: {trimmed}")])]))
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    And,
    Or,
    /// `=`, `!=`, `<`, `>`, `<=`, `>=`.
    Compare(&'static str),
    /// A selector, a bare word or a quoted text; quotes are gone.
    Word(String),
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let signs = [
            ("&&", Token::And),
            ("||", Token::Or),
            ("!=", Token::Compare("!=")),
            ("<=", Token::Compare("<=")),
            (">=", Token::Compare(">=")),
            ("=", Token::Compare("=")),
            ("<", Token::Compare("<")),
            (">", Token::Compare(">")),
            ("(", Token::Open),
            (")", Token::Close),
        ];
        let sign = signs
            .into_iter()
            .find_map(|(sign, token)| rest.strip_prefix(sign).map(|after| (token, after)));
        let (token, after) = match sign {
            Some(sign) => sign,
            None if first == '"' => quoted(rest)?,
            None => bare(rest)?,
        };
        found.push(token);
        rest = after.trim_start();
    }
    Some(found)
}

fn quoted(text: &str) -> Option<(Token, &str)> {
    let (inner, after) = text.strip_prefix('"')?.split_once('"')?;
    Some((Token::Word(inner.to_owned()), after))
}

/// Up to a blank, a bracket or a sign; `$.a["b c"]` keeps what is in its square brackets.
fn bare(text: &str) -> Option<(Token, &str)> {
    let mut in_brackets = false;
    let end = text.find(|c: char| match c {
        '[' => {
            in_brackets = true;
            false
        }
        ']' => {
            in_brackets = false;
            false
        }
        _ => {
            !in_brackets
                && (c.is_whitespace() || matches!(c, '(' | ')' | '=' | '<' | '>' | '!' | '&' | '|'))
        }
    });
    let (word, after) = text.split_at(end.unwrap_or(text.len()));
    (!word.is_empty()).then(|| (Token::Word(word.to_owned()), after))
}

struct Reader<'t> {
    tokens: &'t [Token],
    at: usize,
}

impl Reader<'_> {
    fn take(&mut self, token: &Token) -> bool {
        let found = self.tokens.get(self.at) == Some(token);
        self.at += usize::from(found);
        found
    }

    /// `a || b`: the ways of both.
    fn either(&mut self, depth: usize) -> Option<Ways> {
        let mut ways = self.both(depth)?;
        while self.take(&Token::Or) {
            ways.extend(self.both(depth)?);
        }
        (ways.len() <= WAYS_MAX).then_some(ways)
    }

    /// `a && b`: every way of the one with every way of the other.
    fn both(&mut self, depth: usize) -> Option<Ways> {
        let mut ways = self.one(depth)?;
        while self.take(&Token::And) {
            let next = self.one(depth)?;
            if ways.len().saturating_mul(next.len()) > WAYS_MAX {
                return None;
            }
            ways =
                ways.iter().flat_map(|left| next.iter().map(move |right| left | right)).collect();
        }
        Some(ways)
    }

    fn one(&mut self, depth: usize) -> Option<Ways> {
        if depth > DEPTH_MAX {
            return None;
        }
        if self.take(&Token::Open) {
            let ways = self.either(depth + 1)?;
            return self.take(&Token::Close).then_some(ways);
        }
        let selector = self.word()?;
        if !selector.starts_with('$') {
            return None;
        }
        let term = match self.tokens.get(self.at)? {
            Token::Compare(sign) => {
                self.at += 1;
                format!("{selector} {sign} {}", self.word()?)
            }
            Token::Word(_) => format!("{selector} {}", self.state()?),
            _ => return None,
        };
        Some(Ways::from([BTreeSet::from([term])]))
    }

    fn word(&mut self) -> Option<String> {
        let Token::Word(word) = self.tokens.get(self.at)? else { return None };
        self.at += 1;
        Some(word.clone())
    }

    /// `IS TRUE`, `IS FALSE`, `IS NULL`, `EXISTS`, `NOT EXISTS`.
    fn state(&mut self) -> Option<String> {
        let first = self.word()?.to_ascii_uppercase();
        match first.as_str() {
            "EXISTS" => Some(first),
            "NOT" | "IS" => {
                let second = self.word()?.to_ascii_uppercase();
                let known = match first.as_str() {
                    "NOT" => second == "EXISTS",
                    _ => matches!(second.as_str(), "TRUE" | "FALSE" | "NULL"),
                };
                known.then(|| format!("{first} {second}"))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, expected: &[&[&str]]) {
        let expected: Ways = expected
            .iter()
            .map(|way| way.iter().map(|term| (*term).to_owned()).collect())
            .collect();
        assert_eq!(ways(pattern), expected, "{pattern}");
    }

    #[test]
    fn blanks_quotes_brackets_and_order_do_not_matter() {
        let expected: &[&[&str]] =
            &[&["$.errorCode = *UnauthorizedOperation"], &["$.errorCode = AccessDenied*"]];
        for pattern in [
            r#"{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") }"#,
            "{$.errorCode=AccessDenied*||$.errorCode=*UnauthorizedOperation}",
            r#"{(($.errorCode="AccessDenied*")||(($.errorCode = *UnauthorizedOperation)))}"#,
        ] {
            check(pattern, expected);
        }
    }

    #[test]
    fn conjunctions_spread_over_alternatives() {
        check(
            "{($.eventSource = kms.amazonaws.com) && (($.eventName=DisableKey)||\
             ($.eventName=ScheduleKeyDeletion)) }",
            &[
                &["$.eventName = DisableKey", "$.eventSource = kms.amazonaws.com"],
                &["$.eventName = ScheduleKeyDeletion", "$.eventSource = kms.amazonaws.com"],
            ],
        );
    }

    #[test]
    fn states_are_terms_too() {
        check(
            r#"{ $.userIdentity.type = "Root" && $.userIdentity.invokedBy not exists &&
                $.eventType != "AwsServiceEvent" && $.a IS TRUE }"#,
            &[&[
                "$.a IS TRUE",
                "$.eventType != AwsServiceEvent",
                "$.userIdentity.invokedBy NOT EXISTS",
                "$.userIdentity.type = Root",
            ]],
        );
    }

    #[test]
    fn the_empty_pattern_matches_everything() {
        check("", &[&[]]);
        check("  ", &[&[]]);
    }

    #[test]
    fn what_is_no_selector_equals_nothing_a_control_names() {
        for pattern in [
            "ERROR",
            "[ip, user, ...]",
            "{ $.a = }",
            "{ ($.a = b }",
            "{ a = b }",
            "{ $.a = b ) }",
            "{ $.a IS MAYBE }",
            "{ }",
            "{",
            "}",
            "{ $.a = \"b }",
        ] {
            let ways = ways(pattern);
            assert_eq!(ways.len(), 1, "{pattern}");
            assert!(
                ways.iter().flatten().all(|term| term.starts_with("not a selector: ")),
                "{pattern}"
            );
            assert!(ways.iter().all(|way| way.len() == 1), "{pattern}");
        }
    }

    #[test]
    fn explosive_patterns_are_not_taken_apart() {
        let deep = format!("{{{}$.a=b{}}}", "(".repeat(100_000), ")".repeat(100_000));
        let wide = format!("{{{}}}", vec!["($.a=b||$.a=c)"; 40].join("&&"));
        let distinct: Vec<_> = (0..40).map(|n| format!("($.a{n}=b||$.a{n}=c)")).collect();
        let explosive = format!("{{{}}}", distinct.join("&&"));
        assert_eq!(ways(&deep).len(), 1);
        assert!(ways(&wide).len() <= WAYS_MAX);
        assert_eq!(ways(&explosive).len(), 1);
    }
}
