//! Runs correlations in the order of event time, however the events come in: they wait until
//! nothing earlier can come any more, then they are taken in order.
//! What a window does is `window.rs`; saving is `state.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::alert::{Contribution, CorrelationAlert, CorrelationId};
use super::occurrence::{Observed, Occurrence, Values};
use super::plan::Plan;
use super::repeats::Repeats;
use super::window::{Entrant, Met, Window, counts};
use crate::matcher::{Matcher, RuleId, SourceId};
use crate::record::Record;

/// How much state is kept, and for how long events are waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How much later than the newest event, in event time, an event may come in and still be
    /// taken in order, in microseconds. Alerts are told that much later.
    pub lateness_us: i64,
    /// Events that wait; beyond, the earliest are taken before their time.
    pub waiting_max: usize,
    /// Groups of all correlations; beyond, those that would expire first are dropped.
    pub groups_max: usize,
    /// Events of one group; beyond, the earliest are dropped.
    pub group_events_max: usize,
    /// Events named in one alert.
    pub alert_events_max: usize,
}

impl Default for Options {
    /// Five minutes of lateness, a million waiting events, 200,000 groups.
    fn default() -> Self {
        Self {
            lateness_us: 300_000_000,
            waiting_max: 1_000_000,
            groups_max: 200_000,
            group_events_max: 10_000,
            alert_events_max: 100,
        }
    }
}

/// What could not be taken as it should; a caller shows them wherever it shows results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Counters {
    /// Matches taken in.
    pub taken: u64,
    /// Matches that came later than the lateness allows, and were left out. A repeat of a match
    /// that was taken already counts here or below.
    pub late: u64,
    /// Matches that were waiting already under the same name, time and rule.
    pub repeated: u64,
    /// Matches of records without a time.
    pub timeless: u64,
    /// Matches with a time beyond the horizon.
    pub ahead: u64,
    /// Matches taken before their time because too many were waiting.
    pub hurried: u64,
    /// Groups dropped because there were too many.
    pub dropped_groups: u64,
}

/// A group: a correlation and the values it is grouped by.
pub(super) type GroupKey = (u32, Values);

/// Running correlations. One per stream; its result does not depend on how the stream is cut or,
/// within the lateness, ordered.
#[derive(Clone, Debug)]
pub struct Correlator {
    pub(super) plan: Arc<Plan>,
    pub(super) options: Options,
    pub(super) counters: Counters,
    /// Time of the newest event.
    pub(super) newest_us: i64,
    /// All events up to here were taken; one at or before it is late.
    pub(super) done_us: i64,
    pub(super) horizon_us: i64,
    /// In order of time, then name, then rule.
    pub(super) waiting: BTreeSet<Arc<Occurrence>>,
    pub(super) windows: BTreeMap<GroupKey, Window>,
    /// When each group ends or expires, inner correlations first.
    pub(super) timers: BTreeSet<(i64, GroupKey)>,
    repeats: Repeats,
}

/// Something for a window.
struct Feed {
    key: GroupKey,
    entrant: Entrant,
}

impl Correlator {
    /// Without any state.
    #[must_use]
    pub fn new(matcher: &Matcher, options: Options) -> Self {
        Self {
            plan: matcher.shared_plan(),
            options,
            counters: Counters::default(),
            newest_us: i64::MIN,
            done_us: i64::MIN,
            horizon_us: i64::MAX,
            waiting: BTreeSet::new(),
            windows: BTreeMap::new(),
            timers: BTreeSet::new(),
            repeats: Repeats::default(),
        }
    }

    /// What could not be taken as it should.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Groups that are open, and events that wait.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.windows.len(), self.waiting.len())
    }

    /// Leaves out events later than this time, in microseconds since 1970: one record with a
    /// wrong clock would make all others late.
    pub fn set_horizon(&mut self, horizon_us: i64) {
        self.horizon_us = horizon_us;
    }

    /// From now on waits for events that come so much later than the newest one, in microseconds.
    pub fn set_lateness(&mut self, lateness_us: i64) {
        self.options.lateness_us = lateness_us;
    }

    /// Takes in the rules that a record matched.
    pub fn observe(&mut self, source: SourceId, record: &dyn Record, matched: &[RuleId]) {
        for rule in matched {
            let (source, repeats) = (source.0 as usize, &mut self.repeats);
            let observed = Observed::read(&self.plan, source, *rule, record, repeats);
            if let Some(observed) = observed {
                self.take(observed);
            }
        }
    }

    /// Takes in what [`Matcher::observe`] read; whether it waits now to be taken in order.
    pub fn take(&mut self, observed: Observed) -> bool {
        let Observed { mut occurrence, timeless } = observed;
        let time_us = occurrence.time_us;
        if occurrence.id.is_empty() {
            occurrence.nameless = self.counters.taken + 1;
        }
        if timeless {
            self.counters.timeless += 1;
        } else if time_us > self.horizon_us {
            self.counters.ahead += 1;
        } else if time_us <= self.done_us {
            self.counters.late += 1;
        } else if self.waiting.insert(Arc::new(occurrence)) {
            self.counters.taken += 1;
            self.newest_us = self.newest_us.max(time_us);
            return true;
        } else {
            self.counters.repeated += 1;
        }
        false
    }

    /// Everything up to this time was judged, in microseconds since 1970.
    #[must_use]
    pub fn done_us(&self) -> i64 {
        self.done_us
    }

    /// Tells the time, in microseconds since 1970, so that a quiet stream is judged as well.
    pub fn advance_to(&mut self, now_us: i64) {
        self.newest_us = self.newest_us.max(now_us.min(self.horizon_us));
    }

    /// Judges everything that nothing earlier can change any more.
    pub fn drain(&mut self) -> Vec<CorrelationAlert> {
        self.drain_before(self.newest_us.saturating_sub(self.options.lateness_us))
    }

    /// Judges everything before a time, in microseconds since 1970: whoever calls knows that
    /// nothing earlier will come.
    pub fn drain_before(&mut self, time_us: i64) -> Vec<CorrelationAlert> {
        let mut alerts = Vec::new();
        // An event exactly as late as is allowed may still come, at the same time even as the
        // newest one: times in logs are whole seconds.
        self.run(time_us.saturating_sub(1), &mut alerts);
        while self.waiting.len() > self.options.waiting_max {
            let Some(first) = self.waiting.first().map(|first| first.time_us) else { break };
            let before = self.waiting.len();
            self.run(first, &mut alerts);
            self.counters.hurried += (before - self.waiting.len()) as u64;
        }
        alerts
    }

    /// Judges everything: the stream has ended. Windows that are still open end with it.
    pub fn finish(&mut self) -> Vec<CorrelationAlert> {
        let mut alerts = Vec::new();
        self.run(i64::MAX, &mut alerts);
        self.done_us = self.newest_us;
        alerts
    }

    /// Takes everything up to a time, in order.
    fn run(&mut self, until_us: i64, alerts: &mut Vec<CorrelationAlert>) {
        while let Some(time_us) = self.waiting.first().map(|first| first.time_us) {
            if time_us > until_us {
                break;
            }
            self.expire(time_us, alerts);
            let mut feeds = Vec::new();
            while let Some(first) = self.waiting.first() {
                if first.time_us != time_us {
                    break;
                }
                let Some(occurrence) = self.waiting.pop_first() else { break };
                direct(&occurrence, &mut feeds);
            }
            self.feed(feeds, time_us, alerts);
        }
        self.expire(until_us.saturating_add(1), alerts);
        self.done_us = self.done_us.max(until_us);
    }

    /// Hands entrants of one time to their windows, inner correlations first, each group in the
    /// order of the rules: what happened in the same second counts as being in order.
    fn feed(&mut self, mut feeds: Vec<Feed>, time_us: i64, alerts: &mut Vec<CorrelationAlert>) {
        for at in 0..self.plan.entries.len() {
            let this = u32::try_from(at).unwrap_or(u32::MAX);
            if feeds.is_empty() {
                return;
            }
            if feeds.iter().all(|feed| feed.key.0 != this) {
                continue;
            }
            let (mut mine, others): (Vec<Feed>, Vec<Feed>) =
                feeds.into_iter().partition(|feed| feed.key.0 == this);
            feeds = others;
            mine.sort_by(|a, b| {
                let order = |feed: &Feed| {
                    let first = feed.entrant.events.first().map(|event| Arc::clone(&event.id));
                    (feed.entrant.member, first)
                };
                a.key.cmp(&b.key).then_with(|| order(a).cmp(&order(b)))
            });
            for feed in mine {
                if let Some(met) = self.enter(&feed.key, feed.entrant) {
                    self.tell(&feed.key, time_us, met, &mut feeds, alerts);
                }
            }
        }
    }

    /// Puts an entrant into its window.
    fn enter(&mut self, key: &GroupKey, entrant: Entrant) -> Option<Met> {
        let entry = self.plan.entries.get(key.0 as usize)?;
        if !counts(entry, &entrant.measure) {
            return None;
        }
        let (span, now) = (entry.span_us(), entrant.time_us);
        let fresh = !self.windows.contains_key(key);
        let window = self.windows.entry(key.clone()).or_default();
        let max = self.options.group_events_max;
        let met = if entry.closed {
            window.collect(entrant, max);
            None
        } else {
            window.slide(entry, entrant, max)
        };
        if fresh {
            self.timers.insert((now.saturating_add(span), key.clone()));
            while self.windows.len() > self.options.groups_max {
                let Some((_, oldest)) = self.timers.pop_first() else { break };
                self.windows.remove(&oldest);
                self.counters.dropped_groups += 1;
            }
        }
        met
    }

    /// Ends the windows whose time lies before a time.
    fn expire(&mut self, before_us: i64, alerts: &mut Vec<CorrelationAlert>) {
        while let Some((due_us, _)) = self.timers.first() {
            if *due_us >= before_us {
                return;
            }
            let Some((due_us, key)) = self.timers.pop_first() else { return };
            let Some(entry) = self.plan.entries.get(key.0 as usize) else { continue };
            let Some(window) = self.windows.get_mut(&key) else { continue };
            let expires_us = window.last_us.saturating_add(entry.span_us());
            if !entry.closed && expires_us > due_us {
                self.timers.insert((expires_us, key));
                continue;
            }
            let met = if entry.closed { window.close(entry) } else { None };
            self.windows.remove(&key);
            if let Some(met) = met {
                let mut feeds = Vec::new();
                self.tell(&key, due_us, met, &mut feeds, alerts);
                self.feed(feeds, due_us, alerts);
            }
        }
    }

    /// Raises the alert of a met condition and feeds it to outer correlations.
    fn tell(
        &self,
        key: &GroupKey,
        time_us: i64,
        met: Met,
        feeds: &mut Vec<Feed>,
        alerts: &mut Vec<CorrelationAlert>,
    ) {
        let Some(entry) = self.plan.entries.get(key.0 as usize) else { return };
        let mut events: Vec<Arc<Occurrence>> =
            met.entrants.into_iter().flat_map(|entrant| entrant.events).collect();
        events.sort();
        events.dedup();
        for (outer, member) in &entry.feeds {
            chained(&events, *outer, *member, time_us, feeds);
        }
        if !entry.alone {
            return;
        }
        let names = entry.correlation.group_by.iter().cloned();
        let bounds = events.first().zip(events.last());
        let (first_us, last_us) =
            bounds.map_or((time_us, time_us), |(a, b)| (a.time_us, b.time_us));
        let beyond = events.len().saturating_sub(self.options.alert_events_max);
        alerts.push(CorrelationAlert {
            correlation: CorrelationId(key.0),
            group: names.zip(key.1.iter().cloned()).collect(),
            time_us,
            first_us,
            last_us,
            measured: met.measured,
            events_total: events.len(),
            events: events.iter().skip(beyond).map(|event| contribution(event)).collect(),
        });
    }
}

fn contribution(event: &Occurrence) -> Contribution {
    let rule = RuleId(event.rule);
    Contribution { time_us: event.time_us, id: Arc::clone(&event.id), rule }
}

/// What a record feeds by itself: each group it belongs to, and each value that counts.
fn direct(occurrence: &Arc<Occurrence>, feeds: &mut Vec<Feed>) {
    for share in occurrence.shares.iter().filter(|share| share.direct) {
        for group in share.groups.as_slice() {
            for measure in share.measures.as_slice() {
                feeds.push(Feed {
                    key: (share.correlation, group.clone()),
                    entrant: Entrant {
                        time_us: occurrence.time_us,
                        member: share.member,
                        measure: measure.clone(),
                        events: vec![Arc::clone(occurrence)],
                    },
                });
            }
        }
    }
}

/// What an inner correlation feeds: every group that its events belong to for the outer one.
fn chained(
    events: &[Arc<Occurrence>],
    outer: u32,
    member: u32,
    time_us: i64,
    feeds: &mut Vec<Feed>,
) {
    let mut groups: BTreeMap<&Values, (Values, Vec<Arc<Occurrence>>)> = BTreeMap::new();
    for event in events {
        let Some(share) = event.share(outer, member) else { continue };
        for group in share.groups.as_slice() {
            let slot = groups.entry(group).or_default();
            slot.0 = share.measures.as_slice().first().cloned().unwrap_or_default();
            slot.1.push(Arc::clone(event));
        }
    }
    for (group, (measure, events)) in groups {
        let entrant = Entrant { time_us, member, measure, events };
        feeds.push(Feed { key: (outer, group.clone()), entrant });
    }
}
