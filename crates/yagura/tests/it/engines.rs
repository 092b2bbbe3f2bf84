//! The lake's files read by other engines: every source's samples go in through the program, and
//! `DuckDB` (and Spark, where it is) must answer as our own query does and as content expects.
//! They are installed by `cargo xtask test`.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use yagura_content::Content;
use yagura_content::format::Source;
use yagura_testkit::duckdb::DuckDb;
use yagura_testkit::spark::ask_spark;

use crate::prepared;
use crate::program::Home;

/// What all sources have. Times are compared as microseconds.
const SHARED: [&str; 6] = ["region", "actor", "address", "action", "resource", "outcome"];

/// When the samples were put where they are, as content's own cases have it: records that do not
/// tell their year or their time take it from there.
const MODIFIED: Duration = Duration::from_secs(1_795_262_400);

/// A home whose lake holds every sample of every source, ingested as `auto`.
async fn home_of_samples(content: &Content) -> Home {
    prepared::of("samples", async |home| ingest_samples(content, home).await).await
}

async fn ingest_samples(content: &Content, home: &Home) {
    for source in content.sources.values() {
        for sample in &source.samples {
            let text = content.sample(source, &sample.file).unwrap();
            let file = sample.file.value.replace('.', "_");
            let name = format!("samples/{}-{file}/{}", source.id, sample.key.value);
            let file = std::fs::File::options().write(true).open(home.write(&name, text)).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + MODIFIED).unwrap();
        }
    }
    let ran = home.run(&["ingest", "auto", "samples", "--format", "json"]).await.exits(0);
    let said: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(said["balance"]["closes"], true, "{said}");
}

/// Rows that content expects of a source: each once, as a line of text.
fn expected(content: &Content, source: &Source) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for sample in &source.samples {
        let text = content.sample(source, &sample.expected_file()).unwrap();
        for line in text.lines() {
            let row: Value = serde_json::from_str(line).unwrap();
            let time: jiff::Timestamp = row["time"].as_str().unwrap().parse().unwrap();
            let cells = SHARED.iter().map(|name| cell(&row[*name]));
            let cells: Vec<String> =
                std::iter::once(time.as_microsecond().to_string()).chain(cells).collect();
            lines.insert(cells.join("|"));
        }
    }
    lines
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "∅".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn lines(rows: &[Vec<Value>]) -> Vec<String> {
    let mut lines: Vec<String> =
        rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join("|")).collect();
    lines.sort();
    lines
}

/// Our own answer to a question, in the order of its columns.
async fn ours(home: &Home, sql: &str) -> Vec<String> {
    let ran = home.run(&["query", sql, "--format", "json"]).await.exits(0);
    let rows: Vec<Vec<Value>> = ran
        .records()
        .iter()
        .map(|row| row.as_object().unwrap().values().cloned().collect())
        .collect();
    lines(&rows)
}

#[tokio::test]
async fn duckdb_reads_from_the_files_what_we_answer_and_what_content_expects() {
    let content = Content::builtin();
    let home = home_of_samples(content).await;
    let duckdb = DuckDb::in_memory().unwrap();
    let ddl = home.run(&["lake", "ddl", "--engine", "duckdb"]).await.exits(0).out;
    let columns = SHARED.join(", ");
    let mut statements = vec![ddl];
    let mut sources = Vec::new();
    for source in content.sources.values().filter(|source| !source.samples.is_empty()) {
        statements.push(format!("SELECT epoch_us(time), {columns} FROM {}", source.id));
        statements.push(format!("SELECT md5(raw) FROM {}", source.id));
        sources.push(source);
    }
    let answers = duckdb.ask(&statements).unwrap();
    for (source, answer) in sources.into_iter().zip(answers.get(1..).unwrap().chunks(2)) {
        let id = &source.id;
        // Files keep records as forms: the view must give every byte back.
        let records = format!("SELECT md5(raw) AS raw FROM {id}");
        assert_eq!(ours(&home, &records).await, lines(&answer[1].rows), "{id}");
        let theirs = lines(&answer[0].rows);
        let sql = format!("SELECT CAST(time AS BIGINT) AS time, {columns} FROM {id}");
        assert_eq!(ours(&home, &sql).await, theirs, "{id}");
        let distinct: BTreeSet<String> = theirs.into_iter().collect();
        assert_eq!(distinct, expected(content, source), "{id}");
    }
}

#[tokio::test]
async fn nested_columns_and_raw_records_are_the_same_elsewhere() {
    let content = Content::builtin();
    let home = home_of_samples(content).await;
    let duckdb = DuckDb::in_memory().unwrap();
    let ddl = home.run(&["lake", "ddl", "--engine", "duckdb"]).await.exits(0).out;
    let theirs = "SELECT event_id, user_identity.session_context.session_issuer.arn, \
                  resources[1].arn, md5(raw), account, CAST(day AS VARCHAR) FROM cloudtrail";
    let own = "SELECT event_id, user_identity['session_context']['session_issuer']['arn'] AS issuer, \
               resources[1]['arn'] AS resource, md5(raw) AS raw, account, CAST(CAST(time AS DATE) AS \
               VARCHAR) AS day FROM cloudtrail";
    let answers = duckdb.ask(&[ddl, theirs.to_owned()]).unwrap();
    assert_eq!(lines(&answers[1].rows), ours(&home, own).await);
}

#[tokio::test]
#[allow(clippy::print_stderr, reason = "a test that did not run says so")]
async fn spark_reads_the_same_where_it_is_installed() {
    let content = Content::builtin();
    let home = home_of_samples(content).await;
    let folder = home.data().join("lake/source=cloudtrail");
    let sql = format!(
        "SELECT unix_micros(time), event_id, action, outcome FROM parquet.`{}`",
        folder.display()
    );
    match ask_spark(&[sql]).unwrap() {
        None => eprintln!("Spark is not installed (`cargo xtask test --spark`): not compared"),
        Some(answers) => {
            let own =
                "SELECT CAST(time AS BIGINT) AS time, event_id, action, outcome FROM cloudtrail";
            assert_eq!(lines(&answers[0]), ours(&home, own).await);
        }
    }
}
