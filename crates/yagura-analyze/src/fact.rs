//! The table of facts: which types have which, and what each rests on.
//! How a fact is worked out is in `policy/`, `network/` and `logs/`.

use serde_json::{Map, Value};
use yagura_model::{Path, Resource, Step, Truth, Unread};

use crate::surroundings::Surroundings;
use crate::{logs, network, policy};

/// Facts of one resource, to be read as `resource.facts`.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// A map of them by name.
    pub values: Value,
    /// What could not be worked out: paths begin with `facts.`.
    pub unread: Vec<Unread>,
}

/// One fact of one type.
#[derive(Clone, Copy, Debug)]
pub struct FactSource {
    /// The type that has the fact.
    pub type_name: &'static str,
    /// The names it gives, which are worked out together.
    pub names: &'static [&'static str],
    /// The attributes of the resource itself that it rests on, as dotted paths.
    pub reads: &'static [&'static str],
    /// The types it looks at beside the resource, with their attributes.
    pub neighbors: &'static [(&'static str, &'static [&'static str])],
    /// The computation.
    compute: fn(&Self, &Resource, &dyn Surroundings, &mut Facts),
}

/// Every fact of every type.
pub const FACTS: &[&[FactSource]] = &[
    policy::PUBLIC_ACCESS,
    policy::TRUST,
    policy::EXTERNAL_ACCESS,
    policy::SHARING,
    policy::ADMINISTRATORS,
    policy::REMARKS,
    policy::ESCALATIONS,
    policy::DUTIES,
    policy::ACTIVITY,
    policy::GUARDRAILS,
    network::FACTS,
    logs::FACTS,
];

/// The facts of a type.
pub fn fact_sources(type_name: &str) -> impl Iterator<Item = &'static FactSource> {
    FACTS.iter().copied().flatten().filter(move |source| source.type_name == type_name)
}

/// Works out the facts of a resource whose names `wanted` says yes to.
pub fn facts_of(
    resource: &Resource,
    surroundings: &dyn Surroundings,
    wanted: &dyn Fn(&str) -> bool,
) -> Facts {
    let mut facts = Facts::default();
    for source in fact_sources(&resource.type_name) {
        if source.names.iter().any(|name| wanted(name)) {
            source.compute(resource, surroundings, &mut facts);
        }
    }
    facts
}

impl FactSource {
    pub(crate) const fn new(
        type_name: &'static str,
        names: &'static [&'static str],
        reads: &'static [&'static str],
        compute: fn(&Self, &Resource, &dyn Surroundings, &mut Facts),
    ) -> Self {
        Self { type_name, names, reads, neighbors: &[], compute }
    }

    pub(crate) const fn beside(
        self,
        neighbors: &'static [(&'static str, &'static [&'static str])],
    ) -> Self {
        Self { neighbors, ..self }
    }

    fn compute(&self, resource: &Resource, surroundings: &dyn Surroundings, facts: &mut Facts) {
        (self.compute)(self, resource, surroundings, facts);
    }
}

impl Default for Facts {
    fn default() -> Self {
        Self { values: Value::Object(Map::new()), unread: Vec::new() }
    }
}

impl Facts {
    /// These facts, with some replaced by values stated elsewhere (in the case of a control).
    #[must_use]
    pub fn with(mut self, given: &Map<String, Value>) -> Self {
        for (name, value) in given {
            self.set(name, value.clone());
            let covered = Path::of_keys(["facts", name]);
            self.unread.retain(|unread| !covered.covers(&unread.path));
        }
        self
    }

    /// Sets a fact.
    pub(crate) fn set(&mut self, name: &str, value: Value) {
        if let Value::Object(values) = &mut self.values {
            values.insert(name.to_owned(), value);
        }
    }

    /// Says that a fact, or a member of it, is unread for the given reasons.
    pub(crate) fn unread<'u>(
        &mut self,
        path: &[&str],
        partial: bool,
        because: impl IntoIterator<Item = &'u Unread>,
    ) {
        for unread in because {
            let steps = std::iter::once("facts").chain(path.iter().copied());
            self.unread.push(Unread {
                path: Path(steps.map(|key| Step::Key(key.to_owned())).collect()),
                partial,
                ..unread.clone()
            });
        }
    }
}

/// A yes or no that may rest on unread parts: true once anything says so, false only when
/// everything was read.
#[derive(Debug, Default)]
pub(crate) struct Question {
    /// What said yes, in words for a person.
    pub(crate) via: Vec<String>,
    /// What was not read.
    pub(crate) unread: Vec<Unread>,
}

impl Question {
    pub(crate) fn answer(&self) -> Truth {
        if !self.via.is_empty() {
            Truth::True
        } else if self.unread.is_empty() {
            Truth::False
        } else {
            Truth::Unknown
        }
    }

    /// States the answer as `{any, via}` below a fact's name.
    pub(crate) fn state(&self, name: &str, facts: &mut Facts) {
        let mut members = Map::new();
        if self.answer() != Truth::Unknown {
            members.insert("any".to_owned(), Value::Bool(!self.via.is_empty()));
        }
        members.insert("via".to_owned(), self.via.iter().cloned().map(Value::String).collect());
        facts.set(name, Value::Object(members));
        if self.answer() == Truth::Unknown {
            facts.unread(&[name, "any"], false, &self.unread);
        }
        facts.unread(&[name, "via"], true, &self.unread);
    }

    /// States one more yes or no as a member of a fact.
    pub(crate) fn state_member(&self, name: &str, member: &str, facts: &mut Facts) {
        if self.answer() == Truth::Unknown {
            facts.unread(&[name, member], false, &self.unread);
        } else if let Some(Value::Object(members)) = facts.values.get_mut(name) {
            members.insert(member.to_owned(), Value::Bool(!self.via.is_empty()));
        }
    }
}
