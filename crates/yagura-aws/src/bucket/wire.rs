//! What object_store sends, sent our way: it writes the requests and reads the answers, and
//! everything between (addresses, signatures, sessions, limits, retries) is the client's.
//! Which writes are allowed is decided in `store`.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpResponseBody, HttpService,
};
use serde_json::json;
use tokio::time::{Instant, Sleep};
use yagura_model::with_causes;

use super::Bucket;
use crate::client::{Aws, Call, Opened, Outgoing};
use crate::credentials::Signer;
use crate::error::{CallError, CallErrorKind};

/// Makes the way out for one bucket.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    pub(super) bucket: Bucket,
    /// Whether anything but GET and HEAD may leave.
    pub(super) writes: bool,
}

impl HttpConnector for Wire {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait::async_trait]
impl HttpService for Wire {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let target = &self.bucket.target;
        let input = json!({"Bucket": self.bucket.name});
        let call = Call {
            target,
            signer: Signer::Account,
            service: "s3",
            operation: operation(&parts.method, parts.uri.query()),
            input: &input,
        };
        if !self.writes && !parts.method.is_safe() {
            let kind = CallErrorKind::Refused(crate::error::Refusal::NotARead);
            return Err(final_error(call.error(kind, String::new())));
        }
        let body = body.collect().await?.to_bytes();
        let path = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let outgoing = Outgoing {
            method: parts.method,
            path_and_query: path.to_owned(),
            headers: parts.headers,
            body,
        };
        let client = &self.bucket.client;
        let inner = &client.aws().inner;
        let opened = match inner.open(call, &outgoing, client.cancel()).await {
            Ok(opened) => opened,
            Err(error) if error.kind == CallErrorKind::Absent => return Ok(missing(&error)),
            Err(error) => return Err(final_error(error)),
        };
        if opened.doubtful && opened.response.status() == http::StatusCode::PRECONDITION_FAILED {
            return self.settle(call, &outgoing, opened).await;
        }
        Ok(self.answer(opened.response))
    }
}

impl Wire {
    fn answer(&self, response: http::Response<SdkBody>) -> HttpResponse {
        let aws = self.bucket.client.aws().clone();
        let wait = aws.inner.attempt_timeout();
        response.map(|body| HttpResponseBody::new(Watched::new(body, aws, wait)))
    }

    /// A conditional write lost to somebody, after an attempt of ours that may have been done:
    /// if the object is what we wrote, we were that somebody.
    async fn settle(
        &self,
        call: Call<'_>,
        outgoing: &Outgoing,
        lost: Opened,
    ) -> Result<HttpResponse, HttpError> {
        let look = Outgoing {
            method: http::Method::GET,
            path_and_query: outgoing.path_and_query.clone(),
            headers: http::HeaderMap::new(),
            body: Bytes::new(),
        };
        let call = Call { operation: "GetObject", ..call };
        let client = &self.bucket.client;
        let found = client.aws().inner.open(call, &look, client.cancel()).await;
        let found = self.answer(found.map_err(final_error)?.response);
        let (parts, body) = found.into_parts();
        let body = body.bytes().await?;
        if parts.status.is_success() && body == outgoing.body {
            let mut response = http::Response::new(HttpResponseBody::from(Bytes::new()));
            *response.headers_mut() = parts.headers;
            response.headers_mut().remove(http::header::CONTENT_LENGTH);
            return Ok(response);
        }
        Ok(self.answer(lost.response))
    }
}

/// The operation of a request, for messages and for how its errors are read.
fn operation(method: &http::Method, query: Option<&str>) -> &'static str {
    let has = |name: &str| {
        query.is_some_and(|query| {
            query.split('&').any(|one| one.split('=').next().is_some_and(|key| key == name))
        })
    };
    match method.as_str() {
        "HEAD" => "HeadObject",
        "GET" if has("list-type") => "ListObjectsV2",
        "GET" => "GetObject",
        "PUT" if has("uploadId") => "UploadPart",
        "PUT" => "PutObject",
        "POST" if has("delete") => "DeleteObjects",
        "POST" if has("uploads") => "CreateMultipartUpload",
        "POST" => "CompleteMultipartUpload",
        "DELETE" if has("uploadId") => "AbortMultipartUpload",
        _ => "DeleteObject",
    }
}

/// An error that object_store must not try again: all attempts were made.
fn final_error(error: CallError) -> HttpError {
    HttpError::new(HttpErrorKind::Unknown, error)
}

/// S3's "there is no such key", in the form that object_store reads.
fn missing(error: &CallError) -> HttpResponse {
    let body = HttpResponseBody::from(error.code().to_owned());
    let mut response = http::Response::new(body);
    *response.status_mut() = http::StatusCode::NOT_FOUND;
    response
}

/// A body that is counted, and that does not wait for ever.
struct Watched {
    body: Pin<Box<SdkBody>>,
    aws: Aws,
    wait: Duration,
    timer: Pin<Box<Sleep>>,
}

impl Watched {
    fn new(body: SdkBody, aws: Aws, wait: Duration) -> Self {
        Self { body: Box::pin(body), aws, wait, timer: Box::pin(tokio::time::sleep(wait)) }
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        match self.body.as_mut().poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(bytes) = frame.data_ref() {
                    self.aws.inner.count_body(bytes.len());
                }
                let wake = Instant::now() + self.wait;
                self.timer.as_mut().reset(wake);
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                let broken = std::io::Error::other(with_causes(&*error));
                Poll::Ready(Some(Err(HttpError::new(HttpErrorKind::Interrupted, broken))))
            }
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => match self.timer.as_mut().poll(context) {
                Poll::Ready(()) => {
                    let silent = std::io::Error::from(std::io::ErrorKind::TimedOut);
                    Poll::Ready(Some(Err(HttpError::new(HttpErrorKind::Timeout, silent))))
                }
                Poll::Pending => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        http_body::Body::size_hint(&*self.body)
    }
}
