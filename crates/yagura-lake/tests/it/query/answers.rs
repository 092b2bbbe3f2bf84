//! What is answered, and how it is written: formats, limits, cancelling, progress, hostile values.
//! Pruning and joins have files of their own.

use serde_json::json;
use yagura_lake::query::{AnswerFormat, Layout, Parameter, QueryError, QueryOptions};

use super::bed::{Bed, at, event};

async fn written(bed: &Bed, sql: &str, format: AnswerFormat, layout: Layout) -> String {
    let answer = bed.engine.run(sql, &QueryOptions::default()).await.unwrap();
    let mut bytes = Vec::new();
    answer.write(format, &layout, &mut bytes).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

async fn hostile() -> Bed {
    let bed = Bed::empty().await;
    let mut one = event(1, at(0), Some("111111111111"));
    one["name"] = json!("a\u{1b}[2J\u{202e}b\nc,\"d\"");
    bed.put("trail", &[one]).await;
    bed
}

#[tokio::test]
async fn nothing_hostile_reaches_a_terminal() {
    let bed = hostile().await;
    let sql = "SELECT action, size, identity FROM trail";
    let layout = Layout { columns_max: Some(80), terminal: true };
    for format in [AnswerFormat::Table, AnswerFormat::Json, AnswerFormat::Csv] {
        let text = written(&bed, sql, format, layout).await;
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{format:?}: {text:?}");
    }
    let text = written(&bed, "SELECT action FROM trail", AnswerFormat::Json, layout).await;
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["action"], "a\u{1b}[2J\u{202e}b\nc,\"d\"");
    let file = written(&bed, "SELECT action FROM trail", AnswerFormat::Csv, Layout::default());
    assert_eq!(file.await, "action\r\n\"a\u{1b}[2J\u{202e}b\nc,\"\"d\"\"\"\r\n");
}

#[tokio::test]
async fn a_table_fits_its_terminal() {
    let bed = Bed::filled().await;
    let sql = "SELECT size, request_id, raw FROM trail ORDER BY size LIMIT 2";
    let layout = Layout { columns_max: Some(60), terminal: true };
    let text = written(&bed, sql, AnswerFormat::Table, layout).await;
    assert_eq!(text.lines().count(), 3);
    assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
    assert!(text.starts_with("size  request_id      raw"), "{text}");
    assert!(text.lines().nth(1).unwrap().starts_with("   1  request-000001  {"), "{text}");
}

#[tokio::test]
async fn parquet_comes_back_as_it_went() {
    let bed = Bed::filled().await;
    let sql = "SELECT size, identity, resources, raw->'size' AS j FROM trail ORDER BY size LIMIT 3";
    let answer = bed.engine.run(sql, &QueryOptions::default()).await.unwrap();
    let mut bytes = Vec::new();
    answer.write(AnswerFormat::Parquet, &Layout::default(), &mut bytes).await.unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(
        bytes::Bytes::from(bytes),
    );
    let batches: Vec<_> = reader.unwrap().build().unwrap().map(Result::unwrap).collect();
    assert_eq!(batches.iter().map(arrow::record_batch::RecordBatch::num_rows).sum::<usize>(), 3);
    assert_eq!(batches[0].schema().field(0).name(), "size");
}

#[tokio::test]
async fn reaching_the_row_limit_is_told() {
    let bed = Bed::filled().await;
    let sql = "SELECT size FROM trail";
    for (limit, rows, truncated) in [(899, 899, true), (900, 900, false), (0, 0, true)] {
        let options = QueryOptions { row_limit: Some(limit), ..QueryOptions::default() };
        let answer = bed.engine.run(sql, &options).await.unwrap();
        let mut bytes = Vec::new();
        let done = answer.write(AnswerFormat::Json, &Layout::default(), &mut bytes).await.unwrap();
        assert_eq!((done.rows, done.truncated), (rows, truncated), "{limit}");
    }
}

#[tokio::test]
async fn a_cancelled_question_ends_with_its_own_error() {
    let bed = Bed::filled().await;
    let sql = "SELECT a.size FROM trail a CROSS JOIN trail b CROSS JOIN trail c";
    let mut answer = bed.engine.run(sql, &QueryOptions::default()).await.unwrap();
    let canceller = answer.canceller();
    assert!(answer.next_rows().await.unwrap().is_some());
    canceller.cancel();
    assert!(matches!(answer.next_rows().await, Err(QueryError::Cancelled)));
}

#[tokio::test]
async fn progress_reaches_its_end() {
    let bed = Bed::filled().await;
    let sql = "SELECT actor, sum(size) FROM trail GROUP BY actor";
    let mut answer = bed.engine.run(sql, &QueryOptions::default()).await.unwrap();
    let progress = answer.progress();
    assert_eq!((progress.now().files_done, progress.now().files_total), (0, 9));
    while answer.next_rows().await.unwrap().is_some() {}
    let now = progress.now();
    assert_eq!((now.files_done, now.rows_out), (9, 7));
    assert_eq!(now.bytes_done, now.bytes_total);
    assert!(now.bytes_read > 0);
}

#[tokio::test]
async fn a_sort_larger_than_its_memory_spills_and_is_right() {
    let bed = Bed::empty().await;
    for day in 0..20 {
        let events: Vec<_> = (0..1000)
            .map(|n| event(day * 1000 + n, at(day * 1440 + n / 10), Some("111111111111")))
            .collect();
        bed.put("trail", &events).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let options = QueryOptions {
        memory_bytes: 8 << 20,
        spill_folder: Some(folder.path().to_owned()),
        threads: Some(2),
        ..QueryOptions::default()
    };
    let sql = "SELECT size, raw FROM trail ORDER BY request_id DESC";
    let rows = bed.ask_with(sql, &options).await.unwrap();
    assert_eq!(rows.len(), 20_000);
    assert!(rows[0].starts_with("[19999,") && rows[19_999].starts_with("[0,"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "spilled files are gone");
}

#[tokio::test]
async fn parameters_are_values_and_never_sql() {
    let bed = Bed::filled().await;
    let options = QueryOptions {
        parameters: vec![
            ("action".into(), Parameter::Text("GetObject' OR '1'='1".into())),
            ("since".into(), Parameter::Time(at(0))),
        ],
        ..QueryOptions::default()
    };
    let sql = "SELECT count(*) FROM trail WHERE action = $action AND time >= $since";
    assert_eq!(bed.ask_with(sql, &options).await.unwrap(), ["[0]"]);
    let options = QueryOptions {
        parameters: vec![("size".into(), Parameter::Integer(898))],
        ..QueryOptions::default()
    };
    let sql = "SELECT count(*) FROM trail WHERE size > $size";
    assert_eq!(bed.ask_with(sql, &options).await.unwrap(), ["[2]"]);
}

#[tokio::test]
async fn events_span_all_sources() {
    let bed = Bed::filled().await;
    bed.check(
        "SELECT source, count(*) FROM events GROUP BY source ORDER BY source",
        &[r#"["flow",10]"#, r#"["trail",900]"#],
    )
    .await;
    bed.check(
        "SELECT DISTINCT source FROM events WHERE address = '10.0.0.1'",
        &[r#"["flow"]"#, r#"["trail"]"#],
    )
    .await;
    let bed = Bed::filled().await;
    bed.check("SELECT count(raw) FROM events WHERE source = 'flow'", &["[10]"]).await;
    assert!(bed.store.take().0 <= 3, "only the file of the source is read");
}

#[tokio::test]
async fn json_and_nested_columns_answer_as_values() {
    let bed = Bed::filled().await;
    bed.check(
        "SELECT raw->>'name', json_path(raw, '$.resources[1].type'), identity, resources[1]['arn'] \
         FROM trail WHERE size = 3",
        &[concat!(
            r#"["GetObject","o",{"kind":"user","arn":"arn:aws:iam::1:user/u3"},"#,
            r#""arn:aws:s3:::bucket-1"]"#
        )],
    )
    .await;
}

#[tokio::test]
async fn tables_can_be_listed_and_described() {
    let bed = Bed::filled().await;
    let tables = bed.engine.tables().await.unwrap();
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(names, ["flow", "trail", "events", "resources", "accounts", "broken"]);
    let columns: Vec<&str> = tables[1].columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(columns[..3], ["time", "account", "region"]);
    assert_eq!(columns[columns.len() - 4..], ["object", "raw", "source", "day"]);
    assert_eq!(bed.ask("DESCRIBE trail").await.unwrap().len(), columns.len());
    let shown = bed.ask("SHOW TABLES").await.unwrap();
    assert!(shown.iter().any(|row| row.contains("\"events\"")), "{shown:?}");
}
