//! A request that is sent again within a day gets the answer that was given.

use yagura_store::repeats::{Claim, Repeat, RepeatAnswer};

use crate::bed::beds;

fn request(person: &str, key: &str) -> Repeat {
    Repeat { person: person.to_owned(), key: key.to_owned(), digest: vec![1; 32] }
}

#[tokio::test]
async fn an_answer_is_given_again_for_a_day_and_to_nobody_else() {
    for bed in beds().await {
        let store = bed.open().await;
        let repeats = store.repeats();
        let now: jiff::Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        let answer = RepeatAnswer { digest: vec![1; 32], status: 200, body: b"{}".to_vec() };
        let alice = request("alice", "k");
        assert_eq!(repeats.claim(&alice, now).await.unwrap(), Claim::Yours);
        repeats.keep(&alice, &answer, now).await.unwrap();
        let second = RepeatAnswer { status: 500, ..answer.clone() };
        repeats.keep(&alice, &second, now).await.unwrap();
        repeats.give_up(&alice).await.unwrap();
        let kept = repeats.claim(&alice, now).await.unwrap();
        assert_eq!(kept, Claim::Done(answer), "the first one stays");
        assert_eq!(repeats.claim(&request("bob", "k"), now).await.unwrap(), Claim::Yours);
        let next_day: jiff::Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
        assert_eq!(repeats.claim(&alice, next_day).await.unwrap(), Claim::Yours);
        store.close().await;
    }
}

#[tokio::test]
async fn a_key_is_taken_by_one_until_it_is_given_up_or_its_holder_is_long_silent() {
    for bed in beds().await {
        let store = bed.open().await;
        let repeats = store.repeats();
        let now: jiff::Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        let one = request("alice", "k");
        let other = Repeat { digest: vec![2; 32], ..one.clone() };
        assert_eq!(repeats.claim(&one, now).await.unwrap(), Claim::Yours);
        let taken = Claim::UnderWay(vec![1; 32]);
        assert_eq!(repeats.claim(&one, now).await.unwrap(), taken);
        assert_eq!(repeats.claim(&other, now).await.unwrap(), taken);
        repeats.give_up(&one).await.unwrap();
        assert_eq!(repeats.claim(&other, now).await.unwrap(), Claim::Yours);
        let soon: jiff::Timestamp = "2026-11-22T00:09:59Z".parse().unwrap();
        assert_eq!(repeats.claim(&one, soon).await.unwrap(), Claim::UnderWay(vec![2; 32]));
        let late: jiff::Timestamp = "2026-11-22T00:10:00Z".parse().unwrap();
        assert_eq!(repeats.claim(&one, late).await.unwrap(), Claim::Yours);
        store.close().await;
    }
}

#[tokio::test]
async fn of_many_at_the_same_moment_one_gets_the_key() {
    for bed in beds().await {
        // Two processes, as behind a load balancer.
        let stores = [bed.open().await, bed.open().await];
        let now: jiff::Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        let asked = (0..40).map(|n: usize| {
            let repeats = stores[n % 2].repeats();
            tokio::spawn(async move { repeats.claim(&request("alice", "k"), now).await.unwrap() })
        });
        let mut won = 0;
        for claim in asked.collect::<Vec<_>>() {
            match claim.await.unwrap() {
                Claim::Yours => won += 1,
                other => assert_eq!(other, Claim::UnderWay(vec![1; 32])),
            }
        }
        assert_eq!(won, 1);
        for store in stores {
            store.close().await;
        }
    }
}
