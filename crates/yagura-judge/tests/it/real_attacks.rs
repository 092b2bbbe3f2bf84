//! Logs that real attack tools left, judged by all of the content: every technique is named, an
//! account under attack makes findings and not lines, and the same logs again make nothing new.
//! What ordinary days make is counted by the example `ordinary_traffic`.
//!
//! The logs are not ours to keep here. `YAGURA_ATTACK_LOGS` names a folder that holds
//! `stratus-red-team.cloud/<tactic>/<Technique>.json` and `invictus-ir/*.json`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use serde_json::Value;
use yagura_content::Content;
use yagura_judge::detections::{DetectOptions, Detector, Folder};
use yagura_model::Severity;
use yagura_model::alert::{Alert, SignalKind};
use yagura_model::event::{BatchBuilder, Origin};

/// Files, and the technique whose detonation they are.
const TECHNIQUES: [(&str, &str); 20] = [
    (
        "credential_access/RetrieveAndDecryptSSMParameters",
        "aws.credential-access.ssm-retrieve-securestring-parameters",
    ),
    ("credential_access/RetrieveEC2PasswordData", "aws.credential-access.ec2-get-password-data"),
    (
        "credential_access/RetrieveHighNumberOfSecretsManagerSecrets-Batch",
        "aws.credential-access.secretsmanager-batch-retrieve-secrets",
    ),
    (
        "credential_access/RetrieveHighNumberOfSecretsManagerSecrets",
        "aws.credential-access.secretsmanager-retrieve-secrets",
    ),
    ("defense_evasion/AttemptToLeaveAWSOrganization", "aws.defense-evasion.organizations-leave"),
    ("defense_evasion/DeleteCloudtrailTrail", "aws.defense-evasion.cloudtrail-delete"),
    ("defense_evasion/DeleteDNSQueryLogs", "aws.defense-evasion.dns-delete-logs"),
    (
        "defense_evasion/DisableCloudtrailLoggingThroughEventSelectors",
        "aws.defense-evasion.cloudtrail-event-selectors",
    ),
    ("defense_evasion/RemoveVPCFlowLogs", "aws.defense-evasion.vpc-remove-flow-logs"),
    ("defense_evasion/StopCloudtrailTrail", "aws.defense-evasion.cloudtrail-stop"),
    ("discovery/DownloadEC2InstanceUserData", "aws.discovery.ec2-download-user-data"),
    ("execution/LaunchUnusualEC2Instances", "aws.execution.ec2-launch-unusual-instances"),
    ("execution/UsageOfSSM-SendCommandOnMultipleInstances", "aws.execution.ssm-send-command"),
    ("execution/UsageOfSSM-StartSessionOnMultipleInstances", "aws.execution.ssm-start-session"),
    ("exfiltration/ExfiltrateAMIBySharingIt", "aws.exfiltration.ec2-share-ami"),
    ("exfiltration/ExfiltrateEBSSnapshotBySharingIt", "aws.exfiltration.ec2-share-ebs-snapshot"),
    ("exfiltration/ExfiltrateRDSSnapshotBySharingIt", "aws.exfiltration.rds-share-snapshot"),
    (
        "exfiltration/OpenIngressPort22OnSecurityGroup",
        "aws.exfiltration.ec2-security-group-open-port-22-ingress",
    ),
    ("impact/InvokeBedrockModel", "aws.impact.bedrock-invoke-model"),
    ("initial_access/ConsoleLoginWithoutMFA", "aws.initial-access.console-login-without-mfa"),
];
/// Files that hold another technique's calls than their names say, and a call that the technique
/// cannot do without.
const MISNAMED: [(&str, &str); 2] = [
    ("impact/S3RansomwareThroughBatchFileDeletion", "DeleteObjects"),
    ("privilege_escalation/ExecuteCommandsOnEC2InstanceViaUserData", "ModifyInstanceAttribute"),
];
/// A file without the half that tells the theft: no call of the instance itself, only the thief's,
/// from one address that is AWS's own. The account under attack has both.
const HALF: &str = "credential_access/StealEC2InstanceCredentials";
/// Findings of one account in which somebody detonates dozens of techniques within an hour. A
/// peer writes 24,356 lines for it.
const FINDINGS_MAX: usize = 60;

#[expect(clippy::print_stderr, reason = "a test that did not run says so")]
fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("YAGURA_ATTACK_LOGS").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("not run: YAGURA_ATTACK_LOGS names no folder of attack logs");
    }
    folder
}

fn detector() -> &'static Detector {
    static DETECTOR: OnceLock<Detector> = OnceLock::new();
    DETECTOR.get_or_init(|| {
        let now = "2026-12-31T00:00:00Z".parse().unwrap();
        let (detector, problems) = Detector::compile(Content::builtin(), &DetectOptions::at(now));
        assert!(problems.is_empty(), "{problems:?}");
        detector
    })
}

/// The records of a file: in CloudTrail's envelope, a list, or one alone.
fn records(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut value: Value = serde_json::from_str(&text).unwrap();
    if let Some(records) = value.get_mut("Records") {
        value = records.take();
    }
    match value {
        Value::Array(records) => records,
        record => vec![record],
    }
}

fn stratus(folder: &Path, name: &str) -> Vec<Value> {
    records(&folder.join("stratus-red-team.cloud").join(format!("{name}.json")))
}

/// Judges records that come in the given batches.
fn judge<'r>(batches: impl IntoIterator<Item = &'r [Value]>) -> Vec<Alert> {
    let detector = detector();
    let mut worker = detector.worker();
    let mut folder = Folder::new(detector, None).unwrap();
    for records in batches {
        let mut builder = BatchBuilder::new(Arc::new(Origin::default()));
        for record in records {
            builder.push_json(record.to_string().as_bytes()).unwrap();
        }
        folder.take(worker.batch("cloudtrail", &builder.finish()));
    }
    folder.finish().alerts
}

/// The techniques that the contents of alerts say they serve.
fn techniques(alerts: &[Alert]) -> BTreeSet<&'static str> {
    let content = Content::builtin();
    let detections = alerts.iter().filter(|alert| alert.kind == SignalKind::Detection);
    let files = detections.filter_map(|alert| content.detections.get(&*alert.content));
    let heads = files.flat_map(|file| &file.parts().heads);
    let maps = heads.filter_map(|head| head.maps.get("stratus"));
    maps.flatten().map(|technique| technique.value.as_str()).collect()
}

fn contents(alerts: &[Alert]) -> Vec<&str> {
    alerts.iter().map(|alert| &*alert.content).collect()
}

#[test]
fn every_technique_with_usable_logs_raises_an_alert_that_names_it() {
    let Some(folder) = folder() else { return };
    let missed = TECHNIQUES.iter().filter_map(|(file, technique)| {
        let alerts = judge([&*stratus(&folder, file)]);
        let found = techniques(&alerts).contains(technique);
        (!found).then(|| format!("{file}: {technique}: {:?}", contents(&alerts)))
    });
    let missed: Vec<String> = missed.collect();
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn two_files_hold_other_calls_than_their_names_say() {
    let Some(folder) = folder() else { return };
    for (file, needed) in MISNAMED {
        let records = stratus(&folder, file);
        assert!(!records.is_empty(), "{file}");
        let has = records.iter().any(|record| record["eventName"] == needed);
        assert!(!has, "{file} holds {needed} now: move it to the techniques");
        assert!(!judge([&*records]).is_empty(), "{file}: what it holds is an attack too");
    }
}

#[test]
fn stolen_instance_credentials_seen_from_one_side_raise_the_tool_alone() {
    let Some(folder) = folder() else { return };
    let alerts = judge([&*stratus(&folder, HALF)]);
    // A known gap: who stole them from a machine in AWS is told by a second address or a threat
    // list only, and this file has neither.
    assert!(!techniques(&alerts).contains("aws.credential-access.ec2-steal-instance-credentials"));
    let told = alerts.iter().any(|alert| alert.entity.id.contains("steal-credentials-role/i-"));
    assert!(told, "{:?}", contents(&alerts));
}

#[test]
fn an_account_under_attack_makes_findings_and_not_lines() {
    let Some(folder) = folder() else { return };
    let alerts = judge([&*all(&folder)]);
    assert!(alerts.len() <= FINDINGS_MAX, "{}: {:?}", alerts.len(), contents(&alerts));
    let story =
        |alert: &&Alert| alert.kind == SignalKind::Sequence && alert.severity == Severity::Critical;
    let told = alerts.iter().filter(story).any(|alert| alert.entity.id.ends_with("user/bert-jan"));
    assert!(told, "{:?}", contents(&alerts));
    // The calls of each of these are among the records.
    let found = techniques(&alerts);
    for technique in [
        "aws.credential-access.ec2-get-password-data",
        "aws.credential-access.ec2-steal-instance-credentials",
        "aws.credential-access.secretsmanager-retrieve-secrets",
        "aws.defense-evasion.cloudtrail-event-selectors",
        "aws.defense-evasion.cloudtrail-lifecycle-rule",
        "aws.defense-evasion.organizations-leave",
        "aws.exfiltration.ec2-share-ebs-snapshot",
        "aws.exfiltration.s3-backdoor-bucket-policy",
        "aws.persistence.iam-create-admin-user",
        "aws.persistence.lambda-backdoor-function",
        "aws.persistence.rolesanywhere-create-trust-anchor",
    ] {
        assert!(found.contains(technique), "{technique} is not among {found:?}");
    }
}

#[test]
fn the_same_logs_twice_and_backwards_make_the_same_alerts() {
    let Some(folder) = folder() else { return };
    let forward = all(&folder);
    let backward: Vec<Value> = forward.iter().rev().cloned().collect();
    let once = judge([&*forward]);
    let again = judge(backward.chunks(97).chain([&*forward]));
    assert_eq!(contents(&once), contents(&again));
    assert_eq!(once, again);
}

/// All records of the account under attack.
fn all(folder: &Path) -> Vec<Value> {
    let entries = std::fs::read_dir(folder.join("invictus-ir")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().flat_map(|file| records(file)).collect()
}
