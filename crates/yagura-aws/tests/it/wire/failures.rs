//! Errors of every protocol: code, message and request id, wherever they stand.
//! Answers that are broken rather than errors are in `hostile.rs`.

use yagura_aws::protocol::{AnswerError, ServiceError};
use yagura_testkit::wire::{Failure, encode_error};

use super::{API, decode};

#[track_caller]
fn error(
    (service, operation): (&str, &str),
    status: u16,
    headers: &[(&str, &str)],
    body: &str,
) -> ServiceError {
    match decode(service, operation, status, headers, body) {
        Err(AnswerError::Service(error)) => *error,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn check(found: &ServiceError, code: &str, message: &str, request_id: &str) {
    let request_id = (!request_id.is_empty()).then_some(request_id);
    let parts = (found.code.as_str(), found.message.as_str(), found.request_id.as_deref());
    assert_eq!(parts, (code, message, request_id));
}

#[test]
fn json_errors_stand_in_type_code_or_header() {
    let op = ("kms", "DescribeKey");
    for (headers, body) in [
        (&[][..], r#"{"__type":"NotFoundException","message":"m"}"#),
        (&[][..], r#"{"__type":"com.amazonaws.kms#NotFoundException","Message":"m"}"#),
        (&[][..], r#"{"code":"NotFoundException:http://x/","message":"m"}"#),
        (&[("x-amzn-errortype", "NotFoundException:http://x/")][..], r#"{"message":"m"}"#),
    ] {
        check(&error(op, 400, headers, body), "NotFoundException", "m", "");
    }
    let id = [("x-amzn-requestid", "r")];
    check(&error(op, 500, &id, "{}"), "", "{}", "r");
}

#[test]
fn old_query_codes_are_known_too() {
    let headers = [("x-amzn-query-error", "AWS.SimpleQueueService.NonExistentQueue;Sender")];
    let body = r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"m"}"#;
    let found = error(("sqs", "GetQueueUrl"), 400, &headers, body);
    assert!(found.is("QueueDoesNotExist") && found.is("AWS.SimpleQueueService.NonExistentQueue"));
    assert!(!found.is("AccessDenied") && !found.is_fault);
}

#[test]
fn xml_errors_stand_where_each_protocol_puts_them() {
    let inner = "<Code>AccessDenied</Code><Message>no &lt;you&gt;</Message>";
    for (op, body) in [
        (
            ("iam", "GetUser"),
            format!(
                "<ErrorResponse><Error><Type>Sender</Type>{inner}</Error>\
                  <RequestId>r</RequestId></ErrorResponse>"
            ),
        ),
        (
            ("ec2", "DescribeVpcs"),
            format!(
                "<Response><Errors><Error>{inner}</Error></Errors><RequestID>r</RequestID>\
                  </Response>"
            ),
        ),
        (
            ("s3", "ListBuckets"),
            format!(
                "<?xml version=\"1.0\"?>\n<Error>{inner}<RequestId>r</RequestId>\
                  <HostId>h</HostId></Error>"
            ),
        ),
        (
            ("cloudfront", "ListDistributions"),
            format!(
                "<ErrorResponse xmlns=\"u\"><Error>{inner}</Error><RequestId>r</RequestId>\
                  </ErrorResponse>"
            ),
        ),
    ] {
        check(&error(op, 403, &[], &body), "AccessDenied", "no <you>", "r");
    }
}

#[test]
fn the_name_of_an_exception_may_be_the_root() {
    let body = "<InvalidChangeBatch><Messages><Message>x</Message></Messages>\
                <RequestId>r</RequestId></InvalidChangeBatch>";
    let op = ("route53", "ListHostedZones");
    check(&error(op, 400, &[], body), "InvalidChangeBatch", "", "r");
    check(&error(op, 400, &[], "<Nonsense/>"), "", "<Nonsense/>", "");
}

#[test]
fn other_members_are_kept() {
    let body = "<Error><Code>PermanentRedirect</Code><Endpoint>b.s3.eu-west-1.amazonaws.com\
                </Endpoint><Bucket>b</Bucket></Error>";
    let headers = [("x-amz-bucket-region", "eu-west-1")];
    let found = error(("s3", "ListObjectsV2"), 301, &headers, body);
    assert_eq!(found.extra["Bucket"], "b");
    assert_eq!(found.headers.get("x-amz-bucket-region").unwrap(), "eu-west-1");
}

#[test]
fn head_answers_have_a_code_only_with_a_request_id() {
    let op = ("s3", "HeadBucket");
    let id = [("x-amz-request-id", "r")];
    for (status, code) in [(404, "NotFound"), (403, "AccessDenied"), (301, "PermanentRedirect")] {
        check(&error(op, status, &id, ""), code, "", "r");
    }
    check(&error(op, 404, &[], ""), "", "", "");
    // Without a body, but not a HEAD: the proxy on the way, or a mock.
    check(&error(("s3", "GetBucketPolicy"), 404, &id, ""), "", "", "r");
}

#[test]
fn pages_of_proxies_are_no_errors_of_aws() {
    let html = "<html><body><h1>503 Service Unavailable</h1></body></html>";
    for op in [("s3", "ListBuckets"), ("iam", "GetUser"), ("kms", "ListKeys")] {
        let found = error(op, 503, &[], html);
        assert_eq!(found.code, "");
        assert!(found.message.contains("503 Service Unavailable") && found.is_fault);
    }
}

#[test]
fn s3_errors_behind_a_200_are_errors() {
    let body = "<?xml version=\"1.0\"?><Error><Code>InternalError</Code></Error>";
    let found = error(("s3", "ListObjectsV2"), 200, &[], body);
    assert_eq!(found.code, "InternalError");
    // A bucket policy or an object may well look like one.
    assert!(decode("s3", "GetObject", 200, &[], body).is_ok());
}

#[test]
fn errors_of_the_testkit_are_read_back() {
    for (service, operation) in [
        ("kms", "ListKeys"),
        ("lambda", "ListFunctions"),
        ("s3", "ListBuckets"),
        ("cloudfront", "ListDistributions"),
        ("iam", "ListUsers"),
        ("ec2", "DescribeVpcs"),
    ] {
        let api = API.service(service).unwrap();
        let failure = Failure::new("ThrottlingException", "slow & <down>").with_status(429);
        let operation_facts = api.operation(operation).unwrap();
        let answer = encode_error(&api, operation_facts, &failure).unwrap();
        let body = String::from_utf8(answer.body.clone()).unwrap();
        let headers: Vec<(&str, &str)> =
            answer.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let found = error((service, operation), answer.status, &headers, &body);
        check(&found, "ThrottlingException", "slow & <down>", yagura_testkit::wire::REQUEST_ID);
        assert_eq!(found.status, 429);
    }
}
