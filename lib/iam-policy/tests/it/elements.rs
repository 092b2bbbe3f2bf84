//! Actions, resources, principals as written (IAM JSON policy reference).

use iam_policy::{Outcome, Policy, Principal};
use serde_json::{Value, json};

use crate::case::*;

fn action(pattern: &str, asked: &str) -> bool {
    case(USER).identity(allow(pattern, "*")).with("action", asked).outcome() == Outcome::Allowed
}

fn resource(pattern: &str, asked: &str) -> bool {
    case(USER).identity(allow("*", pattern)).with("resource", asked).outcome() == Outcome::Allowed
}

#[test]
fn actions_match_in_any_case_with_wildcards_in_the_name() {
    assert!(action("S3:getobject", "s3:GetObject"));
    assert!(action("s3:Get*", "s3:GetObject"));
    assert!(action("s3:?etObject", "s3:GetObject"));
    assert!(action("*", "s3:GetObject"));
    assert!(!action("*:GetObject", "s3:GetObject"));
    assert!(!action("s3*", "s3:GetObject"));
    assert!(!action(" s3:GetObject", "s3:GetObject"));
    assert!(!action("s3:GetObject ", "s3:GetObject"));
    assert!(!action("", "s3:GetObject"));
    assert!(!action("s3:Get", "s3:GetObject"));
}

#[test]
fn not_action_is_everything_else() {
    let policy = statement(json!({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}));
    case(USER).identity(policy.clone()).is_allowed();
    case(USER).identity(policy).with("action", "iam:CreateUser").is_denied(&["identity"]);
    let spaced = statement(json!({"Effect": "Allow", "NotAction": " s3:*", "Resource": "*"}));
    case(USER).identity(spaced).is_allowed();
}

#[test]
fn resources_match_part_by_part() {
    assert!(resource("arn:aws:s3:::reports/*", OBJECT));
    assert!(resource("arn:*:s3:::reports/2026.???", OBJECT));
    assert!(resource("arn:aws:s3:::*", OBJECT));
    assert!(resource("arn:aws:s3:*", OBJECT), "a short pattern's last star spans the rest");
    assert!(!resource("arn:aws:s3:::reports", OBJECT));
    assert!(!resource("arn:aws:s3:::REPORTS/*", OBJECT), "letter case counts");
    assert!(!resource("arn:aws-cn:s3:::reports/*", OBJECT));
    let topic = "arn:aws:sns:us-east-1:111122223333:alarms:x";
    assert!(resource("arn:aws:sns:*:111122223333:alarms:*", topic));
    assert!(!resource("arn:aws:sns:*:alarms:x", topic), "a star stays in its part");
}

#[test]
fn a_resource_asked_about_as_a_form_is_covered_or_not() {
    let asked = case(USER).with("resource", "arn:aws:s3:::reports/*");
    asked.clone().identity(allow("*", "arn:aws:s3:::reports/*")).is_allowed();
    asked.clone().identity(allow("*", "arn:aws:s3:::*")).is_allowed();
    asked.clone().identity(allow("*", "arn:aws:s3:::other/*")).is_denied(&["identity"]);
    let part = asked.identity(allow("*", "arn:aws:s3:::reports/2026*"));
    assert_eq!(part.outcome(), Outcome::Depends, "some of the form is allowed");
}

#[test]
fn whoever_asks_for_overlap_is_told_of_a_part() {
    let asked = case(USER).with("resource", "arn:aws:s3:::reports/*").with("overlap", true);
    asked.clone().identity(allow("*", "arn:aws:s3:::reports/2026*")).is_allowed();
    asked.clone().identity(allow("*", "arn:aws:s3:::other/*")).is_denied(&["identity"]);
    let both = json!([allow("*", "*"), deny("*", "arn:aws:s3:::reports/2026*")]);
    asked.clone().with("identity", both).is_explicitly_denied(&["identity"]);
    let but = statement(json!({
        "Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::reports/2026*"}));
    asked.clone().identity(but).is_allowed();
    let none = statement(json!({
        "Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::reports/*"}));
    asked.identity(none).is_denied(&["identity"]);
}

#[test]
fn an_action_without_resources_is_allowed_by_a_star_only() {
    let asked = case(USER).with("action", "s3:ListAllMyBuckets").with("resource", "*");
    asked.clone().identity(allow("s3:*", "*")).is_allowed();
    asked.clone().identity(allow("s3:*", "arn:aws:s3:::*")).is_denied(&["identity"]);
    let not = statement(
        json!({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::secret/*"}),
    );
    asked.identity(not).is_allowed();
}

#[test]
fn not_resource_is_everything_else() {
    let policy = statement(
        json!({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::secret/*"}),
    );
    case(USER).identity(policy.clone()).is_allowed();
    case(USER).identity(policy).with("resource", "arn:aws:s3:::secret/x").is_denied(&["identity"]);
}

#[test]
fn principals_are_named_exactly() {
    let named = |principal: Value, caller: &str| {
        case(caller).with("resource_policy", grant(principal)).outcome() == Outcome::Allowed
    };
    assert!(named(json!("*"), USER));
    assert!(named(json!({"AWS": ["*"]}), USER));
    assert!(named(json!({"AWS": [OTHER, USER]}), USER));
    assert!(named(json!({"AWS": ROLE}), SESSION));
    assert!(named(json!({"AWS": "arn:aws:iam::111122223333:role/team/deploy"}), SESSION));
    assert!(!named(json!({"AWS": "arn:aws:iam::111122223333:role/deploy2"}), SESSION));
    assert!(!named(json!({"AWS": "arn:aws:iam::444455556666:role/deploy"}), SESSION));
    assert!(!named(json!({"AWS": "arn:aws:iam::111122223333:user/*"}), USER));
    assert!(!named(json!({"AWS": "AIDAEXAMPLEEXAMPLE"}), USER));
    assert!(!named(json!({"Service": USER}), USER));
}

#[test]
fn a_statement_of_a_resource_without_principal_names_nobody() {
    case(USER).with("resource_policy", allow("*", "*")).is_denied(&["resource", "identity"]);
}

#[test]
fn allowing_all_but_some_reaches_strangers() {
    let policy = statement(json!({
        "Effect": "Allow", "NotPrincipal": {"AWS": USER}, "Action": "*", "Resource": "*"}));
    case(json!({"type": "Anonymous"})).with("resource_policy", policy.clone()).is_allowed();
    case(USER).with("resource_policy", policy).is_denied(&["resource", "identity"]);
}

#[test]
fn the_deciding_statements_are_named_with_their_place() {
    let text = "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {\"Sid\": \"Read\",\n\
                \"Effect\": \"Allow\", \"Action\": \"s3:*\", \"Resource\": \"*\"}]\n}";
    let policy = Policy::parse(text).unwrap();
    let request = iam_policy::Request {
        principal: Principal::from_arn(USER),
        action: "s3:GetObject",
        resource: OBJECT,
        resource_account: Some(ACCOUNT),
        context: iam_policy::Context::new(),
        overlap: false,
    };
    let layers = iam_policy::Layers { identity: &[&policy], ..Default::default() };
    let decision = iam_policy::evaluate(&request, &layers);
    let decided = &decision.statements[0];
    assert_eq!(decided.sid.as_deref(), Some("Read"));
    assert_eq!((decided.position.line, decided.position.column), (4, 5));
}
