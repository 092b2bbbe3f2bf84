//! What the inventory adds to a log: the roles in instance profiles, and which data events trails
//! record of every resource.
//! What calls needed is found in `naming`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use yagura_model::Resource;

use crate::read::{as_list, see, text};

/// The ARNs of the roles in instance profiles, by account and profile.
pub fn roles_of_profiles(resources: &[Resource]) -> BTreeMap<(String, String), Vec<String>> {
    let of_type = |name: &'static str| resources.iter().filter(move |it| it.type_name == name);
    let roles: BTreeMap<(&str, &str), &str> = of_type("AWS::IAM::Role")
        .map(|role| ((role.account.as_str(), role.id.as_str()), role.key.as_str()))
        .collect();
    let mut found = BTreeMap::new();
    for profile in of_type("AWS::IAM::InstanceProfile") {
        let seen = see(profile, "properties.Roles");
        let names = as_list(seen.value()).iter().filter_map(Value::as_str);
        let arns: Vec<String> = names
            .filter_map(|name| roles.get(&(profile.account.as_str(), name)))
            .map(|arn| (*arn).to_owned())
            .collect();
        if !arns.is_empty() {
            found.insert((profile.account.clone(), profile.id.clone()), arns);
        }
    }
    found
}

/// The services, by `eventSource`, of whose every resource in an account a trail records data
/// events, reads and writes: a logging trail of all Regions, of the account or its organization,
/// whose selectors leave nothing out.
pub fn data_recorded_wholly(resources: &[Resource], account: &str) -> BTreeSet<String> {
    let mut sources = BTreeSet::new();
    for trail in resources.iter().filter(|it| it.type_name == "AWS::CloudTrail::Trail") {
        let is = |path: &str| see(trail, path).value() == Some(&Value::Bool(true));
        let ours = trail.account == account || is("properties.IsOrganizationTrail");
        if !ours || !is("properties.IsLogging") || !is("properties.IsMultiRegionTrail") {
            continue;
        }
        for selector in as_list(see(trail, "properties.EventSelectors").value()) {
            sources.extend(of_selector(selector));
        }
        for selector in as_list(see(trail, "properties.AdvancedEventSelectors").value()) {
            sources.extend(of_advanced(selector));
        }
    }
    sources
}

/// Services that a basic selector names as a whole: `arn:aws:s3`, `arn:aws:lambda`.
fn of_selector(selector: &Value) -> BTreeSet<String> {
    if text(selector, "ReadWriteType") != Some("All") {
        return BTreeSet::new();
    }
    as_list(selector.get("DataResources"))
        .iter()
        .flat_map(|data| as_list(data.get("Values")))
        .filter_map(Value::as_str)
        .filter_map(|arn| arn.strip_prefix("arn:")?.split_once(':'))
        .map(|(_, service)| service.trim_end_matches(":::"))
        .filter(|service| !service.is_empty() && !service.contains(':'))
        .map(|service| format!("{service}.amazonaws.com"))
        .collect()
}

/// The service of an advanced selector that asks for nothing but the type.
fn of_advanced(selector: &Value) -> Option<String> {
    let mut kind = None;
    let mut data = false;
    for field in as_list(selector.get("FieldSelectors")) {
        let equals = as_list(field.get("Equals"));
        match (text(field, "Field")?, equals) {
            ("eventCategory", [only]) => data = only == "Data",
            ("resources.type", [only]) => kind = only.as_str(),
            _ => return None,
        }
    }
    // Objects stand for S3; its access points and the like are recorded apart.
    let service = match kind? {
        "AWS::S3::Object" => "s3",
        "AWS::Lambda::Function" => "lambda",
        "AWS::DynamoDB::Table" => "dynamodb",
        "AWS::SNS::Topic" => "sns",
        "AWS::SQS::Queue" => "sqs",
        "AWS::Kinesis::Stream" => "kinesis",
        _ => return None,
    };
    data.then(|| format!("{service}.amazonaws.com"))
}
