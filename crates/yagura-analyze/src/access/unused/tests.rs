//! Claims about what lies idle; the negative space matters most: what is not known is not unused.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]
#![allow(clippy::needless_pass_by_value, reason = "the smallest input reads best as a literal")]

use serde_json::{Value, json};
use yagura_model::{Path, UnreadReason};

use super::super::least::{StatementUse, SurplusAction};
use super::*;

const ROLE: &str = "arn:aws:iam::444455556666:role/app";

fn resource(type_name: &str, key: &str, runtime: Value) -> Resource {
    Resource {
        key: key.to_owned(),
        type_name: type_name.to_owned(),
        account: "444455556666".to_owned(),
        runtime: runtime.as_object().unwrap().clone(),
        ..Resource::default()
    }
}

fn since() -> Timestamp {
    "2026-08-01T00:00:00Z".parse().unwrap()
}

/// Kinds and whether they are unknown.
fn check(resource: Resource, wanted: &[(IdleKind, bool)]) {
    let found: Vec<_> =
        idle(&[resource], since()).iter().map(|one| (one.kind, one.unknown)).collect();
    assert_eq!(found, wanted);
}

#[test]
fn a_role_is_idle_when_neither_used_nor_made_since() {
    let role = |runtime| resource("AWS::IAM::Role", ROLE, runtime);
    let used = |date: &str| {
        let last = json!({"LastUsedDate": date});
        json!({"CreateDate": "2020-01-01T00:00:00Z", "RoleLastUsed": last})
    };
    check(role(used("2026-07-31T00:00:00Z")), &[(IdleKind::Role, false)]);
    check(role(used("2026-08-01T00:00:00Z")), &[]);
    check(role(json!({"CreateDate": "2020-01-01T00:00:00Z"})), &[(IdleKind::Role, false)]);
    check(role(json!({"CreateDate": "2026-09-01T00:00:00Z"})), &[]);
    check(role(json!({"ServiceLinked": true, "CreateDate": "2020-01-01T00:00:00Z"})), &[]);
}

#[test]
fn what_was_not_read_makes_it_unknown() {
    let mut role = resource("AWS::IAM::Role", ROLE, json!({"CreateDate": "2020-01-01T00:00:00Z"}));
    let path = Path::of_keys(["runtime", "RoleLastUsed"]);
    role.unread.push(Unread::of(path, UnreadReason::Denied));
    check(role, &[(IdleKind::Role, true)]);
    check(resource("AWS::IAM::Role", ROLE, json!({})), &[(IdleKind::Role, true)]);
}

#[test]
fn a_users_password_and_each_key_are_judged_by_themselves() {
    let mika = "arn:aws:iam::444455556666:user/mika";
    let user = |runtime| resource("AWS::IAM::User", mika, runtime);
    let (old, new) = ("2026-01-01T00:00:00Z", "2026-10-01T00:00:00Z");
    let made = "2020-01-01T00:00:00Z";
    let keys = json!([
        {"Active": true, "LastRotated": made, "LastUsedDate": new},
        {"Active": true, "LastRotated": made, "LastUsedDate": old},
        {"Active": false, "LastRotated": made, "LastUsedDate": old},
    ]);
    let both = json!({
        "CreateDate": made, "PasswordEnabled": true, "PasswordLastUsed": old,
        "PasswordLastChanged": made, "AccessKeys": keys,
    });
    check(user(both.clone()), &[(IdleKind::Password, false), (IdleKind::AccessKey, false)]);
    assert_eq!(idle(&[user(both)], since())[1].key, Some(2));
    let young = json!({"CreateDate": made, "AccessKeys": [{"Active": true, "LastRotated": new}]});
    check(user(young), &[(IdleKind::User, false)]);
    check(user(json!({"CreateDate": made, "AccessKeys": []})), &[(IdleKind::User, false)]);
}

#[test]
fn a_use_through_one_statement_is_a_use_and_the_unknown_is_not_unused() {
    let surplus = |action: &str, level| SurplusAction { action: action.into(), level };
    let one = |used: &[&str], unused: Vec<SurplusAction>, unknown| StatementUse {
        policy: "p".to_owned(),
        number: 0,
        sid: None,
        anywhere: false,
        used: used.iter().map(|name| (*name).into()).collect(),
        surplus: unused,
        unknown,
    };
    let write = || surplus("s3:PutBucketPolicy", ActionLevel::Permissions);
    let excess = Excess {
        statements: vec![
            one(&["s3:GetObject"], vec![write()], vec![]),
            one(
                &[],
                vec![surplus("s3:GetObject", ActionLevel::Read)],
                vec![(surplus("s3:PutObject", ActionLevel::Write), Blind::DataEventsOff)],
            ),
            one(&[], vec![surplus("sqs:SendMessage", ActionLevel::Write)], vec![]),
        ],
    };
    let found = services(&excess);
    let (s3, sqs) = (&found[0], &found[1]);
    assert_eq!((s3.service.as_str(), s3.granted, s3.used), ("s3", 3, 1));
    assert_eq!((s3.unused_count(), s3.unknown[&Blind::DataEventsOff]), (1, 1));
    assert!(!s3.is_idle() && sqs.is_idle());
}

#[test]
fn services_are_idle_that_were_not_asked_since_then() {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let access = |service: &str, last: Option<&str>| ServiceAccess {
        service: service.to_owned(),
        last: last.map(at),
    };
    let all = [
        access("s3", Some("2026-08-01T00:00:00Z")),
        access("ec2", Some("2026-07-31T23:59:59Z")),
        access("iam", None),
        access("sqs", Some("2026-01-01T00:00:00Z")),
    ];
    let check = |made: Option<&str>, expected: &[&str]| {
        let idle = idle_services(&all, made.map(at), since());
        let idle: Vec<&str> = idle.into_iter().map(|one| one.service.as_str()).collect();
        assert_eq!(idle, expected, "{made:?}");
    };
    check(None, &["iam", "sqs", "ec2"]);
    check(Some("2026-07-31T00:00:00Z"), &["iam", "sqs", "ec2"]);
    check(Some("2026-08-01T00:00:00Z"), &[]);
}
