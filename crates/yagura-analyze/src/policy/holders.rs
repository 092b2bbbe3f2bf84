//! Where each type keeps its resource policy, and how its documents are read.
//! What the documents say is for `public.rs` and `transport.rs`.

use std::borrow::Cow;

use serde_json::{Map, Value, json};
use yagura_model::{Resource, Unread, UnreadReason};

use super::document::{Statement, parsed, statements};
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
    pub(crate) documents: Vec<Cow<'r, Value>>,
    pub(crate) unread: Vec<Unread>,
}

/// Reads the resource policy of a resource.
pub(crate) fn resource_policy(resource: &Resource) -> Documents<'_> {
    let mut found = Documents::default();
    for path in policy_paths(&resource.type_name) {
        let seen = see(resource, path);
        found.unread.extend(seen.unread().cloned());
        let Some(value) = seen.value() else { continue };
        if value.is_array() {
            found.documents.push(Cow::Owned(of_permissions(value)));
        } else {
            found.add(value);
        }
    }
    found
}

impl<'r> Documents<'r> {
    /// Adds one document; one that cannot be read counts as unread.
    pub(crate) fn add(&mut self, document: &'r Value) {
        match parsed(document).and_then(|document| {
            statements(&document)?;
            Ok(document)
        }) {
            Ok(document) => self.documents.push(document),
            Err(detail) => self.unread.push(unreadable(detail)),
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
    pub(crate) fn statements(&self) -> impl Iterator<Item = Statement<'_>> {
        self.documents.iter().flat_map(|document| statements(document).unwrap_or_default())
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
