//! AWS Budgets: the budgets for costs of one account, as they stand.
//! Whether one is exceeded is judged in `yagura-judge`.

use std::sync::Arc;

use serde_json::{Value, json};
use yagura_model::spend::{Budget, Micros};

use crate::caller::{CallName, Caller, Failure, Place};

/// The account's budgets for costs; those for usage and coverage are no money.
pub(super) async fn read(caller: &Arc<dyn Caller>, place: &Place) -> Result<Vec<Budget>, Failure> {
    let call = CallName::new("budgets", "DescribeBudgets");
    let input = json!({"AccountId": place.account});
    let answer = match caller.call(place, &call, &input).await {
        // "We can't locate the resource": an account without any budget.
        Err(failure) if failure.code == "NotFoundException" => return Ok(Vec::new()),
        answer => answer?,
    };
    let budgets = answer.get("Budgets").and_then(Value::as_array);
    let cost = |one: &&Value| one.get("BudgetType").and_then(Value::as_str) == Some("COST");
    Ok(budgets.into_iter().flatten().filter(cost).filter_map(|one| budget(one, place)).collect())
}

fn budget(one: &Value, place: &Place) -> Option<Budget> {
    let text = |path: &str| one.pointer(path).and_then(Value::as_str);
    let amount = |path: &str| text(path).and_then(|amount| amount.parse::<Micros>().ok());
    Some(Budget {
        account: place.account.clone(),
        name: text("/BudgetName")?.to_owned(),
        time_unit: text("/TimeUnit").unwrap_or("MONTHLY").to_owned(),
        // A planned budget has a limit for each period and none of its own.
        limit: amount("/BudgetLimit/Amount").unwrap_or_default(),
        actual: amount("/CalculatedSpend/ActualSpend/Amount").unwrap_or_default(),
        forecast: amount("/CalculatedSpend/ForecastedSpend/Amount"),
        currency: text("/BudgetLimit/Unit")
            .or_else(|| text("/CalculatedSpend/ActualSpend/Unit"))
            .unwrap_or("USD")
            .to_owned(),
    })
}
