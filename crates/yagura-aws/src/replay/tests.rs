//! A recording against the real client: accounts, regions, members, series, and what it lacks.
//! The server that plays it over loopback is in the testkit.

use serde_json::{Value, json};

use super::{RecordedAnswer, Replay, ReplayError, write_recording};
use crate::client::tables;
use crate::{Aws, CallErrorKind, Declared, MemberRole, ReadClient, Target};

const OWN: &str = "111122223333";
const OTHER: &str = "444455556666";

fn line(
    place: (&str, &str),
    call: &str,
    matching: &Value,
    status: u16,
    body: &str,
) -> RecordedAnswer {
    let (service, operation) = call.split_once(':').unwrap();
    serde_json::from_value(json!({
        "account": place.0, "region": place.1, "service": service, "operation": operation,
        "match": matching, "status": status, "headers": {}, "body": body,
    }))
    .unwrap()
}

fn identity() -> RecordedAnswer {
    let body = "<GetCallerIdentityResponse><GetCallerIdentityResult>\
        <Arn>arn:aws:iam::111122223333:user/u</Arn><Account>111122223333</Account>\
        </GetCallerIdentityResult></GetCallerIdentityResponse>";
    line((OWN, "*"), "sts:GetCallerIdentity", &json!({}), 200, body)
}

fn role() -> RecordedAnswer {
    let body = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAOTHER\
        </AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>\
        <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult>\
        </AssumeRoleResponse>";
    let matching = json!({"RoleArn": "arn:aws:iam::444455556666:role/Read"});
    line((OWN, "*"), "sts:AssumeRole", &matching, 200, body)
}

fn user(name: &str) -> String {
    format!(
        "<GetUserResponse><GetUserResult><User><UserName>{name}</UserName></User>\
         </GetUserResult></GetUserResponse>"
    )
}

async fn play(lines: Vec<RecordedAnswer>) -> (Replay, ReadClient) {
    let (api, actions) = tables();
    let mut file = Vec::new();
    write_recording(&lines, &mut file).unwrap();
    let replay = Replay::open(file.as_slice(), &api).unwrap();
    let aws = Aws::builder(api, actions)
        .region("us-east-1")
        .member_role(MemberRole::named("Read"))
        .replay(&replay)
        .build()
        .await
        .unwrap();
    (replay, aws.read(Declared::none()))
}

#[tokio::test]
async fn accounts_are_told_apart_by_their_keys() {
    let (replay, client) = play(vec![
        identity(),
        role(),
        line((OWN, "*"), "iam:GetUser", &json!({}), 200, &user("own")),
        line((OTHER, "*"), "iam:GetUser", &json!({}), 200, &user("other")),
    ])
    .await;
    for (account, name) in [(OWN, "own"), (OTHER, "other")] {
        let target = Target::new(account, "eu-west-1");
        let answer = client.call(&target, "iam", "GetUser", &json!({})).await.unwrap();
        assert_eq!(answer["User"]["UserName"], name);
    }
    assert_eq!(replay.unmatched().0, 0);
}

#[tokio::test]
async fn the_most_specific_line_wins() {
    let (_, client) = play(vec![
        identity(),
        line((OWN, "*"), "iam:GetUser", &json!({}), 200, &user("any")),
        line((OWN, "*"), "iam:GetUser", &json!({"UserName": "a"}), 200, &user("a")),
    ])
    .await;
    let target = Target::new(OWN, "us-east-1");
    for (asked, name) in [("a", "a"), ("b", "any")] {
        let input = json!({"UserName": asked});
        let answer = client.call(&target, "iam", "GetUser", &input).await.unwrap();
        assert_eq!(answer["User"]["UserName"], name);
    }
}

#[tokio::test]
async fn regions_buckets_targets_and_paths_are_told_apart() {
    let versioning = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    let (replay, client) = play(vec![
        identity(),
        line(
            (OWN, "us-east-1"),
            "s3:GetBucketVersioning",
            &json!({"Bucket": "b"}),
            200,
            versioning,
        ),
        line((OWN, "us-east-1"), "s3:GetBucketPolicy", &json!({"Bucket": "b"}), 200, "{}"),
        line((OWN, "us-east-1"), "kms:ListKeys", &json!({}), 200, r#"{"Keys":[]}"#),
        line((OWN, "eu-west-1"), "kms:ListKeys", &json!({}), 200, r#"{"Keys":[{"KeyId":"k"}]}"#),
        line(
            (OWN, "*"),
            "lambda:GetPolicy",
            &json!({"FunctionName": "f"}),
            200,
            r#"{"Policy":"p"}"#,
        ),
    ])
    .await;
    let target = Target::new(OWN, "us-east-1");
    let call = async |service: &str, operation: &str, input: Value| {
        client.call(&target, service, operation, &input).await
    };
    let answer = call("s3", "GetBucketVersioning", json!({"Bucket": "b"})).await.unwrap();
    assert_eq!(answer["Status"], "Enabled");
    let answer = call("s3", "GetBucketPolicy", json!({"Bucket": "b"})).await.unwrap();
    assert_eq!(answer["Policy"], "{}");
    assert_eq!(call("kms", "ListKeys", json!({})).await.unwrap()["Keys"], json!([]));
    let there = Target::new(OWN, "eu-west-1");
    let answer = client.call(&there, "kms", "ListKeys", &json!({})).await.unwrap();
    assert_eq!(answer["Keys"][0]["KeyId"], "k");
    let answer = call("lambda", "GetPolicy", json!({"FunctionName": "f"})).await.unwrap();
    assert_eq!(answer["Policy"], "p");
    assert_eq!(replay.unmatched().0, 0);

    let error = call("s3", "GetBucketPolicy", json!({"Bucket": "c"})).await.unwrap_err();
    assert_eq!(error.context().status, Some(599));
    let error = call("s3", "GetBucketAcl", json!({"Bucket": "b"})).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Failed);
    let (count, names) = replay.unmatched();
    assert_eq!(count, 2);
    assert_eq!(names[1], "s3:GetBucketAcl in account 111122223333 in us-east-1");
}

#[tokio::test]
async fn directory_buckets_are_not_taken_for_buckets() {
    let of =
        |bucket: &str| format!("<R><Buckets><Bucket><Name>{bucket}</Name></Bucket></Buckets></R>");
    let lifecycle = "<LifecycleConfiguration><Rule><ID>old</ID></Rule></LifecycleConfiguration>";
    let (replay, client) = play(vec![
        identity(),
        line((OWN, "*"), "s3:ListBuckets", &json!({}), 200, &of("logs")),
        line((OWN, "*"), "s3:ListDirectoryBuckets", &json!({}), 200, &of("d--use1-az4--x-s3")),
        line((OWN, "*"), "s3:GetBucketLifecycleConfiguration", &json!({}), 200, lifecycle),
    ])
    .await;
    let target = Target::new(OWN, "us-east-1");
    for (operation, expected) in
        [("ListBuckets", "logs"), ("ListDirectoryBuckets", "d--use1-az4--x-s3")]
    {
        let answer = client.call(&target, "s3", operation, &json!({})).await.unwrap();
        assert_eq!(answer["Buckets"][0]["Name"], expected, "{operation}");
    }
    for bucket in ["logs", "d--use1-az4--x-s3"] {
        let input = json!({"Bucket": bucket});
        let answer =
            client.call(&target, "s3", "GetBucketLifecycleConfiguration", &input).await.unwrap();
        assert_eq!(answer["Rules"][0]["ID"], "old", "{bucket}");
    }
    assert_eq!(replay.unmatched().0, 0);
}

#[tokio::test]
async fn equal_lines_answer_one_after_another() {
    let (_, client) = play(vec![
        identity(),
        line((OWN, "*"), "iam:GetUser", &json!({}), 200, &user("first")),
        line((OWN, "*"), "iam:GetUser", &json!({}), 200, &user("then")),
    ])
    .await;
    let target = Target::new(OWN, "us-east-1");
    for name in ["first", "then", "then"] {
        let answer = client.call(&target, "iam", "GetUser", &json!({})).await.unwrap();
        assert_eq!(answer["User"]["UserName"], name);
    }
}

#[test]
fn a_broken_recording_is_refused_with_its_line() {
    let (api, _) = tables();
    let check = |text: &str, wanted: &str| {
        let error = Replay::read(text.as_bytes(), &api).unwrap_err();
        assert!(error.to_string().contains(wanted), "{error}");
    };
    let good = serde_json::to_string(&identity()).unwrap();
    check(&format!("{good}\n{{\"account\": 1}}\n"), "line 2");
    check(&good.replace("GetCallerIdentity", "GetCaller"), "GetCaller");
    check(&good.replace(":200", ":9"), "status 9");
    let unknown = line((OWN, "*"), "s3:GetBucketAcl", &json!({"Key": "k"}), 200, "");
    check(&serde_json::to_string(&unknown).unwrap(), "`match`");
}

#[test]
fn a_recording_that_is_cut_off_is_refused() {
    let (api, _) = tables();
    let mut file = Vec::new();
    write_recording(&vec![identity(); 50], &mut file).unwrap();
    for length in [0, 3, file.len() / 2, file.len() - 1] {
        let error = Replay::open(&file[..length], &api).unwrap_err();
        assert!(matches!(error, ReplayError::Read { .. } | ReplayError::Line { .. }), "{error}");
    }
}
