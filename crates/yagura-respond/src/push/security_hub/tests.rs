//! What Security Hub is told, over a real store and recorded answers of AWS.
//! The same against an independent server is in the tests of the binary.

use std::collections::BTreeMap;

use serde_json::Map;
use tokio_util::sync::CancellationToken;
use yagura_aws::replay::{RecordedAnswer, RecordedBody};
use yagura_aws::{Actions, Api, Aws, Replay};
use yagura_model::finding::{Actor, Closing, ClosingReason, Observation, Rank};
use yagura_model::{Lang, Prose, Severity};
use yagura_report::Catalog;
use yagura_store::Location;

use super::*;

const ACCOUNT: &str = "111122223333";

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_795_305_600 + minute * 60).unwrap()
}

fn seen(content: &str, kind: FindingKind, key: &str, severity: Severity) -> Observation {
    Observation {
        kind,
        content: content.to_owned(),
        path: None,
        key: key.to_owned(),
        sub_key: String::new(),
        title: Prose { en: "Something is not so".to_owned(), ja: "何かが違う".to_owned() },
        severity,
        account: ACCOUNT.to_owned(),
        region: "eu-west-1".to_owned(),
        resource_type: Some("AWS::S3::Bucket".to_owned()),
        resource_name: None,
        cause: "c".to_owned(),
        first_us: at(0).as_microsecond(),
        last_us: at(0).as_microsecond(),
        occurrences: 1,
        rank: Rank::default(),
        marks: Vec::new(),
        suppression: None,
        evidence: Value::Null,
    }
}

struct Bed {
    store: Store,
    catalog: Catalog,
    _folder: tempfile::TempDir,
}

impl Bed {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Location::in_folder(folder.path())).await.unwrap();
        let catalog = Catalog { controls: BTreeMap::new(), frameworks: Vec::new() };
        Self { store, catalog, _folder: folder }
    }

    async fn observe(&self, seen: &[Observation], minute: i64) {
        let actor = Actor::Yagura("scan".to_owned());
        self.store.findings(Scope::All).observe(seen, &actor, at(minute)).await.unwrap();
    }

    async fn close(&self, seen: &Observation, minute: i64) {
        let closing = Closing {
            ids: vec![seen.id()],
            reason: ClosingReason::Passed,
            as_of_us: at(minute).as_microsecond(),
        };
        let actor = Actor::Yagura("scan".to_owned());
        self.store.findings(Scope::All).close(&closing, &actor, at(minute)).await.unwrap();
    }

    async fn push(&self, client: Option<&WriteClient>, minute: i64) -> PushOutcome {
        let entries = BTreeMap::new();
        let context = ExportContext {
            catalog: &self.catalog,
            entries: &entries,
            accounts: Vec::new(),
            at: at(minute),
            version: "0.0.0".to_owned(),
            lang: Lang::En,
        };
        let filter = FindingFilter::default();
        push(&self.store, client, &filter, &context, at(minute)).await.unwrap()
    }
}

fn tables() -> (Api, Actions) {
    let services = include_bytes!("../../../../../content/aws-api/services.zst");
    let actions = include_bytes!("../../../../../content/aws-api/actions.zst");
    (Api::open(services).unwrap(), Actions::open(actions).unwrap())
}

fn answer(service: &str, operation: &str, status: u16, body: &str) -> RecordedAnswer {
    RecordedAnswer {
        account: ACCOUNT.to_owned(),
        region: "*".to_owned(),
        service: service.to_owned(),
        operation: operation.to_owned(),
        matching: Map::new(),
        status,
        headers: BTreeMap::new(),
        body: RecordedBody::Text(body.to_owned()),
    }
}

/// A client that Security Hub answers like this, call after call.
async fn client(answers: &[(u16, &str)]) -> (WriteClient, Replay) {
    let (api, actions) = tables();
    let identity = "<GetCallerIdentityResponse><GetCallerIdentityResult>\
        <Arn>arn:aws:iam::111122223333:user/u</Arn><UserId>AIDA</UserId>\
        <Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";
    let hub = answers
        .iter()
        .map(|(status, body)| answer("securityhub", "BatchImportFindings", *status, body));
    let all = std::iter::once(answer("sts", "GetCallerIdentity", 200, identity)).chain(hub);
    let replay = Replay::new(all, &api).unwrap();
    let builder = Aws::builder(api, actions).isolated().region("eu-west-1").seed(1);
    let aws = builder.replay(&replay).build().await.unwrap();
    aws.caller_identity().await.unwrap();
    (aws.write(CALLS, CancellationToken::new()), replay)
}

const TAKEN: &str = r#"{"FailedCount": 0, "SuccessCount": 1, "FailedFindings": []}"#;

#[tokio::test]
async fn only_what_changed_is_told_again_and_what_is_over_is_archived() {
    let bed = Bed::new().await;
    let one = seen("s3.bucket_versioned", FindingKind::Control, "arn:aws:s3:::a", Severity::Low);
    bed.observe(std::slice::from_ref(&one), 0).await;
    let (client, replay) = client(&[(200, TAKEN)]).await;
    let before = replay.calls();
    let first = bed.push(Some(&client), 1).await;
    assert_eq!((first.told, first.unchanged, first.archived), (1, 0, 0));
    let second = bed.push(Some(&client), 2).await;
    assert_eq!((second.told, second.unchanged), (0, 1));
    // Being seen again is no change that somebody would want to be told.
    let again = Observation { last_us: at(3).as_microsecond(), ..one.clone() };
    bed.observe(&[again], 3).await;
    assert_eq!(bed.push(Some(&client), 4).await.told, 0);
    let worse =
        Observation { severity: Severity::High, last_us: at(5).as_microsecond(), ..one.clone() };
    bed.observe(std::slice::from_ref(&worse), 5).await;
    assert_eq!(bed.push(Some(&client), 6).await.told, 1);
    bed.close(&one, 7).await;
    let over = bed.push(Some(&client), 8).await;
    assert_eq!((over.told, over.archived), (1, 1));
    assert_eq!(bed.push(Some(&client), 9).await.told, 0);
    assert_eq!(replay.calls() - before, 3, "three changes, three calls");
}

#[tokio::test]
async fn a_finding_that_was_not_taken_is_told_and_tried_again() {
    let bed = Bed::new().await;
    let of = |key: &str| seen("s3.bucket_versioned", FindingKind::Control, key, Severity::Low);
    let (good, bad) = (of("arn:aws:s3:::good"), of("arn:aws:s3:::bad"));
    bed.observe(&[good, bad.clone()], 0).await;
    let partly = json!({"FailedCount": 1, "SuccessCount": 1, "FailedFindings": [
        {"Id": bad.id(), "ErrorCode": "InvalidInput", "ErrorMessage": "no"}]});
    let (client, _) = client(&[(200, &partly.to_string()), (200, TAKEN)]).await;
    let first = bed.push(Some(&client), 1).await;
    assert_eq!((first.told, first.refused), (1, 1));
    assert_eq!(first.refusals[0].finding, bad.id());
    let second = bed.push(Some(&client), 2).await;
    assert_eq!((second.told, second.unchanged, second.refused), (1, 1, 0));
}

#[tokio::test]
async fn a_place_that_cannot_be_reached_is_told_once_and_nothing_is_remembered() {
    let bed = Bed::new().await;
    let many: Vec<Observation> = (0..250)
        .map(|n| {
            let key = format!("arn:aws:s3:::bucket-{n}");
            seen("s3.bucket_versioned", FindingKind::Control, &key, Severity::Low)
        })
        .collect();
    bed.observe(&many, 0).await;
    let off = r#"{"Code": "InvalidAccessException", "Message": "not subscribed"}"#;
    let (client, replay) = client(&[(401, off)]).await;
    let before = replay.calls();
    let outcome = bed.push(Some(&client), 1).await;
    assert_eq!((outcome.told, outcome.unreached, outcome.places.len()), (0, 250, 1));
    assert_eq!(replay.calls() - before, 1, "the other batches of the place are not tried");
    assert_eq!(bed.push(None, 2).await.told, 250, "all of it is still to be told");
}

#[tokio::test]
async fn what_security_hub_knows_better_and_what_was_over_before_is_not_told() {
    let bed = Bed::new().await;
    let over = seen("s3.a", FindingKind::Control, "arn:aws:s3:::a", Severity::Low);
    let echo = seen("guardduty/T", FindingKind::Import, "arn:aws:s3:::b", Severity::High);
    let foreign = seen("prowler/T", FindingKind::Import, "arn:aws:s3:::c", Severity::High);
    let nowhere = Observation {
        account: String::new(),
        ..seen("tool/T", FindingKind::Import, "main.tf", Severity::High)
    };
    bed.observe(&[over.clone(), echo, foreign, nowhere], 0).await;
    bed.close(&over, 1).await;
    let outcome = bed.push(None, 2).await;
    assert_eq!((outcome.told, outcome.left_out, outcome.unchanged), (1, 2, 1));
}

#[tokio::test]
async fn users_of_security_hub_keep_what_is_theirs() {
    let bed = Bed::new().await;
    let one = seen("s3.a", FindingKind::Control, "arn:aws:s3:::a", Severity::Low);
    bed.observe(std::slice::from_ref(&one), 0).await;
    let finding = bed.store.findings(Scope::All).get(&one.id()).await.unwrap().unwrap();
    let entries = BTreeMap::new();
    let context = ExportContext {
        catalog: &bed.catalog,
        entries: &entries,
        accounts: Vec::new(),
        at: at(1),
        version: "0.0.0".to_owned(),
        lang: Lang::En,
    };
    let told = security_hub_finding(&finding, &context).unwrap();
    for member in ["Workflow", "Note", "UserDefinedFields", "VerificationState"] {
        assert!(told.get(member).is_none(), "{member}");
    }
    assert_eq!(
        told["ProductArn"],
        "arn:aws:securityhub:eu-west-1:111122223333:product/111122223333/default"
    );
    let (api, _) = tables();
    let service = api.service("securityhub").unwrap();
    let operation = service.operation("BatchImportFindings").unwrap();
    operation.check_input(&json!({"Findings": [told]})).unwrap();
}
