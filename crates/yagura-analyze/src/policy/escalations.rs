//! Permissions with which their holder can make itself an administrator, as far as the policies of
//! one identity tell. Paths over several principals, with their targets looked at, are in
//! `access::escalation`.

use iam_policy::{Context, Layers, Outcome, Policy, Principal, Request, evaluate};
use serde_json::{Value, json};
use yagura_model::{Resource, Unread};

use super::holders::Documents;
use crate::fact::{FactSource, Facts};
use crate::read::{as_list, see};
use crate::surroundings::Surroundings;

const NAMES: &[&str] = &["escalation_permissions"];
const MANAGED: &str = "AWS::IAM::ManagedPolicy";
const OF_AWS: &str = "Yagura::IAM::AwsManagedPolicy";
const OF_GROUP: &str = "AWS::IAM::Group";
const DOCUMENT: &[&str] = &["properties.PolicyDocument"];
const IDENTITY: &[&str] = &["properties.Policies", "properties.ManagedPolicyArns"];
const ATTACHED: &[(&str, &[&str])] = &[(MANAGED, DOCUMENT), (OF_AWS, DOCUMENT)];

/// `escalation_permissions`, by type.
pub(crate) const ESCALATIONS: &[FactSource] = &[
    FactSource::new(MANAGED, NAMES, DOCUMENT, escalations),
    FactSource::new("AWS::IAM::Group", NAMES, IDENTITY, escalations).beside(ATTACHED),
    FactSource::new("AWS::IAM::Role", NAMES, IDENTITY, escalations).beside(ATTACHED),
    FactSource::new(
        "AWS::IAM::User",
        NAMES,
        &["properties.Policies", "properties.ManagedPolicyArns", "properties.Groups"],
        escalations,
    )
    .beside(&[(MANAGED, DOCUMENT), (OF_AWS, DOCUMENT), (OF_GROUP, IDENTITY)]),
];

/// Actions on any resource of a kind that together are enough.
struct Escalation {
    name: &'static str,
    /// The service a role is handed to, for `iam:PassRole`.
    passed_to: &'static str,
    steps: &'static [(&'static str, &'static str)],
}

const fn alone(name: &'static str, steps: &'static [(&'static str, &'static str)]) -> Escalation {
    Escalation { name, passed_to: "", steps }
}

const fn passing(
    name: &'static str,
    passed_to: &'static str,
    steps: &'static [(&'static str, &'static str)],
) -> Escalation {
    Escalation { name, passed_to, steps }
}

const ROLE: &str = "iam::A:role/any-role";
const USER: &str = "iam::A:user/any-user";
const GROUP: &str = "iam::A:group/any-group";
const POLICY: &str = "iam::A:policy/any-policy";
const PASS: (&str, &str) = ("iam:PassRole", ROLE);

/// Rights over what already runs (its code, its sessions) are left out: what they give depends on
/// each workload's role, which `access::escalation` looks at.
///
/// What each gives is told by the AWS document of the action (Service Authorization Reference,
/// access level *permissions management*, seen 2026-11) and, for handing a role to a service, by
/// the IAM User Guide, "Grant a user permissions to pass a role to an AWS service".
const TABLE: &[Escalation] = &[
    alone("create_policy_version", &[("iam:CreatePolicyVersion", POLICY)]),
    alone("set_default_policy_version", &[("iam:SetDefaultPolicyVersion", POLICY)]),
    alone("attach_user_policy", &[("iam:AttachUserPolicy", USER)]),
    alone("attach_group_policy", &[("iam:AttachGroupPolicy", GROUP)]),
    alone("attach_role_policy", &[("iam:AttachRolePolicy", ROLE)]),
    alone("put_user_policy", &[("iam:PutUserPolicy", USER)]),
    alone("put_group_policy", &[("iam:PutGroupPolicy", GROUP)]),
    alone("put_role_policy", &[("iam:PutRolePolicy", ROLE)]),
    alone("add_user_to_group", &[("iam:AddUserToGroup", GROUP)]),
    alone("create_access_key", &[("iam:CreateAccessKey", USER)]),
    alone("create_login_profile", &[("iam:CreateLoginProfile", USER)]),
    alone("update_login_profile", &[("iam:UpdateLoginProfile", USER)]),
    alone("update_assume_role_policy", &[("iam:UpdateAssumeRolePolicy", ROLE)]),
    alone("assume_any_role", &[("sts:AssumeRole", ROLE)]),
    passing(
        "pass_role_to_instance",
        "ec2.amazonaws.com",
        &[PASS, ("ec2:RunInstances", "ec2:R:A:instance/i-any")],
    ),
    passing(
        "pass_role_to_function",
        "lambda.amazonaws.com",
        &[PASS, ("lambda:CreateFunction", "lambda:R:A:function:any")],
    ),
    passing(
        "pass_role_to_stack",
        "cloudformation.amazonaws.com",
        &[PASS, ("cloudformation:CreateStack", "cloudformation:R:A:stack/any/any")],
    ),
    passing(
        "pass_role_to_task",
        "ecs-tasks.amazonaws.com",
        &[
            PASS,
            ("ecs:RegisterTaskDefinition", "ecs:R:A:task-definition/any:1"),
            ("ecs:RunTask", "ecs:R:A:task-definition/any:1"),
        ],
    ),
    passing(
        "pass_role_to_build",
        "codebuild.amazonaws.com",
        &[
            PASS,
            ("codebuild:CreateProject", "codebuild:R:A:project/any"),
            ("codebuild:StartBuild", "codebuild:R:A:project/any"),
        ],
    ),
    passing(
        "pass_role_to_job",
        "glue.amazonaws.com",
        &[PASS, ("glue:CreateJob", "glue:R:A:job/any"), ("glue:StartJobRun", "glue:R:A:job/any")],
    ),
    passing(
        "pass_role_to_notebook",
        "sagemaker.amazonaws.com",
        &[
            PASS,
            ("sagemaker:CreateNotebookInstance", "sagemaker:R:A:notebook-instance/any"),
            ("sagemaker:CreatePresignedNotebookInstanceUrl", "sagemaker:R:A:notebook-instance/any"),
        ],
    ),
];

/// The policies of an identity, compiled.
#[derive(Default)]
struct Held {
    policies: Vec<Policy>,
    unread: Vec<Unread>,
}

impl Held {
    fn add(&mut self, mut documents: Documents<'_>) {
        self.unread.append(&mut documents.unread);
        self.policies.extend(documents.documents.into_iter().map(|document| document.policy));
    }
}

fn escalations(
    source: &FactSource,
    resource: &Resource,
    surroundings: &dyn Surroundings,
    facts: &mut Facts,
) {
    let mut held = Held::default();
    if source.type_name == MANAGED {
        let mut documents = Documents::default();
        documents.add_seen(see(resource, "properties.PolicyDocument"));
        held.add(documents);
    } else {
        of_identity(resource, surroundings, &mut held);
        let groups = see(resource, "properties.Groups");
        held.unread.extend(groups.unread().cloned());
        for name in as_list(groups.value()).iter().filter_map(Value::as_str) {
            let found = surroundings.find(&resource.account, OF_GROUP, name);
            held.unread.extend(found.unread);
            for group in found.resources {
                of_identity(group, surroundings, &mut held);
            }
        }
    }
    let policies: Vec<&Policy> = held.policies.iter().collect();
    let found: Vec<Value> = TABLE
        .iter()
        .filter(|escalation| {
            escalation.steps.iter().all(|step| may(resource, escalation, *step, &policies))
        })
        .map(|escalation| {
            let actions: Vec<&str> = escalation.steps.iter().map(|(action, _)| *action).collect();
            json!({"name": escalation.name, "actions": actions})
        })
        .collect();
    // A denial may stand in what was not read: what was found is then no more certain than what
    // was not.
    if held.unread.is_empty() {
        facts.set("escalation_permissions", Value::Array(found));
    } else {
        facts.unread(NAMES, false, &held.unread);
    }
}

fn of_identity(resource: &Resource, surroundings: &dyn Surroundings, held: &mut Held) {
    let inline = see(resource, "properties.Policies");
    held.unread.extend(inline.unread().cloned());
    for policy in as_list(inline.value()) {
        let mut documents = Documents::default();
        if let Some(document) = policy.get("PolicyDocument") {
            documents.add(document);
        }
        held.add(documents);
    }
    let attached = see(resource, "properties.ManagedPolicyArns");
    held.unread.extend(attached.unread().cloned());
    for arn in as_list(attached.value()).iter().filter_map(Value::as_str) {
        let type_name = if arn.split(':').nth(4) == Some("aws") { OF_AWS } else { MANAGED };
        let found = surroundings.find(&resource.account, type_name, arn);
        held.unread.extend(found.unread);
        for policy in found.resources {
            let mut documents = Documents::default();
            documents.add_seen(see(policy, "properties.PolicyDocument"));
            held.add(documents);
        }
    }
}

/// Whether the policies allow a step on any resource of its kind, with multi-factor authentication
/// and over TLS, and hang on no other condition.
fn may(
    resource: &Resource,
    escalation: &Escalation,
    (action, target): (&str, &str),
    policies: &[&Policy],
) -> bool {
    let arn = resource.arn.as_deref().unwrap_or_default();
    let partition = arn.split(':').nth(1).unwrap_or("aws");
    let target = target.replacen(":A:", &format!(":{}:", resource.account), 1);
    let target = format!("arn:{partition}:{}", target.replacen(":R:", ":us-east-1:", 1));
    let mut context = Context::unknown_elsewhere()
        .with_one("aws:MultiFactorAuthPresent", "true")
        .with_one("aws:SecureTransport", "true");
    if action == PASS.0 {
        context = context.with_one("iam:PassedToService", escalation.passed_to);
    }
    // The holder is somebody by no special name: what hangs on a name does not count.
    let holder = format!("arn:{partition}:iam::{}:role/holder", resource.account);
    let request = Request {
        principal: Principal::from_arn(&holder),
        action,
        resource: &target,
        // A role is assumed by its trust policy too; what the caller's side gives is asked here.
        resource_account: Some(&resource.account),
        context,
        overlap: false,
    };
    evaluate(&request, &Layers { identity: policies, ..Layers::default() }).outcome
        == Outcome::Allowed
}
