//! Answers from a recording instead of the network: what AWS would send, byte for byte.
//! Recordings are made elsewhere; a call that is not in one is never invented.
//!
//! A recording is a zstd file of JSON lines, one [`RecordedAnswer`] each. The account of a request
//! is found by its access key (the recorded answers of `sts:AssumeRole` say whose key is whose),
//! the region by its signature's scope, the operation as AWS finds it; see [`Router`].

mod facts;
mod router;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use router::{Identified, Router};

use crate::api::Api;

/// The key of AWS's own documentation: it opens nothing.
const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
/// No recording of ours comes near this; a damaged one may claim it.
const SIZE_BYTES_MAX: u64 = 2 << 30;
/// How many unmatched calls are kept by name.
const UNMATCHED_MAX: usize = 100;
/// What stands for every account or every region.
const ANY: &str = "*";

/// One line of a recording: an answer of AWS, and the calls it answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedAnswer {
    /// The account whose session asks: twelve digits, or `*`.
    pub account: String,
    /// The region asked, or `*`; services without regions are asked in their signing region.
    pub region: String,
    /// The service as botocore names its folder.
    pub service: String,
    /// The operation.
    pub operation: String,
    /// Input members that the call must have; among several lines the one with most members wins,
    /// and lines with equal members answer one after another, the last one from then on.
    #[serde(rename = "match", default, skip_serializing_if = "Map::is_empty")]
    pub matching: Map<String, Value>,
    /// The HTTP status.
    pub status: u16,
    /// The HTTP headers that matter.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: RecordedBody,
}

/// A recorded body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RecordedBody {
    /// Text as it was sent.
    Text(String),
    /// Bytes that are no text.
    Bytes {
        /// In base64.
        base64: String,
    },
}

impl RecordedBody {
    fn bytes(&self) -> Option<Bytes> {
        match self {
            Self::Text(text) => Some(Bytes::copy_from_slice(text.as_bytes())),
            Self::Bytes { base64 } => BASE64_STANDARD.decode(base64).ok().map(Bytes::from),
        }
    }
}

/// Why a recording cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The file is no recording, or is cut off.
    #[error("the recording cannot be read after line {line}")]
    Read {
        /// The last whole line.
        line: usize,
        /// Why.
        source: std::io::Error,
    },
    /// A line is not what a line of a recording is.
    #[error("line {line} of the recording: {what}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
}

/// A recording, indexed. Cheap to clone.
#[derive(Clone)]
pub struct Replay {
    inner: Arc<Inner>,
}

struct Inner {
    router: Router,
    caller: String,
    /// Whose key is whose, by access key id.
    keys: HashMap<String, String>,
    answers: HashMap<Place, Vec<Group>>,
    calls: AtomicU64,
    unmatched: AtomicU64,
    unmatched_names: Mutex<Vec<String>>,
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay").field("caller", &self.inner.caller).finish_non_exhaustive()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Place {
    account: String,
    region: String,
    operation: usize,
}

/// The lines of one place that match by the same members.
#[derive(Debug)]
struct Group {
    names: Vec<String>,
    by_values: HashMap<Vec<String>, Series>,
}

/// Answers that follow one another.
#[derive(Debug, Default)]
struct Series {
    answers: Vec<Arc<WireAnswer>>,
    asked: AtomicUsize,
}

/// An answer as it goes over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The HTTP headers.
    pub headers: http::HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Replay {
    /// Opens a recording: zstd of JSON lines.
    ///
    /// # Errors
    /// When it is damaged or cut off, a line is broken, or a line names an operation or a member
    /// that AWS does not have.
    pub fn open(recording: impl Read, api: &Api) -> Result<Self, ReplayError> {
        let read = |source| ReplayError::Read { line: 0, source };
        let plain = zstd::Decoder::new(recording).map_err(read)?;
        Self::read(BufReader::new(plain.take(SIZE_BYTES_MAX)), api)
    }

    /// Reads the JSON lines of a recording.
    ///
    /// # Errors
    /// As [`Replay::open`].
    pub fn read(lines: impl BufRead, api: &Api) -> Result<Self, ReplayError> {
        let mut answers = Vec::new();
        for (n, line) in lines.lines().enumerate() {
            let line = line.map_err(|source| ReplayError::Read { line: n, source })?;
            if line.trim().is_empty() {
                continue;
            }
            let answer = serde_json::from_str(&line)
                .map_err(|error| ReplayError::Line { line: n + 1, what: error.to_string() })?;
            answers.push((n + 1, answer));
        }
        Self::index(answers, api)
    }

    /// A recording made in memory.
    ///
    /// # Errors
    /// As [`Replay::open`], with the position in the list as the line.
    pub fn new(
        answers: impl IntoIterator<Item = RecordedAnswer>,
        api: &Api,
    ) -> Result<Self, ReplayError> {
        Self::index(answers.into_iter().enumerate().map(|(n, answer)| (n + 1, answer)), api)
    }

    fn index(
        lines: impl IntoIterator<Item = (usize, RecordedAnswer)>,
        api: &Api,
    ) -> Result<Self, ReplayError> {
        let lines: Vec<(usize, RecordedAnswer)> = lines.into_iter().collect();
        let services: Vec<&str> = lines.iter().map(|(_, line)| line.service.as_str()).collect();
        let router = Router::new(api, services)
            .map_err(|error| ReplayError::Line { line: 1, what: error.to_string() })?;
        let caller = lines
            .iter()
            .find(|(_, line)| line.operation == "GetCallerIdentity")
            .or_else(|| lines.first())
            .map(|(_, line)| line.account.clone())
            .unwrap_or_default();
        let mut keys = HashMap::new();
        let mut answers: HashMap<Place, Vec<Group>> = HashMap::new();
        for (n, line) in &lines {
            let broken = |what: String| ReplayError::Line { line: *n, what };
            if line.service == "sts" && line.operation == "AssumeRole" {
                keys.extend(key_and_account(line));
            }
            let operation = router
                .number(&line.service, &line.operation)
                .ok_or_else(|| broken(format!("no operation `{}`", line.operation)))?;
            let facts = router.facts_of_match(operation, &line.matching).map_err(broken)?;
            let answer = wire_answer(line).map_err(broken)?;
            let region = if line.region == "global" { ANY } else { &line.region };
            let place =
                Place { account: line.account.clone(), region: region.to_owned(), operation };
            let (names, values): (Vec<String>, Vec<String>) = facts.into_iter().unzip();
            let groups = answers.entry(place).or_default();
            let at = groups.iter().position(|group| group.names == names).unwrap_or_else(|| {
                groups.push(Group { names, by_values: HashMap::new() });
                groups.len() - 1
            });
            if let Some(group) = groups.get_mut(at) {
                group.by_values.entry(values).or_default().answers.push(Arc::new(answer));
            }
        }
        for groups in answers.values_mut() {
            groups.sort_by_key(|group| std::cmp::Reverse(group.names.len()));
        }
        let inner = Inner {
            router,
            caller,
            keys,
            answers,
            calls: AtomicU64::new(0),
            unmatched: AtomicU64::new(0),
            unmatched_names: Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The account whose credentials the recording was made with.
    pub fn caller(&self) -> &str {
        &self.inner.caller
    }

    /// The access key id of the caller.
    pub fn access_key(&self) -> &'static str {
        ACCESS_KEY
    }

    /// Requests answered so far, unmatched ones included.
    pub fn calls(&self) -> u64 {
        self.inner.calls.load(Ordering::Relaxed)
    }

    /// Requests without a recorded answer: how many, and the first hundred by name. Each is a
    /// defect of the recording.
    pub fn unmatched(&self) -> (u64, Vec<String>) {
        let names = self.inner.unmatched_names.lock().unwrap_or_else(PoisonError::into_inner);
        (self.inner.unmatched.load(Ordering::Relaxed), names.clone())
    }

    /// The recorded answer to a request; 599 with an explanation if there is none.
    pub fn answer(&self, request: &http::request::Parts, body: &[u8]) -> Arc<WireAnswer> {
        let inner = &*self.inner;
        inner.calls.fetch_add(1, Ordering::Relaxed);
        let Some(identified) = inner.router.identify(request, body) else {
            return self.no_answer(format!("{} {}", request.method, request.uri));
        };
        let account = identified
            .access_key
            .as_deref()
            .and_then(|key| inner.keys.get(key))
            .unwrap_or(&inner.caller);
        let region = identified.region.as_deref().unwrap_or(ANY);
        let facts = inner.router.facts(&identified, request, body);
        for (account, region) in
            [(account.as_str(), region), (account, ANY), (ANY, region), (ANY, ANY)]
        {
            let place = Place {
                account: account.to_owned(),
                region: region.to_owned(),
                operation: identified.number,
            };
            let groups = inner.answers.get(&place).map(Vec::as_slice).unwrap_or_default();
            if let Some(answer) = groups.iter().find_map(|group| group.answer(&facts)) {
                return answer;
            }
        }
        let Identified { service, operation, .. } = &identified;
        self.no_answer(format!("{service}:{operation} in account {account} in {region}"))
    }

    fn no_answer(&self, name: String) -> Arc<WireAnswer> {
        self.inner.unmatched.fetch_add(1, Ordering::Relaxed);
        let body = format!("the recording holds no answer to {name}");
        let mut names = self.inner.unmatched_names.lock().unwrap_or_else(PoisonError::into_inner);
        if names.len() < UNMATCHED_MAX {
            names.push(name);
        }
        Arc::new(WireAnswer { status: 599, headers: http::HeaderMap::new(), body: body.into() })
    }

    pub(crate) fn connector(&self) -> impl HttpConnector + 'static {
        Connector(self.clone())
    }
}

/// Writes a recording.
///
/// # Errors
/// When the writer fails.
pub fn write_recording<'a>(
    answers: impl IntoIterator<Item = &'a RecordedAnswer>,
    writer: impl Write,
) -> std::io::Result<()> {
    let mut packed = zstd::Encoder::new(writer, 19)?;
    for answer in answers {
        serde_json::to_writer(&mut packed, answer)?;
        packed.write_all(b"\n")?;
    }
    packed.finish()?.flush()
}

impl Group {
    fn answer(&self, facts: &BTreeMap<String, String>) -> Option<Arc<WireAnswer>> {
        let values: Option<Vec<String>> =
            self.names.iter().map(|name| facts.get(name).cloned()).collect();
        let series = self.by_values.get(&values?)?;
        let asked = series.asked.fetch_add(1, Ordering::Relaxed);
        series.answers.get(asked).or(series.answers.last()).map(Arc::clone)
    }
}

/// The access key in a recorded answer of `AssumeRole`, and the account of the role.
fn key_and_account(line: &RecordedAnswer) -> Option<(String, String)> {
    let body = line.body.bytes()?;
    let body = std::str::from_utf8(&body).ok()?;
    let between = |start: &str, end: &str| {
        body.split_once(start)?.1.split_once(end).map(|(text, _)| text.to_owned())
    };
    let key = between("<AccessKeyId>", "</AccessKeyId>")?;
    let role = match line.matching.get("RoleArn").and_then(Value::as_str) {
        Some(role) => role.to_owned(),
        None => between("<Arn>", "</Arn>")?,
    };
    let account = role.split(':').nth(4)?.to_owned();
    Some((key, account))
}

fn wire_answer(line: &RecordedAnswer) -> Result<WireAnswer, String> {
    let mut headers = http::HeaderMap::new();
    for (name, value) in &line.headers {
        let name = name.parse::<http::HeaderName>().map_err(|_| format!("header `{name}`"))?;
        let value = value.parse::<http::HeaderValue>().map_err(|_| format!("header `{name}`"))?;
        headers.insert(name, value);
    }
    let body = line.body.bytes().ok_or("the body is not base64")?;
    if !(100..600).contains(&line.status) {
        return Err(format!("status {} is none of HTTP", line.status));
    }
    Ok(WireAnswer { status: line.status, headers, body })
}

/// The way out that leads back in.
#[derive(Debug)]
struct Connector(Replay);

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::ready(respond(&self.0, request))
    }
}

fn respond(replay: &Replay, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
    let (parts, body) = request.into_parts();
    let answer = replay.answer(&parts, body.bytes().unwrap_or_default());
    let mut response = http::Response::builder().status(answer.status);
    if let Some(headers) = response.headers_mut() {
        headers.extend(answer.headers.clone());
    }
    let response = response
        .body(SdkBody::from(answer.body.clone()))
        .map_err(|error| ConnectorError::user(error.into()))?;
    HttpResponse::try_from(response).map_err(|error| ConnectorError::user(error.into()))
}

#[cfg(test)]
mod tests;
