//! Who can come to act as an administrator, or as somebody who may touch what matters most: the
//! shortest way for each principal, with the statements that leave it open.
//! Which ways there are is content (`content/escalations/`); one step is decided in `step`.

mod cut;
mod graph;
mod links;
mod step;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::HashMap;

use yagura_model::Resource;
use yagura_model::escalation::Escalation;

use super::World;
use super::holders::Holder;
use super::question::{Answer, Ask, PolicyName, Verdict};
use links::{Links, Peers};

/// Where ways shall lead.
#[derive(Clone, Debug)]
pub enum Goal<'a> {
    /// To being able to give anybody anything: changing any user, role and policy of the account.
    Administrator,
    /// To being able to do this (its principal does not matter).
    Doing(Ask<'a>),
}

/// How sure a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Certainty {
    /// It is open.
    Certain,
    /// It is open under conditions that the proofs name.
    Conditional,
    /// It hangs on what was not read.
    Unknown,
}

/// What a step leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reached {
    /// Acting as this user or role.
    Principal(String),
    /// Being in this group.
    Group(String),
    /// Acting as this user or role, oneself or another, once it has been given everything.
    Strengthened(String),
    /// Acting as this user or role, once its permissions boundary is gone.
    Unbounded(String),
    /// Whatever one likes, in every account that permission sets reach.
    EveryAccount,
}

/// That one needed action is allowed.
#[derive(Clone, Debug)]
pub struct Proof {
    /// `service:Operation`
    pub action: String,
    /// The ARN, or `*` for anything.
    pub resource: String,
    /// The answer; never a plain no.
    pub answer: Answer,
}

/// One step.
#[derive(Clone, Debug)]
pub struct Hop {
    /// The escalation's content id.
    pub escalation: String,
    /// Who takes it: an ARN.
    pub from: String,
    /// What it leads to.
    pub to: Reached,
    /// The resource whose role is used, by key.
    pub through: Option<String>,
    /// How sure it is.
    pub certainty: Certainty,
    /// One for each need of the escalation.
    pub proofs: Vec<Proof>,
}

/// The shortest way of one principal; a sure one is shorter than any that is not.
#[derive(Clone, Debug)]
pub struct EscalationPath {
    /// Whose: an ARN.
    pub from: String,
    /// In order; never empty.
    pub hops: Vec<Hop>,
    /// How sure it is that whoever took the last step is at the goal.
    pub end: Certainty,
}

/// A change that closes a way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Which hop, from zero.
    pub hop: usize,
    /// The action to take away, or to limit.
    pub action: String,
    /// On what it is allowed now.
    pub resource: String,
    /// The statements that allow it, all of them: the name of each one's policy, if known, and its
    /// number from zero.
    pub statements: Vec<(Option<PolicyName>, usize)>,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Escalations {
    /// Who is, or may be, at the goal without any step, by ARN.
    pub there: Vec<(String, Certainty)>,
    /// The shortest way of everybody who has one and is not surely there, surest first.
    pub paths: Vec<EscalationPath>,
    /// Steps that were not looked at, because one principal had too many of a kind.
    pub left_out: u64,
    /// Escalations, by id, that hang on a type of resource which no scan has listed.
    pub blind: Vec<String>,
}

impl EscalationPath {
    /// As sure as its least sure step.
    pub fn certainty(&self) -> Certainty {
        self.hops.iter().map(|hop| hop.certainty).fold(self.end, Certainty::max)
    }
}

impl Certainty {
    /// From an answer; `None` where it is no.
    fn of(answer: &Answer) -> Option<Self> {
        match answer.verdict {
            Verdict::Allowed => Some(Self::Certain),
            // Only some of what was asked about: some is enough for whoever may choose.
            Verdict::Depends if answer.decision.remaining.is_empty() => Some(Self::Certain),
            Verdict::Depends => Some(Self::Conditional),
            Verdict::Unknown => Some(Self::Unknown),
            Verdict::Denied => None,
        }
    }
}

impl World {
    /// Finds for every user and role the shortest way to a goal. `resources` are those the world
    /// was built from: they say which roles are handed to what already.
    pub fn escalations(
        &self,
        ways: &[Escalation],
        resources: &[Resource],
        goal: &Goal<'_>,
    ) -> Escalations {
        Search::new(self, ways, resources, goal).run()
    }
}

/// One search.
struct Search<'s> {
    world: &'s World,
    ways: &'s [Escalation],
    goal: &'s Goal<'s>,
    links: Links<'s>,
    peers: Peers<'s>,
    /// Whether a principal may do an action to anything at all.
    anything: RefCell<HashMap<(&'s str, &'s str), Option<Certainty>>>,
}

impl<'s> Search<'s> {
    fn new(
        world: &'s World,
        ways: &'s [Escalation],
        resources: &'s [Resource],
        goal: &'s Goal<'s>,
    ) -> Self {
        let links = Links::new(world, resources);
        let peers = Peers::of(world);
        Self { world, ways, goal, links, peers, anything: RefCell::default() }
    }

    /// Whether somebody with these policies is at the goal.
    fn is_there(&self, arn: &str, holder: &Holder) -> Option<Certainty> {
        match self.goal {
            Goal::Doing(ask) => Certainty::of(&self.ask(arn, holder, ask.clone())),
            Goal::Administrator => {
                let account = &holder.account;
                let asked = ADMINISTRATION.iter().map(|(action, of)| {
                    let partition = arn.split(':').nth(1).unwrap_or("aws");
                    let resource = format!("arn:{partition}:iam::{account}:{of}");
                    Certainty::of(&self.ask(arn, holder, of_action(action, &resource)))
                });
                asked.reduce(|all, one| Some(all?.max(one?))).flatten()
            }
        }
    }

    fn ask(&self, arn: &str, holder: &Holder, ask: Ask<'_>) -> Answer {
        let ask = Ask { principal: arn, ..ask };
        self.world.answer(iam_policy::Principal::from_arn(arn), Some(holder), &ask)
    }
}

/// Whoever may do all of this to entities of any name can give anybody anything. The names are
/// made up, so that a statement about named entities, for or against, does not count.
const ADMINISTRATION: [(&str, &str); 4] = [
    ("iam:PutUserPolicy", "user/yagura/anybody-7d1f"),
    ("iam:AttachRolePolicy", "role/yagura/anybody-7d1f"),
    ("iam:CreatePolicyVersion", "policy/yagura/anything-7d1f"),
    ("iam:PassRole", "role/yagura/anybody-7d1f"),
];

/// A question about an action and a resource, with nothing else known.
fn of_action<'a>(action: &'a str, resource: &'a str) -> Ask<'a> {
    Ask { principal: "", action, resource, resource_account: None, context: Vec::new() }
}
