//! Turns the result of an expression into JSON of its own.
//! Reading JSON into values is in `value.rs`.

use serde_json::{Map, Value};

use super::unread::Marks;
use super::value::{Causes, Val, causes, join};

/// The value as JSON, or nothing when it is absent.
///
/// # Errors
/// Why the value is not known; a list or map that is known in part is not known.
pub(crate) fn to_json<'a>(value: &Val<'a>) -> Result<Option<Value>, Causes<'a>> {
    Ok(Some(match value {
        Val::Absent => return Ok(None),
        Val::Bool(value) => Value::Bool(*value),
        Val::Int(value) => Value::from(*value),
        Val::Double(value) => Value::from(*value),
        Val::Str(text) => Value::String((*text).to_owned()),
        Val::Text(text) => Value::String(text.to_string()),
        Val::Time(time) => Value::String(time.to_string()),
        Val::Span(span) => Value::String(span.to_string()),
        Val::Array(items, marks) => {
            whole(marks.as_ref())?;
            Value::Array(items.to_vec())
        }
        Val::Object(members, marks) => {
            whole(marks.as_ref())?;
            Value::Object((*members).clone())
        }
        Val::Tags(tags, marks) => {
            whole(marks.as_ref())?;
            tags.iter().map(|(key, value)| (key.clone(), Value::String(value.clone()))).collect()
        }
        Val::List(list) => {
            if let Some(why) = &list.partial {
                return Err(why.clone());
            }
            let items: Result<Vec<_>, _> = list.items.iter().map(to_json).collect();
            Value::Array(items?.into_iter().flatten().collect())
        }
        Val::Map(map) => {
            if let Some(why) = &map.partial {
                return Err(why.clone());
            }
            let mut members = Map::with_capacity(map.entries.len());
            for (key, value) in &map.entries {
                if let (Some(key), Some(value)) = (to_json(key)?, to_json(value)?) {
                    members.insert(key_of(key), value);
                }
            }
            Value::Object(members)
        }
        Val::Resource(resource, _) => Value::String(resource.key.clone()),
        Val::Listing(listing) => {
            if !listing.unread.is_empty() {
                return Err(causes(listing.unread.iter().copied()));
            }
            listing.resources.iter().map(|resource| Value::String(resource.key.clone())).collect()
        }
        Val::Hole(_) | Val::Unknown(_) => return Err(value.causes().unwrap_or_default()),
    }))
}

fn whole<'a>(marks: Option<&Marks<'a>>) -> Result<(), Causes<'a>> {
    marks.map_or(Ok(()), |marks| Err(join(None, causes(marks.all().iter().copied()))))
}

fn key_of(key: Value) -> String {
    match key {
        Value::String(key) => key,
        other => other.to_string(),
    }
}
