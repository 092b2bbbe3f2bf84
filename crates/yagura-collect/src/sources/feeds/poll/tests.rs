//! Spans, overlaps and restarts against somebody whose events arrive late.
//! The real ones are asked in the end-to-end tests.

use std::collections::BTreeSet;
use std::sync::Mutex as Shared;

use futures::TryStreamExt;
use serde_json::json;

use super::*;

/// Events by time; asked spans.
#[derive(Default)]
struct World {
    events: Vec<(i64, &'static str)>,
    asked: Vec<(i64, i64)>,
    fails: bool,
}

struct Fake(Arc<Shared<World>>);

fn second(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

impl Poll for Fake {
    fn name(&self) -> &str {
        "fake"
    }

    fn pages(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> BoxStream<'_, Result<Vec<Polled>, FeedError>> {
        let mut world = self.0.lock().unwrap();
        let (from, until) = (from.as_second(), until.as_second());
        world.asked.push((from, until));
        let found = world.events.iter().filter(|(time, _)| (from..=until).contains(time));
        // An answer for each event.
        let mut pages: Vec<_> = found
            .map(|(time, id)| {
                let event = json!({ "id": id });
                Ok(vec![Polled {
                    id: (*id).into(),
                    time: second(*time),
                    part: String::new(),
                    event,
                }])
            })
            .collect();
        if world.fails {
            pages.push(Err(FeedError::Gone { location: "fake".into() }));
        }
        stream::iter(pages).boxed()
    }

    fn lines(&self, events: &[Polled]) -> String {
        events.iter().map(|event| format!("{}\n", event.event)).collect()
    }
}

struct Bed {
    world: Arc<Shared<World>>,
    now: Arc<Shared<i64>>,
    folder: tempfile::TempDir,
}

impl Bed {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { world: Arc::default(), now: Arc::new(Shared::new(1_000)), folder }
    }

    fn poller(&self) -> Poller {
        let now = Arc::clone(&self.now);
        let options = PollOptions {
            source: None,
            folder: self.folder.path().to_owned(),
            since: second(100),
            overlap: SignedDuration::from_secs(60),
            span_max: SignedDuration::from_secs(500),
            every: Duration::from_secs(30),
            until: Until::Empty,
            clock: Arc::new(move || second(*now.lock().unwrap())),
        };
        Poller::open(Box::new(Fake(Arc::clone(&self.world))), options).unwrap()
    }

    fn happen(&self, time: i64, id: &'static str) {
        self.world.lock().unwrap().events.push((time, id));
    }
}

async fn read(poller: &Poller) -> (Vec<LogObject>, Vec<String>) {
    let pages: Vec<Page> = poller.list(Scope::Full).try_collect().await.unwrap();
    let objects: Vec<LogObject> = pages.into_iter().flatten().collect();
    let mut lines = Vec::new();
    for object in &objects {
        let mut text = String::new();
        poller.open(object).unwrap().read_to_string(&mut text).unwrap();
        lines.extend(text.lines().map(str::to_owned));
    }
    (objects, lines)
}

#[tokio::test]
async fn late_events_are_taken_once() {
    let bed = Bed::new();
    bed.happen(150, "a");
    bed.happen(990, "b");
    let poller = bed.poller();
    let (objects, lines) = read(&poller).await;
    assert_eq!(lines, [r#"{"id":"a"}"#, r#"{"id":"b"}"#]);
    assert_eq!(bed.world.lock().unwrap().asked, [(100, 600), (540, 1_000)]);
    poller.settled(&objects).await.unwrap();
    // It happened before the end of the last span and shows up only now; `b` shows up again.
    bed.happen(970, "late");
    *bed.now.lock().unwrap() = 1_040;
    let (objects, lines) = read(&poller).await;
    assert_eq!(lines, [r#"{"id":"late"}"#]);
    poller.settled(&objects).await.unwrap();
    assert!(read(&poller).await.1.is_empty());
}

#[tokio::test]
async fn a_restart_forgets_nothing_and_repeats_nothing() {
    let bed = Bed::new();
    bed.happen(990, "a");
    let (objects, _) = read(&bed.poller()).await;
    assert_eq!(objects.len(), 1);
    // Not settled: the next process lists it again, as the same object.
    assert_eq!(read(&bed.poller()).await.0, objects);
    bed.happen(995, "b");
    *bed.now.lock().unwrap() = 1_050;
    let (after, lines) = read(&bed.poller()).await;
    assert_eq!((after.len(), lines.len()), (2, 2));
    let ids: BTreeSet<String> = after.iter().map(LogObject::identity).collect();
    assert_eq!(ids.len(), 2);
    bed.poller().settled(&after).await.unwrap();
    assert!(read(&bed.poller()).await.0.is_empty());
}

#[tokio::test]
async fn a_span_that_fails_leaves_nothing_and_is_asked_for_again() {
    let bed = Bed::new();
    bed.happen(150, "a");
    bed.world.lock().unwrap().fails = true;
    let poller = bed.poller();
    let pages: Result<Vec<Page>, _> = poller.list(Scope::Full).try_collect().await;
    assert!(pages.is_err());
    assert!(poller.folder.objects().unwrap().is_empty());
    bed.world.lock().unwrap().fails = false;
    assert_eq!(read(&poller).await.1.len(), 1);
}

#[tokio::test]
async fn files_of_a_span_that_does_not_count_are_removed() {
    let bed = Bed::new();
    bed.happen(150, "a");
    read(&bed.poller()).await;
    // Killed between the files and the state of the third span.
    std::fs::write(bed.folder.path().join("0000000003-000000.jsonl"), "{}").unwrap();
    std::fs::write(bed.folder.path().join("0000000003-000001.jsonl.part"), "{").unwrap();
    assert_eq!(bed.poller().folder.objects().unwrap().len(), 1);
    std::fs::write(bed.folder.path().join("state.json"), "broken").unwrap();
    let options = bed.poller_error();
    assert!(options.contains("state.json"), "{options}");
}

impl Bed {
    /// What opening says.
    fn poller_error(&self) -> String {
        Folder::open(self.folder.path(), second(0)).unwrap_err().to_string()
    }
}
