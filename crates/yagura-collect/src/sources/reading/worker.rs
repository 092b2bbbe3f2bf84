//! What a worker thread does: opens, recognizes and decodes objects, and shows their batches.
//! Which objects there are is `listing.rs`.

use std::io::Read;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use yagura_content::format::Source;
use yagura_model::event::EventBatch;
use yagura_model::with_causes;
use yagura_store::ledger::reason;

use super::super::decode::{self, DecodeError, Decoded};
use super::super::feeds::FeedError;
use super::super::pipeline::{
    Counters, Interrupted, ObjectReader, Quarantined, Unread, add, source_of, tell,
};
use super::queue::{Queue, Task, Turn};
use super::{ReadOutcome, Reading};

/// What all workers share.
pub(super) struct Shop {
    pub(super) reading: Reading,
    pub(super) queue: Queue,
    pub(super) counters: Counters,
    /// Whether there is nobody to hand batches to.
    alone: bool,
    outcome: Mutex<ReadOutcome>,
}

impl Shop {
    pub(super) fn new(reading: Reading, workers: usize) -> Self {
        Self {
            reading,
            queue: Queue::default(),
            counters: Counters::default(),
            alone: workers < 2,
            outcome: Mutex::default(),
        }
    }

    fn outcome(&self) -> MutexGuard<'_, ReadOutcome> {
        // Every change to it is one addition or one push.
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take_outcome(&self) -> ReadOutcome {
        std::mem::take(&mut *self.outcome())
    }

    fn quarantine(&self, task: &Task, reason: &str, detail: &str, pieces: u64) {
        let mut outcome = self.outcome();
        if outcome.quarantines.len() < self.reading.limits.named_max {
            outcome.quarantines.push(Quarantined {
                location: task.object.location.clone(),
                reason: reason.to_owned(),
                detail: detail.to_owned(),
                pieces,
            });
        }
    }

    fn look(&self, source: &Source, batch: EventBatch) {
        self.reading.tap.batch(&source.id, &batch);
        decode::give_back(batch);
    }
}

/// How one try ended.
enum End {
    Read(Summary),
    /// Nothing of it can be read, and trying again would not help.
    Quarantined {
        reason: &'static str,
        detail: String,
    },
    /// Worth another try.
    Failed(String),
    Interrupted,
}

/// What was in an object.
#[derive(Default)]
struct Summary {
    records: u64,
    bad: u64,
    first_bad: Option<&'static str>,
}

/// Works until the queue says that it is over.
pub(super) fn run(shop: &Shop) {
    while let Some(turn) = shop.queue.take() {
        match turn {
            Turn::Batch(source, batch) => {
                shop.look(&source, batch);
                shop.queue.looked();
            }
            Turn::Object(task) => {
                tell(shop.queue.earliest(), shop.reading.tap.as_ref());
                let told = task.object.told_minute();
                let again = object(shop, task);
                shop.queue.done(told, again);
            }
        }
    }
}

/// One try of an object; gives it back where it is to be tried again.
fn object(shop: &Shop, mut task: Task) -> Option<Task> {
    match one(shop, &task) {
        End::Read(summary) => {
            let all_bad = summary.records == 0 && summary.bad > 0;
            if let Some(first) = summary.first_bad {
                shop.quarantine(&task, first, "", summary.bad);
            }
            let mut outcome = shop.outcome();
            *if all_bad { &mut outcome.quarantined } else { &mut outcome.read } += 1;
        }
        End::Quarantined { reason, detail } => {
            shop.quarantine(&task, reason, &detail, 0);
            shop.outcome().quarantined += 1;
        }
        End::Failed(detail) => {
            task.tries += 1;
            if task.tries < shop.reading.limits.tries {
                return Some(task);
            }
            let mut outcome = shop.outcome();
            outcome.unread_count += 1;
            if outcome.unread.len() < shop.reading.limits.named_max {
                let location = task.object.location.clone();
                outcome.unread.push(Unread { location, reason: reason::FAILED.into(), detail });
            }
        }
        End::Interrupted => return None,
    }
    add(&shop.counters.objects_done, 1);
    None
}

fn one(shop: &Shop, task: &Task) -> End {
    let reading = &shop.reading;
    let Some(feed) = reading.feeds.get(task.feed) else {
        return End::Failed("no such feed".to_owned());
    };
    let object = &task.object;
    let reader = match feed.open(object) {
        Ok(reader) => reader,
        Err(error) => return of_feed(&error),
    };
    let total = &shop.counters.bytes_read;
    let mut reader = ObjectReader::new(reader, None, total, &reading.cancel);
    let mut head = decode::room_for_head(object);
    let limit = decode::HEAD_BYTES as u64;
    if let Err(error) = reader.by_ref().take(limit).read_to_end(&mut head) {
        return of_io(&object.location, &error);
    }
    let sources = &reading.content.sources;
    let source = match source_of(sources, feed.source(), &object.key, &head) {
        Ok(source) => source,
        Err((reason, detail)) => return End::Quarantined { reason, detail: detail.to_owned() },
    };
    let end = decode(shop, task, source, Box::new(head.as_slice().chain(reader)));
    decode::give_bytes(head);
    end
}

/// Decodes an object and shows its batches.
fn decode(shop: &Shop, task: &Task, source: &Arc<Source>, input: Box<dyn Read + '_>) -> End {
    let counters = &shop.counters;
    let mut summary = Summary::default();
    let mut sink = |decoded| {
        match decoded {
            Decoded::Batch(batch) => {
                summary.records += batch.len() as u64;
                add(&counters.records, batch.len() as u64);
                add(&counters.bytes_inflated, batch.text_len() as u64);
                let kept = if shop.alone { Some(batch) } else { shop.queue.offer(source, batch) };
                if let Some(batch) = kept {
                    shop.look(source, batch);
                }
            }
            Decoded::Bad(bad) => {
                summary.bad += 1;
                add(&counters.bad, 1);
                summary.first_bad.get_or_insert(bad.reason.id());
            }
        }
        if shop.reading.cancel.is_cancelled() || shop.queue.is_stopped() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let limits = &shop.reading.limits.decode;
    match decode::decode(&task.object, source, input, limits, &mut sink) {
        Ok(decoded) if decoded.stopped => End::Interrupted,
        Ok(_) => End::Read(summary),
        Err(DecodeError::Read { location, source, .. }) => of_io(&location, &source),
        Err(error) => End::Failed(with_causes(&error)),
    }
}

/// What follows from an error of a feed. What is gone or has other content now was not read, and
/// trying again would not bring back what was listed.
fn of_feed(error: &FeedError) -> End {
    let reason = match error {
        FeedError::Gone { .. } => reason::GONE,
        FeedError::Changed { .. } => reason::CHANGED,
        _ => return End::Failed(error.chain()),
    };
    End::Quarantined { reason, detail: error.chain() }
}

fn of_io(location: &str, error: &std::io::Error) -> End {
    if let Some(within) = FeedError::within(error) {
        return of_feed(within);
    }
    if error.get_ref().and_then(|inner| inner.downcast_ref::<Interrupted>()).is_some() {
        return End::Interrupted;
    }
    End::Failed(format!("cannot read `{location}`: {}", with_causes(error)))
}
