//! A lake of two sources in a counting store, and an inventory of two buckets.
//! Times are minutes of 21 November 2026 unless a day is given.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::stream::BoxStream;
use jiff::Timestamp;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetRange, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions,
};
use serde_json::{Value, json};
use yagura_lake::query::{Engine, QueryError, QueryOptions};
use yagura_lake::{Lake, LakeLocation, LakeOptions};
use yagura_model::event::{BatchBuilder, Origin};
use yagura_model::source::{
    Column, ColumnKind, FieldPath, Rule, Shared, Table, Template, TimeFormat, TimeRule,
};
use yagura_model::{
    LogObject, RowColumn, RowCursor, RowError, RowFuture, RowKind, RowRequest, RowSource, RowTable,
    RowValue,
};

/// A store that counts what is read of it.
#[derive(Debug, Default)]
pub(crate) struct Counting {
    inner: InMemory,
    pub(crate) reads: AtomicU64,
    pub(crate) bytes: AtomicU64,
}

impl Counting {
    fn count(&self, bytes: u64) {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.bytes.fetch_add(bytes, Ordering::SeqCst);
    }

    /// Reads and bytes since the last call.
    pub(crate) fn take(&self) -> (u64, u64) {
        (self.reads.swap(0, Ordering::SeqCst), self.bytes.swap(0, Ordering::SeqCst))
    }
}

impl fmt::Display for Counting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("counting")
    }
}

type Result<T> = object_store::Result<T>;

#[async_trait::async_trait]
impl ObjectStore for Counting {
    async fn put_opts(&self, at: &Path, bytes: PutPayload, opts: PutOptions) -> Result<PutResult> {
        self.inner.put_opts(at, bytes, opts).await
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(at, opts).await
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        let parquet = at.as_ref().ends_with(".parquet") && !options.head;
        let bytes = match &options.range {
            Some(GetRange::Bounded(range)) => range.end - range.start,
            Some(GetRange::Suffix(bytes)) => *bytes,
            _ => 0,
        };
        if parquet {
            self.count(bytes);
        }
        self.inner.get_opts(at, options).await
    }

    async fn get_ranges(&self, at: &Path, ranges: &[Range<u64>]) -> Result<Vec<bytes::Bytes>> {
        self.count(ranges.iter().map(|range| range.end - range.start).sum());
        self.inner.get_ranges(at, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.inner.rename_opts(from, to, options).await
    }
}

fn rule(path: &str) -> Rule {
    Rule { from: vec![Template::from(path.parse::<FieldPath>().unwrap())], ..Rule::default() }
}

fn column(name: &str, kind: ColumnKind, from: &str, lookup: bool) -> Column {
    Column { name: name.into(), kind, from: vec![from.parse().unwrap()], lookup }
}

/// A table as CloudTrail's, with fewer columns.
pub(crate) fn trail() -> Table {
    Table {
        source: "trail".into(),
        columns: vec![
            column("event_id", ColumnKind::Text, "id", true),
            column("request_id", ColumnKind::Text, "request", true),
            column("access_key_id", ColumnKind::Text, "identity.key", true),
            column(
                "identity",
                ColumnKind::Struct(vec![
                    column("kind", ColumnKind::Text, "kind", false),
                    column("arn", ColumnKind::Text, "arn", true),
                ]),
                "identity",
                false,
            ),
            column(
                "resources",
                ColumnKind::List(Box::new(ColumnKind::Struct(vec![
                    column("arn", ColumnKind::Text, "ARN", true),
                    column("type", ColumnKind::Text, "type", false),
                ]))),
                "resources",
                false,
            ),
            column("size", ColumnKind::Integer, "size", false),
        ],
        shared: Shared {
            time: TimeRule {
                from: vec![Template::from("time".parse::<FieldPath>().unwrap())],
                format: TimeFormat::Rfc3339,
            },
            account: rule("account"),
            region: rule("region"),
            actor: rule("identity.arn"),
            address: rule("address"),
            action: rule("name"),
            resource: rule("resources[0].ARN"),
            outcome: Rule { absent: Some("success".into()), ..rule("error") },
        },
        identity: vec!["id".parse().unwrap()],
    }
}

/// A second source without names of records.
pub(crate) fn flow() -> Table {
    Table {
        source: "flow".into(),
        columns: vec![column("bytes", ColumnKind::Integer, "bytes", false)],
        shared: Shared { actor: Rule::default(), resource: Rule::default(), ..trail().shared },
        identity: vec![],
    }
}

/// The n-th minute of the tests' day.
pub(crate) fn at(minute: i64) -> Timestamp {
    "2026-11-21T00:00:00Z".parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_mins(minute)
}

/// An event of the first source.
pub(crate) fn event(n: i64, time: Timestamp, account: Option<&str>) -> Value {
    json!({
        "id": format!("event-{n:06}"),
        "request": format!("request-{n:06}"),
        "time": time.to_string(),
        "account": account,
        "region": "ap-northeast-1",
        "name": if n % 3 == 0 { "GetObject" } else { "PutObject" },
        "address": format!("10.0.{}.{}", n / 250 % 250, n % 250),
        "identity": {"kind": "user", "arn": format!("arn:aws:iam::1:user/u{}", n % 7),
                     "key": format!("AKIA{:04}", n % 50)},
        "resources": [{"ARN": format!("arn:aws:s3:::bucket-{}", n % 2), "type": "AWS::S3::Bucket"},
                      {"ARN": format!("arn:aws:s3:::bucket-{}/key-{n}", n % 2), "type": "o"}],
        "size": n,
        "error": (n % 5 == 0).then_some("denied"),
    })
}

/// A lake for one test.
pub(crate) struct Bed {
    pub(crate) store: Arc<Counting>,
    pub(crate) lake: Lake,
    pub(crate) engine: Engine,
}

impl Bed {
    pub(crate) async fn empty() -> Self {
        let store = Arc::new(Counting::default());
        let location = LakeLocation::store(
            Arc::clone(&store) as Arc<dyn ObjectStore>,
            Path::from("lake"),
            "memory://lake".into(),
        );
        let lake = Lake::open(location, vec![trail(), flow()], LakeOptions::new(at(0)));
        let lake = lake.await.unwrap();
        let engine = Engine::new(lake.clone(), Some(Arc::new(Buckets)));
        Self { store, lake, engine }
    }

    /// Three days of two accounts and one without, a file each: 100 events a file; and ten
    /// records of the other source.
    pub(crate) async fn filled() -> Self {
        let bed = Self::empty().await;
        let mut n = 0;
        for day in 0..3 {
            for account in [Some("111111111111"), Some("222222222222"), None] {
                let events: Vec<Value> = (0..100)
                    .map(|minute| {
                        n += 1;
                        event(n, at(day * 24 * 60 + minute * 10), account)
                    })
                    .collect();
                bed.put("trail", &events).await;
            }
        }
        let flows: Vec<Value> = (0..10)
            .map(|n| {
                json!({"time": at(n).to_string(), "account": "111111111111", "region": "eu-west-1",
                       "address": "10.0.0.1", "name": "ACCEPT", "bytes": n * 100})
            })
            .collect();
        bed.put("flow", &flows).await;
        bed.store.take();
        bed
    }

    /// Commits events as one log object.
    pub(crate) async fn put(&self, source: &str, events: &[Value]) {
        let table = self.lake.tables().find(|table| table.source == source).unwrap().clone();
        let name = format!("{source}-{}", events[0]);
        let object = LogObject {
            location: name.clone(),
            key: name,
            version: None,
            etag: None,
            size_bytes: 1,
            modified: None,
        };
        let ingestion = self.lake.begin().await.unwrap();
        let mut worker = ingestion.worker().unwrap();
        let texts: Vec<String> = events.iter().map(Value::to_string).collect();
        let write = move || {
            let origin = Origin { object: Arc::from("log"), key_fields: Vec::new() };
            let mut builder = BatchBuilder::new(Arc::new(origin));
            for text in &texts {
                builder.push_json(text.as_bytes()).unwrap();
            }
            worker.begin_object(&object, &table.source);
            let appended = worker.append(&table, &builder.finish(), at(30 * 24 * 60)).unwrap();
            assert!(appended.refused.is_empty(), "{appended:?}");
            worker.finish_object().unwrap();
            worker.close().unwrap();
        };
        tokio::task::spawn_blocking(write).await.unwrap();
        ingestion.commit(at(0)).await.unwrap();
    }

    /// The rows of an answer as JSON texts.
    pub(crate) async fn ask(&self, sql: &str) -> std::result::Result<Vec<String>, QueryError> {
        self.ask_with(sql, &QueryOptions::default()).await
    }

    pub(crate) async fn ask_with(
        &self,
        sql: &str,
        options: &QueryOptions,
    ) -> std::result::Result<Vec<String>, QueryError> {
        let mut answer = self.engine.run(sql, options).await?;
        let mut rows = Vec::new();
        while let Some(page) = answer.next_rows().await? {
            rows.extend(page.into_iter().map(|row| Value::Array(row).to_string()));
        }
        Ok(rows)
    }

    /// Asserts the rows of an answer; without `ORDER BY` an answer has no order, and none is asked.
    pub(crate) async fn check(&self, sql: &str, expected: &[&str]) {
        let mut rows = match self.ask(sql).await {
            Ok(rows) => rows,
            Err(error) => panic!("{sql}: {error}"),
        };
        let mut expected: Vec<&str> = expected.to_vec();
        if !sql.contains("ORDER BY") {
            rows.sort_unstable();
            expected.sort_unstable();
        }
        assert_eq!(rows, expected, "{sql}");
    }
}

/// An inventory of two buckets, of which one was private yesterday.
#[derive(Debug)]
struct Buckets;

fn resources() -> RowTable {
    let text = |name: &str, filter| RowColumn { name: name.into(), kind: RowKind::Text, filter };
    RowTable {
        name: "resources".into(),
        columns: vec![
            text("key", true),
            text("account", false),
            RowColumn { name: "properties".into(), kind: RowKind::Json, filter: false },
            RowColumn { name: "seen".into(), kind: RowKind::Time, filter: false },
            RowColumn { name: "count".into(), kind: RowKind::Integer, filter: false },
            RowColumn { name: "public".into(), kind: RowKind::Boolean, filter: false },
        ],
        as_of: true,
    }
}

impl RowSource for Buckets {
    fn tables(&self) -> RowFuture<'_, Vec<RowTable>> {
        let accounts = RowTable { name: "accounts".into(), as_of: false, ..resources() };
        let broken = RowTable { name: "broken".into(), ..resources() };
        Box::pin(std::future::ready(Ok(vec![resources(), accounts, broken])))
    }

    fn read(&self, request: RowRequest) -> Box<dyn RowCursor> {
        Box::new(Page { request, done: false })
    }
}

struct Page {
    request: RowRequest,
    done: bool,
}

impl RowCursor for Page {
    fn next(&mut self) -> RowFuture<'_, Option<Vec<Vec<RowValue>>>> {
        if self.request.table == "broken" {
            let error =
                RowError { message: "the disk is on fire".into(), remedy: Some("run".into()) };
            return Box::pin(std::future::ready(Err(error)));
        }
        if std::mem::replace(&mut self.done, true) {
            return Box::pin(std::future::ready(Ok(None)));
        }
        let wanted = |key: &str| {
            self.request.filters.iter().all(|filter| filter.values.iter().any(|one| one == key))
        };
        let old = self.request.as_of.is_some_and(|time| time < at(0));
        let rows = ["bucket-0", "bucket-1"]
            .into_iter()
            .enumerate()
            .map(|(n, name)| (n, format!("arn:aws:s3:::{name}")))
            .filter(|(_, key)| wanted(key))
            .map(|(n, key)| {
                let public = n == 0 && !old;
                let row = [
                    RowValue::Text(key.clone()),
                    RowValue::Null,
                    RowValue::Text(format!("{{\"Public\":{public}}}")),
                    RowValue::Time(at(0)),
                    RowValue::Integer(i64::try_from(n).unwrap()),
                    RowValue::Boolean(public),
                ];
                self.request.columns.iter().map(|at| row[*at].clone()).collect()
            })
            .collect();
        Box::pin(std::future::ready(Ok(Some(rows))))
    }
}
