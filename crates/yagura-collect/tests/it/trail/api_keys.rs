//! Public keys from the API: asked for once per key, in the digest's own region and time.
//! The answers are recorded; where keys come from a file is in `outcomes`.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use yagura_aws::replay::{RecordedAnswer, RecordedBody};
use yagura_aws::{Aws, Declared, ReadClient, Replay};
use yagura_collect::trail::{FolderArchive, KeySource, Reason, Selection, Verdict};
use yagura_testkit::trail::{Encoding, SigningKey, key_list, write_folder};

use super::bed::{Bed, KEYS, Outcome, at, run};
use crate::tables;

const IDENTITY: &str = "<GetCallerIdentityResponse><GetCallerIdentityResult>\
    <Arn>arn:aws:iam::111122223333:user/u</Arn><UserId>AIDA</UserId>\
    <Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";

fn recorded(service: &str, operation: &str, body: String) -> RecordedAnswer {
    RecordedAnswer {
        account: "111122223333".into(),
        region: "*".into(),
        service: service.into(),
        operation: operation.into(),
        matching: Map::new(),
        status: 200,
        headers: [("x-amzn-requestid".to_owned(), "R".to_owned())].into(),
        body: RecordedBody::Text(body),
    }
}

/// A client to which AWS names these keys.
async fn client(keys: &[&SigningKey], encoding: Encoding) -> ReadClient {
    let (api, actions) = tables();
    let mut answer: Value = key_list(keys.iter().copied(), encoding);
    for key in answer["PublicKeyList"].as_array_mut().unwrap() {
        // On the wire the times are seconds.
        key["ValidityStartTime"] = json!(1_767_225_600.0);
        key["ValidityEndTime"] = json!(1_798_761_600.0);
    }
    let answers = [
        recorded("sts", "GetCallerIdentity", IDENTITY.into()),
        recorded("cloudtrail", "ListPublicKeys", answer.to_string()),
    ];
    let replay = Replay::new(answers, &api).unwrap();
    let aws = Aws::builder(api, actions).region("us-east-1").replay(&replay);
    aws.build().await.unwrap().read(Declared::none())
}

async fn verify(bed: &Bed, client: ReadClient) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    write_folder(&bed.stock, folder.path(), true).unwrap();
    let archive = Arc::new(FolderArchive::open(folder.path()).unwrap());
    let keys = KeySource { api: Some((client, "111122223333".into())), ..KeySource::default() };
    run(archive, keys, &Selection::default(), at("12:30")).await
}

#[tokio::test]
async fn keys_are_asked_for_once_each_and_given_to_be_kept() {
    for encoding in [Encoding::Pkcs1, Encoding::Spki, Encoding::Pkcs1Twice] {
        let mut bed = Bed::new();
        bed.trail.rotate(KEYS[1].clone());
        bed.hours(1);
        let client = client(&[&KEYS[0], &KEYS[1]], encoding).await;
        let outcome = verify(&bed, client.clone()).await;
        assert_eq!(outcome.trouble(), []);
        assert_eq!(outcome.summary.keys.len(), 2);
        // Who we are, and one answer that names both keys.
        assert_eq!(client.counts().calls, 2);
        let kept = KeySource { keys: outcome.summary.keys.clone(), api: None };
        let folder = tempfile::tempdir().unwrap();
        write_folder(&bed.stock, folder.path(), true).unwrap();
        let archive = Arc::new(FolderArchive::open(folder.path()).unwrap());
        let offline = run(archive, kept, &Selection::default(), at("13:30")).await;
        assert_eq!(offline.trouble(), []);
    }
}

#[tokio::test]
async fn a_key_that_aws_does_not_name_is_nobodys() {
    let bed = Bed::new();
    let client = client(&[&KEYS[1]], Encoding::Pkcs1).await;
    let outcome = verify(&bed, client.clone()).await;
    let unknown = (Verdict::HashMismatch, Reason::KeyUnknown);
    assert_eq!(outcome.of(&bed.digests[0]), unknown);
    assert_eq!(outcome.of(&bed.logs[0]), (Verdict::ChainBroken, Reason::DigestNotProven));
    assert!(outcome.summary.is_alarming());
    assert_eq!(client.counts().calls, 2);
}
