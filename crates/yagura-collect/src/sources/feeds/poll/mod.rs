//! Feeds that ask again and again what happened in a span of time: each span is written into a
//! folder of our own, whole or not at all, and read from there.
//! What is asked is in `cloudwatch_logs` and `lookup_events`.
//!
//! Events arrive late, so each span begins before the end of the last one, and what was taken
//! already is known by its id. A span counts only once its state is on disk: killed before that,
//! its files are removed and it is asked for again; after that, nothing of it is asked again.
//! Events later than the overlap are lost to a poller: deliver to a bucket what must be complete.

mod state;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;
use yagura_model::object::LogObject;

use super::{Feed, FeedError, Page, Scope};
use state::{Folder, State};

pub use super::queue::Until;

/// After a failed span.
const PAUSE_AFTER_FAULT: Duration = Duration::from_secs(10);

/// An event as it was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Polled {
    /// Names the event: the same whenever it is asked for.
    pub(crate) id: String,
    /// When it happened.
    pub(crate) time: Timestamp,
    /// What belongs together within an answer (a log stream).
    pub(crate) part: String,
    /// The event, as JSON.
    pub(crate) event: serde_json::Value,
}

/// Somebody who can be asked what happened in a span of time.
pub(crate) trait Poll: Send + Sync {
    /// What the ledger calls it.
    fn name(&self) -> &str;

    /// The answers, in any order; a fault is the last item.
    fn pages(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> BoxStream<'_, Result<Vec<Polled>, FeedError>>;

    /// Events of one answer as text that `decode` reads: lines of JSON.
    fn lines(&self, events: &[Polled]) -> String;
}

/// How to ask.
#[derive(Clone)]
pub struct PollOptions {
    /// The source of the events; none: each file is recognized.
    pub source: Option<String>,
    /// A folder of its own.
    pub folder: PathBuf,
    /// Where to begin the first time.
    pub since: Timestamp,
    /// How late events may arrive.
    pub overlap: SignedDuration,
    /// The longest span asked for at once.
    pub span_max: SignedDuration,
    /// How often to ask.
    pub every: Duration,
    /// When to end.
    pub until: Until,
    /// Tells the time; only the binary reads a clock.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl std::fmt::Debug for PollOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PollOptions")
            .field("folder", &self.folder)
            .field("since", &self.since)
            .finish_non_exhaustive()
    }
}

/// A feed that asks; `cloudwatch_logs` and `lookup_events` open one.
pub struct Poller {
    poll: Box<dyn Poll>,
    options: PollOptions,
    folder: Folder,
    state: Mutex<State>,
}

impl Poller {
    /// Takes up where the folder's state says that it ended.
    pub(crate) fn open(poll: Box<dyn Poll>, options: PollOptions) -> Result<Self, FeedError> {
        let (folder, state) = Folder::open(&options.folder, options.since)?;
        Ok(Self { poll, options, folder, state: Mutex::new(state) })
    }

    /// The next span; `None` at the end.
    async fn next(&self) -> Option<Result<Page, FeedError>> {
        loop {
            let mut state = self.state.lock().await;
            let now = (self.options.clock)();
            let every = SignedDuration::try_from(self.options.every).unwrap_or_default();
            if now.duration_since(state.until) < every && state.span > 0 {
                drop(state);
                match self.options.until {
                    Until::Empty => return None,
                    Until::Dropped => tokio::time::sleep(self.options.every).await,
                }
                continue;
            }
            let end = state.until.saturating_add(self.options.span_max).unwrap_or(now).min(now);
            let page = self.span(&mut state, end).await;
            drop(state);
            match page {
                Ok(page) if page.is_empty() => {}
                Err(error) if self.options.until == Until::Dropped => {
                    tokio::time::sleep(PAUSE_AFTER_FAULT).await;
                    return Some(Err(error));
                }
                other => return Some(other),
            }
        }
    }

    /// Asks for one span and keeps it.
    async fn span(&self, state: &mut State, end: Timestamp) -> Result<Page, FeedError> {
        let mut span = state.begin(self.options.overlap, end);
        let mut answers = self.poll.pages(span.from, end);
        let result = loop {
            match answers.next().await {
                None => break Ok(()),
                Some(Err(error)) => break Err(error),
                Some(Ok(mut events)) => {
                    events.retain(|event| span.take(&event.id, event.time));
                    if events.is_empty() {
                        continue;
                    }
                    let lines = self.poll.lines(&events);
                    if let Err(error) = self.folder.write(&mut span, lines.as_bytes()) {
                        break Err(error);
                    }
                }
            }
        };
        match result.and_then(|()| self.folder.commit(&span)) {
            Ok(page) => {
                *state = span.into_state();
                Ok(page)
            }
            Err(error) => {
                self.folder.abandon(&span);
                Err(error)
            }
        }
    }
}

impl Feed for Poller {
    fn name(&self) -> &str {
        self.poll.name()
    }

    fn source(&self) -> Option<&str> {
        self.options.source.as_deref()
    }

    fn announces(&self) -> bool {
        true
    }

    fn list(&self, _scope: Scope) -> BoxStream<'_, Result<Page, FeedError>> {
        // What is there from before: the ledger may have seen it, or not.
        let first = match self.folder.objects() {
            Ok(page) if page.is_empty() => None,
            other => Some(other),
        };
        let pages = stream::unfold(self, |feed| async move { Some((feed.next().await?, feed)) });
        stream::iter(first).chain(pages).boxed()
    }

    fn open(&self, object: &LogObject) -> Result<Box<dyn Read + Send + '_>, FeedError> {
        self.folder.read(Path::new(&object.location))
    }

    fn settled<'a>(&'a self, objects: &'a [LogObject]) -> BoxFuture<'a, Result<(), FeedError>> {
        Box::pin(async move {
            objects.iter().try_for_each(|object| self.folder.forget(Path::new(&object.location)))
        })
    }
}

#[cfg(test)]
mod tests;
