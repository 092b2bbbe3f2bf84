//! The client against scripted answers: no network, no waiting, no environment.
//! Protocol codecs have their own tests; the independent peer is in `tests/it`.

pub(crate) mod fake;

use std::sync::Arc;
use std::time::Duration;

use aws_smithy_async::time::StaticTimeSource;
use futures::StreamExt;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::AwsBuilder;
use crate::{
    CallError, CallErrorKind, Declared, DeniedBy, MemberRole, ReadClient, Refusal, Target,
};
use fake::{Fake, Reply, tables};

/// 2026-11-21T00:00:00Z.
const NOW: u64 = 1_795_219_200;
const OWN: &str = "111122223333";
const OTHER: &str = "444455556666";
const IDENTITY: &str = "<GetCallerIdentityResponse><GetCallerIdentityResult>\
    <Arn>arn:aws:iam::111122223333:user/u</Arn><UserId>AIDA</UserId>\
    <Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";
const BUCKETS: &str = "<ListAllMyBucketsResult><Buckets><Bucket><Name>b</Name></Bucket></Buckets>\
    </ListAllMyBucketsResult>";

async fn build(
    fake: &Fake,
    with: impl FnOnce(AwsBuilder) -> AwsBuilder,
) -> (super::Aws, ReadClient) {
    let (api, actions) = tables();
    let builder = super::Aws::builder(api, actions)
        .isolated()
        .keys("AKID", "secret", None)
        .region("us-east-1")
        .seed(1)
        .time(StaticTimeSource::from_secs(NOW))
        .connector(fake.clone());
    let aws = with(builder).build().await.unwrap();
    let client = aws.read(Declared::none());
    (aws, client)
}

/// A client of which STS knows the caller; all else is answered by `script`.
async fn client(
    script: impl Fn(u32, &fake::Request) -> Reply + Send + Sync + 'static,
) -> (Fake, ReadClient) {
    let fake = Fake::new(move |n, request| {
        if request.form("Action") == Some("GetCallerIdentity") && request.host_is("sts.us-east-1") {
            return Reply::xml(200, IDENTITY);
        }
        script(n, request)
    });
    let (_, client) = build(&fake, |builder| builder).await;
    client.caller_identity().await.unwrap();
    fake.forget();
    (fake, client)
}

async fn buckets(client: &ReadClient) -> Result<Value, CallError> {
    client.call(&Target::new(OWN, "us-east-1"), "s3", "ListBuckets", &json!({})).await
}

#[tokio::test(start_paused = true)]
async fn a_throttled_call_is_asked_again_and_counted() {
    let (fake, client) = client(|n, _| match n {
        0 | 1 => Reply::xml(503, "<Error><Code>SlowDown</Code></Error>"),
        _ => Reply::xml(200, BUCKETS),
    })
    .await;
    let answer = buckets(&client).await.unwrap();
    assert_eq!(answer["Buckets"][0]["Name"], "b");
    assert_eq!(fake.seen().len(), 3);
    let counts = client.counts();
    assert_eq!((counts.retries, counts.throttles), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn endless_throttling_ends_as_throttled() {
    let (_, client) = client(|_, _| Reply::xml(503, "<Error><Code>SlowDown</Code></Error>")).await;
    let error = buckets(&client).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Throttled);
    assert!(error.context().attempts > 3, "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_status_without_code_is_failed_and_never_absent() {
    let check = async |status: u16, sent: usize| {
        let (fake, client) = client(move |_, _| Reply::xml(status, "<p>no</p>")).await;
        let error = buckets(&client).await.unwrap_err();
        assert_eq!(error.kind, CallErrorKind::Failed, "{status} {error}");
        assert_eq!(error.code(), "", "{status}");
        assert_eq!(fake.seen().len(), sent, "{status}");
    };
    check(404, 1).await;
    check(403, 1).await;
    check(500, 4).await;
    check(503, 4).await;
}

#[tokio::test(start_paused = true)]
async fn a_broken_answer_is_asked_again_and_then_failed() {
    let (fake, client) = client(|_, _| Reply::xml(200, "<ListAllMyBucketsResult><Buck")).await;
    let error = buckets(&client).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Failed);
    assert_eq!(fake.seen().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_broken_connection_is_asked_again() {
    let (_, client) = client(|n, _| match n {
        0 => Reply::Broken("connection reset by peer"),
        _ => Reply::xml(200, BUCKETS),
    })
    .await;
    buckets(&client).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn silence_ends_at_the_deadline() {
    let (_, client) = client(|_, _| Reply::Silent).await;
    let start = tokio::time::Instant::now();
    let error = buckets(&client).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::TimedOut);
    assert!(start.elapsed() <= Duration::from_secs(121), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_is_interrupted() {
    let (_, client) = client(|_, _| Reply::Silent).await;
    let cancel = CancellationToken::new();
    let client = client.with_cancel(cancel.clone());
    let (result, ()) = tokio::join!(buckets(&client), async { cancel.cancel() });
    assert_eq!(result.unwrap_err().kind, CallErrorKind::Interrupted);
}

#[tokio::test(start_paused = true)]
async fn a_denial_names_the_action_and_the_organization() {
    let (fake, client) = client(|_, _| {
        Reply::xml(
            403,
            "<Error><Code>AccessDenied</Code><Message>User: arn:aws:iam::1:user/u is not \
             authorized to perform: s3:ListAllMyBuckets with an explicit deny in a service \
             control policy</Message></Error>",
        )
    })
    .await;
    let error = buckets(&client).await.unwrap_err();
    let kind = CallErrorKind::Denied {
        action: Some("s3:ListAllMyBuckets".into()),
        by: DeniedBy::ServiceControlPolicy,
    };
    assert_eq!(error.kind, kind);
    assert_eq!(fake.seen().len(), 1, "a denial is not asked again");
    let unread = error.unread("properties".parse().unwrap());
    assert_eq!(unread.reason, yagura_model::UnreadReason::DeniedByOrganization);
    assert_eq!(unread.call, "s3:ListBuckets");
    assert_eq!(unread.action, "s3:ListAllMyBuckets");
}

#[tokio::test(start_paused = true)]
async fn the_clock_is_learned_once() {
    let (fake, client) = client(|_, request| {
        if request.header("x-amz-date") == Some("20261121T010000Z") {
            return Reply::xml(200, BUCKETS);
        }
        Reply::xml(403, "<Error><Code>RequestTimeTooSkewed</Code></Error>")
            .with("date", "Sat, 21 Nov 2026 01:00:00 GMT")
    })
    .await;
    buckets(&client).await.unwrap();
    assert_eq!(fake.seen().len(), 2);
    buckets(&client).await.unwrap();
    assert_eq!(fake.seen().len(), 3, "the second call knows the time");
}

#[tokio::test(start_paused = true)]
async fn a_bucket_elsewhere_is_followed_once_and_remembered() {
    let (fake, client) = client(|_, request| {
        if request.scope_region() == "eu-west-1" {
            return Reply::xml(200, "<VersioningConfiguration/>");
        }
        Reply::xml(301, "<Error><Code>PermanentRedirect</Code></Error>")
            .with("x-amz-bucket-region", "eu-west-1")
    })
    .await;
    let target = Target::new(OWN, "us-east-1");
    let ask = || async {
        let input = json!({"Bucket": "b"});
        client.call(&target, "s3", "GetBucketVersioning", &input).await
    };
    ask().await.unwrap();
    ask().await.unwrap();
    let regions: Vec<String> = fake.seen().iter().map(fake::Request::scope_region).collect();
    assert_eq!(regions, ["us-east-1", "eu-west-1", "eu-west-1"]);
}

#[tokio::test(start_paused = true)]
async fn redirects_in_a_circle_end() {
    let (fake, client) = client(|_, request| {
        let next = if request.scope_region() == "eu-west-1" { "us-west-2" } else { "eu-west-1" };
        Reply::xml(301, "<Error><Code>PermanentRedirect</Code></Error>")
            .with("x-amz-bucket-region", next)
    })
    .await;
    let target = Target::new(OWN, "us-east-1");
    let error = client
        .call(&target, "s3", "GetBucketVersioning", &json!({"Bucket": "b"}))
        .await
        .unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Failed);
    assert_eq!(fake.seen().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_ended_session_is_renewed_once() {
    let (fake, client) = client(|n, _| match n {
        0 => Reply::xml(400, "<Error><Code>ExpiredToken</Code></Error>"),
        _ => Reply::xml(200, BUCKETS),
    })
    .await;
    buckets(&client).await.unwrap();
    assert_eq!(fake.seen().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_complaint_about_time_with_the_right_time_in_it_renews_the_session() {
    let (fake, client) = client(|_, _| {
        Reply::xml(403, "<Error><Code>RequestExpired</Code></Error>")
            .with("date", "Sat, 21 Nov 2026 00:00:00 GMT")
    })
    .await;
    let error = buckets(&client).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Failed);
    assert_eq!(fake.seen().len(), 2, "once, not forever");
}

#[tokio::test(start_paused = true)]
async fn what_the_region_or_account_does_not_offer_is_unsupported_at_once() {
    for code in ["OptInRequired", "SubscriptionRequiredException", "UnknownOperationException"] {
        let (fake, client) = client(move |_, _| {
            Reply::json(400, &format!(r#"{{"__type":"{code}","message":"no"}}"#))
        })
        .await;
        let target = Target::new(OWN, "us-east-1");
        let error = client.call(&target, "kms", "ListKeys", &json!({})).await.unwrap_err();
        assert_eq!(error.kind, CallErrorKind::Unsupported, "{code}");
        assert!(!error.reason().is_blind(), "{code}");
        assert_eq!(fake.seen().len(), 1, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_operation_without_auth_is_sent_unsigned_and_needs_no_keys() {
    let fake = Fake::new(|_, _| Reply::json(200, r#"{"accountList":[]}"#));
    let (api, actions) = tables();
    let builder = super::Aws::builder(api, actions).isolated().connector(fake.clone());
    let client = builder.build().await.unwrap().read(Declared::none());
    let input = json!({"accessToken": "t"});
    let target = Target::new(OWN, "us-east-1");
    client.call(&target, "sso", "ListAccounts", &input).await.unwrap();
    assert_eq!(fake.seen().len(), 1);
    assert_eq!(fake.seen()[0].header("authorization"), None);
    let error = client.call(&target, "kms", "ListKeys", &json!({})).await.unwrap_err();
    assert!(error.message().contains("no credentials"), "{error}");
    assert_eq!(fake.seen().len(), 1);
}

#[tokio::test]
async fn no_secret_is_printed() {
    let fake = Fake::new(|_, _| Reply::Silent);
    let (api, actions) = tables();
    let builder = super::Aws::builder(api, actions)
        .isolated()
        .keys("AKID", "very-secret", Some("very-secret-token"))
        .connector(fake);
    assert!(!format!("{builder:?}").contains("very-secret"));
    let aws = builder.build().await.unwrap();
    assert!(!format!("{aws:?}").contains("very-secret"));
    let session = crate::credentials::Session::new(
        aws_credential_types::Credentials::from_keys(
            "AKID",
            "very-secret",
            Some("very-secret".into()),
        ),
        std::time::UNIX_EPOCH,
        true,
    );
    assert!(!format!("{session:?}").contains("very-secret"));
}

#[tokio::test(start_paused = true)]
async fn a_missing_thing_of_a_head_needs_awss_own_signature() {
    let head = async |id: Option<&'static str>| {
        let (_, client) = client(move |_, _| match id {
            Some(id) => Reply::xml(404, "").with("x-amz-request-id", id),
            None => Reply::xml(404, ""),
        })
        .await;
        let target = Target::new(OWN, "us-east-1");
        let input = json!({"Bucket": "b"});
        client.call(&target, "s3", "HeadBucket", &input).await.unwrap_err().kind
    };
    assert_eq!(head(Some("R1")).await, CallErrorKind::Absent);
    assert_eq!(head(None).await, CallErrorKind::Failed);
}

fn assumed(expires: &str) -> String {
    format!(
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAOTHER</AccessKeyId>\
         <SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>\
         <Expiration>{expires}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
    )
}

async fn member_client(
    role_answer: impl Fn() -> Reply + Send + Sync + 'static,
) -> (Fake, ReadClient) {
    let fake = Fake::new(move |_, request| match request.form("Action") {
        Some("GetCallerIdentity") => Reply::xml(200, IDENTITY),
        Some("AssumeRole") => role_answer(),
        _ => Reply::xml(200, BUCKETS),
    });
    let (_, client) = build(&fake, |builder| builder.member_role(MemberRole::named("Read"))).await;
    (fake, client)
}

#[tokio::test(start_paused = true)]
async fn many_calls_into_an_account_assume_its_role_once() {
    let (fake, client) = member_client(|| Reply::xml(200, &assumed("2026-11-21T01:00:00Z"))).await;
    let target = Target::new(OTHER, "us-east-1");
    let input = json!({});
    let calls = (0..20).map(|_| client.call(&target, "s3", "ListBuckets", &input));
    let results = futures::future::join_all(calls).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let seen = fake.seen();
    let roles: Vec<_> =
        seen.iter().filter(|request| request.form("Action") == Some("AssumeRole")).collect();
    assert_eq!(roles.len(), 1);
    assert_eq!(roles[0].form("RoleArn"), Some("arn:aws:iam::444455556666:role/Read"));
    let signed = seen.iter().filter(|request| request.access_key() == "ASIAOTHER");
    assert_eq!(signed.count(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_denied_role_is_said_once_and_becomes_every_calls_error() {
    let (fake, client) = member_client(|| {
        Reply::xml(
            403,
            "<ErrorResponse><Error><Code>AccessDenied</Code><Message>User: x is not authorized \
             to perform: sts:AssumeRole on resource: y</Message></Error></ErrorResponse>",
        )
    })
    .await;
    let target = Target::new(OTHER, "us-east-1");
    for _ in 0..5 {
        let error = client.call(&target, "s3", "ListBuckets", &json!({})).await.unwrap_err();
        assert_eq!(error.call(), "sts:AssumeRole");
        assert_eq!(error.reason(), yagura_model::UnreadReason::Denied);
        assert_eq!(error.context().account, OTHER);
    }
    let roles = fake.seen();
    let roles = roles.iter().filter(|request| request.form("Action") == Some("AssumeRole"));
    assert_eq!(roles.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn bad_credentials_are_asked_about_once_for_everybody() {
    let fake = Fake::new(|_, _| {
        let body =
            "<ErrorResponse><Error><Code>InvalidClientTokenId</Code></Error></ErrorResponse>";
        Reply::xml(403, body)
    });
    let (_, client) = build(&fake, |builder| builder).await;
    let target = Target::new(OTHER, "us-east-1");
    let input = json!({});
    let calls = (0..50).map(|_| client.call(&target, "s3", "ListBuckets", &input));
    for result in futures::future::join_all(calls).await {
        let error = result.unwrap_err();
        assert!(error.is("InvalidClientTokenId"), "{error}");
        assert_eq!(error.call(), "sts:GetCallerIdentity");
    }
    assert_eq!(fake.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_a_role_another_account_cannot_be_reached() {
    let (_, client) = client(|_, _| Reply::xml(200, BUCKETS)).await;
    let target = Target::new(OTHER, "us-east-1");
    let error = client.call(&target, "s3", "ListBuckets", &json!({})).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Failed);
    assert!(error.message().contains("no role"), "{error}");
}

async fn in_region(region: &str, opt_in: &'static str) -> CallErrorKind {
    let (_, client) = client(move |_, request| match request.form("Action") {
        Some("DescribeRegions") => Reply::xml(200, opt_in),
        _ => Reply::json(400, r#"{"__type":"UnrecognizedClientException","message":"invalid"}"#),
    })
    .await;
    let target = Target::new(OWN, region);
    client.call(&target, "kms", "ListKeys", &json!({})).await.unwrap_err().kind
}

#[tokio::test(start_paused = true)]
async fn a_region_is_called_disabled_only_when_aws_says_so() {
    const OFF: &str = "<DescribeRegionsResponse><regionInfo><item><regionName>ap-east-1\
        </regionName><optInStatus>not-opted-in</optInStatus></item></regionInfo>\
        </DescribeRegionsResponse>";
    const ON: &str = "<DescribeRegionsResponse><regionInfo><item><regionName>ap-east-1\
        </regionName><optInStatus>opted-in</optInStatus></item></regionInfo>\
        </DescribeRegionsResponse>";
    assert_eq!(in_region("ap-east-1", OFF).await, CallErrorKind::Unsupported);
    assert_eq!(in_region("ap-east-1", ON).await, CallErrorKind::Failed);
    assert_eq!(in_region("us-east-1", OFF).await, CallErrorKind::Failed, "a wrong key at home");
}

#[tokio::test(start_paused = true)]
async fn a_missing_host_is_a_missing_service_only_while_aws_is_reachable() {
    let ask = async |reachable: &'static [&'static str]| {
        let fake = Fake::new(|_, request| {
            if request.form("Action") == Some("GetCallerIdentity") {
                return Reply::xml(200, IDENTITY);
            }
            Reply::Broken("failed to lookup address information: Name or service not known")
        });
        let (_, client) = build(&fake, |builder| {
            builder.lookup(Arc::new(move |host: String| {
                Box::pin(async move { reachable.contains(&host.as_str()) })
            }))
        })
        .await;
        let target = Target::new(OWN, "ap-northeast-3");
        client.call(&target, "kms", "ListKeys", &json!({})).await.unwrap_err().kind
    };
    assert_eq!(ask(&["sts.us-east-1.amazonaws.com"]).await, CallErrorKind::Unsupported);
    assert_eq!(ask(&[]).await, CallErrorKind::Failed, "we are cut off");
    let both = &["sts.us-east-1.amazonaws.com", "kms.ap-northeast-3.amazonaws.com"];
    assert_eq!(ask(both).await, CallErrorKind::Failed, "it was a passing fault");
}

#[tokio::test(start_paused = true)]
async fn pages_are_followed_and_joined() {
    let (fake, client) = client(|_, request| match request.form("Marker") {
        None => Reply::xml(200, &users("a", Some("m1"))),
        Some("m1") => Reply::xml(200, &users("b", None)),
        _ => Reply::xml(500, ""),
    })
    .await;
    let target = Target::new(OWN, "us-east-1");
    let all = client.call_all(&target, "iam", "ListUsers", &json!({})).await.unwrap();
    let names: Vec<_> =
        all["Users"].as_array().unwrap().iter().map(|user| user["UserName"].as_str()).collect();
    assert_eq!(names, [Some("a"), Some("b")]);
    assert_eq!(fake.seen().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_failed_page_ends_the_listing_after_what_was_read() {
    let (_, client) = client(|_, request| match request.form("Marker") {
        None => Reply::xml(200, &users("a", Some("m1"))),
        _ => Reply::xml(
            403,
            "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>",
        ),
    })
    .await;
    let target = Target::new(OWN, "us-east-1");
    let input = json!({});
    let pages: Vec<_> = client.pages(&target, "iam", "ListUsers", &input).collect().await;
    assert_eq!(pages.len(), 2);
    assert!(pages[0].is_ok() && pages[1].is_err());
}

#[tokio::test(start_paused = true)]
async fn endless_listings_end() {
    let (fake, repeated) = client(|_, _| Reply::xml(200, &users("a", Some("same")))).await;
    let target = Target::new(OWN, "us-east-1");
    let error = repeated.call_all(&target, "iam", "ListUsers", &json!({})).await.unwrap_err();
    assert!(error.message().contains("repeats"), "{error}");
    assert_eq!(fake.seen().len(), 2);

    let fake = Fake::new(|n, request| match request.form("Action") {
        Some("GetCallerIdentity") => Reply::xml(200, IDENTITY),
        _ => Reply::xml(200, &users("a", Some(&format!("m{n}")))),
    });
    let (_, growing) = build(&fake, |builder| builder.pages_max(5)).await;
    let error = growing.call_all(&target, "iam", "ListUsers", &json!({})).await.unwrap_err();
    assert!(error.message().contains("5 pages"), "{error}");
}

fn users(name: &str, marker: Option<&str>) -> String {
    let more = match marker {
        Some(marker) => {
            format!("<IsTruncated>true</IsTruncated><Marker>{marker}</Marker>")
        }
        None => "<IsTruncated>false</IsTruncated>".to_owned(),
    };
    format!(
        "<ListUsersResponse><ListUsersResult><Users><member><UserName>{name}</UserName></member>\
         </Users>{more}</ListUsersResult></ListUsersResponse>"
    )
}

#[tokio::test(start_paused = true)]
async fn a_waiter_waits_until_the_table_is_content() {
    let (fake, client) = client(|n, _| {
        let state = if n < 3 { "pending" } else { "available" };
        Reply::xml(
            200,
            &format!(
                "<DescribeImagesResponse><imagesSet><item><imageState>{state}</imageState></item>\
                 </imagesSet></DescribeImagesResponse>"
            ),
        )
    })
    .await;
    let target = Target::new(OWN, "us-east-1");
    let input = json!({"ImageIds": ["ami-1"]});
    let answer = client.wait(&target, "ec2", "ImageAvailable", &input).await.unwrap();
    assert_eq!(answer["Images"][0]["State"], "available");
    assert_eq!(fake.seen().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_a_read_is_refused_before_anything_is_sent() {
    let (fake, client) = client(|_, _| Reply::xml(200, "")).await;
    let target = Target::new(OWN, "us-east-1");
    let error =
        client.call(&target, "s3", "DeleteBucket", &json!({"Bucket": "b"})).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Refused(Refusal::NotARead));
    let input = json!({"Bucket": "b", "Key": "k"});
    let error = client.call(&target, "s3", "GetObject", &input).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Refused(Refusal::CustomerData));
    assert!(fake.seen().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_declared_operation_may_return_customer_data() {
    let fake = Fake::new(|_, request| match request.form("Action") {
        Some("GetCallerIdentity") => Reply::xml(200, IDENTITY),
        _ => Reply::xml(200, "content"),
    });
    let (aws, _) = build(&fake, |builder| builder).await;
    let client = aws.read(["s3:GetObject"].into_iter().collect());
    let target = Target::new(OWN, "us-east-1");
    let input = json!({"Bucket": "b", "Key": "k"});
    let answer = client.call(&target, "s3", "GetObject", &input).await.unwrap();
    assert_eq!(answer["Body"], "Y29udGVudA==");
    assert!(client.refusal("s3", "PutObject").is_some(), "only what was declared");
}

#[tokio::test]
async fn settings_out_of_range_are_refused() {
    let fake = Fake::new(|_, _| Reply::Silent);
    let check = async |with: fn(AwsBuilder) -> AwsBuilder| {
        let (api, actions) = tables();
        let builder = super::Aws::builder(api, actions).isolated().connector(fake.clone());
        assert!(with(builder).build().await.is_err());
    };
    check(|builder| builder.concurrency(0)).await;
    check(|builder| builder.calls_per_second_max(0.0)).await;
    check(|builder| builder.calls_per_second_max(f64::NAN)).await;
    check(|builder| {
        builder.member_role(MemberRole { duration_seconds: 60, ..MemberRole::named("r") })
    })
    .await;
}

#[tokio::test]
async fn a_writer_makes_the_calls_that_were_handed_to_it_and_no_others() {
    let fake = Fake::new(|_, _| Reply::json(200, r#"{"FailedCount":0,"SuccessCount":1}"#));
    let (aws, _) = build(&fake, |builder| builder).await;
    let writer = aws.write([("securityhub", "BatchImportFindings")], CancellationToken::new());
    let target = Target::new(OWN, "us-east-1");
    let refused = writer.call(&target, "securityhub", "BatchUpdateFindings", &json!({})).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.kind, CallErrorKind::Refused(Refusal::NotHandedOver));
    let refused = writer.call(&target, "s3", "DeleteBucket", &json!({"Bucket": "b"})).await;
    assert!(matches!(refused.unwrap_err().kind, CallErrorKind::Refused(_)));
    assert_eq!(fake.seen().len(), 0, "nothing was sent");
}
