//! The caller of AWS: any operation of any service, in any account and region it may reach.
//! What may be called is decided by who wraps it (`read`); how it goes over the wire is in
//! `protocol`, `endpoint` and `sign`.

mod attempts;
mod buckets;
mod builder;
mod identity;
mod pages;
mod streamed;
mod waits;

use std::sync::Arc;
use std::time::Duration;

use aws_types::SdkConfig;
use aws_types::service_config::ServiceConfigKey;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

pub use builder::AwsBuilder;
pub use identity::CallerIdentity;
pub(crate) use pages::append;
pub(crate) use streamed::{Opened, Outgoing};
#[cfg(test)]
pub(crate) use tests::fake::{self, tables};

use crate::api::{Actions, Api, Operation, Service};
use crate::clock::Clock;
use crate::counters::{Counters, Counts};
use crate::credentials::{Sessions, Signer};
use crate::error::{CallContext, CallError, CallErrorKind};
use crate::limits::Limits;
use crate::read::{Declared, ReadClient};
use crate::retry::Retries;
use crate::transport::Transport;
use buckets::BucketRegions;
use identity::Identities;

/// Where a call goes: which account's session signs it, and which region answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// Twelve digits.
    pub account: String,
    /// A region's name. Services without regions answer whatever region is asked.
    pub region: String,
}

impl Target {
    /// An account and a region.
    pub fn new(account: impl Into<String>, region: impl Into<String>) -> Self {
        Self { account: account.into(), region: region.into() }
    }
}

/// One client for all accounts, regions and services: connections, sessions, limits and counts
/// are shared. Cheap to clone. It calls nothing by itself: see [`Aws::read`].
#[derive(Clone, Debug)]
pub struct Aws {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) api: Api,
    pub(crate) actions: Actions,
    transport: Transport,
    clock: Clock,
    sessions: Sessions,
    identities: Identities,
    limits: Limits,
    retries: Retries,
    counters: Counters,
    buckets: BucketRegions,
    settings: Settings,
}

/// What the user chose.
#[derive(Debug)]
struct Settings {
    region: String,
    fips: bool,
    dual_stack: bool,
    endpoint_url: Option<String>,
    s3_path_style: bool,
    environment: Option<SdkConfig>,
    deadline: Duration,
    attempt_timeout: Duration,
    pages_max: u32,
}

impl Settings {
    /// `AWS_ENDPOINT_URL_<SERVICE>`, a `services` section of the profile, `AWS_ENDPOINT_URL`,
    /// unless the user named one address for everything.
    fn endpoint_url(&self, service: &Service) -> Option<String> {
        if self.endpoint_url.is_some() {
            return self.endpoint_url.clone();
        }
        let environment = self.environment.as_ref()?;
        let key = ServiceConfigKey::builder()
            .service_id(service.service_id())
            .profile("endpoint_url")
            .env("AWS_ENDPOINT_URL")
            .build()
            .ok()?;
        environment
            .service_config()
            .and_then(|config| config.load_config(key))
            .or_else(|| environment.endpoint_url().map(str::to_owned))
    }
}

/// One call, before it is looked up in the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    pub(crate) target: &'a Target,
    pub(crate) signer: Signer,
    pub(crate) service: &'a str,
    pub(crate) operation: &'a str,
    pub(crate) input: &'a Value,
}

impl Call<'_> {
    /// The context of an error of this call.
    pub(crate) fn context(&self) -> CallContext {
        CallContext {
            account: self.target.account.clone(),
            region: self.target.region.clone(),
            service: self.service.to_owned(),
            operation: self.operation.to_owned(),
            ..CallContext::default()
        }
    }

    /// An error that is not AWS's.
    pub(crate) fn error(&self, kind: CallErrorKind, message: impl Into<String>) -> CallError {
        CallError::new(kind, CallContext { message: message.into(), ..self.context() })
    }

    pub(crate) fn failed(&self, message: impl Into<String>) -> CallError {
        self.error(CallErrorKind::Failed, message)
    }
}

impl Aws {
    /// Settings, with the two tables that say what AWS is.
    pub fn builder(api: Api, actions: Actions) -> AwsBuilder {
        AwsBuilder::new(api, actions)
    }

    /// A client that only reads. `declared` names the operations returning customer data that
    /// content files ask for.
    pub fn read(&self, declared: Declared) -> ReadClient {
        ReadClient::new(self.clone(), declared, CancellationToken::new())
    }

    /// The table of the AWS API.
    pub fn api(&self) -> &Api {
        &self.inner.api
    }

    /// The table of IAM actions.
    pub fn actions(&self) -> &Actions {
        &self.inner.actions
    }

    /// The caller's own region: where account-wide questions are asked.
    pub fn region(&self) -> &str {
        &self.inner.settings.region
    }

    /// What was asked so far.
    pub fn counts(&self) -> Counts {
        self.inner.counters.read()
    }

    /// Who the credentials belong to (`sts:GetCallerIdentity`, asked once).
    ///
    /// # Errors
    /// When there are no credentials, or STS does not accept them.
    pub async fn caller_identity(&self) -> Result<Arc<CallerIdentity>, CallError> {
        self.inner.caller_identity().await
    }
}

impl Inner {
    /// Finds the operation of a call in the table.
    fn find<'s>(&self, call: &Call<'_>, service: &'s Service) -> Result<&'s Operation, CallError> {
        service.operation(call.operation).map_err(|error| call.failed(error.to_string()))
    }

    pub(crate) fn service(&self, call: &Call<'_>) -> Result<Arc<Service>, CallError> {
        self.api.service(call.service).map_err(|error| call.failed(error.to_string()))
    }

    /// One call, one page: until it is answered, given up, or cancelled.
    pub(crate) async fn invoke(
        &self,
        call: Call<'_>,
        cancel: &CancellationToken,
    ) -> Result<Value, CallError> {
        tokio::select! {
            biased;
            () = cancel.cancelled() => {
                Err(call.error(CallErrorKind::Interrupted, String::new()))
            }
            result = self.answer(call) => result,
        }
    }

    pub(crate) fn pages_max(&self) -> u32 {
        self.settings.pages_max
    }
}

#[cfg(test)]
mod tests;
