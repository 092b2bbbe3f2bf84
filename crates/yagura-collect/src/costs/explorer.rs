//! Cost Explorer: daily cost by linked account and service, charges and credits apart, and the
//! forecast of the month.
//! Which source is asked, and what follows from a refusal, is beside.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::civil::Date;
use serde_json::{Value, json};
use yagura_model::UnreadReason;
use yagura_model::spend::{Micros, SpendDay, SpendForecast, SpendKind};

use super::CostQuestion;
use crate::caller::{CallName, Caller, Failure, Place};

/// Pages of one question at most: a page has some 5,000 groups, and a dollar is 100 of them.
const PAGES_MAX: usize = 400;
/// Record types that are no use of anything (Cost Explorer, "Charge type" filter, seen 2026-11).
const CREDITS: [&str; 2] = ["Credit", "Refund"];
const METRIC: &str = "UnblendedCost";

/// All days of a question, or nothing.
pub(super) async fn days(
    caller: &Arc<dyn Caller>,
    place: &Place,
    question: &CostQuestion,
) -> Result<Vec<SpendDay>, Failure> {
    let credits = json!({"Dimensions": {"Key": "RECORD_TYPE", "Values": CREDITS}});
    let charges = json!({"Not": credits.clone()});
    let mut days = Vec::new();
    for (kind, filter) in [(SpendKind::Charge, charges), (SpendKind::Credit, credits)] {
        pages(caller, place, question, kind, &filter, &mut days).await?;
    }
    Ok(days)
}

async fn pages(
    caller: &Arc<dyn Caller>,
    place: &Place,
    question: &CostQuestion,
    kind: SpendKind,
    filter: &Value,
    days: &mut Vec<SpendDay>,
) -> Result<(), Failure> {
    let call = CallName::new("ce", "GetCostAndUsage");
    let mut input = json!({
        "TimePeriod": {"Start": question.from.to_string(), "End": question.to.to_string()},
        "Granularity": "DAILY",
        "Metrics": [METRIC],
        "GroupBy": [
            {"Type": "DIMENSION", "Key": "LINKED_ACCOUNT"},
            {"Type": "DIMENSION", "Key": "SERVICE"},
        ],
        "Filter": filter,
    });
    let mut tokens = BTreeSet::new();
    // The table of the API has no paginator for this operation.
    for _ in 0..PAGES_MAX {
        let answer = caller.call(place, &call, &input).await?;
        let broken = |what: &str| Failure::local(UnreadReason::Failed, &call.to_string(), what);
        page(&answer, kind, days).map_err(|what| broken(&what))?;
        let Some(token) = answer.get("NextPageToken").and_then(Value::as_str) else {
            return Ok(());
        };
        if !tokens.insert(token.to_owned()) {
            return Err(broken("the pages repeat themselves"));
        }
        if let Some(input) = input.as_object_mut() {
            input.insert("NextPageToken".into(), token.into());
        }
    }
    let what = format!("there are more than {PAGES_MAX} pages");
    Err(Failure::local(UnreadReason::Failed, &call.to_string(), what))
}

fn page(answer: &Value, kind: SpendKind, days: &mut Vec<SpendDay>) -> Result<(), String> {
    let results = answer.get("ResultsByTime").and_then(Value::as_array);
    for result in results.into_iter().flatten() {
        let day = result.pointer("/TimePeriod/Start").and_then(Value::as_str).unwrap_or_default();
        let day: Date = day.parse().map_err(|_| "a day of the answer is no date".to_owned())?;
        let estimated = result.get("Estimated").and_then(Value::as_bool).unwrap_or(false);
        let groups = result.get("Groups").and_then(Value::as_array);
        for group in groups.into_iter().flatten() {
            let key = |n: usize| group.pointer(&format!("/Keys/{n}")).and_then(Value::as_str);
            let (Some(account), Some(service)) = (key(0), key(1)) else {
                return Err("a group of the answer has no account or service".to_owned());
            };
            let metric = group.get("Metrics").and_then(|metrics| metrics.get(METRIC));
            let text = |name: &str| metric.and_then(|one| one.get(name)).and_then(Value::as_str);
            let amount = text("Amount").and_then(|amount| amount.parse::<Micros>().ok());
            let (Some(amount), Some(currency)) = (amount, text("Unit")) else {
                return Err("a group of the answer has no amount".to_owned());
            };
            if amount == Micros::default() {
                continue;
            }
            days.push(SpendDay {
                account: account.to_owned(),
                service: service.to_owned(),
                day,
                kind,
                amount,
                currency: currency.to_owned(),
                estimated,
            });
        }
    }
    Ok(())
}

/// What AWS expects from today to the end of the month; `None` where it knows too little.
pub(super) async fn forecast(
    caller: &Arc<dyn Caller>,
    place: &Place,
    today: Date,
) -> Result<Option<SpendForecast>, Failure> {
    let call = CallName::new("ce", "GetCostForecast");
    let month = today.first_of_month();
    let Ok(end) = month.checked_add(jiff::Span::new().months(1)) else { return Ok(None) };
    let input = json!({
        "TimePeriod": {"Start": today.to_string(), "End": end.to_string()},
        "Metric": "UNBLENDED_COST",
        "Granularity": "MONTHLY",
    });
    let answer = match caller.call(place, &call, &input).await {
        Err(failure) if failure.code == "DataUnavailableException" => return Ok(None),
        answer => answer?,
    };
    let text = |name: &str| answer.pointer(&format!("/Total/{name}")).and_then(Value::as_str);
    let amount = text("Amount").and_then(|amount| amount.parse().ok());
    Ok(amount.zip(text("Unit")).map(|(rest, currency)| SpendForecast {
        month,
        rest,
        currency: currency.to_owned(),
    }))
}
