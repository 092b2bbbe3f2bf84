//! Rows that stay and rows that go: compaction, retention, legal holds, status.
//! How rows come in is elsewhere.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use object_store::ObjectStore;
use object_store::memory::InMemory;
use yagura_lake::{CompactOptions, Hold, Lake, RetentionRule, StoragePrice};

use super::repeats::orphans;
use super::support::*;

async fn lake() -> (Arc<dyn ObjectStore>, Lake) {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let lake = open(&store).await.unwrap();
    (store, lake)
}

const DAY: u64 = 24 * 60;

#[tokio::test]
async fn compaction_keeps_every_row_and_puts_alike_ones_together() {
    let (store, lake) = lake().await;
    // Thousands of rows in files that overlap, over several batches of each input.
    for n in 0..6 {
        ingest(&lake, vec![of_ids(&format!("o{n}"), (n..9000).step_by(7))]).await.unwrap();
    }
    let before = rows(&store, &lake).await;
    let files = lake.snapshot().await.unwrap().files().count();
    // The six days of the ids, until noon of the 21st; later ones are not over.
    let options = CompactOptions::new("2026-11-28T00:00:00Z".parse().unwrap());
    let done = lake.compact(&options).await.unwrap();
    assert_eq!(done.files_before, files as u64);
    assert_eq!(done.rows, before.len() as u64);
    let after = lake.snapshot().await.unwrap();
    assert_eq!(after.files().count() as u64, done.files_after);
    assert!(after.files().all(|file| file.compacted));
    assert_eq!(rows(&store, &lake).await, before);
    for file in after.files() {
        let content = bytes(&store, &file.path).await;
        let reader =
            parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(content)
                .unwrap();
        let mut order = Vec::new();
        for batch in reader.build().unwrap() {
            use arrow::array::AsArray;
            let batch = batch.unwrap();
            let times =
                batch.column(0).as_primitive::<arrow::datatypes::TimestampMicrosecondType>();
            let actions = batch.column_by_name("action").unwrap().as_string::<i32>();
            let rows = actions.iter().zip(times.values());
            order.extend(rows.map(|(action, time)| (action.unwrap().to_owned(), *time)));
        }
        assert!(order.is_sorted(), "{}", file.path);
        let times = || order.iter().map(|(_, time)| *time);
        let span = (times().min().unwrap(), times().max().unwrap());
        assert_eq!(span, (file.time_min_us, file.time_max_us));
    }
    assert_eq!(lake.compact(&options).await.unwrap().merges, 0);
}

#[tokio::test]
async fn replaced_files_stay_for_readers_until_the_grace_is_over() {
    let (store, lake) = lake().await;
    ingest(&lake, vec![of_ids("a", 0..3)]).await.unwrap();
    ingest(&lake, vec![of_ids("b", 3..6)]).await.unwrap();
    let old: Vec<_> =
        lake.snapshot().await.unwrap().files().map(|file| file.path.clone()).collect();
    let options = CompactOptions::new(now());
    lake.compact(&options).await.unwrap();
    for path in &old {
        assert!(!bytes(&store, path).await.is_empty());
    }
    let almost = CompactOptions { now: now() + SignedDuration::from_mins(59), ..options.clone() };
    assert_eq!(lake.compact(&almost).await.unwrap().files_swept, 0);
    let over = CompactOptions { now: now() + SignedDuration::from_mins(61), ..options };
    assert_eq!(lake.compact(&over).await.unwrap().files_swept, 2);
    assert_eq!(orphans(&store, &lake).await, Vec::<String>::new());
    assert_eq!(ids(&store, &lake).await, [0, 1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_day_that_is_not_over_waits_for_more_files() {
    let (_, lake) = lake().await;
    let today = CompactOptions::new("2026-11-20T12:00:00Z".parse().unwrap());
    for n in 0..8 {
        assert_eq!(lake.compact(&today).await.unwrap().merges, 0, "{n} files");
        ingest(&lake, vec![of_ids(&format!("o{n}"), [n])]).await.unwrap();
    }
    assert_eq!(lake.compact(&today).await.unwrap().merges, 1);
}

fn keep(source: Option<&str>, account: Option<&str>, days: Option<u32>) -> RetentionRule {
    RetentionRule { source: source.map(Into::into), account: account.map(Into::into), days }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// One row a day, on 20 to 22 November.
async fn three_days(lake: &Lake) {
    let ids = [0, DAY, 2 * DAY - 1 - DAY, DAY + 1];
    ingest(lake, vec![of_ids("a", ids)]).await.unwrap();
}

#[tokio::test]
async fn rows_go_when_their_time_is_over_and_the_deletion_is_told() {
    let (store, lake) = lake().await;
    three_days(&lake).await;
    let rules = [keep(None, None, Some(1))];
    let expired = lake.expire(&rules, at("2026-11-21T23:59:59Z")).await.unwrap();
    assert_eq!((expired.commit, expired.deletions.len()), (None, 0));
    let would = lake.would_expire(&rules, at("2026-11-22T00:00:00Z")).await.unwrap();
    assert_eq!((would.commit, would.deletions[0].rows), (None, 2));
    assert_eq!(ids(&store, &lake).await.len(), 4);
    let expired = lake.expire(&rules, at("2026-11-22T00:00:00Z")).await.unwrap();
    let deletion = &expired.deletions[0];
    assert_eq!((deletion.files, deletion.rows), (1, 2));
    assert_eq!(deletion.day_max.to_string(), "2026-11-20");
    assert_eq!((&*deletion.reason, deletion.days_kept()), ("kept for 1 days", Some(1)));
    assert_eq!(ids(&store, &lake).await, [DAY, DAY + 1]);
    let fresh = open(&store).await.unwrap();
    assert_eq!(fresh.snapshot().await.unwrap().deletions(), expired.deletions);
    let sweep = CompactOptions::new(at("2026-11-22T02:00:00Z"));
    assert_eq!(fresh.compact(&sweep).await.unwrap().files_swept, 1);
    assert_eq!(orphans(&store, &fresh).await, Vec::<String>::new());
}

#[tokio::test]
async fn the_rule_that_names_more_counts_and_for_ever_is_for_ever() {
    let (store, lake) = lake().await;
    three_days(&lake).await;
    let later = at("2036-01-01T00:00:00Z");
    let account = Some("111122223333");
    for rules in [
        vec![],
        vec![keep(None, None, None)],
        vec![keep(Some("flow"), None, Some(1))],
        vec![keep(None, None, Some(1)), keep(Some("trail"), None, None)],
        vec![keep(Some("trail"), None, Some(1)), keep(None, account, None)],
        vec![keep(None, account, Some(1)), keep(Some("trail"), account, Some(9000))],
    ] {
        lake.expire(&rules, later).await.unwrap();
        assert_eq!(ids(&store, &lake).await.len(), 4, "{rules:?}");
    }
    assert!(lake.expire(&[keep(None, None, Some(0))], later).await.is_err());
    lake.expire(&[keep(None, account, Some(1)), keep(None, None, None)], later).await.unwrap();
    assert_eq!(ids(&store, &lake).await.len(), 0);
}

#[tokio::test]
async fn a_legal_hold_beats_retention_until_it_is_lifted() {
    let (store, lake) = lake().await;
    three_days(&lake).await;
    let hold = Hold {
        name: "case-17".into(),
        reason: "asked for by counsel".into(),
        source: Some("trail".into()),
        account: None,
        since: None,
        until: Some("2026-11-20".parse().unwrap()),
        placed: now(),
    };
    lake.place_hold(&hold).await.unwrap();
    assert!(lake.place_hold(&hold).await.is_err(), "the name is taken");
    assert!(lake.place_hold(&Hold { reason: " ".into(), ..hold.clone() }).await.is_err());
    let rules = [keep(None, None, Some(1))];
    let later = at("2030-01-01T00:00:00Z");
    let other = open(&store).await.unwrap();
    let expired = other.expire(&rules, later).await.unwrap();
    assert_eq!(expired.files_held, 1);
    assert_eq!(ids(&store, &lake).await.len(), 2);
    assert_eq!(lake.status(StoragePrice::default()).await.unwrap().holds, [hold]);
    assert!(lake.lift_hold("case-18", later).await.is_err());
    lake.lift_hold("case-17", later).await.unwrap();
    assert_eq!(lake.expire(&rules, later).await.unwrap().files_held, 0);
    assert_eq!(ids(&store, &lake).await.len(), 0);
}

#[tokio::test]
async fn status_tells_size_span_gaps_and_cost() {
    let (_, lake) = lake().await;
    // Hours 0, 1 and 5 of one region, hour 3 of another.
    let mut records: Vec<String> = [0, 30, 60, 300].map(|id| event(id, id as i64 * 60)).into();
    records.push(event(180, 180 * 60).replace("eu-west-1", "us-east-1"));
    ingest(&lake, vec![("a".into(), records)]).await.unwrap();
    let price = StoragePrice { usd_per_gb_month: 1e9, source: "a dollar for a byte".into() };
    let status = lake.status(price).await.unwrap();
    assert_eq!((status.commit, status.rows, status.files), (1, 5, 1));
    assert_eq!(status.usd_per_month, status.bytes as f64);
    let source = &status.sources[0];
    assert_eq!(source.accounts, ["111122223333"]);
    assert_eq!(source.first, at("2026-11-20T00:00:00Z"));
    assert_eq!(source.last, at("2026-11-20T05:00:00Z"));
    assert_eq!((source.gaps.len(), source.gap_hours, source.gaps_omitted), (1, 3, 0));
    let gap = &source.gaps[0];
    assert_eq!(
        (gap.region.as_str(), gap.from, gap.hours()),
        ("eu-west-1", at("2026-11-20T02:00:00Z"), 3)
    );
}
