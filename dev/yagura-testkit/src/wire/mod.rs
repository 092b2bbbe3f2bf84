//! The server's side of the AWS protocols: outputs and errors to wire bytes, requests to inputs.
//! Every member is checked against the API table; nothing here listens on a socket.
//!
//! ```no_run
//! # fn example(api: &yagura_aws::Api) -> Result<(), Box<dyn std::error::Error>> {
//! use yagura_testkit::wire;
//!
//! let s3 = api.service("s3")?;
//! let list = s3.operation("ListBuckets")?;
//! let output = serde_json::json!({"Buckets": [{"Name": "logs"}]});
//! let answer = wire::encode_output(&s3, list, &output)?;
//! assert_eq!(answer.status, 200);
//! let denied = wire::Failure::new("AccessDenied", "no").with_status(403);
//! let answer = wire::encode_error(&s3, list, &denied)?;
//! # let _ = answer; Ok(()) }
//! ```

mod answer;
mod form;
mod input;
mod recognize;

pub use answer::{encode_error, encode_output};
pub use recognize::{Recognized, Recognizer};

/// The request id of every answer that is made here.
pub const REQUEST_ID: &str = "6f1c6b2e-0000-4000-8000-796167757261";

/// An answer as bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers, in the order they are sent.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The headers as the HTTP crate wants them; what is no header is left out.
    #[must_use]
    pub fn header_map(&self) -> http::HeaderMap {
        let parse = |(name, value): &(String, String)| {
            let name = http::HeaderName::from_bytes(name.as_bytes()).ok()?;
            Some((name, http::HeaderValue::from_bytes(value.as_bytes()).ok()?))
        };
        self.headers.iter().filter_map(parse).collect()
    }
}

/// An error that AWS shall answer.
#[derive(Debug, Clone)]
pub struct Failure {
    /// AWS's code (`AccessDenied`).
    pub code: String,
    /// AWS's words.
    pub message: String,
    /// The HTTP status; none: the model's, else 400.
    pub status: Option<u16>,
}

impl Failure {
    /// An error with the status that the model gives its code.
    #[must_use]
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Failure {
        Failure { code: code.into(), message: message.into(), status: None }
    }

    /// The same error with this status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Failure {
        self.status = Some(status);
        self
    }
}

/// A request as a server sees it.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// Path and query string (`/bucket?acl`).
    pub target: &'a str,
    /// The headers; the `host` decides about virtual-host buckets, `authorization` about the
    /// service.
    pub headers: &'a http::HeaderMap,
    /// The body.
    pub body: &'a [u8],
}

/// Why bytes could not be made or understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The output does not fit the model.
    #[error("`{operation}`: {problems}")]
    Output {
        /// The operation.
        operation: String,
        /// What does not fit.
        problems: String,
    },
    /// The protocol of the service is not spoken, or a value cannot stand on the wire.
    #[error("`{operation}` cannot be written: {what}")]
    Write {
        /// The operation.
        operation: String,
        /// Why not.
        what: String,
    },
    /// The request belongs to no operation.
    #[error("the request belongs to no operation: {what}")]
    Unrecognized {
        /// What was tried.
        what: String,
    },
    /// The request belongs to an operation but does not fit its model.
    #[error("the request of `{operation}` does not fit: {what}")]
    Input {
        /// The operation.
        operation: String,
        /// What does not fit.
        what: String,
    },
}
