//! What tells requests of one operation apart on the wire: path, parameters, body members.
//! Input members are turned into the same facts by encoding them, so nothing is parsed twice.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::api::{Protocol, Service};
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
    let input = Value::Object(matching.clone());
    let settings = EndpointSettings {
        override_url: Some("http://localhost".into()),
        s3_path_style: true,
        ..EndpointSettings::new("us-east-1")
    };
    let endpoint = endpoint::resolve(service, operation, &input, &settings)
        .map_err(|error| format!("`match`: {error}"))?;
    let request = protocol::encode(service, operation, &input, &endpoint)
        .map_err(|error| format!("`match`: {error}"))?;
    let (parts, body) = request.into_parts();
    let mut facts = of_request(service, &parts, &body);
    for token in operation.idempotency_tokens() {
        if !matching.contains_key(token) {
            facts.remove(token);
        }
    }
    Ok(facts)
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
    let decode = |part: &str| {
        percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned()
    };
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
