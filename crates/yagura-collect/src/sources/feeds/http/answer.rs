//! Answers of the endpoint: a status and a line of JSON.
//! What is answered when is in `post.rs`.

use http::{Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Bytes;

/// The answer to a request.
pub(super) type Answer = Response<Full<Bytes>>;

/// A refusal, with the reason for whoever reads the sender's log.
pub(super) fn refuse(status: StatusCode, reason: &str) -> Answer {
    json(status, &serde_json::json!({ "error": reason }))
}

/// As [`refuse`], for what may go well later.
pub(super) fn later(status: StatusCode, reason: &str) -> Answer {
    let mut answer = refuse(status, reason);
    answer.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("30"));
    answer
}

/// What was taken.
pub(super) fn taken(bytes: u64) -> Answer {
    json(StatusCode::OK, &serde_json::json!({ "stored_bytes": bytes }))
}

fn json(status: StatusCode, value: &serde_json::Value) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(format!("{value}\n"))));
    *answer.status_mut() = status;
    let json = header::HeaderValue::from_static("application/json");
    answer.headers_mut().insert(header::CONTENT_TYPE, json);
    answer
}
