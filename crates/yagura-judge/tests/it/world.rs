//! Content written for one test, resources, and the verdicts they get.
//! What a test claims is in the other files.

use jiff::Timestamp;
use serde_json::{Value, json};
use yagura_content::Content;
use yagura_judge::{Judge, JudgeOptions, Snapshot};
use yagura_model::{
    Coverage, CoverageState, Resource, Unread, UnreadReason, Verdict, resource_key,
};

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const REGION: &str = "us-east-1";

pub(crate) fn now() -> Timestamp {
    "2026-11-21T00:00:00Z".parse().unwrap()
}

/// Content from files, by path. Every file must load.
pub(crate) fn content(files: &[(&str, String)]) -> Content {
    let content = content_with_problems(files);
    assert!(content.problems.is_empty(), "{:?}", content.problems);
    content
}

pub(crate) fn content_with_problems(files: &[(&str, String)]) -> Content {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    Content::from_folder(folder.path())
}

/// A control file that says only what the test is about (`rest` is YAML).
pub(crate) fn control(type_name: &str, rest: &str) -> String {
    let cases = if rest.contains("\ncases:") { "" } else { "cases: []\n" };
    let severity = if rest.contains("severity:") { "" } else { "severity: high\n" };
    format!(
        "type: {type_name}\n{severity}guidance: mandatory\nresponsible: customer\n\
         title: {{en: It is so, ja: そうである}}\nwhy: {{en: Because., ja: だから。}}\n\
         fix:\n  console: {{en: [Do it], ja: [行う]}}\n  cli: aws do it\n  \
         cloudformation: 'A: b'\n{rest}\n{cases}"
    )
}

/// A resource with the given members.
pub(crate) fn resource(type_name: &str, id: &str, members: Value) -> Resource {
    let mut whole = json!({
        "key": "", "id": id, "type": type_name, "account": ACCOUNT, "region": REGION, "name": id,
    });
    if let (Value::Object(whole), Value::Object(members)) = (&mut whole, members) {
        whole.extend(members);
    }
    let mut resource: Resource = serde_json::from_value(whole).unwrap();
    resource.key = resource_key(
        resource.arn.as_deref(),
        &resource.account,
        &resource.region,
        type_name,
        &resource.id,
    );
    resource
}

pub(crate) fn unread(path: &str, reason: UnreadReason) -> Unread {
    Unread {
        path: path.parse().unwrap(),
        partial: false,
        reason,
        call: "s:Op".to_owned(),
        action: "s:Act".to_owned(),
        detail: String::new(),
    }
}

pub(crate) fn coverage(type_name: &str, region: &str, state: CoverageState) -> Coverage {
    Coverage {
        account: ACCOUNT.to_owned(),
        region: region.to_owned(),
        type_name: type_name.to_owned(),
        state,
        count: 0,
    }
}

/// A snapshot of resources, with the listings that were made.
pub(crate) fn snapshot(
    judge: &Judge<'_>,
    resources: &[Resource],
    coverage: &[Coverage],
) -> Snapshot {
    let mut snapshot = Snapshot::new(judge.needs());
    resources.iter().for_each(|resource| snapshot.add(resource.clone()));
    coverage.iter().for_each(|coverage| snapshot.cover(coverage));
    snapshot
}

/// Judges one resource with all controls of some content, nothing around it.
pub(crate) fn judge_alone(content: &Content, resource: &Resource) -> Vec<Verdict> {
    let judge = Judge::new(content, JudgeOptions::at(now()));
    let snapshot = Snapshot::new(judge.needs());
    let mut verdicts = Vec::new();
    judge.judge(resource, &snapshot, &mut verdicts);
    verdicts
}
