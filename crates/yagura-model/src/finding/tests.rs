//! The life of a finding: what reopens it, what does not, and that its history tells it whole.

use super::*;

const DAY_US: i64 = 86_400_000_000;

fn seen(minute: i64) -> Observation {
    Observation {
        kind: FindingKind::Control,
        content: "s3.bucket_encrypted".into(),
        path: None,
        key: "arn:aws:s3:::a".into(),
        sub_key: String::new(),
        title: Prose { en: "not encrypted".into(), ja: "暗号化されていません".into() },
        severity: Severity::Medium,
        account: "111122223333".into(),
        region: "us-east-1".into(),
        resource_type: None,
        resource_name: None,
        cause: "s3.bucket_encrypted@111122223333".into(),
        first_us: minute,
        last_us: minute,
        occurrences: 1,
        rank: Rank::default(),
        marks: vec![],
        suppression: None,
        evidence: Value::Null,
    }
}

fn accepted(until_us: i64) -> FindingSuppression {
    FindingSuppression { until_us, owner: "alice".into(), reason: "test account".into() }
}

fn opened() -> Finding {
    observe(None, seen(1), 1).finding
}

/// After an act that can be done.
fn after(finding: &Finding, what: &Act, at_us: i64) -> Finding {
    let mut finding = finding.clone();
    for change in act(&finding.clone(), what, at_us).unwrap() {
        finding.apply(&change, at_us);
    }
    finding
}

fn closed(finding: &Finding, as_of_us: i64) -> Finding {
    let mut finding = finding.clone();
    for change in close(&finding.clone(), ClosingReason::Passed, as_of_us) {
        finding.apply(&change, as_of_us);
    }
    finding
}

#[test]
fn the_same_observation_twice_counts_once() {
    let first = opened();
    let again = observe(Some(first.clone()), seen(1), 2);
    assert_eq!(again.noticed, NoticedAs::Seen);
    assert!(again.changes.is_empty());
    assert_eq!(again.finding, first);
    let later = observe(Some(first), seen(5), 6).finding;
    assert_eq!((later.occurrences, later.first_seen_us, later.last_seen_us), (2, 1, 5));
}

#[test]
fn an_older_observation_widens_the_time_and_keeps_the_newer_content() {
    let newer = observe(None, Observation { severity: Severity::High, ..seen(9) }, 9).finding;
    let step = observe(Some(newer), seen(3), 10);
    assert_eq!(step.finding.severity, Severity::High);
    assert_eq!((step.finding.first_seen_us, step.finding.last_seen_us), (3, 9));
}

#[test]
fn what_is_resolved_reopens_only_when_seen_later() {
    let over = closed(&opened(), 10);
    assert_eq!(over.state, FindingState::Resolved);
    assert_eq!(observe(Some(over.clone()), seen(10), 20).finding.state, FindingState::Resolved);
    let back = observe(Some(over), seen(11), 20);
    assert_eq!((back.noticed, back.finding.state), (NoticedAs::Reopened, FindingState::New));
    assert_eq!(back.finding.resolved_us, None);
}

#[test]
fn an_alert_that_goes_on_after_it_was_resolved_is_no_new_one() {
    let alert =
        |first_us, last_us| Observation { kind: FindingKind::Alert, first_us, last_us, ..seen(0) };
    let over = closed(&observe(None, alert(1, 5), 5).finding, 10);
    assert_eq!(observe(Some(over.clone()), alert(1, 20), 21).noticed, NoticedAs::Seen);
    assert_eq!(observe(Some(over), alert(15, 20), 21).noticed, NoticedAs::Reopened);
}

#[test]
fn what_was_seen_later_is_not_closed_by_an_older_scan() {
    let finding = observe(None, seen(20), 20).finding;
    assert!(close(&finding, ClosingReason::Passed, 10).is_empty());
}

#[test]
fn a_suppression_holds_until_its_date_and_outlives_a_resolution() {
    let hidden = after(&opened(), &Act::Suppress(accepted(100)), 2);
    assert_eq!(observe(Some(hidden.clone()), seen(50), 50).noticed, NoticedAs::Seen);
    let over = closed(&hidden, 60);
    let back = observe(Some(over), seen(70), 70);
    assert_eq!((back.noticed, back.finding.state), (NoticedAs::Seen, FindingState::Suppressed));
    assert!(end_suppression(&hidden, 99).is_empty());
    assert_eq!(end_suppression(&hidden, 100).len(), 1);
    let back = observe(Some(hidden), seen(100), 101);
    assert_eq!((back.noticed, back.finding.state), (NoticedAs::Reopened, FindingState::New));
}

#[test]
fn an_exception_of_the_files_suppresses_and_its_end_unsuppresses() {
    let excepted = |minute| Observation { suppression: Some(accepted(DAY_US)), ..seen(minute) };
    let step = observe(None, excepted(1), 1);
    let words: Vec<_> = step.changes.iter().map(Change::as_str).collect();
    assert_eq!(words, ["opened", "suppressed"]);
    let step = observe(Some(step.finding), excepted(2), 2);
    assert!(step.changes.is_empty());
    let step = observe(Some(step.finding), seen(3), 3);
    assert_eq!((step.noticed, step.finding.state), (NoticedAs::Reopened, FindingState::New));
    // What a person has suppressed is not undone by files that never spoke of it.
    let by_hand = after(&step.finding, &Act::Suppress(accepted(DAY_US * 2)), 4);
    assert!(observe(Some(by_hand), seen(5), 5).changes.is_empty());
}

#[test]
fn what_a_person_says_about_the_severity_outlives_observations() {
    let low = after(&opened(), &Act::SetSeverity { to: Some(Severity::Low) }, 2);
    let seen_again = Observation { severity: Severity::Critical, ..seen(3) };
    let step = observe(Some(low), seen_again, 3);
    assert_eq!((step.noticed, step.finding.severity), (NoticedAs::Seen, Severity::Low));
    let free = after(&step.finding, &Act::SetSeverity { to: None }, 4);
    assert_eq!(free.severity, Severity::Critical);
}

#[test]
fn worse_than_before_is_said_and_less_bad_is_only_recorded() {
    let worse = observe(Some(opened()), Observation { severity: Severity::High, ..seen(2) }, 2);
    assert_eq!(worse.noticed, NoticedAs::Raised);
    let better = observe(Some(worse.finding), seen(3), 3);
    assert_eq!(better.noticed, NoticedAs::Seen);
    assert_eq!(better.changes[0].as_str(), "lowered");
}

#[test]
fn what_cannot_be_done_is_refused() {
    let check = |finding: &Finding, what: Act, why: Refusal| {
        assert_eq!(act(finding, &what, 10).unwrap_err(), why, "{what:?}");
    };
    let one = opened();
    let state = |to| Act::SetState { to, reason: None };
    check(&one, state(FindingState::Suppressed), Refusal::SuppressionIncomplete);
    check(&one, Act::Suppress(accepted(10)), Refusal::DatePassed);
    let nobody = FindingSuppression { owner: " ".into(), ..accepted(99) };
    check(&one, Act::Suppress(nobody), Refusal::WordsMissing);
    check(&one, Act::Comment { text: String::new() }, Refusal::WordsMissing);
    check(&one, Act::Comment { text: "あ".repeat(4_001) }, Refusal::WordsTooLong);
    check(&closed(&one, 5), Act::Suppress(accepted(99)), Refusal::Resolved);
}

#[test]
fn every_change_reads_back_as_it_was_written() {
    let ticket = Ticket { system: "jira".into(), key: "SEC-1".into(), url: String::new() };
    for change in [
        Change::Opened { severity: Severity::High },
        Change::SeveritySet { to: None },
        Change::Resolved { from: FindingState::New, reason: None, as_of_us: 5 },
        Change::Suppressed { until_us: 1, owner: "a".into(), reason: "b".into() },
        Change::TicketLinked(ticket),
        Change::Commented { text: "承知しました".into() },
    ] {
        let json = serde_json::to_string(&change).unwrap();
        assert_eq!(serde_json::from_str::<Change>(&json).unwrap(), change, "{json}");
    }
}
