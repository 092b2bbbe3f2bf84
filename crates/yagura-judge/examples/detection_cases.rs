//! Checks detections and runs their cases, without the rest of the product:
//! `cargo run -p yagura-judge --example detection_cases -- content [FILTER]`. The filter is a part
//! of a detection's id. `yagura content test` does the same for all content.

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use std::path::PathBuf;
use std::process::ExitCode;

use yagura_content::Content;
use yagura_judge::detections::cases;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap_or_else(|| "content".to_owned()));
    let filter = arguments.next().unwrap_or_default();
    let content = Content::from_folder(&folder);
    let wanted = |id: &str| id.contains(&filter);
    let wanted_path = |path: &str| {
        let id = path.strip_prefix("detections/").map(|rest| rest.replace('/', "."));
        match id {
            Some(id) => wanted(&id),
            None => path.ends_with("/sigma.yaml") || path.ends_with("/case.yaml"),
        }
    };
    let (results, unusable) = cases::run(&content, &wanted);
    let problems: Vec<_> = content
        .lint(None)
        .into_iter()
        .chain(unusable)
        .filter(|problem| wanted_path(&problem.file))
        .collect();
    for problem in &problems {
        let hint = if problem.hint.is_empty() { "" } else { "\n  hint: " };
        println!("{problem}{hint}{}", problem.hint);
    }
    let failed: Vec<_> = results.iter().filter(|result| result.failure.is_some()).collect();
    for result in &failed {
        let (line, column) = (result.place.line, result.place.column);
        let failure = result.failure.as_deref().unwrap_or_default();
        println!("{}:{line}:{column}: case `{}`: {failure}", result.path, result.case);
    }
    let errors = problems.iter().filter(|problem| problem.is_error()).count();
    let passed = results.len() - failed.len();
    println!("{passed} cases passed, {} failed, {errors} errors", failed.len());
    if failed.is_empty() && errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
