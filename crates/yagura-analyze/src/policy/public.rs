//! Who is let in by resource policies: everyone, other accounts, identity providers.
//! Which of it is acceptable is for controls; denials are not evaluated here.

use iam_policy::{Effect, Outsider, PrincipalKind, Statement};
use serde_json::{Value, json};
use yagura_model::Resource;

use super::holders::{Documents, resource_policy};
use super::transport;
use crate::fact::{FactSource, Facts, Question};
use crate::read::{Seen, as_list, boolean, see, text};
use crate::surroundings::Surroundings;

const ACCESS: &[&str] = &["public_access", "cross_account_principals"];
pub(super) const ACCOUNT_BLOCK: &str = "AWS::S3::AccountPublicAccessBlock";
pub(super) const BLOCK: &str = "properties.PublicAccessBlockConfiguration";

const fn held(type_name: &'static str, reads: &'static [&'static str]) -> FactSource {
    FactSource::new(type_name, ACCESS, reads, access)
}

const fn ciphered(type_name: &'static str, reads: &'static [&'static str]) -> FactSource {
    FactSource::new(type_name, transport::NAMES, reads, transport::required)
}

/// Who is let in, and whether they must come over TLS.
pub(crate) const PUBLIC_ACCESS: &[FactSource] = &[
    FactSource::new(
        "AWS::S3::Bucket",
        ACCESS,
        &[
            "properties.BucketPolicy.PolicyDocument",
            BLOCK,
            "properties.OwnershipControls.Rules",
            "runtime.Grants",
        ],
        bucket_access,
    )
    .beside(&[(
        ACCOUNT_BLOCK,
        &["properties.IgnorePublicAcls", "properties.RestrictPublicBuckets"],
    )]),
    ciphered("AWS::S3::Bucket", &["properties.BucketPolicy.PolicyDocument"]),
    held("AWS::SQS::Queue", &["properties.QueuePolicy.PolicyDocument"]),
    ciphered("AWS::SQS::Queue", &["properties.QueuePolicy.PolicyDocument"]),
    held("AWS::SNS::Topic", &["properties.TopicPolicy.PolicyDocument"]),
    ciphered("AWS::SNS::Topic", &["properties.TopicPolicy.PolicyDocument"]),
    held("AWS::KMS::Key", &["properties.KeyPolicy"]),
    held("AWS::ECR::Repository", &["properties.RepositoryPolicyText"]),
    held("Yagura::ECR::Registry", &["properties.RegistryPolicy.PolicyText"]),
    ciphered("AWS::ECR::Repository", &["properties.RepositoryPolicyText"]),
    held("AWS::Lambda::Function", &["runtime.Policy", "properties.Permission"]),
    held("AWS::Lambda::LayerVersion", &["runtime.Policy"]),
    held("AWS::SecretsManager::Secret", &["properties.ResourcePolicy.ResourcePolicy"]),
    ciphered("AWS::SecretsManager::Secret", &["properties.ResourcePolicy.ResourcePolicy"]),
    held("AWS::EFS::FileSystem", &["properties.FileSystemPolicy"]),
    ciphered("AWS::EFS::FileSystem", &["properties.FileSystemPolicy"]),
    held("AWS::Backup::BackupVault", &["properties.AccessPolicy"]),
    ciphered("AWS::Backup::BackupVault", &["properties.AccessPolicy"]),
    held("AWS::IAM::Role", &["properties.AssumeRolePolicyDocument"]),
    held("AWS::DynamoDB::Table", &["properties.ResourcePolicy.PolicyDocument"]),
    held("AWS::DynamoDB::Stream", &["runtime.Policy"]),
    held("AWS::Kinesis::Stream", &["properties.ResourcePolicy.ResourcePolicy"]),
    held("AWS::Events::EventBus", &["properties.Policy"]),
    held("AWS::ApiGateway::RestApi", &["properties.Policy"]),
    held("AWS::OpenSearchService::Domain", &["properties.AccessPolicies"]),
    held("AWS::Logs::ResourcePolicy", &["properties.PolicyDocument"]),
    held("AWS::S3::AccessPoint", &["properties.Policy"]),
    held("AWS::S3::MultiRegionAccessPoint", &["runtime.Policy"]),
    held("AWS::S3Express::DirectoryBucket", &["runtime.Policy"]),
    held("AWS::ACMPCA::CertificateAuthority", &["runtime.Policy"]),
    held("AWS::APS::Workspace", &["properties.ResourcePolicy.PolicyDocument"]),
    held("AWS::CodeArtifact::Domain", &["properties.PermissionsPolicyDocument"]),
    held("AWS::CodeArtifact::Repository", &["properties.PermissionsPolicyDocument"]),
    held("AWS::Glue::DataCatalogEncryptionSettings", &["runtime.Policy"]),
    held("AWS::SES::EmailIdentity", &["runtime.Policy"]),
    held("Yagura::Glacier::Vault", &["properties.AccessPolicy"]),
];

/// Whom a role trusts beyond accounts and services.
pub(crate) const TRUST: &[FactSource] = &[FactSource::new(
    "AWS::IAM::Role",
    &["federated_principals"],
    &["properties.AssumeRolePolicyDocument"],
    federated,
)];

fn access(_: &FactSource, resource: &Resource, _: &dyn Surroundings, facts: &mut Facts) {
    let policy = resource_policy(resource);
    everyone(&policy).state("public_access", facts);
    cross_account(resource, &policy, facts);
}

/// Whether a policy by itself lets everyone in.
pub(super) fn everyone(policy: &Documents<'_>) -> Question {
    let via = open_statements(policy).map(|(label, _)| via(&label)).collect();
    Question { via, unread: policy.unread.clone() }
}

/// The statements that let everyone in.
fn open_statements<'p>(policy: &'p Documents<'_>) -> impl Iterator<Item = (String, &'p Statement)> {
    policy.labelled().filter(|(_, statement)| {
        statement.is_about_everybody() && statement.admits(&Outsider::Stranger, policy.statements())
    })
}

pub(super) fn via(label: &str) -> String {
    format!("resource policy, {label}")
}

/// The statements that give.
pub(super) fn allowing<'p>(
    policy: &'p Documents<'_>,
) -> impl Iterator<Item = (String, &'p Statement)> {
    policy.labelled().filter(|(_, statement)| statement.effect == Effect::Allow)
}

fn cross_account(resource: &Resource, policy: &Documents<'_>, facts: &mut Facts) {
    let mut found = Vec::new();
    for (label, statement) in allowing(policy) {
        if statement.spares_principals() {
            continue;
        }
        for (kind, principal) in statement.principals_written() {
            let account = match kind {
                PrincipalKind::Aws if principal != "*" => account_of(principal),
                PrincipalKind::CanonicalUser => "",
                _ => continue,
            };
            if account == resource.account {
                continue;
            }
            found.push(json!({
                "principal": principal,
                "account": account,
                "conditioned": !statement.conditions.is_empty(),
                "external_id": statement.fixes(&["sts:externalid"]),
                "via": via(&label),
            }));
        }
    }
    facts.set("cross_account_principals", Value::Array(found));
    facts.unread(&["cross_account_principals"], true, &policy.unread);
}

/// The account that a principal of kind `AWS` names: twelve digits, or the fifth part of an ARN.
pub(super) fn account_of(principal: &str) -> &str {
    let is_account = |text: &str| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    if is_account(principal) {
        return principal;
    }
    principal.split(':').nth(4).filter(|account| is_account(account)).unwrap_or_default()
}

fn federated(_: &FactSource, resource: &Resource, _: &dyn Surroundings, facts: &mut Facts) {
    let policy = resource_policy(resource);
    let mut found = Vec::new();
    for (label, statement) in allowing(&policy) {
        let named = statement.principals_written();
        for (_, provider) in named.filter(|(kind, _)| *kind == PrincipalKind::Federated) {
            let name = provider_name(provider);
            let fixed = statement.fixes_token_subject(name)
                || statement.fixes(&["saml:sub", "saml:namequalifier"]);
            found.push(json!({
                "provider": provider,
                "subject_fixed": fixed,
                "via": via(&label),
            }));
        }
    }
    facts.set("federated_principals", Value::Array(found));
    facts.unread(&["federated_principals"], true, &policy.unread);
}

/// The name that a provider's condition keys begin with.
pub(super) fn provider_name(provider: &str) -> &str {
    provider.split_once(":oidc-provider/").map_or(provider, |(_, name)| name)
}

// ---- Amazon S3

/// Actions of S3 that stand for reading and for changing what a bucket holds or who may.
const READS: &[&str] = &[
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:ListBucket",
    "s3:ListBucketVersions",
    "s3:ListBucketMultipartUploads",
    "s3:GetBucketAcl",
    "s3:GetBucketPolicy",
    "s3:GetObjectAcl",
];
const WRITES: &[&str] = &[
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:PutObjectAcl",
    "s3:PutBucketAcl",
    "s3:PutBucketPolicy",
    "s3:DeleteBucketPolicy",
    "s3:PutLifecycleConfiguration",
    "s3:ReplicateObject",
    "s3:RestoreObject",
    "s3:BypassGovernanceRetention",
];

/// Any, read, write.
pub(super) type Doors = [Question; 3];

fn bucket_access(
    _: &FactSource,
    resource: &Resource,
    surroundings: &dyn Surroundings,
    facts: &mut Facts,
) {
    let policy = resource_policy(resource);
    let doors = doors(resource, &policy, surroundings);
    let [any, read, write] = &doors;
    any.state("public_access", facts);
    read.state_member("public_access", "read", facts);
    write.state_member("public_access", "write", facts);
    cross_account(resource, &policy, facts);
}

/// Whether a bucket is open, by its policy or its grants and in spite of every block.
pub(super) fn doors(
    resource: &Resource,
    policy: &Documents<'_>,
    surroundings: &dyn Surroundings,
) -> Doors {
    let mut doors = Doors::default();
    match switched_on(resource, surroundings, "RestrictPublicBuckets") {
        Switch::On => {}
        Switch::Off => by_policy(policy, &mut doors),
        Switch::Unread(unread) => {
            // Unless there is something for the switch to hold back, it does not matter.
            let mut behind = Doors::default();
            by_policy(policy, &mut behind);
            hold_back(&behind, &unread, &mut doors);
        }
    }
    match acls_ignored(resource, surroundings) {
        Switch::On => {}
        Switch::Off => by_grants(resource, &mut doors),
        Switch::Unread(unread) => {
            let mut behind = Doors::default();
            by_grants(resource, &mut behind);
            hold_back(&behind, &unread, &mut doors);
        }
    }
    doors
}

fn by_policy(policy: &Documents<'_>, doors: &mut Doors) {
    let [any, read, write] = doors;
    for question in [&mut *any, &mut *read, &mut *write] {
        question.unread.extend(policy.unread.iter().cloned());
    }
    for (label, statement) in open_statements(policy) {
        any.via.push(via(&label));
        if READS.iter().any(|action| statement.covers_action(action)) {
            read.via.push(via(&label));
        }
        if WRITES.iter().any(|action| statement.covers_action(action)) {
            write.via.push(via(&label));
        }
    }
}

/// Grants to everyone. Source: Amazon S3 User Guide, "Access control list (ACL) overview".
fn by_grants(resource: &Resource, doors: &mut Doors) {
    let seen = see(resource, "runtime.Grants");
    let [any, read, write] = doors;
    for question in [&mut *any, &mut *read, &mut *write] {
        question.unread.extend(seen.unread().cloned());
    }
    for grant in as_list(seen.value()) {
        let uri = grant.get("Grantee").and_then(|grantee| text(grantee, "URI"));
        let who = match uri.unwrap_or_default().rsplit_once("/groups/global/") {
            Some((_, "AllUsers")) => "all users",
            Some((_, "AuthenticatedUsers")) => "any authenticated user",
            _ => continue,
        };
        let permission = text(grant, "Permission").unwrap_or_default();
        let line = format!("access control list, {permission} for {who}");
        if matches!(permission, "READ" | "READ_ACP" | "FULL_CONTROL") {
            read.via.push(line.clone());
        }
        if matches!(permission, "WRITE" | "WRITE_ACP" | "FULL_CONTROL") {
            write.via.push(line.clone());
        }
        any.via.push(line);
    }
}

/// What would be open, or is itself unread, may be held back by a switch that is unread.
fn hold_back(behind: &Doors, unread: &yagura_model::Unread, doors: &mut Doors) {
    for (door, behind) in doors.iter_mut().zip(behind) {
        door.unread.extend(behind.unread.iter().cloned());
        if !behind.via.is_empty() {
            door.unread.push(unread.clone());
        }
    }
}

enum Switch {
    On,
    Off,
    Unread(yagura_model::Unread),
}

/// One switch of the public access block, on if it is on for the bucket or its account.
fn switched_on(resource: &Resource, surroundings: &dyn Surroundings, name: &str) -> Switch {
    let mut unread = None;
    let bucket = see(resource, BLOCK);
    match bucket {
        Seen::Unread(own) | Seen::Partly(_, own) => unread = Some(own.clone()),
        Seen::Value(_) | Seen::Absent => {}
    }
    if let Seen::Value(block) = bucket
        && block.get(name).and_then(boolean) == Some(true)
    {
        return Switch::On;
    }
    let account = surroundings.in_account(&resource.account, ACCOUNT_BLOCK);
    for block in account.resources {
        let seen = see(block, &format!("properties.{name}"));
        if matches!(seen, Seen::Value(value) if boolean(value) == Some(true)) {
            return Switch::On;
        }
        unread = unread.or_else(|| seen.unread().cloned());
    }
    match unread.or_else(|| account.unread.into_iter().next()) {
        Some(unread) => Switch::Unread(unread),
        None => Switch::Off,
    }
}

/// Whether grants count for nothing: lists are off (`BucketOwnerEnforced`), or public grants are
/// ignored.
fn acls_ignored(resource: &Resource, surroundings: &dyn Surroundings) -> Switch {
    let rules = see(resource, "properties.OwnershipControls.Rules");
    let enforced = as_list(rules.value())
        .iter()
        .any(|rule| text(rule, "ObjectOwnership") == Some("BucketOwnerEnforced"));
    if enforced && rules.unread().is_none() {
        return Switch::On;
    }
    match (switched_on(resource, surroundings, "IgnorePublicAcls"), rules.unread()) {
        (Switch::Off, Some(unread)) => Switch::Unread(unread.clone()),
        (switch, _) => switch,
    }
}
