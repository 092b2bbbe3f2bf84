//! Which preventive guardrails the service control policies of an organization hold up, account by
//! account. The guardrails are AWS Control Tower's; whether one is wanted is a control's business.

use std::collections::HashMap;

use iam_policy::{
    Context, ContextValue, Layers, Level, Outcome, Policy, Principal, Request, evaluate,
};
use serde_json::{Map, Value, json};
use yagura_model::{Resource, Unread, UnreadReason};

use super::zone::{MEMBER, ORGANIZATION};
use crate::fact::{FactSource, Facts};
use crate::read::{as_list, see};
use crate::surroundings::Surroundings;

const UNIT: &str = "AWS::Organizations::OrganizationalUnit";
const ROOT: &str = "Yagura::Organizations::Root";
const POLICY: &str = "AWS::Organizations::Policy";

/// `guardrails`.
pub(crate) const GUARDRAILS: &[FactSource] =
    &[FactSource::new(ORGANIZATION, &["guardrails"], &["runtime.ManagementAccountId"], guardrails)
        .beside(&[
            (MEMBER, &["properties.ParentIds", "runtime.State", "runtime.Status"]),
            (UNIT, &["properties.ParentId"]),
            (ROOT, &["runtime.EnabledPolicyTypes"]),
            (POLICY, &["properties.Type", "properties.Content", "properties.TargetIds"]),
        ])];

/// More levels than AWS allows (root, five units, account) means a circle in what was read.
const LEVELS_MAX: usize = 16;

/// Who tries it.
#[derive(Clone, Copy)]
enum Caller {
    /// A role of the account with all permissions, that nothing singles out.
    Administrator,
    Root,
}

/// What nobody of an account may do where the guardrail holds.
struct Guardrail {
    name: &'static str,
    caller: Caller,
    /// Each of them must be denied.
    actions: &'static [&'static str],
    /// A resource that the guardrail is about; `{account}` is the account's number.
    resource: &'static str,
    /// Condition keys of the request. Others are not known, so that a denial that hangs on one of
    /// them does not count.
    context: &'static [(&'static str, &'static [&'static str])],
}

const fn guardrail(
    name: &'static str,
    actions: &'static [&'static str],
    resource: &'static str,
) -> Guardrail {
    Guardrail { name, caller: Caller::Administrator, actions, resource, context: &[] }
}

const LOG_BUCKET: &str = "arn:aws:s3:::aws-controltower-logs-{account}-us-east-1";
const BUCKET: &str = "arn:aws:s3:::example-bucket";
const OBJECTS: &str = "arn:aws:s3:::example-bucket/example";
const ANY: &str = "*";

/// The guardrails with what their policies deny (AWS Control Tower User Guide, "Mandatory
/// controls", "Strongly recommended controls", "Elective controls" and "Controls that enhance data
/// residency protection", seen 2026-11). The region guardrail is in [`region_denied`].
const TABLE: &[Guardrail] = &[
    guardrail("log_archive_encryption_changes", &["s3:PutEncryptionConfiguration"], LOG_BUCKET),
    guardrail("log_archive_logging_changes", &["s3:PutBucketLogging"], LOG_BUCKET),
    guardrail(
        "log_archive_policy_changes",
        &["s3:PutBucketPolicy", "s3:DeleteBucketPolicy"],
        LOG_BUCKET,
    ),
    guardrail("log_archive_lifecycle_changes", &["s3:PutLifecycleConfiguration"], LOG_BUCKET),
    guardrail("log_archive_deletion", &["s3:DeleteBucket"], LOG_BUCKET),
    guardrail(
        "control_tower_log_group_changes",
        &["logs:DeleteLogGroup", "logs:PutRetentionPolicy"],
        "arn:aws:logs:us-east-1:{account}:log-group:aws-controltower/CloudTrailLogs:*",
    ),
    guardrail(
        "config_aggregation_deletion",
        &["config:DeleteAggregationAuthorization"],
        "arn:aws:config:us-east-1:{account}:aggregation-authorization/111122223333/us-east-1",
    ),
    guardrail(
        "trail_changes",
        &[
            "cloudtrail:DeleteTrail",
            "cloudtrail:PutEventSelectors",
            "cloudtrail:StopLogging",
            "cloudtrail:UpdateTrail",
        ],
        "arn:aws:cloudtrail:us-east-1:{account}:trail/aws-controltower-BaselineCloudTrail",
    ),
    guardrail(
        "control_tower_event_rule_changes",
        &[
            "events:PutRule",
            "events:PutTargets",
            "events:RemoveTargets",
            "events:DisableRule",
            "events:DeleteRule",
        ],
        "arn:aws:events:us-east-1:{account}:rule/aws-controltower-ConfigComplianceChangeEventRule",
    ),
    Guardrail {
        context: &[("aws:TagKeys", &["aws-control-tower"])],
        ..guardrail(
            "control_tower_config_tag_changes",
            &["config:TagResource", "config:UntagResource"],
            ANY,
        )
    },
    guardrail(
        "config_recorder_changes",
        &[
            "config:DeleteConfigurationRecorder",
            "config:DeleteDeliveryChannel",
            "config:DeleteRetentionConfiguration",
            "config:PutConfigurationRecorder",
            "config:PutDeliveryChannel",
            "config:PutRetentionConfiguration",
            "config:StopConfigurationRecorder",
        ],
        ANY,
    ),
    Guardrail {
        context: &[("aws:ResourceTag/aws-control-tower", &["managed-by-control-tower"])],
        ..guardrail(
            "control_tower_config_rule_changes",
            &[
                "config:PutConfigRule",
                "config:DeleteConfigRule",
                "config:DeleteEvaluationResults",
                "config:DeleteConfigurationAggregator",
                "config:PutConfigurationAggregator",
            ],
            ANY,
        )
    },
    guardrail(
        "control_tower_role_changes",
        &[
            "iam:AttachRolePolicy",
            "iam:DeleteRole",
            "iam:DeleteRolePermissionsBoundary",
            "iam:DeleteRolePolicy",
            "iam:DetachRolePolicy",
            "iam:PutRolePermissionsBoundary",
            "iam:PutRolePolicy",
            "iam:UpdateAssumeRolePolicy",
            "iam:UpdateRole",
            "iam:UpdateRoleDescription",
        ],
        "arn:aws:iam::{account}:role/aws-controltower-ConfigRecorderRole",
    ),
    guardrail(
        "control_tower_function_changes",
        &[
            "lambda:AddPermission",
            "lambda:DeleteFunction",
            "lambda:DeleteFunctionConcurrency",
            "lambda:PutFunctionConcurrency",
            "lambda:RemovePermission",
            "lambda:UpdateFunctionCode",
            "lambda:UpdateFunctionConfiguration",
        ],
        "arn:aws:lambda:us-east-1:{account}:function:aws-controltower-NotificationForwarder",
    ),
    guardrail(
        "control_tower_topic_changes",
        &[
            "sns:AddPermission",
            "sns:CreateTopic",
            "sns:DeleteTopic",
            "sns:RemovePermission",
            "sns:SetTopicAttributes",
        ],
        "arn:aws:sns:us-east-1:{account}:aws-controltower-SecurityNotifications",
    ),
    guardrail(
        "control_tower_subscription_changes",
        &["sns:Subscribe", "sns:Unsubscribe"],
        "arn:aws:sns:us-east-1:{account}:aws-controltower-SecurityNotifications",
    ),
    Guardrail {
        caller: Caller::Root,
        ..guardrail("root_access_key_creation", &["iam:CreateAccessKey"], ANY)
    },
    // The guardrail denies everything; these stand for it, each in a service of its own.
    Guardrail {
        caller: Caller::Root,
        ..guardrail(
            "root_actions",
            &["ec2:RunInstances", "iam:CreateUser", "s3:CreateBucket", "dynamodb:CreateTable"],
            ANY,
        )
    },
    guardrail("bucket_encryption_changes", &["s3:PutEncryptionConfiguration"], BUCKET),
    guardrail("bucket_logging_changes", &["s3:PutBucketLogging"], BUCKET),
    guardrail("bucket_policy_changes", &["s3:PutBucketPolicy"], BUCKET),
    guardrail("bucket_lifecycle_changes", &["s3:PutLifecycleConfiguration"], BUCKET),
    guardrail("bucket_replication_changes", &["s3:PutReplicationConfiguration"], BUCKET),
    Guardrail {
        context: &[("aws:MultiFactorAuthPresent", &["false"])],
        ..guardrail("object_deletion_without_mfa", &["s3:DeleteObject", "s3:DeleteBucket"], OBJECTS)
    },
    guardrail(
        "cloudformation_registry_changes",
        &[
            "cloudformation:RegisterType",
            "cloudformation:DeregisterType",
            "cloudformation:SetTypeConfiguration",
            "cloudformation:SetTypeDefaultVersion",
            "cloudformation:PublishType",
        ],
        ANY,
    ),
    guardrail(
        "internet_gateways",
        &[
            "ec2:CreateInternetGateway",
            "ec2:AttachInternetGateway",
            "ec2:CreateEgressOnlyInternetGateway",
            "ec2:CreateDefaultVpc",
            "ec2:CreateDefaultSubnet",
            "ec2:CreateCarrierGateway",
        ],
        ANY,
    ),
    guardrail(
        "vpn_connections",
        &[
            "ec2:CreateVpnGateway",
            "ec2:AttachVpnGateway",
            "ec2:CreateCustomerGateway",
            "ec2:CreateVpnConnection",
            "ec2:ModifyVpnConnection",
            "ec2:CreateClientVpnEndpoint",
            "ec2:ModifyClientVpnEndpoint",
            "ec2:AssociateClientVpnTargetNetwork",
            "ec2:AuthorizeClientVpnIngress",
        ],
        ANY,
    ),
    guardrail(
        "cross_region_networking",
        &[
            "ec2:CreateVpcPeeringConnection",
            "ec2:AcceptVpcPeeringConnection",
            "ec2:CreateTransitGatewayPeeringAttachment",
            "ec2:AcceptTransitGatewayPeeringAttachment",
            "cloudfront:CreateDistribution",
            "cloudfront:UpdateDistribution",
            "globalaccelerator:CreateAccelerator",
            "globalaccelerator:UpdateAccelerator",
        ],
        ANY,
    ),
];

/// Regions that stand for the many: where work in one of them is denied, regions are chosen.
const REGIONS: &[&str] = &[
    "us-east-1",
    "us-west-1",
    "us-west-2",
    "ap-northeast-1",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-3",
    "sa-east-1",
];

/// What stands above the accounts of an organization.
struct Tree<'r> {
    parents: HashMap<&'r str, &'r str>,
    attached: HashMap<&'r str, Vec<Policy>>,
    enabled: bool,
    /// What was not read and might deny more.
    unread: Vec<Unread>,
}

fn guardrails(
    _: &FactSource,
    resource: &Resource,
    surroundings: &dyn Surroundings,
    facts: &mut Facts,
) {
    let mut tree = tree(resource, surroundings);
    let manager = see(resource, "runtime.ManagementAccountId");
    tree.unread.extend(manager.unread().cloned());
    let manager = manager.value().and_then(Value::as_str).unwrap_or(&resource.account);
    let members = surroundings.in_organization(MEMBER);
    // Where an account may not have been listed, nobody knows that all are held.
    let all_listed = members.unread.is_empty();
    tree.unread.extend(members.unread);
    let accounts: Vec<&Resource> = members
        .resources
        .into_iter()
        .filter(|member| member.account == resource.account && member.id != manager)
        .filter(|member| is_active(member))
        .collect();
    for member in &accounts {
        tree.place(member, "properties.ParentIds");
        for path in ["runtime.State", "runtime.Status"] {
            tree.unread.extend(see(member, path).unread().cloned());
        }
    }
    let mut open: Vec<Vec<&str>> = vec![Vec::new(); TABLE.len() + 1];
    for member in &accounts {
        let chain = tree.chain(&member.id);
        for (guardrail, open) in TABLE.iter().zip(&mut open) {
            if !tree.holds(guardrail, &member.id, &chain) {
                open.push(&member.id);
            }
        }
        if let Some(open) = open.last_mut().filter(|_| !region_denied(&tree, &member.id, &chain)) {
            open.push(&member.id);
        }
    }
    let names = TABLE.iter().map(|one| one.name).chain(["regions"]);
    let all_listed = all_listed && !accounts.is_empty();
    state(facts, names.zip(open), all_listed, &tree.unread);
}

/// States each guardrail as `{open}`. What was not read might close what looks open, so that a
/// list is then empty and read in part; where every account is surely held nothing can open it.
fn state<'a>(
    facts: &mut Facts,
    guardrails: impl Iterator<Item = (&'static str, Vec<&'a str>)>,
    all_listed: bool,
    unread: &[Unread],
) {
    let mut members = Map::new();
    for (name, open) in guardrails {
        let certain = unread.is_empty() || (open.is_empty() && all_listed);
        let list = if certain { json!(open) } else { json!([]) };
        members.insert(name.to_owned(), json!({"open": list}));
        if !certain {
            facts.unread(&["guardrails", name, "open"], true, unread);
        }
    }
    facts.set("guardrails", Value::Object(members));
}

fn is_active(member: &Resource) -> bool {
    let says = |path: &str| see(member, path).value().and_then(Value::as_str);
    says("runtime.State").or(says("runtime.Status")).is_none_or(|state| state == "ACTIVE")
}

fn tree<'s>(organization: &Resource, surroundings: &'s dyn Surroundings) -> Tree<'s> {
    let own = |resource: &&Resource| resource.account == organization.account;
    let mut tree = Tree {
        parents: HashMap::new(),
        attached: HashMap::new(),
        enabled: false,
        unread: Vec::new(),
    };
    let roots = surroundings.in_organization(ROOT);
    tree.unread.extend(roots.unread);
    for root in roots.resources.into_iter().filter(own) {
        let enabled = see(root, "runtime.EnabledPolicyTypes");
        tree.unread.extend(enabled.unread().cloned());
        let kinds = as_list(enabled.value());
        tree.enabled |= kinds.iter().any(|kind| kind == "SERVICE_CONTROL_POLICY");
    }
    let units = surroundings.in_organization(UNIT);
    tree.unread.extend(units.unread);
    for unit in units.resources.into_iter().filter(own) {
        tree.place(unit, "properties.ParentId");
    }
    let policies = surroundings.in_organization(POLICY);
    tree.unread.extend(policies.unread);
    for policy in policies.resources.into_iter().filter(own) {
        tree.attach(policy);
    }
    tree
}

impl<'r> Tree<'r> {
    fn place(&mut self, node: &'r Resource, path: &str) {
        let seen = see(node, path);
        self.unread.extend(seen.unread().cloned());
        let parent = seen.value().map(|value| value.as_array().map_or(Some(value), |l| l.first()));
        if let Some(parent) = parent.flatten().and_then(Value::as_str) {
            self.parents.insert(&node.id, parent);
        }
    }

    fn attach(&mut self, policy: &'r Resource) {
        let kind = see(policy, "properties.Type");
        self.unread.extend(kind.unread().cloned());
        if kind.value().and_then(Value::as_str) != Some("SERVICE_CONTROL_POLICY") {
            return;
        }
        let targets = see(policy, "properties.TargetIds");
        let content = see(policy, "properties.Content");
        self.unread.extend(targets.unread().or(content.unread()).cloned());
        let text = match content.value() {
            Some(Value::String(text)) => text.clone(),
            Some(document) => document.to_string(),
            None => return,
        };
        let parsed = match Policy::parse(&text) {
            Ok(parsed) => parsed,
            Err(error) => {
                let path = yagura_model::Path::of_keys(["properties", "Content"]);
                let detail = error.to_string();
                self.unread.push(Unread { detail, ..Unread::of(path, UnreadReason::Failed) });
                return;
            }
        };
        for target in as_list(targets.value()).iter().filter_map(Value::as_str) {
            self.attached.entry(target).or_default().push(parsed.clone());
        }
    }

    /// The account and what it is below, up to the root.
    fn chain<'a>(&self, account: &'a str) -> Vec<&'a str>
    where
        'r: 'a,
    {
        let mut chain = vec![account];
        while let Some(parent) = chain.last().and_then(|at| self.parents.get(*at)) {
            if chain.len() >= LEVELS_MAX {
                break;
            }
            chain.push(parent);
        }
        chain
    }

    fn holds(&self, guardrail: &Guardrail, account: &str, chain: &[&str]) -> bool {
        let caller = match guardrail.caller {
            Caller::Administrator => format!("arn:aws:iam::{account}:role/example-administrator"),
            Caller::Root => format!("arn:aws:iam::{account}:root"),
        };
        let resource = guardrail.resource.replace("{account}", account);
        let mut context = Context::unknown_elsewhere();
        for (key, values) in guardrail.context {
            let value = match *values {
                [one] if *key != "aws:TagKeys" => ContextValue::One((*one).to_owned()),
                many => ContextValue::Many(many.iter().map(|&value| value.to_owned()).collect()),
            };
            context.set(key, value);
        }
        let denied = |action: &&str| self.denied(&caller, action, &resource, &context, chain);
        guardrail.actions.iter().all(denied)
    }

    /// Whether the policies of the chain surely deny it, whatever the caller's own policies say.
    fn denied(
        &self,
        caller: &str,
        action: &str,
        resource: &str,
        context: &Context,
        chain: &[&str],
    ) -> bool {
        if !self.enabled {
            return false;
        }
        let Some(everything) = crate::access::everything() else { return false };
        let nodes: Vec<(&str, Vec<&Policy>)> = chain
            .iter()
            .rev()
            .map(|node| (*node, self.attached.get(node).into_iter().flatten().collect()))
            .collect();
        let levels: Vec<Level<'_>> =
            nodes.iter().map(|(name, policies)| Level { name, policies }).collect();
        let request = Request {
            principal: Principal::from_arn(caller),
            action,
            resource,
            resource_account: caller.split(':').nth(4),
            context: context.clone(),
            overlap: false,
        };
        let layers = Layers { identity: &[everything], scps: &levels, ..Layers::default() };
        match evaluate(&request, &layers).outcome {
            Outcome::ExplicitlyDenied => true,
            // A level without a policy that allows it, as long as nothing of it is unread.
            Outcome::ImplicitlyDenied => self.unread.is_empty(),
            Outcome::Allowed | Outcome::Depends => false,
        }
    }
}

/// Whether work in at least one region is denied.
fn region_denied(tree: &Tree<'_>, account: &str, chain: &[&str]) -> bool {
    let caller = format!("arn:aws:iam::{account}:role/example-administrator");
    REGIONS.iter().any(|region| {
        let context = Context::unknown_elsewhere().with_one("aws:RequestedRegion", *region);
        let resource = format!("arn:aws:ec2:{region}:{account}:instance/*");
        tree.denied(&caller, "ec2:RunInstances", &resource, &context, chain)
    })
}
