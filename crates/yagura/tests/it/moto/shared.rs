//! What an account of moto shares with another one, kind by kind, is told kind by kind.
//! Who is outside, and what conditions and denials change, is claimed in yagura-analyze.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use yagura_testkit::moto::MOTO_ACCOUNT;
use yagura_testkit::writer::Writer;

use super::{Ground, REGION, write};
use crate::program::Home;

const OTHER: &str = "999988887777";

/// The controls that must fail, one for each kind of thing that is shared. Of functions and layers
/// everybody is let in: moto writes an account into their policies as AWS never does.
const CONTROLS: [&str; 15] = [
    "dynamodb.table_shared_within_organization",
    "ec2.image_shared_within_organization",
    "ec2.snapshot_shared_within_organization",
    "ecr.registry_shared_within_organization",
    "ecr.repository_shared_within_organization",
    "efs.file_system_shared_within_organization",
    "iam.role_third_party_external_id",
    "kms.key_shared_within_organization",
    "lambda.function_policy_not_public",
    "lambda.layer_policy_not_public",
    "rds.snapshot_shared_within_organization",
    "s3.bucket_shared_within_organization",
    "secretsmanager.secret_shared_within_organization",
    "sns.topic_shared_within_organization",
    "sqs.queue_shared_within_organization",
];

fn to_other(action: &str) -> String {
    json!({"Version": "2012-10-17", "Statement": [{"Sid": "Other", "Effect": "Allow",
        "Principal": {"AWS": format!("arn:aws:iam::{OTHER}:root")}, "Action": action,
        "Resource": "*"}]})
    .to_string()
}

async fn by_policy(writer: &Writer) {
    write(writer, "s3:CreateBucket", json!({"Bucket": "ledger"})).await;
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"AWS": OTHER}, "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::ledger/*"}]});
    let policy = json!({"Bucket": "ledger", "Policy": policy.to_string()});
    write(writer, "s3:PutBucketPolicy", policy).await;
    let key = write(writer, "kms:CreateKey", json!({})).await["KeyMetadata"]["KeyId"].clone();
    let policy = json!({"KeyId": key, "PolicyName": "default", "Policy": to_other("kms:Decrypt")});
    write(writer, "kms:PutKeyPolicy", policy).await;
    let secret = json!({"Name": "token", "SecretString": "not-a-secret"});
    write(writer, "secretsmanager:CreateSecret", secret).await;
    let policy = to_other("secretsmanager:GetSecretValue");
    let policy = json!({"SecretId": "token", "ResourcePolicy": policy});
    write(writer, "secretsmanager:PutResourcePolicy", policy).await;
    let attributes = json!({"Policy": to_other("sqs:SendMessage")});
    write(writer, "sqs:CreateQueue", json!({"QueueName": "jobs", "Attributes": attributes})).await;
    let topic = write(writer, "sns:CreateTopic", json!({"Name": "news"})).await;
    let policy = json!({"TopicArn": topic["TopicArn"], "AttributeName": "Policy",
        "AttributeValue": to_other("sns:Publish")});
    write(writer, "sns:SetTopicAttributes", policy).await;
    write(writer, "ecr:CreateRepository", json!({"repositoryName": "shop"})).await;
    let policy = json!({"repositoryName": "shop", "policyText": to_other("ecr:BatchGetImage")});
    write(writer, "ecr:SetRepositoryPolicy", policy).await;
    let policy = json!({"policyText": to_other("ecr:ReplicateImage")});
    write(writer, "ecr:PutRegistryPolicy", policy).await;
    let system = write(writer, "efs:CreateFileSystem", json!({"CreationToken": "a"})).await;
    let policy = json!({"FileSystemId": system["FileSystemId"],
        "Policy": to_other("elasticfilesystem:ClientMount")});
    write(writer, "efs:PutFileSystemPolicy", policy).await;
    let table = json!({"TableName": "orders", "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}]});
    let table = write(writer, "dynamodb:CreateTable", table).await;
    let policy = json!({"ResourceArn": table["TableDescription"]["TableArn"],
        "Policy": to_other("dynamodb:GetItem")});
    write(writer, "dynamodb:PutResourcePolicy", policy).await;
}

async fn by_statement(writer: &Writer) {
    let trust = |principal: Value| {
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": principal, "Action": "sts:AssumeRole"}]})
        .to_string()
    };
    for (name, principal) in
        [("partner", json!({"AWS": OTHER})), ("run", json!({"Service": "lambda.amazonaws.com"}))]
    {
        let role = json!({"RoleName": name, "AssumeRolePolicyDocument": trust(principal)});
        write(writer, "iam:CreateRole", role).await;
    }
    let code = json!({"ZipFile": "emlw"});
    let function = json!({"FunctionName": "hook", "Runtime": "python3.13", "Handler": "a.b",
        "Role": format!("arn:aws:iam::{MOTO_ACCOUNT}:role/run"), "Code": code});
    write(writer, "lambda:CreateFunction", function).await;
    let permission = json!({"FunctionName": "hook", "StatementId": "other",
        "Action": "lambda:InvokeFunction", "Principal": "*"});
    write(writer, "lambda:AddPermission", permission).await;
    // Two versions of a layer: for everyone, for nobody.
    for version in [1, 2] {
        let layer = json!({"LayerName": "telemetry", "Content": code});
        write(writer, "lambda:PublishLayerVersion", layer).await;
        if version == 1 {
            let permission = json!({"LayerName": "telemetry", "VersionNumber": version,
                "StatementId": "share", "Action": "lambda:GetLayerVersion", "Principal": "*"});
            write(writer, "lambda:AddLayerVersionPermission", permission).await;
        }
    }
}

async fn by_attribute(writer: &Writer) {
    let volume = json!({"AvailabilityZone": "us-east-1a", "Size": 1});
    let volume = write(writer, "ec2:CreateVolume", volume).await["VolumeId"].clone();
    let snapshot = write(writer, "ec2:CreateSnapshot", json!({"VolumeId": volume})).await;
    let share = json!({"SnapshotId": snapshot["SnapshotId"], "Attribute": "createVolumePermission",
        "OperationType": "add", "UserIds": [OTHER]});
    write(writer, "ec2:ModifySnapshotAttribute", share).await;
    let run = json!({"ImageId": "ami-12c6146b", "MinCount": 1, "MaxCount": 1});
    let run = write(writer, "ec2:RunInstances", run).await;
    let image = json!({"InstanceId": run["Instances"][0]["InstanceId"], "Name": "web"});
    let image = write(writer, "ec2:CreateImage", image).await["ImageId"].clone();
    let share = json!({"ImageId": image, "LaunchPermission": {"Add": [{"UserId": OTHER}]}});
    write(writer, "ec2:ModifyImageAttribute", share).await;
    let database = json!({"DBInstanceIdentifier": "shop", "Engine": "postgres",
        "DBInstanceClass": "db.t3.micro", "AllocatedStorage": 20, "MasterUsername": "root",
        "MasterUserPassword": "not-a-secret"});
    write(writer, "rds:CreateDBInstance", database).await;
    let snapshot = json!({"DBSnapshotIdentifier": "friday", "DBInstanceIdentifier": "shop"});
    write(writer, "rds:CreateDBSnapshot", snapshot).await;
    let share = json!({"DBSnapshotIdentifier": "friday", "AttributeName": "restore",
        "ValuesToAdd": [OTHER]});
    write(writer, "rds:ModifyDBSnapshotAttribute", share).await;
}

#[tokio::test]
async fn whatever_is_shared_with_another_account_is_told() {
    let ground = Ground::start().await;
    by_policy(&ground.writer).await;
    by_statement(&ground.writer).await;
    by_attribute(&ground.writer).await;
    let home = Home::before(&ground.moto.url());
    let scanned = home.scan(&["--controls", &CONTROLS.join(",")]).await;
    let said = scanned.said();
    let failed: BTreeSet<&str> =
        said.iter().filter(|one| one.status == "fail").map(|one| one.control.as_str()).collect();
    for control in CONTROLS {
        assert!(failed.contains(control), "{control} does not fail: {said:?}");
    }
    // Each version of a layer is judged by its own policy.
    let layers = said.iter().filter(|one| one.control == "lambda.layer_policy_not_public");
    let layers: Vec<(&str, &str)> =
        layers.map(|one| (one.name.as_str(), one.status.as_str())).collect();
    assert_eq!(layers, [("1", "fail"), ("2", "pass")]);
    let outside = async |version: u8| {
        let arn = format!("arn:aws:lambda:{REGION}:{MOTO_ACCOUNT}:layer:telemetry:{version}");
        let asked = ["access", "who-can", "lambda:GetLayerVersion", &arn, "--format", "json"];
        let found = home.run(&asked).await.records();
        let outside = found.into_iter().filter(|one| one["inside"] == false);
        outside.map(|one| one["principal"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(outside(1).await, [json!("*")]);
    assert!(outside(2).await.is_empty());
}
