//! An account with good and bad things in it is judged as it was made.
//! Expected verdicts are written down from what was made, not from what was printed.

use serde_json::{Value, json};
use yagura_testkit::writer::Writer;

use super::{Ground, write};
use crate::program::Home;

const CONTROLS: &str = "s3.bucket_versioned,s3.bucket_public_access_blocked,\
    s3.bucket_not_publicly_readable,s3.bucket_secure_transport_required,s3.bucket_access_logged,\
    s3.account_public_access_blocked,iam.user_not_administrator,iam.user_policies_through_groups,\
    iam.policy_full_administrator_unattached,iam.role_trust_not_public,\
    account.password_length_enforced,account.password_reuse_prevented,account.root_mfa_enabled,\
    ec2.security_group_ssh_restricted,ec2.ebs_encrypted_by_default,ec2.volume_encrypted,\
    ec2.vpc_flow_logs_enabled,kms.key_rotation_enabled,cloudtrail.multi_region_trail_enabled,\
    cloudtrail.trail_log_validation_enabled,cloudtrail.trail_logging_on,\
    rds.instance_encrypted,rds.instance_not_public,sqs.queue_encrypted,\
    dynamodb.table_deletion_protected,logs.log_group_retained";

async fn buckets(writer: &Writer) {
    for name in ["ledger", "leaky", "access-logs"] {
        write(writer, "s3:CreateBucket", json!({"Bucket": name})).await;
    }
    let versioning = json!({"Bucket": "ledger", "VersioningConfiguration": {"Status": "Enabled"}});
    write(writer, "s3:PutBucketVersioning", versioning).await;
    let block = json!({"Bucket": "ledger", "PublicAccessBlockConfiguration": {
        "BlockPublicAcls": true, "IgnorePublicAcls": true, "BlockPublicPolicy": true,
        "RestrictPublicBuckets": true}});
    write(writer, "s3:PutPublicAccessBlock", block).await;
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny",
        "Principal": "*", "Action": "s3:*",
        "Resource": ["arn:aws:s3:::ledger", "arn:aws:s3:::ledger/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]});
    let policy = json!({"Bucket": "ledger", "Policy": policy.to_string()});
    write(writer, "s3:PutBucketPolicy", policy).await;
    let grant = json!({"Grantee": {"Type": "Group",
        "URI": "http://acs.amazonaws.com/groups/s3/LogDelivery"}, "Permission": "WRITE"});
    let read = json!({"Grantee": {"Type": "Group",
        "URI": "http://acs.amazonaws.com/groups/s3/LogDelivery"}, "Permission": "READ_ACP"});
    let acl = json!({"Bucket": "access-logs", "AccessControlPolicy": {"Owner": {
        "ID": "75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a"},
        "Grants": [grant, read]}});
    write(writer, "s3:PutBucketAcl", acl).await;
    let logging = json!({"Bucket": "ledger", "BucketLoggingStatus": {"LoggingEnabled": {
        "TargetBucket": "access-logs", "TargetPrefix": "ledger/"}}});
    write(writer, "s3:PutBucketLogging", logging).await;
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::leaky/*"}]});
    let policy = json!({"Bucket": "leaky", "Policy": policy.to_string()});
    write(writer, "s3:PutBucketPolicy", policy).await;
}

async fn identities(writer: &Writer) {
    let everything = json!({"Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
    .to_string();
    let password = json!({"MinimumPasswordLength": 14, "PasswordReusePrevention": 5});
    write(writer, "iam:UpdateAccountPasswordPolicy", password).await;
    for name in ["alice", "bob"] {
        write(writer, "iam:CreateUser", json!({"UserName": name})).await;
    }
    write(writer, "iam:CreateGroup", json!({"GroupName": "readers"})).await;
    let member = json!({"GroupName": "readers", "UserName": "bob"});
    write(writer, "iam:AddUserToGroup", member).await;
    let inline = json!({"UserName": "alice", "PolicyName": "all", "PolicyDocument": everything});
    write(writer, "iam:PutUserPolicy", inline).await;
    for name in ["attached", "idle"] {
        let policy = json!({"PolicyName": name, "PolicyDocument": everything});
        let made = write(writer, "iam:CreatePolicy", policy).await;
        if name == "attached" {
            let attach = json!({"GroupName": "readers", "PolicyArn": made["Policy"]["Arn"]});
            write(writer, "iam:AttachGroupPolicy", attach).await;
        }
    }
    for (name, principal) in
        [("anyone", json!({"AWS": "*"})), ("service", json!({"Service": "ec2.amazonaws.com"}))]
    {
        let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": principal, "Action": "sts:AssumeRole"}]});
        let role = json!({"RoleName": name, "AssumeRolePolicyDocument": trust.to_string()});
        write(writer, "iam:CreateRole", role).await;
    }
}

/// What random ids stand for.
struct Named(Vec<(String, &'static str)>);

async fn compute(writer: &Writer) -> Named {
    let mut named = Vec::new();
    let mut name = |value: &Value, name| {
        named.push((value.as_str().unwrap().to_owned(), name));
    };
    let vpcs = write(writer, "ec2:DescribeVpcs", json!({})).await;
    name(&vpcs["Vpcs"][0]["VpcId"], "vpc-default");
    let groups = write(writer, "ec2:DescribeSecurityGroups", json!({})).await;
    name(&groups["SecurityGroups"][0]["GroupId"], "sg-default");
    for (label, cidr) in [("sg-open", "0.0.0.0/0"), ("sg-office", "203.0.113.0/24")] {
        let group = json!({"GroupName": label, "Description": "test"});
        let id = write(writer, "ec2:CreateSecurityGroup", group).await["GroupId"].clone();
        name(&id, label);
        let ingress = json!({"GroupId": id, "IpPermissions": [{"IpProtocol": "tcp",
            "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": cidr}]}]});
        write(writer, "ec2:AuthorizeSecurityGroupIngress", ingress).await;
    }
    write(writer, "ec2:EnableEbsEncryptionByDefault", json!({})).await;
    let mut key = Value::Null;
    for (label, rotates) in [("key-turning", true), ("key-still", false)] {
        let made = write(writer, "kms:CreateKey", json!({})).await;
        let id = &made["KeyMetadata"]["KeyId"];
        name(id, label);
        if rotates {
            id.clone_into(&mut key);
            write(writer, "kms:EnableKeyRotation", json!({"KeyId": id})).await;
        }
    }
    for (label, encrypted) in [("vol-shut", true), ("vol-open", false)] {
        let mut volume =
            json!({"AvailabilityZone": "us-east-1a", "Size": 1, "Encrypted": encrypted});
        // Without a key, moto would make one that counts as the customer's.
        if encrypted {
            volume["KmsKeyId"] = json!(key);
        }
        let made = write(writer, "ec2:CreateVolume", volume).await;
        name(&made["VolumeId"], label);
    }
    Named(named)
}

async fn services(writer: &Writer, named: &Named) {
    let (key, _) = named.0.iter().find(|(_, name)| *name == "key-turning").unwrap();
    let trail = json!({"Name": "main", "S3BucketName": "access-logs", "IsMultiRegionTrail": true,
        "IncludeGlobalServiceEvents": true, "EnableLogFileValidation": false});
    write(writer, "cloudtrail:CreateTrail", trail).await;
    write(writer, "cloudtrail:StartLogging", json!({"Name": "main"})).await;
    for (id, good) in [("shut", true), ("open", false)] {
        // Without a key, moto would make one that counts as the customer's.
        let mut instance = json!({"DBInstanceIdentifier": id, "Engine": "postgres",
            "DBInstanceClass": "db.t3.micro", "AllocatedStorage": 20,
            "MasterUsername": "root", "MasterUserPassword": "not-a-secret",
            "StorageEncrypted": good, "PubliclyAccessible": !good});
        if good {
            instance["KmsKeyId"] = json!(key);
        }
        write(writer, "rds:CreateDBInstance", instance).await;
        let table = json!({"TableName": id, "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "DeletionProtectionEnabled": good});
        write(writer, "dynamodb:CreateTable", table).await;
        let attributes = json!({"SqsManagedSseEnabled": good.to_string()});
        let queue = json!({"QueueName": id, "Attributes": attributes});
        write(writer, "sqs:CreateQueue", queue).await;
        write(writer, "logs:CreateLogGroup", json!({"logGroupName": id})).await;
        let days = if good { 400 } else { 1 };
        let retention = json!({"logGroupName": id, "retentionInDays": days});
        write(writer, "logs:PutRetentionPolicy", retention).await;
    }
}

/// What was made above, as the controls must see it.
const EXPECTED: [&str; 46] = [
    "account.password_length_enforced 123456789012 pass",
    "account.password_reuse_prevented 123456789012 fail",
    "account.root_mfa_enabled 123456789012 fail",
    "cloudtrail.multi_region_trail_enabled 123456789012 pass",
    "cloudtrail.trail_log_validation_enabled main fail",
    "cloudtrail.trail_logging_on main pass",
    "dynamodb.table_deletion_protected open fail",
    "dynamodb.table_deletion_protected shut pass",
    "ec2.ebs_encrypted_by_default settings pass",
    "ec2.security_group_ssh_restricted sg-default pass",
    "ec2.security_group_ssh_restricted sg-office pass",
    "ec2.security_group_ssh_restricted sg-open fail",
    "ec2.volume_encrypted vol-open fail",
    "ec2.volume_encrypted vol-shut pass",
    "ec2.vpc_flow_logs_enabled vpc-default fail",
    "iam.policy_full_administrator_unattached attached fail",
    "iam.policy_full_administrator_unattached idle pass",
    "iam.role_trust_not_public anyone fail",
    "iam.role_trust_not_public service pass",
    "iam.user_not_administrator alice fail",
    // By the group, whose policy is the one that allows everything.
    "iam.user_not_administrator bob fail",
    "iam.user_policies_through_groups alice fail",
    "iam.user_policies_through_groups bob pass",
    "kms.key_rotation_enabled key-still fail",
    "kms.key_rotation_enabled key-turning pass",
    "logs.log_group_retained open fail",
    "logs.log_group_retained shut pass",
    "rds.instance_encrypted open fail",
    "rds.instance_encrypted shut pass",
    "rds.instance_not_public open fail",
    "rds.instance_not_public shut pass",
    "s3.account_public_access_blocked account fail",
    "s3.bucket_access_logged access-logs not_applicable",
    "s3.bucket_access_logged leaky fail",
    "s3.bucket_access_logged ledger pass",
    "s3.bucket_not_publicly_readable access-logs pass",
    "s3.bucket_not_publicly_readable leaky fail",
    "s3.bucket_not_publicly_readable ledger pass",
    "s3.bucket_public_access_blocked access-logs fail",
    "s3.bucket_public_access_blocked leaky fail",
    "s3.bucket_public_access_blocked ledger pass",
    "s3.bucket_secure_transport_required access-logs fail",
    "s3.bucket_secure_transport_required leaky fail",
    "s3.bucket_secure_transport_required ledger pass",
    "s3.bucket_versioned access-logs fail",
    "s3.bucket_versioned leaky fail",
];

#[tokio::test]
async fn an_account_is_judged_as_it_was_made() {
    let ground = Ground::start().await;
    buckets(&ground.writer).await;
    identities(&ground.writer).await;
    let named = compute(&ground.writer).await;
    services(&ground.writer, &named).await;
    let home = Home::before(&ground.moto.url());
    let scanned = home.scan(&["--controls", CONTROLS]).await;
    let mut lines: Vec<String> = scanned.lines();
    for (id, name) in &named.0 {
        for line in &mut lines {
            *line = line.replace(id.as_str(), name);
        }
    }
    lines.sort();
    let mut expected: Vec<&str> = EXPECTED.to_vec();
    expected.extend([
        "s3.bucket_versioned ledger pass",
        "sqs.queue_encrypted open fail",
        "sqs.queue_encrypted shut pass",
    ]);
    expected.sort_unstable();
    assert_eq!(lines, expected, "{}", scanned.ran.err);
    scanned.ran.exits(0);
    // What fails at this severity or above is what a pipeline stops at.
    let fail_on = ["scan", "--regions", super::REGION, "--controls", CONTROLS, "--fail-on"];
    home.run(&[&fail_on[..], &["critical"]].concat()).await.exits(1);
    let passing = ["scan", "--controls", "account.password_length_enforced", "--fail-on", "low"];
    home.run(&passing).await.exits(0);
}

#[tokio::test]
async fn what_moto_cannot_answer_is_unknown_and_the_scan_says_it_is_partly_blind() {
    let ground = Ground::start().await;
    let home = Home::before(&ground.moto.url());
    // moto answers 500 or 404 without an AWS code to what it does not implement.
    let scanned = home.scan(&["--controls", "ec2.snapshot_public_access_blocked"]).await;
    assert_eq!(scanned.lines(), ["ec2.snapshot_public_access_blocked settings unknown"]);
    scanned.ran.exits(3);
}
