//! Used access: calls as a log shows them, and what is known of how calls are named in it.
//! What permission a call needed is worked out in `yagura-analyze`; reading logs is elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// Among the parameters of a call: the types of what it tags as it makes it, in the request's
/// words; [`ANY_TYPE`] where the request does not say. No parameter of AWS has a name like it.
pub const TAGGED: &str = "(tagged)";

/// What is tagged is of a type that the request does not name.
pub const ANY_TYPE: &str = "*";

/// Members of requests that carry tags, in lower case: `tags` nearly everywhere, `TagSet` of S3,
/// `TagSpecificationSet` and its like of EC2, `BackupVaultTags` and its like where one request
/// could tag several things (each service's API Reference, seen 2026-11).
const TAG_CARRIERS: [&str; 29] = [
    "backupplantags",
    "backupvaulttags",
    "bottags",
    "changesettags",
    "childconnectiontags",
    "custommodeltags",
    "flowtags",
    "frameworktags",
    "identitypooltags",
    "importedmodeltags",
    "jobtags",
    "modeltags",
    "reportplantags",
    "resourcetags",
    "tag",
    "taglist",
    "tags",
    "tagset",
    "tagslist",
    "tagsmap",
    "tagsoverride",
    "tagspecification",
    "tagspecifications",
    "tagspecificationset",
    "targetmodeltags",
    "testbotaliastags",
    "testsettags",
    "tieringconfigurationtags",
    "userpooltags",
];

/// More values of one parameter than this are not kept of a call.
const VALUES_MAX: usize = 100;
/// A longer value is no name of anything.
const VALUE_BYTES_MAX: usize = 2_048;
/// Parameters nest a few levels; what lies deeper is not looked at.
const DEPTH_MAX: usize = 24;

/// What can be asked of a call beside what it did: columns of the log.
pub const CIRCUMSTANCES: [&str; 9] = [
    "address",
    "invoked_by",
    "mfa",
    "principal_id",
    "source_identity",
    "time",
    "tls_version",
    "user_agent",
    "vpc_endpoint_id",
];

/// Calls that are alike in everything that is asked about, counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UsedCall {
    /// `eventSource`: `s3.amazonaws.com`.
    pub event_source: String,
    /// `eventName`: `GetObject`.
    pub event_name: String,
    /// `awsRegion`
    pub region: String,
    /// The account whose trail has it.
    pub account: String,
    /// Who called: the ARN in `userIdentity`, or what stands for it.
    pub actor: String,
    /// The ARN of the role or user behind the session.
    pub issuer: Option<String>,
    /// `userIdentity.type`
    pub identity_type: String,
    /// The account of the caller, where the record names it.
    pub caller_account: Option<String>,
    /// `errorCode`
    pub error: Option<String>,
    /// The ARNs of the record's resources; one that stands for all that begin so ends in `*`.
    pub resources: Vec<String>,
    /// What the request named, by parameter in lower case ([`telling_parameters`]).
    pub parameters: BTreeMap<String, Vec<String>>,
    /// Further columns of the log that were asked for ([`CIRCUMSTANCES`]); none where the record
    /// has no value.
    pub circumstances: BTreeMap<String, Option<String>>,
    /// How many.
    pub count: u64,
    /// When the first happened, in microseconds since 1970.
    pub first_us: i64,
    /// When the last happened, in microseconds since 1970.
    pub last_us: i64,
    /// The id of one of the records.
    pub sample: String,
}

/// A service that a principal's policies allow, and when that principal last asked it for anything,
/// as IAM tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccess {
    /// The prefix of its actions.
    pub service: String,
    /// None where it was not asked within the time that IAM looks back, 400 days at the most.
    pub last: Option<Timestamp>,
}

/// How the calls of some services are named in CloudTrail, and what IAM calls them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventActions {
    /// The content id (`actions.s3`).
    pub id: String,
    /// The values of `eventSource` that it is about, each with the prefix of its IAM actions.
    pub sources: BTreeMap<String, String>,
    /// By event, or by its beginning and `*`: the service that roles in requests are handed to.
    pub passes: BTreeMap<String, String>,
    /// By event: the parameters in which a role stands by its bare name.
    pub roles: BTreeMap<String, Vec<String>>,
    /// By event: the parameters in which an instance profile stands by its bare name.
    pub profiles: BTreeMap<String, Vec<String>>,
    /// By event, or by its beginning and `*`: what it needs; nothing is a call that needs none.
    pub events: BTreeMap<String, Vec<NeededAction>>,
    /// By event, or by its beginning and `*`: what it needs besides where it carries tags; nothing
    /// is a call that tags without more permission.
    pub tags: BTreeMap<String, Vec<NeededAction>>,
    /// IAM actions whose use shows in data events only.
    pub data: BTreeSet<String>,
    /// IAM actions, or their beginnings and `*`, whose use no trail shows.
    pub unlogged: BTreeSet<String>,
    /// How variables of ARNs are found in requests, by the variable's name.
    pub variables: BTreeMap<String, VariableSource>,
    /// ARNs as templates over parameters; the first whose parameters are all named is the resource.
    pub forms: Vec<String>,
    /// Resource types by the beginnings of their ids (`i-`: `instance`).
    pub kinds: BTreeMap<String, String>,
    /// Condition keys that requests show, by key: the parameter.
    pub keys: BTreeMap<String, String>,
}

/// One action that a call needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeededAction {
    /// `service:Operation`
    pub action: String,
    /// The parameter that names the resource, where it is not found as usual.
    pub on: Option<String>,
    /// The parameter without which it is not needed.
    pub with: Option<String>,
    /// The type of resource that it is about, where the action has several.
    pub of: Option<String>,
}

/// How the value of an ARN's variable is found in a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariableSource {
    /// The parameters that have it.
    pub from: Vec<String>,
    /// By event: the parameters that have it there instead (what is made is often called `name`,
    /// which elsewhere is the name of something else).
    #[serde(default)]
    pub by: BTreeMap<String, Vec<String>>,
    /// What stands before it in the parameter, the last time it occurs there (`/` of a URL).
    #[serde(default)]
    pub after: Option<String>,
    /// What the parameter may begin with and the ARN does not.
    #[serde(default)]
    pub strip: Option<String>,
    /// What the ARN may have for it, `{}` standing for the value.
    #[serde(default)]
    pub forms: Vec<String>,
}

/// What the parameters of a request name: the texts of those whose names (in lower case) are asked
/// for, wherever they stand, every ARN and id, and under [`TAGGED`] what is tagged. Sorted, without
/// repeats, and bounded.
#[must_use]
pub fn telling_parameters(
    parameters: &Value,
    names: &BTreeSet<String>,
) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    gather(parameters, "", names, 0, &mut found);
    found.into_iter().map(|(name, values)| (name, values.into_iter().collect())).collect()
}

fn gather(
    value: &Value,
    name: &str,
    names: &BTreeSet<String>,
    depth: usize,
    found: &mut BTreeMap<String, BTreeSet<String>>,
) {
    if depth > DEPTH_MAX {
        return;
    }
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let key = key.to_ascii_lowercase();
                if TAG_CARRIERS.contains(&key.as_str()) && holds_something(member, depth + 1) {
                    tagged(member, depth + 1, found.entry(TAGGED.to_owned()).or_default());
                }
                gather(member, &key, names, depth + 1, found);
            }
        }
        Value::Array(items) => {
            for item in items {
                gather(item, name, names, depth + 1, found);
            }
        }
        Value::String(text) => keep(name, text, names, found),
        Value::Number(number) => keep(name, &number.to_string(), names, found),
        Value::Bool(truth) => keep(name, if *truth { "true" } else { "false" }, names, found),
        Value::Null => {}
    }
}

/// Whether a text, number or truth value is in it.
fn holds_something(value: &Value, depth: usize) -> bool {
    match value {
        _ if depth > DEPTH_MAX => false,
        Value::Object(members) => members.values().any(|one| holds_something(one, depth + 1)),
        Value::Array(items) => items.iter().any(|one| holds_something(one, depth + 1)),
        Value::Null => false,
        _ => true,
    }
}

/// Adds the types that a specification of tags names, else that it names none.
fn tagged(value: &Value, depth: usize, types: &mut BTreeSet<String>) {
    let mut left = vec![(value, depth)];
    while let Some((value, depth)) = left.pop() {
        let inner: Vec<&Value> = match value {
            _ if depth > DEPTH_MAX => continue,
            Value::Array(items) => items.iter().collect(),
            Value::Object(members) => {
                for (key, member) in members {
                    let text = member.as_str().filter(|text| text.len() <= VALUE_BYTES_MAX);
                    let of_type = key.eq_ignore_ascii_case("resourceType");
                    if let Some(text) = text.filter(|_| of_type && types.len() < VALUES_MAX) {
                        types.insert(text.to_owned());
                    }
                }
                members.values().collect()
            }
            _ => continue,
        };
        left.extend(inner.into_iter().map(|inner| (inner, depth + 1)));
    }
    if types.is_empty() {
        types.insert(ANY_TYPE.to_owned());
    }
}

fn keep(
    name: &str,
    text: &str,
    names: &BTreeSet<String>,
    found: &mut BTreeMap<String, BTreeSet<String>>,
) {
    let wanted = names.contains(name) || text.starts_with("arn:") || is_id(text);
    if !wanted || text.is_empty() || text.len() > VALUE_BYTES_MAX {
        return;
    }
    let values = found.entry(name.to_owned()).or_default();
    if values.len() < VALUES_MAX {
        values.insert(text.to_owned());
    }
}

/// `i-0123456789abcdef0`: a word, a hyphen and hexadecimal digits.
fn is_id(text: &str) -> bool {
    text.rsplit_once('-').is_some_and(|(word, digits)| {
        (1..=16).contains(&word.len())
            && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
            && (8..=17).contains(&digits.len())
            && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// What logs have of an account in a span of time: it tells what their silence means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The account.
    pub account: String,
    /// The span that was asked about, in microseconds since 1970, half-open.
    pub asked_us: (i64, i64),
    /// The first and the last record in it, in microseconds since 1970.
    pub seen_us: Option<(i64, i64)>,
    /// Records by service and kind.
    pub kinds: Vec<EvidenceKind>,
    /// Services, by `eventSource`, whose data events a trail records wholly.
    pub data_whole: BTreeSet<String>,
    /// The regions that have records.
    pub regions: BTreeSet<String>,
    /// Whole hours without any record of the account, in microseconds since 1970, the longest
    /// first; at most a hundred.
    pub gaps_us: Vec<(i64, i64)>,
    /// Hours in all gaps.
    pub gap_hours: u64,
}

/// Records of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EvidenceKind {
    /// `eventSource`
    pub event_source: String,
    /// Whether they are data events.
    pub data: bool,
    /// `readOnly`
    pub read_only: Option<bool>,
    /// How many.
    pub count: u64,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_request_names_is_found_wherever_it_stands() {
        let names = BTreeSet::from(["instanceid".to_owned()]);
        let request = json!({
            "instancesSet": {"items": [{"instanceId": "i-2"}, {"instanceId": "i-1"}]},
            "groupSet": ["sg-0123456789abcdef0"],
            "roleArn": "arn:aws:iam::111122223333:role/app", "other": "x", "instanceId": "",
        });
        let found = telling_parameters(&request, &names);
        assert_eq!(found["instanceid"], ["i-1", "i-2"]);
        assert_eq!(found["rolearn"], ["arn:aws:iam::111122223333:role/app"]);
        assert_eq!(found["groupset"], ["sg-0123456789abcdef0"]);
        assert!(!found.contains_key("other"));
    }

    #[test]
    fn what_is_tagged_is_told_by_its_type_or_as_something() {
        let tag = json!([{"key": "team", "value": "red"}]);
        for (request, types) in [
            (json!({"tags": tag}), vec!["*"]),
            (json!({"tags": {"team": "red"}}), vec!["*"]),
            (json!({"backupVaultTags": {"team": "red"}}), vec!["*"]),
            (json!({"copyTags": true, "propagateTags": "SERVICE"}), vec![]),
            (
                json!({"tagSpecificationSet": {"items": [
                    {"resourceType": "volume", "tags": tag},
                    {"resourceType": "instance", "tags": tag},
                ]}}),
                vec!["instance", "volume"],
            ),
            (
                json!({"CreateVpcEndpointRequest": {"TagSpecification": {
                    "ResourceType": "vpc-endpoint", "Tag": {"tag": 1, "Key": "a", "Value": "b"},
                }}}),
                vec!["vpc-endpoint"],
            ),
            (json!({"CreateFlowLogsRequest": {"ResourceType": "VPC"}}), vec![]),
            (json!({"tags": [], "tagSet": {"items": []}, "tagList": null}), vec![]),
        ] {
            let found = telling_parameters(&request, &BTreeSet::new());
            let told = found.get(TAGGED).cloned().unwrap_or_default();
            assert_eq!(told, types, "{request}");
        }
    }

    #[test]
    fn a_hostile_request_is_kept_within_bounds() {
        let mut deep = json!("arn:aws:s3:::deep");
        for _ in 0..100 {
            deep = json!([deep]);
        }
        assert!(telling_parameters(&deep, &BTreeSet::new()).is_empty());
        let many: Vec<String> = (0..1_000).map(|at| format!("arn:aws:s3:::b{at}")).collect();
        assert_eq!(telling_parameters(&json!({"a": many}), &BTreeSet::new())["a"].len(), 100);
        let long = format!("arn:{}", "x".repeat(4_000));
        assert!(telling_parameters(&json!([long]), &BTreeSet::new()).is_empty());
        let mut deep = json!("x");
        for _ in 0..100 {
            deep = json!({"tags": deep});
        }
        let found = telling_parameters(&deep, &BTreeSet::new());
        assert!(found.get(TAGGED).is_none_or(|types| types == &[ANY_TYPE]), "{found:?}");
    }
}
