//! What single records match: every form of a detection and every modifier.
//! Correlations are `correlating.rs`; malformed rules are `refusing.rs`.

use serde_json::{Value as Json, json};
use sigma::{Clue, ClueValue, FieldPath};

use crate::check::{matched, matcher, matches, rule};

/// Asserts what a selection, given as YAML lines, says of records.
fn check(selection: &str, hits: &[Json], misses: &[Json]) {
    let lines: String = selection.lines().map(|line| format!("  {line}\n")).collect();
    let detection = format!("selection:\n{lines}condition: selection");
    for record in hits {
        assert!(matches(&detection, record), "{selection}\nmust match {record}");
    }
    for record in misses {
        assert!(!matches(&detection, record), "{selection}\nmust not match {record}");
    }
}

#[test]
fn plain_values_are_whole_and_without_case() {
    check(
        "eventName: CreateUser",
        &[json!({"eventName": "CreateUser"}), json!({"eventName": "createuser"})],
        &[
            json!({"eventName": "CreateUsers"}),
            json!({"eventname": "CreateUser"}),
            json!({"eventName": null}),
            json!({}),
        ],
    );
    check("name: STRASSE ΣΑΣ", &[json!({"name": "strasse σας"})], &[json!({"name": "straße σας"})]);
}

#[test]
fn maps_join_with_and_and_lists_with_or() {
    check(
        "a: 1\nb:\n  - x\n  - y",
        &[json!({"a": 1, "b": "y"})],
        &[json!({"a": 1}), json!({"b": "x"}), json!({"a": 1, "b": "z"})],
    );
    check(
        "- a: 1\n  b: 2\n- c: 3",
        &[json!({"c": 3}), json!({"a": 1, "b": 2})],
        &[json!({"a": 1}), json!({"b": 2, "a": 0})],
    );
}

#[test]
fn numbers_and_numeric_texts_are_compared_sensibly() {
    check(
        "port: 80",
        &[json!({"port": 80}), json!({"port": "80"}), json!({"port": 80.0})],
        &[json!({"port": 8080}), json!({"port": "080"}), json!({"port": " 80"})],
    );
    check("port: '80'", &[json!({"port": 80}), json!({"port": "80"})], &[json!({"port": "80.0"})]);
    check(
        "account: 012345678901",
        &[json!({"account": "012345678901"})],
        &[json!({"account": 12345678901i64})],
    );
    check("mask: 0x17", &[json!({"mask": "0x17"}), json!({"mask": 23})], &[json!({"mask": "17"})]);
    check(
        "big: 9007199254740993",
        &[json!({"big": 9007199254740993i64})],
        &[json!({"big": 9007199254740992i64})],
    );
    check(
        "ok: true",
        &[json!({"ok": true}), json!({"ok": "true"}), json!({"ok": "True"})],
        &[json!({"ok": false}), json!({"ok": 1}), json!({})],
    );
    check("ok: 'false'", &[json!({"ok": false}), json!({"ok": "false"})], &[json!({"ok": null})]);
}

#[test]
fn a_missing_field_equals_null() {
    check(
        "errorCode: null",
        &[json!({}), json!({"errorCode": null}), json!({"other": 1})],
        &[json!({"errorCode": ""}), json!({"errorCode": "AccessDenied"}), json!({"errorCode": []})],
    );
    check(
        "a.b.c: null",
        &[json!({}), json!({"a": null}), json!({"a": {"b": {}}}), json!({"a": {"b": "text"}})],
        &[json!({"a": {"b": {"c": 1}}}), json!({"a": [{"b": {}}, {"b": {"c": 0}}]})],
    );
    assert!(matches("s:\n  e: null\ncondition: not s", &json!({"e": "x"})));
    assert!(!matches("s:\n  e: null\ncondition: not s", &json!({})));
    check("x:\n  - null\n  - ''", &[json!({}), json!({"x": ""})], &[json!({"x": "y"})]);
}

#[test]
fn empty_texts_are_not_null() {
    check("x: ''", &[json!({"x": ""})], &[json!({}), json!({"x": null}), json!({"x": " "})]);
    check(
        "x: '*'",
        &[json!({"x": ""}), json!({"x": 0})],
        &[json!({}), json!({"x": null}), json!({"x": []})],
    );
    check("x: '?*'", &[json!({"x": "a"})], &[json!({"x": ""}), json!({})]);
}

#[test]
fn existence_is_about_presence_only() {
    check(
        "x|exists: true",
        &[json!({"x": null}), json!({"x": ""}), json!({"x": []})],
        &[json!({})],
    );
    check("x.y|exists: false", &[json!({}), json!({"x": {}})], &[json!({"x": {"y": null}})]);
}

#[test]
fn wildcards_and_plain_values_reach_into_arrays() {
    let record =
        json!({"resources": [{"ARN": "arn:aws:s3:::a"}, {"ARN": "arn:aws:kms:k"}], "l": ["x", 7]});
    check("resources.ARN: 'arn:aws:kms:*'", std::slice::from_ref(&record), &[]);
    check("resources.ARN: arn:aws:s3:::a", std::slice::from_ref(&record), &[]);
    check("l: X", std::slice::from_ref(&record), &[]);
    check("l: 7", std::slice::from_ref(&record), &[]);
    check("l|contains|all: [x, '7']", std::slice::from_ref(&record), &[]);
    check("l|re: '^x$'", std::slice::from_ref(&record), &[]);
    check("l|gt: 6", std::slice::from_ref(&record), &[]);
    check("resources|contains: '\"ARN\":\"arn:aws:kms'", std::slice::from_ref(&record), &[]);
    check("resources.ARN: 'arn:aws:ec2*'", &[], &[record]);
}

#[test]
fn contains_on_an_object_matches_its_json_text() {
    let record = json!({"requestParameters": {"policy": {"Effect": "Allow", "n": [1, null]}}});
    check("requestParameters|contains: '\"effect\":\"allow\"'", std::slice::from_ref(&record), &[]);
    check("requestParameters.policy|startswith: '{\"Effect\"'", std::slice::from_ref(&record), &[]);
    check("requestParameters|re: '\"n\":\\[1,null\\]'", std::slice::from_ref(&record), &[]);
    check("requestParameters|contains: 'Deny'", &[], &[record]);
    // A policy that is JSON within a text is sought as it reads, not as it is escaped.
    let nested = json!({"requestParameters": {"policyDocument": r#"{"Effect": "Allow"}"#}});
    let nested = std::slice::from_ref(&nested);
    check("requestParameters|contains: '\"Effect\": \"Allow\"'", nested, &[]);
    check("requestParameters|contains: '\\\"Allow\\\"'", nested, &[]);
    check("requestParameters|re: '\"Effect\":\\s*\"Allow\"'", nested, &[]);
    check("requestParameters.policyDocument|startswith: '{\"Effect'", nested, &[]);
}

#[test]
fn places_in_a_value_have_modifiers() {
    check("x|contains: b?d", &[json!({"x": "aBcDe"})], &[json!({"x": "abde"})]);
    check("x|startswith: ab", &[json!({"x": "ABc"})], &[json!({"x": "cab"})]);
    check(
        "x|endswith: [yz, z.exe]",
        &[json!({"x": "xYZ"}), json!({"x": "z.exe"})],
        &[json!({"x": "yza"})],
    );
    check("x|contains|all: [a, b]", &[json!({"x": "b-a"})], &[json!({"x": "a"})]);
    check("x|contains: 46", &[json!({"x": 4688})], &[json!({"x": 4788})]);
    check(
        r"x|endswith: '\cmd.exe'",
        &[json!({"x": r"C:\Windows\CMD.EXE"})],
        &[json!({"x": "xcmd.exe"})],
    );
    check(r"x|contains: 'a\*b'", &[json!({"x": "za*bz"})], &[json!({"x": "zaxbz"})]);
    check("x: 'a*c*e'", &[json!({"x": "AbCdE"}), json!({"x": "ace"})], &[json!({"x": "aec"})]);
}

#[test]
fn cased_values_keep_their_case() {
    check("x|cased: aB", &[json!({"x": "aB"})], &[json!({"x": "ab"})]);
    check("x|contains|cased: aB", &[json!({"x": "xaBx"})], &[json!({"x": "xabx"})]);
    check("x|cased: 'a*B?'", &[json!({"x": "azBz"})], &[json!({"x": "azbz"})]);
}

#[test]
fn regular_expressions_are_cased_unless_asked_otherwise() {
    check(
        "x|re: 'us(er|e)$'",
        &[json!({"x": "the user"})],
        &[json!({"x": "USER"}), json!({"x": "user."})],
    );
    check("x|re|i: user", &[json!({"x": "USER"})], &[json!({"x": "use"})]);
    check("x|re: a.b", &[], &[json!({"x": "a\nb"})]);
    check("x|re|s: a.b", &[json!({"x": "a\nb"})], &[]);
    check("x|re|m: ^b", &[json!({"x": "a\nb"})], &[]);
    check("x|re|i|m|s: '^B.c'", &[json!({"x": "a\nb\nC"})], &[]);
    check("x|re: [ab, cd]", &[json!({"x": "cd"})], &[json!({"x": "bc"})]);
    check("x|re|all: [ab, cd]", &[json!({"x": "cdab"})], &[json!({"x": "ab"})]);
    check("n|re: '^4\\d+$'", &[json!({"n": 4688})], &[json!({"n": 5})]);
}

#[test]
fn addresses_are_found_in_ranges() {
    check(
        "ip|cidr: [10.0.0.0/8, '2001:db8::/32']",
        &[
            json!({"ip": "10.9.9.9"}),
            json!({"ip": "2001:DB8::1"}),
            json!({"ip": ["x", "10.0.0.1"]}),
        ],
        &[json!({"ip": "11.0.0.1"}), json!({"ip": "ec2.amazonaws.com"}), json!({})],
    );
}

#[test]
fn comparisons_read_numbers_and_numeric_texts() {
    check(
        "n|gt: 5",
        &[json!({"n": 6}), json!({"n": "5.5"})],
        &[json!({"n": 5}), json!({"n": "x"}), json!({})],
    );
    check("n|gte: 5", &[json!({"n": 5})], &[json!({"n": 4.9})]);
    check("n|lt: -1", &[json!({"n": -2})], &[json!({"n": -1})]);
    check("n|lte: 5", &[json!({"n": 5})], &[json!({"n": 6})]);
}

#[test]
fn neq_means_none_of_the_values() {
    check(
        "n|neq: 5",
        &[json!({"n": 6}), json!({}), json!({"n": "x"})],
        &[json!({"n": 5}), json!({"n": [4, 5]})],
    );
    check("x|neq: [a, b]", &[json!({"x": "c"})], &[json!({"x": "A"}), json!({"x": "b"})]);
    check("x|contains|neq: a", &[json!({"x": "b"})], &[json!({"x": "bab"})]);
    check("a|fieldref|neq: b", &[json!({"a": 1, "b": 2})], &[json!({"a": 1, "b": "1"})]);
}

#[test]
fn fields_refer_to_fields() {
    check(
        "a|fieldref: b",
        &[json!({"a": "X", "b": "x"})],
        &[json!({"a": "x", "b": "y"}), json!({"a": "x"}), json!({})],
    );
    check(
        "a|fieldref|startswith: b",
        &[json!({"a": "xyz", "b": "XY"})],
        &[json!({"a": "ayz", "b": "x"})],
    );
    check(
        "a|fieldref|endswith: b.c",
        &[json!({"a": "xyz", "b": {"c": "z"}})],
        &[json!({"a": "x", "b": {"c": "z"}})],
    );
    check(
        "a|fieldref|contains|cased: b",
        &[json!({"a": "xYz", "b": "Y"})],
        &[json!({"a": "xYz", "b": "y"})],
    );
}

#[test]
fn calendar_parts_are_compared() {
    let night = json!({"t": "2026-11-21T03:05:00Z"});
    check("t|hour: 3", std::slice::from_ref(&night), &[json!({"t": "2026-11-21T04:05:00Z"})]);
    check(
        "t|hour|lt: 6",
        std::slice::from_ref(&night),
        &[json!({"t": "2026-11-21T06:00:00Z"}), json!({"t": "x"})],
    );
    check("t|minute: 5\nt|day: 21\nt|week: 47\nt|month: 11\nt|year: 2026", &[night], &[]);
    check("t|hour|neq: 6", &[json!({"t": "2026-01-01"})], &[json!({"t": "2026-01-01T06:00"})]);
}

#[test]
fn encodings_find_the_encoded_form() {
    check("x|base64: foobar", &[json!({"x": "Zm9vYmFy"})], &[json!({"x": "foobar"})]);
    check(
        "x|base64offset|contains: http://",
        &[json!({"x": "zzaHR0cDovL2V2aWw"}), json!({"x": ["no", "aaRodHRwOi8v"]})],
        &[json!({"x": "http://"})],
    );
    check(
        "x|wide|base64offset|contains: ping",
        &[json!({"x": "cABpAG4AZw"})],
        &[json!({"x": "ping"})],
    );
    check("x|utf16le|base64|contains: cmd", &[json!({"x": "YwBtAGQA"})], &[]);
    check("x|utf16be|base64|contains: cmd", &[json!({"x": "AGMAbQBk"})], &[]);
    check("x|utf16|base64|contains: cmd", &[json!({"x": "//5jAG0AZAA="})], &[]);
    check("x|wide: ab", &[json!({"x": "a\u{0}b\u{0}"})], &[json!({"x": "ab"})]);
    check(
        "x|windash|contains: ' -enc '",
        &[json!({"x": "p /ENC z"}), json!({"x": "p \u{2013}enc z"}), json!({"x": "p -enc z"})],
        &[json!({"x": "p enc z"}), json!({"x": "p-enc z"})],
    );
    check(
        "x|windash|contains|all: [' -a', ' /b']",
        &[json!({"x": "y /a -b"})],
        &[json!({"x": "y /a"})],
    );
    check(
        "x|base64offset|contains|all: [foo, bar]",
        &[json!({"x": "Zm9v,YmFy"})],
        &[json!({"x": "Zm9v"})],
    );
}

#[test]
fn keywords_are_sought_in_every_value() {
    let record = json!({"a": {"b": ["say Mimikatz now"]}, "n": 4711, "ok": true});
    check("- mimikatz\n- other", std::slice::from_ref(&record), &[json!({"mimikatz": 1})]);
    check(
        "'|all':\n  - mimi*z\n  - 471",
        std::slice::from_ref(&record),
        &[json!({"a": "mimikatz"})],
    );
    check("'|re': 'M[a-z]+z'", std::slice::from_ref(&record), &[json!({"a": "mimikatz"})]);
    check("- nothing\n- ok: true", std::slice::from_ref(&record), &[json!({"a": "some"})]);
    assert!(matches("words: mimikatz\ncondition: words", &record));
}

#[test]
fn conditions_join_selections() {
    let check = |condition: &str, expected: bool| {
        let detection = format!(
            "sel_a:\n  a: 1\nsel_b:\n  b: 1\nfilter_c:\n  c: 1\n_hidden:\n  d: 1\ncondition: \
             {condition}"
        );
        assert_eq!(matches(&detection, &json!({"a": 1, "c": 1})), expected, "{condition}");
    };
    check("sel_a", true);
    check("sel_a and sel_b", false);
    check("1 of sel_*", true);
    check("any of sel_*", true);
    check("all of sel_*", false);
    check("all of them", false);
    check("1 of them", true);
    check("1 of _*", false);
    check("sel_a and not filter_c", false);
    check("sel_a and not (sel_b or _hidden)", true);
    check("not sel_b and not _hidden", true);
    check("[sel_b, sel_a]", true);
    check("not 1 of filter_* or sel_b", false);
}

#[test]
fn a_matcher_says_what_its_rules_need() {
    let needs = |detections: &[&str]| {
        let texts: Vec<String> = detections.iter().map(|detection| rule(detection)).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let matcher = matcher(&texts);
        matcher.needs(matcher.source("any").unwrap()).unwrap()
    };
    let clue = |path: &str, value: ClueValue| Clue { paths: vec![FieldPath::new(path)], value };
    let found = needs(&[
        "s: {name: [A, B], 'error|re': x}\ncondition: s",
        "s: {'agent|contains': 'Tool'}\nf: {name: C}\ncondition: s and not f",
        "s: {port: 22}\ncondition: s",
    ]);
    let paths: Vec<&str> = found.paths.iter().map(FieldPath::as_str).collect();
    assert_eq!(paths, ["agent", "error", "name", "port"]);
    assert!(!found.whole_record);
    let clues = found.clues.unwrap();
    assert_eq!(
        clues,
        [
            clue("agent", ClueValue::Within("tool".to_owned())),
            clue("name", ClueValue::Whole("a".to_owned())),
            clue("name", ClueValue::Whole("b".to_owned())),
            clue("port", ClueValue::Number("22".to_owned())),
        ]
    );
    assert_eq!(needs(&["s: {a: 1}\ncondition: s", "s: {b: 1}\ncondition: not s"]).clues, None);
    let keywords = needs(&["s: [word]\ncondition: s"]);
    assert!(keywords.whole_record);
    assert_eq!(keywords.clues.unwrap()[0].paths, []);
}

#[test]
fn many_rules_match_as_each_alone() {
    let texts: Vec<String> = [
        "s: {eventName: [A, B]}\ncondition: s",
        "s: {eventName|startswith: a}\nf: {user: null}\ncondition: s and not f",
        "s: {'eventName': '?'}\ncondition: s",
        "f: {user: root}\ncondition: not f",
        "s: [root]\ncondition: s",
    ]
    .iter()
    .enumerate()
    .map(|(at, detection)| rule(detection).replace("title: t", &format!("title: t{at}")))
    .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let all = matcher(&texts);
    for record in [
        json!({"eventName": "A", "user": "root"}),
        json!({"eventName": "b"}),
        json!({"eventName": "abc", "user": "x"}),
        json!({}),
    ] {
        let alone: Vec<String> =
            texts.iter().flat_map(|text| matched(&matcher(&[text]), &record)).collect();
        assert_eq!(matched(&all, &record), alone, "{record}");
    }
}
