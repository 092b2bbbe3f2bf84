//! Which behaviours a record counts for: Sigma conditions, those that read the same fields
//! together, each asked once for every combination of these fields, and remembered.
//! Compiling behaviours is `compile.rs`, reading their own fields `reading.rs`.

use std::collections::BTreeMap;

use sigma::Scratch;
use yagura_model::event::{Kind, PathTrie, Record, TrieStep, Value};

use super::hash::{self, ByHash};
use crate::conditions;

/// Combinations remembered; beyond, all are forgotten and begin anew.
const REMEMBERED_MAX: usize = 1 << 16;

/// The conditions of one source.
#[derive(Debug)]
pub(super) struct Conditions {
    groups: Vec<Group>,
    /// Slots of the fields that conditions read, each once.
    leaves: Vec<usize>,
}

/// Conditions that read the same fields: one that reads a field of ever new values does not keep
/// the others from being remembered.
#[derive(Debug)]
struct Group {
    compiled: conditions::Conditions<u16>,
    /// Places among the leaves.
    leaves: Vec<usize>,
    /// Slots of the objects on the way; an array there is gone into by Sigma and not by a slot.
    ways: Vec<usize>,
    /// Keywords read the whole record: nothing can be remembered.
    whole_record: bool,
}

/// What one thread remembers of one source's conditions.
#[derive(Debug)]
pub(super) struct Memory {
    groups: Vec<Remembered>,
    /// Stand-ins of the leaves of the record in hand.
    leaves: Vec<u64>,
}

#[derive(Debug)]
struct Remembered {
    scratch: Scratch,
    /// By combination: which of the answers it has.
    known: ByHash<u32>,
    /// The distinct answers: a few, however many combinations there are.
    answers: Vec<Vec<u16>>,
}

/// The fields that a condition reads, as a name for all that read the same.
type Fields = (Vec<Vec<String>>, bool);

impl Conditions {
    /// Compiles the conditions of the behaviours with these numbers; what cannot be compiled is
    /// told with the behaviour's number.
    pub(super) fn compile(
        texts: &[(u16, String)],
        trie: &mut PathTrie,
    ) -> (Self, Vec<(u16, String)>) {
        let mut faults = Vec::new();
        let mut together: BTreeMap<Fields, Vec<(u16, String)>> = BTreeMap::new();
        for (number, text) in texts {
            let one = [(*number, text.clone())];
            let (compiled, broken) = conditions::Conditions::compile("where", &one);
            faults.extend(broken);
            together.entry(fields(&compiled)).or_default().extend(one);
        }
        let mut slot =
            |steps: &[String]| trie.add_once(steps.iter().map(|name| TrieStep::Member(name)));
        let mut leaves: Vec<usize> = Vec::new();
        let mut groups = Vec::new();
        for ((paths, whole_record), texts) in together {
            let (compiled, _) = conditions::Conditions::compile("where", &texts);
            let (mut own, mut ways) = (Vec::new(), Vec::new());
            for path in &paths {
                for depth in 1..path.len() {
                    ways.push(slot(path.get(..depth).unwrap_or_default()));
                }
                let leaf = slot(path);
                own.push(leaves.iter().position(|known| *known == leaf).unwrap_or_else(|| {
                    leaves.push(leaf);
                    leaves.len() - 1
                }));
            }
            ways.sort_unstable();
            ways.dedup();
            groups.push(Group { compiled, leaves: own, ways, whole_record });
        }
        (Self { groups, leaves }, faults)
    }

    pub(super) fn memory(&self) -> Memory {
        let groups = self.groups.iter().map(|group| Remembered {
            scratch: group.compiled.matcher.scratch(),
            known: ByHash::default(),
            answers: Vec::new(),
        });
        Memory { groups: groups.collect(), leaves: Vec::new() }
    }

    /// Adds the numbers of the behaviours that a record counts for.
    pub(super) fn of(
        &self,
        record: Record<'_>,
        slots: &[Option<Value<'_>>],
        memory: &mut Memory,
        numbers: &mut Vec<u16>,
    ) {
        let Memory { groups, leaves } = memory;
        leaves.clear();
        leaves.extend(self.leaves.iter().map(|slot| stand_in(slots.get(*slot).copied().flatten())));
        for (group, memory) in self.groups.iter().zip(groups) {
            match group.key(leaves, slots) {
                None => numbers.extend(group.compiled.hold(record, &mut memory.scratch)),
                Some(key) => numbers.extend_from_slice(group.remembered(key, record, memory)),
            }
        }
    }
}

/// The fields that a condition reads.
fn fields(compiled: &conditions::Conditions<u16>) -> Fields {
    let Some(needs) = compiled.source.and_then(|source| compiled.matcher.needs(source)) else {
        return Fields::default();
    };
    let steps = |path: &sigma::FieldPath| path.segments().map(str::to_owned).collect();
    let mut paths: Vec<Vec<String>> = needs.paths.iter().map(steps).collect();
    paths.sort_unstable();
    paths.dedup();
    (paths, needs.whole_record)
}

/// The stand-in of what a record has in a field.
fn stand_in(value: Option<Value<'_>>) -> u64 {
    match value {
        None => 1,
        Some(value) if value.is_null() => 2,
        // A text log's values are put together from pieces: those have no text of their own
        // unless they are plain.
        Some(value) if matches!(value.kind(), Kind::Array | Kind::Object) => {
            hash::of(value.json().as_bytes())
        }
        Some(value) => {
            let kind = u64::from(value.kind() == Kind::String);
            hash::of(value.source().as_bytes()) ^ kind
        }
    }
}

impl Group {
    /// The combination of the fields that the conditions read; none where it does not decide.
    fn key(&self, leaves: &[u64], slots: &[Option<Value<'_>>]) -> Option<u64> {
        let is_array = |way: &usize| {
            slots.get(*way).copied().flatten().is_some_and(|value| value.kind() == Kind::Array)
        };
        if self.whole_record || self.ways.iter().any(is_array) {
            return None;
        }
        let leaf = |place: &usize| leaves.get(*place).copied().unwrap_or_default();
        Some(self.leaves.iter().map(leaf).fold(0, hash::mix))
    }

    fn remembered<'m>(
        &self,
        key: u64,
        record: Record<'_>,
        memory: &'m mut Remembered,
    ) -> &'m [u16] {
        let at = match memory.known.get(&key) {
            Some(at) => *at,
            None => self.answered(key, record, memory),
        };
        memory.answers.get(at as usize).map_or(&[], Vec::as_slice)
    }

    /// Asks, and remembers the answer.
    fn answered(&self, key: u64, record: Record<'_>, memory: &mut Remembered) -> u32 {
        let Remembered { scratch, known, answers } = memory;
        if known.len() >= REMEMBERED_MAX {
            known.clear();
            answers.clear();
        }
        let answer: Vec<u16> = self.compiled.hold(record, scratch).collect();
        let at = answers.iter().position(|known| *known == answer).unwrap_or_else(|| {
            answers.push(answer);
            answers.len() - 1
        });
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        known.insert(key, at);
        at
    }
}
