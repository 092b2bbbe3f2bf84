//! Questions asked before any request: what hangs on a context that nobody knows.

use iam_policy::{Effect, Outcome};
use serde_json::json;

use crate::case::*;

fn asked(policy: serde_json::Value) -> Case {
    Case { unknown_elsewhere: true, ..case(USER).identity(policy) }
}

#[test]
fn a_condition_on_an_unknown_key_leaves_itself() {
    let policy = statement(json!({
        "Sid": "Inside", "Effect": "Allow", "Action": "*", "Resource": "*",
        "Condition": {
            "StringEquals": {"aws:SourceVpce": "vpce-123"},
            "Bool": {"aws:MultiFactorAuthPresent": "true"}}}));
    let decision = asked(policy).decide();
    assert_eq!(decision.outcome, Outcome::Depends);
    let left: Vec<(&str, &str)> = decision
        .remaining
        .iter()
        .map(|left| (left.key.as_str(), left.values[0].as_str()))
        .collect();
    assert_eq!(left, [("aws:SourceVpce", "vpce-123"), ("aws:MultiFactorAuthPresent", "true")]);
    assert_eq!(decision.remaining[0].statement.sid.as_deref(), Some("Inside"));
}

#[test]
fn what_follows_from_the_caller_is_known() {
    let policy = |account: &str| {
        statement(json!({
            "Effect": "Allow", "Action": "*", "Resource": "*",
            "Condition": {"StringEquals": {"aws:PrincipalAccount": account}}}))
    };
    asked(policy(ACCOUNT)).is_allowed();
    asked(policy(OTHER)).is_denied(&["identity"]);
}

#[test]
fn a_certain_allow_leaves_no_question() {
    let both = json!([
        statement(json!({
            "Effect": "Allow", "Action": "*", "Resource": "*",
            "Condition": {"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}}})),
        allow("s3:GetObject", "*"),
    ]);
    Case { unknown_elsewhere: true, ..case(USER).with("identity", both) }.is_allowed();
}

#[test]
fn a_possible_deny_keeps_the_question_open() {
    let both = json!([
        allow("*", "*"),
        statement(json!({
            "Effect": "Deny", "Action": "*", "Resource": "*",
            "Condition": {"NotIpAddress": {"aws:SourceIp": "198.51.100.0/24"}}})),
    ]);
    let decision = Case { unknown_elsewhere: true, ..case(USER).with("identity", both) }.decide();
    assert_eq!(decision.outcome, Outcome::Depends);
    assert_eq!(decision.remaining[0].statement.effect, Effect::Deny);
    assert_eq!(decision.remaining.len(), 1);
}

#[test]
fn a_certain_deny_closes_it() {
    let both = json!([
        deny("s3:*", "*"),
        statement(json!({
            "Effect": "Allow", "Action": "*", "Resource": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "true"}}})),
    ]);
    Case { unknown_elsewhere: true, ..case(USER).with("identity", both) }
        .is_explicitly_denied(&["identity"]);
}

#[test]
fn an_absent_key_is_absent_and_not_open() {
    let policy = statement(json!({
        "Effect": "Allow", "Action": "*", "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceVpce": "vpce-123"}}}));
    case(USER).identity(policy.clone()).is_denied(&["identity"]);
    let one_open = case(USER).identity(policy).key("aws:SourceVpce", json!(null));
    assert_eq!(one_open.outcome(), Outcome::Depends);
}
