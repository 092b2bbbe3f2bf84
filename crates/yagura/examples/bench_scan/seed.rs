//! Fills moto with an account like the one that the peer was measured on.
//! What a scan finds in it is not claimed here.

use anyhow::anyhow;
use serde_json::{Value, json};
use yagura_aws::Api;
use yagura_testkit::writer::Writer;

const BUCKETS: usize = 203;
const USERS: usize = 100;
const ROLES: usize = 100;
const GROUPS: usize = 200;
/// One of so many is bad.
const BAD_EVERY: usize = 10;

/// Makes everything.
pub(crate) async fn fill(url: &str, api: &Api) -> anyhow::Result<()> {
    let hand = Hand(Writer::new(url, api, "AKIAIOSFODNN7EXAMPLE"));
    buckets(&hand).await?;
    identities(&hand).await?;
    groups(&hand).await?;
    others(&hand).await
}

struct Hand(Writer);

impl Hand {
    async fn write(&self, call: &str, input: Value) -> anyhow::Result<Value> {
        let (service, operation) = call.split_once(':').unwrap_or((call, ""));
        self.0
            .call("us-east-1", service, operation, input)
            .await
            .map_err(|what| anyhow!("{call}: {what}"))
    }
}

async fn buckets(hand: &Hand) -> anyhow::Result<()> {
    for n in 0..BUCKETS {
        let name = format!("bucket-{n:04}");
        hand.write("s3:CreateBucket", json!({"Bucket": name})).await?;
        if n % BAD_EVERY != 0 {
            let versioning = json!({"Status": "Enabled"});
            let input = json!({"Bucket": name, "VersioningConfiguration": versioning});
            hand.write("s3:PutBucketVersioning", input).await?;
            let block = json!({"BlockPublicAcls": true, "IgnorePublicAcls": true,
                "BlockPublicPolicy": true, "RestrictPublicBuckets": true});
            let input = json!({"Bucket": name, "PublicAccessBlockConfiguration": block});
            hand.write("s3:PutPublicAccessBlock", input).await?;
        }
    }
    Ok(())
}

async fn identities(hand: &Hand) -> anyhow::Result<()> {
    let everything = json!({"Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
    for n in 0..USERS {
        let name = format!("user-{n:04}");
        hand.write("iam:CreateUser", json!({"UserName": name})).await?;
        if n % BAD_EVERY == 0 {
            let input = json!({"UserName": name, "PolicyName": "all",
                "PolicyDocument": everything.to_string()});
            hand.write("iam:PutUserPolicy", input).await?;
        }
    }
    for n in 0..ROLES {
        let principal = if n % BAD_EVERY == 0 {
            json!({"AWS": "*"})
        } else {
            json!({"Service": "ec2.amazonaws.com"})
        };
        let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": principal, "Action": "sts:AssumeRole"}]});
        let input = json!({"RoleName": format!("role-{n:04}"),
            "AssumeRolePolicyDocument": trust.to_string()});
        hand.write("iam:CreateRole", input).await?;
    }
    Ok(())
}

async fn groups(hand: &Hand) -> anyhow::Result<()> {
    for n in 0..GROUPS {
        let input = json!({"GroupName": format!("group-{n:04}"), "Description": "bench"});
        let made = hand.write("ec2:CreateSecurityGroup", input).await?;
        let cidr = if n % BAD_EVERY == 0 { "0.0.0.0/0" } else { "10.0.0.0/8" };
        let permission = json!({"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22,
            "IpRanges": [{"CidrIp": cidr}]});
        let id = made.get("GroupId").cloned().unwrap_or_default();
        let input = json!({"GroupId": id, "IpPermissions": [permission]});
        hand.write("ec2:AuthorizeSecurityGroupIngress", input).await?;
    }
    Ok(())
}

async fn others(hand: &Hand) -> anyhow::Result<()> {
    for rotates in [true, false] {
        let made = hand.write("kms:CreateKey", json!({})).await?;
        if rotates {
            let id = made.pointer("/KeyMetadata/KeyId").cloned().unwrap_or_default();
            hand.write("kms:EnableKeyRotation", json!({"KeyId": id})).await?;
        }
    }
    let instance = json!({"DBInstanceIdentifier": "bench", "Engine": "postgres",
        "DBInstanceClass": "db.t3.micro", "AllocatedStorage": 20, "MasterUsername": "root",
        "MasterUserPassword": "not-a-secret", "StorageEncrypted": false});
    hand.write("rds:CreateDBInstance", instance).await?;
    let trail = json!({"Name": "main", "S3BucketName": "bucket-0001", "IsMultiRegionTrail": true,
        "IncludeGlobalServiceEvents": true});
    hand.write("cloudtrail:CreateTrail", trail).await?;
    hand.write("cloudtrail:StartLogging", json!({"Name": "main"})).await?;
    Ok(())
}
