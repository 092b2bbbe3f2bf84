//! Walks the compiled tree: members, logic and comprehensions, in three values.
//! Comparison and arithmetic are in `operators.rs`, functions in `functions/`.

use std::rc::Rc;

use serde_json::Value;
use yagura_model::Resource;

use super::env::Env;
use super::items::Items;
use super::operators;
use super::scope::Root;
use super::tree::{Loop, LoopKind, Node, Reach};
use super::unread::{Marks, NOT_REQUESTED, UnreadIndex};
use super::value::{Causes, ListBuilder, Val, causes, child, join};

/// One evaluation.
pub(crate) struct Machine<'e, 'a> {
    env: &'e Env<'a>,
    locals: Vec<Val<'a>>,
    fuel: u64,
}

/// Evaluates a tree.
pub(crate) fn run<'a>(node: &'a Node, env: &Env<'a>) -> Val<'a> {
    let mut machine = Machine { env, locals: Vec::new(), fuel: env.fuel };
    let value = machine.eval(node);
    // An evaluation that ran out of steps has not looked at everything, so that even `false &&`
    // in front of the part it did not reach could be an accident of the order.
    if machine.fuel == 0 { out_of_fuel() } else { value }
}

/// A value as a condition: a `Bool` or an `Unknown`.
pub(crate) fn truth(value: Val<'_>) -> Val<'_> {
    match value {
        Val::Bool(_) | Val::Unknown(_) => value,
        Val::Absent => Val::Bool(false),
        Val::Hole(_) => value.causes().map_or(Val::Absent, Val::Unknown),
        other => Val::problem(format!("a condition is a `{}`, not true or false", other.kind())),
    }
}

fn out_of_fuel<'a>() -> Val<'a> {
    Val::problem("the expression took too many steps")
}

impl<'a> Machine<'_, 'a> {
    /// Takes steps.
    ///
    /// # Errors
    /// The unknown that stands for the result once no steps are left.
    pub(crate) fn spend(&mut self, steps: usize) -> Result<(), Val<'a>> {
        self.fuel = self.fuel.saturating_sub(steps as u64);
        if self.fuel == 0 { Err(out_of_fuel()) } else { Ok(()) }
    }

    pub(crate) fn eval(&mut self, node: &'a Node) -> Val<'a> {
        if let Err(exhausted) = self.spend(1) {
            return exhausted;
        }
        match node {
            Node::Bool(value) => Val::Bool(*value),
            Node::Int(value) => Val::Int(*value),
            Node::Double(value) => Val::Double(*value),
            Node::Text(text) => Val::Str(text),
            Node::Null => Val::Absent,
            Node::Problem(message) => Val::problem(message),
            Node::Root(root) => self.env.root(*root),
            Node::Local(place) => self.locals.get(*place).cloned().unwrap_or(Val::Absent),
            Node::Select(base, key) => {
                let base = self.eval(base);
                self.member(&base, key)
            }
            Node::Has(select) => match self.eval(select) {
                Val::Absent => Val::Bool(false),
                value => value.causes().map_or(Val::Bool(true), Val::Unknown),
            },
            Node::Index(base, index) => {
                let (base, index) = (self.eval(base), self.eval(index));
                self.index(&base, &index)
            }
            Node::And(parts) => self.connect(parts, false),
            Node::Or(parts) => self.connect(parts, true),
            Node::Conditional(parts) => self.conditional(parts),
            Node::Loop(looping) => self.comprehension(looping),
            Node::List(parts) => {
                let mut list = ListBuilder::default();
                parts.iter().for_each(|part| list.push(self.eval(part)));
                list.finish()
            }
            Node::Map(entries) => self.map(entries),
            Node::Neighbors(reach, arguments) => self.reach(reach, arguments),
            other => self.operate(other),
        }
    }

    /// Operators and functions.
    fn operate(&mut self, node: &'a Node) -> Val<'a> {
        match node {
            Node::Not(operand) => match truth(self.eval(operand)) {
                Val::Bool(value) => Val::Bool(!value),
                unknown => unknown,
            },
            Node::Negate(operand) => {
                let value = self.eval(operand);
                operators::negate(&value)
            }
            Node::Compare(comparison, left, right) => {
                let (left, right) = (self.eval(left), self.eval(right));
                operators::compare(self, *comparison, &left, &right)
            }
            Node::Arithmetic(operation, left, right) => {
                let (left, right) = (self.eval(left), self.eval(right));
                operators::arithmetic(self, *operation, &left, &right)
            }
            Node::In(needle, haystack) => {
                let (needle, haystack) = (self.eval(needle), self.eval(haystack));
                self.is_in(&needle, &haystack)
            }
            Node::Matches(operand, pattern) => {
                let value = self.eval(operand);
                self.matches(&value, pattern)
            }
            Node::Call(function, arguments) => {
                let values: smallvec::SmallVec<[Val<'a>; 3]> =
                    arguments.iter().map(|argument| self.eval(argument)).collect();
                function.call(self, &values)
            }
            _ => Val::Absent,
        }
    }

    /// `&&` and `||`: the first operand that is `decisive` decides, whatever is unknown.
    fn connect(&mut self, parts: &'a [Node], decisive: bool) -> Val<'a> {
        let mut unknown: Option<Causes<'a>> = None;
        for part in parts {
            match truth(self.eval(part)) {
                Val::Bool(value) if value == decisive => return Val::Bool(decisive),
                Val::Unknown(why) => unknown = Some(join(unknown, why)),
                _ => {}
            }
        }
        unknown.map_or(Val::Bool(!decisive), Val::Unknown)
    }

    fn conditional(&mut self, [condition, yes, no]: &'a [Node; 3]) -> Val<'a> {
        match truth(self.eval(condition)) {
            Val::Bool(true) => self.eval(yes),
            Val::Bool(false) => self.eval(no),
            unknown => match (self.eval(yes), self.eval(no)) {
                // Both ways lead to the same place.
                (Val::Bool(yes), Val::Bool(no)) if yes == no => Val::Bool(yes),
                _ => unknown,
            },
        }
    }

    /// A member by name. A member of what is absent, or of what has no members, is absent.
    pub(crate) fn member(&mut self, base: &Val<'a>, key: &str) -> Val<'a> {
        match base {
            Val::Object(members, None) => members.get(key).map_or(Val::Absent, Val::plain),
            Val::Object(members, marks) => {
                self.marked_member(marks.as_ref(), key, members.get(key))
            }
            Val::Resource(resource, marks) => self.resource_member(resource, marks.as_ref(), key),
            Val::Tags(tags, marks) => match child(marks.as_ref(), key) {
                Ok(None) => match tags.get(key) {
                    Some(value) => Val::Str(value),
                    None => partial_here(marks.as_ref()),
                },
                Ok(Some(marks)) => Val::from_json(None, Some(marks)),
                Err(unknown) => unknown,
            },
            Val::Hole(marks) => self.marked_member(Some(marks), key, None),
            Val::Map(map) => {
                if let Err(exhausted) = self.spend(map.entries.len() / 8) {
                    return exhausted;
                }
                let found = map.entries.iter().find(|(name, _)| name.as_text() == Some(key));
                match (found, &map.partial) {
                    (Some((_, value)), _) => value.clone(),
                    (None, Some(why)) => Val::Unknown(Rc::clone(why)),
                    (None, None) => Val::Absent,
                }
            }
            Val::Unknown(why) => Val::Unknown(Rc::clone(why)),
            // A policy's `Principal` is "*" or a map: what has no members lacks this one.
            _ => Val::Absent,
        }
    }

    fn marked_member(
        &self,
        marks: Option<&Marks<'a>>,
        key: &str,
        value: Option<&'a Value>,
    ) -> Val<'a> {
        match child(marks, key) {
            // A map that was read in part may hold more members than were seen.
            Ok(None) if value.is_none() => partial_here(marks),
            Ok(marks) => Val::from_json(value, marks),
            Err(unknown) => unknown,
        }
    }

    fn resource_member(
        &self,
        resource: &'a Resource,
        marks: Option<&Marks<'a>>,
        key: &str,
    ) -> Val<'a> {
        // What identifies a resource is read with its listing, so it is there or there is no
        // resource.
        match key {
            "key" => return Val::Str(&resource.key),
            "id" => return Val::Str(&resource.id),
            "type" => return Val::Str(&resource.type_name),
            "account" => return Val::Str(&resource.account),
            "region" => return Val::Str(&resource.region),
            "arn" => return resource.arn.as_deref().map_or(Val::Absent, Val::Str),
            "facts" => return self.facts(resource),
            _ => {}
        }
        let marks = match marks {
            None if !resource.unread.is_empty() => UnreadIndex::marks(&resource.unread),
            marks => marks.cloned(),
        };
        if let Some(marks) = &marks
            && marks.here().next().is_some()
        {
            return Val::unread(marks.here());
        }
        let marks = match child(marks.as_ref(), key) {
            Ok(marks) => marks,
            Err(unknown) => return unknown,
        };
        if let Some(marks) = &marks
            && marks.here().any(|unread| !unread.partial)
        {
            return Val::unread(marks.here());
        }
        match key {
            "properties" => Val::Object(&resource.properties, marks),
            "runtime" => Val::Object(&resource.runtime, marks),
            "tags" => Val::Tags(&resource.tags, marks),
            "name" => Val::Str(&resource.name),
            other => Val::problem(format!("a resource has no member `{other}`")),
        }
    }

    fn facts(&self, resource: &'a Resource) -> Val<'a> {
        let neighbors = self.env.neighbors;
        match neighbors.facts(resource) {
            None => Val::unread([&NOT_REQUESTED]),
            Some(facts) => {
                let marks = match child(UnreadIndex::marks(facts.unread).as_ref(), "facts") {
                    Ok(marks) => marks,
                    Err(unknown) => return unknown,
                };
                Val::from_json(Some(facts.value), marks)
            }
        }
    }

    fn index(&mut self, base: &Val<'a>, index: &Val<'a>) -> Val<'a> {
        if let Some(key) = index.as_text() {
            return self.member(base, key);
        }
        if let Some(why) = index.causes().or_else(|| base.causes()) {
            return Val::Unknown(why);
        }
        match (base, index) {
            (Val::Absent, _) | (_, Val::Absent) => Val::Absent,
            (Val::Map(map), index) => map
                .entries
                .iter()
                .find(|(key, _)| operators::same_scalar(key, index))
                .map_or(Val::Absent, |(_, value)| value.clone()),
            (base, Val::Int(index)) => match self.items(base) {
                Err(unknown) => unknown,
                Ok(items) => match items.partial {
                    Some(why) => Val::Unknown(why),
                    None => usize::try_from(*index).map_or(Val::Absent, |index| items.get(index)),
                },
            },
            (base, index) => Val::problem(format!(
                "a `{}` cannot be indexed by a `{}`",
                base.kind(),
                index.kind()
            )),
        }
    }

    fn comprehension(&mut self, looping: &'a Loop) -> Val<'a> {
        let over = self.eval(&looping.over);
        let items = match self.items(&over) {
            Ok(items) => items,
            Err(unknown) => return unknown,
        };
        match looping.kind {
            LoopKind::Exists => self.quantify(looping, &items, true),
            LoopKind::All => self.quantify(looping, &items, false),
            LoopKind::ExistsOne => self.exists_one(looping, &items),
            LoopKind::Map => self.map_items(looping, &items),
        }
    }

    /// The value of a comprehension's body for one element.
    fn body(&mut self, looping: &'a Loop, node: &'a Node, item: Val<'a>) -> Val<'a> {
        self.locals.truncate(looping.local);
        self.locals.push(item);
        let value = self.eval(node);
        self.locals.truncate(looping.local);
        value
    }

    /// `exists` (an element that is true decides) and `all` (one that is false decides).
    fn quantify(&mut self, looping: &'a Loop, items: &Items<'a>, decisive: bool) -> Val<'a> {
        let mut unknown = items.partial.clone();
        for n in 0..items.len() {
            match truth(self.body(looping, &looping.body, items.get(n))) {
                Val::Bool(value) if value == decisive => return Val::Bool(decisive),
                Val::Unknown(why) => unknown = Some(join(unknown, why)),
                _ => {}
            }
            if self.fuel == 0 {
                return out_of_fuel();
            }
        }
        unknown.map_or(Val::Bool(!decisive), Val::Unknown)
    }

    fn exists_one(&mut self, looping: &'a Loop, items: &Items<'a>) -> Val<'a> {
        let mut unknown = items.partial.clone();
        let mut count = 0;
        for n in 0..items.len() {
            match truth(self.body(looping, &looping.body, items.get(n))) {
                Val::Bool(value) => count += usize::from(value),
                Val::Unknown(why) => unknown = Some(join(unknown, why)),
                _ => {}
            }
            if count > 1 {
                return Val::Bool(false);
            }
            if self.fuel == 0 {
                return out_of_fuel();
            }
        }
        unknown.map_or(Val::Bool(count == 1), Val::Unknown)
    }

    fn map_items(&mut self, looping: &'a Loop, items: &Items<'a>) -> Val<'a> {
        let mut list = ListBuilder::default();
        if let Some(why) = items.partial.clone() {
            list.maybe(why);
        }
        for n in 0..items.len() {
            let item = items.get(n);
            if let Some(condition) = &looping.condition {
                match truth(self.body(looping, condition, item.clone())) {
                    Val::Bool(true) => {}
                    Val::Unknown(why) => {
                        list.maybe(why);
                        continue;
                    }
                    _ => continue,
                }
            }
            list.push(self.body(looping, &looping.body, item));
            if let Err(exhausted) = self.spend(4) {
                return exhausted;
            }
        }
        list.finish()
    }

    fn map(&mut self, entries: &'a [(Node, Node)]) -> Val<'a> {
        let mut map = super::value::MapVal::default();
        for (key, value) in entries {
            let key = match self.eval(key) {
                Val::Absent => continue,
                key => key,
            };
            if let Some(why) = key.causes() {
                map.partial = Some(join(map.partial.take(), why));
                continue;
            }
            let value = match self.eval(value) {
                Val::Absent => continue,
                Val::Hole(marks) => Val::Unknown(causes(marks.all().iter().copied())),
                value => value,
            };
            map.entries.push((key, value));
        }
        Val::Map(Rc::new(map))
    }

    pub(crate) fn is_in(&mut self, needle: &Val<'a>, haystack: &Val<'a>) -> Val<'a> {
        if let Some(why) = needle.causes() {
            return Val::Unknown(why);
        }
        if let (Val::Object(..) | Val::Tags(..) | Val::Map(_) | Val::Hole(_), Some(key)) =
            (haystack, needle.as_text())
        {
            return match self.member(haystack, key) {
                Val::Absent => Val::Bool(false),
                value => value.causes().map_or(Val::Bool(true), Val::Unknown),
            };
        }
        let items = match self.items(haystack) {
            Ok(items) => items,
            Err(unknown) => return unknown,
        };
        let mut unknown = items.partial.clone();
        if !matches!(needle, Val::Absent) {
            for n in 0..items.len() {
                match operators::equal(self, needle, &items.get(n)) {
                    Val::Bool(true) => return Val::Bool(true),
                    Val::Unknown(why) => unknown = Some(join(unknown, why)),
                    _ => {}
                }
            }
        } else {
            return Val::Bool(false);
        }
        unknown.map_or(Val::Bool(false), Val::Unknown)
    }

    pub(crate) fn matches(&mut self, value: &Val<'a>, pattern: &regex::Regex) -> Val<'a> {
        if let Some(why) = value.causes() {
            return Val::Unknown(why);
        }
        match value {
            Val::Absent => Val::Absent,
            value => match value.as_text() {
                Some(text) => match self.spend(text.len() / 64) {
                    Ok(()) => Val::Bool(pattern.is_match(text)),
                    Err(exhausted) => exhausted,
                },
                None => super::functions::mismatch("matches", value),
            },
        }
    }

    fn reach(&mut self, reach: &Reach, arguments: &'a [Node]) -> Val<'a> {
        let neighbors = self.env.neighbors;
        let of = match arguments.first() {
            Some(node) => self.eval(node),
            None => self.env.root(Root::Resource),
        };
        let (resource, marks) = match &of {
            Val::Resource(resource, marks) => (*resource, marks),
            Val::Absent => return Val::list(Vec::new()),
            other => {
                return other.causes().map_or_else(
                    || Val::problem(format!("a `{}` has no neighbors", other.kind())),
                    Val::Unknown,
                );
            }
        };
        let listing = match reach {
            Reach::Account(type_name) => neighbors.in_account(resource, type_name),
            Reach::Region(type_name) => neighbors.in_region(resource, type_name),
            Reach::Organization(type_name) => neighbors.in_organization(type_name),
            Reach::Referring { type_name, relation } => {
                neighbors.referring(resource, type_name, relation)
            }
            Reach::Related(relation) => {
                if let Some(unknown) = unread_relation(resource, marks.as_ref(), relation) {
                    return unknown;
                }
                neighbors.related(resource, relation)
            }
        };
        match self.spend(listing.resources.len() / 16) {
            Ok(()) => Val::Listing(Rc::new(listing)),
            Err(exhausted) => exhausted,
        }
    }
}

/// The unknown that stands for a relation that was not read.
fn unread_relation<'a>(
    resource: &'a Resource,
    marks: Option<&Marks<'a>>,
    relation: &str,
) -> Option<Val<'a>> {
    let marks = match marks {
        None => UnreadIndex::marks(&resource.unread)?,
        Some(marks) => marks.clone(),
    };
    if marks.here().next().is_some() {
        return Some(Val::unread(marks.here()));
    }
    let relations = match child(Some(&marks), "relations") {
        Ok(relations) => relations?,
        Err(unknown) => return Some(unknown),
    };
    if relations.here().next().is_some() {
        return Some(Val::unread(relations.here()));
    }
    match child(Some(&relations), relation) {
        Ok(marks) => marks.map(|marks| Val::unread(marks.all().iter().copied())),
        Err(unknown) => Some(unknown),
    }
}

/// What an absent member of a map is: unknown when the map was read in part.
fn partial_here<'a>(marks: Option<&Marks<'a>>) -> Val<'a> {
    marks.and_then(causes_here).map_or(Val::Absent, Val::Unknown)
}

pub(crate) fn causes_here<'a>(marks: &Marks<'a>) -> Option<Causes<'a>> {
    marks.here().next().is_some().then(|| causes(marks.here()))
}
