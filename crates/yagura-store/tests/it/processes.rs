//! Several processes on one database, some of them killed while they write.
//! The children are this test program itself, told what to do by an environment variable.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use serde_json::json;
use sqlx::Row as _;
use yagura_model::{CoverageState, Resource};
use yagura_store::{Location, ScanOutcome, ScanState, Store};

use crate::bed::{Bed, at, beds, bucket, known_at, listed, scan, seen_by, start};

pub(crate) const CHILD: &str = "YAGURA_STORE_TEST_CHILD";
const RESOURCES: usize = 600;
const BATCH: usize = 50;

fn seen(round: i64) -> Vec<Resource> {
    (0..RESOURCES).map(|n| bucket(&format!("b{n:04}"), json!({"Round": round}))).collect()
}

fn place(location: &Location) -> String {
    match location {
        Location::Sqlite(file) => file.display().to_string(),
        Location::Postgres(url) => url.clone(),
    }
}

pub(crate) fn child(what: &str, location: &Location) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "processes::child_of_other_tests", "--nocapture"])
        .env(CHILD, format!("{what} {}", place(location)))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Not a test by itself: what the children of the other tests do. Without an order it only
/// makes sure that it was not given one.
#[tokio::test]
async fn child_of_other_tests() {
    let Ok(order) = std::env::var(CHILD) else {
        assert!(std::env::var_os(CHILD).is_none(), "an order that is not a text");
        return;
    };
    let (what, location) = order.split_once(' ').unwrap();
    let location: Location = location.parse().unwrap();
    let mut out = std::io::stdout();
    match what {
        "write" => {
            let store = Store::open(&location).await.unwrap();
            for round in 1..1_000 {
                write_scan(&store, round, &mut out).await;
            }
        }
        "write-once" => {
            let store = Store::open(&location).await.unwrap();
            write_scan(&store, 1, &mut out).await;
        }
        "jobs" => crate::jobs::work(&Store::open(&location).await.unwrap(), &mut out).await,
        "read-only" => {
            let tried = async {
                let store = Store::open(&location).await?;
                store.begin_scan(&start(9)).await
            };
            writeln!(out, "refused: {}", tried.await.unwrap_err()).unwrap();
        }
        other => panic!("unknown order {other}"),
    }
}

/// One scan in small batches; says a line after each. It claims to have listed everything
/// before it stored anything, as a careless collector might.
async fn write_scan(store: &Store, round: i64, out: &mut impl std::io::Write) {
    let id = store.begin_scan(&start(100 + round)).await.unwrap();
    let word = listed("global", CoverageState::Complete, RESOURCES as u64);
    store.put_coverage(id, &[word]).await.unwrap();
    for batch in seen(round).chunks(BATCH) {
        store.put_resources(id, batch).await.unwrap();
        writeln!(out, "stored").unwrap();
    }
    store.finish_scan(id, ScanOutcome::Complete, at(100 + round)).await.unwrap();
    writeln!(out, "ended").unwrap();
}

/// `PRAGMA integrity_check` on `SQLite`; a server looks after itself.
pub(crate) async fn integrity(bed: &Bed) {
    if let Location::Sqlite(file) = &bed.location {
        let url = format!("sqlite://{}", file.display());
        let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
        let row = sqlx::raw_sql("PRAGMA integrity_check").fetch_one(&pool).await.unwrap();
        assert_eq!(row.get::<String, _>(0), "ok");
        pool.close().await;
    }
}

#[tokio::test]
async fn a_killed_writer_leaves_whole_batches_and_deletes_nothing() {
    let mut random = fastrand::Rng::with_seed(7);
    for bed in beds().await {
        let store = bed.open().await;
        scan(&store, 1, &seen(0)).await;
        store.close().await;
        for _ in 0..20 {
            let mut child = child("write", &bed.location);
            let lines = BufReader::new(child.stdout.take().unwrap()).lines();
            let until = random.usize(1..40);
            let said = lines.map_while(Result::ok).filter(|line| line == "stored").take(until);
            assert_eq!(said.count(), until, "the child writes until it is killed");
            // It goes on writing while the signal is on its way.
            child.kill().unwrap();
            child.wait().unwrap();
            integrity(&bed).await;
            let store = bed.open().await;
            assert_eq!(known_at(&store, 9_999).await.len(), RESOURCES);
            let newest = &store.scans(1).await.unwrap()[0];
            let found = seen_by(&store, newest.id).await.len();
            assert_eq!(found % BATCH, 0, "a batch is stored whole or not at all");
            assert_eq!(newest.state == ScanState::Complete, newest.resources != 0);
            if newest.state == ScanState::Complete {
                assert_eq!(found, RESOURCES);
            }
            store.close().await;
        }
        let store = bed.open().await;
        let history = store.history("arn:aws:s3:::b0000", 10_000).await.unwrap().unwrap();
        assert!(history.versions.iter().all(|version| !version.deleted));
        assert!(history.versions.len() > 1);
    }
}

#[tokio::test]
async fn two_processes_write_at_once_and_lose_nothing() {
    for bed in beds().await {
        let children: Vec<_> = (0..3).map(|_| child("write-once", &bed.location)).collect();
        for child in children {
            let output = child.wait_with_output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{text}");
        }
        integrity(&bed).await;
        let store = bed.open().await;
        let scans = store.scans(9).await.unwrap();
        assert_eq!(scans.len(), 3);
        for scan in scans {
            assert_eq!(scan.state, ScanState::Complete);
            assert_eq!(seen_by(&store, scan.id).await, seen(1));
        }
        let history = store.history("arn:aws:s3:::b0000", 9).await.unwrap().unwrap();
        assert_eq!(history.versions.len(), 1);
    }
}

#[tokio::test]
async fn readers_do_not_wait_for_a_writer() {
    let bed = Bed::sqlite();
    let store = bed.open().await;
    let id = scan(&store, 1, &seen(1)).await;
    let url = format!("sqlite://{}", bed.file().display());
    let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
    let held = pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
    assert_eq!(seen_by(&store, id).await.len(), RESOURCES);
    held.rollback().await.unwrap();
}
