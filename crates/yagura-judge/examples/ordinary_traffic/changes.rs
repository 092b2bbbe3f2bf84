//! What changes in an ordinary organization: deployments, and what administrators and developers
//! do by hand. Nobody attacks anybody here.

use serde_json::{Value, json};

use super::ledger::{Actor, Ledger, call, pick};
use super::machines::TERRAFORM;
use super::people::{MANAGEMENT, WORKLOADS};

/// A plan, and in one of three runs an apply.
pub(crate) fn terraform(ledger: &mut Ledger, at: i64, actor: &Actor) {
    let mut now = at;
    for _ in 0..12 {
        let module: &[&str] = pick(&mut ledger.dice, &PLANNED);
        now = ledger.burst(now, actor, module);
    }
    if !ledger.chance(330) {
        return;
    }
    let account = actor.account.clone();
    let number = ledger.dice.u32(..40);
    for _ in 0..ledger.dice.usize(1..5) {
        now += 3;
        let role = format!("service-{number}");
        let change = match ledger.dice.u8(..14) {
            0 => call(
                "ec2:AuthorizeSecurityGroupIngress",
                json!({"groupId": "sg-0aa",
                "ipPermissions": {"items": [{"ipProtocol": "tcp", "fromPort": 5432,
                "toPort": 5432, "groups": {"items": [{"groupId": "sg-0bb"}]}, "ipRanges": {},
                "ipv6Ranges": {}, "prefixListIds": {}}]}}),
            ),
            1 => call(
                "ec2:AuthorizeSecurityGroupIngress",
                json!({"groupId": "sg-0cc",
                "ipPermissions": {"items": [{"ipProtocol": "tcp", "fromPort": 443,
                "toPort": 443, "groups": {}, "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}]},
                "ipv6Ranges": {}, "prefixListIds": {}}]}}),
            ),
            2 => call(
                "iam:CreateRole",
                json!({"roleName": role, "assumeRolePolicyDocument":
                service_trust("ecs-tasks.amazonaws.com")}),
            ),
            3 => call(
                "iam:PutRolePolicy",
                json!({"roleName": role, "policyName": "own",
                "policyDocument": json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
                "Action": ["s3:GetObject"], "Resource": format!("arn:aws:s3:::{account}-uploads/\
                    *")}]})
                .to_string()}),
            ),
            4 => call(
                "iam:AttachRolePolicy",
                json!({"roleName": role, "policyArn":
                "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"}),
            ),
            5 => call(
                "iam:CreatePolicyVersion",
                json!({"policyArn":
                format!("arn:aws:iam::{account}:policy/{role}"), "setAsDefault": true,
                "policyDocument": json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
                "Action": ["sqs:SendMessage"], "Resource": "*"}]}).to_string()}),
            ),
            6 => call(
                "s3:PutBucketPolicy",
                json!({"bucketName": format!("{account}-uploads"),
                "bucketPolicy": {"Version": "2012-10-17", "Statement": [{"Effect": "Deny",
                "Principal": "*", "Action": "s3:*", "Resource": "*",
                "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]}}),
            ),
            7 => call(
                "s3:PutBucketLifecycle",
                json!({"bucketName": format!("{account}-uploads"),
                "LifecycleConfiguration": {"Rule": {"Status": "Enabled",
                "Expiration": {"Days": 365}}}}),
            ),
            8 => call("logs:PutRetentionPolicy", json!({"retentionInDays": 90})),
            9 => call("monitoring:PutMetricAlarm", json!({"alarmName": role})),
            10 => call("route53:ChangeResourceRecordSets", json!({"hostedZoneId": "Z1"})),
            11 => call(
                "rds:ModifyDBInstance",
                json!({"dBInstanceIdentifier": role,
                "allocatedStorage": 200, "applyImmediately": false}),
            ),
            12 => call("kms:CreateKey", json!({"description": role})),
            _ => call("ec2:CreateTags", json!({"resourcesSet": {}})),
        };
        ledger.write(now, actor, change);
    }
}

const PLANNED: [&[&str]; 7] = [
    &["sts:GetCallerIdentity", "s3:GetObject", "dynamodb:DescribeTable"],
    &[
        "ec2:DescribeVpcs",
        "ec2:DescribeVpcAttribute",
        "ec2:DescribeSubnets",
        "ec2:DescribeRouteTables",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSecurityGroupRules",
    ],
    &["iam:GetRole", "iam:ListRolePolicies", "iam:ListAttachedRolePolicies", "iam:GetRolePolicy"],
    &[
        "s3:GetBucketAcl",
        "s3:GetBucketPolicy",
        "s3:GetBucketVersioning",
        "s3:GetBucketLogging",
        "s3:GetBucketEncryption",
        "s3:GetBucketPublicAccessBlock",
        "s3:GetBucketLifecycle",
    ],
    &["kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListAliases"],
    &["rds:DescribeDBInstances", "rds:ListTagsForResource", "rds:DescribeDBParameters"],
    &[
        "lambda:GetFunction20150331v2",
        "lambda:GetPolicy20150331v2",
        "lambda:ListVersionsByFunction20150331",
        "lambda:GetFunctionCodeSigningConfig",
    ],
];

fn service_trust(service: &str) -> String {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]})
    .to_string()
}

/// A stack: the pipeline asks, CloudFormation does it under a role.
pub(crate) fn stack(ledger: &mut Ledger, at: i64, actor: &Actor) {
    let account = actor.account.clone();
    let role = json!({"roleArn": format!("arn:aws:iam::{account}:role/cdk-hnb659fds-deploy-role")});
    ledger.write(at, actor, call("sts:AssumeRole", role));
    let deploy = Actor::session(&mut ledger.dice, &account, "cdk-hnb659fds-deploy-role", "aws-cdk");
    let deploy = deploy.from(&actor.address, &actor.agent);
    let asked = [
        "ssm:GetParameter",
        "cloudformation:DescribeStacks",
        "cloudformation:CreateChangeSet",
        "cloudformation:DescribeChangeSet",
        "cloudformation:ExecuteChangeSet",
        "cloudformation:DescribeStackEvents",
    ];
    let mut now = ledger.burst(at + 3, &deploy, &asked);
    let role = "cdk-hnb659fds-cfn-exec-role";
    let worker = Actor::session(&mut ledger.dice, &account, role, "AWSCloudFormation");
    let worker = worker.by("cloudformation.amazonaws.com");
    for _ in 0..ledger.dice.usize(2..7) {
        now += 5;
        let name = format!("stack-{}", ledger.dice.u32(..30));
        let change = match ledger.dice.u8(..9) {
            0 => call(
                "iam:CreateRole",
                json!({"roleName": name,
                "assumeRolePolicyDocument": service_trust("lambda.amazonaws.com")}),
            ),
            1 => call(
                "iam:AttachRolePolicy",
                json!({"roleName": name, "policyArn":
                "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"}),
            ),
            2 => call(
                "iam:PutRolePolicy",
                json!({"roleName": name, "policyDocument": json!({
                "Version": "2012-10-17", "Statement": [{"Effect": "Allow",
                "Action": ["dynamodb:PutItem"], "Resource": "*"}]}).to_string()}),
            ),
            3 => call(
                "lambda:UpdateFunctionCode20150331v2",
                json!({"functionName": name,
                "s3Bucket": "cdk-hnb659fds-assets", "s3Key": "a.zip"}),
            ),
            4 => call(
                "lambda:AddPermission20150331v2",
                json!({"functionName": name,
                "action": "lambda:InvokeFunction", "principal": "apigateway.amazonaws.com",
                "sourceArn": format!("arn:aws:execute-api:eu-central-1:{account}:a/*")}),
            ),
            5 => call(
                "lambda:UpdateFunctionConfiguration20150331v2",
                json!({
                "functionName": name, "environment": {}}),
            ),
            6 => {
                call("events:PutRule", json!({"name": name, "scheduleExpression": "rate(1 hour)"}))
            }
            7 => call("iam:DeleteRolePolicy", json!({"roleName": name, "policyName": "old"})),
            _ => {
                call("logs:CreateLogGroup", json!({"logGroupName": format!("/aws/lambda/{name}")}))
            }
        };
        ledger.write(now, &worker, change);
    }
}

/// A release of a service that runs in containers.
pub(crate) fn release(ledger: &mut Ledger, at: i64, actor: &Actor) {
    ledger.burst(
        at,
        actor,
        &[
            "ecr:GetAuthorizationToken",
            "ecr:BatchCheckLayerAvailability",
            "ecr:InitiateLayerUpload",
            "ecr:UploadLayerPart",
            "ecr:CompleteLayerUpload",
            "ecr:PutImage",
            "ecs:DescribeTaskDefinition",
        ],
    );
    let account = actor.account.clone();
    let family = format!("orders-{}", ledger.dice.u8(..5));
    let image = format!("{account}.dkr.ecr.eu-central-1.amazonaws.com/{family}:{}", at % 9_999);
    let definition = json!({"family": family, "taskRoleArn":
        format!("arn:aws:iam::{account}:role/orders-task"), "executionRoleArn":
        format!("arn:aws:iam::{account}:role/ecsTaskExecutionRole"),
        "containerDefinitions": [{"name": "app", "image": image, "essential": true}]});
    ledger.write(at + 60, actor, call("ecs:RegisterTaskDefinition", definition));
    let update = json!({"cluster": "main", "service": family, "taskDefinition": family});
    ledger.write(at + 62, actor, call("ecs:UpdateService", update));
    ledger.burst(at + 80, actor, &["ecs:DescribeServices", "ecs:DescribeServices"]);
    if ledger.chance(300) {
        let paths = json!({"distributionId": "E1EXAMPLE"});
        ledger.write(at + 200, actor, call("cloudfront:CreateInvalidation", paths));
        for number in 0..30 {
            let put = json!({"bucketName": format!("{account}-site"),
                "key": format!("assets/{number}.js")});
            ledger.write(at + 150 + number, actor, call("s3:PutObject", put));
        }
    }
}

/// A release of a function.
pub(crate) fn function(ledger: &mut Ledger, at: i64, actor: &Actor) {
    let name = json!({"functionName": format!("worker-{}", ledger.dice.u8(..12))});
    ledger.write(at, actor, call("lambda:GetFunction20150331v2", name.clone()));
    ledger.write(at + 4, actor, call("lambda:UpdateFunctionCode20150331v2", name.clone()));
    ledger.write(at + 12, actor, call("lambda:PublishVersion20150331", name.clone()));
    ledger.write(at + 14, actor, call("lambda:UpdateAlias20150331", name));
}

/// What the platform team changes on the console, outside the code.
pub(crate) fn by_hand(ledger: &mut Ledger, at: i64, actor: &Actor) {
    let instance = json!({"instancesSet": {"items": [{"instanceId": "i-0aaaabbbbccccdddd"}]}});
    let account = actor.account.clone();
    let number = ledger.dice.u32(..20);
    let change = match ledger.dice.u8(..20) {
        0 => call(
            "ec2:AuthorizeSecurityGroupIngress",
            json!({"groupId": "sg-0dd",
            "ipPermissions": {"items": [{"ipProtocol": "tcp", "fromPort": 22, "toPort": 22,
            "groups": {}, "ipRanges": {"items": [{"cidrIp": "203.0.113.10/32",
            "description": "office"}]}, "ipv6Ranges": {}, "prefixListIds": {}}]}}),
        ),
        1 | 2 => call("ec2:RebootInstances", instance),
        3 => call("ec2:StopInstances", instance),
        4 | 5 => call("ec2:StartInstances", instance),
        6 => call("ec2:CreateSnapshot", json!({"volumeId": "vol-0a", "description": "before"})),
        7 => call("rds:CreateDBSnapshot", json!({"dBSnapshotIdentifier": "before-upgrade"})),
        8 => call("rds:RebootDBInstance", json!({"dBInstanceIdentifier": "orders"})),
        9 | 10 => call("ecs:UpdateService", json!({"service": "orders", "desiredCount": 6})),
        11 => call("ssm:PutParameter", json!({"name": "/app/flag", "type": "String"})),
        12 => call("secretsmanager:PutSecretValue", json!({"secretId": "vendor/api"})),
        13 => call(
            "iam:CreatePolicyVersion",
            json!({"setAsDefault": true, "policyArn":
            format!("arn:aws:iam::{account}:policy/hand-{number}"), "policyDocument":
            json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Action": ["ses:SendEmail"], "Resource": "*"}]}).to_string()}),
        ),
        14 => call(
            "iam:AttachRolePolicy",
            json!({"roleName": format!("service-{number}"),
            "policyArn": "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"}),
        ),
        15 => call(
            "ec2:ModifyInstanceAttribute",
            json!({"instanceId": "i-0aaaabbbbccccdddd",
            "instanceType": {"value": "m7i.xlarge"}}),
        ),
        16 => call("ec2:RevokeSecurityGroupIngress", json!({"groupId": "sg-0dd"})),
        17 => call("autoscaling:UpdateAutoScalingGroup", json!({"desiredCapacity": 4})),
        18 => call("elasticache:ModifyReplicationGroup", json!({})),
        _ => call("monitoring:DisableAlarmActions", json!({"alarmNames": ["noisy"]})),
    };
    ledger.write(at + 30, actor, change);
    if ledger.chance(25) {
        old_users(ledger, at + 90, actor);
    }
}

/// Users that nobody has got rid of: a vendor's key is renewed, somebody has a new telephone.
fn old_users(ledger: &mut Ledger, at: i64, actor: &Actor) {
    let user = json!({"userName": "vendor-support"});
    if ledger.chance(500) {
        let made = json!({"accessKey": {"userName": "vendor-support", "status": "Active",
            "accessKeyId": "AKIAEXAMPLEVENDOR002"}});
        ledger.write(at, actor, call("iam:CreateAccessKey", user.clone()).gave(made));
        ledger.write(at + 900, actor, call("iam:DeleteAccessKey", user));
    } else {
        let device = json!({"userName": "vendor-support", "serialNumber":
            format!("arn:aws:iam::{}:mfa/vendor-support", actor.account)});
        ledger.write(at, actor, call("iam:DeactivateMFADevice", device.clone()));
        ledger.write(
            at + 60,
            actor,
            call("iam:CreateVirtualMFADevice", json!({"virtualMFADeviceName": "vendor-support"})),
        );
        ledger.write(at + 90, actor, call("iam:EnableMFADevice", device));
    }
}

/// On call: a shell on an instance through Systems Manager, a patch run, a look into a secret.
pub(crate) fn on_call(ledger: &mut Ledger, at: i64, actor: &Actor) {
    if ledger.chance(250) {
        let target = json!({"target": format!("i-0{}{:04}", actor.account, ledger.dice.u8(..4))});
        ledger.write(at, actor, call("ssm:StartSession", target));
        ledger.write(at + 600, actor, call("ssm:TerminateSession", Value::Null));
    }
    if ledger.chance(60) {
        let send = json!({"documentName": "AWS-RunPatchBaseline",
            "targets": [{"key": "tag:Patch", "values": ["weekly"]}]});
        ledger.write(at + 30, actor, call("ssm:SendCommand", send));
        ledger.burst(at + 40, actor, &["ssm:ListCommandInvocations", "ssm:GetCommandInvocation"]);
    }
    if ledger.chance(60) {
        let secret = json!({"secretId": format!("{}/database", actor.account)});
        ledger.write(at + 50, actor, call("secretsmanager:GetSecretValue", secret));
    }
    if ledger.chance(40) {
        let mut tool = actor.clone();
        TERRAFORM.clone_into(&mut tool.agent);
        terraform(ledger, at + 120, &tool);
    }
}

/// What developers try where they may.
pub(crate) fn experiment(ledger: &mut Ledger, at: i64, actor: &Actor) {
    let instance = format!("i-0{:016x}", ledger.dice.u64(..));
    let item = json!({"instancesSet": {"items": [{"instanceId": instance}]}});
    match ledger.dice.u8(..11) {
        0 => {
            let run = call(
                "ec2:RunInstances",
                json!({"instanceType": "t3.medium", "minCount": 1,
                "maxCount": 1, "instancesSet": {"items": [{"imageId": "ami-0abc", "minCount": 1,
                "maxCount": 1, "keyName": "dev"}]}}),
            )
            .gave(item.clone());
            ledger.write(at, actor, run);
            ledger.write(at + 7_200, actor, call("ec2:TerminateInstances", item));
        }
        1 => {
            let bucket = json!({"bucketName": format!("try-{}", ledger.dice.u32(..900))});
            ledger.write(at, actor, call("s3:CreateBucket", bucket.clone()));
            ledger.write(at + 9_000, actor, call("s3:DeleteBucket", bucket));
        }
        2 => {
            let code = json!({"functionName": "try", "zipFile": ""});
            ledger.write(at, actor, call("lambda:UpdateFunctionCode20150331v2", code.clone()));
            ledger.write(at + 60, actor, call("lambda:Invoke", code));
        }
        3 => {
            let role = json!({"roleName": "try-role"});
            ledger.write(at, actor, call("iam:CreateRole", role).failed("AccessDenied"));
        }
        4 => {
            let model = json!({"modelId": "anthropic.claude-3-5-haiku-20241022-v1:0"});
            ledger.write(at, actor, call("bedrock:InvokeModel", model));
        }
        5 => {
            let group = json!({"logGroupName": format!("/try/{}", ledger.dice.u32(..90))});
            ledger.write(at, actor, call("logs:DeleteLogGroup", group));
        }
        6 => {
            ledger.burst(
                at,
                actor,
                &[
                    "cloudshell:CreateEnvironment",
                    "cloudshell:CreateSession",
                    "cloudshell:PutCredentials",
                ],
            );
        }
        7 => {
            let stack = json!({"stackName": format!("try-{}", ledger.dice.u32(..90))});
            ledger.write(at, actor, call("cloudformation:CreateStack", stack.clone()));
            ledger.write(at + 3_600, actor, call("cloudformation:DeleteStack", stack));
        }
        8 => {
            let secret = json!({"name": "try", "description": "mine"});
            ledger.write(at, actor, call("secretsmanager:CreateSecret", secret));
        }
        9 => {
            let restore = json!({"dBInstanceIdentifier": "try", "publiclyAccessible": false,
                "dBSnapshotIdentifier": "nightly"});
            ledger.write(at, actor, call("rds:RestoreDBInstanceFromDBSnapshot", restore));
        }
        _ => {
            let table = json!({"tableName": "try"});
            ledger.write(at, actor, call("dynamodb:CreateTable", table.clone()));
            ledger.write(at + 3_600, actor, call("dynamodb:DeleteTable", table));
        }
    }
}

/// Somebody joins: a user of the identity center, groups, an assignment, which becomes a role.
pub(crate) fn assign(ledger: &mut Ledger, at: i64, actor: &Actor) {
    ledger.burst(
        at,
        actor,
        &[
            "sso-directory:CreateUser",
            "sso-directory:AddMemberToGroup",
            "sso:DescribePermissionsPolicies",
        ],
    );
    let account = pick(&mut ledger.dice, &WORKLOADS);
    let assignment = json!({"targetId": account, "targetType": "AWS_ACCOUNT",
        "principalType": "GROUP", "permissionSetArn": "arn:aws:sso:::permissionSet/ssoins-1/ps-1"});
    ledger.write(at + 60, actor, call("sso:CreateAccountAssignment", assignment));
    let role = "aws-service-role/sso.amazonaws.com/AWSServiceRoleForSSO";
    let service =
        Actor::session(&mut ledger.dice, account, role, "AWS-SSO").by("sso.amazonaws.com");
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal":
        {"Federated": format!("arn:aws:iam::{account}:saml-provider/AWSSSO_1_DO_NOT_DELETE")},
        "Action": ["sts:AssumeRoleWithSAML", "sts:TagSession"]}]});
    let name = "AWSReservedSSO_Developer_0123456789abcdef";
    let created = json!({"roleName": name, "path": "/aws-reserved/sso.amazonaws.com/",
        "assumeRolePolicyDocument": trust.to_string()});
    ledger.write(at + 62, &service, call("iam:CreateRole", created));
    let attached = json!({"roleName": name,
        "policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"});
    ledger.write(at + 63, &service, call("iam:AttachRolePolicy", attached));
    debug_assert_eq!(actor.account, MANAGEMENT);
}
