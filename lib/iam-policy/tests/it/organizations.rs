//! Service and resource control policies (AWS Organizations User Guide).

use serde_json::json;

use crate::case::*;

#[test]
fn every_level_must_allow() {
    let asked = case(USER).identity(allow("*", "*"));
    let all = allow("*", "*");
    asked.clone().scp("root", all.clone()).scp("ou", all.clone()).is_allowed();
    asked.clone().scp("root", all.clone()).scp("ou", allow("ec2:*", "*")).is_denied(&["scp"]);
    asked
        .scp("root", all)
        .with("scps", json!([{"level": "root", "policies": []}]))
        .is_denied(&["scp"]);
}

#[test]
fn no_levels_means_that_none_apply() {
    case(USER).identity(allow("*", "*")).with("scps", json!([])).is_allowed();
}

#[test]
fn a_control_policy_grants_nothing() {
    case(USER).scp("root", allow("*", "*")).is_denied(&["identity"]);
    let rcp = json!([{"level": "root", "policies": [grant("*")]}]);
    case(USER).with("rcps", rcp).is_denied(&["identity"]);
}

#[test]
fn the_management_account_is_beyond_service_control_policies() {
    let asked = case(USER).identity(allow("*", "*")).scp("root", deny("*", "*"));
    asked.is_explicitly_denied(&["scp"]);
    asked.clone().with("management_account", OTHER).is_explicitly_denied(&["scp"]);
    asked.with("management_account", ACCOUNT).is_allowed();
}

#[test]
fn service_linked_roles_are_beyond_control_policies() {
    let role = "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/\
                AWSServiceRoleForX";
    let session = "arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForX/s";
    for caller in [role, session] {
        let asked = case(caller).identity(allow("*", "*")).scp("root", deny("*", "*"));
        asked.with("rcps", json!([{"level": "root", "policies": [no_one()]}])).is_allowed();
    }
}

fn no_one() -> serde_json::Value {
    statement(json!({"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}))
}

#[test]
fn a_resource_control_policy_reaches_strangers_and_its_own_services_only() {
    let rcps = json!([{"level": "root", "policies": [no_one()]}]);
    let nobody = case(json!({"type": "Anonymous"})).with("resource_policy", grant("*"));
    nobody.clone().scp("root", deny("*", "*")).is_allowed();
    nobody.with("rcps", rcps.clone()).is_explicitly_denied(&["rcp"]);
    let elsewhere = case(USER)
        .identity(allow("*", "*"))
        .with("action", "ec2:RunInstances")
        .with("resource", "arn:aws:ec2:us-east-1:111122223333:instance/*")
        .with("rcps", rcps.clone());
    elsewhere.is_allowed();
    let managed = case(USER).identity(allow("*", "*")).with("rcps", rcps);
    managed.is_explicitly_denied(&["rcp"]);
    managed.with("management_account", ACCOUNT).is_allowed();
}

#[test]
fn an_organization_perimeter_spares_its_members_and_services() {
    let perimeter = statement(json!({
        "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*",
        "Condition": {
            "StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-example"},
            "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}}));
    let rcps = json!([{"level": "root", "policies": [perimeter]}]);
    let member = case(USER).identity(allow("*", "*")).with("rcps", rcps.clone());
    member.clone().key("aws:PrincipalOrgID", "o-example").is_allowed();
    member.key("aws:PrincipalOrgID", "o-other").is_explicitly_denied(&["rcp"]);
    let policy = grant(json!({"Service": "cloudtrail.amazonaws.com"}));
    case(json!({"service": "cloudtrail.amazonaws.com"}))
        .with("resource_policy", policy)
        .with("rcps", rcps)
        .is_allowed();
}
