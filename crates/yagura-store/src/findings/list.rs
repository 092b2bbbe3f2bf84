//! Listing findings page by page, and the groups that they make by their cause.
//! Which findings match is decided in `matching.rs`.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use yagura_model::Severity;
use yagura_model::finding::{Finding, FindingState};

use super::Findings;
use super::chunks::Chunks;
use super::column::{Column, severity_of, state_of};
use super::matching::{Matched, Plan, value};
use super::names::names_of;
use super::question::{
    FindingCursor, FindingFilter, FindingGroup, FindingGroups, FindingOrder, FindingPage,
    GroupPage, PAGE_MAX, Page, Total,
};
use super::rows;
use crate::database::Session;
use crate::error::StoreError;

/// How often a page is filled up where its candidates are compared one by one.
const FILL_UPS: usize = 2;
/// Candidates compared in one go.
const COMPARED: usize = 2_000;

/// What is looked at of each finding of a group.
const GROUPED: [Column; 6] = [
    Column::Cause,
    Column::Severity,
    Column::Rank,
    Column::State,
    Column::FirstSeen,
    Column::LastSeen,
];

/// A place in an order: greater comes first.
type Place = (i64, i64);

impl Findings {
    /// A page of findings in an order, and how many there are in all.
    ///
    /// # Errors
    /// Where the database cannot be read or a finding in it is damaged.
    pub async fn list(
        &self,
        filter: &FindingFilter,
        page: &Page,
    ) -> Result<FindingPage, StoreError> {
        let mut session = self.database.read("list findings");
        let plan = Plan::of(&mut session, self, filter).await?;
        let limit = page.limit.clamp(1, PAGE_MAX);
        let after = page.after.map(|after| (after.value, after.number));
        if plan.is_exact() {
            let (mut places, count) =
                top(&mut session, &plan, page.order, after, limit + 1).await?;
            let more = places.len() > limit;
            places.truncate(limit);
            let findings = in_order(&mut session, &plan, &places).await?;
            let next = places.last().filter(|_| more).map(cursor);
            return Ok(FindingPage { findings, next, total: Total { count, exact: true } });
        }
        compared(&mut session, &plan, page.order, after, limit).await
    }

    /// Groups of findings that have one cause, the highest rank first.
    ///
    /// # Errors
    /// Where the database cannot be read or a finding in it is damaged.
    pub async fn groups(
        &self,
        filter: &FindingFilter,
        page: GroupPage,
    ) -> Result<FindingGroups, StoreError> {
        let mut session = self.database.read("group findings");
        let plan = Plan::of(&mut session, self, filter).await?;
        let mut causes: Vec<Option<Tally>> = Vec::new();
        plan.scan(&mut session, &GROUPED, &mut |matched| {
            tally(&mut causes, matched);
            true
        })
        .await?;
        let mut groups: Vec<(i64, Tally)> = causes
            .into_iter()
            .enumerate()
            .filter_map(|(code, tally)| Some((i64::try_from(code).ok()?, tally?)))
            .collect();
        let total = u64::try_from(groups.len()).unwrap_or(u64::MAX);
        groups.sort_unstable_by_key(|(code, one)| (Reverse((one.best.0, one.count)), *code));
        let limit = page.limit.clamp(1, PAGE_MAX);
        let some: Vec<(i64, Tally)> = groups.into_iter().skip(page.offset).take(limit).collect();
        let codes: BTreeSet<i64> = some.iter().map(|(code, _)| *code).collect();
        let names = names_of(&mut session, Column::Cause, codes).await?;
        let best: Vec<Place> = some.iter().map(|(_, one)| one.best).collect();
        let mut examples = numbered(&mut session, &plan, &best).await?;
        let group = |(code, one): (i64, Tally)| {
            Some(FindingGroup {
                cause: names.get(&code)?.clone(),
                count: one.count,
                severity: severity_of(one.severity).unwrap_or(Severity::Informational),
                rank: u16::try_from(one.best.0).unwrap_or_default(),
                first_seen_us: one.first_us,
                last_seen_us: one.last_us,
                open: one.open,
                example: examples.remove(&one.best.1)?,
            })
        };
        Ok(FindingGroups { groups: some.into_iter().filter_map(group).collect(), total })
    }
}

/// What is told of the findings of one cause.
#[derive(Clone)]
struct Tally {
    count: u64,
    open: u64,
    severity: i64,
    first_us: i64,
    last_us: i64,
    /// Rank and number of the one with the highest rank.
    best: Place,
}

fn tally(causes: &mut Vec<Option<Tally>>, matched: &Matched<'_>) {
    let [cause, severity, rank, state, first, last] = GROUPED.map(|column| matched.values(column));
    for slot in matched.members.slots() {
        let code = usize::try_from(value(cause, slot)).unwrap_or_default();
        if causes.len() <= code {
            causes.resize(code + 1, None);
        }
        let Some(place) = causes.get_mut(code) else { continue };
        let (first_us, last_us) = (value(first, slot), value(last, slot));
        let best = (value(rank, slot), matched.number(slot));
        let severity = value(severity, slot);
        let empty = Tally { count: 0, open: 0, severity, first_us, last_us, best };
        let known = place.get_or_insert(empty);
        known.count += 1;
        known.open += u64::from(state_of(value(state, slot)).is_some_and(FindingState::is_open));
        known.severity = known.severity.max(severity);
        known.first_us = known.first_us.min(first_us);
        known.last_us = known.last_us.max(last_us);
        known.best = known.best.max(best);
    }
}

fn cursor(place: &Place) -> FindingCursor {
    FindingCursor { value: place.0, number: place.1 }
}

/// The columns that an order looks at.
fn columns_of(order: FindingOrder) -> &'static [Column] {
    match order {
        FindingOrder::Rank => &[Column::Rank],
        FindingOrder::Severity => &[Column::Severity, Column::Rank],
        FindingOrder::LastSeen => &[Column::LastSeen],
        FindingOrder::FirstSeen => &[Column::FirstSeen],
        FindingOrder::Due => &[Column::Due],
    }
}

/// How a finding is placed: the greatest comes first.
fn value_of(order: FindingOrder, first: i64, second: i64) -> i64 {
    match order {
        FindingOrder::Severity => (first << 16) | second,
        FindingOrder::Rank | FindingOrder::LastSeen | FindingOrder::FirstSeen => first,
        FindingOrder::Due if first == 0 => i64::MIN,
        FindingOrder::Due => first.saturating_neg(),
    }
}

/// The first places of an order after one, and how many match in all.
async fn top(
    session: &mut Session,
    plan: &Plan,
    order: FindingOrder,
    after: Option<Place>,
    limit: usize,
) -> Result<(Vec<Place>, u64), StoreError> {
    let mut heap: BinaryHeap<Reverse<Place>> = BinaryHeap::with_capacity(limit + 1);
    let mut count = 0_u64;
    let columns = columns_of(order);
    plan.scan(session, columns, &mut |matched| {
        count += matched.count();
        let values =
            |place: usize| columns.get(place).map_or(&[][..], |column| matched.values(*column));
        let (first, second) = (values(0), values(1));
        for slot in matched.members.slots() {
            let at = value_of(order, value(first, slot), value(second, slot));
            let place = (at, matched.number(slot));
            let full = heap.len() >= limit;
            let beaten = full && heap.peek().is_some_and(|Reverse(least)| place <= *least);
            if beaten || after.is_some_and(|after| place >= after) {
                continue;
            }
            heap.push(Reverse(place));
            if full {
                heap.pop();
            }
        }
        true
    })
    .await?;
    let mut places: Vec<Place> = heap.into_iter().map(|Reverse(place)| place).collect();
    places.sort_unstable_by(|a, b| b.cmp(a));
    Ok((places, count))
}

/// A page of which each candidate is compared with the question.
async fn compared(
    session: &mut Session,
    plan: &Plan,
    order: FindingOrder,
    mut after: Option<Place>,
    limit: usize,
) -> Result<FindingPage, StoreError> {
    let mut page = FindingPage::default();
    let mut meant: Vec<Place> = Vec::new();
    // Mostly most candidates are meant.
    let goes = std::iter::once((limit + 1) * 2).chain(std::iter::repeat_n(COMPARED, FILL_UPS));
    for compared in goes {
        let (places, count) = top(session, plan, order, after, compared).await?;
        page.total = Total { count, exact: false };
        let numbers: Vec<i64> = places.iter().map(|place| place.1).collect();
        let documents = rows::documents(session, &plan.reach, &numbers).await?;
        let is_meant =
            |place: &&Place| documents.get(&place.1).is_some_and(|finding| plan.means(finding));
        let room = (limit + 1).saturating_sub(meant.len());
        meant.extend(places.iter().filter(is_meant).take(room));
        after = places.last().copied();
        if meant.len() > limit || places.len() < compared {
            let more = meant.len() > limit;
            meant.truncate(limit);
            page.next = meant.last().filter(|_| more).map(cursor);
            page.findings = in_order(session, plan, &meant).await?;
            return Ok(page);
        }
    }
    // Not full, and there may be more: the next page goes on where comparing ended.
    page.next = after.as_ref().map(cursor);
    page.findings = in_order(session, plan, &meant).await?;
    Ok(page)
}

async fn numbered(
    session: &mut Session,
    plan: &Plan,
    places: &[Place],
) -> Result<std::collections::HashMap<i64, Finding>, StoreError> {
    let numbers: Vec<i64> = places.iter().map(|place| place.1).collect();
    rows::findings(session, &plan.reach, &mut Chunks::default(), &numbers).await
}

/// The findings at some places. One that was taken away in the meantime is left out.
async fn in_order(
    session: &mut Session,
    plan: &Plan,
    places: &[Place],
) -> Result<Vec<Finding>, StoreError> {
    let mut found = numbered(session, plan, places).await?;
    Ok(places.iter().filter_map(|place| found.remove(&place.1)).collect())
}
