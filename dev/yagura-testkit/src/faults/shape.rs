//! How errors look in each protocol, and how a request asks for small pages.
//! When they are sent is decided in the proxy.

use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use serde_json::{Value, json};
use yagura_aws::Api;
use yagura_aws::api::Protocol;
use yagura_aws::replay::Identified;

const REQUEST_ID: &str = "00000000-0000-4000-8000-00000000fa17";

/// An error of AWS in the protocol of the service that was asked.
pub(super) fn error(
    api: &Api,
    call: &Identified,
    status: u16,
    code: &str,
    message: &str,
) -> Response {
    let service = api.service(&call.service);
    let protocol = service.map_or(Protocol::Json, |service| service.protocol());
    let text = escape(message);
    let (content_type, body) = match protocol {
        Protocol::Json | Protocol::RpcV2Cbor => (
            "application/x-amz-json-1.1",
            json!({"__type": format!("com.amazonaws.{}#{code}", call.service), "message": message})
                .to_string(),
        ),
        Protocol::RestJson => ("application/json", json!({"message": message}).to_string()),
        Protocol::RestXml if call.service == "s3" => (
            "application/xml",
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code>\
                 <Message>{text}</Message><RequestId>{REQUEST_ID}</RequestId></Error>"
            ),
        ),
        Protocol::RestXml | Protocol::Query => (
            "text/xml",
            format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>\
                 <Message>{text}</Message></Error><RequestId>{REQUEST_ID}</RequestId>\
                 </ErrorResponse>"
            ),
        ),
        Protocol::Ec2 => (
            "text/xml",
            format!(
                "<Response><Errors><Error><Code>{code}</Code><Message>{text}</Message></Error>\
                 </Errors><RequestID>{REQUEST_ID}</RequestID></Response>"
            ),
        ),
    };
    let mut response = http::Response::builder()
        .status(status)
        .header("content-type", content_type)
        .header("x-amzn-requestid", REQUEST_ID);
    if protocol == Protocol::RestJson {
        response = response.header("x-amzn-errortype", format!("{code}:http://internal/"));
    }
    // Every part is a constant or came through `HeaderValue`'s own check in the builder.
    response.body(Body::from(body)).unwrap_or_default()
}

/// A denial in the words of the service.
pub(super) fn denied(api: &Api, call: &Identified, message: &str) -> Response {
    let (status, code) = match call.service.as_str() {
        "ec2" => (403, "UnauthorizedOperation"),
        "sns" => (403, "AuthorizationError"),
        "iam" | "s3" | "sts" | "rds" | "cloudformation" => (403, "AccessDenied"),
        _ => (400, "AccessDeniedException"),
    };
    error(api, call, status, code, message)
}

/// A refusal by rate in the words of the service.
pub(super) fn throttled(api: &Api, call: &Identified) -> Response {
    let (status, code) = match call.service.as_str() {
        "ec2" => (503, "RequestLimitExceeded"),
        "s3" => (503, "SlowDown"),
        "iam" | "sts" | "rds" | "cloudformation" | "sns" => (400, "Throttling"),
        _ => (400, "ThrottlingException"),
    };
    error(api, call, status, code, "Rate exceeded")
}

/// Whether a request was signed too far from `now`.
pub(super) fn skewed(parts: &http::request::Parts, now: SystemTime, most: Duration) -> bool {
    let signed = parts
        .headers
        .get("x-amz-date")
        .and_then(|value| value.to_str().ok())
        .and_then(|text| jiff::fmt::strtime::parse("%Y%m%dT%H%M%SZ", text).ok())
        .and_then(|time| time.to_datetime().ok())
        .and_then(|time| time.to_zoned(jiff::tz::TimeZone::UTC).ok());
    let Some(signed) = signed else { return true };
    let signed = SystemTime::from(signed.timestamp());
    let apart = now.duration_since(signed).or_else(|_| signed.duration_since(now));
    apart.is_ok_and(|apart| apart > most)
}

/// The answer with this time in its `Date` header.
pub(super) fn with_date(mut response: Response, now: SystemTime) -> Response {
    let date = jiff::Timestamp::try_from(now)
        .map(|time| time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
        .ok()
        .and_then(|text| text.parse().ok());
    if let Some(date) = date {
        response.headers_mut().insert(http::header::DATE, date);
    }
    response
}

/// The request with the operation's own limit of items per page in it.
pub(super) fn with_page_limit(
    api: &Api,
    call: &Identified,
    mut parts: http::request::Parts,
    body: Bytes,
    items: u32,
) -> (http::request::Parts, Bytes) {
    let Ok(service) = api.service(&call.service) else { return (parts, body) };
    let Ok(operation) = service.operation(&call.operation) else { return (parts, body) };
    let limit = operation.paginator().and_then(|paginator| paginator.limit_key());
    let member = operation.input().zip(limit).and_then(|(input, name)| input.member(name));
    let Some(member) = member else { return (parts, body) };
    let body = match service.protocol() {
        Protocol::Query | Protocol::Ec2 => {
            let mut text = String::from_utf8_lossy(&body).into_owned();
            let name = member.query_name().unwrap_or_else(|| member.wire_name());
            text.push_str(&format!("&{name}={items}"));
            Bytes::from(text)
        }
        Protocol::Json | Protocol::RpcV2Cbor => {
            let mut input: Value = serde_json::from_slice(&body).unwrap_or_else(|_| json!({}));
            if let Some(input) = input.as_object_mut() {
                input.insert(member.wire_name().to_owned(), items.into());
            }
            Bytes::from(input.to_string())
        }
        Protocol::RestJson | Protocol::RestXml => {
            let join = if parts.uri.query().is_some() { '&' } else { '?' };
            let uri = format!("{}{join}{}={items}", parts.uri, member.wire_name());
            if let Ok(uri) = uri.parse() {
                parts.uri = uri;
            }
            body
        }
    };
    parts.headers.insert(http::header::CONTENT_LENGTH, body.len().into());
    (parts, body)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
