//! What is spent: read from Cost Explorer, else from the billing metrics of CloudWatch, or from
//! report files; and AWS's budgets and forecast. Nothing is judged here.
//!
//! Each request to Cost Explorer costs USD 0.01 (AWS Cost Management pricing, seen 2026-11), so
//! that little is asked and often enough is once a day.

mod budgets;
mod explorer;
mod metrics;
pub mod report;

use std::sync::Arc;

use jiff::civil::Date;
use yagura_aws::ReadClient;
use yagura_model::Unread;
use yagura_model::spend::{Budget, SpendDay, SpendForecast, SpendSource};

use crate::caller::{Caller, Failure, Place};
use crate::error::CollectError;

/// Cost Explorer, Budgets and the billing metrics of the commercial partition answer there.
const BILLING_REGION: &str = "us-east-1";

/// The IAM actions that [`costs`] takes, of the identity that runs Yagura: bills are not read in
/// member accounts. Source: Service Authorization Reference (Cost Explorer, Budgets, CloudWatch),
/// seen 2026-11.
pub const ACTIONS: [&str; 5] = [
    "budgets:ViewBudget",
    "ce:GetCostAndUsage",
    "ce:GetCostForecast",
    "cloudwatch:GetMetricData",
    "cloudwatch:ListMetrics",
];

/// Which days are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CostQuestion {
    /// The first day (UTC).
    pub from: Date,
    /// The day after the last.
    pub to: Date,
    /// The day of the question.
    pub today: Date,
}

/// What AWS told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Costs {
    /// Twelve digits: whose bill it is.
    pub account: String,
    /// The days, and which source told all of them; `None` where none could be read whole.
    pub days: Option<(SpendSource, Vec<SpendDay>)>,
    /// The caller's budgets for costs; `None` where they could not be read.
    pub budgets: Option<Vec<Budget>>,
    /// What AWS expects of the rest of the month; `None` where it knows too little to say.
    pub forecast: Option<SpendForecast>,
    /// What could not be read, and why.
    pub unread: Vec<Unread>,
}

/// Reads what the caller's bill says: of all linked accounts where the caller is the payer, else
/// of its own.
///
/// # Errors
/// When AWS does not say who the caller is. All else that cannot be read is in the answer.
pub async fn costs(client: &ReadClient, question: &CostQuestion) -> Result<Costs, CollectError> {
    read(&crate::caller(client), question).await
}

async fn read(caller: &Arc<dyn Caller>, question: &CostQuestion) -> Result<Costs, CollectError> {
    let identity = caller
        .identity()
        .await
        .map_err(|failure| CollectError::Identity { unread: failure.unread })?;
    let place = Place::new(&identity.account, BILLING_REGION);
    let mut costs = Costs { account: identity.account.clone(), ..Costs::default() };
    match explorer::days(caller, &place, question).await {
        Ok(days) => costs.days = Some((SpendSource::CostExplorer, days)),
        Err(failure) => {
            costs.unread.push(unread(&failure, "ce:GetCostAndUsage"));
            match metrics::days(caller, &place, question).await {
                // An account without billing metrics tells nothing, which is not "nothing spent".
                Ok(days) if days.is_empty() => {}
                Ok(days) => costs.days = Some((SpendSource::CloudWatch, days)),
                Err(failure) => costs.unread.push(unread(&failure, "cloudwatch:GetMetricData")),
            }
        }
    }
    match explorer::forecast(caller, &place, question.today).await {
        Ok(forecast) => costs.forecast = forecast,
        Err(failure) => costs.unread.push(unread(&failure, "ce:GetCostForecast")),
    }
    match budgets::read(caller, &place).await {
        Ok(budgets) => costs.budgets = Some(budgets),
        Err(failure) => costs.unread.push(unread(&failure, "budgets:ViewBudget")),
    }
    Ok(costs)
}

fn unread(failure: &Failure, action: &str) -> Unread {
    failure.at(yagura_model::Path::default(), action)
}

#[cfg(test)]
mod tests;
