//! Where tests run: a fresh `SQLite` file, and a fresh PostgreSQL schema where
//! `YAGURA_TEST_POSTGRES_URL` names a server. Also the smallest resources that tests need.

use std::sync::atomic::{AtomicU32, Ordering};

use futures::TryStreamExt as _;
use jiff::Timestamp;
use serde_json::{Value, json};
use yagura_model::{
    Coverage, CoverageState, Resource, Unread, UnreadReason, Verdict, VerdictStatus,
};
use yagura_store::{
    Account, Location, Options, ResourceFilter, ScanId, ScanOutcome, ScanStart, Store,
};

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const REGION: &str = "ap-northeast-1";
pub(crate) const BUCKET: &str = "AWS::S3::Bucket";
pub(crate) const POSTGRES: &str = "YAGURA_TEST_POSTGRES_URL";

/// A database of its own for one test.
pub(crate) struct Bed {
    pub(crate) location: Location,
    folder: Option<tempfile::TempDir>,
}

static SCHEMAS: AtomicU32 = AtomicU32::new(0);

/// One bed for each kind of database at hand.
pub(crate) async fn beds() -> Vec<Bed> {
    let mut beds = vec![Bed::sqlite()];
    if let Ok(url) = std::env::var(POSTGRES) {
        beds.push(Bed::postgres(&url).await);
    }
    beds
}

impl Bed {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { location: Location::in_folder(folder.path()), folder: Some(folder) }
    }

    /// Runs statements beside the store, in a database that need not be there yet.
    pub(crate) async fn change(&self, sql: impl Into<String>) {
        let sql = sqlx::AssertSqlSafe(sql.into());
        match &self.location {
            Location::Sqlite(file) => {
                let url = format!("sqlite://{}?mode=rwc", file.display());
                let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
                sqlx::raw_sql(sql).execute(&pool).await.unwrap();
                pool.close().await;
            }
            Location::Postgres(url) => {
                let pool = sqlx::PgPool::connect(url).await.unwrap();
                sqlx::raw_sql(sql).execute(&pool).await.unwrap();
                pool.close().await;
            }
        }
    }

    async fn postgres(url: &str) -> Self {
        let number = SCHEMAS.fetch_add(1, Ordering::Relaxed);
        let schema = format!("test_{}_{number}", std::process::id());
        let pool = sqlx::PgPool::connect(url).await.unwrap();
        let make = format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(make)).execute(&pool).await.unwrap();
        pool.close().await;
        let join = if url.contains('?') { '&' } else { '?' };
        let url = format!("{url}{join}options=-csearch_path%3D{schema}");
        Self { location: Location::Postgres(url), folder: None }
    }

    pub(crate) async fn open(&self) -> Store {
        Store::open(&self.location).await.unwrap()
    }

    pub(crate) async fn open_with(&self, options: &Options) -> Store {
        Store::open_with(&self.location, options).await.unwrap()
    }

    pub(crate) fn folder(&self) -> Option<&std::path::Path> {
        self.folder.as_ref().map(tempfile::TempDir::path)
    }

    pub(crate) fn file(&self) -> std::path::PathBuf {
        self.folder.as_ref().unwrap().path().join(yagura_store::DATABASE_FILE)
    }
}

/// The n-th minute of the tests' day.
pub(crate) fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + minute * 60).unwrap()
}

pub(crate) fn start(minute: i64) -> ScanStart {
    ScanStart {
        started: at(minute),
        accounts: vec![Account { id: ACCOUNT.into(), name: "prod".into(), ou: "/Work".into() }],
        regions: vec![REGION.into()],
        controls: vec![],
        full: true,
    }
}

pub(crate) fn bucket(name: &str, properties: Value) -> Resource {
    Resource {
        key: format!("arn:aws:s3:::{name}"),
        arn: Some(format!("arn:aws:s3:::{name}")),
        id: name.into(),
        type_name: BUCKET.into(),
        account: ACCOUNT.into(),
        region: REGION.into(),
        name: name.into(),
        properties: properties.as_object().unwrap().clone(),
        ..Resource::default()
    }
}

pub(crate) fn unread(path: &str, reason: UnreadReason) -> Unread {
    Unread {
        path: path.parse().unwrap(),
        partial: false,
        reason,
        call: "s3:GetBucketEncryption".into(),
        action: String::new(),
        detail: String::new(),
    }
}

pub(crate) fn denied(path: &str) -> Unread {
    unread(path, UnreadReason::Denied)
}

pub(crate) fn blind(resource: Resource, entries: Vec<Unread>) -> Resource {
    Resource { unread: entries, ..resource }
}

pub(crate) fn listed(region: &str, state: CoverageState, count: u64) -> Coverage {
    Coverage {
        account: ACCOUNT.into(),
        region: region.into(),
        type_name: BUCKET.into(),
        state,
        count,
    }
}

/// A whole scan of buckets, completely listed unless told otherwise.
pub(crate) async fn scan(store: &Store, minute: i64, seen: &[Resource]) -> ScanId {
    let count = seen.len() as u64;
    scan_with(store, minute, seen, CoverageState::Complete, count).await
}

pub(crate) async fn scan_with(
    store: &Store,
    minute: i64,
    seen: &[Resource],
    state: CoverageState,
    count: u64,
) -> ScanId {
    let id = store.begin_scan(&start(minute)).await.unwrap();
    store.put_resources(id, seen).await.unwrap();
    store.put_coverage(id, &[listed("global", state, count)]).await.unwrap();
    store.finish_scan(id, ScanOutcome::Complete, at(minute)).await.unwrap();
    id
}

/// What a scan saw, by key.
pub(crate) async fn seen_by(store: &Store, scan: ScanId) -> Vec<Resource> {
    let all = ResourceFilter::default();
    let mut found: Vec<_> = store.scan_resources(scan, &all).try_collect().await.unwrap();
    found.sort_by(|a: &Resource, b| a.key.cmp(&b.key));
    found
}

/// What was known at a minute, by key.
pub(crate) async fn known_at(store: &Store, minute: i64) -> Vec<Resource> {
    let all = ResourceFilter::default();
    let mut found: Vec<_> = store.resources_at(at(minute), &all).try_collect().await.unwrap();
    found.sort_by(|a: &Resource, b| a.key.cmp(&b.key));
    found
}

pub(crate) fn verdict(control: &str, name: &str, status: VerdictStatus) -> Verdict {
    Verdict {
        control: control.into(),
        status,
        severity: yagura_model::Severity::High,
        key: format!("arn:aws:s3:::{name}"),
        type_name: BUCKET.into(),
        account: ACCOUNT.into(),
        region: REGION.into(),
        name: name.into(),
        evidence: match status {
            VerdictStatus::Fail => vec![("properties.On".into(), json!(false))],
            _ => vec![],
        },
        unread: match status {
            VerdictStatus::Unknown => vec![denied("properties.On")],
            _ => vec![],
        },
        exception: None,
    }
}
