//! What must hold for any sequence of scans, checked against a small model of its own.
//! The model knows three attributes of three buckets and nothing of versions' documents.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Map, Value, json};
use yagura_model::{CoverageState, Resource, UnreadReason};
use yagura_store::{ScanId, Store};

use crate::bed::{Bed, beds, blind, bucket, denied, known_at, scan_with, seen_by, unread};

const NAMES: [&str; 3] = ["a", "b", "c"];
/// `A` stands alone; `B.C` and `B.D` share a parent that is there only with one of them.
const PATHS: [&str; 3] = ["properties.A", "properties.B.C", "properties.B.D"];
const REASONS: [UnreadReason; 3] =
    [UnreadReason::Denied, UnreadReason::NotRequested, UnreadReason::Throttled];

/// One attribute as a scan sees it: a value (zero is absent), or why it was not read.
#[derive(Clone, Copy, Debug)]
enum Seen {
    Value(u8),
    Unread(UnreadReason),
}

#[derive(Clone, Debug)]
struct Scan {
    seen: [Option<[Seen; 3]>; 3],
    complete: bool,
}

fn attribute() -> impl Strategy<Value = Seen> {
    prop_oneof![
        3 => (0_u8..3).prop_map(Seen::Value),
        2 => (0_usize..3).prop_map(|n| Seen::Unread(REASONS[n])),
    ]
}

fn a_scan() -> impl Strategy<Value = Scan> {
    let bucket = || proptest::option::weighted(0.8, [attribute(), attribute(), attribute()]);
    ([bucket(), bucket(), bucket()], any::<bool>())
        .prop_map(|(seen, complete)| Scan { seen, complete })
}

fn resource(name: &str, seen: [Seen; 3]) -> Resource {
    let value = |n: usize| match seen[n] {
        Seen::Value(value) if value > 0 => Some(json!(value)),
        _ => None,
    };
    let mut properties = Map::new();
    let mut inner = Map::new();
    let parts = [("C", value(1)), ("D", value(2))];
    inner.extend(parts.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
    properties.extend(value(0).map(|value| ("A".to_owned(), value)));
    if !inner.is_empty() {
        properties.insert("B".to_owned(), Value::Object(inner));
    }
    let entries = seen.iter().zip(PATHS).filter_map(|(seen, path)| match seen {
        Seen::Unread(reason) => Some(unread(path, *reason)),
        Seen::Value(_) => None,
    });
    blind(bucket(name, Value::Object(properties)), entries.collect())
}

/// What the model knows of one bucket.
#[derive(Clone, Default)]
struct Known {
    alive: bool,
    versions: usize,
    /// Last value read of each attribute, in the living timeline.
    values: [Option<u8>; 3],
    /// The last attempt to read it failed.
    failed: [bool; 3],
}

impl Known {
    fn see(&mut self, seen: [Seen; 3]) {
        let is_new = !self.alive;
        if is_new {
            *self = Self { alive: true, versions: self.versions, ..Self::default() };
        }
        let mut changed = is_new;
        for (n, seen) in seen.into_iter().enumerate() {
            match seen {
                Seen::Value(value) => {
                    changed |= self.values[n].is_some_and(|known| known != value);
                    self.values[n] = Some(value);
                    self.failed[n] = false;
                }
                Seen::Unread(UnreadReason::NotRequested) => {}
                Seen::Unread(_) => self.failed[n] = true,
            }
        }
        self.versions += usize::from(changed);
    }

    fn miss(&mut self) {
        self.versions += usize::from(self.alive);
        self.alive = false;
    }
}

async fn check(bed: &Bed, scans: &[Scan]) -> Result<(), TestCaseError> {
    let store = bed.open().await;
    let mut model: BTreeMap<&str, Known> = NAMES.iter().map(|n| (*n, Known::default())).collect();
    let mut kept: Vec<(ScanId, Vec<Resource>, Vec<&str>)> = Vec::new();
    for (minute, scan) in scans.iter().enumerate() {
        let there = || NAMES.iter().zip(scan.seen).filter_map(|(name, seen)| Some((name, seen?)));
        let seen: Vec<_> = there().map(|(name, seen)| resource(name, seen)).collect();
        let state = match scan.complete {
            true => CoverageState::Complete,
            false => CoverageState::Partial(denied("")),
        };
        let count = seen.len() as u64;
        let id = scan_with(&store, minute as i64, &seen, state, count).await;
        for (name, seen) in NAMES.iter().zip(scan.seen) {
            let known = model.get_mut(name).unwrap();
            match seen {
                Some(seen) => known.see(seen),
                None if scan.complete => known.miss(),
                None => {}
            }
        }
        let alive = model.iter().filter(|(_, known)| known.alive).map(|(name, _)| *name);
        kept.push((id, seen, alive.collect()));
    }
    for (minute, (id, seen, alive)) in kept.iter().enumerate() {
        prop_assert_eq!(&seen_by(&store, *id).await, seen, "as scan {} saw it", id);
        let known = known_at(&store, minute as i64).await;
        let names: Vec<_> = known.iter().map(|resource| resource.name.as_str()).collect();
        prop_assert_eq!(&names, alive, "who lives after scan {}", id);
    }
    for (name, known) in &model {
        check_timeline(&store, name, known).await?;
    }
    let last = known_at(&store, scans.len() as i64).await;
    for resource in last {
        check_known(&resource, &model[resource.name.as_str()])?;
    }
    store.close().await;
    Ok(())
}

/// There are exactly the versions that the model counts, and each but a first one says why.
async fn check_timeline(store: &Store, name: &str, known: &Known) -> Result<(), TestCaseError> {
    let history = store.history(&format!("arn:aws:s3:::{name}"), 100).await.unwrap();
    let versions = history.map(|history| history.versions).unwrap_or_default();
    prop_assert_eq!(versions.len(), known.versions, "versions of {}", name);
    for pair in versions.windows(2) {
        let first = pair[0].deleted || pair[1].deleted;
        prop_assert_eq!(pair[0].changes.is_empty(), first, "a version without a reason");
        prop_assert!(pair[1].last_seen <= pair[0].first_seen);
    }
    Ok(())
}

/// What is known: the last value read, unless reading it failed since or never happened.
fn check_known(resource: &Resource, known: &Known) -> Result<(), TestCaseError> {
    let value = |pointer: &str| {
        let properties = Value::Object(resource.properties.clone());
        properties.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
    };
    for (n, pointer) in ["/A", "/B/C", "/B/D"].into_iter().enumerate() {
        let path = PATHS[n].parse().unwrap();
        let is_unread = resource.unread.iter().any(|entry| entry.path.covers(&path));
        match known.values[n] {
            Some(expected) if !known.failed[n] => {
                prop_assert!(!is_unread, "{} is known", PATHS[n]);
                prop_assert_eq!(value(pointer), u64::from(expected));
            }
            _ => {
                prop_assert!(is_unread, "{} is unknown", PATHS[n]);
                prop_assert_eq!(value(pointer), 0, "an unknown value is not shown");
            }
        }
    }
    Ok(())
}

#[test]
fn history_replays_what_was_seen_and_what_was_unread_changes_nothing() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let config = Config { cases: 48, failure_persistence: None, ..Config::default() };
    let strategy = proptest::collection::vec(a_scan(), 1..9);
    let number = std::cell::Cell::new(0);
    let case = |scans: Vec<Scan>| {
        runtime.block_on(async {
            // A schema takes PostgreSQL a good while: every sixth case is enough there.
            let beds = if number.replace(number.get() + 1) % 6 == 0 {
                beds().await
            } else {
                vec![Bed::sqlite()]
            };
            for bed in beds {
                check(&bed, &scans).await?;
            }
            Ok(())
        })
    };
    TestRunner::new(config).run(&strategy, case).unwrap();
}
