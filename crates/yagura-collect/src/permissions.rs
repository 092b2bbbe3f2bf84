//! The least that AWS must allow a scan: IAM policies made from the calls of a plan, and the
//! CloudFormation template of the role that member accounts need.
//! Nothing is created here; a person applies what is printed.

mod sources;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Value, json};

pub use sources::{LogPlace, log_policy};

use crate::costs;
use crate::imports;
use crate::inventory::plan::Plan;
use crate::last_accessed;

/// The size of a managed policy without blanks, in characters (IAM User Guide, "IAM and AWS STS
/// quotas", seen 2026-11: 6,144). A little is left for the frame around the actions.
const POLICY_SIZE_MAX: usize = 6_000;

/// What finding out about accounts and regions takes, beside the plan's own calls.
const GROUND_ACTIONS: [&str; 7] = [
    "account:ListRegions",
    "ec2:DescribeRegions",
    "organizations:DescribeOrganization",
    "organizations:ListAccounts",
    "organizations:ListAccountsForParent",
    "organizations:ListOrganizationalUnitsForParent",
    "organizations:ListRoots",
];

/// The role that a scan takes on in each member account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRole {
    /// The role's name.
    pub name: String,
    /// The account that takes it on: where Yagura runs.
    pub trusted_account: String,
    /// A secret shared by both sides, against a confused deputy.
    pub external_id: Option<String>,
    /// The organization to which the one who takes it on must belong.
    pub organization: Option<String>,
}

/// The IAM actions of a whole scan: the plan's, those that find accounts and regions, those that
/// read the findings of AWS's own products, and those that tell what was last accessed.
pub fn actions(plan: &Plan<'_>) -> BTreeSet<String> {
    let mut actions = plan.actions();
    actions.extend(GROUND_ACTIONS.map(str::to_owned));
    actions.extend(imports::actions(&imports::Product::ALL));
    actions.extend(last_accessed::ACTIONS.map(str::to_owned));
    actions
}

/// The IAM actions of the identity that runs Yagura: those of a scan, and those that read its
/// bill. Member roles need [`actions`] alone.
pub fn own_actions(plan: &Plan<'_>) -> BTreeSet<String> {
    let mut actions = actions(plan);
    actions.extend(costs::ACTIONS.map(str::to_owned));
    actions
}

/// Identity policies that allow the actions and nothing else, each small enough for a managed
/// policy, one statement per service.
pub fn policies(actions: &BTreeSet<String>) -> Vec<Value> {
    let mut policies = Vec::new();
    let mut statements: Vec<Value> = Vec::new();
    let mut size = 0;
    let services: BTreeSet<&str> = actions.iter().map(|action| service_of(action)).collect();
    for service in services {
        let own: Vec<&String> =
            actions.iter().filter(|action| service_of(action) == service).collect();
        let statement = json!({
            "Sid": sid(service),
            "Effect": "Allow",
            "Action": own,
            "Resource": "*",
        });
        let more = statement.to_string().len() + 1;
        if size + more > POLICY_SIZE_MAX && !statements.is_empty() {
            policies.push(document(&std::mem::take(&mut statements)));
            size = 0;
        }
        size += more;
        statements.push(statement);
    }
    if !statements.is_empty() {
        policies.push(document(&statements));
    }
    policies
}

/// What the identity that runs Yagura needs to take on the member role.
pub fn assume_role_policy(partition: &str, role: &str) -> Value {
    document(&[json!({
        "Sid": "MemberAccounts",
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Resource": format!("arn:{partition}:iam::*:role/{role}"),
    })])
}

/// The template of a CloudFormation stack set that creates the member role in every account.
pub fn member_role_template(role: &MemberRole, actions: &BTreeSet<String>) -> String {
    let policies = policies(actions);
    let mut template = String::new();
    // Writing to a text cannot fail.
    let _ = write_template(&mut template, role, &policies);
    template
}

fn write_template(
    out: &mut String,
    role: &MemberRole,
    policies: &[Value],
) -> Result<(), std::fmt::Error> {
    writeln!(out, "AWSTemplateFormatVersion: \"2010-09-09\"")?;
    writeln!(out, "Description: Lets Yagura read the security settings of this account.")?;
    writeln!(out, "Resources:")?;
    writeln!(out, "  Role:")?;
    writeln!(out, "    Type: AWS::IAM::Role")?;
    writeln!(out, "    Properties:")?;
    writeln!(out, "      RoleName: {}", json!(role.name))?;
    writeln!(out, "      Description: Read-only access for Yagura")?;
    writeln!(out, "      MaxSessionDuration: 3600")?;
    writeln!(out, "      AssumeRolePolicyDocument:")?;
    writeln!(out, "        Version: \"2012-10-17\"")?;
    writeln!(out, "        Statement:")?;
    writeln!(out, "          - Effect: Allow")?;
    writeln!(out, "            Action: sts:AssumeRole")?;
    writeln!(out, "            Principal:")?;
    let principal = format!("arn:${{AWS::Partition}}:iam::{}:root", role.trusted_account);
    writeln!(out, "              AWS: !Sub {}", json!(principal))?;
    if role.external_id.is_some() || role.organization.is_some() {
        writeln!(out, "            Condition:")?;
        writeln!(out, "              StringEquals:")?;
    }
    if let Some(id) = &role.external_id {
        writeln!(out, "                sts:ExternalId: {}", json!(id))?;
    }
    if let Some(id) = &role.organization {
        writeln!(out, "                aws:PrincipalOrgID: {}", json!(id))?;
    }
    writeln!(out, "      ManagedPolicyArns:")?;
    for n in 1..=policies.len() {
        writeln!(out, "        - !Ref Policy{n}")?;
    }
    for (n, policy) in policies.iter().enumerate() {
        writeln!(out, "  Policy{}:", n + 1)?;
        writeln!(out, "    Type: AWS::IAM::ManagedPolicy")?;
        writeln!(out, "    Properties:")?;
        writeln!(out, "      Description: What Yagura reads ({} of {})", n + 1, policies.len())?;
        writeln!(out, "      PolicyDocument:")?;
        writeln!(out, "        Version: \"2012-10-17\"")?;
        writeln!(out, "        Statement:")?;
        for statement in policy.get("Statement").and_then(Value::as_array).into_iter().flatten() {
            write_statement(out, statement)?;
        }
    }
    writeln!(out, "Outputs:")?;
    writeln!(out, "  RoleArn:")?;
    writeln!(out, "    Value: !GetAtt Role.Arn")
}

fn write_statement(out: &mut String, statement: &Value) -> Result<(), std::fmt::Error> {
    writeln!(out, "          - Sid: {}", statement.get("Sid").unwrap_or(&Value::Null))?;
    writeln!(out, "            Effect: Allow")?;
    writeln!(out, "            Resource: \"*\"")?;
    writeln!(out, "            Action:")?;
    let actions = statement.get("Action").and_then(Value::as_array);
    for action in actions.into_iter().flatten().filter_map(Value::as_str) {
        writeln!(out, "              - {action}")?;
    }
    Ok(())
}

fn document(statements: &[Value]) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn service_of(action: &str) -> &str {
    action.split_once(':').map_or(action, |(service, _)| service)
}

/// A statement id holds letters and digits only.
fn sid(service: &str) -> String {
    let mut letters = service.chars().filter(char::is_ascii_alphanumeric);
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actions(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn one_statement_per_service_and_nothing_beyond_what_was_asked() {
        let wanted = actions(&["s3:GetBucketAcl", "iam:ListRoles", "s3:ListAllMyBuckets"]);
        assert_eq!(
            policies(&wanted),
            [json!({"Version": "2012-10-17", "Statement": [
                {"Sid": "Iam", "Effect": "Allow", "Action": ["iam:ListRoles"], "Resource": "*"},
                {"Sid": "S3", "Effect": "Allow",
                 "Action": ["s3:GetBucketAcl", "s3:ListAllMyBuckets"], "Resource": "*"},
            ]})]
        );
    }

    #[test]
    fn no_policy_is_larger_than_iam_takes_and_none_loses_an_action() {
        let wanted: BTreeSet<String> = (0..40)
            .flat_map(|service| (0..20).map(move |n| format!("s{service:02}:DescribeThing{n:03}")))
            .collect();
        let policies = policies(&wanted);
        assert!(policies.len() > 1);
        let mut found = BTreeSet::new();
        for policy in &policies {
            assert!(policy.to_string().len() <= 6_144);
            for statement in policy["Statement"].as_array().unwrap() {
                let actions = statement["Action"].as_array().unwrap().iter();
                found.extend(actions.map(|action| action.as_str().unwrap().to_owned()));
            }
        }
        assert_eq!(found, wanted);
    }

    #[test]
    fn the_member_role_trusts_one_account_under_both_conditions() {
        let role = MemberRole {
            name: "YaguraReader".into(),
            trusted_account: "111122223333".into(),
            external_id: Some("c0ffee: 1".into()),
            organization: Some("o-abcdefghij".into()),
        };
        let template = member_role_template(&role, &actions(&["s3:GetBucketAcl"]));
        assert_eq!(template, include_str!("permissions_template.golden.yaml"));
    }
}
