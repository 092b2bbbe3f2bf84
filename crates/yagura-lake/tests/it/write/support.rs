//! A small table, records for it, and what a lake holds read back file by file.
//! No assertion lives here.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use bytes::Bytes;
use jiff::Timestamp;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use yagura_lake::{
    Committed, Ingestion, Lake, LakeError, LakeLocation, LakeOptions, ObjectReceipt,
};
use yagura_model::LogObject;
use yagura_model::event::{BatchBuilder, EventBatch, Origin};
use yagura_model::source::{Column, ColumnKind, Rule, Shared, Table, TimeFormat, TimeRule};

pub(crate) fn column(name: &str, kind: ColumnKind, from: &[&str], lookup: bool) -> Column {
    let from = from.iter().map(|path| path.parse().unwrap()).collect();
    Column { name: name.into(), kind, from, lookup }
}

pub(crate) fn rule(from: &[&str]) -> Rule {
    Rule { from: from.iter().map(|path| path.parse().unwrap()).collect(), ..Rule::default() }
}

/// A table with every kind of column.
pub(crate) fn table() -> Table {
    let text = |name: &str, from: &str| column(name, ColumnKind::Text, &[from], false);
    let item = ColumnKind::Struct(vec![
        column("arn", ColumnKind::Text, &["ARN"], true),
        text("type", "type"),
    ]);
    let identity = ColumnKind::Struct(vec![
        text("type", "type"),
        column("issuer", ColumnKind::Struct(vec![text("arn", "arn")]), &["session.issuer"], false),
        column("created", ColumnKind::Time(TimeFormat::Rfc3339), &["session.created"], false),
    ]);
    Table {
        source: "trail".into(),
        columns: vec![
            column("event_id", ColumnKind::Text, &["eventID", "other.id"], true),
            column("event_name", ColumnKind::Text, &["eventName"], true),
            column("read_only", ColumnKind::Boolean, &["readOnly"], false),
            column("count", ColumnKind::Integer, &["count"], false),
            column("ratio", ColumnKind::Real, &["ratio"], false),
            column("session_name", ColumnKind::Text, &["user.principalId|part(:,1)"], false),
            column("user", identity, &["user"], false),
            column("resources", ColumnKind::List(Box::new(item)), &["resources"], false),
            column(
                "arns",
                ColumnKind::List(Box::new(ColumnKind::Text)),
                &["resources[].ARN"],
                false,
            ),
            column("parameters", ColumnKind::Json, &["parameters"], false),
        ],
        shared: Shared {
            time: TimeRule {
                from: vec!["eventTime".parse().unwrap()],
                format: TimeFormat::Rfc3339,
            },
            account: rule(&["account", "@account"]),
            region: rule(&["region"]),
            actor: rule(&["user.arn", "user.type"]),
            address: rule(&["address"]),
            action: rule(&["eventName"]),
            resource: rule(&["resources[].ARN", "parameters.bucket"]),
            outcome: Rule {
                map: vec![("AccessDenied*".parse().unwrap(), "denied".into())],
                present: Some("failure".into()),
                absent: Some("success".into()),
                ..rule(&["errorCode"])
            },
        },
        identity: ["eventID", "account", "region"].map(|path| path.parse().unwrap()).into(),
    }
}

/// A table whose records have no name.
pub(crate) fn nameless() -> Table {
    Table { source: "flow".into(), identity: Vec::new(), ..table() }
}

pub(crate) fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

/// A record with this id, at this second of 2026-11-20 (or later days).
pub(crate) fn event(id: u64, second: i64) -> String {
    let begin: Timestamp = "2026-11-20T00:00:00Z".parse().unwrap();
    let time = begin + jiff::SignedDuration::from_secs(second);
    format!(
        concat!(
            r#"{{"eventID":"id-{id}","eventTime":"{time}","eventName":"Call{name}","#,
            r#""account":"111122223333","region":"eu-west-1","address":"192.0.2.{host}","#,
            r#""parameters":{{"bucket":"a-bucket-with-a-long-name-{id}"}}}}"#,
        ),
        id = id,
        time = time,
        name = id % 7,
        host = id % 200,
    )
}

pub(crate) fn object(location: &str) -> LogObject {
    LogObject {
        location: location.into(),
        key: location.into(),
        version: None,
        etag: Some(format!("etag of {location}")),
        size_bytes: 1,
        modified: None,
    }
}

pub(crate) fn batch(location: &str, records: &[String]) -> EventBatch {
    let key_fields = vec![("account".to_owned(), "999988887777".to_owned())];
    let mut builder = BatchBuilder::new(Arc::new(Origin { object: location.into(), key_fields }));
    for record in records {
        builder.push_json(record.as_bytes()).unwrap();
    }
    builder.finish()
}

/// A lake in a store.
pub(crate) async fn open(store: &Arc<dyn ObjectStore>) -> Result<Lake, LakeError> {
    open_with(store, |_| {}).await
}

pub(crate) async fn open_with(
    store: &Arc<dyn ObjectStore>,
    change: impl FnOnce(&mut LakeOptions),
) -> Result<Lake, LakeError> {
    let location = LakeLocation::store(Arc::clone(store), Path::from("lake"), "memory:".into());
    let mut options = LakeOptions::new(now());
    change(&mut options);
    Lake::open(location, vec![table(), nameless()], options).await
}

/// Works off objects, one batch each, on a thread of its own.
pub(crate) async fn work(
    ingestion: &Ingestion,
    table: Table,
    objects: Vec<(String, Vec<String>)>,
) -> Result<Vec<ObjectReceipt>, LakeError> {
    let mut worker = ingestion.worker()?;
    let run = move || {
        let mut receipts = Vec::new();
        for (location, records) in objects {
            worker.begin_object(&object(&location), &table.source);
            worker.append(&table, &batch(&location, &records), now())?;
            receipts.push(worker.finish_object()?);
        }
        worker.close()?;
        Ok(receipts)
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

/// Ingests objects in one commit.
pub(crate) async fn ingest(
    lake: &Lake,
    objects: Vec<(String, Vec<String>)>,
) -> Result<Committed, LakeError> {
    let ingestion = lake.begin().await?;
    work(&ingestion, table(), objects).await?;
    ingestion.commit(now()).await
}

/// An object of events with these ids, a minute apart.
pub(crate) fn of_ids(location: &str, ids: impl IntoIterator<Item = u64>) -> (String, Vec<String>) {
    let second = |id: u64| i64::try_from(id * 60).unwrap();
    (location.into(), ids.into_iter().map(|id| event(id, second(id))).collect())
}

pub(crate) async fn bytes(store: &Arc<dyn ObjectStore>, path: &str) -> Bytes {
    let path = Path::parse(format!("lake/{path}")).unwrap();
    store.get(&path).await.unwrap().bytes().await.unwrap()
}

fn raw_field() -> FieldRef {
    Arc::new(Field::new("raw", DataType::Utf8View, false))
}

/// All rows of the newest commit as JSON, with source, day and account of their path; sorted.
pub(crate) async fn rows(store: &Arc<dyn ObjectStore>, lake: &Lake) -> Vec<serde_json::Value> {
    let mut found = Vec::new();
    let snapshot = lake.snapshot().await.unwrap();
    for file in snapshot.files() {
        let content = bytes(store, &file.path).await;
        assert_eq!(content.len() as u64, file.bytes, "{}", file.path);
        let reader = ParquetRecordBatchReaderBuilder::try_new(content).unwrap().build().unwrap();
        let mut json = Vec::new();
        let mut writer = arrow::json::LineDelimitedWriter::new(&mut json);
        for rows in reader {
            let rows = rows.unwrap();
            let records = Arc::new(lake.records(&file.source, &rows).unwrap());
            let of_file = rows.schema();
            let (columns, fields) = of_file
                .fields()
                .iter()
                .zip(rows.columns())
                .filter(|(field, _)| field.name() != "raw_form")
                .map(|(field, column)| match field.name() == "raw" {
                    true => (Arc::clone(&records) as ArrayRef, raw_field()),
                    false => (Arc::clone(column), Arc::clone(field)),
                })
                .unzip::<_, _, Vec<_>, Vec<_>>();
            let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
            writer.write(&rows).unwrap();
        }
        writer.finish().unwrap();
        let before = found.len();
        for line in String::from_utf8(json).unwrap().lines() {
            let mut row: serde_json::Value = serde_json::from_str(line).unwrap();
            row["source"] = file.source.as_ref().into();
            row["day"] = file.day.to_string().into();
            row["account"] = file.account.as_ref().into();
            found.push(row);
        }
        assert_eq!((found.len() - before) as u64, file.rows, "{}", file.path);
    }
    found.sort_by_key(|row| (row["time"].to_string(), row["raw"].to_string()));
    found
}

/// The ids of all rows, sorted by time.
pub(crate) async fn ids(store: &Arc<dyn ObjectStore>, lake: &Lake) -> Vec<u64> {
    let id = |row: &serde_json::Value| row["event_id"].as_str()?.strip_prefix("id-")?.parse().ok();
    let mut ids: Vec<u64> = rows(store, lake).await.iter().map(|row| id(row).unwrap()).collect();
    ids.sort_unstable();
    ids
}
