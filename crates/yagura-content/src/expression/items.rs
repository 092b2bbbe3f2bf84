//! The elements of a list, or the keys of a map, with what may be missing among them.
//! What is computed of them is in `evaluate.rs` and `functions/collections.rs`.

use std::rc::Rc;

use serde_json::Value;

use super::evaluate::{Machine, causes_here};
use super::neighbors::Listing;
use super::unread::Marks;
use super::value::{Causes, ListVal, Val, causes, join};

/// The elements that a comprehension runs over.
pub(crate) struct Items<'a> {
    source: ItemSource<'a>,
    /// Why there may be more elements than these.
    pub(crate) partial: Option<Causes<'a>>,
}

enum ItemSource<'a> {
    Json(&'a [Value], Option<Marks<'a>>),
    Values(Vec<Val<'a>>),
    List(Rc<ListVal<'a>>),
    Listing(Rc<Listing<'a>>),
}

impl<'a> Machine<'_, 'a> {
    /// The elements of a list, or the keys of a map.
    ///
    /// # Errors
    /// The unknown to answer with: the list is unknown, or the value has no elements.
    pub(crate) fn items(&mut self, value: &Val<'a>) -> Result<Items<'a>, Val<'a>> {
        if let Some(why) = value.causes() {
            return Err(Val::Unknown(why));
        }
        let whole = |source| Ok(Items { source, partial: None });
        match value {
            Val::Absent => whole(ItemSource::Values(Vec::new())),
            Val::Array(items, None) => whole(ItemSource::Json(items, None)),
            Val::Array(items, Some(marks)) => Ok(array_items(items, marks)),
            Val::List(list) => Ok(Items {
                source: ItemSource::List(Rc::clone(list)),
                partial: list.partial.clone(),
            }),
            Val::Listing(listing) => Ok(Items {
                partial: listing_causes(listing),
                source: ItemSource::Listing(Rc::clone(listing)),
            }),
            Val::Object(members, marks) => {
                self.spend(members.len())?;
                let keys = members.iter().filter(|(_, value)| !value.is_null());
                Ok(key_items(keys.map(|(key, _)| key.as_str()), marks.as_ref(), |key| {
                    members.get(key).is_some_and(|value| !value.is_null())
                }))
            }
            Val::Tags(tags, marks) => {
                self.spend(tags.len())?;
                Ok(key_items(tags.keys().map(String::as_str), marks.as_ref(), |key| {
                    tags.contains_key(key)
                }))
            }
            Val::Map(map) => {
                self.spend(map.entries.len())?;
                let mut partial = map.partial.clone();
                let mut keys = Vec::with_capacity(map.entries.len());
                for (key, value) in &map.entries {
                    match value.causes() {
                        Some(why) => partial = Some(join(partial, why)),
                        None => keys.push(key.clone()),
                    }
                }
                Ok(Items { source: ItemSource::Values(keys), partial })
            }
            other => Err(Val::problem(format!("a `{}` has no elements", other.kind()))),
        }
    }
}

/// The elements of an array of which parts are unread.
fn array_items<'a>(items: &'a [Value], marks: &Marks<'a>) -> Items<'a> {
    let partial = causes_here(marks);
    match marks.element() {
        // Whether there is any element is told by elements; they are not known.
        Some(element) if element.here().any(|unread| !unread.partial) => {
            let why = causes(element.here());
            Items { source: ItemSource::Values(Vec::new()), partial: Some(join(partial, why)) }
        }
        element => Items { source: ItemSource::Json(items, element), partial },
    }
}

/// The keys of a map of which parts may be unread. There may be further members when it was read
/// in part, when a member is unread as a whole, or when an unread path leads through a member
/// that is not there.
fn key_items<'a>(
    keys: impl Iterator<Item = &'a str>,
    marks: Option<&Marks<'a>>,
    has: impl Fn(&str) -> bool,
) -> Items<'a> {
    let Some(marks) = marks else {
        return Items { source: ItemSource::Values(keys.map(Val::Str).collect()), partial: None };
    };
    let unsure = marks
        .below()
        .filter(|(key, whole, _)| *whole || key.is_some_and(|key| !has(key)))
        .map(|(_, _, unread)| unread);
    let mut unsure = marks.here().chain(unsure).peekable();
    let partial = unsure.peek().is_some().then(|| causes(unsure));
    let keys = keys.filter(|key| !marks.hides(key)).map(Val::Str);
    Items { source: ItemSource::Values(keys.collect()), partial }
}

fn listing_causes<'a>(listing: &Listing<'a>) -> Option<Causes<'a>> {
    (!listing.unread.is_empty()).then(|| causes(listing.unread.iter().copied()))
}

impl<'a> Items<'a> {
    pub(crate) fn len(&self) -> usize {
        match &self.source {
            ItemSource::Json(items, _) => items.len(),
            ItemSource::Values(values) => values.len(),
            ItemSource::List(list) => list.items.len(),
            ItemSource::Listing(listing) => listing.resources.len(),
        }
    }

    /// The element at a place; absent beyond the end.
    pub(crate) fn get(&self, n: usize) -> Val<'a> {
        match &self.source {
            ItemSource::Json(items, marks) => {
                items.get(n).map_or(Val::Absent, |item| Val::from_json(Some(item), marks.clone()))
            }
            ItemSource::Values(values) => values.get(n).cloned().unwrap_or(Val::Absent),
            ItemSource::List(list) => list.items.get(n).cloned().unwrap_or(Val::Absent),
            ItemSource::Listing(listing) => listing
                .resources
                .get(n)
                .map_or(Val::Absent, |resource| Val::Resource(resource, None)),
        }
    }
}
