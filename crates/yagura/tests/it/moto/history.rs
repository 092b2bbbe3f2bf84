//! What changes between two scans is what history and comparison show, and an exported file says
//! the same as the scan it came from.

use serde_json::{Value, json};

use super::{Ground, write};
use crate::program::Home;

const CONTROLS: &str = "s3.bucket_versioned,s3.bucket_public_access_blocked,\
    iam.user_not_administrator,ec2.ebs_encrypted_by_default";

#[tokio::test]
async fn a_changed_bucket_is_a_change_in_history_and_news_in_the_comparison() {
    let ground = Ground::start().await;
    let writer = &ground.writer;
    for name in ["ledger", "archive"] {
        write(writer, "s3:CreateBucket", json!({"Bucket": name})).await;
    }
    write(writer, "iam:CreateUser", json!({"UserName": "alice"})).await;
    let versioning = |name: &str, status: &str| {
        let status = json!({"Status": status});
        json!({"Bucket": name, "VersioningConfiguration": status})
    };
    write(writer, "s3:PutBucketVersioning", versioning("archive", "Enabled")).await;
    let home = Home::before(&ground.moto.url());
    home.scan(&["--controls", CONTROLS]).await.ran.exits(0);

    write(writer, "s3:PutBucketVersioning", versioning("ledger", "Enabled")).await;
    write(writer, "s3:PutBucketVersioning", versioning("archive", "Suspended")).await;
    let second = home.scan(&["--controls", CONTROLS, "--compare", "last"]).await;
    let compared: Vec<&Value> =
        second.records.iter().filter(|record| record["kind"] == "comparison").collect();
    assert_eq!(compared.len(), 1, "{}", second.ran.out);
    let counts = ["new", "fixed", "changed"].map(|name| compared[0][name].as_u64());
    assert_eq!(counts, [Some(1), Some(1), Some(0)]);
    let changes: Vec<String> = second
        .records
        .iter()
        .filter(|record| record["kind"] == "change")
        .map(|one| {
            let text = |name: &str| one[name].as_str().unwrap();
            format!("{} {} {}", text("change"), text("control"), text("key"))
        })
        .collect();
    let expected = [
        "new s3.bucket_versioned arn:aws:s3:::archive",
        "fixed s3.bucket_versioned arn:aws:s3:::ledger",
    ];
    assert_eq!(changes, expected);

    let history = ["resources", "history", "arn:aws:s3:::ledger", "--format", "json"];
    let versions = home.run(&history).await.exits(0).records();
    assert_eq!(versions.len(), 2, "{versions:?}");
    let change = json!([{"path": "properties.VersioningConfiguration",
        "after": {"Status": "Enabled"}}]);
    let changes = versions.iter().find(|version| version["changes"] != json!([])).unwrap();
    assert_eq!(without_nulls(&changes["changes"]), change);
    let history = ["resources", "history", "user/alice", "--format", "json"];
    let versions = home.run(&history).await.exits(0).records();
    assert_eq!(versions.len(), 1, "what did not change has one version: {versions:?}");

    exported_says_the_same(&home, &second.lines()).await;
}

async fn exported_says_the_same(home: &Home, live: &[String]) {
    let file = home.path("monday.yagura");
    let shown = file.to_str().unwrap();
    home.run(&["resources", "export", shown]).await.exits(0);
    let snapshot =
        ["scan", "--snapshot", shown, "--controls", CONTROLS, "--format", "json", "--all"];
    // A home whose AWS is not there, though the settings of the environment name it.
    let elsewhere = Home::before("http://127.0.0.1:9");
    let ran = elsewhere.run(&snapshot).await.exits(0);
    let lines = |records: &[Value]| {
        let verdicts = records.iter().filter(|record| record["kind"] == "verdict");
        let mut lines: Vec<String> = verdicts
            .map(|one| {
                let text = |name: &str| one[name].as_str().unwrap().to_owned();
                let key = text("key");
                let name = key.rsplit(['/', ':']).next().unwrap();
                format!("{} {name} {}", text("control"), text("status"))
            })
            .collect();
        lines.sort();
        lines
    };
    assert_eq!(lines(&ran.records()), live);

    elsewhere.run(&["resources", "import", shown]).await.exits(0);
    let evaluate = ["controls", "evaluate", "--controls", CONTROLS, "--format", "json", "--all"];
    assert_eq!(lines(&elsewhere.run(&evaluate).await.exits(0).records()), live);

    let bytes = std::fs::read(&file).unwrap();
    let cut = home.path("cut.yagura");
    std::fs::write(&cut, &bytes[..bytes.len() * 2 / 3]).unwrap();
    let empty = Home::offline();
    let ran = empty.run(&["resources", "import", cut.to_str().unwrap()]).await.exits(2);
    assert!(ran.err.contains("cut.yagura"), "{}", ran.err);
    let listed = empty.run(&["resources", "list", "--format", "json"]).await.exits(0);
    assert_eq!(listed.out, "", "a cut file is refused whole");
}

fn without_nulls(changes: &Value) -> Value {
    let clean = |change: &Value| {
        let mut change = change.as_object().unwrap().clone();
        change.retain(|_, value| !value.is_null());
        Value::Object(change)
    };
    changes.as_array().unwrap().iter().map(clean).collect()
}
