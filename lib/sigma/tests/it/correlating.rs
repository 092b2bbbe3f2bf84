//! What correlations raise, end to end: from rules in YAML and records to alerts.
//! Order, lateness and saved state are `streaming.rs`.

use serde_json::{Value as Json, json};
use sigma::Matcher;

use crate::check::matcher;
use crate::stream::{event, lateness, run};

const RULES: &str = "
title: failed
name: failed
logsource: {product: aws}
detection: {s: {eventName: Login, ok: false}, condition: s}
---
title: login
name: login
logsource: {product: aws}
detection: {s: {eventName: Login, ok: true}, condition: s}
---
title: key
name: key
logsource: {product: aws}
detection: {s: {eventName: CreateKey}, condition: s}
---
";

fn with(correlation: &str) -> Matcher {
    matcher(&[&format!("{RULES}title: c\ncorrelation: {{{correlation}}}\n")])
}

fn failed(seconds: i64, id: &str, user: &str) -> Json {
    event(seconds, id, json!({"eventName": "Login", "ok": false, "user": user}))
}

fn login(seconds: i64, id: &str, user: &str) -> Json {
    event(seconds, id, json!({"eventName": "Login", "ok": true, "user": user}))
}

fn key(seconds: i64, id: &str, user: &str) -> Json {
    event(seconds, id, json!({"eventName": "CreateKey", "user": user}))
}

/// Asserts the alerts: (group, second, measured, events).
fn check(matcher: &Matcher, events: &[Json], expected: &[(&[&str], i64, f64, &[&str])]) {
    let found = run(matcher, lateness(0), events);
    let found: Vec<_> = found
        .iter()
        .map(|(_, group, at, measured, ids)| {
            let text =
                |list: &[String]| list.iter().map(|s| s.as_str().to_owned()).collect::<Vec<_>>();
            (text(group), *at, *measured, text(ids))
        })
        .collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|(group, at, measured, ids)| {
            let text = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
            (text(group), *at, *measured, text(ids))
        })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn event_count_counts_per_group_within_the_span() {
    let matcher = with(
        "type: event_count, rules: [failed], group-by: [user], timespan: 10s, condition: {gte: 3}",
    );
    let events = [
        failed(0, "a1", "ann"),
        failed(1, "b1", "bob"),
        failed(5, "a2", "ann"),
        login(6, "a0", "ann"),
        failed(7, "b2", "bob"),
        failed(10, "a3", "ann"),
        failed(12, "b3", "bob"),
    ];
    // Bob's three lie 11 seconds apart.
    check(&matcher, &events, &[(&["ann"], 10, 3.0, &["a1", "a2", "a3"])]);
}

#[test]
fn windows_slide_and_are_not_cut_at_boundaries() {
    let matcher = with(
        "type: event_count, rules: [failed], group-by: [user], timespan: 1m, condition: {gt: 1}",
    );
    let events = [failed(59, "a", "u"), failed(61, "b", "u")];
    check(&matcher, &events, &[(&["u"], 61, 2.0, &["a", "b"])]);
}

#[test]
fn a_condition_that_stays_met_is_told_once_per_span() {
    let matcher = with(
        "type: event_count, rules: [failed], group-by: [user], timespan: 10s, condition: {gte: 2}",
    );
    let events: Vec<Json> = (0..16).map(|at| failed(at, &format!("e{at:02}"), "u")).collect();
    let found = run(&matcher, lateness(0), &events);
    assert_eq!(found.iter().map(|alert| alert.2).collect::<Vec<_>>(), [1, 11]);
    // After a pause it is met anew.
    let events =
        [failed(0, "a", "u"), failed(1, "b", "u"), failed(100, "c", "u"), failed(101, "d", "u")];
    let found = run(&matcher, lateness(0), &events);
    assert_eq!(found.iter().map(|alert| alert.2).collect::<Vec<_>>(), [1, 101]);
}

#[test]
fn value_count_counts_distinct_values() {
    let matcher = with(
        "type: value_count, rules: [failed], group-by: [address], timespan: 1h, \
         condition: {field: user, gte: 3}",
    );
    let from = |at, id: &str, user: &str| {
        event(at, id, json!({"eventName": "Login", "ok": false, "user": user, "address": "x"}))
    };
    let events = [from(0, "1", "a"), from(1, "2", "a"), from(2, "3", "b"), from(3, "4", "c")];
    check(&matcher, &events, &[(&["x"], 3, 3.0, &["2", "3", "4"])]);
    let same = [from(0, "1", "a"), from(1, "2", "a"), from(2, "3", "b")];
    check(&matcher, &same, &[]);
}

#[test]
fn values_that_come_back_or_fall_out_of_the_span_count_once() {
    let matcher = with(
        "type: value_count, rules: [failed], group-by: [address], timespan: 10s, \
         condition: {field: user, gte: 3}",
    );
    let from = |at, id: &str, user: &str| {
        event(at, id, json!({"eventName": "Login", "ok": false, "user": user, "address": "x"}))
    };
    let back = [from(0, "1", "a"), from(1, "2", "b"), from(2, "3", "a"), from(11, "4", "c")];
    check(&matcher, &back, &[(&["x"], 11, 3.0, &["2", "3", "4"])]);
    let at_once = [from(0, "1", "a"), from(0, "2", "b"), from(0, "3", "a"), from(0, "4", "c")];
    check(&matcher, &at_once, &[(&["x"], 0, 3.0, &["2", "3", "4"])]);
    let gone = [from(0, "1", "a"), from(5, "2", "b"), from(12, "3", "c"), from(13, "4", "b")];
    check(&matcher, &gone, &[]);
}

/// Comparing each value with all others of its window took minutes here.
#[test]
fn tens_of_thousands_of_values_in_one_window_are_counted() {
    let matcher = with(
        "type: value_count, rules: [failed], group-by: [address], timespan: 1h, \
         condition: {field: user, gte: 30000}",
    );
    let from = |at: i64| {
        let user = format!("u{at}");
        let record = json!({"eventName": "Login", "ok": false, "user": user, "address": "x"});
        event(at / 30, &format!("e{at}"), record)
    };
    let events: Vec<Json> = (0..30_000).map(from).collect();
    let found = run(&matcher, lateness(0), &events);
    assert_eq!(found.iter().map(|alert| alert.3).collect::<Vec<_>>(), [30_000.0]);
}

#[test]
fn limits_that_only_a_whole_window_meets_are_told_when_it_ends() {
    let matcher = with(
        "type: event_count, rules: [failed], group-by: [user], timespan: 10s, condition: {gt: 1, \
         lte: 3}",
    );
    let burst: Vec<Json> = (0..5).map(|at| failed(at, &format!("e{at}"), "many")).collect();
    check(&matcher, &burst, &[]);
    let few = [failed(0, "a", "few"), failed(9, "b", "few"), failed(30, "c", "few")];
    check(&matcher, &few, &[(&["few"], 10, 2.0, &["a", "b"])]);
    let exact = with("type: event_count, rules: [failed], timespan: 10s, condition: {eq: 1}");
    check(&exact, &[failed(0, "a", "x")], &[(&[], 10, 1.0, &["a"])]);
    check(&exact, &[failed(0, "a", "x"), failed(1, "b", "y")], &[]);
}

#[test]
fn sums_means_and_percentiles_are_of_numbers() {
    let bytes =
        |at, id: &str, bytes: Json| event(at, id, json!({"eventName": "CreateKey", "n": bytes}));
    let events = [
        bytes(0, "a", json!(10)),
        bytes(1, "b", json!("20")),
        bytes(2, "c", json!("many")),
        bytes(3, "d", json!(60)),
    ];
    let sum = with("type: value_sum, rules: [key], timespan: 10s, condition: {field: n, gte: 90}");
    check(&sum, &events, &[(&[], 3, 90.0, &["a", "b", "d"])]);
    let mean = with("type: value_avg, rules: [key], timespan: 10s, condition: {field: n, gte: 30}");
    check(&mean, &events, &[(&[], 10, 30.0, &["a", "b", "d"])]);
    let median =
        with("type: value_median, rules: [key], timespan: 10s, condition: {field: n, lt: 30}");
    check(&median, &events, &[(&[], 10, 20.0, &["a", "b", "d"])]);
    let high = with(
        "type: value_percentile, rules: [key], timespan: 10s, condition: {field: n, \
         percentile: 75, gte: 40}",
    );
    check(&high, &events, &[(&[], 10, 40.0, &["a", "b", "d"])]);
    let low = with(
        "type: value_percentile, rules: [key], timespan: 10s, condition: {field: n, \
         percentile: 75, gt: 40}",
    );
    check(&low, &events, &[]);
}

#[test]
fn temporal_wants_every_rule_in_any_order() {
    let matcher = with("type: temporal, rules: [login, key], group-by: [user], timespan: 10s");
    check(
        &matcher,
        &[key(0, "k", "ann"), login(5, "l", "bob"), login(9, "m", "ann")],
        &[(&["ann"], 9, 2.0, &["k", "m"])],
    );
    check(&matcher, &[key(0, "k", "ann"), login(11, "l", "ann")], &[]);
    check(&matcher, &[key(0, "k", "ann"), key(1, "l", "ann")], &[]);
}

#[test]
fn temporal_conditions_are_counts_or_expressions() {
    let two =
        with("type: temporal, rules: [failed, login, key], timespan: 10s, condition: {gte: 2}");
    check(&two, &[failed(0, "f", "a"), key(1, "k", "b")], &[(&[], 1, 2.0, &["f", "k"])]);
    let either = with(
        "type: temporal, rules: [failed, login, key], timespan: 10s, \
         condition: failed and (login or key)",
    );
    check(&either, &[login(0, "l", "a"), key(1, "k", "b")], &[]);
    check(&either, &[key(0, "k", "b"), failed(1, "f", "a")], &[(&[], 1, 2.0, &["k", "f"])]);
    let without =
        with("type: temporal, rules: [login, key], timespan: 10s, condition: key and not login");
    check(&without, &[key(0, "k", "a"), login(1, "l", "a")], &[]);
    check(&without, &[key(0, "k", "a")], &[(&[], 10, 1.0, &["k"])]);
}

#[test]
fn ordered_wants_the_order_of_the_rules() {
    let matcher = with(
        "type: temporal_ordered, rules: [failed, login, key], group-by: [user], timespan: 10s",
    );
    check(
        &matcher,
        &[failed(0, "f", "u"), login(1, "l", "u"), key(2, "k", "u")],
        &[(&["u"], 2, 3.0, &["f", "l", "k"])],
    );
    check(&matcher, &[login(0, "l", "u"), failed(1, "f", "u"), key(2, "k", "u")], &[]);
    check(&matcher, &[failed(0, "f", "u"), login(1, "l", "v"), key(2, "k", "u")], &[]);
    check(&matcher, &[failed(0, "f", "u"), login(1, "l", "u"), key(11, "k", "u")], &[]);
    // The latest beginning counts: the first failure is too old, the second is not.
    check(
        &matcher,
        &[
            failed(0, "f", "u"),
            login(1, "l", "u"),
            failed(5, "g", "u"),
            login(6, "m", "u"),
            key(12, "k", "u"),
        ],
        &[(&["u"], 12, 3.0, &["g", "m", "k"])],
    );
}

#[test]
fn what_happens_in_one_second_is_in_order() {
    let matcher =
        with("type: temporal_ordered, rules: [failed, login], group-by: [user], timespan: 10s");
    check(&matcher, &[login(3, "a", "u"), failed(3, "z", "u")], &[(&["u"], 3, 2.0, &["a", "z"])]);
}

#[test]
fn aliases_join_fields_of_different_names() {
    let matcher = with(
        "type: temporal, rules: [login, key], group-by: [who], timespan: 10s, \
         aliases: {who: {login: user, key: actor.name}}",
    );
    let created =
        event(1, "k", json!({"eventName": "CreateKey", "actor": {"name": "ann"}, "user": "x"}));
    check(
        &matcher,
        &[login(0, "l", "ann"), created, login(2, "m", "x")],
        &[(&["ann"], 1, 2.0, &["l", "k"])],
    );
}

#[test]
fn correlations_chain_and_the_inner_ones_are_silent() {
    let inner = "title: many\nname: many\ncorrelation: {type: event_count, rules: [failed], \
     group-by: [host], timespan: 10s, condition: {gte: 2}}\n---\n";
    let outer = "title: then\ncorrelation: {type: temporal_ordered, rules: [many, login], \
     group-by: [user], timespan: 60s}\n";
    let text = format!("{RULES}{inner}{outer}");
    let compiled = matcher(&[&text]);
    let failed = |at, id: &str, user: &str| {
        event(at, id, json!({"eventName": "Login", "ok": false, "user": user, "host": "h"}))
    };
    let events = [
        failed(0, "a", "ann"),
        failed(1, "b", "ann"),
        login(30, "l", "ann"),
        login(31, "m", "bob"),
    ];
    // The inner one groups by host, the outer one by user: the events carry both.
    check(&compiled, &events, &[(&["ann"], 30, 2.0, &["a", "b", "l"])]);
    let silent: Vec<bool> = (0..3).map(|at| compiled.is_alone(rule_id(&compiled, at))).collect();
    assert_eq!(silent, [false, false, true]);
    let loud = matcher(&[&text.replace("timespan: 60s", "timespan: 60s, generate: true")]);
    let titles: Vec<String> =
        run(&loud, lateness(0), &events).into_iter().map(|alert| alert.0).collect();
    assert_eq!(titles, ["many", "then"]);
    assert!(loud.is_alone(rule_id(&loud, 1)));
}

fn rule_id(matcher: &Matcher, at: usize) -> sigma::RuleId {
    let source = matcher.source("any").unwrap();
    let events = [failed(0, "f", "u"), login(0, "l", "u"), key(0, "k", "u")];
    let mut scratch = matcher.scratch();
    matcher.matches(source, &sigma::JsonRecord::new(&events[at]), &mut scratch)[0]
}

#[test]
fn a_missing_group_field_is_a_group_of_its_own_and_arrays_belong_to_each() {
    let matcher = with(
        "type: event_count, rules: [key], group-by: [tags], timespan: 10s, condition: {gte: 2}",
    );
    let key =
        |at, id: &str, tags: Json| event(at, id, json!({"eventName": "CreateKey", "tags": tags}));
    check(
        &matcher,
        &[key(0, "a", json!(["x", "y"])), key(1, "b", json!(["y", "z"])), key(2, "c", Json::Null)],
        &[(&["y"], 1, 2.0, &["a", "b"])],
    );
    check(
        &matcher,
        &[key(0, "a", Json::Null), key(1, "b", Json::Null)],
        &[(&["-"], 1, 2.0, &["a", "b"])],
    );
}

#[test]
fn references_that_lead_nowhere_are_problems() {
    let problem = |correlations: &str| {
        let mut set = sigma::RuleSet::default();
        set.add(sigma::parse("c.yml", &format!("{RULES}{correlations}")));
        let compiled = Matcher::compile(set, &[sigma::Pipeline::plain("any")]);
        compiled.problems.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let correlation = |name: &str, rules: &str| {
        format!(
            "title: {name}\nname: {name}\ncorrelation: {{type: temporal, rules: {rules}, \
             timespan: 1s}}\n---\n"
        )
    };
    assert_eq!(problem(&correlation("c", "[failed]")), [""; 0]);
    assert_eq!(problem(&correlation("c", "[nobody]")), ["c.yml:17:1: no rule is called `nobody`"]);
    let circle = correlation("c", "[d]") + &correlation("d", "[c]");
    assert_eq!(problem(&circle).len(), 2);
}
