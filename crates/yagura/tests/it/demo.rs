//! `yagura demo`: the recorded sample organization through the whole program, without network.
//! That the recording is fresh and true to AWS's wire forms is proved in the testkit.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::prepared;
use crate::program::Home;

fn number(summary: &Value, pointer: &str) -> u64 {
    summary.pointer(pointer).and_then(Value::as_u64).unwrap_or_else(|| panic!("{pointer}"))
}

#[tokio::test]
async fn the_demo_shows_a_whole_organization_good_and_bad() {
    let (home, summary) = prepared::demo().await;
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
    let report = "data/demo/report.html";
    assert!(summary["report"].as_str().unwrap().ends_with(report), "{summary}");
    let page = std::fs::read_to_string(home.path(report)).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>"), "{}", &page[..40]);
}

#[tokio::test]
async fn two_runs_say_the_same() {
    // The first was in a home of another path; the second finds its data and starts from nothing.
    let (home, first) = prepared::demo().await;
    let digest = |summary: &Value| {
        // The page holds every verdict that is not good, with its reasons.
        let page = std::fs::read(home.path("data/demo/report.html")).unwrap();
        let mut digest = Sha256::new_with_prefix(&page);
        digest.update(summary["verdicts"].to_string());
        digest.update(summary["checklist"].to_string());
        digest.finalize().to_vec()
    };
    let before = digest(&first);
    std::fs::remove_file(home.path("data/demo/report.html")).unwrap();
    let ran = home.run(&["demo", "--no-serve", "--format", "json"]).await.exits(0);
    let second: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(digest(&second), before);
    assert_ne!(first["report"], second["report"]);
}

#[tokio::test]
async fn the_demo_writes_only_into_its_own_folder() {
    let (home, _) = prepared::demo().await;
    let names = |folder: std::path::PathBuf| -> BTreeSet<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert_eq!(names(home.path("")), BTreeSet::from(["data".to_owned()]));
    assert_eq!(names(home.data()), BTreeSet::from(["demo".to_owned(), "site".to_owned()]));
    assert_eq!(names(home.path("data/site")), BTreeSet::from(["parameters.yaml".to_owned()]));
    assert_eq!(std::fs::read(home.path("data/site/parameters.yaml")).unwrap(), b"{}\n");
}

/// Each language in one of the two formats for people: that every format speaks both is claimed of
/// scans in `formats`, and a demo takes as long as a scan of an organization.
#[tokio::test]
async fn the_demo_speaks_both_languages() {
    for (lang, format, words) in [
        ("en", "table", ["AWS Security Checklist", "Sample data", "Not met"]),
        ("ja", "plain", ["AWS セキュリティチェックリスト", "サンプルデータ", "満たしていない"]),
    ] {
        let home = Home::offline();
        let ran = home.run(&["--lang", lang, "demo", "--no-serve", "--format", format]).await;
        assert_eq!(ran.code, 0, "{}", ran.err);
        let out = ran.out.to_lowercase();
        for word in words.iter().chain(&["yagura findings list --data-dir"]) {
            let lacks = format!("{lang} {format} lacks `{word}`:\n{}", ran.out);
            assert!(out.contains(&word.to_lowercase()), "{lacks}");
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
