//! Reading objects without a lake: what is in them is shown once, and what cannot be read is named.
//! Who decodes and who looks is tested beside the queue.

use std::sync::{Arc, Mutex};

use tokio_util::sync::CancellationToken;
use yagura_collect::sources::feeds::folder::Folder;
use yagura_collect::sources::{ReadError, ReadLimits, ReadOutcome, Reading, Tap, read};
use yagura_content::Content;
use yagura_model::event::EventBatch;

use super::bed::{Bed, event_ids, gzip, line, line_texts, lines_text, trail_text};

/// Remembers what it was shown: by source the texts of a field.
#[derive(Default)]
struct Seen {
    values: Mutex<Vec<(String, String)>>,
}

impl Tap for Seen {
    fn batch(&self, source: &str, batch: &EventBatch) {
        let field = if source == "cloudtrail" { "eventID" } else { "message" };
        let text = |record: yagura_model::event::Record<'_>| {
            let value = record.root().get(field).map(|value| value.text().into_owned());
            (source.to_owned(), value.unwrap_or_default())
        };
        self.values.lock().unwrap().extend(batch.iter().map(text));
    }
}

impl Seen {
    fn of(&self, source: &str) -> Vec<String> {
        let values = self.values.lock().unwrap();
        let mut found: Vec<String> = values
            .iter()
            .filter(|(own, _)| own == source)
            .map(|(_, value)| value.clone())
            .collect();
        found.sort();
        found
    }
}

fn reading(bed: &Bed, seen: &Arc<Seen>) -> Reading {
    Reading {
        feeds: vec![Arc::new(Folder::new(&bed.logs(), None).unwrap())],
        content: Arc::new(Content::builtin().clone()),
        tap: seen.clone(),
        limits: ReadLimits { workers: 2, ..ReadLimits::default() },
        progress: Arc::new(|_| {}),
        cancel: CancellationToken::new(),
    }
}

async fn run(bed: &Bed) -> (Arc<Seen>, ReadOutcome) {
    let seen = Arc::new(Seen::default());
    let outcome = read(reading(bed, &seen)).await.unwrap();
    (seen, outcome)
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_in_a_folder_is_shown_with_its_source() {
    let bed = Bed::new();
    bed.trail(1, 0..20);
    bed.trail(2, 20..30);
    bed.write("app/a.jsonl", lines_text(0..5).as_bytes());
    let (seen, outcome) = run(&bed).await;
    assert_eq!(seen.of("cloudtrail"), event_ids(0..30));
    assert_eq!(seen.of("json_lines"), line_texts(0..5));
    assert_eq!((outcome.read, outcome.counts.records), (3, 35));
    assert!(!outcome.is_blind() && !outcome.interrupted, "{outcome:?}");
    assert_eq!(bed.leftovers().await, Vec::<std::path::PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_named_and_the_good_is_shown() {
    let bed = Bed::new();
    bed.trail(1, 0..5);
    bed.write("noise", &[0, 159, 146, 150].repeat(100));
    bed.write("empty.json", b"");
    let cut = gzip(&lines_text(0..200));
    bed.write("cut.jsonl.gz", &cut[..cut.len() - 4]);
    let (seen, outcome) = run(&bed).await;
    assert_eq!(seen.of("cloudtrail"), event_ids(0..5));
    assert!(seen.of("json_lines").contains(&line(0)));
    assert!(outcome.is_blind());
    assert_eq!(outcome.quarantined, 2, "{outcome:?}");
    let mut reasons: Vec<&str> =
        outcome.quarantines.iter().map(|one| one.reason.as_str()).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["empty", "not_recognized", "truncated_compression"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_object_that_several_threads_share_is_shown_once() {
    let bed = Bed::new();
    bed.write("one.json", trail_text(0..2_000).as_bytes());
    let seen = Arc::new(Seen::default());
    let mut reading = reading(&bed, &seen);
    reading.limits.workers = 4;
    reading.limits.decode.batch_bytes = 16 << 10;
    let outcome = read(reading).await.unwrap();
    assert_eq!(outcome.counts.records, 2_000);
    assert_eq!(seen.of("cloudtrail"), event_ids(0..2_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_reading_ends_and_says_so() {
    let bed = Bed::new();
    bed.trail(1, 0..5);
    let seen = Arc::new(Seen::default());
    let reading = reading(&bed, &seen);
    reading.cancel.cancel();
    let outcome = read(reading).await.unwrap();
    assert!(outcome.interrupted);
    assert_eq!(outcome.read, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_for_wrongly_is_refused() {
    let bed = Bed::new();
    let seen = Arc::new(Seen::default());
    let mut twice = reading(&bed, &seen);
    twice.feeds.push(Arc::clone(&twice.feeds[0]));
    assert!(matches!(read(twice).await, Err(ReadError::FeedTwice(_))));
    let mut unknown = reading(&bed, &seen);
    let feed = Folder::new(&bed.logs(), Some("nothing".to_owned())).unwrap();
    unknown.feeds = vec![Arc::new(feed)];
    assert!(
        matches!(read(unknown).await, Err(ReadError::UnknownSource(name)) if name == "nothing")
    );
}
