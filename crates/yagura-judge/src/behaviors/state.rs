//! Folds observations into baselines: buckets of time are judged in their order once they are
//! over, and then learned. What is judged is in `values.rs`, `volume.rs` and `travel.rs`.
//!
//! The result depends on what is in a bucket and not on how it came: cells join commutatively.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use yagura_content::format::{Behavior, BehaviorKind};
use yagura_model::alert::{Contrast, Entity, Matched, Signal, SignalKind, WITNESSES_MAX, Witness};

use super::compile::{Behaviors, Compiled};
use super::hash::{self, ByHash};
use super::observations::{Cell, Observations, add};
use super::travel::Travels;
use super::values::Values;
use super::volume::Levels;

/// The version of saved state.
const VERSION: u32 = 2;
/// A day, in microseconds.
const DAY_US: i64 = 86_400_000_000;
/// Days for which budgets are kept: a late bucket is of one of them.
const BUDGET_DAYS: i64 = 8;

/// How much is kept, and for how long records are waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How long after a bucket's end, in event time, it is judged, in microseconds. Over files
    /// alone, in whatever order, `i64::MAX`: everything is judged at the end.
    pub lateness_us: i64,
    /// Cells that are open; beyond, the earliest bucket is judged before its time.
    pub cells_max: usize,
    /// Entities of one behaviour; beyond, those seen longest ago are forgotten.
    pub entities_max: usize,
    /// Values of one entity; beyond, that one is new means nothing of it.
    pub values_max: usize,
    /// Values of groups of peers of one behaviour.
    pub peers_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            lateness_us: 1_800_000_000,
            cells_max: 160_000,
            entities_max: 20_000,
            values_max: 512,
            peers_max: 100_000,
        }
    }
}

/// What could not be taken as it should, and how much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Records that were observed.
    pub records: u64,
    /// Buckets' cells that were judged.
    pub judged: u64,
    /// Cells that came after their bucket had been judged, and were left out.
    pub late: u64,
    /// Cells that were judged before their time, because too many were open.
    pub hurried: u64,
    /// Signals that a budget kept back.
    pub over_budget: u64,
    /// Signals of times before which everything is learned and nothing told.
    pub learned_quietly: u64,
}

/// Baselines of all behaviours, and the buckets that are not over yet.
#[derive(Clone, Debug)]
pub struct State {
    behaviors: Arc<Behaviors>,
    options: Options,
    counters: Counters,
    newest_us: i64,
    done_us: i64,
    quiet_until_us: i64,
    /// By the end of their bucket.
    open: BTreeMap<i64, ByHash<Box<Cell>>>,
    open_cells: usize,
    /// By the behaviour's number.
    baselines: Vec<Baseline>,
    raised: Vec<Signal>,
}

/// One behaviour's baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Baseline {
    fingerprint: u64,
    history: History,
    /// Signals by day.
    days: BTreeMap<i64, Day>,
}

/// What is learned, by kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum History {
    Values(Values),
    Levels(Levels),
    Travels(Travels),
}

/// Signals of one day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Day {
    total: u32,
    entities: BTreeMap<u64, u32>,
}

/// Something worth a signal, if the budget has room.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) score: f64,
    pub(super) entity: u64,
    pub(super) entity_name: Arc<str>,
    pub(super) first: Arc<Witness>,
    pub(super) more: Vec<Arc<Witness>>,
    pub(super) matched: Vec<Matched>,
    pub(super) contrast: Contrast,
    pub(super) events_total: u64,
}

/// State as it is kept between runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    version: u32,
    counters: Counters,
    newest_us: i64,
    done_us: i64,
    quiet_until_us: i64,
    /// By the behaviour's id.
    baselines: BTreeMap<String, Baseline>,
    /// By the behaviour's id.
    open: BTreeMap<String, Vec<Cell>>,
}

/// What is written of a state that stays where it is. INVARIANT: the same text as [`Saved`]'s.
#[derive(Serialize)]
pub struct SavedText<'a> {
    version: u32,
    counters: Counters,
    newest_us: i64,
    done_us: i64,
    quiet_until_us: i64,
    baselines: BTreeMap<&'a str, &'a Baseline>,
    open: BTreeMap<&'a str, Vec<&'a Cell>>,
}

/// Why saved state cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SavedError {
    /// It is of a later version of Yagura.
    #[error("the saved baselines are of version {0}, this program knows versions up to {VERSION}")]
    Version(u32),
}

impl Baseline {
    fn new(compiled: &Compiled) -> Self {
        let history = match compiled.behavior.kind {
            BehaviorKind::FirstSeen | BehaviorKind::RareForPeers => {
                History::Values(Values::default())
            }
            BehaviorKind::Volume => History::Levels(Levels::default()),
            BehaviorKind::ImpossibleTravel => History::Travels(Travels::default()),
        };
        Self { fingerprint: compiled.fingerprint, history, days: BTreeMap::new() }
    }

    /// What is worth a signal, with the place among the behaviours that share the baseline.
    fn judge(
        &mut self,
        twins: &[&Behavior],
        cells: &[Cell],
        options: &Options,
    ) -> Vec<(usize, Candidate)> {
        let Some(behavior) = twins.first() else { return Vec::new() };
        let alone = |candidates: Vec<Candidate>| {
            candidates.into_iter().map(|candidate| (0, candidate)).collect()
        };
        match &mut self.history {
            History::Values(values) => values.judge(twins, cells, options),
            History::Levels(levels) => alone(levels.judge(behavior, cells, options)),
            History::Travels(travels) => alone(travels.judge(behavior, cells, options)),
        }
    }

    /// The best that the day's budgets have room for.
    fn within_budget(
        &mut self,
        compiled: &Compiled,
        start_us: i64,
        mut candidates: Vec<Candidate>,
    ) -> Vec<Candidate> {
        candidates
            .sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.entity.cmp(&b.entity)));
        let day = start_us.div_euclid(DAY_US);
        let oldest = self.days.keys().next_back().copied().unwrap_or(day).max(day) - BUDGET_DAYS;
        self.days.retain(|known, _| *known >= oldest);
        let spent = self.days.entry(day).or_default();
        candidates.retain(|candidate| {
            let entity = spent.entities.entry(candidate.entity).or_default();
            let room =
                spent.total < compiled.behavior.budget_total && *entity < compiled.behavior.budget;
            if room {
                spent.total += 1;
                *entity += 1;
            }
            room
        });
        candidates
    }
}

impl State {
    /// Without any baseline.
    pub fn new(behaviors: Arc<Behaviors>, options: Options) -> Self {
        let baselines = behaviors.list.iter().map(Baseline::new).collect();
        Self {
            behaviors,
            options,
            counters: Counters::default(),
            newest_us: i64::MIN,
            done_us: i64::MIN,
            quiet_until_us: i64::MIN,
            open: BTreeMap::new(),
            open_cells: 0,
            baselines,
            raised: Vec::new(),
        }
    }

    /// With the baselines of an earlier run. Those of behaviours that are no longer there are
    /// dropped, and those of behaviours that observe something else now begin anew.
    ///
    /// # Errors
    /// When they were saved by a later version.
    pub fn restore(
        behaviors: Arc<Behaviors>,
        options: Options,
        mut saved: Saved,
    ) -> Result<Self, SavedError> {
        if saved.version > VERSION {
            return Err(SavedError::Version(saved.version));
        }
        let mut state = Self::new(behaviors, options);
        state.counters = saved.counters;
        state.newest_us = saved.newest_us;
        state.done_us = saved.done_us;
        state.quiet_until_us = saved.quiet_until_us;
        let behaviors = Arc::clone(&state.behaviors);
        for (number, compiled) in behaviors.list.iter().enumerate() {
            let id = compiled.behavior.id.as_str();
            let known = saved.baselines.remove(id);
            let Some(known) = known.filter(|known| known.fingerprint == compiled.fingerprint)
            else {
                continue;
            };
            if let Some(baseline) = state.baselines.get_mut(number) {
                *baseline = known;
            }
            let Ok(number) = u16::try_from(number) else { continue };
            for mut cell in saved.open.remove(id).unwrap_or_default() {
                cell.behavior = number;
                let key = cell_key(number, cell.start_us, cell.entity, cell.group, cell.value);
                state.open(key, Box::new(cell), compiled);
            }
        }
        Ok(state)
    }

    /// What another run needs. Signals that were not drained are not in it.
    pub fn save(&self) -> Saved {
        let text = self.text();
        let baselines = text.baselines.into_iter();
        let open = text.open.into_iter();
        Saved {
            version: text.version,
            counters: text.counters,
            newest_us: text.newest_us,
            done_us: text.done_us,
            quiet_until_us: text.quiet_until_us,
            baselines: baselines.map(|(id, known)| (id.to_owned(), known.clone())).collect(),
            open: open
                .map(|(id, cells)| (id.to_owned(), cells.into_iter().cloned().collect()))
                .collect(),
        }
    }

    /// The same without copying it, to be written.
    pub fn text(&self) -> SavedText<'_> {
        let id = |number: usize| self.behaviors.list.get(number).map(|c| c.behavior.id.as_str());
        let baselines = self.baselines.iter().enumerate();
        let mut open: BTreeMap<&str, Vec<&Cell>> = BTreeMap::new();
        for cell in self.open.values().flat_map(ByHash::values) {
            if let Some(id) = id(usize::from(cell.behavior)) {
                open.entry(id).or_default().push(cell);
            }
        }
        for cells in open.values_mut() {
            cells.sort_by_key(|cell| (cell.start_us, cell.entity, cell.group, cell.value));
        }
        SavedText {
            version: VERSION,
            counters: self.counters,
            newest_us: self.newest_us,
            done_us: self.done_us,
            quiet_until_us: self.quiet_until_us,
            baselines: baselines
                .filter_map(|(number, baseline)| Some((id(number)?, baseline)))
                .collect(),
            open,
        }
    }

    /// What could not be taken as it should.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Cells that are open.
    pub fn open_cells(&self) -> usize {
        self.open_cells
    }

    /// Learns from everything before this time, in microseconds since 1970, and tells nothing of
    /// it: so that history fed in first makes day one a day like any other.
    pub fn learn_until(&mut self, us: i64) {
        self.quiet_until_us = us;
    }

    /// From now on waits so long after a bucket's end, in microseconds of event time.
    pub fn set_lateness(&mut self, lateness_us: i64) {
        self.options.lateness_us = lateness_us;
    }

    /// Takes in what was observed.
    pub fn fold(&mut self, observations: Observations) {
        self.counters.records += observations.records;
        if let Some(newest_us) = observations.newest_us {
            self.newest_us = self.newest_us.max(newest_us);
        }
        let behaviors = Arc::clone(&self.behaviors);
        for (key, cell) in observations.cells {
            let Some(compiled) = behaviors.list.get(usize::from(cell.behavior)) else { continue };
            let end_us = cell.start_us.saturating_add(compiled.behavior.bucket.micros());
            // A value seen late is still seen; an amount that comes in parts is none.
            let in_parts = matches!(
                compiled.behavior.kind,
                BehaviorKind::Volume | BehaviorKind::ImpossibleTravel
            );
            if in_parts && end_us <= self.done_us {
                self.counters.late += 1;
                continue;
            }
            self.open(key, cell, compiled);
        }
        while self.open_cells > self.options.cells_max {
            let Some(end_us) = self.open.keys().next().copied() else { break };
            let before = self.open_cells;
            self.run(end_us);
            self.counters.hurried += (before - self.open_cells) as u64;
        }
    }

    /// The signals of buckets that are over by now.
    pub fn drain(&mut self) -> Vec<Signal> {
        self.drain_until(self.newest_us.saturating_sub(self.options.lateness_us))
    }

    /// The signals of buckets that end by a time, in microseconds since 1970.
    pub fn drain_until(&mut self, time_us: i64) -> Vec<Signal> {
        self.run(time_us);
        std::mem::take(&mut self.raised)
    }

    /// The signals of all buckets: nothing more comes.
    pub fn finish(&mut self) -> Vec<Signal> {
        self.run(i64::MAX);
        std::mem::take(&mut self.raised)
    }

    fn open(&mut self, key: u64, cell: Box<Cell>, compiled: &Compiled) {
        let end_us = cell.start_us.saturating_add(compiled.behavior.bucket.micros());
        let cells = self.open.entry(end_us).or_default();
        let before = cells.len();
        add(cells, key, cell);
        self.open_cells += cells.len() - before;
    }

    /// Judges and learns the buckets that end by a time, in their order.
    fn run(&mut self, until_us: i64) {
        while let Some(end_us) = self.open.keys().next().copied() {
            if end_us > until_us {
                return;
            }
            let Some(cells) = self.open.remove(&end_us) else { return };
            self.open_cells -= cells.len();
            self.done_us = self.done_us.max(end_us);
            self.counters.judged += cells.len() as u64;
            let mut cells: Vec<Cell> = cells.into_values().map(|cell| *cell).collect();
            cells.sort_unstable_by_key(|c| (c.behavior, c.start_us, c.entity, c.group, c.value));
            let behaviors = Arc::clone(&self.behaviors);
            for cells in cells.chunk_by(|a, b| a.behavior == b.behavior) {
                self.judge(&behaviors, cells);
            }
        }
    }

    /// Judges and learns the cells of one behaviour, and of those that share its baseline.
    fn judge(&mut self, behaviors: &Behaviors, cells: &[Cell]) {
        let Some(first) = cells.first() else { return };
        let number = usize::from(first.behavior);
        let Some(compiled) = behaviors.list.get(number) else { return };
        let Some(baseline) = self.baselines.get_mut(number) else { return };
        let twins: Vec<&Compiled> = compiled
            .twins
            .iter()
            .filter_map(|twin| behaviors.list.get(usize::from(*twin)))
            .collect();
        let judged: Vec<&Behavior> = twins.iter().map(|twin| &*twin.behavior).collect();
        let mut candidates = baseline.judge(&judged, cells, &self.options);
        if first.start_us < self.quiet_until_us {
            self.counters.learned_quietly += candidates.len() as u64;
            return;
        }
        candidates.sort_by_key(|(twin, _)| *twin);
        for ((place, twin), number) in twins.iter().enumerate().zip(&compiled.twins) {
            let mine: Vec<Candidate> = candidates
                .extract_if(.., |(of, _)| *of == place)
                .map(|(_, candidate)| candidate)
                .collect();
            if mine.is_empty() {
                continue;
            }
            let before = mine.len();
            let Some(baseline) = self.baselines.get_mut(usize::from(*number)) else { continue };
            let told = baseline.within_budget(twin, first.start_us, mine);
            self.counters.over_budget += (before - told.len()) as u64;
            self.raised.extend(told.into_iter().map(|candidate| signal(twin, candidate)));
        }
    }
}

fn signal(compiled: &Compiled, candidate: Candidate) -> Signal {
    let more = candidate.more.into_iter().take(WITNESSES_MAX - 1);
    Signal {
        kind: SignalKind::Behavior,
        content: Arc::clone(&compiled.about.content),
        severity: compiled.behavior.level,
        weak: compiled.behavior.weak,
        entity: Entity { kind: compiled.behavior.entity, id: candidate.entity_name },
        time_us: candidate.first.time_us,
        witness: Witness::clone(&candidate.first),
        matched: candidate.matched,
        contrast: Some(candidate.contrast),
        more: more.map(|witness| Witness::clone(&witness)).collect(),
        more_events: Vec::new(),
        events_total: candidate.events_total,
        story: Vec::new(),
    }
}

/// The stand-in under which a cell is open.
pub(super) fn cell_key(behavior: u16, start_us: i64, entity: u64, group: u64, value: u64) -> u64 {
    #[expect(clippy::cast_sign_loss, reason = "bits are mixed, not counted")]
    let bucket = start_us as u64;
    let owner = hash::mix(hash::mix(u64::from(behavior), bucket), hash::mix(entity, group));
    hash::mix(owner, value)
}
