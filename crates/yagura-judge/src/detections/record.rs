//! A record of an event batch as the Sigma engine reads it: paths made ready per source, values
//! borrowed from the batch. What rules make of the values is `lib/sigma`'s business.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::sync::Arc;

use sigma::FieldPath;
use yagura_model::event::{Kind, PathTrie, Record, Value};
use yagura_model::source::{Cell, Column, Rule, Table};

use super::roots::Root;
use crate::witness::{Slots, WitnessReader};

/// How deep arrays and objects are gone into; indexing allows no more.
const DEPTH_MAX: usize = 256;

/// What a path of a rule reads.
#[derive(Clone, Debug)]
pub(crate) enum Reader {
    /// A member of the record.
    Member,
    /// A member of the record whose beginning the walk over it finds.
    Root(Root),
    /// A column of the table, as its text: `@client_ip`.
    Column(Column),
    /// A column that every table has: `@address`.
    Shared(Rule),
    /// A value of the `key=value` pairs in a member: `@message.a0`.
    Pair {
        /// The member.
        member: Box<str>,
        /// The key.
        key: Box<str>,
    },
}

impl Reader {
    /// What a path reads from records of a table. A path that begins with `@` and names neither
    /// a column nor a pair is that of a member called so.
    pub(crate) fn of(path: &FieldPath, table: &Table) -> Self {
        let Some(name) = path.segment(0).and_then(|first| first.strip_prefix('@')) else {
            return Self::Member;
        };
        if let Some(key) = path.segment(1) {
            let has = |column: &&Column| column.name == name;
            if table.columns.iter().find(has).is_some() {
                return Self::Pair { member: name.into(), key: key.into() };
            }
            return Self::Member;
        }
        if let Some(column) = table.columns.iter().find(|column| column.name == name) {
            return Self::Column(column.clone());
        }
        let shared = table.shared.texts().into_iter().find(|(shared, _)| *shared == name);
        shared.map_or(Self::Member, |(_, rule)| Self::Shared(rule.clone()))
    }

    /// What a path of a rule reads, with the beginning of a member's path found by the walk.
    pub(crate) fn walked(path: &FieldPath, table: &Table, trie: &mut PathTrie) -> Self {
        match Self::of(path, table) {
            Self::Member => Root::add(path, trie).map_or(Self::Member, Self::Root),
            other => other,
        }
    }

    fn read(
        &self,
        record: Record<'_>,
        walked: Option<&Walked<'_>>,
        path: &FieldPath,
        visit: &mut dyn FnMut(sigma::Value<'_>),
    ) {
        match self {
            Self::Root(root) => match walked {
                Some(walked) => {
                    if let Some((value, depth)) = root.find(walked.slots, path) {
                        walk(value, path, depth, visit);
                    }
                }
                None => walk(record.root(), path, 0, visit),
            },
            Self::Member => walk(record.root(), path, 0, visit),
            Self::Column(column) => {
                if let Some(cell) = column.cell(record) {
                    show_cell(&cell, visit);
                }
            }
            Self::Shared(rule) => {
                if let Some(text) = rule.value(record) {
                    visit(sigma::Value::Text(&text));
                }
            }
            Self::Pair { member, key } => {
                let text = record.root().get(member).and_then(|value| value.as_str());
                if let Some(value) = text.as_deref().and_then(|text| pair(text, key)) {
                    visit(sigma::Value::Text(value));
                }
            }
        }
    }
}

/// What a walk over a record found, and who reads its name there.
#[derive(Clone, Copy)]
struct Walked<'a> {
    slots: Slots<'a, 'a>,
    reader: &'a WitnessReader,
}

/// A record while rules are asked about it.
pub(crate) struct EventRecord<'a> {
    record: Record<'a>,
    table: &'a Table,
    /// By slot of the matcher's paths.
    readers: &'a [Reader],
    /// What a walk over the record found, where there was one.
    walked: Option<Walked<'a>>,
    id: OnceCell<Arc<str>>,
    time_us: OnceCell<Option<i64>>,
}

impl<'a> EventRecord<'a> {
    pub(crate) fn new(record: Record<'a>, table: &'a Table, readers: &'a [Reader]) -> Self {
        let (id, time_us) = (OnceCell::new(), OnceCell::new());
        Self { record, table, readers, walked: None, id, time_us }
    }

    /// With what a walk over the same record found.
    pub(crate) fn walked(self, slots: Slots<'a, 'a>, reader: &'a WitnessReader) -> Self {
        Self { walked: Some(Walked { slots, reader }), ..self }
    }

    /// The record's name, or where it stands.
    pub(crate) fn name(&self) -> &Arc<str> {
        self.id.get_or_init(|| match self.walked {
            Some(Walked { slots, reader }) => reader.name(self.record, slots),
            None => Arc::from(self.table.name_of(self.record).unwrap_or_else(|| {
                format!("{}#{}", self.record.origin().object, self.record.ordinal())
            })),
        })
    }

    /// The first text that a path leads to.
    pub(crate) fn first_text(&self, path: &FieldPath) -> Option<String> {
        let mut first = None;
        sigma::Record::read(self, path, &mut |value| {
            if first.is_none() {
                first = value.text().filter(|text| !text.is_empty()).map(Cow::into_owned);
            }
        });
        first
    }
}

impl sigma::Record for EventRecord<'_> {
    fn read(&self, path: &FieldPath, visit: &mut dyn FnMut(sigma::Value<'_>)) {
        match path.slot().and_then(|slot| self.readers.get(slot)) {
            Some(reader) => reader.read(self.record, self.walked.as_ref(), path, visit),
            // Of fields that only correlations and entities read, few records are asked.
            None => Reader::of(path, self.table).read(self.record, None, path, visit),
        }
    }

    fn read_all(&self, visit: &mut dyn FnMut(sigma::Value<'_>)) {
        let root = self.record.root();
        leaves(root, visit, 0);
        // A record of a text log is put together; keywords may span its fields.
        let raw = self.record.raw();
        if !raw.starts_with(['{', '[']) && root.kind() == Kind::Object {
            visit(sigma::Value::Text(raw));
        }
    }

    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.name())
    }

    fn shared_id(&self) -> Arc<str> {
        Arc::clone(self.name())
    }

    fn time_us(&self) -> Option<i64> {
        *self.time_us.get_or_init(|| self.table.shared.time.micros(self.record))
    }
}

/// An object's JSON text, put together only where a test asks for it.
struct Text<'a>(Value<'a>);

impl sigma::ObjectText for Text<'_> {
    fn json(&self) -> Cow<'_, str> {
        self.0.json()
    }
}

/// The depth of the recursion is that of the path and of arrays within arrays, which indexing has
/// bounded.
fn walk(value: Value<'_>, path: &FieldPath, depth: usize, visit: &mut dyn FnMut(sigma::Value<'_>)) {
    match value.kind() {
        Kind::Array => {
            let mut items = value.items().peekable();
            if items.peek().is_none() && path.segment(depth).is_none() {
                visit(sigma::Value::EmptyList);
            }
            for item in items {
                walk(item, path, depth, visit);
            }
        }
        Kind::Object => {
            let Some(segment) = path.segment(depth) else {
                visit(sigma::Value::Object(&Text(value)));
                return;
            };
            if let Some(member) = value.get(segment) {
                walk(member, path, depth + 1, visit);
            } else if path.segment(depth + 1).is_some()
                && let Some(member) = value.get(path.rest(depth))
            {
                walk(member, path, path.segments().len(), visit);
            }
        }
        _ if path.segment(depth).is_none() => leaf(value, visit),
        _ => {}
    }
}

fn leaves(value: Value<'_>, visit: &mut dyn FnMut(sigma::Value<'_>), depth: usize) {
    if depth > DEPTH_MAX {
        return;
    }
    match value.kind() {
        Kind::Array => value.items().for_each(|item| leaves(item, visit, depth + 1)),
        Kind::Object => value.entries().for_each(|(_, member)| leaves(member, visit, depth + 1)),
        Kind::Null => {}
        _ => leaf(value, visit),
    }
}

fn leaf(value: Value<'_>, visit: &mut dyn FnMut(sigma::Value<'_>)) {
    match value.kind() {
        Kind::Null => visit(sigma::Value::Null),
        Kind::Bool => visit(sigma::Value::Boolean(value.source() == "true")),
        Kind::Number => visit(sigma::Value::Number(value.source())),
        Kind::String => visit(sigma::Value::Text(&value.as_str().unwrap_or_default())),
        Kind::Array | Kind::Object => {}
    }
}

fn show_cell(cell: &Cell<'_>, visit: &mut dyn FnMut(sigma::Value<'_>)) {
    match cell {
        Cell::Text(text) => visit(sigma::Value::Text(text)),
        Cell::Integer(number) | Cell::Time(number) => {
            visit(sigma::Value::Number(&number.to_string()));
        }
        Cell::Real(number) => visit(sigma::Value::Number(&number.to_string())),
        Cell::Boolean(value) => visit(sigma::Value::Boolean(*value)),
        Cell::List(cells) | Cell::Struct(cells) => {
            cells.iter().flatten().for_each(|cell| show_cell(cell, visit));
        }
    }
}

/// The value of a key in `key=value key="a value" …`, as the Linux audit daemon writes lines.
fn pair<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let mut rest = text;
    while let Some(at) = rest.find('=') {
        let (before, after) = rest.split_at_checked(at)?;
        let after = after.get(1..)?;
        let name = before.rsplit([' ', '\t', '\u{1d}', '\'', '(']).next().unwrap_or_default();
        let (value, tail) = match after.chars().next() {
            Some(quote @ '"') => {
                let inner = after.get(1..)?;
                inner.split_once(quote).unwrap_or((inner, ""))
            }
            _ => {
                let end = after.find([' ', '\t', '\u{1d}', '\'', ')']).unwrap_or(after.len());
                after.split_at_checked(end)?
            }
        };
        if name == key {
            return Some(value);
        }
        // `msg='op=login acct="root"'` holds pairs itself.
        rest = if after.starts_with('\'') { after.get(1..)? } else { tail };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_found_as_the_audit_daemon_writes_them() {
        let line = "type=EXECVE msg=audit(1795237921.123:42): argc=3 a0=\"curl\" a1=\"-s x\" a2=2F";
        for (key, value) in [
            ("type", Some("EXECVE")),
            ("argc", Some("3")),
            ("a0", Some("curl")),
            ("a1", Some("-s x")),
            ("a2", Some("2F")),
            ("a3", None),
            ("rgc", None),
        ] {
            assert_eq!(pair(line, key), value, "{key}");
        }
        let line = "type=USER_AUTH msg='op=PAM:auth acct=\"root\" exe=\"/usr/bin/su\" res=failed'";
        assert_eq!(pair(line, "acct"), Some("root"));
        assert_eq!(pair(line, "op"), Some("PAM:auth"));
        assert_eq!(pair(line, "res"), Some("failed"));
        assert_eq!(pair("=", "a"), None);
        assert_eq!(pair("a=\"open", "a"), Some("open"));
    }
}
