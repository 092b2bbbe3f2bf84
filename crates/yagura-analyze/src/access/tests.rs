//! Questions over a small organization: one production account under one unit.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]
#![allow(clippy::needless_pass_by_value, reason = "the smallest input reads best as a literal")]

use iam_policy::{ContextValue, Layer};
use serde_json::{Value, json};
use yagura_model::{Coverage, CoverageState, Path, Resource, Unread, UnreadReason};

use super::*;

const ACCOUNT: &str = "444455556666";
const MIKA: &str = "arn:aws:iam::444455556666:user/mika";
const DEPLOY: &str = "arn:aws:iam::444455556666:role/ci/deploy";
const OBJECT: &str = "arn:aws:s3:::reports/2026.csv";

fn resource(type_name: &str, key: &str, id: &str, value: Value) -> Resource {
    let part = |name: &str| value[name].as_object().cloned().unwrap_or_default();
    Resource {
        key: key.to_owned(),
        arn: key.starts_with("arn:").then(|| key.to_owned()),
        id: id.to_owned(),
        type_name: type_name.to_owned(),
        account: ACCOUNT.to_owned(),
        region: "global".to_owned(),
        name: id.to_owned(),
        properties: part("properties"),
        runtime: part("runtime"),
        ..Resource::default()
    }
}

fn allow(action: &str, resource: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "Allow", "Effect": "Allow", "Action": action, "Resource": resource}]})
}

fn deny(action: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "Never", "Effect": "Deny", "Action": action, "Resource": "*"}]})
}

fn user(policies: Value, groups: Value) -> Resource {
    resource(
        "AWS::IAM::User",
        MIKA,
        "mika",
        json!({"properties": {
        "Policies": policies, "Groups": groups, "ManagedPolicyArns": []}}),
    )
}

fn inline(document: Value) -> Value {
    json!([{"PolicyName": "own", "PolicyDocument": document}])
}

fn bucket(policy: Value) -> Resource {
    resource(
        "AWS::S3::Bucket",
        "arn:aws:s3:::reports",
        "reports",
        json!({"properties": {
        "BucketPolicy": {"PolicyDocument": policy}}}),
    )
}

fn organization(policies: Vec<Resource>) -> Vec<Resource> {
    let mut all = vec![
        resource(
            "AWS::Organizations::Organization",
            "arn:aws:organizations::1:o",
            "o-example",
            json!({"runtime": {"ManagementAccountId": "111122223333"}}),
        ),
        resource(
            "Yagura::Organizations::Root",
            "arn:aws:organizations::1:r",
            "r-ab12",
            json!({"runtime": {"EnabledPolicyTypes": ["SERVICE_CONTROL_POLICY"]}}),
        ),
        resource(
            "AWS::Organizations::OrganizationalUnit",
            "arn:aws:organizations::1:ou",
            "ou-prod",
            json!({"properties": {"ParentId": "r-ab12"}}),
        ),
        resource(
            "AWS::Organizations::Account",
            "arn:aws:organizations::1:a",
            ACCOUNT,
            json!({"properties": {"ParentIds": ["ou-prod"]}}),
        ),
    ];
    all.extend(policies);
    all
}

fn scp(id: &str, content: Value, targets: &[&str]) -> Resource {
    resource(
        "AWS::Organizations::Policy",
        &format!("arn:aws:organizations::1:{id}"),
        id,
        json!({"properties": {
            "Type": "SERVICE_CONTROL_POLICY", "Content": content, "TargetIds": targets}}),
    )
}

fn full_access() -> Resource {
    scp("p-FullAWSAccess", allow("*", "*"), &["r-ab12", "ou-prod", ACCOUNT])
}

fn denied(path: &str) -> Unread {
    Unread::of(path.parse::<Path>().unwrap(), UnreadReason::Denied)
}

fn ask<'a>(principal: &'a str, action: &'a str, resource: &'a str) -> Ask<'a> {
    Ask { principal, action, resource, resource_account: None, context: Vec::new() }
}

#[track_caller]
fn check(resources: &[Resource], ask: Ask<'_>, wanted: Verdict) -> Answer {
    let answer = World::new(resources, &[]).ask(&ask).unwrap();
    assert_eq!(answer.verdict, wanted, "{answer:?}");
    answer
}

#[test]
fn a_user_may_do_what_its_own_policy_says() {
    let world =
        [user(inline(allow("s3:Get*", "arn:aws:s3:::reports/*")), json!([])), bucket(Value::Null)];
    let answer = check(&world, ask(MIKA, "s3:GetObject", OBJECT), Verdict::Allowed);
    assert_eq!(answer.policies[0].name, "own");
    check(&world, ask(MIKA, "s3:PutObject", OBJECT), Verdict::Denied);
}

#[test]
fn groups_and_managed_policies_count() {
    let group = resource(
        "AWS::IAM::Group",
        "arn:aws:iam::444455556666:group/admins",
        "admins",
        json!({"properties": {"Policies": [], "ManagedPolicyArns": [
            "arn:aws:iam::aws:policy/ReadOnlyAccess"]}}),
    );
    let managed = resource(
        "Yagura::IAM::AwsManagedPolicy",
        "444455556666/global/x",
        "arn:aws:iam::aws:policy/ReadOnlyAccess",
        json!({"properties": {"PolicyDocument": allow("ec2:Describe*", "*")}}),
    );
    let world = [user(json!([]), json!(["admins"])), group.clone(), managed];
    check(&world, ask(MIKA, "ec2:DescribeInstances", "*"), Verdict::Allowed);
    let without = [user(json!([]), json!(["admins"])), group];
    let answer = check(&without, ask(MIKA, "ec2:DescribeInstances", "*"), Verdict::Unknown);
    assert_eq!(answer.missing[0].of, "arn:aws:iam::aws:policy/ReadOnlyAccess");
}

#[test]
fn a_session_is_its_role_whatever_the_path() {
    let role = resource(
        "AWS::IAM::Role",
        DEPLOY,
        "deploy",
        json!({"properties": {
        "Policies": inline(allow("ec2:*", "*")), "ManagedPolicyArns": []}}),
    );
    let session = "arn:aws:sts::444455556666:assumed-role/deploy/build-7";
    check(&[role], ask(session, "ec2:RunInstances", "*"), Verdict::Allowed);
    let nobody = World::new(&[], &[]).ask(&ask(session, "ec2:RunInstances", "*"));
    assert_eq!(nobody.unwrap_err(), AskError::UnknownPrincipal(session.to_owned()));
}

#[test]
fn control_policies_of_each_level_count() {
    let mut world = organization(vec![
        full_access(),
        scp("p-trail", deny("cloudtrail:StopLogging"), &["ou-prod"]),
    ]);
    world.push(user(inline(allow("*", "*")), json!([])));
    check(&world, ask(MIKA, "ec2:RunInstances", "*"), Verdict::Allowed);
    let answer = check(&world, ask(MIKA, "cloudtrail:StopLogging", "*"), Verdict::Denied);
    assert_eq!(answer.decision.blocked_by, [Layer::Scp]);
    assert_eq!(answer.policies[0].name, "p-trail");
    assert_eq!(answer.policies[0].level.as_deref(), Some("ou-prod"));
}

#[test]
fn what_was_not_read_is_unknown_unless_it_is_no_anyway() {
    let mut blind = user(inline(deny("s3:Delete*")), json!([]));
    blind.unread.push(denied("properties.ManagedPolicyArns"));
    let world = [blind, bucket(Value::Null)];
    let answer = check(&world, ask(MIKA, "s3:GetObject", OBJECT), Verdict::Unknown);
    assert_eq!(answer.missing[0].unread.reason, UnreadReason::Denied);
    check(&world, ask(MIKA, "s3:DeleteObject", OBJECT), Verdict::Denied);
    let narrow = scp("p-narrow", allow("ec2:*", "*"), &["r-ab12", "ou-prod", ACCOUNT]);
    let mut bounded = organization(vec![narrow]);
    bounded.extend(world);
    check(&bounded, ask(MIKA, "s3:GetObject", OBJECT), Verdict::Denied);
}

#[test]
fn a_resource_that_was_not_seen_may_say_no_itself() {
    let world = [user(inline(allow("*", "*")), json!([]))];
    check(&world, ask(MIKA, "s3:GetObject", OBJECT), Verdict::Unknown);
    check(&world, ask(MIKA, "ec2:RunInstances", "*"), Verdict::Allowed);
}

#[test]
fn control_policies_that_could_not_be_listed_leave_it_open() {
    let coverage = [Coverage {
        account: "111122223333".to_owned(),
        region: "global".to_owned(),
        type_name: "AWS::Organizations::Policy".to_owned(),
        state: CoverageState::Unread(denied("")),
        count: 0,
    }];
    let mut world = organization(vec![full_access()]);
    world.push(user(inline(allow("*", "*")), json!([])));
    let answer = World::new(&world, &coverage).ask(&ask(MIKA, "ec2:RunInstances", "*")).unwrap();
    assert_eq!(answer.verdict, Verdict::Unknown);
}

#[test]
fn conditions_that_nobody_can_know_are_left() {
    let policy = json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": "s3:*", "Resource": "*",
        "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}});
    let world = [user(inline(policy), json!([])), bucket(Value::Null)];
    let answer = check(&world, ask(MIKA, "s3:GetObject", OBJECT), Verdict::Depends);
    assert_eq!(answer.decision.remaining[0].key, "aws:MultiFactorAuthPresent");
    let known =
        vec![("aws:MultiFactorAuthPresent".to_owned(), ContextValue::One("true".to_owned()))];
    let told = Ask { context: known, ..ask(MIKA, "s3:GetObject", OBJECT) };
    check(&world, told, Verdict::Allowed);
}

#[test]
fn the_organization_of_the_caller_is_known() {
    let policy = |organization: &str| {
        json!({"Version": "2012-10-17", "Statement": {
            "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*",
            "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": organization}}}})
    };
    let world = |organization_id: &str| {
        let mut world = organization(vec![full_access()]);
        world.push(user(inline(allow("*", "*")), json!([])));
        world.push(bucket(policy(organization_id)));
        world
    };
    check(&world("o-example"), ask(MIKA, "s3:GetObject", OBJECT), Verdict::Allowed);
    check(&world("o-other"), ask(MIKA, "s3:GetObject", OBJECT), Verdict::Denied);
}

#[test]
fn a_trust_policy_speaks_of_becoming_the_role_only() {
    let trust = json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"},
        "Action": "sts:AssumeRole"}});
    let role = resource(
        "AWS::IAM::Role",
        DEPLOY,
        "deploy",
        json!({"properties": {
        "Policies": [], "ManagedPolicyArns": [], "AssumeRolePolicyDocument": trust}}),
    );
    let world = [user(inline(allow("*", "*")), json!([])), role];
    check(&world, ask(MIKA, "sts:AssumeRole", DEPLOY), Verdict::Denied);
    check(&world, ask(MIKA, "iam:PassRole", DEPLOY), Verdict::Allowed);
}

#[test]
fn everybody_who_may_is_named_and_outsiders_too() {
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::reports/*",
         "Principal": {"AWS": ["arn:aws:iam::999988887777:root", ACCOUNT],
                       "Service": "cloudfront.amazonaws.com"}},
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*", "Principal": "*"}]});
    let role = resource(
        "AWS::IAM::Role",
        DEPLOY,
        "deploy",
        json!({"properties": {
        "Policies": [], "ManagedPolicyArns": []}}),
    );
    let world =
        World::new(&[user(inline(allow("s3:*", "*")), json!([])), role, bucket(policy)], &[]);
    let asked = ask("", "s3:GetObject", OBJECT);
    let inside: Vec<&str> = world.who_can(&asked).into_iter().map(|(arn, _)| arn).collect();
    assert_eq!(inside, [MIKA]);
    let outside: Vec<String> =
        world.outsiders(&asked).into_iter().map(|outsider| outsider.principal).collect();
    assert_eq!(outside, ["arn:aws:iam::999988887777:root", "cloudfront.amazonaws.com"]);
    let listing = ask("", "s3:ListBucket", "arn:aws:s3:::reports");
    let outside = world.outsiders(&listing);
    assert_eq!(outside[0].principal, "*");
}
