//! The parts of a request before they become one: path, query, headers, body.
//! Which input member goes where is decided in `rest.rs`, `query.rs` and `json.rs`.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::endpoint::Endpoint;
use crate::protocol::EncodeError;

/// RFC 3986: everything but the unreserved characters is escaped.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// As [`COMPONENT`], but slashes stay (greedy labels).
const PATH: &AsciiSet = &COMPONENT.remove(b'/');

#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) method: String,
    /// Escaped, beginning with a slash.
    pub(super) path: String,
    /// Not yet escaped; `None` where even the `=` is missing.
    pub(super) query: Vec<(String, Option<String>)>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

pub(super) fn escape_component(text: &str) -> String {
    utf8_percent_encode(text, COMPONENT).to_string()
}

pub(super) fn escape_path(text: &str) -> String {
    utf8_percent_encode(text, PATH).to_string()
}

impl Parts {
    pub(super) fn header(&mut self, name: &str, value: impl Into<String>) {
        self.headers.push((name.to_owned(), value.into()));
    }

    pub(super) fn has_header(&self, name: &str) -> bool {
        self.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
    }

    pub(super) fn into_request(
        self,
        endpoint: &Endpoint,
    ) -> Result<http::Request<Bytes>, EncodeError> {
        let mut url = endpoint.url.trim_end_matches('/').to_owned();
        let has_path = url.split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
        if self.path != "/" || !has_path {
            url.push_str(&self.path);
        }
        let mut separator = '?';
        for (name, value) in &self.query {
            url.push(separator);
            separator = '&';
            url.push_str(&escape_component(name));
            if let Some(value) = value {
                url.push('=');
                url.push_str(&escape_component(value));
            }
        }
        let method = Method::from_bytes(self.method.as_bytes())
            .map_err(|error| EncodeError::Request(error.to_string()))?;
        let mut request = http::Request::builder().method(method).uri(url);
        let endpoint_headers = endpoint.headers.iter();
        for (name, value) in self.headers.iter().chain(endpoint_headers) {
            let bad = |what: String| EncodeError::Member { member: name.clone(), what };
            let name =
                HeaderName::from_bytes(name.as_bytes()).map_err(|error| bad(error.to_string()))?;
            let value = HeaderValue::from_bytes(value.trim().as_bytes())
                .map_err(|error| bad(error.to_string()))?;
            request = request.header(name, value);
        }
        request
            .body(Bytes::from(self.body))
            .map_err(|error| EncodeError::Request(error.to_string()))
    }
}
