//! When foreign findings open, join, link and close findings of ours, over real stores.

use std::sync::Arc;

use serde_json::{Value, json};
use yagura_content::Content;
use yagura_model::finding::{
    Actor, Closing, ClosingReason, Finding, FindingKind, FindingState, Observation, Rank, Scope,
};
use yagura_model::imported::{ImportedResource, OwnIdentity};
use yagura_model::{Prose, Severity};
use yagura_store::findings::{FindingFilter, Page};
use yagura_store::{Location, Store};

use super::*;

const HOUR_US: i64 = 3_600_000_000;
const GUARDDUTY: &str = "guardduty/111122223333/eu-west-1";
const HUB: &str = "securityhub/111122223333/eu-west-1";
const WHOLE: ImportedPlace = ImportedPlace { whole: true, changed_us: Some(0) };
const CHANGES: ImportedPlace = ImportedPlace { whole: false, changed_us: Some(0) };
const BUCKET: &str = "arn:aws:s3:::site";

/// Hours of the tests' day.
fn at(hour: i64) -> Timestamp {
    Timestamp::from_microsecond(1_795_305_600_000_000 + hour * HOUR_US).unwrap()
}

fn us(hour: i64) -> i64 {
    at(hour).as_microsecond()
}

/// A finding of a product that was last so, and last changed, at an hour.
fn imported(product: &str, original: &str, type_name: &str, hour: i64) -> Imported {
    Imported {
        product: product.to_owned(),
        original: original.to_owned(),
        type_name: type_name.to_owned(),
        distinction: String::new(),
        title: format!("{type_name} happened"),
        description: String::new(),
        severity: Severity::High,
        severity_said: "8".to_owned(),
        account: "111122223333".to_owned(),
        region: "eu-west-1".to_owned(),
        resources: vec![ImportedResource { key: BUCKET.to_owned(), ..Default::default() }],
        actor: None,
        address: None,
        first_us: us(0),
        last_us: us(hour),
        updated_us: us(hour),
        occurrences: 1,
        state: ImportedState::Active,
        checks: Vec::new(),
        requirements: Vec::new(),
        attacks: Vec::new(),
        vulnerabilities: Vec::new(),
        remedy: None,
        own: None,
        raw: Value::Null,
    }
}

fn threat(original: &str, hour: i64) -> Imported {
    imported("guardduty", original, "Policy:S3/BucketPublicAccessGranted", hour)
}

/// A control of Security Hub to which one of ours maps.
fn control(original: &str, hour: i64) -> Imported {
    let checks = vec![("fsbp".to_owned(), "S3.8".to_owned())];
    Imported { checks, ..imported("securityhub", original, "S3.8", hour) }
}

struct Bed {
    store: Store,
    fold: Fold,
    _folder: tempfile::TempDir,
}

impl Bed {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Location::in_folder(folder.path())).await.unwrap();
        let fold = Fold::new(Arc::new(Content::builtin().clone()));
        Self { store, fold, _folder: folder }
    }

    /// One reading of some places at an hour.
    async fn read(
        &self,
        hour: i64,
        places: &[(&str, Vec<Imported>, Option<ImportedPlace>)],
    ) -> ImportsFolded {
        self.read_as(ImportOrigin::Service, hour, places).await
    }

    async fn read_as(
        &self,
        origin: ImportOrigin,
        hour: i64,
        places: &[(&str, Vec<Imported>, Option<ImportedPlace>)],
    ) -> ImportsFolded {
        let mut folding = self.fold.begin_imports(&self.store, origin, at(hour)).await.unwrap();
        for (scope, findings, ended) in places {
            for finding in findings {
                folding.found(scope, finding.clone()).await.unwrap();
            }
            if let Some(ended) = ended {
                folding.ended(scope, *ended).await.unwrap();
            }
        }
        folding.finish().await.unwrap()
    }

    async fn all(&self) -> Vec<Finding> {
        let findings = self.store.findings(Scope::All);
        let page = Page { limit: 1_000, ..Page::default() };
        findings.list(&FindingFilter::default(), &page).await.unwrap().findings
    }

    async fn states(&self) -> Vec<(String, FindingState)> {
        let mut states: Vec<_> =
            self.all().await.into_iter().map(|one| (one.observation.content, one.state)).collect();
        states.sort();
        states
    }

    /// How many changes all histories have.
    async fn changes(&self) -> i64 {
        self.store.findings(Scope::All).history_end().await.unwrap()
    }

    /// A finding of our control on the bucket, seen at an hour.
    async fn ours(&self, hour: i64) -> String {
        let seen = Observation {
            kind: FindingKind::Control,
            content: "s3.bucket_public_access_blocked".to_owned(),
            path: None,
            key: BUCKET.to_owned(),
            sub_key: String::new(),
            title: Prose { en: "t".to_owned(), ja: "t".to_owned() },
            severity: Severity::High,
            account: "111122223333".to_owned(),
            region: "eu-west-1".to_owned(),
            resource_type: Some("AWS::S3::Bucket".to_owned()),
            resource_name: None,
            cause: "c".to_owned(),
            first_us: us(hour),
            last_us: us(hour),
            occurrences: 1,
            rank: Rank::default(),
            marks: Vec::new(),
            suppression: None,
            evidence: json!({}),
        };
        let findings = self.store.findings(Scope::All);
        let actor = Actor::Yagura("scan".to_owned());
        findings.observe(std::slice::from_ref(&seen), &actor, at(hour)).await.unwrap();
        seen.id()
    }

    async fn pass(&self, id: &str, hour: i64) {
        let findings = self.store.findings(Scope::All);
        let closing =
            Closing { ids: vec![id.to_owned()], reason: ClosingReason::Passed, as_of_us: us(hour) };
        let actor = Actor::Yagura("scan".to_owned());
        findings.close(&closing, &actor, at(hour)).await.unwrap();
    }

    async fn get(&self, id: &str) -> Finding {
        self.store.findings(Scope::All).get(id).await.unwrap().unwrap()
    }
}

fn only(states: &[(&str, FindingState)]) -> Vec<(String, FindingState)> {
    states.iter().map(|(content, state)| ((*content).to_owned(), *state)).collect()
}

const THREAT: &str = "guardduty/Policy:S3/BucketPublicAccessGranted";

#[tokio::test]
async fn importing_the_same_again_changes_nothing() {
    let bed = Bed::new().await;
    let places = [(GUARDDUTY, vec![threat("f1", 1), threat("f2", 2)], Some(WHOLE))];
    let first = bed.read(3, &places).await;
    assert_eq!((first.folded.opened, first.unchanged), (1, 0), "one what and where, told twice");
    let (before, changes) = (bed.all().await, bed.changes().await);
    assert_eq!(before[0].occurrences, 2);
    let second = bed.read(4, &places).await;
    assert_eq!((second.folded.opened, second.folded.resolved, second.unchanged), (0, 0, 2));
    assert_eq!(bed.changes().await, changes);
    assert_eq!(bed.all().await, before);
}

#[tokio::test]
async fn what_a_whole_listing_no_longer_has_is_over_and_opens_again_when_it_is_back() {
    let bed = Bed::new().await;
    bed.read(1, &[(GUARDDUTY, vec![threat("f1", 1)], Some(WHOLE))]).await;
    bed.read(2, &[(GUARDDUTY, vec![], Some(CHANGES))]).await;
    assert_eq!(bed.states().await, only(&[(THREAT, FindingState::New)]), "no change, no end");
    bed.read(3, &[(GUARDDUTY, vec![], None)]).await;
    assert_eq!(bed.states().await, only(&[(THREAT, FindingState::New)]), "not read to its end");
    bed.read(4, &[(GUARDDUTY, vec![], Some(WHOLE))]).await;
    assert_eq!(bed.states().await, only(&[(THREAT, FindingState::Resolved)]));
    bed.read(5, &[(GUARDDUTY, vec![threat("f1", 1)], Some(WHOLE))]).await;
    assert_eq!(bed.states().await, only(&[(THREAT, FindingState::New)]));
}

#[tokio::test]
async fn another_place_closes_nothing_here() {
    let bed = Bed::new().await;
    bed.read(1, &[(GUARDDUTY, vec![threat("f1", 1)], Some(WHOLE))]).await;
    bed.read(2, &[("guardduty/111122223333/us-east-1", vec![], Some(WHOLE))]).await;
    assert_eq!(bed.states().await, only(&[(THREAT, FindingState::New)]));
}

#[tokio::test]
async fn findings_that_are_listed_without_being_read_stay() {
    let bed = Bed::new().await;
    bed.read(1, &[(GUARDDUTY, vec![threat("f1", 1)], Some(WHOLE))]).await;
    let origin = ImportOrigin::Service;
    let mut folding = bed.fold.begin_imports(&bed.store, origin, at(2)).await.unwrap();
    folding.present(GUARDDUTY, "guardduty", &["f1".to_owned()]).await.unwrap();
    folding.ended(GUARDDUTY, WHOLE).await.unwrap();
    folding.finish().await.unwrap();
    assert_eq!(bed.states().await, only(&[(THREAT, FindingState::New)]));
}

#[tokio::test]
async fn the_last_of_several_that_is_over_ends_the_finding() {
    let bed = Bed::new().await;
    let archived =
        |original, hour| Imported { state: ImportedState::Suppressed, ..threat(original, hour) };
    bed.read(1, &[(GUARDDUTY, vec![threat("f1", 1), threat("f2", 1)], Some(WHOLE))]).await;
    bed.read(2, &[(GUARDDUTY, vec![archived("f1", 2)], Some(CHANGES))]).await;
    assert_eq!(bed.states().await, only(&[(THREAT, FindingState::New)]));
    bed.read(3, &[(GUARDDUTY, vec![archived("f2", 3)], Some(CHANGES))]).await;
    assert_eq!(bed.states().await, only(&[(THREAT, FindingState::Resolved)]));
    let done = bed.read(4, &[(GUARDDUTY, vec![archived("f9", 4)], Some(CHANGES))]).await;
    assert_eq!(done.settled, 1, "what was settled before we knew of it opens nothing");
    assert_eq!(bed.all().await.len(), 1);
}

#[tokio::test]
async fn what_security_hub_passes_on_is_one_finding_with_the_products_own() {
    let bed = Bed::new().await;
    // Security Hub names the resource otherwise: alone it would be another finding.
    let mut passed = threat("f1", 1);
    passed.resources[0].key = "AWS::IAM::AccessKey:x".to_owned();
    let both =
        [(GUARDDUTY, vec![threat("f1", 1)], Some(WHOLE)), (HUB, vec![passed.clone()], Some(WHOLE))];
    bed.read(2, &both).await;
    assert_eq!(bed.all().await.len(), 1);
    // Without the product itself, what Security Hub says stands; later the two become one.
    let bed = Bed::new().await;
    bed.read(1, &[(HUB, vec![passed], Some(WHOLE))]).await;
    assert_eq!(bed.states().await, only(&[(THREAT, FindingState::New)]));
    bed.read(2, &both).await;
    let open: Vec<Finding> =
        bed.all().await.into_iter().filter(|one| one.state.is_open()).collect();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].observation.key, BUCKET);
    // And the product's word ends it, though Security Hub lags behind.
    let over = Imported { state: ImportedState::Resolved, ..threat("f1", 3) };
    bed.read(3, &[(GUARDDUTY, vec![over], Some(CHANGES))]).await;
    assert!(bed.all().await.iter().all(|one| one.state == FindingState::Resolved));
}

#[tokio::test]
async fn two_hubs_that_pass_on_the_same_do_not_end_it_for_each_other() {
    let bed = Bed::new().await;
    let other = "securityhub/111122223333/us-east-1";
    for hour in 1..4 {
        let places = [
            (HUB, vec![threat("f1", 1)], Some(WHOLE)),
            (other, vec![threat("f1", 1)], Some(WHOLE)),
        ];
        bed.read(hour, &places).await;
        assert_eq!(bed.states().await, only(&[(THREAT, FindingState::New)]), "{hour}");
    }
    bed.read(4, &[(HUB, vec![], Some(WHOLE))]).await;
    assert_eq!(bed.states().await, only(&[(THREAT, FindingState::New)]), "the other has it");
    bed.read(5, &[(other, vec![], Some(WHOLE))]).await;
    assert_eq!(bed.states().await, only(&[(THREAT, FindingState::Resolved)]));
}

#[tokio::test]
async fn another_of_the_same_opens_what_the_first_has_ended() {
    let bed = Bed::new().await;
    bed.read(1, &[(GUARDDUTY, vec![threat("f1", 1)], Some(WHOLE))]).await;
    let archived = Imported { state: ImportedState::Suppressed, ..threat("f1", 10) };
    bed.read(11, &[(GUARDDUTY, vec![archived], Some(CHANGES))]).await;
    assert_eq!(bed.states().await, only(&[(THREAT, FindingState::Resolved)]));
    // It began before the first was archived, and is told only now.
    bed.read(12, &[(GUARDDUTY, vec![threat("f2", 9)], Some(CHANGES))]).await;
    assert_eq!(bed.states().await, only(&[(THREAT, FindingState::New)]));
}

#[tokio::test]
async fn what_a_control_of_ours_says_is_linked_and_not_told_twice() {
    let bed = Bed::new().await;
    let ours = bed.ours(1).await;
    let done = bed.read(2, &[(HUB, vec![control("c1", 2)], Some(WHOLE))]).await;
    assert_eq!((done.linked, done.folded.opened), (1, 0));
    assert_eq!(bed.all().await.len(), 1);
    assert!(bed.get(&ours).await.labels.contains("also:securityhub/S3.8"));
    // Ours passes: for as long as the product has not looked again, that counts.
    bed.pass(&ours, 3).await;
    bed.read(4, &[(HUB, vec![control("c1", 2)], Some(WHOLE))]).await;
    assert_eq!(bed.all().await.len(), 1);
    // It looked again, and disagrees: nobody hides that.
    bed.read(6, &[(HUB, vec![control("c1", 5)], Some(WHOLE))]).await;
    let hub = "securityhub/S3.8";
    let control_id = "s3.bucket_public_access_blocked";
    let disagree = [(control_id, FindingState::Resolved), (hub, FindingState::New)];
    assert_eq!(bed.states().await, only(&disagree));
    // Ours comes to say the same: theirs is no finding of its own any more.
    bed.ours(7).await;
    bed.read(8, &[(HUB, vec![control("c1", 5)], Some(WHOLE))]).await;
    let agree = [(control_id, FindingState::New), (hub, FindingState::Resolved)];
    assert_eq!(bed.states().await, only(&agree));
    // A product never ends a finding of our control.
    bed.read(9, &[(HUB, vec![], Some(WHOLE))]).await;
    assert_eq!(bed.states().await, only(&agree));
}

#[tokio::test]
async fn what_yagura_told_is_an_echo_from_a_service_and_itself_from_a_file() {
    let bed = Bed::new().await;
    let own = OwnIdentity {
        kind: FindingKind::Control,
        content: "s3.bucket_versioned".to_owned(),
        key: BUCKET.to_owned(),
        sub_key: String::new(),
        suppression: None,
    };
    let echo = Imported { own: Some(own), ..imported("yagura", "x", "s3.bucket_versioned", 1) };
    let done = bed.read(2, &[(HUB, vec![echo.clone()], Some(WHOLE))]).await;
    assert_eq!((done.own, bed.all().await.len()), (1, 0));
    let file = [("file/yagura", vec![echo.clone()], Some(ImportedPlace::default()))];
    bed.read_as(ImportOrigin::File, 2, &file).await;
    let id = finding_id("control", "s3.bucket_versioned", BUCKET, "");
    assert_eq!(bed.get(&id).await.state, FindingState::New);
    let over = Imported { state: ImportedState::Resolved, updated_us: us(3), ..echo };
    let file = [("file/yagura", vec![over], Some(ImportedPlace::default()))];
    bed.read_as(ImportOrigin::File, 4, &file).await;
    assert_eq!(bed.get(&id).await.state, FindingState::Resolved);
}

#[tokio::test]
async fn a_file_closes_nothing_by_silence_and_does_not_outweigh_a_service() {
    let bed = Bed::new().await;
    let file = |findings| [("file/guardduty", findings, Some(ImportedPlace::default()))];
    bed.read_as(ImportOrigin::File, 1, &file(vec![threat("f1", 1)])).await;
    bed.read_as(ImportOrigin::File, 2, &file(vec![])).await;
    assert_eq!(bed.states().await, only(&[(THREAT, FindingState::New)]));
    bed.read(3, &[(GUARDDUTY, vec![threat("f1", 1)], Some(WHOLE))]).await;
    bed.read(4, &[(GUARDDUTY, vec![], Some(WHOLE))]).await;
    assert_eq!(bed.states().await, only(&[(THREAT, FindingState::Resolved)]));
}

#[tokio::test]
async fn more_than_one_batch_is_folded_whole() {
    let bed = Bed::new().await;
    let many: Vec<Imported> = (0..600)
        .map(|n| {
            let mut one = threat(&format!("f{n}"), 1);
            one.resources[0].key = format!("arn:aws:s3:::bucket-{n}");
            one
        })
        .collect();
    let done = bed.read(2, &[(GUARDDUTY, many, Some(WHOLE))]).await;
    assert_eq!((done.read, done.folded.opened), (600, 600));
    let done = bed.read(3, &[(GUARDDUTY, vec![], Some(WHOLE))]).await;
    assert_eq!(done.folded.resolved, 600);
}

#[tokio::test]
async fn cursors_are_kept_per_place_and_never_go_back() {
    let bed = Bed::new().await;
    let changed = |hour, whole| Some(ImportedPlace { whole, changed_us: Some(us(hour)) });
    bed.read(3, &[(GUARDDUTY, vec![], changed(3, true))]).await;
    bed.read(4, &[(GUARDDUTY, vec![], changed(2, false))]).await;
    bed.read(5, &[(HUB, vec![], Some(ImportedPlace { whole: true, changed_us: None }))]).await;
    let cursors = bed.store.imports().cursors().await.unwrap();
    assert_eq!(cursors[GUARDDUTY].changed_us, Some(us(3)));
    assert_eq!(cursors[GUARDDUTY].whole_us, Some(us(3)));
    assert_eq!((cursors[HUB].changed_us, cursors[HUB].whole_us), (None, Some(us(5))));
}
