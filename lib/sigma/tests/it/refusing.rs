//! What is refused, and where it is said to stand.
//! What is accepted is `matching.rs` and `correlating.rs`.

use sigma::{Matcher, Pipeline, RuleSet, Weight, parse};

use crate::check::{problems, rule};

/// Asserts the only problem of a detection: its line and column in the rule, and its words.
fn check(detection: &str, line: u32, column: u32, message: &str) {
    assert_eq!(problems(detection), [(line, column, message.to_owned())], "{detection}");
}

/// A selection with one line, and the condition.
fn check_line(written: &str, column: u32, message: &str) {
    check(&format!("s:\n  {written}\ncondition: s"), 5, column, message);
}

#[test]
fn unknown_and_misplaced_modifiers_are_refused() {
    check_line("x|contians: a", 5, "`contians` is not a modifier of Sigma");
    check_line("x|: a", 5, "a modifier is missing behind `|`");
    check_line("x|all|all: [a, b]", 5, "the modifier `all` is repeated");
    check_line("x|i: a", 5, "`i` has a meaning only behind `re`");
    check_line(
        "x|contains|startswith: a",
        5,
        "only one of `contains`, `startswith` and `endswith` can hold",
    );
    check_line("x|contains|base64: a", 5, "`base64` must stand before `contains` and its like");
    check_line("x|re|cidr: a", 5, "these modifiers ask for two kinds of test at once");
    check_line(
        "x|re|contains: a",
        5,
        "`x|re|contains`: `contains` and its like apply to texts only",
    );
    check_line("x|re|cased: a", 5, "`x|re|cased`: `cased` applies to texts only");
    check_line("x|base64|re: a", 5, "`x|base64|re`: encodings apply to texts only");
    check_line(
        "x|expand|gt: 1",
        5,
        "`x|expand|gt`: `expand` applies to texts and address ranges only",
    );
    check_line("x|exists|neq: true", 5, "`x|exists|neq`: `exists: false` says that");
    check_line("x|neq|all: [a, b]", 5, "`x|neq|all`: `neq` already means none of the values");
    check_line("x|gt|neq: 1", 5, "`x|gt|neq`: `neq` is a comparison of its own");
    check_line("x|hour|re: a", 5, "`x|hour|re`: calendar parts are compared as numbers");
    check_line("x|hour|day: 1", 5, "a value has one calendar part");
    check_line("'|startswith': [a]", 5, "`|startswith`: keywords are sought anywhere in a value");
    check_line(
        "'|gt': 1",
        5,
        "`|gt`: keywords are texts, without a field there is nothing to compare",
    );
}

#[test]
fn values_that_modifiers_cannot_take_are_refused() {
    check_line("x|gt: many", 11, "a number is wanted here, not `many`");
    check_line("x|hour: [1, late]", 17, "a number is wanted here, not `late`");
    check_line("x|exists: maybe", 15, "`exists` wants true or false, not a text");
    check_line("x|contains: null", 17, "null is no text for these modifiers");
    check_line("x|cidr: 10.0.0.1/8", 13, "`10.0.0.1/8` has bits set behind its prefix");
    check_line("x|cidr: office", 13, "`office` is not an address range");
    check_line("x|all: [a]", 5, "`all` wants a list of two values or more");
    check_line("x: []", 8, "an empty list looks for nothing");
    check_line("x: {a: 1}", 8, "a value is wanted here, not a map");
    check_line(
        "x|base64: a*",
        15,
        "a value with wildcards, placeholders or many dashes cannot be encoded",
    );
    check_line("x|utf16: a", 14, "the encoded value is no text; add `base64` or `base64offset`");
    check_line("x|base64|wide|base64offset|wide: a", 5, "the modifier `wide` is repeated");
    let looks = problems("s:\n  x|re: '(?=a)'\ncondition: s");
    assert_eq!((looks[0].0, looks[0].1), (5, 11));
    assert!(looks[0].2.starts_with("the regular expression is not supported: "), "{looks:?}");
}

#[test]
fn malformed_detections_are_refused() {
    check("s: {x: 1}", 4, 3, "`condition` is missing");
    check("s: {}\ncondition: s", 4, 6, "an empty map looks for nothing");
    check("s: []\ncondition: s", 4, 6, "an empty list looks for nothing");
    check("s: null\ncondition: s", 4, 6, "null is not something to look for");
    check("s: {x: 1}\ncondition: t", 5, 14, "nothing is called `t`");
    check("s: {x: 1}\ncondition: 's and'", 5, 14, "the condition ends where a name is wanted");
    check("s: {x: 1}\ncondition: []", 5, 14, "`condition` is an empty list");
    check(
        "s: {x: 1}\ntimeframe: 5m\ncondition: s",
        5,
        3,
        "`timeframe` belonged to aggregations, which are not part of Sigma 2",
    );
    check(
        "s: {x: 1}\ncondition: s | count() > 5",
        5,
        16,
        "aggregations behind `|` are not part of Sigma 2",
    );
}

#[test]
fn every_fault_of_a_rule_is_told_at_once() {
    let found = problems("s:\n  a|gt: x\n  b|nope: 1\nt:\n  - c|cidr: y\ncondition: s or t");
    let places: Vec<_> = found.iter().map(|(line, column, _)| (*line, *column)).collect();
    assert_eq!(places, [(5, 11), (6, 5), (8, 15)], "{found:?}");
}

#[test]
fn malformed_heads_are_refused() {
    let check = |text: &str, message: &str| {
        let parsed = parse("r.yml", text);
        assert!(parsed.rules.is_empty() && parsed.correlations.is_empty(), "{text}");
        assert!(parsed.problems.iter().any(|p| p.message == message), "{:?}", parsed.problems);
    };
    let rest = "logsource: {product: a}\ndetection: {s: {x: 1}, condition: s}\n";
    check(rest, "`title` is missing");
    check(&format!("title: t\nlevel: severe\n{rest}"), "`severe` is not a level of Sigma");
    check(&format!("title: t\nstatus: good\n{rest}"), "`good` is not a status of Sigma");
    check(&format!("title: t\ndate: soon\n{rest}"), "`soon` is not a date as `2026-11-21`");
    check(&format!("title: t\ntags: {{a: b}}\n{rest}"), "`tags` must be a text, not a map");
    check(
        &format!("title: t\nrelated: [{{id: x, type: y}}]\n{rest}"),
        "`y` is not a relation between rules",
    );
    check("title: t\ndetection: {s: {x: 1}, condition: s}\n", "`logsource` is missing");
    check(
        "title: t\nlogsource: {definition: d}\ndetection: {s: {x: 1}, condition: s}\n",
        "`logsource` names neither a product, nor a service, nor a category",
    );
    check("title: t\n", "the document has neither `detection` nor `correlation` nor `filter`");
    check(
        &format!("title: t\ncorrelation: {{}}\n{rest}"),
        "the document has both `detection` and `correlation`",
    );
    check("- a\n", "`the document` must be a map, not a list");
    check("title: t\ntitle: u\n", "the key `title` is repeated");
    check("", "the file holds no rule");
}

#[test]
fn malformed_correlations_are_refused() {
    let check = |section: &str, message: &str| {
        let parsed = parse("r.yml", &format!("title: t\ncorrelation:\n{section}"));
        assert!(parsed.correlations.is_empty(), "{section}");
        assert_eq!(parsed.problems[0].message, message, "{section}");
        assert!(parsed.problems[0].place.line >= 1);
    };
    let base = "  rules: [a, b]\n  timespan: 5m\n";
    check(&format!("{base}  type: near\n"), "`near` is not a type of correlation");
    check(&format!("{base}  type: event_count\n"), "`condition` is missing");
    check(
        &format!("{base}  type: event_count\n  condition: {{over: 3}}\n"),
        "`over` is not known in this condition",
    );
    check(
        &format!("{base}  type: event_count\n  condition: {{gte: many}}\n"),
        "a number is wanted here, not a text",
    );
    check(
        &format!("{base}  type: event_count\n  condition: {{field: x, gte: 1}}\n"),
        "`event_count` has no `field`; `value_count` has",
    );
    check(
        &format!("{base}  type: value_count\n  condition: {{gte: 1}}\n"),
        "`value_count` wants a `field`",
    );
    check(
        &format!("{base}  type: value_sum\n  condition: {{field: [x, y], gte: 1}}\n"),
        "this type of correlation wants one `field`",
    );
    check(
        &format!("{base}  type: value_percentile\n  condition: {{field: x, gte: 1}}\n"),
        "`value_percentile` wants `percentile: 0` to `100`",
    );
    check(
        &format!("{base}  type: event_count\n  condition: {{field: x}}\n"),
        "the condition compares with nothing",
    );
    check(&format!("{base}  type: temporal\n  condition: a and c\n"), "nothing is called `c`");
    check(
        &format!("{base}  type: temporal_ordered\n  condition: a or b\n"),
        "the condition of an ordered correlation joins all its rules with `and`",
    );
    check(
        &format!("{base}  type: temporal\n  window: 3\n"),
        "`window` is not known in a correlation",
    );
    check(
        &format!("{base}  type: temporal\n  aliases: {{x: {{c: f}}}}\n"),
        "`c` is not among the `rules`",
    );
    check("  type: temporal\n  rules: [a]\n", "`timespan` is missing");
    check("  type: temporal\n  rules: []\n  timespan: 1s\n", "`rules` names no rule");
    check("  type: temporal\n  rules: [a, a]\n  timespan: 1s\n", "`a` is named twice");
    for span in ["5", "m", "5 m", "5M", "-5m", "5min", "1y"] {
        check(
            &format!("  type: temporal\n  rules: [a]\n  timespan: '{span}'\n"),
            &format!("`{span}` is not a time span"),
        );
    }
    check(
        "  type: temporal\n  rules: [a]\n  timespan: 0s\n",
        "a time span is from 1 second to 400 days",
    );
}

#[test]
fn an_unused_selection_is_a_warning() {
    let parsed = parse(
        "r.yml",
        "title: t\nlogsource: {product: a}\ndetection:\n  s: {x: 1}\n  t: {y: 1}\n  condition: s\n",
    );
    assert_eq!(parsed.rules.len(), 1);
    assert!(parsed.is_whole());
    assert_eq!(parsed.problems[0].weight, Weight::Warning);
    assert_eq!(parsed.problems[0].to_string(), "r.yml:5:3: the condition does not use `t`");
}

#[test]
fn a_rule_that_multiplies_its_tests_is_refused() {
    let values: Vec<String> = (0..2_000).map(|at| format!("v{at}")).collect();
    let names = vec!["s"; 200].join(" or ");
    let text = rule(&format!("s: {{x: [{}]}}\ncondition: {names}", values.join(", ")));
    let mut set = RuleSet::default();
    set.add(parse("r.yml", &text));
    let compiled = Matcher::compile(set, &[Pipeline::plain("any")]);
    let problems: Vec<String> = compiled.problems.iter().map(ToString::to_string).collect();
    assert_eq!(problems, ["r.yml:4:3: the condition joins more than 200000 tests"]);
}
