//! A console over an empty store, and requests to it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

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
    now: Arc<AtomicI64>,
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

    pub(crate) async fn at(entrance: Entrance, address: &str) -> Self {
        Self::made(entrance, |parts| parts.address = address.to_owned()).await
    }

    /// A console whose parts a test changes.
    pub(crate) async fn made(entrance: Entrance, change: impl FnOnce(&mut Parts)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Location::in_folder(folder.path())).await.unwrap();
        let content = Arc::new(Content::builtin().clone());
        let now: Timestamp = NOW.parse().unwrap();
        let now = Arc::new(AtomicI64::new(now.as_second()));
        let clock = Arc::clone(&now);
        let mut parts = Parts {
            store: store.clone(),
            content: Arc::new(move || Arc::clone(&content)),
            desk: None,
            guide: None,
            actions: Arc::new(FewActions),
            clock: Arc::new(move || Timestamp::from_second(clock.load(Ordering::Relaxed)).unwrap()),
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
        Self { router: router(&console), console, store, now, _folder: folder }
    }

    /// Lets time pass.
    pub(crate) fn pass_hours(&self, hours: i64) {
        self.pass_seconds(hours * 3600);
    }

    pub(crate) fn pass_seconds(&self, seconds: i64) {
        self.now.fetch_add(seconds, Ordering::Relaxed);
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

/// A browser: it keeps cookies, and sends back what forms carry.
pub(crate) struct Browser<'a> {
    bench: &'a Bench,
    pub(crate) cookies: BTreeMap<String, String>,
    pub(crate) csrf: String,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(bench: &'a Bench) -> Self {
        Self { bench, cookies: BTreeMap::new(), csrf: String::new() }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Got {
        self.ask(Request::get(path), Body::empty()).await
    }

    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Got {
        let csrf = self.csrf.clone();
        let mut all = vec![("csrf", csrf.as_str())];
        all.extend(fields);
        let form = serde_html_form::to_string(&all).unwrap();
        let kind = "application/x-www-form-urlencoded";
        let request = Request::post(path).header(header::CONTENT_TYPE, kind);
        self.ask(request, Body::from(form)).await
    }

    async fn ask(&mut self, request: http::request::Builder, body: Body) -> Got {
        let cookies = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        let cookies = cookies.collect::<Vec<_>>().join("; ");
        let request = request.header(header::COOKIE, cookies);
        let got = self.bench.send(request.body(body).unwrap()).await;
        for set in got.headers.get_all(header::SET_COOKIE) {
            let set = set.to_str().unwrap();
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            match set.contains("Max-Age=0") {
                true => self.cookies.remove(name),
                false => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        if let Some((_, after)) = got.text.split_once("name=\"csrf\" value=\"") {
            self.csrf = after.split_once('"').unwrap().0.to_owned();
        }
        got
    }
}
