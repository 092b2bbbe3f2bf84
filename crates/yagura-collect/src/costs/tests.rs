//! Claims about reading spend, against written-down answers, each held against the table of the
//! API first: an invented member would prove nothing.

use std::collections::{BTreeMap, BTreeSet};

use futures::executor::block_on;
use jiff::civil::date;
use serde_json::{Value, json};
use yagura_model::UnreadReason;
use yagura_model::spend::{Micros, SpendKind};

use super::*;
use crate::cases::answers::{Answers, validate};

const CALLER: &str = "111122223333";
const OTHER: &str = "444455556666";

fn question() -> CostQuestion {
    CostQuestion { from: date(2026, 11, 1), to: date(2026, 11, 4), today: date(2026, 11, 22) }
}

fn costs_of(answers: Value) -> Costs {
    told_and_asked(answers).0
}

/// What is told, and the calls that were made for it.
fn told_and_asked(answers: Value) -> (Costs, BTreeSet<String>) {
    let by_call: BTreeMap<String, Value> = serde_json::from_value(answers).unwrap();
    for (call, answer) in &by_call {
        let choices = answer.as_array().cloned().unwrap_or_else(|| vec![json!({"answer": answer})]);
        for choice in choices {
            match choice.get("answer") {
                Some(answer) if answer.get("error").is_none() => validate(call, answer, false),
                _ => {}
            }
        }
    }
    let answers = Arc::new(Answers::new(CALLER, "aws", by_call));
    let caller: Arc<dyn Caller> = Arc::<Answers>::clone(&answers);
    let costs = block_on(read(&caller, &question())).unwrap();
    let mut asked = BTreeSet::new();
    for (place, call, input) in answers.asked() {
        assert_eq!(place.region, BILLING_REGION);
        validate(&call, &input, true);
        asked.insert(call);
    }
    (costs, asked)
}

fn group(account: &str, service: &str, amount: &str) -> Value {
    json!({"Keys": [account, service],
           "Metrics": {"UnblendedCost": {"Amount": amount, "Unit": "USD"}}})
}

fn result(day: i8, groups: &[Value], estimated: bool) -> Value {
    json!({
        "TimePeriod": {
            "Start": format!("2026-11-{day:02}"),
            "End": format!("2026-11-{:02}", day + 1),
        },
        "Total": {}, "Groups": groups, "Estimated": estimated,
    })
}

/// The answers of an account that may ask everything.
fn whole() -> Value {
    let charges = json!({"Filter": {"Not": {}}});
    let second = json!({"Filter": {"Not": {}}, "NextPageToken": "t"});
    json!({
        "ce:GetCostAndUsage": [
            {"input": second, "answer": {"ResultsByTime": [
                result(2, &[group(OTHER, "Amazon Simple Storage Service", "0.0000001")], true)]}},
            {"input": charges, "answer": {"NextPageToken": "t", "ResultsByTime": [
                result(1, &[group(CALLER, "EC2 - Other", "12.3456789"), group(OTHER, "Tax", "3")],
                       false)]}},
            {"input": {"Filter": {"Dimensions": {}}}, "answer": {"ResultsByTime": [
                result(1, &[group(CALLER, "EC2 - Other", "-10")], false)]}}],
        "ce:GetCostForecast": {"Total": {"Amount": "99.5", "Unit": "USD"}},
        "budgets:DescribeBudgets": {"Budgets": [
            {"BudgetName": "all", "BudgetType": "COST", "TimeUnit": "MONTHLY",
             "BudgetLimit": {"Amount": "100", "Unit": "USD"},
             "CalculatedSpend": {"ActualSpend": {"Amount": "40", "Unit": "USD"},
                                 "ForecastedSpend": {"Amount": "120.5", "Unit": "USD"}}},
            {"BudgetName": "hours", "BudgetType": "USAGE", "TimeUnit": "MONTHLY",
             "BudgetLimit": {"Amount": "7", "Unit": "Hrs"}}]},
    })
}

#[test]
fn cost_explorer_is_read_page_by_page_with_charges_and_credits_apart() {
    let costs = costs_of(whole());
    let (source, days) = costs.days.unwrap();
    assert_eq!(source, SpendSource::CostExplorer);
    let told: Vec<_> = days
        .iter()
        .map(|one| (one.account.as_str(), one.service.as_str(), one.kind, one.amount.0))
        .collect();
    let expected = [
        (CALLER, "EC2 - Other", SpendKind::Charge, 12_345_679),
        (OTHER, "Tax", SpendKind::Charge, 3_000_000),
        (CALLER, "EC2 - Other", SpendKind::Credit, -10_000_000),
    ];
    assert_eq!(told, expected, "and what is no millionth is nothing");
    assert_eq!(costs.unread, []);
}

#[test]
fn budgets_for_costs_and_the_forecast_are_read() {
    let costs = costs_of(whole());
    let budgets = costs.budgets.unwrap();
    assert_eq!(budgets.len(), 1);
    assert_eq!(budgets[0].forecast, Some(Micros(120_500_000)));
    let forecast = costs.forecast.unwrap();
    assert_eq!((forecast.month, forecast.rest), (date(2026, 11, 1), Micros(99_500_000)));
}

fn without_explorer(metrics: Value, data: Value) -> Value {
    let mut answers = whole();
    answers["ce:GetCostAndUsage"] = json!({"error": "AccessDeniedException", "message": "no"});
    answers["ce:GetCostForecast"] = json!({"error": "DataUnavailableException", "message": "no"});
    answers["cloudwatch:ListMetrics"] = metrics;
    answers["cloudwatch:GetMetricData"] = data;
    answers
}

fn metric(dimensions: &[(&str, &str)]) -> Value {
    let dimensions: Vec<Value> =
        dimensions.iter().map(|(name, value)| json!({"Name": name, "Value": value})).collect();
    json!({"Namespace": "AWS/Billing", "MetricName": "EstimatedCharges", "Dimensions": dimensions})
}

#[test]
fn billing_metrics_stand_in_where_cost_explorer_is_denied_and_the_denial_is_told() {
    let metrics = json!({"Metrics": [
        metric(&[("Currency", "USD")]),
        metric(&[("Currency", "USD"), ("ServiceName", "AmazonEC2")])]});
    let data = json!({"MetricDataResults": [{"Id": "m0",
        "Timestamps": ["2026-11-02T00:00:00Z", "2026-11-01T00:00:00Z"], "Values": [7.5, 5.0]}]});
    let costs = costs_of(without_explorer(metrics, data));
    let (source, days) = costs.days.unwrap();
    assert_eq!(source, SpendSource::CloudWatch);
    let told: Vec<_> = days.iter().map(|one| (one.day.day(), one.amount.0)).collect();
    assert_eq!(told, [(1, 5_000_000), (2, 2_500_000)]);
    assert!(days.iter().all(|one| one.estimated && one.account == CALLER));
    assert_eq!(costs.forecast, None);
    assert_eq!(costs.unread.len(), 1);
    assert_eq!(costs.unread[0].reason, UnreadReason::Denied);
    assert_eq!(costs.unread[0].action, "ce:GetCostAndUsage");
}

#[test]
fn metrics_of_linked_accounts_are_not_counted_twice() {
    let metrics = json!({"Metrics": [
        metric(&[("Currency", "USD"), ("ServiceName", "AmazonEC2")]),
        metric(&[("Currency", "USD"), ("ServiceName", "AmazonEC2"), ("LinkedAccount", OTHER)])]});
    let data = json!({"MetricDataResults": [
        {"Id": "m0", "Timestamps": ["2026-11-01T00:00:00Z"], "Values": [5.0]}]});
    let (_, days) = costs_of(without_explorer(metrics, data)).days.unwrap();
    assert_eq!(days.len(), 1);
    assert_eq!(days[0].account, OTHER);
}

#[test]
fn nothing_read_is_not_nothing_spent() {
    let mut answers = whole();
    for call in ["ce:GetCostAndUsage", "ce:GetCostForecast", "budgets:DescribeBudgets"] {
        answers[call] = json!({"error": "AccessDeniedException", "message": "no"});
    }
    answers["cloudwatch:ListMetrics"] = json!({"error": "AccessDenied", "message": "no"});
    let costs = costs_of(answers);
    assert_eq!((costs.days, costs.budgets, costs.forecast), (None, None, None));
    let actions: Vec<_> = costs.unread.iter().map(|one| one.action.as_str()).collect();
    let expected = [
        "ce:GetCostAndUsage",
        "cloudwatch:GetMetricData",
        "ce:GetCostForecast",
        "budgets:ViewBudget",
    ];
    assert_eq!(actions, expected);
    let mut empty = without_explorer(json!({"Metrics": []}), json!({}));
    empty["cloudwatch:GetMetricData"] = json!({});
    assert_eq!(costs_of(empty).days, None, "an account without billing metrics");
}

#[test]
fn pages_that_repeat_themselves_and_broken_amounts_end_the_reading() {
    let mut answers = whole();
    answers["ce:GetCostAndUsage"] = json!({"NextPageToken": "t", "ResultsByTime": []});
    let costs = costs_of(answers);
    assert!(costs.unread[0].detail.contains("repeat"), "{:?}", costs.unread);
    let mut answers = whole();
    answers["ce:GetCostAndUsage"] =
        json!({"ResultsByTime": [result(1, &[group(CALLER, "S3", "lots")], false)]});
    let costs = costs_of(answers);
    assert!(costs.unread[0].detail.contains("no amount"), "{:?}", costs.unread);
    assert_eq!(costs.days, None);
}

#[test]
fn an_account_without_budgets_has_none_and_that_is_known() {
    let mut answers = whole();
    answers["budgets:DescribeBudgets"] = json!({"error": "NotFoundException", "message": "none"});
    let costs = costs_of(answers);
    assert_eq!(costs.budgets, Some(Vec::new()));
    assert_eq!(costs.unread, []);
}

#[test]
fn the_policy_allows_what_is_asked_and_nothing_beside_it() {
    let metrics = json!({"Metrics": [
        metric(&[("Currency", "USD"), ("ServiceName", "AmazonEC2")])]});
    let data = json!({"MetricDataResults": [
        {"Id": "m0", "Timestamps": ["2026-11-01T00:00:00Z"], "Values": [5.0]}]});
    let mut asked = told_and_asked(whole()).1;
    asked.extend(told_and_asked(without_explorer(metrics, data)).1);
    let table = include_bytes!("../../../../content/aws-api/actions.zst");
    let known = yagura_aws::Actions::open(table).unwrap();
    let action = |call: &String| match call.as_str() {
        // Budgets are allowed under a name of their own, whatever the operation is called.
        "budgets:DescribeBudgets" => "budgets:ViewBudget".to_owned(),
        call => call.to_owned(),
    };
    let needed: BTreeSet<String> = asked.iter().map(action).collect();
    assert_eq!(needed, ACTIONS.map(str::to_owned).into());
    for action in ACTIONS {
        assert_eq!(known.action(action).map(|found| &*found.name), Some(action));
    }
    // The template of the central account allows the same.
    let template = include_str!("../../../../deploy/aws/central.yaml");
    let (_, policy) = template.split_once("- Sid: ReadTheBill\n").unwrap();
    let (policy, _) = policy.split_once("Resource:").unwrap();
    let allowed: BTreeSet<String> = policy
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- "))
        .map(str::to_owned)
        .collect();
    assert_eq!(allowed, needed);
}
