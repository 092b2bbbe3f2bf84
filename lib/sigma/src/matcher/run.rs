//! Runs a program over one record, with a scratch pad that is used again for the next.
//! Programs are `program.rs`; why a rule matched is `explain.rs`.

use super::RuleId;
use super::check::Check;
use super::memory::Memory;
use super::program::Program;
use super::tree::Tree;
use crate::record::Record;

/// Room to work in, made once per thread by [`Matcher::scratch`](super::Matcher::scratch).
/// Matching allocates nothing once it has grown to its size.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    programs: Vec<Pad>,
    buffer: String,
    matched: Vec<RuleId>,
}

/// What is known of the record in hand, for one program. An entry is valid if it carries the
/// number of the record, so that nothing need be cleared between records.
#[derive(Clone, Debug, Default)]
struct Pad {
    record: u32,
    /// By check: twice the record's number, plus one if it holds.
    checks: Vec<u32>,
    /// By field: scanned for this record.
    fields: Vec<u32>,
    /// By unit: awake for this record.
    awake: Vec<u32>,
    candidates: Vec<u32>,
    /// By field.
    memories: Vec<Memory>,
}

impl Scratch {
    pub(super) fn new(programs: &[Program]) -> Self {
        Self { programs: programs.iter().map(Pad::new).collect(), ..Self::default() }
    }
}

impl Pad {
    fn new(program: &Program) -> Self {
        Self {
            record: 0,
            checks: vec![0; program.checks.len()],
            fields: vec![0; program.fields.len()],
            awake: vec![0; program.units.len()],
            candidates: Vec::new(),
            memories: vec![Memory::default(); program.fields.len()],
        }
    }

    fn begin(&mut self) {
        self.candidates.clear();
        self.record += 1;
        if self.record > u32::MAX / 2 - 1 {
            self.record = 1;
            self.checks.fill(0);
            self.fields.fill(0);
            self.awake.fill(0);
        }
    }

    fn settled(&self, check: u32) -> Option<bool> {
        let mark = *self.checks.get(check as usize)?;
        (mark >> 1 == self.record).then_some(mark & 1 == 1)
    }

    fn settle(&mut self, check: u32, holds: bool) {
        if let Some(mark) = self.checks.get_mut(check as usize) {
            *mark = self.record << 1 | u32::from(holds);
        }
    }
}

/// Rules that match the record, in ascending order.
pub(super) fn run<'s>(
    program: &Program,
    at: usize,
    record: &dyn Record,
    scratch: &'s mut Scratch,
) -> &'s [RuleId] {
    let Scratch { programs, buffer, matched } = scratch;
    matched.clear();
    let Some(pad) = programs.get_mut(at) else { return matched };
    pad.begin();
    let mut walk = Walk { program, record, pad, buffer };
    for field in &program.waking_fields {
        walk.scan(*field);
    }
    let candidates = std::mem::take(&mut walk.pad.candidates);
    for unit in candidates.iter().chain(&program.always) {
        let Some(unit) = program.units.get(*unit as usize) else { continue };
        if walk.holds(&unit.tree) {
            matched.push(unit.rule);
        }
    }
    walk.pad.candidates = candidates;
    matched.sort_unstable();
    matched.dedup();
    matched
}

struct Walk<'a> {
    program: &'a Program,
    record: &'a dyn Record,
    pad: &'a mut Pad,
    buffer: &'a mut String,
}

impl Walk<'_> {
    /// Reads a field once: its scanned checks are settled, and the rules they wake are noted.
    fn scan(&mut self, field: u32) {
        let Some(mark) = self.pad.fields.get_mut(field as usize) else { return };
        if *mark == self.pad.record {
            return;
        }
        *mark = self.pad.record;
        let Some(known) = self.program.fields.get(field as usize) else { return };
        let (pad, wakes) = (&mut *self.pad, &self.program.wakes);
        let Some(memory) = pad.memories.get_mut(field as usize) else { return };
        let mut memory = std::mem::take(memory);
        known.scan(self.record, (self.buffer, &mut memory), &mut |check| {
            if pad.settled(check) == Some(true) {
                return;
            }
            pad.settle(check, true);
            for unit in wakes.get(check as usize).into_iter().flatten() {
                if let Some(awake) = pad.awake.get_mut(*unit as usize)
                    && *awake != pad.record
                {
                    *awake = pad.record;
                    pad.candidates.push(*unit);
                }
            }
        });
        if let Some(place) = pad.memories.get_mut(field as usize) {
            *place = memory;
        }
    }

    fn holds(&mut self, tree: &Tree) -> bool {
        match tree {
            Tree::Check(check) => self.check(*check),
            Tree::All(parts) => parts.iter().all(|part| self.holds(part)),
            Tree::Any(parts) => parts.iter().any(|part| self.holds(part)),
            Tree::Not(inner) => !self.holds(inner),
        }
    }

    fn check(&mut self, id: u32) -> bool {
        if let Some(holds) = self.pad.settled(id) {
            return holds;
        }
        let Some((field, check)) = self.program.checks.get(id as usize) else { return false };
        if check.is_scanned() {
            self.scan(*field);
            // What the scan did not name does not hold.
            return self.pad.settled(id).unwrap_or(false);
        }
        let others = others(self.program, check, self.record);
        let mut holds = false;
        if let Some(field) = self.program.fields.get(*field as usize) {
            let buffer = &mut *self.buffer;
            field.read(self.record, &mut |value| {
                holds = holds || check.accepts(&value, &others, buffer);
            });
        }
        self.pad.settle(id, holds);
        holds
    }
}

/// The texts of the field that a check refers to; empty, and not allocated, for other checks.
pub(super) fn others(program: &Program, check: &Check, record: &dyn Record) -> Vec<String> {
    let mut texts = Vec::new();
    if let Check::Field { field, .. } = check
        && let Some(field) = program.fields.get(*field as usize)
    {
        field.read(record, &mut |value| {
            texts.extend(value.text().map(std::borrow::Cow::into_owned));
        });
    }
    texts
}
