//! Runs the cases of sequences: signals and links are taken in, and stories are told or not.
//! Cases of behaviours are in `behaviors`.

use std::collections::BTreeMap;
use std::sync::Arc;

use yagura_content::format::{CaseExpectation, CaseSignal, Sequence, SequenceCase, Span};
use yagura_content::{Content, Place};
use yagura_model::alert::{About, Entity, EntityKind, Signal, SignalKind, Witness};
use yagura_model::{Prose, Severity};

use super::compile::Sequences;
use super::state::{Options, State};
use crate::behaviors::Link;

/// The time of a case: 21 November 2026, 05:00 UTC.
const CASE_TIME_US: i64 = 1_795_237_200_000_000;

/// What became of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequenceCaseResult {
    /// The sequence's id.
    pub sequence: String,
    /// The case's name.
    pub case: String,
    /// Where the case stands in its file.
    pub place: Place,
    /// Why it failed, as a sentence; `None` if it passed.
    pub failure: Option<String>,
    /// What was told.
    pub signals: Vec<Signal>,
}

/// Runs every case of every sequence, in order.
pub fn run_sequence_cases(content: &Content) -> Vec<SequenceCaseResult> {
    content.sequences.values().flat_map(run).collect()
}

fn run(sequence: &Arc<Sequence>) -> Vec<SequenceCaseResult> {
    let cases = sequence.cases.iter().map(|case| {
        let signals = play(sequence, case);
        let failure = match (case.expect, signals.first()) {
            (CaseExpectation::Match, None) => Some("no story was told".to_owned()),
            (CaseExpectation::Quiet, Some(told)) => {
                let steps: Vec<&str> = told.story.iter().map(|step| &*step.content).collect();
                Some(format!("a story was told: {}", steps.join(", ")))
            }
            _ => None,
        };
        SequenceCaseResult {
            sequence: sequence.id.clone(),
            case: case.name.value.clone(),
            place: case.name.place,
            failure,
            signals,
        }
    });
    cases.collect()
}

/// What a case tells; its signals come in the reverse of their order, which must not matter.
fn play(sequence: &Arc<Sequence>, case: &SequenceCase) -> Vec<Signal> {
    let mut abouts: BTreeMap<&str, About> = BTreeMap::new();
    for signal in &case.signals {
        abouts.entry(&signal.content).or_insert_with(|| about(signal));
    }
    let sequences = Sequences::of([sequence], abouts.values());
    let mut state = State::new(Arc::new(sequences), Options::default());
    for (n, told) in case.signals.iter().enumerate().rev() {
        state.take(&signal(n, told));
    }
    state.link(case.links.iter().map(|link| Link {
        from: Arc::from(link.from.as_str()),
        to: Arc::from(link.to.as_str()),
        time_us: CASE_TIME_US + link.after.map_or(0, Span::micros),
    }));
    state.drain(i64::MIN)
}

fn about(signal: &CaseSignal) -> About {
    About {
        kind: SignalKind::Detection,
        content: Arc::from(signal.content.as_str()),
        path: Arc::from(""),
        title: Prose::default(),
        tags: signal.tags.iter().map(|tag| Arc::from(tag.as_str())).collect(),
        window_us: 0,
        shadow: false,
    }
}

fn signal(n: usize, told: &CaseSignal) -> Signal {
    let time_us = CASE_TIME_US + told.after.map_or(0, Span::micros);
    let text = |text: &Option<String>| text.as_deref().map(Arc::from);
    let entity = match (&told.instance, &told.actor) {
        (Some(instance), _) => Entity { kind: EntityKind::Instance, id: instance.as_str().into() },
        (None, actor) => {
            let id = actor.as_deref().unwrap_or_default();
            Entity { kind: EntityKind::Actor, id: id.into() }
        }
    };
    Signal {
        kind: SignalKind::Detection,
        content: Arc::from(told.content.as_str()),
        severity: Severity::Medium,
        weak: told.weak,
        entity,
        time_us,
        witness: Witness {
            time_us,
            source: Arc::from("cloudtrail"),
            id: Arc::from(format!("event-{n}")),
            account: text(&told.account),
            actor: text(&told.actor),
            resources: told.resources.iter().map(|name| Arc::from(name.as_str())).collect(),
            ..Witness::default()
        },
        matched: Vec::new(),
        contrast: None,
        more: Vec::new(),
        more_events: Vec::new(),
        events_total: 1,
        story: Vec::new(),
    }
}
