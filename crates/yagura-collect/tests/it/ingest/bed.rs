//! Where ingestion is tested: a folder of logs, a lake and a ledger of its own for each test.
//! Also what is in the lake afterwards, asked with SQL.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use yagura_collect::sources::feeds::folder::Folder;
use yagura_collect::sources::{Feed, IngestError, IngestLimits, Job, Outcome, ingest};
use yagura_content::Content;
use yagura_lake::query::{Engine, QueryOptions};
use yagura_lake::{Lake, LakeLocation, LakeOptions};
use yagura_store::{Location, Store};

use super::watched::{Hook, Watched};

pub(crate) const ACCOUNT: &str = "111122223333";

/// The n-th minute of the tests' day.
pub(crate) fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + minute * 60).unwrap()
}

/// Three sources: with names for records, without, and one of text.
fn content() -> Content {
    let mut content = Content::builtin().clone();
    content.sources.retain(|id, _| ["cloudtrail", "json_lines", "syslog"].contains(&id.as_str()));
    content
}

/// Folders for one test.
pub(crate) struct Bed {
    folder: Option<tempfile::TempDir>,
    root: PathBuf,
    /// Where the ledger is.
    pub(crate) ledger: Location,
}

impl Bed {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for name in ["logs", "lake", "locks"] {
            std::fs::create_dir(root.join(name)).unwrap();
        }
        let ledger = Location::in_folder(&root.join("data"));
        Self { folder: Some(folder), root, ledger }
    }

    /// The bed of another process.
    pub(crate) fn at(root: &Path, ledger: Location) -> Self {
        Self { folder: None, root: root.to_owned(), ledger }
    }

    pub(crate) fn root(&self) -> &Path {
        assert!(self.folder.is_none() || self.root.exists());
        &self.root
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    pub(crate) fn locks(&self) -> PathBuf {
        self.root.join("locks")
    }

    pub(crate) fn lake_folder(&self) -> PathBuf {
        self.root.join("lake")
    }

    /// Writes a file of logs, as its writer would: whole.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.logs().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let part = path.with_file_name(".part");
        std::fs::write(&part, bytes).unwrap();
        std::fs::rename(&part, &path).unwrap();
        path
    }

    /// A file of CloudTrail in AWS's layout, with the events of a range.
    pub(crate) fn trail(&self, number: u32, events: std::ops::Range<u32>) -> PathBuf {
        self.write(&trail_key(number), &gzip(&trail_text(events)))
    }

    /// A file of JSON lines, which have no identity: nothing but the ledger keeps them from being
    /// there twice.
    pub(crate) fn lines(&self, name: &str, lines: std::ops::Range<u32>) -> PathBuf {
        self.write(name, lines_text(lines).as_bytes())
    }

    pub(crate) async fn store(&self) -> Store {
        Store::open(&self.ledger).await.unwrap()
    }

    pub(crate) async fn lake(&self, minute: i64) -> Lake {
        self.watched_lake(minute, None).await.unwrap()
    }

    pub(crate) async fn watched_lake(
        &self,
        minute: i64,
        hook: Option<Hook>,
    ) -> Result<Lake, yagura_lake::LakeError> {
        let mut location = LakeLocation::folder(&self.lake_folder())?;
        if let Some(hook) = hook {
            location.store = Arc::new(Watched { inner: location.store, hook });
        }
        let options = LakeOptions { memory_bytes: 16 << 20, ..LakeOptions::new(at(minute)) };
        Lake::open(location, content().tables(), options).await
    }

    /// A job over the folder of logs.
    pub(crate) async fn job(&self, minute: i64) -> Job {
        let feed = Folder::new(&self.logs(), None).unwrap();
        let lake = self.lake(minute).await;
        self.job_of(minute, vec![Arc::new(feed)], lake).await
    }

    pub(crate) async fn job_of(&self, minute: i64, feeds: Vec<Arc<dyn Feed>>, lake: Lake) -> Job {
        Job {
            feeds,
            content: Arc::new(content()),
            lake,
            ledger: self.store().await.ledger(),
            tap: Arc::new(()),
            limits: IngestLimits {
                workers: 2,
                commit_every: Duration::from_secs(3_600),
                ..IngestLimits::default()
            },
            clock: Arc::new(move || at(minute)),
            progress: Arc::new(|_| {}),
            cancel: CancellationToken::new(),
            locks: Some(self.locks()),
        }
    }

    pub(crate) async fn run(&self, minute: i64) -> Outcome {
        self.try_run(minute).await.unwrap()
    }

    pub(crate) async fn try_run(&self, minute: i64) -> Result<Outcome, IngestError> {
        let outcome = ingest(self.job(minute).await).await?;
        self.check(&outcome).await;
        Ok(outcome)
    }

    /// What must hold after every run.
    pub(crate) async fn check(&self, outcome: &Outcome) {
        assert!(outcome.balance.closes(), "{outcome:?}");
        for (feed, balance) in self.store().await.ledger().balances().await.unwrap() {
            assert!(balance.closes(), "{feed}: {balance:?}");
        }
    }

    /// One column of a table of the lake, sorted.
    pub(crate) async fn column(&self, table: &str, column: &str) -> Vec<String> {
        let engine = Engine::new(self.lake(9_000).await, None);
        let sql = format!("SELECT {column} FROM {table} ORDER BY {column}");
        let options = QueryOptions { row_limit: None, ..QueryOptions::default() };
        let mut answer = engine.run(&sql, &options).await.unwrap();
        let mut found = Vec::new();
        while let Some(rows) = answer.next_rows().await.unwrap() {
            found.extend(rows.into_iter().map(|row| row[0].as_str().unwrap().to_owned()));
        }
        found.sort();
        found
    }

    pub(crate) async fn events(&self) -> Vec<String> {
        self.column("cloudtrail", "event_id").await
    }

    pub(crate) async fn messages(&self) -> Vec<String> {
        self.column("json_lines", "message").await
    }

    /// Files of the lake that belong to no commit: what a crash may not leave behind.
    pub(crate) async fn leftovers(&self) -> Vec<PathBuf> {
        let lake = self.lake(9_000).await;
        let snapshot = lake.snapshot().await.unwrap();
        let known: Vec<PathBuf> =
            snapshot.files().map(|file| self.lake_folder().join(&file.path)).collect();
        for path in &known {
            assert!(path.exists(), "a commit names `{}`", path.display());
        }
        files_under(&self.lake_folder())
            .into_iter()
            .filter(|path| {
                let text = path.to_str().unwrap();
                let own = ["_yagura/commits/", "_yagura/checkpoints/", "_quarantine/"];
                !known.contains(path) && !own.iter().any(|own| text.contains(own))
            })
            .collect()
    }
}

pub(crate) fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_under(&path));
        } else {
            found.push(path);
        }
    }
    found
}

pub(crate) fn trail_key(number: u32) -> String {
    format!(
        "AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2026/09/21/\
         {ACCOUNT}_CloudTrail_us-east-1_20260921T1400Z_{number:016}.json.gz"
    )
}

pub(crate) fn event_id(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

pub(crate) fn event_ids(events: std::ops::Range<u32>) -> Vec<String> {
    events.map(event_id).collect()
}

pub(crate) fn trail_text(events: std::ops::Range<u32>) -> String {
    let records: Vec<_> = events
        .map(|number| {
            json!({
                "eventVersion": "1.11",
                "userIdentity": {"type": "IAMUser", "accountId": ACCOUNT, "userName": "alice"},
                "eventTime": at(i64::from(number % 60) - 60).to_string(),
                "eventSource": "s3.amazonaws.com",
                "eventName": "GetObject",
                "awsRegion": "us-east-1",
                "sourceIPAddress": "192.0.2.1",
                "eventID": event_id(number),
                "eventType": "AwsApiCall",
                "recipientAccountId": ACCOUNT,
            })
        })
        .collect();
    json!({ "Records": records }).to_string()
}

pub(crate) fn line(number: u32) -> String {
    format!("line {number:06}")
}

pub(crate) fn line_texts(lines: std::ops::Range<u32>) -> Vec<String> {
    lines.map(line).collect()
}

pub(crate) fn lines_text(lines: std::ops::Range<u32>) -> String {
    lines
        .map(|number| {
            let time = at(i64::from(number % 60) - 60).to_string();
            format!("{}\n", json!({"timestamp": time, "level": "info", "message": line(number)}))
        })
        .collect()
}

pub(crate) fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}
