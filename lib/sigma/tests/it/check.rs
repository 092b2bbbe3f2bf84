//! Calls the engine the way a caller does, for the tests of this folder.
//! No assertions about Sigma stand here.

use serde_json::Value as Json;
use sigma::{JsonRecord, Matcher, Parsed, Pipeline, RuleSet, Weight, parse};

/// A rule around a detection.
pub(crate) fn rule(detection: &str) -> String {
    let indented: String = detection.lines().map(|line| format!("  {line}\n")).collect();
    format!("title: t\nlogsource: {{product: aws}}\ndetection:\n{indented}")
}

/// Parses what must be good.
pub(crate) fn good(text: &str) -> Parsed {
    let parsed = parse("rule.yml", text);
    let errors: Vec<_> =
        parsed.problems.iter().filter(|problem| problem.weight == Weight::Error).collect();
    assert!(errors.is_empty(), "{errors:?}\n{text}");
    parsed
}

/// Compiles what must be good, without a pipeline.
pub(crate) fn matcher(texts: &[&str]) -> Matcher {
    with_pipelines(texts, &[Pipeline::plain("any")])
}

/// Compiles what must be good.
pub(crate) fn with_pipelines(texts: &[&str], pipelines: &[Pipeline]) -> Matcher {
    let mut set = RuleSet::default();
    for text in texts {
        set.add(good(text));
    }
    let compiled = Matcher::compile(set, pipelines);
    assert_eq!(compiled.problems, [], "{texts:?}");
    compiled.matcher
}

/// Titles of the rules that match.
pub(crate) fn matched(matcher: &Matcher, record: &Json) -> Vec<String> {
    let source = matcher.source("any").unwrap();
    let mut scratch = matcher.scratch();
    let record = JsonRecord::new(record);
    let ids = matcher.matches(source, &record, &mut scratch);
    ids.iter().map(|id| matcher.rule(*id).unwrap().metadata.title.clone()).collect()
}

/// Whether one detection matches a record.
pub(crate) fn matches(detection: &str, record: &Json) -> bool {
    !matched(&matcher(&[&rule(detection)]), record).is_empty()
}

/// The problems of a detection that must not be good: (line, column, message).
pub(crate) fn problems(detection: &str) -> Vec<(u32, u32, String)> {
    let parsed = parse("rule.yml", &rule(detection));
    assert!(parsed.rules.is_empty(), "{detection}");
    let place =
        |problem: sigma::Problem| (problem.place.line, problem.place.column, problem.message);
    parsed.problems.into_iter().map(place).collect()
}
