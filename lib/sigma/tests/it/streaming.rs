//! Order, lateness, splits, repeats, bounds and saved state of correlations.
//! What each type of correlation means is `correlating.rs`.

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use sigma::{Correlator, Matcher, Options, State, StateError};

use crate::check::matcher;
use crate::stream::{Short, event, lateness, observe, run, short};

const RULES: &str = "
title: a
name: a
logsource: {product: aws}
detection: {s: {kind: a}, condition: s}
---
title: b
name: b
logsource: {product: aws}
detection: {s: {kind: [b, a-b]}, condition: s}
---
title: c
name: c
logsource: {product: aws}
detection: {s: {kind: [c, a-b]}, condition: s}
---
title: count
name: count
correlation: {type: event_count, rules: [a, b], group-by: [g], timespan: 20s, condition: {gte: 3}}
---
title: values
correlation: {type: value_count, rules: [a, b, c], group-by: [g], timespan: 30s,
  condition: {field: v, gte: 3}}
---
title: sum
correlation: {type: value_sum, rules: [c], timespan: 15s, condition: {field: v, gt: 8}}
---
title: mean
correlation: {type: value_avg, rules: [a, c], group-by: [g], timespan: 25s,
  condition: {field: v, gte: 2}}
---
title: all
correlation: {type: temporal, rules: [a, b, c], group-by: [g], timespan: 20s}
---
title: but
correlation: {type: temporal, rules: [a, b], group-by: [g], timespan: 10s, condition: a and not b}
---
title: order
name: order
correlation: {type: temporal_ordered, rules: [a, b, c], group-by: [g], timespan: 20s}
---
title: chain
correlation: {type: temporal_ordered, rules: [count, order], group-by: [v], timespan: 60s}
generate: true
";

/// One event: second, kind, group, value.
type Raw = (i64, usize, usize, i64);

fn events(raw: &[Raw]) -> Vec<Json> {
    let kinds = ["a", "b", "c", "a-b", "z"];
    raw.iter()
        .enumerate()
        .map(|(at, (second, kind, group, value))| {
            let fields = json!({"kind": kinds[*kind], "g": format!("g{group}"), "v": value});
            event(*second, &format!("e{at:03}"), fields)
        })
        .collect()
}

fn raw() -> impl Strategy<Value = Vec<Raw>> {
    prop::collection::vec((0..120i64, 0..5usize, 0..3usize, 0..5i64), 0..80)
}

/// A stream whose events come at most `late` seconds after a newer one.
fn disordered(events: &[Json], late: i64, delays: &[i64]) -> Vec<Json> {
    let mut stream: Vec<(i64, usize, Json)> = events
        .iter()
        .enumerate()
        .map(|(at, event)| {
            let second = event["eventTime"].as_i64().unwrap();
            let delay = delays.get(at).copied().unwrap_or(0).rem_euclid(late);
            (second + delay, at, event.clone())
        })
        .collect();
    stream.sort_by_key(|(arrival, at, _)| (*arrival, *at));
    stream.into_iter().map(|(_, _, event)| event).collect()
}

fn sorted(mut alerts: Vec<Short>) -> Vec<Short> {
    alerts.sort_by(|a, b| a.partial_cmp(b).unwrap());
    alerts
}

/// Runs a stream and saves, as JSON, and restores at the given places.
fn split(matcher: &Matcher, options: &Options, events: &[Json], cuts: &[usize]) -> Vec<Short> {
    let mut correlator = Correlator::new(matcher, options.clone());
    let mut alerts = Vec::new();
    for (at, event) in events.iter().enumerate() {
        if cuts.contains(&at) {
            alerts.extend(correlator.drain());
            let saved = serde_json::to_string(&correlator.save()).unwrap();
            let state: State = serde_json::from_str(&saved).unwrap();
            correlator = Correlator::restore(matcher, options.clone(), state).unwrap();
        }
        observe(matcher, &mut correlator, event);
    }
    alerts.extend(correlator.finish());
    alerts.iter().map(|alert| short(matcher, alert)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn order_splits_and_repeats_within_the_lateness_change_nothing(
        raw in raw(),
        delays in prop::collection::vec(0..1000i64, 80),
        cuts in prop::collection::vec(0..80usize, 0..4),
        repeats in prop::collection::vec(0..80usize, 0..8),
    ) {
        let matcher = matcher(&[RULES]);
        let events = events(&raw);
        let mut in_order = events.clone();
        in_order.sort_by_key(|event| event["eventTime"].as_i64());
        let expected = sorted(run(&matcher, lateness(31), &in_order));
        let stream = disordered(&events, 30, &delays);
        prop_assert_eq!(&sorted(run(&matcher, lateness(31), &stream)), &expected);
        let mut repeated = Vec::new();
        for (at, event) in stream.iter().enumerate() {
            repeated.push(event.clone());
            if repeats.contains(&at) {
                repeated.push(event.clone());
            }
        }
        let found = split(&matcher, &lateness(31), &repeated, &cuts);
        prop_assert_eq!(&sorted(found), &expected);
    }

    #[test]
    fn counts_agree_with_counting_by_hand(raw in raw()) {
        let matcher = matcher(&[RULES]);
        let mut events = events(&raw);
        events.sort_by_key(|event| event["eventTime"].as_i64());
        let found = run(&matcher, lateness(0), &events);
        let mut expected = Vec::new();
        for group in ["g0", "g1", "g2"] {
            let counts = |event: &&Json| {
                event["g"] == *group && ["a", "b", "a-b"].contains(&event["kind"].as_str().unwrap())
            };
            let times: Vec<i64> = events
                .iter()
                .filter(counts)
                .map(|event| event["eventTime"].as_i64().unwrap() - 1_700_000_000)
                .collect();
            let (mut held, mut told) = (false, i64::MIN);
            for (at, now) in times.iter().enumerate() {
                let holds = times[..=at].iter().filter(|time| **time >= now - 20).count() >= 3;
                if holds && (!held || *now >= told + 20) {
                    expected.push((group.to_owned(), *now));
                    told = *now;
                }
                held = holds;
            }
        }
        let mut counted: Vec<_> = found
            .into_iter()
            .filter(|alert| alert.0 == "count")
            .map(|alert| (alert.1[0].clone(), alert.2))
            .collect();
        counted.sort();
        expected.sort();
        prop_assert_eq!(counted, expected);
    }
}

fn a(second: i64, id: &str) -> Json {
    event(second, id, json!({"kind": "a", "g": "g", "v": 0}))
}

#[test]
fn late_timeless_and_future_events_are_counted_and_left_out() {
    let matcher = matcher(&[RULES]);
    let mut correlator = Correlator::new(&matcher, lateness(10));
    correlator.set_horizon((1_700_000_000 + 1_000) * 1_000_000);
    for event in [a(100, "x"), a(105, "y"), a(100, "x")] {
        observe(&matcher, &mut correlator, &event);
    }
    assert!(correlator.drain().is_empty());
    observe(&matcher, &mut correlator, &a(94, "late"));
    observe(&matcher, &mut correlator, &a(94, "late too"));
    observe(&matcher, &mut correlator, &a(9_999, "tomorrow"));
    observe(&matcher, &mut correlator, &json!({"kind": "a", "eventID": "when"}));
    observe(&matcher, &mut correlator, &a(95, "in time"));
    let counters = correlator.counters();
    assert_eq!((counters.taken, counters.repeated), (3, 1));
    assert_eq!((counters.late, counters.ahead, counters.timeless), (2, 1, 1));
    let alerts: Vec<_> = correlator.finish().iter().map(|alert| short(&matcher, alert)).collect();
    assert_eq!(alerts[0].0, "count");
    assert_eq!(alerts[0].4, ["in time", "x", "y"]);
}

#[test]
fn a_quiet_stream_is_judged_when_the_time_is_told() {
    let matcher = matcher(&[RULES]);
    let mut correlator = Correlator::new(&matcher, lateness(60));
    for event in [a(0, "x"), a(1, "y"), a(2, "z")] {
        observe(&matcher, &mut correlator, &event);
    }
    assert!(correlator.drain().is_empty());
    correlator.advance_to((1_700_000_000 + 63) * 1_000_000);
    let alerts = correlator.drain();
    assert!(alerts.iter().any(|alert| short(&matcher, alert).0 == "count"));
    // Windows of all correlations have ended by then, so nothing is kept.
    correlator.advance_to((1_700_000_000 + 300) * 1_000_000);
    correlator.drain();
    assert_eq!(correlator.size(), (0, 0));
}

#[test]
fn state_is_bounded_and_what_was_dropped_is_counted() {
    let matcher = matcher(&[RULES]);
    let options = Options { groups_max: 10, waiting_max: 20, ..lateness(1_000_000) };
    let mut correlator = Correlator::new(&matcher, options);
    for at in 0..500 {
        let fields = json!({"kind": "a", "g": format!("g{at}"), "v": 1});
        observe(&matcher, &mut correlator, &event(at, &format!("e{at}"), fields));
        correlator.drain();
        let (groups, waiting) = correlator.size();
        assert!(groups <= 10 && waiting <= 20, "{groups} {waiting}");
    }
    let counters = correlator.counters();
    assert!(counters.hurried > 400 && counters.dropped_groups > 100, "{counters:?}");
}

#[test]
fn state_of_another_version_or_damaged_is_refused() {
    let matcher = matcher(&[RULES]);
    let mut correlator = Correlator::new(&matcher, lateness(10));
    observe(&matcher, &mut correlator, &a(0, "x"));
    let saved = serde_json::to_value(correlator.save()).unwrap();
    let restore = |json: Json| {
        let state: State = serde_json::from_value(json).unwrap();
        Correlator::restore(&matcher, lateness(10), state).map(|correlator| correlator.size())
    };
    assert_eq!(restore(saved.clone()), Ok((0, 1)));
    let mut newer = saved.clone();
    newer["version"] = json!(2);
    assert_eq!(restore(newer), Err(StateError::Version { found: 2 }));
    let mut damaged = saved;
    damaged["waiting"] = json!([7]);
    assert_eq!(restore(damaged), Err(StateError::Damaged { what: "event", at: 7 }));
}

#[test]
fn state_survives_a_change_of_the_rules() {
    let before = matcher(&[RULES]);
    let mut correlator = Correlator::new(&before, lateness(0));
    for event in [a(0, "x"), a(1, "y")] {
        observe(&before, &mut correlator, &event);
    }
    correlator.drain();
    let state = correlator.save();
    // Another rule in front moves every position; the definition of one correlation changes.
    let extra = "title: new\nlogsource: {product: aws}\ndetection: {s: {k: 1}, condition: s}\n---";
    let moved = format!("{extra}{}", RULES.replace("timespan: 15s", "timespan: 16s"));
    let after = matcher(&[&moved]);
    let mut correlator = Correlator::restore(&after, lateness(0), state).unwrap();
    observe(&after, &mut correlator, &a(2, "z"));
    let alerts: Vec<_> = correlator.finish().iter().map(|alert| short(&after, alert)).collect();
    assert!(
        alerts.iter().any(|alert| alert.0 == "count" && alert.4 == ["x", "y", "z"]),
        "{alerts:?}"
    );
}
