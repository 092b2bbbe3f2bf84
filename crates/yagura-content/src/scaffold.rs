//! The first text of a new content file, for `yagura content new`.
//! The caller writes it to disk; what is left to fill in says TODO, which lint refuses.

use crate::loader::Content;

/// A new file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scaffold {
    /// Relative to the content or site folder.
    pub path: String,
    /// What to write there.
    pub text: String,
}

/// A new log source: its file, a sample, and the rows that the sample gives.
///
/// # Errors
/// What is not one lower_snake word.
pub fn source(id: &str) -> Result<Vec<Scaffold>, ScaffoldError> {
    if !is_word(id) {
        return Err(ScaffoldError(id.chars().take(100).collect()));
    }
    let file = |name: &str, text: &str| Scaffold {
        path: format!("sources/{id}/{name}"),
        text: text.to_owned(),
    };
    Ok(vec![
        file("source.yaml", &SOURCE.replace("SOURCE", id)),
        file("samples/lines.jsonl", SAMPLE),
        file("samples/lines.jsonl.expected.jsonl", SAMPLE_ROWS),
    ])
}

/// A new saved query.
///
/// # Errors
/// What is not an id of two lower_snake parts.
pub fn query(id: &str) -> Result<Scaffold, ScaffoldError> {
    let (topic, name) = parts(id)?;
    Ok(Scaffold { path: format!("queries/{topic}/{name}.yaml"), text: QUERY.to_owned() })
}

/// A new detection and its cases. A source that public rules are not mapped to gets its mapping
/// and its base record too. `uuid` is a random one of the caller's.
///
/// # Errors
/// What is not an id of two lower_snake parts.
pub fn detection(content: &Content, id: &str, uuid: &str) -> Result<Vec<Scaffold>, ScaffoldError> {
    let (source, name) = parts(id)?;
    let file = |path: String, text: String| Scaffold { path, text };
    let mapping = content.sigma_mappings.get(source);
    let is_trail = source == "cloudtrail";
    let log_source = mapping
        .and_then(|mapping| mapping.pipelines().first()?.log_sources.first()?.log_source.clone())
        .map_or_else(|| format!("product: aws, service: {source}"), |known| known.to_string());
    let (seen, event) = if is_trail { TRAIL_CALL } else { OTHER_EVENT };
    let text = DETECTION
        .replace("UUID", uuid)
        .replace("LOGSOURCE", &log_source)
        .replace("SELECTION", seen)
        .replace("CONDITION", if is_trail { "selection and success" } else { "selection" });
    let harmless = if is_trail { TRAIL_QUIET } else { OTHER_QUIET };
    let cases = DETECTION_CASES.replace("EVENT", event).replace("QUIET", harmless);
    let folder = format!("detections/{source}/{name}");
    let mut files =
        vec![file(format!("{folder}.yaml"), text), file(format!("{folder}.cases.yaml"), cases)];
    if mapping.is_none() {
        let text = MAPPING.replace("SOURCE", source);
        files.push(file(format!("sources/{source}/sigma.yaml"), text));
    }
    if !content.case_records.contains_key(source) {
        files.push(file(format!("sources/{source}/case.yaml"), CASE_RECORD.to_owned()));
    }
    Ok(files)
}

/// An id from which no path can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an id (`service.wanted_condition`, of a source one word, in lower case with \
     underscores)"
)]
pub struct ScaffoldError(String);

/// A new control.
///
/// # Errors
/// What is not an id of two lower_snake parts.
pub fn control(id: &str, type_name: &str) -> Result<Scaffold, ScaffoldError> {
    let (service, name) = parts(id)?;
    Ok(Scaffold {
        path: format!("controls/{service}/{name}.yaml"),
        text: CONTROL.replace("AWS::Service::Type", type_name),
    })
}

/// A new resource type.
///
/// # Errors
/// What is not an id of two lower_snake parts.
pub fn resource(id: &str, type_name: &str) -> Result<Scaffold, ScaffoldError> {
    let (service, name) = parts(id)?;
    Ok(Scaffold {
        path: format!("resources/{service}/{name}.yaml"),
        text: RESOURCE.replace("AWS::Service::Type", type_name).replace("SERVICE", service),
    })
}

fn parts(id: &str) -> Result<(&str, &str), ScaffoldError> {
    match id.split_once('.') {
        Some((service, name)) if is_word(service) && is_word(name) => Ok((service, name)),
        _ => Err(ScaffoldError(id.chars().take(100).collect())),
    }
}

fn is_word(part: &str) -> bool {
    part.starts_with(|c: char| c.is_ascii_lowercase())
        && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

const CONTROL: &str = r#"type: AWS::Service::Type
severity: medium
guidance: strongly_recommended
responsible: customer
title:
  en: TODO the wanted condition as a sentence
  ja: TODO 望ましい状態を一文で
why:
  en: >-
    TODO two to four sentences: what an attacker or an accident does when it is not so.
  ja: >-
    TODO 満たされていないと攻撃者や事故によって何が起きるかを、二〜四文で。
require: resource.properties.Example == true
fix:
  console:
    en: [TODO one step]
    ja: [TODO 手順をひとつ]
  cli: |
    aws TODO
  terraform: |
    # TODO
maps:
  checklist: []
cases:
  - {name: as it should be, expect: pass, resource: {properties: {Example: true}}}
  - {name: as it should not be, expect: fail, resource: {properties: {Example: false}}}
  - {name: denied, expect: unknown, resource: {unread: [properties.Example]}}
"#;

const RESOURCE: &str = r#"type: AWS::Service::Type
title: {en: TODO, ja: TODO 名前}
scope: region
list:
  - call: SERVICE:ListThings
    each: output.Things
    properties:
      Example: item.Example
    tags: item.Tags
identity:
  id: item.Id
  name: item.Name
  arn: item.Arn
details:
  - call: SERVICE:DescribeThing
    input: {Id: "${id}"}
    absent: [ThingNotFoundException]
    properties:
      Detail: output.Detail
cases:
  - name: TODO what it shows
    answers:
      SERVICE:ListThings: {Things: [{Id: a, Example: true}]}
      SERVICE:DescribeThing: {Detail: x}
    expect: [{id: a, properties: {Example: true, Detail: x}, unread: []}]
"#;

const SOURCE: &str = r#"title: {en: TODO, ja: TODO 名前}
about:
  en: >-
    TODO what a record tells, and what it does not.
  ja: >-
    TODO 記録が何を示し、何を示さないか。
document: https://example.com/TODO
keys:
  - SOURCE/{year}/{month}/{day}/**
content:
  - members: [at, what]
rank: 30
formats: [json]
columns:
  order_id: {from: order.id, lookup: true}
  amount: {from: order.amount, type: integer}
shared:
  time: {from: at, format: any}
  account: "@account"
  actor: who
  address: from
  action: what
  resource: order.id
  outcome: {from: error, present: failure, absent: success}
retention_days: 90
samples:
  - {file: lines.jsonl, key: SOURCE/2026/11/21/part-1.jsonl}
"#;

const SAMPLE: &str = concat!(
    r#"{"at":"2026-11-21T05:12:01Z","who":"mika","from":"203.0.113.24","what":"order","#,
    r#""order":{"id":"o-1","amount":1200}}"#,
    "\n"
);

const SAMPLE_ROWS: &str = concat!(
    r#"{"time":"2026-11-21T05:12:01Z","actor":"mika","address":"203.0.113.24","#,
    r#""action":"order","resource":"o-1","outcome":"success","order_id":"o-1","amount":1200}"#,
    "\n"
);

const QUERY: &str = r#"title: {en: TODO, ja: TODO 名前}
question: {en: TODO the question?, ja: TODO 問い。}
reading:
  en: >-
    TODO how to read the answer, and what it does not tell.
  ja: >-
    TODO 答えの読み方と、分からないこと。
sources: [cloudtrail]
parameters:
  since: {type: time, default: "-7d", title: {en: From when on, ja: いつから}}
  until: {type: time, default: "now", title: {en: Until when, ja: いつまで}}
columns:
  actor: {en: Who, ja: 実行者}
  calls: {en: How many calls, ja: 呼び出し回数}
sql: |
  SELECT actor, count(*) AS calls
  FROM cloudtrail
  WHERE time >= $since AND time < $until
  GROUP BY actor
  ORDER BY calls DESC
  LIMIT 100
"#;

const DETECTION: &str = r#"title: TODO what happened, as a sentence
id: UUID
status: experimental
description: >-
  TODO what it means and why it matters, in one to three sentences.
references: []
author: TODO
date: 2026-01-01
tags: [attack.discovery]
logsource: {LOGSOURCE}
detection:
SELECTION  condition: CONDITION
falsepositives:
  - TODO when it is harmless.
level: medium
yagura:
  ja:
    title: TODO 起きたことを一文で
    description: >-
      TODO 何を意味し、なぜ重要かを一〜三文で。
    falsepositives:
      - TODO 無害な場合。
  respond:
    en: [TODO what to do first]
    ja: [TODO 最初にすること]
  entity: actor
"#;

/// The selection and the event that it matches.
const TRAIL_CALL: (&str, &str) = (
    "  selection: {eventSource: ec2.amazonaws.com, eventName: [ExampleCall]}\n  \
     success: {errorCode: null}\n",
    "{eventSource: ec2.amazonaws.com, eventName: ExampleCall}",
);
const OTHER_EVENT: (&str, &str) = ("  selection: {example: wanted}\n", "{example: wanted}");

const TRAIL_QUIET: &str = "- name: the call was refused
  expect: quiet
  event:
    {eventSource: ec2.amazonaws.com, eventName: ExampleCall, errorCode: AccessDenied}
- name: a call of the same name of another service
  expect: quiet
  event: {eventSource: ecs.amazonaws.com, eventName: ExampleCall}
";
const OTHER_QUIET: &str = "- name: another value
  expect: quiet
  event: {example: other}
- name: no value
  expect: quiet
  event: {example: null}
";

const DETECTION_CASES: &str = "- name: it happens
  expect: match
  event: EVENT
QUIET";

const MAPPING: &str = "source: SOURCE
logsources:
  - {product: aws, service: SOURCE}
";

const CASE_RECORD: &str = "time: '2026-11-21T05:00:00Z'
";
