//! Explains routes: who would hear of a finding, by which route, when, and why not by the others.
//! The same code as routing decides; nothing is written.

use jiff::Timestamp;
use serde::Serialize;
use yagura_content::expression::{Env, Root};
use yagura_model::Truth;
use yagura_model::finding::{Actor, Change, Finding, HistoryEntry};
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
    /// What is assumed to have happened to it: its last change that a route could mind, else that
    /// it is new.
    pub change: String,
    /// It is suppressed, and comes up for nobody.
    pub hushed: bool,
    /// Every route, in order.
    pub routes: Vec<Followed>,
    /// What targets were told of it so far.
    pub told: Vec<ToldOf>,
}

/// What a route makes of a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Followed {
    /// The route.
    pub route: String,
    /// Whether it is followed, and why not.
    pub verdict: Verdict,
    /// Why its condition has no result, where it has none.
    pub problem: Option<String>,
    /// Its condition.
    pub when: Option<String>,
    /// Where it leads.
    pub targets: Vec<String>,
    /// When it would tell together with others; none is at once.
    pub due: Option<Timestamp>,
}

/// Whether a route is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is.
    Followed,
    /// Its condition has no result; it is followed all the same.
    Unknown,
    /// It does not mind what happened.
    OtherChange,
    /// Its condition does not hold.
    ConditionFails,
    /// One above it was followed, and says that none below is.
    Shadowed,
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
        Ok(Explained {
            change: entry.change.as_str().to_owned(),
            hushed: is_hushed(&entry.change, &finding),
            routes: self.verdicts(&entry, &finding, &ground),
            told: told.map_err(RespondError::Route)?,
            finding,
        })
    }

    fn verdicts(&self, entry: &HistoryEntry, finding: &Finding, ground: &Ground) -> Vec<Followed> {
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
                _ if !route.minds(entry.change.as_str()) => Verdict::OtherChange,
                _ if shadowed => Verdict::Shadowed,
                Truth::True => Verdict::Followed,
                Truth::Unknown => Verdict::Unknown,
                Truth::False => Verdict::ConditionFails,
            };
            let followed = matches!(verdict, Verdict::Followed | Verdict::Unknown);
            shadowed = shadowed || (followed && !route.goes_on);
            verdicts.push(Followed {
                route: route.id.value.clone(),
                verdict,
                problem: problem.filter(|_| verdict == Verdict::Unknown),
                when: route.when.as_ref().map(|when| when.source().to_owned()),
                targets: route.targets.iter().map(|target| target.value.clone()).collect(),
                due: schedule::due(routes, route, finding.severity, ground.now),
            });
        }
        verdicts
    }
}
