//! Same account, other account, boundaries and session policies (IAM User Guide, "Policy
//! evaluation logic").

use serde_json::json;

use crate::case::*;

#[test]
fn nothing_said_is_denied() {
    case(USER).is_denied(&["identity"]);
}

#[test]
fn either_policy_suffices_within_an_account() {
    case(USER).identity(allow("s3:*", "*")).is_allowed();
    case(USER).with("resource_policy", grant(json!({"AWS": USER}))).is_allowed();
    case(USER)
        .with("resource_policy", grant(json!({"AWS": OTHER})))
        .is_denied(&["resource", "identity"]);
}

#[test]
fn trusting_the_account_grants_nobody_by_itself() {
    let account = json!({"AWS": "arn:aws:iam::111122223333:root"});
    let asked = case(USER).with("resource_policy", grant(account));
    asked.is_denied(&["resource", "identity"]);
    asked.identity(allow("s3:GetObject", "*")).is_allowed();
}

#[test]
fn both_sides_must_agree_across_accounts() {
    let asked = case(USER).with("resource_account", OTHER);
    asked.clone().identity(allow("*", "*")).is_denied(&["resource"]);
    let granted = asked.with("resource_policy", grant(json!({"AWS": ACCOUNT})));
    granted.is_denied(&["identity"]);
    granted.identity(allow("*", "*")).is_allowed();
}

#[test]
fn a_deny_wins_wherever_it_stands() {
    let allowed = case(USER)
        .with("resource_policy", grant("*"))
        .with("boundaries", json!([allow("*", "*")]))
        .with("session", allow("*", "*"))
        .with("endpoint", json!([grant("*")]))
        .identity(allow("*", "*"));
    allowed.is_allowed();
    let no = deny("s3:Get*", "*");
    let no_named = statement(json!({
        "Effect": "Deny", "Principal": "*", "Action": "s3:Get*", "Resource": "*"}));
    allowed.clone().identity(no.clone()).is_explicitly_denied(&["identity"]);
    allowed.clone().with("boundaries", json!([no])).is_explicitly_denied(&["boundary"]);
    allowed.clone().with("session", no.clone()).is_explicitly_denied(&["session"]);
    allowed.clone().with("endpoint", json!([no_named])).is_explicitly_denied(&["vpce"]);
    allowed.clone().scp("root", no).is_explicitly_denied(&["scp"]);
    allowed.with("resource_policy", no_named).is_explicitly_denied(&["resource"]);
}

#[test]
fn a_boundary_limits_what_the_identity_grants() {
    let asked = case(USER).identity(allow("*", "*"));
    asked.clone().with("boundaries", json!([allow("s3:*", "*")])).is_allowed();
    asked.with("boundaries", json!([allow("ec2:*", "*")])).is_denied(&["boundary"]);
}

#[test]
fn a_resource_policy_that_names_the_user_goes_past_its_boundary() {
    let boundary = json!([allow("ec2:*", "*")]);
    let asked = case(USER).with("boundaries", boundary.clone());
    asked.clone().with("resource_policy", grant(json!({"AWS": USER}))).is_allowed();
    let far = asked
        .with("resource_account", OTHER)
        .with("resource_policy", grant(json!({"AWS": USER})))
        .identity(allow("*", "*"));
    far.is_denied(&["boundary"]);
}

#[test]
fn naming_the_role_does_not_lift_what_limits_its_session() {
    let asked = case(SESSION).with("boundaries", json!([allow("ec2:*", "*")]));
    asked.clone().with("resource_policy", grant(json!({"AWS": ROLE}))).is_denied(&["boundary"]);
    asked.clone().with("resource_policy", grant(json!({"AWS": SESSION}))).is_allowed();
    asked.with("resource_policy", grant("*")).is_allowed();
    let limited = case(SESSION).with("session", allow("ec2:*", "*"));
    limited.clone().with("resource_policy", grant(json!({"AWS": ROLE}))).is_denied(&["session"]);
    limited.with("resource_policy", grant(json!({"AWS": SESSION}))).is_allowed();
}

#[test]
fn a_session_policy_cuts_down_the_role() {
    let asked = case(SESSION).identity(allow("*", "*"));
    asked.clone().with("session", allow("s3:GetObject", "*")).is_allowed();
    asked.with("session", allow("s3:PutObject", "*")).is_denied(&["session"]);
}

#[test]
fn whoever_has_a_boundary_is_denied_by_any_not_principal() {
    let spare = statement(json!({
        "Effect": "Deny", "NotPrincipal": {"AWS": [USER, ACCOUNT]}, "Action": "*",
        "Resource": "*"}));
    let asked = case(USER).identity(allow("*", "*")).with("resource_policy", spare);
    asked.is_allowed();
    asked.with("boundaries", json!([allow("*", "*")])).is_explicitly_denied(&["resource"]);
}

#[test]
fn not_principal_spares_only_whom_it_lists_whole() {
    let spare = |list: serde_json::Value| {
        let policy = statement(json!({
            "Effect": "Deny", "NotPrincipal": {"AWS": list}, "Action": "*", "Resource": "*"}));
        case(SESSION).identity(allow("*", "*")).with("resource_policy", policy)
    };
    spare(json!([ACCOUNT, ROLE, SESSION])).is_allowed();
    spare(json!([ACCOUNT, ROLE])).is_explicitly_denied(&["resource"]);
    spare(json!([SESSION, ROLE])).is_explicitly_denied(&["resource"]);
}

#[test]
fn the_root_user_needs_no_policy_in_its_own_account() {
    let root = "arn:aws:iam::111122223333:root";
    case(root).is_allowed();
    case(root).scp("root", deny("*", "*")).is_explicitly_denied(&["scp"]);
    case(root).with("resource_account", OTHER).is_denied(&["resource"]);
}

#[test]
fn services_and_strangers_live_by_the_resource_policy_alone() {
    let service = json!({"service": "cloudtrail.amazonaws.com"});
    let policy = grant(json!({"Service": "cloudtrail.amazonaws.com"}));
    case(service.clone()).identity(allow("*", "*")).is_denied(&["resource"]);
    case(service).with("resource_policy", policy.clone()).is_allowed();
    case(json!({"service": "config.amazonaws.com"}))
        .with("resource_policy", policy.clone())
        .is_denied(&["resource"]);
    let nobody = json!({"type": "Anonymous"});
    case(nobody.clone()).with("resource_policy", policy).is_denied(&["resource"]);
    case(nobody.clone()).with("resource_policy", grant(json!({"AWS": "*"}))).is_allowed();
    case(nobody).with("resource_policy", grant(json!({"AWS": ACCOUNT}))).is_denied(&["resource"]);
}

#[test]
fn an_endpoint_must_let_the_call_through() {
    let asked = case(USER).identity(allow("*", "*"));
    asked.clone().with("endpoint", json!([grant("*")])).is_allowed();
    let narrow = statement(json!({
        "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::other/*"}));
    asked.with("endpoint", json!([narrow])).is_denied(&["vpce"]);
}

#[test]
fn a_federated_user_is_limited_as_the_user_behind_it_is_named() {
    let federated = "arn:aws:sts::111122223333:federated-user/mika";
    let asked = case(federated).with("session", allow("ec2:*", "*"));
    asked.clone().with("resource_policy", grant(json!({"AWS": federated}))).is_allowed();
    asked.with("resource_policy", grant(json!({"AWS": USER}))).is_denied(&["session"]);
}
