//! The preflight, the permissions it prints, and the debugging aid that reads and never writes.
//! Which actions a plan needs is tested in `yagura-collect`.

use yagura_testkit::faults::{Fault, Rule};

use crate::account::{Account, CONTROLS};
use crate::program::Home;

const DOCTOR: [&str; 5] = ["doctor", "--controls", CONTROLS, "--regions", "us-east-1"];

#[tokio::test]
async fn a_ready_account_is_called_ready() {
    let account = Account::small().await;
    let home = Home::before(&account.faults.url());
    for lang in ["en", "ja"] {
        let ran = home.run(&[&DOCTOR[..], &["--lang", lang]].concat()).await.exits(0);
        insta::assert_snapshot!(format!("doctor_{lang}"), home.steady(&ran.out));
    }
    account.was_complete();
}

#[tokio::test]
async fn a_missing_permission_is_named_before_the_scan() {
    let account = Account::small().await;
    let denied = Fault::Denied("Access Denied".into());
    account.faults.inject(Rule::new(denied).operation("ListBuckets"));
    let home = Home::before(&account.faults.url());
    let ran = home.run(&DOCTOR).await.exits(3);
    assert!(ran.out.contains("missing  permission: s3:ListAllMyBuckets"), "{}", ran.out);
    assert!(ran.err.contains("hint: "), "{}", ran.err);
}

#[tokio::test]
async fn the_policy_and_the_template_hold_exactly_what_a_scan_asks() {
    let home = Home::offline();
    let policy = home.run(&["doctor", "--policy", "--controls", CONTROLS]).await.exits(0);
    insta::assert_snapshot!("doctor_policy", policy.out);
    let stackset = [
        "doctor",
        "--stackset",
        "--controls",
        CONTROLS,
        "--trusted-account",
        "111122223333",
        "--external-id",
        "x-1",
        "--organization",
        "o-example1",
    ];
    let template = home.run(&stackset).await.exits(0);
    insta::assert_snapshot!("doctor_stackset", template.out);
    for text in [&policy.out, &template.out] {
        for forbidden in ["s3:Put", "s3:GetObject", "iam:Create", ":*\"", "\"*:*"] {
            assert!(!text.contains(forbidden), "`{forbidden}` in {text}");
        }
    }
}

#[tokio::test]
async fn the_debugging_aid_reads_and_refuses_to_write() {
    let account = Account::small().await;
    let home = Home::before(&account.faults.url());
    let read = home.run(&["aws", "call", "s3", "ListBuckets"]).await.exits(0);
    let answer: serde_json::Value = serde_json::from_str(&read.out).unwrap();
    assert_eq!(answer["Buckets"][0]["Name"], "leaky");
    let before = account.faults.seen().len();
    let refused: [(&[&str], &str); 3] = [
        (&["s3", "DeleteBucket", "--input", r#"{"Bucket": "ledger"}"#], "DeleteBucket"),
        (&["iam", "CreateUser", "--input", r#"{"UserName": "eve"}"#], "CreateUser"),
        (&["s3", "GetObject", "--input", r#"{"Bucket": "ledger", "Key": "k"}"#], "GetObject"),
    ];
    for (arguments, operation) in refused {
        let ran = home.run(&[&["aws", "call"][..], arguments].concat()).await.exits(2);
        assert!(ran.err.contains(operation), "{}", ran.err);
        assert_eq!(ran.out, "");
    }
    let asked = account.faults.seen().split_off(before);
    assert!(asked.iter().all(|call| call.service == "sts"), "{asked:?}");
}

#[tokio::test]
async fn an_operation_that_does_not_exist_and_input_that_is_none_are_named() {
    let account = Account::small().await;
    let home = Home::before(&account.faults.url());
    let ran = home.run(&["aws", "call", "s3", "ListBukkits"]).await.exits(2);
    assert!(ran.err.contains("ListBukkits"), "{}", ran.err);
    let ran = home.run(&["aws", "call", "s3", "ListBuckets", "--input", "{"]).await.exits(2);
    assert!(ran.err.contains("is not JSON"), "{}", ran.err);
    let bad = ["aws", "call", "s3", "GetBucketAcl", "--input", r#"{"Bukkit": "x"}"#];
    let ran = home.run(&bad).await.exits(2);
    assert!(ran.err.contains("Bukkit"), "{}", ran.err);
}
