//! A record that is in the lake is not added again: within an object, between objects, workers,
//! processes and restarts. What has no name is always added.

use std::sync::Arc;

use object_store::ObjectStore;
use object_store::memory::InMemory;

use super::support::*;

fn memory() -> Arc<dyn ObjectStore> {
    Arc::new(InMemory::new())
}

#[tokio::test]
async fn a_repeat_within_an_object_is_dropped() {
    let store = memory();
    let lake = open(&store).await.unwrap();
    let committed = ingest(&lake, vec![of_ids("a", [1, 2, 1, 3, 2])]).await.unwrap();
    assert_eq!((committed.objects[0].rows, committed.objects[0].repeats), (3, 2));
    assert_eq!(ids(&store, &lake).await, [1, 2, 3]);
}

#[tokio::test]
async fn a_repeat_between_objects_is_dropped_in_one_commit_and_in_the_next() {
    let store = memory();
    let lake = open(&store).await.unwrap();
    ingest(&lake, vec![of_ids("a", 0..10), of_ids("b", 5..15)]).await.unwrap();
    assert_eq!(ids(&store, &lake).await, (0..15).collect::<Vec<_>>());
    let committed = ingest(&lake, vec![of_ids("c", 10..20)]).await.unwrap();
    assert_eq!((committed.objects[0].rows, committed.objects[0].repeats), (5, 5));
    assert_eq!(ids(&store, &lake).await, (0..20).collect::<Vec<_>>());
}

#[tokio::test]
async fn names_are_read_from_files_after_a_restart_and_after_compaction() {
    let store = memory();
    ingest(&open(&store).await.unwrap(), vec![of_ids("a", 0..100)]).await.unwrap();
    ingest(&open(&store).await.unwrap(), vec![of_ids("b", 50..200)]).await.unwrap();
    let lake = open(&store).await.unwrap();
    lake.compact(&yagura_lake::CompactOptions::new(now())).await.unwrap();
    let lake = open(&store).await.unwrap();
    let committed = ingest(&lake, vec![of_ids("c", 0..210)]).await.unwrap();
    assert_eq!((committed.objects[0].rows, committed.objects[0].repeats), (10, 200));
    assert_eq!(ids(&store, &lake).await, (0..210).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_same_id_in_another_region_or_account_is_another_record() {
    let store = memory();
    let lake = open(&store).await.unwrap();
    let one = event(1, 0);
    let region = one.replace("eu-west-1", "eu-west-2");
    let account = one.replace("111122223333", "444455556666");
    let committed =
        ingest(&lake, vec![("a".into(), vec![one.clone(), region, account, one])]).await.unwrap();
    assert_eq!((committed.objects[0].rows, committed.objects[0].repeats), (3, 1));
}

#[tokio::test]
async fn records_without_a_name_are_never_repeats() {
    let store = memory();
    let lake = open(&store).await.unwrap();
    let ingestion = lake.begin().await.unwrap();
    let records = vec![event(1, 0), event(1, 0)];
    work(&ingestion, nameless(), vec![("a".into(), records)]).await.unwrap();
    let without_id = vec![event(1, 0).replace("eventID", "ignored"); 2];
    work(&ingestion, table(), vec![("b".into(), without_id)]).await.unwrap();
    assert_eq!(ingestion.commit(now()).await.unwrap().rows, 4);
}

#[tokio::test]
async fn two_processes_with_the_same_records_bring_each_once() {
    let store = memory();
    let (one, two) = (open(&store).await.unwrap(), open(&store).await.unwrap());
    let (first, second) = (one.begin().await.unwrap(), two.begin().await.unwrap());
    work(&first, table(), vec![of_ids("a", 0..10), of_ids("b", 100..110)]).await.unwrap();
    work(&second, table(), vec![of_ids("c", 5..20), of_ids("b", 100..110)]).await.unwrap();
    first.commit(now()).await.unwrap();
    let committed = second.commit(now()).await.unwrap();
    assert_eq!(committed.taken, [object("b")]);
    assert_eq!(committed.objects.len(), 1);
    assert_eq!((committed.objects[0].rows, committed.objects[0].repeats), (10, 5));
    let expected: Vec<u64> = (0..20).chain(100..110).collect();
    assert_eq!(ids(&store, &two).await, expected);
    assert_eq!(ids(&store, &one).await, expected);
    assert_eq!(orphans(&store, &one).await, Vec::<String>::new());
    let receipts = one.committed_since(0).await.unwrap();
    let told: Vec<_> =
        receipts.iter().map(|it| (it.commit, it.receipt.object.location.as_str())).collect();
    assert_eq!(told, [(1, "a"), (1, "b"), (2, "c")]);
}

#[tokio::test]
async fn two_processes_bring_an_object_without_names_once() {
    let store = memory();
    let (one, two) = (open(&store).await.unwrap(), open(&store).await.unwrap());
    let (first, second) = (one.begin().await.unwrap(), two.begin().await.unwrap());
    for ingestion in [&first, &second] {
        work(ingestion, nameless(), vec![of_ids("a", 0..10)]).await.unwrap();
    }
    first.commit(now()).await.unwrap();
    let committed = second.commit(now()).await.unwrap();
    assert_eq!((committed.commit, committed.taken.len()), (None, 1));
    assert_eq!(one.snapshot().await.unwrap().files().map(|file| file.rows).sum::<u64>(), 10);
}

#[tokio::test]
async fn an_abandoned_object_takes_no_row_of_another_with_it() {
    let store = memory();
    let lake = open(&store).await.unwrap();
    let ingestion = lake.begin().await.unwrap();
    let (mut one, mut two) = (ingestion.worker().unwrap(), ingestion.worker().unwrap());
    let run = move || {
        let (table, (_, a), (_, b)) = (table(), of_ids("a", 0..10), of_ids("b", 5..15));
        one.begin_object(&object("a"), "trail");
        one.append(&table, &batch("a", &a), now()).unwrap();
        two.begin_object(&object("b"), "trail");
        two.append(&table, &batch("b", &b), now()).unwrap();
        let receipt = two.finish_object().unwrap();
        assert_eq!((receipt.rows, receipt.repeats), (10, 0));
        one.abandon_object();
        one.begin_object(&object("c"), "trail");
        one.append(&table, &batch("c", &a), now()).unwrap();
        let receipt = one.finish_object().unwrap();
        assert_eq!((receipt.rows, receipt.repeats), (5, 5));
        one.close().unwrap();
        two.close().unwrap();
    };
    tokio::task::spawn_blocking(run).await.unwrap();
    ingestion.commit(now()).await.unwrap();
    assert_eq!(ids(&store, &lake).await, (0..15).collect::<Vec<_>>());
}

/// Parquet files that no commit knows.
pub(super) async fn orphans(store: &Arc<dyn ObjectStore>, lake: &yagura_lake::Lake) -> Vec<String> {
    use futures::TryStreamExt;
    let snapshot = lake.snapshot().await.unwrap();
    let known: Vec<String> = snapshot
        .files()
        .map(|file| file.path.clone())
        .chain(snapshot.quarantine().map(|(path, ..)| path.to_owned()))
        .collect();
    let all: Vec<_> = store.list(None).try_collect().await.unwrap();
    all.into_iter()
        .filter_map(|meta| meta.location.to_string().strip_prefix("lake/").map(str::to_owned))
        .filter(|path| path.ends_with(".parquet") && !known.contains(path))
        .collect()
}
