//! The testkit tells requests of all services apart, and refuses what no client should send.
//! That it reads inputs back as they were is shown in `round_trip.rs`.

use std::sync::LazyLock;

use serde_json::json;
use yagura_testkit::wire::{Failure, Recognizer, Request, WireError, encode_output};

use super::API;

static ALL: LazyLock<Recognizer> = LazyLock::new(|| Recognizer::new(&API).unwrap());

fn recognize(
    signed_for: &str,
    (method, target): (&str, &str),
    headers: &[(&str, &str)],
    body: &str,
) -> Result<(String, String, serde_json::Value), WireError> {
    let scope = format!("Credential=AKID/20261121/eu-west-1/{signed_for}/aws4_request");
    let authorization = format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0");
    let mut map = http::HeaderMap::new();
    map.insert("authorization", authorization.parse().unwrap());
    for (name, value) in headers {
        let name = http::HeaderName::from_bytes(name.as_bytes()).unwrap();
        map.insert(name, value.parse().unwrap());
    }
    let request = Request { method, target, headers: &map, body: body.as_bytes() };
    let found = ALL.recognize(&request)?;
    assert_eq!((found.region.as_str(), found.access_key.as_str()), ("eu-west-1", "AKID"));
    Ok((found.service.name().to_owned(), found.operation, found.input))
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");

#[test]
fn services_that_share_a_signing_name_are_told_apart() {
    let host = [("host", "logs.s3.eu-west-1.amazonaws.com")];
    let account = [("x-amz-account-id", "123456789012")];
    let v1 = "Action=DescribeLoadBalancers&Version=2012-06-01";
    let v2 = "Action=DescribeLoadBalancers&Version=2015-12-01&PageSize=5";
    let elb = "elasticloadbalancing";
    for (signed_for, line, headers, body, service, operation, input) in [
        (elb, ("POST", "/"), &[FORM][..], v1, "elb", "DescribeLoadBalancers", json!({})),
        (elb, ("POST", "/"), &[FORM], v2, "elbv2", "DescribeLoadBalancers", json!({"PageSize": 5})),
        ("s3", ("GET", "/"), &[], "", "s3", "ListBuckets", json!({})),
        ("s3", ("GET", "/?acl"), &host, "", "s3", "GetBucketAcl", json!({"Bucket": "logs"})),
        (
            "s3",
            ("GET", "/logs?policyStatus"),
            &[],
            "",
            "s3",
            "GetBucketPolicyStatus",
            json!({"Bucket": "logs"}),
        ),
        (
            "s3",
            ("GET", "/logs/a/b%20c"),
            &[],
            "",
            "s3",
            "GetObject",
            json!({"Bucket": "logs", "Key": "a/b c"}),
        ),
        (
            "s3",
            ("GET", "/v20180820/configuration/publicAccessBlock"),
            &account,
            "",
            "s3control",
            "GetPublicAccessBlock",
            json!({"AccountId": "123456789012"}),
        ),
    ] {
        let found = recognize(signed_for, line, headers, body).unwrap();
        assert_eq!(found, (service.to_owned(), operation.to_owned(), input), "{line:?}");
    }
}

#[test]
fn requests_that_fit_no_model_are_refused() {
    for (signed_for, headers, body, what) in [
        ("iam", &[FORM][..], "Action=ListUsers&Version=2010-05-08&Nonsense=1", "`Nonsense`"),
        ("iam", &[FORM], "Action=ListUsers&Version=2010-05-08&MaxItems=many", "`MaxItems`"),
        ("iam", &[FORM], "Action=Nonsense&Version=2010-05-08", "no operation"),
        ("kms", &[("x-amz-target", "TrentService.DescribeKey")], "{\"Nonsense\":1}", "`Nonsense`"),
        ("kms", &[("x-amz-target", "TrentService.DescribeKey")], "{}", "`KeyId` is required"),
        ("kms", &[("x-amz-target", "TrentService.Nonsense")], "{}", "no operation"),
    ] {
        let error = recognize(signed_for, ("POST", "/"), headers, body).unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
    }
    assert!(recognize("iam", ("GET", "/"), &[], "").is_err());
}

#[test]
fn invented_members_cannot_be_answered() {
    let s3 = API.service("s3").unwrap();
    let list = s3.operation("ListBuckets").unwrap();
    let error = encode_output(&s3, list, &json!({"Buckets": [{"name": "b"}]})).unwrap_err();
    assert!(error.to_string().contains("`Buckets[0].name` is unknown"), "{error}");
    let error = encode_output(&s3, list, &json!({"Buckets": [{"Name": "a\u{0}b"}]})).unwrap_err();
    assert!(error.to_string().contains("U+0000"), "{error}");
    assert_eq!(Failure::new("X", "y").status, None);
}
