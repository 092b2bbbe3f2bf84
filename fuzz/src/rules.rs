//! What the fuzz target of Sigma rules does with its bytes.
//! Shared with the ordinary tests, which replay `fuzz/seeds/sigma_rule` on stable.

use sigma::{Correlator, JsonRecord, Matcher, Options, Pipeline, RuleSet, Weight, parse};

/// A file of rules, and of pipelines: both are read, compiled, and run over one record.
pub fn sigma_rule(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let parsed = parse("fuzzed.yml", text);
    let lines = u32::try_from(text.lines().count()).unwrap_or(u32::MAX);
    for problem in &parsed.problems {
        // The end of the text is a line of its own.
        assert!((1..=lines + 1).contains(&problem.place.line), "{problem}");
        assert!(problem.place.column >= 1, "{problem}");
        assert!(!problem.message.is_empty());
    }
    let found = parsed.rules.len() + parsed.correlations.len() + parsed.filters.len();
    assert!(found > 0 || parsed.problems.iter().any(|p| p.weight == Weight::Error) || quiet(text));
    let mut set = RuleSet::default();
    set.add(parsed);
    let mut pipelines = Pipeline::parse("fuzzed.yml", text).pipelines;
    pipelines.push(Pipeline::plain("any"));
    let matcher = Matcher::compile(set, &pipelines).matcher;
    let record = serde_json::json!({
        "eventID": "e", "eventTime": "2026-11-21T03:05:00Z", "eventName": "CreateUser",
        "a": "a", "b": ["b", 7, null, {"c": "d"}], "o": {"f": true, "g": {"h": "10.0.0.7"}},
    });
    let record = JsonRecord::with_fields(&record, "eventID", "eventTime");
    let mut scratch = matcher.scratch();
    let mut correlator = Correlator::new(&matcher, Options::default());
    for pipeline in &pipelines {
        let Some(source) = matcher.source(&pipeline.source) else { continue };
        let matched = matcher.matches(source, &record, &mut scratch).to_vec();
        for rule in &matched {
            let _ = matcher.explain(source, *rule, &record);
        }
        correlator.observe(source, &record, &matched);
    }
    let state = correlator.save();
    let alerts = correlator.finish();
    let mut restored = Correlator::restore(&matcher, Options::default(), state)
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(restored.finish(), alerts);
}

/// A file that holds only parts of a collection, or empty documents, says nothing wrong.
fn quiet(text: &str) -> bool {
    text.contains("action") || text.contains("---") || text.contains("null") || text.contains('~')
}
