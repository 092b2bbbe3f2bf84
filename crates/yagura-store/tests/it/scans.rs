//! Scans: beginning and ending, coverage, and what may be called deleted.
//! Versions are tested in `history.rs`.

use futures::TryStreamExt as _;
use serde_json::json;
use yagura_model::{CoverageState, Resource, UnreadReason};
use yagura_store::{ResourceFilter, ScanId, ScanOutcome, ScanState, SnapshotOf, Store, StoreError};

use crate::bed::{
    ACCOUNT, BUCKET, Bed, REGION, at, beds, bucket, denied, known_at, listed, scan, scan_with,
    seen_by, start, unread,
};

fn two() -> [Resource; 2] {
    [bucket("a", json!({"N": 1})), bucket("b", json!({"N": 1}))]
}

async fn names_at(store: &Store, minute: i64) -> Vec<String> {
    known_at(store, minute).await.into_iter().map(|resource| resource.name).collect()
}

#[tokio::test]
async fn a_scan_is_listed_with_what_it_set_out_to_do() {
    for bed in beds().await {
        let store = bed.open().await;
        assert_eq!(store.latest_scan().await.unwrap(), None);
        let id = store.begin_scan(&start(1)).await.unwrap();
        let running = store.scan(id).await.unwrap();
        assert_eq!((running.state, running.finished), (ScanState::Running, None));
        assert_eq!(store.latest_scan().await.unwrap(), None);
        store.put_resources(id, &two()).await.unwrap();
        store.finish_scan(id, ScanOutcome::Complete, at(2)).await.unwrap();
        let ended = store.latest_scan().await.unwrap().unwrap();
        assert_eq!((ended.id, ended.state, ended.resources), (id, ScanState::Complete, 2));
        assert_eq!(ended.start, start(1));
        assert_eq!(ended.finished, Some(at(2)));
        assert_eq!(store.accounts().await.unwrap(), start(1).accounts);
        let later = scan(&store, 5, &two()).await;
        let ids: Vec<_> = store.scans(10).await.unwrap().iter().map(|scan| scan.id).collect();
        assert_eq!(ids, [later, id]);
        assert_eq!(store.scans(1).await.unwrap().len(), 1);
        assert_eq!(store.latest_scan_at(at(4)).await.unwrap().unwrap().id, id);
        assert!(matches!(store.scan(ScanId(99)).await, Err(StoreError::UnknownScan(99))));
    }
}

#[tokio::test]
async fn nothing_can_be_added_to_a_scan_that_ended() {
    for bed in beds().await {
        let store = bed.open().await;
        let id = scan(&store, 1, &two()).await;
        assert!(matches!(store.put_resources(id, &two()).await, Err(StoreError::ScanEnded(_))));
        let again = store.finish_scan(id, ScanOutcome::Failed, at(2)).await;
        assert!(matches!(again, Err(StoreError::ScanEnded(_))));
    }
}

#[tokio::test]
async fn what_a_complete_listing_did_not_see_is_deleted_and_may_return() {
    for bed in beds().await {
        let store = bed.open().await;
        scan(&store, 1, &two()).await;
        let second = scan(&store, 2, &two()[..1]).await;
        assert_eq!(names_at(&store, 1).await, ["a", "b"]);
        assert_eq!(names_at(&store, 2).await, ["a"]);
        assert_eq!(seen_by(&store, second).await.len(), 1);
        let history = store.history("arn:aws:s3:::b", 9).await.unwrap().unwrap();
        assert!(history.versions[0].deleted);
        assert_eq!(history.versions[0].first_seen, at(2));
        assert_eq!(history.versions[1].last_seen, at(1));
        let gone = store.resource("arn:aws:s3:::b").await.unwrap().unwrap();
        assert!(gone.deleted);
        assert_eq!(gone.resource, two()[1]);
        scan(&store, 3, &two()).await;
        assert_eq!(names_at(&store, 3).await, ["a", "b"]);
        let back = store.resource("arn:aws:s3:::b").await.unwrap().unwrap();
        assert_eq!((back.deleted, back.first_seen, back.last_seen), (false, at(3), at(3)));
        let history = store.history("arn:aws:s3:::b", 9).await.unwrap().unwrap();
        let deleted: Vec<_> = history.versions.iter().map(|v| v.deleted).collect();
        assert_eq!(deleted, [false, true, false]);
    }
}

#[tokio::test]
async fn a_listing_that_was_not_complete_deletes_nothing() {
    for bed in beds().await {
        let store = bed.open().await;
        scan(&store, 1, &two()).await;
        scan_with(&store, 2, &[], CoverageState::Unread(denied("")), 0).await;
        scan_with(&store, 3, &two()[..1], CoverageState::Partial(denied("")), 1).await;
        assert_eq!(names_at(&store, 9).await, ["a", "b"]);
        // No word at all about the listing.
        let id = store.begin_scan(&start(4)).await.unwrap();
        store.finish_scan(id, ScanOutcome::Complete, at(4)).await.unwrap();
        assert_eq!(names_at(&store, 9).await, ["a", "b"]);
    }
}

#[tokio::test]
async fn a_denied_part_is_never_called_complete_by_a_later_word() {
    for bed in beds().await {
        let store = bed.open().await;
        scan(&store, 1, &two()).await;
        let id = store.begin_scan(&start(2)).await.unwrap();
        let words = [
            listed("global", CoverageState::Partial(denied("")), 1),
            listed("global", CoverageState::Complete, 2),
        ];
        store.put_coverage(id, &words).await.unwrap();
        store.finish_scan(id, ScanOutcome::Complete, at(2)).await.unwrap();
        let coverage = store.coverage(id).await.unwrap();
        assert_eq!(coverage, [listed("global", CoverageState::Partial(denied("")), 3)]);
        assert_eq!(names_at(&store, 2).await, ["a", "b"]);
    }
}

/// A scan of one region that was told to leave the others out.
async fn cut_scan(store: &Store, minute: i64, seen: &[Resource]) -> ScanId {
    let id = store.begin_scan(&start(minute)).await.unwrap();
    store.put_resources(id, seen).await.unwrap();
    let words = [
        listed(REGION, CoverageState::Complete, seen.len() as u64),
        listed("global", left_out(), 0),
    ];
    store.put_coverage(id, &words).await.unwrap();
    store.finish_scan(id, ScanOutcome::Complete, at(minute)).await.unwrap();
    id
}

fn left_out() -> CoverageState {
    CoverageState::Unread(unread("", UnreadReason::NotRequested))
}

#[tokio::test]
async fn what_a_scan_left_out_is_not_gone() {
    for bed in beds().await {
        let store = bed.open().await;
        let [here, mut there] = two();
        there.region = "eu-west-1".into();
        scan(&store, 1, &[here.clone(), there.clone()]).await;
        cut_scan(&store, 2, &[]).await;
        assert_eq!(names_at(&store, 2).await, ["b"]);
        assert_eq!(known_at(&store, 2).await, [there]);
    }
}

#[tokio::test]
async fn what_a_scan_left_out_is_no_longer_left_out_after_a_whole_one() {
    for bed in beds().await {
        let store = bed.open().await;
        cut_scan(&store, 1, &[]).await;
        let whole = store.begin_scan(&start(2)).await.unwrap();
        let words = [REGION, "eu-west-1"].map(|r| listed(r, CoverageState::Complete, 0));
        store.put_coverage(whole, &words).await.unwrap();
        store.finish_scan(whole, ScanOutcome::Complete, at(2)).await.unwrap();
        cut_scan(&store, 3, &[]).await;
        let check = async |minute, regions: &[&str]| {
            let mut bytes = Vec::new();
            store.export(SnapshotOf::Time(at(minute)), &mut bytes).await.unwrap();
            let there = Bed::sqlite();
            let elsewhere = there.open().await;
            let scan = elsewhere.import(bytes.as_slice()).await.unwrap().scan;
            let known = elsewhere.coverage(scan).await.unwrap();
            let known: Vec<_> = known.iter().map(|one| one.region.as_str()).collect();
            assert_eq!(known, regions, "minute {minute}");
        };
        check(1, &[REGION, "global"]).await;
        check(2, &[REGION, "eu-west-1"]).await;
        check(3, &[REGION, "eu-west-1", "global"]).await;
    }
}

#[tokio::test]
async fn a_region_speaks_for_itself_and_global_for_the_rest() {
    for bed in beds().await {
        let store = bed.open().await;
        let tokyo = bucket("tokyo", json!({}));
        let osaka = Resource { region: "ap-northeast-3".into(), ..bucket("osaka", json!({})) };
        scan(&store, 1, &[tokyo, osaka]).await;
        let id = store.begin_scan(&start(2)).await.unwrap();
        let words = [
            listed("global", CoverageState::Complete, 0),
            listed(REGION, CoverageState::Unread(denied("")), 0),
        ];
        store.put_coverage(id, &words).await.unwrap();
        store.finish_scan(id, ScanOutcome::Complete, at(2)).await.unwrap();
        assert_eq!(names_at(&store, 2).await, ["tokyo"]);
        let id = store.begin_scan(&start(3)).await.unwrap();
        let elsewhere = [listed("eu-west-1", CoverageState::Complete, 0)];
        store.put_coverage(id, &elsewhere).await.unwrap();
        store.finish_scan(id, ScanOutcome::Complete, at(3)).await.unwrap();
        assert_eq!(names_at(&store, 3).await, ["tokyo"]);
    }
}

#[tokio::test]
async fn another_account_or_type_is_not_touched() {
    for bed in beds().await {
        let store = bed.open().await;
        let other = Resource { account: "444455556666".into(), ..bucket("other", json!({})) };
        let queue = Resource { type_name: "AWS::SQS::Queue".into(), ..bucket("queue", json!({})) };
        scan(&store, 1, &[bucket("a", json!({})), other, queue]).await;
        scan(&store, 2, &[]).await;
        assert_eq!(names_at(&store, 2).await, ["other", "queue"]);
    }
}

#[tokio::test]
async fn an_interrupted_scan_deletes_only_where_all_that_it_listed_was_stored() {
    for bed in beds().await {
        let store = bed.open().await;
        scan(&store, 1, &two()).await;
        let run = async |minute, listed_count, outcome| {
            let id = store.begin_scan(&start(minute)).await.unwrap();
            store.put_resources(id, &two()[..1]).await.unwrap();
            let word = listed("global", CoverageState::Complete, listed_count);
            store.put_coverage(id, &[word]).await.unwrap();
            store.finish_scan(id, outcome, at(minute)).await.unwrap().deleted
        };
        assert_eq!(run(2, 2, ScanOutcome::Interrupted).await, 0);
        assert_eq!(run(3, 1, ScanOutcome::Failed).await, 0);
        assert_eq!(names_at(&store, 3).await, ["a", "b"]);
        assert_eq!(run(4, 1, ScanOutcome::Interrupted).await, 1);
    }
}

#[tokio::test]
async fn a_scan_that_began_earlier_does_not_delete_what_a_later_one_found() {
    for bed in beds().await {
        let store = bed.open().await;
        let early = store.begin_scan(&start(1)).await.unwrap();
        scan(&store, 2, &two()).await;
        let word = listed("global", CoverageState::Complete, 0);
        store.put_coverage(early, &[word]).await.unwrap();
        let done = store.finish_scan(early, ScanOutcome::Complete, at(3)).await.unwrap();
        assert_eq!(done.deleted, 0);
        assert_eq!(names_at(&store, 3).await, ["a", "b"]);
    }
}

#[tokio::test]
async fn two_scans_that_started_at_the_same_time_are_told_apart() {
    for bed in beds().await {
        let store = bed.open().await;
        let first = scan(&store, 1, &two()).await;
        let second = scan(&store, 1, &[bucket("a", json!({"N": 2}))]).await;
        assert_eq!(seen_by(&store, first).await, two());
        assert_eq!(seen_by(&store, second).await, [bucket("a", json!({"N": 2}))]);
        assert_eq!(names_at(&store, 1).await, ["a"]);
    }
}

#[tokio::test]
async fn filters_and_pages_find_everything_once() {
    for bed in beds().await {
        let store = bed.open().await;
        let many: Vec<_> = (0..1_203)
            .map(|n| {
                let region = ["ap-northeast-1", "eu-west-1", "us-east-1"][n % 3].to_owned();
                Resource { region, ..bucket(&format!("b{n:04}"), json!({"N": n})) }
            })
            .collect();
        let id = scan(&store, 1, &many).await;
        assert_eq!(seen_by(&store, id).await, many);
        assert_eq!(known_at(&store, 1).await, many);
        let check = async |filter: ResourceFilter, count: usize| {
            let scan: Vec<_> = store.scan_resources(id, &filter).try_collect().await.unwrap();
            let time: Vec<_> = store.resources_at(at(1), &filter).try_collect().await.unwrap();
            assert_eq!((scan.len(), time.len()), (count, count), "{filter:?}");
        };
        let texts = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        let all = ResourceFilter::default();
        check(ResourceFilter { regions: texts(&["eu-west-1"]), ..all.clone() }, 401).await;
        check(ResourceFilter { regions: texts(&["mars"]), ..all.clone() }, 0).await;
        check(ResourceFilter { types: texts(&[BUCKET]), ..all.clone() }, 1_203).await;
        check(ResourceFilter { types: texts(&["AWS::X::Y"]), ..all.clone() }, 0).await;
        let both = ["eu-west-1", "us-east-1"];
        let filter = ResourceFilter {
            types: texts(&[BUCKET]),
            accounts: texts(&[ACCOUNT]),
            regions: texts(&both),
        };
        check(filter, 802).await;
    }
}

#[tokio::test]
async fn a_person_finds_a_key_by_a_part_of_it() {
    for bed in beds().await {
        let store = bed.open().await;
        scan(&store, 1, &[bucket("logs_1", json!({})), bucket("logsX1", json!({}))]).await;
        assert_eq!(store.find_keys("LOGS_1", 9).await.unwrap(), ["arn:aws:s3:::logs_1"]);
        assert_eq!(store.find_keys("logs", 1).await.unwrap().len(), 1);
        assert_eq!(store.find_keys("%", 9).await.unwrap().len(), 0);
    }
}
