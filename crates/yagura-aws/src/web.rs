//! Plain reads of web addresses that are not AWS's: lists that others publish. They go through the
//! same kind of connections, proxies and certificates as calls of AWS.
//! Nothing is signed here, and no credentials of AWS are ever sent.

use std::time::Duration;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::{Scheme, Uri};
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout_at};
use yagura_model::with_causes;

use crate::error::BuildError;
use crate::transport::{self, Transport, TransportFault};

/// Redirections that are followed.
const REDIRECTS_MAX: usize = 5;

/// Reads web addresses. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Web {
    transport: Transport,
}

/// What to read.
#[derive(Clone, Debug, Default)]
pub struct WebRequest {
    /// An `http://` or `https://` address.
    pub url: String,
    /// Header fields to send; they are not sent on to another host.
    pub headers: Vec<(String, String)>,
    /// The entity tag of what is there already, as it was answered.
    pub etag: Option<String>,
    /// When what is there already was last modified, as it was answered.
    pub modified: Option<String>,
    /// How long the whole may take.
    pub deadline: Duration,
    /// Bytes of the body at most.
    pub size_bytes_max: u64,
}

/// An answer.
#[derive(Debug)]
pub enum WebAnswer {
    /// What is there already is still the newest.
    Unchanged,
    /// Something else.
    Found(WebContent),
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebContent {
    /// The bytes.
    pub body: Vec<u8>,
    /// Its entity tag, as it was answered.
    pub etag: Option<String>,
    /// When it was last modified, as it was answered.
    pub modified: Option<String>,
}

/// Why an address could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebError {
    /// Not an `http://` or `https://` address.
    #[error("`{0}` is not an http or https address")]
    Address(String),
    /// A header field that cannot be sent.
    #[error("the header `{0}` or its value cannot be sent")]
    Header(String),
    /// The host does not exist.
    #[error("the host does not exist: {0}")]
    NoSuchHost(String),
    /// No whole answer in time.
    #[error("there was no whole answer within {} seconds", .0.as_secs())]
    Timeout(Duration),
    /// The connection broke or was refused, or the body ended before its length.
    #[error("the connection failed: {0}")]
    Broken(String),
    /// Another status than success.
    #[error("the server answered with status {0}")]
    Status(u16),
    /// The body is larger than is taken.
    #[error("the body is larger than {0} bytes")]
    TooLarge(u64),
    /// Redirections without end, to nowhere, or from https to http.
    #[error("the redirection to `{0}` is not followed")]
    Redirect(String),
}

impl Web {
    /// With the proxies and certificates of the environment (`HTTPS_PROXY`, `AWS_CA_BUNDLE`, …).
    ///
    /// # Errors
    /// A bundle of certificates that cannot be read.
    pub fn new() -> Result<Self, BuildError> {
        let bundle = std::env::var("AWS_CA_BUNDLE").ok().filter(|path| !path.is_empty());
        let connector = transport::connector(bundle.as_deref(), ProxyConfig::from_env())?;
        let transport = Transport::new(connector, transport::system_lookup(), usize::MAX);
        Ok(Self { transport })
    }

    /// Reads an address to the end.
    ///
    /// # Errors
    /// Why there is no whole answer.
    pub async fn get(&self, request: &WebRequest) -> Result<WebAnswer, WebError> {
        let until = Instant::now() + request.deadline;
        let within = async { self.follow(request).await };
        match timeout_at(until, within).await {
            Ok(answer) => answer,
            Err(_) => Err(WebError::Timeout(request.deadline)),
        }
    }

    async fn follow(&self, request: &WebRequest) -> Result<WebAnswer, WebError> {
        let mut at = address(&request.url)?;
        let first = at.clone();
        for _ in 0..=REDIRECTS_MAX {
            let own = at.authority() == first.authority() && at.scheme() == first.scheme();
            let response = self.open(request, &at, own).await?;
            let status = response.status();
            let location = response.headers().get(header::LOCATION);
            match (status.as_u16(), location) {
                (304, _) => return Ok(WebAnswer::Unchanged),
                (301 | 302 | 303 | 307 | 308, Some(to)) => {
                    let to = String::from_utf8_lossy(to.as_bytes()).into_owned();
                    at = redirected(&at, &to).ok_or(WebError::Redirect(to))?;
                }
                (200, _) => return content(response, request.size_bytes_max).await,
                (other, _) => return Err(WebError::Status(other)),
            }
        }
        Err(WebError::Redirect(at.to_string()))
    }

    async fn open(
        &self,
        request: &WebRequest,
        at: &Uri,
        own: bool,
    ) -> Result<http::Response<SdkBody>, WebError> {
        let mut outgoing = http::Request::new(Bytes::new());
        *outgoing.uri_mut() = at.clone();
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, HeaderValue::from_static("yagura"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
        let known = [
            (header::IF_NONE_MATCH, &request.etag),
            (header::IF_MODIFIED_SINCE, &request.modified),
        ];
        for (name, value) in known {
            if let Some(value) = value.as_ref().and_then(|text| HeaderValue::from_str(text).ok()) {
                headers.insert(name, value);
            }
        }
        for (name, value) in request.headers.iter().filter(|_| own) {
            let field = name.parse::<HeaderName>().ok().zip(HeaderValue::from_str(value).ok());
            let (key, mut value) = field.ok_or_else(|| WebError::Header(name.clone()))?;
            value.set_sensitive(true);
            headers.insert(key, value);
        }
        *outgoing.headers_mut() = headers;
        self.transport.open(outgoing).await.map_err(|fault| match fault {
            TransportFault::NoSuchHost(text) => WebError::NoSuchHost(text),
            TransportFault::Timeout(text) | TransportFault::Broken(text) => WebError::Broken(text),
            TransportFault::TooLarge(limit) => WebError::TooLarge(limit as u64),
        })
    }
}

fn address(text: &str) -> Result<Uri, WebError> {
    let shown = || WebError::Address(text.chars().take(200).collect());
    let uri: Uri = text.parse().map_err(|_| shown())?;
    let fine = matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some();
    if fine { Ok(uri) } else { Err(shown()) }
}

/// Where a redirection leads. One that would go on without encryption leads nowhere.
fn redirected(from: &Uri, to: &str) -> Option<Uri> {
    let next = match to.parse::<Uri>().ok()? {
        uri if uri.scheme().is_some() => uri,
        relative => {
            let path = relative.path_and_query()?.as_str();
            if !path.starts_with('/') {
                return None;
            }
            let mut parts = from.clone().into_parts();
            if let Some(authority) = relative.authority() {
                parts.authority = Some(authority.clone());
            }
            parts.path_and_query = Some(path.parse().ok()?);
            Uri::from_parts(parts).ok()?
        }
    };
    let down = from.scheme() == Some(&Scheme::HTTPS) && next.scheme() != Some(&Scheme::HTTPS);
    let known = matches!(next.scheme_str(), Some("http" | "https")) && next.host().is_some();
    (known && !down).then_some(next)
}

async fn content(
    response: http::Response<SdkBody>,
    size_bytes_max: u64,
) -> Result<WebAnswer, WebError> {
    let (parts, mut body) = response.into_parts();
    let text = |name: HeaderName| {
        parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let length: Option<u64> = text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
    if length.is_some_and(|length| length > size_bytes_max) {
        return Err(WebError::TooLarge(size_bytes_max));
    }
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| WebError::Broken(with_causes(&*error)))?;
        if let Ok(data) = frame.into_data() {
            if bytes.len() as u64 + data.len() as u64 > size_bytes_max {
                return Err(WebError::TooLarge(size_bytes_max));
            }
            bytes.extend_from_slice(&data);
        }
    }
    if length.is_some_and(|length| length != bytes.len() as u64) {
        return Err(WebError::Broken("the body ended before its length".to_owned()));
    }
    let (etag, modified) = (text(header::ETAG), text(header::LAST_MODIFIED));
    Ok(WebAnswer::Found(WebContent { body: bytes, etag, modified }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_are_read() {
        for text in ["", "ftp://a.example/", "file:///etc/passwd", "/x", "http://", "a b"] {
            assert!(matches!(address(text), Err(WebError::Address(_))), "{text}");
        }
        assert!(address("https://a.example/list?x=1").is_ok());
    }

    #[test]
    fn redirections_never_leave_encryption() {
        let check = |from: &str, to: &str, expected: Option<&str>| {
            let next = redirected(&from.parse().unwrap(), to).map(|uri| uri.to_string());
            assert_eq!(next.as_deref(), expected, "{from} {to}");
        };
        check("https://a.example/x", "https://b.example/y", Some("https://b.example/y"));
        check("https://a.example/x", "/y?z", Some("https://a.example/y?z"));
        check("http://a.example/x", "https://b.example/", Some("https://b.example/"));
        for to in ["http://a.example/x", "ftp://a.example/", "file:///x", "y", ""] {
            check("https://a.example/x", to, None);
        }
    }
}
