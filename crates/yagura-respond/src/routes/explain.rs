//! Explains routes: who would hear of a finding, by which route, when, and why not by the others.
//! The same code as routing decides; nothing is written.

use jiff::Timestamp;
use serde::Serialize;
use yagura_content::expression::{Env, Root};
use yagura_model::Truth;
use yagura_model::finding::{
    Actor, Change, Expected, ExpectedRoute, Finding, HistoryEntry, RouteVerdict,
};
use yagura_store::Store;
use yagura_store::outbox::ToldOf;

use super::{Ground, Router, change_value, is_hushed, schedule};
use crate::error::RespondError;
use crate::findings::accounts::Accounts;
use crate::findings::expression::finding_value;

/// What was told of a finding is listed up to so many lines.
const TOLD_MAX: usize = 200;

/// Why a finding reaches whom.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explained {
    /// The finding.
    pub finding: Finding,
    /// What the routes make of it.
    #[serde(flatten)]
    pub expected: Expected,
    /// What targets were told of it so far.
    pub told: Vec<ToldOf>,
}

impl Router {
    /// Explains what the routes make of a finding.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn explain(
        &self,
        store: &Store,
        finding: Finding,
        history: &[HistoryEntry],
        now: Timestamp,
    ) -> Result<Explained, RespondError> {
        let accounts = Accounts::of(store, &self.content().site, now).await;
        let ground = Ground { accounts: accounts.map_err(RespondError::Route)?, now };
        let routes = &self.content().site.routes;
        let minded = |entry: &&HistoryEntry| {
            routes.routes.iter().any(|route| route.minds(entry.change.as_str()))
        };
        let entry = history.iter().rev().find(minded).cloned().unwrap_or_else(|| HistoryEntry {
            number: 0,
            finding: finding.id.clone(),
            account: finding.observation.account.clone(),
            at_us: now.as_microsecond(),
            actor: Actor::Yagura("routes".to_owned()),
            change: Change::Opened { severity: finding.severity },
        });
        let told = store.outbox().told_of(&finding.id, TOLD_MAX).await;
        let expected = Expected {
            change: entry.change.as_str().to_owned(),
            hushed: is_hushed(&entry.change, &finding),
            routes: self.verdicts(&entry, &finding, &ground),
        };
        Ok(Explained { finding, expected, told: told.map_err(RespondError::Route)? })
    }

    fn verdicts(
        &self,
        entry: &HistoryEntry,
        finding: &Finding,
        ground: &Ground,
    ) -> Vec<ExpectedRoute> {
        let routes = &self.content().site.routes;
        let account = ground.accounts.value(&finding.observation.account);
        let (value, change) = (finding_value(finding), change_value(entry));
        let mut shadowed = false;
        let mut verdicts = Vec::new();
        for route in &routes.routes {
            let env = Env::mapping()
                .bind(Root::Finding, &value)
                .bind(Root::Change, &change)
                .bind(Root::Account, &account)
                .bind_now(ground.now);
            let (truth, problem) = route.holds(env);
            let verdict = match truth {
                _ if !route.minds(entry.change.as_str()) => RouteVerdict::OtherChange,
                _ if shadowed => RouteVerdict::Shadowed,
                Truth::True => RouteVerdict::Followed,
                Truth::Unknown => RouteVerdict::Unknown,
                Truth::False => RouteVerdict::ConditionFails,
            };
            shadowed = shadowed || (verdict.is_followed() && !route.goes_on);
            verdicts.push(ExpectedRoute {
                route: route.id.value.clone(),
                verdict,
                problem: problem.filter(|_| verdict == RouteVerdict::Unknown),
                when: route.when.as_ref().map(|when| when.source().to_owned()),
                targets: route.targets.iter().map(|target| target.value.clone()).collect(),
                due: schedule::due(routes, route, finding.severity, ground.now),
            });
        }
        verdicts
    }
}
