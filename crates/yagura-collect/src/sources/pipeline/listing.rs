//! Listing all feeds at once into the ledger, while workers already read.
//! What to do with the listed objects is `generation.rs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::StreamExt as _;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Duration, Instant};
use yagura_model::object::LogObject;
use yagura_store::StoreError;
use yagura_store::ledger::{Known, ListingKind, ObjectState};

use super::IngestError;
use super::outcome::Unread;
use super::progress::add;
use super::worker::Shop;
use crate::sources::feeds::{Feed, FeedError, Scope};

/// How long reading waits for listings before it begins, so that it can go day by day: listings
/// go account by account, and whoever correlates events would meet one account's newest before the
/// oldest of the next. After that it takes the earliest that is known.
const ORDER_WAIT: Duration = Duration::from_secs(20);
/// A listing that says nothing for so long has no more to say for now.
const QUIET: Duration = Duration::from_millis(500);
/// How long it may take to say the first.
const FIRST_WAIT: Duration = Duration::from_secs(2);

/// The listings of a run, as they go on.
pub(super) struct Listings {
    tasks: JoinSet<Result<Vec<Unread>, IngestError>>,
    running: Arc<AtomicUsize>,
    changed: Arc<Notify>,
    began: Instant,
    /// Whether something is listed and not only announced: what is announced comes when it comes.
    ordered: bool,
    /// How many objects were known when it was last asked, and since when.
    known: (u64, Instant),
    /// What could not be listed.
    pub(super) unlisted: Vec<Unread>,
}

impl Listings {
    /// Begins to list all feeds.
    pub(super) fn begin(shop: &Arc<Shop>) -> Self {
        let changed = Arc::new(Notify::new());
        let running = Arc::new(AtomicUsize::new(shop.job.feeds.len()));
        let mut tasks = JoinSet::new();
        for feed in &shop.job.feeds {
            let (shop, feed) = (Arc::clone(shop), Arc::clone(feed));
            let (changed, running) = (Arc::clone(&changed), Arc::clone(&running));
            tasks.spawn(async move {
                let listed = list(&shop, feed.as_ref(), &changed).await;
                running.fetch_sub(1, Ordering::AcqRel);
                changed.notify_one();
                listed
            });
        }
        let (began, ordered) =
            (Instant::now(), shop.job.feeds.iter().any(|feed| !feed.announces()));
        Self { tasks, running, changed, began, ordered, known: (0, began), unlisted: Vec::new() }
    }

    /// Waits until a listing found something or ended.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Takes note of the listings that ended.
    pub(super) fn check(&mut self) -> Result<(), IngestError> {
        while let Some(ended) = self.tasks.try_join_next() {
            self.unlisted.extend(ended.map_err(|_| IngestError::Worker)??);
        }
        Ok(())
    }

    /// Whether all have ended.
    pub(super) fn are_over(&self) -> bool {
        self.running.load(Ordering::Acquire) == 0
    }

    /// Whether reading may begin: everything that is to be listed soon is known, or it would take
    /// too long to wait for it.
    pub(super) fn are_settled(&mut self, shop: &Shop) -> bool {
        if !self.ordered || self.are_over() || self.began.elapsed() >= ORDER_WAIT {
            return true;
        }
        let listed = shop.counters.objects_listed.load(Ordering::Relaxed);
        if listed != self.known.0 {
            self.known = (listed, Instant::now());
        }
        self.known.1.elapsed() >= if listed == 0 { FIRST_WAIT } else { QUIET }
    }

    /// Waits for all to end.
    pub(super) async fn join(&mut self) -> Result<(), IngestError> {
        while let Some(ended) = self.tasks.join_next().await {
            self.unlisted.extend(ended.map_err(|_| IngestError::Worker)??);
        }
        Ok(())
    }
}

async fn list(shop: &Shop, feed: &dyn Feed, changed: &Notify) -> Result<Vec<Unread>, IngestError> {
    let job = &shop.job;
    let fail = |error: StoreError| IngestError::Ledger(error);
    let (kind, scope) = scope_of(shop, feed).await?;
    let now = (job.clock)();
    let listing = job.ledger.begin_listing(feed.name(), kind, now).await.map_err(fail)?;
    let mut unlisted = Vec::new();
    let mut missed = 0_u64;
    let mut pages = feed.list(scope);
    loop {
        let item = tokio::select! {
            biased;
            () = job.cancel.cancelled() => {
                let now = (job.clock)();
                let ended = job.ledger.end_listing(listing, now, Some("interrupted"));
                ended.await.map_err(fail)?;
                return Ok(unlisted);
            }
            item = pages.next() => item,
        };
        match item {
            None => break,
            Some(Ok(page)) => {
                let known = job.ledger.record(listing, &page, (job.clock)()).await;
                count(shop, &page, &known.map_err(fail)?, feed).await;
                changed.notify_one();
            }
            Some(Err(error)) => {
                missed += 1;
                if unlisted.len() < job.limits.named_max {
                    unlisted.push(unread(feed, &error));
                }
            }
        }
    }
    let failure = (missed > 0).then(|| {
        let first = unlisted.first().map(|unread| unread.detail.as_str()).unwrap_or_default();
        format!("{missed} parts were not listed, the first: {first}")
    });
    let ended = job.ledger.end_listing(listing, (job.clock)(), failure.as_deref());
    ended.await.map_err(fail)?;
    Ok(unlisted)
}

/// What to ask of a feed: everything from time to time, since keys arrive late.
async fn scope_of(shop: &Shop, feed: &dyn Feed) -> Result<(ListingKind, Scope), IngestError> {
    if feed.announces() {
        return Ok((ListingKind::Announced, Scope::Full));
    }
    let job = &shop.job;
    let last = job.ledger.last_full_listing(feed.name()).await.map_err(IngestError::Ledger)?;
    let now = (job.clock)();
    Ok(match last {
        Some(since) if now.duration_since(since) < job.limits.relist_every => {
            (ListingKind::Recent, Scope::Recent { since })
        }
        _ => (ListingKind::Full, Scope::Full),
    })
}

/// Counts a page, and tells the feed of what needs no more reading.
async fn count(shop: &Shop, page: &[LogObject], known: &[Known], feed: &dyn Feed) {
    let counters = &shop.counters;
    add(&counters.objects_listed, page.len() as u64);
    let (mut settled, mut quarantined) = (Vec::new(), Vec::new());
    for (object, known) in page.iter().zip(known) {
        match known {
            Known::New(ObjectState::Pending) | Known::Pending => {
                if object.told_minute().is_none() {
                    shop.untold.store(true, Ordering::Relaxed);
                }
                add(&counters.objects_to_read, 1);
                add(&counters.bytes_to_read, object.size_bytes);
            }
            Known::Settled(ObjectState::Quarantined) => quarantined.push(object.clone()),
            Known::New(_) | Known::Settled(_) => settled.push(object.clone()),
        }
    }
    forget(feed, &settled, &quarantined).await;
}

/// Tells a feed of settled objects. A feed that cannot forget is told again another time.
pub(super) async fn forget(feed: &dyn Feed, settled: &[LogObject], quarantined: &[LogObject]) {
    let mut told = Ok(());
    if !settled.is_empty() {
        told = feed.settled(settled).await;
    }
    if !quarantined.is_empty() {
        told = told.and(feed.quarantined(quarantined).await);
    }
    if let Err(error) = told {
        tracing::warn!(code = "feed_cannot_forget", feed = feed.name(), error = %error.chain(),
            "a feed could not forget what is in the lake");
    }
}

fn unread(feed: &dyn Feed, error: &FeedError) -> Unread {
    let reason = yagura_store::ledger::reason::FAILED.to_owned();
    Unread { location: feed.name().to_owned(), reason, detail: error.chain() }
}
