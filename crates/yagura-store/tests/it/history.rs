//! Versions of a resource: when one is made, what it says, what a scan and a time saw.
//! Deletion is tested in `scans.rs`.

use serde_json::{Value, json};
use yagura_model::{Relation, UnreadReason};
use yagura_store::Store;

use crate::bed::{beds, blind, bucket, denied, known_at, scan, seen_by, unread};

const KEY: &str = "arn:aws:s3:::a";

/// Number of versions, and path, before, after of each change, newest version first.
async fn changes(store: &Store) -> (usize, Vec<(String, Value, Value)>) {
    let history = store.history(KEY, 100).await.unwrap().unwrap();
    assert!(!history.more);
    let changes = history
        .versions
        .iter()
        .flat_map(|version| &version.changes)
        .map(|c| {
            let or_null = |value: &Option<Value>| value.clone().unwrap_or_default();
            (c.path.to_string(), or_null(&c.before), or_null(&c.after))
        })
        .collect();
    (history.versions.len(), changes)
}

#[tokio::test]
async fn seeing_the_same_again_makes_no_version() {
    for bed in beds().await {
        let store = bed.open().await;
        for minute in 1..=3 {
            scan(&store, minute, &[bucket("a", json!({"On": true}))]).await;
        }
        assert_eq!(changes(&store).await, (1, vec![]));
        let history = store.history(KEY, 100).await.unwrap().unwrap();
        assert_eq!(history.versions[0].first_seen, crate::bed::at(1));
        assert_eq!(history.versions[0].last_seen, crate::bed::at(3));
        let fourth = store.begin_scan(&crate::bed::start(4)).await.unwrap();
        let seen = [bucket("a", json!({"On": true})), bucket("b", json!({}))];
        let stored = store.put_resources(fourth, &seen).await.unwrap();
        assert_eq!((stored.new, stored.changed, stored.unchanged), (1, 0, 1));
    }
}

#[tokio::test]
async fn a_change_is_a_version_with_its_difference() {
    for bed in beds().await {
        let store = bed.open().await;
        let first = scan(&store, 1, &[bucket("a", json!({"On": true, "N": 1}))]).await;
        let second = scan(&store, 2, &[bucket("a", json!({"On": false, "N": 1}))]).await;
        assert_eq!(
            changes(&store).await,
            (2, vec![("properties.On".into(), json!(true), json!(false))])
        );
        assert_eq!(seen_by(&store, first).await, [bucket("a", json!({"On": true, "N": 1}))]);
        assert_eq!(seen_by(&store, second).await, [bucket("a", json!({"On": false, "N": 1}))]);
        assert_eq!(known_at(&store, 1).await, [bucket("a", json!({"On": true, "N": 1}))]);
        assert_eq!(known_at(&store, 0).await, []);
    }
}

#[tokio::test]
async fn tags_relations_and_identity_are_part_of_a_version() {
    for bed in beds().await {
        let store = bed.open().await;
        let mut resource = bucket("a", json!({}));
        scan(&store, 1, std::slice::from_ref(&resource)).await;
        resource.tags.insert("env".into(), "prod".into());
        scan(&store, 2, std::slice::from_ref(&resource)).await;
        resource.relations = vec![Relation {
            name: "key".into(),
            type_name: "AWS::KMS::Key".into(),
            target: "k".into(),
        }];
        scan(&store, 3, std::slice::from_ref(&resource)).await;
        resource.name = "b".into();
        let last = scan(&store, 4, std::slice::from_ref(&resource)).await;
        let (versions, found) = changes(&store).await;
        assert_eq!(versions, 4);
        let paths: Vec<_> = found.iter().map(|(path, ..)| path.as_str()).collect();
        assert_eq!(paths, ["name", "relations", "tags"]);
        assert_eq!(seen_by(&store, last).await, [resource]);
    }
}

#[tokio::test]
async fn another_order_of_a_set_is_no_version_and_of_a_sequence_is() {
    for bed in beds().await {
        let store = bed.open().await;
        scan(&store, 1, &[bucket("a", json!({"Ids": ["x", "y"]}))]).await;
        scan(&store, 2, &[bucket("a", json!({"Ids": ["y", "x"]}))]).await;
        assert_eq!(changes(&store).await.0, 1);
        scan(&store, 3, &[bucket("a", json!({"Ids": ["y", "x"], "Command": ["x", "y"]}))]).await;
        scan(&store, 4, &[bucket("a", json!({"Ids": ["y", "x"], "Command": ["y", "x"]}))]).await;
        assert_eq!(changes(&store).await.0, 3);
    }
}

#[tokio::test]
async fn runtime_alone_is_told_apart() {
    for bed in beds().await {
        let store = bed.open().await;
        let with = |used: &str, on: bool| {
            let mut resource = bucket("a", json!({"On": on}));
            resource.runtime.insert("LastUsed".into(), used.into());
            resource
        };
        scan(&store, 1, &[with("mon", true)]).await;
        scan(&store, 2, &[with("tue", true)]).await;
        scan(&store, 3, &[with("wed", false)]).await;
        let history = store.history(KEY, 100).await.unwrap().unwrap();
        let runtime_only: Vec<_> = history.versions.iter().map(|v| v.runtime_only).collect();
        assert_eq!(runtime_only, [false, true, false]);
    }
}

#[tokio::test]
async fn unread_is_never_a_change_and_the_last_known_value_stays() {
    for bed in beds().await {
        let store = bed.open().await;
        let whole = bucket("a", json!({"On": true, "N": 1}));
        let partly = blind(bucket("a", json!({"N": 1})), vec![denied("properties.On")]);
        scan(&store, 1, std::slice::from_ref(&whole)).await;
        let second = scan(&store, 2, std::slice::from_ref(&partly)).await;
        assert_eq!(changes(&store).await, (1, vec![]));
        // The scan saw nothing there, and a denied part is unknown at that time too.
        assert_eq!(seen_by(&store, second).await, [partly.clone()]);
        assert_eq!(known_at(&store, 2).await, [partly]);
        assert_eq!(known_at(&store, 1).await, [whole.clone()]);
        assert_eq!(store.version(KEY, 1).await.unwrap().unwrap(), whole);
        // A change beside it carries the last known value into the new version.
        let moved = blind(bucket("a", json!({"N": 2})), vec![denied("properties.On")]);
        scan(&store, 3, std::slice::from_ref(&moved)).await;
        assert_eq!(changes(&store).await, (2, vec![("properties.N".into(), json!(1), json!(2))]));
        let version = store.version(KEY, 2).await.unwrap().unwrap();
        assert_eq!(version, bucket("a", json!({"N": 2, "On": true})));
        // Read again and different: that is a change.
        scan(&store, 4, &[bucket("a", json!({"N": 2, "On": false}))]).await;
        let (versions, found) = changes(&store).await;
        assert_eq!((versions, &found[0].0), (3, &"properties.On".to_owned()));
    }
}

#[tokio::test]
async fn a_gap_read_later_is_no_change_and_stays_unknown_before() {
    for bed in beds().await {
        let store = bed.open().await;
        let partly = blind(bucket("a", json!({"N": 1})), vec![denied("properties.E.Rules")]);
        let whole = bucket("a", json!({"N": 1, "E": {"Rules": ["aes"]}}));
        let first = scan(&store, 1, std::slice::from_ref(&partly)).await;
        let second = scan(&store, 2, std::slice::from_ref(&whole)).await;
        assert_eq!(changes(&store).await, (1, vec![]));
        assert_eq!(seen_by(&store, first).await, [partly.clone()]);
        assert_eq!(seen_by(&store, second).await, [whole.clone()]);
        assert_eq!(known_at(&store, 1).await, [partly]);
        assert_eq!(known_at(&store, 2).await, [whole]);
    }
}

#[tokio::test]
async fn what_nobody_asked_for_keeps_its_last_known_value() {
    for bed in beds().await {
        let store = bed.open().await;
        let whole = bucket("a", json!({"On": true, "N": 1}));
        let skip = |reason| vec![unread("properties.On", reason)];
        let skipped = blind(bucket("a", json!({"N": 1})), skip(UnreadReason::NotRequested));
        scan(&store, 1, std::slice::from_ref(&whole)).await;
        let second = scan(&store, 2, std::slice::from_ref(&skipped)).await;
        assert_eq!(seen_by(&store, second).await, [skipped.clone()]);
        assert_eq!(known_at(&store, 2).await, [whole.clone()]);
        // Denied, then not asked for: still unknown, because the last attempt failed.
        let failed = blind(bucket("a", json!({"N": 1})), skip(UnreadReason::Denied));
        scan(&store, 3, std::slice::from_ref(&failed)).await;
        scan(&store, 4, std::slice::from_ref(&skipped)).await;
        assert_eq!(known_at(&store, 4).await, [failed]);
        scan(&store, 5, std::slice::from_ref(&whole)).await;
        scan(&store, 6, std::slice::from_ref(&skipped)).await;
        assert_eq!(known_at(&store, 6).await, [whole]);
        assert_eq!(changes(&store).await.0, 1);
    }
}

#[tokio::test]
async fn what_was_never_asked_for_is_unknown_and_says_so() {
    for bed in beds().await {
        let store = bed.open().await;
        let entry = unread("properties.On", UnreadReason::NotRequested);
        let skipped = blind(bucket("a", json!({"N": 1})), vec![entry]);
        scan(&store, 1, std::slice::from_ref(&skipped)).await;
        scan(&store, 2, &[blind(bucket("a", json!({"N": 2})), skipped.unread.clone())]).await;
        assert_eq!(known_at(&store, 2).await[0].unread, skipped.unread);
        assert_eq!(known_at(&store, 1).await, [skipped]);
    }
}

#[tokio::test]
async fn a_partly_read_list_comes_back_as_it_was_seen() {
    for bed in beds().await {
        let store = bed.open().await;
        let whole = bucket("a", json!({"L": [{"Id": "1"}, {"Id": "2"}]}));
        let mut entry = denied("properties.L");
        entry.partial = true;
        let partly = blind(bucket("a", json!({"L": [{"Id": "1"}]})), vec![entry]);
        let element = blind(
            bucket("a", json!({"L": [{"Id": "1"}, {"Id": "2", "X": null}]})),
            vec![denied("properties.L[*].Y"), denied("properties.L[1].Z")],
        );
        scan(&store, 1, std::slice::from_ref(&whole)).await;
        let second = scan(&store, 2, std::slice::from_ref(&partly)).await;
        let third = scan(&store, 3, std::slice::from_ref(&element)).await;
        assert_eq!(seen_by(&store, second).await, [partly.clone()]);
        assert_eq!(seen_by(&store, third).await, [element.clone()]);
        assert_eq!(known_at(&store, 2).await, [partly]);
        assert_eq!(known_at(&store, 3).await, [element]);
        assert_eq!(changes(&store).await.0, 1);
    }
}

#[tokio::test]
async fn a_resource_of_which_nothing_could_be_read_keeps_its_state() {
    for bed in beds().await {
        let store = bed.open().await;
        let whole = bucket("a", json!({"On": true}));
        let nothing = blind(bucket("a", json!({})), vec![denied("")]);
        scan(&store, 1, std::slice::from_ref(&whole)).await;
        let second = scan(&store, 2, std::slice::from_ref(&nothing)).await;
        assert_eq!(seen_by(&store, second).await, [nothing]);
        assert_eq!(store.version(KEY, 1).await.unwrap().unwrap(), whole);
        assert_eq!(changes(&store).await.0, 1);
    }
}

#[tokio::test]
async fn an_older_scan_does_not_rewrite_the_timeline() {
    for bed in beds().await {
        let store = bed.open().await;
        let old = store.begin_scan(&crate::bed::start(1)).await.unwrap();
        let new = store.begin_scan(&crate::bed::start(2)).await.unwrap();
        store.put_resources(new, &[bucket("a", json!({"N": 2}))]).await.unwrap();
        store.put_resources(old, &[bucket("a", json!({"N": 1}))]).await.unwrap();
        assert_eq!(changes(&store).await.0, 1);
        assert_eq!(seen_by(&store, old).await, [bucket("a", json!({"N": 1}))]);
        assert_eq!(seen_by(&store, new).await, [bucket("a", json!({"N": 2}))]);
        assert_eq!(store.resource(KEY).await.unwrap().unwrap().resource.properties["N"], 2);
    }
}

#[tokio::test]
async fn the_first_sighting_of_a_key_in_a_scan_stands() {
    for bed in beds().await {
        let store = bed.open().await;
        let id = store.begin_scan(&crate::bed::start(1)).await.unwrap();
        let twice = [bucket("a", json!({"N": 1})), bucket("a", json!({"N": 2}))];
        assert_eq!(store.put_resources(id, &twice).await.unwrap().repeated, 1);
        assert_eq!(store.put_resources(id, &twice).await.unwrap().repeated, 2);
        assert_eq!(seen_by(&store, id).await, [bucket("a", json!({"N": 1}))]);
    }
}

#[tokio::test]
async fn hostile_content_is_kept_or_marked_unread() {
    for bed in beds().await {
        let store = bed.open().await;
        let mut deep = json!(1);
        for _ in 0..200 {
            deep = json!([deep]);
        }
        let nul = bucket("nul\0\u{1b}[2J", json!({"a\0": "b\0"}));
        let long = bucket(&"x".repeat(5_000), json!({}));
        let seen = [nul.clone(), long.clone(), bucket("deep", json!({"D": deep}))];
        let id = scan(&store, 1, &seen).await;
        let found = seen_by(&store, id).await;
        assert!(found.contains(&nul) && found.contains(&long));
        let deep = found.iter().find(|r| r.id == "deep").unwrap();
        assert!(deep.properties.is_empty());
        assert_eq!(deep.unread[0].path.to_string(), "properties");
        assert!(store.resource(&nul.key).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn the_limit_of_a_history_is_visible() {
    for bed in beds().await {
        let store = bed.open().await;
        for n in 1..=4 {
            scan(&store, n, &[bucket("a", json!({"N": n}))]).await;
        }
        let history = store.history(KEY, 2).await.unwrap().unwrap();
        assert!(history.more);
        let numbers: Vec<_> = history.versions.iter().map(|v| v.number).collect();
        assert_eq!(numbers, [4, 3]);
        assert_eq!(history.versions[1].changes.len(), 1);
        assert_eq!(store.history("arn:aws:s3:::none", 2).await.unwrap(), None);
    }
}
