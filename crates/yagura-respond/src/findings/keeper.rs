//! Observations on their way into the store: batch by batch, with the site's rules applied and
//! everything counted. How observations are made is in `observation.rs`.
//!
//! INVARIANT: keeping the same observations again changes nothing, so that a fold that was killed
//! may be repeated.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use yagura_model::Resource;
use yagura_model::finding::{
    Act, Actor, Closing, ClosingReason, Finding, FindingState, NoticedAs, Observation, Scope,
};
use yagura_store::Store;
use yagura_store::findings::Findings;

use super::accounts::Accounts;
use super::expression::finding_value;
use super::rules::{self, Surroundings};
use super::{Fold, Folded};
use crate::RespondError;

/// Observations that are kept together.
pub(crate) const BATCH: usize = 2_048;
/// Entries of one finding's history that are looked at for a person's word: a finding that has
/// more was changed by rules and people hundreds of times.
const HISTORY_MAX: usize = 1_000;

/// Where observations go.
pub(crate) struct Keeper<'a> {
    fold: &'a Fold,
    store: &'a Store,
    pub(crate) findings: Findings,
    pub(crate) accounts: Accounts,
    actor: Actor,
    pub(crate) now: Timestamp,
    pub(crate) folded: Folded,
}

impl<'a> Keeper<'a> {
    /// Begins: what is known of the accounts is read, suppressions whose date has come end.
    pub(crate) async fn begin(
        fold: &'a Fold,
        store: &'a Store,
        actor: &str,
        now: Timestamp,
    ) -> Result<Self, RespondError> {
        let accounts = Accounts::of(store, &fold.content.site, now).await;
        let accounts = accounts.map_err(RespondError::Findings)?;
        let findings = store.findings(Scope::All);
        let actor = Actor::Yagura(actor.to_owned());
        let ended = findings.end_suppressions(&actor, now).await;
        let folded = Folded {
            suppressions_ended: ended.map_err(RespondError::Findings)?,
            ..Folded::default()
        };
        Ok(Self { fold, store, findings, accounts, actor, now, folded })
    }

    /// The findings that there are of these, by id.
    pub(crate) async fn known(
        &self,
        ids: &[String],
    ) -> Result<HashMap<String, Finding>, RespondError> {
        let found = self.findings.get_many(ids).await.map_err(RespondError::Findings)?;
        Ok(found.into_iter().map(|finding| (finding.id.clone(), finding)).collect())
    }

    /// Keeps observations; `known` are the findings that they join.
    pub(crate) async fn observe(
        &mut self,
        observations: &[Observation],
        known: &HashMap<String, Finding>,
    ) -> Result<(), RespondError> {
        if observations.is_empty() {
            return Ok(());
        }
        let rules = &self.fold.content.site.rules;
        let noticed = if rules.is_empty() {
            self.findings.observe(observations, &self.actor, self.now).await
        } else {
            let resources = self.resources(observations).await?;
            let problems = Mutex::new(std::mem::take(&mut self.folded.problems));
            let apply = |finding: &Finding, _: NoticedAs| {
                let mut problems = problems.lock().unwrap_or_else(PoisonError::into_inner);
                let wanted = self.wanted(finding, &resources, &mut problems);
                let acts = wanted.unsettled(finding).into_iter();
                acts.map(|(rule, act)| (Actor::Rule(rule), act)).collect()
            };
            let noticed =
                self.findings.observe_with(observations, &self.actor, self.now, &apply).await;
            self.folded.problems = problems.into_inner().unwrap_or_else(PoisonError::into_inner);
            noticed
        };
        let noticed = noticed.map_err(RespondError::Findings)?;
        let accepted: HashMap<String, bool> = observations
            .iter()
            .map(|seen| {
                let now_us = self.now.as_microsecond();
                let accepted = seen.suppression.as_ref().is_some_and(|by| by.until_us > now_us);
                (seen.id(), accepted)
            })
            .collect();
        for one in &noticed {
            let before = known.get(&one.id).map(|finding| finding.state);
            let accepted = accepted.get(&one.id).copied().unwrap_or_default();
            self.folded.count(one.what, before, accepted);
        }
        if !rules.is_empty() {
            let seen = noticed.into_iter().filter(|one| one.what == NoticedAs::Seen);
            self.apply_anew(seen.map(|one| one.id).collect(), observations).await?;
        }
        Ok(())
    }

    /// Rules on findings that were there already: rules may be newer than the findings.
    async fn apply_anew(
        &mut self,
        ids: Vec<String>,
        observations: &[Observation],
    ) -> Result<(), RespondError> {
        let resources = self.resources(observations).await?;
        let mut problems = std::mem::take(&mut self.folded.problems);
        for finding in self.known(&ids).await?.into_values() {
            if finding.state == FindingState::Resolved {
                continue;
            }
            let wanted = self.wanted(&finding, &resources, &mut problems);
            if wanted.is_empty() {
                continue;
            }
            let history = self.findings.history(&finding.id, 0, HISTORY_MAX).await;
            let history = history.map_err(RespondError::Findings)?;
            for (rule, act) in wanted.heard(&history) {
                self.act(&finding.id, &act, Actor::Rule(rule)).await?;
            }
        }
        self.folded.problems = problems;
        Ok(())
    }

    async fn act(&self, id: &str, act: &Act, actor: Actor) -> Result<(), RespondError> {
        let ids = [id.to_owned()];
        let acted = self.findings.act(&ids, act, &actor, self.now, None).await;
        acted.map(|_| ()).map_err(RespondError::Findings)
    }

    fn wanted(
        &self,
        finding: &Finding,
        resources: &HashMap<String, Resource>,
        problems: &mut BTreeMap<String, String>,
    ) -> rules::Wanted {
        let around = Surroundings {
            finding: &finding_value(finding),
            resource: resources.get(&finding.observation.key),
            account: &self.accounts.value(&finding.observation.account),
            now: self.now,
        };
        rules::wanted(&self.fold.content.site.rules, finding, &around, problems)
    }

    /// The resources that observations are about, by key, as far as the inventory knows them.
    async fn resources(
        &self,
        observations: &[Observation],
    ) -> Result<HashMap<String, Resource>, RespondError> {
        let mut resources = HashMap::new();
        for seen in observations.iter().filter(|seen| seen.resource_type.is_some()) {
            if resources.contains_key(&seen.key) {
                continue;
            }
            let known = self.store.resource(&seen.key).await.map_err(RespondError::Findings)?;
            if let Some(known) = known {
                resources.insert(seen.key.clone(), known.resource);
            }
        }
        Ok(resources)
    }

    /// Resolves findings that are known to be over as of a time.
    pub(crate) async fn close(
        &mut self,
        ids: Vec<String>,
        reason: ClosingReason,
        as_of_us: i64,
    ) -> Result<(), RespondError> {
        if !ids.is_empty() {
            let closing = Closing { ids, reason, as_of_us };
            let closed = self.findings.close(&closing, &self.actor, self.now).await;
            self.folded.resolved += closed.map_err(RespondError::Findings)?;
        }
        Ok(())
    }
}
