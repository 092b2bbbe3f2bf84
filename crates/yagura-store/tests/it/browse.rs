//! Resources listed for people: found by what they know, counted, page by page, within a scope;
//! and what lies around one.

use std::collections::BTreeSet;

use serde_json::json;
use yagura_model::finding::Scope;
use yagura_model::{Relation, Resource, VerdictStatus};
use yagura_store::{
    Judged, Life, Neighbor, ResourceList, ResourceQuery, ScanOutcome, ScanStart, Store,
};

use crate::bed::{ACCOUNT, BUCKET, REGION, at, beds, bucket, listed, scan, start, verdict};

const OTHER: &str = "444455556666";

fn tagged(name: &str, tags: &[(&str, &str)]) -> Resource {
    let tags = tags.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Resource { tags, ..bucket(name, json!({})) }
}

fn of(account: &str, resource: Resource) -> Resource {
    Resource { account: account.to_owned(), ..resource }
}

fn all() -> ResourceQuery {
    ResourceQuery::of(Scope::All)
}

fn within(account: &str) -> Scope {
    Scope::Accounts(BTreeSet::from([account.to_owned()]))
}

fn names(list: &ResourceList) -> Vec<&str> {
    list.rows.iter().map(|row| row.name.as_str()).collect()
}

async fn check(store: &Store, query: &ResourceQuery, expected: &[&str]) {
    let list = store.browse(query, None, 50).await.unwrap();
    assert_eq!(names(&list), expected, "{query:?}");
    assert_eq!(list.total.count, expected.len() as u64, "{query:?}");
}

/// `Logs` (env=Prod), `scratch` (env=dev) of another account, `gone`, which is deleted.
async fn filled(store: &Store) {
    let seen = [
        tagged("Logs", &[("Env", "Prod"), ("100%", "a_b")]),
        of(OTHER, tagged("scratch", &[("Env", "dev")])),
        tagged("gone", &[]),
    ];
    scan(store, 1, &seen).await;
    scan(store, 2, &seen[..2]).await;
}

#[tokio::test]
async fn resources_are_found_by_name_key_and_tags_in_any_case() {
    for bed in beds().await {
        let store = bed.open().await;
        filled(&store).await;
        let text = |text: &str| ResourceQuery { text: text.to_owned(), ..all() };
        let tag = |tag: &str| ResourceQuery { tags: vec![tag.to_owned()], ..all() };
        check(&store, &all(), &["Logs", "scratch"]).await;
        check(&store, &text("LOGS"), &["Logs"]).await;
        check(&store, &text("arn:aws:s3:::scratch"), &["scratch"]).await;
        check(&store, &text("logs prod"), &["Logs"]).await;
        check(&store, &text("logs dev"), &[]).await;
        check(&store, &tag("env=prod"), &["Logs"]).await;
        check(&store, &tag("ENV"), &["Logs", "scratch"]).await;
        check(&store, &tag("env=pro"), &[]).await;
        // What stands for any letters in SQL is a letter here.
        check(&store, &text("100%"), &["Logs"]).await;
        check(&store, &text("10_%"), &[]).await;
        check(&store, &tag("100%=a_b"), &["Logs"]).await;
        check(&store, &tag("100%=aab"), &[]).await;
    }
}

#[tokio::test]
async fn deleted_resources_are_listed_only_when_asked_for() {
    for bed in beds().await {
        let store = bed.open().await;
        filled(&store).await;
        let life = |life| ResourceQuery { life, ..all() };
        check(&store, &life(Life::Deleted), &["gone"]).await;
        check(&store, &life(Life::Any), &["Logs", "gone", "scratch"]).await;
        let text = ResourceQuery { text: "gone".to_owned(), ..life(Life::Deleted) };
        check(&store, &text, &["gone"]).await;
        check(&store, &ResourceQuery { life: Life::Living, ..text }, &[]).await;
    }
}

#[tokio::test]
async fn what_lies_outside_the_scope_is_neither_listed_nor_counted() {
    for bed in beds().await {
        let store = bed.open().await;
        filled(&store).await;
        let scoped = ResourceQuery { scope: within(OTHER), ..all() };
        check(&store, &scoped, &["scratch"]).await;
        let texts = ResourceQuery { text: "arn".to_owned(), ..scoped.clone() };
        check(&store, &texts, &["scratch"]).await;
        let foreign = ResourceQuery { accounts: vec![ACCOUNT.to_owned()], ..scoped.clone() };
        check(&store, &foreign, &[]).await;
        let list = store.browse(&scoped, None, 50).await.unwrap();
        assert_eq!(list.accounts, [(OTHER.to_owned(), 1)]);
        assert_eq!(list.types, [(BUCKET.to_owned(), 1)]);
        let nobody = ResourceQuery { scope: Scope::Accounts(BTreeSet::new()), ..all() };
        check(&store, &nobody, &[]).await;
        let counts = store.resource_counts(&within(OTHER)).await.unwrap();
        assert_eq!(counts.keys().collect::<Vec<_>>(), [OTHER]);
    }
}

#[tokio::test]
async fn a_facet_counts_as_if_it_were_not_chosen_itself() {
    for bed in beds().await {
        let store = bed.open().await;
        filled(&store).await;
        let query = ResourceQuery { accounts: vec![ACCOUNT.to_owned()], ..all() };
        let list = store.browse(&query, None, 50).await.unwrap();
        assert_eq!(names(&list), ["Logs"]);
        assert_eq!(list.accounts, [(ACCOUNT.to_owned(), 1), (OTHER.to_owned(), 1)]);
        assert_eq!(list.regions, [(REGION.to_owned(), 1)]);
    }
}

#[tokio::test]
async fn pages_hold_every_resource_once() {
    for bed in beds().await {
        let store = bed.open().await;
        // Some have the same name.
        let seen: Vec<_> = (0..25)
            .map(|n| Resource {
                name: format!("n{}", n / 3),
                ..bucket(&format!("b{n}"), json!({}))
            })
            .collect();
        scan(&store, 1, &seen).await;
        for query in [all(), ResourceQuery { text: "arn:aws".to_owned(), ..all() }] {
            let (mut after, mut keys) = (None, Vec::new());
            loop {
                let page = store.browse(&query, after, 7).await.unwrap();
                assert!(page.rows.is_sorted_by_key(|row| row.name.clone()), "{page:?}");
                assert_eq!(page.total.count, 25);
                keys.extend(page.rows.into_iter().map(|row| row.key));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(keys.len(), 25);
            assert_eq!(keys.into_iter().collect::<BTreeSet<_>>().len(), 25);
        }
    }
}

#[tokio::test]
async fn a_search_sees_what_a_resource_is_called_now() {
    for bed in beds().await {
        let store = bed.open().await;
        scan(&store, 1, &[tagged("a", &[("team", "red")])]).await;
        scan(&store, 2, &[tagged("a", &[("team", "blue")])]).await;
        let text = |text: &str| ResourceQuery { text: text.to_owned(), ..all() };
        check(&store, &text("red"), &[]).await;
        check(&store, &text("blue"), &["a"]).await;
    }
}

#[tokio::test]
async fn resources_are_listed_by_what_scans_said_of_them() {
    for bed in beds().await {
        let store = bed.open().await;
        let id = scan(&store, 1, &[bucket("bad", json!({})), bucket("good", json!({}))]).await;
        let verdicts = [
            verdict("s3.a", "bad", VerdictStatus::Fail),
            verdict("s3.b", "bad", VerdictStatus::Fail),
            verdict("s3.a", "good", VerdictStatus::Unknown),
        ];
        store.put_verdicts(id, &verdicts).await.unwrap();
        let judged = |status, controls: &[&str], accounts: &[&str]| ResourceQuery {
            judged: Some(Judged {
                status,
                controls: controls.iter().map(|one| (*one).to_owned()).collect(),
                scans: vec![(id, accounts.iter().map(|one| (*one).to_owned()).collect())],
            }),
            ..all()
        };
        let fail = VerdictStatus::Fail;
        check(&store, &judged(fail, &[], &[]), &["bad"]).await;
        check(&store, &judged(fail, &["s3.b"], &[ACCOUNT]), &["bad"]).await;
        check(&store, &judged(fail, &["s3.c"], &[]), &[]).await;
        check(&store, &judged(fail, &[], &[OTHER]), &[]).await;
        check(&store, &judged(VerdictStatus::Unknown, &[], &[]), &["good"]).await;
        let both = ResourceQuery { text: "ba".to_owned(), ..judged(fail, &[], &[]) };
        check(&store, &both, &["bad"]).await;
        check(&store, &ResourceQuery { text: "good".to_owned(), ..both }, &[]).await;
    }
}

fn edge(name: &str, target: &str) -> Relation {
    Relation { name: name.into(), type_name: BUCKET.into(), target: target.into() }
}

#[tokio::test]
async fn neighbors_are_found_by_arn_and_by_id_in_both_directions() {
    for bed in beds().await {
        let store = bed.open().await;
        let pointing = Resource {
            relations: vec![edge("by_arn", "arn:aws:s3:::b"), edge("by_id", "c"), edge("x", "no")],
            ..bucket("a", json!({}))
        };
        let seen = [pointing.clone(), bucket("b", json!({})), bucket("c", json!({}))];
        scan(&store, 1, &seen).await;
        let ends = |list: &[Neighbor]| -> Vec<(String, Option<String>)> {
            let key = |one: &Neighbor| one.resource.as_ref().map(|row| row.name.clone());
            list.iter().map(|one| (one.relation.clone(), key(one))).collect()
        };
        let around = store.neighbors(&pointing, &Scope::All).await.unwrap();
        let some = |text: &str| Some(text.to_owned());
        let expected =
            [("by_arn".into(), some("b")), ("by_id".into(), some("c")), ("x".into(), None)];
        assert_eq!(ends(&around.outgoing), expected);
        for (resource, relation) in [(&seen[1], "by_arn"), (&seen[2], "by_id")] {
            let around = store.neighbors(resource, &Scope::All).await.unwrap();
            assert_eq!(ends(&around.incoming), [(relation.to_owned(), some("a"))]);
            let outside = store.neighbors(resource, &within(OTHER)).await.unwrap();
            assert_eq!(outside.incoming, []);
        }
        let outside = store.neighbors(&pointing, &within(OTHER)).await.unwrap();
        assert!(outside.outgoing.iter().all(|one| one.resource.is_none()));
        // An edge that is no longer there is not told.
        scan(&store, 2, &[bucket("a", json!({})), seen[1].clone(), seen[2].clone()]).await;
        let around = store.neighbors(&seen[1], &Scope::All).await.unwrap();
        assert_eq!(around.incoming, []);
    }
}

#[tokio::test]
async fn a_resource_is_shown_as_it_was_at_a_time() {
    for bed in beds().await {
        let store = bed.open().await;
        scan(&store, 10, &[bucket("a", json!({"On": true}))]).await;
        scan(&store, 20, &[bucket("a", json!({"On": false}))]).await;
        scan(&store, 30, &[]).await;
        let key = "arn:aws:s3:::a";
        let then = |minute| store.resource_at(key, at(minute));
        assert_eq!(then(5).await.unwrap(), None);
        let on = |known: &yagura_store::KnownResource| known.resource.properties["On"] == true;
        let first = then(15).await.unwrap().unwrap();
        assert!(on(&first) && !first.deleted);
        let second = then(25).await.unwrap().unwrap();
        assert!(!on(&second) && !second.deleted);
        let gone = then(35).await.unwrap().unwrap();
        assert!(!on(&gone) && gone.deleted, "{gone:?}");
    }
}

#[tokio::test]
async fn any_two_versions_are_compared_member_by_member() {
    for bed in beds().await {
        let store = bed.open().await;
        let rules = |days: [(&str, u64); 2]| {
            let rule = |(id, days)| json!({"Id": id, "Days": days});
            json!({"Rules": days.map(rule)})
        };
        scan(&store, 1, &[bucket("a", rules([("x", 1), ("y", 2)]))]).await;
        scan(&store, 2, &[bucket("a", rules([("y", 2), ("x", 5)]))]).await;
        scan(&store, 3, &[bucket("a", rules([("y", 3), ("z", 1)]))]).await;
        let key = "arn:aws:s3:::a";
        let paths = |from, to| {
            let store = store.clone();
            async move {
                let changes = store.compare_versions(key, from, to).await.unwrap().unwrap();
                let side = |value: Option<serde_json::Value>| value.unwrap_or_default();
                let one =
                    |c: yagura_store::Change| (c.path.to_string(), side(c.before), side(c.after));
                changes.into_iter().map(one).collect::<Vec<_>>()
            }
        };
        let days = |at: u64| format!("properties.Rules[{at}].Days");
        assert_eq!(paths(1, 2).await, [(days(1), json!(1), json!(5))]);
        assert_eq!(
            paths(1, 3).await,
            [
                ("properties.Rules[0]".into(), json!({"Id": "x", "Days": 1}), json!(null)),
                (days(0), json!(2), json!(3)),
                ("properties.Rules[1]".into(), json!(null), json!({"Id": "z", "Days": 1})),
            ]
        );
        assert_eq!(paths(2, 2).await, []);
        assert_eq!(store.compare_versions(key, 1, 9).await.unwrap(), None);
    }
}

#[tokio::test]
async fn for_each_account_its_newest_scan_counts() {
    for bed in beds().await {
        let store = bed.open().await;
        scan(&store, 1, &[]).await;
        let mut other = ScanStart { ..start(2) };
        other.accounts[0].id = OTHER.to_owned();
        let second = store.begin_scan(&other).await.unwrap();
        store.put_coverage(second, &[listed("global", complete(), 0)]).await.unwrap();
        store.finish_scan(second, ScanOutcome::Complete, at(2)).await.unwrap();
        let third = scan(&store, 3, &[]).await;
        let running = store.begin_scan(&start(4)).await.unwrap();
        let current = store.current_scans(at(9)).await.unwrap();
        let found: Vec<_> = current
            .iter()
            .map(|one| (one.scan.id, one.accounts.iter().map(String::as_str).collect::<Vec<_>>()))
            .collect();
        assert_eq!(found, [(third, vec![ACCOUNT]), (second, vec![OTHER])]);
        assert!(found.iter().all(|(id, _)| *id != running));
        let before = store.current_scans(at(2)).await.unwrap();
        assert_eq!(before.len(), 2);
        assert_eq!(before[0].scan.id, second);
    }
}

fn complete() -> yagura_model::CoverageState {
    yagura_model::CoverageState::Complete
}

#[tokio::test]
async fn verdicts_of_a_control_come_page_by_page() {
    for bed in beds().await {
        let store = bed.open().await;
        let seen: Vec<_> = (0..5).map(|n| bucket(&format!("b{n}"), json!({}))).collect();
        let id = scan(&store, 1, &seen).await;
        let mut verdicts: Vec<_> =
            (0..5).map(|n| verdict("s3.a", &format!("b{n}"), VerdictStatus::Fail)).collect();
        verdicts.push(verdict("s3.b", "b0", VerdictStatus::Fail));
        store.put_verdicts(id, &verdicts).await.unwrap();
        let accounts = BTreeSet::from([ACCOUNT.to_owned()]);
        let (mut after, mut keys) = (None, BTreeSet::new());
        loop {
            let fail = VerdictStatus::Fail;
            let page = store.verdict_page(id, "s3.a", fail, &accounts, after, 2).await.unwrap();
            assert!(page.verdicts.iter().all(|one| !one.evidence.is_empty()));
            keys.extend(page.verdicts.into_iter().map(|one| one.key));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(keys.len(), 5);
        let none = BTreeSet::new();
        let fail = VerdictStatus::Fail;
        let page = store.verdict_page(id, "s3.a", fail, &none, None, 9).await.unwrap();
        assert_eq!(page.verdicts, []);
        let days = store.control_days("s3.a", 9).await.unwrap();
        assert_eq!(days.len(), 1);
        assert_eq!(days[0].counts[0].count, 5);
    }
}
