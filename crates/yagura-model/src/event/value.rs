//! Reading values out of a batch's index: members, items, scalars, text.
//! Looking for many paths at once lives in `trie`.

use std::borrow::Cow;

use super::batch::EventBatch;
use super::escape::{unescape, write_json_string};
use super::node::{Kind, Node};

/// One value of a record: a view that costs nothing to copy. It fits into two registers: what is
/// larger goes through memory, and a processor waits where it is to read as a whole what it has
/// just written in parts.
#[derive(Clone, Copy, Debug)]
pub struct Value<'a> {
    batch: &'a EventBatch,
    index: u32,
}

impl<'a> Value<'a> {
    pub(crate) fn new(batch: &'a EventBatch, index: u32) -> Self {
        Self { batch, index }
    }

    /// What this value is.
    #[inline]
    pub fn kind(&self) -> Kind {
        self.node().kind
    }

    /// Whether this is `null` (of a text log: its mark for "no value").
    #[inline]
    pub fn is_null(&self) -> bool {
        self.node().kind == Kind::Null
    }

    /// The member `name` of an object. Of members with the same name the first counts.
    pub fn get(&self, name: &str) -> Option<Value<'a>> {
        let own = self.node();
        if own.kind != Kind::Object {
            return None;
        }
        let mut at = self.index + 1;
        while at < own.next {
            let other = self.batch.nodes.get(at as usize)?;
            let value = Value::new(self.batch, at + 1);
            let same = if other.escaped {
                Value::new(self.batch, at).content() == name
            } else {
                (other.end - other.start) as usize == name.len()
                    && self.batch.slice(other.start, other.end) == name
            };
            if same {
                return Some(value);
            }
            at = value.node().next;
        }
        None
    }

    /// The members of an object, in their order; nothing for other values.
    pub fn entries(&self) -> Entries<'a> {
        let node = self.node();
        let end = if node.kind == Kind::Object { node.next } else { 0 };
        Entries { batch: self.batch, at: self.index + 1, end }
    }

    /// Those members whose names may be wanted, in their order: of most, whoever looks for a few
    /// needs to see neither name nor value. `wanted` is asked with names as written, and not about
    /// those with escapes.
    pub fn entries_named(
        &self,
        wanted: impl Fn(&[u8]) -> bool,
    ) -> impl Iterator<Item = (Cow<'a, str>, Value<'a>)> {
        let Entries { batch, mut at, end } = self.entries();
        let (nodes, text) = (batch.nodes.as_slice(), batch.text.as_bytes());
        std::iter::from_fn(move || {
            while at < end {
                let (name_at, value) = (at, nodes.get(at as usize + 1)?);
                let name = nodes.get(at as usize)?;
                at = value.next;
                let written = text.get(name.start as usize..name.end as usize);
                if name.escaped || written.is_some_and(&wanted) {
                    let name = Value::new(batch, name_at).content();
                    return Some((name, Value::new(batch, name_at + 1)));
                }
            }
            None
        })
    }

    /// The items of an array, in their order; nothing for other values.
    pub fn items(&self) -> Items<'a> {
        let node = self.node();
        let end = if node.kind == Kind::Array { node.next } else { 0 };
        Items { batch: self.batch, at: self.index + 1, end }
    }

    /// The item at `index` of an array, from zero.
    pub fn item(&self, index: usize) -> Option<Value<'a>> {
        self.items().nth(index)
    }

    /// A string's text; nothing for other values. Borrowed unless the string has escapes.
    pub fn as_str(&self) -> Option<Cow<'a, str>> {
        (self.node().kind == Kind::String).then(|| self.content())
    }

    /// `true` or `false`, also when written as a string: some services do (`"true"`).
    pub fn as_bool(&self) -> Option<bool> {
        match (self.node().kind, self.source()) {
            (Kind::Bool | Kind::String, "true") => Some(true),
            (Kind::Bool | Kind::String, "false") => Some(false),
            _ => None,
        }
    }

    /// A whole number, also when written as a string (every value of a text log is one).
    pub fn as_i64(&self) -> Option<i64> {
        self.numeric()?.parse().ok()
    }

    /// A whole number from zero up, also when written as a string.
    pub fn as_u64(&self) -> Option<u64> {
        self.numeric()?.parse().ok()
    }

    /// A finite number, also when written as a string.
    pub fn as_f64(&self) -> Option<f64> {
        let number: f64 = self.numeric()?.parse().ok()?;
        number.is_finite().then_some(number)
    }

    /// The value as text: a string's text, a number or word as written, an array or object as
    /// its JSON text. `null` is `null`.
    pub fn text(&self) -> Cow<'a, str> {
        match self.node().kind {
            Kind::String => self.content(),
            Kind::Null => Cow::Borrowed("null"),
            _ => self.json(),
        }
    }

    /// The value as JSON text: as it stands in a JSON log, composed from a text log.
    pub fn json(&self) -> Cow<'a, str> {
        let node = self.node();
        if !node.composed {
            return match node.kind {
                Kind::Null => Cow::Borrowed("null"),
                // A string's quotes lie just outside its node.
                Kind::String => {
                    Cow::Borrowed(self.batch.slice(node.start.saturating_sub(1), node.end + 1))
                }
                _ => Cow::Borrowed(self.source()),
            };
        }
        let mut json = String::new();
        self.write_json(&mut json);
        Cow::Owned(json)
    }

    fn write_json(&self, to: &mut String) {
        let node = self.node();
        match node.kind {
            _ if !node.composed => to.push_str(&self.json()),
            Kind::Null => to.push_str("null"),
            Kind::Bool | Kind::Number => to.push_str(self.source()),
            Kind::String => write_json_string(self.source(), to),
            Kind::Array => {
                to.push('[');
                for (place, item) in self.items().enumerate() {
                    if place > 0 {
                        to.push(',');
                    }
                    item.write_json(to);
                }
                to.push(']');
            }
            Kind::Object => {
                to.push('{');
                for (place, (name, value)) in self.entries().enumerate() {
                    if place > 0 {
                        to.push(',');
                    }
                    write_json_string(&name, to);
                    to.push(':');
                    value.write_json(to);
                }
                to.push('}');
            }
        }
    }

    /// The value's own text in the batch: of a string what stands between its quotes.
    #[inline]
    pub fn source(&self) -> &'a str {
        let node = self.node();
        self.batch.slice(node.start, node.end)
    }

    /// A string's text with its escapes resolved.
    fn content(&self) -> Cow<'a, str> {
        let content = self.source();
        if self.node().escaped { Cow::Owned(unescape(content)) } else { Cow::Borrowed(content) }
    }

    fn numeric(&self) -> Option<&'a str> {
        match self.node().kind {
            Kind::Number | Kind::String => Some(self.source()),
            _ => None,
        }
    }

    /// Node, and first and last byte of the value's JSON in the batch's text.
    pub(crate) fn place(&self) -> (u32, u32, u32) {
        let node = self.node();
        let quote = u32::from(node.kind == Kind::String && !node.composed);
        (self.index, node.start.saturating_sub(quote), node.end.saturating_add(quote))
    }

    #[inline]
    pub(crate) fn node(&self) -> Node {
        let nothing = Node::new(Kind::Null, 0, 0, self.index.saturating_add(1));
        self.batch.nodes.get(self.index as usize).copied().unwrap_or(nothing)
    }

    pub(crate) fn batch(&self) -> &'a EventBatch {
        self.batch
    }
}

/// The members of an object in their order.
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    batch: &'a EventBatch,
    at: u32,
    end: u32,
}

impl<'a> Iterator for Entries<'a> {
    type Item = (Cow<'a, str>, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.end {
            return None;
        }
        let name = Value::new(self.batch, self.at).content();
        let value = Value::new(self.batch, self.at + 1);
        self.at = value.node().next;
        Some((name, value))
    }
}

/// The items of an array in their order.
#[derive(Clone, Debug)]
pub struct Items<'a> {
    batch: &'a EventBatch,
    at: u32,
    end: u32,
}

impl<'a> Iterator for Items<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.end {
            return None;
        }
        let value = Value::new(self.batch, self.at);
        self.at = value.node().next;
        Some(value)
    }
}
