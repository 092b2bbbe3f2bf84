//! Feeds: where log objects come from.
//! Decoding what they carry is in `decode`; remembering them is the ledger's work.

pub mod bucket;
pub mod cloudwatch_logs;
mod error;
pub mod folder;
pub mod http;
pub mod lookup_events;
pub mod poll;
pub mod queue;
mod spool;
pub mod stdin;
pub mod syslog;

use std::io::Read;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use jiff::Timestamp;
use yagura_model::object::LogObject;

pub use error::FeedError;

/// Log objects that were listed together, at most about 1,000.
pub type Page = Vec<LogObject>;

/// How much of a feed to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    Full,
    /// Where objects are likely that are new since a time. A feed for which a full listing costs
    /// little may list everything; what is listed twice does no harm.
    Recent {
        /// When the newest full listing began.
        since: Timestamp,
    },
}

/// Where log objects come from: a folder, a bucket, a queue.
pub trait Feed: Send + Sync {
    /// What the ledger calls it: the same text for the same place on every run
    /// (`/var/log/app`, `s3://bucket/prefix`).
    fn name(&self) -> &str;

    /// The id of the source of all its objects; `None` where each is to be recognized.
    fn source(&self) -> Option<&str> {
        None
    }

    /// Whether objects are announced by somebody (a queue) rather than listed. Scopes mean
    /// nothing then.
    fn announces(&self) -> bool {
        false
    }

    /// Lists objects, page by page, in any order. The order tells nothing: what is known is the
    /// ledger's knowledge. A feed that never ends (a queue that is waited on) gives pages until
    /// it is dropped.
    ///
    /// An error item tells what could not be listed; the stream may go on after it. What it
    /// missed stays unknown, and the listing counts as partial.
    fn list(&self, scope: Scope) -> BoxStream<'_, Result<Page, FeedError>>;

    /// Opens an object, for reading from its beginning. Called on a worker thread; may block.
    ///
    /// The reader gives the content of just this `etag` (and version, where there is one), or
    /// fails with an [`std::io::Error`] that carries a [`FeedError`] where the content changes
    /// while it is read.
    ///
    /// # Errors
    /// [`FeedError::Gone`] and [`FeedError::Changed`] where the place has other content now.
    fn open(&self, object: &LogObject) -> Result<Box<dyn Read + Send + '_>, FeedError>;

    /// Told of objects whose records are in the lake, after the ledger has settled them, and also
    /// of listed ones that were settled long ago: the feed may forget them (delete a message or a
    /// spooled file). May be told of the same object again.
    fn settled<'a>(&'a self, _objects: &'a [LogObject]) -> BoxFuture<'a, Result<(), FeedError>> {
        Box::pin(async { Ok(()) })
    }

    /// Told of objects that are in quarantine: they need no more reading either, but nobody else
    /// has their bytes. A feed that merely points at them may forget them, which it does unless
    /// it says otherwise; one that holds the only copy keeps it.
    fn quarantined<'a>(&'a self, objects: &'a [LogObject]) -> BoxFuture<'a, Result<(), FeedError>> {
        self.settled(objects)
    }
}
