//! The daemon before AWS, which is moto here: buckets and queues of notifications that it watches,
//! a topic that it tells, and the jobs that read from AWS and write to it.
//! Folders, listeners, stops and kills are tested in `serve`.

use std::collections::BTreeMap;
use std::time::Instant;

use base64::Engine as _;
use jiff::civil::Date;
use jiff::{Span, Timestamp, tz::TimeZone};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use yagura_store::jobs::RunOutcome;
use yagura_store::{Location, Store};
use yagura_testkit::moto::MOTO_ACCOUNT;

use crate::findings_imports::foreign;
use crate::moto::{Ground, write};
use crate::program::Home;
use crate::serve::{Receiver, Serving, TOLD_WITHIN, prepared, stopped};

/// Makes a bucket and puts objects into it.
struct Bucket<'g> {
    ground: &'g Ground,
    name: &'static str,
}

impl<'g> Bucket<'g> {
    async fn make(ground: &'g Ground, name: &'static str) -> Self {
        write(&ground.writer, "s3:CreateBucket", json!({"Bucket": name})).await;
        Self { ground, name }
    }

    /// Announces new objects to queues or topics.
    async fn announce(&self, to: Value) {
        let input = json!({"Bucket": self.name, "NotificationConfiguration": to});
        write(&self.ground.writer, "s3:PutBucketNotificationConfiguration", input).await;
    }

    async fn put(&self, key: &str, text: &str) {
        let body = base64::engine::general_purpose::STANDARD.encode(text);
        let input = json!({"Bucket": self.name, "Key": key, "Body": body});
        write(&self.ground.writer, "s3:PutObject", input).await;
    }
}

/// A queue, by URL and ARN.
async fn queue(ground: &Ground, name: &str) -> (String, String) {
    let made = write(&ground.writer, "sqs:CreateQueue", json!({"QueueName": name})).await;
    let url = made["QueueUrl"].as_str().unwrap().to_owned();
    (url, format!("arn:aws:sqs:us-east-1:{MOTO_ACCOUNT}:{name}"))
}

/// A topic that hands what it gets to a queue, in SNS's envelope.
async fn topic(ground: &Ground, name: &str, queue: &str) -> String {
    let made = write(&ground.writer, "sns:CreateTopic", json!({"Name": name})).await;
    let topic = made["TopicArn"].as_str().unwrap().to_owned();
    let input = json!({"TopicArn": topic, "Protocol": "sqs", "Endpoint": queue});
    write(&ground.writer, "sns:Subscribe", input).await;
    topic
}

/// Messages of a queue that are there, whether somebody has them in hand or not.
async fn waiting(ground: &Ground, url: &str) -> u32 {
    let input = json!({"QueueUrl": url, "AttributeNames": ["All"]});
    let told = write(&ground.writer, "sqs:GetQueueAttributes", input).await;
    let of = |name: &str| told["Attributes"][name].as_str().unwrap().parse::<u32>().unwrap();
    of("ApproximateNumberOfMessages") + of("ApproximateNumberOfMessagesNotVisible")
}

const CREATED: [&str; 1] = ["s3:ObjectCreated:*"];

#[tokio::test]
async fn what_a_bucket_gets_is_told_within_ten_seconds_by_listing_and_by_notification() {
    let ground = Ground::start().await;
    let (home, receiver) = (Home::before(&ground.moto.url()), Receiver::start().await);
    prepared(&home, &receiver);
    let listed = Bucket::make(&ground, "listed").await;
    let (direct_url, direct_arn) = queue(&ground, "direct").await;
    let queued = Bucket::make(&ground, "queued").await;
    let to = json!({"QueueConfigurations": [{"QueueArn": direct_arn, "Events": CREATED}]});
    queued.announce(to).await;
    let (wrapped_url, wrapped_arn) = queue(&ground, "wrapped").await;
    let announced = topic(&ground, "announced", &wrapped_arn).await;
    let published = Bucket::make(&ground, "published").await;
    let to = json!({"TopicConfigurations": [{"TopicArn": announced, "Events": CREATED}]});
    published.announce(to).await;
    // People are told over a topic too.
    let (told_url, told_arn) = queue(&ground, "told").await;
    let alerts = topic(&ground, "alerts", &told_arn).await;
    let url = format!("http://{}/hook", receiver.address);
    let routes = format!(
        "targets:\n  hook: {{channel: webhook, settings: {{url: '{url}'}}}}\n\
         \x20 topic: {{channel: sns, settings: {{topic: '{alerts}'}}}}\n\
         routes:\n- {{id: all, on: [opened, reopened], targets: [hook, topic]}}\n"
    );
    home.write("data/site/routes.yaml", &routes);
    let listed_place = "s3://listed/AWSLogs/";
    let mut config = String::new();
    for place in [listed_place, &direct_url, &wrapped_url] {
        config.push_str(&format!(
            "[[serve.watchers]]\nplace = '{place}'\nsource = 'cloudtrail'\nevery = 1\n"
        ));
    }
    home.write("serve.toml", &config);

    let serving = Serving::start(&home, &["--config", "serve.toml"]).await;
    serving.has_looked(listed_place).await;
    // Whoever lists looks where logs of these days are.
    let day = today().strftime("%Y/%m/%d").to_string();
    // Each twice: a second notification of the same object is no second alert.
    let puts = [(&listed, "alice"), (&queued, "bob"), (&published, "carol")];
    for (n, (bucket, user)) in (1..).zip(puts) {
        let key = format!("AWSLogs/111122223333/CloudTrail/us-east-1/{day}/{user}.json");
        let text = stopped(user, n);
        let began = Instant::now();
        bucket.put(&key, &text).await;
        bucket.put(&key, &text).await;
        serving.until("message", async || receiver.told().contains_key(user)).await;
        let took = began.elapsed();
        assert!(took < TOLD_WITHIN, "{user}: {took:?}");
    }
    // What is elsewhere in the bucket is nobody's business.
    listed.put("other/dave.json", &stopped("dave", 4)).await;
    serving.until("three messages", async || waiting(&ground, &told_url).await == 3).await;
    let (code, log) = serving.stop().await;
    assert_eq!(code, 0, "{log}");

    let once: BTreeMap<String, u32> =
        ["alice", "bob", "carol"].map(|user| (user.to_owned(), 1)).into();
    assert_eq!(receiver.told(), once);
    let input = json!({"QueueUrl": told_url, "MaxNumberOfMessages": 10});
    let received = write(&ground.writer, "sqs:ReceiveMessage", input).await;
    let body = received["Messages"][0]["Body"].as_str().unwrap();
    let envelope: Value = serde_json::from_str(body).unwrap();
    assert!(envelope["Subject"].as_str().unwrap().contains("A trail was stopped"), "{envelope}");
    assert!(envelope["Message"].as_str().unwrap().contains(":user/"), "{envelope}");
    assert_eq!(envelope["MessageAttributes"]["severity"]["Value"], "high", "{envelope}");

    let store = Store::open(&Location::in_folder(&home.data())).await.unwrap();
    let balance = store.ledger().balance(None).await.unwrap();
    assert!(balance.closes(), "{balance:?}");
    assert_eq!((balance.listed, balance.ingested, balance.rows), (3, 3, 3), "{balance:?}");
    store.close().await;
    let rows = home.run(&["query", "SELECT count(*) AS n FROM cloudtrail", "--format", "json"]);
    assert_eq!(rows.await.exits(0).records()[0]["n"], 3, "the lake has each once");
    for url in [direct_url, wrapped_url] {
        assert_eq!(waiting(&ground, &url).await, 0, "`{url}` holds what was committed");
    }
}

fn today() -> Date {
    #[expect(clippy::disallowed_methods, reason = "the program under test reads the clock too")]
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

/// Sets what moto answers to Cost Explorer's questions: charges first, then credits.
async fn prime_bill(ground: &Ground) {
    let day = |back: i64| today().checked_sub(Span::new().days(back)).unwrap().to_string();
    let answer = |amount: &str| {
        json!({"ResultsByTime": [{
            "TimePeriod": {"Start": day(3), "End": day(2)}, "Total": {}, "Estimated": true,
            "Groups": [{"Keys": [MOTO_ACCOUNT, "EC2 - Other"],
                "Metrics": {"UnblendedCost": {"Amount": amount, "Unit": "USD"}}}],
        }]})
    };
    let body = json!({"results": [answer("12.5"), answer("-2")]}).to_string();
    let address = ground.moto.url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let ask = format!(
        "POST /moto-api/static/ce/cost-and-usage-results HTTP/1.1\r\nHost: {address}\r\n\
         Connection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
}

#[tokio::test]
async fn findings_are_read_and_told_the_bill_is_read_and_a_backup_made_by_jobs() {
    let ground = Ground::start().await;
    let (home, receiver) = (Home::before(&ground.moto.url()), Receiver::start().await);
    prepared(&home, &receiver);
    write(&ground.writer, "securityhub:EnableSecurityHub", json!({})).await;
    write(&ground.writer, "securityhub:BatchImportFindings", foreign()).await;
    prime_bill(&ground).await;
    // The other half of the bill is a report in a bucket.
    let bills = Bucket::make(&ground, "bills").await;
    bills
        .put(
            "cur/x-00001.csv",
            "lineItem/UsageAccountId,lineItem/LineItemType,lineItem/UsageStartDate,\
             lineItem/ProductCode,lineItem/CurrencyCode,lineItem/UnblendedCost\n\
             444455556666,Usage,2026-09-01T00:00:00Z,AmazonS3,USD,3.25\n",
        )
        .await;
    // Each finding is told to the Security Hub of its own account.
    home.write("logs/alice.json", &stopped("alice", 1).replace("111122223333", MOTO_ACCOUNT));
    let detect = ["ingest", "cloudtrail", "logs", "--rules", "rules.yml", "--no-builtin"];
    home.run(&detect).await.exits(0);
    for kind in ["import", "push", "spend"] {
        home.run(&["jobs", "run", kind]).await.exits(0);
    }

    let more = ["--regions", "us-east-1", "--spend-report", "s3://bills/cur"];
    let serving = Serving::start(&home, &more).await;
    let store = Store::open(&Location::in_folder(&home.data())).await.unwrap();
    let ran = async |kind: &str| store.jobs().runs(Some(kind), 10).await.unwrap();
    for kind in ["import", "push", "spend", "backup"] {
        // Jobs of different kinds run side by side: a backup asked for earlier may have less in it.
        if kind == "backup" {
            home.run(&["jobs", "run", kind]).await.exits(0);
        }
        serving.until(kind, async || !ran(kind).await.is_empty()).await;
        let runs = ran(kind).await;
        assert_eq!(runs[0].outcome, RunOutcome::Done, "{kind}: {runs:?}");
    }
    let (code, log) = serving.stop().await;
    assert_eq!(code, 0, "{log}");

    let found = home.run(&["findings", "list", "--format", "json"]).await.exits(0).records();
    let has = |title: &str| found.iter().any(|one| one["title"].as_str().unwrap().contains(title));
    assert!(has("A scan"), "imported: {found:?}");
    assert!(has("A trail was stopped"), "ours: {found:?}");
    let hub = write(&ground.writer, "securityhub:GetFindings", json!({})).await;
    let titles: Vec<&str> = hub["Findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["ProductArn"].as_str().unwrap().ends_with("/default"))
        .map(|one| one["Title"].as_str().unwrap())
        .collect();
    assert_eq!(titles.len(), 1, "only ours is told: {titles:?}");
    let shown = home.run(&["costs", "show", "--days", "400", "--format", "csv"]).await.exits(0);
    for needle in [
        "EC2 - Other,charge,12.500000,USD",
        "EC2 - Other,credit,-2.000000,USD",
        "2026-09-01,444455556666,AmazonS3,charge,3.250000,USD",
    ] {
        assert!(shown.out.contains(needle), "`{needle}`: {}", shown.out);
    }
    let backups: Vec<_> = std::fs::read_dir(home.data().join("backups")).unwrap().collect();
    assert_eq!(backups.len(), 1);
    let backup = backups[0].as_ref().unwrap().path();
    let other = Home::offline();
    let restore = other.run(&["restore", backup.to_str().unwrap()]).await.exits(0);
    let listed = other.run(&["findings", "list", "--format", "json"]).await.exits(0).records();
    assert_eq!(listed.len(), found.len(), "{}", restore.err);
    store.close().await;
}
