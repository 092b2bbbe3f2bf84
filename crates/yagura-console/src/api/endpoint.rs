//! The one way to register an address of the API: what it takes and gives are types, from which
//! the OpenAPI document is written. So the document cannot forget an address.
//! What addresses answer is in the files beside; how the document is laid out in `document.rs`.

use std::future::Future;

use axum::body::Bytes;
use axum::extract::{Extension, RawPathParams, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::repeated;
use crate::fault::{Answer, Fault};
use crate::gate::{Need, Routes};
use crate::layout::links;
use crate::state::Console;
use crate::viewer::{Permission, Role, Viewer};

/// Where all addresses are.
pub(super) const BASE: &str = "/api/v1";

/// Who asks, and how.
pub(crate) struct Reader {
    pub(crate) console: Console,
    pub(crate) viewer: Viewer,
    headers: HeaderMap,
    path: String,
    query: Vec<(String, String)>,
    named: Vec<(String, String)>,
}

impl Reader {
    /// Somebody who asks by other means than an address.
    pub(crate) fn direct(console: Console, viewer: Viewer) -> Self {
        Self {
            console,
            viewer,
            headers: HeaderMap::new(),
            path: String::new(),
            query: Vec::new(),
            named: Vec::new(),
        }
    }

    /// A part of the path by its name.
    pub(super) fn named(&self, name: &str) -> &str {
        let mut all = self.named.iter();
        all.find(|(one, _)| one == name).map_or("", |(_, value)| value.as_str())
    }

    /// A header, where it is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The address of the next page; the bare cursor where there is no address.
    pub(super) fn next(&self, cursor: impl std::fmt::Display) -> String {
        if self.path.is_empty() {
            return cursor.to_string();
        }
        let cursor = cursor.to_string();
        let kept = self.query.iter().filter(|(name, _)| name != "after");
        let kept = kept.map(|(name, value)| (name.as_str(), value.as_str()));
        format!("{}?{}", self.path, links::query(kept.chain([("after", cursor.as_str())])))
    }
}

/// What is said of an address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said {
    /// Below [`BASE`], parameters in braces.
    pub(super) path: &'static str,
    pub(super) role: Role,
    pub(super) permission: Permission,
    /// Its name in the document: `listFindings`.
    pub(super) id: &'static str,
    /// A line.
    pub(super) summary: &'static str,
}

/// An address as the document tells of it.
pub(super) struct Described {
    pub(super) method: Method,
    pub(super) said: Said,
    /// The members of what is asked: in the path or the query.
    pub(super) asked: Value,
    /// The schema of the body, where there is one.
    pub(super) body: Option<Value>,
    /// The schema of the answer.
    pub(super) answer: Value,
}

/// Addresses under way of being registered.
pub(super) struct Endpoints {
    routes: Routes,
    described: Vec<Described>,
    generator: SchemaGenerator,
}

/// All that was registered.
pub(super) struct Registered {
    pub(super) routes: Routes,
    pub(super) described: Vec<Described>,
    /// Schemas by name.
    pub(super) schemas: serde_json::Map<String, Value>,
}

/// Nothing is asked.
#[derive(serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

impl Endpoints {
    pub(super) fn new(routes: Routes) -> Self {
        let settings = SchemaSettings::draft2020_12();
        let settings = settings.with(|s| s.definitions_path = "/components/schemas".into());
        Self { routes, described: Vec::new(), generator: settings.into_generator() }
    }

    pub(super) fn end(mut self) -> Registered {
        let schemas = self.generator.take_definitions(true);
        Registered { routes: self.routes, described: self.described, schemas }
    }

    /// What reads: parameters of path and query in, JSON with an `ETag` out.
    pub(super) fn get<Q, T, R>(
        mut self,
        said: Said,
        handler: impl Fn(Reader, Q) -> R + Clone + Send + Sync + 'static,
    ) -> Self
    where
        Q: DeserializeOwned + JsonSchema + Send + 'static,
        T: Serialize + JsonSchema,
        R: Future<Output = Result<T, Fault>> + Send + 'static,
    {
        self.describe::<Q, Nothing, T>(Method::GET, said);
        let route = async move |State(console): State<Console>,
                                Extension(viewer): Extension<Viewer>,
                                path: RawPathParams,
                                uri: Uri,
                                headers: HeaderMap|
                    -> Answer {
            let reader = reader(console, viewer, &path, &uri, headers);
            let asked = asked(&reader)?;
            let sent = reader.headers.get(header::IF_NONE_MATCH).cloned();
            let answer = handler(reader, asked).await?;
            given(&answer, sent.as_ref())
        };
        self.routes = self.routes.get(address(said.path), need(said), route);
        self
    }

    /// What changes something, or asks more than fits an address: JSON in, JSON out. With an
    /// `Idempotency-Key` the same request is done once within a day.
    pub(super) fn post<B, T, R>(
        mut self,
        said: Said,
        handler: impl Fn(Reader, B) -> R + Clone + Send + Sync + 'static,
    ) -> Self
    where
        B: DeserializeOwned + JsonSchema + Send + 'static,
        T: Serialize + JsonSchema + Send,
        R: Future<Output = Result<T, Fault>> + Send + 'static,
    {
        self.describe::<Nothing, B, T>(Method::POST, said);
        let route = async move |State(console): State<Console>,
                                Extension(viewer): Extension<Viewer>,
                                path: RawPathParams,
                                uri: Uri,
                                headers: HeaderMap,
                                body: Bytes|
                    -> Answer {
            let reader = reader(console.clone(), viewer.clone(), &path, &uri, headers.clone());
            let _: Nothing = asked_of(&reader.query)?;
            let asked: B = posted(&reader, &body)?;
            let once = repeated::Once::of(&viewer, &headers, &uri, &body)?;
            let held = match repeated::turn(&console, once).await? {
                repeated::Turn::Ours(held) => held,
                repeated::Turn::Done(answer) => return Ok(answer),
            };
            let answer = handler(reader, asked).await;
            let answer = answer.and_then(|answer| given(&answer, None));
            match answer {
                Ok(answer) => repeated::keep(held, answer).await,
                Err(fault) => {
                    held.give_up().await;
                    refused(fault, &headers)
                }
            }
        };
        self.routes = self.routes.post(address(said.path), need(said), route);
        self
    }

    fn describe<Q: JsonSchema, B: JsonSchema, T: JsonSchema>(
        &mut self,
        method: Method,
        said: Said,
    ) {
        let inline = SchemaSettings::draft2020_12().with(|s| s.inline_subschemas = true);
        let asked = inline.into_generator().into_root_schema_for::<Q>().to_value();
        let changes = method == Method::POST;
        let body = changes.then(|| self.generator.subschema_for::<B>().to_value());
        let answer = self.generator.subschema_for::<T>().to_value();
        self.described.push(Described { method, said, asked, body, answer });
    }
}

/// Who says which version they change is told by the status that it is another by now.
fn refused(fault: Fault, headers: &HeaderMap) -> Answer {
    if !matches!(fault, Fault::Conflict) || !headers.contains_key(header::IF_MATCH) {
        return Err(fault);
    }
    let mut refused = fault.into_response();
    *refused.status_mut() = StatusCode::PRECONDITION_FAILED;
    Ok(refused)
}

fn need(said: Said) -> Need {
    Need::Scoped(said.role, said.permission)
}

/// The whole path. Routes keep theirs for as long as the program runs, and there are few.
pub(super) fn address(path: &str) -> &'static str {
    Box::leak(format!("{BASE}{path}").into_boxed_str())
}

fn reader(
    console: Console,
    viewer: Viewer,
    path: &RawPathParams,
    uri: &Uri,
    headers: HeaderMap,
) -> Reader {
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let query = uri.query().unwrap_or_default();
    Reader {
        console,
        viewer,
        headers,
        path: uri.path().to_owned(),
        query: serde_html_form::from_str(query).unwrap_or_default(),
        named: path.iter().map(owned).collect(),
    }
}

fn asked<Q: DeserializeOwned>(reader: &Reader) -> Result<Q, Fault> {
    let pairs: Vec<_> = reader.named.iter().chain(&reader.query).cloned().collect();
    asked_of(&pairs)
}

fn asked_of<Q: DeserializeOwned>(pairs: &[(String, String)]) -> Result<Q, Fault> {
    let senseless = |error: String| Fault::BadRequest(error);
    let text = serde_html_form::to_string(pairs).map_err(|error| senseless(error.to_string()))?;
    serde_html_form::from_str(&text).map_err(|error| senseless(error.to_string()))
}

fn posted<B: DeserializeOwned>(reader: &Reader, body: &[u8]) -> Result<B, Fault> {
    let kind = reader.header("content-type").unwrap_or_default();
    if kind.split(';').next().map(str::trim) != Some("application/json") {
        return Err(Fault::BadRequest("the body must be `application/json`".to_owned()));
    }
    serde_json::from_slice(body).map_err(|error| Fault::BadRequest(error.to_string()))
}

/// An answer as JSON, or that nothing has changed since it was last given.
fn given<T: Serialize>(answer: &T, sent: Option<&HeaderValue>) -> Answer {
    let body = serde_json::to_vec(answer)
        .map_err(|error| Fault::Unavailable(format!("the answer could not be written: {error}")))?;
    let value: Option<u64> = version_of(&body);
    let digest = hex::encode(Sha256::digest(&body).get(..8).unwrap_or_default());
    let tag = match value {
        Some(version) => format!("\"{version}-{digest}\""),
        None => format!("\"{digest}\""),
    };
    let known = sent.and_then(|value| value.to_str().ok()).is_some_and(|sent| {
        sent.split(',').any(|one| one.trim().trim_start_matches("W/") == tag || one.trim() == "*")
    });
    let mut response = match known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => (StatusCode::OK, body).into_response(),
    };
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    if !known {
        let kind = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, kind);
    }
    let kept = HeaderValue::from_static("private, no-cache");
    headers.insert(header::CACHE_CONTROL, kept);
    Ok(response)
}

/// The version of a thing that has one: it stands first in its tag, for `If-Match`.
fn version_of(body: &[u8]) -> Option<u64> {
    #[derive(serde::Deserialize)]
    struct Versioned {
        version: u64,
    }
    serde_json::from_slice::<Versioned>(body).ok().map(|one| one.version)
}

/// The version in `If-Match`: its tag as it was given, or the bare number.
pub(super) fn version_expected(reader: &Reader) -> Result<Option<u64>, Fault> {
    let Some(sent) = reader.header("if-match") else { return Ok(None) };
    if sent.trim() == "*" {
        return Ok(None);
    }
    let plain = sent.trim().trim_start_matches("W/").trim_matches('"');
    let number = plain.split('-').next().unwrap_or_default();
    number.parse().map(Some).map_err(|_| {
        Fault::BadRequest("`If-Match` is no tag of a finding: send its `ETag` back".to_owned())
    })
}

/// What the gate and tests need to know of an answer that is kept.
pub(super) async fn whole(response: Response) -> Result<(StatusCode, Bytes, Response), Fault> {
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX)
        .await
        .map_err(|_| Fault::Unavailable("the answer could not be written".to_owned()))?;
    let status = parts.status;
    let response = Response::from_parts(parts, axum::body::Body::from(bytes.clone()));
    Ok((status, bytes, response))
}
