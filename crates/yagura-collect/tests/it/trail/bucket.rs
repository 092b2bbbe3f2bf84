//! Verification straight from a bucket over HTTP, and what denials and broken answers make of it.
//! The bucket is moto's; the outcomes of tampering are in `outcomes`.

use std::sync::Arc;

use serde_json::json;
use yagura_aws::{Aws, Declared, Target};
use yagura_collect::trail::{BucketArchive, KeySource, Reason, Selection, Verdict};
use yagura_model::UnreadReason;
use yagura_testkit::faults::{Fault, Faults, Rule};
use yagura_testkit::moto::{MOTO_ACCOUNT, Moto};
use yagura_testkit::trail::{TrailNames, put_bucket};
use yagura_testkit::writer::Writer;

use super::bed::{Bed, at, keys, run};
use crate::tables;

const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";

struct Stage {
    bed: Bed,
    faults: Faults,
    aws: Aws,
    _moto: Moto,
}

async fn stage() -> Stage {
    let moto = Moto::start().await.unwrap();
    let (api, actions) = tables();
    let writer = Writer::new(moto.url(), &api, ACCESS_KEY);
    let bucket = json!({"Bucket": "trail-bucket"});
    writer.call("us-east-1", "s3", "CreateBucket", bucket).await.unwrap();
    let mut bed = Bed::empty(TrailNames { prefix: "p/".into(), ..TrailNames::default() });
    bed.hours(2);
    put_bucket(&bed.stock, &writer, "trail-bucket").await.unwrap();
    let services = ["s3", "cloudtrail"];
    let faults = Faults::before(&moto.url(), &api, &services, MOTO_ACCOUNT).await.unwrap();
    let builder = Aws::builder(api, actions)
        .isolated()
        .keys(ACCESS_KEY, "secret", None)
        .region("us-east-1")
        .endpoint_url(faults.url())
        .unpaced()
        .seed(1);
    Stage { bed, faults, aws: builder.build().await.unwrap(), _moto: moto }
}

impl Stage {
    async fn verify(&self, with_api: bool) -> super::bed::Outcome {
        let declared: Declared = yagura_collect::trail::CALLS.into_iter().collect();
        let client = self.aws.read(declared);
        let target = Target::new(MOTO_ACCOUNT, "us-east-1");
        let bucket = client.bucket(&target, "trail-bucket", false).unwrap();
        let archive = Arc::new(BucketArchive::new(bucket, "p/AWSLogs"));
        let keys = match with_api {
            true => KeySource { api: Some((client, MOTO_ACCOUNT.into())), ..KeySource::default() },
            false => KeySource { keys: keys(), api: None },
        };
        run(archive, keys, &Selection::default(), at("12:30")).await
    }
}

#[tokio::test]
async fn a_bucket_is_verified_with_the_metadata_that_it_keeps() {
    let stage = stage().await;
    let outcome = stage.verify(false).await;
    assert_eq!(outcome.trouble(), []);
    assert_eq!(outcome.verdicts.len(), stage.bed.stock.len());
    let newest = outcome.of(&stage.bed.digests[1]);
    assert_eq!(newest, (Verdict::Verified, Reason::Signature));
}

#[tokio::test]
async fn what_is_denied_waits_and_is_never_verified_or_missing() {
    let stage = stage().await;
    let denied = "User: arn:aws:iam::1:user/u is not authorized to perform: s3:GetObject";
    stage.faults.inject(Rule::new(Fault::Denied(denied.into())).operation("GetObject"));
    let outcome = stage.verify(false).await;
    assert_eq!(outcome.summary.digests.keys().collect::<Vec<_>>(), [&Verdict::Pending]);
    assert_eq!(outcome.summary.logs.keys().collect::<Vec<_>>(), [&Verdict::Pending]);
    assert_eq!(outcome.of(&stage.bed.digests[0]), (Verdict::Pending, Reason::Unread));
    assert!(outcome.all.iter().any(|one| one.detail.contains("`s3:GetObject` is missing")));
    stage.faults.clear();
    stage.faults.inject(Rule::new(Fault::Denied("no".into())).operation("ListObjectsV2"));
    let outcome = stage.verify(false).await;
    assert!(outcome.verdicts.is_empty());
    assert_eq!(outcome.summary.blind[0].reason, UnreadReason::Denied);
}

#[tokio::test]
async fn errors_and_cuts_in_the_middle_do_not_change_the_verdicts() {
    let stage = stage().await;
    for fault in [Fault::Bare(500), Fault::Truncated, Fault::Throttled] {
        stage.faults.clear();
        stage.faults.inject(Rule::new(fault).operation("GetObject").skip(1).times(2));
        let outcome = stage.verify(false).await;
        assert_eq!(outcome.trouble(), []);
    }
}

#[tokio::test]
async fn keys_that_cannot_be_asked_for_leave_everything_pending() {
    let stage = stage().await;
    let denied = "not authorized to perform: cloudtrail:ListPublicKeys";
    stage.faults.inject(Rule::new(Fault::Denied(denied.into())).service("cloudtrail"));
    let outcome = stage.verify(true).await;
    assert_eq!(outcome.of(&stage.bed.digests[0]), (Verdict::Pending, Reason::KeyNotAtHand));
    assert_eq!(outcome.summary.blind[0].reason, UnreadReason::Denied);
    assert!(!outcome.summary.is_alarming());
}
