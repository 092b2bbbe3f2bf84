//! Who is let in from beyond the zone of trust by resource policies and grants: everyone, other
//! accounts and organizations, services on anybody's behalf, tokens for anybody.
//! Resources that are shared by an attribute are in `sharing.rs`.

use serde_json::{Value, json};
use yagura_model::{Resource, Truth, Unread};

use super::condition::{
    self, excludes_strangers, fixes_subject, is_positive, leaves_out, narrows, says_whose,
};
use super::denial;
use super::document::{Condition, Statement};
use super::holders::{Documents, resource_policy};
use super::public::{ACCOUNT_BLOCK, BLOCK, account_of, doors, everyone, via};
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
    held("AWS::SQS::Queue", &["properties.QueuePolicy.PolicyDocument"]),
    held("AWS::SNS::Topic", &["properties.TopicPolicy.PolicyDocument"]),
    held("AWS::KMS::Key", &["properties.KeyPolicy", "runtime.Grants"]),
    held("AWS::ECR::Repository", &["properties.RepositoryPolicyText"]),
    held("AWS::Lambda::Function", &["runtime.Policy", "properties.Permission"]),
    held("AWS::SecretsManager::Secret", &["properties.ResourcePolicy.ResourcePolicy"]),
    held("AWS::EFS::FileSystem", &["properties.FileSystemPolicy"]),
    held("AWS::Backup::BackupVault", &["properties.AccessPolicy"]),
    held("AWS::IAM::Role", &["properties.AssumeRolePolicyDocument"]),
    held("AWS::DynamoDB::Table", &["properties.ResourcePolicy.PolicyDocument"]),
    held("AWS::Kinesis::Stream", &["properties.ResourcePolicy.ResourcePolicy"]),
    held("AWS::Events::EventBus", &["properties.Policy"]),
    held("AWS::ApiGateway::RestApi", &["properties.Policy"]),
    held("AWS::OpenSearchService::Domain", &["properties.AccessPolicies"]),
    held("AWS::Logs::ResourcePolicy", &["properties.PolicyDocument"]),
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
        let [any, ..] = doors(resource, surroundings);
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
    let statements: Vec<Statement<'_>> = policy.statements().collect();
    for statement in statements.iter().filter(|statement| statement.allow) {
        if statement.is_about_everyone() && narrows(statement) {
            if !denial::takes_back(&statements, statement, excludes_strangers) {
                of_conditions(statement, external);
            }
            continue;
        }
        for (kind, principal) in &statement.principals {
            match *kind {
                "AWS" if *principal != "*" => {
                    of_account(&statements, statement, principal, external);
                }
                "Service" => of_service(&statements, statement, principal, external),
                "Federated" => of_provider(statement, principal, external),
                _ => {}
            }
        }
    }
}

fn entry(account: &str, principal: &str, statement: Option<&Statement<'_>>, via: &str) -> Value {
    let whole = principal == account || principal.ends_with(":root") || principal == "*";
    let keys = [std::borrow::Cow::Borrowed("sts:externalid")];
    json!({
        "account": account,
        "principal": principal,
        "whole_account": whole,
        "conditioned": statement.is_some_and(|statement| !statement.conditions.is_empty()),
        "external_id": statement.is_some_and(|statement| condition::fixes(statement, &keys)),
        "via": via,
    })
}

/// A principal that names an account.
fn of_account(
    statements: &[Statement<'_>],
    statement: &Statement<'_>,
    principal: &str,
    external: &mut External<'_>,
) {
    let account = account_of(principal);
    if account.is_empty() || statement.principals_negated {
        return;
    }
    let own = external.zone.organization.clone();
    let out = |condition: &Condition<'_>| leaves_out(condition, account, own.as_deref());
    let kept_out = statement.conditions.iter().any(|c| is_positive(c) && out(c))
        || denial::takes_back(statements, statement, |c| excludes_strangers(c) && out(c));
    if !kept_out {
        let entry = entry(account, principal, Some(statement), &via(statement));
        external.account(account, entry);
    }
}

/// A service that may act on behalf of anybody (the confused deputy).
fn of_service(
    statements: &[Statement<'_>],
    statement: &Statement<'_>,
    service: &str,
    external: &mut External<'_>,
) {
    let fixed = statement.conditions.iter().any(|c| is_positive(c) && says_whose(c));
    let whose = |condition: &Condition<'_>| match condition.operator.as_str() {
        "bool" => {
            condition.key == "aws:principalisawsservice"
                && condition.values.iter().all(|value| value.eq_ignore_ascii_case("true"))
        }
        // The usual guard of resource control policies: whoever says for whom must say us.
        "null" => {
            condition.key == "aws:sourceaccount"
                && condition.values.iter().all(|value| value.eq_ignore_ascii_case("false"))
        }
        _ => excludes_strangers(condition) && says_whose(condition),
    };
    if !fixed && !statement.principals_negated && !denial::takes_back(statements, statement, whose)
    {
        let (via, conditioned) = (via(statement), !statement.conditions.is_empty());
        external.services.push(json!({"service": service, "conditioned": conditioned, "via": via}));
    }
}

/// An identity provider whose tokens for anybody are accepted.
fn of_provider(statement: &Statement<'_>, provider: &str, external: &mut External<'_>) {
    if statement.principals_negated || provider.contains(":saml-provider/") {
        return;
    }
    let name = provider.split_once(":oidc-provider/").map_or(provider, |(_, name)| name);
    // The provider of an EKS cluster serves nobody but the cluster.
    if name.starts_with("oidc.eks.") || fixes_subject(statement, name) {
        return;
    }
    external.federated.push(json!({"provider": provider, "via": via(statement)}));
}

/// Whom the conditions of a statement for everyone let in. Of several conditions all must hold:
/// the one that lets in the fewest decides.
fn of_conditions(statement: &Statement<'_>, external: &mut External<'_>) {
    let positive = statement.conditions.iter().filter(|condition| is_positive(condition));
    let owners: Vec<Vec<Owner<'_>>> = positive.filter_map(owners_named).collect();
    let is_inside = |owner: &&Owner<'_>| match owner {
        Owner::Account(account) => external.zone.has(account),
        Owner::Organization(id) => external.zone.is_own(id),
    };
    if owners.iter().any(|named| named.iter().all(|owner| is_inside(&owner) == Truth::True)) {
        return;
    }
    // INVARIANT: while one is undecided, none is chosen: with more known it may be another one.
    if owners.iter().flatten().any(|owner| is_inside(&owner) == Truth::Unknown) {
        external.undecided = true;
        return;
    }
    let outside =
        |named: &&Vec<Owner<'_>>| named.iter().filter(|o| is_inside(o) == Truth::False).count();
    let Some(fewest) = owners.iter().min_by_key(outside) else { return };
    for owner in fewest {
        match owner {
            Owner::Account(account) => {
                let entry = entry(account, "*", Some(statement), &via(statement));
                external.account(account, entry);
            }
            Owner::Organization(id) => external.organization(id, &via(statement)),
        }
    }
}

enum Owner<'v> {
    Account(&'v str),
    Organization(&'v str),
}

/// The accounts or organizations that a condition names; `None` where it names places or things
/// that do not tell whose they are.
fn owners_named<'v>(condition: &'v Condition<'_>) -> Option<Vec<Owner<'v>>> {
    let values = || condition.values.iter().map(AsRef::as_ref);
    match condition.key.as_str() {
        "aws:sourceaccount"
        | "aws:sourceowner"
        | "aws:principalaccount"
        | "kms:calleraccount"
        | "s3:dataaccesspointaccount"
        | "aws:vpceaccount" => Some(values().map(Owner::Account).collect()),
        "aws:sourcearn" | "aws:principalarn" | "s3:dataaccesspointarn" => values()
            .map(|value| match account_of(value) {
                "" => None,
                account => Some(Owner::Account(account)),
            })
            .collect(),
        "aws:principalorgid" | "aws:sourceorgid" | "aws:vpceorgid" => {
            Some(values().map(Owner::Organization).collect())
        }
        "aws:principalorgpaths" | "aws:sourceorgpaths" | "aws:vpceorgpaths" => {
            Some(values().map(|v| Owner::Organization(v.split('/').next().unwrap_or(v))).collect())
        }
        _ => None,
    }
}
