//! What happens now and then in every organization and looks worse than it is: golden images shared
//! with own accounts, a refresh of staging from production, a broken deployment that is refused for
//! an hour, load tests, clean-ups, graphics processors for the people of data science.

use serde_json::{Value, json};

use super::ledger::{Actor, DAY, HOUR, Ledger, call};
use super::people::{BROWSER, CLI, DEVELOPMENT, MANAGEMENT, PAYMENTS, SECURITY, SHOP, STAGING};

/// What this day brings beside the daily round.
pub(crate) fn day(ledger: &mut Ledger, start: i64, day: i64) {
    match day % 7 {
        0 => golden_image(ledger, start + 6 * HOUR),
        1 => refresh_of_staging(ledger, start + 22 * HOUR),
        2 => graphics(ledger, start + 9 * HOUR),
        3 => clean_up(ledger, start + 21 * HOUR),
        4 => vendor_role(ledger, start + 13 * HOUR, day),
        _ => {}
    }
    if day == 8 || day == 17 {
        broken_deployment(ledger, start + 15 * HOUR);
    }
    if day == 10 {
        load_test(ledger, start + 14 * HOUR);
    }
    if day % 7 < 5 {
        local_work(ledger, start + 10 * HOUR);
        sync(ledger, start + 14 * HOUR, day);
    }
}

fn developer(ledger: &mut Ledger, account: &str, number: usize) -> Actor {
    let role = "aws-reserved/sso.amazonaws.com/eu-central-1/AWSReservedSSO_PowerUserAccess_abcdef";
    let name = format!("person{number}@example.com");
    let actor = Actor::session(&mut ledger.dice, account, role, &name);
    actor.from("203.0.113.10", CLI)
}

/// An image is built and shared with the organization's other accounts; the old one goes.
fn golden_image(ledger: &mut Ledger, at: i64) {
    let actor = Actor::session(&mut ledger.dice, SECURITY, "image-pipeline", "packer");
    let actor = actor.from("198.51.100.9", "APN/1.0 HashiCorp/1.0 Packer/1.14.1 aws-sdk-go/1.55");
    let instance = json!({"instancesSet": {"items": [{"instanceId": "i-0ffffeeeedddd0001"}]}});
    let run = json!({"instanceType": "t3.large", "minCount": 1, "maxCount": 1});
    ledger.write(at, &actor, call("ec2:CreateKeyPair", json!({"keyName": "packer"})));
    ledger.write(at + 2, &actor, call("ec2:CreateSecurityGroup", json!({"groupName": "packer"})));
    let open = json!({"groupId": "sg-0packer", "ipPermissions": {"items": [{"ipProtocol": "tcp",
        "fromPort": 22, "toPort": 22, "groups": {}, "ipRanges": {"items":
        [{"cidrIp": "198.51.100.9/32"}]}, "ipv6Ranges": {}, "prefixListIds": {}}]}});
    ledger.write(at + 3, &actor, call("ec2:AuthorizeSecurityGroupIngress", open));
    ledger.write(at + 5, &actor, call("ec2:RunInstances", run).gave(instance.clone()));
    let image = json!({"instanceId": "i-0ffffeeeedddd0001", "name": "golden"});
    ledger.write(at + 900, &actor, call("ec2:CreateImage", image));
    let accounts: Vec<Value> = [SHOP, PAYMENTS, STAGING, DEVELOPMENT]
        .iter()
        .map(|account| json!({"userId": account}))
        .collect();
    let share = json!({"imageId": "ami-0abcdef0123456789", "attributeType": "launchPermission",
        "launchPermission": {"add": {"items": accounts}}});
    ledger.write(at + 1_500, &actor, call("ec2:ModifyImageAttribute", share));
    ledger.write(at + 1_510, &actor, call("ec2:TerminateInstances", instance));
    ledger.write(at + 1_520, &actor, call("ec2:DeleteKeyPair", json!({"keyName": "packer"})));
    ledger.write(at + 1_530, &actor, call("ec2:DeleteSecurityGroup", Value::Null));
    let old = json!({"imageId": "ami-0000000000000old0"});
    ledger.write(at + 1_540, &actor, call("ec2:DeregisterImage", old));
}

/// Production's snapshot is shared with staging and restored there.
fn refresh_of_staging(ledger: &mut Ledger, at: i64) {
    let actor = Actor::session(&mut ledger.dice, SHOP, "refresh-staging", "refresh");
    let actor = actor.from("10.0.4.4", "Boto3/1.40.4 exec-env/AWS_Lambda_python3.13");
    let share = json!({"dBSnapshotIdentifier": "masked", "attributeName": "restore",
        "valuesToAdd": [STAGING]});
    ledger.write(
        at,
        &actor,
        call("rds:CreateDBSnapshot", json!({"dBSnapshotIdentifier": "masked"})),
    );
    ledger.write(at + 900, &actor, call("rds:ModifyDBSnapshotAttribute", share));
    let there = Actor::session(&mut ledger.dice, STAGING, "refresh-staging", "refresh");
    let there = there.from("10.0.4.5", "Boto3/1.40.4 exec-env/AWS_Lambda_python3.13");
    let restore = json!({"dBInstanceIdentifier": "orders", "publiclyAccessible": false});
    ledger.write(
        at + 1_000,
        &there,
        call(
            "rds:DeleteDBInstance",
            json!({
        "dBInstanceIdentifier": "orders", "skipFinalSnapshot": true}),
        ),
    );
    ledger.write(at + 2_000, &there, call("rds:RestoreDBInstanceFromDBSnapshot", restore));
}

/// Somebody trains a model.
fn graphics(ledger: &mut Ledger, at: i64) {
    let actor = developer(ledger, DEVELOPMENT, 9);
    let instance = json!({"instancesSet": {"items": [{"instanceId": "i-0ffffeeeedddd0777",
        "instanceType": "g5.xlarge"}]}});
    let run = json!({"instanceType": "g5.xlarge", "minCount": 1, "maxCount": 1});
    ledger.write(at, &actor, call("ec2:RunInstances", run).gave(instance.clone()));
    ledger.write(at + 7 * HOUR, &actor, call("ec2:TerminateInstances", instance));
    let notebook = json!({"notebookInstanceName": "try", "instanceType": "ml.t3.medium"});
    ledger.write(at + 60, &actor, call("sagemaker:CreateNotebookInstance", notebook));
    ledger.write(
        at + 600,
        &actor,
        call("sagemaker:CreatePresignedNotebookInstanceUrl", Value::Null),
    );
    let key = json!({"instanceId": "i-0ffffeeeedddd0777", "instanceOSUser": "ec2-user"});
    ledger.write(at + 120, &actor, call("ec2-instance-connect:SendSSHPublicKey", key));
}

/// What is left over in the account for development goes.
fn clean_up(ledger: &mut Ledger, at: i64) {
    let actor = Actor::session(&mut ledger.dice, DEVELOPMENT, "weekly-cleanup", "cleanup");
    let actor = actor.from("192.0.2.13", "Boto3/1.40.4 exec-env/AWS_Lambda_python3.13");
    for number in 0..25 {
        let now = at + number * 4;
        ledger.write(now, &actor, call("ec2:DescribeVolumes", Value::Null));
        let volume = json!({"volumeId": format!("vol-0{number:016x}")});
        ledger.write(now + 1, &actor, call("ec2:DeleteVolume", volume));
        let snapshot = json!({"snapshotId": format!("snap-0{number:016x}")});
        ledger.write(now + 2, &actor, call("ec2:DeleteSnapshot", snapshot));
        let group = json!({"logGroupName": format!("/aws/lambda/try-{number}")});
        ledger.write(now + 3, &actor, call("logs:DeleteLogGroup", group));
    }
    let stack = json!({"stackName": "try-old"});
    ledger.write(at + 200, &actor, call("cloudformation:DeleteStack", stack));
}

/// Infrastructure code makes a role that a vendor's account may assume, once; and a stack set's
/// role in a new account becomes administrator through the identity center.
fn vendor_role(ledger: &mut Ledger, at: i64, day: i64) {
    if day != 4 {
        return;
    }
    let actor = Actor::session(&mut ledger.dice, SHOP, "github-deploy", "GitHubActions");
    let actor = actor.from("198.51.100.31", super::machines::TERRAFORM);
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::200000000001:root"}, "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "example"}}}]});
    let create =
        json!({"roleName": "vendor-billing", "assumeRolePolicyDocument": trust.to_string()});
    ledger.write(at, &actor, call("iam:CreateRole", create));
    let attach = json!({"roleName": "vendor-billing",
        "policyArn": "arn:aws:iam::aws:policy/AWSBillingReadOnlyAccess"});
    ledger.write(at + 2, &actor, call("iam:AttachRolePolicy", attach));
    let role = "aws-service-role/sso.amazonaws.com/AWSServiceRoleForSSO";
    let service =
        Actor::session(&mut ledger.dice, STAGING, role, "AWS-SSO").by("sso.amazonaws.com");
    let attach = json!({"roleName": "AWSReservedSSO_AdministratorAccess_0123456789abcdef",
        "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"});
    ledger.write(at + 60, &service, call("iam:AttachRolePolicy", attach));
    let invite = Actor::session(&mut ledger.dice, MANAGEMENT, "landing-zone", "new-account");
    let invite = invite.from("203.0.113.10", BROWSER);
    ledger.write(
        at + 90,
        &invite,
        call("organizations:CreateAccount", json!({"accountName": "new"})),
    );
    ledger.write(at + 300, &invite, call("organizations:MoveAccount", Value::Null));
}

/// A release whose role lacks a permission: every call is refused until somebody rolls it back.
fn broken_deployment(ledger: &mut Ledger, at: i64) {
    let task = format!("{:032x}", ledger.dice.u128(..));
    let actor = Actor::session(&mut ledger.dice, SHOP, "orders-task", &task);
    let actor = actor.from("10.1.4.33", "aws-sdk-java/2.33.4 md/io#async Linux/6.1 Java_21");
    for number in 0..1_500 {
        let now = at + number * 2;
        let put = json!({"bucketName": "shop-exports", "key": format!("{number}.csv")});
        ledger.write(now, &actor, call("s3:PutObject", put).failed("AccessDenied"));
        ledger.write(now, &actor, call("kms:Decrypt", Value::Null).failed("AccessDenied"));
    }
    let deploy = Actor::session(&mut ledger.dice, SHOP, "github-deploy", "GitHubActions");
    let deploy = deploy.from("198.51.100.77", super::machines::TERRAFORM);
    for api in [
        "iam:TagRole",
        "kms:TagResource",
        "ec2:CreateVpcEndpoint",
        "sqs:SetQueueAttributes",
        "iam:CreateRole",
    ] {
        ledger.write(at - 600, &deploy, call(api, Value::Null).failed("AccessDenied"));
    }
}

/// Sixty instances in half an hour, and gone two hours later.
fn load_test(ledger: &mut Ledger, at: i64) {
    let role = "eks-karpenter";
    let actor = Actor::session(&mut ledger.dice, STAGING, role, "karpenter");
    let actor =
        actor.from("10.2.7.7", "aws-sdk-go-v2/1.38.1 os/linux lang/go#1.25.0 karpenter/1.7");
    for number in 0..60 {
        let now = at + number * 30;
        let instance = format!("i-0{:016x}", ledger.dice.u64(..));
        let fleet = json!({"CreateFleetRequest": {"Type": "instant", "TargetCapacitySpecification":
            {"TotalTargetCapacity": 1, "DefaultTargetCapacityType": "spot"}}});
        ledger.write(now, &actor, call("ec2:CreateFleet", fleet));
        let run = json!({"instanceType": "m7i.large", "minCount": 1, "maxCount": 1});
        let item = json!({"instancesSet": {"items": [{"instanceId": instance}]}});
        let service = actor.clone().by("ec2.amazonaws.com");
        ledger.write(now + 1, &service, call("ec2:RunInstances", run).gave(item.clone()));
        ledger.write(now + 2 * HOUR, &actor, call("ec2:TerminateInstances", item));
    }
}

/// Developers run a program at their desk: it reads the secrets and parameters that it needs.
fn local_work(ledger: &mut Ledger, at: i64) {
    for number in [5, 12, 17] {
        let actor = developer(ledger, DEVELOPMENT, number);
        let now = at + ledger.dice.i64(0..4 * HOUR);
        for secret in 0..8 {
            let get = json!({"secretId": format!("development/service-{secret}")});
            ledger.write(now + secret, &actor, call("secretsmanager:GetSecretValue", get));
        }
        let path = json!({"path": "/development/app", "withDecryption": true, "recursive": true});
        ledger.write(now + 10, &actor, call("ssm:GetParametersByPath", path));
    }
    let old = Actor::user(STAGING, "build-station").from("203.0.113.56", CLI);
    ledger.write(at, &old, call("sts:GetSessionToken", json!({"durationSeconds": 43_200})));
}

/// An analyst fetches a month's report; whoever works on the site empties a bucket of builds.
fn sync(ledger: &mut Ledger, at: i64, day: i64) {
    let role = "aws-reserved/sso.amazonaws.com/eu-central-1/AWSReservedSSO_DataAnalyst_abcdef";
    let actor = Actor::session(&mut ledger.dice, SHOP, role, "person33@example.com");
    let actor = actor.from("203.0.113.10", CLI);
    for number in 0..150 {
        let get = json!({"bucketName": "shop-reports", "key": format!("{day}/{number}.csv")});
        let get = call("s3:GetObject", get);
        let bytes = json!({"bytesTransferredOut": 300_000});
        ledger.write(at + number, &actor, get.with("additionalEventData", bytes));
    }
    if day % 7 == 2 {
        let actor = developer(ledger, DEVELOPMENT, 14);
        for number in 0..80 {
            let key = json!({"bucketName": "old-builds", "key": format!("{number}.zip")});
            ledger.write(at + DAY / 48 + number, &actor, call("s3:DeleteObject", key));
        }
        let bucket = json!({"bucketName": "old-builds"});
        ledger.write(at + DAY / 24, &actor, call("s3:DeleteBucket", bucket));
    }
    if day % 7 == 3 {
        let actor = developer(ledger, DEVELOPMENT, 20).from("203.0.113.10", BROWSER).on_console();
        let wizard = json!({"groupId": "sg-0wizard", "ipPermissions": {"items": [{"ipProtocol":
            "tcp", "fromPort": 22, "toPort": 22, "groups": {}, "ipRanges": {"items":
            [{"cidrIp": "203.0.113.10/32"}]}, "ipv6Ranges": {}, "prefixListIds": {}}]}});
        ledger.write(
            at,
            &actor,
            call(
                "ec2:CreateSecurityGroup",
                json!({"groupName":
            "launch-wizard-4"}),
            ),
        );
        ledger.write(at + 1, &actor, call("ec2:AuthorizeSecurityGroupIngress", wizard));
        ledger.write(
            at + 2,
            &actor,
            call("ec2:DescribeInstances", Value::Null).in_region("us-east-1"),
        );
        let key = json!({"keyId": "arn:aws:kms:eu-central-1:100000000022:key/1",
            "pendingWindowInDays": 30});
        ledger.write(at + 400, &actor, call("kms:ScheduleKeyDeletion", key));
    }
}
