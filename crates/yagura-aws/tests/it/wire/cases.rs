//! One case for each feature of each protocol, in both directions.
//! Broken and hostile bytes are in `hostile.rs`, errors in `failures.rs`.

use serde_json::{Value, json};
use yagura_aws::protocol::EncodeError;

use super::{API, decode, encode};

/// What must be in a request; `body` is compared whole, headers only where given.
#[track_caller]
fn request(
    (service, operation): (&str, &str),
    input: &Value,
    first_line: &str,
    headers: &[(&str, &str)],
    body: &str,
) {
    let request = encode(service, operation, input).unwrap_or_else(|error| panic!("{error}"));
    let target = request.uri().path_and_query().unwrap().as_str();
    assert_eq!(format!("{} {target}", request.method()), first_line);
    for (name, value) in headers {
        let found = request.headers().get(*name).map(|found| found.to_str().unwrap());
        assert_eq!(found, Some(*value), "{name}");
    }
    assert_eq!(std::str::from_utf8(request.body()).unwrap(), body);
}

#[track_caller]
fn answer(
    (service, operation): (&str, &str),
    status: u16,
    headers: &[(&str, &str)],
    body: &str,
    output: Value,
) {
    let api = API.service(service).unwrap();
    api.operation(operation).unwrap().check_output(&output).unwrap();
    let found = decode(service, operation, status, headers, body);
    assert_eq!(found.map_err(|error| error.to_string()), Ok(output));
}

#[test]
fn json_requests_name_their_target() {
    let headers = [
        ("x-amz-target", "AWSOrganizationsV20161128.ListAccounts"),
        ("content-type", "application/x-amz-json-1.1"),
    ];
    request(("organizations", "ListAccounts"), &json!({}), "POST /", &headers, "{}");
    let headers = [("content-type", "application/x-amz-json-1.0")];
    request(
        ("dynamodb", "DescribeTable"),
        &json!({"TableName": "表"}),
        "POST /",
        &headers,
        r#"{"TableName":"表"}"#,
    );
}

#[test]
fn services_that_left_query_say_so() {
    let headers = [("x-amzn-query-mode", "true"), ("x-amz-target", "AmazonSQS.ListQueues")];
    request(("sqs", "ListQueues"), &json!({}), "POST /", &headers, "{}");
}

#[test]
fn json_times_are_numbers_and_are_read_from_any_form() {
    request(
        ("cloudtrail", "LookupEvents"),
        &json!({"StartTime": "2026-11-21T19:50:00.5Z"}),
        "POST /",
        &[],
        r#"{"StartTime":1795290600.5}"#,
    );
    for wire in ["1795290600", "1795290600.0", "1.7952906E9", r#""2026-11-21T19:50:00Z""#] {
        answer(
            ("secretsmanager", "DescribeSecret"),
            200,
            &[],
            &format!(r#"{{"Name":"n","CreatedDate":{wire}}}"#),
            json!({"Name": "n", "CreatedDate": "2026-11-21T19:50:00Z"}),
        );
    }
}

#[test]
fn unknown_members_and_nulls_are_left_out() {
    answer(
        ("kms", "DescribeKey"),
        200,
        &[],
        r#"{"KeyMetadata":{"KeyId":"k","Enabled":true,"NewThing":1,"Origin":null},"X":{}}"#,
        json!({"KeyMetadata": {"KeyId": "k", "Enabled": true}}),
    );
}

#[test]
fn empty_answers_are_empty_objects() {
    answer(("kms", "DescribeKey"), 200, &[], "", json!({}));
    answer(("lambda", "ListFunctions"), 200, &[], " ", json!({}));
    answer(("s3", "ListBuckets"), 200, &[], "", json!({}));
}

#[test]
fn empty_lists_on_the_wire_are_kept() {
    answer(("kms", "ListKeys"), 200, &[], r#"{"Keys":[]}"#, json!({"Keys": []}));
    answer(
        ("iam", "ListUsers"),
        200,
        &[],
        "<ListUsersResponse><ListUsersResult><Users/></ListUsersResult></ListUsersResponse>",
        json!({"Users": []}),
    );
}

#[test]
fn unions_documents_and_blobs_pass_through_json() {
    answer(
        ("dynamodb", "GetItem"),
        200,
        &[],
        r#"{"Item":{"a":{"S":"x"},"b":{"B":"aGk="},"c":{"NULL":true},"d":{"L":[{"N":"1"}]}}}"#,
        json!({"Item": {
            "a": {"S": "x"}, "b": {"B": "aGk="}, "c": {"NULL": true}, "d": {"L": [{"N": "1"}]},
        }}),
    );
    let two = json!({"analyzerArn": "a", "configurations": {"x": {
        "iamRole": {"trustPolicy": "{}"}, "sqsQueue": {"queuePolicy": "{}"},
    }}});
    let error = encode("accessanalyzer", "CreateAccessPreview", &two).unwrap_err();
    assert!(error.to_string().contains("must have exactly one member"), "{error}");
}

#[test]
fn rest_requests_bind_labels_queries_and_headers() {
    request(
        ("lambda", "GetPolicy"),
        &json!({"FunctionName": "a/b c:あ", "Qualifier": "$LATEST"}),
        "GET /2015-03-31/functions/a%2Fb%20c%3A%E3%81%82/policy?Qualifier=%24LATEST",
        &[],
        "",
    );
    request(
        ("s3", "GetObject"),
        &json!({"Bucket": "logs", "Key": "a/b c+d?é", "Range": "bytes=0-9",
                "IfModifiedSince": "2026-11-21T19:50:00Z"}),
        "GET /logs/a/b%20c%2Bd%3F%C3%A9",
        &[("range", "bytes=0-9"), ("if-modified-since", "Sat, 21 Nov 2026 19:50:00 GMT")],
        "",
    );
    request(
        ("s3", "GetBucketAcl"),
        &json!({"Bucket": "logs", "ExpectedBucketOwner": "123456789012"}),
        "GET /logs?acl",
        &[("x-amz-expected-bucket-owner", "123456789012")],
        "",
    );
    request(
        ("iot", "ListThings"),
        &json!({"usePrefixAttributeValue": true, "maxResults": 5}),
        "GET /things?maxResults=5&usePrefixAttributeValue=true",
        &[],
        "",
    );
}

#[test]
fn query_string_lists_repeat_and_maps_spread() {
    request(
        ("eks", "DescribeAddonVersions"),
        &json!({"types": ["a", "b&c"]}),
        "GET /addons/supported-versions?types=a&types=b%26c",
        &[],
        "",
    );
    request(
        ("apigateway", "GetExport"),
        &json!({"restApiId": "r", "stageName": "s", "exportType": "oas30",
                "parameters": {"extensions": "apigateway"}}),
        "GET /restapis/r/stages/s/exports/oas30?extensions=apigateway",
        &[("accept", "application/json")],
        "",
    );
}

#[test]
fn rest_json_bodies_hold_what_has_no_other_place() {
    request(
        ("accessanalyzer", "ListFindings"),
        &json!({"analyzerArn": "a", "filter": {"status": {"eq": ["ACTIVE"]}}}),
        "POST /finding",
        &[("content-type", "application/json")],
        r#"{"analyzerArn":"a","filter":{"status":{"eq":["ACTIVE"]}}}"#,
    );
    request(("macie2", "GetMacieSession"), &json!({}), "GET /macie", &[], "");
    request(
        ("inspector2", "BatchGetAccountStatus"),
        &json!({}),
        "POST /status/batch/get",
        &[],
        "{}",
    );
}

#[test]
fn prefixed_headers_become_maps_both_ways() {
    request(
        ("s3", "PutObject"),
        &json!({"Bucket": "b", "Key": "k", "Body": "aGk=", "Metadata": {"Owner": "me"}}),
        "PUT /b/k",
        &[("x-amz-meta-owner", "me"), ("content-type", "application/octet-stream")],
        "hi",
    );
    answer(
        ("s3", "HeadObject"),
        200,
        &[
            ("content-length", "2"),
            ("x-amz-meta-owner", "me"),
            ("last-modified", "Sat, 21 Nov 2026 19:50:00 GMT"),
            ("x-amz-delete-marker", "false"),
            ("expires", "some day"),
        ],
        "",
        json!({"DeleteMarker": false, "LastModified": "2026-11-21T19:50:00Z",
               "ContentLength": 2, "Metadata": {"owner": "me"}}),
    );
}

#[test]
fn payload_members_are_the_whole_body() {
    answer(("s3", "GetBucketPolicy"), 200, &[], "{\"a\": 1}", json!({"Policy": "{\"a\": 1}"}));
    answer(
        ("s3", "GetObject"),
        200,
        &[("content-type", "text/plain")],
        "hi",
        json!({"Body": "aGk=", "ContentType": "text/plain"}),
    );
    answer(
        ("lambda", "Invoke"),
        200,
        &[("x-amz-executed-version", "$LATEST")],
        "{}",
        json!({"Payload": "e30=", "StatusCode": 200, "ExecutedVersion": "$LATEST"}),
    );
    answer(
        ("cloudfront", "GetDistribution"),
        200,
        &[("etag", "E1")],
        "<Distribution xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"><Id>D1</Id>\
         <InProgressInvalidationBatches>0</InProgressInvalidationBatches></Distribution>",
        json!({"Distribution": {"Id": "D1", "InProgressInvalidationBatches": 0}, "ETag": "E1"}),
    );
}

#[test]
fn rest_xml_bodies_have_namespaces_attributes_and_checksums() {
    let body = "<PublicAccessBlockConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
                <BlockPublicAcls>true</BlockPublicAcls></PublicAccessBlockConfiguration>";
    request(
        ("s3", "PutPublicAccessBlock"),
        &json!({"Bucket": "b", "PublicAccessBlockConfiguration": {"BlockPublicAcls": true}}),
        "PUT /b?publicAccessBlock",
        &[("x-amz-sdk-checksum-algorithm", "CRC32"), ("content-type", "application/xml")],
        body,
    );
    let grants = json!({"Bucket": "b", "AccessControlPolicy": {"Grants": [
        {"Grantee": {"Type": "CanonicalUser", "ID": "i<&"}, "Permission": "READ"},
    ]}});
    let request = encode("s3", "PutBucketAcl", &grants).unwrap();
    let body = std::str::from_utf8(request.body()).unwrap();
    let grantee = "<Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
                   xsi:type=\"CanonicalUser\"><ID>i&lt;&amp;</ID></Grantee>";
    assert!(body.contains(grantee), "{body}");
}

#[test]
fn xml_attributes_and_flattened_lists_are_read() {
    answer(
        ("s3", "GetBucketAcl"),
        200,
        &[],
        "<AccessControlPolicy><Owner><ID>o</ID></Owner><AccessControlList><Grant>\
         <Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"Group\">\
         <URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee>\
         <Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>",
        json!({"Owner": {"ID": "o"}, "Grants": [{
            "Grantee": {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"},
            "Permission": "READ",
        }]}),
    );
    answer(
        ("s3", "GetBucketCors"),
        200,
        &[],
        "<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod>\
         <AllowedMethod>PUT</AllowedMethod><AllowedOrigin>*</AllowedOrigin></CORSRule>\
         </CORSConfiguration>",
        json!({"CORSRules": [{"AllowedMethods": ["GET", "PUT"], "AllowedOrigins": ["*"]}]}),
    );
}

#[test]
fn the_location_of_a_bucket_is_its_root_element() {
    let xml = |inner: &str| {
        format!(
            "<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{inner}\
                 </LocationConstraint>"
        )
    };
    let location = ("s3", "GetBucketLocation");
    answer(location, 200, &[], &xml("eu-west-1"), json!({"LocationConstraint": "eu-west-1"}));
    answer(location, 200, &[], &xml(""), json!({}));
}

#[test]
fn query_requests_number_their_lists() {
    let headers = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
    request(
        ("iam", "SimulatePrincipalPolicy"),
        &json!({"PolicySourceArn": "arn:aws:iam::1:user/u", "ActionNames": ["s3:Get*", "a b"],
                "ContextEntries": [{"ContextKeyName": "k", "ContextKeyValues": ["v"]}]}),
        "POST /",
        &headers,
        "Action=SimulatePrincipalPolicy&Version=2010-05-08\
         &PolicySourceArn=arn%3Aaws%3Aiam%3A%3A1%3Auser%2Fu\
         &ActionNames.member.1=s3%3AGet%2A&ActionNames.member.2=a%20b\
         &ContextEntries.member.1.ContextKeyName=k\
         &ContextEntries.member.1.ContextKeyValues.member.1=v",
    );
    request(
        ("sns", "CreateTopic"),
        &json!({"Name": "t", "Attributes": {"DisplayName": "d"}, "Tags": []}),
        "POST /",
        &headers,
        "Action=CreateTopic&Version=2010-03-31&Name=t&Attributes.entry.1.key=DisplayName\
         &Attributes.entry.1.value=d&Tags=",
    );
}

#[test]
fn ec2_requests_capitalize_and_flatten() {
    request(
        ("ec2", "DescribeInstances"),
        &json!({"InstanceIds": ["i-1"], "DryRun": false, "MaxResults": 5,
                "Filters": [{"Name": "vpc-id", "Values": ["v", "w"]}]}),
        "POST /",
        &[],
        "Action=DescribeInstances&Version=2016-11-15&InstanceId.1=i-1&DryRun=false\
         &Filter.1.Name=vpc-id&Filter.1.Value.1=v&Filter.1.Value.2=w&MaxResults=5",
    );
    request(
        ("ec2", "ModifyInstanceMetadataOptions"),
        &json!({"InstanceId": "i-1", "HttpTokens": "required"}),
        "POST /",
        &[],
        "Action=ModifyInstanceMetadataOptions&Version=2016-11-15&InstanceId=i-1\
         &HttpTokens=required",
    );
}

#[test]
fn ec2_answers_are_items_without_a_wrapper() {
    answer(
        ("ec2", "DescribeVpcs"),
        200,
        &[],
        "<DescribeVpcsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
         <requestId>r</requestId><vpcSet><item><vpcId>vpc-1</vpcId><isDefault>true</isDefault>\
         <tagSet><item><key>名</key><value/></item></tagSet></item></vpcSet>\
         </DescribeVpcsResponse>",
        json!({"Vpcs": [{
            "IsDefault": true, "Tags": [{"Key": "名", "Value": ""}], "VpcId": "vpc-1",
        }]}),
    );
}

#[test]
fn query_maps_and_wrappers_are_read() {
    answer(
        ("iam", "GetAccountSummary"),
        200,
        &[],
        "<GetAccountSummaryResponse><GetAccountSummaryResult><SummaryMap>\
         <entry><key>AccountMFAEnabled</key><value>1</value></entry>\
         <entry><key>Users</key><value>27</value></entry></SummaryMap>\
         </GetAccountSummaryResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>\
         </GetAccountSummaryResponse>",
        json!({"SummaryMap": {"AccountMFAEnabled": 1, "Users": 27}}),
    );
    answer(
        ("iam", "GetCredentialReport"),
        200,
        &[],
        "<GetCredentialReportResponse><GetCredentialReportResult><Content>YSxi\nCg==</Content>\
         <GeneratedTime>2026-11-21T19:50:00Z</GeneratedTime></GetCredentialReportResult>\
         </GetCredentialReportResponse>",
        json!({"Content": "YSxiCg==", "GeneratedTime": "2026-11-21T19:50:00Z"}),
    );
}

#[test]
fn lists_in_headers_are_quoted_and_split() {
    answer(
        ("s3", "GetObjectAttributes"),
        200,
        &[("x-amz-version-id", "v")],
        "<GetObjectAttributesResponse><ObjectSize>3</ObjectSize></GetObjectAttributesResponse>",
        json!({"VersionId": "v", "ObjectSize": 3}),
    );
    request(
        ("s3", "GetObjectAttributes"),
        &json!({"Bucket": "b", "Key": "k", "ObjectAttributes": ["ETag", "a,b"]}),
        "GET /b/k?attributes",
        &[("x-amz-object-attributes", "ETag,\"a,b\"")],
        "",
    );
}

#[test]
fn labels_must_be_given_and_cannot_climb() {
    for (key, what) in [("", "must not be empty"), ("..", "dot segment")] {
        let error = encode("lambda", "GetPolicy", &json!({"FunctionName": key})).unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
    }
    let error = encode("lambda", "GetPolicy", &json!({})).unwrap_err();
    assert!(error.to_string().contains("`FunctionName` is required"), "{error}");
}

#[test]
fn headers_cannot_be_split() {
    let input = json!({"Bucket": "b", "ExpectedBucketOwner": "1\r\nx-evil: 1"});
    let error = encode("s3", "GetBucketAcl", &input).unwrap_err();
    assert!(matches!(error, EncodeError::Member { .. }), "{error}");
}

#[test]
fn single_services_have_their_ways() {
    request(
        ("route53", "GetHostedZone"),
        &json!({"Id": "/hostedzone/Z1"}),
        "GET /2013-04-01/hostedzone/Z1",
        &[],
        "",
    );
    request(
        ("glacier", "ListVaults"),
        &json!({}),
        "GET /-/vaults",
        &[("x-amz-glacier-version", "2012-06-01")],
        "",
    );
}

#[test]
fn what_is_not_spoken_is_refused_by_name() {
    let unspoken: Vec<String> = API
        .services()
        .map(|name| API.service(name).unwrap())
        .filter(|service| !service.protocol().is_spoken())
        .map(|service| service.name().to_owned())
        .collect();
    for name in &unspoken {
        let service = API.service(name).unwrap();
        let takes_nothing = |o: &&yagura_aws::api::Operation| o.check_input(&json!({})).is_ok();
        let Some(operation) = service.operations().iter().find(takes_nothing) else { continue };
        let error = encode(name, operation.name(), &json!({})).unwrap_err();
        assert!(matches!(error, EncodeError::Protocol { .. }), "{error}");
    }
    let streams = json!({"Bucket": "b", "Key": "k", "Expression": "s", "ExpressionType": "SQL",
        "InputSerialization": {}, "OutputSerialization": {}});
    let error = encode("s3", "SelectObjectContent", &streams).unwrap_err();
    assert!(matches!(error, EncodeError::EventStream { .. }), "{error}");
}

#[test]
fn idempotency_tokens_are_filled_once() {
    let service = API.service("ec2").unwrap();
    let operation = service.operation("RunInstances").unwrap();
    let mut input = json!({"MinCount": 1, "MaxCount": 1});
    let fill = |input: &mut Value, token: &str| {
        let token = || token.to_owned();
        yagura_aws::protocol::fill_idempotency_tokens(operation, input, token);
    };
    fill(&mut input, "one");
    fill(&mut input, "two");
    assert_eq!(input["ClientToken"], "one");
}
