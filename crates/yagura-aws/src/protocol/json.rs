//! JSON bodies by shape, both ways, and the requests of JSON 1.0 and 1.1.
//! Headers, paths and query strings of REST-JSON are in `rest.rs`.

use serde_json::{Map, Value};

use crate::api::{Kind, Operation, Service, Shape, TimestampFormat};
use crate::protocol::request::Parts;
use crate::protocol::{EncodeError, scalar};

/// Answers nest about twenty levels; serde_json itself stops at 128.
const DEPTH_MAX: usize = 128;

pub(super) fn encode_request(
    service: &Service,
    operation: &Operation,
    input: &Value,
) -> Result<Parts, EncodeError> {
    let body = match operation.input() {
        Some(shape) => to_wire(shape, input),
        None => Value::Object(Map::new()),
    };
    let body = if body.is_null() { Value::Object(Map::new()) } else { body };
    let mut parts = Parts {
        method: operation.method().to_owned(),
        path: "/".to_owned(),
        body: body.to_string().into_bytes(),
        ..Parts::default()
    };
    let prefix = service.target_prefix().unwrap_or_else(|| service.endpoint_prefix());
    parts.header("x-amz-target", format!("{prefix}.{}", operation.name()));
    let version = service.json_version().unwrap_or("1.0");
    parts.header("content-type", format!("application/x-amz-json-{version}"));
    if service.is_query_compatible() {
        parts.header("x-amzn-query-mode", "true");
    }
    Ok(parts)
}

/// A checked value of our JSON as it stands on the wire.
pub(super) fn to_wire(shape: Shape<'_>, value: &Value) -> Value {
    if shape.is_document() {
        return value.clone();
    }
    match (shape.kind(), value) {
        (Kind::Structure, Value::Object(members)) => Value::Object(
            members
                .iter()
                .filter(|(_, value)| !value.is_null())
                .filter_map(|(name, value)| {
                    let member = shape.member(name)?;
                    Some((member.wire_name().to_owned(), to_wire(member.shape(), value)))
                })
                .collect(),
        ),
        (Kind::List, Value::Array(elements)) => match shape.element() {
            Some(element) => elements.iter().map(|v| to_wire(element.shape(), v)).collect(),
            None => value.clone(),
        },
        (Kind::Map, Value::Object(entries)) => match shape.value() {
            Some(entry) => Value::Object(
                entries.iter().map(|(k, v)| (k.clone(), to_wire(entry.shape(), v))).collect(),
            ),
            None => value.clone(),
        },
        (Kind::Timestamp, Value::String(text)) => {
            match shape.timestamp_format().unwrap_or(TimestampFormat::UnixSeconds) {
                TimestampFormat::UnixSeconds => {
                    scalar::unix_number(text).map_or_else(|| value.clone(), Value::Number)
                }
                format => scalar::format_timestamp(text, format).map_or(Value::Null, Value::String),
            }
        }
        _ => value.clone(),
    }
}

/// Parses a body; an empty one is an empty object.
///
/// # Errors
/// What is wrong with it.
pub(super) fn parse(body: &[u8]) -> Result<Value, String> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Object(Map::new()));
    }
    serde_json::from_slice(body).map_err(|error| format!("it is not JSON: {error}"))
}

/// A value of the wire in our JSON: only members that the model knows.
///
/// # Errors
/// The path and what was expected there.
pub(super) fn from_wire(shape: Shape<'_>, value: Value) -> Result<Value, String> {
    let mut path = Vec::new();
    convert(shape, value, &mut path).map_err(|wanted| {
        let place = if path.is_empty() { "the body".to_owned() } else { path.join(".") };
        format!("`{place}` is not {wanted}")
    })
}

fn convert(shape: Shape<'_>, value: Value, path: &mut Vec<String>) -> Result<Value, &'static str> {
    if shape.is_document() {
        return Ok(value);
    }
    if path.len() > DEPTH_MAX {
        return Err("an answer, but a bottomless nest");
    }
    match (shape.kind(), value) {
        (Kind::Structure, Value::Object(mut members)) => {
            let mut out = Map::new();
            for member in shape.members() {
                if let Some(value) = members.swap_remove(member.wire_name())
                    && !value.is_null()
                {
                    path.push(member.name().to_owned());
                    out.insert(member.name().to_owned(), convert(member.shape(), value, path)?);
                    path.pop();
                }
            }
            Ok(Value::Object(out))
        }
        (Kind::List, Value::Array(elements)) => {
            let element = shape.element().ok_or("a list")?;
            let mut out = Vec::with_capacity(elements.len());
            path.push("[]".to_owned());
            for value in elements {
                if !value.is_null() {
                    out.push(convert(element.shape(), value, path)?);
                } else if shape.is_sparse() {
                    out.push(Value::Null);
                }
            }
            path.pop();
            Ok(Value::Array(out))
        }
        (Kind::Map, Value::Object(entries)) => {
            let entry = shape.value().ok_or("a map")?;
            let mut out = Map::new();
            for (key, value) in entries {
                if !value.is_null() {
                    path.push(key.clone());
                    out.insert(key, convert(entry.shape(), value, path)?);
                    path.pop();
                } else if shape.is_sparse() {
                    out.insert(key, Value::Null);
                }
            }
            Ok(Value::Object(out))
        }
        (Kind::Structure | Kind::Map, _) => Err("an object"),
        (Kind::List, _) => Err("a list"),
        (_, value) => convert_scalar(shape, value),
    }
}

/// Services write numbers as texts, texts as numbers and times in any format; what can be
/// understood without guessing is.
fn convert_scalar(shape: Shape<'_>, value: Value) -> Result<Value, &'static str> {
    match (shape.kind(), value) {
        (Kind::String, value @ Value::String(_)) | (Kind::Boolean, value @ Value::Bool(_)) => {
            Ok(value)
        }
        (Kind::String, value @ (Value::Number(_) | Value::Bool(_))) => {
            Ok(Value::String(value.to_string()))
        }
        (Kind::Float | Kind::Double, value @ Value::Number(_)) => Ok(value),
        (Kind::Integer | Kind::Long, Value::Number(number)) if !number.is_f64() => {
            Ok(Value::Number(number))
        }
        (Kind::Timestamp | Kind::Integer | Kind::Long, Value::Number(number)) => {
            scalar::parse_text(shape, &number.to_string())
        }
        (_, Value::String(text)) => scalar::parse_text(shape, &text),
        (kind, _) => Err(match kind {
            Kind::String => "a text",
            Kind::Boolean => "true or false",
            Kind::Timestamp => "a time",
            Kind::Blob => "bytes in base64",
            _ => "a number",
        }),
    }
}
