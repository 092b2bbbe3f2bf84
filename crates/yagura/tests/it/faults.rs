//! An AWS that denies, throttles, breaks, cuts and delays: what could not be read is unknown, and
//! never passes. Which kinds of answers are which error is tested in `yagura-aws`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use yagura_aws::Replay;
use yagura_collect::{Plan, Wanted};
use yagura_content::Content;
use yagura_testkit::faults::{Fault, Faults, Rule};
use yagura_testkit::recorded::Recorded;

use crate::account::{Account, CONTROLS, EXPECTED, Paging, made};
use crate::api;
use crate::program::{Home, Scanned};

/// Calls that establish who is asked. Without them there is nothing to scan.
const STANDING: [&str; 1] = ["sts:GetCallerIdentity"];

async fn scan(account: &Account, more: &[&str]) -> Scanned {
    let home = Home::before(&account.faults.url());
    home.scan(&[&["--controls", CONTROLS], more].concat()).await
}

/// The calls that a scan makes, each once.
fn calls(account: &Account) -> BTreeSet<(String, String)> {
    let seen = account.faults.seen();
    let calls = seen.into_iter().map(|call| (call.service, call.operation));
    calls
        .filter(|(service, operation)| !STANDING.contains(&&*format!("{service}:{operation}")))
        .collect()
}

/// Nothing that was bad or unknown passes now, nothing vanishes without a word in its account, and
/// no verdict says more than before.
#[track_caller]
fn check_never_better(undisturbed: &Scanned, disturbed: &Scanned, what: &str) {
    let of = |scanned: &Scanned| -> BTreeMap<(String, String), (String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let verdicts = scanned.verdicts().map(|one| {
            let key = (text(&one["control"]), text(&one["key"]));
            (key, (text(&one["status"]), text(&one["account"])))
        });
        verdicts.collect()
    };
    let (before, after) = (of(undisturbed), of(disturbed));
    for (key, verdict) in &after {
        let same = before.get(key) == Some(verdict);
        let was = before.get(key);
        assert!(same || verdict.0 == "unknown", "{what}: {key:?} was {was:?}, now {verdict:?}");
    }
    let unknown: BTreeSet<(&str, &str)> = after
        .iter()
        .filter(|(_, (status, _))| status == "unknown")
        .map(|((control, _), (_, account))| (control.as_str(), account.as_str()))
        .collect();
    for (key, (_, account)) in &before {
        let said = after.contains_key(key) || unknown.contains(&(key.0.as_str(), account.as_str()));
        assert!(said, "{what}: nothing is said of {key:?}");
    }
}

#[tokio::test]
async fn the_small_account_is_judged_as_it_is() {
    let account = Account::small().await;
    let scanned = scan(&account, &[]).await;
    assert_eq!(scanned.lines(), EXPECTED);
    scanned.ran.exits(0);
    account.was_complete();
}

#[tokio::test]
async fn denying_any_call_makes_nothing_better() {
    let account = Account::small().await;
    let undisturbed = scan(&account, &[]).await;
    let calls = calls(&account);
    assert!(calls.len() > 15, "{calls:?}");
    let mut unknown = BTreeSet::new();
    for (service, operation) in &calls {
        account.faults.clear();
        let denied = Fault::Denied("Access Denied".into());
        account.faults.inject(Rule::new(denied).service(service).operation(operation));
        let disturbed = scan(&account, &[]).await;
        check_never_better(&undisturbed, &disturbed, operation);
        if disturbed.lines() != undisturbed.lines() {
            assert_eq!(disturbed.ran.code, 3, "{operation} denied: {}", disturbed.ran.err);
            unknown.insert(format!("{service}:{operation}"));
        }
    }
    // Not every call decides, but these do.
    for call in [
        "s3:ListBuckets",
        "s3:GetBucketVersioning",
        "kms:ListKeys",
        "kms:DescribeKey",
        "ec2:DescribeVpcs",
        "ec2:DescribeSecurityGroups",
        "ec2:GetEbsEncryptionByDefault",
        "iam:GetAccountAuthorizationDetails",
        "iam:GetAccountSummary",
        "iam:GetCredentialReport",
    ] {
        assert!(unknown.contains(call), "denying {call} changed nothing: {unknown:?}");
    }
}

#[tokio::test]
async fn an_unknown_verdict_names_the_action_that_is_missing() {
    let account = Account::small().await;
    // The operation, the IAM action that allows it, and a control that needs it.
    let cases = [
        ("s3", "GetBucketEncryption", "s3:GetEncryptionConfiguration", "s3.bucket_encrypted"),
        ("s3", "ListBuckets", "s3:ListAllMyBuckets", "s3.bucket_versioned"),
        ("kms", "GetKeyRotationStatus", "kms:GetKeyRotationStatus", "kms.key_rotation_enabled"),
        ("ec2", "DescribeFlowLogs", "ec2:DescribeFlowLogs", "ec2.vpc_flow_logs_enabled"),
        ("iam", "GetAccountSummary", "iam:GetAccountSummary", "account.root_mfa_enabled"),
    ];
    for (service, operation, action, control) in cases {
        account.faults.clear();
        let denied = Fault::Denied("Access Denied".into());
        account.faults.inject(Rule::new(denied).service(service).operation(operation));
        let scanned = scan(&account, &[]).await;
        let verdicts: Vec<_> =
            scanned.verdicts().filter(|verdict| verdict["control"] == control).collect();
        assert!(!verdicts.is_empty(), "{control} says nothing");
        for verdict in verdicts {
            assert_eq!(verdict["status"], "unknown", "{verdict}");
            assert_eq!(verdict["unread"][0]["reason"], "denied", "{verdict}");
            assert_eq!(verdict["unread"][0]["action"], action, "{verdict}");
        }
    }
}

#[tokio::test]
async fn throttling_that_passes_changes_no_verdict() {
    let account = Account::small().await;
    for (service, times) in [("s3", 3), ("iam", 2), ("kms", 2), ("ec2", 2)] {
        account.faults.inject(Rule::new(Fault::Throttled).service(service).times(times));
    }
    let scanned = scan(&account, &[]).await;
    assert_eq!(scanned.lines(), EXPECTED);
    scanned.ran.exits(0);
}

#[tokio::test]
async fn broken_answers_are_unknown_and_never_pass() {
    let account = Account::small().await;
    let undisturbed = scan(&account, &[]).await;
    let error = Fault::Error(500, "InternalError".into(), "try again".into());
    let faults = [error, Fault::Bare(502), Fault::Bare(404), Fault::Truncated, Fault::Garbage];
    let calls =
        [("s3", "GetBucketVersioning"), ("kms", "DescribeKey"), ("ec2", "DescribeSecurityGroups")];
    for fault in faults {
        account.faults.clear();
        for (service, operation) in calls {
            account.faults.inject(Rule::new(fault.clone()).service(service).operation(operation));
        }
        let disturbed = scan(&account, &[]).await;
        let what = format!("{fault:?}");
        check_never_better(&undisturbed, &disturbed, &what);
        for control in
            ["s3.bucket_versioned", "kms.key_rotation_enabled", "ec2.security_group_ssh_restricted"]
        {
            let said = disturbed.said();
            let mut of: Vec<_> = said.iter().filter(|said| said.control == control).collect();
            of.retain(|said| said.status != "unknown");
            assert!(of.is_empty(), "{what}: {of:?}");
        }
        disturbed.ran.exits(3);
    }
}

#[tokio::test]
async fn an_answer_that_never_comes_is_unknown_within_the_deadline() {
    let account = Account::small().await;
    let undisturbed = scan(&account, &[]).await;
    account.faults.inject(Rule::new(Fault::Silent).operation("GetBucketVersioning"));
    let late = Fault::Slow(Duration::from_secs(3600));
    account.faults.inject(Rule::new(late).operation("GetKeyRotationStatus"));
    let disturbed = scan(&account, &["--deadline", "1"]).await;
    check_never_better(&undisturbed, &disturbed, "silence");
    let late: Vec<_> =
        disturbed.verdicts().filter(|verdict| verdict["status"] == "unknown").collect();
    assert_eq!(late.len(), 3, "{late:?}");
    for verdict in late {
        assert_eq!(verdict["unread"][0]["reason"], "timed_out", "{verdict}");
    }
    disturbed.ran.exits(3);
}

#[tokio::test]
async fn the_root_question_takes_at_most_five_requests() {
    let account = Account::small().await;
    let home = Home::before(&account.faults.url());
    let asked = ["scan", "--controls", "account.root_mfa_enabled", "--format", "json"];
    let ran = home.run(&asked).await.exits(0);
    assert!(ran.out.contains(r#""control":"account.root_mfa_enabled","status":"fail""#));
    let seen = account.faults.seen();
    assert!(seen.len() <= 5, "{seen:?}");
}

#[tokio::test]
async fn pages_of_one_item_give_the_same_verdicts() {
    let account = Account::of(made(Paging::Single)).await;
    let scanned = scan(&account, &[]).await;
    assert_eq!(scanned.lines(), EXPECTED);
    scanned.ran.exits(0);
    account.was_complete();
}

#[tokio::test]
async fn a_list_that_never_ends_is_left_and_what_it_hides_is_unknown() {
    let undisturbed = scan(&Account::small().await, &[]).await;
    let account = Account::of(made(Paging::Endless)).await;
    let disturbed = scan(&account, &[]).await;
    check_never_better(&undisturbed, &disturbed, "the same token again");
    for control in
        ["s3.bucket_versioned", "iam.user_mfa_enabled", "ec2.security_group_ssh_restricted"]
    {
        let unknown = disturbed.said().into_iter();
        let mut unknown = unknown.filter(|one| one.control == control && one.status == "unknown");
        assert!(unknown.next().is_some(), "{control} hides nothing: {:?}", disturbed.lines());
    }
    assert!(account.faults.seen().len() < 100, "{}", account.faults.seen().len());
    disturbed.ran.exits(3);
}

/// Without these there is no organization, or no way into its accounts: that is a scan of fewer
/// accounts, not of the same ones with less.
const WHO_IS_THERE: [&str; 2] = ["organizations", "sts"];
/// In how many parts the services of the sample organization are denied.
const PARTS: usize = 4;

#[tokio::test]
async fn denying_a_quarter_of_all_services_makes_nothing_better_in_an_organization() {
    let recording = include_bytes!("../../../../content/demo/answers.zst");
    let replay = Replay::open(&recording[..], &api()).unwrap();
    let caller = replay.caller().to_owned();
    let recorded = Recorded::start(replay).await.unwrap();
    let plan = Plan::new(Content::builtin(), &Wanted::Everything);
    let calls = plan.calls();
    let services: BTreeSet<&str> =
        calls.iter().map(|call| call.split(':').next().unwrap()).collect();
    let services: Vec<&str> = services.into_iter().collect();
    let faults = Faults::before(&recorded.url(), &api(), &services, &caller).await.unwrap();
    let home = Home::before(&faults.url());
    let undisturbed = home.scan(&["--full"]).await;
    let verdicts = undisturbed.verdicts().count();
    assert!(verdicts > 1000, "{verdicts}");
    for part in 0..PARTS {
        faults.clear();
        let denied: Vec<&str> = services
            .iter()
            .skip(part)
            .step_by(PARTS)
            .copied()
            .filter(|service| !WHO_IS_THERE.contains(service))
            .collect();
        for service in &denied {
            let fault = Fault::Denied("Access Denied".into());
            faults.inject(Rule::new(fault).service(service));
        }
        let disturbed = Home::before(&faults.url()).scan(&["--full"]).await;
        check_never_better(&undisturbed, &disturbed, &denied.join(" "));
        disturbed.ran.exits(3);
    }
}
