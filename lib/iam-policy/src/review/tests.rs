//! Each remark on the smallest policy that earns it, and on the nearest one that does not.

#![allow(clippy::needless_pass_by_value, reason = "the smallest input reads best as a literal")]

use serde_json::{Value, json};

use super::*;

struct Few;

impl KnownActions for Few {
    fn of_service(&self, service: &str) -> Vec<&str> {
        match service {
            "s3" => vec!["GetObject", "PutObject", "GetBucketPolicy"],
            "iam" => vec!["PassRole", "CreateUser"],
            _ => Vec::new(),
        }
    }
}

#[track_caller]
fn check(kind: PolicyKind, statement: Value, codes: &[&str]) {
    let text = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
    let found = review(&text, kind, Some(&Few));
    let found: Vec<&str> = found.iter().map(|remark| remark.kind.code()).collect();
    assert_eq!(found, codes, "{text}");
}

fn allow(action: &str, resource: &str) -> Value {
    json!({"Effect": "Allow", "Action": action, "Resource": resource})
}

fn with(mut statement: Value, element: &str, value: Value) -> Value {
    statement[element] = value;
    statement
}

#[test]
fn a_narrow_statement_earns_nothing() {
    check(PolicyKind::Identity, allow("s3:GetObject", "arn:aws:s3:::reports/*"), &[]);
    let named = json!({"AWS": "arn:aws:iam::111122223333:role/reader"});
    let statement = with(allow("s3:GetObject", "arn:aws:s3:::reports/*"), "Principal", named);
    check(PolicyKind::Resource, statement, &[]);
}

#[test]
fn everything_and_almost_everything_is_told() {
    check(PolicyKind::Identity, allow("*", "*"), &["everything_allowed"]);
    check(PolicyKind::ServiceControl, allow("*", "*"), &[]);
    let but = json!({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"});
    check(PolicyKind::Identity, but.clone(), &["all_but_some_actions"]);
    check(PolicyKind::Identity, with(but, "Effect", json!("Deny")), &[]);
}

#[test]
fn any_role_to_any_service_is_told() {
    check(PolicyKind::Identity, allow("iam:PassRole", "*"), &["pass_role_anywhere"]);
    check(PolicyKind::Identity, allow("iam:Pass*", "*"), &["pass_role_anywhere"]);
    check(PolicyKind::Identity, allow("iam:PassRole", "arn:aws:iam::1:role/app"), &[]);
    let limit = json!({"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}});
    check(PolicyKind::Identity, with(allow("iam:PassRole", "*"), "Condition", limit), &[]);
}

#[test]
fn everybody_is_told_unless_a_condition_says_who() {
    let open = with(allow("s3:GetObject", "arn:aws:s3:::a/*"), "Principal", json!("*"));
    check(PolicyKind::Resource, open.clone(), &["everybody"]);
    let mine = json!({"StringEquals": {"aws:PrincipalOrgID": "o-example"}});
    check(PolicyKind::Resource, with(open.clone(), "Condition", mine), &[]);
    let not = json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-example"}});
    check(PolicyKind::Resource, with(open.clone(), "Condition", not), &["everybody"]);
    check(PolicyKind::Resource, with(open, "Effect", json!("Deny")), &[]);
    let but = json!({"Effect": "Allow", "NotPrincipal": {"AWS": "111122223333"},
        "Action": "s3:GetObject", "Resource": "*"});
    check(PolicyKind::Resource, but, &["all_but_some_principals"]);
}

#[test]
fn a_service_that_acts_for_anybody_is_told() {
    let service = json!({"Service": "sns.amazonaws.com"});
    let open = with(allow("s3:PutObject", "arn:aws:s3:::a/*"), "Principal", service);
    check(PolicyKind::Resource, open.clone(), &["service_for_anybody"]);
    let mine = json!({"StringEquals": {"aws:SourceAccount": "111122223333"}});
    check(PolicyKind::Resource, with(open, "Condition", mine), &[]);
    let trust = json!({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"},
        "Action": "sts:AssumeRole"});
    let text = json!({"Version": "2012-10-17", "Statement": trust}).to_string();
    assert_eq!(review(&text, PolicyKind::Trust, None), []);
}

#[test]
fn conditions_that_let_in_more_than_they_say_are_told() {
    let all = json!({"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}});
    let statement = with(allow("s3:PutObject", "*"), "Condition", all.clone());
    check(PolicyKind::Identity, statement, &["for_all_values_without_key"]);
    let mut there = all;
    there["Null"] = json!({"aws:TagKeys": "false"});
    check(PolicyKind::Identity, with(allow("s3:PutObject", "*"), "Condition", there), &[]);
    let mfa = |operator: &str| {
        let condition = json!({operator: {"aws:MultiFactorAuthPresent": "true"}});
        with(allow("s3:PutObject", "*"), "Condition", condition)
    };
    check(PolicyKind::Identity, mfa("BoolIfExists"), &["mfa_if_exists"]);
    check(PolicyKind::Identity, mfa("Bool"), &[]);
    let from = |address: &str| {
        let condition = json!({"IpAddress": {"aws:SourceIp": address}});
        with(allow("s3:PutObject", "*"), "Condition", condition)
    };
    check(PolicyKind::Identity, from("10.0.0.0/8"), &["private_source_address"]);
    check(PolicyKind::Identity, from("198.51.100.0/24"), &[]);
}

#[test]
fn elements_in_the_wrong_kind_of_policy_are_told() {
    let named = with(allow("s3:GetObject", "*"), "Principal", json!({"AWS": "111122223333"}));
    check(PolicyKind::Identity, named, &["principal_not_allowed"]);
    check(PolicyKind::Resource, allow("s3:GetObject", "*"), &["principal_missing"]);
    let nowhere = json!({"Effect": "Allow", "Action": "s3:GetObject"});
    check(PolicyKind::Identity, nowhere, &["resource_missing"]);
    check(PolicyKind::Identity, allow("s4:GetObject", "*"), &["action_unknown"]);
    check(PolicyKind::Identity, allow("s3:Fetch*", "*"), &["action_unknown"]);
    check(PolicyKind::Identity, allow("s3:get*", "*"), &[]);
}

#[test]
fn what_could_be_said_more_plainly_is_told_last() {
    let statement = json!({"Effect": "Allow", "Action": ["s3:GetObject", "s3:Get*", "s4:X"],
        "Resource": "*"});
    check(PolicyKind::Identity, statement, &["action_unknown", "action_covered"]);
    let old = json!({"Statement": [
        {"Sid": "A", "Effect": "Allow", "Action": "s3:GetObject",
         "Resource": "arn:aws:s3:::home/${aws:username}/*"},
        {"Sid": "A", "Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"}]});
    let found = review(&old.to_string(), PolicyKind::Identity, None);
    let codes: Vec<&str> = found.iter().map(|remark| remark.kind.code()).collect();
    assert_eq!(codes, ["variable_under_old_version", "version_missing", "sid_twice"]);
}

#[test]
fn a_policy_that_is_none_or_too_long_is_told() {
    let found = review("{\"Statement\": 1", PolicyKind::Identity, None);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].kind, RemarkKind::NotAPolicy);
    let long = "x".repeat(6_200);
    check(
        PolicyKind::Identity,
        allow("s3:GetObject", &format!("arn:aws:s3:::{long}")),
        &["too_long"],
    );
}
