//! A feed that is listed again and again: what a watched place is.
//! How often is the settings' word; what a listing sees is the feed's.

use std::collections::HashSet;
use std::io::Read;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use yagura_collect::sources::{Feed, FeedError, Page, Scope};
use yagura_model::object::LogObject;

/// Tells the time.
pub(crate) type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A place that takes long to list is left alone for so many times as long, up to a bound.
const REST: u32 = 4;
/// The bound of that.
const REST_MAX: Duration = Duration::from_secs(30);
/// After a listing that missed something: not at once again, and with each failure later.
const FAILED_PAUSE_MAX: Duration = Duration::from_secs(60);
/// Everything is listed again this often: keys of logs arrive late.
const FULL_EVERY: SignedDuration = SignedDuration::from_hours(24);
/// Objects remembered as listed; a place with more is compared with the ledger each time.
const REMEMBERED_MAX: usize = 2_000_000;

/// How a watched place is.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Listings that came to their end.
    pub(crate) looks: AtomicU64,
    /// Listings that missed something.
    pub(crate) failures: AtomicU64,
    /// When the last whole listing ended, in microseconds since 1970; zero: never.
    pub(crate) whole_us: AtomicI64,
    /// Why the last listing missed something; none where it did not.
    failure: Mutex<Option<String>>,
}

impl Seen {
    fn failure_lock(&self) -> MutexGuard<'_, Option<String>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the last listing missed something.
    pub(crate) fn failure(&self) -> Option<String> {
        self.failure_lock().clone()
    }

    /// Notes why a place cannot be read at all.
    pub(crate) fn fail(&self, why: String) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        *self.failure_lock() = Some(why);
    }
}

/// A feed without an end.
pub(super) struct Following {
    inner: Arc<dyn Feed>,
    every: Duration,
    clock: Clock,
    seen: Arc<Seen>,
}

impl Following {
    pub(super) fn new(
        inner: Arc<dyn Feed>,
        every: Duration,
        clock: Clock,
        seen: Arc<Seen>,
    ) -> Self {
        Self { inner, every, clock, seen }
    }
}

/// Where the endless listing stands.
struct Turn<'a> {
    feed: &'a Following,
    scope: Scope,
    /// When the newest full listing began.
    full: Timestamp,
    pages: Option<BoxStream<'a, Result<Page, FeedError>>>,
    began: Instant,
    missed: u64,
    /// Failed listings in a row.
    failed: u32,
    pause: Duration,
    /// What the ledger has been told of, as far as nobody must be told again.
    told: HashSet<u64>,
}

impl<'a> Turn<'a> {
    fn first(feed: &'a Following, scope: Scope) -> Self {
        let full = match scope {
            Scope::Full => (feed.clock)(),
            Scope::Recent { since } => since,
        };
        Self {
            feed,
            scope,
            full,
            pages: None,
            began: Instant::now(),
            missed: 0,
            failed: 0,
            pause: Duration::ZERO,
            told: HashSet::new(),
        }
    }

    /// The next page or error; waits for the next listing where one has ended.
    async fn next(&mut self) -> Result<Page, FeedError> {
        loop {
            if self.pages.is_none() {
                tokio::time::sleep(self.pause).await;
                self.began = Instant::now();
                self.missed = 0;
                self.pages = Some(self.feed.inner.list(self.scope));
            }
            let Some(pages) = &mut self.pages else { continue };
            match pages.next().await {
                Some(Ok(page)) => {
                    let fresh = self.fresh(page);
                    if !fresh.is_empty() {
                        return Ok(fresh);
                    }
                }
                Some(Err(error)) => {
                    self.missed += 1;
                    let text = error.chain();
                    if self.missed == 1 && self.feed.seen.failure().as_ref() != Some(&text) {
                        tracing::warn!(code = "watch_listing_failed", place = self.feed.name(),
                            error = %text, "a watched place could not be listed whole");
                    }
                    *self.feed.seen.failure_lock() = Some(text);
                    return Err(error);
                }
                None => self.ended(),
            }
        }
    }

    /// Without what was told before: a folder of a hundred thousand files is not compared with
    /// the ledger every few seconds. Who announces objects or must be told to forget them is
    /// told each time.
    fn fresh(&mut self, page: Page) -> Page {
        let feed = &self.feed.inner;
        if feed.announces() || self.told.len() > REMEMBERED_MAX {
            return page;
        }
        let told = &mut self.told;
        page.into_iter().filter(|object| told.insert(short(object))).collect()
    }

    fn ended(&mut self) {
        let seen = &self.feed.seen;
        self.pages = None;
        let took = self.began.elapsed();
        seen.looks.fetch_add(1, Ordering::Relaxed);
        if self.missed > 0 {
            seen.failures.fetch_add(1, Ordering::Relaxed);
            self.failed = self.failed.saturating_add(1);
            let longer = self.feed.every.saturating_mul(1 << self.failed.min(6));
            self.pause = longer.min(FAILED_PAUSE_MAX).max(self.feed.every);
            return;
        }
        let now = (self.feed.clock)();
        seen.whole_us.store(now.as_microsecond(), Ordering::Relaxed);
        *seen.failure_lock() = None;
        self.failed = 0;
        self.pause = took.saturating_mul(REST).min(REST_MAX).max(self.feed.every);
        self.scope = if now.duration_since(self.full) >= FULL_EVERY {
            self.full = now;
            self.told.clear();
            Scope::Full
        } else {
            Scope::Recent { since: self.full }
        };
    }
}

/// A short stand-in for an object's identity: 64 bits of it, so that two of a million objects
/// share one once in forty million installations.
fn short(object: &LogObject) -> u64 {
    let identity = object.identity();
    let head = identity.get(..16).unwrap_or_default();
    u64::from_str_radix(head, 16).unwrap_or_default()
}

impl Feed for Following {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn source(&self) -> Option<&str> {
        self.inner.source()
    }

    fn announces(&self) -> bool {
        self.inner.announces()
    }

    fn list(&self, scope: Scope) -> BoxStream<'_, Result<Page, FeedError>> {
        let turn = Turn::first(self, scope);
        stream::unfold(turn, |mut turn| async move { Some((turn.next().await, turn)) }).boxed()
    }

    fn open(&self, object: &LogObject) -> Result<Box<dyn Read + Send + '_>, FeedError> {
        self.inner.open(object)
    }

    fn settled<'a>(&'a self, objects: &'a [LogObject]) -> BoxFuture<'a, Result<(), FeedError>> {
        self.inner.settled(objects)
    }

    fn quarantined<'a>(&'a self, objects: &'a [LogObject]) -> BoxFuture<'a, Result<(), FeedError>> {
        self.inner.quarantined(objects)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lists one object more each time; each third listing fails at its end.
    struct Growing(AtomicU64);

    fn object(n: u64) -> LogObject {
        LogObject {
            location: format!("/logs/{n}"),
            key: n.to_string(),
            version: None,
            etag: Some("e".to_owned()),
            size_bytes: 1,
            modified: None,
        }
    }

    impl Feed for Growing {
        fn name(&self) -> &str {
            "/logs"
        }

        fn list(&self, _scope: Scope) -> BoxStream<'_, Result<Page, FeedError>> {
            let round = self.0.fetch_add(1, Ordering::Relaxed);
            let mut items = vec![Ok((0..=round).map(object).collect())];
            if round % 3 == 2 {
                items.push(Err(FeedError::Gone { location: "/logs/x".to_owned() }));
            }
            stream::iter(items).boxed()
        }

        fn open(&self, _object: &LogObject) -> Result<Box<dyn Read + Send + '_>, FeedError> {
            Ok(Box::new(std::io::empty()))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_is_listed_for_ever_and_an_object_is_told_once() {
        let seen = Arc::new(Seen::default());
        let clock: Clock = Arc::new(|| "2026-11-22T00:00:00Z".parse().unwrap());
        let inner = Arc::new(Growing(AtomicU64::new(0)));
        let every = Duration::from_secs(2);
        let following = Following::new(inner, every, clock, Arc::clone(&seen));
        let began = Instant::now();
        let mut told = Vec::new();
        let mut failures = 0;
        let mut pages = following.list(Scope::Full);
        while told.len() < 5 {
            match pages.next().await.unwrap() {
                Ok(page) => told.extend(page.into_iter().map(|object| object.key)),
                Err(_) => {
                    failures += 1;
                    assert!(seen.failure().unwrap().contains("/logs/x"));
                }
            }
        }
        assert_eq!(told, ["0", "1", "2", "3", "4"]);
        assert_eq!((failures, seen.failures.load(Ordering::Relaxed)), (1, 1));
        assert_eq!(seen.failure(), None, "the next listing was whole");
        assert_eq!(seen.looks.load(Ordering::Relaxed), 4);
        // Two seconds between listings, and four after the one that failed.
        assert_eq!(began.elapsed().as_secs(), 10);
    }
}
