//! Form-encoded requests of the Query protocol and of EC2's kind of it.
//! Their answers are XML and are read in `answer.rs`.

use serde_json::Value;

use crate::api::{Kind, Member, Operation, Protocol, Service, Shape, TimestampFormat};
use crate::protocol::request::{Parts, escape_component};
use crate::protocol::{EncodeError, scalar};

pub(super) fn encode_request(
    service: &Service,
    operation: &Operation,
    input: &Value,
) -> Result<Parts, EncodeError> {
    let mut form = Form { ec2: service.protocol() == Protocol::Ec2, body: String::new() };
    form.pair("Action", operation.name());
    form.pair("Version", service.api_version());
    if let (Some(shape), Value::Object(_)) = (operation.input(), input) {
        form.value(shape, false, input, "")
            .map_err(|what| EncodeError::Member { member: operation.name().to_owned(), what })?;
    }
    let mut parts = Parts {
        method: operation.method().to_owned(),
        path: "/".to_owned(),
        body: form.body.into_bytes(),
        ..Parts::default()
    };
    parts.header("content-type", "application/x-www-form-urlencoded; charset=utf-8");
    Ok(parts)
}

struct Form {
    ec2: bool,
    body: String,
}

impl Form {
    fn pair(&mut self, name: &str, value: &str) {
        if !self.body.is_empty() {
            self.body.push('&');
        }
        self.body.push_str(&escape_component(name));
        self.body.push('=');
        self.body.push_str(&escape_component(value));
    }

    fn member_name(&self, member: Member<'_>) -> String {
        request_name(member, self.ec2)
    }

    fn value(
        &mut self,
        shape: Shape<'_>,
        flattened: bool,
        value: &Value,
        prefix: &str,
    ) -> Result<(), String> {
        match (shape.kind(), value) {
            (_, Value::Null) => Ok(()),
            (Kind::Structure, Value::Object(members)) => {
                for member in shape.members() {
                    if let Some(value) = members.get(member.name()) {
                        let mut name = self.member_name(member);
                        if !prefix.is_empty() {
                            name = format!("{prefix}.{name}");
                        }
                        self.value(member.shape(), member.is_flattened(), value, &name)?;
                    }
                }
                Ok(())
            }
            (Kind::List, Value::Array(elements)) => self.list(shape, flattened, elements, prefix),
            (Kind::Map, Value::Object(entries)) => {
                let (key, entry) = shape.key().zip(shape.value()).ok_or("a map has no key")?;
                let prefix = if flattened { prefix.to_owned() } else { format!("{prefix}.entry") };
                for (index, (name, value)) in entries.iter().enumerate() {
                    let at = format!("{prefix}.{}", index + 1);
                    self.pair(&format!("{at}.{}", key.location_name().unwrap_or("key")), name);
                    let at = format!("{at}.{}", entry.location_name().unwrap_or("value"));
                    self.value(entry.shape(), entry.is_flattened(), value, &at)?;
                }
                Ok(())
            }
            _ => {
                let text = scalar::to_text(shape, value, TimestampFormat::Iso8601);
                let text = text.ok_or_else(|| format!("`{prefix}` is not a scalar"))?;
                self.pair(prefix, &text);
                Ok(())
            }
        }
    }

    fn list(
        &mut self,
        shape: Shape<'_>,
        flattened: bool,
        elements: &[Value],
        prefix: &str,
    ) -> Result<(), String> {
        let element = shape.element().ok_or("a list has no element")?;
        // Query says "an empty list" by an empty parameter; EC2 has no way to say it.
        if elements.is_empty() {
            if !self.ec2 {
                self.pair(prefix, "");
            }
            return Ok(());
        }
        let prefix = list_prefix(prefix, element, flattened, self.ec2);
        for (index, value) in elements.iter().enumerate() {
            let at = format!("{prefix}.{}", index + 1);
            self.value(element.shape(), element.is_flattened(), value, &at)?;
        }
        Ok(())
    }
}

/// The name of a member in a request. EC2 capitalizes the names of its answers.
pub(super) fn request_name(member: Member<'_>, ec2: bool) -> String {
    if !ec2 {
        return member.wire_name().to_owned();
    }
    if let Some(name) = member.query_name() {
        return name.to_owned();
    }
    let mut name = member.location_name().unwrap_or_else(|| member.name()).to_owned();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    name
}

/// What stands before the number of a list's element.
pub(super) fn list_prefix(prefix: &str, element: Member<'_>, flattened: bool, ec2: bool) -> String {
    match (ec2, flattened, element.location_name()) {
        (true, ..) | (false, true, None) => prefix.to_owned(),
        (false, true, Some(name)) => match prefix.rsplit_once('.') {
            Some((parent, _)) => format!("{parent}.{name}"),
            None => name.to_owned(),
        },
        (false, false, name) => format!("{prefix}.{}", name.unwrap_or("member")),
    }
}
