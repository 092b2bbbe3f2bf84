//! REST bindings: input members to labels, query string, headers and body, and outputs back.
//! The bodies themselves are in `json.rs` and `xml_body.rs`.

use http::HeaderMap;
use serde_json::{Map, Value};

use crate::api::{Kind, Location, Member, Operation, Protocol, Service, Shape, TimestampFormat};
use crate::protocol::request::{Parts, escape_component, escape_path};
use crate::protocol::xml::Tree;
use crate::protocol::{EncodeError, json, scalar, special, xml_body};

pub(super) fn encode_request(
    service: &Service,
    operation: &Operation,
    input: &Value,
) -> Result<Parts, EncodeError> {
    let mut parts = Parts { method: operation.method().to_owned(), ..Parts::default() };
    let template = special::path_template(service, operation);
    let (path, constant) = template.split_once('?').unwrap_or((template, ""));
    for pair in constant.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = match pair.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (pair, None),
        };
        parts.query.push((name.to_owned(), value));
    }
    let empty = Map::new();
    let members = input.as_object().unwrap_or(&empty);
    let shape = operation.input();
    parts.path = expand(path, shape, members)?;
    if let Some(shape) = shape {
        for member in shape.members() {
            if let Some(value) = members.get(member.name()).filter(|value| !value.is_null()) {
                bind(&mut parts, member, value)?;
            }
        }
        body(&mut parts, service, operation, shape, members)?;
    }
    Ok(parts)
}

fn bad(member: Member<'_>, what: impl Into<String>) -> EncodeError {
    EncodeError::Member { member: member.name().to_owned(), what: what.into() }
}

fn expand(
    template: &str,
    shape: Option<Shape<'_>>,
    members: &Map<String, Value>,
) -> Result<String, EncodeError> {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let (label, after) = after
            .split_once('}')
            .ok_or_else(|| EncodeError::Request(format!("`{template}` has a lone brace")))?;
        rest = after;
        let (label, greedy) = match label.strip_suffix('+') {
            Some(label) => (label, true),
            None => (label, false),
        };
        let member = shape
            .into_iter()
            .flat_map(Shape::members)
            .find(|m| m.location() == Location::Uri && m.wire_name() == label)
            .ok_or_else(|| EncodeError::Request(format!("`{template}` names no member")))?;
        let value = members.get(member.name()).unwrap_or(&Value::Null);
        let text = scalar::to_text(member.shape(), value, TimestampFormat::Iso8601);
        let text = text.ok_or_else(|| bad(member, "it is part of the path and must be given"))?;
        if text.is_empty() {
            return Err(bad(member, "it is part of the path and must not be empty"));
        }
        // A dot segment would be taken away by proxies, and another resource be addressed.
        if !greedy && matches!(text.as_str(), "." | "..") {
            return Err(bad(member, "it is part of the path and must not be a dot segment"));
        }
        out.push_str(&if greedy { escape_path(&text) } else { escape_component(&text) });
    }
    out.push_str(rest);
    if !out.starts_with('/') {
        out.insert(0, '/');
    }
    Ok(out)
}

fn bind(parts: &mut Parts, member: Member<'_>, value: &Value) -> Result<(), EncodeError> {
    let name = member.wire_name();
    match member.location() {
        Location::Query => {
            for (name, value) in query_pairs(name, member.shape(), value)
                .ok_or_else(|| bad(member, "it does not fit into a query string"))?
            {
                parts.query.push((name, Some(value)));
            }
        }
        Location::Header => {
            if matches!(value, Value::Array(list) if list.is_empty()) {
                return Ok(());
            }
            let text = if member.is_json_value() {
                Some(scalar::to_base64(value.to_string().as_bytes()))
            } else {
                header_text(member.shape(), value)
            };
            let text = text.ok_or_else(|| bad(member, "it does not fit into a header"))?;
            parts.header(name, text);
        }
        Location::Headers => {
            for (key, value) in value.as_object().into_iter().flatten() {
                let text = value.as_str().ok_or_else(|| bad(member, "it must hold texts"))?;
                parts.header(&format!("{name}{key}"), text);
            }
        }
        Location::Uri | Location::Body | Location::StatusCode => {}
    }
    Ok(())
}

fn query_pairs(name: &str, shape: Shape<'_>, value: &Value) -> Option<Vec<(String, String)>> {
    let text =
        |shape: Shape<'_>, value: &Value| scalar::to_text(shape, value, TimestampFormat::Iso8601);
    match (shape.kind(), value) {
        (Kind::List, Value::Array(elements)) => {
            let element = shape.element()?.shape();
            elements.iter().map(|value| Some((name.to_owned(), text(element, value)?))).collect()
        }
        (Kind::Map, Value::Object(entries)) => {
            let entry = shape.value()?.shape();
            let pairs: Option<Vec<_>> =
                entries.iter().map(|(key, value)| query_pairs(key, entry, value)).collect();
            Some(pairs?.into_iter().flatten().collect())
        }
        _ => Some(vec![(name.to_owned(), text(shape, value)?)]),
    }
}

pub(super) fn header_text(shape: Shape<'_>, value: &Value) -> Option<String> {
    let (Kind::List, Value::Array(elements)) = (shape.kind(), value) else {
        return scalar::to_text(shape, value, TimestampFormat::HttpDate);
    };
    let element = shape.element()?.shape();
    let quoted = |text: String| {
        let quotes = element.kind() == Kind::String && text.contains([',', '"']);
        if quotes { format!("\"{}\"", text.replace('"', "\\\"")) } else { text }
    };
    let texts: Option<Vec<_>> =
        elements.iter().map(|value| header_text(element, value).map(quoted)).collect();
    Some(texts?.join(","))
}

fn body(
    parts: &mut Parts,
    service: &Service,
    operation: &Operation,
    shape: Shape<'_>,
    members: &Map<String, Value>,
) -> Result<(), EncodeError> {
    let is_json = service.protocol() == Protocol::RestJson;
    let of_body = |member: &Member<'_>| member.location() == Location::Body;
    if let Some(payload) = shape.payload() {
        let value = members.get(payload.name()).filter(|value| !value.is_null());
        return payload_body(parts, is_json, payload, value);
    }
    let given: Map<String, Value> = members
        .iter()
        .filter(|(name, value)| {
            !value.is_null() && shape.member(name).is_some_and(|member| of_body(&member))
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if is_json {
        if shape.members().any(|member| of_body(&member)) {
            let body = json::to_wire(shape, &Value::Object(given));
            parts.body = body.to_string().into_bytes();
            set_content_type(parts, "application/json");
        }
        return Ok(());
    }
    if given.is_empty() {
        return Ok(());
    }
    let root = operation.input_element().unwrap_or(operation.name());
    let namespace = operation.input_namespace().or_else(|| service.xml_namespace());
    let mut writer = xml_body::Writer::new();
    writer
        .element(root, namespace.map(|uri| (uri, None)), shape, &Value::Object(given))
        .map_err(EncodeError::Request)?;
    parts.body = writer.finish().into_bytes();
    set_content_type(parts, "application/xml");
    Ok(())
}

fn payload_body(
    parts: &mut Parts,
    is_json: bool,
    payload: Member<'_>,
    value: Option<&Value>,
) -> Result<(), EncodeError> {
    let shape = payload.shape();
    match (shape.kind(), value) {
        (Kind::Blob, Some(Value::String(text))) => {
            parts.body = scalar::from_base64(text).ok_or_else(|| bad(payload, "not base64"))?;
            set_content_type(parts, "application/octet-stream");
        }
        (Kind::String, Some(Value::String(text))) => {
            parts.body = text.clone().into_bytes();
            set_content_type(parts, "text/plain");
        }
        (Kind::Blob | Kind::String, _) => {}
        (_, value) if is_json => {
            let body = value
                .map_or_else(|| Value::Object(Map::new()), |value| json::to_wire(shape, value));
            parts.body = body.to_string().into_bytes();
            set_content_type(parts, "application/json");
        }
        (_, Some(value)) => {
            let mut writer = xml_body::Writer::new();
            writer
                .element(payload.wire_name(), payload.xml_namespace(), shape, value)
                .map_err(EncodeError::Request)?;
            parts.body = writer.finish().into_bytes();
            set_content_type(parts, "application/xml");
        }
        (_, None) => {}
    }
    Ok(())
}

fn set_content_type(parts: &mut Parts, content_type: &str) {
    if !parts.has_header("content-type") {
        parts.header("content-type", content_type);
    }
}

/// Reads the output of a successful answer.
pub(super) fn read_output(
    service: &Service,
    operation: &Operation,
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Value, String> {
    let Some(shape) = operation.output() else { return Ok(Value::Object(Map::new())) };
    let mut out = match shape.payload() {
        Some(payload) => read_payload(service, payload, body)?,
        None => read_body(service, operation, shape, body)?,
    };
    for member in shape.members() {
        if let Some(value) = read_binding(service, member, status, headers)? {
            out.insert(member.name().to_owned(), value);
        }
    }
    Ok(Value::Object(out))
}

fn members_of(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn read_payload(
    service: &Service,
    payload: Member<'_>,
    body: &[u8],
) -> Result<Map<String, Value>, String> {
    let shape = payload.shape();
    let value = match shape.kind() {
        Kind::Blob => Some(Value::String(scalar::to_base64(body))),
        Kind::String => {
            let text = std::str::from_utf8(body).map_err(|_| "the body is not UTF-8")?;
            Some(Value::String(text.to_owned()))
        }
        _ if body.iter().all(u8::is_ascii_whitespace) => None,
        _ if service.protocol() == Protocol::RestJson => {
            Some(json::from_wire(shape, json::parse(body)?)?)
        }
        _ => {
            let text = std::str::from_utf8(body).map_err(|_| "the body is not UTF-8")?;
            let tree = Tree::parse(text).map_err(|error| format!("it is not XML: {error}"))?;
            tree.root().map(|root| xml_body::read_structure(shape, root)).transpose()?
        }
    };
    Ok(value.map(|value| (payload.name().to_owned(), value)).into_iter().collect())
}

fn read_body(
    service: &Service,
    operation: &Operation,
    shape: Shape<'_>,
    body: &[u8],
) -> Result<Map<String, Value>, String> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    if service.protocol() == Protocol::RestJson {
        // An operation whose whole output stands in headers may have any body.
        if shape.members().all(|member| member.location() != Location::Body) {
            return Ok(Map::new());
        }
        let Value::Object(mut members) = json::parse(body)? else {
            return Err("the body is not an object".to_owned());
        };
        members.retain(|name, _| {
            !shape.members().any(|m| m.location() != Location::Body && m.wire_name() == name)
        });
        return json::from_wire(shape, Value::Object(members)).map(members_of);
    }
    let text = std::str::from_utf8(body).map_err(|_| "the body is not UTF-8")?;
    let tree = Tree::parse(text).map_err(|error| format!("it is not XML: {error}"))?;
    let Some(root) = tree.root() else { return Ok(Map::new()) };
    if let Some(output) = special::read_odd_output(service, operation, root) {
        return Ok(output);
    }
    xml_body::read_structure(shape, root).map(members_of)
}

fn read_binding(
    service: &Service,
    member: Member<'_>,
    status: u16,
    headers: &HeaderMap,
) -> Result<Option<Value>, String> {
    let name = member.wire_name();
    match member.location() {
        Location::StatusCode => Ok(Some(Value::from(status))),
        Location::Headers => {
            let prefix = name.to_ascii_lowercase();
            let found: Map<String, Value> = headers
                .iter()
                .filter_map(|(header, value)| {
                    let key = header.as_str().strip_prefix(prefix.as_str())?;
                    let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
                    Some((key.to_owned(), Value::String(text)))
                })
                .collect();
            Ok((!found.is_empty()).then_some(Value::Object(found)))
        }
        Location::Header => {
            let mut values = headers.get_all(name).iter().peekable();
            if values.peek().is_none() {
                return Ok(None);
            }
            let texts: Vec<_> =
                values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
            match read_header(member, &texts.join(",")) {
                Ok(value) => Ok(Some(value)),
                Err(_) if special::is_lenient_header(service, name) => Ok(None),
                Err(wanted) => Err(format!("the header `{name}` is not {wanted}")),
            }
        }
        Location::Body | Location::Uri | Location::Query => Ok(None),
    }
}

pub(super) fn read_header(member: Member<'_>, text: &str) -> Result<Value, &'static str> {
    if member.is_json_value() {
        let bytes = scalar::from_base64(text).ok_or("JSON in base64")?;
        return serde_json::from_slice(&bytes).map_err(|_| "JSON in base64");
    }
    let shape = member.shape();
    let Some(element) = shape.element() else { return scalar::parse_text(shape, text) };
    let parts = split_list(text, element.shape().kind() == Kind::Timestamp);
    parts.into_iter().map(|part| scalar::parse_text(element.shape(), &part)).collect()
}

/// Splits `a, "b,c"` at its commas; HTTP dates hold one comma each.
fn split_list(text: &str, dates: bool) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut quoted = false;
    let mut commas = 0;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => quoted = !quoted,
            '\\' if quoted => part.extend(characters.next()),
            ',' if !quoted => {
                commas += 1;
                if dates && text.contains("GMT") && commas % 2 == 1 {
                    part.push(character);
                } else {
                    parts.push(std::mem::take(&mut part));
                }
            }
            other => part.push(other),
        }
    }
    parts.push(part);
    parts.iter().map(|part| part.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_lists_are_split_at_commas_outside_quotes() {
        assert_eq!(split_list("a, b", false), ["a", "b"]);
        assert_eq!(split_list("\"a,b\", \"c\\\"d\"", false), ["a,b", "c\"d"]);
        let dates = "Sat, 21 Nov 2026 19:50:00 GMT, Sun, 22 Nov 2026 19:50:00 GMT";
        assert_eq!(split_list(dates, true).len(), 2);
    }
}
