//! The billing metrics of CloudWatch: `EstimatedCharges` counts up through a month; a day's spend
//! is what it grew by. The fallback where Cost Explorer may not be asked.
//! Facts: CloudWatch User Guide, "Create a billing alarm to monitor your estimated AWS charges"
//! (metrics are in us-east-1, several times a day, with the dimensions Currency, ServiceName and
//! LinkedAccount), seen 2026-11.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde_json::{Value, json};
use yagura_model::spend::{Micros, SpendDay, SpendKind};

use super::CostQuestion;
use crate::caller::{CallName, Caller, Failure, Place};

const NAMESPACE: &str = "AWS/Billing";
const METRIC: &str = "EstimatedCharges";
/// Queries of one `GetMetricData` (CloudWatch API Reference).
const QUERIES_MAX: usize = 500;

/// One counter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Counter {
    account: Option<String>,
    service: String,
    currency: String,
}

/// All days of a question that the metrics know.
pub(super) async fn days(
    caller: &Arc<dyn Caller>,
    place: &Place,
    question: &CostQuestion,
) -> Result<Vec<SpendDay>, Failure> {
    let counters = counters(caller, place).await?;
    let mut days = Vec::new();
    for batch in counters.chunks(QUERIES_MAX) {
        for (counter, points) in points(caller, place, question, batch).await? {
            let account = counter.account.clone().unwrap_or_else(|| place.account.clone());
            for (day, amount) in grown(&points) {
                if day < question.from || day >= question.to || amount == Micros::default() {
                    continue;
                }
                days.push(SpendDay {
                    account: account.clone(),
                    service: counter.service.clone(),
                    day,
                    kind: SpendKind::Charge,
                    amount,
                    currency: counter.currency.clone(),
                    estimated: true,
                });
            }
        }
    }
    Ok(days)
}

/// The counters by service; by linked account where there are such (they add up to the others).
async fn counters(caller: &Arc<dyn Caller>, place: &Place) -> Result<Vec<Counter>, Failure> {
    let call = CallName::new("cloudwatch", "ListMetrics");
    let input = json!({"Namespace": NAMESPACE, "MetricName": METRIC});
    let answer = caller.call(place, &call, &input).await?;
    let metrics = answer.get("Metrics").and_then(Value::as_array);
    let mut all: Vec<Counter> = metrics.into_iter().flatten().filter_map(counter).collect();
    if all.iter().any(|one| one.account.is_some()) {
        all.retain(|one| one.account.is_some());
    }
    all.sort();
    all.dedup();
    Ok(all)
}

fn counter(metric: &Value) -> Option<Counter> {
    let dimensions = metric.get("Dimensions")?.as_array()?;
    let value = |wanted: &str| {
        let named = |one: &&Value| one.get("Name").and_then(Value::as_str) == Some(wanted);
        let found = dimensions.iter().find(named)?.get("Value")?;
        found.as_str().map(str::to_owned)
    };
    Some(Counter {
        account: value("LinkedAccount"),
        service: value("ServiceName")?,
        currency: value("Currency")?,
    })
}

/// The highest value of each day, from the day before the question on.
async fn points<'c>(
    caller: &Arc<dyn Caller>,
    place: &Place,
    question: &CostQuestion,
    counters: &'c [Counter],
) -> Result<Vec<(&'c Counter, BTreeMap<Date, Micros>)>, Failure> {
    let call = CallName::new("cloudwatch", "GetMetricData");
    let start = question.from.saturating_sub(Span::new().days(1));
    let queries: Vec<Value> =
        counters.iter().enumerate().map(|(n, counter)| query(n, counter)).collect();
    let input = json!({
        "MetricDataQueries": queries,
        "StartTime": format!("{start}T00:00:00Z"),
        "EndTime": format!("{}T00:00:00Z", question.to),
    });
    let answer = caller.call(place, &call, &input).await?;
    let mut by_id: BTreeMap<String, BTreeMap<Date, Micros>> = BTreeMap::new();
    let results = answer.get("MetricDataResults").and_then(Value::as_array);
    for result in results.into_iter().flatten() {
        let id = result.get("Id").and_then(Value::as_str).unwrap_or_default();
        let list = |name: &str| result.get(name).and_then(Value::as_array).into_iter().flatten();
        let days = by_id.entry(id.to_owned()).or_default();
        for (time, value) in list("Timestamps").zip(list("Values")) {
            let time = time.as_str().and_then(|text| text.parse::<Timestamp>().ok());
            if let (Some(time), Some(value)) = (time, value.as_f64()) {
                let day = time.to_zoned(TimeZone::UTC).date();
                let highest = days.entry(day).or_default();
                *highest = Micros::from_f64(value).max(*highest);
            }
        }
    }
    let found = |(n, counter)| by_id.remove(&format!("m{n}")).map(|days| (counter, days));
    Ok(counters.iter().enumerate().filter_map(found).collect())
}

fn query(n: usize, counter: &Counter) -> Value {
    let mut dimensions = vec![
        json!({"Name": "ServiceName", "Value": counter.service}),
        json!({"Name": "Currency", "Value": counter.currency}),
    ];
    if let Some(account) = &counter.account {
        dimensions.push(json!({"Name": "LinkedAccount", "Value": account}));
    }
    json!({
        "Id": format!("m{n}"),
        "MetricStat": {
            "Metric": {"Namespace": NAMESPACE, "MetricName": METRIC, "Dimensions": dimensions},
            "Period": 86_400,
            "Stat": "Maximum",
        },
        "ReturnData": true,
    })
}

/// What a counter grew by on each day. It begins anew with each month. Days without a value are
/// given equal parts of what the next one grew by, so that a gap does not look like a jump.
fn grown(points: &BTreeMap<Date, Micros>) -> Vec<(Date, Micros)> {
    let mut days = Vec::new();
    let mut former: Option<(Date, Micros)> = None;
    for (day, value) in points {
        let (since, base) = match former {
            Some((date, value)) if date.first_of_month() == day.first_of_month() => (date, value),
            // The month's own beginning; without a value of the day before nothing is known of
            // when it grew, unless the month began today.
            Some(_) => (day.first_of_month().yesterday().unwrap_or(*day), Micros::default()),
            None if day.day() == 1 => (day.yesterday().unwrap_or(*day), Micros::default()),
            None => {
                former = Some((*day, *value));
                continue;
            }
        };
        former = Some((*day, *value));
        // Corrections of AWS make a counter fall; that is no spend.
        let more = value.0.saturating_sub(base.0).max(0);
        let span = i64::from((*day - since).get_days()).max(1);
        for back in (0..span).rev() {
            let date = day.saturating_sub(Span::new().days(back));
            let part = more / span + if back == 0 { more % span } else { 0 };
            days.push((date, Micros(part)));
        }
    }
    days
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn check(points: &[(Date, i64)], expected: &[(i8, i64)]) {
        let points = points.iter().map(|(day, units)| (*day, Micros::units(*units))).collect();
        let found: Vec<(i8, i64)> =
            grown(&points).iter().map(|(day, amount)| (day.day(), amount.0 / 1_000_000)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_day_is_what_the_counter_grew_by() {
        let november = |day| date(2026, 11, day);
        check(&[(november(4), 10), (november(5), 13), (november(6), 14)], &[(5, 3), (6, 1)]);
        check(&[(november(1), 2), (november(2), 5)], &[(1, 2), (2, 3)]);
    }

    #[test]
    fn a_month_begins_anew_and_a_gap_is_shared_out() {
        check(&[(date(2026, 10, 31), 900), (date(2026, 11, 1), 7)], &[(1, 7)]);
        let november = |day| date(2026, 11, day);
        check(&[(november(4), 10), (november(7), 16)], &[(5, 2), (6, 2), (7, 2)]);
        check(&[(november(4), 10), (november(5), 8)], &[(5, 0)]);
    }
}
