//! Questions over inventories: resources of every guarded type, and inventories that are large or
//! run in circles. Single decisions are proved in `iam-policy`.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use yagura_analyze::access::escalation::Goal;
use yagura_analyze::access::{Answer, Ask, Verdict, World, guarded_types};
use yagura_model::escalation::{Escalation, Gain, Need, NeedOn};
use yagura_model::{Coverage, CoverageState, Resource};

use crate::world::{ACCOUNT, REGION, resource};

const MIKA: &str = "arn:aws:iam::111122223333:user/mika";
const OTHER: &str = "999988887777";

fn document(statements: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn arn(service: &str, rest: &str) -> String {
    format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}")
}

/// A resource with a policy at a path.
fn guarded(type_name: &str, arn: &str, path: &str, statements: Value) -> Resource {
    let id = arn.rsplit(['/', ':']).next().unwrap();
    let members = path.rsplit('.').fold(document(statements), |value, key| json!({ key: value }));
    let mut made = resource(type_name, id, members);
    arn.clone_into(&mut made.key);
    made.arn = Some(arn.to_owned());
    made
}

fn to_other(action: &str, on: &str) -> Value {
    json!([{"Sid": "Other", "Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": action,
        "Resource": on}])
}

/// A user who may do everything, as far as its own side goes.
fn mika() -> Resource {
    let all = document(json!({"Effect": "Allow", "Action": "*", "Resource": "*"}));
    let policies = json!([{"PolicyName": "all", "PolicyDocument": all}]);
    let mut user = resource(
        "AWS::IAM::User",
        "mika",
        json!({"properties": {
        "Policies": policies, "ManagedPolicyArns": [], "Groups": []}}),
    );
    MIKA.clone_into(&mut user.key);
    user
}

fn ask<'a>(principal: &'a str, action: &'a str, resource: &'a str) -> Ask<'a> {
    Ask { principal, action, resource, resource_account: None, context: Vec::new() }
}

fn whole(type_name: &str) -> Coverage {
    Coverage {
        account: ACCOUNT.to_owned(),
        region: REGION.to_owned(),
        type_name: type_name.to_owned(),
        state: CoverageState::Complete,
        count: 0,
    }
}

#[track_caller]
fn verdict(world: &World, action: &str, on: &str) -> (Verdict, Answer) {
    let answer = world.ask(&ask(MIKA, action, on)).unwrap();
    (answer.verdict, answer)
}

/// A type, an action on it, where one of it is, what is inside of it, and where its policy stands.
type GuardedType = (&'static str, &'static str, String, &'static str, &'static str);

fn guarded_by_type() -> Vec<GuardedType> {
    let policy = "properties.Policy";
    let document = "properties.ResourcePolicy.PolicyDocument";
    let read = "runtime.Policy";
    let ours = |service: &str, rest: &str| arn(service, rest);
    let multi_region = format!("arn:aws:s3::{ACCOUNT}:accesspoint/m1a2b3.mrap");
    let text = "properties.RepositoryPolicyText";
    let permissions = "properties.PermissionsPolicyDocument";
    let secret = "properties.ResourcePolicy.ResourcePolicy";
    let kinesis = ("AWS::Kinesis::Stream", "kinesis:PutRecord", ours("kinesis", "stream/clicks"));
    let reader = "codeartifact:ReadFromRepository";
    let authority = ours("acm-pca", "certificate-authority/0a1b");
    let ship = "glacier:InitiateJob";
    let token = "codeartifact:GetAuthorizationToken";
    let (point, object) = ("AWS::S3::AccessPoint", "/object/2026.csv");
    let stream = "table/orders/stream/2026-11-22T00:00:00.000";
    let package = "repository/tools/npm";
    let session = "s3express:CreateSession";
    let layer = ours("lambda", "layer:telemetry:1");
    vec![
        (point, "s3:GetObject", ours("s3", "accesspoint/reports"), object, policy),
        ("AWS::S3::MultiRegionAccessPoint", "s3:GetObject", multi_region, object, read),
        ("AWS::S3Express::DirectoryBucket", session, ours("s3express", "bucket/a--x-s3"), "", read),
        (
            "AWS::S3::Bucket",
            "s3:GetObject",
            "arn:aws:s3:::reports".to_owned(),
            "/2026.csv",
            "properties.BucketPolicy.PolicyDocument",
        ),
        (
            "AWS::SQS::Queue",
            "sqs:SendMessage",
            ours("sqs", "orders"),
            "",
            "properties.QueuePolicy.PolicyDocument",
        ),
        (
            "AWS::SNS::Topic",
            "sns:Publish",
            ours("sns", "orders"),
            "",
            "properties.TopicPolicy.PolicyDocument",
        ),
        ("AWS::KMS::Key", "kms:Decrypt", ours("kms", "key/0a1b"), "", "properties.KeyPolicy"),
        ("AWS::ECR::Repository", "ecr:BatchGetImage", ours("ecr", "repository/a/b"), "", text),
        (
            "AWS::Lambda::Function",
            "lambda:InvokeFunction",
            ours("lambda", "function:a"),
            ":2",
            read,
        ),
        ("AWS::Lambda::LayerVersion", "lambda:GetLayerVersion", layer, "", read),
        (
            "AWS::SecretsManager::Secret",
            "secretsmanager:GetSecretValue",
            ours("secretsmanager", "secret:token-a1b2c3"),
            "",
            secret,
        ),
        (
            "AWS::EFS::FileSystem",
            "elasticfilesystem:ClientMount",
            ours("elasticfilesystem", "file-system/fs-0a1b"),
            "",
            "properties.FileSystemPolicy",
        ),
        (
            "AWS::Backup::BackupVault",
            "backup:CopyIntoBackupVault",
            ours("backup", "backup-vault:daily"),
            "",
            "properties.AccessPolicy",
        ),
        (
            "AWS::DynamoDB::Table",
            "dynamodb:Query",
            ours("dynamodb", "table/orders"),
            "/index/by-day",
            document,
        ),
        ("AWS::DynamoDB::Stream", "dynamodb:GetRecords", ours("dynamodb", stream), "", read),
        (kinesis.0, kinesis.1, kinesis.2, "", secret),
        (
            "AWS::Events::EventBus",
            "events:PutEvents",
            ours("events", "event-bus/default"),
            "",
            policy,
        ),
        (
            "AWS::OpenSearchService::Domain",
            "es:ESHttpGet",
            ours("es", "domain/logs"),
            "/_search",
            "properties.AccessPolicies",
        ),
        ("AWS::ACMPCA::CertificateAuthority", "acm-pca:IssueCertificate", authority, "", read),
        ("AWS::APS::Workspace", "aps:QueryMetrics", ours("aps", "workspace/ws-0a1b"), "", document),
        ("AWS::CodeArtifact::Domain", token, ours("codeartifact", "domain/tools"), "", permissions),
        ("AWS::CodeArtifact::Repository", reader, ours("codeartifact", package), "", permissions),
        ("AWS::SES::EmailIdentity", "ses:SendEmail", ours("ses", "identity/a.example"), "", read),
        (
            "Yagura::Glacier::Vault",
            ship,
            ours("glacier", "vaults/old"),
            "",
            "properties.AccessPolicy",
        ),
    ]
}

#[test]
fn every_guarded_type_lets_in_the_account_its_policy_names() {
    let mut asked_about = BTreeSet::from(["AWS::ApiGateway::RestApi", "AWS::Logs::ResourcePolicy"]);
    for (type_name, action, arn, inside, path) in guarded_by_type() {
        asked_about.insert(type_name);
        let policy = to_other(action, &format!("{arn}*"));
        let world = World::new(&[mika(), guarded(type_name, &arn, path, policy)], &[]);
        let target = format!("{arn}{inside}");
        let asked = ask("", action, &target);
        let outside = world.outsiders(&asked);
        let who: Vec<&str> = outside.iter().map(|one| one.principal.as_str()).collect();
        assert_eq!(who, [format!("arn:aws:iam::{OTHER}:root")], "{type_name}");
        let proof: Vec<_> =
            outside[0].answer.decision.statements.iter().map(|it| it.sid.as_deref()).collect();
        assert_eq!(proof, [Some("Other")], "{type_name}");
        let inside: Vec<&str> = world.who_can(&asked).into_iter().map(|(arn, _)| arn).collect();
        // Of a key nobody may anything unless the key's own policy says so.
        let own: &[&str] = if type_name == "AWS::KMS::Key" { &[] } else { &[MIKA] };
        assert_eq!(inside, own, "{type_name}");
        let elsewhere = target.replacen(&arn, &format!("{arn}2"), 1);
        assert_eq!(verdict(&world, action, &elsewhere).0, Verdict::Unknown, "{elsewhere}");
    }
    let guarded: BTreeSet<&str> = guarded_types().collect();
    assert_eq!(asked_about, guarded, "the other two have tests of their own");
}

#[test]
fn a_layer_is_shared_version_by_version_and_never_as_a_whole() {
    let version = |number: u8| arn("lambda", &format!("layer:telemetry:{number}"));
    let policy = to_other("lambda:GetLayerVersion", &version(1));
    let mut unshared =
        guarded("AWS::Lambda::LayerVersion", &version(2), "runtime.Policy", json!([]));
    unshared.runtime.clear();
    let shared = guarded("AWS::Lambda::LayerVersion", &version(1), "runtime.Policy", policy);
    let world = World::new(&[mika(), shared, unshared], &[]);
    let outside = |on: &str| world.outsiders(&ask("", "lambda:GetLayerVersion", on)).len();
    assert_eq!((outside(&version(1)), outside(&version(2))), (1, 0));
    // Publishing is asked of the layer, which has no policy that could be unknown.
    let whole = arn("lambda", "layer:telemetry");
    assert_eq!(verdict(&world, "lambda:PublishLayerVersion", &whole).0, Verdict::Allowed);
    assert_eq!(verdict(&world, "lambda:GetLayerVersion", &version(3)).0, Verdict::Unknown);
}

#[test]
fn streams_of_tables_are_not_under_the_policy_of_the_table() {
    let table = arn("dynamodb", "table/orders");
    let path = "properties.ResourcePolicy.PolicyDocument";
    let policy = to_other("dynamodb:*", "*");
    let world = World::new(&[mika(), guarded("AWS::DynamoDB::Table", &table, path, policy)], &[]);
    let stream = format!("{table}/stream/2026-11-22T00:00:00.000");
    assert!(world.outsiders(&ask("", "dynamodb:GetRecords", &stream)).is_empty());
    assert_eq!(verdict(&world, "dynamodb:GetRecords", &stream).0, Verdict::Unknown);
    assert_eq!(verdict(&world, "dynamodb:GetItem", &table).0, Verdict::Allowed);
}

#[test]
fn an_api_is_called_by_the_policy_that_names_its_stages_in_short() {
    let mut api = guarded(
        "AWS::ApiGateway::RestApi",
        "arn:aws:apigateway:us-east-1::/restapis/abc123",
        "properties.Policy",
        json!([
            {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke",
             "Resource": "execute-api:/*"},
            {"Sid": "NoAdmin", "Effect": "Deny", "Principal": "*", "Action": "execute-api:Invoke",
             "Resource": "execute-api:/prod/*/admin/*"}]),
    );
    "abc123".clone_into(&mut api.id);
    let world = World::new(&[mika(), api], &[whole("AWS::ApiGateway::RestApi")]);
    let call = |path: &str| arn("execute-api", &format!("abc123/prod/GET/{path}"));
    assert_eq!(verdict(&world, "execute-api:Invoke", &call("orders")).0, Verdict::Allowed);
    let (denied, answer) = verdict(&world, "execute-api:Invoke", &call("admin/users"));
    assert_eq!(denied, Verdict::Denied);
    assert_eq!(answer.decision.statements[0].sid.as_deref(), Some("NoAdmin"));
    let everybody = call("orders");
    let everybody = world.outsiders(&ask("", "execute-api:Invoke", &everybody));
    assert_eq!(everybody[0].principal, "*");
    // Another kind of API has no policy, which is known once all that may have one are listed.
    let http = arn("execute-api", "zzz999/prod/GET/orders");
    assert_eq!(verdict(&world, "execute-api:Invoke", &http).0, Verdict::Allowed);
    let blind = World::new(&[mika()], &[]);
    assert_eq!(verdict(&blind, "execute-api:Invoke", &http).0, Verdict::Unknown);
}

#[test]
fn policies_of_log_groups_count_together_and_keep_their_names() {
    let of = |name: &str, statements: Value| {
        let mut policy =
            guarded("AWS::Logs::ResourcePolicy", name, "properties.PolicyDocument", statements);
        policy.arn = None;
        policy
    };
    let group = arn("logs", "log-group:/app:log-stream:a");
    let policies = [
        mika(),
        of("first", to_other("logs:PutLogEvents", &arn("logs", "log-group:/dns*"))),
        of(
            "second",
            json!([
                {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "logs:CreateLogStream",
                 "Resource": "*"},
                {"Sid": "Never", "Effect": "Deny", "Principal": "*",
                 "Action": "logs:DeleteLogStream", "Resource": "*"}]),
        ),
    ];
    let world = World::new(&policies, &[whole("AWS::Logs::ResourcePolicy")]);
    let (denied, answer) = verdict(&world, "logs:DeleteLogStream", &group);
    assert_eq!(denied, Verdict::Denied);
    let statement = &answer.decision.statements[0];
    assert_eq!((statement.policy, statement.statement), (1, 1));
    assert_eq!(answer.policies[0].name, "second");
    let dns = arn("logs", "log-group:/dns:log-stream:a");
    assert_eq!(world.outsiders(&ask("", "logs:PutLogEvents", &dns)).len(), 1);
    assert!(world.outsiders(&ask("", "logs:PutLogEvents", &group)).is_empty());
    assert_eq!(verdict(&world, "logs:PutLogEvents", &group).0, Verdict::Allowed);
    let other = World::new(&[mika()], &[whole("AWS::Logs::ResourcePolicy")]);
    assert_eq!(verdict(&other, "logs:PutLogEvents", &group).0, Verdict::Allowed);
}

/// Roles that trust one another in a ring; the ring leads nowhere.
fn ring(length: usize) -> Vec<Resource> {
    let name = |at: usize| format!("arn:aws:iam::{ACCOUNT}:role/ring-{}", at % length);
    (0..length)
        .map(|at| {
            let trust = document(json!([{"Effect": "Allow", "Action": "sts:AssumeRole",
                "Principal": {"AWS": name(at + length - 1)}}]));
            let next = document(json!([{"Effect": "Allow", "Action": "sts:AssumeRole",
                "Resource": name(at + 1)}]));
            let mut role = resource(
                "AWS::IAM::Role",
                &format!("ring-{at}"),
                json!({"properties": {
                "AssumeRolePolicyDocument": trust, "ManagedPolicyArns": [],
                "Policies": [{"PolicyName": "next", "PolicyDocument": next}]}}),
            );
            role.key = name(at);
            role.arn = Some(name(at));
            role
        })
        .collect()
}

fn assuming() -> Vec<Escalation> {
    let needs = vec![Need { action: "sts:AssumeRole".to_owned(), on: NeedOn::Gained }];
    vec![Escalation { id: "assume".to_owned(), gains: Gain::Role, needs }]
}

#[test]
fn a_ring_of_trust_ends_and_leads_to_nobody() {
    let roles = ring(300);
    let world = World::new(&roles, &[]);
    let found = world.escalations(&assuming(), &roles, &Goal::Administrator);
    assert!(found.there.is_empty() && found.paths.is_empty());
    // With one of them at the goal, each has one way, and none is longer than the ring.
    let mut roles = ring(40);
    let all = document(json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}]));
    let policies = json!([{"PolicyName": "all", "PolicyDocument": all}]);
    roles[0].properties.insert("Policies".to_owned(), policies);
    let world = World::new(&roles, &[]);
    let found = world.escalations(&assuming(), &roles, &Goal::Administrator);
    assert_eq!((found.there.len(), found.paths.len()), (1, 39));
    let longest = found.paths.iter().map(|path| path.hops.len()).max();
    assert_eq!(longest, Some(39));
    let hops: usize = found.paths.iter().map(|path| path.hops.len()).sum();
    assert_eq!(hops, 39 * 40 / 2, "each takes the shortest way");
}

#[test]
fn ten_thousand_principals_are_asked_once_each() {
    let roles = ring(10_000);
    let world = World::new(&roles, &[]);
    let of_ring = format!("arn:aws:iam::{ACCOUNT}:role/ring-5000");
    let found = world.who_can(&ask("", "sts:AssumeRole", &of_ring));
    let who: Vec<&str> = found.iter().map(|(arn, _)| *arn).collect();
    assert_eq!(who, [format!("arn:aws:iam::{ACCOUNT}:role/ring-4999")]);
    assert_eq!(world.principals().count(), 10_000);
}
