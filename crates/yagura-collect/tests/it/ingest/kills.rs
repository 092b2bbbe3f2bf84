//! Processes killed at any point, and several at once: afterwards every record is there once.
//! The children are this test program itself, told what to do by an environment variable.
//!
//! `YAGURA_KILLS` says how often to kill; a few times in an ordinary test run.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use yagura_collect::sources::feeds::folder::Folder;
use yagura_collect::sources::{Feed, FeedError, Page, Scope, ingest};
use yagura_model::object::LogObject;
use yagura_store::Location;

use super::bed::{Bed, event_ids, gzip, line_texts, lines_text};

const CHILD: &str = "YAGURA_COLLECT_TEST_CHILD";
const POSTGRES: &str = "YAGURA_TEST_POSTGRES_URL";
const KILLS: &str = "YAGURA_KILLS";
const TRAILS: u32 = 10;
const LINES: u32 = 8;

/// Says a line; whoever started us counts them.
fn say(what: &str) {
    let mut out = std::io::stdout().lock();
    // Whoever listened may have gone; then the kill is on its way.
    let _ = writeln!(out, "step {what}");
}

/// A folder that says what it is asked.
struct Telling(Folder);

impl Feed for Telling {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn list(&self, scope: Scope) -> BoxStream<'_, Result<Page, FeedError>> {
        say("list");
        self.0.list(scope)
    }

    fn open(&self, object: &LogObject) -> Result<Box<dyn Read + Send + '_>, FeedError> {
        say("open");
        Ok(Box::new(TellingReader(self.0.open(object)?)))
    }

    fn settled<'a>(&'a self, objects: &'a [LogObject]) -> BoxFuture<'a, Result<(), FeedError>> {
        say("settled");
        self.0.settled(objects)
    }
}

struct TellingReader<'a>(Box<dyn Read + Send + 'a>);

impl Read for TellingReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.0.read(buffer)?;
        say("read");
        Ok(read)
    }
}

/// Not a test by itself: what the children of the other tests do. Without an order it only
/// makes sure that it was not given one.
#[tokio::test(flavor = "multi_thread")]
async fn child_of_other_tests() {
    let Ok(order) = std::env::var(CHILD) else {
        assert!(std::env::var_os(CHILD).is_none(), "an order that is not a text");
        return;
    };
    let mut words = order.splitn(3, ' ');
    let minute: i64 = words.next().unwrap().parse().unwrap();
    let root = words.next().unwrap();
    let ledger: Location = words.next().unwrap().parse().unwrap();
    let bed = Bed::at(root.as_ref(), ledger);
    say("open lake");
    let hook = Arc::new(|what: &'static str, _: &object_store::path::Path| {
        say(what);
        Ok(())
    });
    let lake = bed.watched_lake(minute, Some(hook)).await.unwrap();
    let feed: Arc<dyn Feed> = Arc::new(Telling(Folder::new(&bed.logs(), None).unwrap()));
    let mut job = bed.job_of(minute, vec![feed], lake).await;
    job.limits.commit_objects = 4;
    say("begin");
    let outcome = ingest(job).await.unwrap();
    say(&format!("end rows={} ingested={}", outcome.rows, outcome.ingested));
}

fn child(bed: &Bed, minute: i64) -> Child {
    let place = match &bed.ledger {
        Location::Sqlite(file) => file.display().to_string(),
        Location::Postgres(url) => url.clone(),
    };
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "ingest::kills::child_of_other_tests", "--nocapture"])
        .env(CHILD, format!("{minute} {} {place}", bed.root().display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Counts the child's lines up to a number; answers how many there were.
fn listen(child: &mut Child, until: usize) -> (usize, Vec<String>) {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let said: Vec<String> = lines.filter(|line| line.contains("step ")).take(until).collect();
    (said.len(), said)
}

/// Records of two sources, one with names and repeats, one without; and files that are bad.
fn fill(bed: &Bed) {
    for number in 0..TRAILS {
        bed.trail(number, number * 20..number * 20 + 25);
    }
    for number in 0..LINES {
        bed.lines(&format!("app/{number}.jsonl"), number * 30..number * 30 + 30);
    }
    let cut = gzip(&lines_text(900..904));
    bed.write("bad/cut.jsonl.gz", &cut[..cut.len() - 4]);
    bed.write("bad/noise", &[0, 159, 146, 150].repeat(100));
}

/// What must be there once all is done.
async fn check_whole(bed: &Bed) {
    let outcome = bed.run(500).await;
    assert_eq!(outcome.balance.pending, 0, "{outcome:?}");
    assert_eq!(outcome.balance.listed, i64::from(TRAILS + LINES + 2), "{outcome:?}");
    assert_eq!(bed.events().await, event_ids(0..(TRAILS - 1) * 20 + 25));
    let mut messages = bed.messages().await;
    messages.retain(|message| !message.starts_with("line 0009"));
    assert_eq!(messages, line_texts(0..LINES * 30));
    let rows = bed.events().await.len() + bed.messages().await.len();
    assert_eq!(outcome.balance.rows, rows as u64, "the ledger knows every row");
    assert_eq!(bed.leftovers().await, Vec::<std::path::PathBuf>::new());
    assert_eq!(std::fs::read_dir(bed.locks()).unwrap().count(), 0);
    assert_eq!(bed.run(501).await.rows, 0, "a further run changes nothing");
}

/// Kills children of one bed until one gets to its end; answers how often.
async fn kill_until_done(bed: &Bed, random: &mut fastrand::Rng, steps: usize) -> usize {
    fill(bed);
    let mut kills = 0;
    loop {
        // A minute apart: leases last longer, so that only the locks tell that the others died.
        let minute = 1 + i64::try_from(kills).unwrap();
        let mut child = child(bed, minute);
        let until = random.usize(1..=steps);
        let (said, _) = listen(&mut child, until);
        // It goes on working while the signal is on its way.
        child.kill().unwrap();
        child.wait().unwrap();
        if said < until {
            break;
        }
        kills += 1;
    }
    check_whole(bed).await;
    kills
}

/// How many lines a child says that nobody kills.
fn steps_of_a_whole_run() -> usize {
    let bed = Bed::new();
    fill(&bed);
    let mut child = child(&bed, 1);
    let (said, lines) = listen(&mut child, usize::MAX);
    assert!(child.wait().unwrap().success(), "{lines:?}");
    assert!(lines.last().unwrap().contains("end rows="), "{lines:?}");
    assert!(said > 100, "{lines:?}");
    said
}

fn wanted_kills(ordinary: usize) -> usize {
    std::env::var(KILLS).map_or(ordinary, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_point_no_record_is_lost_doubled_or_half_written() {
    let wanted = wanted_kills(8);
    let mut random = fastrand::Rng::with_seed(wanted as u64);
    let steps = steps_of_a_whole_run();
    let mut kills = 0;
    while kills < wanted {
        kills += kill_until_done(&Bed::new(), &mut random, steps).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_with_a_ledger_on_postgres_no_record_is_lost_or_doubled() {
    let Ok(url) = std::env::var(POSTGRES) else {
        assert!(std::env::var_os(POSTGRES).is_none(), "a URL that is not a text");
        return;
    };
    // Feed and lake are in a folder of this test alone, so that it may share its tables.
    let mut bed = Bed::new();
    bed.ledger = Location::Postgres(url);
    let mut random = fastrand::Rng::with_seed(5);
    // As long as a whole run on a file is enough to be killed in the middle.
    kill_until_done(&bed, &mut random, 150).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_at_once_share_the_work() {
    let bed = Bed::new();
    fill(&bed);
    let mut children: Vec<Child> = (0..2).map(|minute| child(&bed, 1 + minute)).collect();
    let mut ends = Vec::new();
    for child in &mut children {
        let (_, lines) = listen(child, usize::MAX);
        assert!(child.wait().unwrap().success(), "{lines:?}");
        ends.push(lines.last().unwrap().clone());
    }
    let ingested: u32 = ends
        .iter()
        .map(|end| end.rsplit_once("ingested=").unwrap().1.trim().parse::<u32>().unwrap())
        .sum();
    assert!(ingested <= TRAILS + LINES + 1, "{ends:?}");
    check_whole(&bed).await;
}
