//! Claims about accounts and regions that are not read, by choice or because they are closed.
//! Claims about single calls that are denied are in `denial`.

use super::*;

const UNIT: &str = "
type: AWS::Organizations::OrganizationalUnit
title: {en: OU, ja: OU}
scope: organization
list:
  - {call: organizations:ListRoots, each: output.Roots}
identity: {id: item.Id}
";

fn left_out(reason: UnreadReason) -> Option<Unread> {
    Some(*Failure::local(reason, "account:ListRegions", "").unread)
}

#[test]
fn what_is_left_out_is_said_once_per_account_and_type_and_blinds_nobody() {
    let answers = json!({"s3:ListBuckets": buckets(&[]), "ecs:ListClusters": {"clusterArns": []}});
    let files = [("s3/bucket.yaml", BUCKET), ("ecs/cluster.yaml", CLUSTER)];
    let mut scan = Scan::of(&files, answers);
    scan.regions_left_out = left_out(UnreadReason::NotRequested);
    scan.accounts_left_out = left_out(UnreadReason::NotRequested);
    let ran = scan.run();
    let mut said: Vec<_> = ran
        .seen
        .coverage
        .iter()
        .map(|one| {
            let state = one.state.unread().map(|unread| unread.reason);
            (one.type_name.as_str(), one.account.as_str(), one.region.as_str(), state)
        })
        .collect();
    said.sort_unstable();
    let not = Some(UnreadReason::NotRequested);
    let expected = [
        ("AWS::ECS::Cluster", "*", "global", not),
        ("AWS::ECS::Cluster", CALLER, "eu-west-1", None),
        ("AWS::ECS::Cluster", CALLER, "global", not),
        ("AWS::S3::Bucket", "*", "global", not),
        ("AWS::S3::Bucket", CALLER, "global", None),
    ];
    assert_eq!(said, expected);
    assert_eq!(ran.blind, 0);
}

#[test]
fn regions_that_nobody_would_name_are_blindness_and_accounts_are_told_by_the_verdicts() {
    let check = |regions: bool, blind: u64| {
        let answers = json!({"ecs:ListClusters": {"clusterArns": []}});
        let mut scan = Scan::of(&[("ecs/cluster.yaml", CLUSTER)], answers);
        let denied = left_out(UnreadReason::Denied);
        *if regions { &mut scan.regions_left_out } else { &mut scan.accounts_left_out } = denied;
        assert_eq!(scan.run().blind, blind);
    };
    check(true, 1);
    check(false, 0);
}

#[test]
fn where_the_management_account_is_closed_the_caller_reads_the_organization() {
    let answers = json!({
        "sts:GetCallerIdentity": {"error": "AccessDenied"},
        "s3:ListBuckets": buckets(&[]),
        "organizations:ListRoots": {"Roots": [{"Id": "r-1"}]},
    });
    let files = [("organizations/unit.yaml", UNIT), ("s3/bucket.yaml", BUCKET)];
    let mut scan = Scan::of(&files, answers);
    scan.accounts = vec![CALLER, OTHER];
    scan.management = Some(OTHER);
    let ran = scan.run();
    assert_eq!(ran.ids(), ["r-1"]);
    assert_eq!(ran.seen.resources[0].account, CALLER);
    let of = |type_name: &str| -> Vec<(&str, bool)> {
        let of_type = ran.seen.coverage.iter().filter(|one| one.type_name == type_name);
        of_type.map(|one| (&*one.account, one.state == CoverageState::Complete)).collect()
    };
    assert_eq!(of("AWS::Organizations::OrganizationalUnit"), [(CALLER, true)]);
    assert_eq!(of("AWS::S3::Bucket").len(), 2);
    assert!(of("AWS::S3::Bucket").contains(&(OTHER, false)));
}
