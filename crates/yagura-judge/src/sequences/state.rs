//! Keeps signals and links for as long as a story may need them, and tells stories as they form
//! and grow. What makes a story is `story.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use yagura_content::format::LinkedBy;
use yagura_model::alert::{Entity, EntityKind, Signal, SignalKind};

use super::compile::Sequences;
use super::keys::keys;
use super::people::People;
use super::story::{Kept, Story, stories};
use crate::behaviors::Link;

/// The version of saved state.
const VERSION: u32 = 1;
/// Signals of one content in one hour that are kept of one entity: the first by time.
const SAME_MAX: usize = 3;
/// An hour, in microseconds.
const HOUR_US: i64 = 3_600_000_000;

/// How much is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Signals of all entities; beyond, the oldest hours are forgotten.
    pub signals_max: usize,
    /// Links between actors; beyond, the older half is forgotten.
    pub links_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { signals_max: 200_000, links_max: 200_000 }
    }
}

/// What was taken and what was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Signals that may be a step of something.
    pub taken: u64,
    /// Links between actors.
    pub links: u64,
    /// Kept signals that were forgotten before their time.
    pub forgotten: u64,
    /// Stories told; one that grows counts each time.
    pub told: u64,
}

/// Signals by what they have in common, and who became whom.
#[derive(Clone, Debug)]
pub struct State {
    sequences: Arc<Sequences>,
    options: Options,
    counters: Counters,
    groups: BTreeMap<Key, Group>,
    kept: usize,
    people: People,
    changed: BTreeSet<Key>,
    told: BTreeMap<(Arc<str>, Key, i64), u64>,
}

type Key = (Sort, Arc<str>);

/// [`LinkedBy`] as it is saved: names are promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Sort {
    Actor,
    Instance,
    Bucket,
    Resource,
    Account,
}

/// Signals of one entity, by content and hour.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Group(BTreeMap<(i64, Arc<str>), Vec<Kept>>);

/// State as it is kept between runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    version: u32,
    counters: Counters,
    groups: Vec<SavedGroup>,
    people: People,
    told: Vec<SavedStory>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SavedGroup {
    sort: Sort,
    entity: Arc<str>,
    kept: Vec<Kept>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SavedStory {
    sequence: Arc<str>,
    sort: Sort,
    entity: Arc<str>,
    first_us: i64,
    version: u64,
}

/// Why saved state cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SavedError {
    /// It is of a later version of Yagura.
    #[error("the saved sequences are of version {0}, this program knows versions up to {VERSION}")]
    Version(u32),
}

impl State {
    /// Without any signal.
    pub fn new(sequences: Arc<Sequences>, options: Options) -> Self {
        Self {
            sequences,
            options,
            counters: Counters::default(),
            groups: BTreeMap::new(),
            kept: 0,
            people: People::default(),
            changed: BTreeSet::new(),
            told: BTreeMap::new(),
        }
    }

    /// With what an earlier run kept. Signals of contents that mean nothing now are dropped.
    ///
    /// # Errors
    /// When it was saved by a later version.
    pub fn restore(
        sequences: Arc<Sequences>,
        options: Options,
        saved: Saved,
    ) -> Result<Self, SavedError> {
        if saved.version > VERSION {
            return Err(SavedError::Version(saved.version));
        }
        let mut state = Self::new(sequences, options);
        for group in saved.groups {
            let key = (group.sort, group.entity);
            for kept in group.kept {
                if state.sequences.meanings.contains_key(&kept.content) {
                    state.keep(key.clone(), kept);
                }
            }
        }
        state.counters = saved.counters;
        state.people = saved.people;
        state.told = saved
            .told
            .into_iter()
            .map(|story| {
                ((story.sequence, (story.sort, story.entity), story.first_us), story.version)
            })
            .collect();
        Ok(state)
    }

    /// What another run needs.
    pub fn save(&self) -> Saved {
        let groups = self.groups.iter().map(|((sort, entity), group)| SavedGroup {
            sort: *sort,
            entity: Arc::clone(entity),
            kept: group.0.values().flatten().cloned().collect(),
        });
        let told =
            self.told.iter().map(|((sequence, (sort, entity), first_us), version)| SavedStory {
                sequence: Arc::clone(sequence),
                sort: *sort,
                entity: Arc::clone(entity),
                first_us: *first_us,
                version: *version,
            });
        Saved {
            version: VERSION,
            counters: self.counters,
            groups: groups.collect(),
            people: self.people.clone(),
            told: told.collect(),
        }
    }

    /// What was taken and what was forgotten.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Signals and links that are kept.
    pub fn size(&self) -> (usize, usize) {
        (self.kept, self.people.len())
    }

    /// Takes in a signal, weak ones too. What it is no step of is not kept; a repeat changes
    /// nothing.
    pub fn take(&mut self, signal: &Signal) {
        if signal.kind == SignalKind::Sequence {
            return;
        }
        let sequences = Arc::clone(&self.sequences);
        let Some(meaning) = sequences.meanings.get(&signal.content) else { return };
        self.counters.taken += 1;
        let mut witness = None;
        for by in &meaning.links {
            for name in keys(signal, *by) {
                let witness = witness.get_or_insert_with(|| Arc::new(signal.witness.clone()));
                let kept = Kept {
                    time_us: signal.time_us,
                    content: Arc::clone(&signal.content),
                    weak: signal.weak,
                    witness: Arc::clone(witness),
                };
                self.keep((Sort::of(*by), name), kept);
            }
        }
        self.bound();
    }

    /// Takes in who became whom.
    pub fn link(&mut self, links: impl IntoIterator<Item = Link>) {
        for link in links {
            self.counters.links += 1;
            for name in [&link.from, &link.to] {
                let key = (Sort::Actor, Arc::clone(name));
                if self.groups.contains_key(&key) {
                    self.changed.insert(key);
                }
            }
            self.people.link(link);
        }
        if self.people.len() > self.options.links_max {
            let median_us = self.people.median_us();
            self.people.forget(median_us.saturating_add(1));
        }
    }

    /// The stories that have formed or grown since the last time, as signals. What is too old to
    /// belong to anything that happens after `until_us` is forgotten; `i64::MIN` forgets nothing.
    pub fn drain(&mut self, until_us: i64) -> Vec<Signal> {
        let mut signals = Vec::new();
        let changed = std::mem::take(&mut self.changed);
        let roots: BTreeSet<Key> = changed
            .into_iter()
            .map(|(sort, name)| match sort {
                Sort::Actor => (sort, self.people.root(&name)),
                _ => (sort, name),
            })
            .collect();
        for key in roots {
            self.tell(&key, &mut signals);
        }
        self.forget(until_us);
        signals
    }

    fn keep(&mut self, key: Key, kept: Kept) {
        let hour = kept.time_us.div_euclid(HOUR_US);
        let group = self.groups.entry(key.clone()).or_default();
        let same = group.0.entry((hour, Arc::clone(&kept.content))).or_default();
        let Err(at) = same.binary_search(&kept) else { return };
        // A correlation may name its last event again and again: one record is one step.
        if at >= SAME_MAX || same.iter().any(|known| known.witness.id == kept.witness.id) {
            return;
        }
        same.insert(at, kept);
        self.kept += 1;
        if same.len() > SAME_MAX {
            same.pop();
            self.kept -= 1;
        }
        self.changed.insert(key);
    }

    fn tell(&mut self, key: &Key, signals: &mut Vec<Signal>) {
        let names = match key.0 {
            Sort::Actor => self.people.family(&key.1),
            _ => vec![Arc::clone(&key.1)],
        };
        let groups = names.iter().filter_map(|name| self.groups.get(&(key.0, Arc::clone(name))));
        let mut kept: Vec<&Kept> = groups.flat_map(|group| group.0.values().flatten()).collect();
        kept.sort();
        let sequences = Arc::clone(&self.sequences);
        let mut found: Vec<(usize, Vec<Story<'_>>)> = Vec::new();
        for (at, compiled) in sequences.list.iter().enumerate() {
            if Sort::of(compiled.sequence.by) == key.0 {
                found.push((at, stories(at, compiled, &sequences.meanings, &kept)));
            }
        }
        let told: BTreeSet<&str> = found
            .iter()
            .filter(|(_, stories)| !stories.is_empty())
            .filter_map(|(at, _)| sequences.list.get(*at))
            .map(|compiled| compiled.sequence.id.as_str())
            .collect();
        for (at, stories) in &found {
            let Some(compiled) = sequences.list.get(*at) else { continue };
            if compiled.sequence.unless.iter().any(|better| told.contains(better.as_str())) {
                continue;
            }
            for story in stories {
                let name = (Arc::clone(&compiled.about.content), key.clone(), story.first_us());
                let version = story.version();
                if self.told.insert(name, version) == Some(version) {
                    continue;
                }
                self.counters.told += 1;
                let entity = Entity { kind: key.0.entity(), id: Arc::clone(&key.1) };
                signals.extend(story.signal(compiled, &sequences.meanings, entity));
            }
        }
    }

    /// Forgets what lies further back than the longest story.
    fn forget(&mut self, until_us: i64) {
        let spans = self.sequences.list.iter().map(|known| known.sequence.within.micros());
        let Some(longest_us) = spans.max() else { return };
        let before_us = until_us.saturating_sub(longest_us.saturating_mul(2));
        if before_us == i64::MIN {
            return;
        }
        self.cut(before_us.div_euclid(HOUR_US));
        self.people.forget(before_us);
        self.told.retain(|(_, _, first_us), _| *first_us >= before_us);
    }

    /// Forgets the oldest hours until there is room.
    fn bound(&mut self) {
        if self.kept <= self.options.signals_max {
            return;
        }
        let mut hours: Vec<i64> =
            self.groups.values().flat_map(|group| group.0.keys().map(|(hour, _)| *hour)).collect();
        hours.sort_unstable();
        // A tenth at once, so that not every signal has to look for the oldest.
        let hour = hours.get(hours.len() / 10).copied().unwrap_or(i64::MAX);
        let before = self.kept;
        self.cut(hour.saturating_add(1));
        self.counters.forgotten += (before - self.kept) as u64;
        self.told.retain(|(_, _, first_us), _| first_us.div_euclid(HOUR_US) > hour);
    }

    fn cut(&mut self, hour: i64) {
        let mut kept = 0;
        self.groups.retain(|_, group| {
            group.0.retain(|(own, _), same| {
                let stays = *own >= hour;
                kept += if stays { same.len() } else { 0 };
                stays
            });
            !group.0.is_empty()
        });
        self.kept = kept;
    }
}

impl Sort {
    fn of(by: LinkedBy) -> Self {
        match by {
            LinkedBy::Actor => Self::Actor,
            LinkedBy::Instance => Self::Instance,
            LinkedBy::Bucket => Self::Bucket,
            LinkedBy::Resource => Self::Resource,
            LinkedBy::Account => Self::Account,
        }
    }

    fn entity(self) -> EntityKind {
        match self {
            Self::Actor => EntityKind::Actor,
            Self::Instance => EntityKind::Instance,
            Self::Bucket | Self::Resource => EntityKind::Resource,
            Self::Account => EntityKind::Account,
        }
    }
}
