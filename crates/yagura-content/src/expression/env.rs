//! What the variables of an expression hold while it is evaluated.
//! Which variables a place knows is told in `scope.rs`.

use jiff::Timestamp;
use serde_json::Value;
use yagura_model::{Resource, Unread};

use super::neighbors::{Neighbors, NoNeighbors};
use super::scope::Root;
use super::unread::UnreadIndex;
use super::value::Val;

/// The variables of an expression. Made once per resource, and cheap to bind anew.
///
/// A variable that is not bound is absent.
pub struct Env<'a> {
    roots: [Val<'a>; Root::COUNT],
    pub(crate) resource: Option<&'a Resource>,
    pub(crate) neighbors: &'a dyn Neighbors,
    pub(crate) fuel: u64,
}

/// Steps one evaluation may take: enough to look at every resource of a large organization once,
/// far too little for nested loops over a hostile list to hold a worker for a minute.
pub(crate) const FUEL: u64 = 20_000_000;

impl<'a> Env<'a> {
    /// For the mappings of a resource file: nothing is bound, and there are no neighbors.
    pub fn mapping() -> Self {
        Self {
            roots: [const { Val::Absent }; Root::COUNT],
            resource: None,
            neighbors: &NoNeighbors,
            fuel: FUEL,
        }
    }

    /// For `when` and `require` of a control on one resource.
    pub fn control(resource: &'a Resource, neighbors: &'a dyn Neighbors, now: Timestamp) -> Self {
        let mut env = Self::mapping();
        env.resource = Some(resource);
        env.neighbors = neighbors;
        env.set(Root::Resource, Val::Resource(resource, UnreadIndex::marks(&resource.unread)));
        env.set(Root::Now, Val::Time(now));
        env
    }

    /// Binds a variable to a value that was read whole.
    #[must_use]
    pub fn bind(mut self, root: Root, value: &'a Value) -> Self {
        self.set(root, Val::plain(value));
        self
    }

    /// Binds a variable to a value of which parts were not read; paths start at the value.
    #[must_use]
    pub fn bind_unread(mut self, root: Root, value: &'a Value, unread: &'a [Unread]) -> Self {
        self.set(root, Val::from_json(Some(value), UnreadIndex::marks(unread)));
        self
    }

    /// Binds a variable to a text.
    #[must_use]
    pub fn bind_text(mut self, root: Root, text: &'a str) -> Self {
        self.set(root, Val::Str(text));
        self
    }

    /// Binds `parent` (or another variable) to a resource.
    #[must_use]
    pub fn bind_resource(mut self, root: Root, resource: &'a Resource) -> Self {
        self.set(root, Val::Resource(resource, UnreadIndex::marks(&resource.unread)));
        self
    }

    /// Binds the scan's time.
    #[must_use]
    pub fn bind_now(mut self, now: Timestamp) -> Self {
        self.set(Root::Now, Val::Time(now));
        self
    }

    /// Limits the steps of each evaluation; the default is enough for any sensible expression.
    #[must_use]
    pub fn with_fuel(mut self, steps: u64) -> Self {
        self.fuel = steps;
        self
    }

    fn set(&mut self, root: Root, value: Val<'a>) {
        if let Some(slot) = self.roots.get_mut(root as usize) {
            *slot = value;
        }
    }

    pub(crate) fn root(&self, root: Root) -> Val<'a> {
        self.roots.get(root as usize).cloned().unwrap_or(Val::Absent)
    }
}
