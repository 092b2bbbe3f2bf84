//! Findings for other products, of every kind and state: against the schemas, and with names that
//! try to break out. That they come back as the same findings is tested with the binary.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};
use yagura_model::finding::{
    Finding, FindingKind, FindingState, FindingSuppression, Observation, Rank,
};
use yagura_model::{Lang, Prose, Severity, VerdictStatus, is_unsafe};
use yagura_report::{Export, ExportContext, ExportFormat, security_hub_finding};

use crate::fixture::Fixture;
use crate::schemas::{ASFF, OCSF, SARIF, check};

const DETECTION: &str = include_str!("schemas/ocsf_detection_finding.json");
/// 2026-11-22T00:00:00Z.
const NOW_US: i64 = 1_795_305_600_000_000;

fn observation(kind: FindingKind, content: &str, key: &str, evidence: Value) -> Observation {
    Observation {
        kind,
        content: content.to_owned(),
        path: None,
        key: key.to_owned(),
        sub_key: String::new(),
        title: Prose { en: format!("{content} is so"), ja: format!("{content} です") },
        severity: Severity::High,
        account: "111111111111".to_owned(),
        region: "ap-northeast-1".to_owned(),
        resource_type: Some("AWS::S3::Bucket".to_owned()),
        resource_name: Some("site".to_owned()),
        cause: "c".to_owned(),
        first_us: NOW_US,
        last_us: NOW_US,
        occurrences: 3,
        rank: Rank { points: 400, reasons: Vec::new() },
        marks: Vec::new(),
        suppression: None,
        evidence,
    }
}

fn finding(observation: Observation, state: FindingState) -> Finding {
    let suppressed = state == FindingState::Suppressed;
    Finding {
        id: observation.id(),
        state,
        severity: observation.severity,
        severity_set: None,
        first_seen_us: NOW_US - 86_400_000_000,
        last_seen_us: NOW_US,
        occurrences: 3,
        opened_us: NOW_US,
        assignee: None,
        due_us: None,
        suppression: suppressed.then(|| FindingSuppression {
            until_us: NOW_US * 2,
            owner: "storage".to_owned(),
            reason: "moves in spring".to_owned(),
        }),
        tickets: Vec::new(),
        labels: ["team=a".to_owned()].into_iter().collect(),
        resolved_us: (state == FindingState::Resolved).then_some(NOW_US),
        comments: 0,
        commented: Vec::new(),
        changed_us: NOW_US,
        version: 2,
        observation,
    }
}

/// Findings of every kind in every state.
fn findings(fixture: &Fixture) -> Vec<Finding> {
    let failing = fixture.verdicts.iter().filter(|one| one.status == VerdictStatus::Fail);
    let controls = failing.map(|verdict| {
        let evidence = serde_json::to_value(verdict).unwrap();
        Observation {
            account: verdict.account.clone(),
            region: verdict.region.clone(),
            ..observation(FindingKind::Control, &verdict.control, &verdict.key, evidence)
        }
    });
    let alerts = crate::alerts::alerts().into_iter().map(|alert| {
        let evidence = serde_json::to_value(&alert).unwrap();
        observation(FindingKind::Alert, &alert.content, &alert.entity.to_string(), evidence)
    });
    let imports = ["guardduty/Recon:EC2/Portscan", "securityhub/S3.8", "prowler/s3_public"]
        .map(|content| observation(FindingKind::Import, content, "arn:aws:s3:::site", json!({})));
    let spend = observation(FindingKind::Spend, "spend.jump", "service:AmazonEC2", Value::Null);
    let all = controls.chain(alerts).chain(imports).chain([spend]);
    all.flat_map(|one| FindingState::ALL.map(|state| finding(one.clone(), state))).collect()
}

fn written(
    fixture: &Fixture,
    findings: &[Finding],
    format: ExportFormat,
    lang: Lang,
) -> (String, u64, u64) {
    let entries = crate::alerts::entries();
    let context = context(fixture, &entries, lang);
    let mut out = Vec::new();
    let mut export = Export::begin(&context, format, &mut out).unwrap();
    for finding in findings {
        export.finding(finding).unwrap();
    }
    let (count, left_out) = export.end().unwrap();
    (String::from_utf8(out).unwrap(), count, left_out)
}

fn context<'a>(
    fixture: &'a Fixture,
    entries: &'a BTreeMap<String, yagura_report::AlertEntry>,
    lang: Lang,
) -> ExportContext<'a> {
    ExportContext {
        catalog: &fixture.catalog,
        entries,
        accounts: fixture.accounts.clone(),
        at: Timestamp::from_microsecond(NOW_US).unwrap(),
        version: "0.0.0".to_owned(),
        lang,
    }
}

fn values(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_finding_is_valid_in_every_format() {
    let fixture = Fixture::new();
    let findings = findings(&fixture);
    assert!(findings.len() > 30);
    for lang in Lang::ALL {
        let (text, count, _) = written(&fixture, &findings, ExportFormat::Ocsf, lang);
        assert_eq!(count, findings.len() as u64);
        for event in values(&text) {
            let is_compliance = event["class_uid"] == 2003;
            check(if is_compliance { OCSF } else { DETECTION }, &event);
        }
        let (text, ..) = written(&fixture, &findings, ExportFormat::Asff, lang);
        for request in values(&text) {
            check(ASFF, &request);
        }
        let (text, ..) = written(&fixture, &findings, ExportFormat::Sarif, lang);
        let log: Value = serde_json::from_str(&text).unwrap();
        check(SARIF, &log);
        assert_eq!(log["runs"][0]["results"].as_array().unwrap().len(), findings.len());
    }
}

#[test]
fn an_export_of_nothing_is_a_file_of_nothing() {
    let fixture = Fixture::new();
    for format in ExportFormat::ALL {
        let (text, count, left_out) = written(&fixture, &[], format, Lang::En);
        assert_eq!((count, left_out), (0, 0));
        match format {
            ExportFormat::Sarif => check(SARIF, &serde_json::from_str(&text).unwrap()),
            ExportFormat::Csv => assert_eq!(text.lines().count(), 1),
            ExportFormat::Ocsf | ExportFormat::Asff | ExportFormat::Jsonl => assert_eq!(text, ""),
        }
    }
}

#[test]
fn a_finding_without_account_has_no_place_in_asff_and_that_is_counted() {
    let fixture = Fixture::new();
    let nowhere = Observation {
        account: String::new(),
        ..observation(FindingKind::Import, "scanner/T1", "main.tf", Value::Null)
    };
    let nowhere = [finding(nowhere, FindingState::New)];
    let (text, count, left_out) = written(&fixture, &nowhere, ExportFormat::Asff, Lang::En);
    assert_eq!((text.as_str(), count, left_out), ("", 0, 1));
    let (text, ..) = written(&fixture, &nowhere, ExportFormat::Ocsf, Lang::En);
    check(DETECTION, &values(&text)[0]);
    let entries = BTreeMap::new();
    let context = context(&fixture, &entries, Lang::En);
    assert_eq!(security_hub_finding(&nowhere[0], &context), None);
}

#[test]
fn names_from_outside_cannot_break_out_and_are_not_lost() {
    let fixture = Fixture::new();
    let evil = "=cmd|' /C x'!A0\n\u{1b}[2J\u{202e}\"},{\u{0}<script>";
    let hostile = Observation {
        title: Prose { en: evil.to_owned(), ja: evil.to_owned() },
        resource_name: Some(evil.to_owned()),
        resource_type: Some(evil.to_owned()),
        region: evil.to_owned(),
        ..observation(FindingKind::Import, evil, evil, json!({"title": evil}))
    };
    let hostile = [finding(hostile, FindingState::New)];
    for format in ExportFormat::ALL {
        let (text, ..) = written(&fixture, &hostile, format, Lang::En);
        let harmful = |c: char| is_unsafe(c) && c != '\n' && c != '\u{feff}' && c != '\r';
        assert_eq!(text.chars().find(|c| harmful(*c)), None, "{format:?}");
        match format {
            ExportFormat::Csv => {
                assert_eq!(text.matches("=cmd").count(), text.matches("'=cmd").count(), "{text}");
            }
            ExportFormat::Sarif => {
                let log: Value = serde_json::from_str(&text).unwrap();
                let own = &log["runs"][0]["results"][0]["properties"]["yagura"];
                assert_eq!((&own["key"], &own["content"]), (&json!(evil), &json!(evil)));
            }
            ExportFormat::Ocsf => {
                assert_eq!(values(&text)[0]["unmapped"]["yagura"]["key"], evil);
            }
            ExportFormat::Asff => {
                let fields = &values(&text)[0]["Findings"][0]["ProductFields"];
                assert_eq!(fields["yagura/key"], evil);
            }
            ExportFormat::Jsonl => {
                assert_eq!(values(&text)[0]["finding"]["observation"]["key"], evil);
            }
        }
    }
}
