//! Conditions that keep outsiders out, and their nearest kin that do not.

#![allow(clippy::needless_pass_by_value, reason = "the smallest input reads best as a literal")]

use serde_json::{Value, json};

use super::*;
use crate::policy::Policy;

fn policy(statements: Value) -> Policy {
    Policy::parse(&json!({"Statement": statements}).to_string()).unwrap()
}

fn statement(effect: &str, condition: Value) -> Value {
    json!({"Effect": effect, "Principal": "*", "Action": "*", "Resource": "*",
        "Condition": condition})
}

#[track_caller]
fn check(outsider: Outsider<'_>, effect: &str, condition: Value, expected: Truth) {
    let policy = policy(statement(effect, condition.clone()));
    let found = policy.statements[0].conditions_met_by(&outsider);
    assert_eq!(found, expected, "{outsider:?} {effect} {condition}");
}

#[test]
fn a_stranger_never_has_what_is_fixed() {
    for condition in [
        json!({"StringEquals": {"AWS:SourceOwner": "111122223333"}}),
        json!({"StringEquals": {"aws:PrincipalOrgID": ["o-aaaaaaaaaa"]}}),
        json!({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-a1/r-ab12/*"}}),
        json!({"ArnLike": {"aws:SourceArn": "arn:aws:cloudtrail:*:111122223333:trail/*"}}),
        json!({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::bucket"}}),
        json!({"StringLike": {"aws:userid": "AROAEXAMPLE:*"}}),
        json!({"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "2001:db8::/32"]}}),
        json!({"StringEquals": {"aws:SourceVpce": "vpce-1"}, "Null": {"x": "false"}}),
        json!({"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}}),
    ] {
        check(Outsider::Stranger, "Allow", condition, Truth::False);
    }
}

#[test]
fn a_stranger_can_have_what_is_left_open() {
    for condition in [
        json!({"StringLike": {"aws:SourceAccount": "*"}}),
        json!({"StringLike": {"aws:SourceAccount": ["111122223333", "*"]}}),
        json!({"StringEqualsIfExists": {"aws:SourceAccount": "111122223333"}}),
        json!({"ForAllValues:StringEquals": {"aws:PrincipalOrgPaths": "o-a/b"}}),
        json!({"StringLike": {"aws:PrincipalOrgPaths": "*/r-1"}}),
        json!({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}}),
        json!({"ArnLike": {"aws:SourceArn": "arn:aws:sns:us-east-1:*:topic"}}),
        json!({"ArnLike": {"aws:PrincipalArn": "*"}}),
        json!({"StringEquals": {"aws:SourceAccount": "${aws:PrincipalAccount}"}}),
        json!({"IpAddress": {"aws:SourceIp": "0.0.0.0/1"}}),
        json!({"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "::/0"]}}),
        json!({"Bool": {"aws:SecureTransport": "true"}}),
        json!({"StringEquals": {"aws:UserAgent": "secret"}}),
        json!({"StringLike": {"aws:Referer": "https://example.com/*"}}),
        json!({"Null": {"aws:SourceAccount": "false"}}),
        json!({"StringEquals": {"aws:SourceAccount": []}}),
        json!({"Bool": {"aws:PrincipalIsAWSService": "true"}}),
    ] {
        check(Outsider::Stranger, "Allow", condition, Truth::Depends);
    }
    for condition in [
        json!({}),
        json!({"StringNotEquals": {"aws:SourceAccount": "111122223333"}}),
        json!({"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}),
    ] {
        check(Outsider::Stranger, "Allow", condition, Truth::True);
    }
}

/// Whether a stranger still gets in, given a denial beside a statement for everybody.
fn is_open(deny: Value) -> bool {
    let allow = json!({"Effect": "Allow", "Principal": "*", "Action": ["s3:Get*", "s3:List*"],
        "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]});
    let policy = policy(json!([allow, deny]));
    policy.statements[0].admits(&Outsider::Stranger, &policy.statements)
}

fn deny(action: &str, resource: Value, condition: Value) -> Value {
    json!({"Effect": "Deny", "Principal": "*", "Action": action, "Resource": resource,
        "Condition": condition})
}

#[test]
fn a_denial_of_all_that_is_given_takes_it_back_from_strangers() {
    let own = json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-a1"}});
    let whole = json!(["arn:aws:s3:::b", "arn:aws:s3:::b/*"]);
    assert!(!is_open(deny("*", json!("*"), own.clone())));
    assert!(!is_open(deny("s3:*", json!("arn:aws:s3:*"), own.clone())));
    assert!(!is_open(deny("S3:*", whole.clone(), own)));
    assert!(!is_open(deny("s3:*", whole.clone(), json!({}))));
    let twice = json!({
        "StringNotEqualsIfExists": {"aws:SourceVpce": "vpce-1"},
        "NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"},
        "Bool": {"aws:PrincipalIsAWSService": "false"},
    });
    assert!(!is_open(deny("s3:*", whole, twice)));
}

#[test]
fn a_denial_that_leaves_a_part_or_somebody_takes_nothing_back() {
    let own = json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-a1"}});
    assert!(is_open(deny("s3:GetObject", json!("*"), own.clone())));
    assert!(is_open(deny("s3:*", json!("arn:aws:s3:::b"), own)));
    for condition in [
        json!({"Bool": {"aws:SecureTransport": "false"}}),
        json!({"StringNotLike": {"aws:PrincipalOrgID": "o-*"}}),
        json!({"ForAnyValue:StringNotEquals": {"aws:PrincipalOrgPaths": "o-a/r/"}}),
        json!({"NotIpAddress": {"aws:SourceIp": "0.0.0.0/0"}}),
        json!({"Null": {"aws:SourceVpce": "true"}}),
    ] {
        assert!(is_open(deny("*", json!("*"), condition.clone())), "{condition}");
    }
    assert!(is_open(json!({"Effect": "Deny", "Principal": {"AWS": "444455556666"}, "Action": "*",
        "Resource": "*"})));
    assert!(is_open(json!({"Effect": "Deny", "Principal": "*", "NotAction": "iam:*",
        "Resource": "*"})));
}

#[test]
fn somebody_of_an_account_has_that_account_and_not_our_organization() {
    let outsider = Outsider::OfAccount { account: "999988887777", not_in: Some("o-own") };
    let allow = |condition: Value, expected| check(outsider, "Allow", condition, expected);
    allow(json!({"StringEquals": {"aws:PrincipalAccount": "999988887777"}}), Truth::True);
    allow(json!({"StringEquals": {"aws:PrincipalAccount": "111122223333"}}), Truth::False);
    allow(json!({"StringEquals": {"aws:PrincipalOrgID": "o-own"}}), Truth::False);
    allow(json!({"StringEquals": {"aws:PrincipalOrgID": "o-foreign"}}), Truth::Depends);
    allow(json!({"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-own"}}), Truth::Depends);
    allow(json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::1:role/*"}}), Truth::False);
    allow(json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/x"}}), Truth::Depends);
    allow(json!({"StringEquals": {"sts:ExternalId": "a"}}), Truth::Depends);
    let perimeter = json!({"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-own"},
        "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}});
    check(outsider, "Deny", perimeter, Truth::True);
    let unknown = Outsider::OfAccount { account: "999988887777", not_in: None };
    let own = json!({"StringEquals": {"aws:PrincipalOrgID": "o-own"}});
    check(unknown, "Allow", own, Truth::Depends);
}

#[test]
fn an_account_that_a_denial_spares_is_not_kept_out() {
    let outsider = Outsider::OfAccount { account: "999988887777", not_in: None };
    let admitted = |deny: Value| {
        let allow = json!({"Effect": "Allow", "Principal": {"AWS": "999988887777"},
            "Action": "sqs:SendMessage", "Resource": "*"});
        let policy = policy(json!([allow, deny]));
        policy.statements[0].admits(&outsider, &policy.statements)
    };
    let but = |account: &str| {
        json!({"Effect": "Deny", "NotPrincipal": {"AWS": account}, "Action": "*",
            "Resource": "*"})
    };
    assert!(admitted(but("999988887777")));
    assert!(!admitted(but("111122223333")));
    let named = |principal: Value| {
        let principal = json!({"AWS": principal});
        json!({"Effect": "Deny", "Principal": principal, "Action": "*", "Resource": "*"})
    };
    assert!(!admitted(named(json!("999988887777"))));
    assert!(admitted(named(json!("arn:aws:iam::999988887777:role/one"))));
}

#[test]
fn a_service_says_for_whom_it_acts() {
    let service = Outsider::Service("sns.amazonaws.com");
    let check = |effect, condition: Value, expected| check(service, effect, condition, expected);
    check("Allow", json!({"StringEquals": {"aws:SourceAccount": "1"}}), Truth::False);
    check("Allow", json!({"StringEqualsIfExists": {"aws:SourceAccount": "1"}}), Truth::Depends);
    check("Allow", json!({"Bool": {"aws:SecureTransport": "true"}}), Truth::Depends);
    let arn = json!({"ArnLike": {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:a:1:*"}});
    check("Allow", arn, Truth::False);
    let guard = json!({"StringNotEquals": {"aws:SourceAccount": "1"},
        "Null": {"aws:SourceAccount": "false"}, "Bool": {"aws:PrincipalIsAWSService": true}});
    check("Deny", guard, Truth::True);
    // A service has no organization: who denies all others denies services too.
    check("Deny", json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}), Truth::True);
}

#[test]
fn a_token_for_a_stranger_lacks_a_fixed_subject() {
    let name = "token.actions.githubusercontent.com";
    let github = Outsider::Bearer(name);
    let subject = |value: &str| json!({"StringLike": {format!("{name}:sub"): value}});
    for open in ["repo:*", "repo:acme*", "*", "repo:acme*/app:*", "repo:*/app:*"] {
        check(github, "Allow", subject(open), Truth::Depends);
    }
    for fixed in ["repo:acme/*", "repo:acme/app:ref:refs/heads/main"] {
        check(github, "Allow", subject(fixed), Truth::False);
    }
    let audience = json!({"StringEquals": {format!("{name}:aud"): "sts.amazonaws.com"}});
    check(github, "Allow", audience, Truth::Depends);
    let pool = "cognito-identity.amazonaws.com";
    let own = json!({"StringEquals": {format!("{pool}:aud"): "us-east-1:pool"}});
    check(Outsider::Bearer(pool), "Allow", own, Truth::False);
}

#[test]
fn a_request_in_plain_text_may_have_anything_else() {
    let plain = Outsider::InPlainText;
    check(plain, "Deny", json!({"Bool": {"aws:SecureTransport": false}}), Truth::True);
    check(plain, "Deny", json!({"Bool": {"aws:SecureTransport": true}}), Truth::False);
    let two = json!({"Bool": {"aws:SecureTransport": "false"},
        "StringNotEquals": {"aws:PrincipalAccount": "111122223333"}});
    check(plain, "Deny", two, Truth::Depends);
}

#[test]
fn conditions_tell_whose_callers_must_be() {
    let policy = policy(statement(
        "Allow",
        json!({
            "StringEquals": {"aws:PrincipalOrgID": "o-1", "aws:SourceVpce": "vpce-1"},
            "ArnLike": {"aws:SourceArn": "arn:aws:sns:*:111122223333:*"},
            "StringEqualsIfExists": {"aws:SourceAccount": "999988887777"}}),
    ));
    let mut found = policy.statements[0].owners_named();
    found.sort_by_key(|owners| format!("{owners:?}"));
    let expected = [vec![Owner::Account("111122223333")], vec![Owner::Organization("o-1")]];
    assert_eq!(found, expected);
}
