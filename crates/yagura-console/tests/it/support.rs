//! A console over an empty store, and requests to it.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tower::ServiceExt as _;
use yagura_console::{ActionBook, ActionForm, Console, Entrance, Parts, SignIn, router};
use yagura_content::Content;
use yagura_store::{Location, Store};

/// The time in all tests.
pub(crate) const NOW: &str = "2026-11-22T03:00:00Z";

/// A few IAM actions.
pub(crate) struct FewActions;

impl ActionBook for FewActions {
    fn action(&self, name: &str) -> Option<ActionForm> {
        name.eq_ignore_ascii_case("s3:GetObject").then(|| ActionForm {
            name: "s3:GetObject".to_owned(),
            access_level: "Read".to_owned(),
            resources: vec!["arn:${Partition}:s3:::${BucketName}/${ObjectName}".to_owned()],
        })
    }

    fn beginning(&self, start: &str, max: usize) -> Vec<String> {
        let all = ["s3:GetObject"].into_iter().filter(|name| name.starts_with(start));
        all.take(max).map(str::to_owned).collect()
    }
}

/// A console and what keeps its store on disk.
pub(crate) struct Bench {
    pub(crate) console: Console,
    pub(crate) store: Store,
    router: Router,
    _folder: tempfile::TempDir,
}

/// What came back.
pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) text: String,
}

impl Bench {
    pub(crate) async fn open() -> Self {
        Self::with(Entrance::Open).await
    }

    pub(crate) async fn with(entrance: Entrance) -> Self {
        Self::made(entrance, |_| {}).await
    }

    /// A console whose parts a test changes.
    pub(crate) async fn made(entrance: Entrance, change: impl FnOnce(&mut Parts)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Location::in_folder(folder.path())).await.unwrap();
        let content = Arc::new(Content::builtin().clone());
        let now: Timestamp = NOW.parse().unwrap();
        let mut parts = Parts {
            store: store.clone(),
            content: Arc::new(move || Arc::clone(&content)),
            desk: None,
            actions: Arc::new(FewActions),
            clock: Arc::new(move || now),
            entrance,
            sign_in: SignIn::default(),
            lake: None,
            address: "http://127.0.0.1:8787".to_owned(),
            zone: TimeZone::UTC,
            proxies: Vec::new(),
            demo: false,
            version: "0.0.0".to_owned(),
        };
        change(&mut parts);
        let console = Console::new(parts).unwrap();
        Self { router: router(&console), console, store, _folder: folder }
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn get_in(&self, path: &str, lang: &str) -> Got {
        let request = Request::get(path).header(header::COOKIE, format!("yagura-lang={lang}"));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, form: &str) -> Got {
        let kind = "application/x-www-form-urlencoded";
        let request = Request::builder().method(Method::POST).uri(path);
        let request = request.header(header::CONTENT_TYPE, kind);
        self.send(request.body(Body::from(form.to_owned())).unwrap()).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Got {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Got { status: parts.status, headers: parts.headers, text }
    }
}
