//! A policy as written, for review: the compiled one no longer has the words.
//! What is said of a single statement is in `statement`.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{KnownActions, PolicyKind, Remark, RemarkKind};
use crate::policy::{Policy, Position};

/// The document, its statements in a list.
pub(super) struct Document {
    version: Option<String>,
    length: usize,
    statements: Vec<Map<String, Value>>,
}

/// Where remarks of one statement go.
pub(super) struct Remarks<'r> {
    pub(super) statement: usize,
    pub(super) position: Position,
    pub(super) list: &'r mut Vec<Remark>,
}

impl Remarks<'_> {
    pub(super) fn add(&mut self, kind: RemarkKind, about: impl Into<String>) {
        let (statement, position) = (Some(self.statement), self.position);
        let about = about.into();
        self.list.push(Remark { kind, statement, position, about, oddity: None });
    }
}

impl Document {
    pub(super) fn read(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let object = value.as_object()?;
        let statements = match object.get("Statement")? {
            Value::Array(statements) => statements.iter().filter_map(Value::as_object).collect(),
            Value::Object(one) => vec![one],
            _ => return None,
        };
        Some(Self {
            version: object.get("Version").and_then(Value::as_str).map(str::to_owned),
            length: text.chars().filter(|c| !c.is_whitespace()).count(),
            statements: statements.into_iter().cloned().collect(),
        })
    }

    pub(super) fn review(
        &self,
        policy: &Policy,
        kind: PolicyKind,
        actions: Option<&dyn KnownActions>,
        list: &mut Vec<Remark>,
    ) {
        let mut whole = |kind, about: String| {
            let (statement, position) = (None, Position::default());
            list.push(Remark { kind, statement, position, about, oddity: None });
        };
        if let Some(max) = kind.length_max().filter(|max| self.length > *max) {
            whole(RemarkKind::TooLong, format!("{} > {max}", self.length));
        }
        if self.version.is_none() {
            whole(RemarkKind::VersionMissing, "2012-10-17".to_owned());
        }
        let mut sids = BTreeSet::new();
        for (at, statement) in self.statements.iter().enumerate() {
            let position = policy.statements.get(at).map(|it| it.position).unwrap_or_default();
            let mut remarks = Remarks { statement: at, position, list };
            if let Some(sid) = statement.get("Sid").and_then(Value::as_str)
                && !sids.insert(sid)
            {
                remarks.add(RemarkKind::SidTwice, sid);
            }
            super::statement::review(statement, kind, actions, &mut remarks);
            if let Some(compiled) = policy.statements.get(at) {
                super::principals::review(statement, compiled, kind, &mut remarks);
            }
            if self.version.as_deref() != Some("2012-10-17") {
                for variable in variables(statement) {
                    remarks.add(RemarkKind::VariableUnderOldVersion, variable);
                }
            }
        }
    }
}

/// The texts of a statement that look like variables.
fn variables(statement: &Map<String, Value>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for element in ["Resource", "NotResource", "Condition"] {
        texts(statement.get(element), &mut |text| {
            if let Some((_, rest)) = text.split_once("${")
                && let Some((name, _)) = rest.split_once('}')
            {
                found.insert(format!("${{{name}}}"));
            }
        });
    }
    found
}

/// Every text of a value, at any depth; policies are at most three levels deep.
pub(super) fn texts<'v>(value: Option<&'v Value>, visit: &mut dyn FnMut(&'v str)) {
    match value {
        Some(Value::String(text)) => visit(text),
        Some(Value::Array(values)) => {
            for value in values {
                texts(Some(value), visit);
            }
        }
        Some(Value::Object(members)) => {
            for value in members.values() {
                texts(Some(value), visit);
            }
        }
        _ => {}
    }
}

/// The texts of an element that is one text or a list of them.
pub(super) fn listed<'v>(statement: &'v Map<String, Value>, element: &str) -> Vec<&'v str> {
    let mut found = Vec::new();
    texts(statement.get(element), &mut |text| found.push(text));
    found
}

/// Every condition of a statement: operator, key, values.
pub(super) fn conditions(
    statement: &Map<String, Value>,
) -> impl Iterator<Item = (&str, &str, Vec<&str>)> {
    let operators = statement.get("Condition").and_then(Value::as_object).into_iter().flatten();
    operators.flat_map(|(operator, keys)| {
        let keys = keys.as_object().into_iter().flatten();
        keys.map(move |(key, values)| {
            let mut found = Vec::new();
            texts(Some(values), &mut |text| found.push(text));
            (operator.as_str(), key.as_str(), found)
        })
    })
}
