//! One call as a resource file states it: its name, its input for this occasion, and which
//! errors mean that there is none.
//! Who makes the call is in `engine`.

use serde_json::{Map, Value};
use yagura_content::Placed;
use yagura_content::expression::{Decided, Env, Outcome};
use yagura_content::format::{Absent, Call, Expression, Template};
use yagura_model::{Path, Unread, UnreadReason};

use crate::caller::{CallName, Failure};

/// What a call came to.
pub(crate) type Answer = Result<Value, Failure>;

/// A call of a resource file.
#[derive(Clone, Debug)]
pub(crate) struct Ask<'c> {
    pub(crate) name: CallName,
    /// `service:Operation`, for unread parts and messages.
    pub(crate) text: String,
    /// The IAM action that it takes.
    pub(crate) action: String,
    pub(crate) input: Option<&'c Template>,
    pub(crate) absent: &'c [Absent],
}

impl<'c> Ask<'c> {
    pub(crate) fn new(
        call: &'c Call,
        action: Option<&'c Placed<String>>,
        input: Option<&'c Template>,
        absent: &'c [Absent],
    ) -> Self {
        let name = CallName::new(&call.service, &call.operation);
        let text = name.to_string();
        let action = action.map_or_else(|| text.clone(), |action| action.value.clone());
        Self { name, text, action, input, absent }
    }

    /// Two calls with the same key get the same answer.
    pub(crate) fn key(&self) -> String {
        format!("{} {:?}", self.text, self.input)
    }

    /// The input for this occasion; what it depends on may be unread.
    pub(crate) fn input<'a>(&self, env: &Env<'a>) -> Result<Value, Failure>
    where
        'c: 'a,
    {
        self.filled(self.input, env)
    }

    /// Another template for the input, filled in.
    pub(crate) fn filled<'a>(
        &self,
        template: Option<&'a Template>,
        env: &Env<'a>,
    ) -> Result<Value, Failure> {
        let Some(template) = template else { return Ok(Value::Object(Map::new())) };
        match fill(template, env) {
            Ok(Some(value @ Value::Object(_))) => Ok(value),
            Ok(None) => Ok(Value::Object(Map::new())),
            Ok(Some(_)) => Err(self.failed("the input is not a map")),
            Err(decided) => match decided.unread.first() {
                Some(unread) if decided.problems.is_empty() => {
                    let unread = Unread { path: Path::default(), partial: false, ..unread.clone() };
                    Err(Failure { unread: Box::new(unread), ..self.failed("") })
                }
                _ => Err(self.failed(decided.problems.first().cloned().unwrap_or_default())),
            },
        }
    }

    /// Whether a failure means that there is none.
    pub(crate) fn is_absent(&self, failure: &Failure) -> bool {
        is_absent(self.absent, failure)
    }

    /// A failure of this call that is not AWS's.
    pub(crate) fn failed(&self, detail: impl Into<String>) -> Failure {
        Failure::local(UnreadReason::Failed, &self.text, detail)
    }

    /// The part at `path` as unread because this call failed.
    pub(crate) fn unread(&self, path: Path, failure: &Failure) -> Unread {
        failure.at(path, &self.action)
    }
}

/// Whether a failure means that there is none.
pub(crate) fn is_absent(absent: &[Absent], failure: &Failure) -> bool {
    failure.absent
        || absent.iter().any(|absent| {
            !absent.code.is_empty()
                && absent.code == failure.code
                && absent.message.as_ref().is_none_or(|text| failure.message.contains(&**text))
        })
}

fn fill<'a>(template: &'a Template, env: &Env<'a>) -> Result<Option<Value>, Decided> {
    Ok(Some(match template {
        Template::Constant(value) => value.clone(),
        Template::Expression(expression) => match expression.program().eval(env) {
            Outcome::Absent => return Ok(None),
            Outcome::Value(value) => value,
            Outcome::Unknown(decided) => return Err(decided),
        },
        Template::List(items) => {
            let mut list = Vec::with_capacity(items.len());
            for item in items {
                list.extend(fill(item, env)?);
            }
            Value::Array(list)
        }
        Template::Map(members) => {
            let mut map = Map::with_capacity(members.len());
            for (key, member) in members {
                if let Some(value) = fill(member, env)? {
                    map.insert(key.clone(), value);
                }
            }
            Value::Object(map)
        }
    }))
}

/// The expressions of a template.
pub(crate) fn expressions_of(template: &Template) -> Vec<&Expression> {
    match template {
        Template::Constant(_) => Vec::new(),
        Template::Expression(expression) => vec![expression],
        Template::List(items) => items.iter().flat_map(expressions_of).collect(),
        Template::Map(members) => {
            members.iter().flat_map(|(_, member)| expressions_of(member)).collect()
        }
    }
}
