//! How well frameworks were met, scan by scan, and the questions to findings that people named.
//! The rules for states are tested in the model.

use yagura_model::finding::Scope;
use yagura_model::{
    AccountRequirement, AccountScore, FrameworkScore, RequirementScore, RequirementState,
    StateCounts, VerdictCounts,
};
use yagura_store::views::{NewView, VIEWS_MAX};
use yagura_store::{Retention, ScanId, Store};

use crate::bed::{at, beds, scan};

/// A framework of one requirement, which each account meets or does not.
fn score(framework: &str, accounts: &[(&str, bool)]) -> FrameworkScore {
    let mut all = VerdictCounts::default();
    let mut own = Vec::new();
    for (account, met) in accounts {
        let counts = VerdictCounts {
            pass: u64::from(*met),
            fail: u64::from(!*met),
            ..VerdictCounts::default()
        };
        all.add(&counts);
        own.push((account.to_string(), counts));
    }
    let mut states = StateCounts::default();
    states.count(all.state(), false);
    let requirement = RequirementScore {
        framework: framework.to_owned(),
        id: "1.1".to_owned(),
        state: all.state(),
        attested: false,
        measured: all.state(),
        partial: false,
        attestation: None,
        counts: all,
        controls: vec!["s3.bucket_encrypted".to_owned()],
        controls_not_selected: vec![],
        failing: vec![],
        why_unknown: vec![],
        accounts: own
            .iter()
            .map(|(account, counts)| AccountRequirement {
                account: account.clone(),
                state: counts.state(),
                counts: *counts,
            })
            .collect(),
    };
    FrameworkScore {
        framework: framework.to_owned(),
        requirements: vec![requirement],
        states,
        counts: all,
        accounts: own
            .into_iter()
            .map(|(account, counts)| AccountScore {
                account,
                states: StateCounts::default(),
                counts,
            })
            .collect(),
    }
}

/// A score of which the scan left the controls out.
fn left_out(framework: &str) -> FrameworkScore {
    let mut score = score(framework, &[]);
    score.requirements[0].controls_not_selected =
        std::mem::take(&mut score.requirements[0].controls);
    score
}

async fn scored(store: &Store, minute: i64, scores: &[FrameworkScore]) -> ScanId {
    let id = scan(store, minute, &[]).await;
    store.scores(Scope::All).put(id, scores).await.unwrap();
    id
}

fn one_account() -> Scope {
    Scope::Accounts(["1".to_owned()].into())
}

#[tokio::test]
async fn scores_come_back_as_the_scope_may_know_them() {
    for bed in beds().await {
        let store = bed.open().await;
        let whole = score("checklist", &[("1", true), ("2", false)]);
        let id = scored(&store, 1, &[whole.clone(), score("fsbp", &[("2", true)])]).await;
        let all = store.scores(Scope::All);
        assert_eq!(all.of_scan(id, "checklist").await.unwrap().unwrap(), whole);
        assert_eq!(all.of_scan(id, "cis").await.unwrap(), None);
        let own = store.scores(one_account());
        let mine = own.latest("checklist").await.unwrap().unwrap();
        assert_eq!((mine.scan, mine.started), (id, at(1)));
        assert_eq!(mine.score, whole.within(&one_account()));
        assert_eq!(mine.score.states.met, 1);
        let newest = own.newest().await.unwrap();
        let states: Vec<_> = newest.iter().map(|one| (&*one.framework, one.states.met)).collect();
        assert_eq!(states, [("checklist", 1), ("fsbp", 0)]);
        assert_eq!(own.numbers(id).await.unwrap(), newest);
    }
}

#[tokio::test]
async fn a_trend_goes_from_old_to_new_and_outlives_pruning() {
    for bed in beds().await {
        let store = bed.open().await;
        for (minute, met) in [(1, false), (2, true), (3, true)] {
            scored(&store, minute, &[score("checklist", &[("1", met)])]).await;
        }
        store.prune(&Retention { scans: 1, versions_since: None }).await.unwrap();
        let trend = store.scores(Scope::All).trend("checklist", 9).await.unwrap();
        let met: Vec<u64> = trend.iter().map(|point| point.states.met).collect();
        assert_eq!(met, [0, 1, 1]);
        let first = &trend[0].requirements;
        assert_eq!(first, &[("1.1".to_owned(), RequirementState::NotMet)]);
        // Of pruned scans nobody knows any more which account gave what.
        assert_eq!(store.scores(one_account()).trend("checklist", 9).await.unwrap().len(), 1);
        assert_eq!(store.scores(Scope::All).trend("checklist", 2).await.unwrap().len(), 2);
    }
}

#[tokio::test]
async fn a_scan_of_a_few_controls_is_not_the_latest_word() {
    for bed in beds().await {
        let store = bed.open().await;
        let whole = scored(&store, 1, &[score("checklist", &[("1", true)])]).await;
        let few = scored(&store, 2, &[left_out("checklist")]).await;
        let scores = store.scores(Scope::All);
        assert_eq!(scores.latest("checklist").await.unwrap().unwrap().scan, whole);
        assert_eq!(scores.newest().await.unwrap()[0].scan, whole);
        let trend = scores.trend("checklist", 9).await.unwrap();
        let seen: Vec<_> = trend.iter().map(|point| (point.scan, point.whole)).collect();
        assert_eq!(seen, [(whole, true), (few, false)]);
    }
}

fn view<'a>(owner: &'a str, name: &'a str, shared: bool) -> NewView<'a> {
    NewView { owner, name, shared, query: "state=new" }
}

#[tokio::test]
async fn views_are_seen_by_their_owner_and_where_they_are_shared() {
    for bed in beds().await {
        let views = bed.open().await.views();
        let own = views.put(view("aiko", "b", false), at(1)).await.unwrap().unwrap();
        let shared = views.put(view("bo", "a", true), at(1)).await.unwrap().unwrap();
        views.put(view("bo", "private", false), at(1)).await.unwrap();
        let numbers = |seen: Vec<yagura_store::views::SavedView>| {
            seen.iter().map(|view| view.number).collect::<Vec<_>>()
        };
        assert_eq!(numbers(views.seen_by("aiko").await.unwrap()), [own, shared]);
        // The same name again is the same view.
        let again = NewView { query: "kind=alert", ..view("aiko", "b", false) };
        assert_eq!(views.put(again, at(2)).await.unwrap(), Some(own));
        assert_eq!(views.seen_by("aiko").await.unwrap()[0].query, "kind=alert");
        assert!(!views.remove(shared, "aiko", false).await.unwrap(), "not hers");
        assert!(!views.remove(own, "bo", true).await.unwrap(), "not shared");
        assert!(views.remove(shared, "aiko", true).await.unwrap());
        assert_eq!(numbers(views.seen_by("aiko").await.unwrap()), [own]);
    }
}

#[tokio::test]
async fn nobody_keeps_more_views_than_there_is_room_for() {
    for bed in beds().await {
        let views = bed.open().await.views();
        for n in 0..VIEWS_MAX {
            assert!(views.put(view("aiko", &n.to_string(), false), at(1)).await.unwrap().is_some());
        }
        assert_eq!(views.put(view("aiko", "more", false), at(1)).await.unwrap(), None);
        assert!(views.put(view("aiko", "0", true), at(1)).await.unwrap().is_some(), "replaced");
    }
}
