//! A call out of one record of CloudTrail, for logs that are read without a lake.
//! The lake answers the same from its columns.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;
use yagura_model::usage::{UsedCall, telling_parameters};

/// The call of a record; none where it tells of no call of an API (sign-ins, events of services,
/// Insights). `names` are the parameters that matter ([`super::Naming::parameters`]).
pub fn call_of(record: &Value, names: &BTreeSet<String>) -> Option<UsedCall> {
    let text = |path: &str| record.pointer(path).and_then(Value::as_str).map(str::to_owned);
    let api_call = text("/eventType").is_none_or(|kind| kind == "AwsApiCall");
    let category = text("/eventCategory");
    let told_elsewhere = matches!(category.as_deref(), Some("Insight" | "NetworkActivity"));
    if !api_call || told_elsewhere {
        return None;
    }
    let at_us = text("/eventTime")?.parse::<Timestamp>().ok()?.as_microsecond();
    let identity = |member: &str| text(&format!("/userIdentity/{member}"));
    let issuer = identity("sessionContext/sessionIssuer/arn");
    let stands_for = || issuer.clone().or_else(|| identity("invokedBy"));
    let actor = identity("arn").or_else(stands_for).or_else(|| identity("principalId"));
    let parameters = record.get("requestParameters").unwrap_or(&Value::Null);
    Some(UsedCall {
        event_source: text("/eventSource")?,
        event_name: text("/eventName")?,
        region: text("/awsRegion").unwrap_or_default(),
        account: text("/recipientAccountId").or_else(|| identity("accountId")).unwrap_or_default(),
        actor: actor.unwrap_or_default(),
        issuer,
        identity_type: identity("type").unwrap_or_default(),
        caller_account: identity("accountId"),
        error: text("/errorCode"),
        resources: resources(record),
        parameters: telling_parameters(parameters, names),
        circumstances: circumstances(record),
        count: 1,
        first_us: at_us,
        last_us: at_us,
        sample: text("/eventID").unwrap_or_default(),
    })
}

fn resources(record: &Value) -> Vec<String> {
    let listed = record.get("resources").and_then(Value::as_array);
    let arn = |resource: &Value| {
        let whole = resource.get("ARN").and_then(Value::as_str).map(str::to_owned);
        let start = || resource.get("ARNPrefix").and_then(Value::as_str);
        whole.or_else(|| start().map(|start| format!("{start}*")))
    };
    listed.into_iter().flatten().filter_map(arn).collect()
}

/// The columns that a question about conditions may ask for, as a lake has them.
fn circumstances(record: &Value) -> BTreeMap<String, Option<String>> {
    let at = |path: &str| match record.pointer(path) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Bool(truth)) => Some(truth.to_string()),
        _ => None,
    };
    [
        ("address", "/sourceIPAddress"),
        ("invoked_by", "/userIdentity/invokedBy"),
        ("mfa", "/userIdentity/sessionContext/attributes/mfaAuthenticated"),
        ("principal_id", "/userIdentity/principalId"),
        ("source_identity", "/userIdentity/sessionContext/sourceIdentity"),
        ("time", "/eventTime"),
        ("tls_version", "/tlsDetails/tlsVersion"),
        ("user_agent", "/userAgent"),
        ("vpc_endpoint_id", "/vpcEndpointId"),
    ]
    .into_iter()
    .map(|(name, path)| (name.to_owned(), at(path)))
    .collect()
}
