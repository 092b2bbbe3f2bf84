//! `/cost`: figures by day, service and budget, and the empty state, in both languages.

use http::StatusCode;
use jiff::civil::date;
use yagura_model::spend::{Budget, Micros, SpendDay, SpendKind, SpendSource};
use yagura_store::spend::SpendFilter;

use crate::support::{Bench, NOW};

const ACCOUNT: &str = "111122223333";

async fn spent() -> Bench {
    let bench = Bench::open().await;
    let (from, to) = (date(2026, 11, 1), date(2026, 11, 23));
    let day = |day: i8, service: &str, units: i64| SpendDay {
        account: ACCOUNT.into(),
        service: service.into(),
        day: date(2026, 11, day),
        kind: SpendKind::Charge,
        amount: Micros::units(units),
        currency: "USD".into(),
        estimated: day == 22,
    };
    let days = [day(20, "Amazon S3", 12), day(21, "<b>EC2</b>", 1_200), day(22, "Amazon S3", 3)];
    let filter = SpendFilter { from, to, account: None };
    let spend = bench.store.spend();
    let now = NOW.parse().unwrap();
    spend.replace(SpendSource::CostExplorer, &filter, &days, now).await.unwrap();
    let budget = Budget {
        account: ACCOUNT.into(),
        name: "all <i>".into(),
        time_unit: "MONTHLY".into(),
        limit: Micros::units(1_000),
        actual: Micros::units(1_215),
        forecast: None,
        currency: "USD".into(),
    };
    spend.replace_budgets(ACCOUNT, &[budget], now).await.unwrap();
    bench
}

#[tokio::test]
async fn without_figures_the_page_says_how_they_are_read() {
    let bench = Bench::open().await;
    for (lang, words) in [("en", "No figures yet"), ("ja", "金額のデータがありません")]
    {
        let got = bench.get_in("/cost", lang).await;
        assert_eq!(got.status, StatusCode::OK);
        assert!(got.text.contains(words) && got.text.contains("yagura costs refresh"));
    }
}

#[tokio::test]
async fn spend_stands_by_day_service_and_budget() {
    let bench = spent().await;
    for (lang, words) in [("en", "exceeded"), ("ja", "超過")] {
        let got = bench.get_in("/cost", lang).await;
        assert_eq!(got.status, StatusCode::OK);
        for shown in ["1215.00", "1200.00", "&lt;b&gt;EC2", "class=\"chart columns\"", words] {
            assert!(got.text.contains(shown), "{shown}: {}", got.text);
        }
        assert!(!got.text.contains("<b>EC2") && !got.text.contains("all <i>"));
    }
    let by_account = bench.get("/cost?by=account").await;
    assert!(by_account.text.contains(&format!("account={ACCOUNT}")), "{}", by_account.text);
    let other = bench.get("/cost?account=999999999999&days=90").await;
    assert!(!other.text.contains("1200.00"), "{}", other.text);
}
