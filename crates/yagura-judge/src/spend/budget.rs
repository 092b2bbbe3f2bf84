//! Budgets: those that are exceeded, and those that will be if AWS's forecast comes true.
//! Jumps are judged beside.

use yagura_model::spend::{Budget, BudgetState, BudgetVerdict, Micros};

/// Judges budgets. A budget of a day is judged by what was spent alone: its forecast is a guess
/// about hours.
pub fn judge_budgets(budgets: &[Budget]) -> Vec<BudgetVerdict> {
    let state = |budget: &Budget| {
        if budget.limit <= Micros::default() {
            BudgetState::Unknown
        } else if budget.actual > budget.limit {
            BudgetState::Exceeded
        } else if budget.time_unit != "DAILY"
            && budget.forecast.is_some_and(|forecast| forecast > budget.limit)
        {
            BudgetState::WillBeExceeded
        } else {
            BudgetState::Kept
        }
    };
    budgets
        .iter()
        .map(|budget| BudgetVerdict { budget: budget.clone(), state: state(budget) })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_judged_by_what_was_spent_then_by_the_forecast() {
        let check = |unit: &str, limit: i64, actual: i64, forecast: Option<i64>, state| {
            let budget = Budget {
                account: "111122223333".into(),
                name: "all".into(),
                time_unit: unit.into(),
                limit: Micros::units(limit),
                actual: Micros::units(actual),
                forecast: forecast.map(Micros::units),
                currency: "USD".into(),
            };
            assert_eq!(judge_budgets(&[budget])[0].state, state);
        };
        check("MONTHLY", 100, 40, Some(99), BudgetState::Kept);
        check("MONTHLY", 100, 100, None, BudgetState::Kept);
        check("MONTHLY", 100, 40, Some(101), BudgetState::WillBeExceeded);
        check("MONTHLY", 100, 101, Some(50), BudgetState::Exceeded);
        check("DAILY", 100, 40, Some(101), BudgetState::Kept);
        check("MONTHLY", 0, 40, Some(101), BudgetState::Unknown);
    }
}
