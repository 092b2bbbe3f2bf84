//! Observes records for one thread: reads each once, and fills cells.
//! Cells are joined in `observations.rs` and judged in `state.rs`.

use std::net::IpAddr;
use std::sync::Arc;

use yagura_content::format::{BehaviorKind, MeasureKind};
use yagura_content::glob;
use yagura_model::alert::Witness;
use yagura_model::event::Record;
use yagura_model::source::Table;

use super::compile::{Behaviors, Compiled, Program};
use super::condition::Memory;
use super::hash::{self, ByHash};
use super::network::Network;
use super::observations::{Cell, Observations, TALLY_EXACT_MAX, Tally};
use super::reading::{Addresses, Forms, Known, Reader};
use super::state::cell_key;
use crate::witness::{Names, Slots, walk};

/// Slots of what a thread has observed lately; a power of two.
const LATELY: usize = 1 << 14;
/// Slots of values that a thread has met with; a power of two.
const MET: usize = 1 << 15;

/// One thread's view of records. What it has observed is taken with [`Observer::take`].
#[derive(Debug)]
pub struct Observer {
    behaviors: Arc<Behaviors>,
    memories: Vec<Memory>,
    /// The behaviours that the record in hand counts for.
    numbers: Vec<u16>,
    addresses: Addresses,
    forms: Forms,
    names: Names,
    /// Cells that were filled lately, and with which time: of the same value of the same entity
    /// in the same bucket nothing new is to be learned from a later record.
    lately: Vec<(u64, i64)>,
    met: Met,
    /// Shared by all cells that need no name.
    nameless: Arc<str>,
    known: Vec<Known>,
    /// By distinct value and behaviour: whether it counts.
    counting: ByHash<bool>,
    /// The last time that was read, as it was written, and in microseconds.
    clock: (String, i64),
    observations: Observations,
}

/// Values of entities that a thread has met with, and in which buckets of time: the last ones that
/// came to each place.
#[derive(Debug, Default)]
struct Met(Vec<MetValue>);

#[derive(Clone, Copy, Debug, Default)]
struct MetValue {
    /// The stand-in of behaviour, entity and value.
    key: u64,
    /// The first bucket.
    first_us: i64,
    /// The last bucket, from where no gap is longer than the half-life back to the first.
    last_us: i64,
}

/// A record while it is observed.
struct Seen<'a, 'r> {
    record: Record<'a>,
    program: &'r Program,
    time_us: i64,
    witness: Option<Arc<Witness>>,
    name: Option<u64>,
    names: Names,
    /// How long the last bucket is that was asked for, and when it begins.
    bucket: (i64, i64),
}

impl Observer {
    /// A view of a thread's own.
    pub fn new(behaviors: Arc<Behaviors>) -> Self {
        let memories =
            behaviors.programs.iter().map(|program| program.conditions.memory()).collect();
        Self {
            behaviors,
            memories,
            numbers: Vec::new(),
            addresses: Addresses::default(),
            forms: Forms::default(),
            names: Names::default(),
            lately: vec![(0, 0); LATELY],
            met: Met::default(),
            nameless: Arc::from(""),
            known: Vec::new(),
            counting: ByHash::default(),
            clock: (String::new(), 0),
            observations: Observations::default(),
        }
    }

    /// Observes a record of a table. `lookup` is asked once for each address whose network
    /// matters; its answers are remembered by this observer.
    pub fn observe(
        &mut self,
        table: &Table,
        record: Record<'_>,
        lookup: &dyn Fn(IpAddr) -> Option<Network>,
    ) {
        let behaviors = Arc::clone(&self.behaviors);
        let Some((at, program)) = behaviors.program(&table.source) else { return };
        let mut slots = Vec::new();
        walk(&program.trie, record, &mut slots);
        self.observe_walked(&behaviors, at, (record, &slots), None, lookup);
    }

    /// The same where somebody has walked over the record for several, and may have put together
    /// already how alerts show it. The behaviours are this observer's own, the program is that of
    /// the record's source, and the slots begin with those of [`Behaviors::trie`].
    pub(crate) fn observe_walked(
        &mut self,
        behaviors: &Behaviors,
        at: usize,
        (record, slots): (Record<'_>, Slots<'_, '_>),
        witness: Option<Arc<Witness>>,
        lookup: &dyn Fn(IpAddr) -> Option<Network>,
    ) {
        let Some(program) = behaviors.programs.get(at) else { return };
        let Some(time_us) = self.time(program, record, slots) else { return };
        self.observations.records += 1;
        self.observations.newest_us = self.observations.newest_us.max(Some(time_us));
        if let Some(links) = &program.links
            && let Some(link) = links.read(record, slots, time_us)
        {
            self.observations.links.push(link);
        }
        let Some(memory) = self.memories.get_mut(at) else { return };
        let mut numbers = std::mem::take(&mut self.numbers);
        numbers.clear();
        program.conditions.of(record, slots, memory, &mut numbers);
        if !numbers.is_empty() {
            let seen = (record, time_us, witness);
            self.count_all(behaviors, program, seen, slots, &numbers, lookup);
        }
        self.numbers = numbers;
    }

    /// Fills the cells of the behaviours that a record counts for.
    fn count_all<'a>(
        &mut self,
        behaviors: &Behaviors,
        program: &Program,
        (record, time_us, witness): (Record<'a>, i64, Option<Arc<Witness>>),
        slots: Slots<'_, 'a>,
        numbers: &[u16],
        lookup: &dyn Fn(IpAddr) -> Option<Network>,
    ) {
        self.known.clear();
        self.known.resize(program.readings.list.len(), Known::Unread);
        let names = std::mem::take(&mut self.names);
        let mut seen =
            Seen { record, program, time_us, witness, name: None, names, bucket: (0, 0) };
        let mut addresses = std::mem::take(&mut self.addresses);
        let mut forms = std::mem::take(&mut self.forms);
        let mut reader =
            Reader { record, slots, addresses: &mut addresses, forms: &mut forms, lookup };
        for number in numbers {
            if let Some(compiled) = behaviors.list.get(usize::from(*number)) {
                self.count(*number, compiled, program, &mut reader, &mut seen);
            }
        }
        self.addresses = addresses;
        self.forms = forms;
        self.names = seen.names;
    }

    /// How many cells and links wait to be taken.
    pub fn gathered(&self) -> usize {
        self.observations.cells.len() + self.observations.links.len()
    }

    /// What was observed since the last time.
    pub fn take(&mut self) -> Observations {
        // The next time there will be about as much.
        let room = self.observations.cells.len();
        let cells = ByHash::with_capacity_and_hasher(room, Default::default());
        std::mem::replace(&mut self.observations, Observations { cells, ..Observations::default() })
    }

    /// Times repeat, and reading one is dear.
    fn time(&mut self, program: &Program, record: Record<'_>, slots: Slots<'_, '_>) -> Option<i64> {
        let rule = &program.table.shared.time;
        let plain = program.time.and_then(|slot| slots.get(slot).copied().flatten());
        let Some(text) = plain.map(|value| value.source()) else { return rule.micros(record) };
        if text == self.clock.0 && !text.is_empty() {
            return Some(self.clock.1);
        }
        let time_us = rule.micros(record)?;
        self.clock.0.clear();
        self.clock.0.push_str(text);
        self.clock.1 = time_us;
        Some(time_us)
    }

    /// The stand-in of a reading, read once per record.
    fn read(&mut self, at: usize, program: &Program, reader: &mut Reader<'_, '_>) -> Option<u64> {
        match self.known.get(at) {
            Some(Known::Hash(hash)) => return Some(*hash),
            Some(Known::Absent) | None => return None,
            Some(Known::Unread) => {}
        }
        let read = program.readings.list.get(at)?.hash(reader);
        if let Some(place) = self.known.get_mut(at) {
            *place = read.map_or(Known::Absent, Known::Hash);
        }
        read
    }

    fn count(
        &mut self,
        number: u16,
        compiled: &Compiled,
        program: &Program,
        reader: &mut Reader<'_, '_>,
        seen: &mut Seen<'_, '_>,
    ) -> Option<()> {
        let entity = self.read(compiled.entity, program, reader)?;
        let group = match compiled.peers {
            Some(peers) => self.read(peers, program, reader)?,
            None => 0,
        };
        let value = match compiled.value {
            Some(value) => self.read(value, program, reader)?,
            None => 0,
        };
        let measured = match compiled.measure {
            Some((MeasureKind::Sum, Some(at))) => program.readings.list.get(at)?.number(reader),
            Some((MeasureKind::Distinct, Some(at))) => {
                let value = self.read(at, program, reader);
                value.filter(|value| self.counts(number, compiled, at, *value, program, reader))
            }
            _ => None,
        };
        let start_us = seen.bucket_start(compiled.behavior.bucket.micros());
        let key = cell_key(number, start_us, entity, group, value);
        let tallied = compiled.counts || compiled.measure.is_some();
        // Of a place it matters until when somebody was there.
        let only_first = !tallied && compiled.behavior.kind != BehaviorKind::ImpossibleTravel;
        // Of a record without the measure it matters only that there was one.
        let is_idle = measured.is_none() && !compiled.counts && compiled.measure.is_some();
        if (only_first || is_idle) && self.was_lately(key, seen.time_us) {
            return None;
        }
        let name = if compiled.counts { seen.name(program, reader) } else { 0 };
        if let Some(cell) = self.observations.cells.get_mut(&key) {
            cell.see(seen, reader, is_idle);
            if let Some(tally) = &mut cell.tally {
                tally.add(compiled, name, measured);
            }
            return Some(());
        }
        // Of a value that is known from an earlier bucket nothing will be told.
        let is_known = only_first && {
            let key = hash::mix(hash::mix(u64::from(number), entity), value);
            self.met.was_before(key, start_us, compiled.behavior.half_life.micros())
        };
        let mut text = |at: usize, seen: &mut Seen<'_, '_>| -> Arc<str> {
            let reading = program.readings.list.get(at);
            let text = reading.and_then(|reading| reading.text(reader));
            seen.names.share(&text.unwrap_or_default())
        };
        let nameless = || Arc::clone(&self.nameless);
        let mut cell = Cell {
            behavior: number,
            entity,
            group,
            value,
            start_us,
            entity_name: if is_known { nameless() } else { text(compiled.entity, seen) },
            value_name: match compiled.value.filter(|_| !is_known) {
                Some(at) => text(at, seen),
                None => nameless(),
            },
            idle: is_idle,
            first: (!is_known).then(|| seen.witness(reader)),
            last_us: seen.time_us,
            tally: tallied.then(Box::default),
        };
        if let Some(tally) = &mut cell.tally {
            tally.add(compiled, name, measured);
        }
        self.observations.cells.insert(key, Box::new(cell));
        Some(())
    }

    /// Whether a distinct value is one of those that count; remembered for each value.
    fn counts(
        &mut self,
        number: u16,
        compiled: &Compiled,
        at: usize,
        value: u64,
        program: &Program,
        reader: &mut Reader<'_, '_>,
    ) -> bool {
        let matching = compiled.behavior.measure.as_ref().map(|measure| &measure.matching);
        let Some(matching) = matching.filter(|matching| !matching.is_empty()) else { return true };
        let key = hash::mix(value, u64::from(number));
        if let Some(counts) = self.counting.get(&key) {
            return *counts;
        }
        let text = program.readings.list.get(at).and_then(|reading| reading.text(reader));
        let text = text.unwrap_or_default();
        let counts = matching.iter().any(|pattern| glob::matches(pattern, &text));
        if self.counting.len() >= LATELY {
            self.counting.clear();
        }
        self.counting.insert(key, counts);
        counts
    }

    /// Whether the cell was filled lately with an earlier record: the first one counts.
    fn was_lately(&mut self, key: u64, time_us: i64) -> bool {
        let at = usize::try_from(key % LATELY as u64).unwrap_or(0);
        let Some(place) = self.lately.get_mut(at) else { return false };
        if place.0 == key && time_us > place.1 {
            return true;
        }
        if place.0 != key || time_us < place.1 {
            *place = (key, time_us);
        }
        false
    }
}

impl Met {
    /// Whether the value was met with in an earlier bucket, no longer than a half-life before the
    /// next: a baseline that learned that one knows it still. What was forgotten here is only
    /// shown once more.
    fn was_before(&mut self, key: u64, start_us: i64, half_life_us: i64) -> bool {
        if self.0.is_empty() {
            self.0.resize(MET, MetValue::default());
        }
        let at = usize::try_from(key % MET as u64).unwrap_or(0);
        let Some(known) = self.0.get_mut(at) else { return false };
        let in_reach = start_us <= known.last_us.saturating_add(half_life_us);
        if known.key == key && known.first_us < start_us && in_reach {
            known.last_us = known.last_us.max(start_us);
            return true;
        }
        // What came late is the first now; what lies after a gap begins anew.
        *known = MetValue { key, first_us: start_us, last_us: start_us };
        false
    }
}

impl Cell {
    /// Takes in one more record.
    fn see(&mut self, seen: &mut Seen<'_, '_>, reader: &Reader<'_, '_>, is_idle: bool) {
        self.last_us = self.last_us.max(seen.time_us);
        let Some(first) = &mut self.first else { return };
        if (is_idle, seen.time_us) <= (self.idle, first.time_us) {
            let mine = seen.witness(reader);
            if (is_idle, mine.time_us, &mine.id) < (self.idle, first.time_us, &first.id) {
                *first = mine;
                self.idle = is_idle;
            }
        }
    }
}

impl Tally {
    fn add(&mut self, compiled: &Compiled, name: u64, measured: Option<u64>) {
        if compiled.counts {
            self.records.insert(name, TALLY_EXACT_MAX);
            self.total = self.total.saturating_add(1);
        }
        let Some(measured) = measured else { return };
        match compiled.measure {
            Some((MeasureKind::Sum, _)) => self.sum = self.sum.saturating_add(measured),
            Some((MeasureKind::Distinct, _)) => {
                self.values.insert(measured, TALLY_EXACT_MAX);
            }
            _ => {}
        }
    }
}

impl Seen<'_, '_> {
    fn witness(&mut self, reader: &Reader<'_, '_>) -> Arc<Witness> {
        if let Some(made) = &self.witness {
            return Arc::clone(made);
        }
        let shown = &self.program.shown;
        let named = (self.time_us, shown.name(self.record, reader.slots));
        let made = Arc::new(shown.witness(self.record, reader.slots, named, &mut self.names));
        self.witness = Some(Arc::clone(&made));
        made
    }

    /// When the record's bucket of a length begins. Most behaviours have buckets of one length.
    fn bucket_start(&mut self, length_us: i64) -> i64 {
        if self.bucket.0 != length_us {
            let into_us = self.time_us.rem_euclid(length_us);
            self.bucket = (length_us, self.time_us.saturating_sub(into_us));
        }
        self.bucket.1
    }

    /// A stand-in for the record's name.
    fn name(&mut self, program: &Program, reader: &Reader<'_, '_>) -> u64 {
        *self.name.get_or_insert_with(|| {
            let value = |slot: &usize| reader.slots.get(*slot).copied().flatten();
            let texts = program.identity.iter().map(|slot| value(slot).map(|v| v.source()));
            match program.identity.first().and_then(value) {
                Some(_) => texts.fold(1, |key, text| {
                    hash::mix(key, hash::of(text.unwrap_or_default().as_bytes()))
                }),
                None => {
                    let object = hash::of(self.record.origin().object.as_bytes());
                    hash::mix(object, self.record.ordinal())
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_known_from_an_earlier_bucket_within_reach() {
        let mut met = Met::default();
        for (start_us, known, why) in [
            (100, false, "the first"),
            (100, false, "no earlier bucket"),
            (200, true, "after 100"),
            (150, true, "between"),
            (50, false, "before the first, which is now this one"),
            (100, true, "after 50"),
            (1_101, false, "more than a half-life after 100"),
            (2_100, true, "after 1,101"),
        ] {
            assert_eq!(met.was_before(7, start_us, 1_000), known, "{start_us}: {why}");
        }
        assert!(!met.was_before(7 + MET as u64, 2_200, 1_000), "another value takes the place");
        assert!(!met.was_before(7, 2_300, 1_000), "pushed out, and shown once more");
    }
}
