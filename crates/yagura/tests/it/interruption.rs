//! A scan that is interrupted, killed, or not alone: what was read is kept, and nothing is marked
//! as deleted that was only not reached. How the store keeps itself whole is tested there.

use std::process::Stdio;

use tokio::process::Child;
use yagura_testkit::faults::{Fault, Rule};

use crate::account::{Account, CONTROLS, EXPECTED};
use crate::program::{Home, ended, signal};

const SCAN: [&str; 8] =
    ["scan", "--regions", "us-east-1", "--controls", CONTROLS, "--format", "json", "--all"];

/// Starts a scan that comes to a halt in the middle: the buckets are listed, then silence.
async fn halted(account: &Account, home: &Home) -> Child {
    let asked = "GetBucketVersioning";
    account.faults.inject(Rule::new(Fault::Silent).operation(asked));
    let before = account.faults.seen().len();
    let child = home.command(&SCAN).stdout(Stdio::piped()).spawn().unwrap();
    let halted = async {
        // The proxy tells when the scan has come so far; nothing here waits for time to pass.
        while !account.faults.seen()[before..].iter().any(|call| call.operation == asked) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(120), halted).await.expect("it got there");
    child
}

/// No resource of this home has ever been marked as deleted.
async fn nothing_is_deleted(home: &Home) {
    let listed = home.run(&["resources", "list", "--format", "json"]).await.exits(0);
    assert!(!listed.records().is_empty(), "nothing was kept");
    for record in listed.records() {
        let key = record["key"].as_str().unwrap();
        let history = ["resources", "history", key, "--format", "json"];
        for version in home.run(&history).await.exits(0).records() {
            assert_eq!(version["deleted"], false, "{key}: {version}");
        }
    }
}

#[tokio::test]
async fn an_interrupted_scan_says_so_and_keeps_what_it_read() {
    let account = Account::small().await;
    let home = Home::before(&account.faults.url());
    home.run(&SCAN).await.exits(0);
    let child = halted(&account, &home).await;
    signal(&child, "INT").await;
    let ran = ended(child).await.exits(130);
    assert!(ran.err.contains("interrupted"), "{}", ran.err);
    let records = ran.records();
    assert_eq!(records[0]["partial"], true);
    let passes = records.iter().filter(|one| one["status"] == "pass");
    for pass in passes {
        assert_ne!(pass["control"], "s3.bucket_versioned", "{pass}");
    }
    let scans = home.run(&["resources", "scans", "--format", "json"]).await.exits(0);
    let states: Vec<_> = scans.records().iter().map(|scan| scan["state"].clone()).collect();
    assert_eq!(states, ["interrupted", "complete"]);
    nothing_is_deleted(&home).await;
}

#[tokio::test]
async fn after_a_kill_the_next_scan_is_whole_and_history_shows_no_deletion() {
    let account = Account::small().await;
    let home = Home::before(&account.faults.url());
    home.run(&SCAN).await.exits(0);
    let mut child = halted(&account, &home).await;
    signal(&child, "KILL").await;
    assert!(!child.wait().await.unwrap().success());
    account.faults.clear();
    let scanned = home.scan(&["--controls", CONTROLS]).await;
    assert_eq!(scanned.lines(), EXPECTED);
    scanned.ran.exits(0);
    nothing_is_deleted(&home).await;
}

#[tokio::test]
async fn two_scans_at_once_on_one_folder_are_both_whole() {
    let account = Account::small().await;
    let home = Home::before(&account.faults.url());
    let scan = || home.scan(&["--controls", CONTROLS]);
    let (one, other) = tokio::join!(scan(), scan());
    for scanned in [one, other] {
        assert_eq!(scanned.lines(), EXPECTED);
        scanned.ran.exits(0);
    }
    let scans = home.run(&["resources", "scans", "--format", "json"]).await.exits(0).records();
    assert_eq!(scans.len(), 2);
    assert!(scans.iter().all(|scan| scan["state"] == "complete"), "{scans:?}");
    nothing_is_deleted(&home).await;
}
