//! Counting findings: in all, and by one of their values. Exactly, unless a text was asked for
//! that more findings may have than are compared.
//! Which findings match is decided in `matching.rs`.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use yagura_model::Severity;

use super::Findings;
use super::column::{Column, kind_of, severity_number, severity_of, state_of};
use super::condition::Condition;
use super::matching::{Matched, Plan, value};
use super::names::names_of;
use super::question::{COUNTS_MAX, Count, Counts, FindingFilter, GroupBy, Total};
use super::terms::Members;
use crate::database::Session;
use crate::error::StoreError;

const DAY_US: i64 = 86_400_000_000;

impl Findings {
    /// How many findings there are.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn count(&self, filter: &FindingFilter) -> Result<Total, StoreError> {
        let mut session = self.database.read("count findings");
        let plan = Plan::of(&mut session, self, filter).await?;
        let mut count = 0;
        plan.scan(&mut session, &[], &mut |matched| {
            count += matched.count();
            true
        })
        .await?;
        Ok(Total { count, exact: plan.is_exact() })
    }

    /// How many findings have each value.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn count_by(
        &self,
        filter: &FindingFilter,
        by: GroupBy,
    ) -> Result<Counts, StoreError> {
        let mut session = self.database.read("count findings");
        let plan = Plan::of(&mut session, self, filter).await?;
        let column = column_of(by);
        let mut tallies = Tallies::default();
        plan.scan(&mut session, &[column], &mut |matched| {
            tallies.add_all(by, matched, matched.members);
            true
        })
        .await?;
        answer(&mut session, by, tallies, plan.is_exact()).await
    }

    /// How many findings of each severity have each value: what [`Self::count_by`] tells, once
    /// for every severity, in one pass.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn count_by_severity(
        &self,
        filter: &FindingFilter,
        by: GroupBy,
    ) -> Result<Vec<(Severity, Counts)>, StoreError> {
        let mut session = self.database.read("count findings");
        let plan = Plan::of(&mut session, self, filter).await?;
        let columns = [Column::Severity, column_of(by)];
        let mut tallies = Severity::ALL.map(|severity| (severity, Tallies::default()));
        plan.scan(&mut session, &columns, &mut |matched| {
            for (severity, tallies) in &mut tallies {
                let of_it = Condition::Only(severity_number(*severity));
                let mut members = of_it.members(matched.values(Column::Severity));
                members.intersect(matched.members);
                tallies.add_all(by, matched, &members);
            }
            true
        })
        .await?;
        let mut counts = Vec::with_capacity(tallies.len());
        for (severity, tallies) in tallies {
            counts.push((severity, answer(&mut session, by, tallies, plan.is_exact()).await?));
        }
        Ok(counts)
    }

    /// How many findings have each value, for several kinds of values in one pass. A condition of
    /// the filter on one of these is set aside for its own counts alone, so that they tell what
    /// else could be chosen; unless a text or key was asked for: then all conditions hold for all.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn count_by_many(
        &self,
        filter: &FindingFilter,
        by: &[GroupBy],
    ) -> Result<Vec<Counts>, StoreError> {
        let mut session = self.database.read("count findings");
        let mut plan = Plan::of(&mut session, self, filter).await?;
        let columns: Vec<Column> = by.iter().map(|by| column_of(*by)).collect();
        let aside = plan.set_aside(&columns);
        let mut tallies: Vec<Tallies> = by.iter().map(|_| Tallies::default()).collect();
        plan.scan(&mut session, &columns, &mut |matched| {
            count_matched(matched, by, &aside, &mut tallies);
            true
        })
        .await?;
        let mut counts = Vec::with_capacity(by.len());
        for (by, tallies) in by.iter().zip(tallies) {
            counts.push(answer(&mut session, *by, tallies, plan.is_exact()).await?);
        }
        Ok(counts)
    }
}

/// Counts the findings of one chunk by each column: those that meet all that was set aside but
/// what was asked of that column.
fn count_matched(
    matched: &Matched<'_>,
    by: &[GroupBy],
    aside: &[(Column, Condition)],
    tallies: &mut [Tallies],
) {
    let meeting: Vec<(Column, Members)> = aside
        .iter()
        .map(|(column, test)| (*column, test.members(matched.values(*column))))
        .collect();
    for (by, tallies) in by.iter().zip(tallies) {
        let mut members = matched.members.clone();
        let others = meeting.iter().filter(|(column, _)| *column != column_of(*by));
        others.for_each(|(_, meeting)| members.intersect(meeting));
        tallies.add_all(*by, matched, &members);
    }
}

fn is_day(by: GroupBy) -> bool {
    matches!(by, GroupBy::FirstSeenDay | GroupBy::LastSeenDay)
}

/// What was counted, in the order and with the names of an answer.
async fn answer(
    session: &mut Session,
    by: GroupBy,
    tallies: Tallies,
    exact: bool,
) -> Result<Counts, StoreError> {
    let mut counted = tallies.all();
    let count = counted.iter().map(|(_, count)| count).sum();
    let values = u64::try_from(counted.len()).unwrap_or(u64::MAX);
    if !is_day(by) {
        counted.sort_unstable_by_key(|(value, count)| (Reverse(*count), *value));
    }
    // Of more days than are told the last ones.
    let left_out = if is_day(by) { counted.len().saturating_sub(COUNTS_MAX) } else { 0 };
    let told: Vec<(i64, u64)> = counted.into_iter().skip(left_out).take(COUNTS_MAX).collect();
    let counts = named(session, by, told).await?;
    Ok(Counts { counts, values, total: Total { count, exact } })
}

/// Counts by value: small values, which codes are, in a list, others in a map.
#[derive(Default)]
struct Tallies {
    list: Vec<u64>,
    map: BTreeMap<i64, u64>,
}

impl Tallies {
    const LIST_MAX: usize = 1 << 22;

    /// Counts some findings of a chunk: by the values of a column, times by their days.
    fn add_all(&mut self, by: GroupBy, matched: &Matched<'_>, members: &Members) {
        let values = matched.values(column_of(by));
        if is_day(by) {
            let days = members.slots().map(|slot| value(values, slot).div_euclid(DAY_US));
            days.for_each(|day| self.add(day));
        } else {
            members.slots().for_each(|slot| self.add(value(values, slot)));
        }
    }

    fn add(&mut self, value: i64) {
        match usize::try_from(value).ok().and_then(|place| self.list.get_mut(place)) {
            Some(count) => *count += 1,
            None => self.add_first(value),
        }
    }

    /// Counts a value beyond the list.
    #[cold]
    fn add_first(&mut self, value: i64) {
        match usize::try_from(value).ok().filter(|place| *place < Self::LIST_MAX) {
            None => *self.map.entry(value).or_default() += 1,
            Some(place) => {
                self.list.resize(place + 1, 0);
                if let Some(count) = self.list.get_mut(place) {
                    *count += 1;
                }
            }
        }
    }

    /// All values that were counted, ascending.
    fn all(self) -> Vec<(i64, u64)> {
        let low = self.list.into_iter().enumerate().filter(|(_, count)| *count > 0);
        let low = low.filter_map(|(place, count)| Some((i64::try_from(place).ok()?, count)));
        let mut all: Vec<(i64, u64)> = low.chain(self.map).collect();
        all.sort_unstable();
        all
    }
}

fn column_of(by: GroupBy) -> Column {
    match by {
        GroupBy::Severity => Column::Severity,
        GroupBy::State => Column::State,
        GroupBy::Account => Column::Account,
        GroupBy::Region => Column::Region,
        GroupBy::Kind => Column::Kind,
        GroupBy::Content => Column::Content,
        GroupBy::ResourceType => Column::ResourceType,
        GroupBy::Cause => Column::Cause,
        GroupBy::Assignee => Column::Assignee,
        GroupBy::FirstSeenDay => Column::FirstSeen,
        GroupBy::LastSeenDay => Column::LastSeen,
    }
}

/// Values as outputs call them.
async fn named(
    session: &mut Session,
    by: GroupBy,
    counted: Vec<(i64, u64)>,
) -> Result<Vec<Count>, StoreError> {
    let codes = counted.iter().map(|(value, _)| *value).collect();
    let names = match by {
        GroupBy::Severity
        | GroupBy::State
        | GroupBy::Kind
        | GroupBy::FirstSeenDay
        | GroupBy::LastSeenDay => std::collections::HashMap::new(),
        _ => names_of(session, column_of(by), codes).await?,
    };
    let name = |value: i64| match by {
        GroupBy::Severity => severity_of(value).map(|one| one.as_str().to_owned()),
        GroupBy::State => state_of(value).map(|one| one.as_str().to_owned()),
        GroupBy::Kind => kind_of(value).map(|one| one.as_str().to_owned()),
        GroupBy::FirstSeenDay | GroupBy::LastSeenDay => day_name(value.saturating_mul(DAY_US)),
        _ => names.get(&value).cloned(),
    };
    let count = |(value, count)| {
        let value = name(value)
            .ok_or_else(|| session.damaged(format!("{} {value} of findings", by.as_str())))?;
        Ok(Count { value, count })
    };
    counted.into_iter().map(count).collect()
}

/// The day (UTC) of a time.
pub(super) fn day_name(at_us: i64) -> Option<String> {
    let at = jiff::Timestamp::from_microsecond(at_us).ok()?;
    Some(at.to_zoned(jiff::tz::TimeZone::UTC).date().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_wherever_they_lie() {
        let mut tallies = Tallies::default();
        for value in [3, 3, 0, -5, i64::MAX, 3] {
            tallies.add(value);
        }
        assert_eq!(tallies.all(), [(-5, 1), (0, 1), (3, 3), (i64::MAX, 1)]);
    }

    #[test]
    fn days_are_those_of_utc() {
        assert_eq!(day_name(0).unwrap(), "1970-01-01");
        assert_eq!(day_name(1_790_000_000_000_000).unwrap(), "2026-09-21");
        assert_eq!(day_name(-1).unwrap(), "1969-12-31");
    }
}
