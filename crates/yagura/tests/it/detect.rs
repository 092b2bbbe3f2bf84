//! Attacks found: over files alone, while logs are ingested, and back over the lake; the same
//! alerts each time, each told once.
//! What single detections match is said by their own cases.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use yagura_store::alerts::AlertFilter;
use yagura_store::{Location, Store};

use crate::program::{Home, Ran, ended, signal};

const ACCOUNT: &str = "111122223333";
const ALICE: &str = "arn:aws:iam::111122223333:user/alice";

/// A record of CloudTrail, the n-th minute of the tests' day; from its second day on in the minutes
/// of the first.
fn event(n: u32, name: &str, more: Value) -> Value {
    let minute = n % 1_440;
    let mut event = json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser", "principalId": "AIDAEXAMPLEEXAMPLEEX", "arn": ALICE,
            "accountId": ACCOUNT, "userName": "alice", "accessKeyId": "AKIAEXAMPLEEXAMPLEEX",
        },
        "eventTime": format!("2026-10-05T{:02}:{:02}:00Z", minute / 60, minute % 60),
        "eventSource": "cloudtrail.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": "203.0.113.7",
        "userAgent": "aws-cli/2.15",
        "requestParameters": {"name": "organization"},
        "eventID": format!("00000000-0000-4000-8000-{n:012}"),
        "eventType": "AwsApiCall",
        "recipientAccountId": ACCOUNT,
        "managementEvent": true,
        "eventCategory": "Management",
    });
    let fields = event.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    event
}

fn file(events: &[Value]) -> String {
    json!({ "Records": events }).to_string()
}

fn harmless(n: u32) -> Value {
    event(n, "DescribeTrails", json!({"readOnly": true}))
}

/// Rules whose matches are known, so that these tests do not depend on what content says.
const RULES: &str = r"
title: A trail was stopped
id: 5d1c7d2a-0000-4000-8000-000000000001
logsource: {product: aws, service: cloudtrail}
detection:
  selection: {eventSource: cloudtrail.amazonaws.com, eventName: [StopLogging, DeleteTrail]}
  condition: selection
level: high
tags: [attack.defense-evasion, attack.t1562.008]
---
title: A key was made
id: 5d1c7d2a-0000-4000-8000-000000000002
logsource: {product: aws, service: cloudtrail}
detection:
  selection: {eventName: CreateAccessKey}
  condition: selection
level: low
---
title: Refused
name: refused
id: 5d1c7d2a-0000-4000-8000-000000000003
logsource: {product: aws, service: cloudtrail}
detection:
  selection: {errorCode: AccessDenied}
  condition: selection
level: low
---
title: Refused again and again
id: 5d1c7d2a-0000-4000-8000-000000000004
correlation:
  type: event_count
  rules: [refused]
  group-by: [userIdentity.arn]
  timespan: 10m
  condition: {gte: 5}
level: medium
";

/// An attack of an hour in several files, one of them compressed, with ordinary calls around it.
fn attack(home: &Home) {
    home.write("rules.yml", RULES);
    let stop = |n| event(n, "StopLogging", json!({}));
    let refused = |n| event(n, "GetTrail", json!({"errorCode": "AccessDenied"}));
    home.write("logs/a.json", &file(&[harmless(0), stop(1), harmless(2), stop(7)]));
    home.write("logs/deep/b.json", &file(&[refused(12), refused(10), refused(14)]));
    home.write("logs/c.json", &file(&[refused(13), refused(11), harmless(20)]));
    let key = event(30, "CreateAccessKey", json!({"eventSource": "iam.amazonaws.com"}));
    let late = event(40, "DeleteTrail", json!({"awsRegion": "eu-west-1"}));
    let mut packed = libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
    let text = file(&[key, late]);
    let mut bytes = vec![0; packed.gzip_compress_bound(text.len())];
    let size = packed.gzip_compress(text.as_bytes(), &mut bytes).unwrap();
    std::fs::write(home.path("logs/d.json.gz"), &bytes[..size]).unwrap();
}

const OWN: [&str; 3] = ["--rules", "rules.yml", "--no-builtin"];

async fn detect(home: &Home, more: &[&str]) -> Ran {
    home.run(&[&["detect", "logs"], OWN.as_slice(), more].concat()).await
}

/// Title, count and identity of alerts, sorted.
fn told(ran: &Ran) -> Vec<(String, u64, String)> {
    let of = |alert: &Value| {
        let text = |name: &str| alert[name].as_str().unwrap().to_owned();
        (text("title"), alert["count"].as_u64().unwrap(), text("alert_id"))
    };
    let mut told: Vec<_> = ran.records().iter().map(of).collect();
    told.sort();
    told
}

/// The same without identities.
fn counted(ran: &Ran) -> Vec<(String, u64)> {
    told(ran).into_iter().map(|(title, count, _)| (title, count)).collect()
}

fn expected() -> Vec<(String, u64)> {
    vec![
        ("A key was made".to_owned(), 1),
        ("A trail was stopped".to_owned(), 3),
        ("Refused again and again".to_owned(), 5),
    ]
}

#[tokio::test]
async fn an_attack_is_found_in_files_and_told_as_findings() {
    let home = Home::offline();
    attack(&home);
    let ran = detect(&home, &["--format", "jsonl"]).await.exits(0);
    assert_eq!(counted(&ran), expected());
    let records = ran.records();
    let stopped = records.iter().find(|one| one["title"] == "A trail was stopped").unwrap();
    for (name, value) in [
        ("rule_id", json!("5d1c7d2a-0000-4000-8000-000000000001")),
        ("rule_path", json!("rules.yml")),
        ("level", json!("high")),
        ("tags", json!(["attack.defense-evasion", "attack.t1562.008"])),
        ("time", json!("2026-10-05T00:01:00Z")),
        ("account", json!(ACCOUNT)),
        ("region", json!("us-east-1")),
        ("regions", json!(["eu-west-1", "us-east-1"])),
        ("principal", json!(ALICE)),
        ("source_ip", json!("203.0.113.7")),
    ] {
        assert_eq!(stopped[name], value, "{name}: {stopped}");
    }
    let ids = stopped["event_ids"].as_array().unwrap();
    assert_eq!(ids.len(), 3);
    // As the log names its events.
    assert!(ids.iter().all(|id| id.as_str().unwrap().len() == 36), "{stopped}");
    assert_eq!(stopped["matched"][0]["selection"], "selection");
    let single = detect(&home, &["--format", "jsonl", "--no-group"]).await.exits(0);
    let stops = single.records().into_iter().filter(|one| one["title"] == "A trail was stopped");
    assert_eq!(stops.count(), 3, "one line for each match");
}

#[tokio::test]
async fn every_format_tells_the_same_findings() {
    let home = Home::offline();
    attack(&home);
    let check = async |format: &str, lang: &str, needles: &[&str]| {
        let ran = detect(&home, &["--format", format, "--lang", lang]).await.exits(0);
        for needle in needles {
            assert!(ran.out.contains(needle), "{format} {lang}: `{needle}`\n{}", ran.out);
        }
    };
    check("table", "en", &["3 findings (3 alerts) in 12 records", "High", "user/alice"]).await;
    check("table", "ja", &["検出結果 3 件", "高", "user/alice"]).await;
    check("timeline", "en", &["2026-10-05", "00:01:00", "A trail was stopped (3 records)"]).await;
    check("csv", "en", &["Severity,Title", "High,A trail was stopped"]).await;
    check("ocsf", "en", &["\"class_uid\":2004", "\"sub_technique\":{\"uid\":\"T1562.008\"}"]).await;
    check("html", "ja", &["<!DOCTYPE html>", "<html lang=\"ja\">", "A trail was stopped"]).await;
    let file = ["--format", "html", "--output", "alerts.html"];
    let ran = detect(&home, &file).await.exits(0);
    assert_eq!(ran.out, "");
    let page = std::fs::read_to_string(home.path("alerts.html")).unwrap();
    assert!(page.contains("A trail was stopped") && page.ends_with("</html>\n"), "{page}");
    let ran = detect(&home, &["--format", "yaml"]).await.exits(2);
    assert!(ran.err.contains("timeline"), "{}", ran.err);
}

#[tokio::test]
async fn the_built_in_detections_find_a_stopped_trail_and_say_what_to_do() {
    let home = Home::offline();
    home.write("logs/a.json", &file(&[event(1, "StopLogging", json!({}))]));
    let ran = home.run(&["detect", "logs", "--format", "jsonl"]).await.exits(0);
    let records = ran.records();
    let found = records.iter().find(|one| one["rule_id"] == "cloudtrail.trail_logging_stopped");
    let found = found.unwrap_or_else(|| panic!("{ran:?}"));
    assert!(found["rule_path"].as_str().unwrap().starts_with("detections/cloudtrail/"));
    let only = ["--detections", "vpc_flow.*", "--format", "jsonl"];
    let ran = home.run(&[&["detect", "logs"], only.as_slice()].concat()).await.exits(0);
    assert_eq!(ran.out, "");
    let wrong = home.run(&["detect", "logs", "--detections", "cloudtrial.*"]).await.exits(2);
    assert!(wrong.err.contains("no detection is called `cloudtrial.*`"), "{}", wrong.err);
}

#[tokio::test]
async fn how_logs_are_cut_and_ordered_changes_nothing() {
    let home = Home::offline();
    attack(&home);
    let before = told(&detect(&home, &["--format", "jsonl", "--workers", "1"]).await.exits(0));
    let again = told(&detect(&home, &["--format", "jsonl", "--workers", "3"]).await.exits(0));
    assert_eq!(before, again);
    // The same records once more, under another name and in another order.
    let stop = |n| event(n, "StopLogging", json!({}));
    home.write("logs/z.json", &file(&[stop(7), harmless(2), stop(1), harmless(0)]));
    let twice = told(&detect(&home, &["--format", "jsonl"]).await.exits(0));
    assert_eq!(before, twice, "a record that comes twice counts once");
}

#[tokio::test]
async fn what_cannot_be_read_is_named_and_the_rest_is_judged() {
    let home = Home::offline();
    attack(&home);
    home.write("logs/notes.txt", "nothing that a source would know\n");
    let mut cut = std::fs::read(home.path("logs/d.json.gz")).unwrap();
    cut.truncate(cut.len() - 9);
    std::fs::write(home.path("logs/cut.json.gz"), cut).unwrap();
    let ran = detect(&home, &["--format", "jsonl"]).await.exits(3);
    assert_eq!(counted(&ran), expected());
    assert!(ran.err.contains("notes.txt") && ran.err.contains("cut.json.gz"), "{}", ran.err);
    let table = detect(&home, &[]).await.exits(3);
    assert!(table.out.contains("what it might have shown is unknown"), "{}", table.out);
    // Findings go before blindness.
    detect(&home, &["--fail-on", "high"]).await.exits(1);
    let ran = home.run(&["detect", "nowhere"]).await.exits(2);
    assert!(ran.err.contains("`nowhere`"), "{}", ran.err);
}

#[tokio::test]
async fn severity_and_time_cut_what_is_told() {
    let home = Home::offline();
    attack(&home);
    let high = detect(&home, &["--min-level", "medium", "--format", "jsonl"]).await.exits(0);
    assert_eq!(high.records().len(), 2);
    let table = detect(&home, &["--min-level", "medium"]).await.exits(0);
    assert!(table.out.contains("1 alert below the asked severity"), "{}", table.out);
    detect(&home, &["--fail-on", "high"]).await.exits(1);
    detect(&home, &["--fail-on", "critical"]).await.exits(0);
    let span = ["--since", "2026-10-05T00:05:00Z", "--until", "2026-10-05T00:13:00Z"];
    let ran = detect(&home, &[span.as_slice(), &["--format", "jsonl"]].concat()).await.exits(0);
    assert_eq!(counted(&ran), [("A trail was stopped".to_owned(), 1)]);
}

#[tokio::test]
async fn logs_are_judged_from_standard_input() {
    let home = Home::offline();
    attack(&home);
    let arguments = ["detect", "-", "--source", "cloudtrail", "--format", "jsonl"];
    let mut command = home.command(&[arguments.as_slice(), OWN.as_slice()].concat());
    command.stdin(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let text = std::fs::read(home.path("logs/a.json")).unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stdin, &text).await.unwrap();
    drop(stdin);
    let ran = ended(child).await.exits(0);
    assert_eq!(counted(&ran), [("A trail was stopped".to_owned(), 2)]);
}

#[tokio::test]
async fn a_broken_rule_that_was_named_ends_it_and_one_of_a_folder_is_left_out() {
    let home = Home::offline();
    attack(&home);
    home.write("mine/good.yml", RULES);
    home.write("mine/bad.yml", "title: x\ndetection:\n  condition: nothing\n");
    let named = ["detect", "logs", "--no-builtin", "--rules", "mine/bad.yml"];
    let ran = home.run(&named).await.exits(2);
    assert!(ran.err.contains("bad.yml"), "{}", ran.err);
    let folder = ["detect", "logs", "--no-builtin", "--rules", "mine", "--format", "jsonl"];
    let ran = home.run(&folder).await.exits(0);
    assert!(ran.err.contains("bad.yml"), "{}", ran.err);
    assert_eq!(counted(&ran), expected());
}

/// Everything that the store of a home keeps, by identity.
async fn kept(home: &Home) -> BTreeMap<String, (String, u64)> {
    let store = Store::open(&Location::in_folder(&home.data())).await.unwrap();
    let page = store.alerts().list(&AlertFilter::default(), 10_000).await.unwrap();
    store.close().await;
    assert!(!page.more);
    let of = |alert: yagura_model::alert::Alert| {
        (alert.id.clone(), (alert.title.en.clone(), alert.count().0))
    };
    page.alerts.into_iter().map(|stored| of(stored.alert)).collect()
}

fn by_id(ran: &Ran) -> BTreeMap<String, (String, u64)> {
    told(ran).into_iter().map(|(title, count, id)| (id, (title, count))).collect()
}

async fn ingest(home: &Home, more: &[&str]) -> Value {
    let base = ["ingest", "auto", "logs", "--format", "json"];
    let ran = home.run(&[base.as_slice(), OWN.as_slice(), more].concat()).await.exits(0);
    serde_json::from_str(&ran.out).unwrap()
}

#[tokio::test]
async fn ingestion_hunts_and_files_raise_the_same_alerts_once() {
    let home = Home::offline();
    attack(&home);
    let of_files = by_id(&detect(&home, &["--format", "jsonl"]).await.exits(0));
    let said = ingest(&home, &[]).await;
    assert_eq!(said["alerts"]["new"], 3, "{said}");
    assert_eq!(said["alerts"]["by_level"]["high"], 1, "{said}");
    assert_eq!(kept(&home).await, of_files);
    let again = ingest(&home, &[]).await;
    assert_eq!(again["alerts"]["new"], 0, "{again}");
    assert_eq!(kept(&home).await, of_files);
    // The same records in another file are repeats to the lake, and no more to the alerts.
    let text = std::fs::read_to_string(home.path("logs/a.json")).unwrap();
    home.write("logs/copy.json", &text);
    let copied = ingest(&home, &[]).await;
    assert_eq!((&copied["records"], &copied["alerts"]["new"]), (&json!(0), &json!(0)), "{copied}");
    assert_eq!(kept(&home).await, of_files);
    let hunt = ["hunt", "--format", "jsonl"];
    let hunted = home.run(&[hunt.as_slice(), OWN.as_slice()].concat()).await.exits(0);
    assert_eq!(by_id(&hunted), of_files);
    let keep = ["hunt", "--keep", "--format", "jsonl"];
    home.run(&[keep.as_slice(), OWN.as_slice()].concat()).await.exits(0);
    assert_eq!(kept(&home).await, of_files, "a hunt that is kept joins what is there");
}

#[tokio::test]
async fn what_arrives_later_grows_the_alert_and_ends_a_correlation() {
    let home = Home::offline();
    attack(&home);
    let whole = by_id(&detect(&home, &["--format", "jsonl"]).await.exits(0));
    std::fs::rename(home.path("logs/c.json"), home.path("c.json")).unwrap();
    std::fs::rename(home.path("logs/d.json.gz"), home.path("d.json.gz")).unwrap();
    let first = ingest(&home, &[]).await;
    assert_eq!(first["alerts"]["new"], 1, "three refusals are not yet five: {first}");
    std::fs::rename(home.path("c.json"), home.path("logs/c.json")).unwrap();
    let second = ingest(&home, &[]).await;
    assert_eq!(second["alerts"]["new"], 1, "the memory knows the first three: {second}");
    std::fs::rename(home.path("d.json.gz"), home.path("logs/d.json.gz")).unwrap();
    let third = ingest(&home, &[]).await;
    assert_eq!((&third["alerts"]["new"], &third["alerts"]["grown"]), (&json!(1), &json!(1)));
    assert_eq!(kept(&home).await, whole);
}

#[tokio::test]
async fn ingestion_without_detections_raises_nothing() {
    let home = Home::offline();
    attack(&home);
    let ran = home.run(&["ingest", "auto", "logs", "--no-detect", "--format", "json"]).await;
    let said: Value = serde_json::from_str(&ran.exits(0).out).unwrap();
    assert_eq!(said.get("alerts"), None, "{said}");
    assert!(kept(&home).await.is_empty());
    let both = ["ingest", "auto", "logs", "--no-detect", "--rules", "rules.yml"];
    home.run(&both).await.exits(2);
}

#[tokio::test]
async fn a_killed_ingestion_loses_no_alert_and_raises_none_twice() {
    let home = Home::offline();
    home.write("rules.yml", RULES);
    // Enough files that there is something to be killed in.
    for n in 0..400_u32 {
        let actor = format!("arn:aws:iam::{ACCOUNT}:user/u{}", n % 5);
        let identity = json!({"type": "IAMUser", "arn": actor, "accountId": ACCOUNT});
        let stop = event(n, "StopLogging", json!({"userIdentity": identity}));
        let calls: Vec<Value> = (0..20).map(|at| harmless(1_000 + n * 20 + at)).collect();
        home.write(&format!("logs/{n:03}.json"), &file(&[calls, vec![stop]].concat()));
    }
    let whole = by_id(&detect(&home, &["--format", "jsonl"]).await.exits(0));
    assert_eq!(whole.len(), 5);
    let base = ["ingest", "auto", "logs", "--format", "json"];
    // Killed as soon as each of these is there: the store, the lake, its first commit.
    for place in ["yagura.db", "lake/_yagura", "lake/_yagura/commits"] {
        let mut child = home.command(&[base.as_slice(), OWN.as_slice()].concat()).spawn().unwrap();
        let there = || {
            let path = home.data().join(place);
            let filled = || std::fs::read_dir(&path).is_ok_and(|mut all| all.next().is_some());
            path.is_file() || filled()
        };
        while !there() && child.try_wait().unwrap().is_none() {
            tokio::task::yield_now().await;
        }
        if child.try_wait().unwrap().is_none() {
            signal(&child, "KILL").await;
        }
        child.wait().await.unwrap();
        for (id, (title, count)) in kept(&home).await {
            let (_, most) = &whole[&id];
            assert!(count <= *most, "{title}: {count}");
        }
    }
    let said = ingest(&home, &[]).await;
    assert_eq!(said["balance"]["pending"], 0, "{said}");
    assert_eq!(kept(&home).await, whole);
}

#[tokio::test]
async fn a_rule_is_tried_over_the_lake_before_it_is_switched_on() {
    let home = Home::offline();
    attack(&home);
    ingest(&home, &[]).await;
    let rule = "title: Keys\nid: 5d1c7d2a-0000-4000-8000-00000000000a\n\
                logsource: {product: aws, service: cloudtrail}\n\
                detection: {s: {eventName: [CreateAccessKey, StopLogging]}, condition: s}\n\
                level: medium\n";
    home.write("mine.yml", rule);
    let before = kept(&home).await;
    let ran = home.run(&["hunt", "--rule", "mine.yml", "--since", "2026-10-01"]).await.exits(0);
    let day = ran.out.lines().find(|line| line.starts_with("2026-10-05")).unwrap();
    let cells: Vec<&str> = day.split_whitespace().collect();
    assert_eq!(cells, ["2026-10-05", "3", "1"], "{}", ran.out);
    assert_eq!(kept(&home).await, before, "a trial keeps nothing");
    let later = ["hunt", "--rule", "mine.yml", "--since", "2026-10-06"];
    let ran = home.run(&later).await.exits(0);
    assert!(ran.out.contains("would have raised nothing"), "{}", ran.out);
    let ran = home.run(&["hunt", "--source", "nothing"]).await.exits(2);
    assert!(ran.err.contains("no log source `nothing`"), "{}", ran.err);
}

#[tokio::test]
async fn a_kept_alert_is_listed_and_told_as_a_story() {
    let home = Home::offline();
    home.write("logs/a.json", &file(&[event(1, "StopLogging", json!({})), harmless(2)]));
    let ran = home.run(&["ingest", "auto", "logs"]).await.exits(0);
    assert!(ran.out.contains("yagura alerts list"), "{}", ran.out);
    let listed = ["alerts", "list", "--rule", "cloudtrail.trail_logging_stopped"];
    let table = home.run(&listed).await.exits(0);
    assert!(table.out.contains("CloudTrail logging was stopped"), "{}", table.out);
    let lines = home.run(&[listed.as_slice(), &["--format", "jsonl"]].concat()).await.exits(0);
    let id = lines.records()[0]["alert_id"].as_str().unwrap().to_owned();
    for (lang, needles) in [
        ("en", ["What to do", "start-logging", "yagura query", "StopLogging", "T1562.008"]),
        ("ja", ["対応手順", "start-logging", "yagura query", "StopLogging", "T1562.008"]),
    ] {
        let story = home.run(&["alerts", "show", &id[..12], "--lang", lang]).await.exits(0);
        for needle in needles {
            assert!(story.out.contains(needle), "{lang} `{needle}`: {}", story.out);
        }
    }
    let none = home.run(&["alerts", "list", "--account", "999999999999"]).await.exits(0);
    assert!(none.out.contains("0 alerts"), "{}", none.out);
    let ran = home.run(&["alerts", "show", "ffffffffffff"]).await.exits(2);
    assert!(ran.err.contains("no alert `ffffffffffff`"), "{}", ran.err);
    let ran = home.run(&["alerts", "show", "x"]).await.exits(2);
    assert!(ran.err.contains("is no alert id"), "{}", ran.err);
    // The printed question can be asked as it stands.
    let sql = "SELECT content, entity, events FROM alerts WHERE kind = 'detection'";
    let rows = home.run(&["query", sql, "--format", "json"]).await.exits(0).records();
    assert!(rows.iter().any(|row| row["content"] == "cloudtrail.trail_logging_stopped"));
}

#[tokio::test]
async fn names_from_logs_cannot_rewrite_the_terminal() {
    let home = Home::offline();
    home.write("rules.yml", RULES);
    let hostile = "\u{1b}[2J\u{202e}</script><script>alert(1)</script>";
    let more = json!({"userAgent": hostile, "awsRegion": hostile, "sourceIPAddress": hostile,
        "userIdentity": {"type": "IAMUser", "arn": hostile, "accountId": ACCOUNT}});
    home.write("logs/a.json", &file(&[event(1, "StopLogging", more)]));
    for format in ["table", "timeline", "jsonl", "csv", "ocsf", "html"] {
        let ran = detect(&home, &["--format", format]).await.exits(0);
        assert!(!ran.out.contains('\u{1b}') && !ran.out.contains('\u{202e}'), "{format}");
        assert!(format != "html" || !ran.out.contains("<script"), "{}", ran.out);
    }
}
