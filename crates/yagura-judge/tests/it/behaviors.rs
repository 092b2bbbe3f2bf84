//! Behaviours over event batches: cases of the content, and that results depend on neither order,
//! nor cuts, nor repeats, nor restarts. Arithmetic of baselines is tested where it is.

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;
use yagura_content::Content;
use yagura_judge::behaviors::{
    Behaviors, Network, Observer, Options, Saved, State, run_behavior_cases,
};
use yagura_model::alert::Signal;
use yagura_model::event::{BatchBuilder, EventBatch, Origin};

/// Midnight of 1 October 2026, a Thursday.
const BEGIN_S: i64 = 1_790_812_800;
const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 86_400;

/// Three behaviours of three kinds over CloudTrail, with little patience.
const FILES: [(&str, &str); 3] = [
    (
        "calls_new",
        "kind: first_seen\nvalue: {from: [eventName], name: {en: calls, ja: 呼び出し}}\n",
    ),
    (
        "calls_many",
        "kind: volume\nmeasure: {count: records, name: {en: calls, ja: 呼び出し}}\nat_least: 20\n",
    ),
    (
        "bytes_many",
        "kind: volume\nmeasure: {count: sum, from: [additionalEventData.bytes], \
         name: {en: bytes, ja: バイト数}}\nat_least: 20\n",
    ),
];

fn file(kind: &str, more: &str) -> String {
    format!(
        "title: {{en: Test, ja: テスト}}\ndescription: {{en: Test, ja: テスト}}\n\
         falsepositives: {{en: [Test], ja: [テスト]}}\nrespond: {{en: [Test], ja: [テスト]}}\n\
         level: low\ntags: [attack.discovery]\nentity: actor\nsource: cloudtrail\n\
         where: {{calls: {{eventSource: s}}, condition: calls}}\nof: [userIdentity.arn]\n\
         learning: 3d\nsupport: 10\nbudget: 2\n{kind}{more}\
         cases:\n  - {{name: a, expect: quiet, then: []}}\n"
    )
}

/// The three behaviours, each with something more in its file.
fn behaviors(more: &str) -> Arc<Behaviors> {
    let folder = tempfile::tempdir().unwrap();
    let topic = folder.path().join("behaviors/test");
    fs::create_dir_all(&topic).unwrap();
    for (name, kind) in FILES {
        fs::write(topic.join(format!("{name}.yaml")), file(kind, more)).unwrap();
    }
    let content = Content::load(Some(folder.path()));
    assert!(content.problems.is_empty(), "{:?}", content.problems);
    let mine = content.behaviors.values().filter(|known| known.id.starts_with("behaviors.test."));
    let (behaviors, faults) = Behaviors::of(&content, mine);
    assert!(faults.is_empty(), "{faults:?}");
    Arc::new(behaviors)
}

/// A call: who, which, when, and how many bytes.
type Call = (u8, u8, i64, u32);

/// Ten days of two principals that call every hour, and whatever else is given.
fn with_history(calls: &[Call]) -> Vec<(usize, Call)> {
    let usual = (0..240).flat_map(|hour| {
        (0..2).map(move |who| (who, 0, BEGIN_S + hour * HOUR_S + i64::from(who), 5))
    });
    usual.chain(calls.iter().copied()).enumerate().collect()
}

fn batch(calls: &[(usize, Call)]) -> EventBatch {
    let mut builder = BatchBuilder::new(Arc::new(Origin::default()));
    for (id, (who, call, at_s, bytes)) in calls {
        let time = jiff::Timestamp::from_second(*at_s).unwrap().to_string();
        let record = json!({
            "eventTime": time, "eventSource": "s", "eventName": format!("Call{call}"),
            "eventID": format!("e{id}"), "recipientAccountId": "111122223333",
            "userIdentity": {"arn": format!("arn:aws:iam::111122223333:user/u{who}")},
            "additionalEventData": {"bytes": bytes},
        });
        builder.push_json(record.to_string().as_bytes()).unwrap();
    }
    builder.finish()
}

fn nobody(_: IpAddr) -> Option<Network> {
    None
}

fn observe(observer: &mut Observer, calls: &[(usize, Call)]) {
    let content = Content::builtin();
    let table = content.sources["cloudtrail"].table();
    for record in &batch(calls) {
        observer.observe(table, record, &nobody);
    }
}

fn options(lateness_us: i64) -> Options {
    Options { lateness_us, ..Options::default() }
}

/// What one thread makes of everything in order.
fn plainly(behaviors: &Arc<Behaviors>, calls: &[(usize, Call)]) -> Vec<Signal> {
    let mut observer = Observer::new(Arc::clone(behaviors));
    observe(&mut observer, calls);
    let mut state = State::new(Arc::clone(behaviors), options(i64::MAX));
    state.fold(observer.take());
    state.finish()
}

fn told(signals: &[Signal]) -> Vec<(String, String, i64)> {
    let told = signals
        .iter()
        .map(|signal| (signal.content.to_string(), signal.entity.id.to_string(), signal.time_us));
    told.collect()
}

/// An attack: something new, and very much of it, on the eleventh day.
fn attack() -> Vec<Call> {
    (0..60).map(|n| (0, 7, BEGIN_S + 10 * DAY_S + 900 + n * 10, 5_000)).collect()
}

#[test]
fn every_case_of_the_content_comes_out_as_it_says() {
    let results = run_behavior_cases(Content::builtin());
    assert!(results.len() > 200, "{}", results.len());
    let failed: Vec<_> = results
        .iter()
        .filter_map(|case| Some((&case.behavior, &case.case, case.failure.as_ref()?)))
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn the_content_has_many_behaviours_and_few_of_them_alert_alone() {
    let behaviors = &Content::builtin().behaviors;
    let alone = behaviors.values().filter(|behavior| !behavior.weak).count();
    assert!(behaviors.len() >= 25, "{}", behaviors.len());
    assert!(alone * 3 <= behaviors.len(), "{alone} of {} alert alone", behaviors.len());
}

#[test]
fn what_is_new_and_what_is_much_are_both_told() {
    let signals = plainly(&behaviors(""), &with_history(&attack()));
    let contents: Vec<&str> = signals.iter().map(|signal| &*signal.content).collect();
    assert_eq!(
        contents,
        ["behaviors.test.bytes_many", "behaviors.test.calls_many", "behaviors.test.calls_new"]
    );
    for signal in &signals {
        let contrast = signal.contrast.as_ref().unwrap();
        for prose in [&contrast.normal, &contrast.seen] {
            assert!(!prose.en.is_empty() && !prose.ja.is_empty(), "{signal:?}");
        }
    }
    let amount = signals[0].contrast.as_ref().unwrap();
    assert!(amount.normal.en.contains("about 5 bytes"), "{}", amount.normal.en);
    assert!(amount.seen.en.starts_with("300000 bytes"), "{}", amount.seen.en);
}

#[test]
fn logs_that_come_twice_are_no_amount_twice_as_much() {
    let calls = with_history(&attack());
    let twice: Vec<_> = calls.iter().chain(&calls).copied().collect();
    let behaviors = behaviors("");
    assert_eq!(plainly(&behaviors, &twice), plainly(&behaviors, &calls));
}

#[test]
fn only_the_first_bucket_of_a_value_keeps_its_record() {
    let behaviors = behaviors("");
    let mut observer = Observer::new(Arc::clone(&behaviors));
    observe(&mut observer, &with_history(&attack()));
    let mut state = State::new(Arc::clone(&behaviors), options(i64::MAX));
    state.fold(observer.take());
    let saved = serde_json::to_value(state.text()).unwrap();
    let cells = saved["open"]["behaviors.test.calls_new"].as_array().unwrap();
    let with_record = cells.iter().filter(|cell| cell.get("first").is_some()).count();
    let values: BTreeSet<String> =
        cells.iter().map(|cell| format!("{} {}", cell["entity"], cell["value"])).collect();
    assert!(cells.len() > 480, "an hour each of two for ten days: {}", cells.len());
    assert_eq!(with_record, values.len());
    assert_eq!(told(&state.finish()), told(&plainly(&behaviors, &with_history(&attack()))));
}

#[test]
fn history_fed_in_first_is_learned_and_not_told() {
    let behaviors = behaviors("");
    let mut observer = Observer::new(Arc::clone(&behaviors));
    observe(&mut observer, &with_history(&attack()));
    let mut state = State::new(behaviors, options(i64::MAX));
    state.learn_until((BEGIN_S + 11 * DAY_S) * 1_000_000);
    state.fold(observer.take());
    assert_eq!(state.finish(), []);
    assert_eq!(state.counters().learned_quietly, 3);
    let mut again: Vec<_> =
        attack().into_iter().map(|(a, b, at, d)| (a, b, at + 2 * DAY_S, d)).collect();
    again.truncate(5);
    let numbered: Vec<_> = again.into_iter().enumerate().map(|(n, c)| (n + 9_000, c)).collect();
    observe(&mut observer, &numbered);
    state.fold(observer.take());
    assert_eq!(state.finish(), [], "what was learned is known");
}

#[test]
fn a_budget_holds_however_much_is_new() {
    let calls: Vec<Call> =
        (0..12).map(|n| (0, 10 + n, BEGIN_S + 11 * DAY_S + i64::from(n) * HOUR_S, 5)).collect();
    let behaviors = behaviors("surprise_bits: 0.01\n");
    let signals = plainly(&behaviors, &with_history(&calls));
    assert_eq!(signals.len(), 2, "{:?}", told(&signals));
}

#[test]
fn what_comes_too_late_is_counted_and_does_not_disturb() {
    let behaviors = behaviors("");
    let calls = with_history(&[]);
    let (early, rest) = calls.split_at(100);
    let mut state = State::new(Arc::clone(&behaviors), options(HOUR_S * 1_000_000));
    let mut observer = Observer::new(Arc::clone(&behaviors));
    observe(&mut observer, rest);
    state.fold(observer.take());
    assert_eq!(state.drain(), []);
    observe(&mut observer, early);
    state.fold(observer.take());
    assert_eq!(state.drain(), []);
    assert!(state.counters().late > 0, "{:?}", state.counters());
}

#[test]
fn a_baseline_of_something_else_begins_anew_and_thresholds_do_not() {
    let calls = with_history(&[]);
    let saved = |behaviors: &Arc<Behaviors>| {
        let mut observer = Observer::new(Arc::clone(behaviors));
        observe(&mut observer, &calls);
        let mut state = State::new(Arc::clone(behaviors), options(i64::MAX));
        state.fold(observer.take());
        state.finish();
        state.save()
    };
    let attack: Vec<_> = attack().into_iter().enumerate().map(|(n, c)| (n + 9_000, c)).collect();
    let count = |first: &str, then: &str| {
        let saved = saved(&behaviors(first));
        let behaviors = behaviors(then);
        let mut state = State::restore(Arc::clone(&behaviors), options(i64::MAX), saved).unwrap();
        let mut observer = Observer::new(behaviors);
        observe(&mut observer, &attack);
        state.fold(observer.take());
        state.finish().len()
    };
    assert_eq!(count("", ""), 3);
    assert_eq!(count("", "deviations: 4\n"), 3);
    assert_eq!(count("", "half_life: 20d\nbucket: 30m\n"), 0);
}

#[test]
fn memory_is_bounded_and_what_was_seen_longest_ago_is_forgotten() {
    let behaviors = behaviors("");
    let mut state = State::new(
        Arc::clone(&behaviors),
        Options { cells_max: 50, entities_max: 5, ..options(i64::MAX) },
    );
    let mut observer = Observer::new(Arc::clone(&behaviors));
    let calls: Vec<(usize, Call)> = (0..4_000_u32)
        .map(|n| {
            let who = u8::try_from(n % 200).unwrap();
            (n as usize, (who, who, BEGIN_S + i64::from(n) * 60, 1))
        })
        .collect();
    for part in calls.chunks(100) {
        observe(&mut observer, part);
        state.fold(observer.take());
        assert!(state.open_cells() <= 50);
    }
    assert!(state.counters().hurried > 0);
    let text = serde_json::to_string(&state.save()).unwrap();
    assert!(text.len() < 100_000, "{}", text.len());
}

#[test]
fn state_of_a_later_version_is_refused() {
    let behaviors = behaviors("");
    let state = State::new(Arc::clone(&behaviors), options(0));
    let mut text = serde_json::to_value(state.save()).unwrap();
    text["version"] = json!(99);
    let saved: Saved = serde_json::from_value(text).unwrap();
    let error = State::restore(behaviors, options(0), saved).unwrap_err();
    assert!(error.to_string().contains("version 99"), "{error}");
}

/// Calls of some days after the history, of few principals, so that much coincides.
fn calls() -> impl Strategy<Value = Vec<Call>> {
    let call = (0..4_u8, 0..12_u8, 0..5 * DAY_S, 0..100_000_u32);
    let call =
        call.prop_map(|(who, call, at, bytes)| (who, call, BEGIN_S + 10 * DAY_S + at, bytes));
    prop::collection::vec(call, 0..120)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn signals_depend_on_neither_order_nor_cuts_nor_threads(
        calls in calls(),
        seed in any::<u64>(),
        threads in 1..4_usize,
    ) {
        let behaviors = behaviors("");
        let ordered = with_history(&calls);
        let expected = plainly(&behaviors, &ordered);
        let mut shuffled = ordered.clone();
        fastrand::Rng::with_seed(seed).shuffle(&mut shuffled);
        let mut observers: Vec<Observer> =
            (0..threads).map(|_| Observer::new(Arc::clone(&behaviors))).collect();
        let mut state = State::new(Arc::clone(&behaviors), options(i64::MAX));
        for (n, part) in shuffled.chunks(97).enumerate() {
            let observer = &mut observers[n % threads];
            observe(observer, part);
            state.fold(observer.take());
            prop_assert_eq!(state.drain(), vec![]);
        }
        prop_assert_eq!(state.finish(), expected);
    }

    #[test]
    fn a_restart_changes_nothing(calls in calls(), cut in 0..600_usize) {
        let behaviors = behaviors("");
        let mut ordered = with_history(&calls);
        ordered.sort_by_key(|(_, (_, _, at_s, _))| *at_s);
        let lateness_us = HOUR_S * 1_000_000;
        let run = |cuts: &[usize]| {
            let mut signals = Vec::new();
            let mut state = State::new(Arc::clone(&behaviors), options(lateness_us));
            let mut from = 0;
            for to in cuts.iter().copied().chain([ordered.len()]) {
                let mut observer = Observer::new(Arc::clone(&behaviors));
                observe(&mut observer, &ordered[from..to]);
                from = to;
                state.fold(observer.take());
                signals.extend(state.drain());
                let text = serde_json::to_string(&state.save()).unwrap();
                let saved = serde_json::from_str(&text).unwrap();
                state = State::restore(Arc::clone(&behaviors), options(lateness_us), saved).unwrap();
            }
            signals.extend(state.finish());
            told(&signals)
        };
        prop_assert_eq!(run(&[cut.min(ordered.len())]), run(&[]));
    }
}
