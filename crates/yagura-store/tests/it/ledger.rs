//! The ledger of log objects: what listings add, who may work on what, how it settles, and that
//! the balance closes whatever happens in between.

use jiff::Timestamp;
use proptest::prelude::*;
use yagura_model::object::LogObject;
use yagura_store::ledger::{
    Claim, Claimed, Committed, EntryFilter, Failure, Known, Ledger, ListingKind, ObjectId,
    ObjectState, Position, Settled, Settlement, Verdict, reason,
};

use crate::bed::{Bed, at, beds};

const FEED: &str = "s3://logs/AWSLogs";

fn object(key: &str, etag: &str) -> LogObject {
    LogObject {
        location: format!("s3://logs/{key}"),
        key: key.into(),
        version: None,
        etag: Some(etag.into()),
        size_bytes: 10,
        modified: Some(at(0)),
    }
}

fn versioned(key: &str, etag: &str, version: &str) -> LogObject {
    LogObject { version: Some(version.into()), ..object(key, etag) }
}

async fn list(ledger: &Ledger, feed: &str, objects: &[LogObject]) -> Vec<Known> {
    let listing = ledger.begin_listing(feed, ListingKind::Full, at(1)).await.unwrap();
    let known = ledger.record(listing, objects, at(1)).await.unwrap();
    ledger.end_listing(listing, at(1), None).await.unwrap();
    closes(ledger).await;
    known
}

async fn closes(ledger: &Ledger) {
    for (feed, balance) in ledger.balances().await.unwrap() {
        assert!(balance.closes(), "{feed}: {balance:?}");
    }
}

async fn claim_at(ledger: &Ledger, worker: &str, limit: usize, minute: i64) -> Vec<Claimed> {
    let (now, until) = (at(minute), at(minute + 10));
    let claim = Claim { worker, feed: FEED, after: Position::default(), limit, now, until };
    ledger.claim(&claim).await.unwrap()
}

fn keys(claimed: &[Claimed]) -> Vec<&str> {
    claimed.iter().map(|claimed| claimed.object.key.as_str()).collect()
}

fn ingested(id: ObjectId, commit: u64) -> Settlement {
    Settlement {
        id,
        source: Some("cloudtrail".into()),
        content: Some(vec![7; 32]),
        settled: Settled::Ingested { commit, rows: 5, repeats: 1, bad: 0 },
    }
}

fn committed(object: LogObject, commit: u64) -> Committed {
    Committed {
        object,
        source: "cloudtrail".into(),
        commit,
        rows: 3,
        repeats: 0,
        bad: 0,
        content: None,
    }
}

const NEW: Known = Known::New(ObjectState::Pending);

#[tokio::test]
async fn late_and_out_of_order_keys_are_found() {
    for bed in beds().await {
        let ledger = bed.open().await.ledger();
        list(&ledger, FEED, &[object("2026/11/21/b", "1"), object("2026/11/21/d", "1")]).await;
        let again = [object("2026/11/21/a", "1"), object("2026/11/21/d", "1"), object("c", "1")];
        assert_eq!(list(&ledger, FEED, &again).await, [NEW, Known::Pending, NEW]);
        let claimed = claim_at(&ledger, "w", 10, 2).await;
        assert_eq!(keys(&claimed), ["2026/11/21/b", "2026/11/21/d", "2026/11/21/a", "c"]);
    }
}

#[tokio::test]
async fn listing_again_adds_nothing() {
    for bed in beds().await {
        let ledger = bed.open().await.ledger();
        let page: Vec<_> = (0..2_500).map(|n| object(&format!("k{n}"), "1")).collect();
        list(&ledger, FEED, &page).await;
        let known = list(&ledger, FEED, &page).await;
        assert!(known.iter().all(|known| *known == Known::Pending));
        let balance = ledger.balance(None).await.unwrap();
        assert_eq!((balance.listed, balance.pending), (2_500, 2_500));
        let listings = ledger.listings(FEED, 9).await.unwrap();
        assert_eq!((listings[0].seen, listings[0].added), (2_500, 0));
        assert_eq!((listings[1].seen, listings[1].added), (2_500, 2_500));
    }
}

#[tokio::test]
async fn an_object_comes_back_as_it_was_listed() {
    for bed in beds().await {
        let ledger = bed.open().await.ledger();
        let odd = LogObject { key: "not its end".into(), ..versioned("鍵/a b", "1", "v") };
        let bare = LogObject { etag: None, modified: None, ..object("bare", "") };
        list(&ledger, FEED, &[odd.clone(), bare.clone()]).await;
        let claimed = claim_at(&ledger, "w", 10, 2).await;
        assert_eq!([&claimed[0].object, &claimed[1].object], [&odd, &bare]);
    }
}

#[tokio::test]
async fn the_same_content_under_a_new_version_is_a_duplicate() {
    for bed in beds().await {
        let ledger = bed.open().await.ledger();
        list(&ledger, FEED, &[object("a", "1")]).await;
        let duplicate = Known::New(ObjectState::Duplicate);
        // The listing did not know its version; the notification does.
        assert_eq!(list(&ledger, FEED, &[versioned("a", "1", "v1")]).await, [Known::Pending]);
        assert_eq!(list(&ledger, FEED, &[versioned("a", "1", "v2")]).await, [duplicate]);
        assert_eq!(list(&ledger, FEED, &[object("a", "1")]).await, [Known::Pending]);
        let known = Known::Settled(ObjectState::Duplicate);
        assert_eq!(list(&ledger, FEED, &[versioned("a", "1", "v2")]).await, [known]);
        // Other content is another object, under whatever version.
        assert_eq!(list(&ledger, FEED, &[versioned("a", "2", "v3")]).await, [NEW]);
        let balance = ledger.balance(Some(FEED)).await.unwrap();
        assert_eq!((balance.pending, balance.duplicate), (2, 1));
    }
}

#[tokio::test]
async fn one_page_may_name_an_object_twice() {
    for bed in beds().await {
        let ledger = bed.open().await.ledger();
        let page = [
            object("a", "1"),
            object("a", "1"),
            versioned("b", "1", "v1"),
            versioned("b", "1", "v2"),
            versioned("b", "1", "v2"),
        ];
        let duplicate = Known::New(ObjectState::Duplicate);
        let known = list(&ledger, FEED, &page).await;
        assert_eq!(known, [NEW, Known::Pending, NEW, duplicate, Known::Pending]);
        let entries = ledger.at_place("s3://logs/b").await.unwrap();
        assert_eq!(entries[1].duplicate_of, Some(entries[0].id));
    }
}

#[tokio::test]
async fn a_lease_keeps_others_away_until_it_ends() {
    for bed in beds().await {
        let ledger = bed.open().await.ledger();
        list(&ledger, FEED, &[object("a", "1"), object("b", "1"), object("c", "1")]).await;
        assert_eq!(keys(&claim_at(&ledger, "one", 2, 2).await), ["a", "b"]);
        assert_eq!(keys(&claim_at(&ledger, "two", 9, 3).await), ["c"]);
        assert!(claim_at(&ledger, "two", 9, 4).await.is_empty());
        assert_eq!(ledger.renew("one", at(30)).await.unwrap(), 2);
        assert_eq!(keys(&claim_at(&ledger, "three", 9, 20).await), ["c"], "the second one died");
        assert_eq!(ledger.release("one").await.unwrap(), 2);
        assert_eq!(keys(&claim_at(&ledger, "three", 9, 21).await), ["a", "b"]);
    }
}

#[tokio::test]
async fn of_one_place_the_oldest_content_goes_first_and_is_told_to_the_next() {
    for bed in beds().await {
        let ledger = bed.open().await.ledger();
        list(&ledger, FEED, &[object("a", "1"), object("a", "2")]).await;
        let first = claim_at(&ledger, "w", 9, 2).await;
        assert_eq!(first.len(), 1);
        assert_eq!(first[0].object.etag.as_deref(), Some("1"));
        assert_eq!(ledger.settle(&[ingested(first[0].id, 1)], at(3)).await.unwrap(), 1);
        let second = claim_at(&ledger, "w", 9, 4).await;
        assert_eq!(second[0].object.etag.as_deref(), Some("2"));
        assert_eq!(second[0].earlier, [(first[0].id, vec![7; 32])]);
    }
}

#[tokio::test]
async fn settling_twice_changes_nothing() {
    for bed in beds().await {
        let ledger = bed.open().await.ledger();
        list(&ledger, FEED, &[object("a", "1"), object("b", "1"), object("c", "1")]).await;
        let claimed = claim_at(&ledger, "w", 9, 2).await;
        let settle = |id, settled| Settlement { id, source: None, content: None, settled };
        let unknown = Settled::Quarantined {
            reason: reason::NOT_RECOGNIZED,
            detail: "no source recognizes it".into(),
        };
        let settlements = [
            ingested(claimed[0].id, 4),
            settle(claimed[1].id, unknown),
            settle(claimed[2].id, Settled::Duplicate { of: claimed[0].id }),
        ];
        assert_eq!(ledger.settle(&settlements, at(3)).await.unwrap(), 3);
        let before = ledger.entries(&EntryFilter::default(), 9).await.unwrap();
        assert_eq!(ledger.settle(&settlements, at(4)).await.unwrap(), 0);
        let other = [ingested(claimed[1].id, 5)];
        assert_eq!(ledger.settle(&other, at(4)).await.unwrap(), 0);
        assert_eq!(ledger.entries(&EntryFilter::default(), 9).await.unwrap(), before);
        closes(&ledger).await;
        let balance = ledger.balance(Some(FEED)).await.unwrap();
        assert_eq!((balance.ingested, balance.quarantined, balance.duplicate), (1, 1, 1));
        assert_eq!((balance.rows, balance.repeats, balance.bad), (5, 1, 0));
        assert_eq!(before[0].commit, Some(4));
        assert_eq!(before[0].claimed_by, None);
        assert_eq!(before[1].reason.as_deref(), Some("not_recognized"));
        let known = list(&ledger, FEED, &[object("a", "1"), object("b", "1")]).await;
        let settled = [ObjectState::Ingested, ObjectState::Quarantined].map(Known::Settled);
        assert_eq!(known, settled);
    }
}

#[tokio::test]
async fn an_object_without_a_good_record_is_in_quarantine() {
    for bed in beds().await {
        let ledger = bed.open().await.ledger();
        list(&ledger, FEED, &[object("bad", "1"), object("empty", "1")]).await;
        let claimed = claim_at(&ledger, "w", 9, 2).await;
        let of = |id, bad| Settlement {
            settled: Settled::Ingested { commit: 1, rows: 0, repeats: 0, bad },
            ..ingested(id, 1)
        };
        let settlements = [of(claimed[0].id, 2), of(claimed[1].id, 0)];
        ledger.settle(&settlements, at(3)).await.unwrap();
        let entries = ledger.entries(&EntryFilter::default(), 9).await.unwrap();
        assert_eq!(entries[0].state, ObjectState::Quarantined);
        assert_eq!(entries[0].reason.as_deref(), Some(reason::ALL_BAD));
        assert_eq!(entries[1].state, ObjectState::Ingested);
    }
}

#[tokio::test]
async fn a_commit_that_the_ledger_missed_is_made_good() {
    for bed in beds().await {
        let ledger = bed.open().await.ledger();
        list(&ledger, FEED, &[object("a", "1"), object("b", "1")]).await;
        let claimed = claim_at(&ledger, "killed", 9, 2).await;
        ledger.note_contents(&[(claimed[0].id, vec![9; 32])]).await.unwrap();
        assert_eq!(ledger.reconciled_commit("lake").await.unwrap(), 0);
        // The lake's record has the version that the listing did not know.
        let told = [committed(versioned("a", "1", "v1"), 3)];
        let done = ledger.reconcile("lake", &told, 3, at(5)).await.unwrap();
        assert_eq!((done.settled, done.recovered), (1, 0));
        let again = ledger.reconcile("lake", &told, 3, at(6)).await.unwrap();
        assert_eq!((again.settled, again.recovered), (0, 0));
        assert_eq!(ledger.reconciled_commit("lake").await.unwrap(), 3);
        ledger.reconcile("lake", &[], 2, at(7)).await.unwrap();
        assert_eq!(ledger.reconciled_commit("lake").await.unwrap(), 3, "never back");
        closes(&ledger).await;
        list(&ledger, FEED, &[object("a", "2")]).await;
        let next = claim_at(&ledger, "next", 9, 30).await;
        assert_eq!(keys(&next), ["b", "a"]);
        assert_eq!(next[1].earlier, [(claimed[0].id, vec![9; 32])]);
    }
}

#[tokio::test]
async fn a_lost_ledger_is_filled_from_the_lake_and_reads_nothing_twice() {
    for bed in beds().await {
        let ledger = bed.open().await.ledger();
        let told = [committed(object("a", "1"), 1), committed(object("b", "1"), 2)];
        let done = ledger.reconcile("lake", &told, 2, at(1)).await.unwrap();
        assert_eq!((done.settled, done.recovered), (0, 2));
        let known = list(&ledger, FEED, &[object("a", "1"), object("c", "1")]).await;
        assert_eq!(known, [Known::Settled(ObjectState::Ingested), NEW]);
        let total = ledger.balance(None).await.unwrap();
        assert_eq!((total.listed, total.ingested, total.pending), (3, 2, 1));
        assert_eq!(total.rows, 6);
    }
}

#[tokio::test]
async fn a_failure_leaves_the_object_pending_with_its_reason() {
    for bed in beds().await {
        let ledger = bed.open().await.ledger();
        list(&ledger, FEED, &[object("a", "1")]).await;
        let claimed = claim_at(&ledger, "w", 9, 2).await;
        let detail = "cannot open `s3://logs/a`: access is denied".to_owned();
        let failure = Failure { id: claimed[0].id, reason: reason::FAILED, detail };
        ledger.note_failures(&[failure.clone()], at(6)).await.unwrap();
        assert!(claim_at(&ledger, "w", 9, 3).await.is_empty(), "it is put off");
        assert_eq!(ledger.renew("w", at(60)).await.unwrap(), 0, "nobody works on it");
        assert_eq!(claim_at(&ledger, "w", 9, 6).await[0].attempts, 1);
        ledger.note_failures(&[failure], at(60)).await.unwrap();
        assert!(claim_at(&ledger, "w2", 9, 7).await.is_empty(), "it is put off");
        assert_eq!(ledger.release("w").await.unwrap(), 1);
        assert_eq!(claim_at(&ledger, "w2", 9, 8).await[0].attempts, 2);
        let entry = &ledger.at_place("s3://logs/a").await.unwrap()[0];
        assert_eq!(entry.state, ObjectState::Pending);
        assert_eq!(entry.reason.as_deref(), Some("failed"));
        assert!(entry.detail.as_ref().unwrap().contains("denied"));
        closes(&ledger).await;
    }
}

#[tokio::test]
async fn what_was_gone_is_pending_again_when_it_is_listed_again() {
    for bed in beds().await {
        let ledger = bed.open().await.ledger();
        list(&ledger, FEED, &[object("a", "1"), object("b", "1")]).await;
        let claimed = claim_at(&ledger, "w", 9, 2).await;
        let quarantined = |claimed: &Claimed, reason| Settlement {
            id: claimed.id,
            source: None,
            content: None,
            settled: Settled::Quarantined { reason, detail: String::new() },
        };
        let settlements = [
            quarantined(&claimed[0], reason::GONE),
            quarantined(&claimed[1], reason::NOT_RECOGNIZED),
        ];
        ledger.settle(&settlements, at(3)).await.unwrap();
        let known = list(&ledger, FEED, &[object("a", "1"), object("b", "1")]).await;
        assert_eq!(known, [Known::Pending, Known::Settled(ObjectState::Quarantined)]);
        assert_eq!(ledger.reopen(FEED, &[reason::NOT_RECOGNIZED]).await.unwrap(), 1);
        assert_eq!(keys(&claim_at(&ledger, "w", 9, 4).await), ["a", "b"]);
        closes(&ledger).await;
    }
}

#[tokio::test]
async fn objects_are_handed_out_day_by_day_and_on_a_day_as_they_were_listed() {
    for bed in beds().await {
        let ledger = bed.open().await.ledger();
        let key =
            |account: &str, day: u8| format!("{account}/2026/11/{account}_202611{day:02}T0005Z_x");
        let listed: Vec<LogObject> = ["b", "a"]
            .iter()
            .flat_map(|account| (1..4).map(|day| object(&key(account, day), "1")))
            .collect();
        assert!(!ledger.has_pending(FEED).await.unwrap());
        list(&ledger, FEED, &listed).await;
        assert!(ledger.has_pending(FEED).await.unwrap());
        let expected: Vec<String> =
            (1..4).flat_map(|day| ["b", "a"].map(|account| key(account, day))).collect();
        let mut after = Position::default();
        let mut handed = Vec::new();
        loop {
            let (now, until) = (at(2), at(10));
            let claim = Claim { worker: "w", feed: FEED, after, limit: 4, now, until };
            let claimed = ledger.claim(&claim).await.unwrap();
            let Some(last) = claimed.last() else { break };
            after = last.position();
            handed.extend(claimed.into_iter().map(|claimed| claimed.object.key));
        }
        assert_eq!(handed, expected);
        assert!(ledger.has_pending(FEED).await.unwrap(), "handed out is not read");
        // What is listed now is of an earlier day than the worker has come to.
        list(&ledger, FEED, &[object(&key("c", 1), "1")]).await;
        let claim =
            |after| Claim { worker: "w", feed: FEED, after, limit: 4, now: at(2), until: at(10) };
        assert!(ledger.claim(&claim(after)).await.unwrap().is_empty());
        let again = ledger.claim(&claim(Position::default())).await.unwrap();
        assert_eq!(keys(&again), [key("c", 1)]);
    }
}

#[tokio::test]
async fn a_free_pending_object_goes_to_the_feed_that_lists_it() {
    for bed in beds().await {
        let ledger = bed.open().await.ledger();
        list(&ledger, "queue", &[object("a", "1"), object("b", "1")]).await;
        let claim = Claim {
            worker: "w",
            feed: "queue",
            after: Position::default(),
            limit: 1,
            now: at(2),
            until: at(60),
        };
        assert_eq!(keys(&ledger.claim(&claim).await.unwrap()), ["a"]);
        list(&ledger, FEED, &[object("a", "1"), object("b", "1")]).await;
        assert_eq!(keys(&claim_at(&ledger, "v", 9, 3).await), ["b"], "a is being read");
        let balances = ledger.balances().await.unwrap();
        assert_eq!((balances["queue"].listed, balances[FEED].listed), (1, 1));
    }
}

#[tokio::test]
async fn only_a_full_listing_to_its_end_counts_as_one() {
    for bed in beds().await {
        let ledger = bed.open().await.ledger();
        let run = async |kind, minute, end: Option<Option<&str>>| {
            let listing = ledger.begin_listing(FEED, kind, at(minute)).await.unwrap();
            if let Some(failure) = end {
                ledger.end_listing(listing, at(minute + 1), failure).await.unwrap();
            }
            ledger.last_full_listing(FEED).await.unwrap()
        };
        assert_eq!(run(ListingKind::Full, 1, None).await, None);
        assert_eq!(run(ListingKind::Recent, 2, Some(None)).await, None);
        assert_eq!(run(ListingKind::Full, 3, Some(Some("denied"))).await, None);
        assert_eq!(run(ListingKind::Full, 4, Some(None)).await, Some(at(4)));
        assert_eq!(run(ListingKind::Full, 5, None).await, Some(at(4)));
    }
}

#[tokio::test]
async fn verdicts_on_integrity_stay_with_the_newest_object_of_a_place() {
    for bed in beds().await {
        let ledger = bed.open().await.ledger();
        list(&ledger, FEED, &[object("a", "1"), object("a", "2")]).await;
        let verdict = |key: &str| Verdict {
            location: format!("s3://logs/{key}"),
            word: "hash_mismatch".into(),
        };
        let known = ledger.set_integrity(&[verdict("a"), verdict("nowhere")], at(2)).await;
        assert_eq!(known.unwrap(), 1);
        let entries = ledger.at_place("s3://logs/a").await.unwrap();
        let words: Vec<_> = entries.iter().map(|entry| entry.integrity.as_deref()).collect();
        assert_eq!(words, [None, Some("hash_mismatch")]);
    }
}

/// One step of any life that a ledger may have.
#[derive(Clone, Debug)]
enum Step {
    List { feed: u8, objects: Vec<(u8, u8, Option<u8>)> },
    Claim { worker: u8, limit: usize },
    Settle { worker: u8, how: u8 },
    Fail { worker: u8 },
    Release { worker: u8 },
    Commit { objects: Vec<(u8, u8, Option<u8>)> },
    Wait { minutes: i64 },
}

fn objects() -> impl Strategy<Value = Vec<(u8, u8, Option<u8>)>> {
    prop::collection::vec((0..4_u8, 0..2_u8, prop::option::of(0..2_u8)), 0..6)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..2_u8, objects()).prop_map(|(feed, objects)| Step::List { feed, objects }),
        (0..2_u8, 1..4_usize).prop_map(|(worker, limit)| Step::Claim { worker, limit }),
        (0..2_u8, 0..4_u8).prop_map(|(worker, how)| Step::Settle { worker, how }),
        (0..2_u8).prop_map(|worker| Step::Fail { worker }),
        (0..2_u8).prop_map(|worker| Step::Release { worker }),
        objects().prop_map(|objects| Step::Commit { objects }),
        (1..20_i64).prop_map(|minutes| Step::Wait { minutes }),
    ]
}

fn objects_of(names: &[(u8, u8, Option<u8>)]) -> Vec<LogObject> {
    let of = |(key, etag, version): &(u8, u8, Option<u8>)| LogObject {
        version: version.map(|version| format!("v{version}")),
        ..object(&format!("k{key}"), &format!("e{etag}"))
    };
    names.iter().map(of).collect()
}

/// What the steps did so far.
struct Life {
    ledger: Ledger,
    minute: i64,
    commit: u64,
    held: [Vec<Claimed>; 2],
    settled: std::collections::BTreeMap<ObjectId, ObjectState>,
}

impl Life {
    async fn take(&mut self, step: &Step) {
        let now: Timestamp = at(self.minute);
        match step {
            Step::List { feed, objects } => {
                list(&self.ledger, &format!("feed{feed}"), &objects_of(objects)).await;
            }
            Step::Claim { worker, limit } => {
                for feed in ["feed0", "feed1", "lake"] {
                    let name = format!("w{worker}");
                    let claim = Claim {
                        worker: &name,
                        feed,
                        after: Position::default(),
                        limit: *limit,
                        now,
                        until: at(self.minute + 10),
                    };
                    let claimed = self.ledger.claim(&claim).await.unwrap();
                    for claimed in &claimed {
                        assert!(!self.settled.contains_key(&claimed.id), "settled is for ever");
                    }
                    self.held[usize::from(*worker)].extend(claimed);
                }
            }
            Step::Settle { worker, how } => {
                self.commit += 1;
                let held = std::mem::take(&mut self.held[usize::from(*worker)]);
                let settlements: Vec<_> =
                    held.iter().map(|claimed| self.settlement(claimed, *how)).collect();
                self.ledger.settle(&settlements, now).await.unwrap();
            }
            Step::Fail { worker } => {
                let of = |claimed: &Claimed| Failure {
                    id: claimed.id,
                    reason: reason::FAILED,
                    detail: "x".into(),
                };
                let failures: Vec<_> = self.held[usize::from(*worker)].iter().map(of).collect();
                self.ledger.note_failures(&failures, at(self.minute + 5)).await.unwrap();
            }
            Step::Release { worker } => {
                self.held[usize::from(*worker)].clear();
                self.ledger.release(&format!("w{worker}")).await.unwrap();
            }
            Step::Commit { objects } => {
                self.commit += 1;
                let told: Vec<_> = objects_of(objects)
                    .into_iter()
                    .map(|object| committed(object, self.commit))
                    .collect();
                self.ledger.reconcile("lake", &told, self.commit, now).await.unwrap();
            }
            Step::Wait { minutes } => self.minute += minutes,
        }
        self.check().await;
    }

    fn settlement(&self, claimed: &Claimed, how: u8) -> Settlement {
        let settled = match how {
            0 => Settled::Quarantined { reason: reason::EMPTY, detail: String::new() },
            1 => Settled::Duplicate { of: ObjectId(1) },
            _ => Settled::Ingested { commit: self.commit, rows: 2, repeats: 0, bad: 0 },
        };
        Settlement { id: claimed.id, source: None, content: None, settled }
    }

    /// What must hold after every step.
    async fn check(&mut self) {
        closes(&self.ledger).await;
        let entries = self.ledger.entries(&EntryFilter::default(), 1_000).await.unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for entry in &entries {
            let name = (entry.object.identity(), entry.object.version.clone());
            assert!(seen.insert(name), "one row for each content: {entry:?}");
            if let Some(state) = self.settled.get(&entry.id) {
                assert_eq!(*state, entry.state, "settled is for ever: {entry:?}");
            }
            if entry.state != ObjectState::Pending {
                self.settled.insert(entry.id, entry.state);
                assert_eq!(entry.claimed_by, None);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_balance_closes_and_settled_objects_stay_settled(
        steps in prop::collection::vec(step(), 1..20)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bed = Bed::sqlite();
            let ledger = bed.open().await.ledger();
            let held = [vec![], vec![]];
            let settled = std::collections::BTreeMap::new();
            let mut life = Life { ledger, minute: 2, commit: 0, held, settled };
            for step in &steps {
                life.take(step).await;
            }
        });
    }
}
