//! Which behaviours a record counts for: Sigma conditions, those that read the same fields
//! together, each asked once for every combination of these fields, and remembered.
//! Compiling behaviours is `compile.rs`, reading their own fields `reading.rs`.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::hash::BuildHasher;

use foldhash::fast::FixedState;
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
    /// Slots of the objects on the way to any of them, each once.
    ways: Vec<usize>,
}

/// Conditions that read the same fields, or some of them: one that reads a field of ever new values
/// does not keep the others from being remembered.
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

/// Conditions with the numbers of their behaviours.
type Texts = Vec<(u16, String)>;

impl Conditions {
    /// Compiles the conditions of the behaviours with these numbers; what cannot be compiled is
    /// told with the behaviour's number.
    pub(super) fn compile(texts: &[(u16, String)], trie: &mut PathTrie) -> (Self, Texts) {
        let mut faults = Vec::new();
        let mut together: BTreeMap<Fields, Texts> = BTreeMap::new();
        for (number, text) in texts {
            let one = [(*number, text.clone())];
            let (compiled, broken) = conditions::Conditions::compile("where", &one);
            faults.extend(broken);
            together.entry(fields(&compiled)).or_default().extend(one);
        }
        let mut slot =
            |steps: &[String]| trie.add_once(steps.iter().map(|name| TrieStep::Member(name)));
        let mut leaves: Vec<usize> = Vec::new();
        let mut all_ways: Vec<usize> = Vec::new();
        let mut groups = Vec::new();
        for ((paths, whole_record), texts) in merged(together) {
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
            all_ways.extend(&ways);
            groups.push(Group { compiled, leaves: own, ways, whole_record });
        }
        all_ways.sort_unstable();
        all_ways.dedup();
        (Self { groups, leaves, ways: all_ways }, faults)
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
        let plain = !self.ways.iter().any(|way| is_array(slots, *way));
        for (group, memory) in self.groups.iter().zip(groups) {
            let decided = !group.whole_record
                && (plain || !group.ways.iter().any(|way| is_array(slots, *way)));
            match decided.then(|| group.key(leaves)) {
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

/// Conditions that read a part of what others read go with those: they bring no combination that
/// is not remembered already.
fn merged(together: BTreeMap<Fields, Texts>) -> Vec<(Fields, Texts)> {
    let mut widest_first: Vec<(Fields, Texts)> = together.into_iter().collect();
    widest_first.sort_by_key(|((paths, _), _)| Reverse(paths.len()));
    let mut merged: Vec<(Fields, Texts)> = Vec::new();
    for ((paths, whole_record), texts) in widest_first {
        // Of those that read more the one that reads least.
        let wider = merged.iter_mut().rev().find(|((own, own_whole), _)| {
            !whole_record && !own_whole && paths.iter().all(|path| own.contains(path))
        });
        match wider {
            Some((_, own)) => own.extend(texts),
            None => merged.push(((paths, whole_record), texts)),
        }
    }
    merged
}

/// Whether a slot holds an array.
fn is_array(slots: &[Option<Value<'_>>], slot: usize) -> bool {
    slots.get(slot).copied().flatten().is_some_and(|value| value.kind() == Kind::Array)
}

/// The stand-in of what a record has in a field. None of them is saved, so a quick one will do.
fn stand_in(value: Option<Value<'_>>) -> u64 {
    match value {
        None => 1,
        Some(value) if value.is_null() => 2,
        // A text log's values are put together from pieces: those have no text of their own
        // unless they are plain.
        Some(value) if matches!(value.kind(), Kind::Array | Kind::Object) => quick(&value.json()),
        Some(value) => {
            let kind = u64::from(value.kind() == Kind::String);
            quick(value.source()) ^ kind
        }
    }
}

fn quick(text: &str) -> u64 {
    FixedState::default().hash_one(text)
}

impl Group {
    /// The combination of the fields that the conditions read.
    fn key(&self, leaves: &[u64]) -> u64 {
        let leaf = |place: &usize| leaves.get(*place).copied().unwrap_or_default();
        self.leaves.iter().map(leaf).fold(0, hash::mix)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_go_with_the_narrowest_that_read_all_they_read_but_not_with_keywords() {
        let fields = |names: &str| -> Vec<Vec<String>> {
            names.chars().map(|name| vec![name.to_string()]).collect()
        };
        let of = |number: u16, names: &str, whole_record: bool| {
            ((fields(names), whole_record), vec![(number, String::new())])
        };
        let together = BTreeMap::from([
            of(1, "abcd", false),
            of(2, "abc", false),
            of(3, "b", false),
            of(4, "be", false),
            of(5, "d", false),
            of(6, "a", true),
            of(7, "abcde", true),
        ]);
        let mut groups: Vec<(Vec<Vec<String>>, bool, Vec<u16>)> = merged(together)
            .into_iter()
            .map(|((paths, whole), texts)| {
                (paths, whole, texts.into_iter().map(|(number, _)| number).collect())
            })
            .collect();
        groups.sort();
        assert_eq!(
            groups,
            [
                (fields("a"), true, vec![6]),
                (fields("abcd"), false, vec![1, 2, 5]),
                (fields("abcde"), true, vec![7]),
                (fields("be"), false, vec![4, 3]),
            ]
        );
    }
}
