//! Routes: who is told, when, together or one by one; storms; and that nothing is lost or told twice
//! whatever fails or is killed.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::Value;
use yagura_content::Content;
use yagura_model::Severity;
use yagura_model::finding::{Act, FindingSuppression, RouteVerdict, Scope};
use yagura_respond::channels::Channels;
use yagura_respond::outbox::{self, Delivered};
use yagura_respond::routes::{Notified, Router, notified};

use crate::receiver::{Behavior, Receiver, ok, status};
use crate::site::{Known, Site};

fn hook(url: &str, more: &str, routes: &str) -> String {
    format!(
        "targets:\n  hook:\n    channel: webhook\n    rate: 1000 per 1s\n    \
         settings: {{url: '{url}'}}\n{more}routes:\n{routes}"
    )
}

const ALL: &str = "- {id: all, targets: [hook]}\n";

/// The findings that requests told of, with how often.
fn told(receiver: &Receiver) -> BTreeMap<String, usize> {
    let mut told = BTreeMap::new();
    for one in receiver.received() {
        if let Some(key) = one.json()["finding"]["key"].as_str() {
            *told.entry(key.to_owned()).or_default() += 1;
        }
    }
    told
}

#[tokio::test]
async fn only_what_a_route_covers_is_told() {
    let receiver = Receiver::start(ok("")).await;
    let routes = "- id: high\n  when: finding.severity in ['critical', 'high'] && \
                  account.id == '111122223333'\n  on: [opened]\n  targets: [hook]\n";
    let site = Site::new(&hook(receiver.url(), "", routes)).await;
    let (high, low) = (site.seen("a", Severity::High), site.seen("b", Severity::Low));
    site.observe(&[high.clone(), low]).await;
    site.both().await;
    site.later(60);
    site.resolve(&high).await;
    site.both().await;
    assert_eq!(told(&receiver), BTreeMap::from([("arn:aws:s3:::a".to_owned(), 1)]));
}

#[tokio::test]
async fn the_first_route_ends_the_search_unless_it_goes_on() {
    let receiver = Receiver::start(ok("")).await;
    let more = format!(
        "  other:\n    channel: webhook\n    rate: 1000 per 1s\n    settings: {{url: '{}/other'}}\n",
        receiver.url()
    );
    let check = async |goes_on: bool, expected: usize| {
        let before = receiver.received().len();
        let routes = format!(
            "- {{id: one, targets: [hook], continue: {goes_on}}}\n- {{id: two, targets: [hook, other]}}\n"
        );
        let site = Site::new(&hook(receiver.url(), &more, &routes)).await;
        site.observe(&[site.seen("a", Severity::High)]).await;
        site.both().await;
        assert_eq!(receiver.received().len() - before, expected, "{goes_on}");
    };
    check(false, 1).await;
    check(true, 2).await;
}

#[tokio::test]
async fn a_condition_without_result_is_followed_and_said() {
    let receiver = Receiver::start(ok("")).await;
    let routes = "- id: odd\n  when: finding.severity > 3\n  targets: [hook]\n";
    let site = Site::new(&hook(receiver.url(), "", routes)).await;
    site.observe(&[site.seen("a", Severity::High)]).await;
    let routed = site.route().await;
    assert_eq!(routed.single, 1);
    assert!(routed.problems.contains_key("odd"), "{routed:?}");
}

#[tokio::test]
async fn while_the_routes_cannot_be_read_nothing_is_lost() {
    let receiver = Receiver::start(ok("")).await;
    let site = Site::new(&hook(receiver.url(), "", ALL)).await;
    site.observe(&[site.seen("a", Severity::High)]).await;
    site.route().await;
    site.observe(&[site.seen("b", Severity::High)]).await;
    let folder = site.folder.path().join("site");
    std::fs::write(folder.join("routes.yaml"), "targets: [\n").unwrap();
    let broken = Arc::new(Content::load(Some(&folder)));
    let routed = Router::new(broken.clone()).route(&site.store, site.now()).await.unwrap();
    assert_eq!((routed.entries, routed.problems.len()), (0, 1));
    let channels = Channels::new(broken, Arc::new(Known::default()), None).unwrap();
    let clock = || site.now();
    let delivered = outbox::deliver(&site.store, &channels, "one", &clock).await.unwrap();
    assert_eq!(delivered, Delivered::default());
    // The file is mended.
    assert_eq!(site.both().await.sent, 2);
}

#[tokio::test]
async fn what_is_suppressed_comes_up_for_nobody() {
    let receiver = Receiver::start(ok("")).await;
    let site = Site::new(&hook(receiver.url(), "", ALL)).await;
    let seen = site.seen("a", Severity::Critical);
    site.observe(std::slice::from_ref(&seen)).await;
    let until_us = site.now().as_microsecond() + 86_400_000_000;
    let suppression = FindingSuppression { until_us, owner: "o".into(), reason: "r".into() };
    site.act(&seen, &Act::Suppress(suppression)).await;
    site.both().await;
    assert_eq!(receiver.received().len(), 0);
    assert_eq!(notified(&site.store, &site.content, site.now()).await.unwrap(), Notified::Unproven);
}

#[tokio::test]
async fn a_digest_tells_together_what_came_since_the_last() {
    let receiver = Receiver::start(ok("")).await;
    let routes = "- {id: all, schedule: hourly, targets: [hook]}\n";
    let site = Site::new(&hook(receiver.url(), "", routes)).await;
    for n in 0..30 {
        site.observe(&[site.seen(&format!("b{n}"), Severity::Medium)]).await;
        site.route().await;
    }
    assert_eq!(site.deliver().await.sent, 0);
    site.later(3_600);
    assert_eq!(site.deliver().await.sent, 1);
    let body = receiver.received()[0].json();
    assert_eq!(body["kind"], Value::from("digest"));
    let message = &body["message"];
    assert_eq!(message["items"].as_array().unwrap().len(), 20);
    assert_eq!(message["more"], Value::from("and 10 more"));
    site.observe(&[site.seen("late", Severity::Medium)]).await;
    site.route().await;
    site.later(3_600);
    assert_eq!(site.deliver().await.sent, 1);
}

#[tokio::test]
async fn a_storm_becomes_two_messages_and_hides_nothing_critical() {
    let receiver = Receiver::start(ok("")).await;
    let site = Site::new(&hook(receiver.url(), "", ALL)).await;
    const COUNT: usize = 20_000;
    for start in (0..COUNT).step_by(2_000) {
        let seen: Vec<_> =
            (start..start + 2_000).map(|n| site.seen(&format!("b{n}"), Severity::Medium)).collect();
        site.observe(&seen).await;
    }
    site.observe(&[site.seen("worst", Severity::Critical)]).await;
    let routed = site.route().await;
    assert_eq!((routed.single, routed.counted, routed.storms), (21, 19_980, 1));
    site.deliver().await;
    let count =
        |kind: &str| receiver.received().iter().filter(|one| one.json()["kind"] == kind).count();
    assert_eq!((count("finding"), count("storm")), (21, 1));
    assert!(told(&receiver).contains_key("arn:aws:s3:::worst"));
    site.later(601);
    assert_eq!(site.deliver().await.sent, 1);
    let last = receiver.received().pop().unwrap();
    assert_eq!(last.json()["kind"], Value::from("storm_summary"));
    assert!(last.body.contains("19,980"), "{}", last.body);
    // A span without a storm, and each is told again.
    site.later(1_300);
    site.observe(&[site.seen("after", Severity::Medium)]).await;
    site.both().await;
    assert_eq!(count("finding"), 22);
}

#[tokio::test]
async fn killed_between_sending_and_noting_a_message_is_sent_again() {
    let receiver = Receiver::start(ok("")).await;
    let site = Site::new(&hook(receiver.url(), "", ALL)).await;
    receiver.then([Behavior::Silence]);
    site.observe(&[site.seen("a", Severity::High)]).await;
    site.route().await;
    let (channels, clock) = (site.channels(), || site.now());
    tokio::select! {
        _ = outbox::deliver(&site.store, &channels, "killed", &clock) => panic!("it was answered"),
        () = receiver.arrived(1) => {}
    }
    // Its lease still holds; nobody else sends it, and nothing is lost.
    assert_eq!(site.deliver_as("other").await.sent, 0);
    site.later(660);
    assert_eq!(site.deliver_as("other").await.sent, 1);
    assert_eq!(told(&receiver), BTreeMap::from([("arn:aws:s3:::a".to_owned(), 2)]));
    site.later(86_400);
    assert_eq!(site.deliver_as("other").await.sent, 0);
}

#[tokio::test]
async fn stopped_while_a_message_is_on_its_way_it_is_told_once() {
    let receiver = Receiver::start(ok("")).await;
    let site = Site::new(&hook(receiver.url(), "", ALL)).await;
    let seen = ["a", "b", "c"].map(|name| site.seen(name, Severity::High));
    site.observe(&seen).await;
    site.route().await;
    let (channels, clock) = (site.channels(), || site.now());
    // It is to stop as soon as the first message has arrived, and before it was noted.
    let stopped = || !receiver.received().is_empty();
    let delivered = outbox::deliver_until(&site.store, &channels, "one", &clock, &stopped).await;
    assert_eq!(delivered.unwrap().sent, 1);
    // The others are free at once, for anybody.
    assert_eq!(site.deliver_as("other").await.sent, 2);
    let told = told(&receiver);
    assert_eq!(told.len(), 3);
    assert!(told.values().all(|times| *times == 1), "{told:?}");
}

#[tokio::test]
async fn processes_that_deliver_at_once_share_the_work() {
    let receiver = Receiver::start(ok("")).await;
    let routes = hook(receiver.url(), "", ALL).replace("rate:", "storm: 1000 per 1m\n    rate:");
    let site = Site::new(&routes).await;
    let seen: Vec<_> = (0..60).map(|n| site.seen(&format!("b{n}"), Severity::High)).collect();
    site.observe(&seen).await;
    let (a, b) = tokio::join!(site.route(), site.route());
    assert_eq!(a.single + b.single, 60);
    let (a, b, c) = tokio::join!(site.deliver_as("a"), site.deliver_as("b"), site.deliver_as("c"));
    assert_eq!(a.sent + b.sent + c.sent, 60);
    let told = told(&receiver);
    assert_eq!(told.len(), 60);
    assert!(told.values().all(|times| *times == 1), "{told:?}");
}

#[tokio::test]
async fn what_is_given_up_is_listed_and_can_be_tried_again() {
    let receiver = Receiver::start(ok("")).await;
    let site = Site::new(&hook(receiver.url(), "", ALL)).await;
    receiver.then([Behavior::Answer(400, vec![], "no such hook".into())]);
    site.observe(&[site.seen("a", Severity::High)]).await;
    assert_eq!(site.both().await.dead, 1);
    let dead = site.store.outbox().dead(None, 10).await.unwrap();
    assert_eq!((dead.len(), dead[0].detail.as_str()), (1, "no such hook"));
    let again = site.store.outbox().retry_dead(Some(&[dead[0].number]), site.now()).await.unwrap();
    assert_eq!((again, site.deliver().await.sent), (1, 1));
    assert_eq!(site.store.outbox().dead(None, 10).await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_message_is_given_up_after_many_attempts_and_never_silently() {
    let receiver = Receiver::start(status(503)).await;
    let site = Site::new(&hook(receiver.url(), "", ALL)).await;
    site.observe(&[site.seen("a", Severity::Critical)]).await;
    site.route().await;
    let mut dead = 0;
    for _ in 0..60 {
        dead += site.deliver().await.dead;
        site.later(2 * 3_600);
    }
    assert_eq!((dead, receiver.received().len()), (1, 24));
    let proof = notified(&site.store, &site.content, site.now()).await.unwrap();
    assert!(matches!(proof, Notified::Failing(_)), "{proof:?}");
}

#[tokio::test]
async fn that_somebody_was_notified_is_proven_by_deliveries_alone() {
    let receiver = Receiver::start(ok("")).await;
    let site = Site::new(&hook(receiver.url(), "", ALL)).await;
    let state = async || notified(&site.store, &site.content, site.now()).await.unwrap();
    assert_eq!(state().await, Notified::Unproven);
    let (name, target) = site.content.site.routes.targets.0[0].clone();
    let clock = || site.now();
    outbox::test(&site.store, &site.channels(), &name, &target, &clock).await.unwrap();
    assert!(matches!(state().await, Notified::Proven(_)));
    site.observe(&[site.seen("a", Severity::Critical)]).await;
    site.route().await;
    site.later(7_200);
    assert!(matches!(state().await, Notified::Failing(_)));
    site.deliver().await;
    assert!(matches!(state().await, Notified::Proven(proof) if proof.told == 1));
}

#[tokio::test]
async fn an_explanation_says_who_would_be_told_and_why_not_the_others() {
    let receiver = Receiver::start(ok("")).await;
    let routes = "- {id: none, when: \"finding.account == 'x'\", targets: [hook]}\n\
                  - {id: all, targets: [hook]}\n- {id: below, targets: [hook]}\n\
                  - {id: other, on: [assigned], targets: [hook]}\n";
    let site = Site::new(&hook(receiver.url(), "", routes)).await;
    let seen = site.seen("a", Severity::High);
    site.observe(std::slice::from_ref(&seen)).await;
    site.both().await;
    let findings = site.store.findings(Scope::All);
    let finding = findings.get(&seen.id()).await.unwrap().unwrap();
    let history = findings.history(&finding.id, 0, 100).await.unwrap();
    let router = Router::new(site.content.clone());
    let explained = router.explain(&site.store, finding, &history, site.now()).await.unwrap();
    let routes = &explained.expected.routes;
    let verdicts: Vec<RouteVerdict> = routes.iter().map(|route| route.verdict).collect();
    let [fails, followed] = [RouteVerdict::ConditionFails, RouteVerdict::Followed];
    assert_eq!(verdicts, [fails, followed, RouteVerdict::Shadowed, RouteVerdict::OtherChange]);
    assert_eq!(explained.told.len(), 1);
    assert_eq!(explained.told[0].state, "delivered");
}

/// What goes wrong with one request.
fn behaviors() -> impl Strategy<Value = Vec<Behavior>> {
    let one = prop_oneof![
        Just(ok("")),
        Just(status(500)),
        Just(status(429)),
        Just(status(401)),
        Just(Behavior::Close),
        Just(Behavior::BreakOff(200, "{".into())),
    ];
    proptest::collection::vec(one, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]
    #[test]
    fn whatever_fails_everything_is_told_and_what_was_answered_in_time_only_once(
        script in behaviors()
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let receiver = Receiver::start(ok("")).await;
            let site = Site::new(&hook(receiver.url(), "", ALL)).await;
            receiver.then(script);
            let seen: Vec<_> = (0..6).map(|n| site.seen(&format!("b{n}"), Severity::High)).collect();
            site.observe(&seen).await;
            site.route().await;
            for _ in 0..40 {
                site.deliver().await;
                site.later(5_000);
            }
            let mut answered: BTreeMap<String, usize> = BTreeMap::new();
            for one in receiver.received() {
                let key = one.json()["finding"]["key"].as_str().unwrap().to_owned();
                let count = answered.entry(key).or_default();
                *count += usize::from(one.answered == Some(200));
            }
            assert_eq!(answered.len(), 6);
            assert!(answered.values().all(|times| *times == 1), "{answered:?}");
            assert_eq!(site.store.outbox().dead(None, 10).await.unwrap().len(), 0);
        });
    }
}
