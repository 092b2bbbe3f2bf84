//! Resources that have a policy of their own, and finding the one that an ARN is about.
//! Where each type keeps its policy is in `policy::holders`.

use std::sync::Arc;

use iam_policy::{Layer, ParseError, Policy};
use yagura_model::{Resource, Unread, UnreadReason};

use super::{Missing, World, gap, unreadable};
use crate::policy::{Document, policy_paths, resource_policy};
use crate::read::{boolean, see};

/// A type whose resources have a policy of their own.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) type_name: &'static str,
    /// The service in the ARNs that its policies speak of.
    service: &'static str,
    /// How the last part of such an ARN begins.
    begins: &'static str,
    /// How many parts between slashes name the holder; what follows is inside of it.
    segments: usize,
    /// Whether a request may be about something of the kind that has no such policy at all, so
    /// that not finding one means there is none.
    optional: bool,
}

const fn kind(
    type_name: &'static str,
    service: &'static str,
    begins: &'static str,
    segments: usize,
) -> Kind {
    Kind { type_name, service, begins, segments, optional: false }
}

const BUCKET: &str = "AWS::S3::Bucket";
const FUNCTION: &str = "AWS::Lambda::Function";
const LAYER_VERSION: &str = "AWS::Lambda::LayerVersion";
const MULTI_REGION: &str = "AWS::S3::MultiRegionAccessPoint";
const STREAM: &str = "AWS::DynamoDB::Stream";
const REST_API: &str = "AWS::ApiGateway::RestApi";
const LOGS_POLICY: &str = "AWS::Logs::ResourcePolicy";

/// The types, and what their policies speak of (Service Authorization Reference, resource types,
/// seen 2026-11). Of two that begin alike the narrower stands first.
pub(super) const KINDS: [Kind; 26] = [
    kind(MULTI_REGION, "s3", "accesspoint/", 2),
    kind("AWS::S3::AccessPoint", "s3", "accesspoint/", 2),
    kind(BUCKET, "s3", "", 1),
    kind("AWS::SQS::Queue", "sqs", "", 1),
    kind("AWS::SNS::Topic", "sns", "", 1),
    kind("AWS::KMS::Key", "kms", "key/", 2),
    kind("AWS::ECR::Repository", "ecr", "repository/", usize::MAX),
    kind(FUNCTION, "lambda", "function:", 1),
    kind(LAYER_VERSION, "lambda", "layer:", 1),
    kind("AWS::SecretsManager::Secret", "secretsmanager", "secret:", usize::MAX),
    kind("AWS::EFS::FileSystem", "elasticfilesystem", "file-system/", 2),
    kind("AWS::Backup::BackupVault", "backup", "backup-vault:", 1),
    kind("AWS::S3Express::DirectoryBucket", "s3express", "bucket/", 2),
    kind(STREAM, "dynamodb", "table/", usize::MAX),
    kind("AWS::DynamoDB::Table", "dynamodb", "table/", 2),
    kind("AWS::Kinesis::Stream", "kinesis", "stream/", 2),
    kind("AWS::Events::EventBus", "events", "event-bus/", usize::MAX),
    kind("AWS::OpenSearchService::Domain", "es", "domain/", 2),
    kind("AWS::ACMPCA::CertificateAuthority", "acm-pca", "certificate-authority/", 2),
    kind("AWS::APS::Workspace", "aps", "workspace/", 2),
    kind("AWS::CodeArtifact::Domain", "codeartifact", "domain/", 2),
    kind("AWS::CodeArtifact::Repository", "codeartifact", "repository/", usize::MAX),
    kind("AWS::SES::EmailIdentity", "ses", "identity/", usize::MAX),
    kind("Yagura::Glacier::Vault", "glacier", "vaults/", 2),
    // HTTP and WebSocket APIs are called the same way and have no policy.
    Kind { optional: true, ..kind(REST_API, "execute-api", "", 1) },
    // Policies of a region of an account, for all log groups in it; most accounts have none.
    Kind { optional: true, ..kind(LOGS_POLICY, "logs", "log-group:", 0) },
];

const ROLE: &str = "AWS::IAM::Role";
const ACCOUNT_BLOCK: &str = "AWS::S3::AccountPublicAccessBlock";

/// A resource with its policy.
#[derive(Debug, Default)]
pub(super) struct Guarded {
    pub(super) account: String,
    pub(super) tags: std::collections::BTreeMap<String, String>,
    /// What counts, compiled into one.
    policy: Option<Policy>,
    /// The policies it was made of, with how many statements each has.
    parts: Vec<(Arc<str>, usize)>,
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
        let known = resource.type_name == ROLE || is_guarded(&resource.type_name);
        if !known || policy_paths(&resource.type_name).is_empty() {
            continue;
        }
        let guarded = world.guarded.entry(spoken_of(resource)).or_default();
        if resource.type_name != LOGS_POLICY {
            *guarded = Guarded::default();
        }
        guarded.account.clone_from(&resource.account);
        let documents = resource_policy(resource);
        for unread in documents.unread {
            guarded.missing.push(missing(&resource.key, unread));
        }
        if resource.type_name == LOGS_POLICY {
            documents.documents.into_iter().for_each(|it| guarded.add(&resource.name, it.policy));
            continue;
        }
        guarded.tags.clone_from(&resource.tags);
        // The first one counts: a running resource's own, before what a template would make.
        if let Some(document) = documents.documents.into_iter().next() {
            match whole(resource, document) {
                Ok(policy) => guarded.add(&resource.name, policy),
                Err(error) => {
                    let unread = unreadable(&error.to_string());
                    guarded.missing.push(missing(&resource.key, unread));
                }
            }
        }
        let own = "properties.PublicAccessBlockConfiguration.RestrictPublicBuckets";
        guarded.restrict_public_buckets =
            is_on(resource, own) || blocked.contains(&resource.account.as_str());
    }
}

pub(super) fn is_guarded(type_name: &str) -> bool {
    KINDS.iter().any(|kind| kind.type_name == type_name)
}

/// The ARN by which requests name what the policy speaks of; for the policies of a region's log
/// groups a name of our own.
fn spoken_of(resource: &Resource) -> String {
    let arn = resource.arn.as_ref().unwrap_or(&resource.key);
    let partition = arn.strip_prefix("arn:").and_then(|rest| rest.split(':').next());
    let (region, account) = (&resource.region, &resource.account);
    match resource.type_name.as_str() {
        REST_API => {
            let partition = partition.unwrap_or("aws");
            format!("arn:{partition}:execute-api:{region}:{account}:{}", resource.id)
        }
        LOGS_POLICY => of_log_groups(region, account),
        _ => arn.clone(),
    }
}

fn of_log_groups(region: &str, account: &str) -> String {
    format!("log groups of {region} of {account}")
}

/// A document as AWS reads it. Policies of REST APIs may write `execute-api:/stage/…` for their
/// own API (API Gateway Developer Guide, "API Gateway resource policies", seen 2026-11).
fn whole(resource: &Resource, document: Document<'_>) -> Result<Policy, ParseError> {
    const SHORT: &str = "\"execute-api:/";
    if resource.type_name != REST_API || !document.text.contains(SHORT) {
        return Ok(document.policy);
    }
    let long = format!("\"{}/", spoken_of(resource));
    Policy::parse(&document.text.replace(SHORT, &long))
}

fn is_on(resource: &Resource, path: &str) -> bool {
    see(resource, path).value().and_then(boolean) == Some(true)
}

impl Guarded {
    pub(super) fn policy(&self) -> Option<&Policy> {
        self.policy.as_ref()
    }

    /// Several policies of one holder are read as one: it is as if each statement stood alone.
    fn add(&mut self, name: &str, policy: Policy) {
        self.parts.push((name.into(), policy.statements.len()));
        match &mut self.policy {
            Some(whole) => whole.statements.extend(policy.statements),
            none => *none = Some(policy),
        }
    }

    /// Which policy a statement of the whole is of, and which of its statements it is.
    pub(super) fn place(&self, statement: usize) -> (usize, usize) {
        let mut before = 0;
        for (at, (_, count)) in self.parts.iter().enumerate() {
            if statement < before + count {
                return (at, statement - before);
            }
            before += count;
        }
        (0, statement)
    }

    /// What people call one of its policies.
    pub(super) fn name(&self, policy: usize) -> Option<String> {
        self.parts.get(policy).map(|(name, _)| name.to_string())
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
        let kind = KINDS.iter().find(|kind| kind.service == service && kind.is_of(arn));
        let owner = match kind {
            Some(kind) => kind.owner(arn),
            None => arn.to_owned(),
        };
        if let Some(guarded) = self.guarded.get(arn).or_else(|| self.guarded.get(&owner)) {
            return Guard::Known(guarded);
        }
        // A form of ARNs is about many resources: each would have to be asked by itself.
        if !(is_role || kind.is_some()) || arn.contains(['*', '?']) {
            return Guard::None;
        }
        if let Some(kind) = kind.filter(|kind| kind.optional) {
            let account = arn.split(':').nth(4).unwrap_or_default();
            let listed = self.listed.contains(kind.type_name);
            if listed && self.unlisted(kind.type_name, account).is_none() {
                return Guard::None;
            }
        }
        let detail = gap::RESOURCE.to_owned();
        let unread = Unread {
            detail,
            ..Unread::of(yagura_model::Path::default(), UnreadReason::NotRequested)
        };
        Guard::NotSeen(missing(arn, unread))
    }
}

impl Kind {
    /// Whether an ARN of the service is of this kind.
    fn is_of(&self, arn: &str) -> bool {
        let mut parts = arn.splitn(6, ':').skip(3);
        let (region, account) = (parts.next().unwrap_or_default(), parts.next());
        let rest = parts.next().unwrap_or_default();
        let fits = match self.type_name {
            // Buckets alone have neither region nor account in their ARNs.
            BUCKET => region.is_empty() && account == Some(""),
            MULTI_REGION => region.is_empty(),
            // A layer as such has no policy; its versions have.
            LAYER_VERSION => rest.matches(':').count() == 2,
            STREAM => rest.contains("/stream/"),
            _ => true,
        };
        fits && rest.starts_with(self.begins)
    }

    /// The ARN under which the holder of the policy is known: the bucket of an object, the
    /// function of a version, the table of an index.
    fn owner(&self, arn: &str) -> String {
        let mut parts = arn.split(':').skip(3);
        if self.type_name == LOGS_POLICY {
            let (region, account) = (parts.next(), parts.next());
            return of_log_groups(region.unwrap_or_default(), account.unwrap_or_default());
        }
        // Consumers of streams have policies of their own, which are not in the inventory.
        if arn.contains("/consumer/") {
            return arn.to_owned();
        }
        if self.type_name == FUNCTION && arn.matches(':').count() > 6 {
            return arn.rsplit_once(':').map(|(base, _)| base).unwrap_or_default().to_owned();
        }
        let segments: Vec<&str> = arn.split('/').take(self.segments).collect();
        segments.join("/")
    }
}
