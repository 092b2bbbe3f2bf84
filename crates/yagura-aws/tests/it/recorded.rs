//! A recording served over HTTP answers as it does in process, and says what it lacks.
//! How lines are matched is tested beside the code.

use serde_json::{Map, json};
use yagura_aws::replay::{RecordedAnswer, RecordedBody};
use yagura_aws::{Declared, Replay, Target};
use yagura_testkit::recorded::Recorded;

use crate::{OWN, builder, tables};

fn line(call: &str, matching: Map<String, serde_json::Value>, body: &str) -> RecordedAnswer {
    let (service, operation) = call.split_once(':').unwrap();
    RecordedAnswer {
        account: OWN.into(),
        region: "*".into(),
        service: service.into(),
        operation: operation.into(),
        matching,
        status: 200,
        headers: Default::default(),
        body: RecordedBody::Text(body.into()),
    }
}

#[tokio::test]
async fn ten_thousand_buckets_are_each_found() {
    let (api, _) = tables();
    let identity = "<GetCallerIdentityResponse><GetCallerIdentityResult>\
        <Arn>arn:aws:iam::123456789012:user/u</Arn><Account>123456789012</Account>\
        </GetCallerIdentityResult></GetCallerIdentityResponse>";
    let mut lines = vec![line("sts:GetCallerIdentity", Map::new(), identity)];
    for n in 0..10_000 {
        let matching = json!({"Bucket": format!("bucket-{n}")}).as_object().unwrap().clone();
        let status = if n % 2 == 0 { "Enabled" } else { "Suspended" };
        let body =
            format!("<VersioningConfiguration><Status>{status}</Status></VersioningConfiguration>");
        lines.push(line("s3:GetBucketVersioning", matching, &body));
    }
    let recorded = Recorded::start(Replay::new(lines, &api).unwrap()).await.unwrap();
    let client = builder(&recorded.url()).build().await.unwrap().read(Declared::none());
    let target = Target::new(OWN, "us-east-1");
    for (n, status) in [(0, "Enabled"), (9_999, "Suspended"), (5_000, "Enabled")] {
        let input = json!({"Bucket": format!("bucket-{n}")});
        let answer = client.call(&target, "s3", "GetBucketVersioning", &input).await.unwrap();
        assert_eq!(answer["Status"], status, "{n}");
    }
    let input = json!({"Bucket": "bucket-10000"});
    let error = client.call(&target, "s3", "GetBucketVersioning", &input).await.unwrap_err();
    assert_eq!(error.context().status, Some(599));
    assert!(error.message().contains("s3:GetBucketVersioning"), "{error}");
    assert_eq!(recorded.replay().unmatched().0, 1);
}
