//! Requests of the JSON and REST protocols back to inputs.
//! Which operation they belong to is found in `recognize.rs`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use yagura_aws::api::{Kind, Location, Member, Operation, Protocol, Service, Shape};
use yagura_aws::protocol::{bodies, scalar, xml};

use crate::wire::Request;

/// A query string's pairs, in their order; several may have one name.
pub(super) type Query = Vec<(String, String)>;

pub(super) fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

pub(super) fn decode_pair(pair: &str) -> (String, String) {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    let plain = |text: &str| decode(&text.replace('+', " "));
    (plain(name), plain(value))
}

pub(super) fn query_of(target: &str) -> Query {
    let query = target.split_once('?').map_or("", |(_, query)| query);
    // In a query string of AWS a plus is a plus.
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    };
    query.split('&').filter(|text| !text.is_empty()).map(pair).collect()
}

pub(super) fn read_json(operation: &Operation, body: &[u8]) -> Result<Value, String> {
    let value = json_of(body)?;
    match operation.input() {
        Some(shape) => strict(shape, &value).and_then(|()| bodies::read_json(shape, value)),
        None => Ok(Value::Object(Map::new())),
    }
}

fn json_of(body: &[u8]) -> Result<Value, String> {
    if body.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

/// A client must not send members that the model does not know.
fn strict(shape: Shape<'_>, value: &Value) -> Result<(), String> {
    if shape.is_document() {
        return Ok(());
    }
    match (shape.kind(), value) {
        (Kind::Structure, Value::Object(members)) => {
            members.iter().try_for_each(|(name, value)| {
                match shape.members().find(|member| member.wire_name() == name) {
                    Some(member) if member.is_json_value() => Ok(()),
                    Some(member) => strict(member.shape(), value),
                    None => Err(format!("the member `{name}` is unknown")),
                }
            })
        }
        (Kind::List, Value::Array(elements)) => match shape.element() {
            Some(element) => elements.iter().try_for_each(|value| strict(element.shape(), value)),
            None => Ok(()),
        },
        (Kind::Map, Value::Object(entries)) => match shape.value() {
            Some(entry) => entries.values().try_for_each(|value| strict(entry.shape(), value)),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

/// What the path and the query string of a REST request gave.
pub(super) struct Bound {
    pub(super) labels: BTreeMap<String, String>,
    pub(super) query: Query,
}

pub(super) fn read_rest(
    service: &Service,
    operation: &Operation,
    request: &Request<'_>,
    bound: &Bound,
) -> Result<Value, String> {
    let mut out = Map::new();
    let Some(shape) = operation.input() else { return Ok(Value::Object(out)) };
    if let Some(payload) = shape.payload() {
        if let Some(value) = payload_of(service, payload, request.body)? {
            out.insert(payload.name().to_owned(), value);
        }
    } else if !request.body.is_empty() {
        out = body_of(service, shape, request.body)?;
    }
    for member in shape.members() {
        let found = match member.location() {
            Location::Uri => match bound.labels.get(member.wire_name()) {
                Some(text) => Some(scalar_of(member.shape(), text, member)?),
                None => None,
            },
            Location::Query => from_query(operation, shape, member, &bound.query)?,
            Location::Header | Location::Headers => from_headers(member, request.headers)?,
            Location::Body | Location::StatusCode => None,
        };
        if let Some(value) = found {
            out.insert(member.name().to_owned(), value);
        }
    }
    Ok(Value::Object(out))
}

fn scalar_of(shape: Shape<'_>, text: &str, member: Member<'_>) -> Result<Value, String> {
    bodies::read_text(shape, text).map_err(|wanted| format!("`{}` is not {wanted}", member.name()))
}

fn from_query(
    operation: &Operation,
    shape: Shape<'_>,
    member: Member<'_>,
    query: &Query,
) -> Result<Option<Value>, String> {
    let name = member.wire_name();
    match member.shape().kind() {
        // A map takes every pair that no other member claims.
        Kind::Map => {
            let constant = operation.path().split_once('?').map_or("", |(_, pairs)| pairs);
            let claimed = |name: &str| {
                constant.split('&').any(|pair| pair.split('=').next() == Some(name))
                    || shape.members().any(|m| {
                        m.location() == Location::Query
                            && m.shape().kind() != Kind::Map
                            && m.wire_name() == name
                    })
            };
            let lists =
                member.shape().value().is_some_and(|value| value.shape().kind() == Kind::List);
            let mut out = Map::new();
            for (name, value) in query.iter().filter(|(name, _)| !claimed(name)) {
                let value = Value::String(value.clone());
                if lists {
                    let slot = out.entry(name.clone()).or_insert(Value::Array(Vec::new()));
                    slot.as_array_mut().into_iter().for_each(|list| list.push(value.clone()));
                } else {
                    out.insert(name.clone(), value);
                }
            }
            Ok((!out.is_empty()).then_some(Value::Object(out)))
        }
        Kind::List => {
            let element = member.shape().element().ok_or("a list has no element")?.shape();
            let values = query.iter().filter(|(known, _)| known == name);
            let values = values
                .map(|(_, text)| scalar_of(element, text, member))
                .collect::<Result<Vec<_>, _>>()?;
            Ok((!values.is_empty()).then_some(Value::Array(values)))
        }
        _ => query
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, text)| scalar_of(member.shape(), text, member))
            .transpose(),
    }
}

fn from_headers(member: Member<'_>, headers: &http::HeaderMap) -> Result<Option<Value>, String> {
    let name = member.wire_name();
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    if member.location() == Location::Headers {
        let prefix = name.to_ascii_lowercase();
        let found: Map<String, Value> = headers
            .iter()
            .filter_map(|(name, value)| {
                let key = name.as_str().strip_prefix(prefix.as_str())?;
                Some((key.to_owned(), Value::String(text(value))))
            })
            .collect();
        return Ok((!found.is_empty()).then_some(Value::Object(found)));
    }
    let Some(value) = headers.get(name) else { return Ok(None) };
    bodies::read_header(member, &text(value))
        .map(Some)
        .map_err(|wanted| format!("the header `{name}` is not {wanted}"))
}

fn payload_of(
    service: &Service,
    payload: Member<'_>,
    body: &[u8],
) -> Result<Option<Value>, String> {
    let shape = payload.shape();
    if body.is_empty() {
        return Ok(None);
    }
    match shape.kind() {
        Kind::Blob => Ok(Some(Value::String(scalar::to_base64(body)))),
        Kind::String => Ok(Some(Value::String(String::from_utf8_lossy(body).into_owned()))),
        _ if service.protocol() == Protocol::RestJson => {
            let value = json_of(body)?;
            strict(shape, &value)?;
            bodies::read_json(shape, value).map(Some)
        }
        _ => xml_of(shape, body).map(Some),
    }
}

fn xml_of(shape: Shape<'_>, body: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(body).map_err(|error| error.to_string())?;
    let tree = xml::Tree::parse(text)?;
    bodies::read_xml(shape, tree.root().ok_or("the body is empty")?)
}

fn body_of(service: &Service, shape: Shape<'_>, body: &[u8]) -> Result<Map<String, Value>, String> {
    let value = if service.protocol() == Protocol::RestJson {
        let value = json_of(body)?;
        strict(shape, &value)?;
        bodies::read_json(shape, value)?
    } else {
        xml_of(shape, body)?
    };
    match value {
        Value::Object(members) => Ok(members),
        _ => Err("the body is no object".to_owned()),
    }
}
