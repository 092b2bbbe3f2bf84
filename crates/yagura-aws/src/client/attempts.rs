//! One call from its lookup to its answer: admission, endpoint, signature, attempts, and what is
//! learned on the way (clock, bucket region, ended sessions).
//! How long to pause is in `retry`; what an error means is in `error`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use serde_json::Value;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::buckets::{bucket_of, redirected_region};
use super::{Call, Inner};
use crate::api::{Operation, OperationAuth, Service};
use crate::credentials::Session;
use crate::endpoint::{self, AuthScheme, Endpoint, EndpointError, EndpointSettings};
use crate::error::{CallContext, CallError, CallErrorKind, Fault, fault_of, printable, seconds};
use crate::limits::{Lane, LaneKey};
use crate::protocol::{self, AnswerError, ServiceError};
use crate::retry::{Again, retry_after};
use crate::sign::{Scope, sign_request};
use crate::transport::{Answer, TransportFault};

/// A call that is under way.
pub(super) struct Course<'a> {
    pub(super) call: Call<'a>,
    pub(super) service: &'a Service,
    pub(super) operation: &'a Operation,
    pub(super) region: String,
    pub(super) attempts: u32,
    pub(super) deadline: Option<Instant>,
    /// Each lesson is learned once per call, so that no two of them can chase each other.
    learned_clock: bool,
    learned_bucket: bool,
    renewed: bool,
}

/// What one attempt came to.
pub(super) enum Attempt {
    Answered(Value),
    Refused(ServiceError),
    /// An answer that is not in the service's protocol: cut off, or not AWS's.
    Malformed {
        status: u16,
        reason: String,
        headers: http::HeaderMap,
    },
    /// An answer that this client cannot read at all.
    Unreadable(String),
    NotAnswered(TransportFault),
    NoTime,
}

/// What follows from it.
pub(super) enum Next {
    Done(Result<Value, CallError>),
    Again(Again, Option<Duration>, CallError),
    AtOnce,
}

impl Inner {
    /// One call, one page: until it is answered or given up.
    pub(super) fn answer<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Value, CallError>> {
        Box::pin(async move {
            let service = self.service(&call)?;
            let operation = self.find(&call, &service)?;
            self.run(&mut self.course(call, &service, operation)).await
        })
    }

    /// A call before its first attempt.
    pub(super) fn course<'a>(
        &self,
        call: Call<'a>,
        service: &'a Service,
        operation: &'a Operation,
    ) -> Course<'a> {
        let known = bucket_of(service, call.input).and_then(|name| self.buckets.get(name));
        Course {
            call,
            service,
            operation,
            region: known.unwrap_or_else(|| call.target.region.clone()),
            attempts: 0,
            deadline: None,
            learned_clock: false,
            learned_bucket: false,
            renewed: false,
        }
    }

    async fn run(&self, course: &mut Course<'_>) -> Result<Value, CallError> {
        loop {
            let session = match course.operation.auth() {
                OperationAuth::None => None,
                _ => Some(self.session(&course.call).await?),
            };
            let request = self.request(course, session.as_deref())?;
            let lane = self.limits.lane(LaneKey {
                account: course.call.target.account.clone(),
                region: course.region.clone(),
                service: course.call.service.to_owned(),
            });
            let permit = self.limits.admit(&lane).await;
            // The time starts when the call may leave: waiting in line is not AWS being slow.
            let now = Instant::now();
            let deadline = *course.deadline.get_or_insert(now + self.settings.deadline);
            let until = deadline.min(now + self.settings.attempt_timeout);
            self.counters.attempt(course.attempts == 0);
            course.attempts += 1;
            let attempt = match timeout_at(until, self.transport.send(request)).await {
                Ok(Ok(answer)) => self.read(course, answer),
                Ok(Err(fault)) => Attempt::NotAnswered(fault),
                Err(_) => Attempt::NoTime,
            };
            drop(permit);
            match self.next(course, attempt, session.as_ref(), &lane, now).await {
                Next::Done(result) => return result,
                Next::AtOnce => {}
                Next::Again(again, asked, error) => {
                    let Some(pause) = self.retries.pause(again, course.attempts, asked) else {
                        return Err(error);
                    };
                    let wake = Instant::now() + pause;
                    if wake >= deadline {
                        return Err(error);
                    }
                    sleep_until(wake).await;
                }
            }
        }
    }

    /// The signed request.
    pub(super) fn request(
        &self,
        course: &Course<'_>,
        session: Option<&Session>,
    ) -> Result<http::Request<Bytes>, CallError> {
        let Course { call, service, operation, .. } = course;
        let endpoint = self.endpoint(course)?;
        let mut request = protocol::encode(service, operation, call.input, &endpoint)
            .map_err(|error| call.failed(error.to_string()))?;
        let agent = concat!("yagura/", env!("CARGO_PKG_VERSION"));
        request
            .headers_mut()
            .entry(http::header::USER_AGENT)
            .or_insert(http::HeaderValue::from_static(agent));
        if let Some(session) = session {
            self.sign(course, &endpoint, session, &mut request)?;
        }
        Ok(request)
    }

    /// Signs a request as its endpoint asks for.
    pub(super) fn sign(
        &self,
        course: &Course<'_>,
        endpoint: &Endpoint,
        session: &Session,
        request: &mut http::Request<Bytes>,
    ) -> Result<(), CallError> {
        let Course { call, operation, .. } = course;
        match endpoint.auth_scheme {
            AuthScheme::None => return Ok(()),
            AuthScheme::SigV4 => {}
            scheme => {
                let message = format!("the endpoint asks for {scheme:?} signatures, not made here");
                return Err(call.failed(message));
            }
        }
        let scope = Scope {
            name: &endpoint.signing_name,
            region: &endpoint.signing_region,
            single_encoding: endpoint.single_encoding,
            unsigned_payload: operation.auth() == OperationAuth::UnsignedPayload,
        };
        sign_request(request, session.identity(), scope, self.clock.now())
            .map_err(|what| call.failed(format!("the request cannot be signed: {what}")))
    }

    pub(super) fn endpoint(&self, course: &Course<'_>) -> Result<Endpoint, CallError> {
        let Course { call, service, operation, region, .. } = course;
        let override_url = self.settings.endpoint_url(service);
        let settings = EndpointSettings {
            fips: self.settings.fips,
            dual_stack: self.settings.dual_stack,
            // A host made of a bucket and an IP address or `localhost` does not resolve.
            s3_path_style: self.settings.s3_path_style || override_url.is_some(),
            override_url,
            ..EndpointSettings::new(region.clone())
        };
        endpoint::resolve(service, operation, call.input, &settings).map_err(|error| {
            let kind = match &error {
                EndpointError::Refused { .. } => CallErrorKind::Unsupported,
                _ => CallErrorKind::Failed,
            };
            call.error(kind, error.to_string())
        })
    }

    pub(super) fn read(&self, course: &Course<'_>, answer: Answer) -> Attempt {
        let Answer { status, headers, body } = answer;
        self.counters.answer(body.len());
        match protocol::decode(course.service, course.operation, status, &headers, &body) {
            Ok(output) => Attempt::Answered(output),
            Err(AnswerError::Service(error)) => Attempt::Refused(*error),
            Err(AnswerError::Malformed { status, reason, .. }) => {
                Attempt::Malformed { status, reason, headers }
            }
            Err(error) => Attempt::Unreadable(error.to_string()),
        }
    }

    pub(super) async fn next(
        &self,
        course: &mut Course<'_>,
        attempt: Attempt,
        session: Option<&Arc<Session>>,
        lane: &Lane,
        sent: Instant,
    ) -> Next {
        match attempt {
            Attempt::Answered(output) => {
                self.retries.answered(course.attempts);
                Next::Done(Ok(output))
            }
            Attempt::Refused(error) => self.refused(course, error, session, lane, sent).await,
            Attempt::Malformed { status, reason, headers } => {
                course.malformed(status, &reason, &headers)
            }
            Attempt::Unreadable(what) => Next::Done(Err(course.error(CallErrorKind::Failed, what))),
            Attempt::NotAnswered(fault) => self.not_answered(course, fault).await,
            Attempt::NoTime => {
                let waited = seconds(sent.elapsed());
                let message = format!("no answer within {waited}");
                let error = course.error(CallErrorKind::TimedOut, message);
                Next::Again(Again::Timeout, None, error)
            }
        }
    }

    /// AWS answered with an error.
    async fn refused(
        &self,
        course: &mut Course<'_>,
        answer: ServiceError,
        session: Option<&Arc<Session>>,
        lane: &Lane,
        sent: Instant,
    ) -> Next {
        if self.follow(course, &answer) {
            return Next::AtOnce;
        }
        let fault = fault_of(answer.status, &answer.code, &answer.message);
        let kind = match &fault {
            Fault::Throttled => {
                self.counters.throttle();
                lane.refused(sent, Instant::now());
                let asked = retry_after(&answer.headers);
                let error = course.service_error(CallErrorKind::Throttled, answer);
                return Next::Again(Again::Throttled, asked, error);
            }
            Fault::Transient => {
                let asked = retry_after(&answer.headers);
                let error = course.service_error(CallErrorKind::Failed, answer);
                return Next::Again(Again::Transient, asked, error);
            }
            Fault::Skewed if self.learns(course, &answer) => return Next::AtOnce,
            // EC2 says `RequestExpired` of an ended session too.
            Fault::Skewed | Fault::Expired if self.renews(course, session) => return Next::AtOnce,
            Fault::UnknownIdentity => match session {
                Some(session) => self.judge_unknown_identity(&course.call, session).await,
                None => CallErrorKind::Failed,
            },
            _ if answer.is_absent_head(course.operation) => CallErrorKind::Absent,
            _ if answer.is_denied_head(course.operation) => Fault::Denied.kind(&answer.message),
            fault => fault.kind(&answer.message),
        };
        Next::Done(Err(course.service_error(kind, answer)))
    }

    /// The answer told the time, and it is not what we believed: once per call.
    fn learns(&self, course: &mut Course<'_>, answer: &ServiceError) -> bool {
        !std::mem::replace(&mut course.learned_clock, true) && self.clock.learn(&answer.headers)
    }

    /// The session has ended, and a new one may be had: once per call.
    fn renews(&self, course: &mut Course<'_>, session: Option<&Arc<Session>>) -> bool {
        let Some(session) = session else { return false };
        if std::mem::replace(&mut course.renewed, true) {
            return false;
        }
        self.forget(&course.call, session);
        true
    }

    /// S3 named another region: go there, once per call, and remember it for the bucket.
    fn follow(&self, course: &mut Course<'_>, answer: &ServiceError) -> bool {
        let Some(bucket) = bucket_of(course.service, course.call.input) else { return false };
        let region = redirected_region(answer.status, &answer.code, &answer.headers, &answer.extra);
        let Some(region) = region.filter(|region| *region != course.region) else { return false };
        if std::mem::replace(&mut course.learned_bucket, true) {
            return false;
        }
        self.buckets.learn(bucket, &region);
        course.region = region;
        true
    }

    /// Nothing came from AWS.
    async fn not_answered(&self, course: &Course<'_>, fault: TransportFault) -> Next {
        let message = fault.to_string();
        match fault {
            TransportFault::Timeout(_) => {
                let error = course.error(CallErrorKind::TimedOut, message);
                Next::Again(Again::Timeout, None, error)
            }
            TransportFault::Broken(_) => {
                let error = course.error(CallErrorKind::Failed, message);
                Next::Again(Again::Transient, None, error)
            }
            TransportFault::TooLarge(_) => {
                Next::Done(Err(course.error(CallErrorKind::Failed, message)))
            }
            TransportFault::NoSuchHost(_) => {
                if self.is_service_missing(course).await {
                    let error = course.error(
                        CallErrorKind::Unsupported,
                        "the region has no endpoint of this service",
                    );
                    return Next::Done(Err(error));
                }
                let error = course.error(CallErrorKind::Failed, message);
                Next::Again(Again::Transient, None, error)
            }
        }
    }

    /// Whether the host is missing because the region lacks the service, not because we are cut
    /// off: AWS's address was asked for (no override), it still does not exist, and the address
    /// of STS at home does exist at this moment.
    async fn is_service_missing(&self, course: &Course<'_>) -> bool {
        if self.settings.endpoint_url(course.service).is_some() {
            return false;
        }
        let host = self.endpoint(course).ok().and_then(|endpoint| host_of(&endpoint.url));
        let Some(host) = host else { return false };
        let Some(home) = self.home_host() else { return false };
        self.transport.resolves(&home).await && !self.transport.resolves(&host).await
    }

    fn home_host(&self) -> Option<String> {
        let service = self.api.service("sts").ok()?;
        let operation = service.operation("GetCallerIdentity").ok()?;
        let settings = EndpointSettings::new(self.settings.region.clone());
        let input = Value::Object(serde_json::Map::new());
        let endpoint = endpoint::resolve(&service, operation, &input, &settings).ok()?;
        host_of(&endpoint.url)
    }
}

fn host_of(url: &str) -> Option<String> {
    let uri: http::Uri = url.parse().ok()?;
    uri.host().map(str::to_owned)
}

impl Course<'_> {
    /// An error without an answer.
    pub(super) fn error(&self, kind: CallErrorKind, message: impl Into<String>) -> CallError {
        let context = CallContext {
            message: message.into(),
            region: self.region.clone(),
            attempts: self.attempts,
            ..self.call.context()
        };
        CallError::new(kind, context)
    }

    /// Something answered, but not as AWS does. It may have been a proxy's "later" or a broken
    /// connection; it is never "absent" and never "denied".
    fn malformed(&self, status: u16, reason: &str, headers: &http::HeaderMap) -> Next {
        let message = format!("HTTP status {status} with a broken answer: {reason}");
        let mut error = self.error(CallErrorKind::Failed, printable(&message, 500));
        error.set_status(status);
        match fault_of(status, "", "") {
            Fault::Throttled | Fault::Transient => {
                Next::Again(Again::Transient, retry_after(headers), error)
            }
            _ => Next::Done(Err(error)),
        }
    }

    /// An error with AWS's answer in it.
    fn service_error(&self, kind: CallErrorKind, answer: ServiceError) -> CallError {
        let message = if answer.code.is_empty() && answer.message.is_empty() {
            format!("HTTP status {} without an AWS error code", answer.status)
        } else if answer.code.is_empty() {
            format!("HTTP status {}: {}", answer.status, printable(&answer.message, 500))
        } else {
            answer.message
        };
        let context = CallContext {
            code: answer.code,
            query_code: answer.query_code,
            message,
            region: self.region.clone(),
            status: Some(answer.status),
            request_id: answer.request_id,
            attempts: self.attempts,
            ..self.call.context()
        };
        CallError::new(kind, context)
    }
}

impl ServiceError {
    /// `HEAD` answers have no body: the status is the answer, if AWS gave it (request id).
    fn is_bodiless(&self, operation: &Operation, status: u16) -> bool {
        operation.method() == "HEAD" && self.status == status && self.request_id.is_some()
    }

    fn is_absent_head(&self, operation: &Operation) -> bool {
        self.is_bodiless(operation, 404)
    }

    fn is_denied_head(&self, operation: &Operation) -> bool {
        self.is_bodiless(operation, 403)
    }
}
