//! A connector whose answers a test writes, and what it saw.
//! It speaks no protocol: bodies are what the test says.

use std::fmt;
use std::sync::{Arc, LazyLock, Mutex};

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;

use crate::{Actions, Api};

/// The tables of the repository.
pub(crate) fn tables() -> (Api, Actions) {
    static TABLES: LazyLock<(Api, Actions)> = LazyLock::new(|| {
        let services = include_bytes!("../../../../../content/aws-api/services.zst");
        let actions = include_bytes!("../../../../../content/aws-api/actions.zst");
        (Api::open(services).unwrap(), Actions::open(actions).unwrap())
    });
    TABLES.clone()
}

/// What a request is answered with.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Answer { status: u16, headers: Vec<(&'static str, String)>, body: String },
    Broken(&'static str),
    Silent,
}

impl Reply {
    pub(crate) fn xml(status: u16, body: &str) -> Self {
        Self::Answer { status, headers: Vec::new(), body: body.to_owned() }
    }

    pub(crate) fn json(status: u16, body: &str) -> Self {
        Self::xml(status, body).with("content-type", "application/x-amz-json-1.1")
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        if let Self::Answer { headers, .. } = &mut self {
            headers.push((name, value.to_owned()));
        }
        self
    }
}

/// A request as it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    uri: http::Uri,
    headers: http::HeaderMap,
    parameters: Vec<(String, String)>,
    body: String,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A parameter of the form in the body.
    pub(crate) fn form(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn body(&self) -> &str {
        &self.body
    }

    pub(crate) fn host_is(&self, start: &str) -> bool {
        self.uri.host().is_some_and(|host| host.starts_with(start))
    }

    /// `Credential=KEY/DATE/REGION/SERVICE/aws4_request`.
    fn scope(&self, n: usize) -> String {
        let text = self.header("authorization").unwrap_or_default();
        let credential = text.split("Credential=").nth(1).unwrap_or_default();
        credential.split('/').nth(n).unwrap_or_default().to_owned()
    }

    pub(crate) fn access_key(&self) -> String {
        self.scope(0)
    }

    pub(crate) fn scope_region(&self) -> String {
        self.scope(2)
    }
}

type Script = dyn Fn(u32, &Request) -> Reply + Send + Sync;

/// The connector. The script gets the number of the request (after the last `forget`) and it.
#[derive(Clone)]
pub(crate) struct Fake {
    script: Arc<Script>,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl fmt::Debug for Fake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fake")
    }
}

impl Fake {
    pub(crate) fn new(script: impl Fn(u32, &Request) -> Reply + Send + Sync + 'static) -> Self {
        Self { script: Arc::new(script), seen: Arc::default() }
    }

    pub(crate) fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn forget(&self) {
        self.seen.lock().unwrap().clear();
    }
}

impl HttpConnector for Fake {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (parts, body) = request.try_into_http1x().unwrap().into_parts();
        let body = String::from_utf8_lossy(body.bytes().unwrap_or_default()).into_owned();
        let decode = |text: &str| {
            percent_encoding::percent_decode_str(&text.replace('+', " "))
                .decode_utf8_lossy()
                .into_owned()
        };
        let parameters = body
            .split('&')
            .filter_map(|part| part.split_once('='))
            .map(|(name, value)| (decode(name), decode(value)))
            .collect();
        let request = Request { uri: parts.uri, headers: parts.headers, parameters, body };
        let n = u32::try_from(self.seen.lock().unwrap().len()).unwrap();
        let reply = (self.script)(n, &request);
        self.seen.lock().unwrap().push(request);
        match reply {
            Reply::Answer { status, headers, body } => {
                let mut response = http::Response::builder().status(status);
                for (name, value) in headers {
                    response = response.header(name, value);
                }
                let response = response.body(SdkBody::from(body)).unwrap();
                HttpConnectorFuture::ready(Ok(HttpResponse::try_from(response).unwrap()))
            }
            Reply::Broken(text) => {
                let error = ConnectorError::io(std::io::Error::other(text).into());
                HttpConnectorFuture::ready(Err(error))
            }
            Reply::Silent => HttpConnectorFuture::new(std::future::pending()),
        }
    }
}
