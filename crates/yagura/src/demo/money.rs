//! What the sample organization spent in the weeks before the recording.
//! What is a jump is judged as for any bill; the figures are content
//! (`content/demo/past/spend.yaml`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::{Date, Weekday};
use jiff::{Span, Timestamp};
use serde::Deserialize;
use yagura_content::Content;
use yagura_judge::spend::judge_budgets;
use yagura_model::spend::{Budget, Micros, SpendDay, SpendForecast, SpendKind, SpendSource};
use yagura_respond::findings::Fold;
use yagura_respond::findings::spend::SpendSeen;
use yagura_store::Store;
use yagura_store::spend::SpendFilter;

use super::read;
use crate::spending::{day_of, jumps};

const SPEND: &str = include_str!("../../../../content/demo/past/spend.yaml");
const CURRENCY: &str = "USD";
/// Days that are judged: the jumps of the last three weeks are findings.
const JUDGED_DAYS: u32 = 21;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spending {
    days: i64,
    usual: Vec<Usual>,
    jumps: Vec<Jump>,
    budgets: Vec<Plan>,
    forecast: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Usual {
    account: String,
    service: String,
    amount: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Jump {
    account: String,
    service: String,
    day: Date,
    amount: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plan {
    account: String,
    name: String,
    limit: i64,
    actual: i64,
    forecast: i64,
}

/// Puts the spend into the store and folds what it means.
///
/// # Errors
/// Where the content is broken or the store cannot be written.
pub(super) async fn lay(
    store: &Store,
    content: Arc<Content>,
    recorded: Timestamp,
) -> anyhow::Result<()> {
    let told: Spending = read("spend.yaml", SPEND)?;
    let today = day_of(recorded);
    let from = today.saturating_sub(Span::new().days(told.days));
    let days = figures(&told, from, today);
    let span = SpendFilter { from, to: today, account: None };
    store.spend().replace(SpendSource::CostExplorer, &span, &days, recorded).await?;
    let budgets: Vec<Budget> = told.budgets.iter().map(budget).collect();
    let owners: BTreeSet<String> = budgets.iter().map(|budget| budget.account.clone()).collect();
    for account in &owners {
        store.spend().replace_budgets(account, &budgets, recorded).await?;
    }
    let month = today.first_of_month();
    let rest = Micros::units(told.forecast);
    let forecast = SpendForecast { month, rest, currency: CURRENCY.to_owned() };
    store.spend().put_forecast(&forecast, recorded).await?;
    let (jumps, newest): (_, BTreeMap<String, Date>) =
        jumps(store, today, JUDGED_DAYS, None).await?;
    let seen = SpendSeen {
        jumps: &jumps,
        from: today.saturating_sub(Span::new().days(i64::from(JUDGED_DAYS) - 1)),
        newest: &newest,
        budgets: &judge_budgets(&budgets),
        budget_accounts: &owners,
    };
    Fold::new(content).fold_spend(store, &seen, recorded).await?;
    Ok(())
}

fn budget(plan: &Plan) -> Budget {
    Budget {
        account: plan.account.clone(),
        name: plan.name.clone(),
        time_unit: "MONTHLY".to_owned(),
        limit: Micros::units(plan.limit),
        actual: Micros::units(plan.actual),
        forecast: Some(Micros::units(plan.forecast)),
        currency: CURRENCY.to_owned(),
    }
}

/// A figure for each account, service and day. Days differ a little, always in the same way.
fn figures(told: &Spending, from: Date, to: Date) -> Vec<SpendDay> {
    let mut days = Vec::new();
    let mut day = from;
    while day < to {
        for (at, usual) in told.usual.iter().enumerate() {
            let jump = told.jumps.iter().find(|jump| {
                (&jump.account, &jump.service, jump.day) == (&usual.account, &usual.service, day)
            });
            let amount = match jump {
                Some(jump) => Micros::units(jump.amount),
                None => {
                    let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
                    let base = if weekend { 88 } else { 97 };
                    let wave = (i64::from(day.day()) * 7 + i64::try_from(at).unwrap_or(0) * 3) % 7;
                    Micros(usual.amount * 10_000 * (base + wave))
                }
            };
            days.push(SpendDay {
                account: usual.account.clone(),
                service: usual.service.clone(),
                day,
                kind: SpendKind::Charge,
                amount,
                currency: CURRENCY.to_owned(),
                estimated: day >= to.saturating_sub(Span::new().days(2)),
            });
        }
        day = day.tomorrow().unwrap_or(to);
    }
    days
}
