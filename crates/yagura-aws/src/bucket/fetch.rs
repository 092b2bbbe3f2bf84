//! One object, piece by piece: a body that breaks off is taken up again where it ended, from the
//! same version of the object.
//! Listings and stores are in the parent module.

use std::collections::BTreeMap;
use std::pin::Pin;

use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body::Body as _;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;
use tokio::time::timeout;
use yagura_model::with_causes;

use super::Bucket;
use crate::client::{Call, Outgoing};
use crate::credentials::Signer;
use crate::error::{CallContext, CallError, CallErrorKind, seconds};

/// What may stand as it is in a path that S3 signs.
const PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A body that breaks off more often than this in a row, without a byte between, is given up.
const BREAKS_MAX: u32 = 4;

/// An object that is being read.
#[derive(Debug)]
pub struct Fetched {
    /// The size of the whole object, where S3 said it.
    pub size_bytes: Option<u64>,
    /// Its entity tag, without quotes.
    pub etag: Option<String>,
    /// Its version, in buckets that keep versions.
    pub version: Option<String>,
    /// When it was put.
    pub modified: Option<Timestamp>,
    /// Its user metadata: names in lower case, without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
    bucket: Bucket,
    key: String,
    body: Pin<Box<SdkBody>>,
    read_bytes: u64,
    breaks: u32,
}

/// Which content of an object to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Content<'a> {
    /// This version; else the newest.
    pub version: Option<&'a str>,
    /// Only if its entity tag (without quotes) is this one.
    pub etag: Option<&'a str>,
}

/// Opens an object from its beginning.
pub(super) async fn open(
    bucket: &Bucket,
    key: &str,
    content: Content<'_>,
) -> Result<Fetched, CallError> {
    let response = request(bucket, key, content, None).await?;
    let (parts, body) = response.into_parts();
    let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let metadata = parts
        .headers
        .iter()
        .filter_map(|(name, value)| {
            let name = name.as_str().strip_prefix("x-amz-meta-")?;
            Some((name.to_owned(), value.to_str().ok()?.to_owned()))
        })
        .collect();
    let modified = text("last-modified")
        .and_then(|time| jiff::fmt::rfc2822::parse(time).ok())
        .map(|time| time.timestamp());
    Ok(Fetched {
        size_bytes: text("content-length").and_then(|size| size.parse().ok()),
        etag: text("etag").map(|etag| etag.trim_matches('"').to_owned()),
        version: text("x-amz-version-id").filter(|id| *id != "null").map(str::to_owned),
        modified,
        metadata,
        bucket: bucket.clone(),
        key: key.to_owned(),
        body: Box::pin(body),
        read_bytes: 0,
        breaks: 0,
    })
}

async fn request(
    bucket: &Bucket,
    key: &str,
    content: Content<'_>,
    resume: Option<u64>,
) -> Result<http::Response<SdkBody>, CallError> {
    let mut path_and_query = format!("/{}", utf8_percent_encode(key, PATH));
    if let Some(version) = content.version {
        path_and_query.push_str("?versionId=");
        path_and_query.extend(utf8_percent_encode(version, QUERY));
    }
    let mut headers = http::HeaderMap::new();
    if bucket.requester_pays {
        let payer = http::HeaderValue::from_static("requester");
        headers.insert("x-amz-request-payer", payer);
    }
    let header = |text: String| http::HeaderValue::try_from(text).ok();
    if let Some(range) = resume.and_then(|from| header(format!("bytes={from}-"))) {
        headers.insert(http::header::RANGE, range);
    }
    if let Some(etag) = content.etag.and_then(|etag| header(format!("\"{etag}\""))) {
        headers.insert(http::header::IF_MATCH, etag);
    }
    let outgoing =
        Outgoing { method: http::Method::GET, path_and_query, headers, body: Bytes::new() };
    let input = json!({"Bucket": bucket.name, "Key": key});
    let call = call(bucket, &input);
    let inner = &bucket.client.aws().inner;
    let response = inner.open(call, &outgoing, bucket.client.cancel()).await?.response;
    match (response.status().as_u16(), resume) {
        (206, Some(_)) | (200, None) => Ok(response),
        (412, _) => {
            let context = CallContext {
                code: "PreconditionFailed".into(),
                message: "the object has been replaced".into(),
                ..call.context()
            };
            Err(CallError::new(CallErrorKind::Failed, context))
        }
        (status, _) => Err(call.failed(format!("S3 answered with the status {status}"))),
    }
}

fn call<'a>(bucket: &'a Bucket, input: &'a serde_json::Value) -> Call<'a> {
    Call {
        target: &bucket.target,
        signer: Signer::Account,
        service: "s3",
        operation: "GetObject",
        input,
    }
}

impl Fetched {
    /// The next piece of the object; `None` at its end, once all of it came.
    ///
    /// # Errors
    /// When the body breaks off and cannot be taken up again. A piece never comes twice.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, CallError> {
        loop {
            let wait = self.bucket.client.aws().inner.attempt_timeout();
            let frame = std::future::poll_fn(|context| self.body.as_mut().poll_frame(context));
            let fault = tokio::select! {
                biased;
                () = self.bucket.client.cancel().cancelled() => {
                    return Err(self.error(CallErrorKind::Interrupted, String::new()));
                }
                frame = timeout(wait, frame) => match frame {
                    Ok(Some(Ok(frame))) => match frame.into_data() {
                        Ok(bytes) if !bytes.is_empty() => return Ok(Some(self.count(bytes))),
                        _ => continue,
                    },
                    Ok(None) if self.is_whole() => return Ok(None),
                    Ok(None) => "the body ended early".to_owned(),
                    Ok(Some(Err(error))) => with_causes(&*error),
                    Err(_) => format!("nothing came for {}", seconds(wait)),
                },
            };
            self.resume(fault).await?;
        }
    }

    /// The rest of the object in one piece.
    ///
    /// # Errors
    /// As [`Fetched::chunk`], and when it is larger than `size_bytes_max`.
    pub async fn whole(mut self, size_bytes_max: usize) -> Result<Vec<u8>, CallError> {
        let mut whole = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if whole.len() + chunk.len() > size_bytes_max {
                let message = format!("the object is larger than {size_bytes_max} bytes");
                return Err(self.error(CallErrorKind::Failed, message));
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(whole)
    }

    fn count(&mut self, bytes: Bytes) -> Bytes {
        self.bucket.client.aws().inner.count_body(bytes.len());
        self.read_bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.breaks = 0;
        bytes
    }

    fn is_whole(&self) -> bool {
        self.size_bytes.is_none_or(|size| self.read_bytes >= size)
    }

    /// Takes the body up again behind the last byte that came.
    async fn resume(&mut self, fault: String) -> Result<(), CallError> {
        self.breaks += 1;
        let Some(etag) = self.etag.clone().filter(|_| self.breaks <= BREAKS_MAX) else {
            return Err(self.error(CallErrorKind::Failed, fault));
        };
        if self.read_bytes > 0 && self.is_whole() && self.size_bytes.is_some() {
            self.body = Box::pin(SdkBody::empty());
            return Ok(());
        }
        let version = self.version.clone();
        let content = Content { version: version.as_deref(), etag: Some(&etag) };
        let from = Some(self.read_bytes);
        let response = request(&self.bucket, &self.key, content, from).await?;
        self.body = Box::pin(response.into_body());
        Ok(())
    }

    fn error(&self, kind: CallErrorKind, message: String) -> CallError {
        let input = serde_json::Value::Null;
        call(&self.bucket, &input).error(kind, message)
    }
}
