//! Expressions and templates as they stand in content files: compiled at first use.
//! The language itself is in `crate::expression`.

use std::fmt;
use std::sync::OnceLock;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Number, Value};

use yagura_model::{Path, Step};

use crate::expression::{Env, EvaluationError, ExpressionError, Program, ScopeKind};
use crate::place::{Place, Placed};
use crate::problem::{File, Problem};

/// An expression of a content file.
///
/// It is compiled when it is first used: a scan for one control does not pay for the others.
/// Lint and the loading of site files compile all of them, so a broken one disables its file.
pub struct Expression {
    source: String,
    place: Place,
    scope: ScopeKind,
    /// Whether it is written as `${…}`.
    template: bool,
    program: OnceLock<Program>,
}

impl Expression {
    fn new(source: String, place: Place, template: bool) -> Self {
        Self { source, place, scope: ScopeKind::Control, template, program: OnceLock::new() }
    }

    /// The problem that an error of this expression is, at its place in the file.
    pub(crate) fn problem(&self, file: &File, error: &ExpressionError) -> Problem {
        if !self.template {
            return Problem::of_expression(file, self.place, &self.source, error);
        }
        let column = if error.line == 1 { error.column + 2 } else { error.column };
        let error = ExpressionError { column, ..error.clone() };
        Problem::of_expression(file, self.place, &format!("${{{}}}", self.source), &error)
    }

    /// The text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Where it stands in its file.
    pub fn place(&self) -> Place {
        self.place
    }

    /// Where a path that it reads is written: the place of the last name of the path.
    pub(crate) fn place_of(&self, file: &File, path: &Path) -> Place {
        let last = path.0.iter().rev().find_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Index(_) | Step::Every => None,
        });
        let Some(at) = last.and_then(|name| word(&self.source, name)) else { return self.place };
        let before = self.source.get(..at).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let error = ExpressionError {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
            message: String::new(),
            hint: String::new(),
        };
        self.problem(file, &error).place
    }

    pub(crate) fn set_scope(&mut self, scope: ScopeKind) {
        self.scope = scope;
    }

    /// Compiles it.
    ///
    /// # Errors
    /// As [`Program::compile`].
    pub fn compile(&self) -> Result<&Program, ExpressionError> {
        if let Some(program) = self.program.get() {
            return Ok(program);
        }
        let program = Program::compile(&self.source, self.scope)?;
        Ok(self.program.get_or_init(|| program))
    }

    /// The compiled program. One that cannot be compiled (which the loader has reported) gives
    /// *unknown*, whatever it is asked.
    pub fn program(&self) -> &Program {
        self.program.get_or_init(|| {
            Program::compile(&self.source, self.scope)
                .unwrap_or_else(|error| Program::broken(&self.source, &error))
        })
    }
}

/// The byte at which a name stands as a whole word.
fn word(text: &str, name: &str) -> Option<usize> {
    let part_of_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(name).map(|(at, _)| at).find(|at| {
        let before = text.get(..*at).and_then(|text| text.chars().next_back());
        let after = text.get(at + name.len()..).and_then(|text| text.chars().next());
        !before.is_some_and(part_of_word) && !after.is_some_and(part_of_word)
    })
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Expression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Placed { value, place } = Placed::<String>::deserialize(deserializer)?;
        Ok(Self::new(value, place, false))
    }
}

/// A value in which texts of the form `${…}` are expressions and everything else is constant.
#[derive(Debug)]
pub enum Template {
    /// A constant.
    Constant(Value),
    /// `${…}`.
    Expression(Expression),
    /// A list of templates.
    List(Vec<Template>),
    /// A map of templates; a member whose expression is absent is left out.
    Map(Vec<(String, Template)>),
}

impl Template {
    /// Fills in the expressions; nothing where the whole is absent.
    ///
    /// # Errors
    /// The first expression without result.
    pub fn evaluate<'a>(&'a self, env: &Env<'a>) -> Result<Option<Value>, EvaluationError> {
        Ok(Some(match self {
            Self::Constant(value) => value.clone(),
            Self::Expression(expression) => return expression.program().value(env),
            Self::List(items) => {
                let mut list = Vec::with_capacity(items.len());
                for item in items {
                    list.extend(item.evaluate(env)?);
                }
                Value::Array(list)
            }
            Self::Map(members) => {
                let mut map = Map::with_capacity(members.len());
                for (key, member) in members {
                    if let Some(value) = member.evaluate(env)? {
                        map.insert(key.clone(), value);
                    }
                }
                Value::Object(map)
            }
        }))
    }

    /// Calls `visit` for every expression in it.
    pub(crate) fn expressions<'t>(&'t self, visit: &mut dyn FnMut(&'t Expression)) {
        match self {
            Self::Constant(_) => {}
            Self::Expression(expression) => visit(expression),
            Self::List(items) => items.iter().for_each(|item| item.expressions(visit)),
            Self::Map(members) => members.iter().for_each(|(_, item)| item.expressions(visit)),
        }
    }

    pub(crate) fn set_scope(&mut self, scope: ScopeKind) {
        match self {
            Self::Constant(_) => {}
            Self::Expression(expression) => expression.set_scope(scope),
            Self::List(items) => items.iter_mut().for_each(|item| item.set_scope(scope)),
            Self::Map(members) => members.iter_mut().for_each(|(_, item)| item.set_scope(scope)),
        }
    }

    fn placed(self, place: Place) -> Self {
        match self {
            Self::Expression(mut expression) => {
                expression.place = place;
                Self::Expression(expression)
            }
            other => other,
        }
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TemplateVisitor)
    }
}

struct TemplateVisitor;

impl<'de> Visitor<'de> for TemplateVisitor {
    type Value = Template;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, or an expression in `${…}`")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Template, E> {
        Ok(Template::Constant(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Template, E> {
        Ok(Template::Constant(Value::from(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Template, E> {
        Ok(Template::Constant(Value::from(value)))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Template, E> {
        Number::from_f64(value)
            .map(|number| Template::Constant(Value::Number(number)))
            .ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_unit<E>(self) -> Result<Template, E> {
        Ok(Template::Constant(Value::Null))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Template, E> {
        if let Some(inner) = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) {
            return Ok(Template::Expression(Expression::new(
                inner.to_owned(),
                Place::default(),
                true,
            )));
        }
        if text.contains("${") {
            return Err(E::custom(
                "`${…}` is the whole value or none of it; join texts inside: `${'a' + item.B}`",
            ));
        }
        Ok(Template::Constant(Value::String(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Template, A::Error> {
        let mut items = Vec::new();
        while let Some(Placed { value, place }) = seq.next_element::<Placed<Template>>()? {
            items.push(value.placed(place));
        }
        Ok(Template::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Template, A::Error> {
        let mut members = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            let Placed { value, place } = map.next_value::<Placed<Template>>()?;
            members.push((key, value.placed(place)));
        }
        Ok(Template::Map(members))
    }
}
