//! The wire protocols: JSON values to requests, answers to JSON values. Pure, no I/O.
//! Signing, sending and retrying are the client's.
//!
//! In our JSON, members have the names that AWS documents; blobs are base64 texts, timestamps
//! RFC 3339 texts in UTC; absent members are left out; lists that are empty on the wire are kept.

mod answer;
pub mod bodies;
mod failure;
mod json;
mod query;
mod request;
mod rest;
pub mod scalar;
mod special;
pub mod xml;
mod xml_body;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;
use thiserror::Error;

use crate::api::{Operation, Problem, Protocol, Service};
use crate::endpoint::Endpoint;

/// Why a request could not be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The input does not fit the model.
    #[error("the input of `{operation}` does not fit: {}", join(.problems))]
    Input {
        /// The operation.
        operation: String,
        /// What does not fit.
        problems: Vec<Problem>,
    },
    /// The service speaks only a protocol that we do not.
    #[error("`{service}` speaks only `{protocol}`, which is not supported")]
    Protocol {
        /// The service.
        service: String,
        /// The protocol.
        protocol: &'static str,
    },
    /// The operation sends or answers a stream of events.
    #[error("`{operation}` is a stream of events, which is not supported")]
    EventStream {
        /// The operation.
        operation: String,
    },
    /// A value cannot stand where it must in the request.
    #[error("`{member}` cannot be sent: {what}")]
    Member {
        /// The input member.
        member: String,
        /// What is wrong with it.
        what: String,
    },
    /// The parts do not make an HTTP request.
    #[error("the request cannot be made: {0}")]
    Request(String),
}

fn join(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Why an answer is no output.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// AWS answered with an error.
    #[error(transparent)]
    Service(Box<ServiceError>),
    /// The answer is broken or not in the protocol of the service.
    #[error("the answer (HTTP {status}) cannot be read: {reason}")]
    Malformed {
        /// The HTTP status.
        status: u16,
        /// What is wrong with it.
        reason: String,
        /// The request id, if the headers carry one.
        request_id: Option<String>,
    },
    /// The operation answers a stream of events, or the service speaks an unknown protocol.
    #[error("the answer cannot be read: {what} is not supported")]
    Unsupported {
        /// What is not supported.
        what: String,
    },
}

/// An error that AWS answered with.
#[derive(Debug, Clone, Error)]
#[error("{}{}", if .code.is_empty() { "no error code" } else { .code }, suffix(.status, .message))]
pub struct ServiceError {
    /// AWS's code (`NoSuchBucketPolicy`); empty when AWS sent none.
    pub code: String,
    /// The older code that a service which moved from Query to JSON also sends.
    pub query_code: Option<String>,
    /// AWS's words; may be empty.
    pub message: String,
    /// The HTTP status.
    pub status: u16,
    /// The request id, from headers or body.
    pub request_id: Option<String>,
    /// S3's second id.
    pub host_id: Option<String>,
    /// Whether AWS blames itself (`Type` is `Receiver` or the status is 500 or more).
    pub is_fault: bool,
    /// All headers of the answer (`x-amz-bucket-region`, `retry-after`, `date`, …).
    pub headers: HeaderMap,
    /// The other members of the error body, as they were on the wire.
    pub extra: Value,
}

fn suffix(status: &u16, message: &str) -> String {
    if message.is_empty() { format!(" (HTTP {status})") } else { format!(": {message}") }
}

impl ServiceError {
    /// Whether this is AWS's error of this code, by its new or its old name.
    #[must_use]
    pub fn is(&self, code: &str) -> bool {
        self.code == code || self.query_code.as_deref() == Some(code)
    }
}

/// Makes the request of an operation, unsigned.
///
/// Idempotency tokens that the input lacks are not invented here; see
/// [`fill_idempotency_tokens`].
///
/// # Errors
/// When the input does not fit the model or cannot be written in the protocol.
pub fn encode(
    service: &Service,
    operation: &Operation,
    input: &Value,
    endpoint: &Endpoint,
) -> Result<http::Request<Bytes>, EncodeError> {
    let input = special::prepare_input(service, operation, input);
    operation.check_input(&input).map_err(|problems| EncodeError::Input {
        operation: operation.name().to_owned(),
        problems,
    })?;
    if !service.protocol().is_spoken() {
        return Err(EncodeError::Protocol {
            service: service.name().to_owned(),
            protocol: service.protocol().name(),
        });
    }
    if operation.has_event_stream() {
        return Err(EncodeError::EventStream { operation: operation.name().to_owned() });
    }
    let mut parts = match service.protocol() {
        Protocol::Json => json::encode_request(service, operation, &input)?,
        Protocol::Query | Protocol::Ec2 => query::encode_request(service, operation, &input)?,
        _ => rest::encode_request(service, operation, &input)?,
    };
    special::finish_request(service, operation, &input, &mut parts);
    parts.into_request(endpoint)
}

/// Reads the answer of an operation.
///
/// # Errors
/// [`AnswerError::Service`] when AWS answered an error, [`AnswerError::Malformed`] when the bytes
/// are not what the protocol demands.
pub fn decode(
    service: &Service,
    operation: &Operation,
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Value, AnswerError> {
    answer::decode(service, operation, status, headers, body)
}

/// Puts a fresh token into each idempotency member that the input lacks, so that a request may be
/// sent again without being done twice.
pub fn fill_idempotency_tokens(
    operation: &Operation,
    input: &mut Value,
    mut token: impl FnMut() -> String,
) {
    if input.is_null() && operation.idempotency_tokens().next().is_some() {
        *input = Value::Object(serde_json::Map::new());
    }
    let Some(members) = input.as_object_mut() else { return };
    for name in operation.idempotency_tokens() {
        let slot = members.entry(name).or_insert(Value::Null);
        if slot.is_null() {
            *slot = Value::String(token());
        }
    }
}
