//! Whoever looks on while logs flow is asked before each commit, and nothing is committed that
//! could not be kept.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use jiff::Timestamp;
use yagura_collect::sources::{IngestError, ReadLimits, Reading, Tap, TapError, ingest, read};
use yagura_model::event::EventBatch;
use yagura_model::object::minute_start;

use super::bed::{Bed, event_ids, gzip, trail_text};

/// Counts what it sees, and fails to keep it when told to.
#[derive(Default)]
struct Watcher {
    records: AtomicU64,
    /// For each commit whether it was said to be the last.
    asked: Mutex<Vec<bool>>,
    fails: AtomicBool,
}

impl Tap for Watcher {
    fn batch(&self, _source: &str, batch: &EventBatch) {
        self.records.fetch_add(batch.len() as u64, Ordering::SeqCst);
    }

    fn before_commit(&self, last: bool) -> BoxFuture<'_, Result<(), TapError>> {
        self.asked.lock().unwrap().push(last);
        let failed = self.fails.load(Ordering::SeqCst);
        Box::pin(
            async move { if failed { Err(TapError("the disk is full".into())) } else { Ok(()) } },
        )
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_committed_that_could_not_be_kept_and_it_comes_again() {
    let bed = Bed::new();
    bed.trail(1, 0..10);
    let watcher = Arc::new(Watcher::default());
    watcher.fails.store(true, Ordering::SeqCst);
    let mut job = bed.job(1).await;
    job.tap = watcher.clone();
    let error = ingest(job).await.unwrap_err();
    assert!(matches!(error, IngestError::Tap(_)), "{error}");
    assert!(error.remedy().is_some());
    assert_eq!(bed.events().await, Vec::<String>::new());
    assert_eq!(bed.leftovers().await, Vec::<std::path::PathBuf>::new());
    watcher.fails.store(false, Ordering::SeqCst);
    let mut job = bed.job(2).await;
    job.tap = watcher.clone();
    let outcome = ingest(job).await.unwrap();
    bed.check(&outcome).await;
    assert_eq!(bed.events().await, event_ids(0..10));
    assert_eq!(watcher.records.load(Ordering::SeqCst), 20, "they were shown again");
    assert_eq!(*watcher.asked.lock().unwrap(), [true, true]);
    let mut job = bed.job(3).await;
    job.tap = watcher.clone();
    ingest(job).await.unwrap();
    assert_eq!(watcher.asked.lock().unwrap().len(), 2, "nothing new, nothing to keep");
}

/// Remembers from when on records were said to come, and of which minute each batch was.
#[derive(Default)]
struct Timed(Mutex<Vec<(bool, Timestamp)>>);

impl Tap for Timed {
    fn batch(&self, _source: &str, batch: &EventBatch) {
        let object = &batch.record(0).unwrap().origin().object;
        let Some((_, stamp)) = object.split_once("us-east-1_") else { return };
        let mut numbers = stamp.split(['T', 'Z']).map_while(|part| part.parse::<u64>().ok());
        let minute = numbers.next().unwrap() * 10_000 + numbers.next().unwrap();
        self.0.lock().unwrap().push((false, minute_start(minute).unwrap()));
    }

    fn reached(&self, from: Timestamp) {
        self.0.lock().unwrap().push((true, from));
    }
}

/// What is told of twenty days' files, once when they are ingested and once when they are read.
async fn told_of_days(bed: &Bed, workers: usize) -> [Vec<(bool, Timestamp)>; 2] {
    for day in 10..30 {
        for hour in [3, 9, 21] {
            let key = format!(
                "AWSLogs/111122223333/CloudTrail/us-east-1/2026/09/{day}/\
                 111122223333_CloudTrail_us-east-1_202609{day}T{hour:02}05Z_AbCd.json.gz"
            );
            let first = day * 100 + hour;
            bed.write(&key, &gzip(&trail_text(first..first + 1)));
        }
    }
    let timed = Arc::new(Timed::default());
    let mut job = bed.job(1).await;
    job.tap = timed.clone();
    job.limits.workers = workers;
    let reading = Reading {
        feeds: job.feeds.clone(),
        content: Arc::clone(&job.content),
        tap: timed.clone(),
        limits: ReadLimits { workers, ..ReadLimits::default() },
        progress: Arc::new(|_| ()),
        cancel: job.cancel.clone(),
    };
    ingest(job).await.unwrap();
    let ingested = std::mem::take(&mut *timed.0.lock().unwrap());
    read(reading).await.unwrap();
    let read = std::mem::take(&mut *timed.0.lock().unwrap());
    [ingested, read]
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_looks_on_is_told_from_when_on_records_come() {
    let last: Timestamp = "2026-09-29T00:00:00Z".parse().unwrap();
    for workers in [1, 2] {
        for told in told_of_days(&Bed::new(), workers).await {
            assert_eq!(told.iter().filter(|(reached, _)| !reached).count(), 60);
            let (_, newest) = *told.iter().filter(|(reached, _)| *reached).max().unwrap();
            // Of two workers one may stay behind with an early object.
            assert!(workers > 1 || newest >= last, "{told:?}");
            for (at, (_, from)) in told.iter().enumerate().filter(|(_, (reached, _))| *reached) {
                let mut later = told[at..].iter().filter(|(reached, _)| !reached);
                assert!(later.all(|(_, minute)| minute >= from), "{told:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_name_tells_no_time_nothing_is_promised() {
    let bed = Bed::new();
    bed.lines("app/notes.jsonl", 0..3);
    for told in told_of_days(&bed, 1).await {
        assert_eq!(told.iter().filter(|(reached, _)| !reached).count(), 60);
        assert!(told.iter().all(|(reached, _)| !reached), "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_looks_on_is_told_which_commit_is_the_last() {
    let bed = Bed::new();
    for number in 0..5 {
        bed.trail(number, number * 10..number * 10 + 10);
    }
    let watcher = Arc::new(Watcher::default());
    let mut job = bed.job(1).await;
    job.tap = watcher.clone();
    (job.limits.workers, job.limits.commit_objects) = (1, 2);
    ingest(job).await.unwrap();
    assert_eq!(*watcher.asked.lock().unwrap(), [false, false, true]);
}

/// Notes the objects in the order in which it meets them.
#[derive(Default)]
struct Reader(Mutex<Vec<String>>);

impl Tap for Reader {
    fn batch(&self, _source: &str, batch: &EventBatch) {
        let mut objects = self.0.lock().unwrap();
        for record in batch {
            let object = &record.origin().object;
            if objects.last().is_none_or(|last| **last != **object) {
                objects.push(object.to_string());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_accounts_of_a_day_are_read_before_the_next_day() {
    let bed = Bed::new();
    let key = |account: &str, day: u32| {
        format!(
            "AWSLogs/{account}/CloudTrail/eu-west-1/2026/11/{day:02}/\
             {account}_CloudTrail_eu-west-1_202611{day:02}T0005Z_0123456789abcdef.json.gz"
        )
    };
    let mut number = 0;
    for account in ["444455556666", "111122223333"] {
        for day in 1..4 {
            bed.write(&key(account, day), &gzip(&trail_text(number..number + 2)));
            number += 2;
        }
    }
    let reader = Arc::new(Reader::default());
    let mut job = bed.job(1).await;
    job.limits.workers = 1;
    job.tap = reader.clone();
    let outcome = ingest(job).await.unwrap();
    bed.check(&outcome).await;
    assert_eq!(bed.events().await, event_ids(0..12));
    let read = reader.0.lock().unwrap().clone();
    let days: Vec<u32> = read
        .iter()
        .map(|key| (1..4).find(|day| key.contains(&format!("/{day:02}/"))).unwrap())
        .collect();
    assert_eq!(days, [1, 1, 2, 2, 3, 3], "{read:?}");
}
