//! Each format is what it says it is, as the program writes it. That OCSF, ASFF and SARIF hold
//! their schemas is tested in `yagura-report`.

use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::account::{Account, CONTROLS};
use crate::program::{Home, Ran};

/// A verdict of a peer takes 14.7 KB; ours stays under this, as control prose is written once.
const VERDICT_BYTES_MAX: usize = 1024;

async fn scan(format: &str, more: &[&str]) -> Ran {
    let account = Account::small().await;
    let home = Home::before(&account.faults.url());
    let scan = ["scan", "--regions", "us-east-1", "--controls", CONTROLS, "--format", format];
    home.run(&[&scan, more].concat()).await
}

#[tokio::test]
async fn json_is_lines_of_which_no_verdict_is_long() {
    let ran = scan("json", &["--all"]).await.exits(0);
    let verdicts: Vec<&str> =
        ran.out.lines().filter(|line| line.contains(r#""kind":"verdict""#)).collect();
    assert_eq!(verdicts.len(), 21);
    for line in verdicts {
        assert!(line.len() < VERDICT_BYTES_MAX, "{} bytes: {line}", line.len());
        let verdict: Value = serde_json::from_str(line).unwrap();
        assert!(verdict["id"].as_str().unwrap().len() == 32, "{line}");
    }
}

#[tokio::test]
async fn without_all_json_holds_only_what_is_open() {
    let ran = scan("json", &[]).await.exits(0);
    let records = ran.records();
    let verdicts: Vec<_> = records.iter().filter(|one| one["kind"] == "verdict").collect();
    assert_eq!(verdicts.len(), 12);
    assert!(verdicts.iter().all(|one| one["status"] == "fail"));
}

#[tokio::test]
async fn csv_has_as_many_cells_in_each_row_as_in_its_head() {
    let ran = scan("csv", &["--all"]).await.exits(0);
    let mut reader = csv::Reader::from_reader(ran.out.as_bytes());
    assert!(reader.headers().unwrap().iter().any(|name| name == "Control"));
    let rows: Result<Vec<_>, _> = reader.records().collect();
    assert_eq!(rows.unwrap().len(), 21);
}

#[tokio::test]
async fn sarif_ocsf_and_asff_are_json_of_the_findings() {
    let sarif: Value = serde_json::from_str(&scan("sarif", &[]).await.exits(0).out).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), 12);
    for format in ["ocsf", "asff"] {
        let ran = scan(format, &[]).await.exits(0);
        // OCSF is lines or a list; ASFF is what `aws securityhub batch-import-findings` takes.
        let whole: Result<Value, _> = serde_json::from_str(&ran.out);
        let findings = match whole {
            Ok(Value::Array(findings)) => findings,
            Ok(whole) if whole["Findings"].is_array() => {
                whole["Findings"].as_array().unwrap().clone()
            }
            _ => ran.records(),
        };
        assert_eq!(findings.len(), 12, "{format}");
        let key = if format == "ocsf" { "class_uid" } else { "SchemaVersion" };
        assert!(findings.iter().all(|one| one.get(key).is_some()), "{format}");
    }
}

#[tokio::test]
async fn junit_is_xml_with_a_failure_for_each_fail() {
    let ran = scan("junit", &[]).await.exits(0);
    let mut reader = quick_xml::Reader::from_str(&ran.out);
    let (mut failures, mut root) = (0, None);
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Eof => break,
            quick_xml::events::Event::Start(tag) | quick_xml::events::Event::Empty(tag) => {
                let name = tag.name().as_ref().to_owned();
                failures += usize::from(name == "failure");
                root.get_or_insert(name);
            }
            _ => {}
        }
    }
    assert_eq!((root.as_deref(), failures), (Some("testsuites"), 12));
}

#[tokio::test]
async fn html_asks_nothing_of_any_other_place() {
    let account = Account::small().await;
    let home = Home::before(&account.faults.url());
    let file = home.path("report.html");
    let shown = file.to_str().unwrap();
    let scan = ["scan", "--controls", CONTROLS, "--format", "html", "--output", shown];
    let ran = home.run(&scan).await.exits(0);
    assert_eq!(ran.out, "");
    assert!(ran.err.contains(shown), "{}", ran.err);
    let page = std::fs::read_to_string(file).unwrap();
    assert!(page.starts_with("<!doctype html>") || page.starts_with("<!DOCTYPE html>"));
    // What a browser would fetch. Links that a reader may follow are not fetched, and the empty
    // icon keeps the browser from asking for one.
    let page = page.replace("<link rel=\"icon\" href=\"data:,\">", "");
    for fetching in [
        "src=\"http",
        "src='http",
        "src=\"//",
        "url(http",
        "url(//",
        "@import",
        "<link ",
        "fetch(",
        "<iframe",
        "<object",
        "<embed",
    ] {
        assert!(!page.contains(fetching), "the page holds `{fetching}`");
    }
    assert!(page.contains("leaky"));
}

#[tokio::test]
async fn plain_text_draws_no_boxes_and_no_format_colors_a_pipe() {
    let harmful = |c: char| matches!(c, '\u{2500}'..='\u{259f}');
    for lang in ["en", "ja"] {
        for format in ["table", "plain"] {
            let ran = scan(format, &["--lang", lang]).await.exits(0);
            assert!(format == "table" || !ran.out.contains(harmful), "{}", ran.out);
            assert!(!ran.out.contains('\u{1b}') && !ran.err.contains('\u{1b}'), "{format}");
            assert!(ran.out.contains("leaky"), "{}", ran.out);
        }
    }
    let colored = scan("table", &["--color", "always"]).await.exits(0);
    assert!(colored.out.contains('\u{1b}'), "`always` colors a pipe too");
}

#[tokio::test]
async fn a_japanese_reader_reads_japanese() {
    let ran = scan("table", &["--lang", "ja"]).await.exits(0);
    assert!(ran.out.contains("ルートユーザーに MFA が設定されている"), "{}", ran.out);
    assert!(!ran.out.contains("The root user has MFA"));
    let ran = scan("table", &["--lang", "en"]).await.exits(0);
    assert!(ran.out.contains("The root user has MFA"));
    assert!(ran.out.is_ascii() || !ran.out.contains("ルート"));
}

#[tokio::test]
async fn a_reader_that_leaves_after_one_line_is_no_error() {
    let account = Account::small().await;
    let home = Home::before(&account.faults.url());
    let scan = ["scan", "--controls", CONTROLS, "--format", "json", "--all"];
    let mut child = home.command(&scan).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut reader = BufReader::with_capacity(16, child.stdout.take().unwrap());
    reader.read_line(&mut line).await.unwrap();
    assert!(line.contains(r#""kind":"scan""#));
    drop(reader);
    crate::program::ended(child).await.exits(0);
}

#[tokio::test]
async fn fail_on_ends_with_one_only_from_its_severity_on() {
    scan("json", &["--fail-on", "critical"]).await.exits(1);
    let account = Account::small().await;
    let home = Home::before(&account.faults.url());
    let only = ["scan", "--controls", "s3.bucket_versioned", "--format", "json", "--fail-on"];
    home.run(&[&only[..], &["low"]].concat()).await.exits(1);
    home.run(&[&only[..], &["critical"]].concat()).await.exits(0);
}

#[tokio::test]
async fn programs_read_the_same_lists_in_both_languages() {
    let home = Home::offline();
    home.write(
        "data/site/routes.yaml",
        "targets:\n  file: {channel: file, settings: {path: '/dev/null'}}\nroutes:\n\
         - {id: all, schedule: 'daily 09:00', targets: [file], \
         quiet: {from: '22:00', to: '07:00', weekends: true}}\n",
    );
    // Without a time, which would be another in each run.
    let keep = ["--keep-versions", "--keep-findings", "--keep-deliveries"];
    let prune: Vec<&str> =
        ["prune"].into_iter().chain(keep.into_iter().flat_map(|flag| [flag, "forever"])).collect();
    let lists: [(&[&str], &str); 2] =
        [(&prune, "無期限"), (&["routes", "list"], "22:00-07:00（週末は終日）")];
    for (asked, told) in lists {
        let json = |lang| [asked, &["--format", "json", "--lang", lang]].concat();
        let english = home.run(&json("en")).await.exits(0).out;
        assert_eq!(home.run(&json("ja")).await.exits(0).out, english);
        let table = home.run(&[asked, &["--lang", "ja"]].concat()).await.exits(0).out;
        assert!(table.contains(told), "{table}");
    }
}
