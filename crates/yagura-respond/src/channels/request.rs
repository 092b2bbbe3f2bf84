//! Builds the request that a channel's file describes. Pure: what is sent depends on the message,
//! the settings and the time that are handed in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};
use yagura_content::format::{
    Channel, ChannelOperation, HttpMethod, OperationKind, SignatureMethod,
};
use yagura_model::message::TextDialect;
use yagura_report::messages::{
    Manner, Notice, TemplateFault, compose, fill_json, fill_text, fill_url, foreign_text,
};
use yagura_store::outbox::Thread;

use super::Settings;

/// The shortest text that a message is cut to before it is given up.
const TEXT_CHARS_MIN: usize = 300;

/// A request, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: HttpMethod,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Vec<u8>>,
}

/// Why there is no request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestFault {
    #[error("the request `{operation}` of the channel `{channel}`: {fault}")]
    Template { channel: String, operation: &'static str, fault: TemplateFault },
    #[error("the channel `{channel}` has no request `{operation}`")]
    Missing { channel: String, operation: &'static str },
    #[error("the message is larger than the {0} bytes that the channel takes")]
    TooLarge(usize),
}

/// What a request is made from.
pub(crate) struct Building<'a> {
    pub(crate) channel: &'a Channel,
    pub(crate) settings: &'a Settings,
    pub(crate) manner: &'a Manner,
    pub(crate) notice: &'a Notice,
    pub(crate) thread: Option<&'a Thread>,
    pub(crate) now: Timestamp,
}

impl Building<'_> {
    /// The request of an operation. A body that is too large is built again with a shorter text.
    pub(crate) fn request(&self, kind: OperationKind) -> Result<Request, RequestFault> {
        let operation = self.channel.operation(kind).ok_or_else(|| RequestFault::Missing {
            channel: self.channel.id.clone(),
            operation: kind.as_str(),
        })?;
        let mut chars = self.manner.text_chars_max;
        loop {
            let values = self.values(kind, chars);
            let request = self.filled(operation, &values).map_err(|fault| {
                let channel = self.channel.id.clone();
                RequestFault::Template { channel, operation: kind.as_str(), fault }
            })?;
            let bytes = request.body.as_ref().map_or(0, Vec::len);
            if bytes <= self.channel.body_bytes_max {
                return Ok(request);
            }
            chars /= 2;
            if chars < TEXT_CHARS_MIN {
                return Err(RequestFault::TooLarge(self.channel.body_bytes_max));
            }
        }
    }

    /// Where a person sees what is open under a key.
    pub(crate) fn thread_url(&self, key: &str) -> String {
        let template = self.channel.keep.as_ref().and_then(|keep| keep.url.as_ref());
        let Some(template) = template else { return String::new() };
        let mut values = self.values(OperationKind::Open, TEXT_CHARS_MIN);
        if let Some(values) = values.as_object_mut() {
            values.insert("thread".to_owned(), json!({"key": key, "url": ""}));
        }
        fill_url(template, &values, &self.addresses()).unwrap_or_default()
    }

    /// What templates may name; documented in docs/internals/channels.md.
    fn values(&self, kind: OperationKind, text_chars_max: usize) -> Value {
        let manner = Manner { text_chars_max, ..self.manner.clone() };
        let message = compose(self.notice, &manner);
        let escaped = |value: Value| escape_all(value, manner.dialect);
        let told = self.notice.told.as_ref().map(serde_json::to_value);
        let change = self.notice.change.as_ref().map(serde_json::to_value);
        let settings: Map<String, Value> = self
            .channel
            .settings
            .0
            .iter()
            .map(|(name, _)| (name.value.clone(), json!(self.settings.text(name))))
            .collect();
        let time = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        json!({
            "operation": kind.as_str(),
            "message": message,
            "finding": escaped(told.and_then(Result::ok).unwrap_or_default()),
            "change": escaped(change.and_then(Result::ok).unwrap_or_default()),
            "settings": settings,
            "thread": self.thread.map(|thread| json!({"key": thread.key, "url": thread.url})),
            "time": time(self.now),
            "timestamp": self.now.as_second(),
        })
    }

    /// The settings that are addresses and stand in an address as they are.
    fn addresses(&self) -> Vec<&str> {
        let settings = self.channel.settings.0.iter();
        settings.filter(|(_, one)| one.kind.is_url()).map(|(name, _)| name.as_str()).collect()
    }

    fn filled(
        &self,
        operation: &ChannelOperation,
        values: &Value,
    ) -> Result<Request, TemplateFault> {
        let url = fill_url(&operation.url, values, &self.addresses())?;
        let mut headers = Vec::new();
        for (name, template) in self.channel.headers.0.iter().chain(&operation.headers.0) {
            // A field that a target does not use comes out empty, and is left out.
            let value = one_line(&fill_text(template, values)?);
            if !value.trim().is_empty() {
                headers.push((name.value.clone(), value));
            }
        }
        let body = match &operation.json {
            Some(template) => {
                headers.push(("content-type".into(), "application/json; charset=utf-8".into()));
                Some(fill_json(template, values)?.to_string().into_bytes())
            }
            None if operation.form.0.is_empty() => None,
            None => {
                headers.push(("content-type".into(), "application/x-www-form-urlencoded".into()));
                Some(form(operation, values)?.into_bytes())
            }
        };
        if let Some(signature) = &self.channel.signature
            && let Some(key) = self.settings.text(&signature.key)
        {
            let body = body.as_deref().unwrap_or_default();
            match signature.method {
                SignatureMethod::StandardWebhooks => {
                    headers.extend(signed(&key, &self.notice.id, self.now.as_second(), body));
                }
            }
        }
        Ok(Request { method: operation.method, url, headers, body })
    }
}

/// A header's value without anything that could end it.
fn one_line(value: &str) -> String {
    value.chars().filter(|c| !c.is_control()).collect()
}

fn form(operation: &ChannelOperation, values: &Value) -> Result<String, TemplateFault> {
    let mut fields = Vec::new();
    for (name, template) in &operation.form.0 {
        let value = fill_text(template, values)?;
        if !value.is_empty() {
            let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
            fields.push(format!("{}={}", encoded(name), encoded(&value)));
        }
    }
    Ok(fields.join("&"))
}

/// Every text in a value, written in a dialect. Names of members are ours.
fn escape_all(value: Value, dialect: TextDialect) -> Value {
    match value {
        Value::String(text) => Value::String(foreign_text(dialect, &text, 2_000)),
        Value::Array(items) => items.into_iter().map(|item| escape_all(item, dialect)).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (name, escape_all(value, dialect)))
            .collect::<Map<_, _>>()
            .into(),
        other => other,
    }
}

/// The headers of a signed webhook. Source: the Standard Webhooks specification, "Signature
/// scheme", seen 2026-11: the key after `whsec_` is Base64, the signed content is
/// `id.timestamp.body`.
fn signed(key: &str, id: &str, timestamp: i64, body: &[u8]) -> [(String, String); 3] {
    let encoded = key.strip_prefix("whsec_").and_then(|rest| STANDARD.decode(rest).ok());
    let key = encoded.unwrap_or_else(|| key.as_bytes().to_vec());
    let mut content = format!("{id}.{timestamp}.").into_bytes();
    content.extend_from_slice(body);
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key);
    let tag = STANDARD.encode(ring::hmac::sign(&key, &content));
    [
        ("webhook-id".into(), id.to_owned()),
        ("webhook-timestamp".into(), timestamp.to_string()),
        ("webhook-signature".into(), format!("v1,{tag}")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_one_of_the_specification() {
        // The example of the Standard Webhooks specification.
        let [id, timestamp, signature] = signed(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(id.1, "msg_p5jXN8AQM9LWM0D4loKWxJek");
        assert_eq!(timestamp.1, "1614265330");
        assert_eq!(signature.1, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_header_cannot_be_ended_by_its_value() {
        assert_eq!(one_line("a\r\nX-Evil: 1"), "aX-Evil: 1");
    }
}
