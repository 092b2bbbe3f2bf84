//! What one control says about one resource.

use serde_json::{Value, json};
use yagura_judge::{AccountKnown, Judge, JudgeOptions, Snapshot};
use yagura_model::{CoverageState, UnreadReason, Verdict, VerdictStatus};

use crate::world::{
    ACCOUNT, REGION, content, control, coverage, judge_alone, now, resource, unread,
};

const VOLUME: &str = "AWS::EC2::Volume";

fn verdict(rest: &str, members: Value) -> Verdict {
    let content = content(&[("controls/ec2/x.yaml", control(VOLUME, rest))]);
    let mut verdicts = judge_alone(&content, &resource(VOLUME, "vol-1", members));
    assert_eq!(verdicts.len(), 1);
    verdicts.remove(0)
}

fn check(rest: &str, members: Value, expected: VerdictStatus) {
    let verdict = verdict(rest, members.clone());
    assert_eq!(verdict.status, expected, "{rest} {members} {:?}", verdict.unread);
}

#[test]
fn a_condition_passes_or_fails() {
    let rest = "require: resource.properties.Encrypted == true";
    check(rest, json!({"properties": {"Encrypted": true}}), VerdictStatus::Pass);
    check(rest, json!({"properties": {"Encrypted": false}}), VerdictStatus::Fail);
    check(rest, json!({}), VerdictStatus::Fail);
}

#[test]
fn a_control_that_does_not_speak_about_a_resource_says_so() {
    let rest = "when: resource.properties.Size > 10\nrequire: 'false'";
    check(rest, json!({"properties": {"Size": 5}}), VerdictStatus::NotApplicable);
    check(rest, json!({"properties": {"Size": 50}}), VerdictStatus::Fail);
    check(
        rest,
        json!({"unread": [{"path": "properties", "reason": "denied"}]}),
        VerdictStatus::Unknown,
    );
}

#[test]
fn an_unknown_names_what_was_unread_and_shows_no_value_for_it() {
    let unread = json!([{"path": "properties.Encrypted", "reason": "denied",
        "call": "ec2:DescribeVolumes", "action": "ec2:DescribeVolumes"}]);
    let rest = "require: resource.properties.Encrypted == true && resource.properties.Size < 9";
    let unknown = verdict(
        rest,
        json!({"properties": {"Encrypted": true, "Size": 5},
        "unread": unread}),
    );
    assert_eq!(unknown.status, VerdictStatus::Unknown);
    assert_eq!(unknown.unread[0].action, "ec2:DescribeVolumes");
    assert_eq!(unknown.evidence, [("properties.Size".to_owned(), json!(5))]);
    let decided = verdict(rest, json!({"properties": {"Size": 50}, "unread": unread}));
    assert_eq!(decided.status, VerdictStatus::Fail);
    assert!(decided.unread.is_empty());
}

#[test]
fn an_operation_without_result_is_unknown_and_says_why() {
    let unknown =
        verdict("require: resource.properties.Size < 'ten'", json!({"properties": {"Size": 5}}));
    assert_eq!(unknown.status, VerdictStatus::Unknown);
    assert_eq!(unknown.unread[0].reason, UnreadReason::Failed);
    assert!(!unknown.unread[0].detail.is_empty());
}

#[test]
fn a_failure_shows_the_values_that_decided_and_a_pass_shows_none() {
    let rest = "require: resource.properties.Encrypted == true && resource.tags.team == 'a'";
    let failed = verdict(rest, json!({"properties": {"Encrypted": false}}));
    let shown: Vec<_> =
        failed.evidence.iter().map(|(path, value)| (path.as_str(), value)).collect();
    assert_eq!(shown, [("properties.Encrypted", &json!(false)), ("tags.team", &Value::Null)]);
    let passed = verdict(rest, json!({"properties": {"Encrypted": true}, "tags": {"team": "a"}}));
    assert!(passed.evidence.is_empty());
    let shown = verdict(
        "require: resource.properties.Encrypted == true\nshow: [properties.Size]",
        json!({"properties": {"Size": 5}}),
    );
    assert_eq!(shown.evidence, [("properties.Size".to_owned(), json!(5))]);
}

#[test]
fn facts_are_worked_out_where_a_control_reads_them() {
    let group = "AWS::EC2::SecurityGroup";
    let rest = "require: '!resource.facts.open_ports.tcp.exists(r, r.from <= 22 && 22 <= r.to)'";
    let content = content(&[("controls/ec2/x.yaml", control(group, rest))]);
    let of = |members: Value| judge_alone(&content, &resource(group, "sg-1", members)).remove(0);
    let open = json!([{"IpProtocol": "tcp", "FromPort": 0, "ToPort": 99, "CidrIp": "0.0.0.0/0"}]);
    let failed = of(json!({"properties": {"SecurityGroupIngress": open}}));
    assert_eq!(failed.status, VerdictStatus::Fail);
    assert_eq!(failed.evidence[0].0, "facts.open_ports.tcp");
    assert_eq!(of(json!({})).status, VerdictStatus::Pass);
    let denied = json!([{"path": "properties.SecurityGroupIngress", "reason": "denied"}]);
    let unknown = of(json!({"unread": denied}));
    assert_eq!(unknown.status, VerdictStatus::Unknown);
    assert_eq!(unknown.unread[0].path.to_string(), "facts.open_ports.tcp");
}

#[test]
fn parameters_have_defaults_that_a_site_may_set() {
    let rest = "parameters: {size_max: {default: 10, en: Size., ja: 大きさ。}}\n\
                require: resource.properties.Size <= parameters.size_max";
    let file = ("controls/ec2/x.yaml", control(VOLUME, rest));
    let big = resource(VOLUME, "vol-1", json!({"properties": {"Size": 50}}));
    let status = |files: &[(&str, String)]| judge_alone(&content(files), &big)[0].status;
    assert_eq!(status(std::slice::from_ref(&file)), VerdictStatus::Fail);
    let set = ("parameters.yaml", "ec2.x: {size_max: 100}\n".to_owned());
    assert_eq!(status(&[file, set]), VerdictStatus::Pass);
}

#[test]
fn what_is_not_known_of_the_account_is_unknown() {
    let content =
        content(&[("controls/ec2/x.yaml", control(VOLUME, "require: account.ou == 'workloads'"))]);
    let volume = resource(VOLUME, "vol-1", json!({}));
    assert_eq!(judge_alone(&content, &volume)[0].status, VerdictStatus::Unknown);
    let mut options = JudgeOptions::at(now());
    let known = AccountKnown { value: json!({"id": ACCOUNT, "ou": "workloads"}), unread: vec![] };
    options.accounts.insert(ACCOUNT.to_owned(), known);
    let judge = Judge::new(&content, options);
    let mut verdicts = Vec::new();
    judge.judge(&volume, &Snapshot::new(judge.needs()), &mut verdicts);
    assert_eq!(verdicts[0].status, VerdictStatus::Pass);
}

#[test]
fn a_listing_that_was_denied_gives_one_unknown_per_control() {
    let content = content(&[
        ("controls/ec2/x.yaml", control(VOLUME, "require: 'true'")),
        ("controls/ec2/y.yaml", control(VOLUME, "require: 'true'")),
        ("controls/ec2/z.yaml", control("AWS::EC2::VPC", "require: 'true'")),
    ]);
    let judge = Judge::new(&content, JudgeOptions::at(now()));
    let unlisted = |state| judge.unlisted(&coverage(VOLUME, REGION, state));
    let denied = unread("", UnreadReason::Denied);
    let verdicts = unlisted(CoverageState::Unread(denied.clone()));
    let ids: Vec<_> = verdicts.iter().map(|verdict| verdict.control.as_str()).collect();
    assert_eq!(ids, ["ec2.x", "ec2.y"]);
    assert!(verdicts.iter().all(|verdict| verdict.status == VerdictStatus::Unknown));
    assert_eq!(verdicts[0].key, "111122223333/us-east-1/AWS::EC2::Volume");
    assert_eq!(verdicts[0].unread, std::slice::from_ref(&denied));
    assert_eq!(unlisted(CoverageState::Partial(denied)).len(), 2);
    assert!(unlisted(CoverageState::Complete).is_empty());
    let absent = unread("", UnreadReason::Unsupported);
    assert!(unlisted(CoverageState::Unread(absent)).is_empty());
}

#[test]
fn the_site_and_the_caller_choose_the_controls() {
    let files = |selection: &str| {
        content(&[
            ("controls/ec2/x.yaml", control(VOLUME, "require: 'true'")),
            ("controls/ec2/y.yaml", control(VOLUME, "require: 'true'")),
            ("selection.yaml", selection.to_owned()),
        ])
    };
    let check = |selection: &str, asked: &[&str], expected: &[&str]| {
        let content = files(selection);
        let mut options = JudgeOptions::at(now());
        options.controls = asked.iter().map(|id| (*id).to_owned()).collect();
        assert_eq!(Judge::new(&content, options).controls(), expected, "{selection} {asked:?}");
    };
    check("{}", &[], &["ec2.x", "ec2.y"]);
    check("disable: [ec2.x]", &[], &["ec2.y"]);
    check("disable: ['ec2.*']", &["ec2.*"], &[]);
    check("disable: ['ec2.*']", &["ec2.x"], &["ec2.x"]);
    check("{}", &["*.y"], &["ec2.y"]);
    let content = files("severity: {ec2.x: low}");
    let verdicts = judge_alone(&content, &resource(VOLUME, "vol-1", json!({})));
    let severities: Vec<_> = verdicts.iter().map(|v| v.severity.as_str()).collect();
    assert_eq!(severities, ["low", "high"]);
}

#[test]
fn a_verdict_stays_below_a_kilobyte() {
    let long = "x".repeat(5000);
    let failed = verdict(
        "require: resource.properties.A == resource.properties.B && false",
        json!({"properties": {"A": long, "B": [{"C": long}, long]}}),
    );
    assert_eq!(failed.status, VerdictStatus::Fail);
    assert!(serde_json::to_string(&failed).unwrap().len() < 1000);
}
