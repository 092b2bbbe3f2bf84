//! What people and rules do with findings, what stages know to be over, and dates that have come.
//! What each means for a finding is the model's business.

use std::collections::HashMap;

use jiff::Timestamp;
use yagura_model::finding::{
    Act, ActOutcome, Acted, Actor, Change, Closing, Finding, act, close, end_suppression,
};

use super::Findings;
use super::column::{Column, state_of};
use super::rows::{self, Head, Reach, id_bytes};
use super::work::Work;
use crate::database::Session;
use crate::error::StoreError;

/// Findings changed in one transaction.
const PAGE: usize = 1_000;
/// Identities looked up at once where most are not known.
const LOOK_UP: usize = 4_096;

impl Findings {
    /// Does something with findings, and answers what became of each, in their order. With an
    /// expected version only those that are still so are changed: the others are a conflict.
    ///
    /// # Errors
    /// Where the database cannot be written. What was changed before that stays.
    pub async fn act(
        &self,
        ids: &[String],
        what: &Act,
        actor: &Actor,
        at: Timestamp,
        expected_version: Option<u64>,
    ) -> Result<Vec<Acted>, StoreError> {
        let mut acted = Vec::with_capacity(ids.len());
        for page in ids.chunks(PAGE) {
            let mut work = self.work("change findings", at).await?;
            let (heads, mut known) = whole(&mut work, page).await?;
            // Whoever names a finding twice means it once.
            let mut outcomes: HashMap<i64, ActOutcome> = HashMap::new();
            for id in page {
                let number = id_bytes(id).and_then(|id| heads.get(&id)).map(|head| head.number);
                if let Some((number, before)) = number.and_then(|n| Some((n, known.remove(&n)?))) {
                    let (after, outcome) = one(&before, what, work.at_us(), expected_version);
                    if let Some((now, changes)) = after {
                        work.replace(number, &before, now, told(changes, actor));
                    }
                    outcomes.insert(number, outcome);
                }
                let outcome = number.and_then(|number| outcomes.get(&number)).cloned();
                let outcome = outcome.unwrap_or(ActOutcome::Unknown);
                acted.push(Acted { id: id.clone(), outcome });
            }
            work.commit().await?;
        }
        Ok(acted)
    }

    /// Resolves what a stage knows to be over; answers how many findings that were. Identities
    /// that are not known, or over already, cost little: a scan may name all that passes.
    ///
    /// # Errors
    /// Where the database cannot be written. What was closed before that stays.
    pub async fn close(
        &self,
        closing: &Closing,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<u64, StoreError> {
        let mut closed = 0;
        for ids in closing.ids.chunks(LOOK_UP) {
            // Without the writers' lock: it is looked at again below.
            let mut session = self.database.read("look up findings");
            let reach = Reach::of(&mut session, &self.scope).await?;
            let bytes = ids.iter().filter_map(|id| id_bytes(id));
            let heads = rows::heads(&mut session, &reach, bytes).await?;
            let numbers = open_among(&mut session, heads.values()).await?;
            let as_of_us = closing.as_of_us;
            let over = move |finding: &Finding| close(finding, closing.reason, as_of_us);
            closed += self.change(&numbers, &over, actor, at).await?;
        }
        Ok(closed)
    }

    /// Ends suppressions whose date has come; answers how many those were.
    ///
    /// # Errors
    /// Where the database cannot be written. What was ended before that stays.
    pub async fn end_suppressions(&self, actor: &Actor, at: Timestamp) -> Result<u64, StoreError> {
        let numbers = self.suppressed_until(at.as_microsecond()).await?;
        let ended = |finding: &Finding| end_suppression(finding, at.as_microsecond());
        self.change(&numbers, &ended, actor, at).await
    }

    /// Makes changes of findings by their numbers; answers how many had any.
    async fn change(
        &self,
        numbers: &[i64],
        means: &(dyn Fn(&Finding) -> Vec<Change> + Send + Sync),
        actor: &Actor,
        at: Timestamp,
    ) -> Result<u64, StoreError> {
        let mut changed = 0;
        for page in numbers.chunks(PAGE) {
            let mut work = self.work("change findings", at).await?;
            let reach = work.reach.clone();
            let known = rows::findings(&mut work.session, &reach, &mut work.chunks, page).await?;
            let mut known: Vec<(i64, Finding)> = known.into_iter().collect();
            known.sort_unstable_by_key(|(number, _)| *number);
            for (number, before) in known {
                let changes = means(&before);
                if changes.is_empty() {
                    continue;
                }
                let mut now = before.clone();
                changes.iter().for_each(|change| now.apply(change, work.at_us()));
                work.replace(number, &before, now, told(changes, actor));
                changed += 1;
            }
            work.commit().await?;
        }
        Ok(changed)
    }
}

fn told(changes: Vec<Change>, actor: &Actor) -> Vec<(Actor, Change)> {
    changes.into_iter().map(|change| (actor.clone(), change)).collect()
}

/// The findings with these identities within the scope, and their numbers.
async fn whole(
    work: &mut Work,
    ids: &[String],
) -> Result<(HashMap<Vec<u8>, Head>, HashMap<i64, Finding>), StoreError> {
    let reach = work.reach.clone();
    let bytes = ids.iter().filter_map(|id| id_bytes(id));
    let heads = rows::heads(&mut work.session, &reach, bytes).await?;
    let numbers: Vec<i64> = heads.values().map(|head| head.number).collect();
    let known = rows::findings(&mut work.session, &reach, &mut work.chunks, &numbers).await?;
    Ok((heads, known))
}

/// What an act makes of one finding, and what became of it.
fn one(
    before: &Finding,
    what: &Act,
    at_us: i64,
    expected_version: Option<u64>,
) -> (Option<(Finding, Vec<Change>)>, ActOutcome) {
    let version = before.version;
    if expected_version.is_some_and(|expected| expected != version) {
        return (None, ActOutcome::Conflict { version });
    }
    match act(before, what, at_us) {
        Err(why) => (None, ActOutcome::Refused { why }),
        Ok(changes) if changes.is_empty() => (None, ActOutcome::Same { version }),
        Ok(changes) => {
            let mut now = before.clone();
            changes.iter().for_each(|change| now.apply(change, at_us));
            let version = now.version;
            (Some((now, changes)), ActOutcome::Done { version })
        }
    }
}

/// The numbers of those that are not resolved.
async fn open_among(
    session: &mut Session,
    heads: impl Iterator<Item = &Head>,
) -> Result<Vec<i64>, StoreError> {
    let numbers: Vec<i64> = heads.map(|head| head.number).collect();
    let mut chunks = super::chunks::Chunks::default();
    chunks.load(session, &[Column::State], numbers.iter().copied()).await?;
    let resolved = Some(yagura_model::finding::FindingState::Resolved);
    let open = |number: &i64| state_of(chunks.get(Column::State, *number)) != resolved;
    Ok(numbers.into_iter().filter(open).collect())
}
