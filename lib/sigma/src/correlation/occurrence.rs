//! One record that matched one rule, with what correlations need of it.
//! Which fields those are is planned in `plan.rs`.

use std::cmp::Ordering;
use std::sync::Arc;

use super::plan::{Plan, Reading};
use super::repeats::Repeats;
use crate::matcher::RuleId;
use crate::record::{FieldPath, Record};

/// Groups that one record may belong to, where fields have several values.
const GROUPS_MAX: usize = 64;
/// Characters of a value that groups are told apart by.
const VALUE_CHARS_MAX: usize = 1024;

/// Values of the fields that group, or that are measured; `None` where the record has none.
/// Thousands of waiting events have the same ones, so they are shared.
pub(super) type Values = Arc<[Option<Arc<str>>]>;

/// One list of values, as most records have, or several.
#[derive(Clone, Debug)]
pub(super) enum Few {
    One(Values),
    Many(Box<[Values]>),
}

impl Few {
    /// The lists as a slice.
    pub(super) fn as_slice(&self) -> &[Values] {
        match self {
            Self::One(values) => std::slice::from_ref(values),
            Self::Many(lists) => lists,
        }
    }
}

impl FromIterator<Values> for Few {
    fn from_iter<I: IntoIterator<Item = Values>>(lists: I) -> Self {
        let mut lists = lists.into_iter();
        match (lists.next(), lists.next()) {
            (Some(one), None) => Self::One(one),
            (first, second) => Self::Many(first.into_iter().chain(second).chain(lists).collect()),
        }
    }
}

/// A record that matched a rule. Two are the same if time, name and rule are.
#[derive(Clone, Debug)]
pub(super) struct Occurrence {
    pub(super) time_us: i64,
    pub(super) id: Arc<str>,
    pub(super) rule: u32,
    /// Tells records without a name apart; 0 for those with one.
    pub(super) nameless: u64,
    pub(super) shares: Box<[Share]>,
}

impl Occurrence {
    fn key(&self) -> (i64, &str, u32, u64) {
        (self.time_us, &self.id, self.rule, self.nameless)
    }
}

impl PartialEq for Occurrence {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Occurrence {}

impl PartialOrd for Occurrence {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Occurrence {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// What one correlation needs of it.
#[derive(Clone, Debug)]
pub(super) struct Share {
    pub(super) correlation: u32,
    pub(super) member: u32,
    pub(super) direct: bool,
    pub(super) groups: Few,
    pub(super) measures: Few,
}

/// A record that matched one rule, with everything that correlations need of it.
#[derive(Clone, Debug)]
pub struct Observed {
    pub(super) occurrence: Occurrence,
    pub(super) timeless: bool,
}

impl Observed {
    /// `None` if no correlation wants the rule.
    pub(crate) fn read(
        plan: &Plan,
        source: usize,
        rule: RuleId,
        record: &dyn Record,
        repeats: &mut Repeats,
    ) -> Option<Self> {
        if !plan.wants(source, rule) {
            return None;
        }
        let time = record.time_us();
        let readings = plan.readings(source, rule);
        let shares = readings.iter().map(|reading| share(reading, record, repeats)).collect();
        let time_us = time.unwrap_or(0);
        let occurrence =
            Occurrence { time_us, id: record.shared_id(), rule: rule.0, nameless: 0, shares };
        Some(Self { occurrence, timeless: time.is_none() })
    }

    /// When it happened, in microseconds since 1970.
    #[must_use]
    pub fn time_us(&self) -> Option<i64> {
        (!self.timeless).then_some(self.occurrence.time_us)
    }

    /// The record's name.
    #[must_use]
    pub fn id(&self) -> &Arc<str> {
        &self.occurrence.id
    }
}

impl Occurrence {
    pub(super) fn share(&self, correlation: u32, member: u32) -> Option<&Share> {
        self.shares.iter().find(|share| share.correlation == correlation && share.member == member)
    }
}

fn share(reading: &Reading, record: &dyn Record, repeats: &mut Repeats) -> Share {
    let measures_max = if reading.every_value { GROUPS_MAX } else { 1 };
    Share {
        correlation: reading.correlation,
        member: reading.member,
        direct: reading.direct,
        groups: combinations(&reading.group, record, GROUPS_MAX, repeats),
        measures: combinations(&reading.measure, record, measures_max, repeats),
    }
}

/// Every combination of the values of the fields, up to so many; a field without a value counts
/// as one that is missing.
fn combinations(
    fields: &[Vec<FieldPath>],
    record: &dyn Record,
    max: usize,
    repeats: &mut Repeats,
) -> Few {
    let mut all = vec![Vec::with_capacity(fields.len())];
    for paths in fields {
        let mut values: Vec<Option<Arc<str>>> = Vec::new();
        for path in paths {
            record.read(path, &mut |value| {
                let Some(text) = value.text() else { return };
                let text = Some(repeats.text(&text, VALUE_CHARS_MAX));
                if values.len() < GROUPS_MAX && !values.contains(&text) {
                    values.push(text);
                }
            });
        }
        values.sort();
        match values.as_slice() {
            [] => all.iter_mut().for_each(|before| before.push(None)),
            [only] => all.iter_mut().for_each(|before| before.push(only.clone())),
            several => {
                let with = |before: &Vec<Option<Arc<str>>>| -> Vec<Vec<Option<Arc<str>>>> {
                    let extend = |value: &Option<Arc<str>>| {
                        let mut values = before.clone();
                        values.push(value.clone());
                        values
                    };
                    several.iter().map(extend).collect()
                };
                all = all.iter().flat_map(with).take(GROUPS_MAX).collect();
            }
        }
    }
    all.truncate(max);
    all.iter().map(|values| repeats.values(values)).collect()
}
