//! Spend as a person sees it: report files in, figures, courses and jumps out, findings made.
//! Answers of Cost Explorer are tested in `yagura-collect`, the baseline in `yagura-judge`.

use base64::Engine as _;
use jiff::civil::Date;
use jiff::{Span, Timestamp, tz::TimeZone};
use serde_json::json;

use crate::moto::{Ground, write};
use crate::program::Home;
use crate::serve::stopped;

const HEAD: &str = "bill/InvoiceId,lineItem/UsageAccountId,lineItem/LineItemType,\
    lineItem/UsageStartDate,lineItem/ProductCode,lineItem/CurrencyCode,lineItem/UnblendedCost\n";

/// Sixty days of ordinary spend that end today, with one day that costs much more. The program
/// reads the clock, so the days are counted back from it.
fn report(jump: &str) -> String {
    #[expect(clippy::disallowed_methods, reason = "the program under test reads the clock too")]
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let mut text = HEAD.to_owned();
    for back in 0..60 {
        let day = today.checked_sub(Span::new().days(back)).unwrap();
        let amount = if back == 2 { jump } else { "40.5" };
        text.push_str(&format!(
            ",111122223333,Usage,{day}T00:00:00Z,AmazonEC2,USD,{amount}\n\
             ,111122223333,Usage,{day}T01:00:00Z,AmazonS3,USD,3.25\n"
        ));
    }
    text
}

#[tokio::test]
async fn a_report_is_shown_and_its_jump_becomes_a_finding() {
    let home = Home::offline();
    let file = home.write("cur.csv", &report("905.5"));
    let ran = home.run(&["costs", "refresh", "--report", file.to_str().unwrap()]).await.exits(0);
    assert!(ran.err.contains("120 figures from report"), "{}", ran.err);
    assert!(ran.err.contains("1 unusual days, 1 new findings"), "{}", ran.err);
    let ran = home.run(&["costs", "jumps", "--format", "json"]).await.exits(0);
    let jumps = ran.records();
    assert_eq!(jumps.len(), 1, "{}", ran.out);
    assert_eq!(
        (&jumps[0]["service"], &jumps[0]["amount"]),
        (&"AmazonEC2".into(), &"905.50".into())
    );
    assert_eq!(jumps[0]["usual"], "40.50");
    let ran = home.run(&["costs", "show", "--days", "60", "--format", "json"]).await.exits(0);
    let rows = ran.records();
    assert_eq!(rows[0]["service"], "AmazonEC2");
    assert_eq!(rows[0]["charges"], "3295.00");
    assert!(rows[0]["course"].as_str().unwrap().contains('█'));
    let ran = home.run(&["costs", "show", "--days", "3", "--format", "csv"]).await.exits(0);
    assert!(ran.out.starts_with("day,account,service,kind,amount,currency,estimated\n"));
    assert!(ran.out.contains(",AmazonEC2,charge,905.500000,USD,true\n"), "{}", ran.out);
    let again = home.run(&["costs", "refresh", "--report", file.to_str().unwrap()]).await.exits(0);
    assert!(again.err.contains("0 new findings"), "{}", again.err);
}

#[tokio::test]
async fn ordinary_spend_raises_nothing_and_a_broken_report_changes_nothing() {
    let home = Home::offline();
    let file = home.write("cur.csv", &report("41"));
    home.run(&["costs", "refresh", "--report", file.to_str().unwrap()]).await.exits(0);
    let ran = home.run(&["costs", "jumps", "--format", "json"]).await.exits(0);
    assert_eq!(ran.out, "");
    let broken = home.write("broken.csv", &report("lots"));
    let ran = home.run(&["costs", "refresh", "--report", broken.to_str().unwrap()]).await.exits(2);
    assert!(ran.err.contains("the cost is no number"), "{}", ran.err);
    let ran = home.run(&["costs", "show", "--days", "60", "--format", "json"]).await.exits(0);
    assert_eq!(ran.records().len(), 2);
    let ran = home.run(&["costs", "refresh", "--report", "nothing"]).await.exits(2);
    assert!(ran.err.contains("nothing"), "{}", ran.err);
}

#[tokio::test]
async fn reports_are_read_from_a_bucket_of_moto_by_their_manifest() {
    let ground = Ground::start().await;
    let home = Home::before(&ground.moto.url());
    write(&ground.writer, "s3:CreateBucket", json!({"Bucket": "bills"})).await;
    let put = async |key: &str, text: &str| {
        let body = base64::engine::general_purpose::STANDARD.encode(text);
        let input = json!({"Bucket": "bills", "Key": key, "Body": body});
        write(&ground.writer, "s3:PutObject", input).await;
    };
    // Without a month in the key, so that the test does not age.
    put("cur/one/cur-00001.csv", &report("905.5")).await;
    put("cur/two/cur-00001.csv", &report("40.5")).await;
    let manifest = json!({"reportKeys": ["cur/one/cur-00001.csv"]}).to_string();
    put("cur/cur-Manifest.json", &manifest).await;
    let ran = home.run(&["costs", "refresh", "--report", "s3://bills/cur"]).await.exits(0);
    assert!(ran.err.contains("120 figures"), "only what the manifest names: {}", ran.err);
    assert!(ran.err.contains("1 unusual days"), "{}", ran.err);
    home.run(&["costs", "refresh", "--report", "s3://none/cur"]).await.exits(2);
}

#[tokio::test]
async fn an_export_as_parquet_is_read_and_a_month_that_is_published_again_replaces() {
    let home = Home::offline();
    // The files are written by a question, and those need a lake.
    home.write("logs/one.json", &stopped("alice", 1));
    home.run(&["ingest", "cloudtrail", "logs"]).await.exits(0);
    let export = async |name: &str, rows: &str| {
        let path = home.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let sql = format!(
            "SELECT '' AS bill_invoice_id, '111122223333' AS line_item_usage_account_id, \
             'Usage' AS line_item_line_item_type, CAST(day AS TIMESTAMP) \
             AS line_item_usage_start_date, service AS line_item_product_code, \
             'USD' AS line_item_currency_code, CAST(cost AS DOUBLE) AS line_item_unblended_cost, \
             date_trunc('month', CAST(day AS TIMESTAMP)) AS bill_billing_period_start_date \
             FROM (VALUES {rows}) AS t(day, service, cost)"
        );
        let to = path.to_str().unwrap();
        home.run(&["query", &sql, "--format", "parquet", "--output", to]).await.exits(0);
    };
    let kept = async || {
        let shown = home.run(&["costs", "show", "--days", "400", "--format", "csv"]).await.exits(0);
        let mut lines: Vec<String> = shown.out.lines().skip(1).map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let refresh = async |code: i32| {
        let ran = home.run(&["costs", "refresh", "--report", "cur"]).await;
        ran.exits(code)
    };
    #[expect(clippy::disallowed_methods, reason = "the program under test reads the clock too")]
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    // The first days of the last three whole months.
    let month = |back: i64| today.first_of_month().checked_sub(Span::new().months(back)).unwrap();
    let (old, middle, new) = (month(3), month(2), month(1));
    let file = |month: Date| {
        let (year, month) = (month.year(), month.month());
        format!("cur/x/data/BILLING_PERIOD={year:04}-{month:02}/x-00001.snappy.parquet")
    };
    for (month, service) in [(old, "AmazonEC2"), (middle, "AmazonS3"), (new, "AmazonRDS")] {
        let later = month.tomorrow().unwrap();
        let rows = format!("('{month}', '{service}', 1.5), ('{later}', 'AWSLambda', 0.25)");
        export(&file(month), &rows).await;
    }
    refresh(0).await;
    assert_eq!(kept().await.len(), 6);
    // Two months come again, with less in them; of the month between them nothing is told.
    for (month, service) in [(old, "AmazonEC2"), (new, "AmazonRDS")] {
        export(&file(month), &format!("('{month}', '{service}', 1.25)")).await;
    }
    std::fs::remove_file(home.path(&file(middle))).unwrap();
    refresh(0).await;
    let line = |day: Date, service: &str, cost: &str| {
        format!("{day},111122223333,{service},charge,{cost},USD,true")
    };
    let mut expected = vec![
        line(old, "AmazonEC2", "1.250000"),
        line(middle, "AmazonS3", "1.500000"),
        line(middle.tomorrow().unwrap(), "AWSLambda", "0.250000"),
        line(new, "AmazonRDS", "1.250000"),
    ];
    expected.sort();
    assert_eq!(kept().await, expected);
    // A file that was cut on its way changes nothing of any month.
    let whole = std::fs::read(home.path(&file(new))).unwrap();
    std::fs::write(home.path(&file(new)), &whole[..whole.len() / 2]).unwrap();
    export(&file(old), &format!("('{old}', 'AmazonEC2', 9)")).await;
    let ran = refresh(2).await;
    assert!(ran.err.contains("not a readable Parquet file"), "{}", ran.err);
    assert_eq!(kept().await, expected);
}

#[tokio::test]
async fn the_reports_of_two_payers_stand_side_by_side() {
    let home = Home::offline();
    #[expect(clippy::disallowed_methods, reason = "the program under test reads the clock too")]
    let month = Timestamp::now().to_zoned(TimeZone::UTC).date().first_of_month();
    let publish = async |payer: &str, lines: &[(&str, &str)]| {
        let mut text = String::from(
            "bill/BillingPeriodStartDate,lineItem/UsageAccountId,lineItem/UsageStartDate,\
             lineItem/LineItemType,lineItem/ProductCode,lineItem/CurrencyCode,\
             lineItem/UnblendedCost\n",
        );
        for (account, cost) in lines {
            let at = format!("{month}T00:00:00Z");
            text.push_str(&format!("{at},{account},{at},Usage,AmazonEC2,USD,{cost}\n"));
        }
        let file = format!("{payer}.csv");
        home.write(&file, &text);
        home.run(&["costs", "refresh", "--report", &file]).await.exits(0);
        let shown = home.run(&["costs", "show", "--days", "60", "--format", "csv"]).await.exits(0);
        let mut lines: Vec<String> = shown.out.lines().skip(1).map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let line = |account: &str, cost: &str| {
        format!("{month},{account},AmazonEC2,charge,{cost}.000000,USD,true")
    };
    let (first, second, third) = ("111122223333", "444455556666", "777788889999");
    publish("one", &[(first, "1"), (second, "2")]).await;
    let both = publish("other", &[(third, "3")]).await;
    assert_eq!(both, [line(first, "1"), line(second, "2"), line(third, "3")]);
    // What a payer publishes again takes the place of its own, also where nothing is left.
    let again = publish("one", &[(first, "5"), (second, "0")]).await;
    assert_eq!(again, [line(first, "5"), line(third, "3")]);
}
