//! XML bodies by shape, both ways.
//! The tree is in `xml.rs`; which part of a message is the body is decided in `rest.rs`.

use serde_json::{Map, Value};

use crate::api::{Kind, Location, Member, Shape, TimestampFormat};
use crate::protocol::scalar;
use crate::protocol::xml::{Node, escape_into};

/// Reads a structure from an element.
///
/// # Errors
/// The path and what was expected there.
pub(super) fn read_structure(shape: Shape<'_>, node: Node<'_, '_>) -> Result<Value, String> {
    let mut path = Vec::new();
    structure(shape, node, &mut path).map_err(|wanted| {
        let place = if path.is_empty() { node.name().to_owned() } else { path.join(".") };
        format!("`{place}` is not {wanted}")
    })
}

/// The name of a member's element. A flattened list goes by its element's name, if it has one.
fn element_name<'a>(member: Member<'a>) -> &'a str {
    if member.is_flattened()
        && let Some(name) = member.shape().element().and_then(Member::location_name)
    {
        return name;
    }
    member.wire_name()
}

fn structure(
    shape: Shape<'_>,
    node: Node<'_, '_>,
    path: &mut Vec<String>,
) -> Result<Value, &'static str> {
    let mut out = Map::new();
    for member in shape.members() {
        if member.location() != Location::Body {
            continue;
        }
        path.push(member.name().to_owned());
        if let Some(value) = read_member(member, node, path)? {
            out.insert(member.name().to_owned(), value);
        }
        path.pop();
    }
    Ok(Value::Object(out))
}

fn read_member(
    member: Member<'_>,
    node: Node<'_, '_>,
    path: &mut Vec<String>,
) -> Result<Option<Value>, &'static str> {
    let shape = member.shape();
    let name = element_name(member);
    if member.is_attribute() {
        return match node.attribute(name) {
            Some(text) => scalar::parse_text(shape, text).map(Some),
            None => Ok(None),
        };
    }
    if !member.is_flattened() {
        return match node.child(name) {
            Some(child) => read(shape, child, path),
            None => Ok(None),
        };
    }
    let mut nodes = node.children().filter(|child| child.name() == name).peekable();
    if nodes.peek().is_none() {
        return Ok(None);
    }
    match shape.kind() {
        Kind::List => read_elements(shape, nodes, path).map(Some),
        Kind::Map => read_entries(shape, nodes, path).map(Some),
        _ => nodes.next().map_or(Ok(None), |child| read(shape, child, path)),
    }
}

/// Reads one value; `None` for an empty element where a scalar that cannot be empty stands.
fn read(
    shape: Shape<'_>,
    node: Node<'_, '_>,
    path: &mut Vec<String>,
) -> Result<Option<Value>, &'static str> {
    match shape.kind() {
        Kind::Structure => structure(shape, node, path).map(Some),
        Kind::List => read_elements(shape, node.children(), path).map(Some),
        Kind::Map => read_entries(shape, node.children(), path).map(Some),
        Kind::String | Kind::Blob => scalar::parse_text(shape, node.text()).map(Some),
        _ if node.text().trim().is_empty() => Ok(None),
        _ => scalar::parse_text(shape, node.text()).map(Some),
    }
}

fn read_elements<'t, 'a: 't>(
    shape: Shape<'_>,
    nodes: impl Iterator<Item = Node<'t, 'a>>,
    path: &mut Vec<String>,
) -> Result<Value, &'static str> {
    let element = shape.element().ok_or("a list")?;
    let mut out = Vec::new();
    for node in nodes {
        out.extend(read(element.shape(), node, path)?);
    }
    Ok(Value::Array(out))
}

fn read_entries<'t, 'a: 't>(
    shape: Shape<'_>,
    nodes: impl Iterator<Item = Node<'t, 'a>>,
    path: &mut Vec<String>,
) -> Result<Value, &'static str> {
    let (key, value) = shape.key().zip(shape.value()).ok_or("a map")?;
    let mut out = Map::new();
    for node in nodes {
        let name = node.child(key.location_name().unwrap_or("key")).ok_or("a map with keys")?;
        let found = match node.child(value.location_name().unwrap_or("value")) {
            Some(child) => read(value.shape(), child, path)?,
            None => None,
        };
        if let Some(found) = found {
            out.insert(name.text().to_owned(), found);
        }
    }
    Ok(Value::Object(out))
}

/// Which side writes: a client leaves nothing out, a server likewise; both write the same way.
pub(super) struct Writer {
    out: String,
}

impl Writer {
    pub(super) fn new() -> Writer {
        Writer { out: String::new() }
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    /// Writes one element with its namespace.
    pub(super) fn element(
        &mut self,
        name: &str,
        namespace: Option<(&str, Option<&str>)>,
        shape: Shape<'_>,
        value: &Value,
    ) -> Result<(), String> {
        self.out.push('<');
        self.out.push_str(name);
        if let Some((uri, prefix)) = namespace {
            self.out.push_str(" xmlns");
            if let Some(prefix) = prefix {
                self.out.push(':');
                self.out.push_str(prefix);
            }
            self.out.push_str("=\"");
            escape_into(&mut self.out, uri);
            self.out.push('"');
        }
        if let (Kind::Structure, Value::Object(members)) = (shape.kind(), value) {
            self.attributes(shape, members)?;
        }
        self.out.push('>');
        self.content(shape, value)?;
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
        Ok(())
    }

    fn attributes(&mut self, shape: Shape<'_>, members: &Map<String, Value>) -> Result<(), String> {
        for member in shape.members().filter(|member| member.is_attribute()) {
            let Some(value) = members.get(member.name()).filter(|value| !value.is_null()) else {
                continue;
            };
            self.out.push(' ');
            self.out.push_str(member.wire_name());
            self.out.push_str("=\"");
            self.scalar(member.shape(), value)?;
            self.out.push('"');
        }
        Ok(())
    }

    fn content(&mut self, shape: Shape<'_>, value: &Value) -> Result<(), String> {
        match (shape.kind(), value) {
            (Kind::Structure, Value::Object(members)) => self.members(shape, members),
            (Kind::List, Value::Array(elements)) => {
                let element = shape.element().ok_or("a list has no element")?;
                let name = element.location_name().unwrap_or("member");
                self.elements(name, element, elements)
            }
            (Kind::Map, Value::Object(entries)) => self.entries("entry", shape, entries),
            _ => self.scalar(shape, value),
        }
    }

    /// The members of a structure that stand in the body, in the model's order.
    pub(super) fn members(
        &mut self,
        shape: Shape<'_>,
        members: &Map<String, Value>,
    ) -> Result<(), String> {
        for member in shape.members() {
            let value = members.get(member.name()).filter(|value| !value.is_null());
            let Some(value) = value else { continue };
            if member.location() != Location::Body || member.is_attribute() {
                continue;
            }
            let shape = member.shape();
            let name = element_name(member);
            match (shape.kind(), value, member.is_flattened()) {
                (Kind::List, Value::Array(elements), true) => {
                    let element = shape.element().ok_or("a list has no element")?;
                    self.elements(name, element, elements)?;
                }
                (Kind::Map, Value::Object(entries), true) => self.entries(name, shape, entries)?,
                _ => self.element(name, member.xml_namespace(), shape, value)?,
            }
        }
        Ok(())
    }

    fn elements(
        &mut self,
        name: &str,
        element: Member<'_>,
        values: &[Value],
    ) -> Result<(), String> {
        for value in values {
            self.element(name, element.xml_namespace(), element.shape(), value)?;
        }
        Ok(())
    }

    fn entries(
        &mut self,
        name: &str,
        shape: Shape<'_>,
        entries: &Map<String, Value>,
    ) -> Result<(), String> {
        let (key, value) = shape.key().zip(shape.value()).ok_or("a map has no key")?;
        for (name_of_entry, entry) in entries {
            self.out.push('<');
            self.out.push_str(name);
            self.out.push('>');
            let key_value = Value::String(name_of_entry.clone());
            let key_name = key.location_name().unwrap_or("key");
            self.element(key_name, None, key.shape(), &key_value)?;
            let value_name = value.location_name().unwrap_or("value");
            self.element(value_name, None, value.shape(), entry)?;
            self.out.push_str("</");
            self.out.push_str(name);
            self.out.push('>');
        }
        Ok(())
    }

    fn scalar(&mut self, shape: Shape<'_>, value: &Value) -> Result<(), String> {
        let text = scalar::to_text(shape, value, TimestampFormat::Iso8601)
            .ok_or_else(|| format!("`{value}` cannot stand in XML"))?;
        let bad = text.chars().find(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r'));
        if let Some(bad) = bad {
            return Err(format!("the character U+{:04X} cannot stand in XML", u32::from(bad)));
        }
        escape_into(&mut self.out, &text);
        Ok(())
    }
}
