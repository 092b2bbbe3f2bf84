//! Delivery: takes messages from the outbox, sends each, and notes what came of it; tries again
//! later, ever more seldom, and gives up in the end, visibly.
//! How a message reaches its target is `crate::channels`'; what is in the outbox `crate::routes`'.

mod notice;
mod patience;

use std::collections::BTreeMap;

use futures::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use yagura_content::format::{Judged, Target};
use yagura_model::finding::{Act, Actor, Scope, Ticket};
use yagura_model::message::MessageKind;
use yagura_store::Store;
use yagura_store::outbox::{Outcome, Settlement, Taken, TargetRate, Told as Tried};

use crate::channels::{Channels, Parcel, Sent};
use crate::error::RespondError;
use crate::routes::unreadable;

pub use notice::sample;

/// How long a message is ours. Longer than all messages of one target that are taken at once can
/// take to be sent; after that another process sends what is left.
const LEASE: SignedDuration = SignedDuration::from_mins(10);
/// What must be left of a lease for a message to be sent.
const LEASE_LEFT_MIN: SignedDuration = SignedDuration::from_mins(2);
/// Messages of one target that are taken at once.
const TAKEN_MAX: u32 = 8;
/// Targets that are sent to at the same time.
const TARGETS_MAX: usize = 16;
/// Times that one call looks for more messages.
const ROUNDS_MAX: usize = 1_000;

/// What one call delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Messages that reached their target.
    pub sent: u64,
    /// Messages that are tried again later.
    pub retried: u64,
    /// Messages that were given up.
    pub dead: u64,
    /// Messages that had nothing to tell their target.
    pub skipped: u64,
}

/// Where time comes from. Sending takes time, and the records are to be true.
pub type Clock<'a> = dyn Fn() -> Timestamp + Send + Sync + 'a;

/// Whether it is to stop.
pub type Stopped<'a> = dyn Fn() -> bool + Send + Sync + 'a;

/// Delivers everything that is due, and returns once nothing is. Several processes may do so at
/// once, each under a name of its own.
///
/// Dropped in between, it loses nothing: what was sent and not noted is sent once more when its
/// lease has ended.
///
/// # Errors
/// Where the database cannot be read or written. What a target answers is never an error.
pub async fn deliver(
    store: &Store,
    channels: &Channels,
    holder: &str,
    clock: &Clock<'_>,
) -> Result<Delivered, RespondError> {
    deliver_until(store, channels, holder, clock, &|| false).await
}

/// The same until it is to stop: a message that is on its way then is sent to its end and noted,
/// so that it is not told twice, and nothing more is begun. What was taken and not sent is given
/// back.
///
/// # Errors
/// As [`deliver`].
pub async fn deliver_until(
    store: &Store,
    channels: &Channels,
    holder: &str,
    clock: &Clock<'_>,
    stopped: &Stopped<'_>,
) -> Result<Delivered, RespondError> {
    // Targets that are not known are not targets that are no more.
    if unreadable(channels.content()).is_some() {
        return Ok(Delivered::default());
    }
    let routes = &channels.content().site.routes;
    let names: Vec<String> = routes.targets.0.iter().map(|(name, _)| name.value.clone()).collect();
    let outbox = store.outbox();
    let mut delivered = Delivered {
        dead: outbox.bury_unknown(&names, clock()).await.map_err(RespondError::Deliver)?,
        ..Delivered::default()
    };
    let rates: Vec<TargetRate> = routes
        .targets
        .0
        .iter()
        .map(|(name, target)| {
            let rate = channels.rate_of(target);
            let (messages, per_us) = (rate.messages, rate.per.micros());
            TargetRate { target: name.value.clone(), messages, per_us }
        })
        .collect();
    for _ in 0..ROUNDS_MAX {
        if stopped() {
            outbox.release(holder).await.map_err(RespondError::Deliver)?;
            break;
        }
        let now = clock();
        let until = now.checked_add(LEASE).unwrap_or(Timestamp::MAX);
        let taken = outbox.take(holder, &rates, TAKEN_MAX, now, until).await;
        let taken = taken.map_err(RespondError::Deliver)?;
        if taken.is_empty() {
            break;
        }
        let mut by_target: BTreeMap<String, Vec<Taken>> = BTreeMap::new();
        for message in taken {
            by_target.entry(message.target.clone()).or_default().push(message);
        }
        let round = Round { store, channels, holder, clock, until, stopped };
        let mut sending = futures::stream::iter(by_target.values())
            .map(|messages| round.of_target(messages))
            .buffer_unordered(TARGETS_MAX);
        while let Some(done) = sending.next().await {
            let done = done?;
            delivered.sent += done.sent;
            delivered.retried += done.retried;
            delivered.dead += done.dead;
            delivered.skipped += done.skipped;
        }
    }
    Ok(delivered)
}

/// Sends a sample to a target and records the try. Nothing goes through the outbox.
///
/// # Errors
/// Where the try cannot be recorded.
pub async fn test(
    store: &Store,
    channels: &Channels,
    name: &str,
    target: &Target,
    clock: &Clock<'_>,
) -> Result<Sent, RespondError> {
    let now = clock();
    let notice = sample(channels.content(), name, now);
    let parcel = Parcel {
        notice: &notice,
        operation: yagura_content::format::OperationKind::Open,
        thread: None,
        attempt: 1,
        now,
    };
    let sent = channels.send(name, target, &parcel).await;
    let told = Tried {
        target: name.to_owned(),
        at: clock(),
        delivered: sent.judged == Judged::Accepted,
        status: sent.status.map(i64::from),
        detail: sent.detail.clone(),
    };
    store.outbox().record(&told).await.map_err(RespondError::Deliver)?;
    Ok(sent)
}

/// One round of deliveries.
struct Round<'a> {
    store: &'a Store,
    channels: &'a Channels,
    holder: &'a str,
    clock: &'a Clock<'a>,
    /// When the leases end.
    until: Timestamp,
    stopped: &'a Stopped<'a>,
}

impl Round<'_> {
    /// Sends messages to one target, one after another. Once it asks to be left alone, the others
    /// are put off without being sent.
    async fn of_target(&self, messages: &[Taken]) -> Result<Delivered, RespondError> {
        let mut delivered = Delivered::default();
        let mut held: Option<Timestamp> = None;
        for message in messages {
            let now = (self.clock)();
            // Another process will take it when the lease is over.
            if self.until.duration_since(now) < LEASE_LEFT_MIN || (self.stopped)() {
                break;
            }
            let settlement = match held {
                Some(until) => self.put_off(message, until, now),
                None => self.one(message, now).await,
            };
            held = held.or(settlement.held);
            match settlement.outcome {
                Outcome::Delivered => delivered.sent += 1,
                Outcome::Skipped => delivered.skipped += 1,
                Outcome::Retry(_) => delivered.retried += 1,
                Outcome::Dead => delivered.dead += 1,
            }
            let settled = self.store.outbox().settle(&settlement).await;
            settled.map_err(RespondError::Deliver)?;
            self.link(message, &settlement).await?;
        }
        Ok(delivered)
    }

    async fn one(&self, message: &Taken, now: Timestamp) -> Settlement {
        let settled = |outcome: Outcome, detail: &str| Settlement {
            number: message.number,
            holder: self.holder.to_owned(),
            at: now,
            outcome,
            status: None,
            detail: detail.to_owned(),
            thread: None,
            held: None,
        };
        let content = self.channels.content();
        let Some(target) = content.site.routes.target(&message.target) else {
            return settled(Outcome::Dead, "there is no such target any more");
        };
        let Some(notice) = notice::of(content, message, now) else {
            let why = "what was to be told was written by another version, or is gone";
            return settled(Outcome::Dead, why);
        };
        let change = notice.change.as_ref().map_or("", |change| change.word.as_str());
        let operation = match notice.kind {
            MessageKind::Finding => {
                self.channels.operation_for(target, change, message.thread.as_ref())
            }
            _ => Some(yagura_content::format::OperationKind::Open),
        };
        let Some(operation) = operation else {
            return settled(Outcome::Skipped, "the target never heard of what is over");
        };
        let thread = message.thread.as_ref();
        let parcel = Parcel { notice: &notice, operation, thread, attempt: message.attempt, now };
        let sent = self.channels.send(&message.target, target, &parcel).await;
        self.settlement(message, &sent, (self.clock)())
    }

    fn settlement(&self, message: &Taken, sent: &Sent, at: Timestamp) -> Settlement {
        let wait = sent.wait.filter(|_| sent.judged == Judged::Retry);
        let outcome = match sent.judged {
            Judged::Accepted => Outcome::Delivered,
            Judged::Refused => Outcome::Dead,
            Judged::Retry => patience::next(message.number, message.attempt, at, wait)
                .map_or(Outcome::Dead, Outcome::Retry),
        };
        let held = wait.and_then(|wait| at.checked_add(wait).ok());
        Settlement {
            number: message.number,
            holder: self.holder.to_owned(),
            at,
            outcome,
            status: sent.status.map(i64::from),
            detail: sent.detail.clone(),
            thread: sent.thread.clone().filter(|_| message.kind == MessageKind::Finding),
            held,
        }
    }

    fn put_off(&self, message: &Taken, until: Timestamp, now: Timestamp) -> Settlement {
        Settlement {
            number: message.number,
            holder: self.holder.to_owned(),
            at: now,
            outcome: Outcome::Retry(until),
            status: None,
            detail: "not sent: the target asked to be left alone".to_owned(),
            thread: None,
            held: None,
        }
    }

    /// Notes a ticket at the finding, so that whoever works on it sees where else that is done.
    async fn link(&self, message: &Taken, settlement: &Settlement) -> Result<(), RespondError> {
        let (Some(finding), Some(thread)) = (&message.finding, &settlement.thread) else {
            return Ok(());
        };
        let known = message.thread.as_ref().is_some_and(|known| known.key == thread.key);
        if known || thread.closed || thread.url.is_empty() {
            return Ok(());
        }
        let ticket = Ticket {
            system: message.target.clone(),
            key: thread.key.clone(),
            url: thread.url.clone(),
        };
        let act = Act::LinkTicket(ticket);
        let actor = Actor::Yagura("routes".to_owned());
        let findings = self.store.findings(Scope::All);
        let acted =
            findings.act(std::slice::from_ref(finding), &act, &actor, settlement.at, None).await;
        acted.map(drop).map_err(RespondError::Deliver)
    }
}
