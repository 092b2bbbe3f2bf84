//! The engine agrees with the slow evaluator, over generated rules and records.
//! The slow evaluator is `oracle.rs`.

use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};
use sigma::{
    Clue, ClueValue, JsonRecord, Matcher, Numeric, Pipeline, Record, RuleSet, Value, parse,
};

use crate::oracle::rule_matches;

/// Texts that meet often.
const TEXTS: [&str; 16] = [
    "a",
    "ab",
    "AB",
    "b",
    "aXb",
    "ab c",
    "10",
    "10.0.0.7",
    "2001:db8::1",
    "-x",
    "/x",
    "ÄB",
    "",
    "2026-11-21T03:05:00Z",
    "true",
    "10.5",
];
const FIELDS: [&str; 5] = ["f", "g", "o.f", "o.l.f", "l"];

fn scalar() -> impl Strategy<Value = Json> {
    prop_oneof![
        6 => prop::sample::select(&TEXTS[..]).prop_map(|text| json!(text)),
        2 => (0..12i64).prop_map(|number| json!(number)),
        1 => Just(json!(10.5)),
        1 => any::<bool>().prop_map(|value| json!(value)),
        1 => Just(Json::Null),
    ]
}

fn value() -> impl Strategy<Value = Json> {
    prop_oneof![
        5 => scalar(),
        1 => prop::collection::vec(scalar(), 0..3).prop_map(Json::from),
        1 => scalar().prop_map(|value| json!({"f": value})),
    ]
}

fn record() -> impl Strategy<Value = Json> {
    let member = |name: &'static str| prop::option::of(value()).prop_map(move |v| (name, v));
    let inner = prop::option::of((member("f"), member("l")));
    (member("f"), member("g"), member("l"), inner).prop_map(|(f, g, l, inner)| {
        let mut object = Map::new();
        let mut set = |(name, value): (&str, Option<Json>)| {
            if let Some(value) = value {
                object.insert(name.to_owned(), value);
            }
        };
        set(f);
        set(g);
        set(l);
        if let Some(((_, f), (_, l))) = inner {
            let mut inner = Map::new();
            f.map(|value| inner.insert("f".to_owned(), value));
            l.map(|value| inner.insert("l".to_owned(), json!([{"f": value}, {"g": 1}])));
            object.insert("o".to_owned(), Json::Object(inner));
        }
        Json::Object(object)
    })
}

/// A line: key and value, as YAML in one line.
fn line() -> impl Strategy<Value = String> {
    let field = prop::sample::select(&FIELDS[..]);
    let patterns = prop::sample::select(
        &[
            "'a*'", "'*b'", "'a?b'", "'*'", "'?'", "''", "'a'", "'AB'", "'a*b*'", "10", "10.5",
            "true", "null", "'*x'", "'äb'", "'10*'",
        ][..],
    );
    let texts = || prop::sample::select(&["a", "b", "AB", "X", "10", "''", "'a*b'", "'ä'"][..]);
    let place = prop::sample::select(&["contains", "startswith", "endswith"][..]);
    let comparison = prop::sample::select(&["gt", "gte", "lt", "lte", "neq"][..]);
    let other = prop::sample::select(&FIELDS[..]);
    prop_oneof![
        6 => (field.clone(), patterns.clone()).prop_map(|(f, p)| format!("{f}: {p}")),
        2 => (field.clone(), patterns.clone(), patterns.clone())
            .prop_map(|(f, p, q)| format!("{f}: [{p}, {q}]")),
        4 => (field.clone(), place.clone(), texts()).prop_map(|(f, m, t)| format!("{f}|{m}: {t}")),
        1 => (field.clone(), place.clone(), texts(), texts())
            .prop_map(|(f, m, t, u)| format!("{f}|{m}|all: [{t}, {u}]")),
        1 => (field.clone(), place.clone(), texts())
            .prop_map(|(f, m, t)| format!("{f}|{m}|cased: {t}")),
        1 => (field.clone(), texts()).prop_map(|(f, t)| format!("{f}|neq: {t}")),
        1 => (field.clone(), comparison, 5..12i64).prop_map(|(f, m, n)| format!("{f}|{m}: {n}")),
        1 => (field.clone(), any::<bool>()).prop_map(|(f, b)| format!("{f}|exists: {b}")),
        1 => (field.clone(), prop::sample::select(&["^a", "b$", "a.b", "[0-9]+"][..]))
            .prop_map(|(f, r)| format!("{f}|re: '{r}'")),
        1 => field.clone().prop_map(|f| format!("{f}|re|i: '^ä?a?b'")),
        1 => field.clone().prop_map(|f| format!("{f}|cidr: [10.0.0.0/8, '2001:db8::/32']")),
        1 => (field.clone(), other).prop_map(|(f, o)| format!("{f}|fieldref: {o}")),
        1 => field.clone().prop_map(|f| format!("{f}|windash: '-x'")),
        1 => (field, 1..6i64).prop_map(|(f, h)| format!("{f}|hour|lte: {h}")),
        1 => texts().prop_map(|t| format!("'|re': '{}'", t.trim_matches('\'').replace('*', ".*"))),
    ]
}

fn selection() -> impl Strategy<Value = String> {
    let map = || {
        prop::collection::vec(line(), 1..3).prop_map(|lines| {
            let mut keys = std::collections::BTreeSet::new();
            let mut fresh =
                |line: &String| keys.insert(line.split(": ").next().unwrap_or_default().to_owned());
            let lines: Vec<String> = lines.into_iter().filter(|line| fresh(line)).collect();
            format!("{{{}}}", lines.join(", "))
        })
    };
    prop_oneof![
        4 => map(),
        1 => (map(), map()).prop_map(|(a, b)| format!("[{a}, {b}]")),
        1 => prop::sample::select(&["[a, X]", "['a*b']", "[10, b]"][..]).prop_map(str::to_owned),
    ]
}

fn rule() -> impl Strategy<Value = String> {
    let condition = prop::sample::select(
        &[
            "s1",
            "not s1",
            "s1 and s2",
            "s1 or s2",
            "s1 and not s2",
            "1 of s*",
            "all of them",
            "not (s1 or s2)",
            "s2 and not 1 of s1*",
        ][..],
    );
    (selection(), selection(), condition).prop_map(|(first, second, condition)| {
        format!(
            "title: r\nlogsource: {{product: p}}\ndetection:\n  s1: {first}\n  s2: {second}\n  \
             condition: {condition}\n"
        )
    })
}

/// Whether a record has what a clue names.
fn meets(clue: &Clue, record: &Json) -> bool {
    let mut met = false;
    let mut visit = |value: Value<'_>| {
        let text = value.text().map(|text| text.to_lowercase());
        met |= match (&clue.value, text) {
            (ClueValue::Present, _) => true,
            (_, None) => false,
            (ClueValue::Whole(wanted), Some(text)) => text == *wanted,
            (ClueValue::Start(wanted), Some(text)) => text.starts_with(wanted),
            (ClueValue::End(wanted), Some(text)) => text.ends_with(wanted),
            (ClueValue::Within(wanted), Some(text)) => text.contains(wanted),
            (ClueValue::Number(wanted), Some(text)) => {
                text == *wanted || (Numeric::read(&text) == Numeric::read(wanted))
            }
        };
    };
    let record = JsonRecord::new(record);
    if clue.paths.is_empty() {
        record.read_all(&mut visit);
    }
    clue.paths.iter().for_each(|path| record.read(path, &mut visit));
    met
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn many_rules_over_many_records_match_as_the_oracle_says(
        rules in prop::collection::vec(rule(), 1..12),
        records in prop::collection::vec(record(), 1..8),
    ) {
        let mut set = RuleSet::default();
        for text in &rules {
            let parsed = parse("r", text);
            prop_assert!(parsed.is_whole(), "{:?}\n{}", parsed.problems, text);
            set.add(parsed);
        }
        let expected_rules = set.rules.clone();
        let compiled = Matcher::compile(set, &[Pipeline::plain("any")]);
        prop_assert_eq!(&compiled.problems, &[]);
        let matcher = compiled.matcher;
        let source = matcher.source("any").unwrap();
        let mut scratch = matcher.scratch();
        for record in &records {
            let expected: Vec<usize> = expected_rules
                .iter()
                .enumerate()
                .filter(|(_, rule)| rule_matches(rule, record))
                .map(|(at, _)| at)
                .collect();
            let view = JsonRecord::new(record);
            let found = matcher.matches(source, &view, &mut scratch).to_vec();
            let clues = matcher.needs(source).unwrap().clues;
            let met = clues.is_none_or(|clues| clues.iter().any(|clue| meets(clue, record)));
            prop_assert!(met || found.is_empty(), "{}\n{:#?}", record, rules);
            let indexes: Vec<usize> = found.iter().map(|id| id.index()).collect();
            let texts: Vec<&String> = rules.iter().collect();
            prop_assert_eq!(&indexes, &expected, "{}\n{:#?}", record, texts);
            for id in found {
                // Only a rule that asks for nothing positive may match without a reason.
                let reasons = matcher.explain(source, id, &view);
                let positive = rules[id.index()].contains("condition: not");
                prop_assert!(positive || !reasons.is_empty(), "{}\n{}", record, rules[id.index()]);
            }
        }
    }
}
