//! The one question collect asks of AWS: make this read call there, one page or all of them.
//! How calls are signed, paced and retried is `yagura-aws`'s business; recorded answers of
//! content cases implement the same trait in `cases`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use yagura_model::{Path, Unread, UnreadReason};

/// An account and a region to which a call goes.
pub(crate) use yagura_aws::Target as Place;

/// A call by name: `service:Operation`, as content files write it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct CallName {
    /// The service as botocore names its folder (`sso-admin`).
    pub(crate) service: String,
    /// The operation (`ListInstances`).
    pub(crate) operation: String,
}

impl CallName {
    pub(crate) fn new(service: &str, operation: &str) -> Self {
        Self { service: service.to_owned(), operation: operation.to_owned() }
    }
}

impl fmt::Display for CallName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.service, self.operation)
    }
}

/// A call that gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// AWS's error code; empty when AWS sent none.
    pub(crate) code: String,
    /// AWS's message as it came; it may hold anything and is compared, never printed.
    pub(crate) message: String,
    /// AWS said by the status alone that there is no such thing (`HEAD`, 404).
    pub(crate) absent: bool,
    /// Why, with the empty path.
    pub(crate) unread: Box<Unread>,
}

impl Failure {
    /// A failure that did not come from AWS.
    pub(crate) fn local(reason: UnreadReason, call: &str, detail: impl Into<String>) -> Self {
        Self {
            code: String::new(),
            message: String::new(),
            absent: false,
            unread: Box::new(Unread {
                path: Path::default(),
                partial: false,
                reason,
                call: call.to_owned(),
                action: String::new(),
                detail: detail.into(),
            }),
        }
    }

    /// The part at `path` as unread for this reason. `action` is what the content file says the
    /// call needs; what AWS itself named is better.
    pub(crate) fn at(&self, path: Path, action: &str) -> Unread {
        let mut unread = Unread { path, ..Unread::clone(&self.unread) };
        if unread.action.is_empty() && is_denied(unread.reason) {
            action.clone_into(&mut unread.action);
        }
        unread
    }
}

fn is_denied(reason: UnreadReason) -> bool {
    matches!(reason, UnreadReason::Denied | UnreadReason::DeniedByOrganization)
}

/// Who the credentials in use belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Twelve digits.
    pub(crate) account: String,
    /// The ARN of the user or the assumed role.
    pub(crate) arn: String,
    /// `aws`, `aws-cn`, …
    pub(crate) partition: String,
}

/// Whoever answers read calls: AWS, or the recorded answers of a content case.
pub(crate) trait Caller: Send + Sync {
    /// Who asks.
    fn identity(&self) -> BoxFuture<'_, Result<Identity, Failure>>;

    /// All pages of a call, lists concatenated.
    fn call<'a>(
        &'a self,
        place: &'a Place,
        call: &'a CallName,
        input: &'a Value,
    ) -> BoxFuture<'a, Result<Value, Failure>>;

    /// The pages of a call, one by one; it ends after the first failure.
    fn pages<'a>(
        &'a self,
        place: &'a Place,
        call: &'a CallName,
        input: &'a Value,
    ) -> BoxStream<'a, Result<Value, Failure>>;

    /// Waits before a report is asked for again.
    fn pause(&self, time: Duration) -> BoxFuture<'_, ()> {
        tokio::time::sleep(time).boxed()
    }
}

/// A caller that answers *interrupted* as soon as the token is cancelled, so that everything
/// under way ends by itself and keeps what it has read.
pub(crate) struct Interruptible {
    /// Who really answers.
    pub(crate) inner: Arc<dyn Caller>,
    /// When to stop.
    pub(crate) cancel: CancellationToken,
}

impl Interruptible {
    fn interrupted(call: &CallName) -> Failure {
        Failure::local(UnreadReason::Interrupted, &call.to_string(), "")
    }
}

impl Caller for Interruptible {
    fn identity(&self) -> BoxFuture<'_, Result<Identity, Failure>> {
        self.inner.identity()
    }

    fn call<'a>(
        &'a self,
        place: &'a Place,
        call: &'a CallName,
        input: &'a Value,
    ) -> BoxFuture<'a, Result<Value, Failure>> {
        async move {
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => Err(Self::interrupted(call)),
                answer = self.inner.call(place, call, input) => answer,
            }
        }
        .boxed()
    }

    fn pages<'a>(
        &'a self,
        place: &'a Place,
        call: &'a CallName,
        input: &'a Value,
    ) -> BoxStream<'a, Result<Value, Failure>> {
        let pages = self.inner.pages(place, call, input);
        futures::stream::unfold(Some(pages), move |state| async move {
            let mut pages = state?;
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => Some((Err(Self::interrupted(call)), None)),
                page = pages.next() => {
                    let page = page?;
                    let rest = page.is_ok().then_some(pages);
                    Some((page, rest))
                }
            }
        })
        .boxed()
    }

    fn pause(&self, time: Duration) -> BoxFuture<'_, ()> {
        self.inner.pause(time)
    }
}
