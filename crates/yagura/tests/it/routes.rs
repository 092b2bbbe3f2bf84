//! Routes end to end: what a scan finds is told once, explained, on record and attested; what cannot
//! be told is listed. How channels speak is claimed in `yagura-respond`.

use serde_json::Value;

use crate::account::{Account, small};
use crate::program::Home;

const CONTROLS: &str = "s3.bucket_versioned,s3.bucket_not_publicly_readable,iam.user_mfa_enabled";

/// A home whose routes lead to a file, and to a program that refuses everything.
fn routed(home: &Home) -> std::path::PathBuf {
    let site = home.data().join("site");
    std::fs::create_dir_all(&site).unwrap();
    let lines = home.path("messages.jsonl");
    let text = format!(
        "targets:\n  file:\n    channel: file\n    language: ja\n    settings: {{path: '{}'}}\n  \
         broken:\n    channel: command\n    settings: {{program: /bin/sh, arguments: ['-c', 'exit 65']}}\n\
         routes:\n- {{id: all, on: [opened], targets: [file]}}\n- {{id: never, when: \"finding.account == 'x'\", \
         targets: [broken]}}\n",
        lines.display()
    );
    std::fs::write(site.join("routes.yaml"), text).unwrap();
    lines
}

#[tokio::test]
async fn what_a_scan_finds_is_told_once_and_explained() {
    let account = Account::of(small()).await;
    let home = Home::before(&account.faults.url());
    let lines = routed(&home);
    let ran = home.run(&["scan", "--controls", CONTROLS, "--regions", "us-east-1"]).await;
    assert!(ran.code != 2, "{}", ran.err);
    for expected in [3, 3] {
        home.run(&["routes", "deliver"]).await.exits(0);
        let text = std::fs::read_to_string(&lines).unwrap();
        assert_eq!(text.lines().count(), expected, "{text}");
    }
    let text = std::fs::read_to_string(&lines).unwrap();
    let first: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(first["message"]["lang"], "ja");
    let id = first["finding"]["id"].as_str().unwrap().to_owned();
    let ran = home.run(&["routes", "explain", &id[..8], "--lang", "en"]).await.exits(0);
    assert!(ran.out.contains("all: followed"), "{}", ran.out);
    assert!(ran.out.contains("never: not followed"), "{}", ran.out);
    let ran = home.run(&["routes", "deliveries", "--finding", &id[..8], "--format", "json"]).await;
    let records = ran.exits(0).records();
    assert_eq!((records.len(), &records[0]["outcome"]), (1, &Value::from("delivered")));
}

#[tokio::test]
async fn a_target_that_refuses_is_named_with_its_answer() {
    let account = Account::of(small()).await;
    let home = Home::before(&account.faults.url());
    routed(&home);
    let ran = home.run(&["routes", "test", "broken", "--lang", "en"]).await.exits(2);
    assert!(ran.err.contains("`broken` does not have it (status 65"), "{}", ran.err);
    let ran = home.run(&["routes", "test", "nobody", "--lang", "en"]).await.exits(2);
    assert!(ran.err.contains("the targets are file, broken"), "{}", ran.err);
    home.run(&["routes", "test", "file"]).await.exits(0);
    let ran = home.run(&["routes", "list", "--targets", "--format", "json"]).await.exits(0);
    assert_eq!(ran.records().len(), 2);
    home.run(&["routes", "dead", "list"]).await.exits(0);
    home.run(&["routes", "dead", "drop", "--all"]).await.exits(2);
    home.run(&["routes", "dead", "drop", "--all", "--yes"]).await.exits(0);
    home.run(&["routes", "dead", "retry", "--all"]).await.exits(0);
}
