//! Verdicts: stored, read, counted, compared, pruned.
//! How verdicts come about is judge's.

use futures::TryStreamExt as _;
use serde_json::json;
use yagura_model::VerdictStatus::{Fail, NotApplicable, Pass, Unknown};
use yagura_model::{CoverageState, Exception, Verdict, VerdictStatus};
use yagura_store::{Retention, ScanId, Store, StoreError, VerdictFilter};

use crate::bed::{
    ACCOUNT, BUCKET, at, beds, bucket, denied, known_at, scan, scan_with, seen_by, verdict,
};

async fn read(store: &Store, scan: ScanId, filter: &VerdictFilter) -> Vec<Verdict> {
    let mut found: Vec<_> = store.verdicts(scan, filter).try_collect().await.unwrap();
    found.sort_by(|a: &Verdict, b| (&a.control, &a.key).cmp(&(&b.control, &b.key)));
    found
}

/// A scan of buckets `a` to `d` whose verdicts on one control are given; `None` is not there.
async fn judged(store: &Store, minute: i64, statuses: [Option<VerdictStatus>; 4]) -> ScanId {
    let there: Vec<_> = ["a", "b", "c", "d"]
        .into_iter()
        .zip(statuses)
        .filter_map(|(name, status)| status.map(|status| (name, status)))
        .collect();
    let seen: Vec<_> = there.iter().map(|(name, _)| bucket(name, json!({}))).collect();
    let id = scan(store, minute, &seen).await;
    let verdicts: Vec<_> =
        there.iter().map(|(name, status)| verdict("s3.x", name, *status)).collect();
    store.put_verdicts(id, &verdicts).await.unwrap();
    id
}

#[tokio::test]
async fn verdicts_come_back_as_they_were_given() {
    for bed in beds().await {
        let store = bed.open().await;
        let names = ["a", "b", "c", "d", "e"];
        let seen: Vec<_> = names.iter().map(|name| bucket(name, json!({}))).collect();
        let id = scan(&store, 1, &seen).await;
        let mut accepted = verdict("s3.x", "e", Fail);
        accepted.exception =
            Some(Exception { owner: "me".into(), reason: "known".into(), expires: at(9) });
        let listing = Verdict {
            key: format!("{ACCOUNT}/global/{BUCKET}"),
            region: "global".into(),
            name: String::new(),
            ..verdict("s3.x", "-", Unknown)
        };
        let mut all = vec![
            listing,
            verdict("s3.x", "a", Pass),
            verdict("s3.x", "b", NotApplicable),
            verdict("s3.x", "c", Fail),
            verdict("s3.x", "d", Unknown),
            accepted,
            verdict("s3.y", "a", Fail),
        ];
        store.put_verdicts(id, &all).await.unwrap();
        all.sort_by(|a, b| (&a.control, &a.key).cmp(&(&b.control, &b.key)));
        assert_eq!(read(&store, id, &VerdictFilter::default()).await, all);
        let check = async |filter: VerdictFilter, count: usize| {
            assert_eq!(read(&store, id, &filter).await.len(), count, "{filter:?}");
        };
        let all = VerdictFilter::default();
        check(VerdictFilter::open(), 5).await;
        check(VerdictFilter { statuses: vec![Pass], ..all.clone() }, 1).await;
        check(VerdictFilter { statuses: vec![Unknown], ..all.clone() }, 2).await;
        check(VerdictFilter { controls: vec!["s3.y".into()], ..all.clone() }, 1).await;
        check(VerdictFilter { accounts: vec!["1".into()], ..all.clone() }, 0).await;
        let key = Some("arn:aws:s3:::a".to_owned());
        check(VerdictFilter { key, ..all.clone() }, 2).await;
        check(VerdictFilter { key: Some("none".into()), ..all }, 0).await;
        let unheard = store.put_verdicts(ScanId(99), &[]).await;
        assert!(unheard.is_ok(), "no verdicts, no question");
        let unheard = store.put_verdicts(ScanId(99), &[verdict("s3.x", "a", Pass)]).await;
        assert!(matches!(unheard, Err(StoreError::UnknownScan(99))));
    }
}

#[tokio::test]
async fn a_key_that_only_a_verdict_named_is_no_resource() {
    for bed in beds().await {
        let store = bed.open().await;
        let id = scan(&store, 1, &[]).await;
        store.put_verdicts(id, &[verdict("s3.x", "ghost", Fail)]).await.unwrap();
        assert!(seen_by(&store, id).await.is_empty());
        assert!(known_at(&store, 1).await.is_empty());
        assert_eq!(store.resource("arn:aws:s3:::ghost").await.unwrap(), None);
        assert_eq!(store.history("arn:aws:s3:::ghost", 9).await.unwrap(), None);
        let second = scan(&store, 2, &[bucket("ghost", json!({}))]).await;
        assert_eq!(seen_by(&store, second).await, [bucket("ghost", json!({}))]);
    }
}

#[tokio::test]
async fn many_verdicts_are_read_page_by_page() {
    for bed in beds().await {
        let store = bed.open().await;
        let id = scan(&store, 1, &[]).await;
        let name = |n: u32| format!("b{n:05}");
        let all: Vec<_> = (0..11_000)
            .map(|n| verdict("s3.x", &name(n), if n % 3 == 0 { Fail } else { Pass }))
            .collect();
        store.put_verdicts(id, &all).await.unwrap();
        assert_eq!(read(&store, id, &VerdictFilter::default()).await, all);
        let counts = store.verdict_counts(id).await.unwrap();
        let of = |status| counts.iter().find(|c| c.status == status).unwrap().count;
        assert_eq!((of(Fail), of(Pass), counts.len()), (3_667, 7_333, 2));
    }
}

#[tokio::test]
async fn comparing_tells_new_fixed_and_changed() {
    for bed in beds().await {
        let store = bed.open().await;
        let first = judged(&store, 1, [Some(Pass), Some(Fail), Some(Fail), Some(Fail)]).await;
        let second = judged(&store, 2, [Some(Fail), Some(Pass), Some(Unknown), None]).await;
        let found = store.compare(first, second, 9).await.unwrap();
        let names = |list: &[yagura_store::VerdictChange]| {
            list.iter().map(|c| (c.name.clone(), c.before, c.after)).collect::<Vec<_>>()
        };
        assert_eq!(names(&found.new), [("a".into(), Some(Pass), Some(Fail))]);
        assert_eq!(
            names(&found.fixed),
            [("b".into(), Some(Fail), Some(Pass)), ("d".into(), Some(Fail), None)]
        );
        // No longer readable is not fixed.
        assert_eq!(names(&found.changed), [("c".into(), Some(Fail), Some(Unknown))]);
        let totals = (found.new_total, found.fixed_total, found.changed_total);
        assert_eq!((totals, found.not_compared), ((1, 2, 1), 0));
        let nothing = store.compare(second, second, 9).await.unwrap();
        assert_eq!(nothing, yagura_store::Comparison::default());
        let limited = store.compare(first, second, 1).await.unwrap();
        assert_eq!((limited.fixed.len(), limited.fixed_total), (1, 2));
    }
}

#[tokio::test]
async fn a_scan_that_could_not_look_fixes_nothing() {
    for bed in beds().await {
        let store = bed.open().await;
        let first = judged(&store, 1, [Some(Fail), Some(Pass), None, None]).await;
        let blind = scan_with(&store, 2, &[], CoverageState::Unread(denied("")), 0).await;
        store.put_verdicts(blind, &[verdict("s3.x", "z", Pass)]).await.unwrap();
        let found = store.compare(first, blind, 9).await.unwrap();
        assert_eq!((found.fixed_total, found.changed_total, found.not_compared), (0, 0, 1));
        let back = store.compare(blind, first, 9).await.unwrap();
        assert_eq!((back.new_total, back.not_compared), (0, 1));
    }
}

#[tokio::test]
async fn a_control_that_one_scan_left_out_is_named_and_not_compared() {
    for bed in beds().await {
        let store = bed.open().await;
        let first = judged(&store, 1, [Some(Fail), None, None, None]).await;
        let second = scan(&store, 2, &[bucket("a", json!({}))]).await;
        store.put_verdicts(second, &[verdict("s3.y", "a", Fail)]).await.unwrap();
        let found = store.compare(first, second, 9).await.unwrap();
        assert_eq!(found.controls_in_one, ["s3.x", "s3.y"]);
        assert_eq!((found.fixed_total, found.new_total), (0, 0));
    }
}

#[tokio::test]
async fn pruning_keeps_counts_newest_versions_and_kept_scans() {
    for bed in beds().await {
        let store = bed.open().await;
        let mut ids = Vec::new();
        for n in 1..=4 {
            let id = scan(&store, n, &[bucket("a", json!({"N": n}))]).await;
            store.put_verdicts(id, &[verdict("s3.x", "a", Fail)]).await.unwrap();
            ids.push(id);
        }
        let counts = store.verdict_counts(ids[0]).await.unwrap();
        let pruned = store.prune(&Retention { scans: 2, versions_since: None }).await.unwrap();
        assert_eq!((pruned.scans, pruned.versions), (2, 0));
        assert!(store.scan(ids[0]).await.unwrap().pruned);
        assert_eq!(store.verdict_counts(ids[0]).await.unwrap(), counts);
        let gone = store.verdicts(ids[0], &VerdictFilter::default()).try_collect::<Vec<_>>().await;
        assert!(matches!(gone, Err(StoreError::ScanPruned(_))));
        assert_eq!(store.history("arn:aws:s3:::a", 9).await.unwrap().unwrap().versions.len(), 4);
        let keep = Retention { scans: 2, versions_since: Some(at(9)) };
        assert_eq!(store.prune(&keep).await.unwrap().versions, 2);
        let history = store.history("arn:aws:s3:::a", 9).await.unwrap().unwrap();
        let numbers: Vec<_> = history.versions.iter().map(|v| v.number).collect();
        assert_eq!(numbers, [4, 3]);
        assert_eq!(seen_by(&store, ids[2]).await, [bucket("a", json!({"N": 3}))]);
        assert_eq!(read(&store, ids[3], &VerdictFilter::open()).await.len(), 1);
        assert_eq!(store.prune(&keep).await.unwrap(), yagura_store::Pruned::default());
    }
}
