//! Which behaviours a record counts for: Sigma conditions, each asked once for every combination
//! of the fields that conditions read, and remembered.
//! Compiling behaviours is `compile.rs`, reading their own fields `reading.rs`.

use std::borrow::Cow;
use std::sync::Arc;

use sigma::{FieldPath, Matcher, Pipeline, RuleSet, Scratch, SourceId, Weight};
use yagura_model::event::{Kind, PathTrie, Record, TrieStep, Value};

use super::hash::{self, ByHash};

/// Combinations remembered; beyond, all are forgotten and begin anew.
const REMEMBERED_MAX: usize = 1 << 16;

/// The conditions of one source.
#[derive(Debug)]
pub(super) struct Conditions {
    matcher: Matcher,
    source: Option<SourceId>,
    /// By rule: the behaviour's number.
    behaviors: Vec<u16>,
    /// Slots of the fields that conditions read.
    leaves: Vec<usize>,
    /// Slots of the objects on the way; an array there is gone into by Sigma and not by a slot.
    ways: Vec<usize>,
    /// Keywords read the whole record: nothing can be remembered.
    whole_record: bool,
}

/// What one thread remembers of one source's conditions.
#[derive(Debug)]
pub(super) struct Memory {
    scratch: Scratch,
    known: ByHash<Arc<[u16]>>,
}

impl Conditions {
    /// Compiles the conditions of the behaviours with these numbers; what cannot be compiled is
    /// told with the behaviour's number.
    pub(super) fn compile(
        texts: &[(u16, String)],
        trie: &mut PathTrie,
    ) -> (Self, Vec<(u16, String)>) {
        let mut set = RuleSet::default();
        let mut behaviors = Vec::new();
        let mut faults = Vec::new();
        for (number, text) in texts {
            let parsed = sigma::parse("where", text);
            let errors = parsed.problems.iter().filter(|problem| problem.weight == Weight::Error);
            faults.extend(errors.map(|problem| (*number, problem.to_string())));
            behaviors.extend(parsed.rules.iter().map(|_| *number));
            set.add(parsed);
        }
        let compiled = Matcher::compile(set, &[Pipeline::plain("records")]);
        let errors = compiled.problems.iter().filter(|problem| problem.weight == Weight::Error);
        for problem in errors {
            // Lint has compiled each alone; what is wrong with them together names no single one.
            let first = behaviors.first().copied().unwrap_or_default();
            faults.push((first, problem.to_string()));
        }
        let matcher = compiled.matcher;
        let source = matcher.source("records");
        let needs = source.and_then(|source| matcher.needs(source));
        let paths = needs.as_ref().map(|needs| needs.paths.as_slice()).unwrap_or_default();
        let (mut leaves, mut ways) = (Vec::new(), Vec::new());
        for path in paths {
            let steps: Vec<&str> = path.segments().collect();
            for depth in 1..=steps.len() {
                let members = steps.iter().take(depth).map(|name| TrieStep::Member(name));
                let slot = trie.add(members);
                if depth == steps.len() { leaves.push(slot) } else { ways.push(slot) }
            }
        }
        let whole_record = needs.as_ref().is_some_and(|needs| needs.whole_record);
        (Self { matcher, source, behaviors, leaves, ways, whole_record }, faults)
    }

    pub(super) fn memory(&self) -> Memory {
        Memory { scratch: self.matcher.scratch(), known: ByHash::default() }
    }

    /// The numbers of the behaviours that a record counts for.
    pub(super) fn of(
        &self,
        record: Record<'_>,
        slots: &[Option<Value<'_>>],
        memory: &mut Memory,
    ) -> Arc<[u16]> {
        let Some(key) = self.key(slots) else { return self.ask(record, memory) };
        if let Some(known) = memory.known.get(&key) {
            return Arc::clone(known);
        }
        let found = self.ask(record, memory);
        if memory.known.len() >= REMEMBERED_MAX {
            memory.known.clear();
        }
        memory.known.insert(key, Arc::clone(&found));
        found
    }

    /// The combination of the fields that conditions read; none where it does not decide.
    fn key(&self, slots: &[Option<Value<'_>>]) -> Option<u64> {
        if self.whole_record {
            return None;
        }
        let value = |slot: usize| slots.get(slot).copied().flatten();
        if self.ways.iter().any(|way| value(*way).is_some_and(|v| v.kind() == Kind::Array)) {
            return None;
        }
        let mut key = 0;
        for leaf in &self.leaves {
            key = match value(*leaf) {
                None => hash::mix(key, 1),
                Some(value) if value.is_null() => hash::mix(key, 2),
                // A text log's values are put together from pieces: those have no text of
                // their own unless they are plain.
                Some(value) if matches!(value.kind(), Kind::Array | Kind::Object) => {
                    hash::mix(key, hash::of(value.json().as_bytes()))
                }
                Some(value) => {
                    let kind = u64::from(value.kind() == Kind::String);
                    hash::mix(key, hash::of(value.source().as_bytes()) ^ kind)
                }
            };
        }
        Some(key)
    }

    fn ask(&self, record: Record<'_>, memory: &mut Memory) -> Arc<[u16]> {
        let Some(source) = self.source else { return Arc::from([]) };
        let matched = self.matcher.matches(source, &Fields(record), &mut memory.scratch);
        let numbers = matched.iter().filter_map(|rule| self.behaviors.get(rule.index()));
        numbers.copied().collect()
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
