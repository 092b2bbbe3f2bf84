//! A site folder laid over the built-in content.
//! Hostile files are in `hostile.rs`.

use std::fs;
use std::path::Path;

use serde_json::json;
use yagura_content::Content;
use yagura_model::Severity;

/// A built-in control to override.
fn some_control() -> String {
    Content::builtin().controls.keys().next().unwrap().clone()
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn control_text() -> String {
    yagura_content::scaffold::control("x.y", "AWS::S3::Bucket").unwrap().text
}

const SELECTION: &str =
    "disable: [\"nothing.*\"]\nseverity: {a.b: low}\nframeworks: [\"cis_*\", sox]\n";

#[test]
fn a_folder_that_is_not_there_adds_nothing() {
    let content = Content::load(Some(Path::new("no/such/folder")));
    assert_eq!(content.controls.len(), Content::builtin().controls.len());
    assert!(content.problems.is_empty());
}

#[test]
fn files_add_and_override_by_their_path() {
    let folder = tempfile::tempdir().unwrap();
    let id = some_control();
    let overriding = format!("controls/{}.yaml", id.replacen('.', "/", 1));
    write(folder.path(), &overriding, &control_text().replace("medium", "critical"));
    write(folder.path(), "controls/house/rule_kept.yaml", &control_text());
    write(folder.path(), "notes.txt", "not content");
    write(folder.path(), ".git/config.yaml", "not: content");
    let content = Content::load(Some(folder.path()));
    assert!(content.problems.is_empty(), "{:?}", content.problems);
    assert_eq!(content.controls[&id].severity, Severity::Critical);
    assert!(content.controls.contains_key("house.rule_kept"));
    assert_eq!(content.controls.len(), Content::builtin().controls.len() + 1);
}

#[test]
fn a_broken_override_leaves_the_built_in_file_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let id = some_control();
    let name = format!("controls/{}.yaml", id.replacen('.', "/", 1));
    let broken = control_text().replace("resource.properties.Example == true", "resource.x ==");
    write(folder.path(), &name, &broken);
    let content = Content::load(Some(folder.path()));
    assert_eq!(content.problems.len(), 1);
    assert_eq!(content.problems[0].file, name);
    assert_eq!(content.problems[0].place.line, 14);
    let built_in = Content::builtin();
    assert_eq!(content.controls[&id].severity, built_in.controls[&id].severity);
}

#[test]
fn what_is_no_content_is_told() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "controls/too/deep/x.yaml", "a: b");
    write(folder.path(), "controls/s3/x.yml", "a: b");
    let problems = Content::load(Some(folder.path())).problems;
    let messages: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(
        messages,
        ["cannot be read: content files end in `.yaml`", "no content has this path",]
    );
}

#[test]
fn the_sites_own_files_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let id = some_control();
    write(
        folder.path(),
        "exceptions.yaml",
        &format!(
            "- control: {id}\n  accounts: [\"111122223333\"]\n  owner: sea\n  reason: moving\n  \
         expires: 2027-03-31\n"
        ),
    );
    write(
        folder.path(),
        "attestations.yaml",
        "- framework: checklist\n  \
        requirement: response.plan\n  state: met\n  by: someone\n  reason: drilled in May\n  \
        expires: \"2027-03-31T00:00:00Z\"\n",
    );
    write(folder.path(), "parameters.yaml", "a.b: {days_max: 30}\n");
    write(folder.path(), "selection.yaml", SELECTION);
    let content = Content::load(Some(folder.path()));
    assert!(content.problems.is_empty(), "{:?}", content.problems);
    assert_eq!(content.site.exceptions[0].expires.0.to_string(), "2027-04-01T00:00:00Z");
    assert_eq!(content.site.attestations.len(), 1);
    assert_eq!(content.site.parameters["a.b"]["days_max"], json!(30));
    assert!(!content.site.selection.enables("nothing.here"));
    assert!(content.site.selection.scores("cis_7_0") && !content.site.selection.scores("hipaa"));
    let messages: Vec<String> = content.lint(None).iter().map(ToString::to_string).collect();
    assert_eq!(
        messages,
        [
            "parameters.yaml:1:1: no control is called `a.b`",
            "selection.yaml:1:1: no control is called `a.b`",
            "selection.yaml:1:1: no control is called `nothing.*`",
            "selection.yaml:1:1: no framework is called `sox`",
        ]
    );
}

#[test]
fn an_unreadable_file_is_a_problem_and_the_rest_loads() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "controls/house/rule_kept.yaml", &control_text());
    fs::create_dir_all(folder.path().join("controls/house/folder.yaml")).unwrap();
    std::os::unix::fs::symlink("/no/such/target", folder.path().join("controls/house/gone.yaml"))
        .unwrap();
    let content = Content::load(Some(folder.path()));
    assert!(content.controls.contains_key("house.rule_kept"));
    assert_eq!(content.problems.len(), 1);
    assert!(content.problems[0].message.starts_with("cannot be read"));
}

#[test]
fn scaffolds_load_and_lint_asks_for_what_is_left_to_fill_in() {
    let folder = tempfile::tempdir().unwrap();
    let control = yagura_content::scaffold::control("sns.topic_kept", "AWS::X::Thing").unwrap();
    let resource = yagura_content::scaffold::resource("x.thing", "AWS::X::Thing").unwrap();
    write(folder.path(), &control.path, &control.text);
    write(folder.path(), &resource.path, &resource.text);
    for file in yagura_content::scaffold::source("shop_orders").unwrap() {
        write(folder.path(), &file.path, &file.text);
    }
    let query = yagura_content::scaffold::query("shop.orders_refused").unwrap();
    write(folder.path(), &query.path, &query.text);
    let content = Content::load(Some(folder.path()));
    assert!(content.problems.is_empty(), "{:?}", content.problems);
    let problems = content.lint(None);
    assert!(!problems.is_empty());
    for problem in problems {
        assert!(problem.message.contains("TODO"), "{problem}");
    }
    for id in ["", "x.y", "X", "../x", "x/y"] {
        assert!(yagura_content::scaffold::source(id).is_err(), "{id}");
    }
    for id in ["", "x", "X.y", "a.b.c", "../x.y", "a.b/c"] {
        assert!(yagura_content::scaffold::control(id, "AWS::X::Y").is_err(), "{id}");
    }
}

const EXTENSION: &str = "
keys: [\"trails/{account}/**.json\"]
columns:
  cost_center: additionalEventData.costCenter
retention_days: 30
";

#[test]
fn a_site_adds_a_source_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    for file in yagura_content::scaffold::source("shop_orders").unwrap() {
        write(folder.path(), &file.path, &file.text);
    }
    let content = Content::load(Some(folder.path()));
    assert!(content.problems.is_empty(), "{:?}", content.problems);
    let source = &content.sources["shop_orders"];
    assert_eq!(source.table().columns.len(), 2);
    assert!(content.sample(source, "lines.jsonl").unwrap().contains("mika"));
    assert_eq!(content.tables().len(), Content::builtin().sources.len() + 1);
}

#[test]
fn a_site_extends_a_source() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "sources/cloudtrail/extend.yaml", EXTENSION);
    let content = Content::load(Some(folder.path()));
    assert!(content.problems.is_empty(), "{:?}", content.problems);
    let (own, extended) =
        (&Content::builtin().sources["cloudtrail"], &content.sources["cloudtrail"]);
    assert_eq!(extended.keys.0.len(), own.keys.0.len() + 1);
    assert_eq!(extended.retention_days, 30);
    let names = |source: &yagura_content::format::Source| -> Vec<String> {
        source.table().columns.iter().map(|column| column.name.clone()).collect()
    };
    assert_eq!(names(extended)[..names(own).len()], names(own));
    assert_eq!(names(extended).last().unwrap(), "cost_center");
}

#[test]
fn an_extension_cannot_change_what_is_promised() {
    for (name, text, expected) in [
        (
            "cloudtrail",
            EXTENSION.replace("cost_center", "event_name"),
            "sources/cloudtrail/extend.yaml:4:3: `cloudtrail` has the column `event_name` already",
        ),
        (
            "cloudtrail",
            EXTENSION.replace("cost_center", "time"),
            "sources/cloudtrail/extend.yaml:4:3: every table has the column `time`; \
             choose another name",
        ),
        (
            "cloudtrial",
            EXTENSION.to_owned(),
            "sources/cloudtrial/extend.yaml:1:1: there is no source `cloudtrial` to extend",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &format!("sources/{name}/extend.yaml"), &text);
        let content = Content::load(Some(folder.path()));
        let problems: Vec<String> = content.problems.iter().map(ToString::to_string).collect();
        assert_eq!(problems, [expected]);
        assert_eq!(content.sources["cloudtrail"].retention_days, 0);
    }
}

const RULES: &str = r#"- id: later
  when: finding.account == "111122223333"
  order: 200
  set: {assignee: team-b}
- id: first
  when: finding.severity in ["low", "medium"] && resource.tags.env == "dev"
  set:
    severity: low
    due_in: 30d
    suppress: {for: 90d, reason: nobody uses it}
    tags: {team: payments}
  cases:
    - name: a bucket of development
      matches: true
      finding: {severity: medium}
      resource: {tags: {env: dev}}
    - name: a bucket of production
      matches: false
      finding: {severity: medium}
      resource: {tags: {env: prod}}
    - name: a bucket without tags
      matches: false
      finding: {severity: medium}
"#;

#[test]
fn automation_rules_come_in_the_order_in_which_they_are_applied() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "rules.yaml", RULES);
    let content = Content::load(Some(folder.path()));
    assert!(content.problems.is_empty(), "{:?}", content.problems);
    let ids: Vec<&str> = content.site.rules.iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(ids, ["first", "later"]);
    assert!(content.lint(None).is_empty(), "{:?}", content.lint(None));
}

#[test]
fn lint_names_what_is_wrong_with_automation_rules() {
    let folder = tempfile::tempdir().unwrap();
    let rules = r#"- id: twice
  when: finding.severty == "low"
  set: {severity: low}
- id: twice
  when: finding.account == "1"
  set: {}
- id: endless
  when: finding.account == "1"
  set:
    suppress: {reason: "", for: 1d, until: 2027-01-01}
- id: wrong
  when: finding.account == "1"
  set: {tags: {a=b: c}, assignee: " "}
  cases:
    - {name: another account, matches: true, finding: {account: "2"}}
- id: broken
  when: finding.account == == "1"
  set: {severity: low}
- id: stranger
  when: alert.content == "x"
  set: {severity: low}
"#;
    write(folder.path(), "rules.yaml", rules);
    let content = Content::load(Some(folder.path()));
    let kept: Vec<&str> = content.site.rules.iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(kept, ["twice", "twice", "endless", "wrong"], "a broken rule disables itself");
    let told: Vec<String> = content.lint(None).iter().map(ToString::to_string).collect();
    let has = |line: &str, words: &str| {
        let found = told.iter().any(|one| one.contains(line) && one.contains(words));
        assert!(found, "{line} {words}: {told:#?}");
    };
    has("rules.yaml:2:", "a finding has no `severty`");
    has("rules.yaml:4:", "two rules are called `twice`");
    has("rules.yaml:4:", "sets nothing");
    has("rules.yaml:10:", "`reason` says nothing");
    has("rules.yaml:10:", "either by `until` or by `for`");
    has("rules.yaml:13:", "`assignee` says nothing");
    has("rules.yaml:11:", "the tag `a=b`");
    has("rules.yaml:15:", "the rule does not hold, and should");
    has("rules.yaml:17:", "");
    has("rules.yaml:20:", "alert");
}
