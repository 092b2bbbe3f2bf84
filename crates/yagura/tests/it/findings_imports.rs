//! Findings of other products on their way in, and ours on their way out and back.
//! What products say, and when a finding is over, is tested in `yagura-collect` and
//! `yagura-respond`.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use yagura_testkit::moto::MOTO_ACCOUNT;

use crate::account::{Account, CONTROLS};
use crate::moto::{Ground, write};
use crate::program::Home;

/// What Prowler would write of two buckets: an array of OCSF findings.
fn prowler() -> String {
    let one = |n: u32, status: &str| {
        json!({
            "class_uid": 2004, "class_name": "Detection Finding", "category_uid": 2,
            "activity_id": 1, "type_uid": 200_401, "time": 1_795_255_200_000_i64,
            "severity_id": 4, "severity": "High", "status_id": 1, "status_code": status,
            "metadata": {"event_code": "s3_bucket_public", "version": "1.5.0",
                "product": {"name": "Prowler", "vendor_name": "Prowler"}},
            "finding_info": {"uid": format!("prowler-{n}"), "title": "Bucket is public",
                "desc": "Anybody can read it."},
            "cloud": {"provider": "aws", "region": "us-east-1",
                "account": {"uid": MOTO_ACCOUNT, "type_id": 10}},
            "resources": [{
                "uid": format!("arn:aws:s3:::bucket-{n}"), "name": format!("bucket-{n}"),
            }],
        })
    };
    json!([one(1, "FAIL"), one(2, "FAIL"), one(3, "FAIL"), one(4, "PASS")]).to_string()
}

/// All findings of a home: identity, severity and state.
async fn all(home: &Home) -> BTreeSet<(String, String, String)> {
    let list = ["findings", "list", "--all", "--limit", "10000", "--format", "json"];
    let text = |value: &Value, name: &str| value[name].as_str().unwrap().to_owned();
    let records = home.run(&list).await.exits(0).records();
    let of = |one: &Value| (text(one, "finding_id"), text(one, "severity"), text(one, "state"));
    records.iter().map(of).collect()
}

/// A finding of GuardDuty in Security Hub.
pub(crate) fn foreign() -> Value {
    json!({"Findings": [{
        "SchemaVersion": "2018-10-08", "Id": "arn:aws:guardduty:us-east-1:1:detector/d/finding/f",
        "ProductArn": "arn:aws:securityhub:us-east-1::product/aws/guardduty",
        "GeneratorId": "arn:aws:guardduty:us-east-1:1:detector/d",
        "AwsAccountId": MOTO_ACCOUNT, "Types": ["TTPs/Discovery/Recon:EC2-Portscan"],
        "CreatedAt": "2026-11-20T00:00:00Z", "UpdatedAt": "2026-11-21T00:00:00Z",
        "Severity": {"Label": "MEDIUM"}, "Title": "A scan", "Description": "A scan.",
        "Resources": [{"Type": "AwsEc2Instance",
            "Id": "arn:aws:ec2:us-east-1:123456789012:instance/i-1"}],
    }]})
}

#[tokio::test]
async fn what_is_exported_comes_back_as_the_same_findings() {
    let account = Account::small().await;
    let home = Home::before(&account.faults.url());
    let scan = ["scan", "--regions", "us-east-1", "--controls", CONTROLS, "--format", "plain"];
    home.run(&scan).await.exits(0);
    home.write("prowler.json", &prowler());
    home.run(&["findings", "import", "prowler.json"]).await.exits(0);
    let found = all(&home).await;
    assert!(found.len() > 10, "{}", found.len());
    let mut ids = found.iter().map(|(id, ..)| id.as_str());
    let (accepted, over) = (ids.next().unwrap(), ids.next().unwrap());
    let until = [
        "--until",
        "2096-01-01",
        "--reason",
        "moves in spring",
        "--owner",
        "storage",
        "--by",
        "me",
    ];
    let suppress = [&["findings", "suppress", accepted][..], &until].concat();
    home.run(&suppress).await.exits(0);
    home.run(&["findings", "resolve", over, "--by", "me"]).await.exits(0);
    let found = all(&home).await;
    for format in ["ocsf", "asff", "sarif", "jsonl"] {
        let export = ["findings", "export", "--all", "--format", format, "--output", "out"];
        home.run(&export).await.exits(0);
        let other = Home::offline();
        std::fs::copy(home.path("out"), other.path("in")).unwrap();
        for _ in 0..2 {
            other.run(&["findings", "import", "in"]).await.exits(0);
            assert_eq!(all(&other).await, found, "{format}");
        }
    }
    // To stdout goes what goes into the file.
    let out = home.run(&["findings", "export", "--all", "--format", "jsonl"]).await.exits(0);
    assert_eq!(out.out.as_bytes(), std::fs::read(home.path("out")).unwrap());
    let csv = home.run(&["findings", "export", "--all", "--format", "csv"]).await.exits(0);
    assert_eq!(csv.out.matches('\n').count(), found.len() + 1);
}

#[tokio::test]
async fn security_hub_is_told_what_changed_and_its_echo_is_not_taken_for_news() {
    let ground = Ground::start().await;
    write(&ground.writer, "securityhub:EnableSecurityHub", json!({})).await;
    let home = Home::before(&ground.moto.url());
    home.write("prowler.json", &prowler());
    home.run(&["findings", "import", "prowler.json"]).await.exits(0);
    let push = ["findings", "push", "securityhub"];
    let dry = home.run(&[&push[..], &["--dry-run"]].concat()).await.exits(0);
    assert!(dry.out.starts_with("would be told: 3 "), "{}", dry.out);
    let first = home.run(&push).await.exits(0);
    assert!(first.out.starts_with("told: 3 (0 as over)"), "{}", first.out);
    let again = home.run(&push).await.exits(0);
    assert!(again.out.starts_with("told: 0 (0 as over), unchanged: 3"), "{}", again.out);
    let found = all(&home).await;
    let (id, ..) = found.first().unwrap();
    home.run(&["findings", "resolve", id, "--by", "me"]).await.exits(0);
    let over = home.run(&push).await.exits(0);
    assert!(over.out.starts_with("told: 1 (1 as over)"), "{}", over.out);

    write(&ground.writer, "securityhub:BatchImportFindings", foreign()).await;
    let import = [
        "findings",
        "import",
        "aws",
        "--product",
        "securityhub",
        "--regions",
        "us-east-1",
        "--format",
        "json",
    ];
    let imported = home.run(&import).await.exits(0);
    let row = &imported.records()[0];
    assert_eq!((row["from"].as_str(), row["findings"].as_u64()), (Some("securityhub"), Some(4)));
    let now = all(&home).await;
    assert_eq!(now.len(), 4, "three of ours as they were, and one of GuardDuty's: {now:?}");
    home.run(&import).await.exits(0);
    assert_eq!(all(&home).await, now, "the same again changes nothing");
}

#[tokio::test]
async fn places_that_do_not_answer_are_unknown_and_not_without_findings() {
    let account = Account::small().await;
    let home = Home::before(&account.faults.url());
    // The small account has no answers for these products at all.
    let import = ["findings", "import", "aws", "--regions", "us-east-1", "--format", "json"];
    let ran = home.run(&import).await.exits(3);
    let rows = ran.records();
    assert_eq!(rows.len(), 6, "{rows:?}");
    for row in rows {
        assert_eq!((row["state"].as_str(), row["places"].as_u64()), (Some("unknown"), Some(1)));
    }
}

#[tokio::test]
async fn files_that_are_none_are_refused_and_bad_records_are_told() {
    let home = Home::offline();
    let missing = home.run(&["findings", "import", "nowhere.json"]).await.exits(2);
    assert!(
        missing.err.contains("could not read the findings of `nowhere.json`"),
        "{}",
        missing.err
    );
    assert!(missing.err.contains("hint: "), "{}", missing.err);
    home.write("notes.txt", "these are notes\n");
    let other = home.run(&["findings", "import", "notes.txt"]).await.exits(2);
    assert!(other.err.contains("neither JSON nor a CSV of Prowler"), "{}", other.err);
    home.write("half.json", r#"[{"class_uid": 2004}, {"class_uid": 6003}]"#);
    let half = home.run(&["findings", "import", "half.json"]).await.exits(3);
    assert!(half.err.contains("record 1: has no usable `finding_info`"), "{}", half.err);
    let half = home.run(&["findings", "import", "half.json", "--lang", "ja"]).await.exits(3);
    assert!(half.err.contains("未対応の形式です（`class_uid 6003`）"), "{}", half.err);
}

#[tokio::test]
async fn the_policy_for_pushing_allows_one_action() {
    let home = Home::offline();
    let push = ["findings", "push", "securityhub", "--policy"];
    let policy: Value = serde_json::from_str(&home.run(&push).await.exits(0).out).unwrap();
    let statement = &policy["Statement"][0];
    assert_eq!(statement["Action"], json!(["securityhub:BatchImportFindings"]));
    assert_eq!(statement["Resource"], "arn:aws:securityhub:*:*:product/*/default");
}
