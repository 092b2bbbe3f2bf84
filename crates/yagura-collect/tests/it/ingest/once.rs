//! Nothing twice, nothing left out: what is listed late, again, changed, or by several feeds.
//! Killed processes are in `kills.rs`.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::stream::BoxStream;
use yagura_collect::sources::feeds::folder::Folder;
use yagura_collect::sources::feeds::stdin;
use yagura_collect::sources::{Feed, FeedError, IngestError, Page, Scope, Tap, ingest};
use yagura_model::event::EventBatch;
use yagura_model::object::LogObject;
use yagura_store::ledger::{EntryFilter, ObjectState, reason};

use super::bed::{Bed, event_ids, gzip, line_texts, lines_text, trail_key, trail_text};

#[tokio::test(flavor = "multi_thread")]
async fn every_record_is_there_once_and_a_second_run_changes_nothing() {
    let bed = Bed::new();
    bed.trail(1, 0..40);
    bed.trail(2, 40..80);
    bed.lines("app/a.jsonl", 0..50);
    let outcome = bed.run(1).await;
    assert_eq!((outcome.ingested, outcome.rows, outcome.counts.commits), (3, 130, 1));
    assert_eq!(outcome.counts.objects_done, 3);
    assert!(outcome.counts.listed && !outcome.interrupted);
    assert_eq!(bed.events().await, event_ids(0..80));
    assert_eq!(bed.messages().await, line_texts(0..50));
    let again = bed.run(2).await;
    assert_eq!((again.ingested, again.rows, again.counts.commits), (0, 0, 0));
    assert_eq!((again.counts.objects_listed, again.counts.objects_to_read), (3, 0));
    assert_eq!(bed.messages().await.len(), 50);
    assert_eq!(bed.leftovers().await, Vec::<std::path::PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn late_and_out_of_order_keys_are_read() {
    let bed = Bed::new();
    bed.lines("app/m.jsonl", 0..5);
    bed.run(1).await;
    // Before and after what is known, in the order of names.
    bed.lines("app/a.jsonl", 5..10);
    bed.lines("app/z.jsonl", 10..15);
    bed.lines("0/late.jsonl", 15..20);
    let outcome = bed.run(2).await;
    assert_eq!(outcome.ingested, 3);
    assert_eq!(bed.messages().await, line_texts(0..20));
}

#[tokio::test(flavor = "multi_thread")]
async fn records_delivered_twice_are_rows_once() {
    let bed = Bed::new();
    bed.trail(1, 0..40);
    bed.run(1).await;
    bed.trail(2, 20..60);
    let outcome = bed.run(2).await;
    assert_eq!((outcome.rows, outcome.repeats), (20, 20));
    assert_eq!(bed.events().await, event_ids(0..60));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_overwritten_with_other_content_is_another_object() {
    let bed = Bed::new();
    bed.lines("app/a.jsonl", 0..5);
    bed.run(1).await;
    bed.lines("app/a.jsonl", 5..11);
    let outcome = bed.run(2).await;
    assert_eq!((outcome.ingested, outcome.rows), (1, 6));
    assert_eq!(bed.messages().await, line_texts(0..11));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_content_written_again_is_a_duplicate() {
    let bed = Bed::new();
    let path = bed.lines("app/a.jsonl", 0..5);
    bed.run(1).await;
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    let later = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_900_000_000);
    file.set_modified(later).unwrap();
    let outcome = bed.run(2).await;
    assert_eq!((outcome.ingested, outcome.duplicate, outcome.rows), (0, 1, 0));
    assert_eq!(bed.messages().await, line_texts(0..5));
    assert_eq!((outcome.balance.listed, outcome.balance.duplicate), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nothing_recognizes_is_quarantined_and_can_be_reopened() {
    let bed = Bed::new();
    bed.write("noise.bin", &[0, 159, 146, 150].repeat(100));
    bed.write("empty.log", b"");
    bed.lines("app/a.jsonl", 0..5);
    let outcome = bed.run(1).await;
    assert_eq!((outcome.ingested, outcome.quarantined), (1, 2));
    let mut reasons: Vec<_> = outcome.quarantines.iter().map(|q| q.reason.as_str()).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, [reason::EMPTY, reason::NOT_RECOGNIZED]);
    assert_eq!(bed.run(2).await.quarantined, 0, "known");
    let ledger = bed.store().await.ledger();
    let feed = bed.logs().to_str().unwrap().to_owned();
    assert_eq!(ledger.reopen(&feed, &[reason::NOT_RECOGNIZED]).await.unwrap(), 1);
    assert_eq!(bed.run(3).await.quarantined, 1);
    assert!(bed.logs().join("noise.bin").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn good_records_of_a_damaged_file_are_kept_and_the_rest_is_counted() {
    let bed = Bed::new();
    let whole = gzip(&lines_text(0..2_000));
    bed.write("app/cut.jsonl.gz", &whole[..whole.len() / 2]);
    bed.write("app/bad.jsonl", format!("{}{{\"broken\n", lines_text(5_000..5_003)).as_bytes());
    let outcome = bed.run(1).await;
    assert_eq!((outcome.ingested, outcome.quarantined), (2, 0), "{outcome:?}");
    assert_eq!(outcome.quarantines.len(), 2, "{outcome:?}");
    assert!(outcome.quarantines.iter().all(|q| q.pieces > 0), "{outcome:?}");
    let messages = bed.messages().await;
    assert_eq!(messages.len() as u64, outcome.rows);
    assert!(outcome.rows > 500 && outcome.rows < 2_003, "{outcome:?}");
    assert_eq!(bed.run(2).await.rows, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_may_be_named_and_must_exist() {
    let bed = Bed::new();
    bed.lines("app/a.jsonl", 0..5);
    let feed = |source: &str| -> Arc<dyn Feed> {
        Arc::new(Folder::new(&bed.logs(), Some(source.into())).unwrap())
    };
    let job = bed.job_of(1, vec![feed("nonsense")], bed.lake(1).await).await;
    let error = ingest(job).await.unwrap_err();
    assert!(matches!(&error, IngestError::UnknownSource(name) if name == "nonsense"), "{error}");
    let twice = vec![feed("json_lines"), feed("json_lines")];
    let job = bed.job_of(1, twice, bed.lake(1).await).await;
    assert!(matches!(ingest(job).await.unwrap_err(), IngestError::FeedTwice(_)));
    let job = bed.job_of(1, vec![feed("json_lines")], bed.lake(1).await).await;
    assert_eq!(ingest(job).await.unwrap().rows, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_and_a_folder_within_it_share_their_objects() {
    let bed = Bed::new();
    bed.lines("app/a.jsonl", 0..5);
    bed.lines("b.jsonl", 5..9);
    let inner: Arc<dyn Feed> = Arc::new(Folder::new(&bed.logs().join("app"), None).unwrap());
    let job = bed.job_of(1, vec![inner], bed.lake(1).await).await;
    assert_eq!(ingest(job).await.unwrap().rows, 5);
    let outcome = bed.run(2).await;
    assert_eq!((outcome.rows, outcome.balance.listed), (4, 1));
    assert_eq!(bed.messages().await, line_texts(0..9));
}

#[tokio::test(flavor = "multi_thread")]
async fn links_that_lead_out_are_told_and_loops_end() {
    let bed = Bed::new();
    bed.lines("app/a.jsonl", 0..5);
    let outside = bed.root().join("outside.jsonl");
    std::fs::write(&outside, lines_text(5..9)).unwrap();
    std::os::unix::fs::symlink(&outside, bed.logs().join("out.jsonl")).unwrap();
    std::os::unix::fs::symlink(bed.logs(), bed.logs().join("app/loop")).unwrap();
    std::os::unix::fs::symlink("nowhere", bed.logs().join("dangling")).unwrap();
    let outcome = bed.run(1).await;
    assert_eq!(outcome.rows, 5);
    assert_eq!(outcome.unlisted.len(), 1, "{outcome:?}");
    assert!(outcome.unlisted[0].detail.contains("leads out"), "{outcome:?}");
    // Named by a person, it is followed.
    let feed: Arc<dyn Feed> = Arc::new(Folder::new(&bed.logs().join("out.jsonl"), None).unwrap());
    let job = bed.job_of(2, vec![feed], bed.lake(2).await).await;
    assert_eq!(ingest(job).await.unwrap().rows, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_piped_in_is_read_once_and_leaves_no_copy() {
    let bed = Bed::new();
    let spool = bed.root().join("spool");
    for (minute, rows) in [(1, 5), (2, 0)] {
        let text = lines_text(0..5);
        let feed: Arc<dyn Feed> = Arc::new(stdin::spool(text.as_bytes(), &spool, None).unwrap());
        let job = bed.job_of(minute, vec![feed], bed.lake(minute).await).await;
        let outcome = ingest(job).await.unwrap();
        bed.check(&outcome).await;
        assert_eq!(outcome.rows, rows);
        assert_eq!(std::fs::read_dir(&spool).unwrap().count(), 0);
    }
    assert_eq!(bed.messages().await, line_texts(0..5));
}

/// Gives the pages of a folder, and writes to a file while it is read.
struct Growing {
    folder: Folder,
    path: std::path::PathBuf,
    grown: AtomicU64,
}

impl Feed for Growing {
    fn name(&self) -> &str {
        self.folder.name()
    }

    fn list(&self, scope: Scope) -> BoxStream<'_, Result<Page, FeedError>> {
        self.folder.list(scope)
    }

    fn open(&self, object: &LogObject) -> Result<Box<dyn Read + Send + '_>, FeedError> {
        let reader = self.folder.open(object)?;
        if self.grown.fetch_add(1, Ordering::Relaxed) == 0 {
            let more = lines_text(5..9);
            let mut file = std::fs::File::options().append(true).open(&self.path).unwrap();
            std::io::Write::write_all(&mut file, more.as_bytes()).unwrap();
        }
        Ok(reader)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_grows_while_it_is_read_is_not_read_by_halves() {
    let bed = Bed::new();
    let path = bed.lines("app/a.jsonl", 0..5);
    let folder = Folder::new(&bed.logs(), None).unwrap();
    let growing: Arc<dyn Feed> = Arc::new(Growing { folder, path, grown: AtomicU64::new(0) });
    let job = bed.job_of(1, vec![growing], bed.lake(1).await).await;
    let outcome = ingest(job).await.unwrap();
    assert_eq!((outcome.rows, outcome.quarantined), (0, 1), "{outcome:?}");
    assert_eq!(outcome.quarantines[0].reason, reason::CHANGED);
    let outcome = bed.run(2).await;
    assert_eq!(outcome.rows, 9);
    assert_eq!(bed.messages().await, line_texts(0..9));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_commits_are_as_good_as_one() {
    let bed = Bed::new();
    for number in 0..12 {
        bed.trail(number, number * 10..number * 10 + 15);
        bed.lines(&format!("app/{number}.jsonl"), number * 10..number * 10 + 10);
    }
    let mut job = bed.job(1).await;
    job.limits.commit_objects = 3;
    let outcome = ingest(job).await.unwrap();
    bed.check(&outcome).await;
    // Each has three objects, and at most one more that the other worker had in hand.
    assert!(outcome.counts.commits >= 6, "{outcome:?}");
    assert_eq!(bed.events().await, event_ids(0..125));
    assert_eq!(bed.messages().await, line_texts(0..120));
    assert_eq!(outcome.balance.rows, 245);
    assert_eq!(bed.leftovers().await, Vec::<std::path::PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_ledger_does_not_double_the_lake() {
    let mut bed = Bed::new();
    bed.trail(1, 0..40);
    bed.lines("app/a.jsonl", 0..5);
    bed.run(1).await;
    bed.ledger = yagura_store::Location::in_folder(&bed.root().join("new"));
    let outcome = bed.run(2).await;
    assert_eq!((outcome.reconciled.recovered, outcome.rows), (2, 0));
    assert_eq!(bed.messages().await, line_texts(0..5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_that_was_put_aside_is_told_instead_of_filled_again() {
    let bed = Bed::new();
    bed.lines("app/a.jsonl", 0..5);
    bed.run(1).await;
    bed.run(2).await;
    std::fs::rename(bed.lake_folder(), bed.root().join("aside")).unwrap();
    let error = bed.try_run(3).await.unwrap_err();
    assert!(matches!(error, IngestError::LakeBehindLedger { noted: 1, found: 0, .. }), "{error}");
    assert!(error.remedy().is_some());
}

/// Counts what it is shown.
#[derive(Default)]
struct Counting(AtomicU64);

impl Tap for Counting {
    fn batch(&self, source: &str, batch: &EventBatch) {
        assert_eq!(source, "cloudtrail");
        self.0.fetch_add(batch.len() as u64, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tap_sees_every_record() {
    let bed = Bed::new();
    bed.trail(1, 0..40);
    let counting = Arc::new(Counting::default());
    let mut job = bed.job(1).await;
    job.tap = Arc::<Counting>::clone(&counting);
    ingest(job).await.unwrap();
    assert_eq!(counting.0.load(Ordering::Relaxed), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_unsigned_tail_of_a_trail_file_is_not_ingested() {
    let bed = Bed::new();
    let tail = [gzip(&trail_text(0..3)), gzip(&trail_text(3..6))].concat();
    bed.write(&trail_key(1), &tail);
    let outcome = bed.run(1).await;
    assert_eq!(outcome.quarantines[0].reason, "unsigned_tail", "{outcome:?}");
    assert_eq!(bed.events().await, event_ids(0..3));
    let ledger = bed.store().await.ledger();
    let entries = ledger.entries(&EntryFilter::default(), 9).await.unwrap();
    assert_eq!((entries[0].state, entries[0].bad), (ObjectState::Ingested, 1));
}
