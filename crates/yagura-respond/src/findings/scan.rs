//! A scan's verdicts into findings: a failure is seen; a pass, or the end of a resource or control,
//! closes; what is unknown or was not judged stays as it is. How a verdict looks as an observation
//! is in `observation.rs`.
//!
//! Memory is bounded by the open findings of one control: controls are folded one after the other.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use futures::TryStreamExt as _;
use jiff::Timestamp;
use yagura_model::finding::{ClosingReason, FindingKind, FindingState};
use yagura_model::{CoverageState, Verdict, VerdictStatus, finding_id};
use yagura_store::alerts::AlertFilter;
use yagura_store::findings::{COUNTS_MAX, FindingFilter, GroupBy, OpenFinding};
use yagura_store::{Scan, ScanId, ScanState, Store, VerdictFilter};

use super::keeper::{BATCH, Keeper};
use super::observation::{About, Around, of_verdict};
use super::traits::Traits;
use super::{Fold, Folded};
use crate::RespondError;

/// Resources whose traits are remembered: most fail several controls.
const TRAITS_MAX: usize = 20_000;
/// How long an alert makes what it names more urgent, in microseconds.
const ALERTS_FOR_US: i64 = 7 * 86_400_000_000;
/// Alerts that are looked at for this, the latest first.
const ALERTS_MAX: usize = 2_000;

impl Fold {
    /// Folds the verdicts of a scan. Only a complete scan closes what passes; what a resource's
    /// end closes, the inventory's history says.
    ///
    /// # Errors
    /// Where the store cannot be read or written; what was folded before stands, and folding the
    /// scan again completes it.
    pub async fn fold_scan(
        &self,
        store: &Store,
        scan: ScanId,
        now: Timestamp,
    ) -> Result<Folded, RespondError> {
        let scan = store.scan(scan).await.map_err(RespondError::Findings)?;
        let keeper = Keeper::begin(self, store, "scan", now).await?;
        let folding = Folding::begin(self, store, scan, keeper).await?;
        folding.run().await
    }
}

/// One scan being folded.
struct Folding<'a> {
    fold: &'a Fold,
    store: &'a Store,
    scan: Scan,
    started_us: i64,
    keeper: Keeper<'a>,
    /// Types that the scan listed completely somewhere: only there it knows of an end.
    listed: BTreeSet<String>,
    traits: HashMap<String, Arc<Traits>>,
    /// How many alerts lately named a resource.
    alerts: HashMap<String, u64>,
}

impl<'a> Folding<'a> {
    async fn begin(
        fold: &'a Fold,
        store: &'a Store,
        scan: Scan,
        keeper: Keeper<'a>,
    ) -> Result<Self, RespondError> {
        let coverage = store.coverage(scan.id).await.map_err(RespondError::Findings)?;
        let complete = coverage.into_iter().filter(|one| one.state == CoverageState::Complete);
        let listed = complete.map(|one| one.type_name).collect();
        let alerts = alerts_by_resource(store, scan.start.started, keeper.now).await?;
        let started_us = scan.start.started.as_microsecond();
        let traits = HashMap::new();
        Ok(Self { fold, store, scan, started_us, keeper, listed, traits, alerts })
    }

    async fn run(mut self) -> Result<Folded, RespondError> {
        let judged = self.judged().await?;
        let open = self.open_contents().await?;
        let all: BTreeSet<&String> = judged.iter().chain(open.iter().flatten()).collect();
        for control in all {
            let mut left = match &open {
                Some(open) if !open.contains(control) => HashMap::new(),
                _ => self.unresolved(control).await?,
            };
            if judged.contains(control) {
                self.see(control, &mut left).await?;
                if self.scan.state == ScanState::Complete {
                    self.close_quiet(control, &mut left).await?;
                }
            } else if self.scan.state == ScanState::Complete && self.is_gone(control) {
                let ids = left.drain().map(|(id, _)| id).collect();
                self.keeper.close(ids, ClosingReason::ContentEnded, self.started_us).await?;
            }
            self.close_ended(left).await?;
        }
        Ok(self.keeper.folded)
    }

    /// The controls that the scan judged.
    async fn judged(&self) -> Result<BTreeSet<String>, RespondError> {
        let counts = self.store.verdict_counts(self.scan.id).await;
        Ok(counts.map_err(RespondError::Findings)?.into_iter().map(|one| one.control).collect())
    }

    /// The controls with findings that are not resolved; none where there are too many to tell.
    async fn open_contents(&self) -> Result<Option<BTreeSet<String>>, RespondError> {
        let filter = unresolved_of(&[]);
        let counts = self.keeper.findings.count_by(&filter, GroupBy::Content).await;
        let counts = counts.map_err(RespondError::Findings)?;
        let all = counts.values <= COUNTS_MAX as u64;
        Ok(all.then(|| counts.counts.into_iter().map(|one| one.value).collect()))
    }

    /// Whether a control is no more, or the site has switched it off: no scan will ever say that
    /// it passes. What one run left out (`--controls`) stays, and so does all while some content
    /// could not be loaded: a broken file disables its control and does not remove it.
    fn is_gone(&self, control: &str) -> bool {
        let content = &self.fold.content;
        let whole = content.problems.is_empty() && !content.controls.is_empty();
        whole
            && (!content.controls.contains_key(control) || !content.site.selection.enables(control))
    }

    /// The findings of a control that are not resolved and were not seen later than this scan.
    async fn unresolved(
        &self,
        control: &str,
    ) -> Result<HashMap<String, OpenFinding>, RespondError> {
        let mut found = HashMap::new();
        let filter = unresolved_of(&[control.to_owned()]);
        let mut stream = self.keeper.findings.ids_open(&filter);
        while let Some(open) = stream.try_next().await.map_err(RespondError::Findings)? {
            if open.last_seen_us <= self.started_us {
                found.insert(open.id.clone(), open);
            }
        }
        Ok(found)
    }

    /// Failures are seen; of what is unknown nothing is said. Both are no longer left.
    async fn see(
        &mut self,
        control: &str,
        left: &mut HashMap<String, OpenFinding>,
    ) -> Result<(), RespondError> {
        let about = About::of(control, &self.fold.content);
        let filter = VerdictFilter { controls: vec![control.to_owned()], ..VerdictFilter::open() };
        let mut stream = self.store.verdicts(self.scan.id, &filter);
        let mut failures: Vec<(String, Verdict)> = Vec::with_capacity(BATCH);
        while let Some(verdict) = stream.try_next().await.map_err(RespondError::Findings)? {
            let id = id_of(&verdict);
            left.remove(&id);
            if verdict.status == VerdictStatus::Fail {
                failures.push((id, verdict));
            }
            if failures.len() >= BATCH {
                self.keep(&about, std::mem::take(&mut failures)).await?;
            }
        }
        self.keep(&about, failures).await
    }

    async fn keep(
        &mut self,
        about: &About,
        failures: Vec<(String, Verdict)>,
    ) -> Result<(), RespondError> {
        let ids: Vec<String> = failures.iter().map(|(id, _)| id.clone()).collect();
        let known = self.keeper.known(&ids).await?;
        let mut observations = Vec::with_capacity(failures.len());
        for (id, verdict) in failures {
            let traits = self.traits(&verdict).await?;
            let open = known.get(&id).filter(|one| one.state != FindingState::Resolved);
            let around = Around {
                traits: &traits,
                accounts: &self.keeper.accounts,
                alerts: self.alerts_on(&verdict),
                opened_us: open.map(|one| one.opened_us),
                started_us: self.started_us,
            };
            observations.push(of_verdict(verdict, about, &around));
        }
        self.keeper.observe(&observations, &known).await
    }

    fn alerts_on(&self, verdict: &Verdict) -> u64 {
        let named = |name: &str| self.alerts.get(name).copied().unwrap_or_default();
        // Logs name instances by their ids.
        let instance = (verdict.type_name == "AWS::EC2::Instance")
            .then(|| verdict.key.rsplit('/').next().unwrap_or_default())
            .filter(|id| *id != verdict.key);
        named(&verdict.key) + instance.map_or(0, named)
    }

    /// What the resource of a verdict tells.
    async fn traits(&mut self, verdict: &Verdict) -> Result<Arc<Traits>, RespondError> {
        if let Some(known) = self.traits.get(&verdict.key) {
            return Ok(Arc::clone(known));
        }
        let known = self.store.resource(&verdict.key).await.map_err(RespondError::Findings)?;
        let site = &self.fold.content.site;
        let traits = known.map_or_else(Traits::default, |one| Traits::of(&one.resource, site));
        let traits = Arc::new(traits);
        if self.traits.len() >= TRAITS_MAX {
            self.traits.clear();
        }
        self.traits.insert(verdict.key.clone(), Arc::clone(&traits));
        Ok(traits)
    }

    /// What passes now, or no longer applies, is over.
    async fn close_quiet(
        &mut self,
        control: &str,
        left: &mut HashMap<String, OpenFinding>,
    ) -> Result<(), RespondError> {
        if left.is_empty() {
            return Ok(());
        }
        let accounts: BTreeSet<&str> = left.values().map(|open| open.account.as_str()).collect();
        let filter = VerdictFilter {
            statuses: vec![VerdictStatus::Pass, VerdictStatus::NotApplicable],
            controls: vec![control.to_owned()],
            accounts: accounts.into_iter().map(str::to_owned).collect(),
            key: None,
        };
        let (mut passed, mut not_applicable) = (Vec::new(), Vec::new());
        let wanted: HashSet<String> = left.values().map(|open| open.key.clone()).collect();
        let mut stream = self.store.verdicts(self.scan.id, &filter);
        while let Some(verdict) = stream.try_next().await.map_err(RespondError::Findings)? {
            // Most verdicts are of resources that never failed: a look spares the hash.
            if !wanted.contains(&verdict.key) {
                continue;
            }
            let id = id_of(&verdict);
            if left.remove(&id).is_some() {
                match verdict.status {
                    VerdictStatus::NotApplicable => not_applicable.push(id),
                    _ => passed.push(id),
                }
            }
            if left.is_empty() {
                break;
            }
        }
        self.keeper.close(passed, ClosingReason::Passed, self.started_us).await?;
        self.keeper.close(not_applicable, ClosingReason::NotApplicable, self.started_us).await
    }

    /// What the inventory knows to be gone is over.
    async fn close_ended(
        &mut self,
        left: HashMap<String, OpenFinding>,
    ) -> Result<(), RespondError> {
        let mut ended: BTreeMap<i64, Vec<String>> = BTreeMap::new();
        for open in left.into_values().filter(|open| self.listed.contains(&open.resource_type)) {
            let known = self.store.resource(&open.key).await.map_err(RespondError::Findings)?;
            if let Some(gone) = known.filter(|known| known.deleted) {
                ended.entry(gone.last_seen.as_microsecond()).or_default().push(open.id);
            }
        }
        for (as_of_us, ids) in ended {
            self.keeper.close(ids, ClosingReason::ResourceEnded, as_of_us).await?;
        }
        Ok(())
    }
}

/// Findings of controls that are not resolved; suppressed ones are closed like open ones.
fn unresolved_of(contents: &[String]) -> FindingFilter {
    let mut states = FindingState::OPEN.to_vec();
    states.push(FindingState::Suppressed);
    FindingFilter {
        states,
        kinds: vec![FindingKind::Control],
        contents: contents.to_vec(),
        ..FindingFilter::default()
    }
}

fn id_of(verdict: &Verdict) -> String {
    finding_id(FindingKind::Control.as_str(), &verdict.control, &verdict.key, "")
}

/// How many alerts of the days before a scan name each resource.
async fn alerts_by_resource(
    store: &Store,
    started: Timestamp,
    now: Timestamp,
) -> Result<HashMap<String, u64>, RespondError> {
    let since_us = started.as_microsecond().saturating_sub(ALERTS_FOR_US);
    let filter = AlertFilter {
        since: Timestamp::from_microsecond(since_us).ok(),
        severity: Some(yagura_model::Severity::Medium),
        told_at: Some(now),
        ..AlertFilter::default()
    };
    let page = store.alerts().list(&filter, ALERTS_MAX).await.map_err(RespondError::Findings)?;
    let mut named: HashMap<String, u64> = HashMap::new();
    for stored in page.alerts {
        let alert = stored.alert;
        let mut names: BTreeSet<&str> =
            alert.resources.names().chain(alert.actors.names()).collect();
        names.insert(&alert.entity.id);
        for name in names.into_iter().filter(|name| !name.is_empty()) {
            *named.entry(name.to_owned()).or_default() += 1;
        }
    }
    Ok(named)
}
