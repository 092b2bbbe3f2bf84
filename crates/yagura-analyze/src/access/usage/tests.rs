//! Claims about what calls needed, over a small table of actions and content written here.
//! That content names real actions is checked by its lint.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]
#![allow(clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use serde_json::{Value, json};
use yagura_model::usage::{EventActions, NeededAction, UsedCall, VariableSource};

use super::*;

pub(crate) const ACCOUNT: &str = "444455556666";
pub(crate) const APP: &str = "arn:aws:iam::444455556666:role/app/shop";

fn kind(name: &str, required: bool, arn: &str) -> KnownResource {
    KnownResource { name: name.into(), required, arn: Some(arn.into()) }
}

fn action(name: &str, level: ActionLevel, resources: Vec<KnownResource>) -> KnownAction {
    KnownAction {
        name: name.into(),
        level,
        resources,
        passes_role: matches!(
            name,
            "lambda:CreateFunction" | "ec2:RunInstances" | "iam:AddRoleToInstanceProfile"
        ),
        tags_with: match name {
            "ec2:RunInstances" | "ec2:CreateVolume" => Some("ec2:CreateTags".into()),
            "kms:CreateKey" => Some("kms:TagResource".into()),
            _ => None,
        },
        has_operation: !matches!(name, "iam:PassRole" | "s3:BypassGovernanceRetention"),
    }
}

/// A table as AWS's is, cut down.
pub(crate) fn table() -> ActionTable {
    use ActionLevel::{List, Permissions, Read, Tagging, Write};
    let bucket = || kind("bucket", true, "arn:${Partition}:s3:::${BucketName}");
    let object = || kind("object", true, "arn:${Partition}:s3:::${BucketName}/${ObjectName}");
    let ec2 = |name: &str, required, id: &str| {
        let arn = format!("arn:${{Partition}}:ec2:${{Region}}:${{Account}}:{name}/${{{id}}}");
        kind(name, required, &arn)
    };
    let iam = |name: &str, variable: &str| {
        let arn = format!("arn:${{Partition}}:iam::${{Account}}:{name}/${{{variable}}}");
        kind(name, true, &arn)
    };
    let function = || {
        let arn = "arn:${Partition}:lambda:${Region}:${Account}:function:${FunctionName}";
        kind("function", true, arn)
    };
    let table = || {
        let arn = "arn:${Partition}:dynamodb:${Region}:${Account}:table/${TableName}";
        kind("table", true, arn)
    };
    let queue = || kind("queue", true, "arn:${Partition}:sqs:${Region}:${Account}:${QueueName}");
    let key = || kind("key", true, "arn:${Partition}:kms:${Region}:${Account}:key/${KeyId}");
    let secret = || {
        let arn = "arn:${Partition}:secretsmanager:${Region}:${Account}:secret:${SecretId}";
        kind("Secret", true, arn)
    };
    ActionTable::new([
        action("s3:ListAllMyBuckets", List, vec![]),
        action("s3:ListBucket", List, vec![bucket()]),
        action("s3:GetObject", Read, vec![object()]),
        action("s3:PutObject", Write, vec![object()]),
        action("s3:DeleteObject", Write, vec![object()]),
        action("s3:PutBucketPolicy", Permissions, vec![bucket()]),
        action("s3:BypassGovernanceRetention", Permissions, vec![object()]),
        action("lambda:InvokeFunction", Write, vec![function()]),
        action("lambda:CreateFunction", Write, vec![function()]),
        action("lambda:UpdateFunctionCode", Write, vec![function()]),
        action("dynamodb:GetItem", Read, vec![table()]),
        action("sqs:SendMessage", Write, vec![queue()]),
        action("kms:Decrypt", Write, vec![key()]),
        action("kms:CreateKey", Write, vec![]),
        action("kms:TagResource", Tagging, vec![key()]),
        action("lambda:TagResource", Tagging, vec![function(), queue()]),
        action("secretsmanager:GetSecretValue", Read, vec![secret()]),
        action("sts:AssumeRole", Write, vec![iam("role", "RoleNameWithPath")]),
        action("sts:GetCallerIdentity", Read, vec![]),
        action("iam:PassRole", Write, vec![iam("role", "RoleNameWithPath")]),
        action("iam:GetUser", Read, vec![iam("user", "UserNameWithPath")]),
        action("iam:CreateRole", Write, vec![iam("role", "RoleNameWithPath")]),
        action("iam:TagRole", Tagging, vec![iam("role", "RoleNameWithPath")]),
        action("iam:AddRoleToInstanceProfile", Write, vec![iam("user", "UserNameWithPath")]),
        action("iam:CreateAccessKey", Permissions, vec![iam("user", "UserNameWithPath")]),
        action("cloudwatch:DescribeAlarms", Read, vec![]),
        action("ec2:DescribeInstances", List, vec![]),
        action("ec2:CreateVolume", Write, vec![ec2("volume", true, "VolumeId")]),
        action("ec2:StopInstances", Write, vec![ec2("instance", true, "InstanceId")]),
        action(
            "ec2:CreateTags",
            Tagging,
            vec![ec2("instance", false, "InstanceId"), ec2("volume", false, "VolumeId")],
        ),
        action(
            "ec2:RunInstances",
            Write,
            vec![
                ec2("instance", true, "InstanceId"),
                ec2("subnet", true, "SubnetId"),
                ec2("key-pair", false, "KeyPairName"),
            ],
        ),
    ])
}

fn variable(from: &[&str]) -> VariableSource {
    let from = from.iter().map(|name| (*name).to_owned()).collect();
    VariableSource { from, ..VariableSource::default() }
}

fn needed(action: &str, on: Option<&str>) -> NeededAction {
    NeededAction { action: action.to_owned(), on: on.map(str::to_owned), with: None, of: None }
}

/// What a call that carries tags needs besides.
fn tags(event: &str, action: &str, of: Option<&str>) -> BTreeMap<String, Vec<NeededAction>> {
    let needed = NeededAction { of: of.map(str::to_owned), ..needed(action, None) };
    BTreeMap::from([(event.to_owned(), vec![needed])])
}

/// Content as `content/actions/` is, cut down; a table.
fn content() -> Vec<EventActions> {
    let pairs = |list: &[(&str, &str)]| -> BTreeMap<String, String> {
        list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    };
    let texts = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect();
    let variables = |list: Vec<(&str, VariableSource)>| -> BTreeMap<String, VariableSource> {
        list.into_iter().map(|(name, source)| (name.to_owned(), source)).collect()
    };
    let forms = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect();
    vec![
        EventActions {
            id: "actions.s3".to_owned(),
            sources: pairs(&[("s3.amazonaws.com", "s3")]),
            events: BTreeMap::from([
                ("ListBuckets".to_owned(), vec![needed("s3:ListAllMyBuckets", None)]),
                ("ListObjects".to_owned(), vec![needed("s3:ListBucket", None)]),
                ("HeadObject".to_owned(), vec![needed("s3:GetObject", None)]),
                ("DeleteObjects".to_owned(), vec![needed("s3:DeleteObject", None)]),
                (
                    "CopyObject".to_owned(),
                    vec![
                        needed("s3:GetObject", Some("x-amz-copy-source")),
                        needed("s3:PutObject", None),
                    ],
                ),
            ]),
            data: texts(&["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]),
            unlogged: texts(&["s3:Bypass*"]),
            variables: variables(vec![
                ("BucketName", variable(&["bucketname"])),
                ("ObjectName", variable(&["key"])),
            ]),
            ..EventActions::default()
        },
        EventActions {
            id: "actions.lambda".to_owned(),
            sources: pairs(&[("lambda.amazonaws.com", "lambda")]),
            passes: pairs(&[("*", "lambda.amazonaws.com")]),
            events: BTreeMap::from([(
                "Invoke".to_owned(),
                vec![needed("lambda:InvokeFunction", None)],
            )]),
            tags: tags("CreateFunction", "lambda:TagResource", Some("function")),
            data: texts(&["lambda:InvokeFunction"]),
            ..EventActions::default()
        },
        EventActions {
            id: "actions.sts".to_owned(),
            sources: pairs(&[("sts.amazonaws.com", "sts")]),
            events: BTreeMap::from([("GetCallerIdentity".to_owned(), vec![])]),
            ..EventActions::default()
        },
        EventActions {
            id: "actions.ec2".to_owned(),
            sources: pairs(&[("ec2.amazonaws.com", "ec2")]),
            passes: pairs(&[("RunInstances", "ec2.amazonaws.com")]),
            profiles: BTreeMap::from([("RunInstances".to_owned(), vec!["name".to_owned()])]),
            kinds: pairs(&[("i-", "instance"), ("vol-", "volume"), ("subnet-", "subnet")]),
            keys: pairs(&[("ec2:InstanceType", "instancetype")]),
            ..EventActions::default()
        },
        EventActions {
            id: "actions.rest".to_owned(),
            sources: pairs(&[
                ("monitoring.amazonaws.com", "cloudwatch"),
                ("sqs.amazonaws.com", "sqs"),
                ("iam.amazonaws.com", "iam"),
                ("secretsmanager.amazonaws.com", "secretsmanager"),
                ("dynamodb.amazonaws.com", "dynamodb"),
            ]),
            passes: pairs(&[("AddRoleToInstanceProfile", "ec2.amazonaws.com")]),
            roles: BTreeMap::from([(
                "AddRoleToInstanceProfile".to_owned(),
                vec!["rolename".to_owned()],
            )]),
            tags: tags("CreateRole", "iam:TagRole", None),
            data: texts(&["dynamodb:GetItem"]),
            variables: variables(vec![
                (
                    "QueueName",
                    VariableSource { after: Some("/".to_owned()), ..variable(&["queueurl"]) },
                ),
                (
                    "UserNameWithPath",
                    VariableSource { forms: forms(&["{}", "*/{}"]), ..variable(&["username"]) },
                ),
                ("RoleNameWithPath", variable(&["rolename"])),
                (
                    "SecretId",
                    VariableSource { forms: forms(&["{}-??????"]), ..variable(&["secretid"]) },
                ),
            ]),
            ..EventActions::default()
        },
    ]
}

pub(crate) fn naming() -> Naming {
    Naming::new(content(), table())
}

/// A record of a session of the role [`APP`], with members laid over it.
#[expect(clippy::needless_pass_by_value, reason = "called with what `json!` makes")]
pub(crate) fn record(source: &str, name: &str, parameters: Value, more: Value) -> Value {
    let mut record = json!({
        "eventVersion": "1.11", "eventType": "AwsApiCall", "eventCategory": "Management",
        "eventTime": "2026-11-01T10:00:00Z", "awsRegion": "eu-west-1",
        "eventSource": format!("{source}.amazonaws.com"), "eventName": name,
        "eventID": "00000000-0000-4000-8000-000000000001", "recipientAccountId": ACCOUNT,
        "sourceIPAddress": "203.0.113.7", "userAgent": "test",
        "requestParameters": parameters,
        "userIdentity": {
            "type": "AssumedRole", "accountId": ACCOUNT, "principalId": "AROAEXAMPLE:one",
            "arn": "arn:aws:sts::444455556666:assumed-role/shop/one",
            "sessionContext": {
                "sessionIssuer": {"type": "Role", "arn": APP, "userName": "shop"},
                "attributes": {"mfaAuthenticated": "false"},
            },
        },
    });
    let members = record.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    record
}

pub(crate) fn call(source: &str, name: &str, parameters: Value, more: Value) -> UsedCall {
    call_of(&record(source, name, parameters, more), &naming().parameters()).unwrap()
}

/// The needs of a call as `action resource …`.
fn check(source: &str, name: &str, parameters: Value, wanted: &[&str]) {
    let call = call(source, name, parameters, json!({}));
    let needs = match naming().needs(&call) {
        Needs::Actions(needs) => needs,
        Needs::Nothing => vec![],
        Needs::Unknown => panic!("{source} {name} is unknown"),
    };
    let told: Vec<String> =
        needs.iter().map(|need| format!("{} {}", need.action, need.resources.join(" "))).collect();
    assert_eq!(told, wanted, "{source} {name}");
}

#[test]
fn an_event_is_called_what_iam_calls_it() {
    check("s3", "ListBuckets", json!({}), &["s3:ListAllMyBuckets *"]);
    let object = json!({"bucketName": "b", "key": "a/1.csv"});
    check("s3", "HeadObject", object.clone(), &["s3:GetObject arn:aws:s3:::b/a/1.csv"]);
    check("s3", "PutObject", object, &["s3:PutObject arn:aws:s3:::b/a/1.csv"]);
    check("s3", "ListObjects", json!({"bucketName": "b"}), &["s3:ListBucket arn:aws:s3:::b"]);
    check("monitoring", "DescribeAlarms", json!({}), &["cloudwatch:DescribeAlarms *"]);
    let invoked = "lambda:InvokeFunction arn:aws:lambda:eu-west-1:444455556666:function:f";
    check("lambda", "Invoke20150331", json!({"functionName": "f"}), &[invoked]);
    let updated = "lambda:UpdateFunctionCode arn:aws:lambda:eu-west-1:444455556666:function:f";
    check("lambda", "UpdateFunctionCode20150331v2", json!({"functionName": "f"}), &[updated]);
    check("sts", "GetCallerIdentity", json!({}), &[]);
}

#[test]
fn a_copy_reads_what_it_copies() {
    let copy = json!({"bucketName": "to", "key": "k", "x-amz-copy-source": "/from/a%2Fb"});
    let needs = ["s3:GetObject arn:aws:s3:::from/a/b", "s3:PutObject arn:aws:s3:::to/k"];
    check("s3", "CopyObject", copy, &needs);
}

#[test]
fn no_action_is_made_up() {
    let call = call("s3", "FlyToTheMoon", json!({}), json!({}));
    assert_eq!(naming().needs(&call), Needs::Unknown);
}

#[test]
fn resources_are_found_by_name_id_url_and_arn() {
    let stop = json!({"instancesSet": {"items": [{"instanceId": "i-0123456789abcdef0"}]}});
    let instance = "arn:aws:ec2:eu-west-1:444455556666:instance/i-0123456789abcdef0";
    check("ec2", "StopInstances", stop, &[&format!("ec2:StopInstances {instance}")]);
    let tags = json!({"resourcesSet": {"items": [{"resourceId": "vol-0123456789abcdef0"}]}});
    let volume = "arn:aws:ec2:eu-west-1:444455556666:volume/vol-0123456789abcdef0";
    check("ec2", "CreateTags", tags, &[&format!("ec2:CreateTags {volume}")]);
    let url = "https://sqs.eu-west-1.amazonaws.com/444455556666/orders";
    let queue = "sqs:SendMessage arn:aws:sqs:eu-west-1:444455556666:orders";
    check("sqs", "SendMessage", json!({"queueUrl": url}), &[queue]);
    let role = "arn:aws:iam::999900001111:role/x/other";
    check(
        "sts",
        "AssumeRole",
        json!({"roleArn": role, "roleSessionName": "s"}),
        &[&format!("sts:AssumeRole {role}")],
    );
    let user = "iam:GetUser arn:aws:iam::444455556666:user/*/mika \
                arn:aws:iam::444455556666:user/mika";
    check("iam", "GetUser", json!({"userName": "mika"}), &[user]);
    let secret = "secretsmanager:GetSecretValue \
                  arn:aws:secretsmanager:eu-west-1:444455556666:secret:db-??????";
    check("secretsmanager", "GetSecretValue", json!({"secretId": "db"}), &[secret]);
}

#[test]
fn the_records_own_resources_go_before_names() {
    let key = "arn:aws:kms:eu-west-1:444455556666:key/1234";
    let more = json!({"resources": [{"ARN": key, "type": "AWS::KMS::Key"}]});
    let call = call("kms", "Decrypt", json!({"keyId": "alias/app"}), more);
    let Needs::Actions(needs) = naming().needs(&call) else { panic!() };
    assert_eq!((needs[0].resources.as_slice(), needs[0].told), ([key.to_owned()].as_slice(), true));
}

#[test]
fn what_a_record_does_not_tell_is_said_not_to_be_told() {
    let call = call("ec2", "CreateTags", json!({}), json!({}));
    let Needs::Actions(needs) = naming().needs(&call) else { panic!() };
    assert_eq!(
        (needs[0].resources.as_slice(), needs[0].told),
        (["*".to_owned()].as_slice(), false)
    );
}

#[test]
fn a_name_with_wildcards_is_never_wider_than_one_letter_each() {
    let odd = json!({"bucketName": "b", "key": "a*b?${c"});
    check("s3", "PutObject", odd, &["s3:PutObject arn:aws:s3:::b/a?b??{c"]);
}

#[test]
fn a_role_that_a_request_hands_on_is_passed() {
    let role = "arn:aws:iam::444455556666:role/worker";
    let create = call(
        "lambda",
        "CreateFunction20150331",
        json!({"functionName": "f", "role": role}),
        json!({}),
    );
    let Needs::Actions(needs) = naming().needs(&create) else { panic!() };
    assert_eq!(&*needs[1].action, "iam:PassRole");
    assert_eq!(needs[1].resources, [role]);
    assert_eq!(needs[1].passed_to.as_deref(), Some("lambda.amazonaws.com"));
    // A principal of a policy is no role that is handed on.
    let named = json!({"functionName": "f", "principal": role});
    check(
        "lambda",
        "UpdateFunctionCode20150331v2",
        named,
        &["lambda:UpdateFunctionCode arn:aws:lambda:eu-west-1:444455556666:function:f"],
    );
}

#[test]
fn what_is_made_with_tags_needs_the_permission_to_tag_it() {
    let tag = || json!([{"key": "team", "value": "red"}]);
    // The table of AWS says so, and the request names the types.
    let volume = json!({
        "snapshotId": "snap-0123456789abcdef0",
        "tagSpecificationSet": {"items": [{"resourceType": "volume", "tags": tag()}]},
    });
    let made = "ec2:CreateVolume arn:aws:ec2:eu-west-1:444455556666:volume/*";
    let tagged = "ec2:CreateTags arn:aws:ec2:eu-west-1:444455556666:volume/*";
    check("ec2", "CreateVolume", volume, &[made, tagged]);
    check("ec2", "CreateVolume", json!({"size": 8}), &[made]);
    // The ids of a request are of what was there before.
    let launch = json!({
        "instancesSet": {"items": [{"instanceId": "i-0123456789abcdef0"}]},
        "tagSpecificationSet": {"items": [
            {"resourceType": "instance", "tags": tag()}, {"resourceType": "volume", "tags": tag()},
        ]},
    });
    let launch = call("ec2", "RunInstances", launch, json!({}));
    let Needs::Actions(needs) = naming().needs(&launch) else { panic!() };
    let [_, tagging] = needs.as_slice() else { panic!("{needs:?}") };
    let any = |kind: &str| format!("arn:aws:ec2:eu-west-1:444455556666:{kind}/*");
    assert_eq!((&tagging.resources, tagging.told), (&vec![any("instance"), any("volume")], false));
    // Content says so where the table is silent.
    let role = json!({"roleName": "app", "tags": tag()});
    let arn = "arn:aws:iam::444455556666:role/app";
    let needs = [format!("iam:CreateRole {arn}"), format!("iam:TagRole {arn}")];
    check("iam", "CreateRole", role, &[&needs[0], &needs[1]]);
    let function = json!({"functionName": "f", "tags": {"team": "red"}});
    let arn = "arn:aws:lambda:eu-west-1:444455556666:function:f";
    let needs = [format!("lambda:CreateFunction {arn}"), format!("lambda:TagResource {arn}")];
    check("lambda", "CreateFunction20150331", function, &[&needs[0], &needs[1]]);
    // What has no name yet is told by the record, or not at all.
    let key = "kms:TagResource arn:aws:kms:eu-west-1:444455556666:key/*";
    check("kms", "CreateKey", json!({"tags": tag()}), &["kms:CreateKey *", key]);
    // A call that tags what is there asks once.
    let tags = json!({
        "resourcesSet": {"items": [{"resourceId": "vol-0123456789abcdef0"}]},
        "tagSet": {"items": tag()},
    });
    let volume = "ec2:CreateTags arn:aws:ec2:eu-west-1:444455556666:volume/vol-0123456789abcdef0";
    check("ec2", "CreateTags", tags, &[volume]);
}

#[test]
fn a_role_that_is_handed_on_may_stand_by_its_name() {
    let add = json!({"instanceProfileName": "web", "roleName": "server"});
    let add = call("iam", "AddRoleToInstanceProfile", add, json!({}));
    let Needs::Actions(needs) = naming().needs(&add) else { panic!() };
    let passed = needs.last().unwrap();
    assert_eq!(&*passed.action, "iam:PassRole");
    let role = |path: &str| format!("arn:aws:iam::444455556666:role/{path}server");
    assert_eq!(passed.resources, [role("*/"), role("")]);
    assert_eq!(passed.passed_to.as_deref(), Some("ec2.amazonaws.com"));
}

#[test]
fn the_role_of_an_instance_profile_is_the_inventorys_else_a_guess() {
    let launch = json!({
        "iamInstanceProfile": {"name": "web"}, "subnetId": "subnet-0123456789abcdef0",
    });
    let launch = call("ec2", "RunInstances", launch, json!({}));
    let passed = |naming: &Naming| {
        let Needs::Actions(needs) = naming.needs(&launch) else { panic!() };
        let last = needs.last().unwrap().clone();
        (last.resources, last.told, last.passed_to)
    };
    let to = Some("ec2.amazonaws.com".to_owned());
    let guess = vec!["arn:aws:iam::444455556666:role/web".to_owned()];
    assert_eq!(passed(&naming()), (guess, false, to.clone()));
    let known = vec!["arn:aws:iam::444455556666:role/x/server".to_owned()];
    let profiles = BTreeMap::from([((ACCOUNT.to_owned(), "web".to_owned()), known.clone())]);
    assert_eq!(passed(&naming().with_profiles(profiles)), (known, true, to));
}

#[test]
fn a_refusal_is_told_from_a_failure() {
    let refusals =
        ["AccessDenied", "Client.UnauthorizedOperation", "KMS.AccessDeniedException", "Forbidden"];
    for error in refusals {
        assert_eq!(Ending::of(Some(error)), Ending::Refused, "{error}");
    }
    for error in [None, Some("NoSuchBucket"), Some("ThrottlingException")] {
        assert_eq!(Ending::of(error), Ending::Permitted, "{error:?}");
    }
}

#[test]
fn what_is_no_call_of_an_api_is_no_use() {
    let names = naming().parameters();
    for more in [
        json!({"eventType": "AwsServiceEvent"}),
        json!({"eventType": "AwsConsoleSignIn"}),
        json!({"eventCategory": "Insight"}),
        json!({"eventTime": "yesterday"}),
        json!({"eventSource": null}),
    ] {
        let record = record("s3", "GetObject", json!({}), more.clone());
        assert!(call_of(&record, &names).is_none(), "{more}");
    }
    assert!(call_of(&json!([1]), &names).is_none());
}
