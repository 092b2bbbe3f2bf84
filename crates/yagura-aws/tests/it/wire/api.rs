//! The committed table opens, whole and damaged, and knows what AWS documents.

use serde_json::json;
use yagura_aws::api::{AccessLevel, ApiError, EndpointDiscovery, OperationAuth, Protocol};
use yagura_aws::{Actions, Api};

use super::{ACTIONS, API, TABLE};

#[test]
fn every_service_opens() {
    let (mut services, mut operations) = (0, 0);
    for name in API.services() {
        let service = API.service(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        services += 1;
        operations += service.operations().len();
    }
    assert_eq!((services, operations), (439, 19_796));
}

#[test]
fn only_three_services_speak_nothing_but_cbor() {
    let unspoken: Vec<&str> = API
        .services()
        .filter(|name| API.service(name).unwrap().protocol() == Protocol::RpcV2Cbor)
        .collect();
    let known = ["cloudwatchomni", "eventbridgev2", "partnercentral-revenue-measurement"];
    assert_eq!(unspoken, known);
}

#[test]
fn services_have_the_facts_that_requests_need() {
    for (name, protocol, signing_name, version) in [
        ("s3", Protocol::RestXml, "s3", "2006-03-01"),
        ("iam", Protocol::Query, "iam", "2010-05-08"),
        ("ec2", Protocol::Ec2, "ec2", "2016-11-15"),
        ("elbv2", Protocol::Query, "elasticloadbalancing", "2015-12-01"),
        ("dynamodb", Protocol::Json, "dynamodb", "2012-08-10"),
        ("lambda", Protocol::RestJson, "lambda", "2015-03-31"),
        ("sqs", Protocol::Json, "sqs", "2012-11-05"),
        ("cloudwatch", Protocol::Json, "monitoring", "2010-08-01"),
        ("sso-admin", Protocol::Json, "sso", "2020-07-20"),
    ] {
        let service = API.service(name).unwrap();
        let facts = (service.protocol(), service.signing_name(), service.api_version());
        assert_eq!(facts, (protocol, signing_name, version), "{name}");
    }
}

#[test]
fn unknown_names_are_answered_with_their_neighbors() {
    let unknown = API.service("s33").unwrap_err();
    assert_eq!(unknown.to_string(), "there is no service `s33`; did you mean `s3`?");
    let unknown = API.service("s3").unwrap().operation("ListBucket").unwrap_err();
    assert!(unknown.to_string().ends_with("did you mean `ListBuckets`?"), "{unknown}");
}

#[test]
fn inputs_are_checked_against_the_model() {
    let service = API.service("ec2").unwrap();
    let operation = service.operation("DescribeInstances").unwrap();
    let check = |input| {
        let problems = operation.check_input(&input).err().unwrap_or_default();
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(check(json!({"InstanceIds": ["i-1"], "MaxResults": 5})), "");
    assert_eq!(
        check(json!({"MaxResult": 5})),
        "`MaxResult` is unknown; did you mean `MaxResults`?"
    );
    assert_eq!(check(json!({"MaxResults": "5"})), "`MaxResults` must be an integer");
    assert_eq!(
        check(json!({"Filters": [{"Name": "x"}, {"name": "x"}]})),
        "`Filters[1].name` is unknown; did you mean `Name`?"
    );
    let s3 = API.service("s3").unwrap();
    let missing = s3.operation("GetBucketAcl").unwrap().check_input(&json!({})).unwrap_err();
    assert_eq!(missing[0].to_string(), "`Bucket` is required");
}

#[test]
fn output_paths_are_found_through_lists_maps_and_documents() {
    for (service, operation, path, found) in [
        ("ec2", "DescribeInstances", "Reservations.Instances.InstanceId", true),
        ("ec2", "DescribeInstances", "Reservations.*.Instances.0.Tags.Key", true),
        ("ec2", "DescribeInstances", "Reservations.Instances.InstanceID", false),
        ("sqs", "GetQueueAttributes", "Attributes.Policy", true),
        ("lambda", "GetPolicy", "Policy", true),
        ("lambda", "GetPolicy", "Policy.Statement", false),
        ("s3", "ListBuckets", "Buckets.Name", true),
        ("s3", "ListBuckets", "Bucket", false),
    ] {
        let service = API.service(service).unwrap();
        let operation = service.operation(operation).unwrap();
        let path: Vec<&str> = path.split('.').collect();
        assert_eq!(operation.has_output_path(&path), found, "{path:?}");
    }
}

#[test]
fn paging_goes_on_until_the_token_ends() {
    let check = |service: &str, operation: &str, output, expected| {
        let service = API.service(service).unwrap();
        let paginator = service.operation(operation).unwrap().paginator().unwrap();
        let next = paginator.next(&output).map(serde_json::Value::Object);
        assert_eq!(next, expected, "{operation}");
    };
    let marker = Some(json!({"Marker": "m"}));
    check("iam", "ListUsers", json!({"IsTruncated": true, "Marker": "m"}), marker);
    check("iam", "ListUsers", json!({"IsTruncated": false, "Marker": "m"}), None);
    check("ec2", "DescribeVpcs", json!({"NextToken": ""}), None);
    check("ec2", "DescribeVpcs", json!({"NextToken": "t"}), Some(json!({"NextToken": "t"})));
    let page = json!({"IsTruncated": true, "Contents": [{"Key": "a"}, {"Key": "b"}]});
    check("s3", "ListObjects", page, Some(json!({"Marker": "b"})));
    let page = json!({"IsTruncated": true, "NextRecordName": "n", "NextRecordType": "A"});
    let next = json!({"StartRecordName": "n", "StartRecordType": "A"});
    check("route53", "ListResourceRecordSets", page, Some(next));
}

#[test]
fn paginators_name_members_that_exist() {
    for name in API.services() {
        let service = API.service(name).unwrap();
        for operation in service.operations() {
            let Some(paginator) = operation.paginator() else { continue };
            for token in paginator.input_tokens() {
                let path: Vec<&str> = token.split('.').collect();
                assert!(operation.has_input_path(&path), "{name}:{} {token}", operation.name());
            }
        }
    }
}

#[test]
fn waiters_judge_answers() {
    let service = API.service("ec2").unwrap();
    let waiter = service.waiter("InstanceRunning").unwrap();
    assert_eq!((waiter.operation(), waiter.delay_seconds()), ("DescribeInstances", 15));
    let with = |state: &str| json!({"Reservations": [{"Instances": [{"State": {"Name": state}}]}]});
    use yagura_aws::api::WaiterState::{Failure, Retry, Success};
    for (state, expected) in [("running", Success), ("pending", Retry), ("terminated", Failure)] {
        assert_eq!(waiter.judge(200, None, &with(state)), Some(expected), "{state}");
    }
    let lost = waiter.judge(400, Some("InvalidInstanceID.NotFound"), &json!(null));
    assert_eq!(lost, Some(Retry));
    assert_eq!(waiter.judge(400, Some("Unheard"), &json!(null)), None);
}

#[test]
fn operations_say_how_they_are_signed_and_found() {
    let auth = |service: &str, operation: &str| {
        API.service(service).unwrap().operation(operation).unwrap().auth()
    };
    assert_eq!(auth("sts", "AssumeRoleWithSAML"), OperationAuth::None);
    assert_eq!(auth("sts", "GetCallerIdentity"), OperationAuth::Service);
    assert_eq!(auth("glacier", "ListVaults"), OperationAuth::Service);
    let timestream = API.service("timestream-query").unwrap();
    let query = timestream.operation("Query").unwrap();
    assert_eq!(query.endpoint_discovery(), EndpointDiscovery::Required);
    let s3 = API.service("s3").unwrap();
    assert!(s3.operation("GetObject").unwrap().has_streaming_output());
    assert!(s3.operation("SelectObjectContent").unwrap().has_event_stream());
}

#[test]
fn damaged_tables_are_refused_and_never_panic() {
    let open = |bytes: Vec<u8>| {
        let api = Api::open(Box::leak(bytes.into_boxed_slice()))?;
        api.service("sts").map(|_| ())
    };
    assert_eq!(open(Vec::new()), Err(ApiError::NotATable));
    assert_eq!(open(b"PK\x03\x04 something else entirely".to_vec()), Err(ApiError::NotATable));
    for length in [1, 8, 16, 20, 21, 25, 1000, TABLE.len() - 1] {
        assert!(open(TABLE[..length].to_vec()).is_err(), "cut at {length}");
    }
    let mut newer = TABLE.to_vec();
    newer[16] = 99;
    assert_eq!(open(newer), Err(ApiError::Version { found: 99, known: 1 }));
}

#[test]
fn actions_have_levels_resources_and_conditions() {
    let actions = Actions::open(ACTIONS).unwrap();
    for (name, level) in [
        ("s3:ListAllMyBuckets", AccessLevel::List),
        ("s3:GetObject", AccessLevel::Read),
        ("s3:PutBucketPolicy", AccessLevel::Permissions),
        ("ec2:TerminateInstances", AccessLevel::Write),
        ("ec2:CreateTags", AccessLevel::Tagging),
        ("EC2:describeinstances", AccessLevel::List),
    ] {
        assert_eq!(actions.action(name).map(|action| action.access_level), Some(level), "{name}");
    }
    assert_eq!(actions.action("s3:Nonsense"), None);
    let get = actions.action("s3:GetObject").unwrap();
    let object = get.resource_types.iter().find(|one| &*one.name == "object").unwrap();
    assert!(object.arn.as_deref().unwrap().contains(":s3:::"), "{:?}", object.arn);
    assert!(get.condition_keys.iter().any(|key| &**key == "s3:ExistingObjectTag/<key>"));
    assert!(actions.all().count() > 20_000);
    assert!(matches!(Actions::open(b"no table"), Err(ApiError::NotATable)));
}
