//! Money spent: replaced by span, the most trusted source taken whole.
//! What is a jump is judged in `yagura-judge`.

use jiff::civil::{Date, date};
use yagura_model::spend::{Budget, Micros, SpendDay, SpendForecast, SpendKind, SpendSource};
use yagura_store::spend::{SpendFilter, SpendSpan};

use crate::bed::{ACCOUNT, at, beds};

fn spent(day: Date, service: &str, units: i64) -> SpendDay {
    SpendDay {
        account: ACCOUNT.into(),
        service: service.into(),
        day,
        kind: SpendKind::Charge,
        amount: Micros::units(units),
        currency: "USD".into(),
        estimated: false,
    }
}

fn span(from: Date, to: Date) -> SpendFilter {
    SpendFilter { from, to, account: None }
}

fn november(day: i8) -> Date {
    date(2026, 11, day)
}

#[tokio::test]
async fn a_span_is_replaced_whole_and_what_is_outside_stays() {
    for bed in beds().await {
        let spend = bed.open().await.spend();
        let all = span(november(1), november(30));
        let first = [
            spent(november(1), "EC2", 5),
            spent(november(2), "EC2", 6),
            spent(november(2), "EC2", 1),
            spent(november(2), "S3", 1),
        ];
        let kept = spend.replace(SpendSource::CostExplorer, &all, &first, at(1)).await.unwrap();
        assert_eq!(kept, 3, "two lines of one service are one row");
        let later = [spent(november(2), "EC2", 9), spent(november(9), "EC2", 99)];
        let second = span(november(2), november(3));
        spend.replace(SpendSource::CostExplorer, &second, &later, at(2)).await.unwrap();
        let found = spend.days(&all).await.unwrap();
        let found: Vec<_> = found.iter().map(|one| (one.day.day(), one.amount.0)).collect();
        assert_eq!(found, [(1, 5_000_000), (2, 9_000_000)]);
        assert_eq!(spend.newest(SpendSource::CostExplorer).await.unwrap(), Some(november(2)));
        assert_eq!(spend.newest(SpendSource::Report).await.unwrap(), None);
    }
}

#[tokio::test]
async fn several_spans_are_replaced_together_and_what_is_between_them_stays() {
    for bed in beds().await {
        let spend = bed.open().await.spend();
        let all = span(november(1), november(30));
        let first = [1, 2, 3].map(|day| spent(november(day), "EC2", 1));
        spend.replace(SpendSource::Report, &all, &first, at(1)).await.unwrap();
        let spans = [(1, 2), (3, 4)].map(|(from, to)| (&span(november(from), november(to))).into());
        let again = [spent(november(2), "EC2", 9), spent(november(3), "EC2", 5)];
        let kept = spend.replace_spans(SpendSource::Report, &spans, &again, at(2)).await.unwrap();
        assert_eq!(kept, 1, "what lies in no span is left out");
        let found = spend.days(&all).await.unwrap();
        let found: Vec<_> = found.iter().map(|one| (one.day.day(), one.amount.0)).collect();
        assert_eq!(found, [(2, 1_000_000), (3, 5_000_000)]);
        assert_eq!(spend.replace_spans(SpendSource::Report, &[], &again, at(3)).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn only_the_named_accounts_are_replaced_however_many() {
    for bed in beds().await {
        let spend = bed.open().await.spend();
        let (from, to) = (november(1), november(30));
        let of = |number: u64, units: i64| SpendDay {
            account: format!("{number:012}"),
            ..spent(november(3), "EC2", units)
        };
        let all: Vec<SpendDay> = (0..1_500).map(|number| of(number, 1)).collect();
        spend.replace(SpendSource::Report, &span(from, to), &all, at(1)).await.unwrap();
        let named = (0..1_400).map(|number| format!("{number:012}")).collect();
        let named = SpendSpan { from, to, accounts: Some(named) };
        let again = [of(0, 5), of(1_450, 9)];
        let kept = spend.replace_spans(SpendSource::Report, &[named], &again, at(2)).await.unwrap();
        assert_eq!(kept, 1, "what lies in no named account is left out");
        let found = spend.days(&span(from, to)).await.unwrap();
        let found: Vec<_> = found.iter().map(|one| (&*one.account, one.amount.0)).collect();
        assert_eq!((found.len(), found[0]), (101, ("000000000000", 5_000_000)));
        assert!(found.iter().skip(1).all(|(_, amount)| *amount == 1_000_000));
    }
}

#[tokio::test]
async fn of_a_day_the_most_trusted_source_is_taken_whole() {
    for bed in beds().await {
        let spend = bed.open().await.spend();
        let all = span(november(1), november(30));
        let metrics = [spent(november(1), "AmazonEC2", 4), spent(november(2), "AmazonEC2", 4)];
        spend.replace(SpendSource::CloudWatch, &all, &metrics, at(1)).await.unwrap();
        let explorer = [spent(november(1), "EC2 - Compute", 5)];
        spend.replace(SpendSource::CostExplorer, &all, &explorer, at(1)).await.unwrap();
        let found = spend.days(&all).await.unwrap();
        let mut found: Vec<_> =
            found.iter().map(|one| (one.day.day(), one.service.as_str())).collect();
        found.sort_unstable();
        assert_eq!(found, [(1, "EC2 - Compute"), (2, "AmazonEC2")]);
        let other = SpendFilter { account: Some("999999999999".into()), ..all };
        assert!(spend.days(&other).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn budgets_of_an_account_are_replaced_and_the_newest_forecast_is_kept() {
    for bed in beds().await {
        let spend = bed.open().await.spend();
        let budget = |name: &str| Budget {
            account: ACCOUNT.into(),
            name: name.into(),
            time_unit: "MONTHLY".into(),
            limit: Micros::units(100),
            actual: Micros::units(40),
            forecast: None,
            currency: "USD".into(),
        };
        spend.replace_budgets(ACCOUNT, &[budget("a"), budget("b")], at(1)).await.unwrap();
        spend.replace_budgets(ACCOUNT, &[budget("b")], at(2)).await.unwrap();
        assert_eq!(spend.budgets().await.unwrap(), [budget("b")]);
        assert!(spend.forecast().await.unwrap().is_none());
        let forecast = |month, units| SpendForecast {
            month: date(2026, month, 1),
            rest: Micros::units(units),
            currency: "USD".into(),
        };
        spend.put_forecast(&forecast(11, 7), at(1)).await.unwrap();
        spend.put_forecast(&forecast(11, 8), at(2)).await.unwrap();
        assert_eq!(spend.forecast().await.unwrap(), Some((forecast(11, 8), at(2))));
    }
}
