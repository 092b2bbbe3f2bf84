//! What people write as structure and AWS sends as text: policies, the credential report.
//! Everything else goes to the wire as it is written.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};
use yagura_aws::api::{Kind, Operation, Service, Shape};

/// The output as AWS means it: a mapping where the model wants a text becomes JSON text
/// (percent-encoded in IAM's answers, as IAM does), `{text: …}` where it wants bytes becomes
/// base64.
#[must_use]
pub fn in_wire_form(service: &Service, operation: &Operation, output: &Value) -> Value {
    match operation.output() {
        Some(shape) => convert(service.name() == "iam", shape, output),
        None => output.clone(),
    }
}

fn convert(percent: bool, shape: Shape<'_>, value: &Value) -> Value {
    match (shape.kind(), value) {
        (Kind::Structure, Value::Object(members)) if !shape.is_document() => {
            let member = |(name, value): (&String, &Value)| {
                let inner = shape.member(name);
                let value =
                    inner.map_or_else(|| value.clone(), |m| convert(percent, m.shape(), value));
                (name.clone(), value)
            };
            Value::Object(members.iter().map(member).collect())
        }
        (Kind::List, Value::Array(elements)) => {
            let Some(element) = shape.element() else { return value.clone() };
            elements.iter().map(|value| convert(percent, element.shape(), value)).collect()
        }
        (Kind::Map, Value::Object(entries)) => {
            let Some(inner) = shape.value() else { return value.clone() };
            let entry = |(name, value): (&String, &Value)| {
                (name.clone(), convert(percent, inner.shape(), value))
            };
            Value::Object(entries.iter().map(entry).collect())
        }
        (Kind::String, Value::Object(document)) => text_of(percent, document),
        (Kind::Blob, Value::Object(members)) => match members.get("text").and_then(Value::as_str) {
            Some(text) if members.len() == 1 => BASE64_STANDARD.encode(text).into(),
            _ => value.clone(),
        },
        _ => value.clone(),
    }
}

fn text_of(percent: bool, document: &Map<String, Value>) -> Value {
    let text = Value::Object(document.clone()).to_string();
    if percent {
        utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string().into()
    } else {
        text.into()
    }
}
