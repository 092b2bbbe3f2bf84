//! Behaviours made ready: for each log source one index of fields, one set of conditions.
//! Observing with them is `observer.rs`, judging `state.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use yagura_content::Content;
use yagura_content::format::{Behavior, BehaviorKind, MeasureKind, ValueForm};
use yagura_model::alert::{About, SignalKind};
use yagura_model::event::PathTrie;
use yagura_model::source::Table;

use super::condition::Conditions;
use super::hash;
use super::links::LinkSlots;
use super::reading::{Join, Readings};
use crate::witness::WitnessReader;

/// All behaviours, ready to observe and judge. Immutable: threads share one.
#[derive(Debug)]
pub struct Behaviors {
    pub(super) list: Vec<Compiled>,
    pub(super) programs: Vec<Program>,
}

/// One behaviour.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) behavior: Arc<Behavior>,
    pub(super) about: About,
    /// What the saved baseline depends on: where it changed, the baseline begins anew.
    pub(super) fingerprint: u64,
    pub(super) entity: usize,
    pub(super) peers: Option<usize>,
    pub(super) value: Option<usize>,
    pub(super) measure: Option<(MeasureKind, Option<usize>)>,
    /// Whether records are counted, which takes their names.
    pub(super) counts: bool,
    /// Behaviours that are judged by this one's baseline, itself first; none of one that is
    /// judged by another's.
    pub(super) twins: Vec<u16>,
}

/// What is read of one source's records.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) table: Table,
    pub(super) trie: PathTrie,
    pub(super) readings: Readings,
    pub(super) conditions: Conditions,
    /// Slots of the fields that name a record.
    pub(super) identity: Vec<usize>,
    /// The slot in which the time is written, where it is one plain field.
    pub(super) time: Option<usize>,
    pub(super) links: Option<LinkSlots>,
    pub(super) shown: WitnessReader,
}

/// A behaviour that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BehaviorFault {
    /// The behaviour's id.
    pub id: String,
    /// What is wrong, as a sentence.
    pub message: String,
}

/// The source whose records say who got whose session.
const LINKING_SOURCE: &str = "cloudtrail";

impl Behaviors {
    /// Compiles all behaviours of the content whose source is known.
    pub fn compile(content: &Content) -> (Self, Vec<BehaviorFault>) {
        Self::of(content, content.behaviors.values())
    }

    /// Compiles some of them.
    pub fn of<'c>(
        content: &Content,
        behaviors: impl IntoIterator<Item = &'c Arc<Behavior>>,
    ) -> (Self, Vec<BehaviorFault>) {
        let mut faults = Vec::new();
        let mut by_source: BTreeMap<&str, Vec<&Arc<Behavior>>> = BTreeMap::new();
        if content.sources.contains_key(LINKING_SOURCE) {
            by_source.entry(LINKING_SOURCE).or_default();
        }
        for behavior in behaviors {
            if content.sources.contains_key(behavior.source.as_str()) {
                by_source.entry(&behavior.source).or_default().push(behavior);
            } else {
                let message = format!("there is no source `{}`", behavior.source);
                faults.push(BehaviorFault { id: behavior.id.clone(), message });
            }
        }
        let mut compiled = Self { list: Vec::new(), programs: Vec::new() };
        for (source, behaviors) in by_source {
            if let Some(source) = content.sources.get(source) {
                compiled.add(source.table(), &behaviors, &mut faults);
            }
        }
        (compiled, faults)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// What whoever groups signals must know of each behaviour.
    pub fn abouts(&self) -> impl Iterator<Item = &About> {
        self.list.iter().map(|compiled| &compiled.about)
    }

    fn add(
        &mut self,
        table: &Table,
        behaviors: &[&Arc<Behavior>],
        faults: &mut Vec<BehaviorFault>,
    ) {
        let mut trie = PathTrie::default();
        let mut readings = Readings::default();
        let mut texts = Vec::new();
        for behavior in behaviors {
            let Ok(number) = u16::try_from(self.list.len()) else { break };
            let mut compiled = compile(behavior, &mut readings, &mut trie);
            let twin = self.list.iter_mut().find(|known| known.is_twin(&compiled));
            if let Some(twin) = twin {
                twin.twins.push(number);
            } else {
                compiled.twins.push(number);
                texts.push((number, behavior.sigma_text()));
            }
            self.list.push(compiled);
        }
        let (conditions, broken) = Conditions::compile(&texts, &mut trie);
        for (number, message) in broken {
            if let Some(compiled) = self.list.get(usize::from(number)) {
                faults.push(BehaviorFault { id: compiled.behavior.id.clone(), message });
            }
        }
        let identity = table.identity.iter().filter_map(|path| trie.add_path(path)).collect();
        let time = match table.shared.time.from.as_slice() {
            [first, ..] => first.path().and_then(|path| trie.add_path(path)),
            [] => None,
        };
        let links = (table.source == LINKING_SOURCE).then(|| LinkSlots::add(&mut trie));
        let shown = WitnessReader::new(table, &mut trie);
        let table = table.clone();
        self.programs.push(Program {
            table,
            trie,
            readings,
            conditions,
            identity,
            time,
            links,
            shown,
        });
    }

    /// What is wanted of a source's records, for a walk over them.
    pub(crate) fn trie(&self, source: &str) -> Option<&PathTrie> {
        self.program(source).map(|(_, program)| &program.trie)
    }

    /// The place of a source's program: an observer is told it with each of its records.
    pub(crate) fn place_of(&self, source: &str) -> Option<usize> {
        self.program(source).map(|(at, _)| at)
    }

    /// The program of a source's records.
    pub(super) fn program(&self, source: &str) -> Option<(usize, &Program)> {
        self.programs.iter().enumerate().find(|(_, program)| program.table.source == source)
    }
}

impl Compiled {
    /// Whether another may be judged by this one's baseline.
    fn is_twin(&self, other: &Self) -> bool {
        let of_values = |kind| matches!(kind, BehaviorKind::FirstSeen | BehaviorKind::RareForPeers);
        !self.twins.is_empty()
            && of_values(self.behavior.kind)
            && self.fingerprint == other.fingerprint
            && self.behavior.source.value == other.behavior.source.value
    }
}

fn compile(behavior: &Arc<Behavior>, readings: &mut Readings, trie: &mut PathTrie) -> Compiled {
    let of = behavior.of.iter().map(|template| &template.value.0);
    let entity = readings.add(of, Join::First, ValueForm::Text, trie);
    let peers = behavior.peers.as_ref().map(|peers| {
        let of = peers.of.iter().map(|template| &template.value.0);
        readings.add(of, Join::First, ValueForm::Text, trie)
    });
    let value = behavior.value.as_ref().map(|value| {
        let from = value.from.iter().map(|template| &template.value.0);
        let join = if value.first { Join::First } else { Join::All };
        readings.add(from, join, value.form, trie)
    });
    let measure = behavior.measure.as_ref().map(|measure| {
        let from = measure.from.iter().map(|template| &template.value.0);
        // A sum is over the first of its fields, a distinct value of all of them together.
        let join = match measure.count {
            MeasureKind::Sum => Join::First,
            MeasureKind::Records | MeasureKind::Distinct => Join::All,
        };
        let reading =
            (!measure.from.is_empty()).then(|| readings.add(from, join, ValueForm::Text, trie));
        (measure.count, reading)
    });
    let counted = measure.as_ref().is_some_and(|(kind, _)| *kind != MeasureKind::Distinct);
    Compiled {
        about: about(behavior),
        fingerprint: fingerprint(behavior),
        behavior: Arc::clone(behavior),
        entity,
        peers,
        value,
        counts: counted || (measure.is_none() && behavior.at_least > 1),
        measure,
        twins: Vec::new(),
    }
}

fn about(behavior: &Behavior) -> About {
    About {
        kind: SignalKind::Behavior,
        content: Arc::from(behavior.id.as_str()),
        path: Arc::from(behavior.path()),
        title: behavior.title.value.clone(),
        tags: behavior.tags.iter().map(|tag| Arc::from(tag.as_str())).collect(),
        window_us: behavior.window.micros(),
        shadow: behavior.shadow,
    }
}

/// Thresholds and prose may change under a baseline; what is observed may not.
fn fingerprint(behavior: &Behavior) -> u64 {
    let text = format!(
        "{:?} {} {:?} {:?} {:?} {:?} {} {} {}",
        behavior.kind,
        serde_json::Value::Object(behavior.condition.value.clone()),
        behavior.of,
        behavior.value.as_ref().map(|value| (&value.from, value.first, value.form)),
        behavior.peers.as_ref().map(|peers| &peers.of),
        behavior.measure.as_ref().map(|known| (known.count, &known.from, &known.matching)),
        behavior.bucket.micros(),
        behavior.half_life.micros(),
        behavior.at_least > 1,
    );
    hash::of(text.as_bytes())
}
