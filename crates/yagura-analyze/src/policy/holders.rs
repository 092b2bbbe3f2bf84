//! Where each type keeps its resource policy, and how its documents are read.
//! What the documents say is for `public.rs` and `transport.rs`.

use std::borrow::Cow;

use iam_policy::{Policy, Statement};
use serde_json::{Map, Value, json};
use yagura_model::{Resource, Unread, UnreadReason};

use crate::read::{Seen, as_list, see, text};

/// The attributes that hold a type's resource policy, the first that is there counts. The names
/// are `CloudFormation`'s: the property of the type, or the satellite type folded into it.
pub(crate) fn policy_paths(type_name: &str) -> &'static [&'static str] {
    match type_name {
        "AWS::S3::Bucket" => &["properties.BucketPolicy.PolicyDocument"],
        "AWS::SQS::Queue" => &["properties.QueuePolicy.PolicyDocument"],
        "AWS::SNS::Topic" => &["properties.TopicPolicy.PolicyDocument"],
        "AWS::KMS::Key" => &["properties.KeyPolicy"],
        "AWS::ECR::Repository" => &["properties.RepositoryPolicyText"],
        "Yagura::ECR::Registry" => &["properties.RegistryPolicy.PolicyText"],
        "AWS::Lambda::Function" => &["runtime.Policy", "properties.Permission"],
        "AWS::SecretsManager::Secret" => &["properties.ResourcePolicy.ResourcePolicy"],
        "AWS::EFS::FileSystem" => &["properties.FileSystemPolicy"],
        "AWS::Backup::BackupVault" => &["properties.AccessPolicy"],
        "AWS::IAM::Role" => &["properties.AssumeRolePolicyDocument"],
        "AWS::DynamoDB::Table" => &["properties.ResourcePolicy.PolicyDocument"],
        "AWS::Kinesis::Stream" => &["properties.ResourcePolicy.ResourcePolicy"],
        "AWS::Events::EventBus" | "AWS::ApiGateway::RestApi" | "AWS::S3::AccessPoint" => {
            &["properties.Policy"]
        }
        "AWS::OpenSearchService::Domain" => &["properties.AccessPolicies"],
        "AWS::Logs::ResourcePolicy" => &["properties.PolicyDocument"],
        "AWS::ACMPCA::CertificateAuthority"
        | "AWS::DynamoDB::Stream"
        | "AWS::Glue::DataCatalogEncryptionSettings"
        | "AWS::Lambda::LayerVersion"
        | "AWS::S3::MultiRegionAccessPoint"
        | "AWS::S3Express::DirectoryBucket"
        | "AWS::SES::EmailIdentity" => &["runtime.Policy"],
        "AWS::APS::Workspace" => &["properties.ResourcePolicy.PolicyDocument"],
        "AWS::CodeArtifact::Domain" | "AWS::CodeArtifact::Repository" => {
            &["properties.PermissionsPolicyDocument"]
        }
        "Yagura::Glacier::Vault" => &["properties.AccessPolicy"],
        _ => &[],
    }
}

/// The IAM prefix of the actions that a type's resource policy is about.
pub(crate) fn service(type_name: &str) -> &'static str {
    match type_name {
        "AWS::S3::Bucket" => "s3",
        "AWS::SQS::Queue" => "sqs",
        "AWS::SNS::Topic" => "sns",
        "AWS::ECR::Repository" => "ecr",
        "AWS::SecretsManager::Secret" => "secretsmanager",
        "AWS::EFS::FileSystem" => "elasticfilesystem",
        "AWS::Backup::BackupVault" => "backup",
        _ => "",
    }
}

/// The policies found, and what could not be read of them.
#[derive(Debug, Default)]
pub(crate) struct Documents<'r> {
    pub(crate) documents: Vec<Document<'r>>,
    pub(crate) unread: Vec<Unread>,
}

/// One document: as it is written, and compiled.
#[derive(Debug)]
pub(crate) struct Document<'r> {
    pub(crate) text: Cow<'r, str>,
    pub(crate) policy: Policy,
}

/// Reads the resource policy of a resource.
pub(crate) fn resource_policy(resource: &Resource) -> Documents<'_> {
    let mut found = Documents::default();
    for path in policy_paths(&resource.type_name) {
        let seen = see(resource, path);
        found.unread.extend(seen.unread().cloned());
        let Some(value) = seen.value() else { continue };
        if value.is_array() {
            found.add_text(Cow::Owned(of_permissions(value).to_string()));
        } else {
            found.add(value);
        }
    }
    found
}

impl<'r> Documents<'r> {
    /// Adds one document, parsed or left as text. One that AWS itself would not accept counts as
    /// unread: nothing is guessed about it. One without any statement says nothing.
    pub(crate) fn add(&mut self, document: &'r Value) {
        match document {
            Value::String(text) => self.add_text(Cow::Borrowed(text)),
            Value::Object(members) if !members.contains_key("Statement") => {}
            other => self.add_text(Cow::Owned(other.to_string())),
        }
    }

    fn add_text(&mut self, text: Cow<'r, str>) {
        match Policy::parse(&text) {
            Ok(policy) => self.documents.push(Document { text, policy }),
            Err(error) => self.unread.push(unreadable(error.to_string())),
        }
    }

    /// Adds a document held by an attribute.
    pub(crate) fn add_seen(&mut self, seen: Seen<'r>) {
        self.unread.extend(seen.unread().cloned());
        if let Some(document) = seen.value() {
            self.add(document);
        }
    }

    /// Every statement of every document.
    pub(crate) fn statements(&self) -> impl Iterator<Item = &Statement> {
        self.documents.iter().flat_map(|document| &document.policy.statements)
    }

    /// Every statement, with what people call it: its `Sid`, else its number from one.
    pub(crate) fn labelled(&self) -> impl Iterator<Item = (String, &Statement)> {
        self.documents.iter().flat_map(|document| {
            document.policy.statements.iter().enumerate().map(|(at, statement)| {
                let numbered = || format!("statement {}", at + 1);
                (statement.sid.as_ref().map_or_else(numbered, |sid| format!("`{sid}`")), statement)
            })
        })
    }
}

pub(super) fn unreadable(detail: String) -> Unread {
    Unread { detail, ..Unread::of(yagura_model::Path::default(), UnreadReason::Failed) }
}

/// Lambda's permissions as `CloudFormation` states them (`AWS::Lambda::Permission`), turned into
/// the policy that Lambda makes of them.
fn of_permissions(permissions: &Value) -> Value {
    let statement = |permission: &Value| {
        let principal = text(permission, "Principal").unwrap_or_default();
        let principal = if principal == "*" {
            json!("*")
        } else if principal.contains('.') {
            json!({"Service": principal})
        } else {
            json!({"AWS": principal})
        };
        let mut equals = Map::new();
        let mut like = Map::new();
        for (member, key) in [
            ("SourceAccount", "aws:SourceAccount"),
            ("PrincipalOrgID", "aws:PrincipalOrgID"),
            ("FunctionUrlAuthType", "lambda:FunctionUrlAuthType"),
        ] {
            if let Some(value) = text(permission, member) {
                equals.insert(key.to_owned(), json!(value));
            }
        }
        if let Some(arn) = text(permission, "SourceArn") {
            like.insert("aws:SourceArn".to_owned(), json!(arn));
        }
        json!({
            "Effect": "Allow",
            "Principal": principal,
            "Action": text(permission, "Action").unwrap_or_default(),
            "Resource": "*",
            "Condition": {"StringEquals": equals, "ArnLike": like},
        })
    };
    let statements: Vec<_> = as_list(Some(permissions)).iter().map(statement).collect();
    json!({"Statement": statements})
}
