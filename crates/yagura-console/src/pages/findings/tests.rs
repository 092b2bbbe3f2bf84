//! Who may see some accounts only sees nothing of others: not on the list, in its counts and
//! groups, beside a finding, in a file or on the overview, and cannot change them.

use std::sync::Arc;

use axum::Extension;
use axum::body::to_bytes;
use axum::extract::{Path, State};
use axum_extra::extract::{Form, Query};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;
use yagura_content::Content;
use yagura_model::finding::{Actor, FindingKind, FindingState, Observation, Rank, Scope};
use yagura_model::{Lang, Prose, Severity};
use yagura_store::{Location, Store};

use super::{acts, file, list, one};
use crate::fault::{Answer, Fault};
use crate::ports::{ActionBook, ActionForm};
use crate::state::{Console, Entrance, Parts};
use crate::viewer::{Means, Role, Theme, Viewer};

const NOW: &str = "2026-11-22T03:00:00Z";
const OWN: &str = "111122223333";
const OTHER: &str = "444455556666";

struct NoActions;

impl ActionBook for NoActions {
    fn action(&self, _name: &str) -> Option<ActionForm> {
        None
    }

    fn beginning(&self, _start: &str, _max: usize) -> Vec<String> {
        Vec::new()
    }
}

/// A finding of an account; both accounts' have one key and one cause.
fn seen(account: &str) -> Observation {
    Observation {
        kind: FindingKind::Control,
        content: "s3.bucket_encrypted".into(),
        path: None,
        key: "shared-key".into(),
        sub_key: account.into(),
        title: Prose { en: format!("of {account}"), ja: format!("{account} の件") },
        severity: if account == OWN { Severity::Low } else { Severity::Critical },
        account: account.into(),
        region: if account == OWN { "eu-west-1".into() } else { "sa-east-1".into() },
        resource_type: Some("AWS::S3::Bucket".into()),
        resource_name: None,
        cause: "one cause".into(),
        first_us: 1_790_000_000_000_000,
        last_us: 1_790_000_000_000_000,
        occurrences: 1,
        rank: Rank::default(),
        marks: vec![],
        suppression: None,
        evidence: Value::Null,
    }
}

async fn prepared() -> (tempfile::TempDir, Console, Viewer) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&Location::in_folder(folder.path())).await.unwrap();
    let now: Timestamp = NOW.parse().unwrap();
    let actor = Actor::Yagura("scan".into());
    let some = [seen(OWN), seen(OTHER)];
    store.findings(Scope::All).observe(&some, &actor, now).await.unwrap();
    let content = Arc::new(Content::builtin().clone());
    let console = Console::new(Parts {
        store,
        content: Arc::new(move || Arc::clone(&content)),
        desk: None,
        guide: None,
        actions: Arc::new(NoActions),
        clock: Arc::new(move || now),
        entrance: Entrance::Open,
        sign_in: crate::SignIn::default(),
        lake: None,
        address: "http://127.0.0.1:8787".to_owned(),
        zone: TimeZone::UTC,
        proxies: Vec::new(),
        demo: false,
        version: "0.0.0".to_owned(),
    })
    .unwrap();
    let viewer = Viewer {
        name: "aiko".to_owned(),
        role: Some(Role::Analyst),
        permissions: None,
        scope: Scope::Accounts([OWN.to_owned()].into()),
        lang: Lang::En,
        theme: Theme::Auto,
        zone: TimeZone::UTC,
        means: Means::Open,
        csrf: String::new(),
        address: String::new(),
        person: None,
        session: None,
    };
    (folder, console, viewer)
}

async fn text(answer: Answer) -> String {
    let body = answer.unwrap().into_body();
    let bytes = to_bytes(body, 1 << 22).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn nothing_of_other_accounts_is_shown_or_counted() {
    let (_folder, console, viewer) = prepared().await;
    let state = || (State(console.clone()), Extension(viewer.clone()));
    let mut pages = Vec::new();
    for query in ["", "state=all", "view=groups", "q=shared", "account=444455556666"] {
        let pairs: Vec<(String, String)> = serde_html_form::from_str(query).unwrap();
        let (console, viewer) = state();
        pages.push((query, text(list::list(console, viewer, Query(pairs)).await).await));
    }
    let (console_state, viewer_state) = state();
    let own = seen(OWN).id();
    let shown = one::show(console_state, viewer_state, Path(own), Query(vec![])).await;
    pages.push(("one", text(shown).await));
    for (name, page) in &pages {
        let asked = name.contains(OTHER);
        assert!(asked || !page.contains(OTHER), "{name}: {page}");
        assert!(!page.contains("sa-east-1") && !page.contains("of 4444"), "{name}: {page}");
        assert!(asked || page.contains("of 1111"), "{name}: {page}");
    }
    let (console_state, viewer_state) = state();
    let format = Path("jsonl".to_owned());
    let pairs = Query(vec![("state".to_owned(), "all".to_owned())]);
    let lines = text(file::file(console_state, viewer_state, format, pairs).await).await;
    assert_eq!(lines.lines().count(), 1, "{lines}");
}

#[tokio::test]
async fn a_finding_of_another_account_is_not_there_and_cannot_be_changed() {
    let (_folder, console, viewer) = prepared().await;
    let other = seen(OTHER).id();
    let shown = one::show(
        State(console.clone()),
        Extension(viewer.clone()),
        Path(other.clone()),
        Query(vec![]),
    );
    assert!(matches!(shown.await, Err(Fault::NotFound)));
    let members = |pairs: &[(&str, &str)]| {
        let owned = pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
        Form(owned.collect::<Vec<_>>())
    };
    let single = acts::single(
        State(console.clone()),
        Extension(viewer.clone()),
        Path(other.clone()),
        members(&[("version", "1"), ("act", "resolve")]),
    );
    assert!(matches!(single.await, Err(Fault::NotFound)));
    let ticked = format!("{other}.1");
    let form = members(&[("act", "resolve"), ("one", &ticked)]);
    let told = acts::bulk(State(console.clone()), Extension(viewer), form).await.unwrap();
    let to = told.headers()[http::header::LOCATION].to_str().unwrap().to_owned();
    assert!(to.ends_with("told=gone%2E1"), "{to}");
    let still = console.store().findings(Scope::All).get(&other).await.unwrap().unwrap();
    assert_eq!(still.state, FindingState::New);
}
