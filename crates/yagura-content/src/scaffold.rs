//! The first text of a new content file, for `yagura content new`.
//! The caller writes it to disk; what is left to fill in says TODO, which lint refuses.

/// A new file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scaffold {
    /// Relative to the content or site folder.
    pub path: String,
    /// What to write there.
    pub text: String,
}

/// An id from which no path can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an id (`service.wanted_condition`, in lower case with underscores)")]
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
    let fine = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase())
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    match id.split_once('.') {
        Some((service, name)) if fine(service) && fine(name) => Ok((service, name)),
        _ => Err(ScaffoldError(id.chars().take(100).collect())),
    }
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
