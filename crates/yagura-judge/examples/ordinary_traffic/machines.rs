//! Machines: instances, containers, functions, clusters, backups, services of AWS, pipelines and
//! tools that look at everything. What pipelines change is in `changes.rs`.
//! Long because it is a list of machines, each a few lines.

use serde_json::{Value, json};

use super::changes;
use super::ledger::{Actor, DAY, HOUR, Ledger, call, pick};
use super::people::{DEVELOPMENT, LOGS, MANAGEMENT, PAYMENTS, SECURITY, SHOP, STAGING, WORKLOADS};

const SDK: &str = "aws-sdk-java/2.33.4 md/io#async Linux/6.1 Java_21 vendor/Amazon";
const BOTO: &str = "Boto3/1.40.30 md/Botocore#1.40.30 ua/2.1 os/linux#6.1 lang/python#3.12.9";
const GO: &str = "aws-sdk-go-v2/1.38.1 ua/2.1 os/linux lang/go#1.25.0 md/GOARCH#amd64";
const AGENT: &str = "aws-sdk-go/1.55.5 (go1.24.4; linux; amd64) amazon-ssm-agent/3.3.2299.0";
pub(crate) const TERRAFORM: &str = "APN/1.0 HashiCorp/1.0 Terraform/1.13.1 \
    (+https://www.terraform.io) terraform-provider-aws/6.13.0 aws-sdk-go-v2/1.38.1";

/// Everything that machines do in a day.
pub(crate) fn day(ledger: &mut Ledger, start: i64, day: i64) {
    for account in WORKLOADS {
        let busy = if account == SHOP || account == PAYMENTS { 3 } else { 1 };
        instances(ledger, start, account, 4 * busy);
        functions(ledger, start, account, 60 * busy);
        containers(ledger, start, account, 24 * busy);
        cluster(ledger, start, account, busy);
        scaling(ledger, start, account, busy, day);
        backups(ledger, start, account);
        services(ledger, start, account);
        monitoring(ledger, start, account);
        scanner(ledger, start, account);
    }
    data(ledger, start, day);
    logs(ledger, start);
    pipelines(ledger, start, day);
    rotation(ledger, start, day);
}

/// Application servers behind a load balancer: parameters, secrets, keys, files of users.
fn instances(ledger: &mut Ledger, start: i64, account: &str, count: usize) {
    for number in 0..count {
        let instance = format!("i-0{account}{number:04}");
        let mut now = start + ledger.dice.i64(0..HOUR);
        let address = format!("10.{}.1.{}", number % 3, number + 10);
        while now < start + DAY {
            let actor = Actor::session(&mut ledger.dice, account, "app-server", &instance);
            let agent = actor.clone().from(&address, AGENT);
            let update = json!({"instanceId": instance, "agentVersion": "3.3.2299.0"});
            ledger.write(now, &agent, call("ssm:UpdateInstanceInformation", update));
            let server = actor.from(&address, SDK);
            let name = format!("/{account}/app/config");
            let get = json!({"names": [name], "withDecryption": true});
            ledger.write(now + 60, &server, call("ssm:GetParameters", get));
            let secret = json!({"secretId": format!("{account}/database")});
            ledger.write(now + 61, &server, call("secretsmanager:GetSecretValue", secret));
            ledger.write(now + 61, &server, call("kms:Decrypt", Value::Null));
            for _ in 0..ledger.dice.usize(2..9) {
                let at = now + ledger.dice.i64(0..HOUR);
                let key = format!("uploads/{:06}.jpg", ledger.dice.u32(..90_000));
                let bucket = format!("{account}-uploads");
                let put = ledger.chance(250);
                let api = if put { "s3:PutObject" } else { "s3:GetObject" };
                let mut written = call(api, json!({"bucketName": bucket, "key": key}));
                if !put && ledger.chance(30) {
                    written = written.failed("NoSuchKey");
                }
                ledger.write(at, &server, written);
            }
            now += ledger.dice.i64(HOUR / 2..HOUR * 2);
        }
    }
}

fn functions(ledger: &mut Ledger, start: i64, account: &str, count: usize) {
    for number in 0..count {
        let name = format!("worker-{}", number % 12);
        let at = start + ledger.dice.i64(0..DAY);
        let service = Actor::service(account, "lambda.amazonaws.com");
        let role = format!("arn:aws:iam::{account}:role/{name}");
        let assume = json!({"roleArn": role, "roleSessionName": name});
        ledger.write(at, &service, call("sts:AssumeRole", assume));
        let session = Actor::session(&mut ledger.dice, account, &name, &name);
        let address = format!("192.0.2.{}", number % 200 + 1);
        let actor = session.from(&address, "Boto3/1.40.4 exec-env/AWS_Lambda_python3.13");
        let stream = json!({"logGroupName": format!("/aws/lambda/{name}")});
        ledger.write(at + 1, &actor, call("logs:CreateLogStream", stream));
        match number % 4 {
            0 => ledger.write(at + 2, &actor, call("kms:Decrypt", Value::Null)),
            1 => {
                let key = format!("inbox/{number}.json");
                let bucket = format!("{account}-events");
                let get = json!({"bucketName": bucket, "key": key});
                ledger.write(at + 2, &actor, call("s3:GetObject", get.clone()));
                ledger.write(at + 3, &actor, call("s3:DeleteObject", get));
            }
            2 => {
                let secret = json!({"secretId": format!("{account}/{name}")});
                ledger.write(at + 2, &actor, call("secretsmanager:GetSecretValue", secret));
            }
            _ => ledger.write(at + 2, &actor, call("sqs:GetQueueAttributes", Value::Null)),
        }
    }
}

fn containers(ledger: &mut Ledger, start: i64, account: &str, count: usize) {
    for number in 0..count {
        let at = start + ledger.dice.i64(0..DAY);
        let task = format!("{:032x}", ledger.dice.u128(..));
        let tasks = Actor::service(account, "ecs-tasks.amazonaws.com");
        ledger.write(at, &tasks, call("sts:AssumeRole", Value::Null));
        let role = "ecsTaskExecutionRole";
        let execution = Actor::session(&mut ledger.dice, account, role, &task);
        let execution = execution.from("10.1.4.20", "Amazon ECS Agent - v1.99.0");
        let pull = [
            "ecr:GetAuthorizationToken",
            "ecr:BatchGetImage",
            "ecr:GetDownloadUrlForLayer",
            "secretsmanager:GetSecretValue",
            "logs:CreateLogStream",
        ];
        ledger.burst(at + 1, &execution, &pull);
        let ecs = "aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS";
        let ecs = Actor::session(&mut ledger.dice, account, ecs, "ecs-service-scheduler");
        let ecs = ecs.by("ecs.amazonaws.com");
        let wiring = [
            "ec2:CreateNetworkInterface",
            "ec2:AttachNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "elasticloadbalancing:RegisterTargets",
        ];
        ledger.burst(at + 2, &ecs, &wiring);
        let end = at + ledger.dice.i64(HOUR..6 * HOUR);
        ledger.burst(
            end,
            &ecs,
            &[
                "elasticloadbalancing:DeregisterTargets",
                "ec2:DetachNetworkInterface",
                "ec2:DeleteNetworkInterface",
            ],
        );
        if number % 3 == 0 {
            let role = "orders-task";
            let own = Actor::session(&mut ledger.dice, account, role, &task);
            let own = own.from("10.1.4.21", SDK);
            ledger.burst(at + 40, &own, &["dynamodb:DescribeTable", "kms:GenerateDataKey"]);
        }
    }
}

/// A Kubernetes cluster: controllers with roles of their own, and nodes that come and go.
fn cluster(ledger: &mut Ledger, start: i64, account: &str, busy: usize) {
    const CONTROLLERS: [(&str, &str, &[&str]); 6] = [
        (
            "kube-system",
            "aws-load-balancer-controller",
            &[
                "ec2:DescribeSubnets",
                "elasticloadbalancing:DescribeLoadBalancers",
                "elasticloadbalancing:DescribeTargetHealth",
                "elasticloadbalancing:DescribeTags",
                "ec2:DescribeSecurityGroups",
            ],
        ),
        (
            "kube-system",
            "cluster-autoscaler",
            &[
                "autoscaling:DescribeAutoScalingGroups",
                "autoscaling:DescribeLaunchConfigurations",
                "ec2:DescribeInstanceTypes",
            ],
        ),
        (
            "kube-system",
            "ebs-csi-controller-sa",
            &[
                "ec2:DescribeVolumes",
                "ec2:CreateVolume",
                "ec2:AttachVolume",
                "ec2:DescribeInstances",
            ],
        ),
        (
            "external-dns",
            "external-dns",
            &[
                "route53:ListHostedZones",
                "route53:ListResourceRecordSets",
                "route53:ChangeResourceRecordSets",
            ],
        ),
        (
            "external-secrets",
            "external-secrets",
            &[
                "secretsmanager:GetSecretValue",
                "secretsmanager:GetSecretValue",
                "secretsmanager:DescribeSecret",
            ],
        ),
        (
            "kube-system",
            "aws-node",
            &["ec2:DescribeNetworkInterfaces", "ec2:AssignPrivateIpAddresses", "ec2:CreateTags"],
        ),
    ];
    for hour in 0..24 {
        for (namespace, name, calls) in CONTROLLERS {
            let at = start + hour * HOUR + ledger.dice.i64(0..HOUR);
            let web = Actor {
                identity: json!({
                    "type": "WebIdentityUser",
                    "principalId": format!("arn:aws:iam::{account}:oidc-provider/oidc.eks:\
                        {namespace}:{name}"),
                    "userName": format!("system:serviceaccount:{namespace}:{name}"),
                    "identityProvider": format!("arn:aws:iam::{account}:oidc-provider/\
                        oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLE"),
                }),
                account: account.to_owned(),
                address: "10.2.3.4".to_owned(),
                agent: GO.to_owned(),
                console: false,
            };
            let role = format!("eks-{name}");
            let assume = json!({"roleArn": format!("arn:aws:iam::{account}:role/{role}")});
            ledger.write(at, &web, call("sts:AssumeRoleWithWebIdentity", assume));
            let session = format!("{}", ledger.dice.u64(..));
            let session = Actor::session(&mut ledger.dice, account, &role, &session);
            let actor = session.from("10.2.3.4", GO);
            for round in 0..busy {
                ledger.burst(at + 1 + i64::try_from(round).unwrap_or(0) * 300, &actor, calls);
            }
        }
        let node = format!("i-0{account}{:04}", 5_000 + ledger.dice.u32(..6));
        let session = Actor::session(&mut ledger.dice, account, "eks-node", &node);
        let actor = session.from("10.2.3.9", "kubelet/v1.33 aws-sdk-go/1.55");
        let at = start + hour * HOUR + ledger.dice.i64(0..HOUR);
        ledger.burst(
            at,
            &actor,
            &[
                "ec2:DescribeInstances",
                "ecr:GetAuthorizationToken",
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "eks:DescribeCluster",
            ],
        );
    }
}

/// Groups that grow in the morning and shrink in the evening, and once a week a busy day.
fn scaling(ledger: &mut Ledger, start: i64, account: &str, busy: usize, day: i64) {
    let rush = if day % 7 == 4 { 2 } else { 1 };
    let role = "aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling";
    let actor = Actor::session(&mut ledger.dice, account, role, "AutoScaling");
    let actor = actor.by("autoscaling.amazonaws.com");
    for _ in 0..busy * 2 * rush {
        let up = start + 7 * HOUR + ledger.dice.i64(0..3 * HOUR);
        let instance = format!("i-0{:016x}", ledger.dice.u64(..));
        let run = call(
            "ec2:RunInstances",
            json!({"instanceType": "m7i.large", "minCount": 1,
            "maxCount": 1, "instancesSet": {"items": [{"imageId": "ami-0abc", "minCount": 1,
            "maxCount": 1}]}}),
        )
        .gave(json!({"instancesSet": {"items": [{"instanceId": instance,
            "instanceType": "m7i.large"}]}}));
        ledger.write(up, &actor, run);
        let item = json!({"instancesSet": {"items": [{"instanceId": instance}]}});
        let down = start + 19 * HOUR + ledger.dice.i64(0..3 * HOUR);
        ledger.write(down, &actor, call("ec2:TerminateInstances", item));
        ledger.burst(
            up + 5,
            &actor,
            &["ec2:DescribeInstanceStatus", "elasticloadbalancing:RegisterTargets"],
        );
        let boot = Actor::service(account, "ec2.amazonaws.com");
        ledger.write(up + 20, &boot, call("sts:AssumeRole", Value::Null));
    }
}

/// Nightly snapshots, copies to the second region, and the end of old ones.
fn backups(ledger: &mut Ledger, start: i64, account: &str) {
    let role = "service-role/AWSBackupDefaultServiceRole";
    let actor = Actor::session(&mut ledger.dice, account, role, "AWSBackup");
    let actor = actor.by("backup.amazonaws.com");
    let mut now = start + HOUR;
    for volume in 0..12 {
        now += 20;
        let snapshot = json!({"volumeId": format!("vol-0{account}{volume:04}")});
        ledger.write(now, &actor, call("ec2:CreateSnapshot", snapshot));
        ledger.write(now + 3, &actor, call("ec2:CreateTags", Value::Null));
        let old = json!({"snapshotId": format!("snap-0{:016x}", ledger.dice.u64(..))});
        ledger.write(now + 900, &actor, call("ec2:DeleteSnapshot", old));
    }
    let copy = json!({"sourceDBSnapshotIdentifier": "awsbackup:job", "copyTags": true});
    ledger.write(now + 60, &actor, call("rds:CreateDBSnapshot", json!({})));
    ledger.write(now + 1_800, &actor, call("rds:CopyDBSnapshot", copy).in_region("eu-west-1"));
    ledger.write(now + 2_000, &actor, call("rds:DeleteDBSnapshot", json!({})));
}

/// Services of AWS that look at accounts from the inside.
fn services(ledger: &mut Ledger, start: i64, account: &str) {
    const LOOKERS: [(&str, &str, &[&str]); 7] = [
        (
            "config.amazonaws.com",
            "AWSServiceRoleForConfig",
            &[
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeVolumes",
                "iam:ListRoles",
                "iam:GetAccountAuthorizationDetails",
                "s3:GetBucketAcl",
                "s3:GetBucketPolicy",
                "s3:GetBucketEncryption",
                "lambda:ListFunctions20150331",
                "rds:DescribeDBInstances",
                "kms:ListKeys",
            ],
        ),
        (
            "securityhub.amazonaws.com",
            "AWSServiceRoleForSecurityHub",
            &["config:DescribeConfigRules", "config:PutConfigRule"],
        ),
        (
            "access-analyzer.amazonaws.com",
            "AWSServiceRoleForAccessAnalyzer",
            &[
                "iam:ListRoles",
                "iam:GetRole",
                "s3:GetBucketAcl",
                "s3:GetBucketPolicy",
                "kms:GetKeyPolicy",
                "lambda:GetPolicy20150331v2",
                "sqs:GetQueueAttributes",
                "ec2:DescribeVpcs",
            ],
        ),
        (
            "trustedadvisor.amazonaws.com",
            "AWSServiceRoleForTrustedAdvisor",
            &[
                "ec2:DescribeAddresses",
                "ec2:DescribeInstances",
                "rds:DescribeDBSnapshots",
                "cloudtrail:DescribeTrails",
                "iam:GetAccountSummary",
                "iam:ListUsers",
            ],
        ),
        (
            "resource-explorer-2.amazonaws.com",
            "AWSServiceRoleForResourceExplorer",
            &[
                "ec2:DescribeSnapshots",
                "sns:ListTopics",
                "sqs:ListQueues",
                "s3:ListBuckets",
                "ecs:ListClusters",
                "secretsmanager:ListSecrets",
            ],
        ),
        (
            "guardduty.amazonaws.com",
            "AWSServiceRoleForAmazonGuardDuty",
            &["ec2:DescribeInstances", "ec2:DescribeImages", "organizations:ListAccounts"],
        ),
        (
            "rds.amazonaws.com",
            "AWSServiceRoleForRDS",
            &["logs:CreateLogStream", "ec2:DescribeNetworkInterfaces", "kms:DescribeKey"],
        ),
    ];
    for (service, role, calls) in LOOKERS {
        let role = format!("aws-service-role/{service}/{role}");
        let actor = Actor::session(&mut ledger.dice, account, &role, "Service").by(service);
        for _ in 0..6 {
            let at = start + ledger.dice.i64(0..DAY);
            ledger.burst(at, &actor, calls);
        }
    }
    for service in ["config.amazonaws.com", "backup.amazonaws.com", "cloudtrail.amazonaws.com"] {
        let actor = Actor::service(account, service);
        for _ in 0..8 {
            let at = start + ledger.dice.i64(0..DAY);
            ledger.write(at, &actor, call("sts:AssumeRole", Value::Null));
            ledger.write(at + 1, &actor, call("kms:GenerateDataKey", Value::Null));
        }
    }
}

/// A vendor's monitoring, by a role that trusts the vendor's account: the same questions hourly.
fn monitoring(ledger: &mut Ledger, start: i64, account: &str) {
    for hour in 0..24 {
        let at = start + hour * HOUR + ledger.dice.i64(0..600);
        let actor = Actor::session(&mut ledger.dice, account, "monitoring-integration", "vendor");
        let address = format!("192.0.2.{}", 200 + ledger.dice.u8(..4));
        let actor = actor.from(&address, "Boto3/1.35.0 md/Botocore#1.35.0 lang/python#3.11");
        ledger.burst(
            at,
            &actor,
            &[
                "ec2:DescribeInstances",
                "ec2:DescribeVolumes",
                "elasticloadbalancing:DescribeLoadBalancers",
                "rds:DescribeDBInstances",
                "lambda:ListFunctions20150331",
                "monitoring:GetMetricData",
                "sqs:ListQueues",
                "tagging:GetResources",
                "autoscaling:DescribeAutoScalingGroups",
            ],
        );
        if hour == 4 {
            let refused = call("budgets:ViewBudget", Value::Null).failed("AccessDenied");
            ledger.write(at + 60, &actor, refused);
        }
    }
}

/// The security team's scan, from its own account: everything that can be read, every night.
fn scanner(ledger: &mut Ledger, start: i64, account: &str) {
    let at = start + 2 * HOUR;
    let home = Actor::session(&mut ledger.dice, SECURITY, "posture-scanner", "nightly");
    let home = home.from("192.0.2.90", BOTO);
    let role = json!({"roleArn": format!("arn:aws:iam::{account}:role/security-audit"),
        "roleSessionName": "nightly"});
    let shared = Actor { account: account.to_owned(), ..home };
    ledger.write(at, &shared, call("sts:AssumeRole", role));
    let actor = Actor::session(&mut ledger.dice, account, "security-audit", "nightly");
    let actor = actor.from("192.0.2.90", BOTO);
    let mut now = at + 2;
    for service in [
        "ec2:DescribeInstances",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSnapshots",
        "ec2:DescribeSnapshotAttribute",
        "ec2:DescribeImages",
        "ec2:DescribeFlowLogs",
        "ec2:DescribeInstanceAttribute",
        "ec2:DescribeVpcs",
        "ec2:DescribeRegions",
        "iam:GetAccountAuthorizationDetails",
        "iam:GenerateCredentialReport",
        "iam:GetCredentialReport",
        "iam:ListUsers",
        "iam:ListRoles",
        "iam:ListPolicies",
        "iam:GetAccountPasswordPolicy",
        "iam:ListAccessKeys",
        "iam:ListMFADevices",
        "s3:ListBuckets",
        "s3:GetBucketAcl",
        "s3:GetBucketPolicy",
        "s3:GetBucketLogging",
        "s3:GetBucketVersioning",
        "s3:GetAccountPublicAccessBlock",
        "kms:ListKeys",
        "kms:GetKeyPolicy",
        "kms:GetKeyRotationStatus",
        "lambda:ListFunctions20150331",
        "lambda:GetPolicy20150331v2",
        "rds:DescribeDBInstances",
        "rds:DescribeDBSnapshots",
        "rds:DescribeDBSnapshotAttributes",
        "cloudtrail:DescribeTrails",
        "cloudtrail:GetTrailStatus",
        "cloudtrail:GetEventSelectors",
        "guardduty:ListDetectors",
        "guardduty:GetDetector",
        "config:DescribeConfigurationRecorders",
        "sns:ListTopics",
        "sqs:ListQueues",
        "secretsmanager:ListSecrets",
        "ssm:DescribeParameters",
        "ssm:DescribeInstanceInformation",
        "ecs:ListClusters",
        "eks:ListClusters",
        "ecr:DescribeRepositories",
        "ecr:GetRepositoryPolicy",
        "elasticfilesystem:DescribeFileSystems",
        "sts:GetCallerIdentity",
        "organizations:DescribeOrganization",
        "ses:ListIdentities",
        "ses:GetAccountSendingEnabled",
        "ses:GetSendQuota",
        "dynamodb:ListTables",
    ] {
        for round in 0..ledger.dice.usize(1..4) {
            now += 1;
            let mut one = call(service, json!({"maxResults": round}));
            if service == "s3:GetBucketPolicy" && round == 0 {
                one = one.failed("NoSuchBucketPolicy");
            } else if ledger.chance(12) {
                one = one.failed("AccessDenied");
            }
            ledger.write(now, &actor, one);
        }
    }
}

/// Data of the shop: a nightly load that reads and writes many objects and cleans up behind it.
fn data(ledger: &mut Ledger, start: i64, day: i64) {
    let role = "etl-job";
    let actor = Actor::session(&mut ledger.dice, SHOP, role, "GlueJobRunnerSession");
    let actor = actor.from("10.0.8.8", "spark/3.5 aws-sdk-java/2.33");
    let count = 700 + ledger.dice.i64(0..300) + if day % 7 == 6 { 400 } else { 0 };
    for number in 0..count {
        let at = start + 3 * HOUR + number * 2;
        let key = format!("orders/day={day}/part-{number:05}.parquet");
        let get = json!({"bucketName": "shop-raw", "key": key});
        ledger.write(
            at,
            &actor,
            call("s3:GetObject", get)
                .with("additionalEventData", json!({"bytesTransferredOut": 4_000_000})),
        );
        if number % 3 == 0 {
            let put = json!({"bucketName": "shop-lake", "key": key});
            ledger.write(at + 1, &actor, call("s3:PutObject", put.clone()));
            let temporary = json!({"bucketName": "shop-lake",
                "key": format!("_temporary/{day}/{number}")});
            ledger.write(at + 2, &actor, call("s3:PutObject", temporary.clone()));
            ledger.write(at + 90, &actor, call("s3:DeleteObject", temporary));
        }
    }
    let glue = Actor::service(SHOP, "glue.amazonaws.com");
    ledger.burst(start + 3 * HOUR - 20, &glue, &["sts:AssumeRole", "kms:GenerateDataKey"]);
    let model = Actor::session(&mut ledger.dice, SHOP, "search-assistant", "api");
    let model = model.from("10.0.9.9", BOTO);
    for _ in 0..60 {
        let at = start + ledger.dice.i64(0..DAY);
        let invoke = json!({"modelId": "anthropic.claude-3-5-haiku-20241022-v1:0"});
        ledger.write(at, &model, call("bedrock:InvokeModel", invoke));
    }
}

/// Logs are delivered to the account for logs, and shipped to a store of events.
fn logs(ledger: &mut Ledger, start: i64) {
    for number in 0..288 {
        let at = start + number * 300;
        let trail = Actor::service(LOGS, "cloudtrail.amazonaws.com");
        let key = format!("AWSLogs/o-example/{number}.json.gz");
        let put = json!({"bucketName": "organization-trail", "key": key});
        ledger.write(at, &trail, call("s3:PutObject", put));
        let ship = Actor::session(&mut ledger.dice, LOGS, "log-shipper", "log-shipper");
        let ship = ship.from("10.9.0.5", GO);
        let get = json!({"bucketName": "organization-trail", "key": key});
        ledger.write(at + 40, &ship, call("s3:GetObject", get));
    }
}

/// Pipelines of a host outside AWS: they plan often and change now and then.
fn pipelines(ledger: &mut Ledger, start: i64, day: i64) {
    let weekend = day % 7 >= 5;
    let runs = if weekend { 3 } else { 22 };
    for _ in 0..runs {
        let account = pick(&mut ledger.dice, &WORKLOADS);
        let at = start + 7 * HOUR + ledger.dice.i64(0..12 * HOUR);
        let runner = format!("198.51.100.{}", ledger.dice.u8(1..));
        let web = Actor {
            identity: json!({
                "type": "WebIdentityUser",
                "principalId": "arn:aws:iam::oidc-provider/token.actions.githubusercontent.com",
                "userName": "repo:example/infrastructure:ref:refs/heads/main",
                "identityProvider": "arn:aws:iam::oidc-provider/\
                    token.actions.githubusercontent.com",
            }),
            account: account.to_owned(),
            address: runner.clone(),
            agent: "aws-sdk-js/3.888.0 configure-aws-credentials-for-github-actions".to_owned(),
            console: false,
        };
        let assume = json!({"roleArn": format!("arn:aws:iam::{account}:role/github-deploy"),
            "roleSessionName": "GitHubActions"});
        ledger.write(at, &web, call("sts:AssumeRoleWithWebIdentity", assume));
        let deploy = Actor::session(&mut ledger.dice, account, "github-deploy", "GitHubActions");
        match ledger.dice.u8(..4) {
            0 => changes::terraform(ledger, at + 5, &deploy.from(&runner, TERRAFORM)),
            1 => changes::stack(ledger, at + 5, &deploy.from(&runner, SDK_JS)),
            2 => changes::release(ledger, at + 5, &deploy.from(&runner, CLI_LINUX)),
            _ => changes::function(ledger, at + 5, &deploy.from(&runner, CLI_LINUX)),
        }
    }
}

const SDK_JS: &str = "aws-sdk-js/3.888.0 ua/2.1 os/linux lang/js md/nodejs#22 aws-cdk/2.1029.0";
const CLI_LINUX: &str = "aws-cli/2.31.0 md/awscrt#0.27.6 ua/2.1 os/linux#6.11 lang/python#3.13";

/// Old users with keys, whose keys are changed on a schedule; secrets that change themselves.
fn rotation(ledger: &mut Ledger, start: i64, day: i64) {
    for (name, account) in [("nas-backup", PAYMENTS), ("mail-sender", SHOP)] {
        let user = Actor::user(account, name).from("203.0.113.55", CLI_LINUX);
        for number in 0..40 {
            let at = start + number * 1_800;
            let key = json!({"bucketName": format!("{account}-archive"),
                "key": format!("{day}/{number}.tar")});
            ledger.write(at, &user, call("s3:PutObject", key));
        }
        if day == 12 {
            let own = json!({"userName": name});
            let made = json!({"accessKey": {"userName": name, "status": "Active",
                "accessKeyId": "AKIAEXAMPLEROTATED01"}});
            ledger.write(
                start + 9 * HOUR,
                &user,
                call("iam:CreateAccessKey", own.clone()).gave(made),
            );
            let idle = json!({"userName": name, "status": "Inactive",
                "accessKeyId": "AKIAEXAMPLEROTATED00"});
            ledger.write(start + 9 * HOUR + 60, &user, call("iam:UpdateAccessKey", idle));
            ledger.write(start + 9 * HOUR + 90, &user, call("iam:DeleteAccessKey", own));
        }
    }
    for account in [SHOP, PAYMENTS, STAGING, DEVELOPMENT] {
        if day % 7 != 1 {
            continue;
        }
        let service = Actor::service(account, "secretsmanager.amazonaws.com");
        let secret = json!({"secretId": format!("{account}/database")});
        ledger.write(
            start + 5 * HOUR,
            &service,
            call("secretsmanager:RotateSecret", secret.clone()),
        );
        let role = "secret-rotation";
        let actor = Actor::session(&mut ledger.dice, account, role, role).from("192.0.2.12", BOTO);
        ledger.burst(
            start + 5 * HOUR + 2,
            &actor,
            &[
                "secretsmanager:DescribeSecret",
                "secretsmanager:GetSecretValue",
                "secretsmanager:GetRandomPassword",
                "secretsmanager:PutSecretValue",
                "secretsmanager:UpdateSecretVersionStage",
            ],
        );
    }
    let organizations = Actor::service(MANAGEMENT, "sso.amazonaws.com");
    ledger.burst(start + 30, &organizations, &["organizations:ListAccounts"]);
}
