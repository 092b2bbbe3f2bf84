//! What an alert says: why it matched, whom it is about, how signals are grouped.
//! How alerts merge is tested in the model.

use serde_json::{Value, json};
use yagura_content::Content;
use yagura_judge::detections::{DetectOptions, Detector, Folder};
use yagura_model::Severity;
use yagura_model::alert::{Alert, EntityKind};

use super::{alerts, batch, detector, event, options, rule, run};

fn stop(id: &str, second: u32) -> Value {
    event(id, second, json!({"eventName": "StopLogging", "requestParameters": {"name": "org"}}))
}

fn only(alerts: Vec<Alert>) -> Alert {
    assert_eq!(alerts.len(), 1, "{alerts:#?}");
    alerts.into_iter().next().unwrap()
}

/// Settings of ours on a rule about `StopLogging`.
fn with_settings(settings: &str) -> Detector {
    let rule = rule("stop", "{s: {eventName: StopLogging}, condition: s}");
    detector(&format!("{rule}yagura: {{{settings}}}\n"))
}

#[test]
fn an_alert_tells_selection_field_and_value() {
    let detection = "{call: {eventName: [StopLogging, DeleteTrail]}, done: {errorCode: null}, \
        aws: {userIdentity.type: AWSService}, condition: call and done and not aws}";
    let alert = only(alerts(&detector(&rule("stop", detection)), &[stop("a", 5)]));
    let matched: Vec<(&str, &str, Option<&str>)> = alert
        .matched
        .iter()
        .map(|one| (&*one.selection, &*one.field, one.value.as_deref()))
        .collect();
    assert_eq!(matched, [("call", "eventName", Some("StopLogging")), ("done", "errorCode", None)]);
    let witness = &alert.witnesses[0];
    assert_eq!(witness.actor.as_deref(), Some("arn:aws:iam::111122223333:user/mika"));
    assert_eq!(witness.address.as_deref(), Some("203.0.113.24"));
    assert_eq!(witness.action.as_deref(), Some("StopLogging"));
    assert_eq!(witness.outcome.as_deref(), Some("success"));
    assert_eq!(witness.resources, vec!["org".into()]);
    assert_eq!((alert.severity, alert.entity.kind), (Severity::High, EntityKind::Actor));
}

#[test]
fn a_correlation_names_its_records_and_what_was_measured() {
    let rules = format!(
        "{}---\ntitle: many\ncorrelation: {{type: event_count, rules: [stop], \
         group-by: [requestParameters.name], timespan: 5m, condition: {{gte: 3}}}}\n\
         yagura: {{entity: requestParameters.name}}\n",
        rule("stop", "{s: {eventName: StopLogging}, condition: s}")
    );
    let events = [stop("a", 5), stop("b", 60), stop("c", 100), stop("d", 3_000)];
    let alert = only(alerts(&detector(&rules), &events));
    assert_eq!(alert.entity.id.as_ref(), "org");
    assert_eq!(alert.count(), (3, true));
    assert_eq!(alert.witnesses.len(), 3);
    let matched: Vec<(&str, Option<&str>)> =
        alert.matched.iter().map(|one| (&*one.field, one.value.as_deref())).collect();
    let expected = [("requestParameters.name", Some("org")), ("event_count", Some("3"))];
    assert_eq!(matched, expected);
    let contrast = alert.contrast.unwrap();
    assert_eq!(contrast.normal.en, "fewer than 3 events within 5 minutes");
    assert_eq!(contrast.seen.ja, "イベントが 3 件（5 分以内）");
}

#[test]
fn windows_are_aligned_to_the_epoch() {
    let detector = with_settings("window: 1h");
    let alerts = alerts(&detector, &[stop("a", 3_599), stop("b", 3_600), stop("c", 7_199)]);
    let counts: Vec<u64> = alerts.iter().map(|alert| alert.count().0).collect();
    assert_eq!(counts, [1, 2]);
}

#[test]
fn signals_are_grouped_by_whom_they_are_about() {
    let by = |settings: &str| {
        let mut other = stop("b", 6);
        other["sourceIPAddress"] = json!("198.51.100.77");
        let events = [stop("a", 5), other];
        let alerts = alerts(&with_settings(settings), &events);
        let mut entities: Vec<String> =
            alerts.iter().map(|alert| alert.entity.to_string()).collect();
        entities.sort();
        entities
    };
    assert_eq!(by("entity: actor"), ["actor:arn:aws:iam::111122223333:user/mika"]);
    assert_eq!(by("entity: address"), ["address:198.51.100.77", "address:203.0.113.24"]);
    assert_eq!(by("entity: account"), ["account:111122223333"]);
    assert_eq!(by("entity: resource"), ["resource:org"]);
    assert_eq!(by("entity: requestParameters.name"), ["resource:org"]);
    assert_eq!(by("entity: sourceIPAddress").len(), 2);
    // What a record does not tell falls back on the nearest thing that it does.
    assert_eq!(by("entity: instance"), ["actor:arn:aws:iam::111122223333:user/mika"]);
}

#[test]
fn the_session_of_an_instance_is_the_instance() {
    let mut event = stop("a", 5);
    let arn = "arn:aws:sts::111122223333:assumed-role/app/i-0a1b2c3d4e5f60718";
    event["userIdentity"] = json!({"type": "AssumedRole", "arn": arn});
    let alert = only(alerts(&with_settings("entity: instance"), &[event]));
    assert_eq!(alert.entity.to_string(), "instance:i-0a1b2c3d4e5f60718");
}

#[test]
fn a_weak_signal_never_alerts_and_a_shadow_is_marked() {
    let outcome = run(&with_settings("weak: true"), "cloudtrail", &[stop("a", 5)]);
    assert_eq!(outcome.alerts, []);
    assert_eq!((outcome.counters.signals, outcome.counters.weak), (1, 1));
    let alert = only(alerts(&with_settings("shadow: true"), &[stop("a", 5)]));
    assert!(alert.shadow);
}

#[test]
fn ungrouped_every_match_is_an_alert() {
    let rules = rule("stop", "{s: {eventName: StopLogging}, condition: s}");
    let options = DetectOptions { grouped: false, ..options(&rules) };
    let (detector, _) = Detector::compile(Content::builtin(), &options);
    let events = [stop("a", 5), stop("b", 6), stop("a", 5)];
    let alerts = alerts(&detector, &events);
    let counts: Vec<u64> = alerts.iter().map(|alert| alert.count().0).collect();
    assert_eq!(counts, [1, 1]);
    assert_ne!(alerts[0].id, alerts[1].id);
}

#[test]
fn a_rule_of_the_user_is_known_by_its_uuid_or_its_place() {
    let plain = rule("stop", "{s: {eventName: StopLogging}, condition: s}");
    let alert = only(alerts(&detector(&plain), &[stop("a", 5)]));
    assert_eq!(alert.content.as_ref(), "rules/test.yml:1");
    assert_eq!((alert.path.as_ref(), alert.title.ja.as_str()), ("rules/test.yml", "stop"));
    let uuid = "6cbc2d6d-3cf9-4cd5-a86f-5c1c78378f81";
    let alert = only(alerts(&detector(&format!("id: {uuid}\n{plain}")), &[stop("a", 5)]));
    assert_eq!(alert.content.as_ref(), uuid);
}

#[test]
fn a_record_without_a_time_alerts_and_is_counted() {
    let mut event = stop("a", 5);
    event["eventTime"] = json!("yesterday");
    let outcome = run(&with_settings(""), "cloudtrail", &[event]);
    assert_eq!(outcome.counters.timeless, 1);
    assert_eq!(outcome.alerts[0].first_us, 0);
}

#[test]
fn open_alerts_are_bounded_and_what_was_drained_makes_room() {
    let rules = rule("stop", "{s: {eventName: StopLogging}, condition: s}");
    let options = DetectOptions { alerts_max: 10, ..options(&rules) };
    let (detector, _) = Detector::compile(Content::builtin(), &options);
    let of = |number: u32| {
        let arn = format!("arn:aws:iam::111122223333:user/u{number}");
        let mut event = stop(&format!("e{number}"), number);
        event["userIdentity"] = json!({"arn": arn});
        event
    };
    let mut folder = Folder::new(&detector, None).unwrap();
    let mut worker = detector.worker();
    let first: Vec<Value> = (0..25).map(of).collect();
    folder.take(worker.batch("cloudtrail", &batch(&first)));
    assert_eq!(folder.counters().left_out, 15);
    assert_eq!(folder.drain().len(), 10);
    let second: Vec<Value> = (25..30).map(of).collect();
    folder.take(worker.batch("cloudtrail", &batch(&second)));
    assert_eq!(folder.counters().left_out, 15);
    assert_eq!(folder.drain().len(), 5);
    assert!(folder.size().0 <= 10);
}
