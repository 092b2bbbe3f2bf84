//! Who is let in from beyond the zone of trust by resource policies and grants: everyone, other
//! accounts and organizations, services on anybody's behalf, tokens for anybody.
//! Resources that are shared by an attribute are in `sharing.rs`.

use iam_policy::{Outsider, Owner, PrincipalKind, Statement, Truth as Met};
use serde_json::{Value, json};
use yagura_model::{Resource, Truth, Unread};

use super::holders::{Documents, resource_policy};
use super::public::{
    ACCOUNT_BLOCK, BLOCK, account_of, allowing, doors, everyone, provider_name, via,
};
use super::zone::{MEMBER, NEIGHBORS, ORGANIZATION, Zone};
use crate::fact::{FactSource, Facts, Question};
use crate::read::{as_list, see, text};
use crate::surroundings::Surroundings;

pub(super) const NAME: &str = "external_access";
const NAMES: &[&str] = &[NAME];

const fn held(type_name: &'static str, reads: &'static [&'static str]) -> FactSource {
    FactSource::new(type_name, NAMES, reads, external_access).beside(NEIGHBORS)
}

/// The fact, by type.
pub(crate) const EXTERNAL_ACCESS: &[FactSource] = &[
    FactSource::new(
        "AWS::S3::Bucket",
        NAMES,
        &[
            "properties.BucketPolicy.PolicyDocument",
            BLOCK,
            "properties.OwnershipControls.Rules",
            "runtime.Grants",
        ],
        external_access,
    )
    .beside(&[
        (ORGANIZATION, &[]),
        (MEMBER, &[]),
        (ACCOUNT_BLOCK, &["properties.IgnorePublicAcls", "properties.RestrictPublicBuckets"]),
    ]),
    held("AWS::S3::AccessPoint", &["properties.Policy"]),
    held("AWS::S3::MultiRegionAccessPoint", &["runtime.Policy"]),
    held("AWS::S3Express::DirectoryBucket", &["runtime.Policy"]),
    held("AWS::SQS::Queue", &["properties.QueuePolicy.PolicyDocument"]),
    held("AWS::SNS::Topic", &["properties.TopicPolicy.PolicyDocument"]),
    held("AWS::KMS::Key", &["properties.KeyPolicy", "runtime.Grants"]),
    held("AWS::ECR::Repository", &["properties.RepositoryPolicyText"]),
    held("Yagura::ECR::Registry", &["properties.RegistryPolicy.PolicyText"]),
    held("AWS::Lambda::Function", &["runtime.Policy", "properties.Permission"]),
    held("AWS::Lambda::LayerVersion", &["runtime.Policy"]),
    held("AWS::SecretsManager::Secret", &["properties.ResourcePolicy.ResourcePolicy"]),
    held("AWS::EFS::FileSystem", &["properties.FileSystemPolicy"]),
    held("AWS::Backup::BackupVault", &["properties.AccessPolicy"]),
    held("AWS::IAM::Role", &["properties.AssumeRolePolicyDocument"]),
    held("AWS::DynamoDB::Table", &["properties.ResourcePolicy.PolicyDocument"]),
    held("AWS::DynamoDB::Stream", &["runtime.Policy"]),
    held("AWS::Kinesis::Stream", &["properties.ResourcePolicy.ResourcePolicy"]),
    held("AWS::Events::EventBus", &["properties.Policy"]),
    held("AWS::ApiGateway::RestApi", &["properties.Policy"]),
    held("AWS::OpenSearchService::Domain", &["properties.AccessPolicies"]),
    held("AWS::Logs::ResourcePolicy", &["properties.PolicyDocument"]),
    held("AWS::ACMPCA::CertificateAuthority", &["runtime.Policy"]),
    held("AWS::APS::Workspace", &["properties.ResourcePolicy.PolicyDocument"]),
    held("AWS::CodeArtifact::Domain", &["properties.PermissionsPolicyDocument"]),
    held("AWS::CodeArtifact::Repository", &["properties.PermissionsPolicyDocument"]),
    held("AWS::Glue::DataCatalogEncryptionSettings", &["runtime.Policy"]),
    held("AWS::SES::EmailIdentity", &["runtime.Policy"]),
    held("Yagura::Glacier::Vault", &["properties.AccessPolicy"]),
];

/// What was found so far.
pub(super) struct External<'s> {
    zone: Zone<'s>,
    /// Whether everyone is let in.
    pub(super) public: Question,
    accounts: Vec<Value>,
    organizations: Vec<Value>,
    services: Vec<Value>,
    federated: Vec<Value>,
    /// Whether something hangs on what is not known of the zone.
    undecided: bool,
    /// What else of the lists is not whole.
    pub(super) unread: Vec<Unread>,
}

impl<'s> External<'s> {
    pub(super) fn new(account: &'s str, surroundings: &'s dyn Surroundings) -> Self {
        Self {
            zone: Zone::of(account, surroundings),
            public: Question::default(),
            accounts: Vec::new(),
            organizations: Vec::new(),
            services: Vec::new(),
            federated: Vec::new(),
            undecided: false,
            unread: Vec::new(),
        }
    }

    /// Notes an account that is let in, if it is not of the zone.
    pub(super) fn account(&mut self, account: &str, entry: Value) {
        match self.zone.has(account) {
            Truth::True => {}
            Truth::False if self.accounts.contains(&entry) => {}
            Truth::False => self.accounts.push(entry),
            Truth::Unknown => self.undecided = true,
        }
    }

    /// Notes an organization whose every account is let in, if it is not the zone's.
    pub(super) fn organization(&mut self, organization: &str, via: &str) {
        match self.zone.is_own(organization) {
            Truth::True => {}
            Truth::False => {
                self.organizations.push(json!({"organization": organization, "via": via}));
            }
            Truth::Unknown => self.undecided = true,
        }
    }

    /// States the fact.
    pub(super) fn state(mut self, facts: &mut Facts) {
        if self.undecided {
            self.unread.append(&mut self.zone.unread);
        }
        let public = self.public.answer();
        let lists = [
            ("accounts", self.accounts),
            ("organizations", self.organizations),
            ("services_without_source", self.services),
            ("federated", self.federated),
        ];
        let someone = public == Truth::True || lists.iter().any(|(_, found)| !found.is_empty());
        let whole = public != Truth::Unknown && self.unread.is_empty();
        let mut members = serde_json::Map::new();
        if someone || whole {
            members.insert("any".to_owned(), Value::Bool(someone));
        }
        if public != Truth::Unknown {
            members.insert("public".to_owned(), Value::Bool(public == Truth::True));
        }
        let names = lists.iter().map(|(name, _)| *name).collect::<Vec<_>>();
        members.extend(lists.into_iter().map(|(name, found)| (name.to_owned(), found.into())));
        facts.set(NAME, Value::Object(members));
        if !someone && !whole {
            facts.unread(&[NAME, "any"], false, self.unread.iter().chain(&self.public.unread));
        }
        if public == Truth::Unknown {
            facts.unread(&[NAME, "public"], false, &self.public.unread);
        }
        for name in names {
            facts.unread(&[NAME, name], true, &self.unread);
        }
    }
}

fn external_access(
    source: &FactSource,
    resource: &Resource,
    surroundings: &dyn Surroundings,
    facts: &mut Facts,
) {
    let policy = resource_policy(resource);
    let mut external = External::new(&resource.account, surroundings);
    if source.type_name == "AWS::S3::Bucket" {
        let [any, ..] = doors(resource, &policy, surroundings);
        external.public = any;
    } else {
        external.public = everyone(&policy);
    }
    external.unread.extend(policy.unread.iter().cloned());
    by_policy(&policy, &mut external);
    if source.type_name == "AWS::KMS::Key" {
        by_grants(resource, &mut external);
    }
    external.state(facts);
}

/// Grants of a key let their grantees in beside the policy.
fn by_grants(resource: &Resource, external: &mut External<'_>) {
    let grants = see(resource, "runtime.Grants");
    external.unread.extend(grants.unread().cloned());
    for grant in as_list(grants.value()) {
        let grantee = text(grant, "GranteePrincipal").unwrap_or_default();
        let account = account_of(grantee);
        if account.is_empty() {
            continue;
        }
        let via = format!("grant `{}`", text(grant, "GrantId").unwrap_or_default());
        let entry = entry(account, grantee, None, &via);
        external.account(account, entry);
    }
}

fn by_policy(policy: &Documents<'_>, external: &mut External<'_>) {
    for (label, statement) in allowing(policy) {
        let given = Given { policy, statement, via: via(&label) };
        // Everybody, held to something: whom do the conditions mean?
        let stranger = Outsider::Stranger;
        if statement.is_about_everybody() && statement.conditions_met_by(&stranger) == Met::False {
            if !statement.is_taken_back(&stranger, policy.statements()) {
                given.to_owners(external);
            }
            continue;
        }
        for (kind, principal) in statement.principals_written() {
            match kind {
                _ if statement.spares_principals() => {}
                PrincipalKind::Aws if principal != "*" => given.to_account(principal, external),
                PrincipalKind::Service => given.to_service(principal, external),
                PrincipalKind::Federated => given.to_provider(principal, external),
                _ => {}
            }
        }
    }
}

fn entry(account: &str, principal: &str, statement: Option<&Statement>, via: &str) -> Value {
    let whole = principal == account || principal.ends_with(":root") || principal == "*";
    json!({
        "account": account,
        "principal": principal,
        "whole_account": whole,
        "conditioned": statement.is_some_and(|statement| !statement.conditions.is_empty()),
        "external_id": statement.is_some_and(|statement| statement.fixes(&["sts:externalid"])),
        "via": via,
    })
}

/// A statement that allows, among those beside it.
struct Given<'p> {
    policy: &'p Documents<'p>,
    statement: &'p Statement,
    via: String,
}

impl Given<'_> {
    fn admits(&self, outsider: &Outsider<'_>) -> bool {
        self.statement.admits(outsider, self.policy.statements())
    }

    /// A principal that names an account.
    fn to_account(&self, principal: &str, external: &mut External<'_>) {
        let account = account_of(principal);
        if account.is_empty() {
            return;
        }
        let own = external.zone.organization.clone();
        if self.admits(&Outsider::OfAccount { account, not_in: own.as_deref() }) {
            let entry = entry(account, principal, Some(self.statement), &self.via);
            external.account(account, entry);
        }
    }

    /// A service that may act on behalf of anybody (the confused deputy).
    fn to_service(&self, service: &str, external: &mut External<'_>) {
        if self.admits(&Outsider::Service(service)) {
            let conditioned = !self.statement.conditions.is_empty();
            external.services.push(json!({
                "service": service, "conditioned": conditioned, "via": self.via,
            }));
        }
    }

    /// An identity provider whose tokens for anybody are accepted.
    fn to_provider(&self, provider: &str, external: &mut External<'_>) {
        let name = provider_name(provider);
        // The provider of an EKS cluster serves nobody but the cluster.
        let closed = provider.contains(":saml-provider/") || name.starts_with("oidc.eks.");
        if !closed && self.admits(&Outsider::Bearer(name)) {
            external.federated.push(json!({"provider": provider, "via": self.via}));
        }
    }

    /// Whom the conditions of a statement for everyone let in. Of several conditions all must
    /// hold: the one that lets in the fewest decides.
    fn to_owners(&self, external: &mut External<'_>) {
        let owners = self.statement.owners_named();
        let is_inside = |owner: &&Owner<'_>| match owner {
            Owner::Account(account) => external.zone.has(account),
            Owner::Organization(id) => external.zone.is_own(id),
        };
        if owners.iter().any(|named| named.iter().all(|owner| is_inside(&owner) == Truth::True)) {
            return;
        }
        // INVARIANT: while one is undecided, none is chosen: with more known it may be another.
        if owners.iter().flatten().any(|owner| is_inside(&owner) == Truth::Unknown) {
            external.undecided = true;
            return;
        }
        let outside =
            |named: &&Vec<Owner<'_>>| named.iter().filter(|o| is_inside(o) == Truth::False).count();
        let Some(fewest) = owners.iter().min_by_key(outside) else { return };
        let own = external.zone.organization.clone();
        for owner in fewest {
            match owner {
                Owner::Account(account) => {
                    if self.admits(&Outsider::OfAccount { account, not_in: own.as_deref() }) {
                        let entry = entry(account, "*", Some(self.statement), &self.via);
                        external.account(account, entry);
                    }
                }
                Owner::Organization(id) => external.organization(id, &self.via),
            }
        }
    }
}
