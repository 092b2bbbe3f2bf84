//! Form-encoded requests of Query and EC2 back to inputs.
//! Which operation they belong to is found in `recognize.rs`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use yagura_aws::api::{Kind, Operation, Shape};
use yagura_aws::protocol::bodies;

/// The pairs of a form, decoded.
pub(super) fn pairs(body: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(body);
    text.split('&').filter(|pair| !pair.is_empty()).map(super::input::decode_pair).collect()
}

pub(super) fn read(
    operation: &Operation,
    pairs: &BTreeMap<String, String>,
    ec2: bool,
) -> Result<Value, String> {
    let mut form = Form { pairs, ec2, used: BTreeSet::new() };
    let input = match operation.input() {
        Some(shape) => form.structure(shape, "")?,
        None => Value::Object(Map::new()),
    };
    let known = |name: &str| matches!(name, "Action" | "Version") || form.used.contains(name);
    match pairs.keys().find(|name| !known(name)) {
        Some(unknown) => Err(format!("the parameter `{unknown}` is unknown")),
        None => Ok(input),
    }
}

struct Form<'a> {
    pairs: &'a BTreeMap<String, String>,
    ec2: bool,
    used: BTreeSet<String>,
}

impl Form<'_> {
    /// Whether there is a parameter of this name or below it.
    fn has(&self, name: &str) -> bool {
        let below = format!("{name}.");
        self.pairs.contains_key(name)
            || self.pairs.range(below.clone()..).next().is_some_and(|(k, _)| k.starts_with(&below))
    }

    fn structure(&mut self, shape: Shape<'_>, prefix: &str) -> Result<Value, String> {
        let mut out = Map::new();
        for member in shape.members() {
            let mut name = bodies::form_name(member, self.ec2);
            if !prefix.is_empty() {
                name = format!("{prefix}.{name}");
            }
            if let Some(value) = self.value(member.shape(), member.is_flattened(), &name)? {
                out.insert(member.name().to_owned(), value);
            }
        }
        Ok(Value::Object(out))
    }

    fn value(
        &mut self,
        shape: Shape<'_>,
        flattened: bool,
        name: &str,
    ) -> Result<Option<Value>, String> {
        match shape.kind() {
            Kind::Structure if self.has(name) => self.structure(shape, name).map(Some),
            Kind::Structure => Ok(None),
            Kind::List => self.list(shape, flattened, name),
            Kind::Map => self.map(shape, flattened, name),
            _ => {
                let Some(text) = self.pairs.get(name) else { return Ok(None) };
                self.used.insert(name.to_owned());
                let value = bodies::read_text(shape, text);
                value.map(Some).map_err(|wanted| format!("`{name}` is not {wanted}"))
            }
        }
    }

    fn list(
        &mut self,
        shape: Shape<'_>,
        flattened: bool,
        name: &str,
    ) -> Result<Option<Value>, String> {
        let element = shape.element().ok_or("a list has no element")?;
        let prefix = bodies::form_list_prefix(name, element, flattened, self.ec2);
        let mut out = Vec::new();
        for index in 1.. {
            let at = format!("{prefix}.{index}");
            if !self.has(&at) {
                break;
            }
            out.extend(self.value(element.shape(), element.is_flattened(), &at)?);
        }
        if out.is_empty() && self.pairs.get(name).is_none_or(|text| !text.is_empty()) {
            return Ok(None);
        }
        self.used.insert(name.to_owned());
        Ok(Some(Value::Array(out)))
    }

    fn map(
        &mut self,
        shape: Shape<'_>,
        flattened: bool,
        name: &str,
    ) -> Result<Option<Value>, String> {
        let (key, value) = shape.key().zip(shape.value()).ok_or("a map has no key")?;
        let prefix = if flattened { name.to_owned() } else { format!("{name}.entry") };
        let mut out = Map::new();
        for index in 1.. {
            let at = format!("{prefix}.{index}.{}", key.location_name().unwrap_or("key"));
            let Some(text) = self.pairs.get(&at) else { break };
            self.used.insert(at);
            let at = format!("{prefix}.{index}.{}", value.location_name().unwrap_or("value"));
            if let Some(found) = self.value(value.shape(), value.is_flattened(), &at)? {
                out.insert(text.clone(), found);
            }
        }
        Ok((!out.is_empty()).then_some(Value::Object(out)))
    }
}
