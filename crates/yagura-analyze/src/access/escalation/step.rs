//! One step: whether a principal may do all that an escalation needs, and whom it gains.
//! How steps make a way is `graph`'s.

use iam_policy::ContextValue;
use yagura_model::Resource;
use yagura_model::escalation::{Escalation, Gain, Need, NeedOn};

use super::super::holders::Holder;
use super::super::question::{Ask, EVERYTHING};
use super::super::{NamedPolicy, World};
use super::{Certainty, Proof, Reached, Search, of_action};

/// What is asked about where anything will do: an action without resources, and some of all
/// resources.
const ANYTHING: [&str; 2] = ["*", "arn:*:*:*:*:*"];

/// Somebody or something that a step could lead to.
#[derive(Clone, Debug)]
pub(super) struct Candidate<'s> {
    pub(super) reached: Reached,
    /// The resource whose role it is.
    pub(super) through: Option<&'s Resource>,
}

impl<'s> Search<'s> {
    /// Whom an escalation could gain for a principal, before anything is decided.
    pub(super) fn candidates(
        &'s self,
        arn: &'s str,
        holder: &'s Holder,
        way: &'s Escalation,
    ) -> Vec<Candidate<'s>> {
        let is_user = arn.contains(":user/");
        let of = |reached| Candidate { reached, through: None };
        let principals = |all: &[&str]| {
            let others = all.iter().filter(|other| **other != arn);
            others.map(|other| of(Reached::Principal((*other).to_owned()))).collect()
        };
        let users = || principals(self.peers.users(&holder.account));
        let roles = || principals(self.peers.roles(&holder.account));
        match &way.gains {
            Gain::RoleTrusting(service) => {
                let own = self.links.roles_of_service(service, &holder.account);
                let others = own.filter(|role| *role != arn);
                others.map(|role| of(Reached::Principal(role.to_owned()))).collect()
            }
            Gain::RoleOf(type_name) => {
                let own = self.links.equipped(type_name, &holder.account).iter();
                own.filter(|it| it.role != arn)
                    .map(|it| Candidate {
                        reached: Reached::Principal(it.role.to_owned()),
                        through: Some(it.resource),
                    })
                    .collect()
            }
            Gain::User => users(),
            Gain::Role if way.needs.iter().all(|need| need.action.starts_with("sts:")) => {
                let may_try = self.may_do_to_anything(arn, holder, "sts:AssumeRole").is_some();
                let roles = self.links.assumable(arn, &holder.account, may_try);
                roles.into_iter().map(|role| of(Reached::Principal(role.to_owned()))).collect()
            }
            Gain::Role => roles(),
            Gain::UserStrengthened => strengthened(users()),
            Gain::RoleStrengthened => strengthened(roles()),
            Gain::RoleUnbounded => {
                let all = self.peers.roles(&holder.account).iter();
                let bounded = |other: &str| {
                    self.world.holders.get(other).is_some_and(|it| it.boundary.is_some())
                };
                let others = all.filter(|other| **other != arn && bounded(other));
                others.map(|other| of(Reached::Unbounded((*other).to_owned()))).collect()
            }
            Gain::OneselfUnbounded if holder.boundary.is_some() => {
                vec![of(Reached::Unbounded(arn.to_owned()))]
            }
            Gain::Group if is_user => {
                let groups = self.world.groups.iter();
                let own = groups.filter(|(_, group)| group.account == holder.account);
                let others = own.filter(|(key, _)| !holder.groups.contains(key));
                others.map(|(key, _)| of(Reached::Group(key.clone()))).collect()
            }
            Gain::OneselfAsUser if is_user => vec![of(Reached::Strengthened(arn.to_owned()))],
            Gain::OneselfAsRole if !is_user => vec![of(Reached::Strengthened(arn.to_owned()))],
            // Elsewhere the calls reach nothing, whatever the policies say.
            Gain::PermissionSets if self.world.may_manage_permission_sets(&holder.account) => {
                vec![of(Reached::EveryAccount)]
            }
            Gain::Group
            | Gain::OneselfAsUser
            | Gain::OneselfAsRole
            | Gain::OneselfUnbounded
            | Gain::PermissionSets => Vec::new(),
        }
    }

    /// Whether a principal may do something to anything at all; asked once.
    pub(super) fn may_do_to_anything(
        &'s self,
        arn: &'s str,
        holder: &Holder,
        action: &'s str,
    ) -> Option<Certainty> {
        if let Some(known) = self.anything.borrow().get(&(arn, action)) {
            return *known;
        }
        let asked = ANYTHING.iter().map(|form| self.ask(arn, holder, of_action(action, form)));
        let found = asked.filter_map(|answer| Certainty::of(&answer)).min();
        self.anything.borrow_mut().insert((arn, action), found);
        found
    }

    /// The proofs that a step is open, with the least sure of them; `None` where it is not.
    pub(super) fn proofs(
        &'s self,
        arn: &'s str,
        holder: &Holder,
        way: &'s Escalation,
        candidate: &Candidate<'_>,
    ) -> Option<(Certainty, Vec<Proof>)> {
        let mut least = Certainty::Certain;
        let mut proofs = Vec::with_capacity(way.needs.len());
        for need in &way.needs {
            let (certainty, proof) = self.proof(arn, holder, way, candidate, need)?;
            least = least.max(certainty);
            proofs.push(proof);
        }
        Some((least, proofs))
    }

    /// The surest proof of one need.
    fn proof(
        &'s self,
        arn: &'s str,
        holder: &Holder,
        way: &Escalation,
        candidate: &Candidate<'_>,
        need: &Need,
    ) -> Option<(Certainty, Proof)> {
        let asked = self.targets(arn, holder, candidate, need.on);
        let proved = asked.into_iter().filter_map(|resource| {
            let mut ask = of_action(&need.action, &resource);
            if let (Gain::RoleTrusting(service), "iam:PassRole") = (&way.gains, &*need.action) {
                let service = ContextValue::One(service.clone());
                ask.context.push(("iam:PassedToService".to_owned(), service));
            }
            let answer = self.ask(arn, holder, Ask { principal: arn, ..ask });
            let certainty = Certainty::of(&answer)?;
            Some((certainty, Proof { action: need.action.clone(), resource, answer }))
        });
        proved.min_by_key(|(certainty, _)| *certainty)
    }

    /// The ARNs that a need may be met on; one is enough.
    fn targets(
        &self,
        arn: &str,
        holder: &Holder,
        candidate: &Candidate<'_>,
        on: NeedOn,
    ) -> Vec<String> {
        let anything = || ANYTHING.map(str::to_owned).to_vec();
        match (on, &candidate.reached) {
            (NeedOn::Anything, _) => anything(),
            (NeedOn::Oneself, _) => vec![arn.to_owned()],
            (NeedOn::OwnGroup, _) => holder.groups.clone(),
            (NeedOn::OwnPolicy, _) => holder.attached.clone(),
            (
                NeedOn::Gained,
                Reached::Principal(arn)
                | Reached::Group(arn)
                | Reached::Strengthened(arn)
                | Reached::Unbounded(arn),
            ) => vec![arn.clone()],
            (NeedOn::GainedPolicy, Reached::Principal(gained) | Reached::Strengthened(gained)) => {
                self.world.holders.get(gained).map(|it| it.attached.clone()).unwrap_or_default()
            }
            (NeedOn::Resource, _) => match candidate.through {
                Some(resource) => resource.arn.clone().map_or_else(anything, |arn| vec![arn]),
                None => anything(),
            },
            // An escalation that names what it does not have; the content lint refuses it.
            (NeedOn::Gained | NeedOn::GainedPolicy, _) => Vec::new(),
        }
    }

    /// Whether a principal that reached this is at the goal.
    pub(super) fn arrives(
        &self,
        arn: &str,
        holder: &Holder,
        reached: &Reached,
    ) -> Option<Certainty> {
        match reached {
            // Whoever that is, is asked by itself.
            Reached::Principal(_) => None,
            Reached::EveryAccount => Some(Certainty::Certain),
            Reached::Strengthened(of) => self.is_there(of, &unlimited(self.holder(of)?)?),
            Reached::Unbounded(of) => {
                let unbounded = Holder { boundary: None, ..self.holder(of)?.clone() };
                self.is_there(of, &unbounded)
            }
            Reached::Group(key) => {
                let group = self.world.groups.get(key)?;
                let mut joined = holder.clone();
                joined.identity.extend(group.identity.iter().cloned());
                joined.missing.extend(group.missing.iter().cloned());
                self.is_there(arn, &joined)
            }
        }
    }

    fn holder(&self, arn: &str) -> Option<&Holder> {
        self.world.holders.get(arn)
    }
}

/// The same ones, to be made strong before they are gained.
fn strengthened(candidates: Vec<Candidate<'_>>) -> Vec<Candidate<'_>> {
    let mut candidates = candidates;
    for candidate in &mut candidates {
        if let Reached::Principal(arn) = &candidate.reached {
            candidate.reached = Reached::Strengthened(arn.clone());
        }
    }
    candidates
}

/// The same principal once it has given itself everything: its boundary and control policies stay.
fn unlimited(holder: &Holder) -> Option<Holder> {
    let everything = EVERYTHING.clone()?;
    let everything = NamedPolicy { name: "*".into(), policy: everything.into(), text: "".into() };
    let mut holder = holder.clone();
    holder.identity = vec![everything];
    holder.missing.retain(|missing| missing.layer != iam_policy::Layer::Identity);
    Some(holder)
}

impl World {
    /// Whether permission sets of the organization can be managed from an account: from the
    /// management account. Without an organization in the inventory from any, as far as is known;
    /// to whom it is delegated is not in the inventory.
    fn may_manage_permission_sets(&self, account: &str) -> bool {
        let organization = self.organization.as_ref();
        let management = organization.and_then(|it| it.management_account.as_deref());
        management.is_none_or(|management| management == account)
    }

    /// The trust policy of a role, as far as it was read.
    pub(super) fn trust_policy(&self, role: &str) -> Option<&iam_policy::Policy> {
        self.guarded.get(role)?.policy()
    }
}
