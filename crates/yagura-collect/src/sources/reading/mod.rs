//! Reading log objects for the sake of what is in them: feeds, recognition and decoding without a
//! ledger and without a lake. Nothing is kept; who looks on is told every batch.
//! Reading objects into the lake, each exactly once, is the pipeline's.

mod listing;
mod queue;
mod worker;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use yagura_content::Content;

use super::decode::Limits;
use super::feeds::Feed;
use super::pipeline::{Progress, Quarantined, Tap, Unread};
use worker::Shop;

/// How often somebody is told how far it is.
const TICK: Duration = Duration::from_millis(200);

/// What to read, and who looks on.
#[derive(Clone)]
pub struct Reading {
    /// Where objects come from. Their names differ, and their listings end.
    pub feeds: Vec<Arc<dyn Feed>>,
    /// The sources known.
    pub content: Arc<Content>,
    /// Who looks on. Batches of one object may come from several threads, and again where an
    /// object could not be read to its end and was tried once more.
    pub tap: Arc<dyn Tap>,
    /// Bounds.
    pub limits: ReadLimits,
    /// Told how far it is, about five times a second and at the end. Must return at once.
    pub progress: Arc<dyn Fn(&Progress) + Send + Sync>,
    /// Once cancelled, nothing more is begun and what is being read is left.
    pub cancel: CancellationToken,
}

/// Bounds of reading.
#[derive(Clone, Debug)]
pub struct ReadLimits {
    /// Worker threads; zero: as many as the machine has processors.
    pub workers: usize,
    /// How often an object is tried before it is left unread.
    pub tries: u32,
    /// At most so many quarantined and unread objects are named in the outcome.
    pub named_max: usize,
    /// Bounds of decoding.
    pub decode: Limits,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self { workers: 0, tries: 3, named_max: 1_000, decode: Limits::default() }
    }
}

/// What reading came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadOutcome {
    /// The counts.
    pub counts: Progress,
    /// Objects that were read to their end.
    pub read: u64,
    /// Objects without a good record: no source recognizes them, or all of it is bad.
    pub quarantined: u64,
    /// Those, and objects with bad pieces, by name.
    pub quarantines: Vec<Quarantined>,
    /// Objects that could not be read, by name.
    pub unread: Vec<Unread>,
    /// How many objects could not be read.
    pub unread_count: u64,
    /// What could not be listed: feed and reason.
    pub unlisted: Vec<Unread>,
    /// Whether it was cancelled.
    pub interrupted: bool,
}

impl ReadOutcome {
    /// Whether something of what was asked for was not seen.
    pub fn is_blind(&self) -> bool {
        self.unread_count > 0
            || !self.unlisted.is_empty()
            || self.quarantined > 0
            || self.counts.bad > 0
    }
}

/// Why reading could not go on.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A feed names a source that content does not have.
    #[error("there is no source `{0}`")]
    UnknownSource(String),
    /// Two feeds have the same name.
    #[error("the feed `{0}` was named twice")]
    FeedTwice(String),
    /// A worker ended without an answer.
    #[error("a worker ended early")]
    Worker,
}

/// Reads everything of the feeds, on all cores and with bounded memory: of a single large object
/// the records are looked at on one thread while the next are decoded on another.
///
/// # Errors
/// Where it was asked for wrongly. Objects that cannot be read are in the outcome, not an error.
pub async fn read(reading: Reading) -> Result<ReadOutcome, ReadError> {
    check(&reading)?;
    let workers = match reading.limits.workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        workers => workers,
    };
    let shop = Arc::new(Shop::new(reading, workers));
    let unlisted = work(&shop, workers).await?;
    let mut outcome = shop.take_outcome();
    outcome.counts = shop.counters.progress();
    outcome.unlisted = unlisted;
    outcome.interrupted = shop.reading.cancel.is_cancelled();
    (shop.reading.progress)(&outcome.counts);
    Ok(outcome)
}

fn check(reading: &Reading) -> Result<(), ReadError> {
    let mut names = BTreeSet::new();
    for feed in &reading.feeds {
        if !names.insert(feed.name()) {
            return Err(ReadError::FeedTwice(feed.name().to_owned()));
        }
        let unknown = |name: &&str| !reading.content.sources.contains_key(*name);
        if let Some(source) = feed.source().filter(unknown) {
            return Err(ReadError::UnknownSource(source.to_owned()));
        }
    }
    Ok(())
}

/// Lists all feeds at once while workers read; answers what could not be listed.
async fn work(shop: &Arc<Shop>, workers: usize) -> Result<Vec<Unread>, ReadError> {
    let mut threads = JoinSet::new();
    for _ in 0..workers {
        let shop = Arc::clone(shop);
        threads.spawn_blocking(move || worker::run(&shop));
    }
    let mut listings = JoinSet::new();
    for feed in 0..shop.reading.feeds.len() {
        let shop = Arc::clone(shop);
        listings.spawn(async move { listing::list(&shop, feed).await });
    }
    let mut unlisted = Vec::new();
    let mut listing = true;
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut result = Ok(());
    loop {
        tokio::select! {
            ended = listings.join_next(), if listing => match ended {
                Some(Ok(missed)) => unlisted.extend(missed),
                Some(Err(_)) => result = stopped(shop),
                None => {
                    listing = false;
                    let whole = !shop.reading.cancel.is_cancelled();
                    shop.counters.listed.store(whole, Ordering::Relaxed);
                    shop.queue.listed();
                }
            },
            ended = threads.join_next() => match ended {
                Some(Ok(())) => {}
                // A worker panicked: what it held was not seen.
                Some(Err(_)) => result = stopped(shop),
                // Dropping the listings that may still go on ends them.
                None => return result.map(|()| unlisted),
            },
            () = shop.reading.cancel.cancelled(), if !shop.queue.is_stopped() => shop.queue.stop(),
            _ = tick.tick() => (shop.reading.progress)(&shop.counters.progress()),
        }
    }
}

fn stopped(shop: &Shop) -> Result<(), ReadError> {
    shop.queue.stop();
    Err(ReadError::Worker)
}
