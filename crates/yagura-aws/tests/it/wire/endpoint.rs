//! Endpoints: a golden file, and every rule set for every region of every partition.
//! The golden file was compared with botocore 1.44.5 when it was written.

use std::fmt::Write as _;

use serde_json::{Value, json};
use yagura_aws::endpoint::{AuthScheme, EndpointError, EndpointSettings, resolve};

use super::API;

fn line(service: &str, operation: &str, input: &Value, settings: &EndpointSettings) -> String {
    let service = API.service(service).unwrap();
    let operation = service.operation(operation).unwrap();
    match resolve(&service, operation, input, settings) {
        Ok(endpoint) => format!(
            "{} as {}/{}{}",
            endpoint.url,
            endpoint.signing_name,
            endpoint.signing_region,
            if endpoint.auth_scheme == AuthScheme::SigV4 {
                String::new()
            } else {
                format!(" {:?}", endpoint.auth_scheme)
            }
        ),
        Err(error) => format!("error: {error}"),
    }
}

type Case = (&'static str, &'static str, Value);

fn golden_cases() -> Vec<Case> {
    vec![
        ("iam", "ListUsers", json!({})),
        ("sts", "GetCallerIdentity", json!({})),
        ("s3", "ListBuckets", json!({})),
        ("s3", "GetBucketAcl", json!({"Bucket": "logs"})),
        ("s3", "GetBucketAcl", json!({"Bucket": "dotted.logs"})),
        ("s3", "GetBucketAcl", json!({"Bucket": "Upper_Case"})),
        ("s3control", "GetPublicAccessBlock", json!({"AccountId": "123456789012"})),
        ("ec2", "DescribeVpcs", json!({})),
        ("organizations", "ListAccounts", json!({})),
        ("route53", "ListHostedZones", json!({})),
        ("cloudfront", "ListDistributions", json!({})),
        ("dynamodb", "DescribeTable", json!({"TableName": "t"})),
        ("ecr", "DescribeRepositories", json!({})),
        ("support", "DescribeTrustedAdvisorChecks", json!({"language": "en"})),
    ]
}

#[test]
fn endpoints_are_those_of_the_golden_file() {
    let mut found = String::new();
    for (service, operation, input) in golden_cases() {
        for region in ["us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1"] {
            for (label, fips, dual_stack) in [("", false, false), (" fips dual", true, true)] {
                let mut settings = EndpointSettings::new(region);
                (settings.fips, settings.dual_stack) = (fips, dual_stack);
                let bucket = input.get("Bucket").map(|b| format!(" {b}")).unwrap_or_default();
                let answer = line(service, operation, &input, &settings);
                writeln!(found, "{service}{bucket} {region}{label}: {answer}").unwrap();
            }
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/wire/endpoints.golden");
    if std::env::var_os("YAGURA_GOLDEN").is_some() {
        std::fs::write(path, &found).unwrap();
    }
    let golden = std::fs::read_to_string(path).unwrap();
    for (golden, found) in golden.lines().zip(found.lines()) {
        assert_eq!(golden, found);
    }
    assert_eq!(golden.lines().count(), found.lines().count());
}

#[test]
fn every_rule_set_evaluates_for_every_region_of_every_partition() {
    let regions: Vec<String> = API
        .partitions()
        .iter()
        .flat_map(|partition| partition.regions.iter().map(ToString::to_string))
        .collect();
    assert!(regions.len() > 40);
    let (mut resolved, mut broken) = (0, Vec::new());
    for name in API.services() {
        let service = API.service(name).unwrap();
        // An operation that takes nothing for its address says the most about the service.
        let plain = service.operations().iter().find(|o| o.host_prefix().is_none());
        let Some(operation) = plain else { continue };
        for region in &regions {
            let settings = EndpointSettings::new(region.clone());
            match resolve(&service, operation, &json!({}), &settings) {
                Ok(endpoint) => {
                    assert!(endpoint.url.starts_with("https://"), "{name} {region}");
                    assert!(!endpoint.signing_region.is_empty(), "{name} {region}");
                    resolved += 1;
                }
                Err(EndpointError::Refused { .. }) => {}
                Err(other) => broken.push(format!("{name} {region}: {other}")),
            }
        }
    }
    assert!(broken.is_empty(), "{broken:?}");
    assert!(resolved > 17_000, "{resolved}");
}

#[test]
fn an_override_takes_everything() {
    let mut settings = EndpointSettings::new("eu-west-1");
    settings.override_url = Some("http://localhost:4566/base".to_owned());
    for (service, operation, input, url) in [
        ("iam", "ListUsers", json!({}), "http://localhost:4566/base as iam/eu-west-1"),
        (
            "s3",
            "GetBucketAcl",
            json!({"Bucket": "logs"}),
            "http://localhost:4566/base/logs as s3/eu-west-1",
        ),
        (
            "s3control",
            "GetPublicAccessBlock",
            json!({"AccountId": "123456789012"}),
            "http://localhost:4566/base as s3/eu-west-1",
        ),
        (
            "servicediscovery",
            "DiscoverInstances",
            json!({"NamespaceName": "n", "ServiceName": "s"}),
            "http://localhost:4566/base as servicediscovery/eu-west-1",
        ),
    ] {
        assert_eq!(line(service, operation, &input, &settings), url);
    }
}

#[test]
fn an_override_that_is_no_address_is_refused() {
    for url in ["localhost:5000", "ftp://x", "https://u:p@host", "https://host?x=1", ""] {
        let mut settings = EndpointSettings::new("eu-west-1");
        settings.override_url = Some(url.to_owned());
        let answer = line("iam", "ListUsers", &json!({}), &settings);
        assert!(answer.starts_with("error: ") && answer.contains("is not a URL"), "{answer}");
    }
}

#[test]
fn host_prefixes_hold_only_host_names() {
    let settings = EndpointSettings::new("eu-west-1");
    let input = json!({"NamespaceName": "n", "ServiceName": "s"});
    let answer = line("servicediscovery", "DiscoverInstances", &input, &settings);
    assert!(answer.starts_with("https://data-servicediscovery.eu-west-1."), "{answer}");
    for account in ["1/../evil.example", "a@b", "", "1 2"] {
        let input = json!({"AccountId": account});
        let answer = line("s3control", "GetPublicAccessBlock", &input, &settings);
        assert!(answer.starts_with("error: "), "{answer}");
    }
}

#[test]
fn pseudo_regions_are_signed_for_the_region_behind_them() {
    let settings = EndpointSettings::new("aws-global");
    for (service, operation) in [("iam", "ListUsers"), ("organizations", "ListAccounts")] {
        let answer = line(service, operation, &json!({}), &settings);
        assert!(answer.ends_with("/us-east-1"), "{answer}");
    }
}

#[test]
fn global_accelerator_is_asked_in_its_only_region() {
    let list = |region: &str| {
        let settings = EndpointSettings::new(region);
        line("globalaccelerator", "ListAccelerators", &json!({}), &settings)
    };
    let home = "https://globalaccelerator.us-west-2.amazonaws.com as globalaccelerator/us-west-2";
    for region in ["us-east-1", "ap-northeast-1", "us-west-2"] {
        assert_eq!(list(region), home, "{region}");
    }
    // Other partitions do not have it; their hosts do not exist.
    for region in ["cn-north-1", "us-gov-west-1"] {
        assert!(list(region).contains(region), "{}", list(region));
    }
}

#[test]
fn account_endpoints_carry_the_account_when_asked() {
    let mut settings = EndpointSettings::new("eu-west-1");
    settings.account_id = Some("123456789012".to_owned());
    settings.account_id_mode = Some("preferred".to_owned());
    let answer = line("dynamodb", "ListTables", &json!({}), &settings);
    assert!(answer.starts_with("https://123456789012.ddb.eu-west-1."), "{answer}");
}
