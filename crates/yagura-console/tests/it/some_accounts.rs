//! Who sees some accounts only: alerts, spend, answers about access, questions to the logs and
//! messages of other accounts are not theirs.

use std::collections::BTreeSet;

use http::StatusCode;
use jiff::civil::date;
use yagura_console::{Entrance, fresh, hashed};
use yagura_model::Severity;
use yagura_model::finding::Scope;
use yagura_model::spend::{Micros, SpendDay, SpendKind, SpendSource};
use yagura_store::jobs::NewJob;
use yagura_store::people::{NewPerson, NewToken};
use yagura_store::spend::SpendFilter;

use crate::support::{Bench, Browser, NOW};
use crate::{alerts, logs};

const OWN: &str = "111122223333";
const OTHER: &str = "999999999999";
const PASSWORD: &str = "correct horse battery";

/// A browser of somebody who sees one account.
pub(crate) async fn signed_in<'a>(bench: &'a Bench, role: &str) -> Browser<'a> {
    let new = NewPerson {
        name: role.to_owned(),
        subject: None,
        password: Some(hashed(PASSWORD).unwrap()),
        role: role.to_owned(),
        accounts: Some(BTreeSet::from([OWN.to_owned()])),
    };
    bench.store.people().add(&new, NOW.parse().unwrap()).await.unwrap().unwrap();
    let mut browser = Browser::new(bench);
    browser.get("/sign-in").await;
    let fields = [("name", role), ("password", PASSWORD)];
    assert_eq!(browser.post("/sign-in", &fields).await.status, StatusCode::SEE_OTHER);
    browser
}

#[tokio::test]
async fn alerts_of_other_accounts_are_neither_listed_nor_found() {
    let bench = Bench::with(Entrance::SignIn).await;
    let own = alerts::alert_in(OWN, "cloudtrail.a", "alice", 60, Severity::High);
    let other = alerts::alert_in(OTHER, "cloudtrail.b", "mallory", 60, Severity::High);
    // One rule about one principal in two accounts is one alert.
    let mut both = alerts::alert_in(OWN, "cloudtrail.c", "shared", 60, Severity::High);
    both.merge(alerts::alert_in(OTHER, "cloudtrail.c", "shared", 50, Severity::High));
    let all = [own.clone(), other.clone(), both.clone()];
    bench.store.alerts().keep(&all, NOW.parse().unwrap()).await.unwrap();
    let mut browser = signed_in(&bench, "viewer").await;
    let list = browser.get("/alerts?span=all").await.text;
    assert!(list.contains(&own.id) && list.contains(&both.id), "{list}");
    assert!(!list.contains(&other.id) && !list.contains("mallory"), "{list}");
    assert!(!list.contains(OTHER), "{list}");
    let got = browser.get(&format!("/alerts/{}", other.id)).await;
    assert_eq!(got.status, StatusCode::NOT_FOUND);
    let got = browser.get(&format!("/alerts/{}", both.id)).await;
    assert_eq!(got.status, StatusCode::OK);
    assert!(got.text.contains("accounts that you may not see"), "{}", got.text);
    assert!(!got.text.contains(OTHER), "{}", got.text);
}

#[tokio::test]
async fn logs_are_asked_within_the_scope_and_by_analysts_alone() {
    let (desk, heard) = logs::desk();
    let bench = Bench::made(Entrance::SignIn, move |parts| parts.desk = Some(desk)).await;
    let mut analyst = signed_in(&bench, "analyst").await;
    let got = analyst.get("/logs?sql=SELECT+1&do=ask").await;
    assert_eq!(got.status, StatusCode::OK);
    let export = analyst.get("/logs/export?sql=SELECT+1&format=csv").await;
    assert_eq!(export.status, StatusCode::OK);
    let scope = Scope::Accounts(BTreeSet::from([OWN.to_owned()]));
    assert_eq!(heard.scopes(), [scope.clone(), scope]);
    let mut viewer = signed_in(&bench, "viewer").await;
    for path in ["/logs?sql=SELECT+1&do=ask", "/logs/export?sql=SELECT+1"] {
        assert_eq!(viewer.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(heard.scopes().len(), 2);
}

#[tokio::test]
async fn spend_of_other_accounts_is_not_shown() {
    let bench = Bench::with(Entrance::SignIn).await;
    let day = |account: &str, units: i64| SpendDay {
        account: account.into(),
        service: format!("service of {account}"),
        day: date(2026, 11, 20),
        kind: SpendKind::Charge,
        amount: Micros::units(units),
        currency: "USD".into(),
        estimated: false,
    };
    let (from, to) = (date(2026, 11, 1), date(2026, 11, 23));
    let filter = SpendFilter { from, to, account: None };
    let days = [day(OWN, 5), day(OTHER, 7_000)];
    let now = NOW.parse().unwrap();
    bench.store.spend().replace(SpendSource::CostExplorer, &filter, &days, now).await.unwrap();
    let mut browser = signed_in(&bench, "viewer").await;
    let got = browser.get("/cost").await;
    assert!(got.text.contains("5.00") && got.text.contains(OWN), "{}", got.text);
    assert!(!got.text.contains("7000") && !got.text.contains("7005"), "{}", got.text);
    assert!(!got.text.contains(OTHER), "{}", got.text);
    let got = browser.get(&format!("/cost?account={OTHER}")).await;
    assert_eq!(got.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn routes_show_no_figures_of_others_and_settling_takes_a_responder() {
    let bench = Bench::with(Entrance::SignIn).await;
    let mut viewer = signed_in(&bench, "viewer").await;
    let got = viewer.get("/routes").await;
    assert_eq!(got.status, StatusCode::OK);
    assert!(got.text.contains("of your accounts only"), "{}", got.text);
    let refused = viewer.post("/routes/dead", &[("number", "1"), ("do", "drop")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn an_administrator_of_some_accounts_gives_nobody_more() {
    let bench = Bench::with(Entrance::SignIn).await;
    let people = bench.store.people();
    let root = NewPerson {
        name: "root".into(),
        subject: None,
        password: None,
        role: "admin".into(),
        accounts: None,
    };
    let root = people.add(&root, NOW.parse().unwrap()).await.unwrap().unwrap();
    let mut browser = signed_in(&bench, "admin").await;
    browser.get("/settings/people").await;
    let own = people.by_name("admin").await.unwrap().unwrap();
    let mut check = async |path: String, fields: &[(&str, &str)], expected: StatusCode| {
        let got = browser.post(&path, fields).await;
        assert_eq!(got.status, expected, "{path} {fields:?}: {}", got.text);
    };
    let (no, all) = (StatusCode::FORBIDDEN, ("accounts", ""));
    let (theirs, other) = (("accounts", OWN), ("accounts", OTHER));
    let (admin, viewer) = (("role", "admin"), ("role", "viewer"));
    for accounts in [all, other, ("accounts", "111122223333, 999999999999")] {
        check("/settings/people".into(), &[("name", "x"), viewer, accounts], no).await;
        check(format!("/settings/people/{}/role", own.id), &[admin, accounts], no).await;
        let fields = [("name", "t"), viewer, ("scope", "findings:read"), accounts];
        check("/settings/tokens".into(), &fields, no).await;
    }
    check(format!("/settings/people/{root}/role"), &[viewer, theirs], no).await;
    check(format!("/settings/people/{root}/disabled"), &[("disabled", "yes")], no).await;
    check(format!("/settings/people/{root}/reset"), &[], no).await;
    let fields = [("name", "y"), viewer, theirs];
    check("/settings/people".into(), &fields, StatusCode::OK).await;
    let fields = [("name", "t"), viewer, ("scope", "findings:read"), theirs];
    check("/settings/tokens".into(), &fields, StatusCode::OK).await;
    let root = people.by_id(root).await.unwrap().unwrap();
    assert_eq!((root.role.as_str(), root.disabled), ("admin", false));
    assert_eq!(people.list().await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_responder_of_some_accounts_begins_and_ends_no_job() {
    let bench = Bench::with(Entrance::SignIn).await;
    let (jobs, now) = (bench.store.jobs(), NOW.parse().unwrap());
    let job = NewJob { kind: "scan", key: "scan", payload: "{}", due: now };
    let id = jobs.add(&job, now).await.unwrap();
    let mut browser = signed_in(&bench, "responder").await;
    let page = browser.get("/settings/jobs").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.text.contains("action=\"/settings/jobs"), "{}", page.text);
    // The page has no form of its own to take the proof from; any of the session's will do.
    let got = browser.post("/settings/jobs", &[("kind", "backup")]).await;
    assert_eq!(got.status, StatusCode::FORBIDDEN, "{}", got.text);
    let number = id.0.to_string();
    let got = browser.post("/settings/jobs/cancel", &[("job", &number)]).await;
    assert_eq!(got.status, StatusCode::FORBIDDEN, "{}", got.text);
    let waiting = jobs.list(9).await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert!(!waiting[0].cancelled);
}

#[tokio::test]
async fn the_record_of_all_actions_is_for_who_sees_all_accounts() {
    let bench = Bench::with(Entrance::SignIn).await;
    let mut browser = signed_in(&bench, "admin").await;
    let page = browser.get("/settings/people").await;
    assert!(page.status == StatusCode::OK && !page.text.contains("/settings/audit"));
    assert_eq!(browser.get("/settings/audit").await.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.get("/api/v1/audit").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn an_answer_is_not_given_again_to_a_namesake_of_fewer_accounts() {
    let bench = Bench::with(Entrance::SignIn).await;
    let (people, now) = (bench.store.people(), NOW.parse().unwrap());
    let id = crate::findings::one(&bench, OWN, Severity::High).await;
    let ask = async |accounts: Option<BTreeSet<String>>| {
        let token = fresh("yagura_").unwrap();
        let new = NewToken {
            name: "ci".into(),
            hash: token.hash,
            role: "analyst".into(),
            accounts,
            scopes: ["findings:write".to_owned()].into(),
            created_by: "root".into(),
            expires: None,
        };
        let number = people.add_token(&new, now).await.unwrap().unwrap();
        let request = http::Request::post(format!("/api/v1/findings/{id}/acts"))
            .header("authorization", format!("Bearer {}", *token.text))
            .header("content-type", "application/json")
            .header("idempotency-key", "k")
            .body(axum::body::Body::from(r#"{"act":"acknowledge"}"#));
        let got = bench.send(request.unwrap()).await;
        people.revoke_token(number).await.unwrap();
        got.status
    };
    assert_eq!(ask(None).await, StatusCode::OK);
    assert_eq!(ask(None).await, StatusCode::OK);
    let other = BTreeSet::from([OTHER.to_owned()]);
    assert_eq!(ask(Some(other)).await, StatusCode::BAD_REQUEST);
}
