//! Buckets and queues against moto, and against a moto that breaks: what is read is whole or an
//! error, what may not be written is not, and a missing key is told apart from everything else.
//! Listings and fetches of the log feeds stand on this.

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use yagura_aws::{
    Aws, Bucket, CallErrorKind, Content, Declared, Listing, Refusal, Target, call_error,
};
use yagura_testkit::faults::{Fault, Faults, Rule};
use yagura_testkit::moto::Moto;
use yagura_testkit::writer::Writer;

use crate::{ACCESS_KEY, OWN, builder, tables};

struct Stage {
    aws: Aws,
    faults: Faults,
    writer: Writer,
    _moto: Moto,
}

async fn stage() -> Stage {
    let moto = Moto::start().await.unwrap();
    let (api, _) = tables();
    let writer = Writer::new(moto.url(), &api, ACCESS_KEY);
    writer.call("us-east-1", "s3", "CreateBucket", json!({"Bucket": "logs"})).await.unwrap();
    let faults = Faults::before(&moto.url(), &api, &["s3", "sqs"], OWN).await.unwrap();
    let aws = builder(&faults.url()).build().await.unwrap();
    Stage { aws, faults, writer, _moto: moto }
}

fn target() -> Target {
    Target::new(OWN, "us-east-1")
}

impl Stage {
    fn bucket(&self) -> Bucket {
        let client = self.aws.read(Declared::from_iter(["s3:GetObject"]));
        client.bucket(&target(), "logs", false).unwrap()
    }

    async fn put(&self, key: &str, body: &[u8]) {
        let body = base64(body);
        let input = json!({"Bucket": "logs", "Key": key, "Body": body,
            "Metadata": {"signature": "00ff", "signature-algorithm": "SHA256withRSA"}});
        self.writer.call("us-east-1", "s3", "PutObject", input).await.unwrap();
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

async fn read(bucket: &Bucket, key: &str) -> Result<Vec<u8>, yagura_aws::CallError> {
    bucket.fetch(key, Content::default()).await?.whole(usize::MAX).await
}

#[tokio::test]
async fn any_key_is_listed_and_fetched_with_its_metadata() {
    let stage = stage().await;
    let keys = ["a/b/1", "a/b/2 +%&=?é", "a//c", "d"];
    for key in keys {
        stage.put(key, key.as_bytes()).await;
    }
    let bucket = stage.bucket();
    let pages: Vec<_> = bucket.list(Listing::default()).try_collect().await.unwrap();
    let mut found: Vec<_> =
        pages.iter().flat_map(|page| &page.objects).map(|one| one.key.clone()).collect();
    found.sort_unstable();
    let mut wanted = keys;
    wanted.sort_unstable();
    assert_eq!(found, wanted);
    for key in keys {
        let fetched = bucket.fetch(key, Content::default()).await.unwrap();
        assert_eq!(fetched.metadata["signature"], "00ff");
        assert_eq!(fetched.size_bytes, Some(key.len() as u64));
        assert_eq!(fetched.whole(100).await.unwrap(), key.as_bytes());
    }
    let head = bucket.head("a//c").await.unwrap();
    let same = Content { etag: head.etag.as_deref(), version: None };
    assert_eq!(bucket.fetch("a//c", same).await.unwrap().size_bytes, Some(head.size_bytes));
    let other = Content { etag: Some("0123"), version: None };
    assert!(bucket.fetch("a//c", other).await.unwrap_err().is("PreconditionFailed"));
    let folders = Listing { prefix: "a/", folders: true, after: None };
    let pages: Vec<_> = bucket.list(folders).try_collect().await.unwrap();
    let mut folders: Vec<_> = pages.into_iter().flat_map(|page| page.prefixes).collect();
    folders.sort_unstable();
    assert_eq!(folders, ["a//", "a/b/"]);
    let after = Listing { after: Some("a/b/2 +%&=?é"), ..Listing::default() };
    let pages: Vec<_> = bucket.list(after).try_collect().await.unwrap();
    assert_eq!(pages[0].objects.len(), 1);
    let error =
        bucket.fetch("a/b/1", Content::default()).await.unwrap().whole(2).await.unwrap_err();
    assert!(error.to_string().contains("larger than 2 bytes"), "{error}");
}

#[tokio::test]
async fn a_listing_of_several_pages_is_whole_or_an_error() {
    let stage = stage().await;
    for n in 0..5 {
        stage.put(&format!("k{n}"), b"x").await;
    }
    stage.faults.inject(Rule::new(Fault::PageLimit(2)).operation("ListObjectsV2"));
    let bucket = stage.bucket();
    let pages: Vec<_> = bucket.list(Listing::default()).try_collect().await.unwrap();
    assert_eq!(pages.iter().map(|page| page.objects.len()).collect::<Vec<_>>(), [2, 2, 1]);
    stage.faults.clear();
    let denied = Rule::new(Fault::Denied("no".into())).operation("ListObjectsV2").skip(1);
    stage.faults.inject(denied);
    let pages: Vec<_> = bucket.list(Listing::default()).collect().await;
    assert_eq!(pages.len(), 1, "moto gave everything on the first page");
    let pages: Vec<_> = bucket.list(Listing::default()).collect().await;
    let error = pages.last().unwrap().as_ref().unwrap_err();
    assert!(matches!(error.kind, CallErrorKind::Denied { .. }), "{error}");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_taken_up_where_it_ended() {
    let stage = stage().await;
    let body: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
    stage.put("big", &body).await;
    let cut = Rule::new(Fault::Truncated).operation("GetObject");
    stage.faults.inject(cut.clone().times(2));
    assert_eq!(read(&stage.bucket(), "big").await.unwrap(), body);
    let asked = stage.faults.seen().into_iter().filter(|call| call.operation == "GetObject");
    assert_eq!(asked.count(), 3);
    stage.faults.clear();
    stage.faults.inject(cut.clone().times(1));
    let store = stage.bucket().store().unwrap();
    let got = store.get(&Path::from("big")).await.unwrap().bytes().await.unwrap();
    assert_eq!(got, Bytes::from(body.clone()));
    stage.faults.clear();
    stage.faults.inject(Rule::new(Fault::Bare(503)).operation("GetObject").times(2));
    assert_eq!(read(&stage.bucket(), "big").await.unwrap(), body);
    stage.faults.clear();
    stage.faults.inject(Rule::new(Fault::Throttled).operation("GetObject").times(1));
    assert_eq!(read(&stage.bucket(), "big").await.unwrap(), body);
    assert_eq!(stage.aws.counts().throttles, 1);
}

#[tokio::test]
async fn only_a_key_that_s3_calls_missing_is_absent() {
    let stage = stage().await;
    let bucket = stage.bucket();
    let store = bucket.store().unwrap();
    let nothing = Path::from("nothing");
    let error = bucket.fetch("nothing", Content::default()).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Absent, "{error}");
    for error in [store.get(&nothing).await.unwrap_err(), store.head(&nothing).await.unwrap_err()] {
        assert!(matches!(error, object_store::Error::NotFound { .. }), "{error}");
    }
    let client = stage.aws.read(Declared::from_iter(["s3:GetObject"]));
    let nowhere = client.bucket(&target(), "nowhere", false).unwrap();
    let error = nowhere.fetch("nothing", Content::default()).await.unwrap_err();
    assert_eq!((&error.kind, error.code()), (&CallErrorKind::Failed, "NoSuchBucket"));
    stage.faults.inject(Rule::new(Fault::Bare(404)));
    let error = bucket.fetch("nothing", Content::default()).await.unwrap_err();
    assert_eq!((&error.kind, error.code()), (&CallErrorKind::Failed, ""));
    let error = store.get(&nothing).await.unwrap_err();
    assert!(matches!(error, object_store::Error::Generic { .. }), "{error}");
}

#[tokio::test]
async fn a_denial_names_the_missing_action_in_fetches_and_stores() {
    let stage = stage().await;
    stage.put("k", b"x").await;
    let message = "User: arn:aws:iam::1:user/u is not authorized to perform: s3:GetObject on \
                   resource: \"arn:aws:s3:::logs/k\" because no identity-based policy allows the \
                   s3:GetObject action";
    stage.faults.inject(Rule::new(Fault::Denied(message.into())).operation("GetObject"));
    let check = |error: &yagura_aws::CallError| {
        let CallErrorKind::Denied { action, .. } = &error.kind else { panic!("{error}") };
        assert_eq!(action.as_deref(), Some("s3:GetObject"));
    };
    check(&stage.bucket().fetch("k", Content::default()).await.unwrap_err());
    let error = stage.bucket().store().unwrap().get(&Path::from("k")).await.unwrap_err();
    assert!(matches!(error, object_store::Error::PermissionDenied { .. }), "{error}");
    check(call_error(&error).unwrap());
}

#[tokio::test]
async fn a_log_bucket_is_never_written_and_needs_its_declaration() {
    let stage = stage().await;
    stage.put("k", b"x").await;
    let store = stage.bucket().store().unwrap();
    let at = Path::from("k");
    for error in [
        store.put(&at, "y".into()).await.unwrap_err(),
        store.delete(&at).await.unwrap_err(),
        store.copy(&at, &Path::from("l")).await.unwrap_err(),
        store.put_multipart(&at).await.map(drop).unwrap_err(),
    ] {
        assert!(matches!(error, object_store::Error::PermissionDenied { .. }), "{error}");
    }
    let seen: Vec<_> = stage.faults.seen().into_iter().map(|call| call.operation).collect();
    assert!(seen.is_empty(), "{seen:?}");
    let error = stage.aws.read(Declared::none()).bucket(&target(), "logs", false).unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Refused(Refusal::CustomerData));
}

#[tokio::test]
async fn the_lake_writes_below_its_prefix_and_never_over_another() {
    let stage = stage().await;
    let store = stage.aws.lake_store(&target(), "logs", "lake/v1").unwrap();
    let create = || PutOptions { mode: PutMode::Create, ..PutOptions::default() };
    let at = Path::from("lake/v1/commits/1.json");
    let payload = || PutPayload::from_static(b"one");
    store.put_opts(&at, payload(), create()).await.unwrap();
    let error = store.put_opts(&at, PutPayload::from_static(b"two"), create()).await.unwrap_err();
    assert!(matches!(error, object_store::Error::AlreadyExists { .. }), "{error}");
    for outside in ["lake/v2/x", "lake/v1", "lake/v10/x"] {
        let error = store.put(&Path::from(outside), payload()).await.unwrap_err();
        assert!(matches!(error, object_store::Error::PermissionDenied { .. }), "{outside}");
    }
    let mut upload = store.put_multipart(&Path::from("lake/v1/big")).await.unwrap();
    for part in [vec![1_u8; 5 << 20], vec![2; 9]] {
        upload.put_part(part.into()).await.unwrap();
    }
    upload.complete().await.unwrap();
    assert_eq!(store.head(&Path::from("lake/v1/big")).await.unwrap().size, (5 << 20) + 9);
    let all: Vec<_> = store.list(Some(&Path::from("lake"))).try_collect().await.unwrap();
    assert_eq!(all.len(), 2);
    store.delete(&at).await.unwrap();
    let both = futures::stream::iter([Ok(Path::from("lake/v1/big")), Ok(Path::from("other"))]);
    let gone: Vec<_> = store.delete_stream(both.boxed()).collect().await;
    assert_eq!(gone.iter().filter(|one| one.is_ok()).count(), 1);
}

#[tokio::test]
async fn a_conditional_write_whose_answer_was_lost_is_ours() {
    let stage = stage().await;
    let store = stage.aws.lake_store(&target(), "logs", "lake").unwrap();
    let create = || PutOptions { mode: PutMode::Create, ..PutOptions::default() };
    // The write is done, its answer is cut off, and the second attempt finds the key taken.
    stage.faults.inject(Rule::new(Fault::Garbage).operation("HeadObject"));
    stage.faults.inject(Rule::new(Fault::Truncated).operation("PutObject").times(1));
    let first = Path::from("lake/1");
    store.put_opts(&first, PutPayload::from_static(b"mine"), create()).await.unwrap();
    // The same, but somebody else's object is there.
    let second = Path::from("lake/2");
    store.put(&second, PutPayload::from_static(b"theirs")).await.unwrap();
    stage.faults.clear();
    stage.faults.inject(Rule::new(Fault::Bare(502)).operation("PutObject").times(1));
    let error = store.put_opts(&second, PutPayload::from_static(b"mine"), create()).await;
    assert!(matches!(error, Err(object_store::Error::AlreadyExists { .. })), "{error:?}");
    let kept = store.get(&second).await.unwrap().bytes().await.unwrap();
    assert_eq!(kept, Bytes::from_static(b"theirs"));
}

#[tokio::test]
async fn a_queue_is_received_extended_and_deleted() {
    let stage = stage().await;
    let made = stage
        .writer
        .call("us-east-1", "sqs", "CreateQueue", json!({"QueueName": "q"}))
        .await
        .unwrap();
    let url = made["QueueUrl"].as_str().unwrap().to_owned();
    for n in 0..3 {
        let input = json!({"QueueUrl": url, "MessageBody": format!("{{\"n\":{n}}}")});
        stage.writer.call("us-east-1", "sqs", "SendMessage", input).await.unwrap();
    }
    let arn = format!("arn:aws:sqs:us-east-1:{OWN}:q");
    let cancel = CancellationToken::new();
    let consumer = stage.aws.consumer(&target(), &arn, cancel).await.unwrap();
    let messages = consumer.receive(0, 60).await.unwrap();
    assert_eq!(messages.len(), 3);
    assert!(messages.iter().all(|message| message.receipts == 1 && message.sent.is_some()));
    assert!(consumer.receive(0, 60).await.unwrap().is_empty());
    let receipts: Vec<String> = messages.iter().map(|message| message.receipt.clone()).collect();
    assert!(consumer.extend(&receipts[..1], 0).await.unwrap().is_empty());
    let again = consumer.receive(0, 60).await.unwrap();
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].receipts, 2);
    let current: Vec<String> = receipts[1..].iter().chain([&again[0].receipt]).cloned().collect();
    assert!(consumer.delete(&current).await.unwrap().is_empty());
    let depth = consumer.depth().await.unwrap();
    assert_eq!((depth.waiting, depth.hidden), (0, 0));
    let nowhere = stage.aws.consumer(&target(), "nowhere", CancellationToken::new()).await;
    assert!(nowhere.unwrap_err().to_string().contains("neither the URL nor the ARN"));
}
