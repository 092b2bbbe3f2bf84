//! Whoever looks on while logs flow is asked before each commit, and nothing is committed that
//! could not be kept.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use yagura_collect::sources::{IngestError, Tap, TapError, ingest};
use yagura_model::event::EventBatch;

use super::bed::{Bed, event_ids, gzip, trail_text};

/// Counts what it sees, and fails to keep it when told to.
#[derive(Default)]
struct Watcher {
    records: AtomicU64,
    asked: AtomicU64,
    fails: AtomicBool,
}

impl Tap for Watcher {
    fn batch(&self, _source: &str, batch: &EventBatch) {
        self.records.fetch_add(batch.len() as u64, Ordering::SeqCst);
    }

    fn before_commit(&self) -> BoxFuture<'_, Result<(), TapError>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
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
    assert_eq!(watcher.asked.load(Ordering::SeqCst), 2);
    let mut job = bed.job(3).await;
    job.tap = watcher.clone();
    ingest(job).await.unwrap();
    assert_eq!(watcher.asked.load(Ordering::SeqCst), 2, "nothing new, nothing to keep");
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
