//! Spend into findings: one for each account and service that jumped, one for each budget. Each
//! day of a jump is one occurrence; a finding is over once enough later days are as usual.
//! What a jump is was judged before.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde_json::json;
use yagura_model::finding::{
    ClosingReason, Finding, FindingKind, FindingState, MarkKind, Observation,
};
use yagura_model::spend::{ALL_SERVICES, BudgetState, BudgetVerdict, Micros, SpendJump};
use yagura_model::{GLOBAL_REGION, Prose, Severity};
use yagura_store::Store;
use yagura_store::findings::{FindingFilter, FindingOrder, PAGE_MAX, Page};

use super::keeper::{BATCH, Keeper};
use super::rank::{RankFacts, rank};
use super::{Fold, Folded};
use crate::RespondError;

/// What findings about days that cost too much have as their content.
pub const JUMP: &str = "spend.jump";
/// What findings about budgets have.
pub const BUDGET: &str = "spend.budget";
/// Days that must be as usual again before a jump is over. The newest day is incomplete at AWS,
/// and the one before may be.
const QUIET_DAYS: i64 = 3;

/// What was judged.
#[derive(Clone, Copy, Debug)]
pub struct SpendSeen<'a> {
    /// All jumps of the days that were judged.
    pub jumps: &'a [SpendJump],
    /// The first day that was judged; earlier ones say nothing.
    pub from: Date,
    /// The newest day of each account of which anything is known. An account that is not here was
    /// not judged, and its findings stay as they are.
    pub newest: &'a BTreeMap<String, Date>,
    /// All budgets of the accounts whose budgets were read.
    pub budgets: &'a [BudgetVerdict],
    /// The accounts whose budgets were read.
    pub budget_accounts: &'a BTreeSet<String>,
}

impl Fold {
    /// Folds jumps of spend and the state of budgets.
    ///
    /// # Errors
    /// Where the store cannot be read or written; folding again completes it.
    pub async fn fold_spend(
        &self,
        store: &Store,
        seen: &SpendSeen<'_>,
        now: Timestamp,
    ) -> Result<Folded, RespondError> {
        let mut keeper = Keeper::begin(self, store, "spend", now).await?;
        let mut jumps: Vec<&SpendJump> = seen.jumps.iter().collect();
        // A later day joins what is known of the earlier ones.
        jumps.sort_by_key(|jump| jump.day);
        let jumps = jumps.into_iter().filter_map(|jump| of_jump(jump, &keeper));
        let budgets = seen.budgets.iter().filter_map(|verdict| of_budget(verdict, &keeper));
        let observations: Vec<Observation> = jumps.chain(budgets).collect();
        for batch in one_of_each(observations) {
            let ids: Vec<String> = batch.iter().map(Observation::id).collect();
            let known = keeper.known(&ids).await?;
            keeper.observe(&batch, &known).await?;
        }
        close_over(&mut keeper, seen, now).await?;
        Ok(keeper.folded)
    }
}

/// Batches in which each finding is seen once, in order.
fn one_of_each(observations: Vec<Observation>) -> Vec<Vec<Observation>> {
    let mut batches: Vec<(BTreeSet<String>, Vec<Observation>)> = Vec::new();
    for observation in observations {
        let id = observation.id();
        // The first batch behind the last one that has it, so that days stay in order.
        let last = batches.iter().rposition(|(ids, _)| ids.contains(&id)).map_or(0, |at| at + 1);
        let free = (last..batches.len())
            .find(|at| batches.get(*at).is_some_and(|(_, batch)| batch.len() < BATCH));
        let at = free.unwrap_or_else(|| {
            batches.push(Default::default());
            batches.len() - 1
        });
        if let Some((ids, batch)) = batches.get_mut(at) {
            ids.insert(id);
            batch.push(observation);
        }
    }
    batches.into_iter().map(|(_, batch)| batch).collect()
}

/// Resolves what is as usual again.
async fn close_over(
    keeper: &mut Keeper<'_>,
    seen: &SpendSeen<'_>,
    now: Timestamp,
) -> Result<(), RespondError> {
    let filter = FindingFilter {
        states: [&FindingState::OPEN[..], &[FindingState::Suppressed]].concat(),
        kinds: vec![FindingKind::Spend],
        ..FindingFilter::default()
    };
    let mut page = Page { order: FindingOrder::FirstSeen, limit: PAGE_MAX, after: None };
    let mut over = Vec::new();
    loop {
        let found = keeper.findings.list(&filter, &page).await.map_err(RespondError::Findings)?;
        over.extend(
            found.findings.iter().filter(|one| is_over(one, seen)).map(|one| one.id.clone()),
        );
        match found.next {
            Some(next) => page.after = Some(next),
            None => break,
        }
    }
    keeper.close(over, ClosingReason::BackToNormal, now.as_microsecond()).await
}

fn is_over(finding: &Finding, seen: &SpendSeen<'_>) -> bool {
    let observation = &finding.observation;
    if observation.content == BUDGET {
        let read = seen.budget_accounts.contains(&observation.account);
        // A budget that is no more cannot be exceeded; one of which nothing can be said stays.
        let at_fault = |verdict: &&BudgetVerdict| {
            budget_key(verdict) == observation.key && verdict.state != BudgetState::Kept
        };
        return read && !seen.budgets.iter().any(|verdict| at_fault(&verdict));
    }
    let Some(newest) = seen.newest.get(&observation.account) else { return false };
    let Ok(last) = Timestamp::from_microsecond(finding.last_seen_us) else { return false };
    let last = last.to_zoned(TimeZone::UTC).date();
    // Every day since the last one that jumped must have been judged.
    let judged = last.tomorrow().is_ok_and(|next| next >= seen.from);
    judged && newest.saturating_sub(Span::new().days(QUIET_DAYS)) >= last
}

fn day_us(day: Date) -> Option<i64> {
    day.to_zoned(TimeZone::UTC).ok().map(|start| start.timestamp().as_microsecond())
}

fn of_jump(jump: &SpendJump, keeper: &Keeper<'_>) -> Option<Observation> {
    let service = (jump.service != ALL_SERVICES).then(|| jump.service.clone());
    let severity = severity_of(jump);
    let facts = RankFacts {
        severity: Some(severity),
        weight: keeper.accounts.weight(&jump.account),
        ..RankFacts::default()
    };
    let first_us = day_us(jump.day)?;
    let mut marks = vec![(MarkKind::Product, "AWS Billing".to_owned())];
    // What attackers do with stolen keys most often is to compute at somebody else's expense.
    marks.extend(jump.is_new.then(|| (MarkKind::Attack, "attack.t1496".to_owned())));
    Some(Observation {
        kind: FindingKind::Spend,
        content: JUMP.to_owned(),
        path: None,
        key: format!("spend:{}/{}", jump.account, jump.service),
        sub_key: String::new(),
        title: jump_title(jump, service.as_deref()),
        severity,
        account: jump.account.clone(),
        region: GLOBAL_REGION.to_owned(),
        resource_type: None,
        resource_name: service,
        cause: format!("{JUMP}@{}", jump.account),
        first_us,
        // The day's last moment: what the next day says is later.
        last_us: first_us + 86_399_999_999,
        occurrences: 1,
        rank: rank(&facts),
        marks,
        suppression: None,
        evidence: serde_json::to_value(jump).unwrap_or_default(),
    })
}

/// Titles name no amount: a title that changes each day is a finding that seems to change.
fn jump_title(jump: &SpendJump, service: Option<&str>) -> Prose {
    match (service, jump.is_new) {
        (None, _) => Prose {
            en: "The account spends much more than usual".into(),
            ja: "アカウントの利用料金が通常より大幅に増えています".into(),
        },
        (Some(service), true) => Prose {
            en: format!("The account spends on {service}, where it spent nothing before"),
            ja: format!("これまで料金のなかった {service} の利用料金が発生しています"),
        },
        (Some(service), false) => Prose {
            en: format!("The account spends much more than usual on {service}"),
            ja: format!("{service} の利用料金が通常より大幅に増えています"),
        },
    }
}

/// By what a day costs more than usual: a hundred is worth a look this week, a thousand today,
/// ten thousand now. In other currencies than dollars the numbers are those currencies'.
fn severity_of(jump: &SpendJump) -> Severity {
    let excess = jump.excess();
    if excess >= Micros::units(10_000) {
        Severity::Critical
    } else if excess >= Micros::units(1_000) {
        Severity::High
    } else if excess >= Micros::units(100) {
        Severity::Medium
    } else {
        Severity::Low
    }
}

fn budget_key(verdict: &BudgetVerdict) -> String {
    format!("budget:{}/{}", verdict.budget.account, verdict.budget.name)
}

fn of_budget(verdict: &BudgetVerdict, keeper: &Keeper<'_>) -> Option<Observation> {
    let BudgetVerdict { budget, state } = verdict;
    let (severity, title) = match state {
        BudgetState::Kept | BudgetState::Unknown => return None,
        BudgetState::WillBeExceeded => (
            Severity::Medium,
            Prose {
                en: format!("The budget `{}` will be exceeded if the forecast holds", budget.name),
                ja: format!("予測どおりに進むと予算「{}」を超過します", budget.name),
            },
        ),
        BudgetState::Exceeded => (
            Severity::High,
            Prose {
                en: format!("The budget `{}` is exceeded", budget.name),
                ja: format!("予算「{}」を超過しました", budget.name),
            },
        ),
    };
    let facts = RankFacts {
        severity: Some(severity),
        weight: keeper.accounts.weight(&budget.account),
        ..RankFacts::default()
    };
    let now_us = keeper.now.as_microsecond();
    Some(Observation {
        kind: FindingKind::Spend,
        content: BUDGET.to_owned(),
        path: None,
        key: budget_key(verdict),
        sub_key: String::new(),
        title,
        severity,
        account: budget.account.clone(),
        region: GLOBAL_REGION.to_owned(),
        resource_type: None,
        resource_name: Some(budget.name.clone()),
        cause: format!("{BUDGET}@{}", budget.account),
        first_us: now_us,
        last_us: now_us,
        occurrences: 1,
        rank: rank(&facts),
        marks: vec![(MarkKind::Product, "AWS Budgets".to_owned())],
        suppression: None,
        evidence: json!({"budget": budget, "state": state.as_str()}),
    })
}

#[cfg(test)]
mod tests;
