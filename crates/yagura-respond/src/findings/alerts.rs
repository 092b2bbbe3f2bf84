//! Alerts into findings: one of each content and entity, whatever the window. What is in shadow is
//! nobody's care. How an alert looks as an observation is in `observation.rs`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use yagura_content::format::Site;
use yagura_content::glob;
use yagura_model::alert::Alert;
use yagura_model::finding::{FindingKind, Observation};
use yagura_store::Store;
use yagura_store::alerts::AlertCursor;
use yagura_store::findings::{FindingFilter, FindingOrder, PAGE_MAX, Page};

use super::keeper::{BATCH, Keeper};
use super::observation::of_alert;
use super::{Fold, Folded};
use crate::RespondError;

/// The name under which the store keeps how far folding has come.
const STATE: &str = "findings";
/// How far back folding begins before the place that it came to: several processes keep alerts,
/// each with its own clock, and one may commit later what it began earlier.
const OVERLAP_US: i64 = 2 * 60 * 1_000_000;
/// How often what did not happen again is ranked anew, in microseconds.
const RANKED_EVERY_US: i64 = 86_400_000_000;

/// How far folding has come.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Progress {
    changed_us: i64,
    number: i64,
    ranked_us: i64,
}

impl Fold {
    /// Folds the alerts that changed since the last time. Once a day the open ones are ranked
    /// anew, since what has not happened for long matters less.
    ///
    /// # Errors
    /// Where the store cannot be read or written; what was folded before stands, and folding
    /// again completes it.
    pub async fn fold_alerts(&self, store: &Store, now: Timestamp) -> Result<Folded, RespondError> {
        let mut keeper = Keeper::begin(self, store, "detect", now).await?;
        let alerts = store.alerts();
        let stored = alerts.state(STATE).await.map_err(RespondError::Findings)?;
        let revision = stored.as_ref().map(|stored| stored.revision);
        // A progress that cannot be read is begun anew: folding twice changes nothing.
        let mut progress: Progress = stored
            .and_then(|stored| serde_json::from_slice(&stored.state).ok())
            .unwrap_or_default();
        let mut cursor =
            AlertCursor { changed_us: progress.changed_us.saturating_sub(OVERLAP_US), number: 0 };
        loop {
            let page = alerts.changed_after(cursor, BATCH).await;
            let page = page.map_err(RespondError::Findings)?;
            let Some(last) = page.last() else { break };
            cursor = last.cursor();
            let full = page.len() >= BATCH;
            let told = page.into_iter().map(|stored| stored.alert).filter(|alert| !alert.shadow);
            self.keep(&mut keeper, told.collect(), now).await?;
            (progress.changed_us, progress.number) = (cursor.changed_us, cursor.number);
            if !full {
                break;
            }
        }
        let now_us = now.as_microsecond();
        if now_us.saturating_sub(progress.ranked_us) >= RANKED_EVERY_US {
            self.rank_anew(&mut keeper, now).await?;
            progress.ranked_us = now_us;
        }
        let bytes = serde_json::to_vec(&progress).unwrap_or_default();
        // Whoever else has folded meanwhile has come as far, or will come here again.
        let saved = alerts.save_state(STATE, revision, &bytes, now).await;
        saved.map_err(RespondError::Findings)?;
        Ok(keeper.folded)
    }

    async fn keep(
        &self,
        keeper: &mut Keeper<'_>,
        mut alerts: Vec<Alert>,
        now: Timestamp,
    ) -> Result<(), RespondError> {
        // An earlier alert of a finding is not one more occurrence once a later one is known.
        alerts.sort_by(|a, b| (a.first_us, &a.id).cmp(&(b.first_us, &b.id)));
        let mut observations: Vec<Observation> = Vec::with_capacity(alerts.len());
        for alert in &alerts {
            let jewel = jewel_of(alert, &self.content.site);
            observations.push(of_alert(alert, jewel, &keeper.accounts, now.as_microsecond()));
        }
        let ids: Vec<String> = observations.iter().map(Observation::id).collect();
        let known = keeper.known(&ids).await?;
        keeper.observe(&observations, &known).await
    }

    /// Ranks open findings of alerts anew where time has changed their rank.
    async fn rank_anew(&self, keeper: &mut Keeper<'_>, now: Timestamp) -> Result<(), RespondError> {
        let kinds = vec![FindingKind::Alert];
        let filter = FindingFilter { kinds, ..FindingFilter::open() };
        // Ranking changes no time, so a list in the order of times stays as it is meanwhile.
        let mut page = Page { order: FindingOrder::FirstSeen, limit: PAGE_MAX, after: None };
        let before = keeper.folded.clone();
        loop {
            let found = keeper.findings.list(&filter, &page).await;
            let found = found.map_err(RespondError::Findings)?;
            let mut observations = Vec::new();
            for finding in &found.findings {
                let seen = &finding.observation;
                let Ok(alert) = Alert::deserialize(&seen.evidence) else { continue };
                let jewel = jewel_of(&alert, &self.content.site);
                let anew = of_alert(&alert, jewel, &keeper.accounts, now.as_microsecond());
                if anew.rank != seen.rank {
                    observations.push(Observation { rank: anew.rank, ..seen.clone() });
                }
            }
            let known = found.findings.into_iter().map(|one| (one.id.clone(), one)).collect();
            keeper.observe(&observations, &known).await?;
            match found.next {
                Some(next) => page.after = Some(next),
                None => break,
            }
        }
        // Nothing was seen anew: only the rules' problems are news.
        let problems = std::mem::take(&mut keeper.folded.problems);
        keeper.folded = Folded { problems, ..before };
        Ok(())
    }
}

/// The crown jewels that an alert touches, by name.
fn jewel_of(alert: &Alert, site: &Site) -> Option<String> {
    let among = |patterns: &[String], text: &str| {
        patterns.iter().any(|pattern| glob::matches(pattern, text))
    };
    let jewels = site.context.crown_jewels.iter().find(|jewels| {
        let entity = &*alert.entity.id;
        among(&jewels.resources, entity)
            || among(&jewels.actors, entity)
            || alert.accounts.names().any(|name| among(&jewels.accounts, name))
            || alert.actors.names().any(|name| among(&jewels.actors, name))
            || alert.resources.names().any(|name| among(&jewels.resources, name))
    })?;
    Some(jewels.name.value.clone())
}
