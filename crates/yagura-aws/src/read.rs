//! The client that cannot write: it refuses whatever is not a read before anything is sent.
//! How calls are made is in `client`; which operations are reads is in `read/guard.rs`.

mod guard;

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::stream::{self, Stream, StreamExt};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

pub use guard::is_customer_data;

use crate::api::{Actions, Api};
use crate::client::append;
use crate::client::{Aws, Call, CallerIdentity, Target};
use crate::counters::Counts;
use crate::credentials::Signer;
use crate::error::{CallError, CallErrorKind};

/// The operations returning customer data that content files declare, as `service:Operation`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declared(BTreeSet<String>);

impl Declared {
    /// None: every operation that returns customer data is refused.
    pub fn none() -> Self {
        Self::default()
    }

    /// Whether an operation was declared.
    pub fn contains(&self, service: &str, operation: &str) -> bool {
        self.0.contains(&format!("{service}:{operation}"))
    }
}

impl<S: Into<String>> FromIterator<S> for Declared {
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }
}

/// Reads AWS, and only reads. Cheap to clone; all clones share connections, sessions and limits.
///
/// INVARIANT: an operation whose IAM access level is not List or Read is never sent, nor one that
/// returns customer data unless it was declared.
#[derive(Clone, Debug)]
pub struct ReadClient {
    aws: Aws,
    declared: Arc<Declared>,
    cancel: CancellationToken,
}

impl ReadClient {
    pub(crate) fn new(aws: Aws, declared: Declared, cancel: CancellationToken) -> Self {
        Self { aws, declared: Arc::new(declared), cancel }
    }

    /// The same client, whose calls end with [`CallErrorKind::Interrupted`] once `cancel` is
    /// cancelled.
    #[must_use]
    pub fn with_cancel(&self, cancel: CancellationToken) -> Self {
        Self { cancel, ..self.clone() }
    }

    /// One call: one page. An absent input may be `null` or `{}`.
    ///
    /// # Errors
    /// [`CallError`], after all retries.
    pub async fn call(
        &self,
        target: &Target,
        service: &str,
        operation: &str,
        input: &Value,
    ) -> Result<Value, CallError> {
        let call = self.guard(target, service, operation, input)?;
        self.aws.inner.invoke(call, &self.cancel).await
    }

    /// The pages of an operation, one after another, by the paginator of the table; an operation
    /// without one gives a single page. A failed page is the last item.
    ///
    /// A token that repeats itself and a listing of more pages than
    /// [`pages_max`](crate::AwsBuilder::pages_max) are errors, not endless.
    pub fn pages<'a>(
        &'a self,
        target: &'a Target,
        service: &'a str,
        operation: &'a str,
        input: &'a Value,
    ) -> impl Stream<Item = Result<Value, CallError>> + Send + 'a {
        match self.guard(target, service, operation, input) {
            Ok(call) => self.aws.inner.pages(call, &self.cancel).left_stream(),
            Err(error) => stream::once(async move { Err(error) }).right_stream(),
        }
    }

    /// All pages as one answer: the result lists joined, the rest as the first page said it.
    ///
    /// # Errors
    /// The error of the first page that failed; what came before it is dropped. Use
    /// [`ReadClient::pages`] to keep it.
    pub async fn call_all(
        &self,
        target: &Target,
        service: &str,
        operation: &str,
        input: &Value,
    ) -> Result<Value, CallError> {
        let pages = self.pages(target, service, operation, input);
        futures::pin_mut!(pages);
        let mut whole = match pages.next().await {
            Some(page) => page?,
            None => return Ok(Value::Null),
        };
        let table = self.aws.api().service(service).ok();
        let paginator = table
            .as_deref()
            .and_then(|service| service.operation(operation).ok())
            .and_then(|operation| operation.paginator());
        while let Some(page) = pages.next().await {
            let mut page = page?;
            if let Some(paginator) = paginator {
                append(&mut whole, &mut page, paginator.result_keys());
            }
        }
        Ok(whole)
    }

    /// Repeats a read until its answer is what the table's waiter of this name awaits
    /// (`("ec2", "ImageAvailable")`); gives the last answer.
    ///
    /// # Errors
    /// When it cannot come about, or did not within the attempts that the table allows.
    pub async fn wait(
        &self,
        target: &Target,
        service: &str,
        waiter: &str,
        input: &Value,
    ) -> Result<Value, CallError> {
        let unguarded = Call { target, signer: Signer::Account, service, operation: waiter, input };
        let table = self.aws.inner.service(&unguarded)?;
        let operation = match table.waiter(waiter) {
            Some(waiter) => waiter.operation(),
            None => return Err(unguarded.failed(format!("`{service}` has no waiter `{waiter}`"))),
        };
        let call = self.guard(target, service, operation, input)?;
        self.aws.inner.wait(call, waiter, &self.cancel).await
    }

    /// Why an operation would be refused; `None` if it would be sent.
    pub fn refusal(&self, service: &str, operation: &str) -> Option<crate::Refusal> {
        guard::refusal(self.api(), self.actions(), &self.declared, service, operation)
    }

    /// Who the credentials belong to (`sts:GetCallerIdentity`, asked once).
    ///
    /// # Errors
    /// When there are no credentials, or STS does not accept them.
    pub async fn caller_identity(&self) -> Result<Arc<CallerIdentity>, CallError> {
        self.aws.caller_identity().await
    }

    /// The caller's own region: where account-wide questions are asked.
    pub fn region(&self) -> &str {
        self.aws.region()
    }

    /// The table of the AWS API.
    pub fn api(&self) -> &Api {
        self.aws.api()
    }

    /// The table of IAM actions.
    pub fn actions(&self) -> &Actions {
        self.aws.actions()
    }

    /// What was asked so far, by all clones together.
    pub fn counts(&self) -> Counts {
        self.aws.counts()
    }

    /// The token that ends this client's calls.
    pub fn cancel(&self) -> &CancellationToken {
        &self.cancel
    }

    pub(crate) fn aws(&self) -> &Aws {
        &self.aws
    }

    fn guard<'a>(
        &self,
        target: &'a Target,
        service: &'a str,
        operation: &'a str,
        input: &'a Value,
    ) -> Result<Call<'a>, CallError> {
        let call = Call { target, signer: Signer::Account, service, operation, input };
        // A name that is not in the table is a plain mistake, and said as such.
        let table = self.aws.inner.service(&call)?;
        table.operation(operation).map_err(|error| call.failed(error.to_string()))?;
        match self.refusal(service, operation) {
            Some(refusal) => Err(call.error(CallErrorKind::Refused(refusal), String::new())),
            None => Ok(call),
        }
    }
}
