//! Observing: what stages see is joined with what is known, a page to a transaction.
//! What an observation means for a finding is the model's business.
//!
//! Most observations of a running system are those of yesterday. One that differs from the last
//! only in its times is recognized by a digest and changes three columns, without a document.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use yagura_model::finding::{
    Act, Actor, Finding, FindingKind, FindingState, Noticed, NoticedAs, Observation, act, observe,
};

use super::Findings;
use super::column::{Column, state_of};
use super::rows::{self, Head, Reach, id_bytes};
use super::work::{Told, Work, digest_of};
use crate::error::StoreError;

/// Observations joined in one transaction.
const PAGE: usize = 4_096;
/// What is looked at of a finding whose content has not changed.
const LOOKED_AT: [Column; 6] = [
    Column::State,
    Column::FirstSeen,
    Column::LastSeen,
    Column::Occurrences,
    Column::SuppressedUntil,
    Column::Resolved,
];

/// What automation rules do with a finding that was opened, reopened or raised: it is asked within
/// the transaction, so that no reader of the history sees a finding before its rules were applied.
/// An act that cannot be done is left out.
pub type Rules<'a> = dyn Fn(&Finding, NoticedAs) -> Vec<(Actor, Act)> + Send + Sync + 'a;

impl Findings {
    /// Joins what a stage has seen, and answers what each observation meant, in their order.
    /// Observing the same again changes nothing. Thousands at once are the cheapest.
    ///
    /// # Errors
    /// Where the database cannot be written, or an observation is not of this scope. Pages before
    /// that stay, and may be observed again.
    pub async fn observe(
        &self,
        observations: &[Observation],
        actor: &Actor,
        at: Timestamp,
    ) -> Result<Vec<Noticed>, StoreError> {
        self.observe_with(observations, actor, at, &|_, _| Vec::new()).await
    }

    /// As [`Self::observe`], with automation rules.
    ///
    /// # Errors
    /// As [`Self::observe`].
    pub async fn observe_with(
        &self,
        observations: &[Observation],
        actor: &Actor,
        at: Timestamp,
        rules: &Rules<'_>,
    ) -> Result<Vec<Noticed>, StoreError> {
        let mut noticed = Vec::with_capacity(observations.len());
        for page in observations.chunks(PAGE) {
            if page.iter().any(|seen| !self.scope.admits(&seen.account)) {
                return Err(StoreError::OutOfScope);
            }
            noticed.extend(self.observe_page(page, actor, at, rules).await?);
        }
        Ok(noticed)
    }

    async fn observe_page(
        &self,
        page: &[Observation],
        actor: &Actor,
        at: Timestamp,
        rules: &Rules<'_>,
    ) -> Result<Vec<Noticed>, StoreError> {
        // Before the database is held: identities and digests are most of the work.
        let ids: Vec<String> = page.iter().map(Observation::id).collect();
        let digests: Vec<Vec<u8>> = page.iter().map(digest_of).collect();
        let mut work = self.work("observe findings", at).await?;
        let heads = known(&mut work, &ids).await?;
        let mut noticed = Vec::with_capacity(page.len());
        let mut others: BTreeMap<usize, Option<i64>> = BTreeMap::new();
        let mut times: HashMap<&str, usize> = HashMap::with_capacity(ids.len());
        ids.iter().for_each(|id| *times.entry(id).or_default() += 1);
        for (place, seen) in page.iter().enumerate() {
            let head = ids.get(place).and_then(|id| heads.get(id));
            let same = head.filter(|head| digests.get(place) == Some(&head.digest));
            // Several observations of one finding are joined in their order.
            let once = ids.get(place).is_some_and(|id| times.get(id.as_str()) == Some(&1));
            let number = same.filter(|_| once).map(|head| head.number);
            if !number.is_some_and(|number| again(&mut work, number, seen)) {
                others.insert(place, head.map(|head| head.number));
            }
            let id = ids.get(place).cloned().unwrap_or_default();
            noticed.push(Noticed { id, what: NoticedAs::Seen });
        }
        let meant = join(&mut work, page, &ids, others, actor, rules).await?;
        for (place, what) in meant {
            if let Some(one) = noticed.get_mut(place) {
                one.what = what;
            }
        }
        work.commit().await?;
        Ok(noticed)
    }
}

/// The heads of those that are known, and the columns that are looked at.
async fn known(work: &mut Work, ids: &[String]) -> Result<HashMap<String, Head>, StoreError> {
    let mut bytes: Vec<Vec<u8>> = ids.iter().filter_map(|id| id_bytes(id)).collect();
    bytes.sort_unstable();
    bytes.dedup();
    // Beyond the scope too: a finding of another account must not be taken for a new one.
    let heads = rows::heads(&mut work.session, &Reach::All, bytes).await?;
    if heads.values().any(|head| !work.reach.admits(head.account)) {
        return Err(StoreError::OutOfScope);
    }
    let numbers = heads.values().map(|head| head.number);
    work.chunks.load(&mut work.session, &LOOKED_AT, numbers).await?;
    Ok(heads.into_iter().map(|(id, head)| (hex::encode(id), head)).collect())
}

/// Joins an observation that differs from the last one only in its times, where this changes
/// nothing in the finding's life; says whether it did. As `yagura_model::finding::observe` would.
fn again(work: &mut Work, number: i64, seen: &Observation) -> bool {
    let get = |column| work.chunks.get(column, number);
    let quiet = match state_of(get(Column::State)) {
        None => false,
        Some(FindingState::Suppressed) => get(Column::SuppressedUntil) > work.at_us(),
        Some(FindingState::Resolved) => {
            let seen_us = match seen.kind {
                FindingKind::Alert => seen.first_us,
                _ => seen.last_us,
            };
            seen_us <= get(Column::Resolved)
        }
        Some(_) => seen.suppression.is_none(),
    };
    if !quiet {
        return false;
    }
    let (first_us, last_us) = (get(Column::FirstSeen), get(Column::LastSeen));
    let (known, now) =
        (get(Column::Occurrences), i64::try_from(seen.occurrences).unwrap_or(i64::MAX));
    let occurrences =
        if seen.first_us > last_us { known.saturating_add(now) } else { known.max(now) };
    work.chunks.set(Column::FirstSeen, number, first_us.min(seen.first_us));
    work.chunks.set(Column::LastSeen, number, last_us.max(seen.last_us));
    work.chunks.set(Column::Occurrences, number, occurrences);
    true
}

/// A finding on its way through the page.
struct Moving {
    number: i64,
    before: Option<Finding>,
    now: Option<Finding>,
    told: Vec<Told>,
}

/// Joins the observations that need their findings whole; answers what each meant.
async fn join(
    work: &mut Work,
    page: &[Observation],
    ids: &[String],
    others: BTreeMap<usize, Option<i64>>,
    actor: &Actor,
    rules: &Rules<'_>,
) -> Result<Vec<(usize, NoticedAs)>, StoreError> {
    let numbers: Vec<i64> = others.values().filter_map(|number| *number).collect();
    let reach = work.reach.clone();
    let mut known = rows::findings(&mut work.session, &reach, &mut work.chunks, &numbers).await?;
    let mut moving: HashMap<&str, Moving> = HashMap::new();
    let mut order: Vec<&str> = Vec::new();
    let mut meant = Vec::with_capacity(others.len());
    for (place, number) in others {
        let (Some(seen), Some(id)) = (page.get(place), ids.get(place)) else { continue };
        let one = moving.entry(id).or_insert_with(|| {
            order.push(id);
            let before = number.and_then(|number| known.remove(&number));
            let now = before.clone();
            Moving { number: number.unwrap_or(-1), before, now, told: Vec::new() }
        });
        meant.push((place, step(one, seen, actor, work.at_us(), rules)));
    }
    let new = moving.values().filter(|one| one.before.is_none()).count();
    let mut next = if new == 0 { 0 } else { work.numbers(new).await? };
    for id in order {
        let Some(Moving { number, before, now: Some(now), told }) = moving.remove(id) else {
            continue;
        };
        if let Some(before) = before {
            work.replace(number, &before, now, told);
        } else {
            work.add(next, now, told);
            next += 1;
        }
    }
    Ok(meant)
}

/// One observation, and the rules for what it means.
fn step(
    one: &mut Moving,
    seen: &Observation,
    actor: &Actor,
    at_us: i64,
    rules: &Rules<'_>,
) -> NoticedAs {
    let step = observe(one.now.take(), seen.clone(), at_us);
    one.told.extend(step.changes.into_iter().map(|change| (actor.clone(), change)));
    let mut finding = step.finding;
    if step.noticed > NoticedAs::Seen {
        for (actor, what) in rules(&finding, step.noticed) {
            for change in act(&finding, &what, at_us).unwrap_or_default() {
                finding.apply(&change, at_us);
                one.told.push((actor.clone(), change));
            }
        }
    }
    one.now = Some(finding);
    step.noticed
}
