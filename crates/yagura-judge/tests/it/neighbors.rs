//! Controls that look at other resources, and what happens where these were not listed.

use serde_json::{Value, json};
use yagura_content::Content;
use yagura_judge::{Judge, JudgeOptions};
use yagura_model::{
    Coverage, CoverageState, GLOBAL_REGION, OTHER_ACCOUNTS, Resource, UnreadReason, VerdictStatus,
};

use crate::world::{REGION, content, control, coverage, now, resource, snapshot, unread};

const REGION_TYPE: &str = "Yagura::Account::Region";
const DETECTOR: &str = "AWS::GuardDuty::Detector";
const VOLUME: &str = "AWS::EC2::Volume";
const KEY: &str = "AWS::KMS::Key";

fn judge_one(
    content: &Content,
    resource: &Resource,
    others: &[Resource],
    listings: &[Coverage],
) -> VerdictStatus {
    let judge = Judge::new(content, JudgeOptions::at(now()));
    let snapshot = snapshot(&judge, others, listings);
    let mut verdicts = Vec::new();
    judge.judge(resource, &snapshot, &mut verdicts);
    assert_eq!(verdicts.len(), 1);
    verdicts[0].status
}

fn denied() -> CoverageState {
    CoverageState::Unread(unread("", UnreadReason::Denied))
}

#[test]
fn what_must_exist_in_a_region_is_looked_for_there_only() {
    let rest = format!("require: in_region('{DETECTOR}').exists(d, d.properties.Enable == true)");
    let content = content(&[("controls/guardduty/x.yaml", control(REGION_TYPE, &rest))]);
    let here = resource(REGION_TYPE, REGION, json!({}));
    let detector = |region: &str, on: bool| {
        resource(DETECTOR, "d", json!({"region": region, "properties": {"Enable": on, "X": 1}}))
    };
    let listed = [coverage(DETECTOR, REGION, CoverageState::Complete)];
    let check = |others: &[Resource], listings: &[Coverage], expected| {
        assert_eq!(judge_one(&content, &here, others, listings), expected, "{others:?}");
    };
    check(&[detector(REGION, true)], &listed, VerdictStatus::Pass);
    check(&[detector(REGION, false)], &listed, VerdictStatus::Fail);
    check(&[detector("eu-west-1", true)], &listed, VerdictStatus::Fail);
    check(&[], &listed, VerdictStatus::Fail);
    check(&[], &[coverage(DETECTOR, REGION, denied())], VerdictStatus::Unknown);
    check(&[], &[], VerdictStatus::Unknown);
    check(&[detector(REGION, true)], &[coverage(DETECTOR, REGION, denied())], VerdictStatus::Pass);
}

#[test]
fn only_what_controls_look_at_is_kept() {
    let rest = format!("require: in_region('{DETECTOR}').exists(d, d.properties.Enable == true)");
    let content = content(&[("controls/guardduty/x.yaml", control(REGION_TYPE, &rest))]);
    let judge = Judge::new(&content, JudgeOptions::at(now()));
    assert_eq!(judge.needs().types().collect::<Vec<_>>(), [DETECTOR]);
    assert!(judge.needs().keeps(DETECTOR) && !judge.needs().keeps(REGION_TYPE));
}

#[test]
fn a_region_where_the_service_is_not_offered_is_unknown_there_and_empty_for_the_account() {
    let unsupported = CoverageState::Unread(unread("", UnreadReason::Unsupported));
    let listings = [
        coverage(DETECTOR, REGION, unsupported),
        coverage(DETECTOR, "eu-west-1", CoverageState::Complete),
    ];
    let here = resource(REGION_TYPE, REGION, json!({}));
    let check = |scope: &str, expected| {
        let rest = format!("require: {scope}('{DETECTOR}').exists(d, d.properties.Enable == true)");
        let content = content(&[("controls/guardduty/x.yaml", control(REGION_TYPE, &rest))]);
        assert_eq!(judge_one(&content, &here, &[], &listings), expected, "{scope}");
    };
    check("in_region", VerdictStatus::Unknown);
    check("in_account", VerdictStatus::Fail);
    check("in_organization", VerdictStatus::Fail);
}

fn left_out() -> CoverageState {
    CoverageState::Unread(unread("", UnreadReason::NotRequested))
}

#[test]
fn what_a_scan_left_out_is_not_taken_for_absent() {
    let elsewhere = Coverage {
        account: OTHER_ACCOUNTS.to_owned(),
        ..coverage(DETECTOR, GLOBAL_REGION, left_out())
    };
    let here = coverage(DETECTOR, REGION, CoverageState::Complete);
    let rest = coverage(DETECTOR, GLOBAL_REGION, left_out());
    let region = resource(REGION_TYPE, REGION, json!({}));
    let detector = |on: bool| resource(DETECTOR, "d", json!({"properties": {"Enable": on}}));
    let check = |scope: &str, quantifier: &str, on: bool, listings: &[Coverage], expected| {
        let rest =
            format!("require: {scope}('{DETECTOR}').{quantifier}(d, d.properties.Enable == true)");
        let content = content(&[("controls/guardduty/x.yaml", control(REGION_TYPE, &rest))]);
        let status = judge_one(&content, &region, &[detector(on)], listings);
        assert_eq!(status, expected, "{scope} {quantifier} {on} {listings:?}");
    };
    use VerdictStatus::{Fail, Pass, Unknown};
    let cut_regions = [here.clone(), rest];
    let cut_accounts = [here, elsewhere];
    for (scope, listings, whole) in [
        ("in_region", &cut_regions, true),
        ("in_account", &cut_regions, false),
        ("in_organization", &cut_regions, false),
        ("in_region", &cut_accounts, true),
        ("in_account", &cut_accounts, true),
        ("in_organization", &cut_accounts, false),
    ] {
        check(scope, "exists", true, listings, Pass);
        check(scope, "exists", false, listings, if whole { Fail } else { Unknown });
        check(scope, "all", true, listings, if whole { Pass } else { Unknown });
        check(scope, "all", false, listings, Fail);
    }
}

#[test]
fn nobody_is_asked_about_what_a_scan_left_out() {
    let content = content(&[("controls/guardduty/x.yaml", control(DETECTOR, "require: 'true'"))]);
    let judge = Judge::new(&content, JudgeOptions::at(now()));
    let check = |coverage: &Coverage, count: usize| {
        assert_eq!(judge.unlisted(coverage).len(), count, "{coverage:?}");
    };
    check(&coverage(DETECTOR, GLOBAL_REGION, left_out()), 0);
    check(&coverage(DETECTOR, GLOBAL_REGION, denied()), 1);
    let others = |state| Coverage {
        account: OTHER_ACCOUNTS.to_owned(),
        ..coverage(DETECTOR, GLOBAL_REGION, state)
    };
    check(&others(left_out()), 0);
    check(&others(denied()), 0);
}

fn relation_content() -> Content {
    content(&[
        (
            "resources/ec2/volume.yaml",
            format!(
                "type: {VOLUME}\ntitle: {{en: v, ja: v}}\nscope: region\n\
                 list:\n  - call: ec2:DescribeVolumes\n    each: output.Volumes\n    \
                 relations:\n      key: {{type: '{KEY}', target: item.KmsKeyId}}\n\
                 identity: {{id: item.VolumeId}}\n"
            ),
        ),
        (
            "controls/ec2/x.yaml",
            control(VOLUME, "require: related(resource, 'key').all(k, k.properties.On == true)"),
        ),
    ])
}

fn check_related(target: &str, key: Value, listings: &[Coverage], expected: VerdictStatus) {
    let content = relation_content();
    let relations = json!([{"name": "key", "type": KEY, "target": target}]);
    let volume = resource(VOLUME, "vol-1", json!({"relations": relations}));
    let others: Vec<_> = if key.is_null() { vec![] } else { vec![resource(KEY, "k1", key)] };
    let status = judge_one(&content, &volume, &others, listings);
    assert_eq!(status, expected, "{target} {others:?} {listings:?}");
}

#[test]
fn a_relation_leads_to_an_arn_or_to_an_id_in_the_same_region() {
    let listed = [coverage(KEY, REGION, CoverageState::Complete)];
    let arn = "arn:aws:kms:us-east-1:111122223333:key/k1";
    let on = json!({"arn": arn, "properties": {"On": true}});
    let off = json!({"arn": arn, "properties": {"On": false}});
    check_related(arn, on.clone(), &listed, VerdictStatus::Pass);
    check_related(arn, off.clone(), &listed, VerdictStatus::Fail);
    check_related("k1", off.clone(), &listed, VerdictStatus::Fail);
    let mut elsewhere = off;
    elsewhere["region"] = json!("eu-west-1");
    check_related("k1", elsewhere, &listed, VerdictStatus::Pass);
}

#[test]
fn a_target_that_was_not_looked_for_is_unknown_and_one_that_is_gone_is_nothing() {
    let listed = [coverage(KEY, REGION, CoverageState::Complete)];
    check_related("k1", Value::Null, &listed, VerdictStatus::Pass);
    check_related("k1", Value::Null, &[], VerdictStatus::Unknown);
    check_related("k1", Value::Null, &[coverage(KEY, REGION, denied())], VerdictStatus::Unknown);
    let other_account = "arn:aws:kms:us-east-1:444455556666:key/k1";
    check_related(other_account, Value::Null, &listed, VerdictStatus::Unknown);
    let other_region = "arn:aws:kms:eu-west-1:111122223333:key/k1";
    check_related(other_region, Value::Null, &listed, VerdictStatus::Unknown);
}

#[test]
fn a_relation_that_was_not_read_is_unknown() {
    let content = relation_content();
    let denied = json!([{"path": "relations.key", "reason": "denied"}]);
    let volume = resource(VOLUME, "vol-1", json!({"unread": denied}));
    let listed = [coverage(KEY, REGION, CoverageState::Complete)];
    assert_eq!(judge_one(&content, &volume, &[], &listed), VerdictStatus::Unknown);
}

#[test]
fn who_points_at_a_resource_is_found_in_its_region() {
    let content = content(&[(
        "controls/kms/x.yaml",
        control(KEY, &format!("require: referring(resource, '{VOLUME}', 'key').size() > 0")),
    )]);
    let key = resource(KEY, "k1", json!({"arn": "arn:aws:kms:us-east-1:111122223333:key/k1"}));
    let volume = |region: &str, target: &str| {
        let relations = json!([{"name": "key", "type": KEY, "target": target}]);
        resource(VOLUME, "vol-1", json!({"region": region, "relations": relations}))
    };
    let listed = [coverage(VOLUME, REGION, CoverageState::Complete)];
    let check = |others: &[Resource], listings: &[Coverage], expected| {
        assert_eq!(judge_one(&content, &key, others, listings), expected, "{others:?}");
    };
    check(&[volume(REGION, "k1")], &listed, VerdictStatus::Pass);
    check(&[volume(REGION, key.arn.as_deref().unwrap())], &listed, VerdictStatus::Pass);
    check(&[volume(REGION, "k2")], &listed, VerdictStatus::Fail);
    check(&[volume("eu-west-1", "k1")], &listed, VerdictStatus::Fail);
    check(&[], &[coverage(VOLUME, REGION, denied())], VerdictStatus::Unknown);
    let mut undecided = volume(REGION, "k2");
    undecided.unread = vec![unread("relations.key", UnreadReason::Throttled)];
    check(&[undecided], &listed, VerdictStatus::Unknown);
}

#[test]
fn facts_of_neighbors_are_worked_out_too() {
    let bucket = "AWS::S3::Bucket";
    let trail = "AWS::CloudTrail::Trail";
    let content = content(&[
        (
            "resources/cloudtrail/trail.yaml",
            format!(
                "type: {trail}\ntitle: {{en: t, ja: t}}\nscope: region\n\
                 list:\n  - call: cloudtrail:DescribeTrails\n    each: output.trailList\n    \
                 relations:\n      bucket: {{type: '{bucket}', target: item.S3BucketName}}\n\
                 identity: {{id: item.Name}}\n"
            ),
        ),
        (
            "controls/cloudtrail/x.yaml",
            control(
                trail,
                "require: related(resource, 'bucket').all(b, b.facts.public_access.any == false)",
            ),
        ),
    ]);
    let relations = json!([{"name": "bucket", "type": bucket, "target": "logs"}]);
    let own = resource(trail, "t", json!({"relations": relations}));
    let statement = json!({"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"});
    let policy = json!({"BucketPolicy": {"PolicyDocument": {"Statement": statement}}, "Big": "x"});
    let listed = [
        coverage(bucket, "global", CoverageState::Complete),
        coverage("AWS::S3::AccountPublicAccessBlock", "global", CoverageState::Complete),
    ];
    let of = |members: Value, listings: &[Coverage]| {
        judge_one(&content, &own, &[resource(bucket, "logs", members)], listings)
    };
    assert_eq!(of(json!({}), &listed), VerdictStatus::Pass);
    assert_eq!(of(json!({"properties": policy}), &listed), VerdictStatus::Fail);
    assert_eq!(of(json!({"properties": policy}), &listed[..1]), VerdictStatus::Unknown);
}
