//! A large account as recorded answers: 10,000 buckets and 2,000 users, in AWS's page sizes.
//! It is generated, the same each time, and encoded through the API table.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};
use yagura_aws::{Api, Replay};
use yagura_testkit::answers::Answers;

const ACCOUNT: &str = "123456789012";
const BUCKETS: usize = 10_000;
const USERS: usize = 2_000;
/// S3 API Reference, ListBuckets: at most so many in a page when asked for as many.
const BUCKETS_PER_PAGE: usize = 1_000;
/// IAM API Reference, GetAccountAuthorizationDetails: what AWS gives when not asked for more.
const USERS_PER_PAGE: usize = 100;
/// One of so many is bad.
const BAD_EVERY: usize = 10;

/// The recording.
pub(crate) fn answers(api: &Api) -> Result<Replay, String> {
    let mut answers = Answers::of(ACCOUNT, api);
    standing(&mut answers)?;
    buckets(&mut answers)?;
    users(&mut answers)?;
    answers.replay()
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn standing(answers: &mut Answers) -> Result<(), String> {
    let arn = format!("arn:aws:iam::{ACCOUNT}:user/auditor");
    let identity = json!({"Account": ACCOUNT, "Arn": arn, "UserId": "AIDA1"});
    answers.all("sts:GetCallerIdentity", &identity)?;
    let none = "AWSOrganizationsNotInUseException";
    answers.absent("organizations:DescribeOrganization", Map::new(), none)?;
    let region = json!({"RegionName": "us-east-1", "RegionOptStatus": "ENABLED_BY_DEFAULT"});
    answers.all("account:ListRegions", &json!({"Regions": [region]}))
}

fn buckets(answers: &mut Answers) -> Result<(), String> {
    for start in (0..BUCKETS).step_by(BUCKETS_PER_PAGE) {
        let page: Vec<Value> = (start..start + BUCKETS_PER_PAGE)
            .map(|n| json!({"Name": format!("bucket-{n:05}"), "BucketRegion": "us-east-1"}))
            .collect();
        let mut output = json!({"Buckets": page});
        let next = start + BUCKETS_PER_PAGE;
        if let (true, Some(output)) = (next < BUCKETS, output.as_object_mut()) {
            output.insert("ContinuationToken".into(), format!("from-{next}").into());
        }
        let asked = match start {
            0 => json!({}),
            _ => json!({"ContinuationToken": format!("from-{start}")}),
        };
        answers.to("s3:ListBuckets", members(asked), &output)?;
    }
    good_buckets(answers)?;
    let policy = |n: usize| {
        let resource = format!("arn:aws:s3:::bucket-{n:05}/*");
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*",
            "Action": "s3:GetObject", "Resource": resource}]})
    };
    for n in (0..BUCKETS).step_by(BAD_EVERY) {
        let this = || members(json!({"Bucket": format!("bucket-{n:05}")}));
        let absent = "NoSuchPublicAccessBlockConfiguration";
        answers.absent("s3:GetPublicAccessBlock", this(), absent)?;
        answers.to("s3:GetBucketVersioning", this(), &json!({}))?;
        let policy = json!({"Policy": policy(n).to_string()});
        answers.to("s3:GetBucketPolicy", this(), &policy)?;
    }
    Ok(())
}

/// What every bucket answers that has no answer of its own.
fn good_buckets(answers: &mut Answers) -> Result<(), String> {
    let block = json!({"BlockPublicAcls": true, "IgnorePublicAcls": true,
        "BlockPublicPolicy": true, "RestrictPublicBuckets": true});
    let block = json!({"PublicAccessBlockConfiguration": block});
    answers.all("s3:GetPublicAccessBlock", &block)?;
    answers.all("s3:GetBucketVersioning", &json!({"Status": "Enabled"}))?;
    let rule = json!({"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}});
    let encryption = json!({"ServerSideEncryptionConfiguration": {"Rules": [rule]}});
    answers.all("s3:GetBucketEncryption", &encryption)?;
    let logging = json!({"LoggingEnabled": {"TargetBucket": "bucket-00001", "TargetPrefix": ""}});
    answers.all("s3:GetBucketLogging", &logging)?;
    let rules = json!([{"ObjectOwnership": "BucketOwnerEnforced"}]);
    answers
        .all("s3:GetBucketOwnershipControls", &json!({"OwnershipControls": {"Rules": rules}}))?;
    answers.all("s3:GetBucketAcl", &json!({"Owner": {"ID": "me"}, "Grants": []}))?;
    let tags = json!({"TagSet": [{"Key": "team", "Value": "bench"}]});
    answers.all("s3:GetBucketTagging", &tags)?;
    answers.all("s3:GetBucketPolicyStatus", &json!({"PolicyStatus": {"IsPublic": false}}))?;
    let rule = json!({"ID": "expire", "Status": "Enabled", "Filter": {"Prefix": "tmp/"},
        "Expiration": {"Days": 30}});
    answers.all("s3:GetBucketLifecycleConfiguration", &json!({"Rules": [rule]}))?;
    let none = "ObjectLockConfigurationNotFoundError";
    answers.absent("s3:GetObjectLockConfiguration", Map::new(), none)?;
    answers.absent("s3:GetBucketPolicy", Map::new(), "NoSuchBucketPolicy")?;
    let none = "NoSuchPublicAccessBlockConfiguration";
    answers.absent("s3control:GetPublicAccessBlock", Map::new(), none)?;
    answers.all("s3control:ListAccessPoints", &json!({"AccessPointList": []}))
}

fn users(answers: &mut Answers) -> Result<(), String> {
    let everything = json!({"Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
    let user = |n: usize| {
        let name = format!("user-{n:05}");
        let mut user = json!({"Path": "/", "UserName": name, "UserId": name,
            "Arn": format!("arn:aws:iam::{ACCOUNT}:user/{name}"),
            "CreateDate": "2026-01-01T00:00:00Z"});
        if let (0, Some(user)) = (n % BAD_EVERY, user.as_object_mut()) {
            let policy = json!({"PolicyName": "all", "PolicyDocument": everything.to_string()});
            user.insert("UserPolicyList".into(), json!([policy]));
        }
        user
    };
    for start in (0..USERS).step_by(USERS_PER_PAGE) {
        let next = start + USERS_PER_PAGE;
        let page: Vec<Value> = (start..next).map(user).collect();
        let mut output = json!({"UserDetailList": page, "IsTruncated": next < USERS});
        if let (true, Some(output)) = (next < USERS, output.as_object_mut()) {
            output.insert("Marker".into(), format!("from-{next}").into());
        }
        let asked = match start {
            0 => json!({}),
            _ => json!({"Marker": format!("from-{start}")}),
        };
        answers.to("iam:GetAccountAuthorizationDetails", members(asked), &output)?;
    }
    answers.all("iam:ListServerCertificates", &json!({"ServerCertificateMetadataList": []}))?;
    answers.all("iam:GenerateCredentialReport", &json!({"State": "COMPLETE"}))?;
    let report = json!({"Content": BASE64_STANDARD.encode(report()), "ReportFormat": "text/csv",
        "GeneratedTime": "2026-11-20T08:00:00Z"});
    answers.all("iam:GetCredentialReport", &report)
}

/// The credential report, with a key of each user.
fn report() -> String {
    let mut text = String::from(
        "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,\
         password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,\
         access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,\
         access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,\
         access_key_2_last_used_region,access_key_2_last_used_service",
    );
    for n in 0..USERS {
        let mfa = n % BAD_EVERY != 0;
        text.push_str(&format!(
            "\nuser-{n:05},arn:aws:iam::{ACCOUNT}:user/user-{n:05},2026-01-01T00:00:00+00:00,true,\
             2026-11-01T00:00:00+00:00,2026-10-01T00:00:00+00:00,N/A,{mfa},true,\
             2026-10-01T00:00:00+00:00,2026-11-01T00:00:00+00:00,us-east-1,s3,false,N/A,N/A,N/A,N/A"
        ));
    }
    text
}
