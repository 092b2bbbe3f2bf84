//! A small account, good and bad, as recorded wire answers behind the proxy that makes AWS
//! misbehave. Every answer is encoded through the API table, so no member is invented.
//! What a scan makes of it is claimed in the other modules.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};
use yagura_testkit::answers;
use yagura_testkit::faults::Faults;
use yagura_testkit::moto::MOTO_ACCOUNT;
use yagura_testkit::recorded::Recorded;

use crate::api;

/// The controls that the small account answers to.
pub(crate) const CONTROLS: &str = "s3.bucket_versioned,s3.bucket_public_access_blocked,\
    s3.bucket_not_publicly_readable,s3.bucket_secure_transport_required,s3.bucket_encrypted,\
    iam.user_mfa_enabled,iam.user_not_administrator,iam.role_trust_not_public,\
    account.root_mfa_enabled,ec2.security_group_ssh_restricted,ec2.ebs_encrypted_by_default,\
    ec2.vpc_flow_logs_enabled,kms.key_rotation_enabled";

/// What a scan of those controls finds in it: sorted `control name status` lines.
pub(crate) const EXPECTED: [&str; 21] = [
    "account.root_mfa_enabled 123456789012 fail",
    "ec2.ebs_encrypted_by_default settings pass",
    "ec2.security_group_ssh_restricted sg-open fail",
    "ec2.security_group_ssh_restricted sg-shut pass",
    "ec2.vpc_flow_logs_enabled vpc-1 fail",
    "iam.role_trust_not_public Anyone fail",
    "iam.user_mfa_enabled alice fail",
    "iam.user_mfa_enabled bob pass",
    "iam.user_not_administrator alice fail",
    "iam.user_not_administrator bob pass",
    "kms.key_rotation_enabled key-1 fail",
    "s3.bucket_encrypted leaky fail",
    "s3.bucket_encrypted ledger pass",
    "s3.bucket_not_publicly_readable leaky fail",
    "s3.bucket_not_publicly_readable ledger pass",
    "s3.bucket_public_access_blocked leaky fail",
    "s3.bucket_public_access_blocked ledger pass",
    "s3.bucket_secure_transport_required leaky fail",
    "s3.bucket_secure_transport_required ledger pass",
    "s3.bucket_versioned leaky fail",
    "s3.bucket_versioned ledger pass",
];

/// The services that the proxy tells apart.
const SERVICES: [&str; 8] =
    ["account", "ec2", "iam", "kms", "organizations", "s3", "s3control", "sts"];

/// The account, ready to be scanned.
pub(crate) struct Account {
    pub(crate) faults: Faults,
    pub(crate) recorded: Recorded,
}

impl Account {
    /// Serves the small account.
    pub(crate) async fn small() -> Self {
        Self::of(small()).await
    }

    /// Serves an account of these answers.
    pub(crate) async fn of(answers: Answers) -> Self {
        let recorded = Recorded::start(answers.0.replay().unwrap()).await.unwrap();
        let api = api();
        let faults = Faults::before(&recorded.url(), &api, &SERVICES, MOTO_ACCOUNT).await.unwrap();
        Self { faults, recorded }
    }

    /// A call that the recording lacks would be a defect of the test.
    #[track_caller]
    pub(crate) fn was_complete(&self) {
        let (unmatched, examples) = self.recorded.replay().unmatched();
        assert_eq!(unmatched, 0, "{examples:?}");
    }
}

/// Recorded answers, made without ceremony.
pub(crate) struct Answers(answers::Answers);

impl Answers {
    pub(crate) fn new() -> Self {
        Self(answers::Answers::of(MOTO_ACCOUNT, &api()))
    }

    /// The answer to every call of an operation.
    pub(crate) fn all(&mut self, call: &str, output: Value) {
        self.to(call, json!({}), output);
    }

    /// The answer to calls whose input has these members.
    pub(crate) fn to(&mut self, call: &str, matching: Value, output: Value) {
        self.0.to(call, members(matching), &output).unwrap();
    }

    /// The code that calls with these members get because there is no such thing.
    pub(crate) fn absent(&mut self, call: &str, matching: Value, code: &str) {
        self.0.absent(call, members(matching), code).unwrap();
    }
}

fn members(value: Value) -> Map<String, Value> {
    let Value::Object(members) = value else { panic!("{value} is not a map of members") };
    members
}

/// The answers of the small account.
pub(crate) fn small() -> Answers {
    made(Paging::Whole)
}

/// How lists are answered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paging {
    /// Each in one page.
    Whole,
    /// One item in a page, in each of the three ways of paging that the account meets.
    Single,
    /// One item in a page, and the second page gives the token of the second page again.
    Endless,
}

impl Paging {
    /// Answers a list, whole or in pages. `token` is the member that says where to go on, in the
    /// question and in the answer.
    fn list(self, answers: &mut Answers, call: &str, member: &str, items: Value, token: Token) {
        let items = items.as_array().unwrap();
        if self == Self::Whole {
            answers.all(call, json!({member: items}));
            return;
        }
        for (n, item) in items.iter().enumerate() {
            let mut output = json!({member: [item]});
            let last = n + 1 == items.len();
            if !last || self == Self::Endless {
                output[token.answer] = json!(format!("page-{}", if last { n } else { n + 1 }));
            }
            let asked =
                if n == 0 { json!({}) } else { json!({token.question: format!("page-{n}")}) };
            answers.to(call, asked, output);
        }
    }
}

/// The members that carry an operation's paging.
struct Token {
    question: &'static str,
    answer: &'static str,
}

/// The small account with lists in this way of paging.
pub(crate) fn made(paging: Paging) -> Answers {
    let mut answers = Answers::new();
    standing(&mut answers);
    buckets(&mut answers, paging);
    identities(&mut answers, paging);
    network(&mut answers, paging);
    keys(&mut answers);
    answers
}

/// Who is asked: one account without an organization, with one region.
fn standing(answers: &mut Answers) {
    let arn = format!("arn:aws:iam::{MOTO_ACCOUNT}:user/auditor");
    let identity = json!({"Account": MOTO_ACCOUNT, "Arn": arn, "UserId": "AIDA1"});
    answers.all("sts:GetCallerIdentity", identity);
    let none = "AWSOrganizationsNotInUseException";
    answers.absent("organizations:DescribeOrganization", json!({}), none);
    let region = json!({"RegionName": "us-east-1", "RegionOptStatus": "ENABLED_BY_DEFAULT"});
    answers.all("account:ListRegions", json!({"Regions": [region]}));
    let summary = json!({"AccountMFAEnabled": 0, "AccountAccessKeysPresent": 0, "Users": 2});
    answers.all("iam:GetAccountSummary", json!({"SummaryMap": summary}));
}

fn buckets(answers: &mut Answers, paging: Paging) {
    let bucket = |name: &str| json!({"Name": name, "BucketRegion": "us-east-1"});
    let list = json!([bucket("leaky"), bucket("ledger")]);
    let token = Token { question: "ContinuationToken", answer: "ContinuationToken" };
    paging.list(answers, "s3:ListBuckets", "Buckets", list, token);
    let none = "NoSuchPublicAccessBlockConfiguration";
    answers.absent("s3control:GetPublicAccessBlock", json!({}), none);
    let this = |name: &str| json!({"Bucket": name});

    let mut good = |operation: &str, output: Value| {
        answers.to(&format!("s3:{operation}"), this("ledger"), output);
    };
    good("GetBucketVersioning", json!({"Status": "Enabled"}));
    let block = json!({"BlockPublicAcls": true, "IgnorePublicAcls": true,
        "BlockPublicPolicy": true, "RestrictPublicBuckets": true});
    good("GetPublicAccessBlock", json!({"PublicAccessBlockConfiguration": block}));
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny",
        "Principal": "*", "Action": "s3:*",
        "Resource": ["arn:aws:s3:::ledger", "arn:aws:s3:::ledger/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]});
    good("GetBucketPolicy", json!({"Policy": policy.to_string()}));
    let rule = json!({"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}});
    let encryption = json!({"ServerSideEncryptionConfiguration": {"Rules": [rule]}});
    good("GetBucketEncryption", encryption);
    let owned =
        json!({"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}});
    good("GetBucketOwnershipControls", owned);
    good("GetBucketAcl", json!({"Owner": {"ID": "me"}, "Grants": []}));

    answers.to("s3:GetBucketVersioning", this("leaky"), json!({}));
    let mut none = |operation: &str, code: &str| {
        answers.absent(&format!("s3:{operation}"), this("leaky"), code);
    };
    none("GetPublicAccessBlock", "NoSuchPublicAccessBlockConfiguration");
    none("GetBucketEncryption", "ServerSideEncryptionConfigurationNotFoundError");
    none("GetBucketOwnershipControls", "OwnershipControlsNotFoundError");
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::leaky/*"}]});
    answers.to("s3:GetBucketPolicy", this("leaky"), json!({"Policy": policy.to_string()}));
    let acl = json!({"Owner": {"ID": "me"}, "Grants": []});
    answers.to("s3:GetBucketAcl", this("leaky"), acl);
}

fn identities(answers: &mut Answers, paging: Paging) {
    let arn = |kind: &str, name: &str| format!("arn:aws:iam::{MOTO_ACCOUNT}:{kind}/{name}");
    let all = json!({"Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]});
    let user = |name: &str| {
        json!({"Path": "/", "UserName": name, "UserId": name, "Arn": arn("user", name),
            "CreateDate": "2026-01-01T00:00:00Z"})
    };
    let mut alice = user("alice");
    alice["UserPolicyList"] = json!([{"PolicyName": "all", "PolicyDocument": all.to_string()}]);
    let role = json!({"Path": "/", "RoleName": "Anyone", "RoleId": "AROA1",
        "Arn": arn("role", "Anyone"), "CreateDate": "2026-01-01T00:00:00Z",
        "AssumeRolePolicyDocument": trust.to_string()});
    let call = "iam:GetAccountAuthorizationDetails";
    if paging == Paging::Whole {
        let details = json!({"UserDetailList": [alice, user("bob")], "RoleDetailList": [role],
            "GroupDetailList": [], "Policies": [], "IsTruncated": false});
        answers.all(call, details);
    } else {
        // Each page holds another kind, as AWS's do.
        let more = |next: &str| json!({"IsTruncated": true, "Marker": next});
        let page = |content: Value, mut rest: Value| {
            rest.as_object_mut().unwrap().extend(members(content));
            rest
        };
        answers.all(call, page(json!({"UserDetailList": [alice]}), more("page-1")));
        let second = page(json!({"UserDetailList": [user("bob")]}), more("page-2"));
        answers.to(call, json!({"Marker": "page-1"}), second);
        let last = match paging {
            Paging::Endless => more("page-2"),
            _ => json!({"IsTruncated": false}),
        };
        let third = page(json!({"RoleDetailList": [role]}), last);
        answers.to(call, json!({"Marker": "page-2"}), third);
    }

    answers.all("iam:GenerateCredentialReport", json!({"State": "COMPLETE"}));
    let head = "user,arn,password_enabled,password_last_used,password_last_changed,mfa_active,\
        access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,\
        access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,\
        access_key_2_last_used_date,access_key_2_last_used_service";
    let row = |name: &str, mfa: bool| {
        let arn = arn("user", name);
        format!("{name},{arn},true,no_information,N/A,{mfa},false,N/A,N/A,N/A,false,N/A,N/A,N/A")
    };
    let report = [head.to_owned(), row("alice", false), row("bob", true)].join("\n");
    let report = json!({"Content": BASE64_STANDARD.encode(report), "ReportFormat": "text/csv",
        "GeneratedTime": "2026-11-20T08:00:00Z"});
    answers.all("iam:GetCredentialReport", report);
}

fn network(answers: &mut Answers, paging: Paging) {
    let group = |id: &str, open: bool| {
        let ranges = if open { json!([{"CidrIp": "0.0.0.0/0"}]) } else { json!([]) };
        json!({"GroupId": id, "GroupName": id, "Description": id, "OwnerId": MOTO_ACCOUNT,
            "VpcId": "vpc-1", "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 22,
            "ToPort": 22, "IpRanges": ranges}]})
    };
    let groups = json!([group("sg-open", true), group("sg-shut", false)]);
    let token = Token { question: "NextToken", answer: "NextToken" };
    paging.list(answers, "ec2:DescribeSecurityGroups", "SecurityGroups", groups, token);
    answers.all("ec2:DescribeManagedPrefixLists", json!({"PrefixLists": []}));
    let vpc = json!({"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16", "OwnerId": MOTO_ACCOUNT});
    answers.all("ec2:DescribeVpcs", json!({"Vpcs": [vpc]}));
    answers.all("ec2:DescribeFlowLogs", json!({"FlowLogs": []}));
    answers.all("ec2:GetEbsEncryptionByDefault", json!({"EbsEncryptionByDefault": true}));
}

fn keys(answers: &mut Answers) {
    let arn = format!("arn:aws:kms:us-east-1:{MOTO_ACCOUNT}:key/key-1");
    answers.all("kms:ListKeys", json!({"Keys": [{"KeyId": "key-1", "KeyArn": arn}]}));
    let key = json!({"KeyId": "key-1", "Arn": arn, "Enabled": true, "KeyManager": "CUSTOMER",
        "KeyState": "Enabled", "KeySpec": "SYMMETRIC_DEFAULT", "Origin": "AWS_KMS"});
    answers.all("kms:DescribeKey", json!({"KeyMetadata": key}));
    answers.all("kms:GetKeyRotationStatus", json!({"KeyRotationEnabled": false}));
}
