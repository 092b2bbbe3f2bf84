//! Accepted failures.

use serde_json::json;
use yagura_judge::expired_exceptions;
use yagura_model::VerdictStatus;

use crate::world::{content, control, judge_alone, now, resource};

const VOLUME: &str = "AWS::EC2::Volume";

fn check(rule: &str, expected: bool) {
    let rule = format!("- {{{rule}, owner: Aiko, reason: old data}}\n");
    let content = content(&[
        ("controls/ec2/x.yaml", control(VOLUME, "require: resource.properties.Encrypted == true")),
        ("exceptions.yaml", rule.clone()),
    ]);
    let members = json!({"tags": {"team": "data"}});
    let failed = judge_alone(&content, &resource(VOLUME, "vol-1", members)).remove(0);
    assert_eq!(failed.status, VerdictStatus::Fail, "{rule}");
    assert_eq!(failed.exception.is_some(), expected, "{rule}");
}

#[test]
fn an_exception_covers_what_all_of_its_dimensions_name() {
    let until = "expires: 2026-12-31";
    check(&format!("control: ec2.x, {until}"), true);
    check(&format!("control: 'ec2.*', {until}"), true);
    check(&format!("control: ec2.y, {until}"), false);
    check(&format!("control: ec2.x, accounts: ['111122223333'], {until}"), true);
    check(&format!("control: ec2.x, accounts: ['000000000000'], {until}"), false);
    check(&format!("control: ec2.x, regions: [us-east-1], {until}"), true);
    check(&format!("control: ec2.x, regions: [eu-west-1], {until}"), false);
    check(&format!("control: ec2.x, resources: ['*vol-1'], {until}"), true);
    check(&format!("control: ec2.x, resources: ['*vol-2'], {until}"), false);
    check(&format!("control: ec2.x, tags: {{team: data}}, {until}"), true);
    check(&format!("control: ec2.x, tags: {{team: web}}, {until}"), false);
    check(&format!("control: ec2.x, regions: [us-east-1], resources: ['*vol-2'], {until}"), false);
}

#[test]
fn an_expired_exception_does_not_apply_and_is_named() {
    check("control: ec2.x, expires: 2026-11-20", false);
    check("control: ec2.x, expires: 2026-11-21", true);
    let content = content(&[(
        "exceptions.yaml",
        "- {control: a.b, owner: Aiko, reason: r, expires: 2026-11-20}\n\
         - {control: c.d, owner: Aiko, reason: r, expires: 2026-11-21}\n"
            .to_owned(),
    )]);
    let expired: Vec<_> =
        expired_exceptions(&content.site, now()).map(|rule| rule.control.as_str()).collect();
    assert_eq!(expired, ["a.b"]);
}

#[test]
fn a_pass_needs_no_exception() {
    let content = content(&[
        ("controls/ec2/x.yaml", control(VOLUME, "require: 'true'")),
        (
            "exceptions.yaml",
            "- {control: '*', owner: Aiko, reason: r, expires: 2027-01-01}\n".to_owned(),
        ),
    ]);
    let passed = judge_alone(&content, &resource(VOLUME, "vol-1", json!({}))).remove(0);
    assert_eq!((passed.status, passed.exception), (VerdictStatus::Pass, None));
}
