//! `/routes`: the site's routes and targets without their secrets, what was delivered, and what was
//! given up, tried again and dropped by forms.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::{StatusCode, header};
use jiff::Timestamp;
use serde_json::json;
use yagura_console::{Entrance, RouteGuide};
use yagura_content::Content;
use yagura_model::finding::{Expected, ExpectedRoute, Finding, HistoryEntry, RouteVerdict};
use yagura_model::{Prose, Severity};
use yagura_store::outbox::{Outcome, Page, Post, Settlement, TargetRate};

use crate::support::{Bench, NOW};
use crate::{findings, some_accounts};

const ROUTES: &str = "targets:
  hook:
    channel: webhook
    settings: {url: 'https://example.com/hooks/very-secret'}
routes:
  - {id: worst, when: 'finding.severity == \"critical\"', targets: [hook], continue: true}
  - {id: rest, schedule: daily 09:00, targets: [hook]}
";

/// A console whose site has routes, and whose outbox has a message that was given up.
async fn bench() -> Bench {
    let site = tempfile::tempdir().unwrap();
    std::fs::write(site.path().join("routes.yaml"), ROUTES).unwrap();
    let content = Arc::new(Content::load(Some(site.path())));
    assert_eq!(content.site.routes.routes.len(), 2, "{:?}", content.problems);
    let bench = Bench::made(Entrance::Open, move |parts| {
        parts.content = Arc::new(move || Arc::clone(&content));
    })
    .await;
    let (outbox, now) = (bench.store.outbox(), NOW.parse::<Timestamp>().unwrap());
    let title = Prose { en: "t".into(), ja: "t".into() };
    let post = Post {
        target: "hook".into(),
        route: "rest".into(),
        finding: "a".repeat(32),
        entry: 1,
        change: "opened".into(),
        severity: Severity::High,
        cause: "c".into(),
        title,
        document: json!({}),
        batch: None,
    };
    let page = Page { from: 0, to: 1, posts: vec![post], owed: vec![] };
    outbox.post(&page, &BTreeMap::new(), now).await.unwrap();
    let rate = [TargetRate { target: "hook".into(), messages: 9, per_us: 60_000_000 }];
    let until = now + jiff::SignedDuration::from_mins(5);
    let taken = outbox.take("one", &rate, 9, now, until).await.unwrap();
    let settlement = Settlement {
        number: taken[0].number,
        holder: "one".into(),
        at: now,
        outcome: Outcome::Dead,
        status: Some(410),
        detail: "<script>alert(1)</script> gone".into(),
        thread: None,
        held: None,
    };
    assert!(outbox.settle(&settlement).await.unwrap());
    bench
}

#[tokio::test]
async fn routes_and_targets_are_shown_and_their_secrets_are_not() {
    let bench = bench().await;
    for (lang, words) in [("en", "goes on to those below"), ("ja", "以降のルートも評価")] {
        let got = bench.get_in("/routes", lang).await;
        assert_eq!(got.status, StatusCode::OK, "{}", got.text);
        for shown in ["worst", "webhook", "09:00", "critical&quot;", "410", words] {
            assert!(got.text.contains(shown), "{shown}: {}", got.text);
        }
        assert!(!got.text.contains("very-secret"), "{}", got.text);
        assert!(!got.text.contains("<script>alert"), "{}", got.text);
        assert!(got.text.contains("&lt;script&gt;alert(1)"), "{}", got.text);
    }
}

#[tokio::test]
async fn what_was_given_up_is_tried_again_or_dropped() {
    let bench = bench().await;
    let outbox = bench.store.outbox();
    let number = outbox.dead(None, 9).await.unwrap()[0].number;
    let again = bench.post("/routes/dead", &format!("number={number}&do=retry")).await;
    assert_eq!(again.headers[header::LOCATION], "/routes?done=retried&n=1");
    assert!(outbox.dead(None, 9).await.unwrap().is_empty());
    assert_eq!(outbox.by_target().await.unwrap()[0].waiting, 1);
    // What waits is not dropped by a form that was open for long.
    let late = bench.post("/routes/dead", &format!("number={number}&do=drop")).await;
    assert_eq!(late.headers[header::LOCATION], "/routes?done=dropped&n=0");
    assert_eq!(outbox.by_target().await.unwrap()[0].waiting, 1);
}

#[tokio::test]
async fn without_routes_the_page_says_that_nobody_is_told() {
    let bench = Bench::open().await;
    for (lang, words) in [("en", "There are no routes"), ("ja", "ルートがありません")] {
        let got = bench.get_in("/routes", lang).await;
        assert_eq!(got.status, StatusCode::OK, "{}", got.text);
        assert!(got.text.contains(words) && got.text.contains("routes.yaml"), "{}", got.text);
    }
}

#[tokio::test]
async fn what_was_given_up_is_settled_by_a_form_that_says_how() {
    let bench = Bench::open().await;
    let neither = bench.post("/routes/dead", "number=1").await;
    assert_eq!(neither.status, StatusCode::BAD_REQUEST);
    // A message that is not there, or not given up, is left alone.
    let none = bench.post("/routes/dead", "number=7&number=x&do=retry").await;
    assert_eq!(none.status, StatusCode::SEE_OTHER);
    assert_eq!(none.headers[header::LOCATION], "/routes?done=retried&n=0");
    let told = bench.get("/routes?done=dropped&n=2").await;
    assert!(told.text.contains("2 messages were dropped"), "{}", told.text);
    let odd = bench.get("/routes?done=%3Cb%3E&n=x").await;
    assert!(!odd.text.contains("<b>"), "{}", odd.text);
}

/// Routes that mind nothing of what they are asked, to see what the page makes of each verdict.
struct FewRoutes;

#[async_trait::async_trait]
impl RouteGuide for FewRoutes {
    async fn expect(&self, finding: Finding, history: &[HistoryEntry]) -> Result<Expected, String> {
        assert!(history.iter().all(|entry| entry.finding == finding.id));
        if finding.severity == Severity::Low {
            return Err("the database did not answer".to_owned());
        }
        let route = |id: &str, verdict| ExpectedRoute {
            route: id.to_owned(),
            verdict,
            problem: None,
            when: Some("finding.severity == \"<b>\"".to_owned()),
            targets: vec![format!("{id}-one"), format!("{id}-two")],
            due: (id == "late").then(|| NOW.parse().unwrap()),
        };
        let unknown = route("late", RouteVerdict::Unknown);
        Ok(Expected {
            change: "opened".to_owned(),
            hushed: false,
            routes: vec![
                route("yes", RouteVerdict::Followed),
                ExpectedRoute { problem: Some("no such tag".to_owned()), ..unknown },
                route("below", RouteVerdict::Shadowed),
                route("other", RouteVerdict::OtherChange),
                route("never", RouteVerdict::ConditionFails),
            ],
        })
    }
}

async fn guided(entrance: Entrance) -> Bench {
    Bench::made(entrance, |parts| parts.guide = Some(Arc::new(FewRoutes))).await
}

#[tokio::test]
async fn who_would_be_told_is_shown_with_the_reason_of_every_route() {
    let bench = guided(Entrance::Open).await;
    let id = findings::one(&bench, "111122223333", Severity::High).await;
    let finding = bench.get(&format!("/findings/{id}")).await.text;
    assert!(finding.contains(&format!("/routes/explain?finding={id}")), "{finding}");
    assert!(bench.get("/routes").await.text.contains("action=\"/routes/explain\""));
    let path = format!("/routes/explain?finding={}", &id[..8]);
    let got = bench.get_in(&path, "en").await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.text);
    for expected in [
        "Somebody is told of it.",
        "yes-one, yes-two",
        "followed, because its condition has no result",
        "no such tag",
        "a route above it was, and does not continue",
        "it does not mind this change",
        "its condition does not hold",
        "at once",
        "finding.severity == &quot;&lt;b&gt;&quot;",
    ] {
        assert!(got.text.contains(expected), "{expected}: {}", got.text);
    }
    assert!(!got.text.contains("never-one"), "whoever is not told is not named: {}", got.text);
    let japanese = bench.get_in(&path, "ja").await.text;
    for expected in ["通知されます。", "yes-one、yes-two", "即時", "適用されます"] {
        assert!(japanese.contains(expected), "{expected}: {japanese}");
    }
}

#[tokio::test]
async fn a_finding_that_is_not_there_or_not_theirs_is_explained_to_nobody() {
    let bench = guided(Entrance::SignIn).await;
    let own = findings::one(&bench, "111122223333", Severity::High).await;
    let other = findings::one(&bench, "999999999999", Severity::High).await;
    let mut browser = some_accounts::signed_in(&bench, "viewer").await;
    let path = |id: &str| format!("/routes/explain?finding={id}");
    assert!(browser.get(&path(&own)).await.text.contains("yes-one"));
    for id in [other.as_str(), "00000000", "12345", "%3Cb%3E", &"a".repeat(99)] {
        let got = browser.get(&path(id)).await;
        assert_eq!(got.status, StatusCode::OK, "{id}");
        assert!(got.text.contains("There is no such finding"), "{id}: {}", got.text);
        assert!(!got.text.contains("yes-one") && !got.text.contains("<b>"), "{id}: {}", got.text);
    }
    let got = browser.get("/routes/explain").await;
    assert!(got.status == StatusCode::OK && !got.text.contains("role=\"alert\""), "{}", got.text);
}

#[tokio::test]
async fn what_cannot_be_explained_is_said() {
    let bench = guided(Entrance::Open).await;
    let id = findings::one(&bench, "111122223333", Severity::Low).await;
    let got = bench.get(&format!("/routes/explain?finding={id}")).await;
    assert_eq!(got.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(got.text.contains("the database did not answer"), "{}", got.text);
    let without = Bench::open().await;
    let id = findings::one(&without, "111122223333", Severity::High).await;
    let got = without.get(&format!("/routes/explain?finding={id}")).await;
    assert_eq!(got.status, StatusCode::SERVICE_UNAVAILABLE, "{}", got.text);
}
