//! An endpoint rule set: parsed once, evaluated for each set of parameters.
//! Where the parameters come from is in `resolve.rs`; the functions are in `functions.rs`.
//!
//! The language is that of Smithy's "endpoint rules engine" specification, version 1.0.

use serde_json::Value;

use crate::endpoint::Partitions;
use crate::endpoint::functions::{self, Function};

/// The deepest official rule set (S3) nests 13 levels.
const DEPTH_MAX: usize = 64;

/// What a variable holds while rules are evaluated.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Var<'a> {
    None,
    Bool(bool),
    Text(String),
    List(Vec<String>),
    Partition(&'a crate::endpoint::Partition),
    Arn(functions::Arn),
    Url(functions::Url),
}

#[derive(Debug)]
pub(crate) struct RuleSet {
    /// Names of all variables; the parameters come first.
    variables: Vec<Box<str>>,
    pub(crate) parameters: Vec<Parameter>,
    rules: Vec<Rule>,
}

#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) name: Box<str>,
    pub(crate) built_in: Option<Box<str>>,
    pub(crate) required: bool,
    pub(crate) default: Option<Value>,
}

#[derive(Debug)]
struct Rule {
    conditions: Vec<Condition>,
    then: Then,
}

#[derive(Debug)]
enum Then {
    Rules(Vec<Rule>),
    Endpoint { url: Expression, auth: Vec<AuthTemplate>, headers: Vec<(Box<str>, Expression)> },
    Error(Expression),
}

#[derive(Debug)]
struct Condition {
    function: Function,
    arguments: Vec<Expression>,
    assign: Option<usize>,
}

#[derive(Debug)]
enum Expression {
    Text(Box<str>),
    Bool(bool),
    Number(usize),
    Variable(usize),
    Template(Vec<Piece>),
    Call(Box<Condition>),
}

#[derive(Debug)]
enum Piece {
    Text(Box<str>),
    Value { variable: usize, attribute: Option<Box<str>> },
}

#[derive(Debug)]
struct AuthTemplate {
    name: Box<str>,
    signing_name: Option<Expression>,
    signing_region: Option<Expression>,
    single_encoding: bool,
}

/// What the rules gave.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) url: String,
    pub(crate) auth: Vec<Auth>,
    pub(crate) headers: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Auth {
    pub(crate) name: String,
    pub(crate) signing_name: Option<String>,
    pub(crate) signing_region: Option<String>,
    pub(crate) single_encoding: bool,
}

/// Why the rules gave no endpoint.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Refusal {
    /// AWS's own words.
    Message(String),
    /// The rules could not be evaluated.
    Broken(String),
}

impl RuleSet {
    pub(crate) fn parse(value: &Value) -> Result<RuleSet, String> {
        let parameters = value.get("parameters").and_then(Value::as_object);
        let parameters = parameters.ok_or("the parameters are not an object")?;
        let text = |value: &Value, name: &str| {
            value.get(name).and_then(Value::as_str).map(Box::<str>::from)
        };
        let parameters: Vec<Parameter> = parameters
            .iter()
            .map(|(name, parameter)| Parameter {
                name: name.as_str().into(),
                built_in: text(parameter, "builtIn"),
                required: parameter.get("required").and_then(Value::as_bool) == Some(true),
                default: parameter.get("default").cloned(),
            })
            .collect();
        let variables = parameters.iter().map(|parameter| parameter.name.clone()).collect();
        let mut parser = Parser { variables };
        let rules = parser.rules(value.get("rules"), 0)?;
        Ok(RuleSet { variables: parser.variables, parameters, rules })
    }

    /// Evaluates the rules; `values` are those of [`RuleSet::parameters`], in that order.
    pub(crate) fn evaluate(
        &self,
        values: Vec<Var<'_>>,
        partitions: &Partitions,
    ) -> Result<Answer, Refusal> {
        let mut scope: Vec<Var<'_>> = values;
        scope.resize(self.variables.len(), Var::None);
        let mut run = Run { scope, partitions };
        match run.rules(&self.rules)? {
            Some(answer) => Ok(answer),
            None => Err(Refusal::Message("no rule fits".to_owned())),
        }
    }
}

struct Parser {
    variables: Vec<Box<str>>,
}

impl Parser {
    fn variable(&mut self, name: &str) -> usize {
        match self.variables.iter().position(|known| &**known == name) {
            Some(index) => index,
            None => {
                self.variables.push(name.into());
                self.variables.len() - 1
            }
        }
    }

    fn rules(&mut self, value: Option<&Value>, depth: usize) -> Result<Vec<Rule>, String> {
        let list = value.and_then(Value::as_array).ok_or("rules are not a list")?;
        if depth > DEPTH_MAX {
            return Err("the rules nest too deeply".to_owned());
        }
        list.iter().map(|rule| self.rule(rule, depth)).collect()
    }

    fn rule(&mut self, value: &Value, depth: usize) -> Result<Rule, String> {
        let conditions = match value.get("conditions").and_then(Value::as_array) {
            Some(list) => {
                list.iter().map(|c| self.condition(c, depth)).collect::<Result<Vec<_>, _>>()?
            }
            None => Vec::new(),
        };
        let then = if let Some(error) = value.get("error") {
            Then::Error(self.expression(error, depth)?)
        } else if let Some(endpoint) = value.get("endpoint") {
            self.endpoint(endpoint, depth)?
        } else {
            Then::Rules(self.rules(value.get("rules"), depth + 1)?)
        };
        Ok(Rule { conditions, then })
    }

    fn endpoint(&mut self, value: &Value, depth: usize) -> Result<Then, String> {
        let url = self.expression(value.get("url").ok_or("an endpoint has no URL")?, depth)?;
        let mut auth = Vec::new();
        let schemes = value.pointer("/properties/authSchemes").and_then(Value::as_array);
        for scheme in schemes.into_iter().flatten() {
            let name = scheme.get("name").and_then(Value::as_str).ok_or("a scheme has no name")?;
            // A set of regions is for signature version 4a; its first entry tells the most.
            let region =
                scheme.get("signingRegion").or_else(|| scheme.pointer("/signingRegionSet/0"));
            auth.push(AuthTemplate {
                name: name.into(),
                signing_name: self.optional(scheme.get("signingName"), depth)?,
                signing_region: self.optional(region, depth)?,
                single_encoding: scheme.get("disableDoubleEncoding") == Some(&Value::Bool(true)),
            });
        }
        let mut headers = Vec::new();
        for (name, values) in value.get("headers").and_then(Value::as_object).into_iter().flatten()
        {
            for value in values.as_array().into_iter().flatten() {
                headers.push((name.as_str().into(), self.expression(value, depth)?));
            }
        }
        Ok(Then::Endpoint { url, auth, headers })
    }

    fn optional(
        &mut self,
        value: Option<&Value>,
        depth: usize,
    ) -> Result<Option<Expression>, String> {
        value.map(|value| self.expression(value, depth)).transpose()
    }

    fn condition(&mut self, value: &Value, depth: usize) -> Result<Condition, String> {
        if depth > DEPTH_MAX {
            return Err("an expression nests too deeply".to_owned());
        }
        let name = value.get("fn").and_then(Value::as_str).ok_or("a condition has no function")?;
        let function =
            Function::parse(name).ok_or_else(|| format!("there is no function `{name}`"))?;
        let arguments = value.get("argv").and_then(Value::as_array).ok_or("no arguments")?;
        let arguments = arguments
            .iter()
            .map(|argument| self.expression(argument, depth + 1))
            .collect::<Result<Vec<_>, _>>()?;
        let assign = value.get("assign").and_then(Value::as_str).map(|name| self.variable(name));
        Ok(Condition { function, arguments, assign })
    }

    fn expression(&mut self, value: &Value, depth: usize) -> Result<Expression, String> {
        match value {
            Value::Bool(truth) => Ok(Expression::Bool(*truth)),
            Value::Number(number) => number
                .as_u64()
                .map(|number| Expression::Number(number as usize))
                .ok_or_else(|| "a number is negative".to_owned()),
            Value::String(text) => self.template(text),
            Value::Object(members) if members.contains_key("fn") => {
                Ok(Expression::Call(Box::new(self.condition(value, depth)?)))
            }
            Value::Object(members) => match members.get("ref").and_then(Value::as_str) {
                Some(name) => Ok(Expression::Variable(self.variable(name))),
                None => Err("an argument is of an unknown form".to_owned()),
            },
            Value::Null | Value::Array(_) => Err("an argument is of an unknown form".to_owned()),
        }
    }

    fn template(&mut self, text: &str) -> Result<Expression, String> {
        if !text.contains('{') {
            return Ok(Expression::Text(text.into()));
        }
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(position) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(position);
            plain.push_str(before);
            if let Some(after) = from.strip_prefix("{{").or_else(|| from.strip_prefix("}}")) {
                plain.extend(from.chars().next());
                rest = after;
                continue;
            }
            let inner = from.strip_prefix('{').and_then(|from| from.split_once('}'));
            let (inner, after) = inner.ok_or_else(|| format!("`{text}` has a lone brace"))?;
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain).into()));
            }
            let (name, attribute) = match inner.split_once('#') {
                Some((name, attribute)) => (name, Some(attribute.into())),
                None => (inner, None),
            };
            pieces.push(Piece::Value { variable: self.variable(name), attribute });
            rest = after;
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain.into()));
        }
        Ok(Expression::Template(pieces))
    }
}

struct Run<'a> {
    scope: Vec<Var<'a>>,
    partitions: &'a Partitions,
}

impl<'a> Run<'a> {
    fn rules(&mut self, rules: &[Rule]) -> Result<Option<Answer>, Refusal> {
        for rule in rules {
            let mut assigned = Vec::new();
            let mut holds = true;
            for condition in &rule.conditions {
                let value = self.call(condition)?;
                holds = !matches!(value, Var::None | Var::Bool(false));
                if !holds {
                    break;
                }
                if let Some(slot) = condition.assign
                    && let Some(cell) = self.scope.get_mut(slot)
                {
                    *cell = value;
                    assigned.push(slot);
                }
            }
            let answer = if holds { self.then(&rule.then)? } else { None };
            if answer.is_some() {
                return Ok(answer);
            }
            // What a rule assigned is not seen by its siblings.
            for slot in assigned {
                if let Some(cell) = self.scope.get_mut(slot) {
                    *cell = Var::None;
                }
            }
        }
        Ok(None)
    }

    fn then(&mut self, then: &Then) -> Result<Option<Answer>, Refusal> {
        match then {
            Then::Rules(rules) => self.rules(rules),
            Then::Error(message) => Err(Refusal::Message(self.text(message)?)),
            Then::Endpoint { url, auth, headers } => {
                let url = self.text(url)?;
                let auth = auth
                    .iter()
                    .map(|scheme| {
                        Ok(Auth {
                            name: scheme.name.to_string(),
                            signing_name: self.maybe(scheme.signing_name.as_ref())?,
                            signing_region: self.maybe(scheme.signing_region.as_ref())?,
                            single_encoding: scheme.single_encoding,
                        })
                    })
                    .collect::<Result<_, Refusal>>()?;
                let headers = headers
                    .iter()
                    .map(|(name, value)| Ok((name.to_string(), self.text(value)?)))
                    .collect::<Result<_, Refusal>>()?;
                Ok(Some(Answer { url, auth, headers }))
            }
        }
    }

    fn maybe(&mut self, expression: Option<&Expression>) -> Result<Option<String>, Refusal> {
        expression.map(|expression| self.text(expression)).transpose()
    }

    fn call(&mut self, condition: &Condition) -> Result<Var<'a>, Refusal> {
        let arguments = condition
            .arguments
            .iter()
            .map(|argument| self.value(argument))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(condition.function.call(&arguments, self.partitions))
    }

    fn value(&mut self, expression: &Expression) -> Result<Var<'a>, Refusal> {
        Ok(match expression {
            Expression::Text(text) => Var::Text(text.to_string()),
            Expression::Bool(truth) => Var::Bool(*truth),
            Expression::Number(number) => Var::Text(number.to_string()),
            Expression::Variable(slot) => self.scope.get(*slot).cloned().unwrap_or(Var::None),
            Expression::Template(pieces) => Var::Text(self.template(pieces)?),
            Expression::Call(condition) => self.call(condition)?,
        })
    }

    fn text(&mut self, expression: &Expression) -> Result<String, Refusal> {
        match self.value(expression)? {
            Var::Text(text) => Ok(text),
            _ => Err(Refusal::Broken("a text was expected".to_owned())),
        }
    }

    fn template(&mut self, pieces: &[Piece]) -> Result<String, Refusal> {
        let mut out = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Value { variable, attribute } => {
                    let value = self.scope.get(*variable).unwrap_or(&Var::None);
                    let value = match attribute {
                        Some(path) => functions::attribute(value, path),
                        None => value.clone(),
                    };
                    match value {
                        Var::Text(text) => out.push_str(&text),
                        Var::Bool(truth) => out.push_str(if truth { "true" } else { "false" }),
                        _ => return Err(Refusal::Broken("a template lacks a value".to_owned())),
                    }
                }
            }
        }
        Ok(out)
    }
}
