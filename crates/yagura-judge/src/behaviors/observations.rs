//! What was observed of records, joined as it is observed: a cell is one value of one entity in
//! one bucket of time. Joining is commutative, associative and idempotent in what is judged.
//! Filling cells is `observer.rs`, judging them `state.rs`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use yagura_model::alert::{Distinct, Witness};

use super::hash::ByHash;
use super::links::Link;

/// Distinct records and values are counted exactly up to here; beyond, estimated (6 % off).
pub(super) const TALLY_EXACT_MAX: usize = 256;

/// What batches told, ready to be folded.
#[derive(Clone, Debug, Default)]
pub struct Observations {
    /// By the stand-in of behaviour, entity, value and bucket. In boxes: they move from here to
    /// where they wait, and tables of them grow by moving all.
    pub(super) cells: ByHash<Box<Cell>>,
    pub(super) links: Vec<Link>,
    pub(super) newest_us: Option<i64>,
    pub(super) records: u64,
}

/// One value of one entity in one bucket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Cell {
    /// The behaviour's number among the compiled.
    pub(super) behavior: u16,
    pub(super) entity: u64,
    /// Of the peers; zero without.
    pub(super) group: u64,
    /// Zero where no value is watched.
    pub(super) value: u64,
    /// When the bucket begins.
    pub(super) start_us: i64,
    pub(super) entity_name: Arc<str>,
    pub(super) value_name: Arc<str>,
    /// Whether no record yet had what is measured: the first only tells that there was activity.
    #[serde(default)]
    pub(super) idle: bool,
    /// The first record by time, then by its name; of those that count, if any does. None where
    /// an earlier bucket had the value already, so that nothing is to be told of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) first: Option<Arc<Witness>>,
    /// Time of the last record.
    pub(super) last_us: i64,
    pub(super) tally: Option<Box<Tally>>,
}

/// What is counted of a cell's records.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Tally {
    /// Distinct records.
    pub(super) records: Distinct,
    /// Records, repeats included.
    pub(super) total: u64,
    /// Of a number of theirs, repeats included.
    pub(super) sum: u64,
    /// Distinct values.
    pub(super) values: Distinct,
}

impl Tally {
    fn join(&mut self, other: &Self) {
        self.records.union(&other.records, TALLY_EXACT_MAX);
        self.values.union(&other.values, TALLY_EXACT_MAX);
        self.total = self.total.saturating_add(other.total);
        self.sum = self.sum.saturating_add(other.sum);
    }

    /// How many distinct records there were.
    pub(super) fn records(&self) -> u64 {
        self.records.count(TALLY_EXACT_MAX).0
    }

    /// How many distinct values there were.
    pub(super) fn values(&self) -> u64 {
        self.values.count(TALLY_EXACT_MAX).0
    }

    /// The sum over distinct records: logs that come twice (two trails over one account) do not
    /// double it. Exact where no record came twice.
    pub(super) fn sum(&self) -> u64 {
        let (distinct, exact) = self.records.count(TALLY_EXACT_MAX);
        // An estimate that says "about as many as there were" is no evidence of repeats.
        let repeats = if exact { self.total > distinct } else { self.total / 4 * 3 > distinct };
        if !repeats || self.total == 0 {
            return self.sum;
        }
        let corrected = u128::from(self.sum) * u128::from(distinct) / u128::from(self.total);
        u64::try_from(corrected).unwrap_or(u64::MAX)
    }
}

impl Cell {
    /// Joins a cell of the same value, entity and bucket.
    pub(super) fn join(&mut self, other: Self) {
        let earlier = match (&self.first, &other.first) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(mine), Some(theirs)) => {
                (other.idle, theirs.time_us, &theirs.id) < (self.idle, mine.time_us, &mine.id)
            }
        };
        if earlier {
            self.first = other.first;
            self.idle = other.idle;
            self.entity_name = other.entity_name;
            // A value's letters may differ where its stand-in does not: of form, not of meaning.
            self.value_name = other.value_name;
        }
        self.last_us = self.last_us.max(other.last_us);
        match (&mut self.tally, other.tally) {
            (Some(mine), Some(theirs)) => mine.join(&theirs),
            (mine @ None, theirs) => *mine = theirs,
            (Some(_), None) => {}
        }
    }
}

impl Observations {
    /// Joins what others observed.
    pub fn join(&mut self, other: Self) {
        for (key, cell) in other.cells {
            add(&mut self.cells, key, cell);
        }
        self.links.extend(other.links);
        self.newest_us = self.newest_us.max(other.newest_us);
        self.records += other.records;
    }

    /// The links between actors, for sequences.
    pub fn take_links(&mut self) -> Vec<Link> {
        std::mem::take(&mut self.links)
    }

    /// Whether nothing was observed.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty() && self.links.is_empty() && self.newest_us.is_none()
    }
}

/// Adds a cell, or joins it to the one that is there.
pub(super) fn add(cells: &mut ByHash<Box<Cell>>, key: u64, cell: Box<Cell>) {
    match cells.entry(key) {
        std::collections::hash_map::Entry::Occupied(mut known) => known.get_mut().join(*cell),
        std::collections::hash_map::Entry::Vacant(free) => {
            free.insert(cell);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(records: &[u64], each: u64) -> Tally {
        let mut tally = Tally::default();
        for record in records {
            tally.records.insert(*record, TALLY_EXACT_MAX);
            tally.total += 1;
            tally.sum += each;
        }
        tally
    }

    #[test]
    fn records_that_come_twice_do_not_double_a_sum() {
        let once = tally(&[1, 2, 3], 10);
        let mut twice = once.clone();
        twice.join(&once);
        assert_eq!((once.sum(), once.records()), (30, 3));
        assert_eq!((twice.sum(), twice.records()), (30, 3));
    }

    #[test]
    fn many_records_are_estimated_and_their_sum_is_kept() {
        let spread = |n: u64| super::super::hash::mix(n, 7);
        let hashes: Vec<u64> = (0..10_000).map(spread).collect();
        let many = tally(&hashes, 3);
        assert_eq!(many.sum(), 30_000);
        assert!((8_000..12_000).contains(&many.records()), "{}", many.records());
    }
}
