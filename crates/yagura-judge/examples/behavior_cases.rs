//! Runs the cases of behaviours and sequences of a content folder and prints what failed:
//! `cargo run -p yagura-judge --example behavior_cases -- content [FILTER] [--show]`.
//! The tests run them too, over the built-in content; this is for authors.

#![expect(clippy::print_stdout, reason = "an example's output is its purpose")]

use std::path::PathBuf;
use std::process::ExitCode;

use yagura_content::Content;
use yagura_judge::behaviors::run_behavior_cases;
use yagura_judge::sequences::run_sequence_cases;
use yagura_model::alert::Signal;

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let show = arguments.iter().any(|argument| argument == "--show");
    arguments.retain(|argument| argument != "--show");
    let mut arguments = arguments.into_iter();
    let folder = PathBuf::from(arguments.next().unwrap_or_else(|| "content".to_owned()));
    let filter = arguments.next().unwrap_or_default();
    let mut content = Content::from_folder(&folder);
    content.behaviors.retain(|id, _| id.contains(&filter));
    content.sequences.retain(|id, _| id.contains(&filter));
    let mut failed = 0;
    for problem in content.lint(None) {
        if ["behaviors/", "sequences/"].iter().any(|part| problem.file.starts_with(part)) {
            println!("{problem} {}", problem.hint);
            failed += 1;
        }
    }
    let behaviors = run_behavior_cases(&content).into_iter();
    let behaviors = behaviors.map(|case| (case.behavior, case.case, case.failure, case.signals));
    let sequences = run_sequence_cases(&content).into_iter();
    let sequences = sequences.map(|case| (case.sequence, case.case, case.failure, case.signals));
    let mut cases = 0;
    for (id, case, failure, signals) in behaviors.chain(sequences) {
        cases += 1;
        if let Some(failure) = failure {
            println!("{id}: {case}: {failure}");
            failed += 1;
        }
        if show {
            signals.iter().for_each(|signal| print(&id, &case, signal));
        }
    }
    println!("{cases} cases, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn print(id: &str, case: &str, signal: &Signal) {
    println!("{id}: {case}: {}", signal.entity);
    if let Some(contrast) = &signal.contrast {
        println!("  {}\n  {}", contrast.normal.en, contrast.seen.en);
        println!("  {}\n  {}", contrast.normal.ja, contrast.seen.ja);
    }
    for step in &signal.story {
        println!("  {} {}", step.tactic, step.content);
    }
}
