//! Asking: may this principal do this to that, and what does the answer rest on.
//! Where something was not read, the answer is unknown unless it would be no in any case.

use std::sync::LazyLock;

use iam_policy::{
    BlockPublicAccess, Context, ContextValue, Decision, Layer, Layers, Level, Outcome, Policy,
    Principal, Request, evaluate,
};

use super::guarded::{Guard, Guarded};
use super::holders::Holder;
use super::organization::{Home, NodePolicies};
use super::{Missing, NamedPolicy, World};

/// A question.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// ARN of a user, role, session or root user.
    pub principal: &'a str,
    /// `service:Operation`
    pub action: &'a str,
    /// An ARN, a form of ARNs with wildcards, or `*` for an action without resources.
    pub resource: &'a str,
    /// The owner of the resource, where neither its ARN nor the inventory says it.
    pub resource_account: Option<&'a str>,
    /// Condition keys that are known; every other one is not.
    pub context: Vec<(String, ContextValue)>,
}

/// What cannot be answered at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The inventory has no such user or role.
    #[error("`{0}` is no user or role of the inventory")]
    UnknownPrincipal(String),
}

/// The answer in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Yes.
    Allowed,
    /// No.
    Denied,
    /// It hangs on the request's context.
    Depends,
    /// It hangs on something that was not read.
    Unknown,
}

/// An answer with what it rests on.
#[derive(Clone, Debug)]
pub struct Answer {
    /// In one word.
    pub verdict: Verdict,
    /// As decided over what was read.
    pub decision: Decision,
    /// What was not read and could change the answer.
    pub missing: Vec<Missing>,
    /// The names of the policies that the decision's statements refer to, by layer, level and
    /// number.
    pub policies: Vec<PolicyName>,
}

/// The name of one policy that took part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyName {
    /// Its layer.
    pub layer: Layer,
    /// Its level, for control policies.
    pub level: Option<String>,
    /// Its number in the layer.
    pub policy: usize,
    /// As people know it.
    pub name: String,
}

/// Policies that allow everything: to see whether what is missing matters at all.
pub(super) static EVERYTHING: LazyLock<Option<Policy>> = LazyLock::new(|| {
    let text = r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;
    Policy::parse(text).ok()
});
pub(super) static EVERYBODY: LazyLock<Option<Policy>> = LazyLock::new(|| {
    let text = r#"{"Statement":
        {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}}"#;
    Policy::parse(text).ok()
});

/// Everything that a question needs, found.
struct Ground<'w> {
    world: &'w World,
    holder: Option<&'w Holder>,
    home: Option<&'w Home>,
    guard: Guard<'w>,
    resource_home: Option<&'w Home>,
}

impl World {
    /// Answers a question.
    ///
    /// # Errors
    /// When the principal is in an account of the inventory and not known there.
    pub fn ask(&self, ask: &Ask<'_>) -> Result<Answer, AskError> {
        let principal = Principal::from_arn(ask.principal);
        let root = ask.principal.ends_with(":root");
        let holder = self.holder(ask.principal);
        if holder.is_none() && !root {
            return Err(AskError::UnknownPrincipal(ask.principal.to_owned()));
        }
        Ok(self.answer(principal, holder, ask))
    }

    /// Every principal of the inventory that may do it, or may do it under conditions, or of which
    /// it is not known.
    pub fn who_can(&self, ask: &Ask<'_>) -> Vec<(&str, Answer)> {
        self.holders
            .iter()
            .map(|(arn, holder)| {
                let ask = Ask { principal: arn, ..ask.clone() };
                (arn.as_str(), self.answer(Principal::from_arn(arn), Some(holder), &ask))
            })
            .filter(|(_, answer)| answer.verdict != Verdict::Denied)
            .collect()
    }

    pub(super) fn holder(&self, arn: &str) -> Option<&Holder> {
        if let Some(holder) = self.holders.get(arn) {
            return Some(holder);
        }
        let mut parts = arn.splitn(6, ':');
        let account = parts.nth(4)?;
        let role = parts.next()?.strip_prefix("assumed-role/")?.split('/').next()?;
        let known = self.by_name.get(&(account.to_owned(), role.to_owned()))?;
        self.holders.get(known)
    }

    pub(super) fn answer(
        &self,
        principal: Principal,
        holder: Option<&Holder>,
        ask: &Ask<'_>,
    ) -> Answer {
        let guard = self.guard(ask.action, ask.resource);
        let resource_account = match &guard {
            Guard::Known(guarded) => Some(guarded.account.as_str()),
            _ => ask.resource_account.or_else(|| account_of(ask.resource)),
        };
        let caller_account = principal.account().map(str::to_owned);
        let caller_account = caller_account.as_deref();
        let ground = Ground {
            world: self,
            holder,
            home: caller_account.and_then(|account| self.homes.get(account)),
            resource_home: resource_account
                .or(caller_account)
                .and_then(|account| self.homes.get(account)),
            guard,
        };
        let context = ground.context(&principal, ask);
        let request = Request {
            principal,
            action: ask.action,
            resource: ask.resource,
            resource_account: resource_account.or(caller_account),
            context,
            overlap: false,
        };
        ground.decide(&request)
    }
}

fn account_of(arn: &str) -> Option<&str> {
    arn.split(':').nth(4).filter(|account| !account.is_empty() && !account.contains('*'))
}

impl Ground<'_> {
    /// What is known of the request's context beforehand.
    fn context(&self, principal: &Principal, ask: &Ask<'_>) -> Context {
        let mut context = Context::unknown_elsewhere();
        let one = |value: &str| ContextValue::One(value.to_owned());
        let of_identity = principal.account().is_some();
        if let (true, Some(home), Some(organization)) =
            (of_identity, self.home, self.world.organization_id())
        {
            context.set("aws:PrincipalOrgID", one(organization));
            context.set("aws:PrincipalOrgPaths", ContextValue::Many(vec![home.path.clone()]));
        }
        if let (Some(home), Some(organization)) = (self.resource_home, self.world.organization_id())
        {
            context.set("aws:ResourceOrgID", one(organization));
            context.set("aws:ResourceOrgPaths", ContextValue::Many(vec![home.path.clone()]));
        }
        if let Some(holder) = self.holder {
            for (key, value) in &holder.tags {
                context.set(&format!("aws:PrincipalTag/{key}"), one(value));
            }
            context.set("aws:PrincipalIsAWSService", one("false"));
        }
        if let Guard::Known(guarded) = &self.guard {
            for (key, value) in &guarded.tags {
                context.set(&format!("aws:ResourceTag/{key}"), one(value));
            }
        }
        for (key, value) in &ask.context {
            context.set(key, value.clone());
        }
        context
    }

    fn guarded(&self) -> Option<&Guarded> {
        match &self.guard {
            Guard::Known(guarded) => Some(guarded),
            Guard::None | Guard::NotSeen(_) => None,
        }
    }

    /// What was not read and could matter.
    fn missing(&self) -> Vec<Missing> {
        let mut missing = Vec::new();
        missing.extend(self.holder.iter().flat_map(|holder| holder.missing.iter().cloned()));
        let scps = self.home.iter().flat_map(|home| &home.missing);
        missing.extend(scps.filter(|one| one.layer == Layer::Scp).cloned());
        let rcps = self.resource_home.iter().flat_map(|home| &home.missing);
        missing.extend(rcps.filter(|one| one.layer == Layer::Rcp).cloned());
        match &self.guard {
            Guard::Known(guarded) => missing.extend(guarded.missing.iter().cloned()),
            Guard::NotSeen(one) => missing.push(one.clone()),
            Guard::None => {}
        }
        missing
    }

    fn decide(&self, request: &Request<'_>) -> Answer {
        let missing = self.missing();
        let decision = self.evaluate(request, &[]);
        let verdict = match decision.outcome {
            Outcome::ExplicitlyDenied => Verdict::Denied,
            _ if missing.is_empty() => match decision.outcome {
                Outcome::Allowed => Verdict::Allowed,
                Outcome::Depends => Verdict::Depends,
                Outcome::ImplicitlyDenied | Outcome::ExplicitlyDenied => Verdict::Denied,
            },
            // Even if what is missing allowed everything, it would be no.
            Outcome::ImplicitlyDenied if self.is_no_anyway(request, &missing) => Verdict::Denied,
            _ => Verdict::Unknown,
        };
        let missing = if verdict == Verdict::Unknown { missing } else { Vec::new() };
        let policies = self.names(&decision);
        Answer { verdict, decision, missing, policies }
    }

    fn is_no_anyway(&self, request: &Request<'_>, missing: &[Missing]) -> bool {
        let open: Vec<Layer> = missing.iter().map(|one| one.layer).collect();
        let best = self.evaluate(request, &open);
        matches!(best.outcome, Outcome::ImplicitlyDenied | Outcome::ExplicitlyDenied)
    }

    /// Lays the policies out and asks the engine; the layers in `open` allow everything.
    fn evaluate(&self, request: &Request<'_>, open: &[Layer]) -> Decision {
        let opened = |layer: Layer, policies: &mut Vec<&Policy>| {
            if open.contains(&layer) {
                policies.extend(EVERYTHING.as_ref());
            }
        };
        let holder = self.holder.into_iter();
        let mut identity = references(holder.flat_map(|holder| &holder.identity));
        // What another account allows its own is not known here, and not up to this resource.
        if self.holder.is_none() {
            identity.extend(EVERYTHING.as_ref());
        }
        opened(Layer::Identity, &mut identity);
        let holder = self.holder.into_iter();
        let mut boundaries = references(holder.flat_map(|holder| &holder.boundary));
        if !boundaries.is_empty() {
            opened(Layer::Boundary, &mut boundaries);
        }
        let mut scps = levels(self.home.filter(|home| home.scps_on), |node| &node.scps);
        for (_, policies) in &mut scps {
            opened(Layer::Scp, policies);
        }
        let rcps = levels(self.resource_home.filter(|home| home.rcps_on), |node| &node.rcps);
        let delegated = self.delegated(request);
        let resource = match open.contains(&Layer::Resource) {
            true => EVERYBODY.as_ref(),
            false => self.guarded().and_then(Guarded::policy).or(delegated.as_ref()),
        };
        let organization = self.world.organization.as_ref();
        let layers = Layers {
            identity: &identity,
            resource,
            scps: &as_levels(&scps),
            rcps: &as_levels(&rcps),
            boundaries: &boundaries,
            management_account: organization
                .and_then(|organization| organization.management_account.as_deref()),
            block_public_access: BlockPublicAccess {
                restrict_public_buckets: self
                    .guarded()
                    .is_some_and(|guarded| guarded.restrict_public_buckets),
            },
            ..Layers::default()
        };
        let mut decision = evaluate(request, &layers);
        // What somebody outside is taken to be allowed at home is no proof of anything.
        if self.holder.is_none() {
            decision.statements.retain(|statement| statement.layer != Layer::Identity);
        }
        if let Some(guarded) = self.guarded().filter(|_| !open.contains(&Layer::Resource)) {
            let left = decision.remaining.iter_mut().map(|left| &mut left.statement);
            let found = decision.statements.iter_mut().chain(left);
            for statement in found.filter(|statement| statement.layer == Layer::Resource) {
                (statement.policy, statement.statement) = guarded.place(statement.statement);
            }
        }
        decision
    }

    /// For a form of keys there is no single key policy; each is taken to leave it to the account,
    /// as the key policy that AWS writes does.
    fn delegated(&self, request: &Request<'_>) -> Option<Policy> {
        let form = request.resource.contains(":key/") && request.resource.contains(['*', '?']);
        if !form || self.guarded().is_some() {
            return None;
        }
        let account = request.resource_account?;
        let text = format!(
            r#"{{"Statement": {{"Effect": "Allow", "Principal": {{"AWS": "{account}"}},
                "Action": "*", "Resource": "*"}}}}"#
        );
        Policy::parse(&text).ok()
    }

    fn names(&self, decision: &Decision) -> Vec<PolicyName> {
        let mut names: Vec<PolicyName> = Vec::new();
        let remaining = decision.remaining.iter().map(|left| &left.statement);
        for statement in decision.statements.iter().chain(remaining) {
            let node = |home: Option<&Home>, pick: fn(&NodePolicies) -> &Vec<NamedPolicy>| {
                let node =
                    home?.nodes.iter().find(|node| Some(&node.name) == statement.level.as_ref())?;
                pick(node).get(statement.policy).map(|named| named.name.to_string())
            };
            let name = match statement.layer {
                Layer::Identity => self
                    .holder
                    .and_then(|holder| holder.identity.get(statement.policy))
                    .map(|named| named.name.to_string()),
                Layer::Boundary => self
                    .holder
                    .and_then(|holder| holder.boundary.as_ref())
                    .map(|named| named.name.to_string()),
                Layer::Scp => node(self.home, |node| &node.scps),
                Layer::Rcp => node(self.resource_home, |node| &node.rcps),
                Layer::Resource => {
                    self.guarded().and_then(|guarded| guarded.name(statement.policy))
                }
                Layer::Endpoint | Layer::Session | Layer::BlockPublicAccess => None,
            };
            let Some(name) = name else { continue };
            let name = PolicyName {
                layer: statement.layer,
                level: statement.level.clone(),
                policy: statement.policy,
                name,
            };
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

fn references<'n>(policies: impl Iterator<Item = &'n NamedPolicy>) -> Vec<&'n Policy> {
    policies.map(|named| named.policy.as_ref()).collect()
}

fn as_levels<'l>(levels: &'l [(&'l str, Vec<&'l Policy>)]) -> Vec<Level<'l>> {
    levels.iter().map(|(name, policies)| Level { name, policies }).collect()
}

/// The levels of a home with what is attached to each.
fn levels<'h>(
    home: Option<&'h Home>,
    pick: impl Fn(&'h NodePolicies) -> &'h Vec<NamedPolicy>,
) -> Vec<(&'h str, Vec<&'h Policy>)> {
    home.into_iter()
        .flat_map(|home| &home.nodes)
        .map(|node| (node.name.as_str(), references(pick(node).iter())))
        .collect()
}
