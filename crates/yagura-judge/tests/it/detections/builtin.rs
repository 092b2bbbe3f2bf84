//! The detections that the library carries: they compile together, and their cases hold.
//! What each looks for is said, and shown, in its own files.

use yagura_content::Content;
use yagura_judge::detections::{DetectOptions, Detector, cases};

use super::now;

#[test]
fn the_built_in_detections_compile_together() {
    let content = Content::builtin();
    let (detector, problems) = Detector::compile(content, &DetectOptions::at(now()));
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(told, Vec::<String>::new());
    assert_eq!(detector.known().len(), content.detections.len());
    let (rules, always) = detector.size("cloudtrail");
    assert!(
        rules > 0 && always * 20 < rules,
        "{always} of {rules} rules are tried on every record"
    );
}

#[test]
fn the_cases_of_the_built_in_detections_hold() {
    let (results, _) = cases::run(Content::builtin(), &|_| true);
    let failed: Vec<String> = results
        .iter()
        .filter_map(|result| {
            Some(format!("{} `{}`: {}", result.path, result.case, result.failure.as_ref()?))
        })
        .collect();
    assert_eq!(failed, Vec::<String>::new());
    assert!(results.len() >= 3 * Content::builtin().detections.len());
}
