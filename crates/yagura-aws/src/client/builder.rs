//! Settings of the client, and how what is not set comes from the environment and the profile.
//! What the settings do is in the modules that use them.

use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::time::{SharedTimeSource, TimeSource};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_types::SdkConfig;

use super::identity::Identities;
use super::{Aws, BucketRegions, Inner, Settings};
use crate::api::{Actions, Api};
use crate::clock::Clock;
use crate::counters::Counters;
use crate::credentials::{MemberRole, Sessions};
use crate::error::BuildError;
use crate::limits::Limits;
use crate::replay::Replay;
use crate::retry::Retries;
use crate::transport::{self, Lookup, Transport};

/// The region where there is none in the environment, the profile or the settings: the one in
/// which every account exists.
const REGION_DEFAULT: &str = "us-east-1";
const CONCURRENCY_DEFAULT: usize = 64;
const CONCURRENCY_MAX: usize = 4096;
const DEADLINE_DEFAULT: Duration = Duration::from_secs(120);
const ATTEMPT_TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);
const PAGES_MAX_DEFAULT: u32 = 20_000;
const BODY_SIZE_BYTES_MAX_DEFAULT: usize = 256 << 20;

/// Settings of [`Aws`]. What is not set comes from the environment and the profile, as AWS's own
/// tools read them.
#[derive(Debug)]
pub struct AwsBuilder {
    api: Api,
    actions: Actions,
    profile: Option<String>,
    region: Option<String>,
    endpoint_url: Option<String>,
    role: Option<MemberRole>,
    fips: Option<bool>,
    dual_stack: Option<bool>,
    s3_path_style: bool,
    keys: Option<Credentials>,
    isolated: bool,
    calls_per_second_max: Option<f64>,
    concurrency: usize,
    paced: bool,
    deadline: Duration,
    attempt_timeout: Duration,
    pages_max: u32,
    body_size_bytes_max: usize,
    connector: Option<SharedHttpConnector>,
    lookup: Option<LookupSetting>,
    time: SharedTimeSource,
    seed: Option<u64>,
}

/// A resolver has nothing to print.
struct LookupSetting(Lookup);

impl std::fmt::Debug for LookupSetting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lookup")
    }
}

impl AwsBuilder {
    pub(super) fn new(api: Api, actions: Actions) -> Self {
        Self {
            api,
            actions,
            profile: None,
            region: None,
            endpoint_url: None,
            role: None,
            fips: None,
            dual_stack: None,
            s3_path_style: false,
            keys: None,
            isolated: false,
            calls_per_second_max: None,
            concurrency: CONCURRENCY_DEFAULT,
            paced: true,
            deadline: DEADLINE_DEFAULT,
            attempt_timeout: ATTEMPT_TIMEOUT_DEFAULT,
            pages_max: PAGES_MAX_DEFAULT,
            body_size_bytes_max: BODY_SIZE_BYTES_MAX_DEFAULT,
            connector: None,
            lookup: None,
            time: SharedTimeSource::default(),
            seed: None,
        }
    }

    /// The profile of the AWS configuration (`--profile`, else `AWS_PROFILE`).
    #[must_use]
    pub fn profile(self, name: impl Into<String>) -> Self {
        Self { profile: Some(name.into()), ..self }
    }

    /// The home region, where account-wide questions are asked.
    #[must_use]
    pub fn region(self, name: impl Into<String>) -> Self {
        Self { region: Some(name.into()), ..self }
    }

    /// One address for all services (`--endpoint-url`).
    #[must_use]
    pub fn endpoint_url(self, url: impl Into<String>) -> Self {
        Self { endpoint_url: Some(url.into()), ..self }
    }

    /// The role to assume in other accounts than the caller's.
    #[must_use]
    pub fn member_role(self, role: MemberRole) -> Self {
        Self { role: Some(role), ..self }
    }

    /// FIPS 140-3 endpoints.
    #[must_use]
    pub fn fips(self, on: bool) -> Self {
        Self { fips: Some(on), ..self }
    }

    /// Endpoints that speak IPv4 and IPv6.
    #[must_use]
    pub fn dual_stack(self, on: bool) -> Self {
        Self { dual_stack: Some(on), ..self }
    }

    /// S3 buckets in the path instead of the host name.
    #[must_use]
    pub fn s3_path_style(self, on: bool) -> Self {
        Self { s3_path_style: on, ..self }
    }

    /// These keys instead of the credential chain.
    #[must_use]
    pub fn keys(self, id: &str, secret: &str, token: Option<&str>) -> Self {
        let keys = Credentials::from_keys(id, secret, token.map(str::to_owned));
        Self { keys: Some(keys), ..self }
    }

    /// Reads neither environment nor profile: only what is set here counts.
    #[must_use]
    pub fn isolated(self) -> Self {
        Self { isolated: true, ..self }
    }

    /// No more requests per second than this, over everything.
    #[must_use]
    pub fn calls_per_second_max(self, rate: f64) -> Self {
        Self { calls_per_second_max: Some(rate), ..self }
    }

    /// Holds nothing back until told so by the ceiling: for recordings and test servers. AWS itself
    /// deserves better, because its rates are shared with the customer's workloads.
    #[must_use]
    pub fn unpaced(self) -> Self {
        Self { paced: false, ..self }
    }

    /// No more requests under way at once than this. Default: 64.
    #[must_use]
    pub fn concurrency(self, calls: usize) -> Self {
        Self { concurrency: calls, ..self }
    }

    /// How long a call may take with all its attempts, from when the first one leaves.
    /// Default: two minutes.
    #[must_use]
    pub fn deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// How long one attempt may take. Default: 30 seconds.
    #[must_use]
    pub fn attempt_timeout(self, timeout: Duration) -> Self {
        Self { attempt_timeout: timeout, ..self }
    }

    /// After how many pages a listing is called endless. Default: 20,000.
    #[must_use]
    pub fn pages_max(self, pages: u32) -> Self {
        Self { pages_max: pages, ..self }
    }

    /// The largest answer that is read. Default: 256 MiB.
    #[must_use]
    pub fn body_size_bytes_max(self, size_bytes: usize) -> Self {
        Self { body_size_bytes_max: size_bytes, ..self }
    }

    /// Answers come from a recording; nothing goes over the network, and neither environment nor
    /// profile is read.
    #[must_use]
    pub fn replay(self, replay: &Replay) -> Self {
        let keys = Credentials::from_keys(replay.access_key(), "replayed", None);
        let builder = self.unpaced().connector(replay.connector());
        Self { keys: Some(keys), isolated: true, ..builder }
    }

    /// Another way out than the network.
    #[must_use]
    pub(crate) fn connector(self, connector: impl HttpConnector + 'static) -> Self {
        let lookup: Lookup = Arc::new(|_| Box::pin(async { false }));
        let lookup = self.lookup.unwrap_or(LookupSetting(lookup));
        let connector = Some(SharedHttpConnector::new(connector));
        Self { connector, lookup: Some(lookup), ..self }
    }

    /// Another resolver, for tests.
    #[cfg(test)]
    pub(crate) fn lookup(self, lookup: Lookup) -> Self {
        Self { lookup: Some(LookupSetting(lookup)), ..self }
    }

    /// Another clock than the system's.
    #[must_use]
    pub fn time(self, source: impl TimeSource + 'static) -> Self {
        Self { time: SharedTimeSource::new(source), ..self }
    }

    /// Makes the pauses between attempts repeatable.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// Reads what is not set, and makes the client. Nothing is asked of AWS yet.
    ///
    /// # Errors
    /// When a setting is out of its range, or the certificate bundle cannot be used.
    pub async fn build(self) -> Result<Aws, BuildError> {
        self.check()?;
        let connector = match &self.connector {
            Some(connector) => connector.clone(),
            None if self.isolated => transport::connector(None, ProxyConfig::disabled())?,
            // `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`.
            None => transport::connector(ca_bundle().as_deref(), ProxyConfig::from_env())?,
        };
        let environment = match self.isolated {
            true => None,
            false => Some(self.environment(&connector).await),
        };
        let provider = match self.keys {
            Some(keys) => Some(SharedCredentialsProvider::new(keys)),
            None => environment.as_ref().and_then(SdkConfig::credentials_provider),
        };
        let lookup = self.lookup.map_or_else(transport::system_lookup, |lookup| lookup.0);
        let from = environment.as_ref();
        let settings = Settings {
            region: self
                .region
                .or_else(|| from.and_then(SdkConfig::region).map(ToString::to_string))
                .unwrap_or_else(|| REGION_DEFAULT.to_owned()),
            fips: self.fips.or_else(|| from.and_then(SdkConfig::use_fips)).unwrap_or(false),
            dual_stack: self
                .dual_stack
                .or_else(|| from.and_then(SdkConfig::use_dual_stack))
                .unwrap_or(false),
            endpoint_url: self.endpoint_url,
            s3_path_style: self.s3_path_style,
            deadline: self.deadline,
            attempt_timeout: self.attempt_timeout,
            pages_max: self.pages_max,
            environment,
        };
        let inner = Inner {
            api: self.api,
            actions: self.actions,
            transport: Transport::new(connector, lookup, self.body_size_bytes_max),
            clock: Clock::new(self.time),
            sessions: Sessions::new(provider, self.role),
            identities: Identities::default(),
            limits: Limits::new(self.calls_per_second_max, self.concurrency, self.paced),
            retries: Retries::new(self.seed),
            counters: Counters::default(),
            buckets: BucketRegions::default(),
            settings,
        };
        Ok(Aws { inner: Arc::new(inner) })
    }

    fn check(&self) -> Result<(), BuildError> {
        let wrong =
            |setting, wanted, found: String| Err(BuildError::Setting { setting, wanted, found });
        if let Some(rate) = self.calls_per_second_max
            && !(rate.is_finite() && rate >= 0.01)
        {
            return wrong("calls per second", "at least 0.01", rate.to_string());
        }
        if self.concurrency == 0 || self.concurrency > CONCURRENCY_MAX {
            return wrong("concurrency", "1 to 4096", self.concurrency.to_string());
        }
        if let Some(role) = &self.role
            && !(900..=43_200).contains(&role.duration_seconds)
        {
            let found = role.duration_seconds.to_string();
            return wrong("the duration of a session", "900 to 43200 seconds", found);
        }
        Ok(())
    }

    /// What environment and profile say, with the credential chain over our own connections.
    async fn environment(&self, connector: &SharedHttpConnector) -> SdkConfig {
        let connector = connector.clone();
        let http: SharedHttpClient = http_client_fn(move |_, _| connector.clone());
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http)
            .time_source(self.time.clone());
        if let Some(profile) = &self.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = &self.region {
            loader = loader.region(Region::new(region.clone()));
        }
        loader.load().await
    }
}

fn ca_bundle() -> Option<String> {
    std::env::var("AWS_CA_BUNDLE").ok().filter(|path| !path.is_empty())
}
