//! Rules and records that mean harm, or are merely broken: told, left out, and bounded.
//! What the parser alone makes of such texts is tested and fuzzed in `lib/sigma`.

use std::fmt::Write as _;

use serde_json::json;
use yagura_content::Content;
use yagura_judge::detections::Detector;

use super::{event, options, rule, run};

#[test]
fn a_broken_rule_is_told_and_the_others_run() {
    let good = rule("good", "{s: {eventName: StopLogging}, condition: s}");
    for broken in [
        "title: [",
        "title: b\nlogsource: {product: aws}\ndetection: {s: {a|nonsense: 1}, condition: s}\n",
        "title: b\nlogsource: {product: aws}\ndetection: {s: {a|re: '('}, condition: s}\n",
        "title: b\nlogsource: {product: aws}\ndetection: {s: {a: 1}, condition: t}\n",
        "title: b\ncorrelation: {type: event_count, rules: [nobody], timespan: 1m, \
         condition: {gte: 1}}\n",
    ] {
        let text = format!("{good}---\n{broken}");
        let (detector, problems) = Detector::compile(Content::builtin(), &options(&text));
        assert!(!problems.is_empty(), "{broken}");
        assert!(problems.iter().all(|problem| problem.file == "rules/test.yml"), "{problems:?}");
        let found =
            run(&detector, "cloudtrail", &[event("a", 1, json!({"eventName": "StopLogging"}))]);
        assert_eq!(found.alerts.len(), 1, "{broken}");
    }
}

#[test]
fn expressions_that_explode_elsewhere_stay_linear() {
    let rules = rule("slow", "{s: {userAgent|re: '^(a+)+$'}, condition: s}");
    let (detector, problems) = Detector::compile(Content::builtin(), &options(&rules));
    assert!(problems.is_empty());
    let agent = format!("{}!", "a".repeat(50_000));
    let outcome = run(&detector, "cloudtrail", &[event("a", 1, json!({"userAgent": agent}))]);
    assert_eq!(outcome.alerts, []);
}

#[test]
fn many_rules_compile_and_each_finds_its_own() {
    let mut rules = String::new();
    for number in 0..500 {
        let detection = format!("{{s: {{eventName: Call{number}}}, condition: s}}");
        let _ = writeln!(rules, "{}---", rule(&format!("r{number}"), &detection));
    }
    let (detector, _) = Detector::compile(Content::builtin(), &options(&rules));
    assert_eq!(detector.size("cloudtrail"), (500, 0));
    let found = run(&detector, "cloudtrail", &[event("a", 1, json!({"eventName": "Call321"}))]);
    assert_eq!(found.alerts[0].title.en, "r321");
}

#[test]
fn long_texts_of_records_are_cut_in_alerts() {
    let rules = rule("long", "{s: {eventName: StopLogging}, condition: s}");
    let (detector, _) = Detector::compile(Content::builtin(), &options(&rules));
    let long = "x".repeat(100_000);
    let members = json!({
        "eventName": "StopLogging",
        "userAgent": long,
        "userIdentity": {"arn": long},
        "resources": (0..100).map(|n| json!({"ARN": format!("{n}-{long}")})).collect::<Vec<_>>(),
    });
    let outcome = run(&detector, "cloudtrail", &[event("a", 1, members)]);
    let text = serde_json::to_string(&outcome.alerts).unwrap();
    assert!(text.len() < 40_000, "{}", text.len());
}
