//! What single services do beside their protocol, as AWS's own clients know it.
//! Everything that the models say is handled in the protocols, not here.

use std::borrow::Cow;

use md5::Digest as _;
use serde_json::{Map, Value};

use crate::api::{Operation, Protocol, Service};
use crate::protocol::request::Parts;
use crate::protocol::scalar;
use crate::protocol::xml::{Node, Tree};

/// The path of an S3 operation: the bucket stands in the endpoint's address (host or path), where
/// the endpoint rules have put it.
pub(super) fn path_template<'a>(service: &Service, operation: &'a Operation) -> &'a str {
    let path = operation.path();
    if service.name() == "s3" { path.strip_prefix("/{Bucket}").unwrap_or(path) } else { path }
}

pub(super) fn prepare_input<'a>(
    service: &Service,
    operation: &Operation,
    input: &'a Value,
) -> Cow<'a, Value> {
    match service.name() {
        "route53" => without_path(operation, input),
        // Glacier takes a hyphen for "the account of these credentials".
        "glacier" if input.get("accountId").is_none_or(Value::is_null) => {
            let mut input = input.clone();
            if input.is_null() {
                input = Value::Object(Map::new());
            }
            if let Some(members) = input.as_object_mut()
                && operation.input().is_some_and(|shape| shape.member("accountId").is_some())
            {
                members.insert("accountId".to_owned(), Value::from("-"));
            }
            Cow::Owned(input)
        }
        _ => Cow::Borrowed(input),
    }
}

/// Route 53 answers ids as `/hostedzone/Z123` and wants them back as `Z123`.
fn without_path<'a>(operation: &Operation, input: &'a Value) -> Cow<'a, Value> {
    let prefixes = ["/hostedzone/", "/change/", "/delegationset/"];
    let is_label = |name: &str| {
        operation.input().and_then(|shape| shape.member(name)).is_some_and(|member| {
            member.location() != crate::api::Location::Body
                || matches!(name, "HostedZoneId" | "DelegationSetId" | "Id")
        })
    };
    let bare = |text: &str| {
        prefixes.into_iter().find_map(|prefix| text.strip_prefix(prefix)).map(str::to_owned)
    };
    let Some(members) = input.as_object() else { return Cow::Borrowed(input) };
    let mut out = None;
    for (name, value) in members {
        if let Some(id) = value.as_str().and_then(bare).filter(|_| is_label(name)) {
            let copy: &mut Map<String, Value> = out.get_or_insert_with(|| members.clone());
            copy.insert(name.clone(), Value::String(id));
        }
    }
    match out {
        Some(members) => Cow::Owned(Value::Object(members)),
        None => Cow::Borrowed(input),
    }
}

pub(super) fn finish_request(
    service: &Service,
    operation: &Operation,
    input: &Value,
    parts: &mut Parts,
) {
    match service.name() {
        // Without it API Gateway answers in a hypertext format of its own.
        "apigateway" if !parts.has_header("accept") => parts.header("accept", "application/json"),
        "glacier" => parts.header("x-amz-glacier-version", service.api_version()),
        _ => {}
    }
    if operation.is_checksum_required() && !has_checksum(parts) {
        match operation.checksum_member() {
            // An algorithm that the caller chose is computed by the caller.
            Some(member) if input.get(member).is_some_and(|value| *value != "CRC32") => {}
            Some(_) => {
                parts.header("x-amz-sdk-checksum-algorithm", "CRC32");
                let checksum = crc32fast::hash(&parts.body).to_be_bytes();
                parts.header("x-amz-checksum-crc32", scalar::to_base64(&checksum));
            }
            None => parts.header("content-md5", scalar::to_base64(&md5::Md5::digest(&parts.body))),
        }
    }
}

fn has_checksum(parts: &Parts) -> bool {
    parts.headers.iter().any(|(name, _)| {
        let name = name.to_ascii_lowercase();
        name == "content-md5"
            || (name.starts_with("x-amz-checksum-") && name != "x-amz-checksum-mode")
    })
}

/// Some S3 operations answer 200 and then fail: the body is an `<Error>`
/// (S3 User Guide, "CopyObject", seen November 2026).
pub(super) fn is_error_in_disguise(service: &Service, operation: &Operation, body: &[u8]) -> bool {
    if service.protocol() != Protocol::RestXml || operation.has_streaming_output() {
        return false;
    }
    let head = body.get(..body.len().min(256)).unwrap_or_default();
    if !head.windows(6).any(|window| window == b"<Error") {
        return false;
    }
    std::str::from_utf8(body)
        .ok()
        .and_then(|text| Tree::parse(text).ok())
        .and_then(|tree| {
            let root = tree.root()?;
            Some(root.name() == "Error" && root.child("Code").is_some())
        })
        .unwrap_or(false)
}

/// S3's `<LocationConstraint>eu-west-1</LocationConstraint>`: the root's text is the one member.
pub(super) fn read_odd_output(
    service: &Service,
    operation: &Operation,
    root: Node<'_, '_>,
) -> Option<Map<String, Value>> {
    if service.name() != "s3" || operation.name() != "GetBucketLocation" {
        return None;
    }
    let text = root.child("LocationConstraint").unwrap_or(root).text().trim();
    let mut out = Map::new();
    if !text.is_empty() {
        out.insert("LocationConstraint".to_owned(), Value::from(text));
    }
    Some(out)
}

/// `Expires` of an S3 object is whatever its writer put there.
pub(super) fn is_lenient_header(service: &Service, name: &str) -> bool {
    service.name() == "s3" && name.eq_ignore_ascii_case("expires")
}
