//! Objects larger than a worker's memory: files are staged in between, and what is abandoned
//! leaves nothing. Small objects are everywhere else.

use std::sync::Arc;

use object_store::ObjectStore;
use object_store::memory::InMemory;
use yagura_lake::{Lake, Piece};

use super::support::*;

/// A lake whose workers hold next to nothing.
async fn cramped() -> (Arc<dyn ObjectStore>, Lake) {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let lake = open_with(&store, |options| options.memory_bytes = 40_000).await.unwrap();
    (store, lake)
}

#[tokio::test]
async fn an_object_larger_than_memory_is_whole_or_not_there() {
    let (store, lake) = cramped().await;
    let ingestion = lake.begin().await.unwrap();
    let mut worker = ingestion.worker().unwrap();
    let run = move || {
        let table = table();
        for (location, begin, finish) in [("a", 0, true), ("b", 1000, false), ("c", 2000, true)] {
            worker.begin_object(&object(location), "trail");
            for part in 0..20 {
                let from = begin + part * 10;
                let (_, records) = of_ids(location, from..from + 10);
                worker.append(&table, &batch(location, &records), now()).unwrap();
            }
            match finish {
                true => assert_eq!(worker.finish_object().unwrap().rows, 200),
                false => worker.abandon_object(),
            }
        }
        worker.close().unwrap();
    };
    tokio::task::spawn_blocking(run).await.unwrap();
    let committed = ingestion.commit(now()).await.unwrap();
    assert!(committed.files > 4, "{}", committed.files);
    let expected: Vec<u64> = (0..200).chain(2000..2200).collect();
    assert_eq!(ids(&store, &lake).await, expected);
    assert_eq!(super::repeats::orphans(&store, &lake).await, Vec::<String>::new());
}

#[tokio::test]
async fn repeats_that_are_found_late_leave_files_that_were_staged() {
    let (store, lake) = cramped().await;
    let ingestion = lake.begin().await.unwrap();
    let (mut slow, mut quick) = (ingestion.worker().unwrap(), ingestion.worker().unwrap());
    let run = move || {
        let table = table();
        slow.begin_object(&object("slow"), "trail");
        for part in 0..20 {
            let (_, records) = of_ids("slow", part * 10..part * 10 + 10);
            slow.append(&table, &batch("slow", &records), now()).unwrap();
        }
        quick.begin_object(&object("quick"), "trail");
        let (_, records) = of_ids("quick", (0..400).step_by(2));
        quick.append(&table, &batch("quick", &records), now()).unwrap();
        assert_eq!(quick.finish_object().unwrap().rows, 200);
        quick.close().unwrap();
        let receipt = slow.finish_object().unwrap();
        assert_eq!((receipt.rows, receipt.repeats), (100, 100));
        slow.close().unwrap();
    };
    tokio::task::spawn_blocking(run).await.unwrap();
    let committed = ingestion.commit(now()).await.unwrap();
    assert_eq!(committed.rows, 300);
    let expected: Vec<u64> = (0..400).filter(|id| *id < 200 || id % 2 == 0).collect();
    assert_eq!(ids(&store, &lake).await, expected);
}

#[tokio::test]
async fn pieces_are_committed_with_their_object_only() {
    let (store, lake) = cramped().await;
    let ingestion = lake.begin().await.unwrap();
    let mut worker = ingestion.worker().unwrap();
    let run = move || {
        for (location, keep) in [("kept", true), ("gone", false)] {
            worker.begin_object(&object(location), "trail");
            for offset in 0..50 {
                let bytes = vec![b'x'; 1000];
                worker.quarantine(Piece { reason: "cut".into(), offset, bytes }).unwrap();
            }
            match keep {
                true => assert_eq!(worker.finish_object().unwrap().quarantined, 50),
                false => worker.abandon_object(),
            }
        }
        worker.close().unwrap();
    };
    tokio::task::spawn_blocking(run).await.unwrap();
    let committed = ingestion.commit(now()).await.unwrap();
    assert_eq!(committed.objects[0].state, yagura_lake::ObjectState::Rejected);
    let snapshot = lake.snapshot().await.unwrap();
    assert_eq!(snapshot.quarantine().map(|(_, _, pieces, _)| pieces).sum::<u64>(), 50);
    for (path, ..) in snapshot.quarantine() {
        let content = String::from_utf8_lossy(&bytes(&store, path).await).into_owned();
        assert!(content.contains("kept") && !content.contains("gone"), "{path}");
    }
    assert_eq!(super::repeats::orphans(&store, &lake).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_worker_that_was_dropped_spoils_the_commit() {
    let (_, lake) = cramped().await;
    let ingestion = lake.begin().await.unwrap();
    let mut worker = ingestion.worker().unwrap();
    assert!(ingestion.commit(now()).await.is_err(), "a worker is open");
    let run = move || {
        worker.begin_object(&object("a"), "trail");
        worker.append(&table(), &batch("a", &[event(1, 0)]), now()).unwrap();
        worker.finish_object().unwrap();
    };
    tokio::task::spawn_blocking(run).await.unwrap();
    let error = ingestion.commit(now()).await.unwrap_err();
    assert!(matches!(error, yagura_lake::LakeError::Worker), "{error}");
    assert_eq!(lake.snapshot().await.unwrap().commit(), 0);
}
