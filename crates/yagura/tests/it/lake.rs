//! Logs as a person keeps and asks them: ingest, ask, look after, prove.
//! That other engines read the same rows from the same files is in `engines`.

use futures::StreamExt as _;
use serde_json::Value;
use yagura_testkit::cloudtrail_generator::{CloudTrailMade, CloudTrailPlan, generate};
use yagura_testkit::trail::{Encoding, SigningKey, Stock, TrailNames, TrailWriter};
use yagura_testkit::trail::{key_list, write_folder};

use crate::prepared;
use crate::program::{Home, Ran};

/// Questions that are asked at once.
const PROCESSES: usize = 3;
/// The records of the small trail.
const EVENTS: u64 = 3_000;

/// A small trail in the folder `trail` of a home.
fn small_trail(home: &Home) -> CloudTrailMade {
    generate(&CloudTrailPlan::of(EVENTS), &home.path("trail")).unwrap()
}

/// A home whose lake holds the small trail.
async fn kept_trail() -> Home {
    let ingested = async |home: &Home| {
        small_trail(home);
        let (code, said) = ingest(home, &["auto", "trail"]).await;
        assert_eq!((code, &said["records"]), (0, &EVENTS.into()), "{said}");
    };
    prepared::of("trail", ingested).await
}

async fn ingest(home: &Home, arguments: &[&str]) -> (i32, Value) {
    let ran = home.run(&[&["ingest"], arguments, &["--format", "json"]].concat()).await;
    let said = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"));
    (ran.code, said)
}

/// The rows of a question.
async fn ask(home: &Home, sql: &str) -> Vec<Value> {
    home.run(&["query", sql, "--format", "json"]).await.exits(0).records()
}

#[tokio::test]
async fn what_was_ingested_can_be_asked_and_is_not_ingested_again() {
    let home = Home::offline();
    let made = small_trail(&home);
    let (code, first) = ingest(&home, &["auto", "trail"]).await;
    assert_eq!(code, 0, "{first}");
    assert_eq!(first["objects_ingested"], made.files);
    assert_eq!(first["records"], made.events);
    assert_eq!(first["balance"]["closes"], true);
    let (code, again) = ingest(&home, &["cloudtrail", "trail"]).await;
    assert_eq!(code, 0, "{again}");
    assert_eq!(again["records"], 0);
    assert_eq!(again["balance"]["listed"], made.files);
    let rows = ask(&home, "SELECT count(*) AS n, count(DISTINCT event_id) AS ids FROM cloudtrail");
    let rows = rows.await;
    assert_eq!((&rows[0]["n"], &rows[0]["ids"]), (&made.events.into(), &made.events.into()));
    // A record that comes again in another file is a repeat, and is counted as one.
    let raw = ask(&home, "SELECT raw FROM cloudtrail LIMIT 1").await;
    let text = format!(r#"{{"Records":[{}]}}"#, raw[0]["raw"].as_str().unwrap());
    home.write("trail/again.json", &text);
    let (_, repeated) = ingest(&home, &["cloudtrail", "trail"]).await;
    assert_eq!((&repeated["records"], &repeated["repeats"]), (&0.into(), &1.into()), "{repeated}");
}

#[tokio::test]
async fn an_answer_comes_in_every_format_and_says_when_it_is_cut() {
    let home = kept_trail().await;
    let sql = "SELECT event_name, count(*) AS calls FROM cloudtrail GROUP BY event_name \
               ORDER BY calls DESC, event_name";
    let table = home.run(&["query", sql, "--limit", "3"]).await.exits(0);
    assert_eq!(table.out.lines().filter(|line| line.contains(char::is_numeric)).count(), 3);
    assert!(table.err.contains("only the first 3 rows"), "{}", table.err);
    let csv = home.run(&["query", sql, "--format", "csv"]).await.exits(0);
    assert!(csv.out.starts_with("event_name,calls"), "{}", csv.out);
    let parquet = ["query", sql, "--format", "parquet", "--output", "answer.parquet"];
    home.run(&parquet).await.exits(0);
    let bytes = std::fs::read(home.path("answer.parquet")).unwrap();
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    let explained = home.run(&["query", "--explain", sql]).await.exits(0);
    assert!(explained.out.contains("cloudtrail"), "{}", explained.out);
}

#[tokio::test]
async fn a_wrong_question_names_the_place_and_the_remedy() {
    let ran = Home::offline().run(&["query", "SELECT 1"]).await.exits(2);
    assert!(ran.err.contains("no log lake"), "{}", ran.err);
    let home = kept_trail().await;
    let check = async |sql: &str, needle: &str| {
        let ran: Ran = home.run(&["query", sql]).await.exits(2);
        assert!(ran.err.contains(needle), "{sql}: {}", ran.err);
        assert_eq!(ran.out, "");
    };
    check("SELEC 1", "line 1").await;
    check("SELECT event_nam FROM cloudtrail", "event_name").await;
    check("SELECT * FROM cloudtrial", "cloudtrail").await;
    check("DROP TABLE cloudtrail", "would change something").await;
    let ran = home.run(&["query", "--saved", "nothing.here"]).await.exits(2);
    assert!(ran.err.contains("`nothing.here`"), "{}", ran.err);
}

#[tokio::test]
async fn bad_files_are_put_aside_by_name_and_the_good_are_kept() {
    let home = Home::offline();
    small_trail(&home);
    home.write("trail/notes.txt", "nothing that a source would know\n");
    let (code, said) = ingest(&home, &["auto", "trail"]).await;
    assert_eq!(code, 3, "{said}");
    assert_eq!(said["objects_quarantined"], 1);
    assert!(said["quarantine"][0]["location"].as_str().unwrap().ends_with("notes.txt"));
    assert_eq!(said["records"], EVENTS);
    assert_eq!(said["balance"]["closes"], true);
    let kept = home.run(&["lake", "quarantine", "--format", "json"]).await.exits(0).records();
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(
        (&kept[0]["kind"], &kept[0]["reason"]),
        (&"object".into(), &"not_recognized".into())
    );
}

#[tokio::test]
async fn logs_come_through_standard_input() {
    let home = Home::offline();
    let line = r#"{"time":"2026-11-02T00:00:00Z","message":"started","level":"info"}"#;
    let mut command = home.command(&["ingest", "json_lines", "-", "--format", "json"]);
    command.stdin(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stdin, format!("{line}\n").as_bytes()).await.unwrap();
    drop(stdin);
    let ran = crate::program::ended(child).await.exits(0);
    let said: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(said["records"], 1, "{said}");
    assert_eq!(ask(&home, "SELECT raw FROM json_lines").await[0]["raw"], line);
}

#[tokio::test]
async fn the_state_of_the_lake_is_told_in_both_languages() {
    let home = kept_trail().await;
    let status = home.run(&["lake", "status", "--format", "json"]).await.exits(0);
    let status: Value = serde_json::from_str(&status.out).unwrap();
    assert_eq!(status["rows"], EVENTS);
    assert_eq!(status["sources"][0]["source"], "cloudtrail");
    assert!(status["usd_per_month"].as_f64().unwrap() > 0.0);
    let english = home.run(&["lake", "status"]).await.exits(0);
    assert!(english.out.contains("rows in"), "{}", english.out);
    let japanese = home.run(&["lake", "status", "--lang", "ja"]).await.exits(0);
    assert!(japanese.out.contains("保管費用"), "{}", japanese.out);
    home.run(&["lake", "compact"]).await.exits(0);
    assert_eq!(ask(&home, "SELECT count(*) AS n FROM cloudtrail").await[0]["n"], EVENTS);
}

#[tokio::test]
async fn what_is_over_its_time_goes_only_when_told_and_never_under_a_hold() {
    let home = kept_trail().await;
    let rows = async || ask(&home, "SELECT count(*) AS n FROM cloudtrail").await[0]["n"].clone();
    let expire = ["lake", "expire", "--retention", "cloudtrail=1d"];
    let plan = home.run(&expire).await.exits(0);
    assert!(plan.err.contains("--yes"), "{}", plan.err);
    assert_eq!(rows().await, EVENTS);
    home.run(&["lake", "hold", "case-1", "--reason", "an inquiry"]).await.exits(0);
    home.run(&[&expire[..], &["--yes"]].concat()).await.exits(0);
    assert_eq!(rows().await, EVENTS, "a hold keeps everything");
    home.run(&["lake", "release", "case-1"]).await.exits(0);
    home.run(&[&expire[..], &["--yes"]].concat()).await.exits(0);
    assert_eq!(rows().await, 0);
    let holds = home.run(&["lake", "holds", "--format", "json"]).await.exits(0).records();
    assert!(holds.iter().all(|one| one["kind"] == "deletion") && !holds.is_empty(), "{holds:?}");
}

#[tokio::test]
async fn every_saved_query_runs() {
    let home = &kept_trail().await;
    let listed = home.run(&["query", "list", "--format", "json"]).await.exits(0).records();
    assert!(listed.len() >= 30, "{} saved queries", listed.len());
    let content = yagura_content::Content::builtin();
    let runs = content.queries.iter().map(|(id, query)| async move {
        let mut arguments = vec!["query".to_owned(), "--saved".to_owned(), id.clone()];
        for (name, parameter) in &query.parameters.0 {
            if parameter.default.is_none() {
                let value = match parameter.kind {
                    yagura_content::format::ParameterKind::Text => "nothing",
                    yagura_content::format::ParameterKind::Integer => "1",
                    yagura_content::format::ParameterKind::Real => "0.5",
                    yagura_content::format::ParameterKind::Time => "-1d",
                };
                arguments.extend(["--param".to_owned(), format!("{}={value}", name.value)]);
            }
        }
        arguments.extend(["--format".to_owned(), "json".to_owned()]);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let ran = home.run(&arguments).await;
        assert_eq!(ran.code, 0, "{id}: {}", ran.err);
    });
    // Each is a process of its own, and waits as much as it works.
    let ended = futures::stream::iter(runs).buffer_unordered(PROCESSES).count().await;
    assert_eq!(ended, content.queries.len());
}

/// A trail of three hours with its digests, in the folder `bucket` of a home.
fn signed_trail(home: &Home, change: impl FnOnce(&mut Stock, &[String])) -> SigningKey {
    let key = SigningKey::from_seed(1);
    let start = "2026-11-02T00:00:00Z".parse().unwrap();
    let mut writer = TrailWriter::new(TrailNames::default(), key.clone(), start);
    let mut stock = Stock::new();
    let mut logs = Vec::new();
    for _ in 0..3 {
        logs.push(writer.log(&mut stock, 10, 3, 5));
        logs.push(writer.log(&mut stock, 20, 2, 5));
        writer.digest(&mut stock);
    }
    change(&mut stock, &logs);
    write_folder(&stock, &home.path("bucket"), true).unwrap();
    let keys = key_list([&key], Encoding::Pkcs1).to_string();
    home.write("keys.json", &keys);
    key
}

async fn verify(home: &Home, more: &[&str]) -> (i32, Vec<Value>) {
    const ARGUMENTS: [&str; 9] = [
        "trail",
        "verify",
        "bucket",
        "--from",
        "2026-11-02",
        "--to",
        "2026-11-02T03:00:00Z",
        "--format",
        "json",
    ];
    let ran = home.run(&[&ARGUMENTS, more].concat()).await;
    assert!(ran.code != 2, "{}", ran.err);
    (ran.code, ran.records())
}

fn verdict_of<'v>(records: &'v [Value], key: &str) -> &'v Value {
    let of = |record: &&Value| record["location"].as_str().is_some_and(|it| it.ends_with(key));
    let record = records.iter().find(of).unwrap_or_else(|| panic!("no verdict on {key}"));
    &record["verdict"]
}

#[tokio::test]
async fn an_untouched_trail_is_verified_and_the_verdict_is_kept() {
    let home = Home::offline();
    signed_trail(&home, |_, _| {});
    ingest(&home, &["cloudtrail", "bucket/AWSLogs/111122223333/CloudTrail"]).await;
    let (code, records) = verify(&home, &["--keys", "keys.json", "--all"]).await;
    assert_eq!(code, 0, "{records:?}");
    let summary = records.last().unwrap();
    assert_eq!(summary["logs"]["verified"], 6, "{summary}");
    assert_eq!(summary["digests"]["verified"], 3, "{summary}");
}

#[tokio::test]
async fn what_was_changed_removed_or_added_is_found() {
    let home = Home::offline();
    let mut names = Vec::new();
    signed_trail(&home, |stock, logs| {
        let forged = logs[0].replace("0000000000000001", "0000000000009999");
        stock.insert(forged.clone(), stock[&logs[0]].clone());
        stock.get_mut(&logs[2]).unwrap().body = yagura_testkit::trail::gzip(br#"{"Records":[]}"#);
        stock.remove(&logs[3]);
        names = vec![forged, logs[2].clone(), logs[3].clone()];
    });
    let (code, records) = verify(&home, &["--keys", "keys.json"]).await;
    assert_eq!(code, 1, "{records:?}");
    let words = ["unlisted", "hash_mismatch", "missing"];
    for (key, word) in names.iter().zip(words) {
        assert_eq!(verdict_of(&records, key), word, "{key}");
    }
    let plain = ["trail", "verify", "bucket", "--keys", "keys.json", "--lang", "ja"];
    let japanese = home.run(&plain).await;
    assert!(japanese.out.contains("改変あり"), "{}", japanese.out);
}

#[tokio::test]
async fn without_keys_nothing_is_proven_and_nothing_is_alarming() {
    let home = Home::offline();
    signed_trail(&home, |_, _| {});
    home.write("none.json", r#"{"PublicKeyList": []}"#);
    let (code, records) = verify(&home, &["--keys", "none.json"]).await;
    assert_eq!(code, 3, "{records:?}");
    let missing = home.run(&["trail", "verify", "nowhere"]).await.exits(2);
    assert!(missing.err.contains("`nowhere`"), "{}", missing.err);
}
