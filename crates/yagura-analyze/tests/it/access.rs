//! Questions over inventories: resources of every guarded type, and inventories that are large or
//! run in circles. Single decisions are proved in `iam-policy`.

use serde_json::{Value, json};
use yagura_analyze::access::escalation::Goal;
use yagura_analyze::access::{Answer, Ask, Verdict, World};
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

/// A resource with a policy at a path of its properties.
fn guarded(type_name: &str, arn: &str, path: &[&str], statements: Value) -> Resource {
    let id = arn.rsplit(['/', ':']).next().unwrap();
    let value = path.iter().rev().fold(document(statements), |value, key| json!({ (*key): value }));
    let mut made = resource(type_name, id, json!({"properties": value}));
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

#[test]
fn every_guarded_type_lets_in_the_account_its_policy_names() {
    for (type_name, action, arn, inside, path) in [
        (
            "AWS::S3::AccessPoint",
            "s3:GetObject",
            arn("s3", "accesspoint/reports"),
            "/object/2026.csv",
            vec!["Policy"],
        ),
        (
            "AWS::DynamoDB::Table",
            "dynamodb:Query",
            arn("dynamodb", "table/orders"),
            "/index/by-day",
            vec!["ResourcePolicy", "PolicyDocument"],
        ),
        (
            "AWS::Kinesis::Stream",
            "kinesis:PutRecord",
            arn("kinesis", "stream/clicks"),
            "",
            vec!["ResourcePolicy", "ResourcePolicy"],
        ),
        (
            "AWS::Events::EventBus",
            "events:PutEvents",
            arn("events", "event-bus/default"),
            "",
            vec!["Policy"],
        ),
        (
            "AWS::OpenSearchService::Domain",
            "es:ESHttpGet",
            arn("es", "domain/logs"),
            "/_search",
            vec!["AccessPolicies"],
        ),
    ] {
        let policy = to_other(action, &format!("{arn}*"));
        let world = World::new(&[mika(), guarded(type_name, &arn, &path, policy)], &[]);
        let target = format!("{arn}{inside}");
        let asked = ask("", action, &target);
        let outside = world.outsiders(&asked);
        let who: Vec<&str> = outside.iter().map(|one| one.principal.as_str()).collect();
        assert_eq!(who, [format!("arn:aws:iam::{OTHER}:root")], "{type_name}");
        let proof: Vec<_> =
            outside[0].answer.decision.statements.iter().map(|it| it.sid.as_deref()).collect();
        assert_eq!(proof, [Some("Other")], "{type_name}");
        let inside: Vec<&str> = world.who_can(&asked).into_iter().map(|(arn, _)| arn).collect();
        assert_eq!(inside, [MIKA], "{type_name}");
        let elsewhere = target.replacen(&arn, &format!("{arn}2"), 1);
        assert_eq!(verdict(&world, action, &elsewhere).0, Verdict::Unknown, "{elsewhere}");
    }
}

#[test]
fn streams_of_tables_are_not_under_the_policy_of_the_table() {
    let table = arn("dynamodb", "table/orders");
    let path = ["ResourcePolicy", "PolicyDocument"];
    let policy = to_other("dynamodb:*", "*");
    let world = World::new(&[mika(), guarded("AWS::DynamoDB::Table", &table, &path, policy)], &[]);
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
        &["Policy"],
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
            guarded("AWS::Logs::ResourcePolicy", name, &["PolicyDocument"], statements);
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
