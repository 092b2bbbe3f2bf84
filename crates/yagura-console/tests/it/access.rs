//! `/access` over a small scanned organization: answers with their reasons, what is unknown, and
//! questions that make no sense.

use http::StatusCode;
use jiff::Timestamp;
use serde_json::json;
use yagura_model::{GLOBAL_REGION, Resource};
use yagura_store::{ScanOutcome, ScanStart};

use crate::support::{Bench, NOW};

const READER: &str = "arn:aws:iam::111122223333:role/reader";

fn role(name: &str, policy: &serde_json::Value) -> Resource {
    let arn = format!("arn:aws:iam::111122223333:role/{name}");
    let properties = json!({
        "RoleName": name,
        "AssumeRolePolicyDocument": {"Statement": []},
        "Policies": [{"PolicyName": "own", "PolicyDocument": policy}],
        "ManagedPolicyArns": [],
    });
    Resource {
        key: arn.clone(),
        arn: Some(arn),
        type_name: "AWS::IAM::Role".into(),
        id: name.into(),
        account: "111122223333".into(),
        region: GLOBAL_REGION.into(),
        name: name.into(),
        properties: properties.as_object().unwrap().clone(),
        ..Resource::default()
    }
}

/// A bucket that lets another account in.
fn invoices() -> Resource {
    let key = "arn:aws:s3:::invoices".to_owned();
    let policy = json!({"Statement": [{
        "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999999999999:root"},
        "Action": "s3:GetObject", "Resource": "arn:aws:s3:::invoices/*",
    }]});
    let properties = json!({"BucketPolicy": {"PolicyDocument": policy}});
    Resource {
        arn: Some(key.clone()),
        key,
        type_name: "AWS::S3::Bucket".into(),
        id: "invoices".into(),
        account: "111122223333".into(),
        region: "us-east-1".into(),
        name: "invoices".into(),
        properties: properties.as_object().unwrap().clone(),
        ..Resource::default()
    }
}

async fn scanned() -> Bench {
    let bench = Bench::open().await;
    let now: Timestamp = NOW.parse().unwrap();
    let store = &bench.store;
    let start = ScanStart {
        started: now,
        accounts: Vec::new(),
        regions: Vec::new(),
        controls: Vec::new(),
        full: true,
    };
    let scan = store.begin_scan(&start).await.unwrap();
    let allow = json!({"Statement": [{
        "Sid": "Read", "Effect": "Allow", "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::invoices/*",
        "Condition": {"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}},
    }]});
    store
        .put_resources(
            scan,
            &[role("reader", &allow), role("idle", &json!({"Statement": []})), invoices()],
        )
        .await
        .unwrap();
    store.finish_scan(scan, ScanOutcome::Complete, now).await.unwrap();
    bench
}

#[tokio::test]
async fn before_a_scan_the_page_says_what_to_do() {
    let bench = Bench::open().await;
    for (lang, words) in [("en", "Nothing was scanned yet"), ("ja", "まだスキャンされていません")]
    {
        let got = bench.get_in("/access", lang).await;
        assert_eq!(got.status, StatusCode::OK);
        assert!(got.text.contains(words) && got.text.contains("yagura scan"), "{}", got.text);
    }
}

#[tokio::test]
async fn questions_that_make_no_sense_are_told_why() {
    let bench = scanned().await;
    for (query, told) in [
        ("do=who-can", "Name an action"),
        ("do=who-can&action=s3:Nonsense", "is no IAM action"),
        ("do=who-can&action=s3:GetObject", "works on a resource"),
        ("do=can&action=s3:GetObject&resource=arn:aws:s3:::a/b", "Name a principal"),
        ("do=who-can&action=s3:GetObject&resource=*&context=nonsense", "is no condition key"),
        (
            "do=can&action=s3:GetObject&resource=*&principal=arn:aws:iam::111122223333:user/%3Cb%3E",
            "is no user or role",
        ),
    ] {
        let got = bench.get(&format!("/access?{query}")).await;
        assert_eq!(got.status, StatusCode::OK, "{query}");
        assert!(got.text.contains(told), "{query}: {}", got.text);
        assert!(!got.text.contains("<b>"), "{query}");
    }
}

#[tokio::test]
async fn an_answer_names_its_condition_in_both_languages() {
    let bench = scanned().await;
    let question = format!(
        "/access?do=can&action=s3:GetObject&resource=arn:aws:s3:::invoices/a&principal={READER}"
    );
    for (lang, words) in [("en", "is within"), ("ja", "の範囲にある")] {
        let got = bench.get_in(&question, lang).await;
        assert_eq!(got.status, StatusCode::OK);
        assert!(got.text.contains(words), "{}", got.text);
        assert!(got.text.contains(READER), "{}", got.text);
    }
    let idle = question.replace("reader", "idle");
    let got = bench.get(&idle).await;
    assert!(got.text.contains("denied"), "{}", got.text);
    // Another bucket was not read: whether its policy lets somebody in is unknown, not "no".
    let elsewhere = question.replace("invoices", "elsewhere");
    let got = bench.get(&elsewhere).await;
    assert!(got.text.contains("verdict-unknown"), "{}", got.text);
    let who = "/access?do=who-can&action=s3:GetObject&resource=arn:aws:s3:::invoices/a";
    let got = bench.get(who).await;
    assert!(got.text.contains("999999999999") && got.text.contains(READER), "{}", got.text);
    assert!(!got.text.contains("role/idle"), "{}", got.text);
}

#[tokio::test]
async fn lists_of_ways_and_of_outsiders_are_there_for_a_scan() {
    let bench = scanned().await;
    for (query, words) in [
        ("do=escalations", "Who can come to be an administrator"),
        ("do=outside", "999999999999"),
        ("do=way&principal=arn:aws:iam::111122223333:role/idle", "has no way that is known"),
    ] {
        let got = bench.get(&format!("/access?{query}")).await;
        assert_eq!(got.status, StatusCode::OK, "{query}: {}", got.text);
        assert!(got.text.contains(words), "{query}: {}", got.text);
    }
}
