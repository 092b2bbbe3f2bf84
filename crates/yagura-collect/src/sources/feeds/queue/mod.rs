//! A queue as a feed: S3's announcements of new objects, directly, through SNS or EventBridge, and
//! events that are messages themselves (EventBridge → SQS: seconds instead of minutes).
//! What the messages say is read in `message`; buckets are opened in `bucket`.
//!
//! A message is deleted after everything that it announced is settled, never before: until then it
//! is kept from other consumers, and whoever crashes gets it again. Events are gathered into files
//! of a folder of our own, since a row of the ledger per event would be too much; a batch that
//! comes a second time, in other company, is thinned out by the identity of its records.

mod ledger;
mod message;
mod spool;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use yagura_aws::{CallErrorKind, Message, QueueConsumer, ReadClient, Target};
use yagura_model::object::LogObject;

use super::bucket::{self, fault, is_log};
use super::{Feed, FeedError, Page, Scope};
use ledger::Outstanding;
use message::{Announced, Said};
use spool::Spool;

/// The read calls of this feed, as content files name calls: what the client must declare.
pub const CALLS: [&str; 2] = ["s3:GetObject", "s3:HeadObject"];

/// How long messages are kept from others at first, and after each renewal, in seconds.
const HIDDEN_SECONDS: u32 = 300;
/// Renewed this often: a renewal may fail twice before a message shows up elsewhere.
const RENEW_EVERY: Duration = Duration::from_secs(90);
/// Messages received and not settled, at most. SQS allows 120,000 per queue.
const OUTSTANDING_MAX: usize = 5_000;
/// A message that nobody understands is left to others this often, then put aside.
const RECEIPTS_MAX: u32 = 5;
/// How long such a message stays hidden before the next try, in seconds.
const UNKNOWN_HIDDEN_SECONDS: u32 = 30;
/// Receives that are joined into one page while messages keep coming.
const RECEIVES_PER_PAGE: usize = 20;
/// How long to wait for room before looking again.
const WAIT_FOR_ROOM: Duration = Duration::from_millis(200);
/// After so many looks, a minute, a feed that ends some time ends now; the rest of the messages
/// stays in the queue.
const WAITS_FOR_ROOM_MAX: u32 = 300;
/// After a failed receive.
const PAUSE_AFTER_FAULT: Duration = Duration::from_secs(5);

/// When a feed of messages ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// When the queue gives nothing.
    Empty,
    /// When it is dropped.
    Dropped,
}

/// What a queue feed needs to know.
#[derive(Clone, Debug)]
pub struct QueueOptions {
    /// The source of events that are messages; announced objects are recognized one by one.
    pub source: Option<String>,
    /// A folder of its own, for events that are messages.
    pub spool: PathBuf,
    /// Only objects of these buckets are read; empty: of any.
    pub buckets: Vec<String>,
    /// When to end.
    pub until: Until,
}

/// What a queue has brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueCounts {
    /// Messages received, repeats included.
    pub received: u64,
    /// Messages deleted.
    pub deleted: u64,
    /// Messages that nobody understood, left for another try.
    pub unknown: u64,
    /// Messages that nobody understood, put aside into the folder `unknown` of the spool.
    pub put_aside: u64,
    /// Announced objects of buckets that are not ours to read.
    pub foreign: u64,
}

#[derive(Debug, Default)]
struct Counters {
    received: AtomicU64,
    deleted: AtomicU64,
    unknown: AtomicU64,
    put_aside: AtomicU64,
    foreign: AtomicU64,
}

/// A queue.
#[derive(Debug)]
pub struct QueueFeed {
    name: String,
    consumer: QueueConsumer,
    client: ReadClient,
    target: Target,
    options: QueueOptions,
    spool: Spool,
    runtime: Handle,
    outstanding: Arc<Mutex<Outstanding>>,
    counters: Counters,
    keeper: AbortHandle,
}

impl Drop for QueueFeed {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl QueueFeed {
    /// A queue whose announced objects are read by `client`, signed by the account of `target`.
    ///
    /// # Errors
    /// When the folder of its own cannot be made.
    pub fn new(
        consumer: QueueConsumer,
        client: ReadClient,
        target: Target,
        options: QueueOptions,
        runtime: Handle,
    ) -> Result<Self, FeedError> {
        let spool = Spool::open(&options.spool)?;
        let outstanding = Arc::new(Mutex::new(Outstanding::default()));
        let keep = keep(consumer.clone(), Arc::clone(&outstanding));
        let keeper = runtime.spawn(keep).abort_handle();
        Ok(Self {
            name: consumer.url().to_owned(),
            consumer,
            client,
            target,
            options,
            spool,
            runtime,
            outstanding,
            counters: Counters::default(),
            keeper,
        })
    }

    /// What it has brought so far.
    pub fn counts(&self) -> QueueCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        QueueCounts {
            received: read(&self.counters.received),
            deleted: read(&self.counters.deleted),
            unknown: read(&self.counters.unknown),
            put_aside: read(&self.counters.put_aside),
            foreign: read(&self.counters.foreign),
        }
    }

    fn outstanding(&self) -> std::sync::MutexGuard<'_, Outstanding> {
        self.outstanding.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is room for more messages: settled ones make it, nothing else does.
    /// Somebody who settles nothing before this feed ends must not wait for ever.
    async fn has_room(&self) -> bool {
        let mut patience = WAITS_FOR_ROOM_MAX;
        while self.outstanding().len() >= OUTSTANDING_MAX {
            patience = patience.saturating_sub(1);
            if patience == 0 && self.options.until == Until::Empty {
                return false;
            }
            tokio::time::sleep(WAIT_FOR_ROOM).await;
        }
        true
    }

    /// The next page, waiting for messages; `None` when the feed has ended.
    async fn next(&self) -> Option<Result<Page, FeedError>> {
        let mut batch = Batch::default();
        for turn in 0..RECEIVES_PER_PAGE {
            if !self.has_room().await {
                return if batch.is_empty() { None } else { Some(self.page(batch).await) };
            }
            // The first receive waits; what comes with it is taken along.
            let wait = match (turn, self.options.until) {
                (0, Until::Dropped) => 20,
                (0, Until::Empty) => 1,
                _ => 0,
            };
            let messages = match self.consumer.receive(wait, HIDDEN_SECONDS).await {
                Ok(messages) => messages,
                Err(error) if batch.is_empty() => {
                    tokio::time::sleep(PAUSE_AFTER_FAULT).await;
                    return Some(Err(fault("receive from", &self.name, error)));
                }
                Err(_) => break,
            };
            if messages.is_empty() {
                match (batch.is_empty(), self.options.until) {
                    (true, Until::Dropped) => continue,
                    (true, Until::Empty) => return None,
                    (false, _) => break,
                }
            }
            self.counters.received.fetch_add(count(messages.len()), Ordering::Relaxed);
            for message in messages {
                self.sort(message, &mut batch).await;
            }
        }
        Some(self.page(batch).await)
    }

    /// Puts one message where it belongs.
    async fn sort(&self, message: Message, batch: &mut Batch) {
        match message::read(&message.body) {
            Said::Nothing => batch.done.push(message.receipt),
            Said::Event(line) => batch.events.push((message, line)),
            Said::Unknown => self.unknown(message, batch).await,
            Said::Objects(announced) => self.objects(message, announced, batch).await,
        }
    }

    async fn objects(&self, message: Message, announced: Vec<Announced>, batch: &mut Batch) {
        let mut objects = Vec::new();
        for one in announced {
            let foreign =
                !self.options.buckets.is_empty() && !self.options.buckets.contains(&one.bucket);
            if foreign {
                self.counters.foreign.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            if !is_log(&one.key, one.size_bytes.unwrap_or(1)) {
                continue;
            }
            match self.known(one).await {
                Ok(Some(object)) => objects.push(object),
                Ok(None) => {}
                // Left as it is: the message comes again when its time is over.
                Err(error) => return batch.faults.push(error),
            }
        }
        if objects.is_empty() {
            batch.done.push(message.receipt);
            return;
        }
        let ids = objects.iter().map(LogObject::identity).collect();
        self.outstanding().add(message.id, message.receipt, ids);
        batch.page.extend(objects);
    }

    /// The announced object with its etag: without one, the ledger could not tell that a listing
    /// and an announcement mean the same. `None` where it is gone already.
    async fn known(&self, one: Announced) -> Result<Option<LogObject>, FeedError> {
        let location = format!("s3://{}/{}", one.bucket, one.key);
        let opened = self.client.bucket(&self.target, &one.bucket, false);
        let bucket = opened.map_err(|error| fault("open", &location, error))?;
        if let (Some(etag), Some(size_bytes)) = (one.etag, one.size_bytes) {
            return Ok(Some(LogObject {
                location,
                key: one.key,
                version: one.version,
                etag: Some(etag),
                size_bytes,
                modified: None,
            }));
        }
        match bucket.head(&one.key).await {
            Ok(listed) => Ok(Some(bucket::object(&bucket, listed))),
            Err(error) if error.kind == CallErrorKind::Absent => Ok(None),
            Err(error) => Err(fault("look at", &location, error)),
        }
    }

    /// Nobody understands it: perhaps another version of this program does. After some tries it
    /// is put aside, so that it does not go round for ever.
    async fn unknown(&self, message: Message, batch: &mut Batch) {
        if message.receipts < RECEIPTS_MAX {
            self.counters.unknown.fetch_add(1, Ordering::Relaxed);
            let receipt = [message.receipt];
            // If this fails the message shows up a little later.
            let _ = self.consumer.extend(&receipt, UNKNOWN_HIDDEN_SECONDS).await;
            return;
        }
        match self.spool.put_aside(&message.id, &message.body) {
            Ok(()) => {
                self.counters.put_aside.fetch_add(1, Ordering::Relaxed);
                batch.done.push(message.receipt);
            }
            Err(error) => batch.faults.push(error),
        }
    }

    /// Makes a page of a batch: its events become one file.
    async fn page(&self, mut batch: Batch) -> Result<Page, FeedError> {
        if !batch.events.is_empty() {
            let lines: BTreeMap<&str, &str> = batch
                .events
                .iter()
                .map(|(message, line)| (message.id.as_str(), line.as_str()))
                .collect();
            let object = self.spool.write(&lines)?;
            let id = object.identity();
            let mut outstanding = self.outstanding();
            for (message, _) in batch.events.drain(..) {
                outstanding.add(message.id, message.receipt, vec![id.clone()]);
            }
            drop(outstanding);
            batch.page.push(object);
        }
        self.delete(&batch.done).await?;
        match (batch.page.is_empty(), batch.faults.pop()) {
            (true, Some(fault)) => Err(fault),
            _ => Ok(batch.page),
        }
    }

    async fn delete(&self, receipts: &[String]) -> Result<(), FeedError> {
        let refused = self.consumer.delete(receipts).await;
        let refused = refused.map_err(|error| fault("delete from", &self.name, error))?;
        let deleted = count(receipts.len().saturating_sub(refused.len()));
        self.counters.deleted.fetch_add(deleted, Ordering::Relaxed);
        Ok(())
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// Messages that become one page.
#[derive(Default)]
struct Batch {
    page: Page,
    events: Vec<(Message, String)>,
    /// Receipts of messages that ask for nothing.
    done: Vec<String>,
    faults: Vec<FeedError>,
}

impl Batch {
    fn is_empty(&self) -> bool {
        self.page.is_empty()
            && self.events.is_empty()
            && self.done.is_empty()
            && self.faults.is_empty()
    }
}

/// Keeps messages from others for as long as they are worked on.
async fn keep(consumer: QueueConsumer, outstanding: Arc<Mutex<Outstanding>>) {
    loop {
        tokio::time::sleep(RENEW_EVERY).await;
        let receipts = outstanding.lock().unwrap_or_else(PoisonError::into_inner).receipts();
        for batch in receipts.chunks(10) {
            // A failed renewal is tried again at the next turn; a refused one means that the
            // message is somebody else's now, or is over its twelve hours.
            if let Ok(refused) = consumer.extend(batch, HIDDEN_SECONDS).await {
                outstanding.lock().unwrap_or_else(PoisonError::into_inner).lose(&refused);
            }
        }
    }
}

impl Feed for QueueFeed {
    fn name(&self) -> &str {
        &self.name
    }

    fn announces(&self) -> bool {
        true
    }

    fn list(&self, _scope: Scope) -> BoxStream<'_, Result<Page, FeedError>> {
        let left = self.spool.leftovers();
        let first = stream::iter(match left {
            Ok(page) if page.is_empty() => None,
            other => Some(other),
        });
        let pages = stream::unfold(self, |feed| async move { Some((feed.next().await?, feed)) });
        first.chain(pages).boxed()
    }

    fn open(&self, object: &LogObject) -> Result<Box<dyn Read + Send + '_>, FeedError> {
        match super::bucket::BucketFeed::split(&object.location) {
            Some((name, _)) => {
                let opened = self.client.bucket(&self.target, name, false);
                let bucket = opened.map_err(|error| fault("open", &object.location, error))?;
                bucket::open(&bucket, object, &self.runtime)
            }
            None => self.spool.read(Path::new(&object.location)),
        }
    }

    fn settled<'a>(&'a self, objects: &'a [LogObject]) -> BoxFuture<'a, Result<(), FeedError>> {
        Box::pin(async move {
            let mut done = Vec::new();
            for object in objects {
                done.extend(self.outstanding().settle(&object.identity()));
                self.spool.forget(Path::new(&object.location))?;
            }
            if done.is_empty() { Ok(()) } else { self.delete(&done).await }
        })
    }
}
