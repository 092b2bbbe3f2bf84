//! From JSON text to a compiled policy. Both shapes that AWS accepts are read (one or a list);
//! nothing is passed over silently: what is not known is a problem with its place.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::arn::ArnPattern;
use crate::condition::{Condition, Operator};
use crate::policy::{
    ActionElement, ActionPattern, Effect, Policy, Position, ResourceElement, Statement,
};
use crate::principal::{Entry, PrincipalElement, PrincipalKind};

/// Policies of AWS are at most some 20 KB; this is far above and keeps memory bounded.
const STATEMENTS_MAX: usize = 100_000;

/// Something odd in a policy that AWS might still accept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub position: Position,
    /// What.
    pub oddity: Oddity,
}

/// What may be odd. `Display` says it in English, lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Oddity {
    /// The policy has an element that policies do not have.
    PolicyElement(String),
    /// A statement has an element that statements do not have.
    StatementElement(String),
    /// A principal stands alone, where only `*` may.
    BarePrincipal(String),
    /// A kind of principal that there is not.
    PrincipalKind(String),
    /// A principal holds a wildcard where it is taken literally.
    PrincipalWildcard,
    /// An action that can match nothing.
    Action(String),
    /// A condition operator that there is not.
    Operator(String),
    /// A value that the operator cannot compare with.
    Value {
        /// The value.
        value: String,
        /// The operator, as it is written.
        operator: String,
    },
}

impl fmt::Display for Oddity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PolicyElement(name) => write!(formatter, "`{name}` is no element of a policy"),
            Self::StatementElement(name) => {
                write!(formatter, "`{name}` is no element of a statement")
            }
            Self::BarePrincipal(text) => {
                write!(formatter, "the principal `{text}` has no kind (`AWS`, …)")
            }
            Self::PrincipalKind(kind) => write!(formatter, "`{kind}` is no kind of principal"),
            Self::PrincipalWildcard => {
                formatter.write_str("a wildcard inside a principal never matches")
            }
            Self::Action(text) => write!(formatter, "the action `{text}` matches nothing"),
            Self::Operator(text) => write!(formatter, "there is no condition operator `{text}`"),
            Self::Value { value, operator } => {
                write!(formatter, "`{value}` is no value for `{operator}`")
            }
        }
    }
}

/// A document that is no policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} (line {}, column {})", position.line, position.column)]
pub struct ParseError {
    /// Where.
    pub position: Position,
    /// What is wrong.
    pub what: String,
}

/// The members of a JSON object in their order, values unread.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(key) = map.next_key::<Text<'de>>()? {
                    members.push((key.0, map.next_value()?));
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Reader).map(Members)
    }
}

/// A text, borrowed where it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The elements of a statement, of which each may be there once.
const ELEMENTS: [&str; 6] = ["Sid", "Effect", "Principal", "Action", "Resource", "Condition"];

/// One document on its way.
struct Reader<'a> {
    text: &'a str,
    variables: bool,
    problems: Vec<Problem>,
    /// The offset whose place was asked last, with the place. Places are asked nearly in the order
    /// of the text, so that counting on from here keeps the whole linear.
    last: Cell<(usize, Position)>,
}

const START: Position = Position { line: 1, column: 1 };

pub(crate) fn policy(text: &str) -> Result<Policy, ParseError> {
    let last = Cell::new((0, START));
    let reader = Reader { text, variables: false, problems: Vec::new(), last };
    let raw: &RawValue = serde_json::from_str(text).map_err(|error| ParseError {
        position: Position {
            line: u32::try_from(error.line()).unwrap_or(u32::MAX),
            column: u32::try_from(error.column()).unwrap_or(u32::MAX),
        },
        what: format!("the policy is no JSON: {error}"),
    })?;
    reader.document(raw)
}

impl<'a> Reader<'a> {
    fn document(mut self, raw: &'a RawValue) -> Result<Policy, ParseError> {
        let (mut version, mut id, mut statements) = (None, None, None);
        for (name, value) in self.members(raw, "the policy")? {
            match name.as_ref() {
                "Version" => version = Some(self.one_text(value, "Version")?),
                "Id" => id = Some(self.one_text(value, "Id")?.into_owned()),
                "Statement" => statements = Some(value),
                other => self.problem(value, Oddity::PolicyElement(other.to_owned())),
            }
        }
        let version = version.unwrap_or(Cow::Borrowed("2008-10-17")).into_owned();
        self.variables = version == "2012-10-17";
        if !self.variables && version != "2008-10-17" {
            return Err(self.error(raw, format!("there is no policy version `{version}`")));
        }
        let Some(raw_statements) = statements else {
            return Err(self.error(raw, "the policy has no `Statement`".to_owned()));
        };
        let items = self.items(raw_statements)?;
        if items.len() > STATEMENTS_MAX {
            let what = format!("the policy has more than {STATEMENTS_MAX} statements");
            return Err(self.error(raw_statements, what));
        }
        let statements =
            items.into_iter().map(|item| self.statement(item)).collect::<Result<_, _>>()?;
        Ok(Policy { version, id, statements, problems: self.problems })
    }

    fn statement(&mut self, raw: &'a RawValue) -> Result<Statement, ParseError> {
        let (mut sid, mut effect, mut principals) = (None, None, None);
        let (mut actions, mut resources, mut conditions) = (None, None, Vec::new());
        let mut seen = [false; ELEMENTS.len()];
        let position = self.position(raw);
        for (name, value) in self.members(raw, "a statement")? {
            let plain = name.strip_prefix("Not").unwrap_or(&name);
            let known = seen.iter_mut().zip(ELEMENTS).find(|(_, element)| *element == plain);
            if let Some((seen, _)) = known
                && std::mem::replace(seen, true)
            {
                return Err(self.error(value, format!("the statement has two `{plain}`")));
            }
            let negated = name.starts_with("Not");
            match name.as_ref() {
                "Sid" => sid = Some(self.one_text(value, "Sid")?.into_owned()),
                "Effect" => effect = Some(self.effect(value)?),
                "Principal" | "NotPrincipal" => {
                    principals = Some(self.principals(value, negated)?);
                }
                "Action" | "NotAction" => actions = Some(self.actions(value, negated)?),
                "Resource" | "NotResource" => resources = Some(self.resources(value, negated)?),
                "Condition" => conditions = self.conditions(value)?,
                other => self.problem(value, Oddity::StatementElement(other.to_owned())),
            }
        }
        let Some(effect) = effect else {
            return Err(self.error(raw, "the statement has no `Effect`".to_owned()));
        };
        let Some(actions) = actions else {
            let what = "the statement has neither `Action` nor `NotAction`";
            return Err(self.error(raw, what.to_owned()));
        };
        let sid = sid.filter(|sid: &String| !sid.is_empty());
        Ok(Statement { sid, effect, position, conditions, principals, actions, resources })
    }

    fn effect(&self, raw: &'a RawValue) -> Result<Effect, ParseError> {
        match self.one_text(raw, "Effect")?.as_ref() {
            "Allow" => Ok(Effect::Allow),
            "Deny" => Ok(Effect::Deny),
            other => Err(self.error(raw, format!("`Effect` is `{other}`, not Allow or Deny"))),
        }
    }

    fn principals(
        &mut self,
        raw: &'a RawValue,
        negated: bool,
    ) -> Result<PrincipalElement, ParseError> {
        let (mut entries, mut written) = (Vec::new(), Vec::new());
        if raw.get().starts_with('"') {
            let text = self.one_text(raw, "Principal")?.into_owned();
            if text == "*" {
                entries.push(Entry::Everybody);
            } else {
                self.problem(raw, Oddity::BarePrincipal(text.clone()));
                entries.push(Entry::Other(text.clone()));
            }
            written.push((PrincipalKind::Bare, text));
            return Ok(PrincipalElement { negated, entries, written });
        }
        for (kind, value) in self.members(raw, "`Principal`")? {
            for text in self.texts(value, "Principal")? {
                let text = text.into_owned();
                let (kind, entry) = match kind.as_ref() {
                    "AWS" => (PrincipalKind::Aws, Entry::aws(&text)),
                    "Service" => (PrincipalKind::Service, Entry::Service(text.clone())),
                    "Federated" => (PrincipalKind::Federated, Entry::Federated(text.clone())),
                    "CanonicalUser" => (PrincipalKind::CanonicalUser, Entry::Other(text.clone())),
                    other => {
                        self.problem(value, Oddity::PrincipalKind(other.to_owned()));
                        (PrincipalKind::Other, Entry::Other(text.clone()))
                    }
                };
                let wild = matches!(&entry, Entry::Arn(_) | Entry::Other(_));
                if wild && text.contains('*') {
                    self.problem(value, Oddity::PrincipalWildcard);
                }
                entries.push(entry);
                written.push((kind, text));
            }
        }
        Ok(PrincipalElement { negated, entries, written })
    }

    fn actions(&mut self, raw: &'a RawValue, negated: bool) -> Result<ActionElement, ParseError> {
        let mut patterns = Vec::new();
        for text in self.texts(raw, "Action")? {
            let pattern = ActionPattern::new(&text);
            if matches!(pattern, ActionPattern::Nothing) || text.trim() != text {
                self.problem(raw, Oddity::Action(text.clone().into_owned()));
            }
            patterns.push(pattern);
        }
        Ok(ActionElement { negated, patterns })
    }

    fn resources(
        &mut self,
        raw: &'a RawValue,
        negated: bool,
    ) -> Result<ResourceElement, ParseError> {
        let texts = self.texts(raw, "Resource")?;
        let patterns = texts.iter().map(|text| ArnPattern::new(text, self.variables)).collect();
        Ok(ResourceElement { negated, patterns })
    }

    fn conditions(&mut self, raw: &'a RawValue) -> Result<Vec<Condition>, ParseError> {
        let mut conditions = Vec::new();
        for (operator, keys) in self.members(raw, "`Condition`")? {
            let compiled = Operator::parse(&operator);
            if compiled.is_none() {
                self.problem(keys, Oddity::Operator(operator.clone().into_owned()));
            }
            for (key, values) in self.members(keys, "a condition operator")? {
                let texts = self.scalars(values)?;
                let texts: Vec<String> = texts.into_iter().map(Cow::into_owned).collect();
                let (condition, odd) =
                    Condition::new(&operator, compiled, &key, texts, self.variables);
                if let Some(odd) = odd {
                    self.problem(values, odd);
                }
                conditions.push(condition);
            }
        }
        Ok(conditions)
    }

    fn members(
        &self,
        raw: &'a RawValue,
        what: &str,
    ) -> Result<Vec<(Cow<'a, str>, &'a RawValue)>, ParseError> {
        serde_json::from_str::<Members<'a>>(raw.get())
            .map(|members| members.0)
            .map_err(|_| self.error(raw, format!("{what} is no JSON object")))
    }

    /// One or a list.
    fn items(&self, raw: &'a RawValue) -> Result<Vec<&'a RawValue>, ParseError> {
        if !raw.get().starts_with('[') {
            return Ok(vec![raw]);
        }
        serde_json::from_str(raw.get())
            .map_err(|_| self.error(raw, "the list cannot be read".to_owned()))
    }

    fn one_text(&self, raw: &'a RawValue, name: &str) -> Result<Cow<'a, str>, ParseError> {
        serde_json::from_str::<Text<'a>>(raw.get())
            .map(|text| text.0)
            .map_err(|_| self.error(raw, format!("`{name}` is no text")))
    }

    fn texts(&self, raw: &'a RawValue, name: &str) -> Result<Vec<Cow<'a, str>>, ParseError> {
        self.items(raw)?.into_iter().map(|item| self.one_text(item, name)).collect()
    }

    /// Texts, numbers and booleans, each as text.
    fn scalars(&self, raw: &'a RawValue) -> Result<Vec<Cow<'a, str>>, ParseError> {
        self.items(raw)?
            .into_iter()
            .map(|item| match item.get().as_bytes().first() {
                Some(b'"') => self.one_text(item, "Condition"),
                Some(b'{' | b'[' | b'n') | None => {
                    let what = "a condition value is a text, a number, true or false";
                    Err(self.error(item, what.to_owned()))
                }
                Some(_) => Ok(Cow::Borrowed(item.get())),
            })
            .collect()
    }

    fn problem(&mut self, at: &RawValue, oddity: Oddity) {
        let position = self.position(at);
        self.problems.push(Problem { position, oddity });
    }

    fn error(&self, at: &RawValue, what: String) -> ParseError {
        ParseError { position: self.position(at), what }
    }

    /// Raw values are slices of the text: their place follows from their address.
    fn position(&self, at: &RawValue) -> Position {
        let offset = (at.get().as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        let (from, mut place) = match self.last.get() {
            (from, place) if from <= offset => (from, place),
            _ => (0, START),
        };
        let passed = self.text.get(from..offset).unwrap_or_default();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let on_line = passed.rsplit('\n').next().unwrap_or_default().chars().count();
        let lines = count(passed.matches('\n').count());
        if lines > 0 {
            place = Position { line: place.line.saturating_add(lines), column: 1 };
        }
        place.column = place.column.saturating_add(count(on_line));
        self.last.set((offset, place));
        place
    }
}
