//! Public rules: those of the folder that `YAGURA_SIGMAHQ_DIR` names, a checkout of SigmaHQ's
//! `sigma`. Says so and passes when it is not set; nothing of the folder is copied here.

use std::path::{Path, PathBuf};

use sigma::{Matcher, Pipeline, RuleSet, Weight, parse};

#[test]
fn public_rules_parse_and_those_of_aws_compile() {
    let Some(folder) = std::env::var_os("YAGURA_SIGMAHQ_DIR") else {
        println!("YAGURA_SIGMAHQ_DIR is not set: public rules are not tried");
        return;
    };
    let mut files = Vec::new();
    walk(Path::new(&folder), &mut files);
    assert!(!files.is_empty(), "no rule files in the folder");
    let (mut set, mut trail, mut faults) = (RuleSet::default(), RuleSet::default(), Vec::new());
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        let name = file.to_string_lossy();
        let parsed = parse(&name, &text);
        let errors = parsed.problems.iter().filter(|problem| problem.weight == Weight::Error);
        faults.extend(errors.map(ToString::to_string));
        if name.contains("/aws/") {
            trail.add(parsed.clone());
        }
        set.add(parsed);
    }
    let count = set.rules.len() + set.correlations.len() + set.filters.len();
    println!("{} files, {count} rules, {} of AWS", files.len(), trail.rules.len());
    assert_eq!(faults, [""; 0], "{} of {} files", faults.len(), files.len());
    // Placeholders that public AWS rules leave to their users.
    let aws = "source: cloudtrail\nlogsources: [{product: aws, service: cloudtrail}]\n\
               placeholders: {Legitimate_Countries: [JP], Legitimate_IP_Ranges: [192.0.2.1]}\n";
    let compiled = Matcher::compile(trail, &Pipeline::parse("aws", aws).pipelines);
    assert_eq!(compiled.problems, []);
    assert_eq!(compiled.unmapped, []);
    // Rules of other products have placeholders that only their users can fill.
    let compiled = Matcher::compile(set, &[Pipeline::plain("any")]);
    let other: Vec<String> = compiled
        .problems
        .iter()
        .filter(|problem| !problem.message.contains("placeholder"))
        .map(ToString::to_string)
        .collect();
    assert_eq!(other, [""; 0]);
}

/// Rule files, but not those that SigmaHQ itself calls unsupported.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).unwrap();
    for path in entries.map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            let other = ["unsupported", "deprecated", "tests", "regression_data", "other"];
            if !name.starts_with('.') && !other.contains(&name.as_str()) {
                walk(&path, files);
            }
        } else if path
            .extension()
            .is_some_and(|extension| extension == "yml" || extension == "yaml")
            && path.components().any(|part| part.as_os_str().to_string_lossy().starts_with("rules"))
        {
            files.push(path);
        }
    }
    files.sort();
}
