//! A reverse proxy that makes AWS misbehave on request: denials, throttling, server errors, slow,
//! silent, cut and broken answers, small pages, a wrong clock; before moto or a recording.
//! How an error looks in each protocol is in `shape`; nothing here judges what the client does.

mod relay;
mod shape;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use futures::StreamExt;
use tokio::task::AbortHandle;
use yagura_aws::Api;
use yagura_aws::replay::{Identified, Router};

use crate::recorded::{plain, serve};
use relay::Relay;

const REQUEST_SIZE_BYTES_MAX: usize = 16 << 20;
/// AWS refuses a signature whose time is farther away than this.
const SKEW_MAX: Duration = Duration::from_secs(300);

/// What goes wrong.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The caller may not, in the words of the service's protocol; with AWS's message.
    Denied(String),
    /// An error of AWS with this status, code and message.
    Error(u16, String, String),
    /// Refused by rate.
    Throttled,
    /// A status without an AWS code, as a proxy or load balancer sends.
    Bare(u16),
    /// The answer comes after this time.
    Slow(Duration),
    /// The answer never comes.
    Silent,
    /// The connection ends in the middle of the answer.
    Truncated,
    /// The answer is not what the protocol demands.
    Garbage,
    /// AWS's clock says this: requests signed at another time are refused.
    Clock(SystemTime),
    /// Pages hold at most so many items, by the operation's own limit.
    PageLimit(u32),
}

/// When it goes wrong: every part that is stated must fit.
#[derive(Clone, Debug)]
pub struct Rule {
    service: Option<String>,
    operation: Option<String>,
    account: Option<String>,
    region: Option<String>,
    /// How many fitting requests pass before it goes wrong.
    skip: u32,
    /// How often it goes wrong.
    times: u32,
    fault: Fault,
}

impl Rule {
    /// Every request goes wrong; narrow it with the other functions.
    pub fn new(fault: Fault) -> Self {
        Self {
            service: None,
            operation: None,
            account: None,
            region: None,
            skip: 0,
            times: u32::MAX,
            fault,
        }
    }

    /// Only this service (`s3`).
    #[must_use]
    pub fn service(self, name: &str) -> Self {
        Self { service: Some(name.to_owned()), ..self }
    }

    /// Only this operation (`GetBucketPolicy`).
    #[must_use]
    pub fn operation(self, name: &str) -> Self {
        Self { operation: Some(name.to_owned()), ..self }
    }

    /// Only requests signed by this account.
    #[must_use]
    pub fn account(self, id: &str) -> Self {
        Self { account: Some(id.to_owned()), ..self }
    }

    /// Only requests signed for this region.
    #[must_use]
    pub fn region(self, name: &str) -> Self {
        Self { region: Some(name.to_owned()), ..self }
    }

    /// The first so many fitting requests pass.
    #[must_use]
    pub fn skip(self, requests: u32) -> Self {
        Self { skip: requests, ..self }
    }

    /// It goes wrong so many times, then never again.
    #[must_use]
    pub fn times(self, requests: u32) -> Self {
        Self { times: requests, ..self }
    }

    fn fits(&self, call: &Seen) -> bool {
        let one = |wanted: &Option<String>, found: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == found)
        };
        one(&self.service, &call.service)
            && one(&self.operation, &call.operation)
            && one(&self.account, &call.account)
            && one(&self.region, &call.region)
    }
}

/// A request that came through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The service.
    pub service: String,
    /// The operation.
    pub operation: String,
    /// The account that signed it; empty if unsigned.
    pub account: String,
    /// The region it was signed for; empty if unsigned.
    pub region: String,
}

/// The running proxy; it ends when this is dropped.
#[derive(Debug)]
pub struct Faults {
    address: SocketAddr,
    state: Arc<Proxy>,
    server: AbortHandle,
}

#[derive(Debug)]
struct Proxy {
    api: Api,
    router: Router,
    relay: Relay,
    caller: String,
    rules: Mutex<Vec<Rule>>,
    seen: Mutex<Vec<Seen>>,
    /// Whose key is whose, learned from answers of `sts:AssumeRole`.
    keys: Mutex<HashMap<String, String>>,
}

impl Faults {
    /// Stands before `upstream` (an address such as `http://127.0.0.1:5000`) and recognises the
    /// calls of `services`; other requests pass. `caller` is the account of unknown access keys.
    ///
    /// # Errors
    /// When no port can be bound, or a service is not in the table.
    pub async fn before(
        upstream: &str,
        api: &Api,
        services: &[&str],
        caller: &str,
    ) -> std::io::Result<Self> {
        let services = services.iter().copied().chain(["sts"]);
        let state = Arc::new(Proxy {
            api: api.clone(),
            router: Router::new(api, services).map_err(std::io::Error::other)?,
            relay: Relay::to(upstream),
            caller: caller.to_owned(),
            rules: Mutex::default(),
            seen: Mutex::default(),
            keys: Mutex::default(),
        });
        let app = axum::Router::new().fallback(handle).with_state(Arc::clone(&state));
        let (address, server) = serve(app).await?;
        Ok(Self { address, state, server })
    }

    /// The address, for `--endpoint-url`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Adds a rule; the first that fits decides.
    pub fn inject(&self, rule: Rule) {
        self.state.rules.lock().unwrap_or_else(PoisonError::into_inner).push(rule);
    }

    /// Removes all rules.
    pub fn clear(&self) {
        self.state.rules.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What came through, in order.
    pub fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Faults {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn handle(State(proxy): State<Arc<Proxy>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = match to_bytes(body, REQUEST_SIZE_BYTES_MAX).await {
        Ok(body) => body,
        Err(error) => return plain(400, error.to_string()),
    };
    let Some(identified) = proxy.router.identify(&parts, &body) else {
        return proxy.relay.pass(parts, body).await;
    };
    let fault = proxy.fault(&identified);
    let response = proxy.answer(&identified, fault, parts, body).await;
    if identified.operation == "AssumeRole" { proxy.learn(response).await } else { response }
}

impl Proxy {
    /// Notes the request, and finds what shall go wrong with it.
    fn fault(&self, identified: &Identified) -> Option<Fault> {
        let seen = Seen {
            service: identified.service.clone(),
            operation: identified.operation.clone(),
            account: self.account(identified.access_key.as_deref()),
            region: identified.region.clone().unwrap_or_default(),
        };
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let rule = rules.iter_mut().find(|rule| rule.fits(&seen) && rule.times > 0);
        let fault = rule.and_then(|rule| {
            if rule.skip > 0 {
                rule.skip -= 1;
                return None;
            }
            rule.times -= 1;
            Some(rule.fault.clone())
        });
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
        fault
    }

    fn account(&self, access_key: Option<&str>) -> String {
        let Some(key) = access_key else { return String::new() };
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.get(key).unwrap_or(&self.caller).clone()
    }

    async fn answer(
        &self,
        identified: &Identified,
        fault: Option<Fault>,
        parts: http::request::Parts,
        body: Bytes,
    ) -> Response {
        let error = |status, code: &str, message: &str| {
            shape::error(&self.api, identified, status, code, message)
        };
        match fault {
            None => self.relay.pass(parts, body).await,
            Some(Fault::Denied(message)) => shape::denied(&self.api, identified, &message),
            Some(Fault::Error(status, code, message)) => error(status, &code, &message),
            Some(Fault::Throttled) => shape::throttled(&self.api, identified),
            Some(Fault::Bare(status)) => plain(status, "<p>gateway</p>".into()),
            Some(Fault::Slow(time)) => {
                tokio::time::sleep(time).await;
                self.relay.pass(parts, body).await
            }
            Some(Fault::Silent) => std::future::pending().await,
            Some(Fault::Truncated) => truncated(self.relay.pass(parts, body).await).await,
            Some(Fault::Garbage) => plain(200, "{\"<\u{0}garbage".into()),
            Some(Fault::Clock(now)) => match shape::skewed(&parts, now, SKEW_MAX) {
                true => shape::with_date(
                    error(403, "RequestTimeTooSkewed", "The difference is too large."),
                    now,
                ),
                false => shape::with_date(self.relay.pass(parts, body).await, now),
            },
            Some(Fault::PageLimit(items)) => {
                let (parts, body) =
                    shape::with_page_limit(&self.api, identified, parts, body, items);
                self.relay.pass(parts, body).await
            }
        }
    }

    /// Reads whose key an answer of `AssumeRole` hands out.
    async fn learn(&self, response: Response) -> Response {
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, REQUEST_SIZE_BYTES_MAX).await.unwrap_or_default();
        let text = String::from_utf8_lossy(&body);
        let between = |start: &str, end: &str| {
            text.split_once(start)?.1.split_once(end).map(|(found, _)| found.to_owned())
        };
        let key = between("<AccessKeyId>", "</AccessKeyId>");
        let account =
            between("<Arn>", "</Arn>").and_then(|arn| arn.split(':').nth(4).map(str::to_owned));
        if let (Some(key), Some(account)) = (key, account) {
            self.keys.lock().unwrap_or_else(PoisonError::into_inner).insert(key, account);
        }
        Response::from_parts(parts, Body::from(body))
    }
}

/// Half of an answer that promised to be whole.
async fn truncated(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    parts.headers.insert(http::header::CONTENT_LENGTH, (body.len().max(2)).into());
    let half = body.slice(..body.len() / 2);
    let cut = futures::stream::once(async move { Ok(half) })
        .chain(futures::stream::once(async { Err(std::io::Error::other("cut")) }));
    Response::from_parts(parts, Body::from_stream(cut))
}
