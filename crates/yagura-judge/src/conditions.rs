//! Sigma conditions of content that is no rule of its own: compiled together, each with the number
//! that its owner has, and a record as they read it.
//! Rules of detections read records with their mappings: `detections::record`.

use std::borrow::Cow;

use sigma::{FieldPath, Matcher, Pipeline, RuleSet, Scratch, SourceId, Weight};
use yagura_model::event::{Kind, Record, Value};

/// Conditions over the records of one source.
#[derive(Debug)]
pub(crate) struct Conditions<N> {
    pub(crate) matcher: Matcher,
    pub(crate) source: Option<SourceId>,
    /// By the matcher's rule: its owner's number.
    numbers: Vec<N>,
}

impl<N: Copy + Default> Conditions<N> {
    /// Compiles conditions, with the name that faults give their texts;
    /// what cannot be compiled is told with its owner's number.
    pub(crate) fn compile(origin: &str, texts: &[(N, String)]) -> (Self, Vec<(N, String)>) {
        let mut set = RuleSet::default();
        let mut numbers = Vec::new();
        let mut faults = Vec::new();
        for (number, text) in texts {
            let parsed = sigma::parse(origin, text);
            let errors = parsed.problems.iter().filter(|problem| problem.weight == Weight::Error);
            faults.extend(errors.map(|problem| (*number, problem.to_string())));
            numbers.extend(parsed.rules.iter().map(|_| *number));
            set.add(parsed);
        }
        let compiled = Matcher::compile(set, &[Pipeline::plain("records")]);
        let errors = compiled.problems.iter().filter(|problem| problem.weight == Weight::Error);
        // Lint has compiled each alone; what is wrong with them together names no single one.
        let first = numbers.first().copied().unwrap_or_default();
        faults.extend(errors.map(|problem| (first, problem.to_string())));
        let matcher = compiled.matcher;
        let source = matcher.source("records");
        (Self { matcher, source, numbers }, faults)
    }

    /// The numbers of the conditions that hold for a record.
    pub(crate) fn hold(
        &self,
        record: Record<'_>,
        scratch: &mut Scratch,
    ) -> impl Iterator<Item = N> {
        let matched = match self.source {
            Some(source) => self.matcher.matches(source, &Fields(record), scratch),
            None => &[],
        };
        matched.iter().filter_map(|rule| self.numbers.get(rule.index()).copied())
    }
}

/// A record as Sigma reads it.
struct Fields<'a>(Record<'a>);

impl sigma::Record for Fields<'_> {
    fn read(&self, path: &FieldPath, visit: &mut dyn FnMut(sigma::Value<'_>)) {
        follow(self.0.root(), path, 0, visit);
    }

    fn read_all(&self, visit: &mut dyn FnMut(sigma::Value<'_>)) {
        all(self.0.root(), visit);
    }

    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn time_us(&self) -> Option<i64> {
        None
    }
}

/// The depth of the recursion is that of the path and of the record's arrays, which are bounded.
fn follow(value: Value<'_>, path: &FieldPath, at: usize, visit: &mut dyn FnMut(sigma::Value<'_>)) {
    if value.kind() == Kind::Array {
        let mut items = value.items().peekable();
        if items.peek().is_none() && path.segment(at).is_none() {
            visit(sigma::Value::EmptyList);
        }
        items.for_each(|item| follow(item, path, at, visit));
        return;
    }
    match path.segment(at) {
        Some(name) => {
            if let Some(member) = value.get(name) {
                follow(member, path, at + 1, visit);
            }
        }
        None => show(value, visit),
    }
}

fn all(value: Value<'_>, visit: &mut dyn FnMut(sigma::Value<'_>)) {
    match value.kind() {
        Kind::Array => value.items().for_each(|item| all(item, visit)),
        Kind::Object => value.entries().for_each(|(_, member)| all(member, visit)),
        Kind::Null => {}
        _ => show(value, visit),
    }
}

fn show(value: Value<'_>, visit: &mut dyn FnMut(sigma::Value<'_>)) {
    match value.kind() {
        Kind::Null => visit(sigma::Value::Null),
        Kind::Bool => visit(sigma::Value::Boolean(value.as_bool() == Some(true))),
        Kind::Number => visit(sigma::Value::Number(value.source())),
        Kind::String => visit(sigma::Value::Text(&value.as_str().unwrap_or_default())),
        Kind::Array => visit(sigma::Value::EmptyList),
        Kind::Object => {
            let text = value.json();
            visit(sigma::Value::Object(&text.as_ref()));
        }
    }
}
