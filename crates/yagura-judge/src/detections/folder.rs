//! Joins what workers judged into alerts: correlations, behaviours, sequences, grouping.
//! What a worker does is in `worker.rs`; state between runs is in `state.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use sigma::{CorrelationAlert, Correlator, Options};
use yagura_model::alert::{Alert, Signal};

use super::context::Verdict;
use super::correlated::{self, Notes};
use super::counters::Counters;
use super::detector::{Detector, Parts};
use super::groups::Groups;
use super::state::{State, StateError};
use super::worker::Judged;
use crate::{behaviors, sequences};

/// Events of correlations that wait for their turn.
const WAITING_MAX: usize = 200_000;
/// So few may wait for the end: the order of time is surest then.
const WAITING_FEW: usize = 20_000;
/// Events named by one alert of a correlation: as many as are counted exactly.
const NAMED_MAX: usize = 1_024;
/// How far into the future an event may lie, in microseconds: a day, for clocks in other zones.
const AHEAD_US: i64 = 86_400_000_000;

/// Joins what workers judged. One of a stream; its alerts do not depend on how the stream was cut
/// or, within the lateness, ordered, nor on repeats.
#[derive(Debug)]
pub struct Folder {
    pub(super) parts: Arc<Parts>,
    pub(super) correlator: Correlator,
    pub(super) notes: Notes,
    pub(super) groups: Groups,
    pub(super) counters: Counters,
    pub(super) behaviors: Option<behaviors::State>,
    pub(super) sequences: Option<sequences::State>,
    /// Expressions of the site that had no result: why, by the rule's name.
    problems: BTreeMap<String, String>,
    newest_us: i64,
    /// How long is waited for events that come late; none: everything waits for the end.
    lateness_us: Option<i64>,
    /// Every signal, where somebody listens: cases ask for weak ones too.
    heard: Option<Vec<Signal>>,
    /// From when on records still come, as far as is known.
    reached_us: i64,
    /// Whether some came that were older.
    surprised: bool,
    /// The longest way back from an event to the first that its correlation may name.
    span_us: i64,
}

/// What a run came to.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// All alerts that are still open, by time of their first record, then identity.
    pub alerts: Vec<Alert>,
    /// What was done and what could not be.
    pub counters: Counters,
    /// Rules of the allow list whose expression had no result for some signal, and why.
    pub problems: Vec<String>,
}

impl Folder {
    /// A folder that goes on where the state was saved, or begins.
    ///
    /// # Errors
    /// State of another version, or damaged.
    pub fn new(detector: &Detector, state: Option<State>) -> Result<Self, StateError> {
        let parts = Arc::clone(&detector.parts);
        let options = options(&parts);
        let mut folder = Self {
            correlator: Correlator::new(&parts.matcher, options),
            notes: Notes::default(),
            groups: Groups::new(parts.options.alerts_max, parts.options.grouped),
            counters: Counters::default(),
            behaviors: parts
                .behaviors
                .clone()
                .map(|compiled| behaviors::State::new(compiled, behavior_options(&parts))),
            sequences: parts
                .sequences
                .clone()
                .map(|compiled| sequences::State::new(compiled, sequences::Options::default())),
            problems: BTreeMap::new(),
            newest_us: i64::MIN,
            lateness_us: parts.options.lateness_us,
            heard: None,
            reached_us: i64::MIN,
            surprised: false,
            span_us: spans(&parts),
            parts,
        };
        if let Some(state) = state {
            folder.restore(state)?;
        }
        if let (Some(until_us), Some(behaviors)) =
            (folder.parts.options.learn_until_us, &mut folder.behaviors)
        {
            behaviors.learn_until(until_us);
        }
        let now_us = folder.parts.options.now.as_microsecond();
        folder.correlator.set_horizon(now_us.saturating_add(AHEAD_US));
        Ok(folder)
    }

    /// Joins what a worker judged.
    pub fn take(&mut self, judged: Judged) {
        self.counters.add(&judged.counters);
        self.newest_us = self.newest_us.max(judged.newest_us.unwrap_or(i64::MIN));
        for signal in judged.signals {
            self.signal(signal);
        }
        if let Some(mut observations) = judged.observations {
            if let Some(sequences) = &mut self.sequences {
                sequences.link(observations.take_links());
            }
            if let Some(behaviors) = &mut self.behaviors {
                behaviors.fold(observations);
            }
        }
        for (observed, noted) in judged.observed {
            // Records without a time have none.
            self.surprised |= (1..self.reached_us).contains(&noted.witness.time_us);
            let mut waits = false;
            for one in observed {
                waits |= self.correlator.take(one);
            }
            if waits {
                self.notes.add(noted);
            }
        }
        self.correlate(false);
        self.learn(false);
    }

    /// The alerts that changed since the last time, for who keeps them: they are merged there by
    /// identity.
    pub fn drain(&mut self) -> Vec<Alert> {
        self.tell_stories();
        let drained = self.groups.drain();
        let lateness = self.lateness_us.unwrap_or(0);
        self.groups.forget(self.newest_us.saturating_sub(lateness).saturating_sub(AHEAD_US));
        drained
    }

    /// Judges for good, and forgets, what no event can change any more that comes at most so much
    /// later than the newest one, in microseconds; answers the alerts that changed. For streams
    /// whose events otherwise all wait for the end.
    pub fn settle(&mut self, lateness_us: i64) -> Vec<Alert> {
        // Others come afterwards, of any time.
        (self.reached_us, self.surprised) = (i64::MIN, false);
        self.as_late(lateness_us, Self::drain)
    }

    /// Judges for good what only events before the newest one could change: for streams whose
    /// events come in any order up to here, and later from here on. Alerts stay open.
    pub fn pass(&mut self) {
        self.as_late(0, |_| ());
    }

    fn as_late<T>(&mut self, lateness_us: i64, then: impl FnOnce(&mut Self) -> T) -> T {
        let usual = self.lateness_us;
        self.wait(Some(lateness_us));
        self.correlate(false);
        self.learn(false);
        let done = then(self);
        self.wait(usual);
        done
    }

    fn wait(&mut self, lateness_us: Option<i64>) {
        self.lateness_us = lateness_us;
        let bound_us = bound(lateness_us);
        self.correlator.set_lateness(bound_us);
        if let Some(behaviors) = &mut self.behaviors {
            behaviors.set_lateness(bound_us);
        }
    }

    /// Records that come from now on were written no earlier than this, in microseconds since
    /// 1970, and tell at most so much older events: what lies before that may be judged for good.
    /// Answers whether that is worth while, with [`Folder::judge_reached`]: it takes what all
    /// workers keep to themselves. Where records have come that were older than was told,
    /// nothing more is judged early until [`Folder::settle`].
    pub fn reached(&mut self, from_us: i64, lateness_us: i64) -> bool {
        let reached_us = from_us.saturating_sub(lateness_us);
        if reached_us < self.reached_us.saturating_add(lateness_us) {
            return false;
        }
        self.reached_us = reached_us;
        !self.surprised && self.correlator.size().1 >= WAITING_FEW
    }

    /// Judges for good what only records could change that will not come.
    pub fn judge_reached(&mut self) {
        if self.surprised {
            return;
        }
        let alerts = self.correlator.drain_before(self.reached_us);
        self.correlated(alerts);
        if let Some(behaviors) = &mut self.behaviors {
            for signal in behaviors.drain_until(self.reached_us) {
                self.signal(signal);
            }
        }
    }

    /// The end of the stream: windows that are still open end with it.
    pub fn finish(mut self) -> Outcome {
        self.outcome()
    }

    /// The same where the process ends next: the system takes its memory back at once, which piece
    /// by piece takes a fiftieth of the time of a whole run over files.
    pub fn finish_last(mut self) -> Outcome {
        let outcome = self.outcome();
        std::mem::forget(self);
        outcome
    }

    fn outcome(&mut self) -> Outcome {
        self.end();
        let counters = self.counters();
        let problems = self.problems.iter().map(|(rule, why)| format!("`{rule}`: {why}"));
        let problems = problems.collect();
        Outcome { alerts: self.groups.finish(), counters, problems }
    }

    /// Keeps every signal for [`Folder::finish_heard`].
    pub(super) fn listen(&mut self) {
        self.heard = Some(Vec::new());
    }

    /// The end of the stream, with every signal that was kept.
    pub(super) fn finish_heard(mut self) -> (Outcome, Vec<Signal>) {
        self.end();
        let heard = self.heard.take().unwrap_or_default();
        (self.finish(), heard)
    }

    /// What was done so far.
    pub fn counters(&self) -> Counters {
        let correlator = self.correlator.counters();
        let behaviors = self.behaviors.as_ref().map(behaviors::State::counters).unwrap_or_default();
        Counters {
            late: correlator.late + correlator.ahead + behaviors.late,
            hurried: correlator.hurried + behaviors.hurried,
            over_budget: behaviors.over_budget,
            dropped_groups: correlator.dropped_groups,
            ..self.counters.clone()
        }
    }

    /// Alerts, groups of correlations and events that wait.
    pub fn size(&self) -> (usize, usize, usize) {
        let (groups, waiting) = self.correlator.size();
        (self.groups.len(), groups, waiting)
    }

    /// Judges correlations: what nothing earlier can change any more, or everything.
    fn correlate(&mut self, all: bool) {
        let alerts = if all { self.correlator.finish() } else { self.correlator.drain() };
        self.correlated(alerts);
    }

    fn correlated(&mut self, alerts: Vec<CorrelationAlert>) {
        for alert in alerts {
            if let Some(signal) = correlated::signal(&self.parts, &self.notes, &alert) {
                self.signal(signal);
            }
        }
        // Twice: a window of a correlation may hold alerts of an inner one.
        let reach = self.span_us.saturating_mul(2);
        self.notes.forget(self.correlator.done_us().saturating_sub(reach));
    }

    /// Judges behaviours: buckets that are over, or all.
    fn learn(&mut self, all: bool) {
        let Some(behaviors) = &mut self.behaviors else { return };
        let signals = if all { behaviors.finish() } else { behaviors.drain() };
        for signal in signals {
            self.signal(signal);
        }
    }

    /// Tells the stories that have formed or grown.
    fn tell_stories(&mut self) {
        let until_us = match self.lateness_us {
            Some(lateness_us) => self.newest_us.saturating_sub(lateness_us),
            None => i64::MIN,
        };
        let Some(sequences) = &mut self.sequences else { return };
        for signal in sequences.drain(until_us) {
            self.signal(signal);
        }
    }

    fn end(&mut self) {
        self.correlate(true);
        self.learn(true);
        self.tell_stories();
    }

    fn signal(&mut self, signal: Signal) {
        self.counters.signals += 1;
        if let Some(heard) = &mut self.heard {
            heard.push(signal.clone());
        }
        let parts = Arc::clone(&self.parts);
        let Some(about) = parts.about(&signal) else { return };
        let settled = match parts.context.judge(about, &signal, &mut self.problems) {
            Verdict::Allowed => {
                self.counters.allowed += 1;
                return;
            }
            Verdict::Alert(settled) => settled,
        };
        // What is suppressed is accepted by itself; as a step of an attack it still counts.
        if let Some(sequences) = &mut self.sequences {
            sequences.take(&signal);
        }
        if signal.weak {
            self.counters.weak += 1;
            return;
        }
        self.counters.suppressed += u64::from(settled.suppressed.is_some());
        if !self.groups.add(about, signal, settled) {
            self.counters.left_out += 1;
        }
    }
}

/// Without a lateness everything waits.
fn bound(lateness_us: Option<i64>) -> i64 {
    lateness_us.unwrap_or(i64::MAX)
}

pub(super) fn behavior_options(parts: &Parts) -> behaviors::Options {
    let lateness_us = bound(parts.options.lateness_us);
    behaviors::Options { lateness_us, ..behaviors::Options::default() }
}

pub(super) fn options(parts: &Parts) -> Options {
    Options {
        lateness_us: bound(parts.options.lateness_us),
        waiting_max: WAITING_MAX,
        alert_events_max: NAMED_MAX,
        ..Options::default()
    }
}

/// The sum of the spans of all correlations of one chain is at most that of the two longest.
fn spans(parts: &Parts) -> i64 {
    let spans = parts.matcher.plan().correlations().map(|correlation| correlation.timespan_seconds);
    spans.max().unwrap_or(0).saturating_mul(1_000_000)
}
