//! What lint and the loader say about honest mistakes in detections, their cases and mappings.
//! Other kinds of files are in `lint_messages.rs`.

use std::fs;
use std::path::Path;

use yagura_content::{Content, Problem, scaffold};

const UUID: &str = "5f0c9be2-6a0e-4b52-9d5e-0a5d1f2b7c11";

/// A scaffold with its blanks filled in.
fn filled(id: &str) -> Vec<scaffold::Scaffold> {
    let mut files = scaffold::detection(Content::builtin(), id, UUID).unwrap();
    for file in &mut files {
        file.text = file.text.replace("TODO ", "").replace("author: TODO", "author: me");
    }
    files
}

/// What is said of the scaffold after a replacement, laid over what is built in.
fn lint((from, to): (&str, &str)) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let mut files = filled("cloudtrail.example_called");
    assert!(from.is_empty() || files.iter().any(|file| file.text.contains(from)), "no `{from}`");
    for file in &mut files {
        if !from.is_empty() {
            file.text = file.text.replacen(from, to, 1);
        }
        write(folder.path(), &file.path, &file.text);
    }
    let problems = Content::load(Some(folder.path())).lint(None);
    problems.iter().map(Problem::to_string).collect()
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn a_filled_scaffold_is_good_and_an_empty_one_is_not() {
    assert_eq!(lint(("", "")), Vec::<String>::new());
    let blank = scaffold::detection(Content::builtin(), "cloudtrail.x", UUID).unwrap();
    assert!(blank.iter().any(|file| file.text.contains("TODO")));
    assert!(scaffold::detection(Content::builtin(), "Cloudtrail.X", UUID).is_err());
    assert!(scaffold::detection(Content::builtin(), "cloudtrail", UUID).is_err());
}

#[test]
fn a_source_without_a_mapping_gets_one_and_a_base_record() {
    let paths: Vec<String> =
        filled("shop_orders.order_refused").into_iter().map(|file| file.path).collect();
    assert_eq!(
        paths,
        [
            "detections/shop_orders/order_refused.yaml",
            "detections/shop_orders/order_refused.cases.yaml",
            "sources/shop_orders/sigma.yaml",
            "sources/shop_orders/case.yaml",
        ]
    );
}

#[test]
fn mistakes_are_told_with_file_and_line() {
    let check = |change: (&str, &str), wanted: &str| {
        let told = lint(change);
        assert!(told.iter().any(|line| line.contains(wanted)), "{change:?}: {told:#?}");
    };
    let file = "detections/cloudtrail/example_called.yaml";
    check(("起きたことを一文で", "What happened"), "the Japanese `title` contains no Japanese");
    check(("  ja:\n", "  jp:\n"), "unknown field `jp`");
    check(("attack.discovery", "attack.tX"), "is neither a tactic nor a technique of ATT&CK");
    check(
        ("service: cloudtrail", "service: cloudtail"),
        &format!("{file}:10:1: no source is mapped"),
    );
    check((UUID, "1234"), &format!("{file}:2:1: `1234` is not a UUID"));
    check((UUID, &taken_uuid()), "is that of");
    check(("level: medium", "level: medum"), "`medum` is not a level of Sigma");
    check(("errorCode: null", "errorCode|contians: x"), &format!("{file}:13:"));
    check(("condition: selection and success", "condition: selektion"), "selektion");
    check(("yagura:", "yagrua:"), "has no key `yagura`");
    check(("  entity: actor", "  entity: other"), "`other` is no kind of entity");
    check(("expect: quiet", "expect: match"), "one case that matches and two that are quiet");
    check(("expect: quiet", "expect: silent"), "example_called.cases.yaml:5:");
    check(("a call of the same name of another service", "the call was refused"), "is there twice");
    check(("references: []", "references: ['http://x']"), "is not an https address");
}

/// The UUID of some detection of the content.
fn taken_uuid() -> String {
    let detection = Content::builtin().detections.values().next().unwrap();
    detection.head().unwrap().uuid.clone().unwrap()
}

#[test]
fn cases_without_a_detection_and_a_detection_without_cases_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let files = filled("cloudtrail.example_called");
    write(folder.path(), &files[0].path, &files[0].text);
    write(folder.path(), "detections/cloudtrail/nobody.cases.yaml", &files[1].text);
    let told: Vec<String> =
        Content::load(Some(folder.path())).lint(None).iter().map(Problem::to_string).collect();
    assert!(told.iter().any(|line| line.contains("the detection has no cases")), "{told:#?}");
    assert!(told.iter().any(|line| line.contains("no detection beside these cases")), "{told:#?}");
}

#[test]
fn a_mapping_for_another_source_disables_itself() {
    let folder = tempfile::tempdir().unwrap();
    let mapping = "source: cloudtrail\nlogsources: [{product: aws}]\n";
    write(folder.path(), "sources/vpc_flow/sigma.yaml", mapping);
    let content = Content::load(Some(folder.path()));
    assert_eq!(content.problems.len(), 1);
    let built_in = Content::builtin().sigma_mappings["vpc_flow"].pipelines().len();
    assert_eq!(content.sigma_mappings["vpc_flow"].pipelines().len(), built_in);
}
