//! Which operations are reads, and which of them return customer data or credentials.
//! What is done about a refusal is the read client's.
//!
//! Two keys must turn: the operation's name begins with a reading verb, and the IAM access level
//! (or, where no action has the operation's name, the HTTP method) says that it reads. Neither
//! alone would do: the service reference calls `bedrock:InvokeModel` a read, and names such as
//! `GetFederationToken` hand out credentials.

use crate::api::{Actions, Api, Operation, Protocol, Service};
use crate::error::Refusal;
use crate::read::Declared;

/// What names of reading operations begin with; the next letter is a capital.
const READING_VERBS: &[&str] = &[
    "BatchDescribe",
    "BatchGet",
    "BatchList",
    "Count",
    "Describe",
    "Discover",
    "Estimate",
    "Filter",
    "Get",
    "Head",
    "List",
    "Lookup",
    "Query",
    "Retrieve",
    "Scan",
    "Search",
    "Select",
    "Simulate",
    "View",
];

/// Reads whose names say otherwise. Each only prepares a report about the account for a
/// following `Get`, and its access level is Read.
const READS_BY_ANOTHER_NAME: &[(&str, &str)] = &[
    ("iam", "GenerateCredentialReport"),
    ("iam", "GenerateServiceLastAccessedDetails"),
    ("iam", "GenerateOrganizationsAccessReport"),
];

/// IAM's prefix where neither the service's name nor its signing name is it.
const PREFIXES: &[(&str, &str)] = &[
    ("apigatewayv2", "apigateway"),
    ("cloudwatch", "cloudwatch"),
    ("efs", "elasticfilesystem"),
    ("elb", "elasticloadbalancing"),
    ("elbv2", "elasticloadbalancing"),
    ("resourcegroupstaggingapi", "tag"),
    ("s3control", "s3"),
    ("sesv2", "ses"),
    ("stepfunctions", "states"),
];

/// Operations that return what customers keep in AWS, or keys to it. `*` is every operation.
const CUSTOMER_DATA: &[(&str, &[&str])] = &[
    ("apigateway", &["GetApiKey", "GetApiKeys", "GetSdk", "GetExport"]),
    ("appconfig", &["GetConfiguration", "GetHostedConfigurationVersion"]),
    ("appconfigdata", &["*"]),
    ("appsync", &["ListApiKeys"]),
    ("athena", &["GetQueryResults"]),
    ("bedrock-agent-runtime", &["*"]),
    ("bedrock-agentcore", &["*"]),
    ("bedrock-runtime", &["*"]),
    ("chime-sdk-messaging", &["GetChannelMessage", "ListChannelMessages"]),
    ("cloudwatchomni", &["GetSpaceCredentialsForOrganization"]),
    ("codeartifact", &["GetAuthorizationToken", "GetPackageVersionAsset"]),
    ("codecommit", &["BatchGetCommits", "GetBlob", "GetDifferences", "GetFile", "GetFolder"]),
    (
        "cognito-identity",
        &[
            "GetCredentialsForIdentity",
            "GetOpenIdToken",
            "GetOpenIdTokenForDeveloperIdentity",
            "GetId",
        ],
    ),
    (
        "cognito-idp",
        &[
            "GetUser",
            "GetUserAttributeVerificationCode",
            "ListUserPoolClientSecrets",
            "ListUsers",
            "ListUsersInGroup",
        ],
    ),
    ("cognito-sync", &["ListRecords"]),
    ("connectparticipant", &["*"]),
    ("customer-profiles", &["*"]),
    ("dynamodb", &["BatchGetItem", "GetItem", "Query", "Scan"]),
    ("dynamodbstreams", &["GetRecords"]),
    ("ebs", &["GetSnapshotBlock"]),
    ("ec2", &["GetConsoleOutput", "GetConsoleScreenshot", "GetPasswordData"]),
    ("ecr", &["BatchGetImage", "GetAuthorizationToken", "GetDownloadUrlForLayer"]),
    ("ecr-public", &["GetAuthorizationToken"]),
    ("gamelift", &["GetComputeAuthToken", "GetInstanceAccess"]),
    ("glacier", &["GetJobOutput"]),
    ("glue", &["GetEntityRecords"]),
    ("healthlake", &["*"]),
    ("iot-data", &["*"]),
    ("keyspacesstreams", &["GetRecords"]),
    ("kinesis", &["GetRecords"]),
    ("kinesis-video-archived-media", &["*"]),
    ("kinesis-video-media", &["*"]),
    ("lightsail", &["GetInstanceAccessDetails", "GetRelationalDatabaseMasterUserPassword"]),
    (
        "logs",
        &["FilterLogEvents", "GetLogEvents", "GetLogObject", "GetLogRecord", "GetQueryResults"],
    ),
    ("mailmanager", &["GetArchiveMessage", "GetArchiveMessageContent"]),
    ("mediastore-data", &["GetObject"]),
    ("medical-imaging", &["GetImageFrame", "GetImageSetMetadata"]),
    ("neptune-graph", &["ExecuteQuery", "GetGraphSummary", "GetQuery", "ListQueries"]),
    ("neptunedata", &["*"]),
    ("omics", &["GetReadSet", "GetReference"]),
    ("qbusiness", &["GetDocumentContent", "ListMessages", "SearchRelevantContent"]),
    ("qconnect", &["*"]),
    ("redshift", &["GetClusterCredentials", "GetClusterCredentialsWithIAM"]),
    ("redshift-data", &["GetStatementResult", "GetStatementResultV2"]),
    ("redshift-serverless", &["GetCredentials"]),
    ("s3", &["GetObject", "GetObjectTorrent", "SelectObjectContent"]),
    ("sagemaker-featurestore-runtime", &["*"]),
    ("secretsmanager", &["BatchGetSecretValue", "GetSecretValue"]),
    ("security-ir", &["GetCaseAttachmentDownloadUrl"]),
    ("sso", &["GetRoleCredentials"]),
    (
        "ssm",
        &[
            "GetAccessToken",
            "GetCommandInvocation",
            "GetParameter",
            "GetParameterHistory",
            "GetParameters",
            "GetParametersByPath",
        ],
    ),
    (
        "sts",
        &[
            "GetFederationToken",
            "GetSessionToken",
            "GetDelegatedAccessToken",
            "GetWebIdentityToken",
        ],
    ),
    ("storagegateway", &["DescribeChapCredentials"]),
    ("timestream-query", &["Query"]),
    ("wisdom", &["*"]),
    ("workdocs", &["GetDocument", "GetDocumentVersion"]),
    ("workmailmessageflow", &["GetRawMessageContent"]),
];

/// What names of operations end with that hand out keys, whatever the service.
const KEY_ENDINGS: &[&str] =
    &["ApiKey", "Credential", "Credentials", "EmbedUrl", "Password", "Secret", "Token"];

/// Whether an operation returns customer data or credentials.
pub fn is_customer_data(service: &str, operation: &str) -> bool {
    let hands_out_keys =
        operation.starts_with("Get") && KEY_ENDINGS.iter().any(|end| operation.ends_with(end));
    let listed = CUSTOMER_DATA
        .iter()
        .filter(|(name, _)| *name == service)
        .any(|(_, names)| names.contains(&"*") || names.contains(&operation));
    listed || hands_out_keys
}

/// Why an operation is refused; `None` if it may be sent.
pub(super) fn refusal(
    api: &Api,
    actions: &Actions,
    declared: &Declared,
    service: &str,
    operation: &str,
) -> Option<Refusal> {
    let Ok(service) = api.service(service) else { return Some(Refusal::NotARead) };
    let Ok(operation) = service.operation(operation) else { return Some(Refusal::NotARead) };
    if !is_read(actions, &service, operation) {
        return Some(Refusal::NotARead);
    }
    let (service, operation) = (service.name(), operation.name());
    if is_customer_data(service, operation) && !declared.contains(service, operation) {
        return Some(Refusal::CustomerData);
    }
    None
}

fn is_read(actions: &Actions, service: &Service, operation: &Operation) -> bool {
    let name = operation.name();
    let named_otherwise = READS_BY_ANOTHER_NAME.contains(&(service.name(), name));
    if !named_otherwise && !begins_with_reading_verb(name) {
        return false;
    }
    let rest = matches!(service.protocol(), Protocol::RestJson | Protocol::RestXml);
    let method = operation.method();
    // Some services list with POST or even PUT is not among them; these two always change.
    if rest && matches!(method, "PUT" | "DELETE" | "PATCH") {
        return false;
    }
    match access_is_read(actions, service, name) {
        Some(read) => read,
        // No action of this name: S3 and a few others name actions apart from operations.
        None => !named_otherwise,
    }
}

/// What the table of IAM actions says about the action that has the operation's name.
fn access_is_read(actions: &Actions, service: &Service, operation: &str) -> Option<bool> {
    let alias = PREFIXES.iter().find(|(name, _)| *name == service.name()).map(|(_, iam)| *iam);
    let prefixes = [alias, Some(service.name()), Some(service.signing_name())];
    prefixes
        .into_iter()
        .flatten()
        .find_map(|prefix| actions.action(&format!("{prefix}:{operation}")))
        .map(|action| action.access_level.is_read_only())
}

fn begins_with_reading_verb(name: &str) -> bool {
    READING_VERBS.iter().any(|verb| {
        name.strip_prefix(verb)
            .is_some_and(|rest| rest.chars().next().is_none_or(|next| next.is_ascii_uppercase()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::tables;

    fn check(service: &str, operation: &str, expected: Option<Refusal>) {
        let (api, actions) = tables();
        let found = refusal(&api, &actions, &Declared::none(), service, operation);
        assert_eq!(found, expected, "{service}:{operation}");
    }

    /// What the names of operations that change something begin with, in these three services.
    const WRITING_VERBS: &[&str] = &[
        "Abort",
        "Accept",
        "Add",
        "Allocate",
        "Apply",
        "Assign",
        "Associate",
        "Attach",
        "Authorize",
        "Bundle",
        "Cancel",
        "Change",
        "Complete",
        "Confirm",
        "Copy",
        "Create",
        "Deactivate",
        "Delete",
        "Deprovision",
        "Deregister",
        "Detach",
        "Disable",
        "Disassociate",
        "Enable",
        "Export",
        "Import",
        "Lock",
        "Modify",
        "Monitor",
        "Move",
        "Provision",
        "Purchase",
        "Put",
        "Reboot",
        "Register",
        "Reject",
        "Release",
        "Remove",
        "Rename",
        "Replace",
        "Report",
        "Request",
        "Reset",
        "Restore",
        "Resync",
        "Revoke",
        "Run",
        "Send",
        "Set",
        "Start",
        "Stop",
        "Tag",
        "Terminate",
        "Unassign",
        "Unlock",
        "Unmonitor",
        "Untag",
        "Update",
        "Upload",
        "Withdraw",
        "Write",
    ];

    #[test]
    fn every_write_of_s3_iam_and_ec2_is_refused() {
        let (api, actions) = tables();
        let mut refused = 0;
        for name in ["s3", "iam", "ec2"] {
            let service = api.service(name).unwrap();
            for operation in service.operations() {
                let operation = operation.name();
                let action = actions.action(&format!("{name}:{operation}"));
                let writes = action.is_some_and(|action| !action.access_level.is_read_only())
                    || WRITING_VERBS.iter().any(|verb| operation.starts_with(verb));
                if writes {
                    let found = refusal(&api, &actions, &Declared::none(), name, operation);
                    assert_eq!(found, Some(Refusal::NotARead), "{name}:{operation}");
                    refused += 1;
                }
            }
        }
        assert!(refused > 600, "{refused}");
    }

    #[test]
    fn declaring_a_write_does_not_allow_it() {
        let (api, actions) = tables();
        let declared: Declared = ["s3:PutObject", "s3:GetObject"].into_iter().collect();
        let found = |name| refusal(&api, &actions, &declared, "s3", name);
        assert_eq!(found("PutObject"), Some(Refusal::NotARead));
        assert_eq!(found("GetObject"), None);
    }

    #[test]
    fn reads_that_an_inventory_needs_are_allowed() {
        for (service, operation) in [
            ("s3", "ListBuckets"),
            ("s3", "GetBucketEncryption"),
            ("s3", "HeadBucket"),
            ("s3control", "GetPublicAccessBlock"),
            ("iam", "GetAccountAuthorizationDetails"),
            ("iam", "GenerateCredentialReport"),
            ("iam", "GetCredentialReport"),
            ("iam", "ListAccessKeys"),
            ("sts", "GetCallerIdentity"),
            ("ec2", "DescribeInstances"),
            ("elbv2", "DescribeLoadBalancers"),
            ("elb", "DescribeLoadBalancers"),
            ("cloudwatch", "DescribeAlarms"),
            ("apigateway", "GetRestApis"),
            ("apigatewayv2", "GetApis"),
            ("sso-admin", "ListInstances"),
            ("ssm", "DescribeParameters"),
            ("config", "SelectAggregateResourceConfig"),
            ("lambda", "ListFunctions"),
            ("organizations", "ListAccounts"),
            ("inspector2", "BatchGetAccountStatus"),
            ("secretsmanager", "ListSecrets"),
            ("efs", "DescribeFileSystems"),
            ("stepfunctions", "ListStateMachines"),
        ] {
            check(service, operation, None);
        }
    }

    #[test]
    fn customer_data_keys_and_paid_work_are_refused() {
        for (service, operation) in [
            ("s3", "GetObject"),
            ("secretsmanager", "GetSecretValue"),
            ("ssm", "GetParameter"),
            ("ssm", "GetParametersByPath"),
            ("dynamodb", "Scan"),
            ("ec2", "GetPasswordData"),
            ("ecr", "GetAuthorizationToken"),
            ("sts", "GetSessionToken"),
            ("lakeformation", "GetTemporaryGlueTableCredentials"),
            ("datazone", "GetEnvironmentCredentials"),
        ] {
            check(service, operation, Some(Refusal::CustomerData));
        }
        for (service, operation) in [
            ("sts", "AssumeRole"),
            ("kms", "Decrypt"),
            ("sqs", "ReceiveMessage"),
            ("bedrock-runtime", "InvokeModel"),
            ("lambda", "Invoke"),
            ("no-such-service", "List"),
            ("s3", "NoSuchOperation"),
        ] {
            check(service, operation, Some(Refusal::NotARead));
        }
    }

    #[test]
    fn every_name_in_the_lists_exists() {
        let (api, _) = tables();
        let mut missing = Vec::new();
        for (service, operations) in CUSTOMER_DATA {
            let Ok(table) = api.service(service) else {
                missing.push((*service).to_owned());
                continue;
            };
            let unknown = operations.iter().filter(|name| **name != "*");
            let unknown = unknown.filter(|name| table.operation(name).is_err());
            missing.extend(unknown.map(|name| format!("{service}:{name}")));
        }
        assert!(missing.is_empty(), "{missing:?}");
    }
}
