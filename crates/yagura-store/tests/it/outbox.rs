//! The outbox on both databases: written with its cursor, taken under leases and rates, settled,
//! proven. How messages are sent is tested in `yagura-respond`.

use std::collections::BTreeMap;

use serde_json::json;
use yagura_model::message::MessageKind;
use yagura_model::{Prose, Severity};
use yagura_store::outbox::{
    Batch, DeliveryFilter, Outbox, Outcome, Owed, Page, Post, Settlement, StormLimit, Taken,
    TargetRate, Thread,
};

use crate::bed::{at, beds};

fn post(finding: &str, entry: i64) -> Post {
    Post {
        target: "t".into(),
        route: "r".into(),
        finding: finding.into(),
        entry,
        change: "opened".into(),
        severity: Severity::High,
        cause: "c".into(),
        title: Prose { en: "c".into(), ja: "c".into() },
        document: json!({"n": entry}),
        batch: None,
    }
}

fn page(from: i64, posts: Vec<Post>) -> Page {
    let to = posts.last().map_or(from, |post| post.entry);
    Page { from, to, posts, owed: vec![] }
}

fn rate(messages: u32) -> [TargetRate; 1] {
    [TargetRate { target: "t".into(), messages, per_us: 60_000_000 }]
}

async fn take(outbox: &Outbox, holder: &str, minute: i64) -> Vec<Taken> {
    outbox.take(holder, &rate(1_000), 100, at(minute), at(minute + 10)).await.unwrap()
}

fn settled(taken: &Taken, holder: &str, minute: i64, outcome: Outcome) -> Settlement {
    Settlement {
        number: taken.number,
        holder: holder.into(),
        at: at(minute),
        outcome,
        status: Some(200),
        detail: "ok".into(),
        thread: None,
        held: None,
    }
}

#[tokio::test]
async fn a_page_is_posted_once_whoever_posts_it() {
    for bed in beds().await {
        let outbox = bed.open().await.outbox();
        let none = BTreeMap::new();
        let first = page(0, vec![post("a", 1), post("b", 2)]);
        let posted = outbox.post(&first, &none, at(0)).await.unwrap();
        assert_eq!((posted.single, posted.raced), (2, false));
        assert!(outbox.post(&first, &none, at(0)).await.unwrap().raced);
        assert_eq!(outbox.cursor().await.unwrap(), 2);
        // The same entry again, as after a restored cursor, is not told twice.
        let posted = outbox.post(&page(2, vec![post("b", 2)]), &none, at(0)).await.unwrap();
        assert_eq!((posted.single, posted.repeated), (0, 1));
    }
}

#[tokio::test]
async fn a_message_is_held_by_one_until_its_lease_ends() {
    for bed in beds().await {
        let outbox = bed.open().await.outbox();
        outbox.post(&page(0, vec![post("a", 1)]), &BTreeMap::new(), at(0)).await.unwrap();
        let first = take(&outbox, "one", 0).await;
        assert_eq!((first.len(), first[0].attempt), (1, 1));
        assert_eq!(first[0].items[0].document, json!({"n": 1}));
        assert!(take(&outbox, "two", 5).await.is_empty());
        let second = take(&outbox, "two", 11).await;
        assert_eq!((second.len(), second[0].attempt), (1, 2));
        // The first comes back too late: its attempt is on record, the message is the second's.
        let late = settled(&first[0], "one", 12, Outcome::Dead);
        assert!(!outbox.settle(&late).await.unwrap());
        assert!(outbox.settle(&settled(&second[0], "two", 12, Outcome::Delivered)).await.unwrap());
        assert!(take(&outbox, "one", 60).await.is_empty());
        let all = outbox.deliveries(&DeliveryFilter::default(), 10).await.unwrap();
        assert_eq!(all.len(), 2);
        let told = outbox.told_of("a", 10).await.unwrap();
        assert_eq!((told.len(), told[0].state.as_str()), (1, "delivered"));
    }
}

#[tokio::test]
async fn of_one_finding_the_oldest_message_goes_first_and_threads_are_kept() {
    for bed in beds().await {
        let outbox = bed.open().await.outbox();
        let later = Post { change: "resolved".into(), ..post("a", 2) };
        let posts = page(0, vec![post("a", 1), later, post("b", 3)]);
        outbox.post(&posts, &BTreeMap::new(), at(0)).await.unwrap();
        let taken = take(&outbox, "one", 0).await;
        let entries: Vec<i64> = taken.iter().map(|one| one.items[0].entry).collect();
        assert_eq!(entries, [1, 3]);
        let thread = Thread { key: "K-1".into(), url: "u".into(), closed: false };
        let mut done = settled(&taken[0], "one", 1, Outcome::Delivered);
        done.thread = Some(thread.clone());
        outbox.settle(&done).await.unwrap();
        let taken = take(&outbox, "one", 1).await;
        assert_eq!((taken[0].items[0].entry, taken[0].thread.clone()), (2, Some(thread)));
    }
}

#[tokio::test]
async fn a_target_gets_no_more_than_its_rate_and_nothing_while_it_is_held() {
    for bed in beds().await {
        let outbox = bed.open().await.outbox();
        let posts = (1..=9).map(|n| post(&format!("f{n}"), n)).collect();
        outbox.post(&page(0, posts), &BTreeMap::new(), at(0)).await.unwrap();
        let some = async |minute: i64| {
            outbox.take("one", &rate(4), 100, at(minute), at(minute + 60)).await.unwrap()
        };
        let first = some(0).await;
        assert_eq!(first.len(), 4);
        assert!(some(0).await.is_empty());
        let mut busy = settled(&first[0], "one", 0, Outcome::Retry(at(5)));
        busy.held = Some(at(5));
        outbox.settle(&busy).await.unwrap();
        assert!(some(4).await.is_empty());
        assert_eq!(some(5).await.len(), 4);
        let known = outbox.by_target().await.unwrap();
        assert_eq!((known[0].waiting, known[0].held), (9, Some(at(5))));
    }
}

#[tokio::test]
async fn what_is_told_together_is_one_message_until_it_is_sent() {
    for bed in beds().await {
        let outbox = bed.open().await.outbox();
        let none = BTreeMap::new();
        let batch = |n: i64| Post {
            batch: Some(Batch { key: "r@1".into(), due: at(10) }),
            ..post(&format!("f{n}"), n)
        };
        outbox.post(&page(0, (1..=3).map(batch).collect()), &none, at(0)).await.unwrap();
        outbox.post(&page(3, (4..=5).map(batch).collect()), &none, at(1)).await.unwrap();
        assert!(take(&outbox, "one", 9).await.is_empty());
        let taken = take(&outbox, "one", 10).await;
        assert_eq!((taken.len(), taken[0].kind, taken[0].items.len()), (1, MessageKind::Digest, 5));
        assert_eq!(taken[0].tally.as_ref().unwrap().total, 5);
        // One that is being sent gathers nothing more.
        outbox.post(&page(5, vec![batch(6)]), &none, at(10)).await.unwrap();
        outbox.settle(&settled(&taken[0], "one", 10, Outcome::Delivered)).await.unwrap();
        let taken = take(&outbox, "one", 10).await;
        assert_eq!((taken.len(), taken[0].items.len()), (1, 1));
    }
}

#[tokio::test]
async fn a_storm_is_counted_and_the_end_of_an_open_ticket_is_not_held_back() {
    for bed in beds().await {
        let outbox = bed.open().await.outbox();
        let limit = StormLimit { messages: 2, span_us: 600_000_000 };
        let limits = BTreeMap::from([("t".to_owned(), limit)]);
        outbox.post(&page(0, vec![post("a", 1)]), &limits, at(0)).await.unwrap();
        let taken = take(&outbox, "one", 0).await;
        let mut done = settled(&taken[0], "one", 0, Outcome::Delivered);
        done.thread = Some(Thread { key: "K".into(), url: String::new(), closed: false });
        outbox.settle(&done).await.unwrap();
        let posts = (2..=500).map(|n| post(&format!("f{n}"), n)).collect();
        let posted = outbox.post(&page(1, posts), &limits, at(1)).await.unwrap();
        assert_eq!((posted.single, posted.counted, posted.storms), (1, 498, 1));
        let end = Post { change: "resolved".into(), ..post("a", 501) };
        assert_eq!(outbox.post(&page(500, vec![end]), &limits, at(2)).await.unwrap().single, 1);
        let kinds: Vec<MessageKind> =
            take(&outbox, "one", 2).await.iter().map(|one| one.kind).collect();
        assert_eq!(kinds, [MessageKind::Finding, MessageKind::Storm, MessageKind::Finding]);
        let taken = take(&outbox, "one", 11).await;
        assert_eq!((taken.len(), taken[0].kind), (1, MessageKind::StormSummary));
        assert_eq!(taken[0].tally.as_ref().unwrap().total, 498);
    }
}

#[tokio::test]
async fn what_was_owed_and_not_told_is_not_proven_and_old_messages_are_forgotten() {
    for bed in beds().await {
        let outbox = bed.open().await.outbox();
        let mut both = page(0, vec![post("a", 1)]);
        both.to = 2;
        both.owed = ["a", "b"]
            .iter()
            .zip(1..)
            .map(|(finding, entry)| Owed { entry, finding: (*finding).into(), at: at(0) })
            .collect();
        outbox.post(&both, &BTreeMap::new(), at(0)).await.unwrap();
        let proof = outbox.proof(at(-10), at(0), 3_600_000_000).await.unwrap();
        assert_eq!((proof.owed, proof.told, proof.waiting), (2, 0, 1));
        let taken = take(&outbox, "one", 0).await;
        outbox.settle(&settled(&taken[0], "one", 1, Outcome::Delivered)).await.unwrap();
        let proof = outbox.proof(at(-10), at(100), 3_600_000_000).await.unwrap();
        assert_eq!((proof.owed, proof.told, proof.waiting, proof.last), (2, 1, 0, Some(at(1))));
        assert_eq!(outbox.forget(at(0), 100).await.unwrap(), 0);
        assert_eq!(outbox.forget(at(2), 100).await.unwrap(), 1);
        assert!(outbox.told_of("a", 10).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn messages_for_targets_that_are_no_more_are_given_up_visibly() {
    for bed in beds().await {
        let outbox = bed.open().await.outbox();
        outbox.post(&page(0, vec![post("a", 1)]), &BTreeMap::new(), at(0)).await.unwrap();
        assert_eq!(outbox.bury_unknown(&["t".into()], at(1)).await.unwrap(), 0);
        assert_eq!(outbox.bury_unknown(&["other".into()], at(1)).await.unwrap(), 1);
        assert_eq!(outbox.dead(Some("t"), 10).await.unwrap().len(), 1);
        assert_eq!(outbox.drop_dead(None).await.unwrap(), 1);
        assert!(outbox.dead(None, 10).await.unwrap().is_empty());
    }
}
