//! Sends one request over HTTP and reads a bounded answer. Redirections are not followed: what is
//! sent is meant for the address that the site's owner wrote, and for no other.
//! What answers mean is said by the channel's file.

use std::time::Duration;

use jiff::SignedDuration;
use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use yagura_content::format::HttpMethod;
use yagura_model::with_causes;

use super::request::Request;
use crate::error::RespondError;

/// How long a connection may take to be made, and everything together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// The longest that a target may ask to be left alone.
const WAIT_MAX: SignedDuration = SignedDuration::from_hours(6);

/// Sends requests, over connections of its own.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    client: reqwest::Client,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// As expressions see it: `status`, `body` (JSON), `text`.
    pub(crate) output: Value,
    pub(crate) text: String,
    /// How long the target asks to be left alone.
    pub(crate) wait: Option<SignedDuration>,
}

impl Http {
    pub(crate) fn new() -> Result<Self, RespondError> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .pool_idle_timeout(Duration::from_secs(20))
            .user_agent(concat!("yagura/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| RespondError::Http(chain(error)))?;
        Ok(Self { client })
    }

    /// Sends a request.
    ///
    /// # Errors
    /// Why there is no whole answer; the address, which may be a secret, is not in it.
    pub(crate) async fn send(&self, request: Request, now: Timestamp) -> Result<Answer, String> {
        let method = match request.method {
            HttpMethod::Get => reqwest::Method::GET,
            HttpMethod::Post => reqwest::Method::POST,
            HttpMethod::Put => reqwest::Method::PUT,
            HttpMethod::Patch => reqwest::Method::PATCH,
        };
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            let field = name.parse::<HeaderName>().ok().zip(HeaderValue::from_str(value).ok());
            let (name, mut value) =
                field.ok_or_else(|| format!("the header `{name}` cannot be sent"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let mut outgoing = self.client.request(method, &request.url).headers(headers);
        if let Some(body) = request.body {
            outgoing = outgoing.body(body);
        }
        let mut response = outgoing.send().await.map_err(chain)?;
        let status = response.status().as_u16();
        let wait = wait_of(response.headers(), now);
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(chain)? {
            let room = ANSWER_BYTES_MAX.saturating_sub(bytes.len());
            bytes.extend(chunk.iter().copied().take(room));
            if chunk.len() > room {
                break;
            }
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        let output = json!({"status": status, "body": body, "text": text});
        Ok(Answer { status, output, text, wait })
    }
}

/// An error with its causes, without the address.
fn chain(error: reqwest::Error) -> String {
    with_causes(&error.without_url())
}

/// How long a target asks to be left alone: `Retry-After` in seconds or as a date (RFC 9110,
/// 10.2.3), else `X-RateLimit-Reset` in seconds since 1970 where nothing is left (Nulab, "Rate
/// Limit").
fn wait_of(headers: &HeaderMap, now: Timestamp) -> Option<SignedDuration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let until = |at: Timestamp| at.duration_since(now);
    let after = text("retry-after").and_then(|value| {
        let seconds = value.trim().parse::<f64>().ok().filter(|seconds| seconds.is_finite());
        seconds.and_then(|seconds| SignedDuration::try_from_secs_f64(seconds).ok()).or_else(|| {
            let date = jiff::fmt::rfc2822::parse(value).ok()?;
            Some(until(date.timestamp()))
        })
    });
    let reset = || {
        let left = text("x-ratelimit-remaining")?;
        let at: i64 = text("x-ratelimit-reset")?.trim().parse().ok()?;
        let at = Timestamp::from_second(at).ok().filter(|_| left.trim() == "0")?;
        Some(until(at))
    };
    after
        .or_else(reset)
        .filter(SignedDuration::is_positive)
        .map(|wait| if wait > WAIT_MAX { WAIT_MAX } else { wait })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(fields: &[(&'static str, &str)], expected_s: Option<i64>) {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.insert(*name, value.parse().unwrap());
        }
        let now = "2026-11-22T05:00:00Z".parse().unwrap();
        let wait = wait_of(&headers, now).map(|wait| wait.as_secs());
        assert_eq!(wait, expected_s, "{fields:?}");
    }

    #[test]
    fn a_target_says_how_long_it_is_to_be_left_alone() {
        check(&[("retry-after", "30")], Some(30));
        check(&[("retry-after", "Sun, 22 Nov 2026 05:01:00 GMT")], Some(60));
        check(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1795323660")], Some(60));
        check(&[("x-ratelimit-remaining", "5"), ("x-ratelimit-reset", "1795323660")], None);
        check(&[("retry-after", "999999999")], Some(6 * 3_600));
        for text in ["-5", "0", "soon", "", "NaN", "Sun, 22 Nov 2020 05:01:00 GMT"] {
            check(&[("retry-after", text)], None);
        }
        check(&[], None);
    }
}
