//! What tells requests of one operation apart on the wire: path, parameters, body members.
//! Input members are turned into the same facts by encoding them, so nothing is parsed twice.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::api::{Kind, Operation, Protocol, Service, Shape};
use crate::endpoint::{self, EndpointSettings};
use crate::protocol;

/// The name of the fact that is the path.
const PATH: &str = "/";
/// Every request has these; they tell nothing apart.
const QUERY_CONSTANTS: [&str; 2] = ["Action", "Version"];
const HEADER_CONSTANTS: [&str; 7] = [
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-target",
    "x-amz-user-agent",
    "x-amz-api-version",
    "x-amzn-query-mode",
];

/// The facts of a request.
pub(super) fn of_request(
    service: &Service,
    request: &http::request::Parts,
    body: &[u8],
) -> BTreeMap<String, String> {
    match service.protocol() {
        Protocol::Query | Protocol::Ec2 => {
            let mut facts = form(std::str::from_utf8(body).unwrap_or_default());
            for name in QUERY_CONSTANTS {
                facts.remove(name);
            }
            facts
        }
        Protocol::Json | Protocol::RpcV2Cbor => members(body),
        Protocol::RestJson | Protocol::RestXml => {
            let mut facts = members(body);
            facts.extend(form(request.uri.query().unwrap_or_default()));
            for (name, value) in &request.headers {
                let name = name.as_str();
                if name.starts_with("x-amz") && !HEADER_CONSTANTS.contains(&name) {
                    facts.insert(name.to_owned(), String::from_utf8_lossy(value.as_bytes()).into());
                }
            }
            facts.insert(PATH.into(), path(service.signing_name(), request));
            facts
        }
    }
}

/// The facts that every request with these input members has.
pub(super) fn of_match(
    service: &Service,
    operation: &str,
    matching: &Map<String, Value>,
) -> Result<BTreeMap<String, String>, String> {
    if matching.is_empty() {
        return Ok(BTreeMap::new());
    }
    if service.protocol() == Protocol::Json {
        let members = matching.iter().map(|(name, value)| (name.clone(), value.to_string()));
        return Ok(members.collect());
    }
    let operation = service.operation(operation).map_err(|error| error.to_string())?;
    let facts = |filler| encoded(service, operation, &filled(operation, matching, filler));
    // What `match` leaves open but the model demands is filled in two ways: facts that differ come
    // from the filling, not from `match`.
    let (one, other) = (facts(Filler::One)?, facts(Filler::Other)?);
    Ok(one.into_iter().filter(|(name, value)| other.get(name) == Some(value)).collect())
}

/// The facts of the request with this input.
fn encoded(
    service: &Service,
    operation: &Operation,
    input: &Value,
) -> Result<BTreeMap<String, String>, String> {
    let settings = EndpointSettings {
        override_url: Some("http://localhost".into()),
        s3_path_style: true,
        ..EndpointSettings::new("us-east-1")
    };
    let endpoint = endpoint::resolve(service, operation, input, &settings)
        .map_err(|error| format!("`match`: {error}"))?;
    let request = protocol::encode(service, operation, input, &endpoint)
        .map_err(|error| format!("`match`: {error}"))?;
    let (parts, body) = request.into_parts();
    Ok(of_request(service, &parts, &body))
}

/// One of two ways to fill in what nobody stated.
#[derive(Clone, Copy)]
enum Filler {
    One,
    Other,
}

/// `matching` with the members that the model demands besides.
fn filled(operation: &Operation, matching: &Map<String, Value>, filler: Filler) -> Value {
    let mut input = matching.clone();
    for member in operation.input().into_iter().flat_map(Shape::members) {
        if member.is_required() && !input.contains_key(member.name()) {
            input.insert(member.name().to_owned(), filling(member.shape(), filler));
        }
    }
    Value::Object(input)
}

fn filling(shape: Shape<'_>, filler: Filler) -> Value {
    let pick = |one: Value, other: Value| match filler {
        Filler::One => one,
        Filler::Other => other,
    };
    match shape.kind() {
        Kind::Structure => {
            let members = shape.members().filter(|member| member.is_required());
            Value::Object(
                members.map(|m| (m.name().to_owned(), filling(m.shape(), filler))).collect(),
            )
        }
        Kind::List => Value::Array(Vec::new()),
        Kind::Map => Value::Object(Map::new()),
        Kind::Boolean => pick(true.into(), false.into()),
        Kind::String | Kind::Blob => pick("b25l".into(), "dHdv".into()),
        Kind::Timestamp => pick("2001-01-01T00:00:00Z".into(), "2002-02-02T00:00:00Z".into()),
        _ => pick(1.into(), 2.into()),
    }
}

/// The path, with the bucket in it wherever the request has it.
pub(super) fn path(signing_name: &str, request: &http::request::Parts) -> String {
    let path = request.uri.path().trim_end_matches('/');
    let host = request
        .uri
        .host()
        .or_else(|| request.headers.get(http::header::HOST)?.to_str().ok())
        .unwrap_or_default();
    let bucket = (signing_name == "s3" && !host.contains(".s3-control"))
        .then(|| host.find(".s3.").or_else(|| host.find(".s3-")))
        .flatten()
        .and_then(|end| host.get(..end));
    match bucket {
        Some(bucket) => format!("/{bucket}{path}"),
        None => path.to_owned(),
    }
}

/// The parameters of a query string or form, decoded.
pub(super) fn form(text: &str) -> BTreeMap<String, String> {
    let decode =
        |part: &str| percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned();
    text.split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(name), decode(value))
        })
        .collect()
}

/// The members of a JSON body, each as compact JSON.
fn members(body: &[u8]) -> BTreeMap<String, String> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => {
            members.into_iter().map(|(name, value)| (name, value.to_string())).collect()
        }
        _ => BTreeMap::new(),
    }
}
