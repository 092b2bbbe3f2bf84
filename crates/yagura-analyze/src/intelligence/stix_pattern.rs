//! STIX patterns (STIX 2.1, section 9): what of a pattern one value of one record can decide.
//! The objects that carry patterns are in `stix2.rs`.
//!
//! `[ipv4-addr:value = '192.0.2.1']`, `IN`, `LIKE '%.example.com'`, `ISSUBSET` and `OR` become
//! entries. Of an `AND` a digest or a URL suffices, since it names one thing by itself; any other
//! `AND`, `NOT`, order and repetition ask for more than one value can tell and are refused.

use yagura_model::indicator::{DomainScope, Indicator, Indicators, Validity};

use super::canonical;
use super::entry::{self, EntryFault};

/// Bytes of one pattern.
const PATTERN_BYTES_MAX: usize = 256 << 10;
/// Parentheses inside one another.
const DEPTH_MAX: usize = 32;

/// Adds what a pattern asks for; all of it or, on a fault, nothing. `whole` says whether a domain
/// stands for the names below it too.
///
/// # Errors
/// Why the pattern is not used.
pub fn indicators_of_pattern(
    pattern: &str,
    whole: bool,
    validity: Validity,
    to: &mut Indicators,
) -> Result<(), EntryFault> {
    if pattern.len() > PATTERN_BYTES_MAX {
        return Err(EntryFault::Long);
    }
    let mut parser = Parser { rest: pattern, whole, depth: 0, validity };
    let terms = parser.observations()?;
    if !parser.rest.trim_start().is_empty() {
        return Err(EntryFault::Pattern);
    }
    let validity = parser.validity;
    for term in &terms {
        term.push(validity, to)?;
    }
    Ok(())
}

/// One thing that a pattern asks for.
#[derive(Debug)]
enum Term {
    /// An address, block, digest or URL as a list writes it.
    Plain(String),
    Domain(String, DomainScope),
}

impl Term {
    /// Whether it names one thing by itself: a digest or a URL.
    fn is_decisive(&self) -> bool {
        match self {
            Self::Plain(text) => canonical::digest(text).is_some() || is_url(text),
            Self::Domain(..) => false,
        }
    }

    fn push(&self, validity: Validity, to: &mut Indicators) -> Result<(), EntryFault> {
        let full = |_| EntryFault::Full;
        match self {
            Self::Plain(text) if is_url(text) => {
                let url = canonical::url(text).ok_or(EntryFault::Unknown)?;
                to.push(Indicator::Url(&url), validity).map_err(full)
            }
            Self::Plain(text) => entry::add(to, text, false, validity),
            Self::Domain(name, scope) => {
                to.push(Indicator::Domain(name, *scope), validity).map_err(full)
            }
        }
    }
}

fn is_url(text: &str) -> bool {
    text.contains("://")
}

struct Parser<'t> {
    rest: &'t str,
    whole: bool,
    depth: usize,
    validity: Validity,
}

/// What a comparison asks of its object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    Like,
    In,
    Subset,
}

/// What an object path leads to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Object {
    Address,
    Domain,
    Url,
    Digest,
    /// An address or a name: `network-traffic:dst_ref.value`.
    Host,
    /// Something that no list holds.
    Other,
}

impl Parser<'_> {
    /// `observation (OR observation)*`; `AND` and `FOLLOWEDBY` join several records.
    fn observations(&mut self) -> Result<Vec<Term>, EntryFault> {
        let mut terms = self.observation()?;
        loop {
            if self.word("OR") {
                terms.extend(self.observation()?);
            } else if self.word("AND") || self.word("FOLLOWEDBY") {
                self.observation()?;
                return Err(EntryFault::Beyond);
            } else {
                return Ok(terms);
            }
        }
    }

    fn observation(&mut self) -> Result<Vec<Term>, EntryFault> {
        self.enter()?;
        let terms = if self.mark("(") {
            let terms = self.observations()?;
            self.expect(")")?;
            terms
        } else {
            self.expect("[")?;
            let terms = self.comparisons()?;
            self.expect("]")?;
            terms
        };
        self.depth -= 1;
        self.qualifiers()?;
        Ok(terms)
    }

    /// `START … STOP …` is a validity; repetition and windows count records.
    fn qualifiers(&mut self) -> Result<(), EntryFault> {
        loop {
            if self.word("START") {
                let from = self.time()?;
                self.expect_word("STOP")?;
                let until = self.time()?;
                self.validity.from_s = self.validity.from_s.max(Some(from));
                let own = self.validity.until_s.unwrap_or(i64::MAX);
                self.validity.until_s = Some(own.min(until));
            } else if self.word("WITHIN") || self.word("REPEATS") {
                return Err(EntryFault::Beyond);
            } else {
                return Ok(());
            }
        }
    }

    fn time(&mut self) -> Result<i64, EntryFault> {
        if !self.mark("t") {
            return Err(EntryFault::Pattern);
        }
        let text = self.string()?;
        let time: jiff::Timestamp = text.parse().map_err(|_| EntryFault::Time)?;
        Ok(time.as_second())
    }

    /// `conjunction (OR conjunction)*`.
    fn comparisons(&mut self) -> Result<Vec<Term>, EntryFault> {
        let mut terms = self.sides()??;
        while self.word("OR") {
            terms.extend(self.sides()??);
        }
        Ok(terms)
    }

    /// `comparison (AND comparison)*`. A side may be what one value cannot decide, as long as
    /// another side names one thing by itself.
    fn sides(&mut self) -> Result<Result<Vec<Term>, EntryFault>, EntryFault> {
        let mut sides = vec![self.comparison()?];
        while self.word("AND") {
            sides.push(self.comparison()?);
        }
        let alone = sides.len() == 1;
        let mut decisive = Vec::new();
        let mut failed = None;
        for side in sides {
            match side {
                Ok(terms) if alone => return Ok(Ok(terms)),
                Ok(terms) if !terms.is_empty() && terms.iter().all(Term::is_decisive) => {
                    decisive.extend(terms);
                }
                Ok(_) => failed = failed.or(Some(EntryFault::Beyond)),
                Err(fault) => failed = failed.or(Some(fault)),
            }
        }
        if decisive.is_empty() {
            return Ok(Err(failed.unwrap_or(EntryFault::Beyond)));
        }
        Ok(Ok(decisive))
    }

    /// The outer result is about the grammar, the inner one about what can be decided.
    fn comparison(&mut self) -> Result<Result<Vec<Term>, EntryFault>, EntryFault> {
        if self.mark("(") {
            self.enter()?;
            let inner = self.nested()?;
            self.depth -= 1;
            return Ok(inner);
        }
        if self.word("EXISTS") {
            self.object()?;
            return Ok(Err(EntryFault::Beyond));
        }
        let object = self.object()?;
        let negated = self.word("NOT");
        let Some(operator) = self.operator()? else {
            self.value()?;
            return Ok(Err(EntryFault::Beyond));
        };
        let values = match operator {
            Operator::In => self.set()?,
            _ => vec![self.value()?],
        };
        if negated {
            return Ok(Err(EntryFault::Beyond));
        }
        Ok(values.iter().map(|value| self.term(object, operator, value)).collect())
    }

    /// What stands in parentheses.
    fn nested(&mut self) -> Result<Result<Vec<Term>, EntryFault>, EntryFault> {
        let mut terms = self.sides()?;
        while self.word("OR") {
            let more = self.sides()?;
            terms = terms.and_then(|mut terms| {
                terms.extend(more?);
                Ok(terms)
            });
        }
        self.expect(")")?;
        Ok(terms)
    }

    /// None for an operator that one entry cannot stand for.
    fn operator(&mut self) -> Result<Option<Operator>, EntryFault> {
        for (word, operator) in [
            ("LIKE", Some(Operator::Like)),
            ("IN", Some(Operator::In)),
            ("ISSUBSET", Some(Operator::Subset)),
            ("ISSUPERSET", None),
            ("MATCHES", None),
        ] {
            if self.word(word) {
                return Ok(operator);
            }
        }
        for (mark, operator) in [
            ("==", Some(Operator::Equal)),
            ("=", Some(Operator::Equal)),
            ("!=", None),
            ("<>", None),
            ("<=", None),
            (">=", None),
            ("<", None),
            (">", None),
        ] {
            if self.mark(mark) {
                return Ok(operator);
            }
        }
        Err(EntryFault::Pattern)
    }

    fn term(&self, object: Object, operator: Operator, value: &str) -> Result<Term, EntryFault> {
        let plain = || Ok(Term::Plain(value.to_owned()));
        match (object, operator) {
            (Object::Other, _) => Err(EntryFault::Beyond),
            (Object::Domain | Object::Host, Operator::Like) => {
                let below = value.strip_prefix("%.").filter(|name| !name.contains(['%', '_']));
                let below = below.and_then(canonical::domain).ok_or(EntryFault::Beyond)?;
                Ok(Term::Domain(below.into_owned(), DomainScope::Below))
            }
            (_, Operator::Like) => Err(EntryFault::Beyond),
            (Object::Address | Object::Host, _) if canonical_range(value) => plain(),
            (Object::Domain | Object::Host, Operator::Equal | Operator::In) => {
                let (name, scope) = entry::domain(value, self.whole).ok_or(EntryFault::Unknown)?;
                Ok(Term::Domain(name.into_owned(), scope))
            }
            (Object::Url, Operator::Equal | Operator::In) => {
                canonical::url(value).ok_or(EntryFault::Unknown)?;
                let scheme = if is_url(value) { "" } else { "http://" };
                Ok(Term::Plain(format!("{scheme}{value}")))
            }
            (Object::Digest, Operator::Equal | Operator::In) => {
                canonical::digest(value).ok_or(EntryFault::Unknown)?;
                plain()
            }
            _ => Err(EntryFault::Unknown),
        }
    }

    /// `ipv4-addr:value`, `file:hashes.'SHA-256'`, `domain-name:resolves_to_refs[*].value`.
    fn object(&mut self) -> Result<Object, EntryFault> {
        let start = self.rest.trim_start();
        let end = start.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'));
        let (kind, rest) = start.split_at_checked(end.unwrap_or(0)).ok_or(EntryFault::Pattern)?;
        let rest = rest.strip_prefix(':').ok_or(EntryFault::Pattern)?;
        if kind.is_empty() {
            return Err(EntryFault::Pattern);
        }
        self.rest = rest;
        let mut steps: Vec<String> = Vec::new();
        loop {
            steps.push(self.step()?);
            while self.rest.starts_with('[') {
                let (_, rest) = self.rest.split_once(']').ok_or(EntryFault::Pattern)?;
                self.rest = rest;
            }
            match self.rest.strip_prefix('.') {
                Some(rest) => self.rest = rest,
                None => break,
            }
        }
        let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
        Ok(match (kind, steps.as_slice()) {
            ("ipv4-addr" | "ipv6-addr", ["value"]) => Object::Address,
            ("domain-name", ["value"]) => Object::Domain,
            ("domain-name", ["resolves_to_refs", "value"]) => Object::Host,
            ("url", ["value"]) => Object::Url,
            ("network-traffic", ["dst_ref" | "src_ref", "value"]) => Object::Host,
            (_, [.., "hashes", _]) => Object::Digest,
            _ => Object::Other,
        })
    }

    fn step(&mut self) -> Result<String, EntryFault> {
        if self.rest.starts_with('\'') {
            return self.string();
        }
        let end = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'));
        let end = end.unwrap_or(self.rest.len());
        let (step, rest) = self.rest.split_at_checked(end).ok_or(EntryFault::Pattern)?;
        self.rest = rest;
        if step.is_empty() { Err(EntryFault::Pattern) } else { Ok(step.to_owned()) }
    }

    fn set(&mut self) -> Result<Vec<String>, EntryFault> {
        self.expect("(")?;
        let mut values = vec![self.value()?];
        while self.mark(",") {
            values.push(self.value()?);
        }
        self.expect(")")?;
        Ok(values)
    }

    /// A text, or another literal as it is written: `443`, `true`, `t'…'`, `h'…'`, `b'…'`.
    fn value(&mut self) -> Result<String, EntryFault> {
        let start = self.rest.trim_start();
        self.rest = start;
        for typed in ["t'", "h'", "b'"] {
            if start.starts_with(typed) {
                self.rest = start.get(1..).unwrap_or_default();
            }
        }
        if self.rest.starts_with('\'') {
            return self.string();
        }
        let end = start
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-')))
            .unwrap_or(start.len());
        let (word, rest) = start.split_at_checked(end).ok_or(EntryFault::Pattern)?;
        self.rest = rest;
        if word.is_empty() { Err(EntryFault::Pattern) } else { Ok(word.to_owned()) }
    }

    /// A text in single quotes; a backslash takes the meaning from a quote or backslash.
    fn string(&mut self) -> Result<String, EntryFault> {
        let inner = self.rest.strip_prefix('\'').ok_or(EntryFault::Pattern)?;
        let mut text = String::new();
        let mut chars = inner.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '\'' => {
                    self.rest = inner.get(at + 1..).unwrap_or_default();
                    return Ok(text);
                }
                '\\' => text.push(chars.next().ok_or(EntryFault::Pattern)?.1),
                c => text.push(c),
            }
        }
        Err(EntryFault::Pattern)
    }

    fn enter(&mut self) -> Result<(), EntryFault> {
        self.depth += 1;
        if self.depth > DEPTH_MAX { Err(EntryFault::Pattern) } else { Ok(()) }
    }

    fn mark(&mut self, mark: &str) -> bool {
        match self.rest.trim_start().strip_prefix(mark) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn word(&mut self, word: &str) -> bool {
        let Some(rest) = self.rest.trim_start().strip_prefix(word) else { return false };
        if rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
            return false;
        }
        self.rest = rest;
        true
    }

    fn expect(&mut self, mark: &str) -> Result<(), EntryFault> {
        if self.mark(mark) { Ok(()) } else { Err(EntryFault::Pattern) }
    }

    fn expect_word(&mut self, word: &str) -> Result<(), EntryFault> {
        if self.word(word) { Ok(()) } else { Err(EntryFault::Pattern) }
    }
}

/// Whether a text is an address or a block, well-formed or not.
fn canonical_range(text: &str) -> bool {
    let begins = text.split(['/', '-']).next().unwrap_or_default();
    canonical::address(begins).is_some()
}
