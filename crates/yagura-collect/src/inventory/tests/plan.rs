//! Claims about what a scan asks for, on the content of this repository.
//! How it is asked is claimed in `tests`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use futures::executor::block_on;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use yagura_content::Content;
use yagura_content::format::{Control, ListScope};
use yagura_model::UnreadReason;

use super::content_of;
use crate::caller::Caller;
use crate::cases::answers::Answers;
use crate::cases::{Seen, collect};
use crate::inventory::Ground;
use crate::inventory::plan::{Plan, TypeIndex, Wanted};
use crate::organization::{self, Extent};

const CALLER: &str = "111122223333";

fn builtin() -> Content {
    Content::from_folder(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../content"))
}

fn control<'c>(content: &'c Content, id: &str) -> &'c Control {
    content.controls.get(id).unwrap_or_else(|| panic!("no control `{id}`"))
}

fn calls_for(id: &str) -> BTreeSet<String> {
    let content = builtin();
    Plan::new(&content, &Wanted::Controls(&[control(&content, id)])).calls()
}

fn texts(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Runs a whole scan as the command does: who, where, what. Gives every call.
fn whole_scan(answers: Value, wanted: &[&Control], content: &Content) -> (Seen, Vec<String>) {
    let plan = Plan::new(content, &Wanted::Controls(wanted));
    let answers = Arc::new(Answers::new(CALLER, "aws", serde_json::from_value(answers).unwrap()));
    let caller: Arc<dyn Caller> = Arc::<Answers>::clone(&answers);
    let organization = block_on(organization::read(&caller, Extent::Everything)).unwrap();
    let regions = if plan.needs_regions() {
        block_on(crate::regions::read(&caller, &organization, &[], "us-east-1")).unwrap()
    } else {
        crate::Regions::default()
    };
    let now = Timestamp::UNIX_EPOCH;
    let ground = Ground { organization: &organization, regions: &regions, now };
    let (_, seen) = block_on(collect(caller, &plan, &ground, CancellationToken::new()));
    (seen, answers.asked().into_iter().map(|(_, call, _)| call).collect())
}

#[test]
fn root_mfa_takes_no_more_than_five_requests_with_the_identity() {
    let content = builtin();
    let answers = json!({
        "organizations:DescribeOrganization": {"error": "AWSOrganizationsNotInUseException"},
        "iam:GetAccountSummary": {"SummaryMap": {"AccountMFAEnabled": 1}},
    });
    let wanted = [control(&content, "account.root_mfa_enabled")];
    let (seen, asked) = whole_scan(answers, &wanted, &content);
    assert_eq!(seen.resources[0].properties["RootUser"]["MfaEnabled"], true);
    // One more: who the caller is.
    assert!(asked.len() < 5, "{asked:?}");
}

#[test]
fn a_control_asks_for_what_it_looks_at_and_nothing_else() {
    assert_eq!(
        calls_for("account.security_contact_present"),
        texts(&["account:GetAlternateContact"])
    );
}

#[test]
fn what_nobody_needs_is_marked_not_requested() {
    let content = builtin();
    let answers = json!({
        "organizations:DescribeOrganization": {"error": "AWSOrganizationsNotInUseException"},
        "iam:GetAccountSummary": {"SummaryMap": {"AccountMFAEnabled": 1}},
    });
    let wanted = [control(&content, "account.root_mfa_enabled")];
    let (seen, _) = whole_scan(answers, &wanted, &content);
    let unread = &seen.resources[0].unread;
    assert!(unread.iter().any(|part| part.path.to_string() == "properties.PasswordPolicy"));
    assert!(unread.iter().all(|part| part.reason == UnreadReason::NotRequested), "{unread:?}");
}

#[test]
fn every_control_can_be_planned_and_names_known_types_only() {
    let content = builtin();
    for (id, control) in &content.controls {
        let plan = Plan::new(&content, &Wanted::Controls(&[control]));
        let unknown: Vec<&str> = plan.unknown_types().collect();
        assert!(unknown.is_empty(), "{id}: {unknown:?}");
        assert!(plan.types().any(|name| name == control.type_name.as_str()), "{id}");
    }
}

const VPC: &str = "
type: AWS::EC2::VPC
title: {en: VPC, ja: VPC}
scope: region
list:
  - {call: ec2:DescribeVpcs, each: output.Vpcs, properties: {CidrBlock: item.CidrBlock}}
identity: {id: item.VpcId}
details:
  - call: ec2:DescribeVpcAttribute
    action: ec2:DescribeVpcAttribute
    input: {VpcId: '${id}', Attribute: enableDnsSupport}
    properties: {EnableDnsSupport: output.EnableDnsSupport.Value}
  - call: ec2:DescribeVpcEndpoints
    properties: {Endpoints: output.VpcEndpoints}
";
const SUBNET: &str = "
type: AWS::EC2::Subnet
title: {en: Subnet, ja: サブネット}
scope: region
list:
  - call: ec2:DescribeSubnets
    each: output.Subnets
    relations: {vpc: {type: 'AWS::EC2::VPC', target: item.VpcId}}
identity: {id: item.SubnetId}
";

fn control_text(require: &str) -> String {
    format!(
        "type: AWS::EC2::Subnet\nseverity: low\nguidance: elective\nresponsible: customer\n\
         title: {{en: a, ja: あ}}\nwhy: {{en: b, ja: い}}\nrequire: \"{require}\"\n\
         fix: {{console: {{en: [a], ja: [あ]}}, cli: c, terraform: d}}\ncases: []\n"
    )
}

fn calls_of(require: &str) -> BTreeSet<String> {
    let text = control_text(require);
    let content = content_of(&[
        ("ec2/vpc.yaml", VPC),
        ("ec2/subnet.yaml", SUBNET),
        ("../controls/ec2/c.yaml", &text),
    ]);
    Plan::new(&content, &Wanted::Controls(&[control(&content, "ec2.c")])).calls()
}

#[test]
fn a_relation_is_followed_to_the_attributes_that_are_read_of_its_target() {
    assert_eq!(calls_of("resource.id != ''"), texts(&["ec2:DescribeSubnets"]));
    assert_eq!(
        calls_of("related(resource, 'vpc').exists(v, v.properties.CidrBlock != '')"),
        texts(&["ec2:DescribeSubnets", "ec2:DescribeVpcs"])
    );
    assert_eq!(
        calls_of("related(resource, 'vpc').all(v, v.properties.EnableDnsSupport)"),
        texts(&["ec2:DescribeSubnets", "ec2:DescribeVpcs", "ec2:DescribeVpcAttribute"])
    );
    assert_eq!(
        calls_of("in_account('AWS::EC2::VPC').exists(v, v.region == resource.region)"),
        texts(&["ec2:DescribeSubnets", "ec2:DescribeVpcs"])
    );
}

#[test]
fn counting_resources_needs_nothing_of_them() {
    for require in [
        "related(resource, 'vpc').size() > 0",
        "size(in_account('AWS::EC2::VPC').filter(v, v.id != '')) > 0",
    ] {
        assert_eq!(calls_of(require), texts(&["ec2:DescribeSubnets", "ec2:DescribeVpcs"]));
    }
}

#[test]
fn a_dynamic_path_needs_everything() {
    let calls = calls_of("in_region('AWS::EC2::VPC').all(v, size(v.properties) > 0)");
    assert!(calls.contains("ec2:DescribeVpcEndpoints"), "{calls:?}");
}

#[test]
fn an_exception_by_tag_needs_the_tags_of_what_is_judged() {
    let mut content = builtin();
    let calls = |content: &Content| {
        let control = control(content, "s3.bucket_mfa_delete_enabled");
        Plan::new(content, &Wanted::Controls(&[control])).calls()
    };
    assert!(!calls(&content).contains("s3:GetBucketTagging"));
    let rule = json!({"control": "*", "tags": {"env": "lab"}, "owner": "a", "reason": "b",
        "expires": "2030-01-01"});
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("exceptions.yaml"), json!([rule]).to_string()).unwrap();
    content.site = Content::from_folder(folder.path()).site;
    assert_eq!(content.site.exceptions.len(), 1);
    assert!(calls(&content).contains("s3:GetBucketTagging"));
}

#[test]
fn parents_are_covered_before_their_children() {
    let content = builtin();
    let plan = Plan::new(&content, &Wanted::Everything);
    for scope in [ListScope::Organization, ListScope::Account, ListScope::Region] {
        let listed = plan.types_in(scope);
        for (n, index) in listed.iter().enumerate() {
            for parent in &plan.at(*index).parents {
                let place = listed.iter().position(|other| other == parent);
                assert!(place.is_some_and(|place| place < n), "{}", plan.at(*index).name());
            }
        }
    }
}

#[test]
fn every_type_is_covered_in_exactly_one_scope() {
    let content = builtin();
    let plan = Plan::new(&content, &Wanted::Everything);
    let scopes = [ListScope::Organization, ListScope::Account, ListScope::Region];
    let mut covered: Vec<TypeIndex> =
        scopes.iter().flat_map(|scope| plan.types_in(*scope)).copied().collect();
    let count = covered.len();
    covered.sort_unstable();
    covered.dedup();
    assert_eq!(covered.len(), count, "a type is covered twice");
    assert_eq!(count, content.resources.len(), "a type is covered nowhere");
}

/// 200 buckets, 100 users, 100 roles, 200 security groups, all controls, one region. Pages beyond
/// the first (`GetAccountAuthorizationDetails` gives 100 things a page) are added by hand.
#[test]
fn an_ordinary_account_takes_fewer_requests_than_promised() {
    const PROMISED: usize = 2_800;
    const FURTHER_PAGES: usize = 10;
    let content = builtin();
    let names = |prefix: &str, count: usize| -> Vec<String> {
        (0..count).map(|n| format!("{prefix}{n:03}")).collect()
    };
    let buckets: Vec<Value> = names("bucket", 200)
        .iter()
        .map(|name| json!({"Name": name, "BucketRegion": "us-east-1"}))
        .collect();
    let arn = |kind: &str, name: &str| format!("arn:aws:iam::{CALLER}:{kind}/{name}");
    let users: Vec<Value> = names("user", 100)
        .iter()
        .map(|name| json!({"UserName": name, "Arn": arn("user", name), "Path": "/"}))
        .collect();
    let roles: Vec<Value> = names("role", 100)
        .iter()
        .map(|name| json!({"RoleName": name, "Arn": arn("role", name), "Path": "/"}))
        .collect();
    let groups: Vec<Value> = names("sg-", 200)
        .iter()
        .map(|id| json!({"GroupId": id, "GroupName": id, "OwnerId": CALLER}))
        .collect();
    let answers = json!({
        "organizations:DescribeOrganization": {"error": "AWSOrganizationsNotInUseException"},
        "account:ListRegions": {"Regions": [{"RegionName": "us-east-1"}]},
        "s3:ListBuckets": {"Buckets": buckets},
        "iam:GetAccountAuthorizationDetails": {"UserDetailList": users, "RoleDetailList": roles},
        "ec2:DescribeSecurityGroups": {"SecurityGroups": groups},
    });
    let wanted: Vec<&Control> = content.controls.values().map(|control| &**control).collect();
    let (seen, asked) = whole_scan(answers, &wanted, &content);
    let count = |name: &str| seen.resources.iter().filter(|r| r.type_name == name).count();
    assert_eq!(count("AWS::S3::Bucket"), 200);
    assert_eq!(count("AWS::IAM::User"), 100);
    assert_eq!(count("AWS::IAM::Role"), 100);
    if asked.iter().any(|call| call == "ec2:DescribeSecurityGroups") {
        assert_eq!(count("AWS::EC2::SecurityGroup"), 200);
    }
    let mut by_call: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for call in &asked {
        *by_call.entry(call).or_default() += 1;
    }
    by_call.retain(|_, times| *times > 1);
    println!("{} requests; more than once: {by_call:?}", asked.len() + FURTHER_PAGES);
    assert!(asked.len() + FURTHER_PAGES <= PROMISED, "{} requests: {by_call:?}", asked.len());
}
