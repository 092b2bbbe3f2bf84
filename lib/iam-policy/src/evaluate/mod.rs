//! One request against all policies that speak of it: the order of AWS's policy evaluation logic.
//! What a single statement says is in `policy`; which statements were found is in `weigh`.

mod block_public_access;
mod service_rules;
mod weigh;

use crate::arn;
use crate::context::{Context, Scope};
use crate::policy::{Effect, Policy, Position};
use crate::principal::{Identity, IdentityKind, Principal};
use crate::truth::Truth;
pub use block_public_access::BlockPublicAccess;
use service_rules::Need;
use weigh::{Principals, Weighed, weigh};

/// Services whose resources a resource control policy reaches (AWS Organizations, "Services that
/// support RCPs", 2025). [`Layers::rcp_services`] replaces it when AWS adds one.
pub const RCP_SERVICES: [&str; 7] = ["s3", "sts", "kms", "sqs", "secretsmanager", "ecr", "aoss"];

/// What is asked.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// Who asks.
    pub principal: Principal,
    /// `service:Operation`
    pub action: &'a str,
    /// The ARN; `*` for an action without resource-level permissions. `*` and `?` inside an ARN
    /// ask about every resource of that form.
    pub resource: &'a str,
    /// The account that owns the resource, where the ARN does not say it (`arn:aws:s3:::…`).
    pub resource_account: Option<&'a str>,
    /// The condition keys.
    pub context: Context,
    /// Whether a statement that speaks of a part of the resources asked about (by a form with
    /// `*` or `?`) is taken to speak of them. Without it the answer is `Depends`.
    pub overlap: bool,
}

impl Request<'_> {
    pub(crate) fn resource_account(&self) -> Option<&str> {
        self.resource_account.or_else(|| arn::account(self.resource))
    }
}

/// The policies of one level of the organization: the root, an organizational unit, the account.
#[derive(Clone, Copy, Debug)]
pub struct Level<'a> {
    /// Its name, for the explanation.
    pub name: &'a str,
    /// What is attached to it.
    pub policies: &'a [&'a Policy],
}

/// A grant of a KMS key. Its encryption context is compared with the condition keys
/// `kms:EncryptionContext:…` of the request.
#[derive(Clone, Debug, Default)]
pub struct KmsGrant {
    /// The ARN of the grantee; a role's covers its sessions.
    pub grantee: String,
    /// Operations without the service: `Decrypt`.
    pub operations: Vec<String>,
    /// `EncryptionContextSubset`: pairs that the request's encryption context must have.
    pub encryption_context_subset: Vec<(String, String)>,
    /// `EncryptionContextEquals`: the request's encryption context must be these pairs.
    pub encryption_context_equals: Option<Vec<(String, String)>>,
}

/// Every policy that speaks of a request.
#[derive(Clone, Copy, Debug)]
pub struct Layers<'a> {
    /// Attached to the user, its groups, or the role.
    pub identity: &'a [&'a Policy],
    /// The resource's own: bucket, key, queue or role-trust policy.
    pub resource: Option<&'a Policy>,
    /// Service control policies of the caller's account, each level by itself. None: none apply.
    pub scps: &'a [Level<'a>],
    /// Resource control policies of the resource's account; `RCPFullAWSAccess` is there unsaid.
    pub rcps: &'a [Level<'a>],
    /// The permissions boundary. None: the caller has no boundary.
    pub boundaries: &'a [&'a Policy],
    /// Given when the session was made.
    pub session: Option<&'a Policy>,
    /// Of the VPC endpoint that the call goes through. None: it goes through none.
    pub endpoint: &'a [&'a Policy],
    /// The organization's management account: SCPs do not reach its callers, nor RCPs its
    /// resources.
    pub management_account: Option<&'a str>,
    /// Of the bucket, or of its account where that is stricter.
    pub block_public_access: BlockPublicAccess,
    /// Of the key.
    pub kms_grants: &'a [KmsGrant],
    /// Signing names of the services that RCPs reach.
    pub rcp_services: &'a [&'a str],
}

impl Default for Layers<'_> {
    fn default() -> Self {
        Self {
            identity: &[],
            resource: None,
            scps: &[],
            rcps: &[],
            boundaries: &[],
            session: None,
            endpoint: &[],
            management_account: None,
            block_public_access: BlockPublicAccess::default(),
            kms_grants: &[],
            rcp_services: &RCP_SERVICES,
        }
    }
}

/// A kind of policy, named as people name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// A service control policy.
    Scp,
    /// A resource control policy.
    Rcp,
    /// The policy of a VPC endpoint.
    Endpoint,
    /// The resource's policy.
    Resource,
    /// The caller's policies.
    Identity,
    /// The permissions boundary.
    Boundary,
    /// The session's policy.
    Session,
    /// S3 Block Public Access.
    BlockPublicAccess,
}

impl Layer {
    /// The short name used in output: `scp`, `vpce`, `s3-bpa` …
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Scp => "scp",
            Self::Rcp => "rcp",
            Self::Endpoint => "vpce",
            Self::Resource => "resource",
            Self::Identity => "identity",
            Self::Boundary => "boundary",
            Self::Session => "session",
            Self::BlockPublicAccess => "s3-bpa",
        }
    }
}

/// What comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Every layer that must allow does, and none denies.
    Allowed,
    /// Nothing denies by name, and something that must allow does not.
    ImplicitlyDenied,
    /// A statement denies.
    ExplicitlyDenied,
    /// It hangs on what [`Decision::remaining`] lists.
    Depends,
}

/// A statement that had a part in the decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementRef {
    /// In which kind of policy.
    pub layer: Layer,
    /// The level's name, for SCPs and RCPs.
    pub level: Option<String>,
    /// Which policy of the layer, from zero.
    pub policy: usize,
    /// Which statement of the policy, from zero.
    pub statement: usize,
    /// Its `Sid`.
    pub sid: Option<String>,
    /// What it does.
    pub effect: Effect,
    /// Where it stands in its policy's text.
    pub position: Position,
}

/// A condition that nobody can decide beforehand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remaining {
    /// The statement it belongs to.
    pub statement: StatementRef,
    /// The operator as written.
    pub operator: String,
    /// The key as written.
    pub key: String,
    /// The values as written.
    pub values: Vec<String>,
}

/// The answer with its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The answer.
    pub outcome: Outcome,
    /// What stands in the way: the layers that deny, else those that must allow and do not.
    pub blocked_by: Vec<Layer>,
    /// The statements that decided: those that deny, else those that allow.
    pub statements: Vec<StatementRef>,
    /// For `Depends`: an `Allow` needs its conditions met, a `Deny` needs one of its own unmet.
    pub remaining: Vec<Remaining>,
}

/// Decides a request as AWS would (IAM User Guide, "Policy evaluation logic", seen 2026-11).
#[must_use]
pub fn evaluate(request: &Request<'_>, layers: &Layers<'_>) -> Decision {
    if let Some(decision) = service_rules::decided(request) {
        return decision;
    }
    Evaluation::new(request, layers).decide()
}

/// All layers weighed, before they are put together.
struct Evaluation<'a> {
    request: &'a Request<'a>,
    layers: &'a Layers<'a>,
    same_account: bool,
    weighed: Vec<Weighed<'a>>,
    public_block: Truth,
}

impl<'a> Evaluation<'a> {
    fn new(request: &'a Request<'a>, layers: &'a Layers<'a>) -> Self {
        let scope = Scope { request };
        let caller = request.principal.account();
        let owner = request.resource_account();
        let same_account = match (caller, owner) {
            (Some(caller), Some(owner)) => caller == owner,
            (Some(_), None) => true,
            (None, _) => false,
        };
        let of_caller = Principals::Unnamed;
        let mut weighed = Vec::with_capacity(8);
        let identity = match &request.principal {
            Principal::Identity(identity) => Some(identity),
            _ => None,
        };
        if let Some(identity) = identity {
            weighed.push(weigh(Layer::Identity, None, layers.identity, &scope, of_caller));
            if !layers.boundaries.is_empty() {
                weighed.push(weigh(Layer::Boundary, None, layers.boundaries, &scope, of_caller));
            }
            if let Some(session) = &layers.session {
                let session = std::slice::from_ref(session);
                weighed.push(weigh(Layer::Session, None, session, &scope, of_caller));
            }
            if scps_reach(identity, layers) {
                for level in layers.scps {
                    let (name, policies) = (Some(level.name), level.policies);
                    weighed.push(weigh(Layer::Scp, name, policies, &scope, of_caller));
                }
            }
        }
        let unbounded = Principals::Named { has_boundary: false };
        if rcps_reach(request, identity, layers) {
            for level in layers.rcps {
                let (name, policies) = (Some(level.name), level.policies);
                let mut rcp = weigh(Layer::Rcp, name, policies, &scope, unbounded);
                // `RCPFullAWSAccess` cannot be detached.
                rcp.allow = Truth::True;
                weighed.push(rcp);
            }
        }
        if !layers.endpoint.is_empty() {
            weighed.push(weigh(Layer::Endpoint, None, layers.endpoint, &scope, unbounded));
        }
        if let Some(policy) = &layers.resource {
            let policy = std::slice::from_ref(policy);
            let has_boundary = identity.is_some() && !layers.boundaries.is_empty();
            let named = Principals::Named { has_boundary };
            weighed.push(weigh(Layer::Resource, None, policy, &scope, named));
        }
        let public_block = block_public_access::blocks(request, layers, same_account);
        Self { request, layers, same_account, weighed, public_block }
    }

    fn decide(self) -> Decision {
        let denied: Vec<Layer> = self.layers_where(|found| found.deny == Truth::True);
        if !denied.is_empty() {
            let statements = self.statements(Effect::Deny, &denied);
            let remaining = Vec::new();
            let outcome = Outcome::ExplicitlyDenied;
            return Decision { outcome, blocked_by: denied, statements, remaining };
        }
        let needs = self.needs();
        let mut allowed = Truth::True;
        for (_, truth) in &needs {
            allowed = allowed.and(*truth);
        }
        let denies = self.weighed.iter().fold(Truth::False, |sum, found| sum.or(found.deny));
        match allowed {
            Truth::False => {
                let mut blocked_by: Vec<Layer> = needs
                    .into_iter()
                    .filter(|(_, truth)| *truth == Truth::False)
                    .flat_map(|(layers, _)| layers)
                    .collect();
                blocked_by.sort_unstable();
                blocked_by.dedup();
                let outcome = Outcome::ImplicitlyDenied;
                let (statements, remaining) = (Vec::new(), Vec::new());
                Decision { outcome, blocked_by, statements, remaining }
            }
            Truth::True if denies == Truth::False => Decision {
                outcome: Outcome::Allowed,
                blocked_by: Vec::new(),
                statements: self.statements(Effect::Allow, &[]),
                remaining: Vec::new(),
            },
            _ => Decision {
                outcome: Outcome::Depends,
                blocked_by: Vec::new(),
                statements: self.statements(Effect::Allow, &[]),
                remaining: self.remaining(),
            },
        }
    }

    /// Everything that must allow, each with the layers to blame when it does not.
    fn needs(&self) -> Vec<(Vec<Layer>, Truth)> {
        let mut needs = Vec::with_capacity(8);
        for found in &self.weighed {
            if matches!(found.layer, Layer::Scp | Layer::Rcp | Layer::Endpoint) {
                needs.push((vec![found.layer], found.allow));
            }
        }
        needs.push((vec![Layer::BlockPublicAccess], !self.public_block));
        match &self.request.principal {
            Principal::Identity(identity) => self.needs_of_identity(identity, &mut needs),
            _ => needs.push((vec![Layer::Resource], self.resource_names_caller())),
        }
        needs
    }

    fn needs_of_identity(&self, identity: &Identity, needs: &mut Vec<(Vec<Layer>, Truth)>) {
        let root = identity.kind == IdentityKind::Root;
        let own = if root { Truth::True } else { self.allow(Layer::Identity, Truth::False) };
        let boundary = self.allow(Layer::Boundary, Truth::True);
        let session = self.allow(Layer::Session, Truth::True);
        let limits = boundary.and(session);
        let resource = self.weighed.iter().find(|found| found.layer == Layer::Resource);
        let named = |pick: fn(&Weighed<'_>) -> Truth| resource.map_or(Truth::False, pick);
        let grant = Truth::from(service_rules::granted(self.request, identity, self.layers));
        let itself = named(|found| found.itself).or(grant);
        let parent = named(|found| found.parent);
        let account = named(|found| found.account);
        if !self.same_account {
            needs.push((vec![Layer::Identity], own));
            needs.push((vec![Layer::Boundary], boundary));
            needs.push((vec![Layer::Session], session));
            needs.push((vec![Layer::Resource], itself.or(parent).or(account)));
            return;
        }
        // In one account the resource's policy may grant by itself. A grant to the user or to the
        // session goes past boundary and session policy, one to the role behind it does not.
        let by_resource = itself.or(parent.and(limits));
        let need = service_rules::need_of_resource_policy(self.request, self.layers);
        let by_identity = match need {
            Need::None => own,
            Need::Trust => own.and(account),
        };
        let granted = by_resource.or(by_identity.and(limits));
        if granted == Truth::True {
            return;
        }
        let mut blame = Vec::new();
        let wanted = parent.or(by_identity);
        if wanted != Truth::False {
            blame.extend((boundary != Truth::True).then_some(Layer::Boundary));
            blame.extend((session != Truth::True).then_some(Layer::Session));
        } else {
            let trusted = need == Need::None || account != Truth::False;
            blame.extend((own == Truth::False && trusted).then_some(Layer::Identity));
            let silent = self.layers.resource.is_some() && trusted && need == Need::None;
            blame.extend((silent || !trusted).then_some(Layer::Resource));
        }
        needs.push((blame, granted));
    }

    fn resource_names_caller(&self) -> Truth {
        self.weighed
            .iter()
            .find(|found| found.layer == Layer::Resource)
            .map_or(Truth::False, |found| found.itself)
    }

    fn allow(&self, layer: Layer, without: Truth) -> Truth {
        self.weighed.iter().find(|found| found.layer == layer).map_or(without, |found| found.allow)
    }

    fn layers_where(&self, wanted: impl Fn(&Weighed<'_>) -> bool) -> Vec<Layer> {
        let mut layers: Vec<Layer> =
            self.weighed.iter().filter(|found| wanted(found)).map(|found| found.layer).collect();
        layers.sort_unstable();
        layers.dedup();
        layers
    }

    /// The statements of an effect that hold; of some layers, or of all when none is named.
    fn statements(&self, effect: Effect, layers: &[Layer]) -> Vec<StatementRef> {
        self.weighed
            .iter()
            .filter(|found| layers.is_empty() || layers.contains(&found.layer))
            .flat_map(|found| found.held(effect))
            .collect()
    }

    fn remaining(&self) -> Vec<Remaining> {
        let scope = Scope { request: self.request };
        self.weighed.iter().flat_map(|found| found.remaining(&scope)).collect()
    }
}

fn scps_reach(identity: &Identity, layers: &Layers<'_>) -> bool {
    !identity.is_service_linked() && layers.management_account != Some(identity.account.as_str())
}

fn rcps_reach(request: &Request<'_>, caller: Option<&Identity>, layers: &Layers<'_>) -> bool {
    let service = request.action.split(':').next().unwrap_or_default();
    let owner = request.resource_account();
    let managed = layers.management_account.is_some() && owner == layers.management_account;
    layers.rcp_services.iter().any(|name| name.eq_ignore_ascii_case(service))
        && !managed
        && !caller.is_some_and(Identity::is_service_linked)
}
