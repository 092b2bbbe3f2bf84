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
    "BatchDescribe", "BatchGet", "BatchList", "Count", "Describe", "Discover", "Estimate",
    "Filter", "Get", "Head", "List", "Lookup", "Query", "Retrieve", "Scan", "Search", "Select",
    "Simulate", "View",
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
    ("athena", &["GetQueryResults"]),
    ("bedrock-agent-runtime", &["*"]),
    ("bedrock-runtime", &["*"]),
    ("codeartifact", &["GetAuthorizationToken", "GetPackageVersionAsset"]),
    ("codecommit", &["BatchGetCommits", "GetBlob", "GetDifferences", "GetFile", "GetFolder"]),
    ("cognito-identity", &["GetCredentialsForIdentity", "GetOpenIdToken",
        "GetOpenIdTokenForDeveloperIdentity", "GetId"]),
    ("cognito-idp", &["GetUser", "GetUserAttributeVerificationCode"]),
    ("dynamodb", &["BatchGetItem", "GetItem", "Query", "Scan"]),
    ("dynamodbstreams", &["GetRecords"]),
    ("ebs", &["GetSnapshotBlock"]),
    ("ec2", &["GetConsoleOutput", "GetConsoleScreenshot", "GetPasswordData"]),
    ("ecr", &["BatchGetImage", "GetAuthorizationToken", "GetDownloadUrlForLayer"]),
    ("ecr-public", &["GetAuthorizationToken"]),
    ("gamelift", &["GetComputeAuthToken", "GetInstanceAccess"]),
    ("glacier", &["GetJobOutput"]),
    ("healthlake", &["*"]),
    ("kinesis", &["GetRecords"]),
    ("kinesis-video-archived-media", &["*"]),
    ("kinesis-video-media", &["*"]),
    ("lightsail", &["GetInstanceAccessDetails", "GetRelationalDatabaseMasterUserPassword"]),
    ("logs", &["FilterLogEvents", "GetLogEvents", "GetLogObject", "GetLogRecord",
        "GetQueryResults"]),
    ("mediastore-data", &["GetObject"]),
    ("medical-imaging", &["GetImageFrame", "GetImageSetMetadata"]),
    ("neptune-graph", &["*"]),
    ("neptunedata", &["*"]),
    ("omics", &["GetReadSet", "GetReference"]),
    ("redshift", &["GetClusterCredentials", "GetClusterCredentialsWithIAM"]),
    ("redshift-data", &["GetStatementResult", "GetStatementResultV2"]),
    ("redshift-serverless", &["GetCredentials"]),
    ("s3", &["GetObject", "GetObjectTorrent", "SelectObjectContent"]),
    ("secretsmanager", &["BatchGetSecretValue", "GetSecretValue"]),
    ("sso", &["GetRoleCredentials"]),
    ("ssm", &["GetAccessToken", "GetCommandInvocation", "GetParameter", "GetParameterHistory",
        "GetParameters", "GetParametersByPath"]),
    ("sts", &["GetFederationToken", "GetSessionToken", "GetDelegatedAccessToken",
        "GetWebIdentityToken"]),
    ("timestream-query", &["Query"]),
    ("workdocs", &["GetDocument", "GetDocumentVersion"]),
    ("workmailmessageflow", &["GetRawMessageContent"]),
];

/// Whether an operation returns customer data or credentials.
pub fn is_customer_data(service: &str, operation: &str) -> bool {
    CUSTOMER_DATA
        .iter()
        .filter(|(name, _)| *name == service)
        .any(|(_, names)| names.contains(&"*") || names.contains(&operation))
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
