//! Detections over event batches: what is raised, how it is grouped, what the site makes of it.
//! The matching of rules by itself is tested in `lib/sigma`.

mod alerts;
mod builtin;
mod hostile;
mod invariance;
mod reading;
mod site;
mod state;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use yagura_content::Content;
use yagura_content::format::Detection;
use yagura_judge::detections::{DetectOptions, Detector, Folder, Outcome};
use yagura_model::alert::Alert;
use yagura_model::event::{BatchBuilder, EventBatch, Origin};

fn now() -> Timestamp {
    "2026-12-01T00:00:00Z".parse().unwrap()
}

/// Rules alone, as a user names them.
fn options(rules: &str) -> DetectOptions {
    let file = Arc::new(Detection::of_user("rules/test.yml", rules));
    DetectOptions {
        content: false,
        behaviors: false,
        sequences: false,
        rules: vec![file],
        ..DetectOptions::at(now())
    }
}

/// A detector of these rules; every one of them must compile.
fn detector(rules: &str) -> Detector {
    let (detector, problems) = Detector::compile(Content::builtin(), &options(rules));
    assert!(problems.is_empty(), "{problems:?}");
    detector
}

/// A rule over CloudTrail with this detection, in one line.
fn rule(title: &str, detection: &str) -> String {
    format!(
        "title: {title}\nname: {title}\nlogsource: {{product: aws, service: cloudtrail}}\n\
         detection: {detection}\nlevel: high\n"
    )
}

/// An event of CloudTrail at so many seconds after midnight, with the given members.
fn event(id: &str, second: u32, members: Value) -> Value {
    let (hour, minute, rest) = (second / 3_600, second / 60 % 60, second % 60);
    let mut event = json!({
        "eventVersion": "1.11",
        "eventID": id,
        "eventTime": format!("2026-11-21T{hour:02}:{minute:02}:{rest:02}Z"),
        "awsRegion": "us-east-1",
        "recipientAccountId": "111122223333",
        "sourceIPAddress": "203.0.113.24",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/mika"},
    });
    if let (Value::Object(event), Value::Object(members)) = (&mut event, members) {
        event.extend(members);
    }
    event
}

fn batch(events: &[Value]) -> EventBatch {
    let origin = Origin { object: "test".into(), key_fields: Vec::new() };
    let mut builder = BatchBuilder::new(Arc::new(origin));
    for event in events {
        builder.push_json(event.to_string().as_bytes()).unwrap();
    }
    builder.finish()
}

fn run(detector: &Detector, source: &str, events: &[Value]) -> Outcome {
    let mut folder = Folder::new(detector, None).unwrap();
    folder.take(detector.worker().batch(source, &batch(events)));
    folder.finish()
}

fn alerts(detector: &Detector, events: &[Value]) -> Vec<Alert> {
    run(detector, "cloudtrail", events).alerts
}
