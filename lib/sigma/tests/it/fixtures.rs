//! The rules in `fixtures/`, each with the records that it must and must not match.
//! They cover every feature once, the way rules in the wild are written.

use serde_json::Value as Json;
use sigma::{JsonRecord, Level, Matcher, Pipeline, Problem, RuleSet, Weight, parse};

use crate::check::good;

const CLOUDTRAIL: &str = include_str!("../fixtures/cloudtrail.yml");
const LINUX: &str = include_str!("../fixtures/linux.yml");
const FILTERS: &str = include_str!("../fixtures/filters.yml");
const COLLECTION: &str = include_str!("../fixtures/collection.yml");
const CORRELATIONS: &str = include_str!("../fixtures/correlations.yml");

const TRAIL_PIPELINE: &str = "
source: trail
logsources: [{product: aws, service: cloudtrail}]
placeholders: {Administrators: [root, 'adm_*']}
";

/// Asserts, line by line, which rules match.
fn check(rules: &str, pipeline: &str, source: &str, cases: &str) -> Vec<Problem> {
    let mut set = RuleSet::default();
    set.add(good(rules));
    let pipelines = Pipeline::parse("pipeline.yml", pipeline);
    assert_eq!(pipelines.problems, []);
    let compiled = Matcher::compile(set, &pipelines.pipelines);
    let matcher = compiled.matcher;
    let source = matcher.source(source).unwrap();
    let mut scratch = matcher.scratch();
    for line in cases.lines() {
        let case: Json = serde_json::from_str(line).unwrap();
        let record = JsonRecord::new(&case["record"]);
        let found: Vec<&str> = matcher
            .matches(source, &record, &mut scratch)
            .iter()
            .map(|id| matcher.rule(*id).unwrap().metadata.name.as_deref().unwrap())
            .collect();
        let expected: Vec<&str> =
            case["matches"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        assert_eq!(found, expected, "{line}");
    }
    compiled.problems
}

#[test]
fn rules_over_cloudtrail_match_their_records() {
    let cases = include_str!("../fixtures/cloudtrail.jsonl");
    assert_eq!(check(CLOUDTRAIL, TRAIL_PIPELINE, "trail", cases), []);
    assert!(good(CLOUDTRAIL).rules.len() >= 20);
}

#[test]
fn rules_of_another_taxonomy_run_through_a_pipeline() {
    let cases = include_str!("../fixtures/linux.jsonl");
    let pipeline = include_str!("../fixtures/linux.pipeline.yml");
    assert_eq!(check(LINUX, pipeline, "auditd", cases), []);
}

#[test]
fn filters_restrict_the_rules_they_name() {
    let cases = include_str!("../fixtures/filters.jsonl");
    assert_eq!(check(FILTERS, TRAIL_PIPELINE, "trail", cases), []);
    let lost = "title: f\nlogsource: {product: aws}\nfilter: {rules: [nobody], s: {x: 1}, \
     condition: not s}\n";
    let problems = check(lost, TRAIL_PIPELINE, "trail", "");
    assert_eq!(problems[0].weight, Weight::Warning);
    assert_eq!(problems[0].message, "the filter names `nobody`, and no rule is called so");
}

#[test]
fn rules_about_other_logs_are_told_as_unmapped() {
    let mut set = RuleSet::default();
    set.add(good(LINUX));
    let pipelines = Pipeline::parse("p", include_str!("../fixtures/linux.pipeline.yml")).pipelines;
    let compiled = Matcher::compile(set, &pipelines);
    let names: Vec<_> = compiled
        .unmapped
        .iter()
        .map(|id| compiled.matcher.rule(*id).unwrap().metadata.name.clone().unwrap())
        .collect();
    assert_eq!(names, ["windows_only"]);
}

#[test]
fn collections_of_sigma_1_become_whole_rules() {
    let rules = good(COLLECTION).rules;
    let heads: Vec<_> = rules
        .iter()
        .map(|rule| {
            (
                rule.metadata.name.as_deref().unwrap(),
                rule.metadata.title.as_str(),
                rule.metadata.level,
            )
        })
        .collect();
    assert_eq!(
        heads,
        [
            ("by_id", "Service installed", Some(Level::Medium)),
            ("by_id_and_name", "Service installed", Some(Level::High)),
            ("alone", "Alone", None),
        ]
    );
    assert_eq!(rules[1].metadata.author.as_deref(), Some("someone"));
    assert_eq!(rules[2].metadata.author, None);
    assert_eq!(rules[2].log_source.service.as_deref(), Some("system"));
    let repeated = format!("{:?}", rules[1].detection.selections[0].search);
    assert!(repeated.contains("EventID") && repeated.contains("ServiceName"), "{repeated}");
    for (text, message) in [
        ("action: repeat\ntitle: t\n", "`action: repeat` has no document before it to repeat"),
        ("action: include\nfile: x\n", "`include` is not a collection action"),
    ] {
        assert_eq!(parse("c", text).problems[0].message, message);
    }
}

#[test]
fn correlations_refer_to_rules_of_other_files() {
    let mut set = RuleSet::default();
    set.add(good(CORRELATIONS));
    set.add(good(CLOUDTRAIL));
    let pipelines = Pipeline::parse("p", TRAIL_PIPELINE).pipelines;
    let compiled = Matcher::compile(set, &pipelines);
    assert_eq!(compiled.problems, []);
    assert_eq!(compiled.matcher.plan().correlations().len(), 8);
    // `listing` raises alerts itself because its correlation says `generate: true`.
    let alone = |name: &str| {
        let rules = compiled.matcher.rules().iter();
        let at =
            rules.clone().position(|rule| rule.metadata.name.as_deref() == Some(name)).unwrap();
        let source = compiled.matcher.source("trail").unwrap();
        let mut scratch = compiled.matcher.scratch();
        let record = include_str!("../fixtures/cloudtrail.jsonl")
            .lines()
            .map(|line| serde_json::from_str::<Json>(line).unwrap())
            .find(|case| case["matches"][0] == *name)
            .unwrap();
        let ids =
            compiled.matcher.matches(source, &JsonRecord::new(&record["record"]), &mut scratch);
        compiled.matcher.is_alone(*ids.iter().find(|id| id.index() == at).unwrap())
    };
    assert!(alone("listing"));
    assert!(!alone("key_for_another"));
    assert!(alone("role_given"));
}

#[test]
fn a_placeholder_without_a_value_refuses_the_rule() {
    let mut set = RuleSet::default();
    set.add(good(CLOUDTRAIL));
    let compiled = Matcher::compile(set, &[Pipeline::plain("trail")]);
    let problems: Vec<String> = compiled.problems.iter().map(|p| p.message.clone()).collect();
    assert_eq!(problems, ["the placeholder `%Administrators%` has no value for `trail`"]);
    assert!(compiled.problems[0].place.line > 1);
}

#[test]
fn malformed_pipelines_are_refused_with_their_place() {
    let check = |text: &str, expected: &str| {
        let parsed = Pipeline::parse("p.yml", text);
        assert!(parsed.pipelines.is_empty(), "{text}");
        assert_eq!(parsed.problems[0].to_string(), expected);
    };
    check("source: s\n", "p.yml:1:1: `logsources` is missing");
    check("logsources: [{product: a}]\n", "p.yml:1:1: `source` is missing");
    check("source: s\nlogsource: x\n", "p.yml:2:1: `logsource` is not known in a pipeline");
    check(
        "source: s\nlogsources:\n  - {produkt: a}\n",
        "p.yml:3:6: `produkt` is not known in a log source",
    );
    check(
        "source: s\nlogsources: [{product: a, where: {x|nope: 1}}]\n",
        "p.yml:2:35: `nope` is not a modifier of Sigma",
    );
    check(
        "source: s\nlogsources: [{product: a}]\nfields: {A: []}\n",
        "p.yml:3:10: `A` stands for nothing",
    );
}

#[test]
fn matches_explain_themselves() {
    let mut set = RuleSet::default();
    set.add(good(CLOUDTRAIL));
    let pipelines = Pipeline::parse("p", TRAIL_PIPELINE).pipelines;
    let matcher = Matcher::compile(set, &pipelines).matcher;
    let source = matcher.source("trail").unwrap();
    let explain = |record: &str| {
        let json: Json = serde_json::from_str(record).unwrap();
        let record = JsonRecord::new(&json);
        let mut scratch = matcher.scratch();
        let id = matcher.matches(source, &record, &mut scratch)[0];
        let reasons = matcher.explain(source, id, &record);
        let text = |reason: sigma::Reason| {
            let found = reason.found.unwrap_or("nothing".to_owned());
            format!("{}: {} = {found}", reason.selection, reason.sought)
        };
        reasons.into_iter().map(text).collect::<Vec<_>>()
    };
    assert_eq!(
        explain(
            r#"{"eventName":"ScheduleKeyDeletion","requestParameters":{"pendingWindowInDays":7}}"#
        ),
        [
            "selection: eventName: ScheduleKeyDeletion = ScheduleKeyDeletion",
            "selection: requestParameters.pendingWindowInDays|lt: 10 = 7",
        ]
    );
    assert_eq!(
        explain(r#"{"eventSource":"sts.amazonaws.com"}"#),
        [
            "selection: eventSource: sts.amazonaws.com = sts.amazonaws.com",
            "selection: errorCode: null = nothing",
            "selection: userIdentity.userName: null = nothing",
        ]
    );
    assert_eq!(
        explain(r#"{"eventName":"PutParameter","v":"x BEGIN RSA PRIVATE KEY y"}"#),
        [
            "keywords: BEGIN RSA PRIVATE KEY = x BEGIN RSA PRIVATE KEY y",
            "source: eventName: PutParameter = PutParameter",
        ]
    );
    assert_eq!(
        explain(r#"{"eventName":"RunInstances","awsRegion":"us-east-1"}"#),
        [
            "selection: eventName: RunInstances = RunInstances",
            "selection: awsRegion|neq: eu-central-1 or eu-west-1 = us-east-1",
        ]
    );
}
