//! One group of one correlation: the events that still count, and when they meet the condition.
//! Time, order and eviction are `correlator.rs`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::occurrence::{Occurrence, Values};
use super::plan::Entry;
use crate::number::Numeric;
use crate::rule::{Aggregate, Limit, Measure, RuleExpression};

/// One thing that counts: an event, or an inner correlation with its events.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entrant {
    pub(super) time_us: i64,
    pub(super) member: u32,
    pub(super) measure: Values,
    pub(super) events: Vec<Arc<Occurrence>>,
}

/// A sequence of entrants in the order of the rules.
type Chain = Vec<Entrant>;

/// The state of a group.
#[derive(Clone, Debug, Default)]
pub(super) struct Window {
    /// In order of time. Entrants that can no longer make a difference are dropped early.
    pub(super) entrants: VecDeque<Entrant>,
    /// Of windows that count values: when each value among the entrants was seen last. Made anew
    /// from the entrants where it is missing, so it is not saved.
    pub(super) seen_us: BTreeMap<Values, i64>,
    /// For ordered correlations: by (last rule, length), the chain that began last.
    pub(super) chains: BTreeMap<(u32, u32), Chain>,
    /// When it was met last.
    pub(super) met_us: Option<i64>,
    /// Whether the condition held after the last event.
    pub(super) holds: bool,
    /// Time of the first event, for windows that are judged when they end.
    pub(super) opened_us: i64,
    /// Time of the last event.
    pub(super) last_us: i64,
}

/// A condition that was met.
pub(super) struct Met {
    pub(super) measured: Numeric,
    pub(super) entrants: Vec<Entrant>,
}

impl Window {
    /// Takes an entrant into a sliding window: says so if the condition is met now and was not
    /// before, or has been met for a whole span since it was last told.
    pub(super) fn slide(&mut self, entry: &Entry, entrant: Entrant, max: usize) -> Option<Met> {
        let now = entrant.time_us;
        let start = now.saturating_sub(entry.span_us());
        self.last_us = now;
        while self.entrants.front().is_some_and(|old| old.time_us < start) {
            self.drop_first();
        }
        self.chains.retain(|_, chain| chain.first().is_some_and(|first| first.time_us >= start));
        let measured = match &entry.correlation.aggregate {
            Aggregate::Ordered(limits) => {
                self.extend_chains(&entrant);
                longest(&self.chains).and_then(|(length, _)| met(limits, count(length)))
            }
            aggregate => {
                self.keep(aggregate, entrant, max);
                judge(aggregate, self.entrants.make_contiguous(), true)
            }
        };
        let told = self.met_us.is_some_and(|last| now < last.saturating_add(entry.span_us()));
        let again = self.holds && told;
        self.holds = measured.is_some();
        let measured = measured.filter(|_| !again)?;
        self.met_us = Some(now);
        let entrants = match longest(&self.chains) {
            Some((_, chain)) => chain.clone(),
            None => self.entrants.iter().cloned().collect(),
        };
        Some(Met { measured, entrants })
    }

    /// Takes an entrant into a window that is judged when it ends.
    pub(super) fn collect(&mut self, entrant: Entrant, max: usize) {
        if self.entrants.is_empty() {
            self.opened_us = entrant.time_us;
        }
        self.last_us = entrant.time_us;
        self.entrants.push_back(entrant);
        if self.entrants.len() > max {
            self.entrants.pop_front();
        }
    }

    /// Judges a window that has ended.
    pub(super) fn close(&mut self, entry: &Entry) -> Option<Met> {
        let entrants = Vec::from(std::mem::take(&mut self.entrants));
        match &entry.correlation.aggregate {
            Aggregate::Ordered(limits) => {
                let mut replay = Self::default();
                entrants.iter().for_each(|entrant| replay.extend_chains(entrant));
                let (length, chain) = longest(&replay.chains)?;
                let measured = met(limits, count(length))?;
                Some(Met { measured, entrants: chain.clone() })
            }
            aggregate => {
                let measured = judge(aggregate, &entrants, false)?;
                Some(Met { measured, entrants })
            }
        }
    }

    /// Adds an entrant and drops what it makes superfluous: of two entrants that say the same,
    /// the later one outlives the earlier.
    fn keep(&mut self, aggregate: &Aggregate, entrant: Entrant, max: usize) {
        match aggregate {
            Aggregate::Measure(Measure::Values(_), _) => self.forget_value(&entrant),
            Aggregate::Temporal(_) => self.entrants.retain(|old| old.member != entrant.member),
            _ => {}
        }
        self.entrants.push_back(entrant);
        let enough = match aggregate {
            Aggregate::Measure(Measure::Events, limits) => most(limits),
            Aggregate::Measure(_, limits) => most(limits).max(max),
            _ => max,
        };
        if self.entrants.len() > enough {
            self.drop_first();
        }
    }

    /// Drops the earlier entrant of the same value, and notes the new one. A window of thousands
    /// of values is searched in logarithmic time: comparing with each made a million events cost
    /// ten thousand million comparisons.
    fn forget_value(&mut self, entrant: &Entrant) {
        if self.seen_us.len() != self.entrants.len() {
            let seen = self.entrants.iter().map(|old| (old.measure.clone(), old.time_us));
            self.seen_us = seen.collect();
        }
        let Some(time_us) = self.seen_us.insert(entrant.measure.clone(), entrant.time_us) else {
            return;
        };
        let from = self.entrants.partition_point(|old| old.time_us < time_us);
        let place = self.entrants.range(from..).position(|old| old.measure == entrant.measure);
        if let Some(place) = place {
            self.entrants.remove(from.saturating_add(place));
        }
    }

    fn drop_first(&mut self) {
        if let Some(first) = self.entrants.pop_front() {
            self.seen_us.remove(&first.measure);
        }
    }

    /// Lets every chain that may go on with this rule do so. Of two chains of one length that end
    /// with one rule, the one that began later lives longer: only it is kept.
    fn extend_chains(&mut self, entrant: &Entrant) {
        let member = entrant.member;
        let mut longer: BTreeMap<u32, Chain> = BTreeMap::new();
        longer.insert(1, vec![entrant.clone()]);
        for ((_, length), chain) in self.chains.range(..(member, 0)) {
            let mut chain = chain.clone();
            chain.push(entrant.clone());
            let slot = longer.entry(length + 1).or_default();
            if slot.is_empty() || began(slot) < began(&chain) {
                *slot = chain;
            }
        }
        for (length, chain) in longer {
            self.chains.insert((member, length), chain);
        }
    }
}

fn began(chain: &Chain) -> i64 {
    chain.first().map_or(i64::MIN, |first| first.time_us)
}

/// Events beyond which a lower limit cannot tell more.
fn most(limits: &[Limit]) -> usize {
    let limit = limits.iter().map(|limit| limit.value.as_f64()).fold(0.0, f64::max);
    // Room to say by how much a limit was passed.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    let most = (limit.ceil() as usize).saturating_add(1);
    most.max(100)
}

/// The longest chain; of several, the one that began last.
fn longest(chains: &BTreeMap<(u32, u32), Chain>) -> Option<(usize, &Chain)> {
    chains
        .values()
        .map(|chain| (chain.len(), chain))
        .max_by_key(|(length, chain)| (*length, began(chain)))
}

fn met(limits: &[Limit], measured: Numeric) -> Option<Numeric> {
    meets(limits, measured).then_some(measured)
}

fn meets(limits: &[Limit], measured: Numeric) -> bool {
    limits.iter().all(|limit| limit.operator.holds(&measured, &limit.value))
}

/// What is measured, if it meets the condition. `distinct`: no two entrants have one value.
fn judge(aggregate: &Aggregate, entrants: &[Entrant], distinct: bool) -> Option<Numeric> {
    if entrants.is_empty() {
        return None;
    }
    match aggregate {
        Aggregate::Measure(measure, limits) => met(limits, measured(measure, entrants, distinct)?),
        Aggregate::Temporal(expression) => {
            let members: BTreeSet<u32> = entrants.iter().map(|entrant| entrant.member).collect();
            holds(expression, &members).then(|| count(members.len()))
        }
        Aggregate::Ordered(_) => None,
    }
}

fn count(length: usize) -> Numeric {
    Numeric::Integer(i128::try_from(length).unwrap_or(i128::MAX))
}

fn measured(measure: &Measure, entrants: &[Entrant], distinct: bool) -> Option<Numeric> {
    match measure {
        Measure::Events => Some(count(entrants.len())),
        Measure::Values(_) if distinct => Some(count(entrants.len())),
        Measure::Values(_) => {
            let distinct: BTreeSet<&Values> =
                entrants.iter().map(|entrant| &entrant.measure).collect();
            Some(count(distinct.len()))
        }
        Measure::Sum(_) => Numeric::real(numbers(entrants).iter().sum()),
        Measure::Average(_) => {
            let numbers = numbers(entrants);
            #[expect(clippy::cast_precision_loss, reason = "windows are far below 2^53 events")]
            let length = numbers.len() as f64;
            Numeric::real(numbers.iter().sum::<f64>() / length)
        }
        Measure::Percentile(_, percentile) => interpolated(numbers(entrants), *percentile),
    }
}

fn numbers(entrants: &[Entrant]) -> Vec<f64> {
    entrants.iter().filter_map(|entrant| number(&entrant.measure)).collect()
}

fn number(measure: &Values) -> Option<f64> {
    let text = measure.first()?.as_deref()?;
    Numeric::read(text.trim()).map(Numeric::as_f64)
}

/// Whether there is anything to measure: a value to count, a number to add.
pub(super) fn counts(entry: &Entry, measure: &Values) -> bool {
    match &entry.correlation.aggregate {
        Aggregate::Measure(Measure::Values(_), _) => measure.iter().any(Option::is_some),
        Aggregate::Measure(Measure::Events, _) => true,
        Aggregate::Measure(_, _) => number(measure).is_some(),
        Aggregate::Temporal(_) | Aggregate::Ordered(_) => true,
    }
}

/// The percentile by linear interpolation between the two nearest ranks.
fn interpolated(mut numbers: Vec<f64>, percentile: f64) -> Option<Numeric> {
    numbers.sort_by(f64::total_cmp);
    #[expect(clippy::cast_precision_loss, reason = "windows are far below 2^53 events")]
    let rank = percentile / 100.0 * numbers.len().checked_sub(1)? as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the list")]
    let (below, above) = (rank.floor() as usize, rank.ceil() as usize);
    let (low, high) = (numbers.get(below)?, numbers.get(above)?);
    Numeric::real(low + (high - low) * (rank - rank.floor()))
}

fn holds(expression: &RuleExpression, members: &BTreeSet<u32>) -> bool {
    match expression {
        RuleExpression::Count(limits) => meets(limits, count(members.len())),
        RuleExpression::Rule(at) => u32::try_from(*at).is_ok_and(|at| members.contains(&at)),
        RuleExpression::All(parts) => parts.iter().all(|part| holds(part, members)),
        RuleExpression::Any(parts) => parts.iter().any(|part| holds(part, members)),
        RuleExpression::Not(inner) => !holds(inner, members),
    }
}
