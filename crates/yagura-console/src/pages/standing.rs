//! What scans say now: for each account the newest scan, how many verdicts of each kind it gave,
//! and the scores. Kept for some seconds, because counting all verdicts takes longer than a page
//! may.
//! Single verdicts are read by the pages.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use futures::{StreamExt as _, TryStreamExt as _};
use jiff::{SignedDuration, Timestamp};
use yagura_model::finding::Scope;
use yagura_model::{AccountScore, Coverage, Resource, VerdictCounts, VerdictStatus};
use yagura_store::scores::ScanScore;
use yagura_store::{Account, CurrentScan, ResourceFilter, ScanId, Store, StoreError, VerdictCount};

use crate::state::Console;

/// How long what was counted is taken for new.
const KEPT: SignedDuration = SignedDuration::from_secs(30);

/// What scans say now, of every account.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    /// For each account its newest scan; newest first.
    pub(crate) scans: Vec<CurrentScan>,
    /// Verdicts by control, account and kind; each account's of its newest scan.
    pub(crate) counts: Vec<VerdictCount>,
    /// What was listed and what was not; each account's by its newest scan.
    pub(crate) coverage: Vec<Coverage>,
    /// The accounts of the organization as AWS tells them, also those that were never scanned.
    pub(crate) organization: Vec<Account>,
    /// The newest whole score of each framework, by its id; of all accounts.
    scores: BTreeMap<String, ScanScore>,
}

/// What was counted last, and when.
#[derive(Debug, Default)]
pub(crate) struct Kept(Mutex<Option<(Timestamp, Arc<Standing>)>>);

impl Standing {
    /// What scans say now.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub(crate) async fn now(console: &Console) -> Result<Arc<Self>, StoreError> {
        let now = console.now();
        let kept = console.standing();
        if let Ok(known) = kept.0.lock()
            && let Some((at, standing)) = known.as_ref()
            && now.duration_since(*at).abs() < KEPT
        {
            return Ok(Arc::clone(standing));
        }
        let standing = Arc::new(Self::read(console, now).await?);
        if let Ok(mut known) = kept.0.lock() {
            *known = Some((now, Arc::clone(&standing)));
        }
        Ok(standing)
    }

    async fn read(console: &Console, now: Timestamp) -> Result<Self, StoreError> {
        let store = console.store();
        let mut standing = Self { scans: store.current_scans(now).await?, ..Self::default() };
        for current in &standing.scans {
            let counts = store.verdict_counts(current.scan.id).await?;
            let own = counts.into_iter().filter(|one| current.accounts.contains(&one.account));
            standing.counts.extend(own);
            let coverage = store.coverage(current.scan.id).await?;
            let own = coverage.into_iter().filter(|one| current.accounts.contains(&one.account));
            standing.coverage.extend(own);
        }
        standing.organization = organization(store).await?;
        let scores = store.scores(Scope::All);
        for framework in console.content().frameworks.keys() {
            if let Some(score) = scores.latest(framework).await? {
                standing.scores.insert(framework.clone(), score);
            }
        }
        Ok(standing)
    }

    /// The newest score of a framework, as the accounts of a scope give it.
    pub(crate) fn score(&self, framework: &str, scope: &Scope) -> Option<ScanScore> {
        let known = self.scores.get(framework)?;
        Some(ScanScore { score: known.score.clone().within(scope), ..known.clone() })
    }

    /// What one account contributes to the score of each framework.
    pub(crate) fn account_scores(&self, account: &str) -> BTreeMap<&str, &AccountScore> {
        let own = self.scores.iter().filter_map(|(framework, known)| {
            let own = known.score.accounts.iter().find(|one| one.account == account)?;
            Some((framework.as_str(), own))
        });
        own.collect()
    }

    /// The scans with the accounts that count and may be known of.
    pub(crate) fn within(&self, scope: &Scope) -> Vec<(ScanId, Vec<String>)> {
        let own = |current: &CurrentScan| {
            let accounts = current.accounts.iter().filter(|id| scope.admits(id)).cloned();
            (current.scan.id, accounts.collect::<Vec<_>>())
        };
        self.scans.iter().map(own).filter(|(_, accounts)| !accounts.is_empty()).collect()
    }

    /// How each control stands in the accounts of a scope. Accepted failures are among the
    /// failures: exceptions are told verdict by verdict.
    pub(crate) fn controls(&self, scope: &Scope) -> BTreeMap<&str, VerdictCounts> {
        let mut controls: BTreeMap<&str, VerdictCounts> = BTreeMap::new();
        for count in self.counts.iter().filter(|count| scope.admits(&count.account)) {
            add(controls.entry(&count.control).or_default(), count);
        }
        controls
    }
}

/// Members and units of an organization that are read at most.
const MEMBERS_MAX: usize = 20_000;
const MEMBER: &str = "AWS::Organizations::Account";
const UNIT: &str = "AWS::Organizations::OrganizationalUnit";

/// The accounts of the organization with the paths of their units.
async fn organization(store: &Store) -> Result<Vec<Account>, StoreError> {
    let mut found: [Vec<Resource>; 2] = Default::default();
    for (type_name, into) in [MEMBER, UNIT].into_iter().zip(&mut found) {
        let types = vec![type_name.to_owned()];
        let filter = ResourceFilter { types, ..ResourceFilter::default() };
        let stream = store.resources_at(Timestamp::MAX, &filter).take(MEMBERS_MAX);
        *into = stream.try_collect().await?;
    }
    let [members, units] = found;
    Ok(placed(&members, &units))
}

/// Accounts with the paths that their units make.
fn placed(members: &[Resource], units: &[Resource]) -> Vec<Account> {
    let by_id: HashMap<&str, &Resource> = units.iter().map(|one| (one.id.as_str(), one)).collect();
    let path_of = |member: &Resource| {
        let edge = member.relations.iter().find(|edge| edge.type_name == UNIT);
        let mut next = edge.map(|edge| edge.target.as_str());
        let mut names = Vec::new();
        // A unit lies at most five levels deep; what is damaged may go in circles.
        while let Some(unit) = next.and_then(|id| by_id.get(id)).filter(|_| names.len() < 10) {
            names.push(unit.name.replace('/', " "));
            next = unit.properties.get("ParentId").and_then(|parent| parent.as_str());
        }
        names.iter().rev().map(|name| format!("/{name}")).collect::<String>()
    };
    let account =
        |one: &Resource| Account { id: one.id.clone(), name: one.name.clone(), ou: path_of(one) };
    members.iter().map(account).collect()
}

/// Adds a count to its kind.
pub(crate) fn add(counts: &mut VerdictCounts, count: &VerdictCount) {
    let kind = match count.status {
        VerdictStatus::Pass => &mut counts.pass,
        VerdictStatus::Fail => &mut counts.fail,
        VerdictStatus::NotApplicable => &mut counts.not_applicable,
        VerdictStatus::Unknown => &mut counts.unknown,
    };
    *kind += count.count;
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use yagura_model::Relation;

    use super::*;

    #[test]
    fn units_within_units_make_a_path_and_circles_end() {
        let unit = |id: &str, name: &str, parent: &str| Resource {
            id: id.to_owned(),
            name: name.to_owned(),
            properties: json!({"ParentId": parent}).as_object().unwrap().clone(),
            ..Resource::default()
        };
        let member = |id: &str, target: &str| Resource {
            id: id.to_owned(),
            relations: vec![Relation {
                name: "organizational_unit".to_owned(),
                type_name: UNIT.to_owned(),
                target: target.to_owned(),
            }],
            ..Resource::default()
        };
        let units = [
            unit("ou-a", "Workloads", "r-1"),
            unit("ou-b", "Production", "ou-a"),
            unit("ou-c", "Circle", "ou-c"),
        ];
        let members = [member("1", "ou-b"), member("2", "r-1"), member("3", "ou-c")];
        let paths: Vec<String> = placed(&members, &units).into_iter().map(|one| one.ou).collect();
        assert_eq!(paths[..2], ["/Workloads/Production".to_owned(), String::new()]);
        assert_eq!(paths[2], "/Circle".repeat(10));
    }
}
