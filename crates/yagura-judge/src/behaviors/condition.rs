//! Which behaviours a record counts for: Sigma conditions, each asked once for every combination
//! of the fields that conditions read, and remembered.
//! Compiling behaviours is `compile.rs`, reading their own fields `reading.rs`.

use std::sync::Arc;

use sigma::Scratch;
use yagura_model::event::{Kind, PathTrie, Record, TrieStep, Value};

use super::hash::{self, ByHash};
use crate::conditions;

/// Combinations remembered; beyond, all are forgotten and begin anew.
const REMEMBERED_MAX: usize = 1 << 16;

/// The conditions of one source.
#[derive(Debug)]
pub(super) struct Conditions {
    compiled: conditions::Conditions<u16>,
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
        let (compiled, faults) = conditions::Conditions::compile("where", texts);
        let needs = compiled.source.and_then(|source| compiled.matcher.needs(source));
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
        (Self { compiled, leaves, ways, whole_record }, faults)
    }

    pub(super) fn memory(&self) -> Memory {
        Memory { scratch: self.compiled.matcher.scratch(), known: ByHash::default() }
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
        self.compiled.hold(record, &mut memory.scratch).collect()
    }
}
