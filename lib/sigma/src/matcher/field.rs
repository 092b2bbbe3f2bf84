//! One field and all checks over it: reading its values once settles most of them, by hash for
//! whole values and by one automaton for parts. What rules do with the outcome is `run.rs`.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use foldhash::fast::FixedState;

use super::check::{Check, number};
use super::memory::Memory;
use crate::number::Numeric;
use crate::record::{FieldPath, Record, Value};
use crate::text::fold::fold_in;
use crate::text::glob::Glob;

/// Hashing with a fixed seed: keys come from rules, records only look them up.
type Index<K> = HashMap<K, Vec<u32>, FixedState>;

/// Bytes of texts up to which an automaton is a table of all its states, twice as quick to run:
/// a few megabytes at most.
const TABLE_BYTES_MAX: usize = 16_384;

/// A field of records, with the checks that reading it settles.
#[derive(Clone, Debug, Default)]
pub(super) struct Field {
    /// Where it is; empty for keywords.
    paths: Vec<FieldPath>,
    folded: Texts,
    cased: Texts,
    numbers: Index<Numeric>,
    null: Vec<u32>,
    present: Vec<u32>,
    absent: Vec<u32>,
    /// Distinct values that rules compare it with.
    variety: usize,
}

/// Text checks of one case.
#[derive(Clone, Debug, Default)]
struct Texts {
    whole: Index<Box<str>>,
    any: Vec<u32>,
    parts: Vec<(Box<str>, Place, u32)>,
    automaton: Option<Automaton>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Start,
    End,
    Within,
}

#[derive(Clone, Debug)]
struct Automaton {
    search: AhoCorasick,
    /// By pattern: which checks it settles, and where it must stand.
    checks: Vec<Vec<(Place, u32)>>,
}

impl Field {
    pub(super) fn new(paths: Vec<FieldPath>) -> Self {
        Self { paths, ..Self::default() }
    }

    pub(super) fn paths(&self) -> &[FieldPath] {
        &self.paths
    }

    /// Gives each path its place among those of the program.
    pub(super) fn place(&mut self, known: &mut Vec<FieldPath>) {
        for path in &mut self.paths {
            let slot = known.iter().position(|other| other == path).unwrap_or_else(|| {
                known.push(path.clone());
                known.len() - 1
            });
            path.set_slot(slot);
        }
    }

    pub(super) fn is_keywords(&self) -> bool {
        self.paths.is_empty()
    }

    pub(super) fn variety(&self) -> usize {
        self.variety
    }

    pub(super) fn add(&mut self, id: u32, check: &Check) {
        match check {
            Check::Text { glob, cased } => {
                let texts = if *cased { &mut self.cased } else { &mut self.folded };
                self.variety += usize::from(texts.add(id, glob));
            }
            Check::Number { value, written } => {
                self.variety += 1;
                self.numbers.entry(*value).or_default().push(id);
                // By value and as written: `0x10` in a rule is also the text `0x10`.
                if number(written).is_none() {
                    self.cased.whole.entry(written.clone()).or_default().push(id);
                }
            }
            Check::Null => self.null.push(id),
            Check::Exists(true) => self.present.push(id),
            Check::Exists(false) => self.absent.push(id),
            _ => {}
        }
    }

    /// Builds the automata; called once after all checks were added.
    ///
    /// # Errors
    /// When they would be too large, in words.
    pub(super) fn finish(&mut self) -> Result<(), String> {
        self.folded.finish()?;
        self.cased.finish()
    }

    /// Reads every value of the field.
    pub(super) fn read(&self, record: &dyn Record, visit: &mut dyn FnMut(Value<'_>)) {
        if self.is_keywords() {
            record.read_all(visit);
        }
        for path in &self.paths {
            record.read(path, visit);
        }
    }

    /// Reads the values and calls `hold` with every scanned check that holds; a check may be
    /// named more than once.
    pub(super) fn scan(
        &self,
        record: &dyn Record,
        (buffer, memory): (&mut String, &mut Memory),
        hold: &mut dyn FnMut(u32),
    ) {
        let (mut some, mut null) = (false, true);
        for path in &self.paths {
            let (mut here, mut null_here) = (false, false);
            record.read(path, &mut |value| {
                here = true;
                null_here |= matches!(value, Value::Null);
                self.value(&value, buffer, memory, hold);
            });
            some |= here;
            null &= null_here || !here;
        }
        if self.is_keywords() {
            record.read_all(&mut |value| self.value(&value, buffer, memory, hold));
            return;
        }
        let presence = if some { &self.present } else { &self.absent };
        presence.iter().for_each(|id| hold(*id));
        if null {
            self.null.iter().for_each(|id| hold(*id));
        }
    }

    /// Whether the field is null: under each of its paths there is nothing, or a null.
    pub(super) fn is_null(&self, record: &dyn Record) -> bool {
        self.paths.iter().all(|path| {
            let (mut here, mut null_here) = (false, false);
            record.read(path, &mut |value| {
                here = true;
                null_here |= matches!(value, Value::Null);
            });
            null_here || !here
        })
    }

    fn value(
        &self,
        value: &Value<'_>,
        buffer: &mut String,
        memory: &mut Memory,
        hold: &mut dyn FnMut(u32),
    ) {
        if self.folded.is_empty() && self.cased.is_empty() && self.numbers.is_empty() {
            return;
        }
        // Whole values are found in one probe; only a search is dearer than remembering.
        let searched = self.folded.automaton.is_some() || self.cased.automaton.is_some();
        value.any_text(|text| {
            if searched {
                memory.checks(text, |hold| self.text(text, buffer, hold), hold);
            } else {
                self.text(text, buffer, hold);
            }
            // Every form of the text is to be seen.
            false
        });
    }

    fn text(&self, text: &str, buffer: &mut String, hold: &mut dyn FnMut(u32)) {
        if !self.numbers.is_empty()
            && let Some(number) = number(text)
            && let Some(ids) = self.numbers.get(&number)
        {
            ids.iter().for_each(|id| hold(*id));
        }
        if !self.cased.is_empty() {
            self.cased.scan(text, hold);
        }
        if !self.folded.is_empty() {
            self.folded.scan(fold_in(text, buffer), hold);
        }
    }
}

impl Texts {
    fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.any.is_empty() && self.automaton.is_none()
    }

    /// Whether it is a whole value.
    fn add(&mut self, id: u32, glob: &Glob) -> bool {
        let (text, place) = match glob {
            Glob::Exact(text) => {
                self.whole.entry(text.as_str().into()).or_default().push(id);
                return true;
            }
            Glob::Contains(text) => (text, Place::Within),
            Glob::Prefix(text) => (text, Place::Start),
            Glob::Suffix(text) => (text, Place::End),
            Glob::Any => {
                self.any.push(id);
                return false;
            }
            Glob::Steps(_) => return false,
        };
        self.parts.push((text.as_str().into(), place, id));
        false
    }

    fn finish(&mut self) -> Result<(), String> {
        if self.parts.is_empty() {
            return Ok(());
        }
        let mut parts = std::mem::take(&mut self.parts);
        parts.sort_by(|a, b| a.0.cmp(&b.0));
        let (mut patterns, mut checks) = (Vec::<Box<str>>::new(), Vec::<Vec<(Place, u32)>>::new());
        for (text, place, id) in parts {
            match (patterns.last(), checks.last_mut()) {
                (Some(last), Some(ids)) if *last == text => ids.push((place, id)),
                _ => {
                    patterns.push(text);
                    checks.push(vec![(place, id)]);
                }
            }
        }
        let bytes: usize = patterns.iter().map(|pattern| pattern.len()).sum();
        let search = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind((bytes <= TABLE_BYTES_MAX).then_some(AhoCorasickKind::DFA))
            .build(patterns.iter().map(|pattern| pattern.as_bytes()))
            .map_err(|error| format!("the texts sought in one field are too many: {error}"))?;
        self.automaton = Some(Automaton { search, checks });
        Ok(())
    }

    fn scan(&self, text: &str, hold: &mut dyn FnMut(u32)) {
        if let Some(ids) = self.whole.get(text) {
            ids.iter().for_each(|id| hold(*id));
        }
        self.any.iter().for_each(|id| hold(*id));
        let Some(automaton) = &self.automaton else { return };
        for found in automaton.search.find_overlapping_iter(text) {
            let checks = automaton.checks.get(found.pattern().as_usize());
            for (place, id) in checks.into_iter().flatten() {
                let stands = match place {
                    Place::Within => true,
                    Place::Start => found.start() == 0,
                    Place::End => found.end() == text.len(),
                };
                if stands {
                    hold(*id);
                }
            }
        }
    }
}
