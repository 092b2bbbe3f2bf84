//! What deliveries are tested in: a store, a site with routes, findings, secrets, and a clock that
//! the test turns.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use yagura_content::Content;
use yagura_model::finding::{Act, Actor, FindingKind, FindingState, Observation, Rank, Scope};
use yagura_model::secret::{Secret, SecretFault, SecretFuture, SecretRef, Secrets};
use yagura_model::{Prose, Severity};
use yagura_respond::channels::Channels;
use yagura_respond::outbox::{self, Delivered};
use yagura_respond::routes::{Routed, Router};
use yagura_store::{Location, Store};

pub(crate) const ACCOUNT: &str = "111122223333";
const START_S: i64 = 1_790_000_000;

/// Secrets by the names of variables.
#[derive(Debug, Default)]
pub(crate) struct Known(pub(crate) BTreeMap<String, String>);

impl Secrets for Known {
    fn reveal<'a>(&'a self, reference: &'a SecretRef) -> SecretFuture<'a> {
        Box::pin(async move {
            let SecretRef::Environment(name) = reference else {
                return Err(SecretFault::Absent.of(reference));
            };
            let value = self.0.get(name).ok_or_else(|| SecretFault::Absent.of(reference))?;
            Ok(Secret::new(value.as_str()))
        })
    }
}

/// A site at work.
pub(crate) struct Site {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) store: Store,
    pub(crate) content: Arc<Content>,
    pub(crate) secrets: BTreeMap<String, String>,
    now_s: AtomicI64,
}

impl Site {
    /// With routes, as `routes.yaml` says them.
    pub(crate) async fn new(routes: &str) -> Self {
        Self::with_secrets(routes, &[]).await
    }

    pub(crate) async fn with_secrets(routes: &str, secrets: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("site")).unwrap();
        std::fs::write(folder.path().join("site/routes.yaml"), routes).unwrap();
        let content = Content::load(Some(&folder.path().join("site")));
        let problems = content.lint(None);
        let wrong: Vec<String> =
            problems.iter().filter(|problem| problem.is_error()).map(ToString::to_string).collect();
        assert_eq!(wrong, Vec::<String>::new());
        let store = Store::open(&Location::in_folder(folder.path())).await.unwrap();
        let pairs = secrets.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self {
            folder,
            store,
            content: Arc::new(content),
            secrets: pairs.collect(),
            now_s: AtomicI64::new(START_S),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_second(self.now_s.load(Ordering::Relaxed)).unwrap()
    }

    /// Turns the clock on.
    pub(crate) fn later(&self, seconds: i64) {
        self.now_s.fetch_add(seconds, Ordering::Relaxed);
    }

    pub(crate) fn channels(&self) -> Channels {
        let secrets = Arc::new(Known(self.secrets.clone()));
        Channels::new(self.content.clone(), secrets, None).unwrap()
    }

    pub(crate) async fn route(&self) -> Routed {
        Router::new(self.content.clone()).route(&self.store, self.now()).await.unwrap()
    }

    pub(crate) async fn deliver(&self) -> Delivered {
        self.deliver_as("one").await
    }

    pub(crate) async fn deliver_as(&self, holder: &str) -> Delivered {
        let clock = || self.now();
        outbox::deliver(&self.store, &self.channels(), holder, &clock).await.unwrap()
    }

    pub(crate) async fn both(&self) -> Delivered {
        self.route().await;
        self.deliver().await
    }

    pub(crate) async fn observe(&self, seen: &[Observation]) {
        let actor = Actor::Yagura("test".into());
        self.store.findings(Scope::All).observe(seen, &actor, self.now()).await.unwrap();
    }

    pub(crate) async fn resolve(&self, seen: &Observation) {
        let act = Act::SetState { to: FindingState::Resolved, reason: None };
        self.act(seen, &act).await;
    }

    pub(crate) async fn act(&self, seen: &Observation, act: &Act) {
        let actor = Actor::Person("alice".into());
        let findings = self.store.findings(Scope::All);
        findings.act(&[seen.id()], act, &actor, self.now(), None).await.unwrap();
    }

    /// A finding about a thing, seen now.
    pub(crate) fn seen(&self, thing: &str, severity: Severity) -> Observation {
        let at_us = self.now().as_microsecond();
        Observation {
            kind: FindingKind::Control,
            content: "s3.bucket_public_access_blocked".into(),
            path: None,
            key: format!("arn:aws:s3:::{thing}"),
            sub_key: String::new(),
            title: Prose {
                en: format!("{thing} is public"),
                ja: format!("{thing} が公開されています"),
            },
            severity,
            account: ACCOUNT.into(),
            region: "ap-northeast-1".into(),
            resource_type: Some("AWS::S3::Bucket".into()),
            resource_name: Some(thing.into()),
            cause: format!("s3.bucket_public_access_blocked@{ACCOUNT}"),
            first_us: at_us,
            last_us: at_us,
            occurrences: 1,
            rank: Rank::default(),
            marks: Vec::new(),
            suppression: None,
            evidence: serde_json::Value::Null,
        }
    }
}
