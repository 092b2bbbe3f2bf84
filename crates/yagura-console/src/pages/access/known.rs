//! The inventory's policies, compiled once per scan and kept: all questions about access until the
//! next scan are answered from them.
//! What is asked is in the pages; who may see which answer too.

use std::sync::{Arc, OnceLock};

use futures::TryStreamExt as _;
use tokio::sync::Mutex;
use yagura_analyze::access::escalation::{Escalations, Goal};
use yagura_analyze::access::{Ask, Outsider, WORLD_TYPES, World, guarded_types};
use yagura_content::Content;
use yagura_model::Resource;
use yagura_model::escalation::{Escalation, Gain};
use yagura_store::{ResourceFilter, Scan};

use crate::fault::Fault;
use crate::state::Console;

/// What is asked of each type to see whom its policies let in from outside: the action, and what
/// stands behind the resource's ARN.
const OUTSIDE: [(&str, &str, &str); 25] = [
    ("AWS::S3::Bucket", "s3:GetObject", "/*"),
    ("AWS::S3::AccessPoint", "s3:GetObject", "/object/*"),
    ("AWS::S3::MultiRegionAccessPoint", "s3:GetObject", "/object/*"),
    ("AWS::S3Express::DirectoryBucket", "s3express:CreateSession", ""),
    ("AWS::IAM::Role", "sts:AssumeRole", ""),
    ("AWS::KMS::Key", "kms:Decrypt", ""),
    ("AWS::SQS::Queue", "sqs:SendMessage", ""),
    ("AWS::SNS::Topic", "sns:Publish", ""),
    ("AWS::Lambda::Function", "lambda:InvokeFunction", ""),
    ("AWS::Lambda::LayerVersion", "lambda:GetLayerVersion", ""),
    ("AWS::SecretsManager::Secret", "secretsmanager:GetSecretValue", ""),
    ("AWS::ECR::Repository", "ecr:BatchGetImage", ""),
    ("AWS::EFS::FileSystem", "elasticfilesystem:ClientMount", ""),
    ("AWS::DynamoDB::Table", "dynamodb:GetItem", ""),
    ("AWS::DynamoDB::Stream", "dynamodb:GetRecords", ""),
    ("AWS::Kinesis::Stream", "kinesis:GetRecords", ""),
    ("AWS::Events::EventBus", "events:PutEvents", ""),
    ("AWS::Backup::BackupVault", "backup:CopyIntoBackupVault", ""),
    ("AWS::OpenSearchService::Domain", "es:ESHttpGet", "/*"),
    ("AWS::ACMPCA::CertificateAuthority", "acm-pca:IssueCertificate", ""),
    ("AWS::APS::Workspace", "aps:QueryMetrics", ""),
    ("AWS::CodeArtifact::Domain", "codeartifact:GetAuthorizationToken", ""),
    ("AWS::CodeArtifact::Repository", "codeartifact:ReadFromRepository", ""),
    ("AWS::SES::EmailIdentity", "ses:SendEmail", ""),
    ("Yagura::Glacier::Vault", "glacier:InitiateJob", ""),
];

/// What the newest scan knows of access.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) world: World,
    pub(super) resources: Vec<Resource>,
    pub(super) scan: Scan,
    content: Arc<Content>,
    escalations: OnceLock<Escalations>,
    outside: OnceLock<Vec<Open>>,
}

/// A resource that lets somebody outside in.
#[derive(Debug)]
pub(super) struct Open {
    /// Where it stands in [`Known::resources`].
    pub(super) at: usize,
    pub(super) action: &'static str,
    /// The resource as it was asked about.
    pub(super) asked: String,
    pub(super) who: Vec<Outsider>,
}

/// What is kept between requests.
#[derive(Debug, Default)]
pub(crate) struct Worlds(Mutex<Option<Arc<Known>>>);

impl Known {
    /// The shortest ways to being an administrator; found at the first question.
    pub(super) fn escalations(&self) -> &Escalations {
        self.escalations.get_or_init(|| {
            let ways = ways(&self.content);
            self.world.escalations(&ways, &self.resources, &Goal::Administrator)
        })
    }

    /// Who from outside is let in by what; found at the first question.
    pub(super) fn outside(&self) -> &[Open] {
        self.outside.get_or_init(|| {
            let mut open = Vec::new();
            for (at, resource) in self.resources.iter().enumerate() {
                let known = OUTSIDE.iter().find(|(kind, ..)| *kind == resource.type_name);
                let Some((_, action, behind)) = known else { continue };
                let arn = resource.arn.as_ref().unwrap_or(&resource.key);
                let asked = format!("{arn}{behind}");
                let who = self.world.outsiders(&Ask {
                    principal: "",
                    action,
                    resource: &asked,
                    resource_account: Some(&resource.account),
                    context: Vec::new(),
                });
                // Services are let in everywhere, by the design of AWS's own features.
                let who: Vec<Outsider> = who
                    .into_iter()
                    .filter(|one| !one.principal.ends_with(".amazonaws.com"))
                    .collect();
                if !who.is_empty() {
                    open.push(Open { at, action, asked, who });
                }
            }
            open
        })
    }

    /// The account of a resource that a question names; none where that is not known.
    pub(crate) fn account_of(&self, arn: &str) -> Option<String> {
        let named = arn.split(':').nth(4).filter(|account| !account.is_empty());
        if let Some(account) = named {
            return Some(account.to_owned());
        }
        let whole = arn.split('/').next().unwrap_or(arn);
        let of = |resource: &&Resource| {
            let own = resource.arn.as_ref().unwrap_or(&resource.key);
            own == arn || own == whole
        };
        self.resources.iter().find(of).map(|resource| resource.account.clone())
    }
}

fn ways(content: &Content) -> Vec<Escalation> {
    content.escalations.values().map(|known| known.escalation()).collect()
}

/// The types that answers rest on.
fn types(content: &Content) -> Vec<String> {
    let types = WORLD_TYPES.into_iter().chain(guarded_types());
    let types = types.chain(["AWS::S3::AccountPublicAccessBlock", "AWS::IAM::InstanceProfile"]);
    let mut types: Vec<String> = types.map(str::to_owned).collect();
    for way in ways(content) {
        if let Gain::RoleOf(type_name) = way.gains {
            types.push(type_name);
        }
    }
    types.sort_unstable();
    types.dedup();
    types
}

/// What is known; none where nothing was scanned yet.
///
/// # Errors
/// Where the database cannot be read.
pub(crate) async fn known(console: &Console) -> Result<Option<Arc<Known>>, Fault> {
    let Some(scan) = console.store().latest_scan().await? else { return Ok(None) };
    let content = console.content();
    let mut kept = console.worlds().0.lock().await;
    if let Some(known) = kept.as_ref()
        && known.scan.id == scan.id
        && known.scan.finished == scan.finished
        && Arc::ptr_eq(&known.content, &content)
    {
        return Ok(Some(Arc::clone(known)));
    }
    let at = console.now();
    let filter = ResourceFilter { types: types(&content), ..ResourceFilter::default() };
    let resources: Vec<Resource> = console.store().resources_at(at, &filter).try_collect().await?;
    let coverage = console.store().coverage_at(at).await?;
    let built = tokio::task::spawn_blocking(move || Known {
        world: World::new(&resources, &coverage),
        resources,
        scan,
        content,
        escalations: OnceLock::new(),
        outside: OnceLock::new(),
    });
    let built = Arc::new(built.await.map_err(|_| broken())?);
    *kept = Some(Arc::clone(&built));
    Ok(Some(built))
}

/// What is said where a computation broke off.
pub(super) fn broken() -> Fault {
    Fault::Unavailable("the computation broke off".to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_type_with_a_policy_is_asked_whom_it_lets_in() {
        let asked: BTreeSet<&str> = OUTSIDE.iter().map(|(kind, ..)| *kind).collect();
        // An API is called at a stage of it, and policies of log groups are about groups.
        let elsewhere = ["AWS::ApiGateway::RestApi", "AWS::Logs::ResourcePolicy"];
        let guarded = guarded_types().filter(|kind| !elsewhere.contains(kind));
        let wanted: BTreeSet<&str> = guarded.chain(["AWS::IAM::Role"]).collect();
        assert_eq!(asked, wanted);
    }
}
