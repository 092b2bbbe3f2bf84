//! What is raised does not depend on how a log is cut, ordered, spread over threads or repeated.
//! What exactly is raised is tested beside.

use proptest::prelude::*;
use serde_json::{Value, json};
use yagura_judge::detections::{Detector, Folder, Outcome};
use yagura_model::alert::Alert;

use super::{alerts, batch, detector, event, rule};

const CALLS: [&str; 5] = ["StopLogging", "DeleteTrail", "GetObject", "ConsoleLogin", "PutObject"];
const PEOPLE: [&str; 3] = ["mika", "ken", "root"];

/// One of each sort: plain, a count, distinct values, an order, a chain and a limit from above.
fn rules() -> String {
    let stop = rule("stop", "{s: {eventName: StopLogging}, condition: s}");
    let delete = rule("delete", "{s: {eventName: DeleteTrail}, condition: s}");
    let get = rule("get", "{s: {eventName: GetObject}, condition: s}");
    let sign_in = rule("sign_in", "{s: {eventName: ConsoleLogin}, condition: s}");
    let correlation = |title: &str, rest: &str| {
        format!("title: {title}\nname: {title}\ncorrelation: {{{rest}}}\nlevel: medium\n")
    };
    let by = "group-by: [userIdentity.arn], timespan: 10m";
    [
        stop,
        delete,
        get,
        sign_in,
        rule("put", "{s: {eventName: PutObject}, condition: s}"),
        correlation(
            "many",
            &format!("type: event_count, rules: [get], {by}, condition: {{gte: 3}}"),
        ),
        correlation(
            "spread",
            &format!("type: value_count, rules: [get], {by}, condition: {{field: bucket, gte: 2}}"),
        ),
        correlation("order", &format!("type: temporal_ordered, rules: [sign_in, delete], {by}")),
        correlation(
            "chain",
            "type: temporal, rules: [order, stop], group-by: [recipientAccountId], timespan: 1h",
        ),
        correlation(
            "few",
            &format!("type: event_count, rules: [stop], {by}, condition: {{lte: 1}}"),
        ),
    ]
    .join("---\n")
}

fn events() -> impl Strategy<Value = Vec<Value>> {
    let one = (0..CALLS.len(), 0..PEOPLE.len(), 0..3_600_u32, 0..4_u8);
    prop::collection::vec(one, 1..60).prop_map(|list| {
        let event = |(number, (call, person, second, bucket)): (usize, (usize, usize, u32, u8))| {
            let arn = format!("arn:aws:iam::111122223333:user/{}", PEOPLE[person]);
            event(
                &format!("e{number}"),
                second,
                json!({
                    "eventName": CALLS[call],
                    "userIdentity": {"arn": arn},
                    "bucket": format!("b{bucket}"),
                }),
            )
        };
        list.into_iter().enumerate().map(event).collect()
    })
}

/// Deals events out to workers in an order that the seed gives, in batches of a few, some twice.
fn torn(detector: &Detector, events: &[Value], seed: u64) -> Outcome {
    let mut dice = fastrand::Rng::with_seed(seed);
    let mut shuffled: Vec<Value> = events.to_vec();
    shuffled.extend(events.iter().filter(|_| dice.bool()).cloned());
    dice.shuffle(&mut shuffled);
    let mut workers = [detector.worker(), detector.worker(), detector.worker()];
    let mut folder = Folder::new(detector, None).unwrap();
    let mut rest = shuffled.as_slice();
    let mut judged = Vec::new();
    while !rest.is_empty() {
        let (first, tail) = rest.split_at(dice.usize(1..=rest.len().min(7)));
        judged.push(workers[dice.usize(..3)].batch("cloudtrail", &batch(first)));
        rest = tail;
    }
    for judged in judged {
        folder.take(judged);
    }
    folder.finish()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn cuts_orders_threads_and_repeats_change_nothing(events in events(), seed in any::<u64>()) {
        let detector = detector(&rules());
        let whole = alerts(&detector, &events);
        prop_assert_eq!(&torn(&detector, &events, seed).alerts, &whole);
    }
}

#[test]
fn each_sort_of_rule_is_raised_by_some_events() {
    let detector = detector(&rules());
    let of = |number: usize, second, call: &str, bucket: &str| {
        event(&format!("e{number}"), second, json!({"eventName": call, "bucket": bucket}))
    };
    let events = [
        of(1, 0, "GetObject", "a"),
        of(2, 60, "GetObject", "b"),
        of(3, 120, "GetObject", "b"),
        of(4, 180, "ConsoleLogin", ""),
        of(5, 240, "DeleteTrail", ""),
        of(6, 300, "StopLogging", ""),
        of(7, 310, "PutObject", ""),
    ];
    let alerts = alerts(&detector, &events);
    let mut titles: Vec<&str> = alerts.iter().map(|alert| alert.title.en.as_str()).collect();
    titles.sort_unstable();
    // `order` is a member of `chain`, and the others of correlations: they raise nothing alone.
    assert_eq!(titles, ["chain", "few", "many", "put", "spread"]);
}

#[test]
fn the_same_input_again_changes_no_alert() {
    let detector = detector(&rules());
    let events: Vec<Value> =
        (0..5).map(|n| event(&format!("e{n}"), n, json!({"eventName": "PutObject"}))).collect();
    let mut folder = Folder::new(&detector, None).unwrap();
    let mut worker = detector.worker();
    folder.take(worker.batch("cloudtrail", &batch(&events)));
    let first: Vec<Alert> = folder.drain();
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].count(), (5, true));
    folder.take(worker.batch("cloudtrail", &batch(&events)));
    assert_eq!(folder.drain(), []);
    folder.take(
        worker.batch("cloudtrail", &batch(&[event("e9", 9, json!({"eventName": "PutObject"}))])),
    );
    let grown = folder.drain();
    assert_eq!(grown[0].id, first[0].id);
    assert_eq!(grown[0].count(), (6, true));
}
