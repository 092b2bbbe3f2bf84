//! `yagura demo`: the recorded sample organization through the whole program, without network.
//! That the recording is fresh and true to AWS's wire forms is proved in the testkit.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::program::Home;

/// The contract of `--format json`, as a person's home sees it.
async fn summary(home: &Home) -> Value {
    let ran = home.run(&["demo", "--no-serve", "--format", "json"]).await;
    assert_eq!(ran.code, 0, "{}", ran.err);
    serde_json::from_str(&ran.out).unwrap()
}

fn number(summary: &Value, pointer: &str) -> u64 {
    summary.pointer(pointer).and_then(Value::as_u64).unwrap_or_else(|| panic!("{pointer}"))
}

#[tokio::test]
async fn the_demo_shows_a_whole_organization_good_and_bad() {
    let home = Home::offline();
    let summary = summary(&home).await;
    let members: BTreeSet<&str> = summary.as_object().unwrap().keys().map(String::as_str).collect();
    let promised = ["accounts", "checklist", "controls", "report", "resources", "verdicts"];
    assert_eq!(members, BTreeSet::from(promised));
    assert!(number(&summary, "/accounts") >= 5, "{summary}");
    assert!(number(&summary, "/resources") >= 500, "{summary}");
    assert!(number(&summary, "/controls") >= 110, "{summary}");
    for status in ["pass", "fail", "not_applicable", "unknown"] {
        assert!(number(&summary, &format!("/verdicts/{status}")) > 0, "{status}: {summary}");
    }
    let checklist = summary["checklist"].as_array().unwrap();
    assert_eq!(checklist.len(), 16);
    let mut states: BTreeMap<&str, usize> = BTreeMap::new();
    for item in checklist {
        assert!(item["area"].is_string() && item["item"].is_string(), "{item}");
        *states.entry(item["state"].as_str().unwrap()).or_default() += 1;
    }
    // Which items are met changes as controls are added; that the sample is mixed does not.
    assert!(states.len() >= 3 && states.contains_key("unknown"), "{states:?}");
    let page = std::fs::read_to_string(summary["report"].as_str().unwrap()).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>"), "{}", &page[..40]);
}

#[tokio::test]
async fn two_runs_say_the_same() {
    let (here, there) = (Home::offline(), Home::offline());
    let mut digests = BTreeSet::new();
    // The second run in the same home starts from nothing too.
    for home in [&here, &there, &here] {
        let summary = summary(home).await;
        // The page holds every verdict that is not good, with its reasons.
        let page = std::fs::read(summary["report"].as_str().unwrap()).unwrap();
        let mut digest = Sha256::new_with_prefix(&page);
        digest.update(summary["verdicts"].to_string());
        digest.update(summary["checklist"].to_string());
        digests.insert(digest.finalize().to_vec());
    }
    assert_eq!(digests.len(), 1);
}

#[tokio::test]
async fn the_demo_writes_only_into_its_own_folder() {
    let home = Home::offline();
    let theirs = home.write("data/site/parameters.yaml", "{}\n");
    let before = std::fs::read(&theirs).unwrap();
    summary(&home).await;
    let names = |folder: std::path::PathBuf| -> BTreeSet<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert_eq!(names(home.path("")), BTreeSet::from(["data".to_owned()]));
    assert_eq!(names(home.data()), BTreeSet::from(["demo".to_owned(), "site".to_owned()]));
    assert_eq!(names(home.path("data/site")), BTreeSet::from(["parameters.yaml".to_owned()]));
    assert_eq!(std::fs::read(&theirs).unwrap(), before);
}

#[tokio::test]
async fn the_demo_speaks_both_languages() {
    for (lang, words) in [
        ("en", ["AWS Security Checklist", "Sample data", "Not met"]),
        ("ja", ["AWS セキュリティチェックリスト", "サンプルデータ", "満たしていない"]),
    ] {
        for format in ["table", "plain"] {
            let home = Home::offline();
            let ran = home.run(&["--lang", lang, "demo", "--no-serve", "--format", format]).await;
            assert_eq!(ran.code, 0, "{}", ran.err);
            let out = ran.out.to_lowercase();
            for word in words {
                assert!(
                    out.contains(&word.to_lowercase()),
                    "{lang} {format} lacks `{word}`:\n{}",
                    ran.out
                );
            }
        }
    }
}

#[tokio::test]
async fn the_demo_lets_nobody_in_from_elsewhere_and_says_when_its_place_is_taken() {
    let home = Home::offline();
    let ran = home.run(&["demo", "--listen", "0.0.0.0:0"]).await.exits(2);
    assert!(ran.out.is_empty() && ran.err.contains("`0.0.0.0:0`"), "{}", ran.err);
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ran = home.run(&["demo", "--listen", &address]).await.exits(2);
    assert!(ran.err.contains(&address) && ran.err.contains("--listen"), "{}", ran.err);
}
