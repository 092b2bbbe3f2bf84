//! Who may do everything: identity policies that allow all actions on all resources.
//! Escalation, boundaries, denials and control policies are not seen here.

use iam_policy::{Effect, Statement};
use yagura_model::Resource;

use super::holders::Documents;
use crate::fact::{FactSource, Facts, Question};
use crate::read::{as_list, see, text};
use crate::surroundings::Surroundings;

const NAMES: &[&str] = &["full_administrator"];
const MANAGED: &str = "AWS::IAM::ManagedPolicy";
const GROUP: &str = "AWS::IAM::Group";
const IDENTITY: &[&str] = &["properties.Policies", "properties.ManagedPolicyArns"];

pub(crate) const ADMINISTRATORS: &[FactSource] = &[
    FactSource::new(MANAGED, NAMES, &["properties.PolicyDocument"], managed),
    FactSource::new(GROUP, NAMES, IDENTITY, identity)
        .beside(&[(MANAGED, &["properties.PolicyDocument"])]),
    FactSource::new("AWS::IAM::Role", NAMES, IDENTITY, identity)
        .beside(&[(MANAGED, &["properties.PolicyDocument"])]),
    FactSource::new(
        "AWS::IAM::User",
        NAMES,
        &["properties.Policies", "properties.ManagedPolicyArns", "properties.Groups"],
        identity,
    )
    .beside(&[(MANAGED, &["properties.PolicyDocument"]), (GROUP, IDENTITY)]),
    FactSource::new(
        "AWS::SSO::PermissionSet",
        NAMES,
        &["properties.InlinePolicy", "properties.ManagedPolicies"],
        permission_set,
    ),
];

fn managed(_: &FactSource, resource: &Resource, _: &dyn Surroundings, facts: &mut Facts) {
    let mut question = Question::default();
    own_document(resource, "", &mut question);
    question.state("full_administrator", facts);
}

fn permission_set(_: &FactSource, resource: &Resource, _: &dyn Surroundings, facts: &mut Facts) {
    let mut question = Question::default();
    let mut inline = Documents::default();
    inline.add_seen(see(resource, "properties.InlinePolicy"));
    by_documents(&inline, "inline policy", &mut question);
    let attached = see(resource, "properties.ManagedPolicies");
    question.unread.extend(attached.unread().cloned());
    for arn in as_list(attached.value()).iter().filter_map(|arn| arn.as_str()) {
        if is_administrator_access(arn) {
            question.via.push("AdministratorAccess".to_owned());
        }
    }
    question.state("full_administrator", facts);
}

fn identity(
    _: &FactSource,
    resource: &Resource,
    surroundings: &dyn Surroundings,
    facts: &mut Facts,
) {
    let mut question = Question::default();
    own_policies(resource, surroundings, "", &mut question);
    let groups = see(resource, "properties.Groups");
    question.unread.extend(groups.unread().cloned());
    for name in as_list(groups.value()).iter().filter_map(|name| name.as_str()) {
        let found = surroundings.find(&resource.account, GROUP, name);
        question.unread.extend(found.unread);
        for group in found.resources {
            own_policies(group, surroundings, &format!("group `{name}`, "), &mut question);
        }
    }
    question.state("full_administrator", facts);
}

/// Inline and attached policies of a user, group or role.
fn own_policies(
    resource: &Resource,
    surroundings: &dyn Surroundings,
    through: &str,
    question: &mut Question,
) {
    let inline = see(resource, "properties.Policies");
    question.unread.extend(inline.unread().cloned());
    for policy in as_list(inline.value()) {
        let mut documents = Documents::default();
        if let Some(document) = policy.get("PolicyDocument") {
            documents.add(document);
        }
        let name = text(policy, "PolicyName").unwrap_or_default();
        by_documents(&documents, &format!("{through}inline policy `{name}`"), question);
    }
    let attached = see(resource, "properties.ManagedPolicyArns");
    question.unread.extend(attached.unread().cloned());
    for arn in as_list(attached.value()).iter().filter_map(|arn| arn.as_str()) {
        if is_administrator_access(arn) {
            question.via.push(format!("{through}AdministratorAccess"));
        } else if !is_of_aws(arn) {
            let found = surroundings.find(&resource.account, MANAGED, arn);
            question.unread.extend(found.unread);
            for policy in found.resources {
                own_document(policy, &format!("{through}policy `{}`, ", policy.name), question);
            }
        }
    }
}

fn own_document(policy: &Resource, through: &str, question: &mut Question) {
    let mut documents = Documents::default();
    documents.add_seen(see(policy, "properties.PolicyDocument"));
    question.unread.extend(documents.unread.iter().cloned());
    question.via.extend(everything(&documents).map(|label| format!("{through}{label}")));
}

fn by_documents(documents: &Documents<'_>, through: &str, question: &mut Question) {
    question.unread.extend(documents.unread.iter().cloned());
    question.via.extend(everything(documents).map(|label| format!("{through}, {label}")));
}

/// The statements that allow everything.
fn everything(documents: &Documents<'_>) -> impl Iterator<Item = String> {
    let all = |statement: &Statement| {
        statement.effect == Effect::Allow
            && statement.covers_all_actions()
            && statement.covers_all_resources()
    };
    documents.labelled().filter(move |(_, statement)| all(statement)).map(|(label, _)| label)
}

/// AWS's own policy, in any partition.
fn is_administrator_access(arn: &str) -> bool {
    is_of_aws(arn) && arn.ends_with(":policy/AdministratorAccess")
}

/// Whether a policy is one that AWS manages: its account is `aws`.
fn is_of_aws(arn: &str) -> bool {
    arn.split(':').nth(4) == Some("aws")
}
