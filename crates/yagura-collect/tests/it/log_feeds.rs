//! Feeds of logs that AWS keeps or announces, end to end against moto: buckets, queues, log
//! groups; and what denials, throttling and broken answers make of them.
//! What becomes of the objects in ledger and lake is claimed in `ingest`.

use std::collections::BTreeSet;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use yagura_aws::{Aws, Declared, ReadClient, Target};
use yagura_collect::sources::feeds::bucket::{self, BucketFeed};
use yagura_collect::sources::feeds::cloudwatch_logs::{self, log_group, log_groups};
use yagura_collect::sources::feeds::poll::{PollOptions, Poller};
use yagura_collect::sources::feeds::queue::{QueueFeed, QueueOptions, Until};
use yagura_collect::sources::{Feed, FeedError, Page, Scope};
use yagura_model::object::LogObject;
use yagura_testkit::faults::{Fault, Faults, Rule};
use yagura_testkit::moto::{MOTO_ACCOUNT, Moto};
use yagura_testkit::writer::Writer;

use crate::tables;

const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const REGION: &str = "us-east-1";
const FOLDER: &str = "AWSLogs/111122223333/CloudTrail/us-east-1";

struct Stage {
    writer: Writer,
    faults: Faults,
    aws: Aws,
    folder: tempfile::TempDir,
    _moto: Moto,
}

async fn stage() -> Stage {
    let moto = Moto::start().await.unwrap();
    let (api, actions) = tables();
    let writer = Writer::new(moto.url(), &api, ACCESS_KEY);
    let services = ["s3", "sqs", "logs"];
    let faults = Faults::before(&moto.url(), &api, &services, MOTO_ACCOUNT).await.unwrap();
    let builder = Aws::builder(api, actions)
        .isolated()
        .keys(ACCESS_KEY, "secret", None)
        .region(REGION)
        .endpoint_url(faults.url())
        .unpaced()
        .seed(1);
    let aws = builder.build().await.unwrap();
    let stage = Stage { writer, faults, aws, folder: tempfile::tempdir().unwrap(), _moto: moto };
    stage.write("s3", "CreateBucket", json!({"Bucket": "logs"})).await;
    stage
}

fn target() -> Target {
    Target::new(MOTO_ACCOUNT, REGION)
}

impl Stage {
    async fn write(&self, service: &str, operation: &str, input: Value) -> Value {
        self.writer.call(REGION, service, operation, input).await.unwrap()
    }

    async fn put(&self, key: &str, body: &str) {
        // `Body` is base64: so is the word for three zero bytes.
        let body = base64(body.as_bytes());
        self.write("s3", "PutObject", json!({"Bucket": "logs", "Key": key, "Body": body})).await;
    }

    fn client(&self) -> ReadClient {
        let calls = bucket::CALLS.into_iter().chain(cloudwatch_logs::CALLS);
        self.aws.read(calls.collect::<Declared>())
    }

    fn bucket(&self, prefix: &str) -> BucketFeed {
        let bucket = self.client().bucket(&target(), "logs", false).unwrap();
        BucketFeed::new(bucket, prefix, None, Handle::current())
    }

    async fn queue(&self) -> String {
        let made = self.write("sqs", "CreateQueue", json!({"QueueName": "q"})).await;
        made["QueueUrl"].as_str().unwrap().to_owned()
    }

    async fn send(&self, url: &str, body: &str) {
        self.write("sqs", "SendMessage", json!({"QueueUrl": url, "MessageBody": body})).await;
    }

    async fn queue_feed(&self, url: &str) -> QueueFeed {
        let cancel = CancellationToken::new();
        // Moto's own address stands in the URL; ours is the proxy's.
        let consumer = self.aws.consumer(&target(), url, cancel).await.unwrap();
        let options = QueueOptions {
            source: Some("cloudtrail".into()),
            spool: self.folder.path().join("spool"),
            buckets: vec!["logs".into()],
            until: Until::Empty,
        };
        QueueFeed::new(consumer, self.client(), target(), options, Handle::current()).unwrap()
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

async fn pages(feed: &dyn Feed, scope: Scope) -> Vec<Result<Page, FeedError>> {
    feed.list(scope).collect().await
}

async fn objects(feed: &dyn Feed, scope: Scope) -> Vec<LogObject> {
    let pages = pages(feed, scope).await.into_iter();
    let mut objects: Vec<LogObject> = pages.flat_map(Result::unwrap).collect();
    objects.sort_by(|a, b| a.location.cmp(&b.location));
    objects
}

fn keys(objects: &[LogObject]) -> Vec<&str> {
    objects.iter().map(|object| object.key.as_str()).collect()
}

/// Opens and reads as a worker thread does.
async fn read(feed: Arc<dyn Feed>, object: &LogObject) -> Result<String, FeedError> {
    let object = object.clone();
    let work = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        match feed.open(&object)?.read_to_string(&mut text) {
            Ok(_) => Ok(text),
            Err(error) => Err(FeedError::within(&error).cloned().unwrap()),
        }
    });
    work.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_is_listed_whole_or_by_its_recent_days() {
    let stage = stage().await;
    for key in ["2026/11/18/a", "2026/11/20/b", "2026/11/21/c", "2025/11/21/d"] {
        stage.put(&format!("{FOLDER}/{key}"), "log").await;
    }
    let digest = FOLDER.replace("CloudTrail/", "CloudTrail-Digest/");
    stage.put(&format!("{digest}/2026/11/21/x"), "digest").await;
    stage.put(&format!("{FOLDER}/2026/11/21/empty"), "").await;
    stage.put("flat-object", "log").await;
    let feed = stage.bucket("");
    assert_eq!(feed.name(), "s3://logs/");
    assert_eq!(objects(&feed, Scope::Full).await.len(), 5);
    let since: Timestamp = "2026-11-21T03:00:00Z".parse().unwrap();
    let recent = objects(&feed, Scope::Recent { since }).await;
    let wanted = [format!("{FOLDER}/2026/11/20/b"), format!("{FOLDER}/2026/11/21/c")];
    assert_eq!(keys(&recent), [wanted[0].as_str(), wanted[1].as_str(), "flat-object"]);
    let below = stage.bucket("AWSLogs/");
    assert_eq!(objects(&below, Scope::Full).await.len(), 4);
    assert_eq!(recent[2].location, "s3://logs/flat-object");
    assert!(recent[2].etag.is_some() && recent[2].modified.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_denied_is_told_and_the_others_are_listed() {
    let stage = stage().await;
    stage.put("a/1", "log").await;
    stage.put("b/1", "log").await;
    let denied = Rule::new(Fault::Denied("no".into())).operation("ListObjectsV2");
    stage.faults.inject(denied.skip(1).times(1));
    let pages = pages(&stage.bucket(""), Scope::Full).await;
    assert_eq!(pages.iter().filter(|page| page.is_ok()).count(), 1);
    let fault = pages.iter().find_map(|page| page.as_ref().err()).unwrap();
    assert!(matches!(fault, FeedError::Denied { attempt: "list", .. }), "{fault}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_is_read_through_broken_answers_or_not_at_all() {
    let stage = stage().await;
    let text: String = (0..20_000).map(|n| format!("{n}\n")).collect();
    stage.put("log", &text).await;
    let feed: Arc<dyn Feed> = Arc::new(stage.bucket(""));
    let object = objects(&*feed, Scope::Full).await.remove(0);
    for fault in [Fault::Bare(500), Fault::Truncated, Fault::Throttled] {
        stage.faults.clear();
        stage.faults.inject(Rule::new(fault).operation("GetObject").times(2));
        assert_eq!(read(feed.clone(), &object).await.unwrap(), text);
    }
    stage.faults.clear();
    stage.faults.inject(Rule::new(Fault::Truncated).operation("GetObject"));
    let error = read(feed.clone(), &object).await.unwrap_err();
    assert!(matches!(error, FeedError::Failed { .. }), "{error}");
    stage.faults.clear();
    let message = "not authorized to perform: kms:Decrypt on resource: key";
    stage.faults.inject(Rule::new(Fault::Denied(message.into())).operation("GetObject"));
    let error = read(feed.clone(), &object).await.unwrap_err();
    assert!(matches!(error, FeedError::Denied { .. }), "{error}");
    assert!(error.chain().contains("`kms:Decrypt` is missing"), "{}", error.chain());
    stage.faults.clear();
    stage.put("log", "other").await;
    let error = read(feed.clone(), &object).await.unwrap_err();
    assert!(matches!(error, FeedError::Changed { .. }), "{error}");
    stage.write("s3", "DeleteObject", json!({"Bucket": "logs", "Key": "log"})).await;
    let error = read(feed, &object).await.unwrap_err();
    assert!(matches!(error, FeedError::Gone { .. }), "{error}");
}

fn notification(bucket: &str, key: &str, etag: &str) -> String {
    json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {
        "bucket": {"name": bucket}, "object": {"key": key, "size": 3, "eTag": etag},
    }}]})
    .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn announced_objects_are_those_of_a_listing_and_messages_end_with_them() {
    let stage = stage().await;
    stage.put("a b", "one").await;
    stage.put("c", "two").await;
    let listed = objects(&stage.bucket(""), Scope::Full).await;
    let etag = listed[0].etag.clone().unwrap();
    let url = stage.queue().await;
    stage.send(&url, &notification("logs", "a+b", &etag)).await;
    let inner = json!({"s3Bucket": "logs", "s3ObjectKey": ["c", "gone"]}).to_string();
    stage.send(&url, &json!({"Type": "Notification", "Message": inner}).to_string()).await;
    stage.send(&url, &json!({"Service": "Amazon S3", "Event": "s3:TestEvent"}).to_string()).await;
    stage.send(&url, &notification("foreign", "x", "e")).await;
    let feed = stage.queue_feed(&url).await;
    assert!(feed.announces());
    let announced = objects(&feed, Scope::Full).await;
    let ids = |objects: &[LogObject]| -> BTreeSet<String> {
        objects.iter().map(LogObject::identity).collect()
    };
    assert_eq!(ids(&announced), ids(&listed));
    let counts = feed.counts();
    assert_eq!((counts.received, counts.deleted, counts.foreign), (4, 2, 1));
    // Nothing of the others is deleted before it is settled.
    let cancel = CancellationToken::new();
    let depth = async || {
        let consumer = stage.aws.consumer(&target(), &url, cancel.clone()).await.unwrap();
        let depth = consumer.depth().await.unwrap();
        depth.waiting + depth.hidden
    };
    assert_eq!(depth().await, 2);
    feed.settled(&announced[..1]).await.unwrap();
    assert_eq!(depth().await, 1);
    feed.settled(&announced).await.unwrap();
    assert_eq!(depth().await, 0);
    let feed: Arc<dyn Feed> = Arc::new(feed);
    assert_eq!(read(feed, &announced[1]).await.unwrap(), "two");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_are_messages_are_one_file_until_they_are_settled() {
    let stage = stage().await;
    let url = stage.queue().await;
    for n in 0..3 {
        let event = json!({"source": "aws.iam", "detail-type": "AWS API Call via CloudTrail",
            "detail": {"eventVersion": "1.11", "eventName": "CreateUser", "eventID": n}});
        stage.send(&url, &format!("{event:#}")).await;
    }
    let feed = stage.queue_feed(&url).await;
    let first = objects(&feed, Scope::Full).await;
    assert_eq!(first.len(), 1);
    drop(feed);
    // The process died: the file is still there for whoever claims it.
    let feed = Arc::new(stage.queue_feed(&url).await);
    let again = objects(&*feed, Scope::Full).await;
    assert_eq!(again, first);
    let text = read(feed.clone(), &again[0]).await.unwrap();
    assert_eq!(text.lines().count(), 3);
    assert!(text.lines().all(|line| line.contains("\"detail-type\"")));
    feed.settled(&again).await.unwrap();
    assert!(objects(&*feed, Scope::Full).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_nobody_understands_is_put_aside_after_some_tries() {
    let stage = stage().await;
    let url = stage.queue().await;
    stage.send(&url, "what is this?").await;
    let cancel = CancellationToken::new();
    let consumer = stage.aws.consumer(&target(), &url, cancel).await.unwrap();
    let feed = stage.queue_feed(&url).await;
    // Hidden for a while after each try; whoever reads too early sees nothing.
    assert!(objects(&feed, Scope::Full).await.is_empty());
    assert_eq!((feed.counts().unknown, feed.counts().put_aside), (1, 0));
    assert!(objects(&feed, Scope::Full).await.is_empty());
    assert_eq!(feed.counts().received, 1);
    assert_eq!(consumer.depth().await.unwrap().hidden, 1);
    // Another one has gone round four times already.
    stage.send(&url, "and this?").await;
    for _ in 0..4 {
        assert_eq!(consumer.receive(0, 0).await.unwrap().len(), 1);
    }
    assert!(objects(&feed, Scope::Full).await.is_empty());
    assert_eq!((feed.counts().put_aside, feed.counts().deleted), (1, 1));
    let aside = stage.folder.path().join("spool/unknown");
    let kept = std::fs::read_dir(aside).unwrap().next().unwrap().unwrap().path();
    assert_eq!(std::fs::read_to_string(kept).unwrap(), "and this?");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_denies_or_throttles_loses_no_message() {
    let stage = stage().await;
    stage.put("c", "two").await;
    let url = stage.queue().await;
    stage.send(&url, &json!({"s3Bucket": "logs", "s3ObjectKey": ["c"]}).to_string()).await;
    let feed = stage.queue_feed(&url).await;
    stage.faults.inject(Rule::new(Fault::Throttled).operation("ReceiveMessage").times(1));
    // The object cannot be looked at: its message stays.
    let denied = Rule::new(Fault::Denied("no".into())).operation("HeadObject");
    stage.faults.inject(denied);
    let pages = pages(&feed, Scope::Full).await;
    assert!(pages.iter().any(|page| matches!(page, Err(FeedError::Denied { .. }))), "{pages:?}");
    let consumer = stage.aws.consumer(&target(), &url, CancellationToken::new()).await.unwrap();
    assert_eq!(consumer.depth().await.unwrap().hidden, 1);
    assert_eq!(feed.counts().deleted, 0);
}

/// Log groups take no events that are older than two weeks, so these must be of today.
#[expect(clippy::disallowed_methods, reason = "the server behind has a clock of its own")]
fn present() -> Timestamp {
    Timestamp::now()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_group_is_polled_without_loss_or_repeat() {
    let stage = stage().await;
    let group = json!({"logGroupName": "/aws/eks/main/cluster"});
    stage.write("logs", "CreateLogGroup", group.clone()).await;
    let now = present();
    let put = async |stream: &str, ages: &[i64]| {
        let name = json!({"logGroupName": "/aws/eks/main/cluster", "logStreamName": stream});
        stage.write("logs", "CreateLogStream", name).await;
        let events: Vec<Value> = ages
            .iter()
            .map(|age| {
                let time = now - SignedDuration::from_secs(*age);
                json!({"timestamp": time.as_millisecond(), "message": format!("{stream} {age}")})
            })
            .collect();
        let input = json!({"logGroupName": "/aws/eks/main/cluster", "logStreamName": stream,
            "logEvents": events});
        stage.write("logs", "PutLogEvents", input).await;
    };
    put("audit-1", &[300, 200]).await;
    put("audit-2", &[250]).await;
    let names = log_groups(&stage.client(), &target(), "/aws/eks/").await.unwrap();
    assert_eq!(names, ["/aws/eks/main/cluster"]);
    let open = |clock: Timestamp| {
        let options = PollOptions {
            source: Some("eks_audit".into()),
            folder: stage.folder.path().join("eks"),
            since: now - SignedDuration::from_secs(600),
            overlap: SignedDuration::from_secs(400),
            span_max: SignedDuration::from_hours(1),
            every: Duration::from_secs(10),
            until: Until::Empty,
            clock: Arc::new(move || clock),
        };
        log_group(stage.client(), target(), &names[0], options).unwrap()
    };
    let messages = async |feed: Poller| {
        let feed = Arc::new(feed);
        let mut found = Vec::new();
        for object in objects(&*feed, Scope::Full).await {
            for line in read(feed.clone(), &object).await.unwrap().lines() {
                let message: Value = serde_json::from_str(line).unwrap();
                assert_eq!(message["messageType"], "DATA_MESSAGE");
                let events = message["logEvents"].as_array().unwrap().iter();
                found.extend(events.map(|event| event["message"].as_str().unwrap().to_owned()));
            }
            feed.settled(&[object]).await.unwrap();
        }
        found.sort_unstable();
        found
    };
    // A denial in the middle leaves the span open.
    let denied = Rule::new(Fault::Denied("no".into())).operation("FilterLogEvents").times(1);
    stage.faults.inject(denied);
    let failed = pages(&open(now), Scope::Full).await;
    assert!(matches!(failed[0], Err(FeedError::Denied { .. })), "{failed:?}");
    assert_eq!(messages(open(now)).await, ["audit-1 200", "audit-1 300", "audit-2 250"]);
    put("audit-3", &[100]).await;
    let later = now + SignedDuration::from_secs(60);
    assert_eq!(messages(open(later)).await, ["audit-3 100"]);
    assert!(messages(open(later)).await.is_empty());
}
