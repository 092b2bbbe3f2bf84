//! A thread's part of judging: batches in, signals out, without looking at any other batch.
//! What needs several batches is in `folder.rs`.

use std::net::IpAddr;
use std::sync::Arc;

use sigma::{Observed, RuleId, Scratch};
use yagura_model::alert::{Entity, Matched, Signal, SignalKind, Witness};
use yagura_model::event::{EventBatch, Record};

use super::counters::Counters;
use super::detector::{Parts, SourceParts};
use super::record::EventRecord;
use super::witness::Subject;
use crate::behaviors::{Behaviors, Network, Observations, Observer};
use crate::intelligence::Inspector;
use crate::witness::{Names, Slots, walk};

/// Reasons kept of one match.
const MATCHED_MAX: usize = 24;

/// Cells and links that a gathering worker keeps to itself.
const GATHERED_MAX: usize = 1 << 15;

/// A thread's view of a detector.
#[derive(Debug)]
pub struct Worker {
    parts: Arc<Parts>,
    scratch: Scratch,
    names: Names,
    inspector: Option<Inspector>,
    observer: Option<Observer>,
    /// What is observed is handed out when there is much of it, and not with each batch.
    gathers: bool,
}

/// What a batch gave.
#[derive(Debug, Default)]
pub struct Judged {
    /// What each record raised.
    pub(crate) signals: Vec<Signal>,
    /// What correlations need of records, with what alerts show of them.
    pub(crate) observed: Vec<(Vec<Observed>, Noted)>,
    pub(crate) observations: Option<Observations>,
    pub(crate) counters: Counters,
    /// The newest time among the records that matched.
    pub(crate) newest_us: Option<i64>,
}

/// A record that correlations may name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Noted {
    pub(crate) witness: Arc<Witness>,
    /// By correlation that asks for a field of the record: what its alert is about.
    pub(crate) entities: Vec<(Arc<str>, Entity)>,
}

impl Judged {
    /// The signals that records raised by themselves.
    pub fn signals(&self) -> &[Signal] {
        &self.signals
    }
}

impl Worker {
    pub(crate) fn new(parts: Arc<Parts>) -> Self {
        let scratch = parts.matcher.scratch();
        let inspector = parts.intelligence.as_ref().filter(|found| !found.is_empty());
        let inspector = inspector.map(|found| found.inspector());
        let observer = parts.behaviors.clone().map(Observer::new);
        let names = Names::default();
        Self { parts, scratch, names, inspector, observer, gathers: false }
    }

    /// Keeps what batches tell of behaviours until there is much of it: of an hour's records of
    /// one actor the first is worth more than the others. [`Worker::rest`] must be asked for what
    /// is left, and nothing may be judged by time before that.
    pub fn gathering(self) -> Self {
        Self { gathers: true, ..self }
    }

    /// What was gathered and not handed out yet.
    pub fn rest(&mut self) -> Judged {
        let observations = self.observer.as_mut().map(Observer::take);
        Judged { observations, ..Judged::default() }
    }

    /// Judges a batch of a source. A source that nothing is about is only counted.
    pub fn batch(&mut self, source: &str, batch: &EventBatch) -> Judged {
        let mut judged = Judged::default();
        judged.counters.records = batch.len() as u64;
        let parts = Arc::clone(&self.parts);
        let behaviors = parts.behaviors.as_deref().filter(|_| self.observer.is_some());
        let observed =
            behaviors.and_then(|behaviors| Some((behaviors, behaviors.place_of(source)?)));
        let inspected = self.inspector.is_some();
        let known = parts.sources.get(source);
        let Some(source) =
            known.filter(|source| source.has_rules || observed.is_some() || inspected)
        else {
            judged.counters.unmapped = batch.len() as u64;
            return judged;
        };
        let mut slots = Vec::new();
        for record in batch {
            walk(&source.trie, record, &mut slots);
            let mut witness = None;
            if source.has_rules {
                witness = self.record(&parts, source, (record, &slots), &mut judged);
            }
            if inspected {
                self.inspect(&parts, source, (record, &slots), &mut judged);
            }
            if let Some(observed) = observed {
                self.observe(&parts, observed, (record, &slots), witness);
            }
        }
        let gathers = self.gathers;
        let full = |observer: &&mut Observer| !gathers || observer.gathered() >= GATHERED_MAX;
        let observer = self.observer.as_mut().filter(|_| observed.is_some());
        judged.observations = observer.filter(full).map(Observer::take);
        judged
    }

    /// Looks at the record's addresses, domains and digests.
    fn inspect(
        &mut self,
        parts: &Parts,
        source: &SourceParts,
        (record, slots): (Record<'_>, Slots<'_, '_>),
        judged: &mut Judged,
    ) {
        let (Some(intelligence), Some(inspector)) = (&parts.intelligence, &mut self.inspector)
        else {
            return;
        };
        let names = &mut self.names;
        intelligence.inspect(&source.table, record, inspector, &mut |hit| {
            let event = EventRecord::new(record, &source.table, &source.readers);
            let event = event.walked(slots, &source.shown.reader);
            let witness = source.shown.witness(record, slots, &event, names);
            judged.newest_us = judged.newest_us.max(Some(witness.time_us));
            let subject = Subject::Kind(hit.entity);
            judged.signals.push(Signal {
                kind: SignalKind::Intelligence,
                content: hit.content,
                severity: hit.severity,
                weak: hit.weak,
                entity: subject.entity(&source.shown, record, &event, &witness, names),
                time_us: witness.time_us,
                witness,
                matched: hit.matched,
                contrast: None,
                more: Vec::new(),
                more_events: Vec::new(),
                events_total: 1,
                story: Vec::new(),
            });
        });
    }

    fn observe(
        &mut self,
        parts: &Parts,
        (behaviors, program): (&Behaviors, usize),
        (record, slots): (Record<'_>, Slots<'_, '_>),
        witness: Option<Arc<Witness>>,
    ) {
        let Some(observer) = &mut self.observer else { return };
        let lookup = |address: IpAddr| {
            let network = parts.intelligence.as_ref()?.network_of(address);
            Some(Network {
                country: network.country,
                asn: network.asn,
                place: network.place,
                hosting: network.hosting,
            })
        };
        observer.observe_walked(behaviors, program, (record, slots), witness, &lookup);
    }

    /// Asks the rules about a record; answers it as alerts show it, where any matched.
    fn record<'a>(
        &mut self,
        parts: &Parts,
        source: &'a SourceParts,
        (record, slots): (Record<'a>, Slots<'a, 'a>),
        judged: &mut Judged,
    ) -> Option<Arc<Witness>> {
        let id = source.id?;
        let event = EventRecord::new(record, &source.table, &source.readers);
        let event = event.walked(slots, &source.shown.reader);
        let matched = parts.matcher.matches(id, &event, &mut self.scratch);
        if matched.is_empty() {
            return None;
        }
        let names = &mut self.names;
        let witness = source.shown.witness(record, slots, &event, names);
        if witness.time_us == 0 {
            judged.counters.timeless += 1;
        }
        judged.newest_us = judged.newest_us.max(Some(witness.time_us));
        for rule in matched {
            if let Some(signal) = signal(parts, source, *rule, (record, &event), &witness, names) {
                judged.signals.push(signal);
            }
        }
        let witness = Arc::new(witness);
        let observed: Vec<Observed> =
            parts.matcher.observe(id, &event, matched, &mut names.repeats).collect();
        if !observed.is_empty() {
            let entities = parts.noted.iter().filter_map(|at| {
                let known = parts.known.get(*at as usize)?;
                let Subject::Field(path) = &known.subject else { return None };
                let id: Arc<str> = Arc::from(event.first_text(path)?);
                Some((Arc::clone(&known.about.content), super::witness::named(&id)))
            });
            let (entities, witness) = (entities.collect(), Arc::clone(&witness));
            judged.observed.push((observed, Noted { witness, entities }));
        }
        Some(witness)
    }
}

/// The signal of a rule that matched, if it raises any by itself.
fn signal(
    parts: &Parts,
    source: &SourceParts,
    rule: RuleId,
    (record, event): (Record<'_>, &EventRecord<'_>),
    witness: &Witness,
    names: &mut Names,
) -> Option<Signal> {
    let at = parts.rules.get(rule.index()).copied().flatten()?;
    let known = parts.known.get(at as usize)?;
    let reasons = parts.matcher.explain(source.id?, rule, event);
    let matched = reasons
        .iter()
        .take(MATCHED_MAX)
        .map(|reason| Matched::new(&reason.selection, &reason.field, reason.found.as_deref()));
    Some(Signal {
        kind: SignalKind::Detection,
        content: Arc::clone(&known.about.content),
        severity: known.severity,
        weak: known.weak,
        entity: known.subject.entity(&source.shown, record, event, witness, names),
        time_us: witness.time_us,
        witness: witness.clone(),
        matched: matched.collect(),
        contrast: None,
        more: Vec::new(),
        more_events: Vec::new(),
        events_total: 1,
        story: Vec::new(),
    })
}
