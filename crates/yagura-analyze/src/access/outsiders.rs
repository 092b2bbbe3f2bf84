//! Those beyond the inventory whom a resource's policy lets in: everybody, other accounts,
//! services, identity providers.
//! What their own account allows them nobody here can know; it is taken to allow everything.

use iam_policy::{Effect, Principal};

use super::World;
use super::guarded::Guard;
use super::question::{Answer, Ask, Verdict};

/// Somebody outside.
#[derive(Clone, Debug)]
pub struct Outsider {
    /// As the policy names it: `*`, an ARN, a service, a provider.
    pub principal: String,
    /// The answer for them.
    pub answer: Answer,
}

impl World {
    /// Everybody outside the inventory whom the resource's policy lets do it. Accounts of the
    /// inventory are not outside: their users and roles are answered one by one.
    pub fn outsiders(&self, ask: &Ask<'_>) -> Vec<Outsider> {
        let Guard::Known(guarded) = self.guard(ask.action, ask.resource) else {
            return Vec::new();
        };
        let mut named: Vec<Principal> = Vec::new();
        let statements = guarded.policy().into_iter().flat_map(|policy| &policy.statements);
        for statement in statements.filter(|statement| statement.effect == Effect::Allow) {
            for principal in statement.principals() {
                let inside = principal.account().is_some_and(|account| self.is_inside(account));
                if !inside && !named.contains(&principal) {
                    named.push(principal);
                }
            }
        }
        // Everybody first: whom a policy names beside it matters less.
        named.sort_by_key(|principal| *principal != Principal::Anonymous);
        named
            .into_iter()
            .map(|principal| Outsider {
                principal: principal.name().to_owned(),
                answer: self.answer(principal, None, ask),
            })
            .filter(|outsider| outsider.answer.verdict != Verdict::Denied)
            .collect()
    }

    fn is_inside(&self, account: &str) -> bool {
        self.homes.contains_key(account)
            || self.holders.values().any(|holder| holder.account == account)
    }
}
