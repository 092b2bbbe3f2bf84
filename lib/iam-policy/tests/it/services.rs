//! Keys, roles and the calls that no policy changes.

use serde_json::json;

use crate::case::*;

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234";

fn key(principal: &str) -> Case {
    case(principal).with("action", "kms:Decrypt").with("resource", KEY)
}

#[test]
fn a_key_must_trust_the_account_before_its_policies_count() {
    key(USER).identity(allow("*", "*")).is_denied(&["resource"]);
    let trusting = grant(json!({"AWS": "arn:aws:iam::111122223333:root"}));
    key(USER).with("resource_policy", trusting.clone()).is_denied(&["identity"]);
    key(USER).identity(allow("kms:*", "*")).with("resource_policy", trusting).is_allowed();
    key(USER).with("resource_policy", grant(json!({"AWS": USER}))).is_allowed();
}

#[test]
fn a_star_instead_of_a_key_keeps_the_trust() {
    let asked = case(USER).with("action", "kms:ListKeys").with("resource", "*");
    asked.identity(allow("kms:*", "*")).is_allowed();
}

#[test]
fn a_grant_lets_its_grantee_do_what_it_lists() {
    let grants = json!([{"grantee": ROLE, "operations": ["Decrypt"]}]);
    key(SESSION).with("grants", grants.clone()).is_allowed();
    key(SESSION)
        .with("action", "kms:Encrypt")
        .with("grants", grants.clone())
        .is_denied(&["resource"]);
    key(USER).with("grants", grants).is_denied(&["resource"]);
}

#[test]
fn a_grant_may_hang_on_the_encryption_context() {
    let granted = |grant: serde_json::Value| {
        key(SESSION)
            .with("grants", json!([grant]))
            .key("kms:EncryptionContext:team", "red")
            .key("kms:EncryptionContext:stage", "prod")
    };
    let grant = |name: &str, pairs: serde_json::Value| {
        let mut grant = json!({"grantee": ROLE, "operations": ["Decrypt"]});
        grant[name] = pairs;
        granted(grant)
    };
    grant("subset", json!({"team": "red"})).is_allowed();
    grant("subset", json!({"team": "blue"})).is_denied(&["resource"]);
    grant("equals", json!({"team": "red", "stage": "prod"})).is_allowed();
    grant("equals", json!({"team": "red"})).is_denied(&["resource"]);
}

#[test]
fn a_role_is_assumed_only_by_whom_it_trusts() {
    let asked = case(USER).with("action", "sts:AssumeRole").with("resource", ROLE);
    let trust = |principal: serde_json::Value| {
        json!({"Version": "2012-10-17", "Statement": {
            "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}})
    };
    asked.clone().identity(allow("sts:*", "*")).is_allowed();
    let named = asked.clone().with("resource_policy", trust(json!({"AWS": USER})));
    named.is_allowed();
    let account = asked.clone().with("resource_policy", trust(json!({"AWS": ACCOUNT})));
    account.is_denied(&["identity"]);
    account.identity(allow("sts:AssumeRole", ROLE)).is_allowed();
    let service = trust(json!({"Service": "ec2.amazonaws.com"}));
    let other = asked.identity(allow("*", "*")).with("resource_policy", service);
    other.is_denied(&["resource"]);
}

#[test]
fn a_web_identity_is_trusted_by_its_provider() {
    let provider = "arn:aws:iam::111122223333:oidc-provider/token.example.com";
    let trust = json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringLike": {"token.example.com:sub": "repo:acme/*"}}}});
    let asked = case(json!({"federated": provider}))
        .with("action", "sts:AssumeRoleWithWebIdentity")
        .with("resource", ROLE)
        .with("resource_policy", trust);
    asked.clone().key("token.example.com:sub", "repo:acme/site").is_allowed();
    asked.clone().key("token.example.com:sub", "repo:evil/site").is_denied(&["resource"]);
    asked.is_denied(&["resource"]);
}

#[test]
fn asking_who_one_is_needs_no_permission() {
    let asked = case(USER).with("action", "sts:GetCallerIdentity").with("resource", "*");
    asked.identity(deny("*", "*")).scp("root", deny("*", "*")).is_allowed();
}

#[test]
fn what_aws_manages_cannot_be_changed() {
    let everything = |action: &str, resource: &str| {
        case(USER).identity(allow("*", "*")).with("action", action).with("resource", resource)
    };
    everything("iam:DeletePolicy", "arn:aws:iam::aws:policy/ReadOnlyAccess")
        .is_denied(&["resource"]);
    everything("iam:UpdateRole", "arn:aws:iam::111122223333:role/aws-reserved/sso/x")
        .is_denied(&["resource"]);
    everything("kms:DeleteAlias", "arn:aws:kms:us-east-1:111122223333:alias/aws/s3")
        .is_denied(&["resource"]);
    everything("iam:DeletePolicy", "arn:aws:iam::111122223333:policy/mine").is_allowed();
}

#[test]
fn block_public_access_shuts_out_strangers_and_other_accounts_only() {
    let blocked = |principal: serde_json::Value| {
        case(principal).with("resource_policy", grant("*")).with("restrict_public_buckets", true)
    };
    blocked(json!({"type": "Anonymous"})).is_denied(&["s3-bpa"]);
    blocked(json!({"service": "logging.s3.amazonaws.com"})).is_allowed();
    blocked(json!(USER)).is_allowed();
    let far = "arn:aws:iam::444455556666:user/far";
    blocked(json!(far)).identity(allow("*", "*")).is_denied(&["s3-bpa"]);
}

#[test]
fn a_bucket_policy_held_to_something_fixed_is_not_public() {
    let far = "arn:aws:iam::444455556666:user/far";
    let held = |condition: serde_json::Value| {
        let policy = statement(json!({
            "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*",
            "Condition": condition}));
        case(far)
            .identity(allow("*", "*"))
            .with("resource_policy", policy)
            .with("restrict_public_buckets", true)
            .key("aws:PrincipalOrgID", "o-example")
            .key("aws:SourceIp", "198.51.100.7")
    };
    held(json!({"StringEquals": {"aws:PrincipalOrgID": "o-example"}})).is_allowed();
    held(json!({"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}})).is_allowed();
    held(json!({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}})).is_denied(&["s3-bpa"]);
    held(json!({"StringLike": {"aws:PrincipalOrgID": "o-*"}})).is_denied(&["s3-bpa"]);
    held(json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::444455556666:user/*"}})).is_allowed();
    held(json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/far"}}))
        .is_denied(&["s3-bpa"]);
    held(json!({"StringNotEquals": {"aws:SourceVpce": "vpce-1"}})).is_denied(&["s3-bpa"]);
}
