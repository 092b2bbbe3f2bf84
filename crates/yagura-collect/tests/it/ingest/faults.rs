//! Trouble from outside: full disks, read-only folders, feeds that break, a person who interrupts.
//! Killed processes are in `kills.rs`.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use yagura_collect::sources::feeds::folder::Folder;
use yagura_collect::sources::{Feed, FeedError, IngestError, Page, Scope, Tap, ingest};
use yagura_model::event::EventBatch;
use yagura_model::object::LogObject;
use yagura_store::ledger::{EntryFilter, reason};

use super::bed::{Bed, event_ids, line_texts};
use super::watched::Hook;

/// A disk that is full from the n-th change on, until there is room again.
fn full_after(changes: u64, room: &Arc<AtomicBool>) -> Hook {
    let (count, room) = (AtomicU64::new(0), Arc::clone(room));
    Arc::new(move |what, _| {
        if what == "after put" || what == "delete" || room.load(Ordering::Relaxed) {
            return Ok(());
        }
        if count.fetch_add(1, Ordering::Relaxed) >= changes {
            return Err(std::io::Error::from(std::io::ErrorKind::StorageFull));
        }
        Ok(())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_at_any_point_loses_nothing() {
    for changes in 0..12 {
        let bed = Bed::new();
        for number in 0..6 {
            bed.trail(number, number * 10..number * 10 + 10);
            bed.lines(&format!("app/{number}.jsonl"), number * 10..number * 10 + 10);
        }
        let room = Arc::new(AtomicBool::new(false));
        let hook = full_after(changes, &room);
        let feed: Arc<dyn Feed> = Arc::new(Folder::new(&bed.logs(), None).unwrap());
        if let Ok(lake) = bed.watched_lake(1, Some(hook)).await {
            let mut job = bed.job_of(1, vec![Arc::clone(&feed)], lake.clone()).await;
            job.limits.commit_objects = 4;
            match ingest(job).await {
                Err(error) => {
                    let text = format!("{error:?}");
                    assert!(matches!(error, IngestError::Lake(_)), "{text}");
                    assert!(text.contains("StorageFull"), "{text}");
                    assert!(error.remedy().unwrap().contains("room"));
                }
                // How many changes the work takes hangs on how objects fall into commits.
                Ok(outcome) => assert!(changes > 6, "full after {changes}: {outcome:?}"),
            }
        }
        room.store(true, Ordering::Relaxed);
        let balance = bed.store().await.ledger().balance(None).await.unwrap();
        assert!(balance.closes(), "{balance:?}");
        bed.run(2).await;
        assert_eq!(bed.events().await, event_ids(0..60), "full after {changes} changes");
        assert_eq!(bed.messages().await, line_texts(0..60), "full after {changes} changes");
        assert_eq!(bed.leftovers().await, Vec::<std::path::PathBuf>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_that_cannot_be_written_is_said_and_everything_stays_pending() {
    let bed = Bed::new();
    bed.lines("app/a.jsonl", 0..5);
    let denied = || std::io::Error::from(std::io::ErrorKind::PermissionDenied);
    let hook: Hook = Arc::new(move |_, _| Err(denied()));
    let feed: Arc<dyn Feed> = Arc::new(Folder::new(&bed.logs(), None).unwrap());
    let lake = bed.watched_lake(1, Some(hook)).await.unwrap();
    let error = ingest(bed.job_of(1, vec![feed], lake).await).await.unwrap_err();
    assert!(matches!(error, IngestError::Lake(_)), "{error:?}");
    assert_eq!(error.to_string(), "cannot write the log lake");
    let balance = bed.store().await.ledger().balance(None).await.unwrap();
    assert_eq!((balance.pending, balance.ingested), (1, 0));
    assert_eq!(bed.run(2).await.rows, 5);
}

/// A folder some of whose files cannot be opened or read, for some time.
struct Broken {
    folder: Folder,
    /// Files whose names contain this fail …
    name: &'static str,
    /// … so many times.
    times: u64,
    tried: AtomicU64,
    how: fn(&LogObject) -> FeedError,
    /// Whether it fails while it is read rather than when it is opened.
    reading: bool,
}

impl Broken {
    fn new(bed: &Bed, name: &'static str, times: u64) -> Self {
        let how = |object: &LogObject| FeedError::Denied {
            attempt: "open",
            location: object.location.clone(),
            source: Arc::new(std::io::Error::other("s3:GetObject is missing")),
        };
        let folder = Folder::new(&bed.logs(), None).unwrap();
        Self { folder, name, times, tried: AtomicU64::new(0), how, reading: false }
    }
}

struct BreakingReader<'a>(Box<dyn Read + Send + 'a>, bool);

impl Read for BreakingReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.1 {
            return Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
        }
        self.1 = true;
        let some = buffer.len().min(100);
        self.0.read(&mut buffer[..some])
    }
}

impl Feed for Broken {
    fn name(&self) -> &str {
        self.folder.name()
    }

    fn list(&self, scope: Scope) -> BoxStream<'_, Result<Page, FeedError>> {
        self.folder.list(scope)
    }

    fn open(&self, object: &LogObject) -> Result<Box<dyn Read + Send + '_>, FeedError> {
        let fails = object.key.contains(self.name)
            && self.tried.fetch_add(1, Ordering::Relaxed) < self.times;
        match (fails, self.reading) {
            (true, true) => Ok(Box::new(BreakingReader(self.folder.open(object)?, false))),
            (true, false) => Err((self.how)(object)),
            (false, _) => self.folder.open(object),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_denied_stays_pending_and_the_others_go_on() {
    let bed = Bed::new();
    bed.lines("app/a.jsonl", 0..5);
    bed.lines("app/denied.jsonl", 5..9);
    let feed: Arc<dyn Feed> = Arc::new(Broken::new(&bed, "denied", u64::MAX));
    let outcome = ingest(bed.job_of(1, vec![feed], bed.lake(1).await).await).await.unwrap();
    bed.check(&outcome).await;
    assert_eq!((outcome.rows, outcome.unread_count), (5, 1), "{outcome:?}");
    assert_eq!(outcome.unread[0].reason, reason::FAILED);
    assert!(outcome.unread[0].detail.contains("s3:GetObject"), "{outcome:?}");
    assert_eq!(outcome.balance.pending, 1);
    let entries = bed.store().await.ledger().entries(&EntryFilter::default(), 9).await.unwrap();
    let denied = entries.iter().find(|entry| entry.object.key.contains("denied")).unwrap();
    assert_eq!((denied.attempts, denied.claimed_by.as_deref()), (1, None));
    // Once it is allowed, the next run reads it.
    assert_eq!(bed.run(2).await.rows, 4);
    assert_eq!(bed.messages().await, line_texts(0..9));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_is_tried_again_from_the_beginning() {
    let bed = Bed::new();
    bed.lines("app/a.jsonl", 0..500);
    let feed: Arc<dyn Feed> = Arc::new(Broken { reading: true, ..Broken::new(&bed, "a", 2) });
    let outcome = ingest(bed.job_of(1, vec![feed], bed.lake(1).await).await).await.unwrap();
    assert_eq!((outcome.rows, outcome.unread_count), (500, 0), "{outcome:?}");
    assert_eq!(bed.messages().await, line_texts(0..500));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_is_told_and_read_when_it_comes_back() {
    let bed = Bed::new();
    bed.lines("app/a.jsonl", 0..5);
    let how = |object: &LogObject| FeedError::Gone { location: object.location.clone() };
    let feed: Arc<dyn Feed> = Arc::new(Broken { how, ..Broken::new(&bed, "a", 1) });
    let outcome = ingest(bed.job_of(1, vec![feed], bed.lake(1).await).await).await.unwrap();
    assert_eq!((outcome.rows, outcome.quarantined), (0, 1), "{outcome:?}");
    assert_eq!(outcome.quarantines[0].reason, reason::GONE);
    assert_eq!(bed.run(2).await.rows, 5);
}

/// Lists a page, and then cannot go on.
struct HalfListed(Folder);

impl Feed for HalfListed {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn list(&self, scope: Scope) -> BoxStream<'_, Result<Page, FeedError>> {
        let denied = FeedError::Failed {
            attempt: "list",
            location: "page 2".into(),
            source: Arc::new(std::io::Error::other("throttled")),
        };
        self.0.list(scope).chain(stream::iter([Err(denied)])).boxed()
    }

    fn open(&self, object: &LogObject) -> Result<Box<dyn Read + Send + '_>, FeedError> {
        self.0.open(object)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_breaks_off_is_told_and_made_again_in_full() {
    let bed = Bed::new();
    bed.lines("app/a.jsonl", 0..5);
    let feed: Arc<dyn Feed> = Arc::new(HalfListed(Folder::new(&bed.logs(), None).unwrap()));
    let outcome = ingest(bed.job_of(1, vec![feed], bed.lake(1).await).await).await.unwrap();
    assert_eq!((outcome.rows, outcome.unlisted.len()), (5, 1), "{outcome:?}");
    assert!(outcome.unlisted[0].detail.contains("throttled"));
    let ledger = bed.store().await.ledger();
    let feed = bed.logs().to_str().unwrap().to_owned();
    assert_eq!(ledger.last_full_listing(&feed).await.unwrap(), None);
    assert!(ledger.listings(&feed, 1).await.unwrap()[0].failure.is_some());
}

/// Interrupts after the first batch.
struct Interrupting(tokio_util::sync::CancellationToken);

impl Tap for Interrupting {
    fn batch(&self, _source: &str, _batch: &EventBatch) {
        self.0.cancel();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn interrupted_nothing_is_half_done_and_the_next_run_goes_on() {
    let bed = Bed::new();
    for number in 0..20 {
        bed.lines(&format!("app/{number}.jsonl"), number * 10..number * 10 + 10);
    }
    let mut job = bed.job(1).await;
    job.tap = Arc::new(Interrupting(job.cancel.clone()));
    let outcome = ingest(job).await.unwrap();
    bed.check(&outcome).await;
    assert!(outcome.interrupted);
    assert!(outcome.rows < 200, "{outcome:?}");
    assert_eq!(outcome.rows % 10, 0, "files are whole");
    assert_eq!(bed.run(2).await.rows, 200 - outcome.rows);
    assert_eq!(bed.messages().await, line_texts(0..200));
    assert_eq!(bed.leftovers().await, Vec::<std::path::PathBuf>::new());
}
