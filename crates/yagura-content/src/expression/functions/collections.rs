//! Functions on lists and maps: `size`, `first`, `flatten`, `unique`, `merge`, `keys`, ….
//! A list that was read in part stays one through all of them.

use std::rc::Rc;

use serde_json::{Map, Value};

use super::mismatch;
use crate::expression::evaluate::Machine;
use crate::expression::items::Items;
use crate::expression::operators;
use crate::expression::value::{ListBuilder, MapVal, Val, join};

/// The elements of a list or the keys of a map; steps are taken for each.
fn items<'a>(machine: &mut Machine<'_, 'a>, x: &Val<'a>) -> Result<Items<'a>, Val<'a>> {
    let items = machine.items(x)?;
    machine.spend(items.len() * 2)?;
    Ok(items)
}

fn builder<'a>(items: &Items<'a>) -> ListBuilder<'a> {
    let mut list = ListBuilder::default();
    if let Some(why) = &items.partial {
        list.maybe(Rc::clone(why));
    }
    list
}

/// Characters of a text, elements of a list, members of a map; 0 for what is absent.
pub(super) fn size<'a>(machine: &mut Machine<'_, 'a>, x: &Val<'a>) -> Val<'a> {
    if let Some(text) = x.as_text() {
        return match machine.spend(text.len() / 64) {
            Ok(()) => Val::Int(i64::try_from(text.chars().count()).unwrap_or(i64::MAX)),
            Err(exhausted) => exhausted,
        };
    }
    match machine.items(x) {
        Err(unknown) => unknown,
        Ok(items) => match items.partial {
            Some(why) => Val::Unknown(why),
            None => Val::Int(i64::try_from(items.len()).unwrap_or(i64::MAX)),
        },
    }
}

/// The first element; absent for an empty list.
pub(super) fn first<'a>(machine: &mut Machine<'_, 'a>, x: &Val<'a>) -> Val<'a> {
    match machine.items(x) {
        Err(unknown) => unknown,
        Ok(items) => match items.partial {
            Some(why) => Val::Unknown(why),
            None => items.get(0),
        },
    }
}

/// The last element; absent for an empty list.
pub(super) fn last<'a>(machine: &mut Machine<'_, 'a>, x: &Val<'a>) -> Val<'a> {
    match machine.items(x) {
        Err(unknown) => unknown,
        Ok(items) => match items.partial {
            Some(why) => Val::Unknown(why),
            None => items.len().checked_sub(1).map_or(Val::Absent, |n| items.get(n)),
        },
    }
}

/// The value with the first letter of every member's name, at every depth, as a capital: many
/// services answer `roleArn` where `CloudFormation` writes `RoleArn`.
pub(super) fn pascal<'a>(machine: &mut Machine<'_, 'a>, x: &Val<'a>) -> Val<'a> {
    match crate::expression::json::to_json(x) {
        Err(why) => Val::Unknown(why),
        Ok(value) => {
            let value = value.unwrap_or_default();
            match machine.spend(weight(&value)) {
                Ok(()) => Val::owned(capitalized(value)),
                Err(exhausted) => exhausted,
            }
        }
    }
}

fn weight(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(members) => members.values().map(weight).sum(),
        Value::String(text) => text.len() / 32,
        _ => 0,
    }
}

fn capitalized(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(capitalized).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(key, member)| {
                let mut letters = key.chars();
                let first = letters.next().map(|letter| letter.to_ascii_uppercase());
                let key: String = first.into_iter().chain(letters).collect();
                (key, capitalized(member))
            })
            .collect::<Map<_, _>>()
            .into(),
        scalar => scalar,
    }
}

/// A scalar or map becomes a list of itself, a list stays, what is absent becomes an empty list:
/// policies write one string where they could write a list of one.
pub(super) fn list<'a>(x: &Val<'a>) -> Val<'a> {
    match x {
        Val::Absent => Val::list(Vec::new()),
        Val::Array(..) | Val::List(_) | Val::Listing(_) => x.clone(),
        Val::Hole(_) => x.causes().map_or(Val::Absent, Val::Unknown),
        Val::Unknown(_) => x.clone(),
        single => Val::list(vec![single.clone()]),
    }
}

/// The elements of the elements; an element that is no list is kept.
pub(super) fn flatten<'a>(machine: &mut Machine<'_, 'a>, x: &Val<'a>) -> Val<'a> {
    let outer = match items(machine, x) {
        Ok(items) => items,
        Err(unknown) => return unknown,
    };
    let mut flat = builder(&outer);
    for n in 0..outer.len() {
        match outer.get(n) {
            list @ (Val::Array(..) | Val::List(_) | Val::Listing(_)) => {
                let inner = match items(machine, &list) {
                    Ok(items) => items,
                    Err(unknown) => return unknown,
                };
                if let Some(why) = &inner.partial {
                    flat.maybe(Rc::clone(why));
                }
                (0..inner.len()).for_each(|n| flat.push(inner.get(n)));
            }
            other => flat.push(other),
        }
    }
    flat.finish()
}

/// The elements without repeats, in order of their first occurrence.
pub(super) fn unique<'a>(machine: &mut Machine<'_, 'a>, x: &Val<'a>) -> Val<'a> {
    let all = match items(machine, x) {
        Ok(items) => items,
        Err(unknown) => return unknown,
    };
    let mut list = builder(&all);
    let mut kept: Vec<Val<'a>> = Vec::new();
    'elements: for n in 0..all.len() {
        let item = all.get(n);
        if let Err(exhausted) = machine.spend(kept.len() / 4) {
            return exhausted;
        }
        for other in &kept {
            match operators::equal(machine, other, &item) {
                Val::Bool(true) => continue 'elements,
                Val::Unknown(why) => {
                    list.maybe(why);
                    continue 'elements;
                }
                _ => {}
            }
        }
        kept.push(item);
    }
    kept.into_iter().for_each(|item| list.push(item));
    list.finish()
}

/// The members of both maps; the second wins. What is absent counts as an empty map.
pub(super) fn merge<'a>(machine: &mut Machine<'_, 'a>, x: &Val<'a>, y: &Val<'a>) -> Val<'a> {
    let mut merged = MapVal::default();
    for side in [x, y] {
        if let Some(why) = side.causes() {
            return Val::Unknown(why);
        }
        if !matches!(side, Val::Absent | Val::Object(..) | Val::Tags(..) | Val::Map(_)) {
            return mismatch("merge", side);
        }
        let keys = match items(machine, side) {
            Ok(items) => items,
            Err(unknown) => return unknown,
        };
        // A member that may be there would replace one of the other side.
        if let Some(why) = keys.partial {
            return Val::Unknown(why);
        }
        for n in 0..keys.len() {
            let key = keys.get(n);
            let Some(name) = key.as_text() else { return mismatch("merge", &key) };
            let value = machine.member(side, name);
            if let Err(exhausted) = machine.spend(merged.entries.len() / 8) {
                return exhausted;
            }
            match merged.entries.iter_mut().find(|(other, _)| other.as_text() == Some(name)) {
                Some((_, old)) => *old = value,
                None => merged.entries.push((key, value)),
            }
        }
    }
    Val::Map(Rc::new(merged))
}

/// The names of the members.
pub(super) fn keys<'a>(machine: &mut Machine<'_, 'a>, x: &Val<'a>) -> Val<'a> {
    members(machine, x, "keys", |key, _| key)
}

/// The values of the members.
pub(super) fn values<'a>(machine: &mut Machine<'_, 'a>, x: &Val<'a>) -> Val<'a> {
    members(machine, x, "values", |_, value| value)
}

/// The members as a list of `{key, value}`.
pub(super) fn entries<'a>(machine: &mut Machine<'_, 'a>, x: &Val<'a>) -> Val<'a> {
    members(machine, x, "entries", |key, value| {
        Val::Map(Rc::new(MapVal {
            entries: vec![(Val::Str("key"), key), (Val::Str("value"), value)],
            partial: None,
        }))
    })
}

fn members<'a>(
    machine: &mut Machine<'_, 'a>,
    x: &Val<'a>,
    function: &str,
    make: impl Fn(Val<'a>, Val<'a>) -> Val<'a>,
) -> Val<'a> {
    if !matches!(x, Val::Object(..) | Val::Tags(..) | Val::Map(_)) {
        return mismatch(function, x);
    }
    let keys = match items(machine, x) {
        Ok(items) => items,
        Err(unknown) => return unknown,
    };
    let mut list = builder(&keys);
    for n in 0..keys.len() {
        let key = keys.get(n);
        let value = key.as_text().map_or(Val::Absent, |name| machine.member(x, name));
        list.push(make(key.clone(), value));
    }
    list.finish()
}

/// The texts of a list, with a separator between them.
pub(super) fn join_texts<'a>(
    machine: &mut Machine<'_, 'a>,
    x: &Val<'a>,
    separator: &str,
) -> Val<'a> {
    let all = match items(machine, x) {
        Ok(items) => items,
        Err(unknown) => return unknown,
    };
    let mut unknown = all.partial.clone();
    let mut joined = String::new();
    for n in 0..all.len() {
        let item = all.get(n);
        if let Some(why) = item.causes() {
            unknown = Some(join(unknown, why));
            continue;
        }
        let Some(text) = item.as_text() else { return mismatch("join", &item) };
        if let Err(exhausted) = machine.spend((separator.len() + text.len()) / 32) {
            return exhausted;
        }
        if n > 0 {
            joined.push_str(separator);
        }
        joined.push_str(text);
    }
    unknown.map_or_else(|| Val::Text(joined.into()), Val::Unknown)
}
