//! Trouble from outside: no space, no permission, a lock that is not given up, a damaged file.
//! Killed processes are in `processes.rs`.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::time::Duration;

use serde_json::json;
use yagura_store::{Location, Options, ScanOutcome, Store, StoreError};

use crate::bed::{Bed, at, beds, bucket, scan, seen_by, start};
use crate::processes::{CHILD, integrity};

#[tokio::test]
async fn a_full_disk_is_said_and_what_was_stored_stays() {
    let bed = Bed::sqlite();
    let limit = Options { size_bytes_max: Some(500_000), ..Options::default() };
    let store = bed.open_with(&limit).await;
    let id = store.begin_scan(&start(1)).await.unwrap();
    let mut stored = 0;
    let error = loop {
        let batch: Vec<_> = (stored..stored + 100)
            .map(|n| bucket(&format!("b{n:05}"), json!({"Text": format!("{n:0>200}")})))
            .collect();
        match store.put_resources(id, &batch).await {
            Ok(_) => stored += 100,
            Err(error) => break error,
        }
        assert!(stored < 100_000, "the limit must be reached");
    };
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    assert!(error.to_string().contains("store resources"), "{error}");
    assert!(error.to_string().contains("yagura.db"), "{error}");
    assert!(error.remedy().unwrap().contains("kept"));
    store.close().await;
    let store = bed.open().await;
    assert_eq!(seen_by(&store, id).await.len(), stored);
    let more: Vec<_> = (0..500).map(|n| bucket(&format!("more{n}"), json!({}))).collect();
    store.put_resources(id, &more).await.unwrap();
    store.finish_scan(id, ScanOutcome::Complete, at(2)).await.unwrap();
    store.close().await;
    integrity(&bed).await;
}

#[tokio::test]
async fn a_writer_that_does_not_end_is_said_after_the_wait() {
    for bed in beds().await {
        let options = Options { wait: Duration::from_millis(20), ..Options::default() };
        let store = bed.open_with(&options).await;
        let error = match &bed.location {
            Location::Sqlite(file) => {
                let url = format!("sqlite://{}", file.display());
                let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
                let held = pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
                let error = store.begin_scan(&start(1)).await.unwrap_err();
                held.rollback().await.unwrap();
                error
            }
            Location::Postgres(url) => {
                // The writers' lock (see `database.rs`).
                const LOCK: &str =
                    "SELECT pg_advisory_xact_lock(1497450325, hashtext(current_schema()))";
                let pool = sqlx::PgPool::connect(url).await.unwrap();
                let mut held = pool.begin().await.unwrap();
                sqlx::raw_sql(LOCK).execute(&mut *held).await.unwrap();
                let error = store.begin_scan(&start(1)).await.unwrap_err();
                held.rollback().await.unwrap();
                error
            }
        };
        assert!(matches!(error, StoreError::Locked { .. }), "{error:?}");
        assert!(error.to_string().contains("another process"), "{error}");
        store.begin_scan(&start(1)).await.unwrap();
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let bed = Bed::sqlite();
    let file = bed.folder().unwrap().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Store::open(&Location::in_folder(&file.join("data"))).await.err().unwrap();
    assert!(matches!(error, StoreError::Folder { .. }), "{error:?}");
    assert!(error.remedy().unwrap().contains("--data-dir"));
}

/// Permissions do not bind root, so the attempt is made by a child that runs as nobody.
#[tokio::test]
async fn a_read_only_folder_is_said() {
    let bed = Bed::sqlite();
    let store = bed.open().await;
    scan(&store, 1, &[bucket("a", json!({}))]).await;
    store.close().await;
    let folder = bed.folder().unwrap();
    let program = folder.join("program");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let allow = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    allow(&program, 0o755);
    allow(&bed.file(), 0o444);
    allow(folder, 0o555);
    let mut command = std::process::Command::new(&program);
    command
        .args(["--exact", "processes::child_of_other_tests", "--nocapture"])
        .env(CHILD, format!("read-only {}", bed.file().display()));
    if std::fs::metadata("/proc/self").unwrap().uid() == 0 {
        command.uid(65_534);
    }
    let output = command.output().unwrap();
    allow(folder, 0o755);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("refused: cannot"), "{text}");
    assert!(text.contains("yagura.db` cannot be"), "{text}");
}

#[tokio::test]
async fn a_damaged_file_is_said() {
    let bed = Bed::sqlite();
    let store = bed.open().await;
    let many: Vec<_> = (0..500).map(|n| bucket(&format!("b{n}"), json!({"N": n}))).collect();
    scan(&store, 1, &many).await;
    store.close().await;
    let mut bytes = std::fs::read(bed.file()).unwrap();
    for byte in bytes.iter_mut().skip(4096 * 4) {
        *byte = 0xaa;
    }
    std::fs::write(bed.file(), bytes).unwrap();
    let found = async {
        let store = Store::open(&bed.location).await?;
        for name in ["b1", "b300"] {
            store.resource(&format!("arn:aws:s3:::{name}")).await?;
        }
        let id = store.begin_scan(&start(2)).await?;
        store.put_resources(id, &many).await
    };
    let error = found.await.unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_said_without_its_password() {
    let options = Options { wait: Duration::from_millis(10), ..Options::default() };
    let at = Location::Postgres("postgres://me:secret@127.0.0.1:1/db".into());
    let error = Store::open_with(&at, &options).await.err().unwrap();
    let text = format!("{error} {error:?}");
    assert!(matches!(error, StoreError::Open { .. } | StoreError::Locked { .. }), "{text}");
    assert!(!text.contains("secret"), "{text}");
}
