//! The smallest change that closes a way: which grant to take away, proven by asking once more
//! without it.
//! What it takes to limit a grant instead is told in the escalation's prose.

use iam_policy::{Effect, Layer, Principal, StatementRef};

use super::super::holders::Holder;
use super::super::question::{Ask, PolicyName};
use super::super::{NamedPolicy, World};
use super::{Certainty, Cut, EscalationPath, Proof, of_action};

impl World {
    /// The grant that has the fewest statements, of all those that a way cannot do without; of
    /// several, the earliest. `None` where no grant of the inventory closes it, as with a role that
    /// somebody outside lets in.
    pub fn smallest_cut(&self, path: &EscalationPath) -> Option<Cut> {
        let needs = path.hops.iter().enumerate();
        let needs =
            needs.flat_map(|(at, hop)| hop.proofs.iter().map(move |proof| (at, hop, proof)));
        let cuts = needs.filter_map(|(at, hop, proof)| {
            let statements = self.grants(&hop.from, proof)?;
            let (action, resource) = (proof.action.clone(), proof.resource.clone());
            Some(Cut { hop: at, action, resource, statements })
        });
        cuts.min_by_key(|cut| (cut.statements.len(), cut.hop))
    }

    /// The statements without which an action is not allowed any more: the principal's own, and
    /// where these are not enough the resource's.
    fn grants(&self, from: &str, proof: &Proof) -> Option<Vec<(Option<PolicyName>, usize)>> {
        let holder = self.holders.get(from)?;
        let own: Vec<_> = proof.granting(Layer::Identity).collect();
        let theirs: Vec<_> = proof.granting(Layer::Resource).collect();
        let without = without(holder, &own);
        let ask = Ask { principal: from, ..of_action(&proof.action, &proof.resource) };
        let answer = self.answer(Principal::from_arn(from), Some(&without), &ask);
        let needed = match Certainty::of(&answer) {
            None => own,
            Some(_) => own.into_iter().chain(theirs).collect(),
        };
        let named = |statement: &StatementRef| {
            let policy = proof.answer.policies.iter().find(|name| {
                (name.layer, &name.level, name.policy)
                    == (statement.layer, &statement.level, statement.policy)
            });
            (policy.cloned(), statement.statement)
        };
        (!needed.is_empty()).then(|| needed.into_iter().map(named).collect())
    }
}

/// A principal without some statements of its policies.
fn without(holder: &Holder, gone: &[&StatementRef]) -> Holder {
    let mut holder = holder.clone();
    for (number, named) in holder.identity.iter_mut().enumerate() {
        let mut policy = named.policy.as_ref().clone();
        let mut at = 0;
        policy.statements.retain(|_| {
            at += 1;
            !gone.iter().any(|it| (it.policy, it.statement + 1) == (number, at))
        });
        *named = NamedPolicy { policy: policy.into(), ..named.clone() };
    }
    holder
}

impl Proof {
    /// The statements of a layer that allow it.
    fn granting(&self, layer: Layer) -> impl Iterator<Item = &StatementRef> {
        let decision = &self.answer.decision;
        let left = decision.remaining.iter().map(|left| &left.statement);
        let all = decision.statements.iter().chain(left);
        all.filter(move |statement| statement.effect == Effect::Allow && statement.layer == layer)
    }
}
