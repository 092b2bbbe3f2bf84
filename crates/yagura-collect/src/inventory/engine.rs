//! The machine room of a scan: every call goes through here, and everything said leaves from here.
//! What is asked, in which order, is in `part`; what an answer means is in `mapping`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc};
use tokio_util::sync::CancellationToken;
use yagura_model::{Coverage, OTHER_ACCOUNTS, Resource, Unread, UnreadReason};

use crate::caller::{CallName, Caller, Failure, Place};
use crate::inventory::plan::Plan;
use crate::inventory::shared::{Said, Shut, is_shut};
use crate::inventory::{Event, Progress};
use crate::notice::{Notice, NoticeKind};

/// How many resources wait for their details at the same time, over the whole scan. Each holds a
/// few answers; this times the size of an answer bounds the memory.
pub(crate) const RESOURCES_IN_HAND_MAX: usize = 256;

/// A scan while it runs.
pub(crate) struct Engine<'e> {
    pub(crate) plan: &'e Plan<'e>,
    caller: Arc<dyn Caller>,
    sink: mpsc::Sender<Event>,
    cancel: CancellationToken,
    permits: Semaphore,
    shut: Shut,
    said: Said,
    counts: Counts,
}

/// What was found so far.
#[derive(Debug, Default)]
struct Counts {
    resources: AtomicU64,
    unread: AtomicU64,
    parts: AtomicU64,
    parts_all: AtomicU64,
}

impl<'e> Engine<'e> {
    pub(crate) fn new(
        plan: &'e Plan<'e>,
        caller: Arc<dyn Caller>,
        sink: mpsc::Sender<Event>,
        cancel: CancellationToken,
    ) -> Self {
        Self {
            plan,
            caller,
            sink,
            cancel,
            permits: Semaphore::new(RESOURCES_IN_HAND_MAX),
            shut: Shut::default(),
            said: Said::default(),
            counts: Counts::default(),
        }
    }

    /// All pages of a call; not asked again where it is known to be shut.
    pub(crate) async fn call(
        &self,
        place: &Place,
        name: &CallName,
        input: &Value,
    ) -> Result<Value, Failure> {
        if let Some(failure) = self.shut.reason(place, name) {
            return Err(failure);
        }
        let answer = self.caller.call(place, name, input).await;
        if let Err(failure) = &answer {
            self.learn(place, name, failure).await;
        }
        answer
    }

    /// The pages of a call; not asked again where it is known to be shut.
    pub(crate) fn pages<'a>(
        &'a self,
        place: &'a Place,
        name: &'a CallName,
        input: &'a Value,
    ) -> BoxStream<'a, Result<Value, Failure>> {
        if let Some(failure) = self.shut.reason(place, name) {
            return stream::once(async move { Err(failure) }).boxed();
        }
        self.caller
            .pages(place, name, input)
            .then(move |page| async move {
                if let Err(failure) = &page {
                    self.learn(place, name, failure).await;
                }
                page
            })
            .boxed()
    }

    async fn learn(&self, place: &Place, name: &CallName, failure: &Failure) {
        if is_shut(failure) {
            self.shut.learn(place, name, failure);
            let kind = NoticeKind::Service { service: name.service.clone() };
            self.notice(&place.account, &place.region, kind, Unread::clone(&failure.unread)).await;
        }
    }

    /// Waits, unless the scan is interrupted meanwhile.
    pub(crate) async fn pause(&self, time: Duration, name: &CallName) -> Result<(), Failure> {
        tokio::select! {
            () = self.cancel.cancelled() => {
                Err(Failure::local(UnreadReason::Interrupted, &name.to_string(), ""))
            }
            () = self.caller.pause(time) => Ok(()),
        }
    }

    /// The right to hold one more resource in hand.
    pub(crate) async fn permit(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed, so there is always a permit in the end.
        self.permits.acquire().await.ok()
    }

    pub(crate) fn is_interrupted(&self) -> bool {
        self.cancel.is_cancelled()
    }

    pub(crate) async fn say_resource(&self, resource: Resource) {
        self.counts.resources.fetch_add(1, Ordering::Relaxed);
        if resource.unread.iter().any(|unread| unread.reason.is_blind()) {
            self.counts.unread.fetch_add(1, Ordering::Relaxed);
        }
        self.send(Event::Resource(Box::new(resource))).await;
    }

    pub(crate) async fn say_coverage(&self, coverage: Coverage) {
        // Of accounts that could not be listed a verdict says where it matters.
        let named = coverage.account != OTHER_ACCOUNTS;
        if named && coverage.state.unread().is_some_and(|unread| unread.reason.is_blind()) {
            self.counts.unread.fetch_add(1, Ordering::Relaxed);
        }
        self.send(Event::Coverage(coverage)).await;
    }

    /// Says something once.
    pub(crate) async fn notice(
        &self,
        account: &str,
        region: &str,
        kind: NoticeKind,
        unread: Unread,
    ) {
        let (account, region) = (account.to_owned(), region.to_owned());
        let notice = Notice { account, region, kind, unread };
        if self.said.is_new(&notice) {
            self.send(Event::Notice(notice)).await;
        }
    }

    /// Announces parts to come, or that one is done.
    pub(crate) async fn progress(&self, parts_more: u64, parts_done: u64) {
        self.counts.parts_all.fetch_add(parts_more, Ordering::Relaxed);
        self.counts.parts.fetch_add(parts_done, Ordering::Relaxed);
        self.send(Event::Progress(self.so_far())).await;
    }

    pub(crate) fn so_far(&self) -> Progress {
        Progress {
            parts: self.counts.parts.load(Ordering::Relaxed),
            parts_all: self.counts.parts_all.load(Ordering::Relaxed),
            resources: self.counts.resources.load(Ordering::Relaxed),
        }
    }

    /// How many resources and listings have parts that should have been readable.
    pub(crate) fn blind(&self) -> u64 {
        self.counts.unread.load(Ordering::Relaxed)
    }

    /// A sink that is gone means that nobody wants the rest.
    async fn send(&self, event: Event) {
        if self.sink.send(event).await.is_err() {
            self.cancel.cancel();
        }
    }
}
