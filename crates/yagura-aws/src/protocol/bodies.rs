//! Bodies and header texts by shape, for those who play the server's side of the protocols.
//! Whole messages are made and read in `protocol/` (client) and in the testkit (server).

use serde_json::Value;

use crate::api::{Member, Shape};
use crate::protocol::xml::Node;
use crate::protocol::{json, query, rest, xml_body};

/// A checked value of our JSON as it stands on the wire.
#[must_use]
pub fn write_json(shape: Shape<'_>, value: &Value) -> Value {
    json::to_wire(shape, value)
}

/// A value of the wire in our JSON; members that the model does not know are dropped.
///
/// # Errors
/// The path and what was expected there.
pub fn read_json(shape: Shape<'_>, value: Value) -> Result<Value, String> {
    json::from_wire(shape, value)
}

/// One XML element with its namespace and its prefix.
///
/// # Errors
/// When a text cannot stand in XML.
pub fn write_xml(
    name: &str,
    namespace: Option<(&str, Option<&str>)>,
    shape: Shape<'_>,
    value: &Value,
) -> Result<String, String> {
    let mut writer = xml_body::Writer::new();
    writer.element(name, namespace, shape, value)?;
    Ok(writer.finish())
}

/// The members of a structure as XML elements, without an element around them.
///
/// # Errors
/// When a text cannot stand in XML.
pub fn write_xml_members(shape: Shape<'_>, value: &Value) -> Result<String, String> {
    let mut writer = xml_body::Writer::new();
    if let Value::Object(members) = value {
        writer.members(shape, members)?;
    }
    Ok(writer.finish())
}

/// A structure read from an XML element.
///
/// # Errors
/// The path and what was expected there.
pub fn read_xml(shape: Shape<'_>, node: Node<'_, '_>) -> Result<Value, String> {
    xml_body::read_structure(shape, node)
}

/// The text of a header; `None` if the value does not fit into one.
#[must_use]
pub fn write_header(member: Member<'_>, value: &Value) -> Option<String> {
    if member.is_json_value() {
        return Some(crate::protocol::scalar::to_base64(value.to_string().as_bytes()));
    }
    rest::header_text(member.shape(), value)
}

/// The value of a header's text.
///
/// # Errors
/// What was expected instead.
pub fn read_header(member: Member<'_>, text: &str) -> Result<Value, &'static str> {
    rest::read_header(member, text)
}

/// The value of a scalar's text, as query strings, forms and labels carry it.
///
/// # Errors
/// What was expected instead.
pub fn read_text(shape: Shape<'_>, text: &str) -> Result<Value, &'static str> {
    crate::protocol::scalar::parse_text(shape, text)
}

/// The name of a member in a Query (or, with `ec2`, an EC2) request.
#[must_use]
pub fn form_name(member: Member<'_>, ec2: bool) -> String {
    query::request_name(member, ec2)
}

/// What stands before the number of a list's element in such a request.
#[must_use]
pub fn form_list_prefix(prefix: &str, element: Member<'_>, flattened: bool, ec2: bool) -> String {
    query::list_prefix(prefix, element, flattened, ec2)
}
