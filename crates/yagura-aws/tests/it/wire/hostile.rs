//! Broken, truncated and hostile answers: an error that says what is wrong, never a panic, and
//! never an output. Errors that AWS means are in `failures.rs`.

use yagura_aws::protocol::AnswerError;

use super::decode;

#[track_caller]
fn malformed(service: &str, operation: &str, body: &str) -> String {
    match decode(service, operation, 200, &[("x-amzn-requestid", "r")], body) {
        Err(AnswerError::Malformed { reason, request_id, status: 200 }) => {
            assert_eq!(request_id.as_deref(), Some("r"));
            reason
        }
        other => panic!("{service} {body:.80}: {other:?}"),
    }
}

#[test]
fn broken_json_is_refused() {
    for body in [
        "{",
        "[]",
        "null",
        "\"x\"",
        "{\"Keys\":",
        "{\"Keys\":[{}]} {}",
        "{\"Keys\":{}}",
        "{\"Keys\":[1]}",
        "{\"Truncated\":[]}",
        "<html>",
        "\u{feff}{}",
    ] {
        malformed("kms", "ListKeys", body);
    }
    let reason = malformed("kms", "ListKeys", r#"{"Keys":[{"KeyId":{}}]}"#);
    assert_eq!(reason, "`Keys.[].KeyId` is not a text");
}

#[test]
fn bottomless_json_is_refused() {
    malformed("kms", "ListKeys", &"[".repeat(1_000_000));
    let nest = format!("{{\"Item\":{{\"a\":{}}}}}", "{\"L\":[".repeat(100_000));
    malformed("dynamodb", "GetItem", &nest);
}

#[test]
fn broken_xml_is_refused() {
    let whole = "<ListUsersResponse><ListUsersResult><Users><member><UserName>u</UserName>\
                 </member></Users></ListUsersResult></ListUsersResponse>";
    assert!(decode("iam", "ListUsers", 200, &[], whole).is_ok());
    for length in (0..whole.len()).step_by(7) {
        malformed("iam", "ListUsers", &whole[..length]);
    }
    for body in [
        "<html><body>login</body></html>",
        "<ErrorResponse><Error><Code>X</Code></Error></ErrorResponse>",
        "<OtherResponse><OtherResult/></OtherResponse>",
        "{}",
    ] {
        malformed("iam", "ListUsers", body);
        malformed("ec2", "DescribeVpcs", body);
    }
}

#[test]
fn entities_and_document_types_are_refused() {
    let laugh = "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;\">]>\
                 <ListUsersResponse>&b;</ListUsersResponse>";
    assert!(malformed("iam", "ListUsers", laugh).contains("document type"));
    let body = "<DescribeVpcsResponse>&file;</DescribeVpcsResponse>";
    assert!(malformed("ec2", "DescribeVpcs", body).contains("entity `file`"));
}

#[test]
fn bottomless_xml_is_refused() {
    malformed("s3", "ListBuckets", &"<a>".repeat(1_000_000));
    malformed("iam", "ListUsers", &format!("<ListUsersResponse>{}", "<Users>".repeat(200_000)));
}

#[test]
fn values_of_the_wrong_type_name_their_place() {
    for (service, operation, body, place) in [
        (
            "ec2",
            "DescribeVpcs",
            "<DescribeVpcsResponse><vpcSet><item><isDefault>maybe</isDefault></item></vpcSet>\
          </DescribeVpcsResponse>",
            "`Vpcs.IsDefault` is not true or false",
        ),
        (
            "s3",
            "ListBuckets",
            "<R><Buckets><Bucket><CreationDate>once</CreationDate></Bucket></Buckets></R>",
            "`Buckets.CreationDate` is not a time",
        ),
        (
            "lambda",
            "GetFunctionConfiguration",
            r#"{"Timeout":"long"}"#,
            "`Timeout` is not an integer",
        ),
        (
            "kms",
            "GetPublicKey",
            r#"{"PublicKey":"no base64!"}"#,
            "`PublicKey` is not bytes in base64",
        ),
    ] {
        assert_eq!(malformed(service, operation, body), place);
    }
}

#[test]
fn maps_without_keys_are_refused() {
    let body = "<GetAccountSummaryResponse><GetAccountSummaryResult><SummaryMap><entry>\
                <value>1</value></entry></SummaryMap></GetAccountSummaryResult>\
                </GetAccountSummaryResponse>";
    malformed("iam", "GetAccountSummary", body);
}
