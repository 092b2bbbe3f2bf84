//! Tests: pages of the inventory looked at by somebody who may know of one account. What belongs
//! to others is not there, and not counted.
//! That the gate hands on the scope of whoever signs in is tested with signing in.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum_extra::extract::Query;
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;
use yagura_content::Content;
use yagura_model::finding::Scope;
use yagura_model::{
    Coverage, CoverageState, Lang, Relation, Resource, Severity, Verdict, VerdictStatus,
};
use yagura_store::{Account, Location, ScanOutcome, ScanStart, Store};

use super::{accounts, controls, overview, resources};
use crate::fault::{Answer, Fault};
use crate::state::{Console, Entrance, Parts};
use crate::viewer::{Means, Role, Theme, Viewer};

const OWN: &str = "444455556666";
const OTHER: &str = "111122223333";
const CONTROL: &str = "s3.bucket_versioned";

struct NoActions;

impl crate::ports::ActionBook for NoActions {
    fn action(&self, _name: &str) -> Option<crate::ports::ActionForm> {
        None
    }

    fn beginning(&self, _start: &str, _max: usize) -> Vec<String> {
        Vec::new()
    }
}

fn bucket(account: &str, name: &str, points_at: &str) -> Resource {
    Resource {
        key: format!("arn:aws:s3:::{name}"),
        arn: Some(format!("arn:aws:s3:::{name}")),
        id: name.to_owned(),
        type_name: "AWS::S3::Bucket".to_owned(),
        account: account.to_owned(),
        region: "eu-west-1".to_owned(),
        name: name.to_owned(),
        properties: json!({"On": true}).as_object().cloned().unwrap_or_default(),
        relations: vec![Relation {
            name: "target".to_owned(),
            type_name: "AWS::S3::Bucket".to_owned(),
            target: format!("arn:aws:s3:::{points_at}"),
        }],
        ..Resource::default()
    }
}

fn verdict(account: &str, name: &str, status: VerdictStatus) -> Verdict {
    Verdict {
        control: CONTROL.to_owned(),
        status,
        severity: Severity::High,
        key: format!("arn:aws:s3:::{name}"),
        type_name: "AWS::S3::Bucket".to_owned(),
        account: account.to_owned(),
        region: "eu-west-1".to_owned(),
        name: name.to_owned(),
        evidence: Vec::new(),
        unread: Vec::new(),
        exception: None,
    }
}

async fn seeded(folder: &std::path::Path) -> Console {
    let store = Store::open(&Location::in_folder(folder)).await.unwrap();
    let started: Timestamp = "2026-11-21T00:00:00Z".parse().unwrap();
    let account = |id: &str| Account { id: id.to_owned(), ..Account::default() };
    let start = ScanStart {
        started,
        accounts: vec![account(OWN), account(OTHER)],
        regions: vec!["eu-west-1".to_owned()],
        controls: vec![CONTROL.to_owned()],
        full: true,
    };
    let scan = store.begin_scan(&start).await.unwrap();
    let seen = [bucket(OWN, "ours", "foreign-one"), bucket(OTHER, "foreign-one", "ours")];
    store.put_resources(scan, &seen).await.unwrap();
    let listed = |account: &str| Coverage {
        account: account.to_owned(),
        region: "eu-west-1".to_owned(),
        type_name: "AWS::S3::Bucket".to_owned(),
        state: CoverageState::Complete,
        count: 1,
    };
    store.put_coverage(scan, &[listed(OWN), listed(OTHER)]).await.unwrap();
    let verdicts = [
        verdict(OWN, "ours", VerdictStatus::Unknown),
        verdict(OTHER, "foreign-one", VerdictStatus::Fail),
    ];
    store.put_verdicts(scan, &verdicts).await.unwrap();
    store.finish_scan(scan, ScanOutcome::Complete, started).await.unwrap();
    let content = Arc::new(Content::builtin().clone());
    Console::new(Parts {
        store,
        content: Arc::new(move || Arc::clone(&content)),
        desk: None,
        guide: None,
        lake: None,
        sign_in: crate::SignIn::default(),
        actions: Arc::new(NoActions),
        clock: Arc::new(move || started),
        entrance: Entrance::SignIn,
        address: "http://127.0.0.1:8787".to_owned(),
        zone: TimeZone::UTC,
        proxies: Vec::new(),
        demo: false,
        version: "0.0.0".to_owned(),
    })
    .unwrap()
}

fn viewer() -> Extension<Viewer> {
    Extension(Viewer {
        name: "dana".to_owned(),
        role: Some(Role::Viewer),
        permissions: None,
        scope: Scope::Accounts(BTreeSet::from([OWN.to_owned()])),
        lang: Lang::En,
        theme: Theme::Auto,
        zone: TimeZone::UTC,
        means: Means::Session,
        csrf: String::new(),
        address: String::new(),
        person: None,
        session: None,
    })
}

fn asked(pairs: &[(&str, &str)]) -> Query<Vec<(String, String)>> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Query(pairs.iter().map(own).collect())
}

async fn text(answer: Answer) -> String {
    let body = answer.unwrap().into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(body.to_vec()).unwrap();
    assert!(!text.contains(OTHER), "{text}");
    text
}

#[tokio::test]
async fn resources_of_other_accounts_are_neither_listed_nor_shown() {
    let folder = tempfile::tempdir().unwrap();
    let console = seeded(folder.path()).await;
    for pairs in [&[][..], &[("q", "arn")], &[("life", "any")], &[("judged", "fail")]] {
        let got = resources::list(State(console.clone()), viewer(), asked(pairs)).await;
        let got = text(got).await;
        assert!(!got.contains("foreign-one"), "{pairs:?}: {got}");
    }
    let one = [("account", OTHER)];
    let got = resources::list(State(console.clone()), viewer(), asked(&one)).await.unwrap();
    let body = got.into_body().collect().await.unwrap().to_bytes();
    assert!(!String::from_utf8_lossy(&body).contains("foreign-one"));
    let view =
        |key: &str| resources::view(State(console.clone()), viewer(), asked(&[("key", key)]));
    assert!(matches!(view("arn:aws:s3:::foreign-one").await, Err(Fault::NotFound)));
    // Of a neighbor outside only the name that the resource itself gives is told.
    let got = text(view("arn:aws:s3:::ours").await).await;
    assert!(got.contains("not in the inventory"), "{got}");
    assert!(!got.contains("key=arn%3Aaws%3As3%3A%3A%3Aforeign-one"), "{got}");
    assert!(!got.contains("Points here"), "{got}");
}

#[tokio::test]
async fn resources_of_other_accounts_are_not_in_the_figure_of_the_overview() {
    let folder = tempfile::tempdir().unwrap();
    let console = seeded(folder.path()).await;
    let got = text(overview::overview(State(console.clone()), viewer()).await).await;
    assert!(got.contains("1 resource ") && !got.contains("2 resources"), "{got}");
    assert!(got.contains("1 account") && !got.contains("2 accounts"), "{got}");
    let Extension(viewer) = viewer();
    let all = Extension(Viewer { scope: Scope::All, ..viewer });
    let got = overview::overview(State(console), all).await.unwrap();
    let body = got.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&body).contains("2 resources"));
}

#[tokio::test]
async fn verdicts_of_other_accounts_are_not_counted() {
    let folder = tempfile::tempdir().unwrap();
    let console = seeded(folder.path()).await;
    let q = [("q", "bucket_versioned")];
    let got = text(controls::list(State(console.clone()), viewer(), asked(&q)).await).await;
    assert!(got.contains("0 fail, 1 unknown, 0 pass"), "{got}");
    let control = |show: &str| {
        let id = Path(CONTROL.to_owned());
        controls::control(State(console.clone()), viewer(), id, asked(&[("show", show)]))
    };
    let got = text(control("fail").await).await;
    assert!(got.contains("No resource fails.") && !got.contains("foreign-one"), "{got}");
    let got = text(control("unknown").await).await;
    assert!(got.contains("arn%3Aaws%3As3%3A%3A%3Aours"), "{got}");
}

#[tokio::test]
async fn other_accounts_are_not_in_the_tree_and_have_no_page() {
    let folder = tempfile::tempdir().unwrap();
    let console = seeded(folder.path()).await;
    let got = text(accounts::list(State(console.clone()), viewer(), asked(&[])).await).await;
    assert!(got.contains(&format!("/accounts/{OWN}\"")), "{got}");
    let account = |id: &str| {
        accounts::account(State(console.clone()), viewer(), Path(id.to_owned()), asked(&[]))
    };
    assert!(matches!(account(OTHER).await, Err(Fault::NotFound)));
    text(account(OWN).await).await;
}
