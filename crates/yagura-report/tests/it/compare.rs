//! What counts as new, fixed and changed between two scans.
//! How it is shown is in `formats.rs`.

use yagura_model::{Exception, Severity, UnreadReason, Verdict, VerdictStatus};
use yagura_report::Comparison;

use crate::fixture::{PRODUCTION, time, unread, verdict};

fn group(status: VerdictStatus, name: &str) -> Verdict {
    verdict("ec2.ssh_closed", status, Severity::High, PRODUCTION, "us-east-1", name)
}

/// Compares one verdict before with one now and says which list it is in.
fn check(before: Option<Verdict>, now: Option<Verdict>, expected: &str) {
    let former: Vec<_> = before.into_iter().collect();
    let latter: Vec<_> = now.into_iter().collect();
    let comparison = Comparison::between(&former, &latter);
    let found = (comparison.new.len(), comparison.fixed.len(), comparison.changed.len());
    let expected = match expected {
        "new" => (1, 0, 0),
        "fixed" => (0, 1, 0),
        "changed" => (0, 0, 1),
        "same" => (0, 0, 0),
        other => panic!("{other}"),
    };
    assert_eq!(found, expected, "{former:?} {latter:?}");
}

#[test]
fn a_failure_that_was_none_is_new() {
    use VerdictStatus::{Fail, NotApplicable, Pass, Unknown};
    for before in [Pass, NotApplicable, Unknown] {
        check(Some(group(before, "a")), Some(group(Fail, "a")), "new");
    }
    check(None, Some(group(Fail, "a")), "new");
}

#[test]
fn a_failure_that_passes_or_is_gone_is_fixed() {
    use VerdictStatus::{Fail, NotApplicable, Pass};
    check(Some(group(Fail, "a")), Some(group(Pass, "a")), "fixed");
    check(Some(group(Fail, "a")), Some(group(NotApplicable, "a")), "fixed");
    check(Some(group(Fail, "a")), None, "fixed");
}

#[test]
fn a_failure_that_can_no_longer_be_judged_is_not_fixed() {
    use VerdictStatus::{Fail, Unknown};
    check(Some(group(Fail, "a")), Some(group(Unknown, "a")), "changed");
}

#[test]
fn a_failure_whose_listing_was_denied_is_not_fixed() {
    let mut listing = group(VerdictStatus::Unknown, "");
    listing.key = format!("{PRODUCTION}/us-east-1/AWS::EC2::SecurityGroup");
    listing.unread = vec![unread("", UnreadReason::Denied)];
    let comparison =
        Comparison::between(&[group(VerdictStatus::Fail, "a")], std::slice::from_ref(&listing));
    assert!(comparison.fixed.is_empty());
    assert_eq!(comparison.changed, [(group(VerdictStatus::Fail, "a"), listing)]);
}

#[test]
fn an_accepted_failure_is_a_change_and_an_ended_exception_is_new() {
    let mut accepted = group(VerdictStatus::Fail, "a");
    accepted.exception = Some(Exception {
        owner: "web".to_owned(),
        reason: "known".to_owned(),
        expires: time("2027-01-01T00:00:00Z"),
    });
    check(Some(group(VerdictStatus::Fail, "a")), Some(accepted.clone()), "changed");
    check(Some(accepted), Some(group(VerdictStatus::Fail, "a")), "new");
}

#[test]
fn what_stayed_is_not_mentioned() {
    use VerdictStatus::{Fail, Pass, Unknown};
    for status in [Fail, Pass, Unknown] {
        check(Some(group(status, "a")), Some(group(status, "a")), "same");
    }
    check(None, Some(group(Unknown, "a")), "same");
    check(Some(group(Pass, "a")), None, "same");
}

#[test]
fn a_changed_severity_is_a_change() {
    let mut worse = group(VerdictStatus::Fail, "a");
    worse.severity = Severity::Critical;
    check(Some(group(VerdictStatus::Fail, "a")), Some(worse), "changed");
}
