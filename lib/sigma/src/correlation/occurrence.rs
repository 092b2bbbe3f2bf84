//! One record that matched one rule, with what correlations need of it.
//! Which fields those are is planned in `plan.rs`.

use std::cmp::Ordering;
use std::sync::Arc;

use super::plan::{Plan, Reading};
use crate::matcher::RuleId;
use crate::record::{FieldPath, Record};

/// Groups that one record may belong to, where fields have several values.
const GROUPS_MAX: usize = 64;
/// Characters of a value that groups are told apart by.
const VALUE_CHARS_MAX: usize = 1024;

/// Values of the fields that group, or that are measured; `None` where the record has none.
pub(super) type Values = Vec<Option<Arc<str>>>;

/// A record that matched a rule. Two are the same if time, name and rule are.
#[derive(Clone, Debug)]
pub(super) struct Occurrence {
    pub(super) time_us: i64,
    pub(super) id: Arc<str>,
    pub(super) rule: u32,
    /// Tells records without a name apart; 0 for those with one.
    pub(super) nameless: u64,
    pub(super) shares: Vec<Share>,
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
    pub(super) groups: Vec<Values>,
    pub(super) measures: Vec<Values>,
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
    ) -> Option<Self> {
        if !plan.wants(source, rule) {
            return None;
        }
        let time = record.time_us();
        let occurrence = Occurrence::read(plan, source, rule, record, time.unwrap_or(0))?;
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
    /// Reads what the plan wants; `None` if no correlation wants the rule.
    pub(super) fn read(
        plan: &Plan,
        source: usize,
        rule: RuleId,
        record: &dyn Record,
        time_us: i64,
    ) -> Option<Self> {
        let readings = plan.readings.get(source)?.get(rule.index())?;
        if readings.is_empty() {
            return None;
        }
        let shares = readings.iter().map(|reading| share(reading, record)).collect();
        let id = Arc::from(&*record.id());
        Some(Self { time_us, id, rule: rule.0, nameless: 0, shares })
    }

    pub(super) fn share(&self, correlation: u32, member: u32) -> Option<&Share> {
        self.shares.iter().find(|share| share.correlation == correlation && share.member == member)
    }
}

fn share(reading: &Reading, record: &dyn Record) -> Share {
    let mut measures = combinations(&reading.measure, record);
    if !reading.every_value {
        measures.truncate(1);
    }
    Share {
        correlation: reading.correlation,
        member: reading.member,
        direct: reading.direct,
        groups: combinations(&reading.group, record),
        measures,
    }
}

/// Every combination of the values of the fields; a field without a value counts as one that is
/// missing.
fn combinations(fields: &[Vec<FieldPath>], record: &dyn Record) -> Vec<Values> {
    let mut all: Vec<Values> = vec![Vec::with_capacity(fields.len())];
    for paths in fields {
        let mut values: Values = Vec::new();
        for path in paths {
            record.read(path, &mut |value| {
                let Some(text) = value.text() else { return };
                let text: Arc<str> = match text.char_indices().nth(VALUE_CHARS_MAX) {
                    Some(_) => text.chars().take(VALUE_CHARS_MAX).collect::<String>().into(),
                    None => Arc::from(&*text),
                };
                if values.len() < GROUPS_MAX && !values.contains(&Some(Arc::clone(&text))) {
                    values.push(Some(text));
                }
            });
        }
        values.sort();
        if values.is_empty() {
            values.push(None);
        }
        let with = |before: &Values| -> Vec<Values> {
            let extend = |value: &Option<Arc<str>>| {
                let mut values = before.clone();
                values.push(value.clone());
                values
            };
            values.iter().map(extend).collect()
        };
        all = all.iter().flat_map(with).take(GROUPS_MAX).collect();
    }
    all
}
