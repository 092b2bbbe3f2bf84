//! State between runs: what was saved in the middle goes on as if nothing had happened.
//! State of correlations by itself is tested in `lib/sigma`.

use serde_json::{Value, json};
use yagura_judge::detections::{Folder, State, StateError};

use super::{batch, detector, event, rule};

fn rules() -> String {
    let get = rule("get", "{s: {eventName: GetObject}, condition: s}");
    let put = rule("put", "{s: {eventName: PutObject}, condition: s}");
    format!(
        "{get}---\n{put}---\ntitle: many\ncorrelation: {{type: event_count, rules: [get], \
         group-by: [userIdentity.arn], timespan: 10m, condition: {{gte: 4}}}}\n"
    )
}

fn events() -> Vec<Value> {
    (0..12_u32)
        .map(|number| {
            let call = if number % 3 == 2 { "PutObject" } else { "GetObject" };
            event(&format!("e{number}"), number * 40, json!({"eventName": call}))
        })
        .collect()
}

#[test]
fn state_restored_in_the_middle_equals_an_uninterrupted_run() {
    let detector = detector(&rules());
    let events = events();
    let mut whole = Folder::new(&detector, None).unwrap();
    whole.take(detector.worker().batch("cloudtrail", &batch(&events)));
    let whole = whole.finish();
    assert_eq!(whole.alerts.len(), 2);
    for cut in 0..=events.len() {
        let (first, second) = events.split_at(cut);
        let mut folder = Folder::new(&detector, None).unwrap();
        folder.take(detector.worker().batch("cloudtrail", &batch(first)));
        let saved = serde_json::to_string(&folder.save()).unwrap();
        let state: State = serde_json::from_str(&saved).unwrap();
        let mut folder = Folder::new(&detector, Some(state)).unwrap();
        assert_eq!(folder.drain(), [], "what was saved counts as drained");
        folder.take(detector.worker().batch("cloudtrail", &batch(second)));
        let outcome = folder.finish();
        assert_eq!(outcome.alerts, whole.alerts, "cut at {cut}");
        assert_eq!(outcome.counters, whole.counters, "cut at {cut}");
    }
}

#[test]
fn a_rule_that_changed_begins_anew_and_its_alerts_stay() {
    let before = detector(&rules());
    let mut folder = Folder::new(&before, None).unwrap();
    folder.take(before.worker().batch("cloudtrail", &batch(&events())));
    let state = folder.save();
    let after = detector(&rules().replace("gte: 4", "gte: 40"));
    let outcome = Folder::new(&after, Some(state)).unwrap().finish();
    let titles: Vec<&str> = outcome.alerts.iter().map(|alert| alert.title.en.as_str()).collect();
    assert_eq!(titles, ["put"]);
}

#[test]
fn state_of_another_version_is_refused() {
    let detector = detector(&rules());
    let folder = Folder::new(&detector, None).unwrap();
    let mut saved = serde_json::to_value(folder.save()).unwrap();
    saved["version"] = json!(7);
    let state: State = serde_json::from_value(saved).unwrap();
    let refused = Folder::new(&detector, Some(state)).err();
    assert_eq!(refused, Some(StateError::Version { found: 7 }));
}
