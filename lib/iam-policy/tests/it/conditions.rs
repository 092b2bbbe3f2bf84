//! Every operator, every qualifier, missing keys and variables (IAM User Guide, "Condition
//! operators", "Multivalued context keys", "Variables and tags").

use iam_policy::Outcome;
use serde_json::{Value, json};

use crate::case::*;

fn holds(condition: Value, context: Value) -> bool {
    let policy = statement(json!({
        "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}));
    let asked = case(USER).identity(policy).with("context", context);
    asked.outcome() == Outcome::Allowed
}

/// An operator over one value, for one value of the request.
fn check(operator: &str, wanted: &str, found: &str) -> bool {
    holds(json!({operator: {"app:Key": wanted}}), json!({"app:key": found}))
}

#[test]
fn texts_compare() {
    assert!(check("StringEquals", "a*", "a*"));
    assert!(!check("StringEquals", "a*", "ab"));
    assert!(!check("StringEquals", "a", "A"));
    assert!(check("stringequals", "a", "a"), "operators are written in any case");
    assert!(check("StringNotEquals", "a", "b"));
    assert!(!check("StringNotEquals", "a", "a"));
    assert!(check("StringEqualsIgnoreCase", "Ab", "aB"));
    assert!(!check("StringNotEqualsIgnoreCase", "Ab", "aB"));
    assert!(check("StringLike", "a?c*", "abcd"));
    assert!(!check("StringLike", "a?c*", "ABCD"));
    assert!(check("StringNotLike", "a*", "b"));
}

#[test]
fn numbers_and_dates_compare_by_size() {
    assert!(check("NumericEquals", "10", "10.0"));
    assert!(check("NumericNotEquals", "10", "11"));
    assert!(check("NumericLessThan", "10", "9"));
    assert!(!check("NumericLessThan", "10", "10"));
    assert!(check("NumericLessThanEquals", "10", "10"));
    assert!(check("NumericGreaterThan", "9", "10"));
    assert!(check("NumericGreaterThanEquals", "10", "10"));
    assert!(!check("NumericLessThan", "10", "many"));
    assert!(check("DateLessThan", "2026-11-21T00:00:00Z", "2026-11-20T23:59:59Z"));
    assert!(check("DateGreaterThan", "2026-11-21", "2026-11-21T09:00:00+08:00"));
    assert!(check("DateEquals", "1700000000", "2023-11-14T22:13:20Z"));
    assert!(check("DateGreaterThanEquals", "2026-11-21", "2026-11-21T00:00:00Z"));
    assert!(!check("DateNotEquals", "2026-11-21", "2026-11-21T00:00:00Z"));
    assert!(check("DateLessThanEquals", "2026-11-21", "2026-11-20"));
}

#[test]
fn truth_bytes_addresses_and_arns_compare() {
    assert!(check("Bool", "true", "True"));
    assert!(!check("Bool", "true", "false"));
    assert!(check("BinaryEquals", "QmluYXJ5", "QmluYXJ5"));
    assert!(!check("BinaryEquals", "QmluYXJ5", "Qmlu"));
    assert!(check("IpAddress", "203.0.113.0/24", "203.0.113.9"));
    assert!(!check("IpAddress", "203.0.113.0/24", "203.0.114.9"));
    assert!(check("IpAddress", "2001:db8::/32", "2001:db8:1::1"));
    assert!(!check("IpAddress", "0.0.0.0/0", "2001:db8::1"));
    assert!(check("NotIpAddress", "203.0.113.0/24", "198.51.100.1"));
    assert!(check("ArnLike", "arn:aws:sns:*:111122223333:*", "arn:aws:sns:x:111122223333:t"));
    assert!(check("ArnEquals", "arn:aws:sns:*:111122223333:*", "arn:aws:sns:x:111122223333:t"));
    assert!(!check("ArnLike", "arn:aws:sns:*", "arn:aws:sqs:x:111122223333:t"));
    assert!(
        !check("ArnLike", "arn:aws:sns:*:t", "arn:aws:sns:x:111122223333:t:t2"),
        "a star stays in its part"
    );
    assert!(check("ArnNotLike", "arn:aws:sns:*:*:*", "arn:aws:sqs:x:111122223333:t"));
}

#[test]
fn a_missing_key_satisfies_only_negation_and_if_exists() {
    let missing = |operator: &str| holds(json!({operator: {"app:Key": "1"}}), json!({}));
    for operator in ["StringEquals", "StringLike", "NumericEquals", "Bool", "IpAddress", "ArnLike"]
    {
        assert!(!missing(operator), "{operator}");
        assert!(missing(&format!("{operator}IfExists")), "{operator}IfExists");
    }
    for operator in ["StringNotEquals", "StringNotLike", "NumericNotEquals", "ArnNotLike"] {
        assert!(missing(operator), "{operator}");
    }
    assert!(missing("ForAllValues:StringEquals"));
    assert!(!missing("ForAnyValue:StringEquals"));
    assert!(!missing("ForAnyValue:StringNotEquals"));
    assert!(missing("ForAnyValue:StringEqualsIfExists"));
}

#[test]
fn if_exists_still_compares_what_is_there() {
    assert!(!check("StringEqualsIfExists", "a", "b"));
    assert!(check("StringEqualsIfExists", "a", "a"));
}

#[test]
fn null_asks_for_absence() {
    let null = |asked: Value, context: Value| holds(json!({"Null": {"app:Key": asked}}), context);
    assert!(null(json!("true"), json!({})));
    assert!(null(json!(true), json!({"app:Key": []})));
    assert!(!null(json!("true"), json!({"app:Key": "x"})));
    assert!(null(json!("false"), json!({"app:Key": "x"})));
    assert!(!null(json!("false"), json!({})));
}

#[test]
fn several_values_need_a_set_operator() {
    let many = |operator: &str, found: Value| {
        holds(json!({operator: {"aws:TagKeys": ["a", "b"]}}), json!({"aws:TagKeys": found}))
    };
    assert!(many("ForAllValues:StringEquals", json!(["a", "b"])));
    assert!(!many("ForAllValues:StringEquals", json!(["a", "c"])));
    assert!(many("ForAllValues:StringEquals", json!([])));
    assert!(many("ForAnyValue:StringEquals", json!(["a", "c"])));
    assert!(!many("ForAnyValue:StringEquals", json!(["c"])));
    assert!(many("ForAnyValue:StringNotEquals", json!(["a", "c"])));
    assert!(!many("ForAllValues:StringNotEquals", json!(["a", "c"])));
    assert!(!many("StringEquals", json!(["a", "b"])));
    assert!(!many("StringNotEquals", json!(["c", "d"])));
    assert!(many("StringEquals", json!(["a"])));
}

#[test]
fn keys_are_joined_by_and_values_by_or() {
    let both = json!({
        "StringEquals": {"app:One": ["a", "b"], "app:Two": "c"},
        "Bool": {"app:Three": "true"}});
    let context = json!({"app:One": "b", "app:Two": "c", "app:Three": "true"});
    assert!(holds(both.clone(), context));
    assert!(!holds(both.clone(), json!({"app:One": "b", "app:Two": "c"})));
    assert!(!holds(both, json!({"app:One": "z", "app:Two": "c", "app:Three": "true"})));
    let neither = json!({"StringNotEquals": {"app:One": ["a", "b"]}});
    assert!(!holds(neither.clone(), json!({"app:One": "b"})));
    assert!(holds(neither, json!({"app:One": "c"})));
}

#[test]
fn an_operator_that_does_not_exist_never_matches_and_is_reported() {
    assert!(!check("StringSounds", "a", "a"));
    assert!(!check("ForSomeValues:StringEquals", "a", "a"));
    let policy = statement(json!({
        "Effect": "Allow", "Action": "*", "Resource": "*",
        "Condition": {"StringSounds": {"k": "a"}, "NumericEquals": {"n": "ten"}}}));
    let problems: Vec<String> =
        policies(&policy)[0].problems.iter().map(|problem| problem.oddity.to_string()).collect();
    assert_eq!(
        problems,
        ["there is no condition operator `StringSounds`", "`ten` is no value for `NumericEquals`"]
    );
}

#[test]
fn variables_stand_for_values_of_the_request() {
    let own = allow("s3:*", "arn:aws:s3:::reports/${aws:username}/*");
    let mine = |resource: &str| case(USER).identity(own.clone()).with("resource", resource);
    mine("arn:aws:s3:::reports/mika/x").is_allowed();
    mine("arn:aws:s3:::reports/other/x").is_denied(&["identity"]);
    case(SESSION)
        .identity(own)
        .with("resource", "arn:aws:s3:::reports/mika/x")
        .is_denied(&["identity"]);
    assert!(holds(
        json!({"StringLike": {"app:Path": "home/${aws:username}/*"}}),
        json!({"app:Path": "home/mika/x"})
    ));
}

#[test]
fn a_value_put_in_is_literal() {
    let resource = "arn:aws:s3:::reports/${app:Name}";
    let asked = case(USER).identity(allow("s3:*", resource)).key("app:Name", "*");
    asked.clone().with("resource", "arn:aws:s3:::reports/x").is_denied(&["identity"]);
}

#[test]
fn a_default_stands_in_and_nothing_stands_in_for_nothing() {
    let team = "${aws:PrincipalTag/team, 'none'}";
    let of = |operator: &str, wanted: &str, found: &str| {
        holds(json!({operator: {"app:Key": wanted}}), json!({"app:Key": found}))
    };
    assert!(of("StringEquals", team, "none"));
    assert!(!of("StringEquals", "${aws:PrincipalTag/team}", "none"));
    assert!(!of("StringNotEquals", "${aws:PrincipalTag/team}", "none"));
    assert!(of("StringLike", "${*}x${?}${$}", "*x?$"));
    assert!(!of("StringLike", "${*}x", "yyx"));
}

#[test]
fn the_old_version_has_no_variables() {
    let policy = json!({"Version": "2008-10-17", "Statement": {
        "Effect": "Allow", "Action": "*", "Resource": "*",
        "Condition": {"StringEquals": {"app:Key": "${aws:username}"}}}});
    let asked = |found: &str| case(USER).identity(policy.clone()).key("app:Key", found);
    asked("${aws:username}").is_allowed();
    asked("mika").is_denied(&["identity"]);
}

#[test]
fn keys_that_follow_from_caller_and_resource_are_there() {
    let derived = |caller: &str, key: &str, value: &str| {
        let policy = statement(json!({
            "Effect": "Allow", "Action": "*", "Resource": "*",
            "Condition": {"StringEquals": {key: value}}}));
        case(caller).identity(policy).outcome() == Outcome::Allowed
    };
    assert!(derived(SESSION, "aws:PrincipalArn", ROLE));
    assert!(derived(USER, "aws:PrincipalArn", USER));
    assert!(derived(USER, "aws:principalaccount", ACCOUNT));
    assert!(derived(USER, "aws:PrincipalType", "User"));
    assert!(derived(SESSION, "aws:PrincipalType", "AssumedRole"));
    assert!(derived(USER, "aws:ResourceAccount", ACCOUNT));
    assert!(derived(USER, "aws:PrincipalIsAWSService", "false"));
    assert!(!derived(SESSION, "aws:username", "deploy"));
}
