//! The API as programs ask it: documents, tags, pages, problems, acts that are done once.

use axum::body::Body;
use http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};
use yagura_console::Entrance;
use yagura_model::finding::{Actor, Observation, Scope};
use yagura_model::{Prose, Severity};

use crate::support::{Bench, Got, NOW};

fn observed(n: u32) -> Observation {
    let seen = serde_json::json!({
        "kind": "control",
        "content": "s3.bucket_encrypted",
        "key": format!("arn:aws:s3:::bucket-{n}"),
        "title": Prose { en: "not encrypted".into(), ja: "暗号化されていません".into() },
        "severity": Severity::High,
        "account": "111122223333",
        "region": "us-east-1",
        "cause": "s3.bucket_encrypted@111122223333",
        "first_us": 1,
        "last_us": 1,
        "occurrences": 1,
    });
    serde_json::from_value(seen).unwrap()
}

pub(crate) async fn seeded(bench: &Bench, count: u32) {
    let findings = bench.store.findings(Scope::All);
    let seen: Vec<Observation> = (0..count).map(observed).collect();
    let actor = Actor::Yagura("scan".to_owned());
    findings.observe(&seen, &actor, NOW.parse().unwrap()).await.unwrap();
}

async fn json_of(bench: &Bench, path: &str) -> Value {
    let got = bench.get(path).await;
    assert_eq!(got.status, StatusCode::OK, "{path}: {}", got.text);
    serde_json::from_str(&got.text).unwrap()
}

async fn post(bench: &Bench, path: &str, headers: &[(&str, &str)], body: &Value) -> Got {
    let request = Request::builder().method(Method::POST).uri(path);
    let request = request.header(header::CONTENT_TYPE, "application/json");
    let request =
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    bench.send(request.body(Body::from(body.to_string())).unwrap()).await
}

#[tokio::test]
async fn every_address_of_the_api_is_in_the_document_and_the_other_way_round() {
    let bench = Bench::open().await;
    let document = json_of(&bench, "/api/v1/openapi.json").await;
    let mut told = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            told.push(format!("{} {path}", method.to_uppercase()));
        }
    }
    let mut registered: Vec<String> = yagura_console::routes(&bench.console)
        .into_iter()
        .filter(|route| route.path.starts_with("/api/") && route.path != "/api/v1/openapi.json")
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    told.sort();
    registered.sort();
    assert_eq!(told, registered);
    assert!(told.len() > 20, "{told:?}");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../golden");
    settings.set_prepend_module_to_snapshot(false);
    let text = serde_json::to_string_pretty(&document).unwrap();
    settings.bind(|| insta::assert_snapshot!("openapi", text));
}

/// What addresses answer over a little inventory, each with the address of the document.
const EXAMPLES: [(&str, &str); 15] = [
    ("/me", "/me"),
    ("/findings", "/findings?limit=2"),
    ("/findings/counts", "/findings/counts?by=severity&state=open"),
    ("/findings/groups", "/findings/groups"),
    ("/accounts", "/accounts"),
    ("/controls", "/controls"),
    ("/controls/{id}", "/controls/s3.bucket_public_access_blocked"),
    ("/frameworks", "/frameworks"),
    ("/scans", "/scans"),
    ("/coverage", "/coverage?gaps=true"),
    ("/alerts", "/alerts?limit=5"),
    ("/jobs", "/jobs"),
    ("/resources", "/resources?text=bucket&deleted=false"),
    ("/audit", "/audit?limit=5"),
    ("/frameworks/{id}/trend", "/frameworks/checklist/trend"),
];

#[tokio::test]
async fn answers_are_as_the_document_says() {
    let bench = Bench::open().await;
    seeded(&bench, 3).await;
    let document = json_of(&bench, "/api/v1/openapi.json").await;
    let list = json_of(&bench, "/api/v1/findings").await;
    let id = list["items"][0]["id"].as_str().unwrap().to_owned();
    let mut examples: Vec<(String, String)> = EXAMPLES
        .iter()
        .map(|(path, example)| ((*path).to_owned(), (*example).to_owned()))
        .collect();
    examples.push(("/findings/{id}".into(), format!("/findings/{id}")));
    examples.push(("/findings/{id}/history".into(), format!("/findings/{id}/history")));
    for (path, example) in examples {
        let answer = json_of(&bench, &format!("/api/v1{example}")).await;
        let operation = &document["paths"][format!("/api/v1{path}")]["get"];
        let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{path}");
        let mut whole = schema.clone();
        whole["components"] = document["components"].clone();
        let validator = jsonschema::validator_for(&whole).unwrap();
        let wrong: Vec<String> = validator.iter_errors(&answer).map(|e| e.to_string()).collect();
        assert!(wrong.is_empty(), "{example}: {wrong:?}\n{answer}");
    }
}

#[tokio::test]
async fn pages_lead_to_one_another_and_show_each_finding_once() {
    let bench = Bench::open().await;
    seeded(&bench, 5).await;
    let mut path = "/api/v1/findings?limit=2&state=open".to_owned();
    let mut seen = std::collections::BTreeSet::new();
    let mut pages = 0;
    loop {
        let page = json_of(&bench, &path).await;
        assert_eq!(page["total"], json!({"count": 5, "exact": true}));
        for item in page["items"].as_array().unwrap() {
            assert!(seen.insert(item["id"].to_string()), "twice: {item}");
        }
        pages += 1;
        match page["next"].as_str() {
            Some(next) => path = next.to_owned(),
            None => break,
        }
    }
    assert_eq!((pages, seen.len()), (3, 5));
}

#[tokio::test]
async fn what_makes_no_sense_is_a_problem_that_says_why() {
    let bench = Bench::open().await;
    for (path, words) in [
        ("/api/v1/findings?stat=new", "unknown field `stat`"),
        ("/api/v1/findings?state=nwe", "nwe"),
        ("/api/v1/findings?limit=501", "1 to 500"),
        ("/api/v1/findings?since=yesterday", "RFC 3339"),
        ("/api/v1/findings/counts?by=colour", "colour"),
        ("/api/v1/access/can?principal=a&action=s3:GetObjekt", "s3:GetObjekt"),
    ] {
        let got = bench.get(path).await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{path}: {}", got.text);
        assert_eq!(got.headers[header::CONTENT_TYPE], "application/problem+json");
        let problem: Value = serde_json::from_str(&got.text).unwrap();
        assert_eq!(problem["status"], 400);
        assert!(problem["detail"].as_str().unwrap().contains(words), "{path}: {problem}");
    }
    let got = bench.get("/api/v1/findings/00000000000000000000000000000000").await;
    assert_eq!(got.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn without_a_sign_in_programs_are_told_to_bring_a_token() {
    let bench = Bench::with(Entrance::SignIn).await;
    let got = bench.get("/api/v1/findings").await;
    assert_eq!(got.status, StatusCode::UNAUTHORIZED);
    assert_eq!(got.headers[header::WWW_AUTHENTICATE], "Bearer");
    assert_eq!(got.headers[header::CONTENT_TYPE], "application/problem+json");
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let bench = Bench::open().await;
    seeded(&bench, 1).await;
    let first = bench.get("/api/v1/findings").await;
    let tag = first.headers[header::ETAG].to_str().unwrap().to_owned();
    let again = |tag: &str| {
        Request::get("/api/v1/findings").header(header::IF_NONE_MATCH, tag).body(Body::empty())
    };
    let same = bench.send(again(&tag).unwrap()).await;
    assert_eq!((same.status, same.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
    seeded(&bench, 2).await;
    let other = bench.send(again(&tag).unwrap()).await;
    assert_eq!(other.status, StatusCode::OK);
}

#[tokio::test]
async fn an_act_is_guarded_by_what_was_seen_and_done_once() {
    let bench = Bench::open().await;
    seeded(&bench, 1).await;
    let list = json_of(&bench, "/api/v1/findings").await;
    let path = format!("/api/v1/findings/{}", list["items"][0]["id"].as_str().unwrap());
    let acts = format!("{path}/acts");
    let tag = bench.get(&path).await.headers[header::ETAG].to_str().unwrap().to_owned();
    let comment = json!({"act": "comment", "text": "see SEC-12"});
    let once = [("if-match", tag.as_str()), ("idempotency-key", "k-1")];
    let first = post(&bench, &acts, &once, &comment).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.text);
    let again = post(&bench, &acts, &once, &comment).await;
    assert_eq!((again.status, &again.text), (StatusCode::OK, &first.text));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let finding = json_of(&bench, &path).await;
    assert_eq!(finding["comments"], 1, "it was done once");
    // Another request under the same key is a mistake, and what was seen is no longer so.
    let other = json!({"act": "acknowledge"});
    let got = post(&bench, &acts, &once, &other).await;
    assert_eq!(got.status, StatusCode::BAD_REQUEST, "{}", got.text);
    let got = post(&bench, &acts, &[("if-match", tag.as_str())], &other).await;
    assert_eq!(got.status, StatusCode::PRECONDITION_FAILED, "{}", got.text);
    let got = post(&bench, &acts, &[], &other).await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.text);
    assert_eq!(json_of(&bench, &path).await["state"], "acknowledged");
    let history = json_of(&bench, &format!("{path}/history")).await;
    let changes: Vec<&str> = history["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["change"].as_str().unwrap())
        .collect();
    assert_eq!(changes, ["opened", "commented", "acknowledged"]);
}

#[tokio::test]
async fn of_many_requests_with_one_key_at_the_same_moment_one_is_done() {
    let bench = Bench::open().await;
    seeded(&bench, 1).await;
    let list = json_of(&bench, "/api/v1/findings").await;
    let path = format!("/api/v1/findings/{}", list["items"][0]["id"].as_str().unwrap());
    let (acts, comment) = (format!("{path}/acts"), json!({"act": "comment", "text": "once"}));
    let once = [("idempotency-key", "k-1")];
    let all = (0..12).map(|_| post(&bench, &acts, &once, &comment));
    let mut done = Vec::new();
    for got in futures::future::join_all(all).await {
        match got.status {
            StatusCode::OK => done.push(got.text),
            // Under way: the same request a second later gets the answer.
            StatusCode::CONFLICT => assert_eq!(got.headers[header::RETRY_AFTER], "1"),
            other => panic!("{other}: {}", got.text),
        }
    }
    assert!(!done.is_empty());
    assert_eq!(json_of(&bench, &path).await["comments"], 1, "it was done once");
    let again = post(&bench, &acts, &once, &comment).await;
    assert_eq!(again.headers["idempotency-replayed"], "true");
    done.push(again.text);
    done.dedup();
    assert_eq!(done.len(), 1, "everybody gets the same answer: {done:?}");
}

#[tokio::test]
async fn a_request_that_could_not_be_done_frees_its_key_at_once() {
    let bench = Bench::open().await;
    seeded(&bench, 1).await;
    let list = json_of(&bench, "/api/v1/findings").await;
    let acts = format!("/api/v1/findings/{}/acts", list["items"][0]["id"].as_str().unwrap());
    let comment = json!({"act": "comment", "text": "now"});
    let stale = [("if-match", "\"0\""), ("idempotency-key", "k-1")];
    for _ in 0..2 {
        let got = post(&bench, &acts, &stale, &comment).await;
        assert_eq!(got.status, StatusCode::PRECONDITION_FAILED, "{}", got.text);
    }
    let got = post(&bench, &acts, &[("idempotency-key", "k-1")], &comment).await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.text);
}

#[tokio::test]
async fn whoever_goes_away_is_recorded_with_what_they_did() {
    let bench = Bench::open().await;
    seeded(&bench, 1).await;
    let list = json_of(&bench, "/api/v1/findings").await;
    let path = format!("/api/v1/findings/{}", list["items"][0]["id"].as_str().unwrap());
    let (acts, comment) = (format!("{path}/acts"), json!({"act": "comment", "text": "x"}));
    // At whatever point they go.
    for polls in 0..40 {
        let mut asking = Box::pin(post(&bench, &acts, &[], &comment));
        for _ in 0..polls {
            if futures::poll!(&mut asking).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    let mut counts = (0, 0);
    // What was begun goes on for a while; it ends well before so many questions.
    for _ in 0..200 {
        let comments = json_of(&bench, &path).await["comments"].as_u64().unwrap();
        let lines = bench.store.people().audit(&Default::default(), 100).await.unwrap();
        let lines = lines.iter().filter(|line| line.action.ends_with("/acts")).count();
        counts = (comments, lines as u64);
        if comments > 0 && counts.0 == counts.1 {
            break;
        }
    }
    assert!(counts.0 > 0 && counts.0 == counts.1, "comments and lines: {counts:?}");
}

#[tokio::test]
async fn bodies_with_unknown_members_change_nothing() {
    let bench = Bench::open().await;
    seeded(&bench, 1).await;
    let list = json_of(&bench, "/api/v1/findings").await;
    let acts = format!("/api/v1/findings/{}/acts", list["items"][0]["id"].as_str().unwrap());
    for body in [
        json!({"act": "acknowledge", "reson": "typo"}),
        json!({"act": "delete"}),
        json!({"act": "suppress", "reason": "no date"}),
        json!([]),
    ] {
        let got = post(&bench, &acts, &[], &body).await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{body}: {}", got.text);
    }
    let state = &json_of(&bench, "/api/v1/findings").await["items"][0]["state"];
    assert_eq!(state, "new");
}

#[tokio::test]
async fn a_scan_is_asked_for_and_not_done_here() {
    let bench = Bench::open().await;
    let got = post(&bench, "/api/v1/jobs", &[], &json!({"kind": "scan"})).await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.text);
    let jobs = json_of(&bench, "/api/v1/jobs").await;
    assert_eq!(jobs["jobs"][0]["kind"], "scan");
    assert_eq!(jobs["jobs"][0]["running"], false);
    let got = post(&bench, "/api/v1/jobs", &[], &json!({"kind": "deliver"})).await;
    assert_eq!(got.status, StatusCode::BAD_REQUEST, "{}", got.text);
}
