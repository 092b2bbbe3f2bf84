//! Ways to power over a small account: open ones, closed ones, and those nobody can be sure of.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]
#![allow(clippy::needless_pass_by_value, reason = "the smallest input reads best as a literal")]

use iam_policy::Layer;
use serde_json::{Value, json};
use yagura_model::escalation::{Gain, Need, NeedOn};
use yagura_model::{Path, Relation, Resource, Unread, UnreadReason};

use super::*;

const ACCOUNT: &str = "444455556666";
const MIKA: &str = "arn:aws:iam::444455556666:user/mika";
const ADMIN: &str = "arn:aws:iam::444455556666:role/admin";
const WORKER: &str = "arn:aws:iam::444455556666:role/worker";
const LAMBDA: &str = "lambda.amazonaws.com";

fn resource(type_name: &str, key: &str, properties: Value) -> Resource {
    Resource {
        key: key.to_owned(),
        arn: Some(key.to_owned()),
        id: key.rsplit('/').next().unwrap().to_owned(),
        type_name: type_name.to_owned(),
        account: ACCOUNT.to_owned(),
        region: "global".to_owned(),
        properties: properties.as_object().unwrap().clone(),
        ..Resource::default()
    }
}

fn statement(action: Value, on: &str) -> Value {
    json!({"Effect": "Allow", "Action": action, "Resource": on})
}

fn user(statements: Value) -> Resource {
    let policy = json!({"Version": "2012-10-17", "Statement": statements});
    let policies = json!([{"PolicyName": "own", "PolicyDocument": policy}]);
    resource("AWS::IAM::User", MIKA, json!({"Policies": policies}))
}

fn role(arn: &str, trusts: Value, statements: Value) -> Resource {
    let policy = json!({"Version": "2012-10-17", "Statement": statements});
    let trust = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": trusts, "Action": "sts:AssumeRole"}]});
    let policies = json!([{"PolicyName": "own", "PolicyDocument": policy}]);
    let properties = json!({"Policies": policies, "AssumeRolePolicyDocument": trust});
    resource("AWS::IAM::Role", arn, properties)
}

fn admin(trusts: Value) -> Resource {
    role(ADMIN, trusts, json!([statement(json!("*"), "*")]))
}

fn way(id: &str, gains: Gain, needs: &[(&str, NeedOn)]) -> Escalation {
    let needs = needs.iter().map(|(action, on)| Need { action: (*action).to_owned(), on: *on });
    Escalation { id: id.to_owned(), gains, needs: needs.collect() }
}

fn ways() -> Vec<Escalation> {
    use NeedOn::{Anything, Gained, Oneself, OwnPolicy, Resource};
    vec![
        way("assume", Gain::Role, &[("sts:AssumeRole", Gained)]),
        way(
            "pass",
            Gain::RoleTrusting(LAMBDA.to_owned()),
            &[("iam:PassRole", Gained), ("lambda:CreateFunction", Anything)],
        ),
        way(
            "code",
            Gain::RoleOf("AWS::Lambda::Function".to_owned()),
            &[("lambda:UpdateFunctionCode", Resource)],
        ),
        way("set", Gain::PermissionSets, &[("sso:AttachManagedPolicyToPermissionSet", Anything)]),
        way("put", Gain::OneselfAsUser, &[("iam:PutUserPolicy", Oneself)]),
        way("version", Gain::OneselfAsUser, &[("iam:CreatePolicyVersion", OwnPolicy)]),
        way("join", Gain::Group, &[("iam:AddUserToGroup", Gained)]),
        way(
            "trust",
            Gain::Role,
            &[("iam:UpdateAssumeRolePolicy", Gained), ("sts:AssumeRole", Anything)],
        ),
    ]
}

fn find(resources: &[Resource]) -> Escalations {
    World::new(resources, &[]).escalations(&ways(), resources, &Goal::Administrator)
}

/// The ways of mika, as `escalation>whom`.
#[track_caller]
fn check(resources: &[Resource], expected: &[&str]) -> Option<EscalationPath> {
    let found = find(resources);
    let path = found.paths.into_iter().find(|path| path.from == MIKA);
    let told: Vec<String> = path
        .iter()
        .flat_map(|path| &path.hops)
        .map(|hop| match &hop.to {
            Reached::Principal(arn) | Reached::Group(arn) => {
                format!("{}>{}", hop.escalation, arn.rsplit('/').next().unwrap())
            }
            Reached::Strengthened(arn) | Reached::Unbounded(arn) if arn != MIKA => {
                format!("{}>{}", hop.escalation, arn.rsplit('/').next().unwrap())
            }
            _ => hop.escalation.clone(),
        })
        .collect();
    assert_eq!(told, expected);
    path
}

#[test]
fn a_role_handed_to_a_service_must_trust_it() {
    let may = user(json!([statement(json!(["iam:PassRole", "lambda:CreateFunction"]), "*")]));
    let trusting = admin(json!({"Service": LAMBDA}));
    let path = check(&[may.clone(), trusting.clone()], &["pass>admin"]).unwrap();
    assert_eq!(path.certainty(), Certainty::Certain);
    check(&[may, admin(json!({"Service": "ec2.amazonaws.com"}))], &[]);
    let half = user(json!([statement(json!("iam:PassRole"), "*")]));
    check(&[half, trusting], &[]);
}

#[test]
fn the_service_that_a_role_may_be_handed_to_is_known() {
    let only = |service: &str| {
        let mut pass = statement(json!("iam:PassRole"), "*");
        pass["Condition"] = json!({"StringEquals": {"iam:PassedToService": service}});
        user(json!([pass, statement(json!("lambda:CreateFunction"), "*")]))
    };
    let trusting = admin(json!({"Service": LAMBDA}));
    check(&[only(LAMBDA), trusting.clone()], &["pass>admin"]);
    check(&[only("ec2.amazonaws.com"), trusting], &[]);
}

#[test]
fn ways_go_over_others() {
    let may = user(json!([statement(json!("sts:AssumeRole"), WORKER)]));
    let pass = statement(json!(["iam:PassRole", "lambda:CreateFunction"]), "*");
    let worker = role(WORKER, json!({"AWS": ACCOUNT}), json!([pass]));
    let all = [may, worker, admin(json!({"Service": LAMBDA}))];
    let path = check(&all, &["assume>worker", "pass>admin"]).unwrap();
    let cut = World::new(&all, &[]).smallest_cut(&path).unwrap();
    assert_eq!((cut.hop, cut.action.as_str()), (0, "sts:AssumeRole"));
    let policy = cut.statements[0].0.as_ref().unwrap();
    assert_eq!((policy.name.as_str(), cut.statements[0].1), ("own", 0));
}

#[test]
fn what_a_trust_policy_gives_by_name_is_cut_there() {
    let may = user(json!([statement(json!("sts:AssumeRole"), "*")]));
    let all = [may, admin(json!({"AWS": MIKA}))];
    let path = check(&all, &["assume>admin"]).unwrap();
    let cut = World::new(&all, &[]).smallest_cut(&path).unwrap();
    let layers: Vec<Layer> =
        cut.statements.iter().flat_map(|(policy, _)| policy).map(|policy| policy.layer).collect();
    assert!(layers.contains(&Layer::Resource), "{cut:?}");
}

#[test]
fn a_role_that_trusts_a_user_by_name_needs_nothing_of_the_user() {
    let nothing = user(json!([statement(json!("ec2:DescribeInstances"), "*")]));
    check(&[nothing.clone(), admin(json!({"AWS": MIKA}))], &["assume>admin"]);
    check(&[nothing, admin(json!({"AWS": ACCOUNT}))], &[]);
}

#[test]
fn the_role_of_what_is_there_is_gained_by_changing_it() {
    let function = "arn:aws:lambda:ap-northeast-1:444455556666:function:nightly";
    let mut nightly = resource("AWS::Lambda::Function", function, json!({}));
    nightly.relations.push(Relation {
        name: "role".to_owned(),
        type_name: "AWS::IAM::Role".to_owned(),
        target: ADMIN.to_owned(),
    });
    let may = |on: &str| user(json!([statement(json!("lambda:UpdateFunctionCode"), on)]));
    let trusting = admin(json!({"Service": LAMBDA}));
    let path = check(&[may("*"), trusting.clone(), nightly.clone()], &["code>admin"]);
    assert_eq!(path.unwrap().hops[0].through.as_deref(), Some(function));
    check(&[may("arn:aws:lambda:*:*:function:other"), trusting, nightly], &[]);
}

#[test]
fn whoever_may_change_its_own_policies_is_an_administrator_within_its_boundary() {
    let may = user(json!([statement(json!("iam:PutUserPolicy"), MIKA)]));
    check(std::slice::from_ref(&may), &["put"]);
    let other = user(json!([statement(json!("iam:PutUserPolicy"), ADMIN)]));
    check(&[other], &[]);
    let boundary = "arn:aws:iam::444455556666:policy/boundary";
    let narrow = resource(
        "AWS::IAM::ManagedPolicy",
        boundary,
        json!({"PolicyDocument": {"Statement": statement(json!(["s3:*", "iam:Put*"]), "*")}}),
    );
    let mut bounded = may;
    bounded.properties.insert("PermissionsBoundary".to_owned(), boundary.into());
    check(&[bounded, narrow], &[]);
}

#[test]
fn a_policy_of_ones_own_can_be_written_anew_and_one_of_aws_cannot() {
    let arn = "arn:aws:iam::444455556666:policy/team";
    let team = resource(
        "AWS::IAM::ManagedPolicy",
        arn,
        json!({"PolicyDocument": {"Statement": statement(json!("iam:CreatePolicyVersion"), "*")}}),
    );
    let mut member = user(json!([]));
    member.properties.insert("ManagedPolicyArns".to_owned(), json!([arn]));
    check(&[member.clone(), team], &["version"]);
    let aws = "arn:aws:iam::aws:policy/IAMFullVersions";
    let mut theirs = resource(
        "Yagura::IAM::AwsManagedPolicy",
        aws,
        json!({"PolicyDocument": {"Statement": statement(json!("iam:CreatePolicyVersion"), "*")}}),
    );
    theirs.id = aws.to_owned();
    member.properties.insert("ManagedPolicyArns".to_owned(), json!([aws]));
    check(&[member, theirs], &[]);
}

#[test]
fn a_group_is_worth_joining_for_what_it_gives() {
    let group = |statements: Value| {
        let policy = json!({"Version": "2012-10-17", "Statement": statements});
        let policies = json!([{"PolicyName": "all", "PolicyDocument": policy}]);
        let arn = "arn:aws:iam::444455556666:group/admins";
        resource("AWS::IAM::Group", arn, json!({"Policies": policies}))
    };
    let may = user(json!([statement(json!("iam:AddUserToGroup"), "*")]));
    check(&[may.clone(), group(json!([statement(json!("*"), "*")]))], &["join>admins"]);
    check(&[may, group(json!([statement(json!("s3:*"), "*")]))], &[]);
}

#[test]
fn a_trust_policy_that_one_may_write_is_a_way_to_the_role() {
    let may = statement(json!(["iam:UpdateAssumeRolePolicy", "sts:AssumeRole"]), "*");
    check(&[user(json!([may])), admin(json!({"Service": LAMBDA}))], &["trust>admin"]);
}

#[test]
fn a_denial_closes_and_a_condition_leaves_it_open() {
    let pass = || statement(json!(["iam:PassRole", "lambda:CreateFunction"]), "*");
    let deny = json!({"Effect": "Deny", "Action": "iam:PassRole", "Resource": ADMIN});
    let trusting = admin(json!({"Service": LAMBDA}));
    check(&[user(json!([pass(), deny])), trusting.clone()], &[]);
    let mut with_mfa = pass();
    with_mfa["Condition"] = json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}});
    let path = check(&[user(json!([with_mfa])), trusting], &["pass>admin"]).unwrap();
    assert_eq!(path.certainty(), Certainty::Conditional);
    let remaining = &path.hops[0].proofs[0].answer.decision.remaining;
    assert_eq!(remaining[0].key, "aws:MultiFactorAuthPresent");
}

#[test]
fn what_was_not_read_is_neither_a_way_nor_none() {
    let mut blind = user(json!([statement(json!("lambda:CreateFunction"), "*")]));
    let path: Path = "properties.ManagedPolicyArns".parse().unwrap();
    blind.unread.push(Unread::of(path, UnreadReason::Denied));
    let found = find(&[blind, admin(json!({"Service": LAMBDA}))]);
    assert_eq!(
        found.there,
        [(ADMIN.to_owned(), Certainty::Certain), (MIKA.to_owned(), Certainty::Unknown)]
    );
}

#[test]
fn a_crown_jewel_can_be_the_goal() {
    let object = "arn:aws:s3:::payroll/2026.csv";
    let bucket = resource("AWS::S3::Bucket", "arn:aws:s3:::payroll", json!({}));
    let reader = role(WORKER, json!({"AWS": MIKA}), json!([statement(json!("s3:Get*"), "*")]));
    let resources = [user(json!([])), reader, bucket];
    let world = World::new(&resources, &[]);
    let goal = Goal::Doing(of_action("s3:GetObject", object));
    let found = world.escalations(&ways(), &resources, &goal);
    assert_eq!(found.there, [(WORKER.to_owned(), Certainty::Certain)]);
    assert_eq!(found.paths[0].hops[0].escalation, "assume");
}

#[test]
fn roles_that_trust_each_other_end() {
    let may = json!([statement(json!("sts:AssumeRole"), "*")]);
    let one = role(WORKER, json!({"AWS": ACCOUNT}), may.clone());
    let other = "arn:aws:iam::444455556666:role/other";
    let two = role(other, json!({"AWS": ACCOUNT}), may.clone());
    check(&[user(may), one, two], &[]);
}

#[test]
fn permission_sets_are_managed_from_the_management_account_only() {
    let may = user(json!([statement(json!("sso:*"), "*")]));
    let organization = |management: &str| {
        let mut organization = resource("AWS::Organizations::Organization", "o-example", json!({}));
        organization.runtime.insert("ManagementAccountId".to_owned(), management.into());
        organization
    };
    check(&[may.clone(), organization(ACCOUNT)], &["set"]);
    check(&[may, organization("111122223333")], &[]);
}
