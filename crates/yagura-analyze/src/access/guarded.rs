//! Resources that have a policy of their own, and finding the one that an ARN is about.
//! Where each type keeps its policy is in `policy::holders`.

use iam_policy::Layer;
use yagura_model::{Resource, Unread, UnreadReason};

use super::{Missing, NamedPolicy, World, compiled};
use crate::policy::{policy_paths, resource_policy};
use crate::read::{boolean, see};

/// Types with a policy of their own, and the service in their ARNs.
pub(super) const TYPES: [(&str, &str); 9] = [
    ("AWS::S3::Bucket", "s3"),
    ("AWS::SQS::Queue", "sqs"),
    ("AWS::SNS::Topic", "sns"),
    ("AWS::KMS::Key", "kms"),
    ("AWS::ECR::Repository", "ecr"),
    ("AWS::Lambda::Function", "lambda"),
    ("AWS::SecretsManager::Secret", "secretsmanager"),
    ("AWS::EFS::FileSystem", "elasticfilesystem"),
    ("AWS::Backup::BackupVault", "backup"),
];

const ROLE: &str = "AWS::IAM::Role";
const ACCOUNT_BLOCK: &str = "AWS::S3::AccountPublicAccessBlock";

/// A resource with its policy.
#[derive(Debug, Default)]
pub(super) struct Guarded {
    pub(super) account: String,
    pub(super) tags: std::collections::BTreeMap<String, String>,
    /// The first one counts: a running resource's own, before what a template would make.
    pub(super) policies: Vec<NamedPolicy>,
    pub(super) restrict_public_buckets: bool,
    pub(super) missing: Vec<Missing>,
}

pub(super) fn read(world: &mut World, resources: &[Resource]) {
    let blocked: Vec<&str> = resources
        .iter()
        .filter(|resource| resource.type_name == ACCOUNT_BLOCK)
        .filter(|block| is_on(block, "properties.RestrictPublicBuckets"))
        .map(|block| block.account.as_str())
        .collect();
    for resource in resources {
        let known = resource.type_name == ROLE
            || TYPES.iter().any(|(type_name, _)| *type_name == resource.type_name);
        if !known || policy_paths(&resource.type_name).is_empty() {
            continue;
        }
        let mut guarded = Guarded {
            account: resource.account.clone(),
            tags: resource.tags.clone(),
            ..Guarded::default()
        };
        let documents = resource_policy(resource);
        for unread in documents.unread {
            guarded.missing.push(missing(&resource.key, unread));
        }
        for document in &documents.documents {
            match compiled(&resource.name, document) {
                Ok(policy) => guarded.policies.push(policy),
                Err(unread) => guarded.missing.push(missing(&resource.key, unread)),
            }
        }
        let own = "properties.PublicAccessBlockConfiguration.RestrictPublicBuckets";
        guarded.restrict_public_buckets =
            is_on(resource, own) || blocked.contains(&resource.account.as_str());
        let arn = resource.arn.as_ref().unwrap_or(&resource.key);
        world.guarded.insert(arn.clone(), guarded);
    }
}

fn is_on(resource: &Resource, path: &str) -> bool {
    see(resource, path).value().and_then(boolean) == Some(true)
}

impl Guarded {
    pub(super) fn policy(&self) -> Option<&iam_policy::Policy> {
        self.policies.first().map(|named| named.policy.as_ref())
    }
}

fn missing(of: &str, unread: Unread) -> Missing {
    Missing { layer: Layer::Resource, of: of.to_owned(), unread }
}

/// What stands guard over an ARN.
pub(super) enum Guard<'w> {
    /// Its policy, as far as it was read.
    Known(&'w Guarded),
    /// It has none of its own, or not for this action.
    None,
    /// It would have one, but the resource is not in the inventory.
    NotSeen(Missing),
}

impl World {
    /// The resource that a request is about. A role's trust policy is asked only about becoming
    /// the role, and never about reading or changing it.
    pub(super) fn guard(&self, action: &str, arn: &str) -> Guard<'_> {
        let mut parts = arn.splitn(6, ':');
        let service = parts.nth(2).unwrap_or_default();
        let service_asked = action.split(':').next().unwrap_or_default();
        let is_role = service == "iam" && arn.contains(":role/");
        let asked_for = if is_role { "sts" } else { service };
        if !asked_for.eq_ignore_ascii_case(service_asked) {
            return Guard::None;
        }
        for candidate in owners(service, arn) {
            if let Some(guarded) = self.guarded.get(candidate) {
                return Guard::Known(guarded);
            }
        }
        let has_policies = is_role || TYPES.iter().any(|(_, of)| *of == service);
        let kind = arn.rsplit(':').next().unwrap_or_default();
        // A form of ARNs is about many resources: each would have to be asked by itself.
        if !has_policies || arn.contains(['*', '?']) || kind.starts_with("alias/") {
            return Guard::None;
        }
        let detail = "the resource is not in the inventory".to_owned();
        let unread = Unread {
            detail,
            ..Unread::of(yagura_model::Path::default(), UnreadReason::NotRequested)
        };
        Guard::NotSeen(missing(arn, unread))
    }
}

/// The ARNs under which the holder of the policy may be known: itself, the bucket of an object,
/// the function of a version.
fn owners<'a>(service: &str, arn: &'a str) -> impl Iterator<Item = &'a str> {
    let shorter = match service {
        "s3" => arn.split_once('/').map(|(bucket, _)| bucket),
        "lambda" if arn.matches(':').count() > 6 => arn.rsplit_once(':').map(|(base, _)| base),
        _ => None,
    };
    std::iter::once(arn).chain(shorter)
}
