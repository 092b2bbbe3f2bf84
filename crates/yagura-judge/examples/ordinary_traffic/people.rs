//! People: they sign in through the identity center, look at pages of the console, use the
//! command line, are refused now and then. What they change is in `changes.rs`.

use serde_json::{Value, json};

use super::changes;
use super::ledger::{Actor, Call, DAY, HOUR, Ledger, call, name_id, pick};

/// The organization's accounts.
pub(crate) const MANAGEMENT: &str = "100000000001";
pub(crate) const SECURITY: &str = "100000000002";
pub(crate) const LOGS: &str = "100000000003";
pub(crate) const SHOP: &str = "100000000011";
pub(crate) const PAYMENTS: &str = "100000000012";
pub(crate) const STAGING: &str = "100000000021";
pub(crate) const DEVELOPMENT: &str = "100000000022";
pub(crate) const WORKLOADS: [&str; 4] = [SHOP, PAYMENTS, STAGING, DEVELOPMENT];

pub(crate) const BROWSER: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) \
    AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36";
pub(crate) const CLI: &str = "aws-cli/2.31.0 md/awscrt#0.27.6 ua/2.1 os/macos#24.6.0 \
    md/arch#arm64 lang/python#3.13.7 cfg/retry-mode#standard md/installer#exe";

/// What somebody does for a living.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    Platform,
    Developer,
    Analyst,
    Auditor,
    Finance,
}

/// Somebody who works there.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) work: Work,
    number: usize,
    /// The first day at work, counted from the first day of the records.
    joined: i64,
}

/// Everybody. Two join while we look.
pub(crate) fn everybody() -> Vec<Person> {
    let mut people = Vec::new();
    for number in 0..42 {
        let work = match number {
            0..4 => Work::Platform,
            4..32 => Work::Developer,
            32..38 => Work::Analyst,
            38..40 => Work::Auditor,
            _ => Work::Finance,
        };
        let joined = match number {
            30 => 11,
            31 => 16,
            _ => 0,
        };
        people.push(Person { name: format!("person{number}@example.com"), work, number, joined });
    }
    people
}

impl Person {
    fn permission_set(&self, account: &str) -> &'static str {
        match self.work {
            Work::Platform => "AdministratorAccess",
            Work::Developer if account == DEVELOPMENT => "PowerUserAccess",
            Work::Developer => "Developer",
            Work::Analyst => "DataAnalyst",
            Work::Auditor => "SecurityAudit",
            Work::Finance => "Billing",
        }
    }

    fn accounts(&self) -> &'static [&'static str] {
        match self.work {
            Work::Platform => &[SHOP, PAYMENTS, STAGING, DEVELOPMENT, LOGS, MANAGEMENT],
            Work::Developer if self.number.is_multiple_of(3) => &[PAYMENTS, STAGING, DEVELOPMENT],
            Work::Developer => &[SHOP, STAGING, DEVELOPMENT],
            Work::Analyst => &[SHOP],
            Work::Auditor => &[SECURITY, SHOP, PAYMENTS],
            Work::Finance => &[MANAGEMENT],
        }
    }

    /// The office has one address; homes have their own, which providers change now and then.
    fn address(&self, ledger: &mut Ledger, day: i64) -> String {
        if ledger.chance(600) {
            return "203.0.113.10".to_owned();
        }
        if ledger.chance(30) {
            let network = ledger.dice.u8(..);
            return format!("198.19.{network}.{}", ledger.dice.u8(1..));
        }
        let lease = day / 9 + 3;
        format!("198.18.{}.{}", self.number, lease * 7 % 250 + 1)
    }

    /// A session in an account as the portal opens it.
    fn sign_in(&self, ledger: &mut Ledger, at: i64, account: &str, address: &str) -> Actor {
        let set = self.permission_set(account);
        let id = name_id("", set).to_lowercase();
        let role = format!("aws-reserved/sso.amazonaws.com/eu-central-1/AWSReservedSSO_{set}_{id}");
        let portal = Actor {
            identity: json!({
                "type": "IdentityCenterUser",
                "accountId": MANAGEMENT,
                "onBehalfOf": {
                    "userId": format!("9067{:06}-0000", self.number),
                    "identityStoreArn": format!("arn:aws:identitystore::{MANAGEMENT}:\
                        identitystore/d-9067"),
                },
                "credentialId": name_id("", &format!("{}{at}", self.name)),
            }),
            account: MANAGEMENT.to_owned(),
            address: address.to_owned(),
            agent: BROWSER.to_owned(),
            console: false,
        };
        ledger.burst(at, &portal, &["sso:ListApplications", "sso:ListAccounts"]);
        let federate = call("sso:Federate", Value::Null)
            .with("eventType", json!("AwsServiceEvent"))
            .with("serviceEventDetails", json!({"account_id": account, "role_name": set}));
        ledger.write(at + 4, &portal, federate);
        let saml = Actor {
            identity: json!({
                "type": "SAMLUser",
                "principalId": format!("saml:{}", self.name),
                "userName": self.name,
                "identityProvider": "AWSSSO",
            }),
            account: account.to_owned(),
            address: address.to_owned(),
            agent: BROWSER.to_owned(),
            console: false,
        };
        let assume = call(
            "sts:AssumeRoleWithSAML",
            json!({
                "roleArn": format!("arn:aws:iam::{account}:role/{role}"),
                "roleSessionName": self.name,
                "durationSeconds": 43_200,
            }),
        );
        ledger.write(at + 5, &saml, assume);
        Actor::session(&mut ledger.dice, account, &role, &self.name)
    }

    /// A day at work.
    pub(crate) fn day(&self, ledger: &mut Ledger, start: i64, day: i64) {
        let weekend = day % 7 >= 5;
        if day < self.joined || (weekend && !(self.work == Work::Platform && ledger.chance(150))) {
            return;
        }
        if ledger.chance(120) {
            // A day off.
            return;
        }
        let address = self.address(ledger, day);
        let sessions = ledger.dice.i64(1..4);
        let mut now = start + 8 * HOUR + ledger.dice.i64(0..2 * HOUR);
        for _ in 0..sessions {
            let account = pick(&mut ledger.dice, self.accounts());
            let session = self.sign_in(ledger, now, account, &address);
            if ledger.chance(650) {
                let console = session.clone().from(&address, BROWSER).on_console();
                self.console(ledger, now + 6, &console, day);
            } else {
                self.command_line(ledger, now + 6, &session.from(&address, CLI));
            }
            now += ledger.dice.i64(HOUR..3 * HOUR);
        }
    }

    fn console(&self, ledger: &mut Ledger, at: i64, actor: &Actor, day: i64) {
        let login = call("signin:ConsoleLogin", Value::Null)
            .gave(json!({"ConsoleLogin": "Success"}))
            .with("eventType", json!("AwsConsoleSignIn"))
            .with(
                "additionalEventData",
                json!({"MobileVersion": "No", "MFAUsed": "No", "LoginTo":
                    "https://eu-central-1.console.aws.amazon.com/console/home"}),
            )
            .in_region("eu-central-1");
        ledger.write(at, &Actor { console: false, ..actor.clone() }, login);
        let pages = ledger.dice.usize(3..14);
        let mut now = at + 10;
        for _ in 0..pages {
            let page = pick(&mut ledger.dice, pages_of(self.work));
            now = ledger.burst(now, actor, page) + ledger.dice.i64(20..400);
            if ledger.chance(25) {
                ledger.write(now, actor, refused(ledger_word(now)));
            }
        }
        if self.work == Work::Platform && actor.account != MANAGEMENT && ledger.chance(350) {
            changes::by_hand(ledger, now, actor);
        }
        if self.work == Work::Developer && actor.account == DEVELOPMENT && ledger.chance(500) {
            changes::experiment(ledger, now, actor);
        }
        if self.work == Work::Platform && actor.account == MANAGEMENT && day % 3 == 0 {
            changes::assign(ledger, now, actor);
        }
    }

    fn command_line(&self, ledger: &mut Ledger, at: i64, actor: &Actor) {
        let mut now = at;
        ledger.write(now, actor, call("sts:GetCallerIdentity", Value::Null));
        let rounds = ledger.dice.usize(2..12);
        for _ in 0..rounds {
            now += ledger.dice.i64(15..600);
            let some: &[&str] = match self.work {
                Work::Platform => pick(&mut ledger.dice, &PLATFORM_COMMANDS),
                Work::Developer => pick(&mut ledger.dice, &DEVELOPER_COMMANDS),
                _ => &["athena:ListWorkGroups", "glue:GetTables", "athena:GetQueryExecution"],
            };
            now = ledger.burst(now, actor, some);
        }
        if self.work == Work::Platform && WORKLOADS.contains(&actor.account.as_str()) {
            changes::on_call(ledger, now, actor);
        }
        if self.work == Work::Developer && ledger.chance(300) {
            let key = format!("builds/{}/bundle.zip", ledger.dice.u32(..900));
            let bucket = format!("{}-artifacts", actor.account);
            let put = call("s3:PutObject", json!({"bucketName": bucket, "key": key}));
            ledger.write(now + 3, actor, put);
        }
    }
}

const PLATFORM_COMMANDS: [&[&str]; 6] = [
    &["ec2:DescribeInstances", "ec2:DescribeSecurityGroups"],
    &["eks:DescribeCluster", "eks:ListNodegroups"],
    &["ssm:DescribeInstanceInformation"],
    &["iam:GetRole", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies", "iam:GetRolePolicy"],
    &["cloudformation:DescribeStacks", "cloudformation:DescribeStackEvents"],
    &["rds:DescribeDBInstances", "logs:StartQuery", "logs:GetQueryResults"],
];

const DEVELOPER_COMMANDS: [&[&str]; 6] = [
    &["ecr:GetAuthorizationToken"],
    &["logs:FilterLogEvents", "logs:DescribeLogStreams", "logs:GetLogEvents"],
    &["lambda:GetFunction20150331v2", "lambda:ListFunctions20150331"],
    &["ecs:DescribeServices", "ecs:ListTasks", "ecs:DescribeTasks"],
    &["eks:DescribeCluster"],
    &["dynamodb:DescribeTable", "s3:ListBuckets", "cloudformation:DescribeStacks"],
];

fn pages_of(work: Work) -> &'static [&'static [&'static str]] {
    match work {
        Work::Platform | Work::Developer => &[
            &[
                "ec2:DescribeInstances",
                "ec2:DescribeInstanceStatus",
                "ec2:DescribeVolumes",
                "ec2:DescribeTags",
                "ec2:DescribeAddresses",
                "ec2:DescribeRegions",
            ],
            &[
                "logs:DescribeLogGroups",
                "logs:DescribeLogStreams",
                "logs:FilterLogEvents",
                "logs:StartQuery",
                "logs:GetQueryResults",
            ],
            &[
                "lambda:ListFunctions20150331",
                "lambda:GetFunction20150331v2",
                "lambda:GetPolicy20150331v2",
                "lambda:ListAliases20150331",
                "kms:ListAliases",
            ],
            &[
                "ecs:ListClusters",
                "ecs:DescribeClusters",
                "ecs:ListServices",
                "ecs:DescribeServices",
                "ecs:ListTasks",
                "ecs:DescribeTasks",
                "ecs:DescribeTaskDefinition",
            ],
            &[
                "s3:ListBuckets",
                "s3:GetBucketLocation",
                "s3:GetBucketVersioning",
                "s3:GetBucketPolicyStatus",
                "s3:GetBucketPublicAccessBlock",
                "s3:ListObjects",
            ],
            &[
                "rds:DescribeDBInstances",
                "rds:DescribeDBClusters",
                "rds:DescribeEvents",
                "monitoring:GetMetricData",
                "monitoring:DescribeAlarms",
            ],
            &[
                "cloudformation:ListStacks",
                "cloudformation:DescribeStacks",
                "cloudformation:DescribeStackEvents",
                "cloudformation:DescribeStackResources",
            ],
            &[
                "iam:ListRoles",
                "iam:GetRole",
                "iam:ListAttachedRolePolicies",
                "iam:ListRolePolicies",
                "iam:GetAccountSummary",
            ],
            &[
                "dynamodb:ListTables",
                "dynamodb:DescribeTable",
                "dynamodb:DescribeContinuousBackups",
            ],
            &["monitoring:ListDashboards", "monitoring:GetDashboard", "monitoring:GetMetricData"],
            &["secretsmanager:ListSecrets", "secretsmanager:DescribeSecret"],
            &["ssm:DescribeParameters", "ssm:GetParameterHistory"],
            &[
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeVpcs",
                "ec2:DescribeSubnets",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeRouteTables",
            ],
        ],
        Work::Analyst => &[
            &[
                "athena:ListWorkGroups",
                "athena:GetWorkGroup",
                "athena:ListDataCatalogs",
                "glue:GetDatabases",
                "glue:GetTables",
            ],
            &["athena:StartQueryExecution", "athena:GetQueryExecution", "athena:GetQueryResults"],
            &["quicksight:ListDashboards", "quicksight:DescribeDashboard"],
        ],
        Work::Auditor => &[
            &["cloudtrail:LookupEvents", "cloudtrail:DescribeTrails", "cloudtrail:GetTrailStatus"],
            &["guardduty:ListDetectors", "guardduty:ListFindings", "guardduty:GetFindings"],
            &["securityhub:GetFindings", "securityhub:GetEnabledStandards"],
            &[
                "iam:ListUsers",
                "iam:ListRoles",
                "iam:GetAccountSummary",
                "iam:GenerateCredentialReport",
                "iam:GetCredentialReport",
                "iam:GetAccountPasswordPolicy",
                "iam:ListMFADevices",
                "iam:ListAccessKeys",
            ],
            &["config:DescribeConfigRules", "config:DescribeComplianceByConfigRule"],
            &["access-analyzer:ListAnalyzers", "access-analyzer:ListFindings"],
            &[
                "iam:GetRole",
                "iam:GetRolePolicy",
                "iam:ListAttachedRolePolicies",
                "iam:GetPolicyVersion",
                "iam:SimulatePrincipalPolicy",
            ],
        ],
        Work::Finance => &[
            &["ce:GetCostAndUsage", "ce:GetCostForecast", "ce:GetDimensionValues"],
            &["budgets:DescribeBudgets", "cur:DescribeReportDefinitions"],
            &["organizations:DescribeOrganization", "organizations:ListAccounts"],
        ],
    }
}

/// What pages of the console ask for that a person may not read.
fn refused(api: &str) -> Call {
    call(api, Value::Null).failed("AccessDenied")
}

fn ledger_word(now: i64) -> &'static str {
    match now % 6 {
        0 => "ce:GetCostAndUsage",
        1 => "health:DescribeEventAggregates",
        2 => "cost-optimization-hub:ListEnrollmentStatuses",
        3 => "servicecatalog:ListApplications",
        4 => "kms:ListAliases",
        _ => "iam:ListAccountAliases",
    }
}

/// Users of the old way: a vendor with a password, who mistypes it now and then.
pub(crate) fn vendor(ledger: &mut Ledger, start: i64, day: i64) {
    if day % 7 != 2 {
        return;
    }
    let mut user = Actor::user(STAGING, "vendor-support").from("192.0.2.77", BROWSER);
    let mut now = start + 10 * HOUR;
    if ledger.chance(400) {
        let failed = call("signin:ConsoleLogin", Value::Null)
            .gave(json!({"ConsoleLogin": "Failure"}))
            .with("errorMessage", json!("Failed authentication"))
            .with("eventType", json!("AwsConsoleSignIn"))
            .with("additionalEventData", json!({"MFAUsed": "No", "MobileVersion": "No"}));
        ledger.write(now, &user, failed);
        now += 20;
    }
    let login = call("signin:ConsoleLogin", Value::Null)
        .gave(json!({"ConsoleLogin": "Success"}))
        .with("eventType", json!("AwsConsoleSignIn"))
        .with("additionalEventData", json!({"MFAUsed": "Yes", "MobileVersion": "No"}));
    ledger.write(now, &user, login);
    user = user.on_console();
    ledger.burst(now + 5, &user, &["rds:DescribeDBInstances", "monitoring:GetMetricData"]);
}

/// Nights of batch work by people's schedules: queries that analysts have saved.
pub(crate) fn saved_queries(ledger: &mut Ledger, start: i64) {
    let role = "service-role/quicksight-refresh";
    let actor =
        Actor::session(&mut ledger.dice, SHOP, role, "refresh").by("quicksight.amazonaws.com");
    for _ in 0..6 {
        let at = start + ledger.dice.i64(0..DAY);
        ledger.burst(at, &actor, &["athena:StartQueryExecution", "athena:GetQueryExecution"]);
    }
}
