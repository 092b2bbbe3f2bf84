//! The values that an expression computes with; plain members of a document are borrowed.
//! What the operators do with them is in `evaluate.rs`, `operators.rs` and `functions/`.

use std::collections::BTreeMap;
use std::rc::Rc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use yagura_model::{Resource, Unread};

use super::neighbors::Listing;
use super::unread::{Child, Marks};

/// Causes kept with an unknown; more would not help a reader.
const CAUSES_MAX: usize = 32;

/// A value. JSON null is [`Val::Absent`]: AWS leaves out what is not set, templates write null.
#[derive(Clone, Debug)]
pub(crate) enum Val<'a> {
    Absent,
    Bool(bool),
    Int(i64),
    Double(f64),
    Str(&'a str),
    Text(Rc<str>),
    Time(Timestamp),
    Span(SignedDuration),
    Array(&'a [Value], Option<Marks<'a>>),
    Object(&'a Map<String, Value>, Option<Marks<'a>>),
    Tags(&'a BTreeMap<String, String>, Option<Marks<'a>>),
    /// Nothing is there, but something below it was not read.
    Hole(Marks<'a>),
    List(Rc<ListVal<'a>>),
    Map(Rc<MapVal<'a>>),
    Resource(&'a Resource, Option<Marks<'a>>),
    Listing(Rc<Listing<'a>>),
    Unknown(Causes<'a>),
}

/// A computed list. INVARIANT: no element is `Absent`, `Hole` or `Unknown`; what may or may not
/// be an element is told by `partial`.
#[derive(Debug, Default)]
pub(crate) struct ListVal<'a> {
    pub(crate) items: Vec<Val<'a>>,
    pub(crate) partial: Option<Causes<'a>>,
}

/// A computed map, in the order it was built. A value may be `Unknown`.
#[derive(Debug, Default)]
pub(crate) struct MapVal<'a> {
    pub(crate) entries: Vec<(Val<'a>, Val<'a>)>,
    pub(crate) partial: Option<Causes<'a>>,
}

/// Why a value is not known. Never empty.
pub(crate) type Causes<'a> = Rc<Vec<Cause<'a>>>;

/// One reason why a value is not known.
#[derive(Clone, Debug)]
pub(crate) enum Cause<'a> {
    /// A part that was not read.
    Unread(&'a Unread),
    /// An operation that has no result.
    Problem(Rc<str>),
}

impl<'a> Val<'a> {
    /// An operation without result.
    pub(crate) fn problem(message: impl AsRef<str>) -> Self {
        Self::Unknown(Rc::new(vec![Cause::Problem(message.as_ref().into())]))
    }

    /// Unknown because of unread parts; INVARIANT: there is at least one.
    pub(crate) fn unread(parts: impl IntoIterator<Item = &'a Unread>) -> Self {
        Self::Unknown(causes(parts))
    }

    /// A borrowed JSON value with what is unread at and below it.
    pub(crate) fn from_json(value: Option<&'a Value>, marks: Option<Marks<'a>>) -> Self {
        let Some(marks) = marks else {
            return value.map_or(Self::Absent, Self::plain);
        };
        let mut partial = false;
        for unread in marks.here() {
            if !unread.partial {
                return Self::unread(marks.here());
            }
            partial = true;
        }
        match value {
            Some(Value::Array(items)) => Self::Array(items, Some(marks)),
            Some(Value::Object(members)) => Self::Object(members, Some(marks)),
            _ if partial => Self::unread(marks.here()),
            None | Some(Value::Null) => Self::Hole(marks),
            Some(scalar) => Self::plain(scalar),
        }
    }

    /// A borrowed JSON value that was read whole.
    pub(crate) fn plain(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Absent,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => number_of(number),
            Value::String(text) => Self::Str(text),
            Value::Array(items) => Self::Array(items, None),
            Value::Object(members) => Self::Object(members, None),
        }
    }

    /// A computed JSON value.
    pub(crate) fn owned(value: Value) -> Self {
        match value {
            Value::Null => Self::Absent,
            Value::Bool(value) => Self::Bool(value),
            Value::Number(number) => number_of(&number),
            Value::String(text) => Self::Text(text.into()),
            Value::Array(items) => Self::list(items.into_iter().map(Self::owned).collect()),
            Value::Object(members) => Self::map(
                members
                    .into_iter()
                    .map(|(key, value)| (Self::Text(key.into()), Self::owned(value))),
            ),
        }
    }

    /// A complete list; absent elements are dropped.
    pub(crate) fn list(items: Vec<Self>) -> Self {
        let mut builder = ListBuilder::default();
        items.into_iter().for_each(|item| builder.push(item));
        builder.finish()
    }

    /// A complete map; absent values are dropped.
    pub(crate) fn map(entries: impl IntoIterator<Item = (Self, Self)>) -> Self {
        let entries =
            entries.into_iter().filter(|(_, value)| !matches!(value, Self::Absent)).collect();
        Self::Map(Rc::new(MapVal { entries, partial: None }))
    }

    /// The text, if it is one.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Why it is not known: unknown, or nothing there with something unread below.
    pub(crate) fn causes(&self) -> Option<Causes<'a>> {
        match self {
            Self::Unknown(why) => Some(Rc::clone(why)),
            Self::Hole(marks) => Some(causes(marks.all().iter().copied())),
            _ => None,
        }
    }

    /// What a person calls this kind of value.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Absent => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Double(_) => "double",
            Self::Str(_) | Self::Text(_) => "string",
            Self::Time(_) => "timestamp",
            Self::Span(_) => "duration",
            Self::Array(..) | Self::List(_) | Self::Listing(_) => "list",
            Self::Object(..) | Self::Tags(..) | Self::Map(_) => "map",
            Self::Resource(..) => "resource",
            Self::Hole(_) | Self::Unknown(_) => "unknown",
        }
    }
}

fn number_of<'a>(number: &serde_json::Number) -> Val<'a> {
    number.as_i64().map_or_else(|| number.as_f64().map_or(Val::Absent, Val::Double), Val::Int)
}

/// What is unread at or below a member, as marks or as the unknown it makes of the member.
pub(crate) fn child<'a>(
    marks: Option<&Marks<'a>>,
    key: &str,
) -> Result<Option<Marks<'a>>, Val<'a>> {
    let Some(marks) = marks else { return Ok(None) };
    match marks.key(key) {
        Child::Clean => Ok(None),
        Child::Marked(marks) => Ok(Some(marks)),
        Child::Both(parts) => Err(Val::unread(parts)),
    }
}

/// The causes for unread parts.
pub(crate) fn causes<'a>(parts: impl IntoIterator<Item = &'a Unread>) -> Causes<'a> {
    Rc::new(parts.into_iter().take(CAUSES_MAX).map(Cause::Unread).collect())
}

/// Both sets of causes, without repeats.
pub(crate) fn join<'a>(so_far: Option<Causes<'a>>, more: Causes<'a>) -> Causes<'a> {
    let Some(so_far) = so_far else { return more };
    if Rc::ptr_eq(&so_far, &more) {
        return so_far;
    }
    let mut all = Vec::clone(&so_far);
    for cause in more.iter() {
        if all.len() < CAUSES_MAX && !all.iter().any(|other| other.same_as(cause)) {
            all.push(cause.clone());
        }
    }
    Rc::new(all)
}

impl Cause<'_> {
    fn same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Unread(a), Self::Unread(b)) => std::ptr::eq(*a, *b) || a == b,
            (Self::Problem(a), Self::Problem(b)) => a == b,
            _ => false,
        }
    }
}

/// Builds a list so that its invariant holds.
#[derive(Debug, Default)]
pub(crate) struct ListBuilder<'a> {
    items: Vec<Val<'a>>,
    partial: Option<Causes<'a>>,
}

impl<'a> ListBuilder<'a> {
    /// Adds an element: an absent one is dropped, an unknown one may or may not be there.
    pub(crate) fn push(&mut self, item: Val<'a>) {
        match item.causes() {
            Some(why) => self.maybe(why),
            None if matches!(item, Val::Absent) => {}
            None => self.items.push(item),
        }
    }

    /// Notes that further elements may belong to the list.
    pub(crate) fn maybe(&mut self, why: Causes<'a>) {
        self.partial = Some(join(self.partial.take(), why));
    }

    pub(crate) fn finish(self) -> Val<'a> {
        Val::List(Rc::new(ListVal { items: self.items, partial: self.partial }))
    }
}
