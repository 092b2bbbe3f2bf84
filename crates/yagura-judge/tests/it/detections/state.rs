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
        let state = State::read(&folder.pack().unwrap()).unwrap();
        assert_eq!(state, folder.save(), "cut at {cut}");
        let mut folder = Folder::new(&detector, Some(state)).unwrap();
        assert_eq!(folder.drain(), [], "what was saved counts as drained");
        folder.take(detector.worker().batch("cloudtrail", &batch(second)));
        let outcome = folder.finish();
        assert_eq!(outcome.alerts, whole.alerts, "cut at {cut}");
        assert_eq!(outcome.counters, whole.counters, "cut at {cut}");
    }
}

#[test]
fn what_is_old_enough_is_judged_for_good_and_forgotten() {
    let detector = detector(&rules());
    let get = |id: &str, second| event(id, second, json!({"eventName": "GetObject"}));
    let events = ["a", "b", "c", "d"].map(|id| get(id, 3_600));
    let late = get("late", 3_660);
    let new = get("new", 9 * 3_600);
    let mut folder = Folder::new(&detector, None).unwrap();
    let take = |folder: &mut Folder, events: &[Value]| {
        folder.take(detector.worker().batch("cloudtrail", &batch(events)));
    };
    take(&mut folder, &events);
    take(&mut folder, std::slice::from_ref(&new));
    let waiting = |folder: &Folder| folder.size().2;
    assert_eq!(waiting(&folder), 5, "without a lateness all wait for the end");
    let many = |alerts: &[yagura_model::alert::Alert]| {
        alerts.iter().filter(|alert| alert.title.en == "many").count()
    };
    assert_eq!(many(&folder.drain()), 0);
    assert_eq!(many(&folder.settle(6 * 3_600_000_000)), 1);
    assert_eq!(waiting(&folder), 1, "the newest still waits");
    take(&mut folder, &[late, get("newer", 9 * 3_600 + 1)]);
    assert_eq!(waiting(&folder), 2, "what is not so old waits as before");
    let outcome = folder.finish();
    assert_eq!(outcome.counters.late, 1);
}

#[test]
fn what_was_passed_is_judged_as_if_it_had_waited_for_the_end() {
    let detector = detector(&rules());
    let events = events();
    let mut whole = Folder::new(&detector, None).unwrap();
    whole.take(detector.worker().batch("cloudtrail", &batch(&events)));
    let whole = whole.finish();
    for cut in 0..=events.len() {
        let (first, second) = events.split_at(cut);
        let mut folder = Folder::new(&detector, None).unwrap();
        for part in [first, second] {
            let mut part = part.to_vec();
            part.reverse();
            folder.take(detector.worker().batch("cloudtrail", &batch(&part)));
            folder.pass();
        }
        assert!(folder.size().2 <= 1, "cut at {cut}: only the newest waits");
        let outcome = folder.finish();
        assert_eq!(outcome.alerts, whole.alerts, "cut at {cut}");
        assert_eq!(outcome.counters, whole.counters, "cut at {cut}");
    }
}

/// Many calls, two seconds apart, in batches of an hour: of one actor after the other, and four of
/// one actor within ten minutes now and then.
fn a_day() -> Vec<Vec<Value>> {
    let call = |number: u32| {
        let actor = if number % 4_000 < 4 { "eve".to_owned() } else { format!("actor-{number}") };
        let arn = format!("arn:aws:iam::111122223333:user/{actor}");
        let members = json!({"eventName": "GetObject", "userIdentity": {"arn": arn}});
        event(&format!("e{number}"), number * 2, members)
    };
    let calls: Vec<Value> = (0..24 * 1_800).map(call).collect();
    calls.chunks(1_800).map(<[Value]>::to_vec).collect()
}

#[test]
fn what_names_promise_is_judged_early_where_much_waits() {
    const HOUR_US: i64 = 3_600_000_000;
    let day = a_day();
    let many = rules().replace("level: high", "level: informational");
    let detector = detector(&many);
    let start: jiff::Timestamp = "2026-11-21T00:00:00Z".parse().unwrap();
    let run = |named_from: Option<i64>| {
        let mut folder = Folder::new(&detector, None).unwrap();
        let mut most = 0;
        for (hour, calls) in (0..).zip(&day) {
            let from_us = named_from.map(|from| start.as_microsecond() + (from + hour) * HOUR_US);
            if from_us.is_some_and(|from_us| folder.reached(from_us, 6 * HOUR_US)) {
                folder.judge_reached();
            }
            folder.take(detector.worker().batch("cloudtrail", &batch(calls)));
            most = most.max(folder.size().2);
        }
        (folder.finish(), most)
    };
    let (whole, all) = run(None);
    assert_eq!(all, 24 * 1_800);
    assert!(whole.alerts.iter().any(|alert| alert.title.en == "many"));
    let (promised, most) = run(Some(0));
    assert_eq!(promised.alerts, whole.alerts);
    assert_eq!(promised.counters, whole.counters);
    assert!(most < 24_000, "{most} waited");
    // Going on from what another run remembered, whose newest records are later than ours.
    let (early, late) = day.split_at(12);
    let mut before = Folder::new(&detector, None).unwrap();
    for calls in late {
        before.take(detector.worker().batch("cloudtrail", &batch(calls)));
    }
    let mut folder = Folder::new(&detector, Some(before.save())).unwrap();
    for calls in early {
        if folder.reached(start.as_microsecond(), 6 * HOUR_US) {
            folder.judge_reached();
        }
        folder.take(detector.worker().batch("cloudtrail", &batch(calls)));
    }
    let resumed = folder.finish();
    assert_eq!((resumed.alerts, resumed.counters.late), (whole.alerts.clone(), 0));
    // Names that tell of another time than the records have: nothing is believed, nothing lost.
    let (misled, most) = run(Some(24 * 40));
    assert_eq!(misled.alerts, whole.alerts);
    assert_eq!((misled.counters.late, most), (0, all));
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
fn packed_state_is_the_text_that_earlier_versions_wrote() {
    let detector = detector(&rules());
    let mut folder = Folder::new(&detector, None).unwrap();
    folder.take(detector.worker().batch("cloudtrail", &batch(&events())));
    let packed = folder.pack().unwrap();
    let text = zstd::decode_all(packed.as_slice()).unwrap();
    assert_eq!(text, serde_json::to_vec(&folder.save()).unwrap());
    assert_eq!(State::read(&text).unwrap(), folder.save());
    for cut in [0, 3, packed.len() / 2, packed.len() - 1] {
        let refused = State::read(&packed[..cut]).unwrap_err();
        assert!(matches!(refused, StateError::Damaged(_)), "{refused}");
    }
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
