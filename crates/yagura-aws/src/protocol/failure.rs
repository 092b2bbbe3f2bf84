//! Error answers of every protocol: where each puts its code, message and request id.
//! What a code means (denied, absent, throttled) is the client's to say.

use http::HeaderMap;
use serde_json::{Map, Value};

use crate::api::{Operation, Protocol, Service, Shape};
use crate::protocol::ServiceError;
use crate::protocol::xml::{Node, Tree};

/// Longer answers that are no error of AWS are cut when they stand in for a message.
const SNIPPET_CHARS_MAX: usize = 200;

/// Headers in which services put their request id.
const REQUEST_ID_HEADERS: [&str; 4] =
    ["x-amzn-requestid", "x-amz-request-id", "x-amzn-request-id", "x-amz-cf-id"];

pub(super) fn request_id_of(headers: &HeaderMap) -> Option<String> {
    REQUEST_ID_HEADERS.into_iter().find_map(|name| header(headers, name))
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned()).filter(|text| !text.is_empty())
}

pub(super) fn read(
    service: &Service,
    operation: &Operation,
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
) -> ServiceError {
    let mut error = ServiceError {
        code: String::new(),
        query_code: None,
        message: String::new(),
        status,
        request_id: request_id_of(headers),
        host_id: header(headers, "x-amz-id-2"),
        is_fault: status >= 500,
        headers: headers.clone(),
        extra: Value::Object(Map::new()),
    };
    match service.protocol() {
        Protocol::Json | Protocol::RestJson | Protocol::RpcV2Cbor => {
            read_json(&mut error, headers, body);
        }
        Protocol::RestXml | Protocol::Query | Protocol::Ec2 => {
            read_xml(&mut error, service, body);
        }
    }
    if error.code.is_empty() && body.is_empty() {
        read_head(&mut error, operation);
    }
    if error.code.is_empty() && error.message.is_empty() {
        error.message = snippet(body);
    }
    error
}

fn snippet(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body.get(..body.len().min(1000)).unwrap_or_default());
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(SNIPPET_CHARS_MAX).collect()
}

/// Answers to HEAD have no body; with AWS's request id the status alone tells the code.
fn read_head(error: &mut ServiceError, operation: &Operation) {
    if operation.method() != "HEAD" || error.request_id.is_none() {
        return;
    }
    let code = match error.status {
        301 | 307 | 308 => "PermanentRedirect",
        304 => "NotModified",
        400 => "BadRequest",
        403 => "AccessDenied",
        404 => "NotFound",
        405 => "MethodNotAllowed",
        412 => "PreconditionFailed",
        503 => "SlowDown",
        _ => return,
    };
    error.code = code.to_owned();
}

/// `com.amazon.coral.service#ThrottlingException:http://…` is `ThrottlingException`.
fn bare_code(text: &str) -> String {
    let text = text.split_once(':').map_or(text, |(code, _)| code);
    text.rsplit_once('#').map_or(text, |(_, code)| code).trim().to_owned()
}

fn read_json(error: &mut ServiceError, headers: &HeaderMap, body: &[u8]) {
    let members = match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    };
    let text = |name: &str| members.get(name).and_then(Value::as_str).map(str::to_owned);
    let code = header(headers, "x-amzn-errortype")
        .or_else(|| ["__type", "code", "Code"].into_iter().find_map(text));
    error.code = code.map(|code| bare_code(&code)).unwrap_or_default();
    let names = ["message", "Message", "errorMessage", "error_description"];
    error.message = names.into_iter().find_map(text).unwrap_or_default();
    if let Some(id) = ["RequestId", "requestId"].into_iter().find_map(text) {
        error.request_id.get_or_insert(id);
    }
    // A service that moved from Query to JSON also names its old code: `Code;Sender`.
    if let Some(query) = header(headers, "x-amzn-query-error") {
        let (code, kind) = query.split_once(';').unwrap_or((&query, ""));
        if !code.is_empty() {
            error.query_code = Some(code.to_owned());
        }
        error.is_fault |= kind == "Receiver";
    }
    let known = ["__type", "code", "Code", "message", "Message"];
    error.extra = members.into_iter().filter(|(name, _)| !known.contains(&name.as_str())).collect();
}

fn read_xml(error: &mut ServiceError, service: &Service, body: &[u8]) {
    let Ok(text) = std::str::from_utf8(body) else { return };
    let Ok(tree) = Tree::parse(text) else { return };
    let Some(root) = tree.root() else { return };
    if root.name().eq_ignore_ascii_case("html") {
        return;
    }
    let node = error_node(root);
    let child = |node: Node<'_, '_>, name: &str| {
        node.child(name).map(|child| child.text().trim().to_owned()).filter(|t| !t.is_empty())
    };
    error.code = child(node, "Code").unwrap_or_default();
    if error.code.is_empty() {
        // Route 53 answers `<InvalidChangeBatch>` with the error's name as the root.
        let known = service.exceptions().find(|shape| shape.name() == Some(node.name()));
        error.code = known.and_then(Shape::error_code).unwrap_or_default().to_owned();
    }
    error.message = child(node, "Message").or_else(|| child(node, "message")).unwrap_or_default();
    let ids = ["RequestId", "RequestID", "requestId"];
    let id = ids.into_iter().find_map(|name| child(root, name).or_else(|| child(node, name)));
    if let Some(id) = id {
        error.request_id.get_or_insert(id);
    }
    if let Some(id) = child(node, "HostId") {
        error.host_id.get_or_insert(id);
    }
    error.is_fault |= child(node, "Type").as_deref() == Some("Receiver");
    let known = ["Code", "Message", "RequestId", "RequestID", "HostId"];
    let extra = node.children().filter(|child| !known.contains(&child.name()));
    error.extra = extra.map(|child| (child.name().to_owned(), plain(child, 0))).collect();
}

/// `<Error>`, or the one inside `<ErrorResponse>` (Query) or `<Response><Errors>` (EC2).
fn error_node<'t, 'a>(root: Node<'t, 'a>) -> Node<'t, 'a> {
    let inner = root.child("Errors").unwrap_or(root);
    inner.child("Error").unwrap_or(inner)
}

/// An element without a model: text, or its children by name.
fn plain(node: Node<'_, '_>, depth: usize) -> Value {
    if depth > 8 || node.children().next().is_none() {
        return Value::String(node.text().to_owned());
    }
    node.children().map(|child| (child.name().to_owned(), plain(child, depth + 1))).collect()
}
