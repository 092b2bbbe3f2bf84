//! Requests that are sent twice: with an `Idempotency-Key` a request is done once within a day, and
//! its answer given again.
//! Keys and answers are kept in the store.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use sha2::{Digest as _, Sha256};
use yagura_store::repeats::{Repeat, RepeatAnswer};

use super::endpoint::whole;
use crate::fault::{Answer, Fault};
use crate::state::Console;
use crate::viewer::Viewer;

/// Characters of a key at most.
const KEY_CHARS_MAX: usize = 128;
/// The header that names a request.
pub(super) const HEADER: &str = "idempotency-key";

/// A request with a name of its sender's choice.
pub(super) struct Once(Repeat);

impl Once {
    /// None where the sender gave it no name.
    pub(super) fn of(
        viewer: &Viewer,
        headers: &HeaderMap,
        uri: &Uri,
        body: &[u8],
    ) -> Result<Option<Self>, Fault> {
        let Some(key) = headers.get(HEADER) else { return Ok(None) };
        let key = key.to_str().unwrap_or_default();
        if key.is_empty() || key.len() > KEY_CHARS_MAX {
            let text = format!("`Idempotency-Key` is 1 to {KEY_CHARS_MAX} visible characters");
            return Err(Fault::BadRequest(text));
        }
        let mut digest = Sha256::new();
        digest.update(uri.path().as_bytes());
        digest.update([0]);
        digest.update(headers.get(header::IF_MATCH).map_or(&[][..], HeaderValue::as_bytes));
        digest.update([0]);
        digest.update(body);
        let digest: [u8; 32] = digest.finalize().into();
        Ok(Some(Self(Repeat {
            person: viewer.name.clone(),
            key: key.to_owned(),
            digest: digest.to_vec(),
        })))
    }
}

/// The answer that was given before.
pub(super) async fn known(
    console: &Console,
    once: Option<&Once>,
) -> Result<Option<Response>, Fault> {
    let Some(Once(repeat)) = once else { return Ok(None) };
    let Some(answer) = console.store().repeats().find(repeat, console.now()).await? else {
        return Ok(None);
    };
    if answer.digest != repeat.digest {
        let text = "this `Idempotency-Key` was used for another request within the last day";
        return Err(Fault::BadRequest(text.to_owned()));
    }
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
    Ok(Some(response))
}

/// Keeps an answer for who asks again.
pub(super) async fn keep(console: &Console, once: Option<Once>, response: Response) -> Answer {
    let Some(Once(repeat)) = once else { return Ok(response) };
    let (status, body, response) = whole(response).await?;
    let answer = RepeatAnswer {
        digest: repeat.digest.clone(),
        status: status.as_u16(),
        body: body.to_vec(),
    };
    console.store().repeats().keep(&repeat, &answer, console.now()).await?;
    Ok(response)
}
