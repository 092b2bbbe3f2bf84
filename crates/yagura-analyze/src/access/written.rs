//! The policies of an inventory as they are written, one by one, for review.
//! What they add up to is in `question`; what is wrong with one is `iam-policy`'s to say.

use iam_policy::PolicyKind;
use serde_json::Value;
use yagura_model::Resource;

use super::{guarded, is_service_linked};
use crate::policy::resource_policy;
use crate::read::{as_list, see, text};

/// A policy as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenPolicy {
    /// The resource it belongs to, by key.
    pub of: String,
    /// What people know it by.
    pub name: String,
    /// What kind it is.
    pub kind: PolicyKind,
    /// The document.
    pub text: String,
}

/// The policies of resources that were read: inline and managed ones, trust policies, those of
/// resources and of the organization. Policies that AWS wrote are not among them.
pub fn written_policies(resources: &[Resource]) -> Vec<WrittenPolicy> {
    let mut found = Vec::new();
    for resource in resources {
        let mut add = |name: &str, kind: PolicyKind, document: &Value| {
            let text = match document {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let (of, name) = (resource.key.clone(), name.to_owned());
            found.push(WrittenPolicy { of, name, kind, text });
        };
        match resource.type_name.as_str() {
            "AWS::IAM::ManagedPolicy" => {
                if let Some(document) = see(resource, "properties.PolicyDocument").value() {
                    add(&resource.name, PolicyKind::Identity, document);
                }
            }
            "AWS::Organizations::Policy" => {
                let kind = match see(resource, "properties.Type").value().and_then(Value::as_str) {
                    Some("SERVICE_CONTROL_POLICY") => PolicyKind::ServiceControl,
                    Some("RESOURCE_CONTROL_POLICY") => PolicyKind::ResourceControl,
                    _ => continue,
                };
                if let Some(content) = see(resource, "properties.Content").value() {
                    add(&resource.name, kind, content);
                }
            }
            "AWS::IAM::User" | "AWS::IAM::Group" | "AWS::IAM::Role" => {
                for policy in as_list(see(resource, "properties.Policies").value()) {
                    let name = text(policy, "PolicyName").unwrap_or_default();
                    if let Some(document) = policy.get("PolicyDocument") {
                        add(name, PolicyKind::Identity, document);
                    }
                }
                let trust = see(resource, "properties.AssumeRolePolicyDocument");
                // Roles of services are AWS's own.
                if let Some(trust) = trust.value()
                    && !is_service_linked(&resource.key)
                {
                    add("AssumeRolePolicyDocument", PolicyKind::Trust, trust);
                }
            }
            other if guarded::is_guarded(other) => {
                for document in resource_policy(resource).documents {
                    let document = Value::String(document.text.into_owned());
                    add(&resource.name, PolicyKind::Resource, &document);
                }
            }
            _ => {}
        }
    }
    found
}
