//! Snapshots: what is exported comes back elsewhere; anything broken is refused whole.
//! What a scan or a time saw is tested in `history.rs`.

use std::io::{Read as _, Write as _};

use serde_json::json;
use yagura_model::{CoverageState, Resource};
use yagura_store::{ScanState, SnapshotFault, SnapshotOf, Store, StoreError};

use crate::bed::{
    Bed, at, beds, blind, bucket, denied, known_at, listed, scan, scan_with, seen_by, start,
};

fn seen() -> Vec<Resource> {
    let mut seen: Vec<_> = (0..700).map(|n| bucket(&format!("b{n:03}"), json!({"N": n}))).collect();
    seen.push(blind(bucket("c", json!({"N": 1})), vec![denied("properties.On")]));
    seen
}

async fn exported(store: &Store, of: SnapshotOf) -> Vec<u8> {
    let mut bytes = Vec::new();
    store.export(of, &mut bytes).await.unwrap();
    bytes
}

async fn small_snapshot() -> Vec<u8> {
    let bed = Bed::sqlite();
    let store = bed.open().await;
    let id = scan(&store, 1, &[bucket("a", json!({"N": 1})), bucket("b", json!({}))]).await;
    exported(&store, SnapshotOf::Scan(id)).await
}

fn unpacked(bytes: &[u8]) -> String {
    let mut text = String::new();
    zstd::Decoder::new(bytes).unwrap().read_to_string(&mut text).unwrap();
    text
}

fn packed(text: &str) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn an_exported_scan_comes_back_elsewhere() {
    for bed in beds().await {
        let store = bed.open().await;
        let id = scan(&store, 1, &seen()).await;
        let bytes = exported(&store, SnapshotOf::Scan(id)).await;
        for there in beds().await {
            let elsewhere = there.open().await;
            let imported = elsewhere.import(bytes.as_slice()).await.unwrap();
            assert_eq!((imported.accounts, imported.resources), (1, 701));
            assert_eq!(seen_by(&elsewhere, imported.scan).await, seen());
            let scan = elsewhere.scan(imported.scan).await.unwrap();
            assert!(scan.imported);
            assert_eq!((scan.state, scan.start), (ScanState::Complete, start(1)));
            let coverage = elsewhere.coverage(imported.scan).await.unwrap();
            assert_eq!(coverage, [listed("global", CoverageState::Complete, 701)]);
            assert_eq!(elsewhere.accounts().await.unwrap(), start(1).accounts);
            // The copy of the copy says the same.
            let again = exported(&elsewhere, SnapshotOf::Scan(imported.scan)).await;
            assert_eq!(unpacked(&again), unpacked(&bytes));
        }
    }
}

#[tokio::test]
async fn an_exported_time_is_what_was_known_then() {
    for bed in beds().await {
        let store = bed.open().await;
        scan(&store, 1, &[bucket("a", json!({"N": 1})), bucket("b", json!({}))]).await;
        let denied_listing = CoverageState::Unread(denied(""));
        scan_with(&store, 2, &[bucket("a", json!({"N": 2}))], denied_listing.clone(), 0).await;
        scan(&store, 3, &[]).await;
        let bytes = exported(&store, SnapshotOf::Time(at(2))).await;
        let there = Bed::sqlite();
        let elsewhere = there.open().await;
        let imported = elsewhere.import(bytes.as_slice()).await.unwrap();
        let expected = [bucket("a", json!({"N": 2})), bucket("b", json!({}))];
        assert_eq!(seen_by(&elsewhere, imported.scan).await, expected);
        let coverage = elsewhere.coverage(imported.scan).await.unwrap();
        assert_eq!(coverage, [listed("global", denied_listing, 0)]);
    }
}

#[tokio::test]
async fn an_old_snapshot_does_not_rewrite_history() {
    for bed in beds().await {
        let store = bed.open().await;
        let old = scan(&store, 1, &[bucket("a", json!({"N": 1}))]).await;
        scan(&store, 2, &[bucket("a", json!({"N": 2})), bucket("b", json!({}))]).await;
        let bytes = exported(&store, SnapshotOf::Scan(old)).await;
        let imported = store.import(bytes.as_slice()).await.unwrap();
        assert_eq!(seen_by(&store, imported.scan).await, [bucket("a", json!({"N": 1}))]);
        let history = store.history("arn:aws:s3:::a", 9).await.unwrap().unwrap();
        assert_eq!(history.versions.len(), 2);
        assert_eq!(known_at(&store, 2).await.len(), 2);
    }
}

/// Imports into a store that must not change; answers why it was refused.
async fn fault(bytes: &[u8]) -> SnapshotFault {
    let bed = Bed::sqlite();
    let store = bed.open().await;
    let error = store.import(bytes).await.err();
    assert!(store.scans(9).await.unwrap().is_empty(), "nothing may be taken");
    assert!(known_at(&store, 999).await.is_empty(), "nothing may be taken");
    assert!(store.accounts().await.unwrap().is_empty(), "nothing may be taken");
    match error {
        Some(StoreError::SnapshotRefused(fault)) => fault,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_truncated_snapshot_is_refused_at_every_length() {
    let bytes = small_snapshot().await;
    let step = (bytes.len() / 40).max(1);
    for length in (0..bytes.len()).step_by(step) {
        fault(&bytes[..length]).await;
    }
    let text = unpacked(&bytes);
    let mut cut = String::new();
    for line in text.lines().take(text.lines().count() - 1) {
        cut.push_str(line);
        cut.push('\n');
        assert!(matches!(fault(&packed(&cut)).await, SnapshotFault::Truncated));
    }
    let unended = text.trim_end();
    assert!(matches!(fault(&packed(unended)).await, SnapshotFault::Truncated));
}

#[tokio::test]
async fn an_altered_snapshot_is_refused() {
    let text = unpacked(&small_snapshot().await);
    let altered = text.replace("\"N\":1", "\"N\":2");
    assert_ne!(altered, text);
    assert!(matches!(fault(&packed(&altered)).await, SnapshotFault::Altered("the digest")));
    let mut lines: Vec<&str> = text.lines().collect();
    let resource = lines.iter().position(|line| line.starts_with("{\"resource\"")).unwrap();
    lines.remove(resource);
    let shorter = lines.join("\n") + "\n";
    assert!(matches!(
        fault(&packed(&shorter)).await,
        SnapshotFault::Altered("the number of resources")
    ));
    let longer = format!("{text}{{}}\n");
    assert!(matches!(fault(&packed(&longer)).await, SnapshotFault::Trailing));
}

#[tokio::test]
async fn a_flipped_byte_is_refused_wherever_it_is() {
    let bytes = small_snapshot().await;
    let step = (bytes.len() / 40).max(1);
    for at in (0..bytes.len()).step_by(step) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x10;
        fault(&flipped).await;
    }
}

#[tokio::test]
async fn foreign_and_newer_files_are_told_apart() {
    let text = unpacked(&small_snapshot().await);
    let newer = text.replace("\"version\":1", "\"version\":2,\"later\":true");
    assert!(matches!(fault(&packed(&newer)).await, SnapshotFault::Newer(2)));
    for foreign in ["", "{}\n", "hello\n", "{\"resource\":1}\n", "\n"] {
        let found = fault(&packed(foreign)).await;
        assert!(matches!(found, SnapshotFault::NotASnapshot), "{foreign}: {found:?}");
    }
    assert!(matches!(fault(b"PK\x03\x04 not zstd at all").await, SnapshotFault::NotASnapshot));
    let twice = text.replacen('\n', &format!("\n{}\n", text.lines().next().unwrap()), 1);
    assert!(matches!(fault(&packed(&twice)).await, SnapshotFault::Line { line: 2, .. }));
    let unknown = text.replacen("{\"account\"", "{\"surprise\"", 1);
    assert!(matches!(fault(&packed(&unknown)).await, SnapshotFault::Line { .. }));
}
