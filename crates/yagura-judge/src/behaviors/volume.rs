//! How much of something is usual for an entity at an hour of the week, and what is far more.
//! Levels are kept as logarithms: a doubling counts the same for the quiet and for the busy.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use yagura_content::format::{Behavior, MeasureKind};
use yagura_model::alert::Matched;

use super::contrast;
use super::observations::{Cell, Tally};
use super::rate::kept;
use super::state::{Candidate, Options};
use super::values::forget;

/// A week, in microseconds.
const WEEK_US: i64 = 7 * 86_400_000_000;
/// 1970 began on a Thursday; weeks are counted from Monday.
const THURSDAY_US: i64 = 3 * 86_400_000_000;
/// No entity is steadier than this (in logarithms: some 28 %): less is an accident of few values.
const DEVIATION_MIN: f64 = 0.25;
/// A new value moves the level by this many deviations at most, so that an attack does not become
/// the expectation of the next hour.
const STEP_MAX: f64 = 3.0;
/// A mean absolute deviation times this is a standard deviation, of a normal distribution.
const MEAN_TO_STANDARD: f64 = 1.2533;
/// A week counts for an hour of the week at least this much, so that a level is four weeks old.
const SEASON_SHARE: f64 = 0.25;

/// The levels of one behaviour's entities.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Levels {
    pub(super) entities: BTreeMap<u64, Level>,
}

/// What is usual for one entity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Level {
    since_us: i64,
    last_us: i64,
    /// Buckets with activity.
    buckets: u32,
    mean: f64,
    deviation: f64,
    /// The most there was, with decay.
    peak: f64,
    /// By hour of the week, those that had any activity.
    season: BTreeMap<u8, Season>,
}

/// What is usual at one hour of the week.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Season {
    mean: f64,
    peak: f64,
    weeks: u32,
    week: i64,
}

/// What is expected of a bucket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    pub(super) amount: f64,
    pub(super) peak: f64,
    log: f64,
    deviation: f64,
    /// Whether this hour of the week is known by itself.
    pub(super) seasonal: bool,
}

impl Levels {
    /// Judges the cells of one bucket, one for each entity, and learns them.
    pub(super) fn judge(
        &mut self,
        behavior: &Behavior,
        cells: &[Cell],
        options: &Options,
    ) -> Vec<Candidate> {
        let Some(measure) = &behavior.measure else { return Vec::new() };
        let mut candidates = Vec::new();
        for cell in cells {
            let Some(tally) = cell.tally.as_deref() else { continue };
            let amount = amount(measure.count, tally);
            let level =
                self.entities.entry(cell.entity).or_insert_with(|| Level::new(cell.start_us));
            let expected = level.expected(cell.start_us, behavior);
            if level.is_mature(cell.start_us, behavior)
                && let Some(score) = score(behavior, expected, amount)
            {
                candidates.extend(candidate(behavior, cell, expected, amount, score));
            }
            level.take(cell.start_us, amount, behavior);
        }
        forget(&mut self.entities, options.entities_max, |level| level.last_us);
        candidates
    }
}

fn amount(kind: MeasureKind, tally: &Tally) -> u64 {
    match kind {
        MeasureKind::Records => tally.records(),
        MeasureKind::Sum => tally.sum(),
        MeasureKind::Distinct => tally.values(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "amounts are judged by their logarithms")]
fn float(amount: u64) -> f64 {
    amount as f64
}

/// By how many deviations an amount exceeds what is expected, if by enough in every respect.
fn score(behavior: &Behavior, expected: Expected, amount: u64) -> Option<f64> {
    let much = float(amount);
    let far = (much.ln_1p() - expected.log) / expected.deviation;
    let enough = amount >= behavior.at_least
        && far >= behavior.deviations
        && much >= behavior.times * expected.amount.max(1.0)
        && much >= behavior.times * expected.peak;
    enough.then_some(far)
}

fn candidate(
    behavior: &Behavior,
    cell: &Cell,
    expected: Expected,
    amount: u64,
    score: f64,
) -> Option<Candidate> {
    let records = cell.tally.as_deref().map_or(1, Tally::records);
    Some(Candidate {
        score,
        entity: cell.entity,
        entity_name: Arc::clone(&cell.entity_name),
        first: Arc::clone(cell.first.as_ref()?),
        more: Vec::new(),
        matched: vec![Matched::new("where", "measure", Some(&amount.to_string()))],
        contrast: contrast::of_volume(behavior, expected, amount, cell.start_us),
        events_total: records.max(1),
    })
}

impl Level {
    fn new(start_us: i64) -> Self {
        Self {
            since_us: start_us,
            last_us: start_us,
            buckets: 0,
            mean: 0.0,
            deviation: 0.0,
            peak: 0.0,
            season: BTreeMap::new(),
        }
    }

    fn is_mature(&self, start_us: i64, behavior: &Behavior) -> bool {
        self.buckets >= behavior.support
            && start_us.saturating_sub(self.since_us) >= behavior.learning.micros()
    }

    /// What is expected: of this hour of the week as far as it is known, else of any hour with
    /// activity.
    fn expected(&self, start_us: i64, behavior: &Behavior) -> Expected {
        let deviation = (self.deviation * MEAN_TO_STANDARD).max(DEVIATION_MIN);
        let (slot, week) = place(start_us, behavior);
        let (mut log, mut peak, mut seasonal) = (self.mean, self.peak, false);
        if let Some(season) = self.season.get(&slot) {
            let season = season.until(week);
            let weeks = f64::from(season.weeks);
            let share = weeks / (weeks + 2.0);
            log = season.mean * share + self.mean * (1.0 - share);
            if season.weeks >= 3 {
                (peak, seasonal) = (season.peak, true);
            }
        }
        Expected { amount: log.exp_m1(), peak, log, deviation, seasonal }
    }

    fn take(&mut self, start_us: i64, amount: u64, behavior: &Behavior) {
        let half_life_us = behavior.half_life.micros();
        let passed = start_us.saturating_sub(self.last_us).max(0);
        let faded = kept(passed, half_life_us);
        let log = float(amount).ln_1p();
        let share = (1.0 / f64::from(self.buckets.saturating_add(1))).max(1.0 - faded);
        let spread = (self.deviation * MEAN_TO_STANDARD).max(DEVIATION_MIN);
        let off = match self.buckets {
            0 => 0.0,
            _ => (log - self.mean).clamp(-STEP_MAX * spread, STEP_MAX * spread),
        };
        self.mean = if self.buckets == 0 { log } else { self.mean + share * off };
        self.deviation += share * (off.abs() - self.deviation);
        self.peak = (self.peak * faded).max(float(amount));
        self.buckets = self.buckets.saturating_add(1);
        self.since_us = self.since_us.min(start_us);
        self.last_us = self.last_us.max(start_us);
        let (slot, week) = place(start_us, behavior);
        let fresh = Season { mean: self.mean, peak: 0.0, weeks: 0, week };
        let season = self.season.entry(slot).or_insert(fresh);
        *season = season.until(week);
        let share = (1.0 / f64::from(season.weeks.saturating_add(1))).max(SEASON_SHARE);
        let off = (log - season.mean).clamp(-STEP_MAX * spread, STEP_MAX * spread);
        season.mean += share * off;
        season.peak = season.peak.max(float(amount));
        season.weeks = season.weeks.saturating_add(1);
    }
}

impl Season {
    /// The same at a later week: the weeks between, and none in them, count too.
    fn until(mut self, week: i64) -> Self {
        let missed = week.saturating_sub(self.week).saturating_sub(1).clamp(0, 8);
        for _ in 0..missed {
            self.mean *= 1.0 - SEASON_SHARE;
            self.peak *= 1.0 - SEASON_SHARE;
            self.weeks = self.weeks.saturating_add(1);
        }
        self.week = self.week.max(week);
        self
    }
}

/// The hour of the week (for longer buckets: the bucket of the week), and the week.
fn place(start_us: i64, behavior: &Behavior) -> (u8, i64) {
    let hour_us = behavior.bucket.micros().max(3_600_000_000);
    let since = start_us.saturating_add(THURSDAY_US);
    let slot = since.rem_euclid(WEEK_US) / hour_us;
    (u8::try_from(slot).unwrap_or(u8::MAX), since.div_euclid(WEEK_US))
}
