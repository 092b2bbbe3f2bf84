//! From logs to least privilege, unused permissions and SCP previews: over a lake and over files
//! alone, the same answers.
//! What single calls need, and what follows from it, is claimed in `yagura-analyze`.

use serde_json::{Value, json};

use crate::prepared;
use crate::program::{Home, Ran};

const ACCOUNT: &str = "444455556666";
const ADMINISTRATOR: &str = "arn:aws:iam::444455556666:role/aws-reserved/sso.amazonaws.com/\
                             ap-northeast-1/AWSReservedSSO_AdministratorAccess_47ed33a696785495";
const SPAN: [&str; 4] = ["--since", "2026-10-01", "--until", "2026-11-01"];

/// The n-th call of a session of the administrators' role.
fn event(n: u32, source: &str, name: &str, parameters: Value, more: Value) -> Value {
    let role = ADMINISTRATOR.rsplit('/').next().unwrap();
    let mut event = json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole", "principalId": "AROAEXAMPLEEXAMPLEEX:mika",
            "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/{role}/mika"),
            "accountId": ACCOUNT, "accessKeyId": "ASIAEXAMPLEEXAMPLEEX",
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role", "principalId": "AROAEXAMPLEEXAMPLEEX",
                    "arn": ADMINISTRATOR, "accountId": ACCOUNT, "userName": role,
                },
                "attributes": {"mfaAuthenticated": "false"},
            },
        },
        "eventTime": format!("2026-10-05T{:02}:{:02}:00Z", n / 60, n % 60),
        "eventSource": format!("{source}.amazonaws.com"),
        "eventName": name,
        "awsRegion": "ap-northeast-1",
        "sourceIPAddress": "203.0.113.7",
        "userAgent": "aws-cli/2.15",
        "requestParameters": parameters,
        "readOnly": name.starts_with("Get") || name.starts_with("Describe"),
        "eventID": format!("00000000-0000-4000-8000-{n:012}"),
        "eventType": "AwsApiCall",
        "recipientAccountId": ACCOUNT,
        "managementEvent": true,
        "eventCategory": "Management",
    });
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event
}

/// A day of an administrator who needs little.
fn day() -> Vec<Value> {
    let none = || json!({});
    let data = |n: u32| {
        json!({
            "eventCategory": "Data", "managementEvent": false,
            "resources": [
                {"type": "AWS::S3::Object", "ARN": format!("arn:aws:s3:::reports/2026/{n}.csv")},
                {"type": "AWS::S3::Bucket", "accountId": ACCOUNT, "ARN": "arn:aws:s3:::reports"},
            ],
        })
    };
    let object = |n: u32| json!({"bucketName": "reports", "key": format!("2026/{n}.csv")});
    let mut day: Vec<Value> =
        (0..9).map(|n| event(n, "s3", "GetObject", object(n), data(n))).collect();
    let instances = json!({"instancesSet": {"items": [{"instanceId": "i-0123456789abcdef0"}]}});
    let function = json!({
        "functionName": "ingest", "role": "arn:aws:iam::444455556666:role/worker",
    });
    day.extend([
        event(20, "ec2", "DescribeInstances", json!({}), none()),
        event(21, "ec2", "StopInstances", instances, none()),
        event(22, "lambda", "CreateFunction20150331", function, none()),
        event(23, "sts", "GetCallerIdentity", Value::Null, none()),
        event(
            24,
            "iam",
            "CreateUser",
            json!({"userName": "x"}),
            json!({"errorCode": "AccessDenied"}),
        ),
        event(25, "signin", "ConsoleLogin", Value::Null, json!({"eventType": "AwsConsoleSignIn"})),
    ]);
    day
}

/// The sample organization, with the day in its lake and in a file.
async fn lake() -> Home {
    let ingested = async |home: &Home| {
        home.run(&["demo", "--no-serve", "--format", "json"]).await.exits(0);
        let records = json!({ "Records": day() }).to_string();
        home.write("logs/444455556666_CloudTrail_ap-northeast-1_20261005T0000Z_a.json", &records);
        let data = data(home);
        let ingest = ["ingest", "cloudtrail", "logs", "--no-detect", "--data-dir", &data];
        home.run(&ingest).await.exits(0);
    };
    prepared::of("used", ingested).await
}

fn data(home: &Home) -> String {
    home.data().join("demo").to_str().unwrap().to_owned()
}

async fn ask(home: &Home, arguments: &[&str]) -> Ran {
    let data = data(home);
    home.run(&[&["access"], arguments, &["--data-dir", &data]].concat()).await
}

async fn least(home: &Home, more: &[&str]) -> Ran {
    ask(home, &[&["least-privilege", ADMINISTRATOR], SPAN.as_slice(), more].concat()).await
}

fn policy(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}", ran.out))
}

/// The statement that allows an action.
fn allowing<'p>(policy: &'p Value, action: &str) -> Option<&'p Value> {
    let has = |one: &&Value| match &one["Action"] {
        Value::Array(list) => list.iter().any(|name| name == action),
        name => name == action,
    };
    policy["Statement"].as_array().unwrap().iter().find(has)
}

#[tokio::test]
async fn a_policy_for_real_use_is_written_from_the_lake_and_from_files_alike() {
    let home = lake().await;
    let ran = least(&home, &["--strict"]).await.exits(0);
    let written = policy(&ran);
    assert_eq!(written["Version"], "2012-10-17");
    let read = allowing(&written, "s3:GetObject").unwrap();
    assert_eq!(read["Resource"], "arn:aws:s3:::reports/2026/*");
    let stop = allowing(&written, "ec2:StopInstances").unwrap();
    let instance = "arn:aws:ec2:ap-northeast-1:444455556666:instance/i-0123456789abcdef0";
    assert_eq!(stop["Resource"], instance);
    let pass = allowing(&written, "iam:PassRole").unwrap();
    assert_eq!(pass["Resource"], "arn:aws:iam::444455556666:role/worker");
    let to = json!({"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}});
    assert_eq!(pass["Condition"], to);
    for absent in ["iam:CreateUser", "sts:GetCallerIdentity", "*", "s3:PutObject"] {
        assert_eq!(allowing(&written, absent), None, "{absent}");
    }
    assert!(ran.err.contains("refused, and so not in the policy: 1 actions"), "{}", ran.err);
    let files = least(&home, &["--strict", "--logs", "logs"]).await.exits(0);
    assert_eq!(policy(&files), written);
    let exact = policy(&least(&home, &["--strict", "--breadth", "exact"]).await.exits(0));
    let read = allowing(&exact, "s3:GetObject").unwrap();
    assert_eq!(read["Resource"].as_array().unwrap().len(), 9);
    let limited = policy(&least(&home, &["--strict", "--limit-regions"]).await.exits(0));
    let only = json!({"StringEquals": {"aws:RequestedRegion": "ap-northeast-1"}});
    assert_eq!(allowing(&limited, "ec2:DescribeInstances").unwrap()["Condition"], only);
}

#[tokio::test]
async fn what_is_granted_beyond_use_is_told_and_what_no_log_shows_is_kept() {
    let home = lake().await;
    let ran = least(&home, &["--format", "json"]).await.exits(0);
    let told = ran.records().remove(0);
    let present = &told["present"][0];
    assert_eq!(
        (&present["policy"], &present["any_resource"]),
        (&json!("AdministratorAccess"), &json!(true))
    );
    let has = |list: &str, action: &str| {
        present[list].as_array().unwrap().iter().find(|one| one["action"] == action).cloned()
    };
    let unused = has("unused", "iam:CreateUser").unwrap();
    assert_eq!(unused["level"], "permissions");
    let first = &present["unused"][0];
    assert_eq!(first["level"], "permissions", "{first}");
    assert_eq!(has("unknown", "dynamodb:GetItem").unwrap()["reason"], "data_events_off");
    assert_eq!(has("unknown", "s3:PutObject").unwrap()["reason"], "data_events_partly");
    assert_eq!(has("unknown", "s3:BypassGovernanceRetention").unwrap()["reason"], "not_logged");
    assert_eq!(has("unused", "s3:PutObject"), None);
    let kept = allowing(&told["policy"], "dynamodb:GetItem").unwrap();
    assert_eq!(kept["Sid"], "KeptNotSeen1");
    assert_eq!(told["used"].as_array().unwrap().len(), 5);
    let diff = least(&home, &["--format", "diff"]).await.exits(0);
    assert!(diff.out.contains("`AdministratorAccess`, statement 1"), "{}", diff.out);
    assert!(diff.out.contains("  = ec2:StopInstances"), "{}", diff.out);
    let diff = least(&home, &["--format", "diff", "--lang", "ja"]).await.exits(0);
    assert!(diff.out.contains("「AdministratorAccess」の 1 番目"), "{}", diff.out);
    assert!(diff.err.contains("ログに現れない許可"), "{}", diff.err);
    let table = least(&home, &["--format", "table"]).await.exits(0);
    assert!(table.out.contains("to lambda.amazonaws.com"), "{}", table.out);
}

#[tokio::test]
async fn a_question_without_an_answer_says_what_would_have_one() {
    let home = lake().await;
    let check = async |arguments: &[&str], wanted: &str| {
        let ran = ask(&home, arguments).await.exits(2);
        assert!(ran.err.contains(wanted) && ran.err.contains("hint:"), "{}", ran.err);
    };
    let other = "arn:aws:iam::999900001111:role/x";
    check(&["least-privilege", other, "--since", "90d"], "nothing of account `999900001111`").await;
    check(&["least-privilege", "mika"], "`mika` is no ARN").await;
    check(&["least-privilege", ADMINISTRATOR, "--since", "soon"], "`soon` is not a time").await;
    let twisted = ["--since", "2026-10-02", "--until", "2026-10-01"];
    check(&[&["least-privilege", ADMINISTRATOR], twisted.as_slice()].concat(), "no time between")
        .await;
    check(&["least-privilege", ADMINISTRATOR, "--logs", "absent"], "absent").await;
    let broken = home.write("scp.json", "{");
    check(&["preview-scp", broken.to_str().unwrap()], "is no policy").await;
    let fine = home.write("fine.json", r#"{"Version": "2012-10-17", "Statement": []}"#);
    let fine = fine.to_str().unwrap();
    check(&["preview-scp", fine, "--attach", "nowhere"], "has no `nowhere`").await;
}

#[tokio::test]
async fn unused_permissions_and_credentials_are_listed_and_the_unknown_is_named() {
    let home = lake().await;
    let ran = ask(&home, &["unused", "--since", "2026-10-01", "--format", "json"]).await;
    let rows = ran.records();
    let of = |principal: &str| {
        rows.iter().find(|row| row["kind"] == "permissions" && row["principal"] == principal)
    };
    let services = of(ADMINISTRATOR).unwrap()["services"].as_array().unwrap();
    let service = |name: &str| services.iter().find(|one| one["service"] == name).unwrap();
    assert_eq!(service("ec2")["used"], 2);
    assert_eq!(service("sagemaker")["used"], 0);
    assert!(service("dynamodb")["unknown"]["data_events_off"].as_u64().unwrap() > 5);
    assert_eq!(service("dynamodb")["idle"], false);
    // Another account of the organization has no records: nothing of it is called unused.
    let elsewhere = rows.iter().filter(|row| row["kind"] == "permissions");
    let elsewhere: Vec<&Value> = elsewhere
        .filter(|row| !row["principal"].as_str().unwrap().contains(ACCOUNT))
        .flat_map(|row| row["services"].as_array().unwrap())
        .collect();
    assert!(!elsewhere.is_empty());
    assert!(elsewhere.iter().all(|service| service["unused"] == json!({})), "{elsewhere:?}");
    let one = ask(&home, &["unused", ADMINISTRATOR, "--credentials-only", "--lang", "ja"]).await;
    assert!(one.code == 0 || one.code == 3, "{}", one.err);
}

#[tokio::test]
async fn an_scp_is_previewed_over_the_calls_of_the_log() {
    let home = lake().await;
    let scp = |condition: Value| {
        json!({"Version": "2012-10-17", "Statement": [
            {"Sid": "Regions", "Effect": "Deny", "NotAction": ["sts:*", "s3:*"], "Resource": "*",
             "Condition": condition}]})
        .to_string()
    };
    let regions = scp(json!({"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}}));
    home.write("regions.json", &regions);
    let preview = async |file: &str, more: &[&str]| {
        let arguments = [&["preview-scp", file, "--format", "json"], SPAN.as_slice(), more];
        ask(&home, &arguments.concat()).await
    };
    let ran = preview("regions.json", &[]).await.exits(0);
    let rows = ran.records();
    let denied: Vec<(&str, u64)> = rows
        .iter()
        .filter(|row| row["verdict"] == "denied")
        .map(|row| (row["action"].as_str().unwrap(), row["count"].as_u64().unwrap()))
        .collect();
    let wanted =
        [("ec2:DescribeInstances", 1), ("ec2:StopInstances", 1), ("lambda:CreateFunction", 1)];
    assert_eq!(denied, wanted, "{}", ran.out);
    assert_eq!(
        (&rows[0]["principal"], &rows[0]["statements"]),
        (&json!(ADMINISTRATOR), &json!([1]))
    );
    assert_eq!(rows.last().unwrap()["refused"], 1);
    let files = preview("regions.json", &["--logs", "logs"]).await.exits(0);
    assert_eq!(files.out, ran.out);
    // A tag of the resource is in no record.
    home.write("tags.json", &scp(json!({"StringEquals": {"aws:ResourceTag/env": "prod"}})));
    let unknown = preview("tags.json", &[]).await.exits(3).records();
    assert_eq!(unknown[0]["verdict"], "unknown");
    assert_eq!(unknown[0]["keys"], json!(["aws:ResourceTag/env"]));
    let address = json!({"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}});
    home.write("address.json", &scp(address));
    let quiet = preview("address.json", &[]).await.exits(0).records();
    assert_eq!(quiet.len(), 1, "{quiet:?}");
}

#[tokio::test]
async fn what_was_made_with_tags_may_be_tagged_and_no_more() {
    let tag = || json!([{"key": "team", "value": "red"}]);
    let none = || json!({});
    let volume = json!({"size": "8", "availabilityZone": "ap-northeast-1a",
        "tagSpecificationSet": {"items": [{"resourceType": "volume", "tags": tag()}]}});
    let database = json!({"dBInstanceIdentifier": "orders", "tags": tag(),
        "dBSubnetGroupName": "private", "monitoringRoleArn":
        format!("arn:aws:iam::{ACCOUNT}:role/monitor")});
    let profile = json!({"instanceProfileName": "web", "roleName": "server"});
    let records = json!({"Records": [
        event(1, "ec2", "CreateVolume", volume, none()),
        event(2, "rds", "CreateDBInstance", database, none()),
        event(3, "iam", "CreateRole", json!({"roleName": "app", "tags": tag()}), none()),
        event(4, "lambda", "CreateFunction20150331",
            json!({"functionName": "ingest", "tags": {"team": "red"}}), none()),
        event(5, "sqs", "CreateQueue", json!({"queueName": "jobs", "tags": {"a": "b"}}), none()),
        event(6, "sns", "CreateTopic", json!({"name": "news"}), none()),
        event(7, "iam", "AddRoleToInstanceProfile", profile, none()),
        event(8, "dynamodb", "CreateTable", json!({"tableName": "orders", "tags": tag()}), none()),
        event(9, "states", "CreateStateMachine", json!({"name": "flow", "tags": tag()}), none()),
        event(10, "glue", "CreateJob", json!({"name": "load", "tags": {"a": "b"}}), none()),
        event(11, "eks", "CreateNodegroup",
            json!({"name": "main", "nodegroupName": "workers", "tags": {"a": "b"}}), none()),
        event(12, "athena", "CreateWorkGroup", json!({"name": "reports", "tags": tag()}), none()),
        event(13, "athena", "CreateNamedQuery",
            json!({"name": "daily", "database": "shop", "workGroup": "reports"}), none()),
        event(14, "backup", "CreateBackupVault",
            json!({"backupVaultName": "daily", "backupVaultTags": {"a": "b"}}), none()),
    ]});
    let home = Home::offline();
    home.write("logs/trail.json", &records.to_string());
    let ran = least(&home, &["--strict", "--logs", "logs"]).await.exits(0);
    let written = policy(&ran);
    let here = format!("ap-northeast-1:{ACCOUNT}");
    for (action, resource) in [
        ("ec2:CreateTags", format!("arn:aws:ec2:{here}:volume/*")),
        ("rds:AddTagsToResource", format!("arn:aws:rds:{here}:db:orders")),
        ("lambda:TagResource", format!("arn:aws:lambda:{here}:function:ingest")),
        ("sqs:TagQueue", format!("arn:aws:sqs:{here}:jobs")),
        ("dynamodb:TagResource", format!("arn:aws:dynamodb:{here}:table/orders")),
        ("states:TagResource", format!("arn:aws:states:{here}:stateMachine:flow")),
        ("glue:TagResource", format!("arn:aws:glue:{here}:job/load")),
        ("eks:TagResource", format!("arn:aws:eks:{here}:nodegroup/main/workers/*")),
        ("athena:TagResource", format!("arn:aws:athena:{here}:workgroup/reports")),
        ("backup:TagResource", format!("arn:aws:backup:{here}:backup-vault:daily")),
        // A query has a name too, and is no workgroup.
        ("athena:CreateNamedQuery", format!("arn:aws:athena:{here}:workgroup/reports")),
    ] {
        let statement = allowing(&written, action).unwrap_or_else(|| panic!("{action}: {written}"));
        assert_eq!(statement["Resource"], resource, "{action}");
    }
    let roles = json!([
        format!("arn:aws:iam::{ACCOUNT}:role/*/app"),
        format!("arn:aws:iam::{ACCOUNT}:role/app")
    ]);
    assert_eq!(allowing(&written, "iam:TagRole").unwrap()["Resource"], roles);
    // The topic was made without tags.
    assert_eq!(allowing(&written, "sns:TagResource"), None);
    let passed: Vec<&Value> = written["Statement"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["Action"].to_string().contains("iam:PassRole"))
        .map(|one| &one["Condition"]["StringEquals"]["iam:PassedToService"])
        .collect();
    assert_eq!(passed, ["ec2.amazonaws.com", "monitoring.rds.amazonaws.com"], "{written}");
}

/// Where real logs of attacks are, they are asked too.
#[tokio::test]
async fn a_policy_for_real_logs_allows_all_that_was_used() {
    let Ok(folder) = std::env::var("YAGURA_ATTACK_LOGS") else {
        eprintln!("YAGURA_ATTACK_LOGS is not set: no real logs were asked");
        return;
    };
    let home = Home::offline();
    let since = ["--since", "2020-01-01", "--logs", &folder, "--format", "json"];
    home.write(
        "all.json",
        r#"{"Version": "2012-10-17",
            "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}"#,
    );
    let asked = [&["access", "preview-scp", "all.json"], since.as_slice()].concat();
    let rows = home.run(&asked).await.records();
    let mut principals: Vec<&str> =
        rows.iter().filter_map(|row| row["principal"].as_str()).collect();
    principals.dedup();
    assert!(!principals.is_empty());
    for principal in principals.iter().filter(|one| one.starts_with("arn:")).take(12) {
        let arguments = [&["access", "least-privilege", principal], since.as_slice()].concat();
        let ran = home.run(&arguments).await;
        assert!(ran.code == 0 || ran.code == 3, "{principal}: {}", ran.err);
        let told = ran.records().remove(0);
        let (used, calls) = (told["used"].as_array().unwrap().len(), &told["calls"]);
        eprintln!("{principal}: {calls} calls, {used} actions");
    }
}
