//! What a site's files make of alerts: suppressed, allowed, worse, less bad.
//! The expression language has its own tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use yagura_content::Content;
use yagura_judge::detections::{DetectOptions, Detector, Outcome};
use yagura_model::Severity;

use super::{event, options, rule, run};

fn stop(members: Value) -> Value {
    let mut event = event("a", 5, json!({"eventName": "StopLogging"}));
    if let (Value::Object(event), Value::Object(members)) = (&mut event, members) {
        event.extend(members);
    }
    event
}

fn content(files: &[(&str, &str)]) -> Content {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        std::fs::write(folder.path().join(path), text).unwrap();
    }
    Content::load(Some(folder.path()))
}

/// What comes of one event of a rule of a severity, with these site files.
fn outcome(files: &[(&str, &str)], level: &str, event: Value) -> Outcome {
    let content = content(files);
    assert!(content.problems.is_empty(), "{:?}", content.problems);
    let text = rule("stop", "{s: {eventName: StopLogging}, condition: s}");
    let text = text.replace("level: high", &format!("level: {level}"));
    let tags = BTreeMap::from([("tier".to_owned(), "critical".to_owned())]);
    let tags = Arc::new(BTreeMap::from([("arn:aws:s3:::ledger".to_owned(), tags)]));
    let options = DetectOptions { tags, ..options(&text) };
    let (detector, problems) = Detector::compile(&content, &options);
    assert!(problems.is_empty(), "{problems:?}");
    run(&detector, "cloudtrail", &[event])
}

fn suppression(pattern: &str, expires: &str) -> String {
    format!("- {{match: {{{pattern}}}, owner: ops, reason: drill, expires: {expires}}}\n")
}

#[test]
fn a_suppressed_alert_is_kept_and_marked_until_it_ends() {
    let suppressed = |pattern: &str, expires: &str| {
        let text = suppression(pattern, expires);
        let outcome = outcome(&[("suppressions.yaml", &text)], "high", stop(json!({})));
        assert_eq!(outcome.alerts.len(), 1, "a suppressed alert is kept");
        outcome.alerts[0].suppressed.clone()
    };
    let found = suppressed("actors: ['*user/mika']", "2026-12-31").unwrap();
    assert_eq!((found.owner.as_str(), found.reason.as_str()), ("ops", "drill"));
    assert_eq!(suppressed("actors: ['*user/mika']", "2026-11-30"), None);
    assert_eq!(suppressed("actors: ['*user/ken']", "2026-12-31"), None);
    assert!(suppressed("addresses: [203.0.113.0/24], accounts: ['1111*']", "2026-12-31").is_some());
    assert_eq!(suppressed("addresses: [203.0.113.0/28]", "2026-12-31"), None);
    assert_eq!(suppressed("content: ['cloudtrail.*']", "2026-12-31"), None);
    assert_eq!(suppressed("resources: ['*']", "2026-12-31"), None, "it tells no resource");
}

#[test]
fn what_the_site_allows_is_no_alert() {
    let allowed = |when: &str| {
        let text = format!("- {{name: deploys, when: '{when}', owner: ops, reason: known good}}\n");
        let outcome = outcome(&[("allow.yaml", &text)], "high", stop(json!({})));
        assert_eq!(outcome.alerts.len() as u64 + outcome.counters.allowed, 1);
        (outcome.counters.allowed == 1, outcome.problems)
    };
    assert!(allowed("alert.entity.id.endsWith(\"/mika\")").0);
    assert!(allowed("alert.witness.action == \"StopLogging\" && alert.severity == \"high\"").0);
    assert!(allowed("alert.matched.exists(m, m.value == \"StopLogging\")").0);
    assert!(!allowed("alert.witness.region == \"eu-west-1\"").0);
    assert!(allowed("now > timestamp(\"2026-11-01T00:00:00Z\")").0);
    let (told, problems) = allowed("alert.events > \"many\"");
    assert!(!told, "what has no result allows nothing");
    assert!(problems[0].contains("deploys"), "{problems:?}");
}

#[test]
fn a_broken_rule_of_the_allow_list_disables_itself_and_is_told() {
    let text = "- name: broken\n  when: alert.entity ==\n  owner: o\n  reason: r\n\
        - name: good\n  when: alert.witness.region == \"us-east-1\"\n  owner: o\n  reason: r\n";
    let content = content(&[("allow.yaml", text)]);
    assert_eq!(content.problems.len(), 1);
    assert!(content.problems[0].to_string().starts_with("allow.yaml:"), "{:?}", content.problems);
    let text = rule("stop", "{s: {eventName: StopLogging}, condition: s}");
    let (detector, _) = Detector::compile(&content, &options(&text));
    assert_eq!(run(&detector, "cloudtrail", &[stop(json!({}))]).counters.allowed, 1);
}

#[test]
fn context_makes_an_alert_worse_or_less_bad_and_says_why() {
    let context = "crown_jewels:\n- {name: ledger, resources: ['*payments*']}\n\
        - {name: tagged, tags: {tier: crit*}}\n\
        production: {accounts: ['111122223333']}\n\
        automation:\n- {name: deploys, user_agents: ['Terraform*']}\n";
    let check = |level: &str, event: Value, severity: Severity, reasons: &[&str]| {
        let outcome = outcome(&[("context.yaml", context)], level, event);
        let alert = &outcome.alerts[0];
        let told: Vec<&str> =
            alert.severity_reasons.iter().map(|reason| reason.en.as_str()).collect();
        assert_eq!((alert.severity, told.len()), (severity, reasons.len()), "{told:?}");
        for part in reasons {
            assert!(told.iter().any(|text| text.contains(part)), "{told:?} lacks {part}");
        }
        assert!(alert.severity_reasons.iter().all(|reason| !reason.ja.is_ascii()));
    };
    let elsewhere = json!({"recipientAccountId": "444455556666"});
    check("medium", stop(elsewhere.clone()), Severity::Medium, &[]);
    check("medium", stop(json!({})), Severity::High, &["production"]);
    check("high", stop(json!({})), Severity::High, &[]);
    let named = json!({"requestParameters": {"bucketName": "payments-2026"}});
    check("high", stop(named), Severity::Critical, &["ledger"]);
    let tagged = json!({"resources": [{"ARN": "arn:aws:s3:::ledger"}]});
    check("medium", stop(tagged.clone()), Severity::High, &["tagged"]);
    let mut automatic = elsewhere;
    automatic["userAgent"] = json!("Terraform/1.9");
    check("medium", stop(automatic), Severity::Low, &["deploys"]);
    let mut both = tagged;
    both["userAgent"] = json!("Terraform/1.9");
    check("medium", stop(both), Severity::High, &["tagged"]);
    check("informational", stop(json!({})), Severity::Informational, &[]);
}

#[test]
fn lint_minds_empty_patterns_and_unknown_contents() {
    let context = "crown_jewels: [{name: nothing}]\nproduction: {accounts: ['12']}\n\
        automation: [{name: all}]\n";
    let empty = suppression("", "2026-12-31");
    let files = [
        ("suppressions.yaml", empty.as_str()),
        ("context.yaml", context),
        ("allow.yaml", "- {name: n, content: [nobody.home], when: 'true', owner: '', reason: r}\n"),
    ];
    let told: Vec<String> = content(&files).lint(None).iter().map(ToString::to_string).collect();
    for part in [
        "suppressions.yaml:1:12: `match` names nothing",
        "`nothing` names no account",
        "`12` is no account number",
        "`all` names no actor",
        "no content that alerts is called `nobody.home`",
        "`owner` says nothing",
    ] {
        let part = part.split(": ").last().unwrap();
        assert!(told.iter().any(|line| line.contains(part)), "{told:#?} lacks {part}");
    }
}
