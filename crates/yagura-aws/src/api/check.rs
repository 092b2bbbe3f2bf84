//! Compares JSON values with the shapes of an operation.
//! Lengths, patterns and enumerations are not in the table and are left to AWS.

use base64::Engine as _;
use serde_json::Value;

use crate::api::shapes::{Kind, Member, Shape};

/// One difference between a value and the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where, with documented member names (`Filters[0].Values`); empty for the whole value.
    pub path: String,
    /// What is wrong.
    pub message: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "`{}` {}", self.path, self.message)
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Input,
    Output,
}

/// Beyond this many problems the rest tell nothing new.
const PROBLEMS_MAX: usize = 100;

pub(crate) fn check(
    shape: Option<Shape<'_>>,
    value: &Value,
    side: Side,
) -> Result<(), Vec<Problem>> {
    let mut checker = Checker { side, path: String::new(), problems: Vec::new() };
    match (shape, value) {
        (None, Value::Null) => {}
        (None, Value::Object(members)) if members.is_empty() => {}
        (None, _) => checker.report("must be empty: the operation has no such structure"),
        (Some(shape), Value::Null) if shape.members().all(|m| !m.is_required()) => {}
        (Some(shape), value) => checker.shape(shape, value),
    }
    if checker.problems.is_empty() { Ok(()) } else { Err(checker.problems) }
}

struct Checker {
    side: Side,
    path: String,
    problems: Vec<Problem>,
}

impl Checker {
    fn report(&mut self, message: impl Into<String>) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Problem { path: self.path.clone(), message: message.into() });
        }
    }

    fn within(&mut self, step: &str, run: impl FnOnce(&mut Checker)) {
        let length = self.path.len();
        if length > 0 && !step.starts_with('[') {
            self.path.push('.');
        }
        self.path.push_str(step);
        run(self);
        self.path.truncate(length);
    }

    fn member(&mut self, member: Member<'_>, value: &Value) {
        if !member.is_json_value() {
            self.shape(member.shape(), value);
        }
    }

    fn shape(&mut self, shape: Shape<'_>, value: &Value) {
        if shape.is_document() {
            return;
        }
        match (shape.kind(), value) {
            (Kind::Structure, Value::Object(members)) => self.structure(shape, members),
            (Kind::List, Value::Array(elements)) => {
                let Some(element) = shape.element() else { return };
                for (index, value) in elements.iter().enumerate() {
                    if !(value.is_null() && shape.is_sparse()) {
                        self.within(&format!("[{index}]"), |checker| {
                            checker.member(element, value);
                        });
                    }
                }
            }
            (Kind::Map, Value::Object(entries)) => {
                let Some(entry) = shape.value() else { return };
                for (key, value) in entries {
                    if !(value.is_null() && shape.is_sparse()) {
                        self.within(key, |checker| checker.member(entry, value));
                    }
                }
            }
            (kind, value) => {
                if let Some(message) = scalar_problem(kind, value) {
                    self.report(message);
                }
            }
        }
    }

    fn structure(&mut self, shape: Shape<'_>, members: &serde_json::Map<String, Value>) {
        for (name, value) in members {
            match shape.member(name) {
                Some(member) => self.within(name, |checker| checker.member(member, value)),
                None => {
                    let near = crate::api::error::nearest(name, shape.members().map(Member::name));
                    let hint = near.map(|near| format!("; did you mean `{near}`?"));
                    self.within(name, |checker| {
                        checker.report(format!("is unknown{}", hint.unwrap_or_default()));
                    });
                }
            }
        }
        if self.side == Side::Input {
            let missing = |member: &Member<'_>| {
                member.is_required()
                    && !member.is_idempotency_token()
                    && members.get(member.name()).is_none_or(Value::is_null)
            };
            for member in shape.members().filter(missing) {
                self.within(member.name(), |checker| checker.report("is required"));
            }
        }
        if shape.is_union() && members.len() != 1 {
            self.report("must have exactly one member");
        }
    }
}

/// What is wrong with a value that should be a scalar of this kind, if anything.
fn scalar_problem(kind: Kind, value: &Value) -> Option<String> {
    let fits = match (kind, value) {
        (Kind::String, Value::String(_)) | (Kind::Boolean, Value::Bool(_)) => true,
        (Kind::Integer | Kind::Long, Value::Number(number)) => number.is_i64() || number.is_u64(),
        (Kind::Float | Kind::Double, Value::Number(_)) => true,
        (Kind::Float | Kind::Double, Value::String(text)) => {
            matches!(text.as_str(), "NaN" | "Infinity" | "-Infinity")
        }
        (Kind::Timestamp, Value::String(text)) => text.parse::<jiff::Timestamp>().is_ok(),
        (Kind::Blob, Value::String(text)) => {
            base64::engine::general_purpose::STANDARD.decode(text).is_ok()
        }
        _ => false,
    };
    (!fits).then(|| {
        let wanted = match kind {
            Kind::Structure | Kind::Map => "an object",
            Kind::List => "a list",
            Kind::String => "a text",
            Kind::Boolean => "true or false",
            Kind::Integer | Kind::Long => "an integer",
            Kind::Float | Kind::Double => "a number",
            Kind::Timestamp => "a time such as 2026-11-21T19:50:00Z",
            Kind::Blob => "bytes in base64",
        };
        format!("must be {wanted}")
    })
}

pub(crate) fn has_path(shape: Option<Shape<'_>>, path: &[&str]) -> bool {
    let Some(shape) = shape else { return path.is_empty() };
    let Some((step, rest)) = path.split_first() else { return true };
    if shape.is_document() {
        return true;
    }
    let follow = |member: Member<'_>, path: &[&str]| {
        member.is_json_value() || has_path(Some(member.shape()), path)
    };
    match shape.kind() {
        Kind::Structure => shape.member(step).is_some_and(|member| follow(member, rest)),
        Kind::Map => shape.value().is_some_and(|value| follow(value, rest)),
        Kind::List => shape.element().is_some_and(|element| {
            let indexed = *step == "*" || step.bytes().all(|byte| byte.is_ascii_digit());
            follow(element, if indexed { rest } else { path })
        }),
        _ => false,
    }
}
