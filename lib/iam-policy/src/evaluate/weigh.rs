//! What one layer of policies says of a request: which statements hold, which hang on the unknown.
//! How layers limit one another is decided beside this file.

use super::{Layer, Remaining, StatementRef};
use crate::context::Scope;
use crate::policy::{Effect, Policy, Statement};
use crate::principal::Named;
use crate::truth::Truth;

/// A statement that holds or may hold.
struct Found<'a> {
    policy: usize,
    index: usize,
    statement: &'a Statement,
    truth: Truth,
}

/// One layer (or one level of it), weighed.
pub(super) struct Weighed<'a> {
    pub(super) layer: Layer,
    level: Option<&'a str>,
    pub(super) allow: Truth,
    pub(super) deny: Truth,
    /// Allowed by a statement that names the caller itself, or everybody.
    pub(super) itself: Truth,
    /// Allowed by a statement that names the role or user behind the session.
    pub(super) parent: Truth,
    /// Allowed by a statement that names the caller's account.
    pub(super) account: Truth,
    found: Vec<Found<'a>>,
}

impl<'a> Weighed<'a> {
    fn new(layer: Layer, level: Option<&'a str>) -> Self {
        Self {
            layer,
            level,
            allow: Truth::False,
            deny: Truth::False,
            itself: Truth::False,
            parent: Truth::False,
            account: Truth::False,
            found: Vec::new(),
        }
    }

    fn add(&mut self, named: Named, found: Found<'a>) {
        let truth = found.truth;
        match found.statement.effect {
            Effect::Deny => self.deny = self.deny.or(truth),
            Effect::Allow => {
                self.allow = self.allow.or(truth);
                match named {
                    Named::Itself => self.itself = self.itself.or(truth),
                    Named::Parent => self.parent = self.parent.or(truth),
                    Named::Account => self.account = self.account.or(truth),
                    Named::No => {}
                }
            }
        }
        self.found.push(found);
    }

    fn reference(&self, found: &Found<'_>) -> StatementRef {
        StatementRef {
            layer: self.layer,
            level: self.level.map(str::to_owned),
            policy: found.policy,
            statement: found.index,
            sid: found.statement.sid.clone(),
            effect: found.statement.effect,
            position: found.statement.position,
        }
    }

    /// The statements of an effect that hold.
    pub(super) fn held(&self, effect: Effect) -> impl Iterator<Item = StatementRef> + '_ {
        self.found
            .iter()
            .filter(move |found| found.statement.effect == effect && found.truth == Truth::True)
            .map(|found| self.reference(found))
    }

    /// The undecided conditions of the statements that may hold. Those of an `Allow` do not matter
    /// where another statement of the layer allows anyway.
    pub(super) fn remaining(&self, scope: &Scope<'_>) -> Vec<Remaining> {
        let mut remaining = Vec::new();
        for found in self.found.iter().filter(|found| found.truth == Truth::Depends) {
            let needed = found.statement.effect == Effect::Deny || self.allow != Truth::True;
            for condition in found.statement.conditions.iter().filter(|_| needed) {
                if condition.holds(scope) == Truth::Depends {
                    remaining.push(Remaining {
                        statement: self.reference(found),
                        operator: condition.operator_text.clone(),
                        key: condition.key.clone(),
                        values: condition.values.clone(),
                    });
                }
            }
        }
        remaining
    }
}

/// Whether policies name the principals they speak of.
#[derive(Clone, Copy)]
pub(super) enum Principals {
    /// They belong to the caller, or stand above it.
    Unnamed,
    /// They belong to a resource. A role-trust policy has no `Resource`: it speaks of the role it
    /// belongs to.
    Named {
        /// Whether the caller has a permissions boundary.
        has_boundary: bool,
    },
}

/// Weighs the policies of a layer, or of one level of it.
pub(super) fn weigh<'a>(
    layer: Layer,
    level: Option<&'a str>,
    policies: &'a [&'a Policy],
    scope: &Scope<'_>,
    principals: Principals,
) -> Weighed<'a> {
    let mut weighed = Weighed::new(layer, level);
    for (policy, document) in policies.iter().enumerate() {
        for (index, statement) in document.statements.iter().enumerate() {
            let (named, without_resource) = match principals {
                Principals::Unnamed => (Named::No, Truth::False),
                Principals::Named { has_boundary } => match statement.names(scope, has_boundary) {
                    Named::No => continue,
                    named => (named, Truth::True),
                },
            };
            let truth = statement.applies(scope, without_resource);
            if truth != Truth::False {
                weighed.add(named, Found { policy, index, statement, truth });
            }
        }
    }
    weighed
}
