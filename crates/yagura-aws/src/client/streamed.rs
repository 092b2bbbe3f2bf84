//! Calls of S3 whose bodies are too large to hold: a request made elsewhere is sent with our
//! sessions, limits, retries and lessons, and its answer is given as soon as the head is there.
//! What the requests say is object_store's (`bucket`); whole answers are in `attempts`.

use std::sync::Arc;
use std::time::Duration;

use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use super::attempts::{Attempt, Course, Next};
use super::{Call, Inner};
use crate::credentials::Session;
use crate::error::{CallError, CallErrorKind};
use crate::limits::{Lane, LaneKey};
use crate::transport::TransportFault;

/// A request without address and signature.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) method: http::Method,
    /// What follows the bucket's address: encoded path and query, with the leading slash.
    pub(crate) path_and_query: String,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

impl Outgoing {
    /// Only the first of two writers shall win: `If-None-Match`, `If-Match`.
    fn is_conditional_write(&self) -> bool {
        let conditional = [http::header::IF_NONE_MATCH, http::header::IF_MATCH];
        !self.method.is_safe() && conditional.iter().any(|name| self.headers.contains_key(name))
    }
}

/// An answer whose body is still to come.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) response: http::Response<SdkBody>,
    /// Whether a conditional write may have been done by an attempt whose answer was lost.
    pub(crate) doubtful: bool,
}

/// Answers that mean something to the one who asked, errors or not: not modified, a write that
/// lost, a range beyond the end.
fn is_for_the_caller(status: u16) -> bool {
    (200..300).contains(&status) || matches!(status, 304 | 412 | 416)
}

impl Inner {
    /// How long the next piece of a body may take.
    pub(crate) fn attempt_timeout(&self) -> Duration {
        self.settings.attempt_timeout
    }

    /// Counts what was read of a body.
    pub(crate) fn count_body(&self, size_bytes: usize) {
        self.counters.answer(size_bytes);
    }

    /// Sends a request until its answer's head is there, or it is given up.
    ///
    /// A 404 is [`CallErrorKind::Absent`] only where S3 says that the *key* (or version) does not
    /// exist; a missing bucket, or a 404 that S3 did not send, is a failure.
    pub(crate) async fn open(
        &self,
        call: Call<'_>,
        outgoing: &Outgoing,
        cancel: &CancellationToken,
    ) -> Result<Opened, CallError> {
        tokio::select! {
            biased;
            () = cancel.cancelled() => {
                Err(call.error(CallErrorKind::Interrupted, String::new()))
            }
            result = self.open_now(call, outgoing) => result,
        }
    }

    async fn open_now(&self, call: Call<'_>, outgoing: &Outgoing) -> Result<Opened, CallError> {
        let service = self.service(&call)?;
        let operation = self.find(&call, &service)?;
        let mut course = self.course(call, &service, operation);
        let mut doubtful = false;
        loop {
            let session = self.session(&call).await?;
            let request = self.addressed(&course, outgoing, &session)?;
            let lane = self.limits.lane(LaneKey {
                account: call.target.account.clone(),
                region: course.region.clone(),
                service: call.service.to_owned(),
            });
            let permit = self.limits.admit(&lane).await;
            let sent = Instant::now();
            let deadline = *course.deadline.get_or_insert(sent + self.settings.deadline);
            let until = deadline.min(sent + self.settings.attempt_timeout);
            self.counters.attempt(course.attempts == 0);
            course.attempts += 1;
            let attempt = match timeout_at(until, self.transport.open(request)).await {
                Ok(Ok(response)) if is_for_the_caller(response.status().as_u16()) => {
                    self.retries.answered(course.attempts);
                    return Ok(Opened { response, doubtful });
                }
                Ok(Ok(response)) => self.refusal(&course, response, until).await,
                Ok(Err(fault)) => Attempt::NotAnswered(fault),
                Err(_) => Attempt::NoTime,
            };
            drop(permit);
            doubtful |= outgoing.is_conditional_write() && may_have_been_done(&attempt);
            if let Some(result) = self.decide(&mut course, attempt, &session, &lane, sent).await {
                return Err(result);
            }
        }
    }

    /// Waits before the next attempt, or gives the error that ends the call.
    async fn decide(
        &self,
        course: &mut Course<'_>,
        attempt: Attempt,
        session: &Arc<Session>,
        lane: &Lane,
        sent: Instant,
    ) -> Option<CallError> {
        match self.next(course, attempt, Some(session), lane, sent).await {
            Next::Done(Err(error)) => Some(absent_key(error)),
            // An error's body is never an answer.
            Next::Done(Ok(_)) => {
                Some(course.error(CallErrorKind::Failed, "the answer is no answer of S3"))
            }
            Next::AtOnce => None,
            Next::Again(again, asked, error) => {
                let pause = self.retries.pause(again, course.attempts, asked);
                let wake = pause.map(|pause| Instant::now() + pause);
                match wake.filter(|wake| course.deadline.is_none_or(|end| *wake < end)) {
                    Some(wake) => sleep_until(wake).await,
                    None => return Some(error),
                }
                None
            }
        }
    }

    /// The request with its address and signature, both made anew for each attempt: the bucket
    /// may turn out to live elsewhere, the session may have ended.
    fn addressed(
        &self,
        course: &Course<'_>,
        outgoing: &Outgoing,
        session: &Session,
    ) -> Result<http::Request<Bytes>, CallError> {
        let endpoint = self.endpoint(course)?;
        let uri = format!("{}{}", endpoint.url.trim_end_matches('/'), outgoing.path_and_query);
        let mut request = http::Request::builder()
            .method(outgoing.method.clone())
            .uri(uri)
            .body(outgoing.body.clone())
            .map_err(|error| course.call.failed(error.to_string()))?;
        *request.headers_mut() = outgoing.headers.clone();
        request.headers_mut().remove(http::header::HOST);
        let agent = concat!("yagura/", env!("CARGO_PKG_VERSION"));
        let agent = http::HeaderValue::from_static(agent);
        request.headers_mut().insert(http::header::USER_AGENT, agent);
        self.sign(course, &endpoint, session, &mut request)?;
        Ok(request)
    }

    /// Reads an answer that is an error.
    async fn refusal(
        &self,
        course: &Course<'_>,
        response: http::Response<SdkBody>,
        until: Instant,
    ) -> Attempt {
        match timeout_at(until, self.transport.whole(response)).await {
            Ok(Ok(answer)) => self.read(course, answer),
            Ok(Err(fault)) => Attempt::NotAnswered(fault),
            Err(_) => Attempt::NoTime,
        }
    }
}

/// Whether a write may have been done although its answer says otherwise or never came.
fn may_have_been_done(attempt: &Attempt) -> bool {
    match attempt {
        Attempt::NotAnswered(TransportFault::NoSuchHost(_)) | Attempt::Answered(_) => false,
        Attempt::Refused(error) => error.status >= 500 && error.code != "SlowDown",
        _ => true,
    }
}

/// Only a key that S3 calls missing is absent: a caller who goes on without an object must be
/// sure that it is gone.
fn absent_key(error: CallError) -> CallError {
    let gone = ["NoSuchKey", "NoSuchVersion", "NoSuchUpload"].iter().any(|code| error.is(code));
    match gone {
        true => error.with_kind(CallErrorKind::Absent),
        false => error,
    }
}
