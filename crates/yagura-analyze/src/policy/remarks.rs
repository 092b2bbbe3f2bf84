//! What a review has to say about the policies that an identity owns: remarks by code.
//! Which remarks there are is in `iam-policy`; policies that are only attached are reviewed where
//! they are owned.

use iam_policy::{PolicyKind, RemarkWeight, review};
use serde_json::{Value, json};
use yagura_model::Resource;

use super::holders::Documents;
use crate::fact::{FactSource, Facts};
use crate::read::{as_list, see, text};
use crate::surroundings::Surroundings;

const NAMES: &[&str] = &["policy_remarks"];

/// `policy_remarks`, by type.
pub(crate) const REMARKS: &[FactSource] = &[
    FactSource::new("AWS::IAM::ManagedPolicy", NAMES, &["properties.PolicyDocument"], remarks),
    FactSource::new("AWS::IAM::Group", NAMES, &["properties.Policies"], remarks),
    FactSource::new("AWS::IAM::Role", NAMES, &["properties.Policies"], remarks),
    FactSource::new("AWS::IAM::User", NAMES, &["properties.Policies"], remarks),
    FactSource::new("AWS::SSO::PermissionSet", NAMES, &["properties.InlinePolicy"], remarks),
];

fn remarks(source: &FactSource, resource: &Resource, _: &dyn Surroundings, facts: &mut Facts) {
    let mut found = Vec::new();
    let mut unread = Vec::new();
    for path in source.reads {
        let seen = see(resource, path);
        unread.extend(seen.unread().cloned());
        if path.ends_with(".Policies") {
            for policy in as_list(seen.value()) {
                let mut documents = Documents::default();
                if let Some(document) = policy.get("PolicyDocument") {
                    documents.add(document);
                }
                unread.append(&mut documents.unread);
                let name = text(policy, "PolicyName").unwrap_or_default();
                add(&documents, name, &mut found);
            }
        } else if let Some(document) = seen.value() {
            let mut documents = Documents::default();
            documents.add(document);
            unread.append(&mut documents.unread);
            add(&documents, &resource.name, &mut found);
        }
    }
    facts.set("policy_remarks", Value::Array(found));
    facts.unread(NAMES, true, &unread);
}

fn add(documents: &Documents<'_>, name: &str, found: &mut Vec<Value>) {
    for document in &documents.documents {
        for remark in review(&document.text, PolicyKind::Identity, None) {
            found.push(json!({
                "code": remark.kind.code(),
                "weight": match remark.kind.weight() {
                    RemarkWeight::Error => "error",
                    RemarkWeight::Security => "security",
                    RemarkWeight::Warning => "warning",
                    RemarkWeight::Suggestion => "suggestion",
                },
                "about": remark.about,
                "policy": name,
                "statement": remark.statement.map(|at| at + 1),
            }));
        }
    }
}
