//! What lint says about honest mistakes: file, line, column, hint, as golden files.
//! Hostile input is in `hostile.rs`.

use std::fs;
use std::path::Path;

use yagura_content::{AccessLevel, ApiFacts, Content};

const TYPE: &str = r#"type: AWS::SNS::Topic
title: {en: SNS topic, ja: SNS トピック}
scope: region
list:
  - call: sns:ListTopics
    each: output.Topics
identity:
  id: item.TopicArn
  arn: item.TopicArn
details:
  - call: sns:GetTopicAttributes
    input: {TopicArn: "${arn}"}
    properties:
      TopicName: last(output.Attributes.TopicArn.split(':'))
      Delivery.Rules: "list(output.Attributes.Rules).map(r, {'Id': r.Id, 'Status': r.Status})"
      Raw: json(output.Attributes.Policy)
    relations:
      key: {type: "AWS::SNS::Topic", target: output.Attributes.KmsMasterKeyId}
cases:
  - name: none
    answers: {"sns:ListTopics": {Topics: []}}
    expect: []
"#;

const CONTROL: &str = r#"type: AWS::SNS::Topic
severity: medium
guidance: elective
responsible: customer
title: {en: Topics have a name, ja: トピックに名前がある}
why:
  en: A topic without a name cannot be found.
  ja: 名前のないトピックは見つけられません。
parameters:
  length_min: {default: 3, en: The shortest name, ja: 最短の名前}
require: |
  has(resource.properties.TopicName) &&
  resource.properties.TopicName.size() >= parameters.length_min &&
  resource.properties.Delivery.Rules.all(r, r.Status == 'on') &&
  resource.properties.Raw.Statement.Anything != 1 &&
  related(resource, 'key').all(k, k.properties.TopicName != '')
show: [resource.properties.TopicName]
fix:
  console: {en: [Open the console.], ja: [コンソールを開きます。]}
  cli: aws sns list-topics
  terraform: resource
maps:
  checklist: [data.at_rest]
references: ["https://docs.aws.amazon.com/sns/"]
cases:
  - {name: named, expect: pass, resource: {properties: {TopicName: abc}}}
  - {name: unnamed, expect: fail, resource: {}}
  - {name: denied, expect: unknown, resource: {unread: [properties.TopicName]}}
"#;

const FRAMEWORK: &str = r#"title: {en: A list, ja: 一覧}
version: "1"
source: us
groups:
  - {id: data, title: {en: Data, ja: データ}}
requirements:
  - {id: data.at_rest, group: data, title: {en: At rest, ja: 保存時}, assessment: automated}
"#;

/// A table of an AWS that has two operations.
struct Table;

impl ApiFacts for Table {
    fn has_operation(&self, service: &str, operation: &str) -> bool {
        self.operations(service).iter().any(|known| known == operation)
    }
    fn operations(&self, service: &str) -> Vec<String> {
        let known: &[&str] = match service {
            "sns" => &["ListTopics", "GetTopicAttributes", "DeleteTopic"],
            _ => &[],
        };
        known.iter().map(|name| (*name).to_owned()).collect()
    }
    fn has_input_path(&self, _: &str, operation: &str, path: &[&str]) -> bool {
        operation == "GetTopicAttributes" && path == ["TopicArn"]
    }
    fn has_output_path(&self, _: &str, operation: &str, path: &[&str]) -> bool {
        matches!(
            (operation, path),
            ("ListTopics", ["Topics"] | ["Topics", "*"] | ["Topics", "*", "TopicArn"])
                | ("GetTopicAttributes", ["Attributes", ..])
        )
    }
    fn access_level(&self, action: &str) -> Option<AccessLevel> {
        match action {
            "sns:ListTopics" => Some(AccessLevel::List),
            "sns:GetTopicAttributes" => Some(AccessLevel::Read),
            "sns:DeleteTopic" => Some(AccessLevel::Write),
            _ => None,
        }
    }
}

/// Lints the three files above after replacements, each applied to the file that has the text.
fn lint(replacements: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut files = vec![
        ("resources/sns/topic.yaml", TYPE.to_owned()),
        ("controls/sns/topic_named.yaml", CONTROL.to_owned()),
        ("frameworks/checklist.yaml", FRAMEWORK.to_owned()),
    ];
    for (from, to) in replacements {
        let file = files.iter_mut().find(|(_, text)| text.contains(from));
        let (_, text) = file.unwrap_or_else(|| panic!("no file has {from}"));
        *text = text.replacen(from, to, 1);
    }
    for (name, text) in &files {
        write(folder.path(), name, text);
    }
    let problems = Content::from_folder(folder.path()).lint(Some(&Table));
    let lines = problems.iter().map(|problem| {
        let level = if problem.is_error() { "error" } else { "warning" };
        let hint = if problem.hint.is_empty() { "" } else { "\n    hint: " };
        format!("{level}: {problem}{hint}{}\n", problem.hint)
    });
    lines.collect()
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn good_files_have_nothing_said_about_them() {
    assert_eq!(lint(&[]), "");
}

#[test]
fn mistakes_of_form() {
    let mut all = String::new();
    for replacement in [
        ("severity: medium", "severity: medum"),
        ("guidance: elective", "guidance: elective\nguidanse: elective"),
        ("severity: medium\n", ""),
        ("ja: トピックに名前がある", "de: x"),
        ("severity: medium", "severity: medium\nseverity: low"),
        ("call: sns:ListTopics", "call: ListTopics"),
        ("version: \"1\"", "version: 1.0"),
        ("\"${arn}\"", "\"arn:${arn}\""),
        ("show: [resource.properties.TopicName]", "show: [resource..x]"),
        ("expect: pass", "expect: passes"),
        ("id: item.TopicArn", "id: item.TopicArn: x"),
    ] {
        all += &format!("{} → {}\n{}", replacement.0, replacement.1, lint(&[replacement]));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn mistakes_in_controls() {
    let mut all = String::new();
    for replacement in [
        ("has(resource.properties.TopicName)", "has(resource.properties.TopicNam)"),
        ("r.Status == 'on'", "r.State == 'on'"),
        ("k.properties.TopicName != ''", "k.properties.Name != ''"),
        ("related(resource, 'key')", "related(resource, 'keys')"),
        ("related(resource, 'key')", "in_account('AWS::SNS::Topik')"),
        ("type: AWS::SNS::Topic\nseverity", "type: AWS::SNS::Tpic\nseverity"),
        ("resource.properties.Delivery", "resource.propertys.Delivery"),
        ("resource.properties.Delivery", "resorce.properties.Delivery"),
        ("parameters.length_min", "parameters.length_mn"),
        ("show: [resource.properties.TopicName]", "show: [resource.properties.Topic]"),
        ("show: [resource.properties.TopicName]", "show: [properties.TopicName]"),
        ("checklist: [data.at_rest]", "checklist: [data.at_rst, data.at_rest, data.at_rest]"),
        ("checklist: [data.at_rest]", "cheklist: [data.at_rest]"),
        ("en: Topics have a name", "en: トピック"),
        ("ja: トピックに名前がある", "ja: Topics have a name in Japanese"),
        ("en: A topic without a name cannot be found.", "en: \"\""),
        ("en: [Open the console.]", "en: [Open the console., And more.]"),
        ("  terraform: resource\n", ""),
        ("expect: fail", "expect: pass"),
        ("expect: unknown", "expect: pass"),
        ("unread: [properties.TopicName]", "unread: [properties.TopicNames]"),
        ("name: unnamed", "name: named"),
        ("https://docs", "http://docs"),
        ("en: The shortest name", "en: TODO"),
    ] {
        all += &format!("{} → {}\n{}", replacement.0, replacement.1, lint(&[replacement]));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn mistakes_in_resource_types() {
    let mut all = String::new();
    for replacement in [
        ("call: sns:ListTopics", "call: sns:ListTopic"),
        ("call: sns:ListTopics", "call: snss:ListTopics"),
        ("call: sns:ListTopics", "call: sns:DeleteTopic"),
        ("each: output.Topics", "each: output.Topic"),
        ("id: item.TopicArn", "id: item.TopicArm"),
        ("input: {TopicArn: \"${arn}\"}", "input: {Topic: \"${arn}\"}"),
        ("input: {TopicArn: \"${arn}\"}", "input: {TopicArn: \"${  armn}\"}"),
        ("last(output.Attributes", "last(output.Attribute"),
        ("TopicName: last", "Topic Name: last"),
        ("{type: \"AWS::SNS::Topic\"", "{type: \"SNS Topic\""),
        ("type: AWS::SNS::Topic\ntitle", "type: Topic\ntitle"),
        ("Raw: json", "TopicName.Raw: json"),
        ("scope: region", "scope: regions"),
    ] {
        all += &format!("{} → {}\n{}", replacement.0, replacement.1, lint(&[replacement]));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn mistakes_in_frameworks() {
    let mut all = String::new();
    for replacement in [
        ("group: data,", "group: date,"),
        ("title: {en: Data, ja: データ}", "title: {en: Data, ja: Data at rest.}"),
        (
            "assessment: automated}",
            "assessment: automated}\n  - {id: data.at_rest, group: data, \
          title: {en: Again, ja: 再び}, assessment: manual, level: 1}",
        ),
        ("assessment: automated", "assessment: manual, responsible: shared"),
        ("assessment: automated", "assessment: not_covered"),
        ("assessment: automated", "assessment: partial, themes: [encrypted]"),
        ("assessment: automated", "assessment: automated, controls: ['s3.*']"),
        ("assessment: automated", "assessment: automated, same_as: [x, y/1, checklist/2]"),
    ] {
        all += &format!("{} → {}\n{}", replacement.0, replacement.1, lint(&[replacement]));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn a_problem_is_shown_with_the_lines_around_it() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "controls/sns/topic_named.yaml",
        &CONTROL.replace("parameters.length_min", "parametrs.length_min"),
    );
    let problems = Content::from_folder(folder.path()).problems;
    let mut shown = String::new();
    let handler = miette::NarratableReportHandler::new();
    handler.render_report(&mut shown, &problems[0]).unwrap();
    insta::assert_snapshot!(shown);
}
