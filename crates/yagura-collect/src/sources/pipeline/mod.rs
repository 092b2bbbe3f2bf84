//! The pipeline: from feeds through the ledger and the decoders into the lake.
//! What objects, records and rows are is decided elsewhere; here is who does what when.

mod commit;
mod generation;
mod listing;
mod outcome;
mod owner;
mod progress;
mod queue;
mod reader;
mod worker;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;
use yagura_content::Content;
use yagura_lake::{Lake, LakeError};
use yagura_model::event::EventBatch;
use yagura_store::StoreError;
use yagura_store::ledger::Ledger;

use super::decode::Limits;
use super::feeds::Feed;
use generation::Claims;
use listing::Listings;
use owner::Owner;
use worker::Shop;

pub use outcome::{Outcome, Quarantined, Unread};
pub use progress::Progress;
pub(super) use progress::{Counters, add};
pub(super) use reader::{Interrupted, ObjectReader};
pub(super) use worker::{source_of, tell};

/// Looks at batches of records on their way into the lake, before they are written: detections.
///
/// A batch may come again when its commit failed; whoever alerts removes repeats by record.
pub trait Tap: Send + Sync {
    /// A batch of records of a source (its id).
    fn batch(&self, source: &str, batch: &EventBatch);

    /// The objects that are read from now on were written no earlier than this, as all of their
    /// names tell. May be told seldom or never, and by any thread that shows no batch just then.
    fn reached(&self, from: Timestamp) {
        let _ = from;
    }

    /// All that was handed over since the last time is about to be committed to the lake, and
    /// will not come again once that is done: what is to be kept of it must be kept now. The
    /// commit does not happen where this fails. It may also fail after this; then the records
    /// come again (decision 0008). After the `last` commit of a run nothing waits to be read, as
    /// far as is known: what else is to be done at the end may be done now.
    fn before_commit(&self, last: bool) -> BoxFuture<'_, Result<(), TapError>> {
        let _ = last;
        Box::pin(async { Ok(()) })
    }
}

/// Why whoever looks on could not keep what was seen.
#[derive(Debug, thiserror::Error)]
#[error("cannot keep what was seen in the logs")]
pub struct TapError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// A tap that looks at nothing.
impl Tap for () {
    fn batch(&self, _source: &str, _batch: &EventBatch) {}
}

/// Everything that ingestion works with. Handles are shared, so that workers may hold them.
#[derive(Clone)]
pub struct Job {
    /// Where objects come from. Their names differ.
    pub feeds: Vec<Arc<dyn Feed>>,
    /// The sources known.
    pub content: Arc<Content>,
    /// Where rows go.
    pub lake: Lake,
    /// What is known of objects.
    pub ledger: Ledger,
    /// Who looks on.
    pub tap: Arc<dyn Tap>,
    /// Bounds.
    pub limits: IngestLimits,
    /// Tells the time; only the binary reads a clock.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Told how far it is, about five times a second and at the end. Must return at once.
    pub progress: Arc<dyn Fn(&Progress) + Send + Sync>,
    /// Once cancelled, nothing more is begun; objects read to their end are committed, others
    /// dropped.
    pub cancel: CancellationToken,
    /// A folder of this machine for files that tell living runs from dead ones, so that what a
    /// killed run held is taken over at once; without one that takes [`IngestLimits::lease`].
    pub locks: Option<PathBuf>,
}

/// Bounds of ingestion.
#[derive(Clone, Debug)]
pub struct IngestLimits {
    /// Worker threads; zero: as many as the machine has processors.
    pub workers: usize,
    /// Commit after so many bytes of records, as read.
    pub commit_bytes: u64,
    /// Commit after so many objects.
    pub commit_objects: u64,
    /// Commit after so long, where anything was read.
    pub commit_every: Duration,
    /// How often an object is tried in one run before it is left pending.
    pub tries: u32,
    /// How long a run that does not end leaves an object alone that it could not read. The next
    /// run tries at once.
    pub put_off: SignedDuration,
    /// How long others leave objects to a worker of which they hear nothing.
    pub lease: SignedDuration,
    /// List everything again when the newest full listing is older than this.
    pub relist_every: SignedDuration,
    /// At most so many quarantined and unread objects are named in the outcome.
    pub named_max: usize,
    /// Bounds of decoding.
    pub decode: Limits,
}

impl Default for IngestLimits {
    fn default() -> Self {
        Self {
            workers: 0,
            commit_bytes: 2 * 1024 * 1024 * 1024,
            commit_objects: 20_000,
            commit_every: Duration::from_secs(60),
            tries: 3,
            put_off: SignedDuration::from_mins(15),
            lease: SignedDuration::from_mins(15),
            relist_every: SignedDuration::from_hours(24),
            named_max: 1_000,
            decode: Limits::default(),
        }
    }
}

/// Why ingestion could not go on. What was committed before stays, the rest is pending.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The ledger could not be read or written.
    #[error("cannot keep the ledger of log objects")]
    Ledger(#[source] StoreError),
    /// The lake could not be written.
    #[error("cannot write the log lake")]
    Lake(#[source] LakeError),
    /// Whoever looks on could not keep what was seen.
    #[error("cannot judge the logs")]
    Tap(#[source] TapError),
    /// The lake is not the one that the ledger knows.
    #[error("the ledger has noted {noted} commits of the lake `{lake}`, and the lake has {found}")]
    LakeBehindLedger {
        /// The lake.
        lake: String,
        /// The newest commit that the ledger has noted.
        noted: u64,
        /// The lake's newest commit.
        found: u64,
    },
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

impl IngestError {
    /// What the person can do about it, where something is known.
    pub fn remedy(&self) -> Option<&'static str> {
        Some(match self {
            Self::Ledger(error) => return error.remedy(),
            Self::Lake(_) => {
                "make room or give yagura a lake folder that it may write; what was committed is \
                 kept and a further run goes on from there"
            }
            Self::Tap(_) => "nothing was committed without it; a further run goes on from there",
            Self::LakeBehindLedger { .. } => {
                "bring the lake's folder back, or use another --data-dir for a new lake"
            }
            Self::UnknownSource(_) => "name one of the sources, or `auto` to recognize each file",
            Self::FeedTwice(_) => "name each place once",
            Self::Worker => return None,
        })
    }
}

/// Reads everything new of the feeds into the lake, exactly once.
///
/// It ends when all feeds have been listed to their end and nothing is left to read, or when it
/// is cancelled; a feed that never ends keeps it going. Several processes may do this at once
/// over the same ledger and lake.
///
/// # Errors
/// Where the ledger or the lake cannot be written. Objects that cannot be read are in the
/// outcome, not an error.
pub async fn ingest(job: Job) -> Result<Outcome, IngestError> {
    check(&job)?;
    let owner = Owner::new(job.locks.as_deref(), (job.clock)());
    owner.release_dead(job.locks.as_deref(), &job.ledger).await.map_err(IngestError::Ledger)?;
    let mut outcome = Outcome { reconciled: commit::reconcile(&job).await?, ..Outcome::default() };
    let shop = Arc::new(Shop::new(job));
    let worked = work(&shop, &owner, &mut outcome).await;
    // Whatever happened, others may go on at once.
    let released = shop.job.ledger.release(&owner.name).await;
    worked?;
    released.map_err(IngestError::Ledger)?;
    for feed in &shop.job.feeds {
        let balance = shop.job.ledger.balance(Some(feed.name())).await;
        outcome.balance += balance.map_err(IngestError::Ledger)?;
    }
    outcome.counts = shop.counters.progress();
    outcome.interrupted = shop.job.cancel.is_cancelled();
    (shop.job.progress)(&outcome.counts);
    Ok(outcome)
}

fn check(job: &Job) -> Result<(), IngestError> {
    let mut names = BTreeSet::new();
    for feed in &job.feeds {
        if !names.insert(feed.name()) {
            return Err(IngestError::FeedTwice(feed.name().to_owned()));
        }
        if let Some(source) = feed.source().filter(|name| !job.content.sources.contains_key(*name))
        {
            return Err(IngestError::UnknownSource(source.to_owned()));
        }
    }
    Ok(())
}

/// Generation after generation, until nothing is left.
async fn work(shop: &Arc<Shop>, owner: &Owner, outcome: &mut Outcome) -> Result<(), IngestError> {
    for feed in &shop.job.feeds {
        let pending = shop.job.ledger.has_pending(feed.name()).await;
        if pending.map_err(IngestError::Ledger)? {
            // An earlier run left it; a listing of what is recent does not see its name.
            shop.untold.store(true, Ordering::Relaxed);
        }
    }
    let mut listings = Listings::begin(shop);
    let mut claims = Claims::new(owner.name.clone(), shop.job.feeds.len());
    let workers = match shop.job.limits.workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        workers => workers,
    };
    let worked = loop {
        let more = generation::begin(shop, &mut claims, &mut listings, workers).await;
        match more {
            Ok(true) => {}
            Ok(false) => break Ok(()),
            Err(error) => break Err(error),
        }
        let filled = generation::run(shop, &mut claims, &mut listings, workers, outcome).await;
        if let Err(error) = filled {
            break Err(error);
        }
        // What waited for the commit may be ready now.
        claims.rewind();
    };
    if worked.is_ok() {
        listings.join().await?;
        shop.counters.listed.store(!shop.job.cancel.is_cancelled(), Ordering::Relaxed);
    }
    outcome.unlisted = std::mem::take(&mut listings.unlisted);
    worked
}
