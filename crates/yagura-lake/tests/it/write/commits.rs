//! Commits under faults: killed at any operation, failing at any write, several writers, a clock
//! that goes backwards. After each of them exactly the right rows are there.

use std::sync::Arc;

use object_store::ObjectStore;
use object_store::memory::InMemory;
use proptest::prelude::*;
use yagura_lake::{CompactOptions, Lake, LakeError, LakeLocation, LakeOptions};

use super::faults::{Fault, FaultStore};
use super::repeats::orphans;
use super::support::*;

fn memory() -> Arc<dyn ObjectStore> {
    Arc::new(InMemory::new())
}

/// Three commits and a compaction; what is done when an error comes.
async fn work_off(store: &Arc<dyn ObjectStore>) -> Result<(), LakeError> {
    let lake = open(store).await?;
    ingest(&lake, vec![of_ids("a", 0..5), of_ids("b", 3..8)]).await?;
    ingest(&lake, vec![of_ids("c", 6..12)]).await?;
    lake.compact(&CompactOptions::new(now())).await?;
    ingest(&lake, vec![of_ids("d", 10..15)]).await?;
    Ok(())
}

/// The ids that the lake may hold between two commits.
const STEPS: [u64; 4] = [0, 8, 12, 15];

#[tokio::test]
async fn killed_at_any_operation_nothing_is_lost_doubled_or_half_there() {
    for from in 0.. {
        let store = memory();
        let faulty = FaultStore::over(&store, Fault::From(from));
        let failing: Arc<dyn ObjectStore> = faulty.clone();
        let result = work_off(&failing).await;
        let reached = faulty.reached();
        // The process is gone; another opens the lake, a day and more later.
        let late = |options: &mut LakeOptions| {
            options.now = "2040-01-01T00:00:00Z".parse().unwrap();
        };
        let lake = open_with(&store, late).await.unwrap();
        let found = ids(&store, &lake).await;
        let step = STEPS.iter().position(|step| *step == found.len() as u64);
        assert!(step.is_some(), "killed at {from}: {found:?}");
        assert_eq!(found, (0..found.len() as u64).collect::<Vec<_>>(), "killed at {from}");
        // What is over is over: everything again changes nothing but what is missing.
        work_off(&store).await.unwrap();
        let lake = open(&store).await.unwrap();
        assert_eq!(ids(&store, &lake).await, (0..15).collect::<Vec<_>>(), "killed at {from}");
        let sweep = CompactOptions {
            now: "2041-01-01T00:00:00Z".parse().unwrap(),
            ..CompactOptions::new(now())
        };
        lake.compact(&sweep).await.unwrap();
        let sweep = CompactOptions { now: "2042-01-01T00:00:00Z".parse().unwrap(), ..sweep };
        lake.compact(&sweep).await.unwrap();
        assert_eq!(orphans(&store, &lake).await, Vec::<String>::new(), "killed at {from}");
        if result.is_ok() && !reached {
            assert!(from > 30, "the store was hardly used: {from}");
            return;
        }
    }
}

#[tokio::test]
async fn after_a_failed_write_the_same_commit_succeeds() {
    let mut failed = 0;
    for at in 0.. {
        let store = memory();
        let faulty = FaultStore::over(&store, Fault::Write(at));
        let failing: Arc<dyn ObjectStore> = faulty.clone();
        let lake = open(&failing).await.unwrap();
        let ingestion = lake.begin().await.unwrap();
        let worked = work(&ingestion, table(), vec![of_ids("a", 0..2000)]).await;
        if worked.is_err() {
            assert!(ingestion.commit(now()).await.is_err(), "failed at {at}");
            ingestion.abandon().await.unwrap();
            ingest(&lake, vec![of_ids("a", 0..2000)]).await.unwrap();
            failed += 1;
        } else if let Err(error) = ingestion.commit(now()).await {
            assert!(error.to_string().contains("cannot write"), "{error}");
            assert_eq!(lake.snapshot().await.unwrap().commit(), 0, "failed at {at}");
            failed += 1;
            ingestion.commit(now()).await.unwrap();
        }
        assert_eq!(ids(&store, &lake).await.len(), 2000, "failed at {at}");
        if !faulty.reached() {
            assert!(failed > 3, "the store was hardly written to: {failed}");
            return;
        }
    }
}

#[tokio::test]
async fn given_up_after_a_failed_commit_nothing_is_left_behind() {
    for at in 0.. {
        let store = memory();
        let faulty = FaultStore::over(&store, Fault::Write(at));
        let failing: Arc<dyn ObjectStore> = faulty.clone();
        let lake = open(&failing).await.unwrap();
        let ingestion = lake.begin().await.unwrap();
        let worked = work(&ingestion, table(), vec![of_ids("a", 0..3)]).await;
        if worked.is_ok() && ingestion.commit(now()).await.is_ok() && !faulty.reached() {
            assert!(at > 3, "the store was hardly written to: {at}");
            return;
        }
        let seen = lake.snapshot().await.unwrap().commit() > 0;
        ingestion.abandon().await.unwrap();
        let later = |options: &mut LakeOptions| {
            options.now = "2040-01-01T00:00:00Z".parse().unwrap();
        };
        let lake = open_with(&store, later).await.unwrap();
        assert_eq!(orphans(&store, &lake).await, Vec::<String>::new(), "failed at {at}");
        assert_eq!(ids(&store, &lake).await.is_empty(), !seen, "failed at {at}");
    }
}

#[tokio::test]
async fn a_commit_is_there_once_even_if_its_answer_was_lost() {
    let store = memory();
    let lake = open(&store).await.unwrap();
    let ingestion = lake.begin().await.unwrap();
    work(&ingestion, table(), vec![of_ids("a", 0..3)]).await.unwrap();
    ingestion.commit(now()).await.unwrap();
    let again = ingestion.commit(now()).await.unwrap_err();
    assert!(again.to_string().contains("already"), "{again}");
    assert!(ingestion.worker().is_err());
    assert_eq!(lake.snapshot().await.unwrap().commit(), 1);
}

#[tokio::test]
async fn many_commits_are_read_through_a_checkpoint() {
    let store = memory();
    let lake = open(&store).await.unwrap();
    for n in 0..40 {
        ingest(&lake, vec![of_ids(&format!("o{n}"), [n])]).await.unwrap();
    }
    let fresh = open(&store).await.unwrap();
    assert_eq!(fresh.snapshot().await.unwrap().commit(), 40);
    assert_eq!(ids(&store, &fresh).await, (0..40).collect::<Vec<_>>());
    let since = fresh.committed_since(37).await.unwrap();
    assert_eq!(since.iter().map(|it| it.commit).collect::<Vec<_>>(), [38, 39, 40]);
    let same: Vec<_> = fresh.snapshot().await.unwrap().files().cloned().collect();
    assert_eq!(same, lake.snapshot().await.unwrap().files().cloned().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_clock_that_goes_backwards_does_not_make_the_history_do_so() {
    let store = memory();
    let lake = open(&store).await.unwrap();
    ingest(&lake, vec![of_ids("a", [1])]).await.unwrap();
    let ingestion = lake.begin().await.unwrap();
    work(&ingestion, table(), vec![of_ids("b", [2])]).await.unwrap();
    ingestion.commit("1999-01-01T00:00:00Z".parse().unwrap()).await.unwrap();
    assert_eq!(lake.snapshot().await.unwrap().time(), now());
    assert_eq!(ids(&store, &lake).await, [1, 2]);
}

#[tokio::test]
async fn a_writer_that_was_taken_for_dead_cannot_commit() {
    let store = memory();
    let lake = open(&store).await.unwrap();
    let ingestion = lake.begin().await.unwrap();
    work(&ingestion, table(), vec![of_ids("a", 0..3)]).await.unwrap();
    let late = |options: &mut LakeOptions| options.now = "2040-01-01T00:00:00Z".parse().unwrap();
    open_with(&store, late).await.unwrap();
    let error = ingestion.commit(now()).await.unwrap_err();
    assert!(matches!(error, LakeError::TakenForDead), "{error}");
    ingest(&lake, vec![of_ids("a", 0..3)]).await.unwrap();
    assert_eq!(ids(&store, &lake).await, [0, 1, 2]);
}

async fn in_folder(folder: &std::path::Path) -> Lake {
    let location = LakeLocation::folder(folder).unwrap();
    Lake::open(location, vec![table()], LakeOptions::new(now())).await.unwrap()
}

#[tokio::test]
async fn in_a_folder_a_living_writer_is_spared_and_a_dead_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let open = || in_folder(folder.path());
    let lake = open().await;
    let (living, dead) = (lake.begin().await.unwrap(), lake.begin().await.unwrap());
    work(&living, table(), vec![of_ids("a", 0..3)]).await.unwrap();
    work(&dead, table(), vec![of_ids("b", 3..6)]).await.unwrap();
    let staging = folder.path().join("_yagura/staging");
    assert_eq!(std::fs::read_dir(&staging).unwrap().count(), 2);
    drop(dead);
    open().await;
    assert_eq!(std::fs::read_dir(&staging).unwrap().count(), 1);
    living.commit(now()).await.unwrap();
    assert_eq!(std::fs::read_dir(&staging).unwrap().count(), 0);
    assert_eq!(open().await.snapshot().await.unwrap().files().next().unwrap().rows, 3);
}

#[tokio::test]
async fn who_removes_a_dead_writers_files_may_die_too() {
    let folder = tempfile::tempdir().unwrap();
    let open = || in_folder(folder.path());
    open().await;
    // The lock was taken away, and then nothing more was done.
    let (staging, shown) = (folder.path().join("_yagura/staging/dead"), "source=trail/a.parquet");
    for path in [staging.join("intent"), staging.join("b.parquet"), folder.path().join(shown)] {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, shown).unwrap();
    }
    open().await;
    assert!(!folder.path().join(shown).exists() && !staging.exists());
}

#[test]
fn a_folder_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "not a folder").unwrap();
    let error = LakeLocation::folder(&file.join("lake")).unwrap_err();
    assert!(error.to_string().contains("file/lake"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Two processes begin, work, commit, compact and are killed in any order.
    #[test]
    fn any_interleaving_of_two_writers_leaves_the_right_rows(
        steps in proptest::collection::vec((0..2_usize, 0..5_u8, 0..12_u64), 1..14),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(interleave(steps));
    }
}

async fn interleave(steps: Vec<(usize, u8, u64)>) {
    let store = memory();
    let lakes = [open(&store).await.unwrap(), open(&store).await.unwrap()];
    let mut making: [Option<(yagura_lake::Ingestion, Vec<u64>)>; 2] = [None, None];
    let mut expected = std::collections::BTreeSet::new();
    for (who, what, from) in steps {
        match what {
            0 | 1 => {
                if making[who].is_none() {
                    making[who] = Some((lakes[who].begin().await.unwrap(), Vec::new()));
                }
                let (ingestion, ids) = making[who].as_mut().unwrap();
                let object = of_ids(&format!("object-{from}"), from..from + 4);
                if !ids.contains(&from) {
                    work(ingestion, table(), vec![object]).await.unwrap();
                    ids.push(from);
                }
            }
            2 => {
                if let Some((ingestion, ids)) = making[who].take() {
                    ingestion.commit(now()).await.unwrap();
                    expected.extend(ids.into_iter().flat_map(|from| from..from + 4));
                }
            }
            3 => making[who] = None,
            _ => {
                lakes[who].compact(&CompactOptions::new(now())).await.unwrap();
            }
        }
    }
    let found = ids(&store, &lakes[0]).await;
    assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
}
