//! What the client makes of an AWS that denies, throttles, breaks, hangs, cuts and lies about time.
//! The faults are the testkit's; behind them stands a recording, so no moto is needed.

use std::time::Duration;

use futures::StreamExt;
use serde_json::{Value, json};
use yagura_aws::replay::{RecordedAnswer, RecordedBody};
use yagura_aws::{AwsBuilder, CallError, CallErrorKind, Declared, ReadClient, Replay, Target};
use yagura_testkit::faults::{Fault, Faults, Rule};
use yagura_testkit::recorded::Recorded;

use crate::{OWN, builder, tables};

const SERVICES: [&str; 5] = ["ec2", "iam", "kms", "lambda", "s3"];

/// One good answer for each protocol.
const CALLS: [(&str, &str, &str); 5] = [
    ("ec2", "DescribeVpcs", "<DescribeVpcsResponse><vpcSet/></DescribeVpcsResponse>"),
    (
        "iam",
        "ListUsers",
        "<ListUsersResponse><ListUsersResult><Users/><IsTruncated>false\
        </IsTruncated></ListUsersResult></ListUsersResponse>",
    ),
    ("kms", "ListKeys", r#"{"Keys":[]}"#),
    ("lambda", "ListFunctions", r#"{"Functions":[]}"#),
    ("s3", "ListBuckets", "<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>"),
];

const IDENTITY: &str = "<GetCallerIdentityResponse><GetCallerIdentityResult>\
    <Arn>arn:aws:iam::123456789012:user/u</Arn><Account>123456789012</Account>\
    </GetCallerIdentityResult></GetCallerIdentityResponse>";

struct Stage {
    faults: Faults,
    client: ReadClient,
    _recorded: Recorded,
}

async fn stage(with: impl FnOnce(AwsBuilder) -> AwsBuilder) -> Stage {
    let (api, _) = tables();
    let calls = CALLS.iter().copied().chain([("sts", "GetCallerIdentity", IDENTITY)]);
    let lines = calls.map(|(service, operation, body)| RecordedAnswer {
        account: OWN.into(),
        region: "*".into(),
        service: service.into(),
        operation: operation.into(),
        matching: serde_json::Map::new(),
        status: 200,
        headers: [("x-amzn-requestid".to_owned(), "R".to_owned())].into(),
        body: RecordedBody::Text(body.into()),
    });
    let recorded = Recorded::start(Replay::new(lines, &api).unwrap()).await.unwrap();
    let faults = Faults::before(&recorded.url(), &api, &SERVICES, OWN).await.unwrap();
    let aws = with(builder(&faults.url())).build().await.unwrap();
    let client = aws.read(Declared::none());
    client.caller_identity().await.unwrap();
    Stage { faults, client, _recorded: recorded }
}

impl Stage {
    async fn call(&self, service: &str, operation: &str) -> Result<Value, CallError> {
        let target = Target::new(OWN, "us-east-1");
        self.client.call(&target, service, operation, &json!({})).await
    }
}

#[tokio::test]
async fn a_denial_is_a_denial_in_every_protocol() {
    let stage = stage(|builder| builder).await;
    for (service, operation, _) in CALLS {
        stage.call(service, operation).await.unwrap();
        let action = format!("{service}:{operation}");
        let message = format!(
            "User: arn:aws:iam::1:user/u is not authorized to perform: {action} with an explicit \
             deny in a service control policy <&>"
        );
        stage.faults.clear();
        stage.faults.inject(Rule::new(Fault::Denied(message)).service(service));
        let error = stage.call(service, operation).await.unwrap_err();
        assert!(error.by_organization(), "{error}");
        let unread = error.unread("p".parse().unwrap());
        assert_eq!(unread.action, action);
        assert!(error.context().request_id.is_some(), "{service}");
    }
}

#[tokio::test]
async fn throttling_passes_in_every_protocol() {
    let stage = stage(|builder| builder).await;
    for (service, operation, _) in CALLS {
        stage.faults.inject(Rule::new(Fault::Throttled).service(service).times(1));
        stage.call(service, operation).await.unwrap();
    }
    let counts = stage.client.counts();
    assert_eq!((counts.throttles, counts.retries), (5, 5));
}

#[tokio::test]
async fn answers_that_are_cut_broken_or_not_awss_are_asked_again_and_then_failed() {
    let stage = stage(|builder| builder).await;
    for (service, operation, _) in CALLS {
        for fault in [Fault::Truncated, Fault::Garbage, Fault::Bare(503)] {
            stage.faults.clear();
            let rule = Rule::new(fault.clone()).service(service);
            stage.faults.inject(rule.clone().times(1));
            stage.call(service, operation).await.unwrap();
            stage.faults.inject(rule);
            let error = stage.call(service, operation).await.unwrap_err();
            assert_eq!(error.kind, CallErrorKind::Failed, "{service} {fault:?} {error}");
        }
    }
}

#[tokio::test]
async fn a_missing_page_of_a_proxy_is_not_an_absent_thing() {
    let stage = stage(|builder| builder).await;
    for (service, operation, _) in CALLS {
        stage.faults.clear();
        stage.faults.inject(Rule::new(Fault::Bare(404)).service(service));
        let error = stage.call(service, operation).await.unwrap_err();
        assert_eq!((&error.kind, error.code()), (&CallErrorKind::Failed, ""), "{error}");
    }
}

#[tokio::test]
async fn silence_is_timed_out_and_a_late_answer_is_not_waited_for() {
    let quick = |builder: AwsBuilder| {
        builder.attempt_timeout(Duration::from_millis(100)).deadline(Duration::from_millis(250))
    };
    let stage = stage(quick).await;
    stage.faults.inject(Rule::new(Fault::Silent));
    let error = stage.call("kms", "ListKeys").await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::TimedOut);
    stage.faults.clear();
    stage.faults.inject(Rule::new(Fault::Slow(Duration::from_secs(600))).times(1));
    stage.call("kms", "ListKeys").await.unwrap();
}

#[tokio::test]
async fn a_wrong_clock_is_learned_from_the_answer() {
    let stage = stage(|builder| builder).await;
    let theirs = std::time::UNIX_EPOCH + Duration::from_secs(2_000_000_000);
    stage.faults.inject(Rule::new(Fault::Clock(theirs)));
    stage.call("kms", "ListKeys").await.unwrap();
    stage.call("s3", "ListBuckets").await.unwrap();
    let asked = stage.faults.seen().iter().filter(|call| call.service != "sts").count();
    assert_eq!(asked, 3, "only the first call was signed at the wrong time");
}

#[tokio::test]
async fn an_error_in_the_middle_of_a_listing_is_its_last_item() {
    let stage = stage(|builder| builder).await;
    stage.faults.inject(Rule::new(Fault::Bare(404)).operation("ListUsers"));
    let target = Target::new(OWN, "us-east-1");
    let input = json!({});
    let pages: Vec<_> = stage.client.pages(&target, "iam", "ListUsers", &input).collect().await;
    assert!(pages.len() == 1 && pages[0].is_err());
}
