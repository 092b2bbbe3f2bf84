//! Documents nobody should send, and what is said of them; bounded time whatever the size.

use std::fmt::Write as _;

use iam_policy::{Context, Layers, Outcome, Policy, Principal, Request, evaluate};

use crate::case::{ACCOUNT, USER};

fn refused(text: &str) -> String {
    Policy::parse(text).unwrap_err().to_string()
}

#[test]
fn what_is_no_policy_is_refused_with_its_place() {
    assert!(refused("{").starts_with("the policy is no JSON: EOF"));
    assert_eq!(refused("[]"), "the policy is no JSON object (line 1, column 1)");
    assert_eq!(refused("{}"), "the policy has no `Statement` (line 1, column 1)");
    let old = r#"{"Version": "2020-01-01", "Statement": []}"#;
    assert_eq!(refused(old), "there is no policy version `2020-01-01` (line 1, column 1)");
    let one = |statement: &str| refused(&format!("{{\"Statement\":\n{statement}}}"));
    assert_eq!(one("{}"), "the statement has no `Effect` (line 2, column 1)");
    assert_eq!(
        one(r#"{"Effect": "allow", "Action": "*"}"#),
        "`Effect` is `allow`, not Allow or Deny (line 2, column 12)"
    );
    assert_eq!(
        one(r#"{"Effect": "Allow", "Resource": "*"}"#),
        "the statement has neither `Action` nor `NotAction` (line 2, column 1)"
    );
    assert_eq!(
        one(r#"{"Effect": "Allow", "Action": "*", "NotAction": "*"}"#),
        "the statement has two `Action` (line 2, column 49)"
    );
    assert_eq!(
        one(r#"{"Effect": "Allow", "Action": [1]}"#),
        "`Action` is no text (line 2, column 32)"
    );
    assert_eq!(
        one(r#"{"Effect": "Allow", "Action": "*", "Condition": {"Bool": {"k": null}}}"#),
        "a condition value is a text, a number, true or false (line 2, column 64)"
    );
}

#[test]
fn what_is_odd_is_reported_and_the_rest_is_read() {
    let text = r#"{"Statement": {"Effect": "Allow", "Action": "s3", "Resource": "*", "Colour": 1},
        "Comment": "x"}"#;
    let policy = Policy::parse(text).unwrap();
    let said: Vec<&str> = policy.problems.iter().map(|problem| problem.what.as_str()).collect();
    assert_eq!(
        said,
        [
            "`Comment` is no element of a policy",
            "the action `s3` matches nothing",
            "`Colour` is no element of a statement"
        ]
    );
}

#[test]
fn ten_thousand_statements_of_stars_are_decided_in_bounded_time() {
    let mut text = String::from(r#"{"Version": "2012-10-17", "Statement": ["#);
    let stars = "*a".repeat(100);
    for at in 0..10_000 {
        let comma = if at == 0 { "" } else { "," };
        write!(
            text,
            r#"{comma}{{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::{stars}b{at}"}}"#
        )
        .unwrap();
    }
    text.push_str("]}");
    assert!(text.len() > 1_000_000);
    let policy = Policy::parse(&text).unwrap();
    let resource = format!("arn:aws:s3:::{}", "a".repeat(200));
    let request = Request {
        principal: Principal::from_arn(USER),
        action: "s3:GetObject",
        resource: &resource,
        resource_account: Some(ACCOUNT),
        context: Context::new(),
        overlap: false,
    };
    let layers = Layers { identity: &[&policy], ..Layers::default() };
    assert_eq!(evaluate(&request, &layers).outcome, Outcome::ImplicitlyDenied);
}
