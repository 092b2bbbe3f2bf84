//! The built-in controls do what their cases say.

use yagura_content::Content;
use yagura_judge::cases::run;

#[test]
fn every_case_of_every_built_in_control_holds() {
    let results = run(Content::builtin());
    let failures: Vec<_> = results
        .iter()
        .filter_map(|result| {
            let failure = result.failure.as_ref()?;
            Some(format!("{} ({}): {failure}", result.control, result.case))
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let controls = Content::builtin().controls.len();
    assert!(results.len() >= controls * 3, "{controls} controls, {} cases", results.len());
}
