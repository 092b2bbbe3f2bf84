//! Claims about what a service control policy would have denied, in a small organization.
//! How policies are evaluated is proved in `iam-policy`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]
#![allow(clippy::needless_pass_by_value, reason = "the smallest input reads best as a literal")]

use serde_json::{Value, json};
use yagura_model::Resource;

use super::super::usage::tests::{ACCOUNT, APP, call, naming};
use super::*;

const MANAGEMENT: &str = "111122223333";

fn resource(type_name: &str, id: &str, name: &str, value: Value) -> Resource {
    let part = |name: &str| value[name].as_object().cloned().unwrap_or_default();
    Resource {
        key: format!("{type_name}/{id}"),
        id: id.to_owned(),
        name: name.to_owned(),
        type_name: type_name.to_owned(),
        account: MANAGEMENT.to_owned(),
        properties: part("properties"),
        runtime: part("runtime"),
        ..Resource::default()
    }
}

fn world() -> World {
    let account = |id: &str, parent: &str| {
        let value = json!({"properties": {"ParentIds": [parent]}});
        resource("AWS::Organizations::Account", id, id, value)
    };
    World::new(
        &[
            resource(
                "AWS::Organizations::Organization",
                "o-example",
                "o-example",
                json!({"runtime": {"ManagementAccountId": MANAGEMENT}}),
            ),
            resource(
                "Yagura::Organizations::Root",
                "r-ab12",
                "Root",
                json!({"runtime": {"EnabledPolicyTypes": ["SERVICE_CONTROL_POLICY"]}}),
            ),
            resource(
                "AWS::Organizations::OrganizationalUnit",
                "ou-ab12-prod",
                "production",
                json!({"properties": {"ParentId": "r-ab12"}}),
            ),
            account(ACCOUNT, "ou-ab12-prod"),
            account(MANAGEMENT, "r-ab12"),
        ],
        &[],
    )
}

fn scp(statement: Value) -> Scp {
    let text = json!({"Version": "2012-10-17", "Statement": statement}).to_string();
    Scp { policy: Policy::parse(&text).unwrap(), alone: false, accounts: None }
}

fn deny(action: &str, condition: Value) -> Scp {
    scp(json!([{"Effect": "Deny", "Action": action, "Resource": "*", "Condition": condition}]))
}

fn preview(scp: Scp, calls: &[UsedCall]) -> Preview {
    let mut preview = ScpPreview::new(Arc::new(world()), Arc::new(naming()), scp);
    for call in calls {
        preview.take(call);
    }
    preview.found
}

fn stop(more: Value) -> UsedCall {
    let instance = json!({"instanceId": "i-0123456789abcdef0", "instanceType": "m5.large"});
    call("ec2", "StopInstances", instance, more)
}

/// How many calls are denied, unknown and untouched.
fn counts(found: &Preview) -> (u64, u64, u64) {
    let denied = found.denied.values().map(|one| one.tally.count).sum();
    let unknown = found.unknown.values().map(|one| one.tally.count).sum();
    (denied, unknown, found.untouched)
}

#[test]
fn what_a_denial_would_have_denied_is_told_by_principal_and_action() {
    let found = preview(deny("ec2:Stop*", json!({})), &[stop(json!({})), stop(json!({}))]);
    let ((principal, action), denied) = found.denied.first_key_value().unwrap();
    assert_eq!((principal.as_str(), &**action), (APP, "ec2:StopInstances"));
    assert_eq!((denied.tally.count, denied.statements.iter().copied().collect()), (2, vec![0]));
    assert!(!denied.tally.sample.is_empty());
    let other = call("ec2", "DescribeInstances", json!({}), json!({}));
    assert_eq!(counts(&preview(deny("ec2:Stop*", json!({})), &[other])), (0, 0, 1));
}

#[test]
fn conditions_are_decided_by_what_the_log_shows() {
    let check = |condition: Value, more: Value, wanted: (u64, u64, u64)| {
        let found = preview(deny("ec2:*", condition.clone()), &[stop(more)]);
        assert_eq!(counts(&found), wanted, "{condition}");
    };
    let region = |region: &str| json!({"StringNotEquals": {"aws:RequestedRegion": region}});
    check(region("eu-west-1"), json!({}), (0, 0, 1));
    check(region("us-east-1"), json!({}), (1, 0, 0));
    let role = |arn: &str| json!({"ArnNotLike": {"aws:PrincipalArn": arn}});
    check(role("arn:aws:iam::*:role/app/*"), json!({}), (0, 0, 1));
    check(role("arn:aws:iam::*:role/other/*"), json!({}), (1, 0, 0));
    let mfa = json!({"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}});
    check(mfa, json!({}), (1, 0, 0));
    let address = |range: &str| json!({"NotIpAddress": {"aws:SourceIp": range}});
    check(address("203.0.113.0/24"), json!({}), (0, 0, 1));
    check(address("198.51.100.0/24"), json!({}), (1, 0, 0));
    // Through an endpoint there is no aws:SourceIp: a negated operator holds without it.
    check(address("203.0.113.0/24"), json!({"vpcEndpointId": "vpce-1"}), (1, 0, 0));
    let large = json!({"StringEquals": {"ec2:InstanceType": "m5.large"}});
    check(large, json!({}), (1, 0, 0));
}

#[test]
fn a_key_that_the_log_does_not_show_is_unknown_and_named() {
    let tagged = json!({"StringEquals": {"aws:ResourceTag/env": "prod"}});
    let found = preview(deny("ec2:*", tagged), &[stop(json!({}))]);
    assert_eq!(counts(&found), (0, 1, 0));
    let unknown = found.unknown.values().next().unwrap();
    assert_eq!(unknown.keys.iter().collect::<Vec<_>>(), ["aws:ResourceTag/env"]);
}

#[test]
fn a_resource_that_the_record_does_not_tell_is_unknown() {
    let one = scp(json!([{"Effect": "Deny", "Action": "ec2:StopInstances",
        "Resource": "arn:aws:ec2:*:*:instance/i-0123456789abcdef0"}]));
    let untold = call("ec2", "StopInstances", json!({}), json!({}));
    assert_eq!(counts(&preview(one.clone(), &[untold])), (0, 1, 0));
    assert_eq!(counts(&preview(one, &[stop(json!({}))])), (1, 0, 0));
}

#[test]
fn whoever_no_scp_reaches_is_exempt() {
    let with = |identity: Value| {
        let mut call = stop(json!({}));
        call.actor = identity["actor"].as_str().unwrap_or_default().to_owned();
        call.issuer = identity["issuer"].as_str().map(str::to_owned);
        call.identity_type = identity["type"].as_str().unwrap().to_owned();
        call.caller_account = identity["account"].as_str().map(str::to_owned);
        call
    };
    let check = |identity: Value, wanted: Exempt| {
        let limited = Scp { accounts: Some([ACCOUNT.to_owned()].into()), ..deny("*", json!({})) };
        let found = preview(limited, &[with(identity.clone())]);
        assert_eq!(found.exempt.keys().copied().collect::<Vec<_>>(), [wanted], "{identity}");
        assert_eq!(counts(&found), (0, 0, 0));
    };
    let root = "arn:aws:iam::111122223333:root";
    check(json!({"type": "Root", "actor": root, "account": MANAGEMENT}), Exempt::ManagementAccount);
    let linked =
        "arn:aws:iam::444455556666:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX";
    check(
        json!({"type": "AssumedRole", "issuer": linked, "account": ACCOUNT}),
        Exempt::ServiceLinkedRole,
    );
    check(json!({"type": "AWSService", "actor": "ec2.amazonaws.com"}), Exempt::Service);
    let stranger = "arn:aws:iam::999900001111:user/x";
    check(
        json!({"type": "IAMUser", "actor": stranger, "account": "999900001111"}),
        Exempt::Elsewhere,
    );
}

#[test]
fn what_was_refused_anyway_and_what_has_no_action_are_counted_apart() {
    let refused = stop(json!({"errorCode": "Client.UnauthorizedOperation"}));
    let odd = call("ec2", "Teleport", json!({}), json!({}));
    let found = preview(deny("*", json!({})), &[refused, odd]);
    assert_eq!((found.refused, found.unnamed.len(), found.judged), (1, 1, 0));
}

#[test]
fn an_allow_list_bites_only_where_it_stands_alone() {
    let list = scp(json!([{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]));
    assert!(list.is_idle());
    assert_eq!(counts(&preview(list.clone(), &[stop(json!({}))])), (0, 0, 1));
    let alone = Scp { alone: true, ..list };
    assert!(!alone.is_idle());
    let found = preview(alone, &[stop(json!({}))]);
    assert_eq!(counts(&found), (1, 0, 0));
    assert!(found.denied.values().next().unwrap().statements.is_empty());
}

#[test]
fn a_target_is_a_root_a_unit_or_an_account_by_id_or_name() {
    let world = world();
    let both = Some([ACCOUNT.to_owned(), MANAGEMENT.to_owned()].into());
    let one = Some([ACCOUNT.to_owned()].into());
    assert_eq!(world.accounts_below("r-ab12"), both);
    for target in ["ou-ab12-prod", "production", ACCOUNT] {
        assert_eq!(world.accounts_below(target), one, "{target}");
    }
    assert_eq!(world.accounts_below("ou-none"), None);
}

#[test]
fn only_the_columns_that_conditions_ask_for_are_read() {
    let asks = |condition: Value| deny("*", condition).columns();
    assert!(asks(json!({})).is_empty());
    assert_eq!(asks(json!({"Bool": {"aws:ViaAWSService": "true"}})), ["invoked_by"]);
    let both = asks(json!({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}));
    assert_eq!(both, ["address", "vpc_endpoint_id"]);
}
