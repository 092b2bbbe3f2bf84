//! What a worker thread does: takes objects, opens, recognizes, decodes and appends them.
//! Which objects there are and when it ends is decided by `generation.rs`.

use std::collections::BTreeMap;
use std::io::Read;
use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use yagura_content::format::Source;
use yagura_lake::{LakeError, Piece, Worker};
use yagura_model::object::{Minute, minute_start};
use yagura_model::with_causes;
use yagura_store::ledger::{ObjectId, Settled, Settlement, reason};

use super::progress::add;
use super::queue::{Queue, Work};
use super::reader::{Interrupted, ObjectReader, Seen};
use super::{Job, Tap, progress::Counters};
use crate::sources::decode::{self, BadPiece, DecodeError, Decoded};
use crate::sources::feeds::FeedError;

/// What all workers of a generation share.
pub(super) struct Shop {
    pub(super) job: Job,
    pub(super) queue: Queue,
    pub(super) counters: Counters,
    pub(super) done: Mutex<Done>,
    /// Whether an object may be pending whose name does not tell its time.
    pub(super) untold: AtomicBool,
}

/// What became of the objects of a generation.
#[derive(Default)]
pub(super) struct Done {
    /// Objects that wait for the commit.
    pub(super) finished: Vec<Finished>,
    /// Bytes of their records.
    pub(super) finished_bytes: u64,
    /// Objects that need none.
    pub(super) settlements: Vec<(Work, Settlement)>,
    /// Objects that were tried often enough in this run.
    pub(super) failed: Vec<(Work, Failed)>,
    /// Objects dropped because of a cancel.
    pub(super) dropped: u64,
    /// Why the lake cannot be written.
    pub(super) fatal: Option<LakeError>,
}

impl Done {
    /// How many objects wait for the commit or the ledger.
    pub(super) fn objects(&self) -> u64 {
        (self.finished.len() + self.settlements.len() + self.failed.len()) as u64
    }
}

/// An object whose records wait for the commit.
pub(super) struct Finished {
    pub(super) work: Work,
    pub(super) content: Option<Vec<u8>>,
    /// Bytes of its records.
    bytes: u64,
    /// The first bad piece, where there is one.
    pub(super) first_bad: Option<String>,
}

/// Why an object could not be read.
#[derive(Clone, Debug)]
pub(super) struct Failed {
    pub(super) reason: &'static str,
    pub(super) detail: String,
}

/// How one try ended.
enum End {
    Finished(Finished),
    Settled(Settlement),
    /// Worth another try.
    Failed(Failed),
    Interrupted,
    Fatal(LakeError),
}

impl Shop {
    pub(super) fn new(job: Job) -> Self {
        Self {
            job,
            queue: Queue::default(),
            counters: Counters::default(),
            done: Mutex::default(),
            untold: AtomicBool::new(false),
        }
    }

    pub(super) fn done(&self) -> std::sync::MutexGuard<'_, Done> {
        // Every change to it is one push.
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, error: LakeError) {
        self.done().fatal.get_or_insert(error);
        self.queue.stop();
    }

    /// Ends the generation once its commit is large enough. Workers see to it themselves: before
    /// the coordinator looks, they may have read everything that waits in the queue.
    fn stop_if_full(&self) {
        let limits = &self.job.limits;
        let done = self.done();
        if done.objects() >= limits.commit_objects || done.finished_bytes >= limits.commit_bytes {
            self.queue.stop();
        }
    }
}

/// Tells whoever looks on from when on records still come.
pub(in crate::sources) fn tell(earliest: Option<Minute>, tap: &dyn Tap) {
    if let Some(from) = earliest.and_then(minute_start) {
        tap.reached(from);
    }
}

/// Works until the queue says that it is over.
pub(super) fn run(shop: &Shop, mut worker: Worker) {
    while let Some(mut work) = shop.queue.take() {
        tell(shop.queue.earliest(), shop.job.tap.as_ref());
        let told = work.claimed.object.told_minute();
        let end = one(shop, &mut worker, &work);
        let mut again = None;
        match end {
            End::Finished(mut finished) => {
                add(&shop.counters.objects_done, 1);
                finished.work.tries = work.tries;
                let mut done = shop.done();
                done.finished_bytes += finished.bytes;
                done.finished.push(finished);
            }
            End::Settled(settlement) => {
                add(&shop.counters.objects_done, 1);
                shop.done().settlements.push((work, settlement));
            }
            End::Failed(failed) => {
                work.tries += 1;
                if work.tries < shop.job.limits.tries {
                    again = Some(work);
                } else {
                    add(&shop.counters.objects_done, 1);
                    shop.done().failed.push((work, failed));
                }
            }
            End::Interrupted => shop.done().dropped += 1,
            End::Fatal(error) => shop.fail(error),
        }
        shop.stop_if_full();
        shop.queue.done(told, again);
    }
    if let Err(error) = worker.close() {
        shop.fail(error);
    }
}

/// One try of one object.
fn one(shop: &Shop, worker: &mut Worker, work: &Work) -> End {
    let Some(feed) = shop.job.feeds.get(work.feed) else {
        return End::Failed(Failed { reason: reason::FAILED, detail: "no such feed".to_owned() });
    };
    let object = &work.claimed.object;
    let reader = match feed.open(object) {
        Ok(reader) => reader,
        Err(error) => return of_feed(work.claimed.id, &error),
    };
    let seen = Seen::default();
    let total = &shop.counters.bytes_read;
    let mut reader = ObjectReader::new(reader, Some(seen.clone()), total, &shop.job.cancel);
    let mut head = decode::room_for_head(object);
    let limit = decode::HEAD_BYTES as u64;
    if let Err(error) = reader.by_ref().take(limit).read_to_end(&mut head) {
        return of_io(work.claimed.id, &object.location, &error);
    }
    let source = match source_of(&shop.job.content.sources, feed.source(), &object.key, &head) {
        Ok(source) => source,
        Err((reason, detail)) => {
            let settled = Settled::Quarantined { reason, detail: detail.to_owned() };
            return settle(work.claimed.id, None, None, settled);
        }
    };
    worker.begin_object(object, &source.id);
    let input = Box::new(head.as_slice().chain(reader));
    let end = read(shop, worker, work, source, input, &seen);
    decode::give_bytes(head);
    if !matches!(end, End::Finished(_)) {
        worker.abandon_object();
    }
    end
}

/// The source of an object; the reason and the detail of its quarantine where there is none.
pub(in crate::sources) fn source_of<'a>(
    sources: &'a BTreeMap<String, Arc<Source>>,
    named: Option<&str>,
    key: &str,
    head: &[u8],
) -> Result<&'a Arc<Source>, (&'static str, &'static str)> {
    // Whether there is a source of the name was looked up before reading began.
    if let Some(source) = named.and_then(|named| sources.get(named)) {
        return Ok(source);
    }
    match decode::recognize(sources, key, head) {
        Some(source) => Ok(source),
        None if head.is_empty() => Err((reason::EMPTY, "it has no bytes")),
        None => Err((
            reason::NOT_RECOGNIZED,
            "no source recognizes its name or its content; name the source to read it as one",
        )),
    }
}

/// Decodes an object into the lake's worker.
fn read(
    shop: &Shop,
    worker: &mut Worker,
    work: &Work,
    source: &Source,
    input: Box<dyn Read + '_>,
    seen: &Seen,
) -> End {
    let object = &work.claimed.object;
    let now = (shop.job.clock)();
    let counters = &shop.counters;
    let mut fatal = None;
    let mut first_bad = None;
    let limits = &shop.job.limits.decode;
    let mut sink = |decoded| {
        let put = match decoded {
            Decoded::Batch(batch) => {
                add(&counters.records, batch.len() as u64);
                add(&counters.bytes_inflated, batch.text_len() as u64);
                shop.job.tap.batch(&source.id, &batch);
                let appended = worker.append(source.table(), &batch, now).map(|appended| {
                    add(&counters.rows, appended.rows);
                    add(&counters.repeats, appended.repeats);
                    add(&counters.bad, appended.refused.len() as u64);
                    if let Some(refused) = appended.refused.first() {
                        first_bad.get_or_insert_with(|| refused.reason.name().to_owned());
                    }
                });
                decode::give_back(batch);
                appended
            }
            Decoded::Bad(bad) => {
                add(&counters.bad, 1);
                first_bad.get_or_insert_with(|| bad.reason.id().to_owned());
                worker.quarantine(piece(bad))
            }
        };
        match put {
            Ok(()) if shop.job.cancel.is_cancelled() => ControlFlow::Break(()),
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                fatal = Some(error);
                ControlFlow::Break(())
            }
        }
    };
    let decoded = decode::decode(object, source, input, limits, &mut sink);
    if let Some(error) = fatal {
        return End::Fatal(error);
    }
    let summary = match decoded {
        Ok(summary) if summary.stopped => return End::Interrupted,
        Ok(summary) => summary,
        Err(DecodeError::Read { location, source, .. }) => {
            return of_io(work.claimed.id, &location, &source);
        }
        Err(error) => {
            let failed = Failed { reason: reason::FAILED, detail: with_causes(&error) };
            return End::Failed(failed);
        }
    };
    finish(worker, work, source, seen.digest(), first_bad, summary.inflated_bytes)
}

fn finish(
    worker: &mut Worker,
    work: &Work,
    source: &Source,
    content: Option<Vec<u8>>,
    first_bad: Option<String>,
    bytes: u64,
) -> End {
    let id = work.claimed.id;
    let earlier = content.as_ref().and_then(|content| {
        work.claimed.earlier.iter().find(|(_, earlier)| earlier == content).map(|(of, _)| *of)
    });
    if let Some(of) = earlier {
        let settled = Settled::Duplicate { of };
        return settle(id, Some(source.id.clone()), content, settled);
    }
    match worker.finish_object() {
        Ok(_) => End::Finished(Finished { work: work.clone(), content, bytes, first_bad }),
        Err(error) => End::Fatal(error),
    }
}

fn settle(id: ObjectId, source: Option<String>, content: Option<Vec<u8>>, settled: Settled) -> End {
    End::Settled(Settlement { id, source, content, settled })
}

fn piece(bad: BadPiece) -> Piece {
    Piece { reason: bad.reason.id().to_owned(), offset: bad.offset, bytes: bad.bytes }
}

/// What follows from an error of a feed. What is gone or has other content now will not come
/// back under this identity: where it does, the next listing makes it pending again.
fn of_feed(id: ObjectId, error: &FeedError) -> End {
    let reason = match error {
        FeedError::Gone { .. } => reason::GONE,
        FeedError::Changed { .. } => reason::CHANGED,
        _ => return End::Failed(Failed { reason: reason::FAILED, detail: error.chain() }),
    };
    let detail = error.chain();
    settle(id, None, None, Settled::Quarantined { reason, detail })
}

fn of_io(id: ObjectId, location: &str, error: &std::io::Error) -> End {
    if let Some(within) = FeedError::within(error) {
        return of_feed(id, within);
    }
    if error.get_ref().and_then(|inner| inner.downcast_ref::<Interrupted>()).is_some() {
        return End::Interrupted;
    }
    let detail = format!("cannot read `{location}`: {}", with_causes(error));
    End::Failed(Failed { reason: reason::FAILED, detail })
}
