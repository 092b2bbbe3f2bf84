//! A request that is sent again within a day gets the answer that was given.

use yagura_store::repeats::{Repeat, RepeatAnswer};

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
        assert_eq!(repeats.find(&alice, now).await.unwrap(), None);
        repeats.keep(&alice, &answer, now).await.unwrap();
        let second = RepeatAnswer { status: 500, ..answer.clone() };
        repeats.keep(&alice, &second, now).await.unwrap();
        assert_eq!(repeats.find(&alice, now).await.unwrap(), Some(answer), "the first one stays");
        assert_eq!(repeats.find(&request("bob", "k"), now).await.unwrap(), None);
        let next_day: jiff::Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
        assert_eq!(repeats.find(&alice, next_day).await.unwrap(), None);
        repeats.keep(&request("bob", "k"), &second, next_day).await.unwrap();
        assert_eq!(repeats.find(&alice, now).await.unwrap(), None, "what is old is forgotten");
        store.close().await;
    }
}
