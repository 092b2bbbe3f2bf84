//! The one way out: a shared pool of connections, and what can go wrong on the way.
//! Nothing here knows AWS; signatures are in `sign`, answers are read in `protocol`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use futures::future::BoxFuture;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use yagura_model::with_causes;

use crate::error::BuildError;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Idle connections are closed before AWS's load balancers close them on us.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// Looks a host up; true when it has an address.
pub(crate) type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, bool> + Send + Sync>;

/// Sends requests and reads whole answers.
#[derive(Clone)]
pub(crate) struct Transport {
    connector: SharedHttpConnector,
    lookup: Lookup,
    body_size_bytes_max: usize,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("connector", &self.connector).finish_non_exhaustive()
    }
}

/// A whole answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

/// Why there is no whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TransportFault {
    /// The host name does not exist (not: the lookup failed for now).
    NoSuchHost(String),
    /// Not connected, or no answer, in time.
    Timeout(String),
    /// The connection broke, was refused, or ended inside an answer.
    Broken(String),
    /// The answer is larger than we accept.
    TooLarge(usize),
}

impl fmt::Display for TransportFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchHost(text) | Self::Timeout(text) | Self::Broken(text) => f.write_str(text),
            Self::TooLarge(limit) => write!(f, "the answer is larger than {limit} bytes"),
        }
    }
}

impl Transport {
    pub(crate) fn new(
        connector: SharedHttpConnector,
        lookup: Lookup,
        body_size_bytes_max: usize,
    ) -> Self {
        Self { connector, lookup, body_size_bytes_max }
    }

    /// Whether this host has an address.
    pub(crate) async fn resolves(&self, host: &str) -> bool {
        (self.lookup)(host.to_owned()).await
    }

    /// Sends a signed request and reads the answer to its end.
    pub(crate) async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<Answer, TransportFault> {
        self.whole(self.open(request).await?).await
    }

    /// Sends a signed request and gives the answer as soon as its head is there.
    pub(crate) async fn open(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<SdkBody>, TransportFault> {
        let request = HttpRequest::try_from(request.map(SdkBody::from))
            .map_err(|error| TransportFault::Broken(with_causes(&error)))?;
        let response = self.connector.call(request).await.map_err(|error| {
            let text = with_causes(&error);
            if error.is_timeout() { TransportFault::Timeout(text) } else { broken(text) }
        })?;
        response.try_into_http1x().map_err(|error| TransportFault::Broken(with_causes(&error)))
    }

    /// Reads an answer to its end.
    pub(crate) async fn whole(
        &self,
        response: http::Response<SdkBody>,
    ) -> Result<Answer, TransportFault> {
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, self.body_size_bytes_max).collect().await;
        let body = body.map_err(|error| {
            if error.downcast_ref::<LengthLimitError>().is_some() {
                TransportFault::TooLarge(self.body_size_bytes_max)
            } else {
                TransportFault::Broken(with_causes(&*error))
            }
        })?;
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body: body.to_bytes() })
    }
}

/// A name that does not exist is told apart from a resolver that has no answer now: the system
/// says "Temporary failure in name resolution" (`EAI_AGAIN`) for the latter.
fn broken(text: String) -> TransportFault {
    const NO_SUCH_NAME: [&str; 4] = [
        "Name or service not known",
        "No address associated with hostname",
        "nodename nor servname provided",
        "Name does not resolve",
    ];
    if NO_SUCH_NAME.iter().any(|phrase| text.contains(phrase)) {
        TransportFault::NoSuchHost(text)
    } else {
        TransportFault::Broken(text)
    }
}

/// The real connector: rustls with ring, the system's certificates and those of `AWS_CA_BUNDLE`.
pub(crate) fn connector(
    ca_bundle: Option<&str>,
    proxies: ProxyConfig,
) -> Result<SharedHttpConnector, BuildError> {
    let mut trust = TrustStore::default();
    if let Some(path) = ca_bundle {
        let pem = std::fs::read(path)
            .map_err(|source| BuildError::CaBundle { path: path.to_owned(), source })?;
        for certificate in certificates(&pem) {
            trust.add_pem_certificate(certificate);
        }
        if certificates(&pem).next().is_none() {
            return Err(BuildError::EmptyCaBundle(path.to_owned()));
        }
    }
    let context = TlsContext::builder()
        .with_trust_store(trust)
        .build()
        .map_err(|error| BuildError::Connector(with_causes(&error)))?;
    let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build();
    let connector = Connector::builder()
        .connector_settings(settings)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .proxy_config(proxies)
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(context)
        .build();
    Ok(SharedHttpConnector::new(connector))
}

/// The certificates of a bundle, one by one: the runtime takes only the first of each text.
fn certificates(pem: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let text = String::from_utf8_lossy(pem).into_owned();
    let found: Vec<Vec<u8>> = text
        .split(BEGIN)
        .skip(1)
        .filter_map(|rest| rest.split_once(END))
        .map(|(body, _)| format!("{BEGIN}{body}{END}\n").into_bytes())
        .collect();
    found.into_iter()
}

/// The system's resolver.
pub(crate) fn system_lookup() -> Lookup {
    Arc::new(|host: String| {
        Box::pin(async move {
            tokio::net::lookup_host((host.as_str(), 443))
                .await
                .is_ok_and(|mut addresses| addresses.next().is_some())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resolver_without_answer_is_not_a_missing_host() {
        let check = |text: &str, missing: bool| {
            let fault = broken(text.to_owned());
            assert_eq!(matches!(fault, TransportFault::NoSuchHost(_)), missing, "{text}");
        };
        check("dns error: failed to lookup address information: Name or service not known", true);
        check("failed to lookup address information: Temporary failure in name resolution", false);
        check("connection refused", false);
    }

    #[test]
    fn a_bundle_that_cannot_be_used_is_named() {
        let error = connector(Some("no/such/bundle.pem"), ProxyConfig::disabled()).unwrap_err();
        assert!(error.to_string().contains("`no/such/bundle.pem`"), "{error}");
        let empty = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let error = connector(Some(empty), ProxyConfig::disabled()).unwrap_err();
        assert!(matches!(error, BuildError::EmptyCaBundle(_)), "{error}");
    }

    #[test]
    fn a_bundle_gives_each_of_its_certificates() {
        let one = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";
        let bundle = format!("# comment\n{one}\n{one}tail");
        assert_eq!(certificates(bundle.as_bytes()).count(), 2);
        assert_eq!(certificates(b"nothing").count(), 0);
    }
}
