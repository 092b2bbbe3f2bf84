//! People, sessions, sign-ins under way, failures, tokens and the record of actions.
//! Whether a password is right is the console's to know.

use std::collections::BTreeSet;

use yagura_store::people::{
    AuditFilter, NewAudit, NewPerson, NewSession, NewSignIn, NewToken, People, Totp,
};

use crate::bed::{at, beds};

const ONE: [u8; 32] = [1; 32];
const TWO: [u8; 32] = [2; 32];

fn named(name: &str, role: &str) -> NewPerson {
    let (name, role) = (name.to_owned(), role.to_owned());
    NewPerson { name, subject: None, password: Some("hash".into()), role, accounts: None }
}

async fn open(people: &People, hash: [u8; 32], person: i64) {
    let (means, address, agent) = ("password".into(), "192.0.2.1".into(), "a browser".into());
    let new = NewSession { hash, person, means, expires: at(100), address, agent };
    people.open_session(&new, at(10)).await.unwrap();
}

#[tokio::test]
async fn a_name_is_found_in_any_case_and_taken_once() {
    for bed in beds().await {
        let people = bed.open().await.people();
        assert!(people.is_empty().await.unwrap());
        let id = people.add(&named(" Aiko@Example.COM ", "viewer"), at(1)).await.unwrap().unwrap();
        assert_eq!(people.add(&named("aiko@example.com", "admin"), at(1)).await.unwrap(), None);
        let found = people.by_name("AIKO@example.com").await.unwrap().unwrap();
        assert_eq!((found.id, found.name.as_str()), (id, "aiko@example.com"));
        assert_eq!((found.role.as_str(), found.accounts), ("viewer", None));
        assert!(people.by_name("aiko").await.unwrap().is_none());
        assert!(!people.is_empty().await.unwrap());
    }
}

#[tokio::test]
async fn of_several_who_want_to_be_first_one_is() {
    for bed in beds().await {
        let people = bed.open().await.people();
        let (a, b) = (named("a", "admin"), named("b", "admin"));
        let both = tokio::join!(people.add_first(&a, at(1)), people.add_first(&b, at(1)));
        assert_eq!(u8::from(both.0.unwrap().is_some()) + u8::from(both.1.unwrap().is_some()), 1);
        assert_eq!(people.list().await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_session_ends_by_time_by_silence_and_with_its_person() {
    for bed in beds().await {
        let people = bed.open().await.people();
        people.add(&named("root", "admin"), at(1)).await.unwrap();
        let id = people.add(&named("aiko", "viewer"), at(1)).await.unwrap().unwrap();
        open(&people, ONE, id).await;
        let known = |now, idle| people.of_session(&ONE, at(now), at(idle));
        assert_eq!(known(20, 5).await.unwrap().unwrap().id, id);
        assert!(people.of_session(&TWO, at(20), at(5)).await.unwrap().is_none());
        assert!(known(100, 5).await.unwrap().is_none(), "its time is over");
        assert!(known(50, 21).await.unwrap().is_none(), "it was silent since minute 20");
        assert_eq!(people.sessions(id, at(20), at(5)).await.unwrap()[0].seen, at(20));
        assert!(people.set_disabled(id, true).await.unwrap());
        assert!(known(20, 5).await.unwrap().is_none());
        assert!(people.set_disabled(id, false).await.unwrap());
        assert!(known(20, 5).await.unwrap().is_none(), "it does not come back");
    }
}

#[tokio::test]
async fn another_role_and_another_password_end_sessions() {
    for bed in beds().await {
        let people = bed.open().await.people();
        people.add(&named("root", "admin"), at(1)).await.unwrap();
        let id = people.add(&named("aiko", "viewer"), at(1)).await.unwrap().unwrap();
        open(&people, ONE, id).await;
        people.set_role(id, "viewer", None).await.unwrap();
        assert_eq!(people.sessions(id, at(20), at(5)).await.unwrap().len(), 1, "nothing changed");
        people.set_role(id, "analyst", None).await.unwrap();
        assert!(people.sessions(id, at(20), at(5)).await.unwrap().is_empty());
        open(&people, ONE, id).await;
        people.set_role(id, "analyst", Some(&BTreeSet::new())).await.unwrap();
        assert!(people.sessions(id, at(20), at(5)).await.unwrap().is_empty());
        assert_eq!(people.by_id(id).await.unwrap().unwrap().accounts, Some(BTreeSet::new()));
        open(&people, ONE, id).await;
        open(&people, TWO, id).await;
        people.set_password(id, Some("other"), Some(&TWO)).await.unwrap();
        let left = people.sessions(id, at(20), at(5)).await.unwrap();
        assert_eq!(left.iter().map(|one| one.hash).collect::<Vec<_>>(), [TWO]);
        assert!(!people.end_session(&TWO, Some(id + 1)).await.unwrap(), "of another person");
        assert!(people.end_session(&TWO, Some(id)).await.unwrap());
    }
}

#[tokio::test]
async fn the_last_administrator_stays_one() {
    for bed in beds().await {
        let people = bed.open().await.people();
        let root = people.add(&named("root", "admin"), at(1)).await.unwrap().unwrap();
        assert!(!people.set_role(root, "viewer", None).await.unwrap());
        assert!(!people.set_disabled(root, true).await.unwrap());
        let other = people.add(&named("other", "admin"), at(1)).await.unwrap().unwrap();
        assert!(people.set_disabled(root, true).await.unwrap());
        assert!(!people.set_disabled(other, true).await.unwrap(), "root is disabled");
    }
}

#[tokio::test]
async fn a_sign_in_under_way_is_taken_once_for_its_purpose_and_in_time() {
    for bed in beds().await {
        let people = bed.open().await.people();
        let new = NewSignIn {
            hash: ONE,
            kind: "oidc".into(),
            person: None,
            detail: "nonce".into(),
            expires: at(10),
        };
        people.begin_sign_in(&new, at(0)).await.unwrap();
        assert!(people.take_sign_in(&ONE, "totp", at(1)).await.unwrap().is_none());
        assert!(people.take_sign_in(&ONE, "oidc", at(10)).await.unwrap().is_none());
        assert_eq!(people.sign_in(&ONE, "oidc", at(1)).await.unwrap().unwrap().detail, "nonce");
        assert_eq!(people.take_sign_in(&ONE, "oidc", at(1)).await.unwrap().unwrap().person, None);
        assert!(people.take_sign_in(&ONE, "oidc", at(1)).await.unwrap().is_none());
    }
}

fn trip(hash: [u8; 32], expires: i64) -> NewSignIn {
    let (kind, detail) = ("provider".to_owned(), String::new());
    NewSignIn { hash, kind, person: None, detail, expires: at(expires) }
}

#[tokio::test]
async fn a_sign_in_that_is_over_is_forgotten_when_another_begins() {
    for bed in beds().await {
        let people = bed.open().await.people();
        people.begin_sign_in(&trip(ONE, 10), at(0)).await.unwrap();
        people.begin_sign_in(&trip(TWO, 30), at(9)).await.unwrap();
        assert!(people.sign_in(&ONE, "provider", at(0)).await.unwrap().is_some());
        people.begin_sign_in(&trip([3; 32], 40), at(10)).await.unwrap();
        // Asked for as of a time at which it would still hold: the row is gone.
        assert!(people.sign_in(&ONE, "provider", at(0)).await.unwrap().is_none());
        assert!(people.sign_in(&TWO, "provider", at(0)).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn round_trips_without_end_do_not_fill_the_disk() {
    let bed = beds().await.remove(0);
    let people = bed.open().await.people();
    let code = NewSignIn { kind: "code".into(), ..trip(ONE, 1) };
    people.begin_sign_in(&code, at(0)).await.unwrap();
    let hash = |n: u16| {
        let [high, low] = n.to_be_bytes();
        let mut hash = [7; 32];
        (hash[0], hash[1]) = (high, low);
        hash
    };
    for n in 0..2_003 {
        people.begin_sign_in(&trip(hash(n), 100 + i64::from(n)), at(0)).await.unwrap();
    }
    let known = async |n| people.sign_in(&hash(n), "provider", at(0)).await.unwrap().is_some();
    assert_eq!((known(2).await, known(3).await, known(2_002).await), (false, true, true));
    assert!(people.sign_in(&ONE, "code", at(0)).await.unwrap().is_some(), "no round trip");
}

#[tokio::test]
async fn another_link_makes_the_first_one_worthless() {
    for bed in beds().await {
        let people = bed.open().await.people();
        for (hash, person) in [(ONE, Some(7)), ([3; 32], Some(8)), (TWO, Some(7))] {
            let (kind, detail) = ("setup".to_owned(), String::new());
            let new = NewSignIn { hash, kind, person, detail, expires: at(10) };
            people.begin_sign_in(&new, at(0)).await.unwrap();
        }
        let known = |hash| people.sign_in(hash, "setup", at(1));
        assert!(known(&ONE).await.unwrap().is_none());
        assert!(known(&TWO).await.unwrap().is_some());
        assert!(known(&[3; 32]).await.unwrap().is_some(), "somebody else's");
    }
}

#[tokio::test]
async fn steps_and_recovery_codes_are_used_once() {
    for bed in beds().await {
        let people = bed.open().await.people();
        let id = people.add(&named("aiko", "admin"), at(1)).await.unwrap().unwrap();
        people.set_totp(id, Some(&Totp::Plain("BASE32".into())), &[ONE, TWO]).await.unwrap();
        assert!(people.take_step(id, 5).await.unwrap());
        assert!(!people.take_step(id, 5).await.unwrap());
        assert!(!people.take_step(id, 4).await.unwrap());
        assert!(people.take_code(id, &ONE).await.unwrap());
        assert!(!people.take_code(id, &ONE).await.unwrap());
        assert!(!people.take_code(id + 1, &TWO).await.unwrap());
        assert_eq!(people.codes_left(id).await.unwrap(), 1);
        let found = people.by_id(id).await.unwrap().unwrap();
        assert_eq!(found.totp, Some(Totp::Plain("BASE32".into())));
        people.set_totp(id, Some(&Totp::Sealed), &[]).await.unwrap();
        assert_eq!(people.by_id(id).await.unwrap().unwrap().totp, Some(Totp::Sealed));
        people.set_totp(id, None, &[]).await.unwrap();
        assert_eq!(people.by_id(id).await.unwrap().unwrap().totp, None);
    }
}

#[tokio::test]
async fn failures_make_wait_and_are_forgotten() {
    for bed in beds().await {
        let people = bed.open().await.people();
        let wait = |count: u64| if count >= 2 { 60 } else { 0 };
        people.failed(&ONE, wait, at(1)).await.unwrap();
        assert_eq!(people.must_wait(&[ONE, TWO], at(1)).await.unwrap(), None);
        assert_eq!(people.failed(&ONE, wait, at(1)).await.unwrap().count, 2);
        assert_eq!(people.must_wait(&[TWO, ONE], at(1)).await.unwrap(), Some(at(2)));
        assert_eq!(people.must_wait(&[TWO], at(1)).await.unwrap(), None);
        assert_eq!(people.must_wait(&[ONE], at(2)).await.unwrap(), None);
        assert_eq!(people.failed(&ONE, wait, at(70)).await.unwrap().count, 1, "an hour later");
        people.failed(&ONE, wait, at(70)).await.unwrap();
        people.came_in(&ONE).await.unwrap();
        assert_eq!(people.must_wait(&[ONE], at(70)).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_token_is_found_by_its_hash_until_it_expires_or_is_taken_back() {
    for bed in beds().await {
        let people = bed.open().await.people();
        let new = NewToken {
            name: "ci".into(),
            hash: ONE,
            role: "viewer".into(),
            accounts: Some(BTreeSet::from(["111122223333".into()])),
            scopes: BTreeSet::from(["findings:read".into()]),
            created_by: "aiko".into(),
            expires: Some(at(10)),
        };
        let id = people.add_token(&new, at(1)).await.unwrap().unwrap();
        assert_eq!(people.add_token(&NewToken { hash: TWO, ..new }, at(1)).await.unwrap(), None);
        assert!(people.of_token(&TWO, at(2)).await.unwrap().is_none());
        let found = people.of_token(&ONE, at(2)).await.unwrap().unwrap();
        assert_eq!((found.id, found.used), (id, None));
        assert!(found.scopes.contains("findings:read"));
        assert_eq!(people.tokens().await.unwrap()[0].used, Some(at(2)));
        assert!(people.of_token(&ONE, at(10)).await.unwrap().is_none(), "expired");
        assert_eq!(people.revoke_token(id).await.unwrap().as_deref(), Some("ci"));
        assert!(people.of_token(&ONE, at(2)).await.unwrap().is_none());
        assert_eq!(people.revoke_token(id).await.unwrap(), None);
    }
}

#[tokio::test]
async fn the_record_is_read_by_its_filters_newest_first() {
    for bed in beds().await {
        let people = bed.open().await.people();
        for (minute, who, action, outcome) in [
            (1, "a", "POST /x", "done"),
            (2, "b", "sign_in", "refused"),
            (3, "a", "POST /y", "done"),
        ] {
            let (who, action) = (who.to_owned(), action.to_owned());
            let line = NewAudit { who, action, outcome: outcome.to_owned(), ..NewAudit::default() };
            people.record(&line, at(minute)).await.unwrap();
        }
        let check = async |filter: AuditFilter, expected: &[&str]| {
            let lines = people.audit(&filter, 10).await.unwrap();
            let actions: Vec<_> = lines.iter().map(|line| line.action.as_str()).collect();
            assert_eq!(actions, expected, "{filter:?}");
        };
        let all = AuditFilter::default();
        check(all.clone(), &["POST /y", "sign_in", "POST /x"]).await;
        check(AuditFilter { who: Some("a".into()), ..all.clone() }, &["POST /y", "POST /x"]).await;
        let post = Some("POST".into());
        check(AuditFilter { action: post, ..all.clone() }, &["POST /y", "POST /x"]).await;
        check(AuditFilter { action: Some("%".into()), ..all.clone() }, &[]).await;
        check(AuditFilter { outcome: Some("refused".into()), ..all.clone() }, &["sign_in"]).await;
        let (since, until) = (Some(at(2)), Some(at(3)));
        check(AuditFilter { since, until, ..all.clone() }, &["sign_in"]).await;
        let first = people.audit(&all, 1).await.unwrap();
        let before = Some(first[0].number);
        check(AuditFilter { before, ..all }, &["sign_in", "POST /x"]).await;
    }
}

#[tokio::test]
async fn what_is_over_is_forgotten_and_nothing_else() {
    for bed in beds().await {
        let people = bed.open().await.people();
        let id = people.add(&named("aiko", "admin"), at(1)).await.unwrap().unwrap();
        open(&people, ONE, id).await;
        people.record(&NewAudit::default(), at(1)).await.unwrap();
        people.record(&NewAudit::default(), at(9)).await.unwrap();
        people.failed(&ONE, |_| 0, at(1)).await.unwrap();
        let none = people.forget(at(11), at(5), at(1)).await.unwrap();
        assert_eq!((none.sessions, none.failures, none.audit), (0, 0, 0));
        let day = 24 * 60;
        let all = people.forget(at(day + 2), at(5), at(5)).await.unwrap();
        assert_eq!((all.sessions, all.failures, all.audit), (1, 1, 1));
        assert_eq!(people.audit(&AuditFilter::default(), 10).await.unwrap().len(), 1);
    }
}
