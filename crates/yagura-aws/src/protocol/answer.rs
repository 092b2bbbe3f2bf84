//! Answers: success or error, and the output by protocol.
//! Errors are read in `failure.rs`.

use http::HeaderMap;
use serde_json::{Map, Value};

use crate::api::{Operation, Protocol, Service, Shape};
use crate::protocol::xml::Tree;
use crate::protocol::{AnswerError, failure, json, rest, special, xml_body};

pub(super) fn decode(
    service: &Service,
    operation: &Operation,
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Value, AnswerError> {
    if !service.protocol().is_spoken() {
        let what = format!("the protocol `{}`", service.protocol().name());
        return Err(AnswerError::Unsupported { what });
    }
    if !(200..300).contains(&status) || special::is_error_in_disguise(service, operation, body) {
        let error = failure::read(service, operation, status, headers, body);
        return Err(AnswerError::Service(Box::new(error)));
    }
    if operation.has_event_stream() {
        return Err(AnswerError::Unsupported { what: "a stream of events".to_owned() });
    }
    let output = match service.protocol() {
        Protocol::Json => read_json(operation, body),
        Protocol::Query => read_query(operation, body),
        Protocol::Ec2 => read_ec2(operation, body),
        _ => rest::read_output(service, operation, status, headers, body),
    };
    output.map_err(|reason| AnswerError::Malformed {
        status,
        reason,
        request_id: failure::request_id_of(headers),
    })
}

fn empty() -> Value {
    Value::Object(Map::new())
}

fn read_json(operation: &Operation, body: &[u8]) -> Result<Value, String> {
    let Some(shape) = operation.output() else { return Ok(empty()) };
    json::from_wire(shape, json::parse(body)?)
}

fn parse(body: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(body).map_err(|_| "it is not UTF-8".to_owned())
}

fn tree(text: &str) -> Result<Tree<'_>, String> {
    Tree::parse(text).map_err(|error| format!("it is not XML: {error}"))
}

/// `<ListUsersResponse><ListUsersResult>…</ListUsersResult></ListUsersResponse>`
fn read_query(operation: &Operation, body: &[u8]) -> Result<Value, String> {
    let Some(shape) = operation.output() else { return Ok(empty()) };
    let tree = tree(parse(body)?)?;
    let root = tree.root().ok_or("it is empty")?;
    let wrong_root = || format!("its root element is `{}`", root.name());
    if root.name() == "ErrorResponse" || root.name().eq_ignore_ascii_case("html") {
        return Err(wrong_root());
    }
    let node = match operation.result_wrapper() {
        Some(wrapper) if root.name() == wrapper => root,
        Some(wrapper) => match root.child(wrapper) {
            Some(node) => node,
            // Without a single output member some services leave the wrapper out.
            None if root.name().strip_suffix("Response") == Some(operation.name()) => {
                return Ok(empty());
            }
            None => return Err(wrong_root()),
        },
        None => root,
    };
    xml_body::read_structure(shape, node)
}

/// `<DescribeVpcsResponse><requestId/><vpcSet>…</vpcSet></DescribeVpcsResponse>`
fn read_ec2(operation: &Operation, body: &[u8]) -> Result<Value, String> {
    let shape: Option<Shape<'_>> = operation.output();
    let Some(shape) = shape else { return Ok(empty()) };
    let tree = tree(parse(body)?)?;
    let root = tree.root().ok_or("it is empty")?;
    if root.name().strip_suffix("Response") != Some(operation.name()) {
        return Err(format!("its root element is `{}`", root.name()));
    }
    xml_body::read_structure(shape, root)
}
