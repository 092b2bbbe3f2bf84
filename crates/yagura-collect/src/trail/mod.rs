//! Proving CloudTrail's log files against its digest files, in a bucket or in a folder copied from
//! one: every file gets a verdict, and forged additions are found.
//! What proves what is decided in `yagura_analyze::trail`; verdicts are kept by whoever asked.
//!
//! A copy of a bucket loses S3's metadata and with it the signature of the newest digest of each
//! chain, which stays *pending*; every older one is proven by the signature that the next digest
//! keeps. A file `<key>.metadata.json` beside a digest, as `aws s3api head-object` prints it
//! (`{"Metadata": {"signature": "…"}}`), stands for the metadata.

mod archive;
mod bucket;
mod discover;
mod folder;
mod group;
mod inflate;
mod keys;
mod logs;
pub mod results;
mod unlisted;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use yagura_analyze::trail::Keys;
pub use yagura_analyze::trail::{Reason, Verdict};
use yagura_model::UnreadReason;

pub use archive::{Archive, Entry, ReadFault, Whole};
pub use bucket::BucketArchive;
pub use folder::FolderArchive;
pub use keys::{KeyError, KeySource, read_keys};

/// The read calls of verification from a bucket with keys from the API: what the client must
/// declare.
pub const CALLS: [&str; 3] = ["cloudtrail:ListPublicKeys", "s3:GetObject", "s3:ListObjectsV2"];

/// What to verify.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Only what was delivered from this time on.
    pub since: Option<Timestamp>,
    /// Only what was delivered before this time.
    pub until: Option<Timestamp>,
    /// Only these accounts; empty: all.
    pub accounts: Vec<String>,
    /// Only these regions; empty: all.
    pub regions: Vec<String>,
    /// Only these trails; empty: all.
    pub trails: Vec<String>,
}

/// How to verify.
#[derive(Clone, Debug)]
pub struct Options {
    /// Objects read at once.
    pub concurrency: usize,
    /// Compressed bytes held at once, over all objects.
    pub memory_bytes_max: usize,
    /// The present time: tells what should have come by now.
    pub now: Timestamp,
}

impl Options {
    /// Eight objects and 128 MB at once.
    pub fn at(now: Timestamp) -> Self {
        Self { concurrency: 8, memory_bytes_max: 128 << 20, now }
    }
}

/// What kind of file a verdict is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ObjectKind {
    /// A log file.
    Log,
    /// A digest file.
    Digest,
}

/// The verdict on one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectVerdict {
    /// Where it is, or should be: `s3://bucket/key` or a path, as the ledger calls it.
    pub location: String,
    /// A log file or a digest file.
    pub kind: ObjectKind,
    /// The verdict.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// More, in AWS's or the file system's words; empty where the reason says all.
    pub detail: String,
    /// The digest that lists a log file.
    pub digest: Option<String>,
}

/// What lies between two digests of a chain, where that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// `ChainRestarted`, `TimeGap`, `NotLinked` or `Elsewhere`.
    pub reason: Reason,
    /// The end of the older digest, where there is one.
    pub from: Option<Timestamp>,
    /// The beginning of the newer one.
    pub to: Timestamp,
}

/// One chain of digests: of one trail, account and region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainSummary {
    /// Twelve digits.
    pub account: String,
    /// The region of the events.
    pub region: String,
    /// The trail.
    pub trail: String,
    /// Its home region.
    pub home_region: String,
    /// A chain of backfill digests.
    pub backfill: bool,
    /// How many digests were looked at.
    pub digests: u64,
    /// The beginning of the oldest one.
    pub from: Option<Timestamp>,
    /// The end of the newest one.
    pub to: Option<Timestamp>,
    /// Where it is broken, newest first; at most 1,000.
    pub gaps: Vec<Gap>,
}

/// Something that could not be listed or asked: what it holds is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blind {
    /// What was attempted, with the place.
    pub what: String,
    /// Why.
    pub reason: UnreadReason,
    /// More, in AWS's or the file system's words.
    pub detail: String,
}

/// What verification came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Log files by verdict.
    pub logs: BTreeMap<Verdict, u64>,
    /// Digest files by verdict.
    pub digests: BTreeMap<Verdict, u64>,
    /// The chains.
    pub chains: Vec<ChainSummary>,
    /// What could not be looked at.
    pub blind: Vec<Blind>,
    /// Compressed bytes read.
    pub read_bytes: u64,
    /// It was cancelled before it was done.
    pub interrupted: bool,
    /// All public keys used or asked for, to be kept for verification without AWS.
    pub keys: Keys,
}

impl Summary {
    /// Whether anything is neither proven nor merely waiting.
    pub fn is_alarming(&self) -> bool {
        let alarming = |counts: &BTreeMap<Verdict, u64>| {
            counts.iter().any(|(verdict, count)| verdict.is_alarming() && *count > 0)
        };
        let torn = |gap: &Gap| matches!(gap.reason, Reason::TimeGap | Reason::NotLinked);
        alarming(&self.logs)
            || alarming(&self.digests)
            || self.chains.iter().flat_map(|chain| &chain.gaps).any(torn)
    }

    fn count(&mut self, verdict: &ObjectVerdict) {
        let counts = match verdict.kind {
            ObjectKind::Log => &mut self.logs,
            ObjectKind::Digest => &mut self.digests,
        };
        *counts.entry(verdict.verdict).or_default() += 1;
    }
}

/// Verifies everything that the selection asks for. Verdicts go to the sink as they are found;
/// it is bounded and must be received from.
///
/// Nothing that happens on the way is an error: what could not be read is pending with the reason
/// `unread`, what could not be listed is in [`Summary::blind`].
pub async fn verify(
    archive: Arc<dyn Archive>,
    keys: KeySource,
    selection: &Selection,
    options: &Options,
    sink: mpsc::Sender<ObjectVerdict>,
    cancel: CancellationToken,
) -> Summary {
    let mut session = Session {
        archive,
        keys: keys::KeyRing::new(keys),
        selection: selection.clone(),
        options: options.clone(),
        memory: Arc::new(tokio::sync::Semaphore::new(logs::permits(options.memory_bytes_max))),
        sink,
        cancel: cancel.clone(),
        summary: Summary::default(),
    };
    tokio::select! {
        biased;
        () = cancel.cancelled() => session.summary.interrupted = true,
        () = discover::run(&mut session) => {}
    }
    session.summary.keys = session.keys.into_keys();
    session.summary
}

/// One verification.
struct Session {
    archive: Arc<dyn Archive>,
    keys: keys::KeyRing,
    selection: Selection,
    options: Options,
    memory: Arc<tokio::sync::Semaphore>,
    sink: mpsc::Sender<ObjectVerdict>,
    cancel: CancellationToken,
    summary: Summary,
}

impl Session {
    async fn tell(&mut self, verdict: ObjectVerdict) {
        self.summary.count(&verdict);
        if self.sink.send(verdict).await.is_err() {
            // Nobody listens any more: the caller gave up.
            self.cancel.cancel();
        }
    }

    fn blind(&mut self, what: String, fault: &ReadFault) {
        self.summary.blind.push(Blind { what, reason: fault.reason, detail: fault.detail.clone() });
    }
}
