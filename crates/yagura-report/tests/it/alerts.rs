//! Alerts told: every format in both languages against its golden file, OCSF against the part of
//! its schema that we use, and names from logs that try to break out.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::Value;
use yagura_model::alert::{
    About, Alert, Contrast, Entity, EntityKind, Matched, SeverityReason, Signal, SignalKind,
    StoryStep, Suppression, Witness,
};
use yagura_model::{Lang, Prose, Severity};
use yagura_report::{
    AlertEntry, AlertFormat, AlertMeta, AlertReport, TerminalOptions, alert_line, story,
    write_alerts,
};

use crate::fixture::time;

const OCSF: &str = include_str!("schemas/ocsf_detection_finding.json");
const DAY_US: i64 = 24 * 3_600_000_000;

fn prose(en: &str, ja: &str) -> Prose {
    Prose { en: en.into(), ja: ja.into() }
}

fn about(kind: SignalKind, content: &str, title: Prose, tags: &[&str]) -> About {
    About {
        kind,
        content: content.into(),
        path: format!("detections/{}.yaml", content.replace('.', "/")).into(),
        title,
        tags: tags.iter().map(|tag| Arc::from(*tag)).collect(),
        window_us: DAY_US,
        shadow: false,
    }
}

fn witness(minute: i64, id: &str, actor: &str, action: &str, resource: &str) -> Witness {
    Witness {
        time_us: time("2026-11-21T09:00:00Z").as_microsecond() + minute * 60_000_000,
        source: "cloudtrail".into(),
        id: id.into(),
        account: Some("111122223333".into()),
        region: Some("ap-northeast-1".into()),
        actor: Some(actor.into()),
        address: Some("203.0.113.7".into()),
        user_agent: Some("aws-cli/2.15".into()),
        action: Some(action.into()),
        outcome: Some("success".into()),
        resources: vec![resource.into()],
    }
}

fn signal(kind: SignalKind, severity: Severity, entity: Entity, witness: Witness) -> Signal {
    Signal {
        kind,
        content: "".into(),
        severity,
        weak: false,
        entity,
        time_us: witness.time_us,
        witness,
        matched: vec![],
        contrast: None,
        more: vec![],
        more_events: vec![],
        events_total: 1,
        story: vec![],
    }
}

fn actor(id: &str) -> Entity {
    Entity { kind: EntityKind::Actor, id: id.into() }
}

const ALICE: &str = "arn:aws:iam::111122223333:user/alice";
const ROLE: &str = "arn:aws:sts::111122223333:assumed-role/Deploy/ci";

/// Two detections, one of them twice, a behavior, and a sequence; one is suppressed.
pub(crate) fn alerts() -> Vec<Alert> {
    let trail = "arn:aws:cloudtrail:ap-northeast-1:111122223333:trail/org";
    let stopped = about(
        SignalKind::Detection,
        "cloudtrail.trail_logging_stopped",
        prose("CloudTrail logging stopped", "CloudTrail のログ記録が停止された"),
        &["attack.defense-evasion", "attack.t1562.008"],
    );
    let mut first = Alert::of(
        &stopped,
        Signal {
            matched: vec![Matched::new("selection", "eventName", Some("StopLogging"))],
            more: vec![witness(2, "e-2", ALICE, "DeleteTrail", trail)],
            events_total: 2,
            ..signal(
                SignalKind::Detection,
                Severity::High,
                actor(ALICE),
                witness(1, "e-1", ALICE, "StopLogging", trail),
            )
        },
    );
    first.severity = Severity::Critical;
    first.severity_reasons.insert(SeverityReason {
        raised: true,
        en: "Raised to critical: a crown jewel.".into(),
        ja: "最重要資産のため重大に引き上げました。".into(),
    });
    let mut second = Alert::of(
        &stopped,
        signal(
            SignalKind::Detection,
            Severity::High,
            actor(ROLE),
            witness(30, "e-3", ROLE, "StopLogging", trail),
        ),
    );
    second.suppressed = Some(Suppression {
        expires: time("2027-03-31T00:00:00Z"),
        owner: "sam".into(),
        reason: "planned work".into(),
    });
    vec![first, second, behavior(), sequence()]
}

fn behavior() -> Alert {
    let title = prose("First call from a country", "初めての国からの呼び出し");
    let about = about(SignalKind::Behavior, "identity.new_country", title, &["attack.t1078.004"]);
    let address = Entity { kind: EntityKind::Address, id: "203.0.113.7".into() };
    let one = witness(5, "e-4", ALICE, "GetCallerIdentity", "arn:aws:iam::111122223333:user/alice");
    let contrast = Contrast {
        normal: prose("Japan in 90 days.", "90 日間は日本のみ。"),
        seen: prose("A call from Brazil.", "ブラジルからの呼び出し。"),
    };
    let kind = SignalKind::Behavior;
    let signal =
        Signal { contrast: Some(contrast), ..signal(kind, Severity::Medium, address, one) };
    Alert::of(&about, signal)
}

fn sequence() -> Alert {
    let title = prose("Data of a bucket destroyed", "バケットのデータが破壊された");
    let about = about(SignalKind::Sequence, "sequences.data_destroyed", title, &["attack.impact"]);
    let bucket = Entity { kind: EntityKind::Resource, id: "arn:aws:s3:::records".into() };
    let step = |minute, tactic: &str, en: &str, ja: &str, action| StoryStep {
        time_us: witness(minute, "", "", "", "").time_us,
        tactic: tactic.into(),
        content: "s3.x".into(),
        title: prose(en, ja),
        witness: witness(minute, &format!("s-{minute}"), ALICE, action, "arn:aws:s3:::records"),
    };
    let story = vec![
        step(40, "discovery", "Buckets were listed", "バケットが列挙された", "ListBuckets"),
        step(45, "impact", "Versions were deleted", "バージョンが削除された", "DeleteObjects"),
    ];
    let one = witness(45, "s-45", ALICE, "DeleteObjects", "arn:aws:s3:::records");
    let kind = SignalKind::Sequence;
    let signal = Signal { story, events_total: 2, ..signal(kind, Severity::Critical, bucket, one) };
    Alert::of(&about, signal)
}

pub(crate) fn entries() -> BTreeMap<String, AlertEntry> {
    let entry = AlertEntry {
        uuid: "0b7f6a0c-1111-4222-8333-444455556666".into(),
        description: prose(
            "Without the trail nobody sees what happens next.",
            "証跡がないと、その後に何が起きたか分からなくなります。",
        ),
        falsepositives_en: vec!["A trail is replaced by another.".into()],
        falsepositives_ja: vec!["証跡を別の証跡に置き換えている。".into()],
        respond_en: vec!["Start it again: `aws cloudtrail start-logging`.".into(), "Ask.".into()],
        respond_ja: vec!["`aws cloudtrail start-logging` で再開する。".into(), "確認する。".into()],
        references: vec!["https://docs.aws.amazon.com/x".into(), "javascript:alert(1)".into()],
    };
    BTreeMap::from([("cloudtrail.trail_logging_stopped".to_owned(), entry)])
}

fn meta() -> AlertMeta {
    AlertMeta {
        version: "0.0.0".into(),
        made: time("2026-11-22T00:00:00Z"),
        records: Some(2_900),
        blind: vec![prose("`x.gz`: truncated", "`x.gz`: 途中で切れています")],
        below: 2,
        more: false,
    }
}

fn written(alerts: &[Alert], format: AlertFormat, lang: Lang) -> String {
    let (entries, meta) = (entries(), meta());
    let report = AlertReport { alerts, entries: &entries, meta: &meta, lang };
    let mut out = Vec::new();
    let options = TerminalOptions { width: 110, color: false, limit: 10 };
    write_alerts(&report, format, &options, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn every_format_is_the_golden_one() {
    for format in AlertFormat::ALL {
        for lang in Lang::ALL {
            let name = format!("alerts_{}_{}", format.as_str(), lang.code());
            let mut text = written(&alerts(), format, lang);
            if let (Some(start), Some(end)) = (text.find("<style>"), text.find("</style>")) {
                // The style is the report's own.
                text.replace_range(start..end, "<style>");
                let policy = text.find("sha256-").unwrap();
                let end = policy + text[policy..].find('\'').unwrap();
                text.replace_range(policy..end, "sha256-");
            }
            insta::assert_snapshot!(name, text);
        }
    }
}

#[test]
fn one_alert_is_told_as_a_story() {
    let options = TerminalOptions { width: 90, color: false, limit: 10 };
    for lang in Lang::ALL {
        let entries = entries();
        for (name, alert) in [("detection", &alerts()[0]), ("sequence", &sequence())] {
            let text = story(alert, entries.get(&*alert.content), lang, &options);
            insta::assert_snapshot!(format!("alerts_story_{name}_{}", lang.code()), text);
        }
    }
}

#[test]
fn a_line_of_json_keeps_the_contract() {
    let text = written(&alerts(), AlertFormat::Jsonl, Lang::En);
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 4);
    for name in [
        "rule_id",
        "rule_path",
        "title",
        "level",
        "tags",
        "time",
        "event_ids",
        "account",
        "region",
        "principal",
        "source_ip",
        "matched",
    ] {
        assert!(lines.iter().all(|line| line.get(name).is_some()), "{name}");
    }
    assert_eq!(lines[0]["rule_id"], "cloudtrail.trail_logging_stopped");
    assert_eq!(lines[0]["event_ids"], serde_json::json!(["e-1", "e-2"]));
    assert_eq!(lines[0]["matched"][0]["field"], "eventName");
    let mut alone = Vec::new();
    alert_line(&alerts()[0], entries().get(&*alerts()[0].content), Lang::En, &mut alone).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&alone).unwrap(), lines[0]);
}

#[test]
fn every_detection_finding_is_valid() {
    let schema = serde_json::from_str(OCSF).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let bare = Witness { time_us: meta().made.as_microsecond(), ..Witness::default() };
    let nobody = Entity { kind: EntityKind::Other, id: "".into() };
    let odd =
        about(SignalKind::Detection, "x.y", prose("X", "あ"), &["attack.unknown", "cve.2024"]);
    let empty = Alert::of(&odd, signal(SignalKind::Detection, Severity::Low, nobody, bare));
    for lang in Lang::ALL {
        for alerts in [alerts(), vec![empty.clone()]] {
            for line in written(&alerts, AlertFormat::Ocsf, lang).lines() {
                let event: Value = serde_json::from_str(line).unwrap();
                let errors: Vec<String> =
                    validator.iter_errors(&event).map(|error| error.to_string()).collect();
                assert!(errors.is_empty(), "{errors:#?}\n{event:#}");
            }
        }
    }
    let wrong = serde_json::json!({"class_uid": 2003});
    assert!(!validator.is_valid(&wrong), "the schema refuses what it should");
}

#[test]
fn what_was_left_out_is_said() {
    let title = prose("X", "あ");
    let about = about(SignalKind::Detection, "x.y", title, &[]);
    let many: Vec<Alert> = (0..25)
        .map(|n| {
            let who = format!("arn:aws:iam::111122223333:user/u{n}");
            let one = witness(n, &format!("e-{n}"), &who, "A", "r");
            Alert::of(&about, signal(SignalKind::Detection, Severity::Low, actor(&who), one))
        })
        .collect();
    let table = written(&many, AlertFormat::Table, Lang::En);
    assert!(table.contains("and 15 more alerts of this finding"), "{table}");
    assert!(table.contains("2 alerts below the asked severity"), "{table}");
    assert_eq!(written(&many, AlertFormat::Jsonl, Lang::En).lines().count(), 25);
    assert!(written(&[], AlertFormat::Table, Lang::Ja).contains("検出結果 0 件"));
}

/// The alerts with a hostile text wherever text comes from a log, a rule or a site.
fn hostile(text: &str) -> Vec<Alert> {
    let mut alerts = alerts();
    for alert in &mut alerts {
        alert.title = prose(text, text);
        alert.content = text.into();
        alert.path = text.into();
        alert.tags = vec![text.into(), format!("attack.{text}").into()];
        alert.entity.id = text.into();
        alert.matched = vec![Matched::new(text, text, Some(text))];
        for witness in &mut alert.witnesses {
            witness.id = text.into();
            witness.actor = Some(text.into());
            witness.address = Some(text.into());
            witness.action = Some(text.into());
            witness.user_agent = Some(text.into());
        }
        for step in &mut alert.story {
            step.title = prose(text, text);
            step.witness.action = Some(text.into());
        }
        for set in [&mut alert.actors, &mut alert.resources, &mut alert.addresses] {
            set.insert(text.into());
        }
    }
    alerts
}

fn check_harmless(text: &str) {
    let alerts = hostile(text);
    for lang in Lang::ALL {
        for format in AlertFormat::ALL {
            let written = written(&alerts, format, lang);
            let bad =
                |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
            // The mark at the beginning of a spreadsheet file is ours.
            let rest = written.trim_start_matches('\u{feff}');
            assert!(!rest.chars().any(bad), "{format:?}: {rest}");
            if format == AlertFormat::Html {
                assert!(!rest.contains("<script"), "{rest}");
                assert!(!rest.contains("<img"), "{rest}");
                assert!(!rest.contains("onmouseover='alert"), "{rest}");
                assert!(!rest.contains("javascript:"), "{rest}");
            }
            if matches!(format, AlertFormat::Jsonl | AlertFormat::Ocsf) {
                assert_eq!(rest.lines().count(), alerts.len());
                for line in rest.lines() {
                    serde_json::from_str::<Value>(line).unwrap();
                }
            }
        }
        let told = story(alerts.first().unwrap(), None, lang, &TerminalOptions::default());
        assert!(!told.contains('\u{1b}'), "{told}");
        // Letters of ARNs and addresses mean nothing to a shell between quotation marks.
        let harmless = |c: char| c.is_ascii_alphanumeric() || "-_./:@+=,".contains(c);
        assert!(!told.contains("yagura query") || text.chars().all(harmless), "{told}");
    }
}

#[test]
fn names_from_logs_cannot_break_out() {
    for text in [
        "</script><script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "\u{1b}]0;owned\u{7}\u{1b}[2J",
        "photos\u{202e}gpj.exe",
        "=HYPERLINK(\"http://evil.example\",\"x\")",
        "x'; rm -rf ~; '\" $(id) `id`",
        "{{ 7 * 7 }} {% raw %}\r\nline",
    ] {
        check_harmless(text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn no_text_breaks_out(text in "\\PC{0,12}|[\\x00-\\x20<>&'\"\\u{80}-\\u{9f}\\u{202e}]{0,12}") {
        check_harmless(&text);
    }
}
