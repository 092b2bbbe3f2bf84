//! What a service control policy would have denied: calls of a log put to the engine under it.
//! A condition key that the log does not show gives *unknown*, and is counted apart.

mod circumstances;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use iam_policy::{Effect, Layer, Layers, Level, Outcome, Policy, Principal, Request, evaluate};
use yagura_model::usage::UsedCall;

use super::least::Tally;
use super::question::{EVERYBODY, EVERYTHING};
use super::usage::{Ending, Naming, Need, Needs};
use super::{World, is_service_linked};

/// More pairs of principal and action are counted together.
const PAIRS_MAX: usize = 50_000;

/// What is previewed.
#[derive(Clone, Debug)]
pub struct Scp {
    /// The policy.
    pub policy: Policy,
    /// Whether it stands alone where it is attached, instead of beside `FullAWSAccess`.
    pub alone: bool,
    /// The accounts below where it is attached; none for all.
    pub accounts: Option<BTreeSet<String>>,
}

/// A preview on its way.
#[derive(Debug)]
pub struct ScpPreview {
    world: Arc<World>,
    naming: Arc<Naming>,
    scp: Scp,
    /// What was found so far.
    pub found: Preview,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Preview {
    /// What would have been denied, by principal and action.
    pub denied: BTreeMap<(String, Arc<str>), Denied>,
    /// What hangs on something that the log does not show.
    pub unknown: BTreeMap<(String, Arc<str>), Undecided>,
    /// Calls of pairs beyond those listed.
    pub more: u64,
    /// Calls that were judged.
    pub judged: u64,
    /// Calls that it would not have touched.
    pub untouched: u64,
    /// Calls that were refused anyway.
    pub refused: u64,
    /// Calls whose action is not known.
    pub unnamed: BTreeMap<(String, String), u64>,
    /// Calls that no service control policy reaches, by whose they are.
    pub exempt: BTreeMap<Exempt, u64>,
}

/// Whose calls no service control policy reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exempt {
    /// Of the organization's management account.
    ManagementAccount,
    /// Of roles that AWS made for a service.
    ServiceLinkedRole,
    /// Of services themselves.
    Service,
    /// Of accounts that it is not attached above.
    Elsewhere,
}

impl Exempt {
    /// The word for it in output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ManagementAccount => "management_account",
            Self::ServiceLinkedRole => "service_linked_role",
            Self::Service => "service",
            Self::Elsewhere => "elsewhere",
        }
    }
}

/// Calls that would have been denied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Denied {
    /// How often.
    pub tally: Tally,
    /// The statements that deny, by number from zero; none where it is that nothing allows.
    pub statements: BTreeSet<usize>,
    /// One of the resources.
    pub resource: String,
}

/// Calls of which it is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undecided {
    /// How often.
    pub tally: Tally,
    /// The condition keys that the log does not show; none where it does not show the resource.
    pub keys: BTreeSet<String>,
    /// One of the resources.
    pub resource: String,
}

/// What one call comes to.
enum Verdict {
    Untouched,
    Denied { action: Arc<str>, resource: String, statements: BTreeSet<usize> },
    Undecided { action: Arc<str>, resource: String, keys: BTreeSet<String> },
}

impl Scp {
    /// The columns of a log that its conditions ask for.
    pub fn columns(&self) -> Vec<&'static str> {
        let conditions = self.policy.statements.iter().flat_map(|it| &it.conditions);
        let keys = conditions.map(|condition| condition.key.to_ascii_lowercase());
        let columns: BTreeSet<&str> =
            keys.flat_map(|key| circumstances::columns(&key).to_vec()).collect();
        columns.into_iter().collect()
    }

    /// Whether it can change anything: beside `FullAWSAccess` only what denies does.
    pub fn is_idle(&self) -> bool {
        let denies = self.policy.statements.iter().any(|it| it.effect == Effect::Deny);
        !denies && !self.alone
    }
}

impl World {
    /// The accounts below a root, a unit or an account, by id or name; none where the
    /// organization has no such thing.
    pub fn accounts_below(&self, target: &str) -> Option<BTreeSet<String>> {
        let below = self.homes.iter().filter(|(account, home)| {
            let named = |node: &&super::organization::NodePolicies| {
                node.id == target || node.name == target
            };
            account.as_str() == target || home.nodes.iter().any(|node| named(&node))
        });
        let accounts: BTreeSet<String> = below.map(|(account, _)| account.clone()).collect();
        (!accounts.is_empty()).then_some(accounts)
    }

    /// The organization's management account, where it is known.
    pub fn management_account(&self) -> Option<&str> {
        self.organization.as_ref()?.management_account.as_deref()
    }
}

impl ScpPreview {
    /// Begins.
    pub fn new(world: Arc<World>, naming: Arc<Naming>, scp: Scp) -> Self {
        Self { world, naming, scp, found: Preview::default() }
    }

    /// Judges calls that are alike.
    pub fn take(&mut self, call: &UsedCall) {
        if let Some(exempt) = self.exempt(call) {
            *self.found.exempt.entry(exempt).or_default() += call.count;
            return;
        }
        if Ending::of(call.error.as_deref()) == Ending::Refused {
            self.found.refused += call.count;
            return;
        }
        let needs = match self.naming.needs(call) {
            Needs::Nothing => {
                self.found.untouched += call.count;
                return;
            }
            Needs::Unknown => {
                let key = (call.event_source.clone(), call.event_name.clone());
                if self.found.unnamed.len() < PAIRS_MAX || self.found.unnamed.contains_key(&key) {
                    *self.found.unnamed.entry(key).or_default() += call.count;
                } else {
                    self.found.more += call.count;
                }
                return;
            }
            Needs::Actions(needs) => needs,
        };
        self.found.judged += call.count;
        match self.judge(call, &needs) {
            Verdict::Untouched => self.found.untouched += call.count,
            Verdict::Denied { action, resource, statements } => {
                let key = (behind(call), action);
                if full(&self.found.denied, &key) {
                    self.found.more += call.count;
                    return;
                }
                let denied = self.found.denied.entry(key).or_default();
                denied.tally.add(call);
                denied.statements.extend(statements);
                denied.resource = resource;
            }
            Verdict::Undecided { action, resource, keys } => {
                let key = (behind(call), action);
                if full(&self.found.unknown, &key) {
                    self.found.more += call.count;
                    return;
                }
                let unknown = self.found.unknown.entry(key).or_default();
                unknown.tally.add(call);
                unknown.keys.extend(keys);
                unknown.resource = resource;
            }
        }
    }

    /// Whether no service control policy reaches the caller (Organizations User Guide, "Tasks and
    /// entities not restricted by SCPs", seen 2026-11).
    fn exempt(&self, call: &UsedCall) -> Option<Exempt> {
        if matches!(call.identity_type.as_str(), "AWSService" | "") {
            return Some(Exempt::Service);
        }
        let issuer = call.issuer.as_deref().unwrap_or_default();
        if is_service_linked(issuer) || call.actor.contains(":assumed-role/AWSServiceRoleFor") {
            return Some(Exempt::ServiceLinkedRole);
        }
        let account = caller_account(call);
        if self.world.management_account() == Some(account) {
            return Some(Exempt::ManagementAccount);
        }
        let reached = self.scp.accounts.as_ref().is_none_or(|accounts| accounts.contains(account));
        (!reached).then_some(Exempt::Elsewhere)
    }

    fn judge(&self, call: &UsedCall, needs: &[Need]) -> Verdict {
        let mut undecided = Verdict::Untouched;
        for need in needs {
            for resource in &need.resources {
                match self.ask(call, need, resource) {
                    Verdict::Untouched => {}
                    denied @ Verdict::Denied { .. } => return denied,
                    open @ Verdict::Undecided { .. } => undecided = open,
                }
            }
        }
        undecided
    }

    fn ask(&self, call: &UsedCall, need: &Need, resource: &str) -> Verdict {
        let account = caller_account(call);
        let request = Request {
            principal: Principal::from_arn(&call.actor),
            action: &need.action,
            resource,
            resource_account: Some(account),
            context: circumstances::context(&self.world, &self.naming, call, need),
            overlap: false,
        };
        let mut policies = vec![&self.scp.policy];
        if !self.scp.alone {
            policies.extend(EVERYTHING.as_ref());
        }
        let identity: Vec<&Policy> = EVERYTHING.as_ref().into_iter().collect();
        let levels = [Level { name: "scp", policies: &policies }];
        let layers = Layers {
            identity: &identity,
            resource: EVERYBODY.as_ref(),
            scps: &levels,
            ..Layers::default()
        };
        let decision = evaluate(&request, &layers);
        let (action, resource) = (Arc::clone(&need.action), resource.to_owned());
        match decision.outcome {
            Outcome::ExplicitlyDenied | Outcome::ImplicitlyDenied
                if decision.blocked_by.contains(&Layer::Scp) =>
            {
                let own = decision.statements.iter().filter(|it| it.effect == Effect::Deny);
                let statements = own.map(|it| it.statement).collect();
                Verdict::Denied { action, resource, statements }
            }
            Outcome::Depends => {
                let keys = decision.remaining.into_iter().map(|left| left.key).collect();
                Verdict::Undecided { action, resource, keys }
            }
            _ => Verdict::Untouched,
        }
    }
}

fn full<T>(pairs: &BTreeMap<(String, Arc<str>), T>, key: &(String, Arc<str>)) -> bool {
    pairs.len() >= PAIRS_MAX && !pairs.contains_key(key)
}

/// The role or user behind a call.
fn behind(call: &UsedCall) -> String {
    call.issuer.clone().unwrap_or_else(|| call.actor.clone())
}

fn caller_account(call: &UsedCall) -> &str {
    let of_arn = || call.actor.split(':').nth(4).filter(|account| !account.is_empty());
    call.caller_account.as_deref().or_else(of_arn).unwrap_or(&call.account)
}
