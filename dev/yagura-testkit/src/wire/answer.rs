//! Outputs and errors as wire bytes.
//! Requests are read in `recognize.rs` and `input.rs`.

use serde_json::{Map, Value};
use yagura_aws::api::{Kind, Location, Operation, Protocol, Service, Shape};
use yagura_aws::protocol::{bodies, scalar, xml};

use crate::wire::{Answer, Failure, REQUEST_ID, WireError};

/// The answer that carries `output`.
///
/// # Errors
/// When a member is unknown or of the wrong type, or the service's protocol is not spoken.
pub fn encode_output(
    service: &Service,
    operation: &Operation,
    output: &Value,
) -> Result<Answer, WireError> {
    operation.check_output(output).map_err(|problems| WireError::Output {
        operation: operation.name().to_owned(),
        problems: problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
    })?;
    let empty = Map::new();
    let members = output.as_object().unwrap_or(&empty);
    let write = |what: String| WireError::Write { operation: operation.name().to_owned(), what };
    let mut answer = Answer {
        status: operation.success_status().unwrap_or(200),
        headers: vec![request_id(service)],
        body: Vec::new(),
    };
    match service.protocol() {
        Protocol::Json => json(&mut answer, service, operation.output(), output),
        Protocol::Query => query(&mut answer, service, operation, output).map_err(write)?,
        Protocol::Ec2 => ec2(&mut answer, service, operation, output).map_err(write)?,
        Protocol::RestJson | Protocol::RestXml => {
            rest(&mut answer, service, operation, members).map_err(write)?;
        }
        Protocol::RpcV2Cbor => return Err(write("its protocol is not spoken".to_owned())),
    }
    if operation.method() == "HEAD" {
        answer.body.clear();
    }
    Ok(answer)
}

fn request_id(service: &Service) -> (String, String) {
    let name = if service.name() == "s3" { "x-amz-request-id" } else { "x-amzn-requestid" };
    (name.to_owned(), REQUEST_ID.to_owned())
}

fn header(answer: &mut Answer, name: &str, value: impl Into<String>) {
    answer.headers.push((name.to_owned(), value.into()));
}

fn json_type(service: &Service) -> String {
    format!("application/x-amz-json-{}", service.json_version().unwrap_or("1.0"))
}

fn json(answer: &mut Answer, service: &Service, shape: Option<Shape<'_>>, output: &Value) {
    header(answer, "content-type", json_type(service));
    let body = match shape {
        Some(shape) if output.is_object() => bodies::write_json(shape, output),
        _ => Value::Object(Map::new()),
    };
    answer.body = body.to_string().into_bytes();
}

/// An opening tag with the service's namespace.
fn open(service: &Service, name: &str) -> String {
    let mut out = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{name}");
    if let Some(uri) = service.xml_namespace() {
        out.push_str(" xmlns=\"");
        xml::escape_into(&mut out, uri);
        out.push('"');
    }
    out.push('>');
    out
}

fn query(
    answer: &mut Answer,
    service: &Service,
    operation: &Operation,
    output: &Value,
) -> Result<(), String> {
    header(answer, "content-type", "text/xml");
    let root = format!("{}Response", operation.name());
    let mut out = open(service, &root);
    if let Some(shape) = operation.output() {
        let members = bodies::write_xml_members(shape, output)?;
        match operation.result_wrapper() {
            Some(wrapper) => out.push_str(&format!("<{wrapper}>{members}</{wrapper}>")),
            None => out.push_str(&members),
        }
    }
    out.push_str(&format!(
        "<ResponseMetadata><RequestId>{REQUEST_ID}</RequestId></ResponseMetadata></{root}>"
    ));
    answer.body = out.into_bytes();
    Ok(())
}

fn ec2(
    answer: &mut Answer,
    service: &Service,
    operation: &Operation,
    output: &Value,
) -> Result<(), String> {
    header(answer, "content-type", "text/xml;charset=UTF-8");
    let root = format!("{}Response", operation.name());
    let mut out = open(service, &root);
    out.push_str(&format!("<requestId>{REQUEST_ID}</requestId>"));
    if let Some(shape) = operation.output() {
        out.push_str(&bodies::write_xml_members(shape, output)?);
    }
    out.push_str(&format!("</{root}>"));
    answer.body = out.into_bytes();
    Ok(())
}

fn rest(
    answer: &mut Answer,
    service: &Service,
    operation: &Operation,
    members: &Map<String, Value>,
) -> Result<(), String> {
    let Some(shape) = operation.output() else { return Ok(()) };
    for member in shape.members() {
        let value = members.get(member.name()).filter(|value| !value.is_null());
        let Some(value) = value else { continue };
        match member.location() {
            Location::StatusCode => {
                let status = value.as_u64().and_then(|status| u16::try_from(status).ok());
                answer.status = status.ok_or("the status code is none")?;
            }
            Location::Header => {
                let text = bodies::write_header(member, value);
                let text = text.ok_or_else(|| format!("`{}` is no header", member.name()))?;
                header(answer, member.wire_name(), text);
            }
            Location::Headers => {
                for (name, value) in value.as_object().into_iter().flatten() {
                    let text = value.as_str().ok_or("a header is no text")?;
                    header(answer, &format!("{}{name}", member.wire_name()), text);
                }
            }
            Location::Body | Location::Uri | Location::Query => {}
        }
    }
    if let Some(payload) = shape.payload() {
        let value = members.get(payload.name()).filter(|value| !value.is_null());
        return payload_body(answer, service, payload, value);
    }
    let body: Map<String, Value> = members
        .iter()
        .filter(|(name, _)| shape.member(name).is_some_and(|m| m.location() == Location::Body))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if shape.members().all(|member| member.location() != Location::Body) {
        return Ok(());
    }
    let body = Value::Object(body);
    if service.protocol() == Protocol::RestJson {
        header(answer, "content-type", "application/json");
        answer.body = bodies::write_json(shape, &body).to_string().into_bytes();
        return Ok(());
    }
    header(answer, "content-type", "application/xml");
    answer.body = if (service.name(), operation.name()) == ("s3", "GetBucketLocation") {
        let place = body.get("LocationConstraint").and_then(Value::as_str).unwrap_or_default();
        let mut out = open(service, "LocationConstraint");
        xml::escape_into(&mut out, place);
        out.push_str("</LocationConstraint>");
        out.into_bytes()
    } else {
        let root = format!("{}Result", operation.name());
        let namespace = service.xml_namespace().map(|uri| (uri, None));
        bodies::write_xml(&root, namespace, shape, &body)?.into_bytes()
    };
    Ok(())
}

fn payload_body(
    answer: &mut Answer,
    service: &Service,
    payload: yagura_aws::api::Member<'_>,
    value: Option<&Value>,
) -> Result<(), String> {
    let shape = payload.shape();
    match (shape.kind(), value) {
        (_, None) => {}
        (Kind::Blob, Some(value)) => {
            let bytes = value.as_str().and_then(scalar::from_base64);
            answer.body = bytes.ok_or("the payload is not base64")?;
        }
        (Kind::String, Some(value)) => {
            answer.body = value.as_str().unwrap_or_default().as_bytes().to_vec();
        }
        (_, Some(value)) if service.protocol() == Protocol::RestJson => {
            header(answer, "content-type", "application/json");
            answer.body = bodies::write_json(shape, value).to_string().into_bytes();
        }
        (_, Some(value)) => {
            header(answer, "content-type", "application/xml");
            let name = payload.wire_name();
            let text = bodies::write_xml(name, payload.xml_namespace(), shape, value)?;
            answer.body = text.into_bytes();
        }
    }
    Ok(())
}

/// The answer that carries an error.
///
/// # Errors
/// When the service's protocol is not spoken.
pub fn encode_error(
    service: &Service,
    operation: &Operation,
    failure: &Failure,
) -> Result<Answer, WireError> {
    let modeled = service.exceptions().find(|shape| shape.error_code() == Some(&failure.code));
    let status = failure.status.or_else(|| modeled.and_then(Shape::error_status)).unwrap_or(400);
    let mut answer = Answer { status, headers: vec![request_id(service)], body: Vec::new() };
    let text = |value: &str| {
        let mut out = String::new();
        xml::escape_into(&mut out, value);
        out
    };
    let (code, message) = (text(&failure.code), text(&failure.message));
    let inner = format!("<Code>{code}</Code><Message>{message}</Message>");
    let xml = match service.protocol() {
        Protocol::Json | Protocol::RestJson => None,
        Protocol::RestXml if service.name() == "s3" => {
            Some(format!("<Error>{inner}<RequestId>{REQUEST_ID}</RequestId></Error>"))
        }
        Protocol::RestXml | Protocol::Query => {
            let side = if status >= 500 { "Receiver" } else { "Sender" };
            Some(format!(
                "{}<Error><Type>{side}</Type>{inner}</Error><RequestId>{REQUEST_ID}</RequestId>\
                 </ErrorResponse>",
                open(service, "ErrorResponse")
            ))
        }
        Protocol::Ec2 => Some(format!(
            "<Response><Errors><Error>{inner}</Error></Errors><RequestID>{REQUEST_ID}</RequestID>\
             </Response>"
        )),
        Protocol::RpcV2Cbor => {
            return Err(WireError::Write {
                operation: operation.name().to_owned(),
                what: "its protocol is not spoken".to_owned(),
            });
        }
    };
    match xml {
        Some(xml) => {
            header(&mut answer, "content-type", "text/xml");
            answer.body = xml.into_bytes();
        }
        None if service.protocol() == Protocol::RestJson => {
            header(&mut answer, "content-type", "application/json");
            header(&mut answer, "x-amzn-errortype", &failure.code);
            answer.body = serde_json::json!({"message": failure.message}).to_string().into_bytes();
        }
        None => {
            header(&mut answer, "content-type", json_type(service));
            let body = serde_json::json!({"__type": failure.code, "message": failure.message});
            answer.body = body.to_string().into_bytes();
        }
    }
    if operation.method() == "HEAD" {
        answer.body.clear();
    }
    Ok(answer)
}
